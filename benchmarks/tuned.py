"""Which options suit each method: tuned on some problems, judged on others.

    python tuned.py study METHOD       gd, deep or homotopy; goes on from tuned/METHOD.log
    python tuned.py study invert GENERATORS
    python tuned.py judge METHOD       or invert GENERATORS

A study takes 50 variables and counts points alone (a million), so that the clock of a busy
machine has no part in it; its metric is the mean of log10 of the gap above the minimum. Judging
takes other problems, other seeds and equal wall time, after a call that compiles: the defaults, the
best of the study, ten seeds. GENERATORS is the folder of trainings of ``deepopt bench surfing
--scale half``: targets of wgan-20 in the study, of vae-20 and wgan-gp-20 in the judgement, by
forward passes.
"""

from __future__ import annotations

import functools
import json
import sys
import time
from pathlib import Path

import common

common.one_thread()

import numpy as np  # noqa: E402

from deepopt._tune_files import shown, write_trials  # noqa: E402

HERE = Path(__file__).parent
TRIALS = {"gd": 45, "deep": 45, "homotopy": 30, "invert": 60}
WARM = {"gd": 0.1, "deep": 0.1, "homotopy": 10.0}  # seconds of the call that compiles
POINTS, SECONDS, SEEDS = 1_000_000, 1.5, 10
LEAST = 1e-6  # what is nearer to the minimum than this part is as good
RANGES = {
    "gd": {"output_map": ["sigmoid", "reflect"]},
    "deep": {"n_hidden": (2, 60, "log"), "n_embeddings": (5, 100, "log")},
    "homotopy": {},
    "invert": {"solver": ["lm"], "n_starts": None},
}


def training() -> list:
    from deepopt.problems import ackley, levy, rastrigin, rosenbrock, styblinski_tang

    return [
        ackley.shifted(rng=101), levy.shifted(rng=102).rotated(rng=103), rastrigin.shifted(rng=104),
        rosenbrock.shifted(rng=105), styblinski_tang.shifted(rng=106),
    ]  # fmt: skip


def held_out() -> dict:
    from deepopt.problems import (
        ackley,
        levy,
        michalewicz,
        rastrigin,
        rosenbrock,
        schwefel,
        sphere,
    )

    return {
        "schwefel": schwefel, "michalewicz": michalewicz, "levy, shifted": levy.shifted(rng=1),
        "ackley, rotated": ackley.shifted(rng=2).rotated(rng=3),
        "rastrigin, rotated": rastrigin.shifted(rng=4).rotated(rng=5),
        "rosenbrock, rotated": rosenbrock.shifted(rng=6).rotated(rng=7),
        "sphere, shifted": sphere.shifted(rng=8),
    }  # fmt: skip


def gap(problem, value: float) -> float:
    """How far above the minimum, as a part of where a random point lies."""
    return max((value - problem.fmin) / spread(problem), LEAST)


@functools.cache
def spread(problem) -> float:
    """The mean of f over its box, above the minimum."""
    points = np.random.default_rng(0).uniform(problem.low, problem.high, (1000, problem.dim))
    return float(np.mean(problem(points))) - problem.fmin


def tuning(method: str, generators: Path | None):
    """The study, new or as it stands."""
    from deepopt._tune import Tuning

    folder = HERE / "tuned"
    folder.mkdir(exist_ok=True)
    shared = {
        "storage": f"journal:///{folder / method}.log", "study_name": method, "sampler": None,
        "pruner": None, "target": None, "seeds": 1, "rng": 0, "ranges": RANGES[method],
    }  # fmt: skip
    if method == "invert":
        y = targets(generators, "wgan-20")
        source = generators / "wgan-20-half-40-0-tensorflow"
        return Tuning(source, "direct", metric=passes, options={}, y=y, **shared)
    problems = training()

    def left(results: list) -> float:
        return float(
            np.mean([np.log10(gap(p, r.fun)) for p, r in zip(problems, results, strict=True)])
        )

    return Tuning(problems, method, metric=left, options={"maxfev": POINTS}, **shared)


def passes(results: list) -> float:
    """Mean forward passes, a target that is not found at ten times what it took."""
    cost = np.concatenate([result.cost + result.preparation / len(result.x) for result in results])
    found = np.concatenate([result.found for result in results])
    return float(np.mean(np.where(found, cost, 10.0 * cost)))


