"""Spherical spin glasses: the default call beside `deep`, `gd` and multistart L-BFGS-B.

Ten instances of 50 spins and five of 200, each with a reference fixed beforehand: the lowest energy
of long runs, kept in results/glass_references.json. A hit is an energy per spin within 1e-6 (50
spins) or 1e-3 (200) of it. All get the same wall time; compilation does not count.

    python glasses.py references 50 60     # spins, seconds per instance and method
    python glasses.py 50 5                 # the race, for so many seconds
    python glasses.py references 200 600
    python glasses.py 200 120

write results/glass_N.{json,md}, and the table of docs/homotopy.md.
"""

import json
import statistics
import sys

import common

INSTANCES = {50: 10, 200: 5}
WITHIN = {50: 1e-6, 200: 1e-3}
METHODS = ("homotopy", "deep", "gd", "L-BFGS-B")
LONG = ("homotopy", "L-BFGS-B")  # those that search for the reference
KEPT = common.RESULTS / "glass_references.json"
INSTANCE_SEEDS, SEARCH_SEEDS, LONG_SEEDS = 3000, 100, 500


def run(method: str, spins: int, instance: int, seconds: float, seed: int) -> dict:
    """One run; its lowest energy per spin and when it was reached."""
    import numpy as np

    from deepopt.bench import _solvers
    from deepopt.bench._meter import Meter, Traced
    from deepopt.problems import SphericalSpinGlass

    glass = SphericalSpinGlass(spins, rng=INSTANCE_SEEDS + instance)
    solver = next(s for s in _solvers.SOLVERS if s.name == method)
    if solver in _solvers.OURS:
        limit = {"maxiter": 2} if method != "homotopy" else {"maxtime": 12.0 + seconds / 8}
        _solvers.warm(method, glass, -np.inf, limit, seed)
    meter = Meter(Traced(glass), glass.bounds.lb, glass.bounds.ub, seconds)
    _solvers.run(solver, meter, np.random.default_rng(seed))
    return {
        "energy": meter.best / spins,
        "nfev": meter.nfev,
        "trajectory": [[at, fun / spins] for at, _, fun in meter.trajectory],
    }


def references(spins: int, seconds: float) -> None:
    """Lower the references that are kept, by longer runs than any that is judged by them."""
    KEPT.parent.mkdir(exist_ok=True)
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    found = kept.setdefault(str(spins), [None] * INSTANCES[spins])
    for instance in range(INSTANCES[spins]):
        for method in LONG:
            energy = run(method, spins, instance, seconds, LONG_SEEDS + instance)["energy"]
            print(instance, method, energy, found[instance], flush=True)
            found[instance] = min(energy, found[instance] or energy)
            KEPT.write_text(json.dumps(kept, indent=1) + "\n")


def race(spins: int, seconds: float) -> None:
    reference = json.loads(KEPT.read_text())[str(spins)]
    results: dict = {"seconds": seconds, "references": reference, "runs": {}}
    for method in METHODS:
        results["runs"][method] = [
            run(method, spins, instance, seconds, SEARCH_SEEDS + instance)
            for instance in range(INSTANCES[spins])
        ]
        print(method, [one["energy"] for one in results["runs"][method]], flush=True)
    common.write(f"glass_{spins}", results, table(spins, results))
    common.insert("homotopy.md", {f"glass {spins}": table(spins, results)})


def table(spins: int, results: dict) -> str:
    from deepopt.problems import SphericalSpinGlass as Glass

    reference = results["references"]
    heads = (f"{spins} spins, {results['seconds']:g} s", "found", "seconds to it", "mean energy")
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for method, runs in results["runs"].items():
        times = [
            arrival(one, low + WITHIN[spins]) for one, low in zip(runs, reference, strict=True)
        ]
        hits = [time for time in times if time is not None]
        middle = f"{statistics.median(hits):.2g}" if hits else "-"
        mean = statistics.mean(one["energy"] for one in runs)
        lines.append(f"| {method} | {len(hits)}/{len(runs)} | {middle} | {mean:.5f} |")
    lines.append(f"| reference | | | {statistics.mean(reference):.5f} |")
    lines.append(f"| as N grows: threshold $-E_\\infty$ | | | {Glass.threshold:.5f} |")
    lines.append(f"| as N grows: ground state $-E_0$ | | | {Glass.ground_state:.5f} |")
    return "\n".join(lines)


def arrival(one: dict, target: float) -> float | None:
    return next((at for at, energy in one["trajectory"] if energy <= target), None)


if __name__ == "__main__":
    common.one_thread()
    words = sys.argv[1:]
    if words[0] == "references":
        references(int(words[1]), float(words[2]))
    else:
        race(int(words[0]), float(words[1]))
