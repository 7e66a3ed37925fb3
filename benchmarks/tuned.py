"""Which options suit each method: tuned on some problems, judged on others.

    python tuned.py study METHOD       gd, deep or homotopy; goes on from tuned/METHOD.log
    python tuned.py study invert GENERATORS
    python tuned.py judge METHOD       or invert GENERATORS

A study takes 50 variables and counts points alone, so that the clock of a busy machine has no part
in it. Its metric is the mean of log10 of the gap above the minimum after a million points; for the
homotopy, which leaves none, of the points until it is there, with two seeds. Judging takes other
problems, other seeds and equal wall time, after a call that compiles: the defaults, the best of the
study, ten seeds. GENERATORS is the folder of trainings of ``deepopt bench surfing
--scale half``: targets of wgan-20 in the study, of vae-20 and wgan-gp-20 in the judgement, by
forward passes.
"""

from __future__ import annotations

import functools
import json
import sys
import time
from itertools import repeat
from pathlib import Path

import common

common.one_thread()

import numpy as np  # noqa: E402

from deepopt._tune.files import shown, write_trials  # noqa: E402

HERE = Path(__file__).parent
TRIALS = {"gd": 45, "deep": 45, "homotopy": 30, "invert": 60}
WARM = {"gd": 0.1, "deep": 0.1, "homotopy": 10.0}  # seconds of the call that compiles
SECONDS = {"gd": 1.5, "deep": 1.5, "homotopy": 5.0}
POINTS = {"gd": 1_000_000, "deep": 1_000_000, "homotopy": 400_000}
STUDY_SEEDS = {"homotopy": 2}
SEEDS = 10
MISSED = 10.0  # times all points, for a run that misses the minimum
LEAST = 1e-6  # what is nearer to the minimum than this part is as good
RANGES = {
    "gd": {"output_map": ["sigmoid", "reflect"]},
    "deep": {"n_hidden": (2, 60, "log"), "n_embeddings": (5, 100, "log")},
    "homotopy": {},
    "invert": {"solver": ["lm"], "n_starts": None},
}


def turned(problem, seed: int):
    """The problem with its minimum elsewhere, in other axes."""
    return problem.shifted(rng=seed).rotated(rng=seed + 1)


def training(method: str) -> list:
    from deepopt.bench.held_out import Salomon
    from deepopt.problems import ackley, levy, rastrigin, rosenbrock, styblinski_tang

    if method == "homotopy":
        kinds = (ackley, levy, rastrigin, styblinski_tang, Salomon(50))
        return [turned(kind, 111 + 2 * place) for place, kind in enumerate(kinds)]
    return [
        ackley.shifted(rng=101), turned(levy, 102), rastrigin.shifted(rng=104),
        rosenbrock.shifted(rng=105), styblinski_tang.shifted(rng=106),
    ]  # fmt: skip


def held_out(method: str) -> dict:
    from deepopt.bench.held_out import Alpine, Griewank, LennardJones, SmallNetwork
    from deepopt.problems import ackley, levy, michalewicz, rastrigin, rosenbrock, schwefel, sphere

    if method == "homotopy":
        return {
            "levy, shifted": levy.shifted(rng=1),
            "ackley, rotated": turned(ackley, 2),
            "rastrigin, rotated": turned(rastrigin, 4),
            "rosenbrock, rotated": turned(rosenbrock, 6),
            "griewank, rotated": turned(Griewank(50), 8),
            "alpine, rotated": turned(Alpine(50), 10),
            "Lennard-Jones, 13 atoms": LennardJones(39),
            "small network": SmallNetwork(),
        }
    return {
        "schwefel": schwefel, "michalewicz": michalewicz, "levy, shifted": levy.shifted(rng=1),
        "ackley, rotated": turned(ackley, 2), "rastrigin, rotated": turned(rastrigin, 4),
        "rosenbrock, rotated": turned(rosenbrock, 6), "sphere, shifted": sphere.shifted(rng=8),
    }  # fmt: skip


def gap(problem, value: float) -> float:
    """How far above the minimum, as a part of where a random point lies."""
    return max((value - problem.fmin) / spread(problem), LEAST)


@functools.cache
def spread(problem) -> float:
    """The median of f over its box, above the minimum."""
    points = np.random.default_rng(0).uniform(problem.low, problem.high, (1000, problem.dim))
    return float(np.median(problem(points))) - problem.fmin


def near(problem) -> float:
    """A value of the minimum's own valley, known to 1e-6 for clusters."""
    return problem.fmin + 1e-8 * spread(problem) + 1e-6


def tuning(method: str, generators: Path | None):
    """The study, new or as it stands."""
    from deepopt._tune.api import Tuning

    folder = HERE / "tuned"
    folder.mkdir(exist_ok=True)
    shared = {
        "storage": f"journal:///{folder / method}.log", "study_name": method, "sampler": None,
        "pruner": None, "target": None, "seeds": STUDY_SEEDS.get(method, 1), "rng": 0,
        "ranges": RANGES[method],
    }  # fmt: skip
    if method == "invert":
        y = targets(generators, "wgan-20")
        source = generators / "wgan-20-half-40-0-tensorflow"
        return Tuning(source, "direct", metric=passes, options={}, y=y, **shared)
    problems, points = training(method), POINTS[method]

    def left(results: list) -> float:
        return float(
            np.mean([np.log10(gap(p, r.fun)) for p, r in zip(problems, results, strict=True)])
        )

    def taken(results: list) -> float:
        subjects = [problem for problem in problems for _ in range(shared["seeds"])]
        until = [first(run, "nfev", near(p)) for p, run in zip(subjects, results, strict=True)]
        return float(np.mean(np.log10(np.minimum(until, MISSED * points))))

    metric = taken if method == "homotopy" else left
    return Tuning(problems, method, metric=metric, options={"maxfev": points}, **shared)


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
        "| method | problem | left over: defaults | tuned | ratio | ratio of times to a target |",
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
    for name, problem in held_out(method).items():
        runs = {"defaults": [], "tuned": []}
        for seed in range(SEEDS):
            for who, given in (("defaults", {}), ("tuned", options)):
                call = functools.partial(deepopt.minimize, problem, method=method, rng=seed)
                if seed == 0:
                    call(options=given | {"maxtime": WARM[method]})
                runs[who].append(call(options=given | {"maxtime": SECONDS[method]}))
        gaps = {
            who: np.array([gap(problem, run.fun) for run in each]) for who, each in runs.items()
        }
        targets = [max(run.history["fun"][-1], near(problem)) for run in runs["defaults"]]
        times = {
            who: np.array([first(*pair) for pair in zip(each, repeat("time"), targets)])
            for who, each in runs.items()
        }
        row = {"problem": name} | {who: f"{np.median(each):.2g}" for who, each in gaps.items()}
        row["ratio"] = f"{np.median(gaps['tuned'] / gaps['defaults']):.2g}"
        row["time"] = f"{np.median(times['tuned'] / times['defaults']):.2g}"
        print(method, row, flush=True)
        rows.append(row)
    return rows


def first(run, what: str, value: float) -> float:
    """Points ("nfev") or seconds ("time") until f was as low, infinite where it was not."""
    hits = np.flatnonzero(run.history["fun"] <= value)
    return float(run.history[what][hits[0]]) if len(hits) else np.inf


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