def targets(generators: Path, name: str):
    from deepopt.generators.sources import open_checkpoints

    source = open_checkpoints(generators / f"{name}-half-40-0-tensorflow")
    wanted = np.random.default_rng(2027).uniform(-1.0, 1.0, (100, source.latent_dim))
    return source.outputs(len(source) - 1, wanted)


def study(method: str, generators: Path | None) -> None:
    tuned = tuning(method, generators)
    done = len(tuned.study.trials)

    def say(_, trial) -> None:
        seconds = round(trial.duration.total_seconds(), 1)
        print(trial.number, trial.state.name, trial.values, seconds, flush=True)

    if done < TRIALS[method]:
        tuned.run(TRIALS[method] - done, None, [say], time.perf_counter())
    print(tuned.result())
    kept = common.RESULTS / "tuned"
    kept.mkdir(exist_ok=True)
    write_trials(tuned.study.trials, kept / f"{method}.csv")


def judge(method: str, generators: Path | None) -> None:
    """Defaults and tuned options on what the study has not seen; kept in results/tuned.json."""
    tuned = tuning(method, generators)
    options = {key: value for key, value in tuned.result().options.items() if key != "maxfev"}
    rows = judge_inversions(options, generators) if method == "invert" else races(method, options)
    kept = common.RESULTS / "tuned.json"
    results = json.loads(kept.read_text("utf-8"))["results"] if kept.exists() else {}
    results[method] = {
        "options": {key: shown(value) for key, value in options.items()},
        "study": tuned.result().summary, "rows": rows,
    }  # fmt: skip
    lines = [
        "| method | problem | left over: defaults | tuned | ratio | time to the defaults' end |",
        "| --- | --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    for name, found in results.items():
        lines += ["| " + " | ".join([name, *row.values()]) + " |" for row in found["rows"]]
    common.write("tuned", results, "\n".join(lines))
    common.insert("tuning.md", {"tuned": "\n".join(lines)})


def races(method: str, options: dict) -> list[dict]:
    """By problem the medians over the seeds, of calls of equal wall time."""
    import deepopt

    rows = []
    for name, problem in held_out().items():
        runs = {"defaults": [], "tuned": []}
        for seed in range(SEEDS):
            for who, given in (("defaults", {}), ("tuned", options)):
                call = functools.partial(deepopt.minimize, problem, method=method, rng=seed)
                if seed == 0:
                    call(options=given | {"maxtime": WARM[method]})
                runs[who].append(call(options=given | {"maxtime": SECONDS}))
        gaps = {
            who: np.array([gap(problem, run.fun) for run in each]) for who, each in runs.items()
        }
        times = [
            reached(run, base.fun) / base.history["time"][-1]
            for run, base in zip(runs["tuned"], runs["defaults"], strict=True)
        ]
        row = {"problem": name} | {who: f"{np.median(each):.2g}" for who, each in gaps.items()}
        row["ratio"] = f"{np.median(gaps['tuned'] / gaps['defaults']):.2g}"
        row["time"] = f"{np.median(times):.2g}"
        print(method, row, flush=True)
        rows.append(row)
    return rows


def reached(run, value: float) -> float:
    """Seconds until f was as low, infinite where it was not."""
    hits = np.flatnonzero(run.history["fun"] <= value)
    return float(run.history["time"][hits[0]]) if len(hits) else np.inf


def judge_inversions(options: dict, generators: Path) -> list[dict]:
    """By generator the mean forward passes over three seeds, one not found counted tenfold."""
    import deepopt
    from deepopt.generators.sources import open_checkpoints

    rows = []
    for name in ("vae-20", "wgan-gp-20", "wgan-20"):
        y = targets(generators, name)
        source = open_checkpoints(generators / f"{name}-half-40-0-tensorflow")
        mean = {}
        for who, given in (("defaults", {}), ("tuned", options)):
            seeds = (11, 12, 13)
            runs = [deepopt.invert(source, y, options=given, rng=seed) for seed in seeds]
            mean[who] = passes(runs)
        ratio = f"{mean['tuned'] / mean['defaults']:.2g}"
        rows.append(
            {"problem": f"{name}, passes", "defaults": f"{mean['defaults']:.0f}",
             "tuned": f"{mean['tuned']:.0f}", "ratio": ratio, "time": "-"}
        )  # fmt: skip
        print(rows[-1], flush=True)
    return rows


if __name__ == "__main__":
    what, method, *rest = sys.argv[1:]
    run = {"study": study, "judge": judge}[what]
    run(method, Path(rest[0]) if rest else None)
