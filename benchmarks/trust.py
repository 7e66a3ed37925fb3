"""What trust costs: saving, black boxes beyond the user's own time, memory over many calls.

    python trust.py [PART ...]

PARTs (saving, black box, overshoot, many calls, interrupts) are measured anew, all by default. Runs
in one thread, each case warm and as a median of several, side by side in one process:

- a call with and without a checkpoint, saved every 0.2 s (the default is 30 s);
- seconds per evaluation of a batched black box beyond those that it takes by itself;
- how far time limits are overshot, after the first call;
- memory and compilations over 10,000 calls with one function, 200 calls with a new lambda each, and
  200 calls with functions that differ.

Interrupts have processes of their own: see `interrupts.py`.
"""

import gc
import json
import sys
import tempfile
import time
from pathlib import Path

import common
import interrupts

common.one_thread()

REPEATS = 5
SMALL = {"maxiter": 3, "n_starts": 2, "learning_rate": 0.1}


def took(call) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def memory() -> float:
    """MiB of this process."""
    import psutil

    gc.collect()
    return psutil.Process().memory_info().rss / 2**20


def saving() -> dict:
    """Seconds with a checkpoint over seconds without, as medians of pairs."""
    import numpy as np

    import deepopt
    from deepopt.problems import rastrigin, schwefel

    def rugged(x):
        time.sleep(1e-4)
        return float(np.sum(x**2 - 10 * np.cos(2 * np.pi * x)))

    cases = {
        "homotopy, d = 200": (schwefel.with_dim(200).rotated(rng=0), {"maxfev": 300_000}, {}),
        "deep, d = 1000": (
            rastrigin.with_dim(1000), {"maxiter": 300, "learning_rate": 0.1}, {"method": "deep"},
        ),
        "black box, d = 10": (rugged, {"maxfev": 8_000}, {"bounds": [(-5, 5)] * 10}),
    }  # fmt: skip
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        kept = {"checkpoint": Path(folder, "call"), "save_every": 0.2}
        for name, (f, options, more) in cases.items():
            pairs = []
            for _ in range(REPEATS + 1):
                pair = [
                    took(lambda: deepopt.minimize(f, rng=1, options=given, **more))  # noqa: B023
                    for given in (options, options | kept)
                ]
                pairs.append(pair)
            without, with_ = np.median(pairs[1:], axis=0)
            ratios = [b / a for a, b in pairs[1:]]
            found[name] = {
                "seconds": round(without, 2), "saved": round(with_, 2),
                "ratio": round(float(np.median(ratios)), 3),
            }  # fmt: skip
    return found


def black_box() -> dict:
    """Microseconds per evaluation of a batched black box, beyond its own."""
    import numpy as np
    from scipy.optimize import minimize

    import deepopt

    found = {}
    for d in (5, 50):
        own = [0.0]

        def f(x, own=own):
            begun = time.perf_counter()
            values = np.sum((x - 0.3) ** 2 + np.sin(7 * x), axis=-1)
            own[0] += time.perf_counter() - begun
            return values

        def slope(x, own=own):
            begun = time.perf_counter()
            gradient = 2 * (x - 0.3) + 7 * np.cos(7 * x)
            own[0] += time.perf_counter() - begun
            return gradient

        cases = {
            "homotopy": {"options": {"maxfev": 20_000}},
            "homotopy, with its gradient": {"jac": slope, "options": {"maxfev": 20_000}},
            "gd": {"method": "gd", "jac": slope, "options": {"maxiter": 200, "learning_rate": 0.1}},
        }
        for name, given in cases.items():
            given["options"]["batched"] = True
            beyond = []
            for _ in range(REPEATS + 1):
                own[0], begun = 0.0, time.perf_counter()
                result = deepopt.minimize(f, bounds=[(-2, 2)] * d, rng=0, **given)
                spent = time.perf_counter() - begun - own[0]
                beyond.append(1e6 * spent / result.nfev)
            found[f"{name}, d = {d}"] = round(float(np.median(beyond[1:])), 1)
        beyond = []
        for seed in range(10 * REPEATS):
            x0 = np.random.default_rng(seed).uniform(-2, 2, d)
            own[0], begun = 0.0, time.perf_counter()
            result = minimize(f, x0, jac=slope, bounds=[(-2, 2)] * d, method="L-BFGS-B")
            beyond.append(1e6 * (time.perf_counter() - begun - own[0]) / result.nfev)
        found[f"SciPy's L-BFGS-B by itself, d = {d}"] = round(float(np.median(beyond)), 1)
    return found


