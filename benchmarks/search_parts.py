"""What each part of the homotopy's search is for: the default call, and without one part at a time.

Problems tuned on and held out; a hit is f within 1e-8 of the known minimum (1e-6 of the best value
that any run found where it is not known). Each call has `SECONDS` at most, and ends at a minimum
that is known; times are warm, with the loops compiled by an earlier call, on one core.

    python search_parts.py

writes results/search_parts.{json,md}, and the table of docs/homotopy.md.
"""

import statistics
import sys

import common

SEEDS, SECONDS = 3, 6.0
COMPILING = 6.0  # seconds more of a first call
PARTS = {
    "everything": {},
    "no homotopy runs": {"FIRST_HORIZON": 0},
    "no restarts": {"BATCHES": 0, "FIRST_BATCHES": 0},
    "no recombination": {"RECOMBINED": 0.0},
    "no scans": {"SCAN_SHARE": 0.0},
    "no learned directions": {"LEARNABLE": 0},
    "no polish": {"polish": False},
    "random draws": {"draw": "random"},
    "adaptive stages": {"pace": True},
}


def problems() -> dict:
    """Name -> (a function of the seed that gives the problem, tolerance of a hit)."""
    from deepopt.bench.held_out import DropWave, Griewank, LennardJones, Salomon, SmallNetwork
    from deepopt.problems import FUNCTIONS, SphericalSpinGlass

    def moved(problem, rotate):
        def draw(seed):
            shifted = problem.shifted(rng=100 + seed)
            return shifted.rotated(rng=200 + seed) if rotate else shifted

        return draw

    found = {}
    for name in ("rastrigin", "levy", "styblinski_tang"):
        found[f"{name}, shifted"] = moved(FUNCTIONS[name], False), 1e-8
    for name in ("schwefel", "michalewicz"):
        found[name] = (lambda _, name=name: FUNCTIONS[name]), 1e-3
    for name in ("ackley", "levy", "rastrigin", "rosenbrock", "styblinski_tang"):
        found[f"{name}, rotated"] = moved(FUNCTIONS[name], True), 1e-8
    found["spin glass, N = 50"] = (lambda seed: SphericalSpinGlass(50, rng=seed)), 1e-6
    found["griewank, rotated (held out)"] = moved(Griewank(50), True), 1e-8
    found["salomon, rotated (held out)"] = moved(Salomon(50), True), 1e-8
    found["drop-wave, d = 2 (held out)"] = moved(DropWave(), False), 1e-8
    found["Lennard-Jones, 13 atoms (held out)"] = (lambda _: LennardJones(39)), 1e-5
    found["Lennard-Jones, 26 atoms (held out)"] = (lambda _: LennardJones(78)), 1e-5
    found["small network (held out)"] = (lambda _: SmallNetwork()), 1e-8
    return found


def measure(name: str) -> dict:
    """Values and histories of every variant and seed on one problem."""
    common.one_thread()
    import dataclasses

    import deepopt
    from deepopt import Adaptive, GaussianSmoothing
    from deepopt._search import traced as _search

    draw, tolerance = problems()[name]
    drawn = [draw(seed) for seed in range(SEEDS)]
    rows = {}
    for part, changes in PARTS.items():
        kept = {key: getattr(_search, key) for key in changes if key.isupper()}
        options = {"maxtime": SECONDS}
        schedule = GaussianSmoothing()
        for key, value in changes.items():
            if key in kept:
                setattr(_search, key, value)
            elif key == "draw":
                schedule = dataclasses.replace(schedule, draw=value)
            elif key == "pace":
                schedule = dataclasses.replace(schedule, pace=Adaptive())
            else:
                options[key] = value
        if schedule != GaussianSmoothing():
            options["schedule"] = schedule
        runs = []
        for seed, problem in enumerate(drawn):
            target = None if problem.fmin is None else problem.fmin + tolerance
            if part == "everything" or "schedule" in options:  # compile first
                longer = options | {"maxtime": SECONDS + COMPILING}
                deepopt.minimize(problem, options=longer, rng=seed, callback=until(target))
            result = deepopt.minimize(
                problem, options=options, rng=50 + seed, callback=until(target)
            )
            history = {key: result.history[key].tolist() for key in ("time", "nfev", "fun")}
            runs.append({"fun": result.fun, "nfev": result.nfev, "status": int(result.status)})
            runs[-1]["history"] = history
        rows[part] = runs
        for key, value in kept.items():
            setattr(_search, key, value)
    least = [
        problem.fmin
        if problem.fmin is not None and "michalewicz" not in name
        else min(runs[seed]["fun"] for runs in rows.values())
        for seed, problem in enumerate(drawn)
    ]
    return {
        part: [summary(run, low + tolerance) for run, low in zip(runs, least, strict=True)]
        for part, runs in rows.items()
    }


def until(target: float | None):
    """A callback that ends a call at the target, if there is one."""
    if target is None:
        return None

    def stop(intermediate_result) -> None:
        if intermediate_result.fun <= target:
            raise StopIteration

    return stop


def summary(run: dict, target: float) -> dict:
    """Whether and when a run reached the target, and when it stopped."""
    history = run["history"]
    reached = [
        (time, nfev) for time, nfev, fun in zip(*history.values(), strict=True) if fun <= target
    ]
    hit = run["fun"] <= target
    time, nfev = (reached or [(history["time"][-1], run["nfev"])])[0]
    return {
        "hit": hit,
        "seconds": time if hit else None,
        "nfev": nfev if hit else None,
        "stopped": history["time"][-1],
    }


def table(results: dict) -> str:
    lines = ["| problem | " + " | ".join(PARTS) + " |", "|---" * (len(PARTS) + 1) + "|"]
    for name, rows in results.items():
        cells = []
        for part in PARTS:
            hits = [run for run in rows[part] if run["hit"]]
            cell = f"{len(hits)}/{len(rows[part])}"
            if hits:
                cell += f", {statistics.median(run['seconds'] for run in hits):.2g} s"
            cells.append(cell)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    sums = [sum(run["hit"] for rows in results.values() for run in rows[part]) for part in PARTS]
    total = sum(len(rows["everything"]) for rows in results.values())
    lines.append("| **all** | " + " | ".join(f"{hits}/{total}" for hits in sums) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    import json

    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1])))
    else:
        found = {}
        for name in problems():
            found[name] = common.in_process("search_parts.py", name)
            print(
                name, {part: sum(run["hit"] for run in rows) for part, rows in found[name].items()}
            )
        common.write("search_parts", found, table(found))
        common.insert("homotopy.md", {"parts": table(found)})
