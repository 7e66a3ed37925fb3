"""What many processes gain in a sweep, and what a study costs beside its trials.

    python sweeps.py

Sixteen equal cells by one worker and by two, each with a process's start and compilation; and a
study of twenty trials of two seconds in SQLite, beside the time that its runs take by themselves.
Wants a machine with two cores that nobody else uses.
"""

import functools
import tempfile
import time
from pathlib import Path

import common

CELLS, ITERATIONS = 16, 120_000
TRIALS, SECONDS = 20, 2.0


def work(seed: int) -> dict:
    import deepopt
    from deepopt.problems import rastrigin

    options = {"maxiter": ITERATIONS, "learning_rate": 0.01}
    result = deepopt.minimize(rastrigin, method="deep", options=options, rng=seed)
    return {"fun": result.fun}


def sweep() -> dict:
    from deepopt._support.progress import console_for
    from deepopt.bench._cells import Cell
    from deepopt.bench._sweep import run_cells

    cells = [
        Cell(f"c{seed}", {"seed": seed}, functools.partial(work, seed)) for seed in range(CELLS)
    ]
    seconds = {}
    for workers in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            begun = time.perf_counter()
            run_cells(cells, Path(folder), console_for(quiet=True), workers)
            seconds[workers] = round(time.perf_counter() - begun, 1)
    return {"one worker": seconds[1], "two workers": seconds[2]}


def study() -> dict:
    import deepopt
    from deepopt._tune import trial_minimize as _trial_minimize
    from deepopt.problems import rastrigin

    spent = []
    real = _trial_minimize.Minimising.run

    def timed(*given):
        begun = time.perf_counter()
        result = real(*given)
        spent.append(time.perf_counter() - begun)
        return result

    _trial_minimize.Minimising.run = timed
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        deepopt.tune(
            rastrigin.with_dim(10), "gd", n_trials=TRIALS, seeds=1, rng=0,
            storage=f"sqlite:///{folder}/study.db", options={"maxtime": SECONDS, "maxiter": 10**8},
        )  # fmt: skip
        whole = time.perf_counter() - begun
    return {"runs": round(sum(spent), 2), "study": round(whole, 2), "trials": len(spent) - 1}


def main() -> None:
    results = {"sweep": sweep(), "study": study()}
    one, two = results["sweep"].values()
    runs, whole = results["study"]["runs"], results["study"]["study"]
    table = "\n".join(
        [
            "| what | measured |",
            "| --- | --- |",
            f"| {CELLS} equal cells, one worker | {one} s |",
            f"| … two workers | {two} s, {two / one:.2f} of it |",
            f"| a study of {TRIALS} trials in SQLite, its runs alone | {runs} s |",
            f"| … whole | {whole} s, {100 * (whole / runs - 1):.1f} % more |",
        ]
    )
    common.write("sweeps", results, table)
    common.insert("tuning.md", {"sweeps": table})


if __name__ == "__main__":
    main()