def overshoot() -> dict:
    """Seconds beyond a limit of 1 s."""
    import numpy as np

    import deepopt
    from deepopt.problems import schwefel

    found = {}
    for d in (50, 1000):
        f = schwefel.with_dim(d).rotated(rng=0)
        for method in ("homotopy", "gd", "deep"):
            options = {"maxiter": 10**8, "maxtime": 1.0}
            deepopt.minimize(f, method=method, rng=0, options=options | {"maxtime": 10.0})
            spent = [
                took(lambda: deepopt.minimize(f, method=method, rng=0, options=options))  # noqa: B023
                for _ in range(REPEATS)
            ]
            found[f"{method}, d = {d}"] = round(float(np.median(spent)) - 1.0, 3)
    return found


def many_calls() -> dict:
    """MiB and compiled programs over many calls."""
    from keras import ops

    import deepopt
    from deepopt._engine.loop import Program

    made = [0]
    real = Program.__init__

    def counted(self, *given, **more):
        made[0] += 1
        real(self, *given, **more)

    Program.__init__ = counted

    def f(x):
        return ops.sum(x**2, axis=-1)

    def call(g):
        deepopt.minimize(g, bounds=[(-1, 1)] * 3, method="gd", rng=0, options=SMALL)

    for _ in range(200):
        call(f)
    before, made[0] = memory(), 0
    for _ in range(10_000):
        call(f)
    same = {"MiB": round(memory() - before, 1), "compiled": made[0]}
    for _ in range(40):  # as many as are remembered, and some
        call(lambda x: ops.sum(x**2, axis=-1))
    before, made[0] = memory(), 0
    for _ in range(200):
        call(lambda x: ops.sum(x**2, axis=-1))
    fresh = {"MiB": round(memory() - before, 1), "compiled": made[0]}
    before, made[0] = memory(), 0
    for number in range(200):
        call(lambda x, number=number: ops.sum(x**2, axis=-1) + number)
    other = {"MiB": round(memory() - before, 1), "compiled": made[0]}
    Program.__init__ = real
    return {
        "10,000 calls with one function": same, "200 calls with a new lambda each": fresh,
        "200 calls with functions that differ": other,
    }  # fmt: skip


PARTS = {"saving": saving, "black box": black_box, "overshoot": overshoot,
         "many calls": many_calls, "interrupts": interrupts.measure}  # fmt: skip


def main(*parts: str) -> None:
    kept = common.RESULTS / "trust.json"
    results = json.loads(kept.read_text("utf-8"))["results"] if parts else {}
    for name in parts or PARTS:
        results[name] = PARTS[name]()
        print(name, results[name], flush=True)
    lines = ["| what | measured |", "| --- | --- |"]
    for name, case in results["saving"].items():
        lines.append(f"| saving every 0.2 s: {name}, {case['seconds']} s | {case['ratio']} times |")
    for name, value in results["black box"].items():
        lines.append(f"| batched black box, beyond its own time: {name} | {value} µs per point |")
    for name, value in results["overshoot"].items():
        lines.append(f"| beyond a limit of 1 s: {name} | {value:+.3f} s |")
    for name, case in results["many calls"].items():
        lines.append(f"| {name} | {case['MiB']:+} MiB, {case['compiled']} programs |")
    for name, case in results["interrupts"].items():
        ends = f"{case['lost']} lost, {case['crashed']} crashed"
        times = f"{case['median']} s in the median, {case['longest']} s at most"
        lines.append(f"| {case['interrupts']} interrupts: {name} | {ends}; {times} |")
    common.write("trust", results, "\n".join(lines))
    common.insert("trust.md", {"trust": "\n".join(lines)})


if __name__ == "__main__":
    main(*sys.argv[1:])
