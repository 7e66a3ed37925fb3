"""What each part of the search for black boxes is for: the default call, and without one at a time.

The suite `deepopt bench black-box` on seeds that its own tables do not use; the share of the runs
within 1e-6 of the minimum after 100, 300, 1,000 and 3,000 points for each dimension and one more.

    python black_box_parts.py

writes results/black_box_parts.{json,md}, and the table of docs/homotopy.md.
"""

import contextlib
from unittest import mock

import common

SEED, SEEDS = 100, 2
MARKS = (100, 300, 1000, 3000)


def variants() -> dict:
    """Name -> what is changed in the modules of the search."""
    from deepopt._objective.objective import Objective
    from deepopt._search import black_box as _black_box
    from deepopt._search import implicit_filtering as _filtering

    def shares(**changed):
        return mock.patch.dict(_black_box.SHARES, changed)

    def constant(module, **changed):
        return mock.patch.multiple(module, **changed)

    return {
        "everything": contextlib.nullcontext(),
        "no arm of local searches (filtering ends in one)": shares(local=0),
        "no scans": shares(scans=0),
        "no filtering": shares(filtering=0),
        "no evolution": shares(evolution=0),
        "evolution from the beginning": constant(_black_box, WAIT=0),
        "evolution with the share of the others": shares(evolution=1),
        "no central differences": mock.patch.object(Objective, "forward", False),
        "local searches in turns of 30 gradients, not 200": constant(_black_box, LOCAL=30),
        "filtering from a tenth of the box, not a quarter": constant(_filtering, COARSEST=0.1),
    }


def shares_solved() -> list[float]:
    """The share of the runs that were solved after so many points."""
    from deepopt.bench import _profiles, _solvers, black_box
    from deepopt.bench._settings import BlackBoxSettings

    settings = BlackBoxSettings(seed=SEED, seeds=SEEDS, solvers="homotopy", points=MARKS[-1])
    records = [
        {"parameters": cell.parameters, "result": cell.work()} for cell in black_box.cells(settings)
    ]
    runs = _profiles.read_runs(records)
    solvers, axis = _solvers.BLACK_BOX_SOLVERS, _profiles.POINTS
    needed = _profiles.solved(runs, solvers, axis)["homotopy"]
    return [sum(points <= mark for points in needed) / len(runs) for mark in MARKS]


def table(results: dict) -> str:
    lines = [
        "| | " + " | ".join(f"{mark:,}" for mark in MARKS) + " |",
        "|---" * (len(MARKS) + 1) + "|",
    ]
    for name, shares in results.items():
        lines.append(f"| {name} | " + " | ".join(f"{share:.2f}" for share in shares) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    common.one_thread()
    results = {}
    for name, change in variants().items():
        with change:
            results[name] = shares_solved()
        print(name, results[name], flush=True)
    common.write("black_box_parts", results, table(results))
    common.insert("homotopy.md", {"black-box parts": table(results)})
