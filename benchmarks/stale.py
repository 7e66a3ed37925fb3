"""Whether a compiled program is ever used again for a function that has changed.

    python stale.py [--backend NAME ...] [--only WORD]

Every way of `stale_ways_*.py` changes something that f, an operator, a generator or a schedule can
reach, between two calls. The second call must give what an independent function gives. Beside that:
what is compiled for functions that have not changed, and what it costs to find that out. Exits with
1 if anything came back stale. With --only, ways whose name holds WORD, and nothing is kept.
"""

import argparse
import json
import os
import sys
import time
import warnings

import common

BACKENDS = ("tensorflow", "jax", "torch")
ROUNDS, REPEATS = 200, 5


def battery(word: str) -> dict:
    """Way -> "fresh", "fresh, nothing kept" or what was wrong, on the active backend."""
    from stale_ways import outcome, ways

    found = {}
    for way in ways():
        name = way.name
        if word in name:
            try:
                kept, wrong = outcome(way)
            except Exception as error:
                kept, wrong = False, f"{type(error).__name__}: {error}"
            found[name] = wrong or ("fresh" if kept else "fresh, nothing kept")
            print(f"{name}: {found[name]}", file=sys.stderr, flush=True)
    return found


def unchanged() -> dict:
    """Kind of function -> programs made and traced: by a first call, and by all later ones."""
    import keras
    import numpy as np
    from stale_ways import counting, dented, objective, one
    from stale_ways_inverse import generator, inverted
    from stale_ways_models import model_of
    from stale_ways_objects import Box

    from deepopt.problems import Problem, rastrigin

    box, model, net = Box(), model_of(), generator()
    rugged = rastrigin.with_dim(2)
    turn, middle = np.linalg.qr(np.random.default_rng(0).normal(size=(2, 2)))[0], np.full(2, 0.3)

    class Dented(Problem):
        name, low, high = "dented", -2.0, 2.0

        def _function(self, x):
            return dented(x, 1.0)

    problem = Dented(2)

    def operator(out):
        return out * 2.0

    def of_model(x):
        return dented(x, one(model(np.ones((1, 1), "float32")), x))

    def rotated(turn, middle):
        return lambda x: rugged((x - middle) @ turn)

    kinds = {
        "lambda": lambda: objective(lambda x: dented(x, 1.0)),
        "rotated Rastrigin, arrays in its closure": lambda: objective(
            rotated(turn.copy(), middle.copy())
        ),
        "object with state": lambda: objective(Box()),
        "bound method": lambda: objective(box.f),
        "Keras model in f": lambda: objective(of_model),
        "own Problem": lambda: objective(problem),
        "`invert` with an operator": lambda: inverted(net, operator),
    }
    found = {}
    for name, kind in kinds.items():
        keras.utils.set_random_seed(0)
        rounds = ROUNDS if name == "lambda" else REPEATS
        with counting() as made:
            kind().ask()
            before = made.programs, made.traces
            for _ in range(rounds):
                kind().ask()
            later = made.programs - before[0], made.traces - before[1]
        found[name] = {"first": before, "rounds": rounds, "later": later}
    return found


def costs() -> dict:
    """Milliseconds of a fingerprint, the least of a few."""
    import numpy as np
    from stale_ways import dented
    from stale_ways_inverse import generator
    from stale_ways_objects import Box

    from deepopt._objective.fingerprints import fingerprint

    large, model = np.ones(100 * 2**20 // 8), generator()
    of = {
        "lambda": lambda x: dented(x, 1.0), "object": Box(), "Keras model": model,
        "array of 100 MB": lambda x: dented(x, large[7]),
    }  # fmt: skip
    found = {}
    for name, value in of.items():
        spent = []
        for _ in range(REPEATS):
            begun = time.perf_counter()
            known = fingerprint(value) is not None
            spent.append(1e3 * (time.perf_counter() - begun))
        found[name] = {"ms": round(min(spent), 2), "known": known}
    return found


def of_one(word: str) -> None:
    """All of this backend; prints JSON."""
    warnings.simplefilter("ignore")
    ways = battery(word)
    rest = {} if word else {"unchanged": unchanged(), "costs": costs()}
    print(json.dumps({"ways": ways} | rest))


def table_of_counts(found: dict) -> str:
    lines = ["| backend | ways | fresh |", "| --- | --- | --- |"]
    for backend, one in found.items():
        fresh = sum(cell.startswith("fresh") for cell in one["ways"].values())
        lines.append(f"| {backend} | {len(one['ways'])} | {fresh} |")
    return "\n".join(lines)


def table_of_ways(found: dict) -> str:
    backends = list(found)
    lines = [f"| way | {' | '.join(backends)} |", f"| --- |{' --- |' * len(backends)}"]
    names = dict.fromkeys(name for one in found.values() for name in one["ways"])
    for name in names:
        cells = [found[backend]["ways"].get(name, "") for backend in backends]
        lines.append("| " + " | ".join([name, *cells]).replace("\n", " ") + " |")
    return "\n".join(lines)


def table_of_costs(found: dict) -> str:
    backends = list(found)
    lines = [f"| what | {' | '.join(backends)} |", f"| --- |{' --- |' * len(backends)}"]
    first = next(iter(found.values()))
    for name, case in first["unchanged"].items():
        cells = []
        for backend in backends:
            programs, traces = found[backend]["unchanged"][name]["later"]
            runs = "" if backend == "torch" else f", {traces} traces"  # where each run counts
            cells.append(f"{programs} programs{runs}")
        times = f"{case['rounds']} more calls" if case["rounds"] > 1 else "one more call"
        lines.append(f"| {times}: {name} | {' | '.join(cells)} |")
    for name in first["costs"]:
        cells = [f"{found[backend]['costs'][name]['ms']} ms" for backend in backends]
        lines.append(f"| fingerprint: {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(backends: list[str], word: str) -> None:
    arguments = ["--here", *(["--only", word] if word else [])]
    found = {name: common.in_process("stale.py", *arguments, backend=name) for name in backends}
    ways = table_of_ways(found)
    if word or set(backends) != set(BACKENDS):
        print(ways if word else f"{ways}\n\n{table_of_costs(found)}")
    else:
        summary = f"{table_of_counts(found)}\n\n{table_of_costs(found)}"
        common.write("stale", found, f"{summary}\n\n{ways}")
        common.insert("trust.md", {"stale": summary})
    wrong = [
        f"{backend}: {name}: {cell}"
        for backend, one in found.items() for name, cell in one["ways"].items()
        if not cell.startswith("fresh")
    ]  # fmt: skip
    print("\n".join(wrong), file=sys.stderr)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--backend", nargs="+", choices=BACKENDS, default=list(BACKENDS))
    parser.add_argument("--only", default="", metavar="WORD")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        of_one(given.only)
    else:
        main(given.backend, given.only)
