"""The default call as d grows: seconds to the minimum and peak memory, up to 10,000 variables.

Ackley, Levy, Rastrigin and Rosenbrock, shifted at d = 100 … 10,000 and rotated and shifted at
d = 1,000. Every run is the first call of a process of its own, so its seconds hold
the compilation (imports do not count) and its memory is its own; it ends 1e-8 above the minimum, by
itself, or after `LIMIT` seconds.

    python growth.py

writes results/growth.{json,md} and the table in docs/homotopy.md.
"""

import json
import resource
import statistics
import sys
import time

import common

FUNCTIONS = ("ackley", "levy", "rastrigin", "rosenbrock")
CASES = (  # variant, d, seeds
    ("shifted", 100, 3), ("shifted", 1_000, 3), ("shifted", 10_000, 1), ("rotated", 1_000, 10),
)  # fmt: skip
TOLERANCE, LIMIT = 1e-8, 300.0


def measure(name: str, variant: str, d: int, seed: int) -> dict:
    import deepopt
    import deepopt._backend
    from deepopt.bench._objectives import make

    problem = make(name, variant, seed, d)

    def stop(intermediate_result) -> None:
        if intermediate_result.fun <= problem.fmin + TOLERANCE:
            raise StopIteration

    begun = time.perf_counter()
    result = deepopt.minimize(problem, rng=seed, options={"maxtime": LIMIT}, callback=stop)
    return {
        "hit": bool(result.fun <= problem.fmin + TOLERANCE),
        "seconds": time.perf_counter() - begun,
        "status": int(result.status),
        "nfev": int(result.nfev),
        "gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def plain(seconds: float) -> str:
    return f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.1f}"


def table(results: dict) -> str:
    heads = (f"{variant}, d = {d:,}" for variant, d, _ in CASES)
    lines = ["| | " + " | ".join(heads) + " |", "|---" * (len(CASES) + 1) + "|"]
    for name in FUNCTIONS:
        cells = []
        for variant, d, _ in CASES:
            runs = results[f"{name} {variant} {d}"]
            hits = [run["seconds"] for run in runs if run["hit"]]
            cell = f"{len(hits)}/{len(runs)}"
            if hits:
                cell += f", {plain(statistics.median(hits))} s"
            if len(hits) > 1:
                cell += f", at most {plain(max(hits))} s"
            cells.append(f"{cell}; {max(run['gib'] for run in runs):.1f} GiB")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    words = sys.argv[1:]
    if words:
        print(json.dumps(measure(words[0], words[1], int(words[2]), int(words[3]))))
    else:
        results = {}
        for variant, d, seeds in CASES:
            for name in FUNCTIONS:
                results[f"{name} {variant} {d}"] = [
                    common.in_process("growth.py", name, variant, str(d), str(seed), backend="jax")
                    for seed in range(seeds)
                ]
                print(name, variant, d, results[f"{name} {variant} {d}"], flush=True)
        common.write("growth", results, table(results))
        common.insert("homotopy.md", {"growth": table(results)})
