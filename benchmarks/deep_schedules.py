"""Does the deep reparametrization help inside a homotopy? Both papers' ideas, apart and together.

`gd` and `deep` (Direct and Deep), each under Constant, GaussianSmoothing, Blend (from a bowl around
the centre of the box) and Temperature, all with Adam, four rates side by side, SciPy's polish at
the end, and the same limit on points; beside them the default call with that limit. Rotated and
shifted functions and a spin glass, 50 variables; the median over seeds of f above the minimum.

    python deep_schedules.py

writes results/deep_schedules.{json,md}, and the table of docs/homotopy.md.
"""

import statistics
import sys

import common

SEEDS, DIM, POINTS = 3, 50, 1_000_000
RATES = (1e-1, 1e-2, 1e-3, 1e-4)
WIDE, NARROW = 50, 4  # points that descend together; the fewer where each has 32 samples
FUNCTIONS = (
    "ackley", "levy", "rastrigin", "rosenbrock", "schwefel", "styblinski_tang", "michalewicz",
    "spherical_spin_glass",
)  # fmt: skip


def rows(problem) -> dict:
    """Name -> (method, options)."""
    import numpy as np

    from deepopt import Adam, Blend, GaussianSmoothing, Temperature

    bounds = problem.bounds
    centre, width = (bounds.lb + bounds.ub) / 2, bounds.ub - bounds.lb
    drawn = np.random.default_rng(0).uniform(bounds.lb, bounds.ub, (256, DIM))
    spread = float(np.ptp(np.asarray(problem(drawn))))

    def bowl(x):
        from keras import ops

        return spread * ops.mean(((x - centre) / width) ** 2, axis=-1)

    schedules = {
        "": (None, WIDE),
        ", smoothing": (GaussianSmoothing(), NARROW),
        ", blend": (Blend(bowl), WIDE),
        ", temperature": (Temperature(), WIDE),
    }
    found = {}
    for method, size in (("gd", "n_starts"), ("deep", "n_embeddings")):
        for label, (schedule, points) in schedules.items():
            found[method + label] = method, {
                size: points, "schedule": schedule, "descent": Adam(), "learning_rate": RATES,
                "maxiter": 10**9, "polish": True,
            }  # fmt: skip
    return found | {"homotopy": ("homotopy", {})}


def measure(name: str) -> dict:
    """The lowest value of every row and seed, and the least that is known."""
    common.one_thread()
    import deepopt
    from deepopt.bench._objectives import GLASS, make

    found: dict = {}
    for seed in range(SEEDS):
        problem = make(name, "given" if name == GLASS else "rotated", seed, DIM)
        for row, (method, options) in rows(problem).items():
            result = deepopt.minimize(
                problem, method=method, options=options | {"maxfev": POINTS}, rng=seed
            )
            found.setdefault(row, []).append(float(result.fun))
        found.setdefault("least", []).append(problem.fmin)
    return found


def table(results: dict) -> str:
    heads = [row for row in next(iter(results.values())) if row != "least"]
    lines = ["| above the minimum | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for name, found in results.items():
        known = None not in found["least"]
        lowest = [min(funs) for funs in zip(*map(found.get, heads), strict=True)]
        lowest = found["least"] if known else lowest
        cells = []
        for row in heads:
            gaps = [fun - least for fun, least in zip(found[row], lowest, strict=True)]
            cells.append(f"{statistics.median(gaps):.2g}")
        lines.append(
            f"| {name}{'' if known else ' (above the lowest here)'} | {' | '.join(cells)} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    import json

    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1])))
    else:
        results = {}
        for function in FUNCTIONS:
            results[function] = common.in_process("deep_schedules.py", function, backend="jax")
            print(function, results[function], flush=True)
        common.write("deep_schedules", results, table(results))
        common.insert("homotopy.md", {"deep schedules": table(results)})
