"""Whole processes, from the first line to the end: what a user feels.

    python cold.py

NumPy functions beside SciPy's dual annealing, in turns, the median of five processes each; traced
functions with the seconds of the import, to the minimum, to the last gain and to the call's end.
Writes results/cold.{json,md}.
"""

import json
import os
import statistics
import subprocess
import sys
import time

import common

TIMES = 5
FUNCTIONS = {
    "Himmelblau, d = 2": ("(x[0]**2 + x[1] - 11)**2 + (x[0] + x[1]**2 - 7)**2", 2, 5.0),
    "two wells, d = 3": ("np.sum((x**2 - 1)**2 + 0.3*x)", 3, 2.0),
    "waves, d = 4": ("np.sum((x - 0.3)**2 + 1 - np.cos(5*(x - 0.3)))", 4, 2.0),
    "Rastrigin, d = 5": ("np.sum((x - 0.3)**2 + 10 - 10*np.cos(2*np.pi*(x - 0.3)))", 5, 5.12),
    "Rosenbrock, d = 6": ("np.sum(100*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)", 6, 2.0),
    "a parabola, d = 1": ("(x[0] - 1)**2", 1, 4.0),
}
OURS = """
import numpy as np, deepopt, json, sys
result = deepopt.minimize(lambda x: float({f}), bounds=[(-{w}, {w})] * {d}, rng=0)
loaded = sorted({{"keras", "tensorflow", "jax", "torch"}} & set(sys.modules))
print(json.dumps([result.fun, result.nfev, loaded]))
"""
THEIRS = """
import numpy as np, json
from scipy.optimize import dual_annealing
result = dual_annealing(lambda x: float({f}), bounds=[(-{w}, {w})] * {d}, rng=0)
print(json.dumps([result.fun, int(result.nfev), []]))
"""
TRACED = ["rastrigin 20 r", "ackley 20 sr", "levy 50 sr", "styblinski_tang 20 sr", "schwefel 20 -",
          "michalewicz 10 -", "rosenbrock 20 -", "sphere 50 -"]  # fmt: skip
CALL = """
import time; begun = time.perf_counter()
import deepopt, json, sys
deepopt.minimize, deepopt.ops
imported = time.perf_counter()
from deepopt.problems import FUNCTIONS
problem = FUNCTIONS[{name!r}].with_dim({d})
problem = problem.shifted(rng=1) if "s" in {moves!r} else problem
problem = problem.rotated(rng=1) if "r" in {moves!r} else problem
result = deepopt.minimize(problem, rng=0)
end = time.perf_counter()
lowest = result.fun if problem.fmin is None else problem.fmin
rows = list(zip(result.history["time"], result.history["fun"]))
hit = next((t for t, f in rows if f <= lowest + 1e-6), None)
gains = [t for (_, f), (t, g) in zip(rows, rows[1:]) if g < f - 1e-8 * (1 + abs(f))]
print(json.dumps([imported - begun, hit, gains[-1] if gains else rows[0][0], end - imported,
                  result.fun - lowest, result.nfev, result.stopped_by]))
"""


def process(code: str) -> tuple[float, list]:
    """Seconds of a new process with this code, and what it printed."""
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    return time.perf_counter() - begun, json.loads(done.stdout.splitlines()[-1])


def black_boxes() -> dict:
    rows = {}
    for name, (f, d, w) in FUNCTIONS.items():
        seconds: dict[str, list[float]] = {"deepopt": [], "dual annealing": []}
        found = {}
        for _ in range(TIMES):
            for solver, code in (("deepopt", OURS), ("dual annealing", THEIRS)):
                took, found[solver] = process(code.format(f=f, d=d, w=w))
                seconds[solver].append(took)
        rows[name] = {
            solver: [statistics.median(seconds[solver]), *found[solver]] for solver in seconds
        }
        print(name, rows[name], flush=True)
    return rows


def traced() -> dict:
    rows = {}
    for words in TRACED:
        name, d, moves = words.split()
        _, rows[words] = process(CALL.format(name=name, d=int(d), moves=moves))
        print(words, rows[words], flush=True)
    return rows


def table(boxes: dict, calls: dict) -> str:
    lines = [
        "| a NumPy function, whole process | deepopt | dual annealing | ratio | points "
        "| points of it | f | f of it |", "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name, row in boxes.items():
        (ours, fun, nfev, loaded), (theirs, other, points, _) = row.values()
        assert not loaded, loaded
        lines.append(
            f"| {name} | {ours:.2f} s | {theirs:.2f} s | {ours / theirs:.2f} | {nfev:,} | "
            f"{points:,} | {fun:.3g} | {other:.3g} |"
        )
    lines += [
        "", "| a traced function (s shifted, r rotated) | import | to the minimum | last gain "
        "| end | above the minimum | points | stopped by |", "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name, (imported, hit, gain, end, above, nfev, why) in calls.items():
        reached = "-" if hit is None else f"{hit:.2f} s"
        lines.append(
            f"| {name} | {imported:.1f} s | {reached} | {gain:.2f} s | {end:.2f} s | {above:.2g} | "
            f"{nfev:,} | {why} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    boxes, calls = black_boxes(), traced()
    common.write("cold", {"black boxes": boxes, "traced": calls}, table(boxes, calls))
