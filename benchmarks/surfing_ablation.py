"""Where surfing itself helps: direct or surf × Adam or Levenberg-Marquardt × random or codebook.

    python surfing_ablation.py GENERATORS DATA TABLE

GENERATORS is the folder of trainings that ``deepopt bench surfing --scale half`` keeps, DATA its
images, with some kept apart (x_test), and TABLE its table1.csv, whose best rates and budgets Adam
takes here. Every combination has one start per target, so that restarts hide nothing, and 60
targets. Seven cases: a DCGAN with k = 5, 20 and 50 (trained first if it has to be; rate and budget
are those of k = 20), with k = 20 from 40 measurements too, and on real images that no training has
seen (error per pixel; nothing can be recovered); with k = 5 starts far outside the prior, uniform
on [-5, 5]^k, and at 0; and with k = 20 more patience of Adam. Every case is kept in
GENERATORS/ablation.json as it ends; the table goes to results/ and docs/surfing.md.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import common
import numpy as np

TARGETS, ROWS, SEED, FAR = 60, 40, 2026, 5.0
ADAM = {"solver": "adam", "maxiter": 10_000, "stall": 1000}
PATIENT = {"maxiter": 150_000, "stall": 5000}
LEAST_SQUARES = {"solver": "lm"}
CASES = (
    "k = 5", "k = 20", "k = 50", "k = 20, 40 measurements", "k = 20, real images",
    "k = 5, bad starts", "k = 20, patient",
)  # fmt: skip


def best_of(table: Path, method: str, k: int) -> dict:
    """The row of the suite's table with the best rate."""
    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    wanted = {"model": "dcgan", "k": str(min(k, 20)), "method": method, "best": "True"}
    return next(row for row in rows if wanted.items() <= row.items())


def problem(folder: Path, data: str, case: str):
    """Checkpoints, x* or None, images, A or None, and how a descent may begin."""
    from deepopt.bench._settings import GeneratorSettings
    from deepopt.bench._trained import Trained
    from deepopt.bench.sensing import gaussian
    from deepopt.bench.surfing import EVERY
    from deepopt.generators.images import load_held_out

    k = int(case.split(",")[0].removeprefix("k = "))
    settings = GeneratorSettings(scale="half", data=data, generators=folder)
    source = Trained("dcgan", k, EVERY, settings).open()
    rng = np.random.default_rng(SEED)
    wanted = rng.uniform(-1.0, 1.0, (TARGETS, k))
    starts = {"random": rng.uniform(-1.0, 1.0, (TARGETS, 1, k)), "codebook": "codebook"}
    if "bad" in case:
        starts = {"far": FAR * starts["random"], "zero": np.zeros((TARGETS, 1, k))}
    if "real" in case:
        images = load_held_out(data)[:TARGETS]
        return source, None, images, None, starts
    matrix = gaussian(SEED, ROWS, 784) if "measurements" in case else None
    return source, wanted, source.outputs(len(source) - 1, wanted), matrix, starts


def measure(
    folder: Path, data: str, table: Path, case: str, method: str, solver: str, start: str
) -> dict:
    """Share recovered, or the median error per pixel, and mean forward passes."""
    import deepopt

    source, wanted, images, matrix, starts = problem(folder, data, case)
    flat = images.reshape(len(images), -1)
    options = LEAST_SQUARES | {"schedule": deepopt.Surf(longest=5)}
    if solver == "adam":
        best = best_of(table, {"direct": "adam"}.get(method, method), source.latent_dim)
        patience = PATIENT if "patient" in case else {}
        options = ADAM | patience | {"learning_rate": float(best["rate"])}
        if method == "surf":
            options["schedule"] = deepopt.Surf(budget=int(best["budget"]))
    options |= {"starts": starts[start], "n_starts": 1}
    y = flat if matrix is None else flat @ matrix.T
    result = deepopt.invert(source, y, method, operator=matrix, options=options, rng=0)
    passes = float(result.cost.mean() + result.preparation / len(images))
    if wanted is None:
        errors = np.sqrt(np.mean((result.output.reshape(flat.shape) - flat) ** 2, axis=1))
        return {"error": float(np.median(errors)), "passes": passes}
    near = np.linalg.norm(result.x - wanted, axis=1) < 0.01
    return {"recovered": float(near.mean()), "passes": passes}


def combinations():
    for case in CASES:
        for solver in ("adam",) if "patient" in case else ("adam", "lm"):
            for start in ("far", "zero") if "bad" in case else ("random", "codebook"):
                for method in ("direct", "surf"):
                    yield case, method, solver, start


def table(results: dict) -> str:
    lines = [
        "| case | descent | start | direct | surf | passes, direct | passes, surf |",
        "|---|---|---|---|---|---|---|",
    ]
    for case, method, solver, start in combinations():
        if method == "surf":
            continue
        pair = [results.get(" | ".join((case, way, solver, start))) for way in ("direct", "surf")]
        if None in pair:
            continue
        shown = [
            f"{100 * one['recovered']:.0f} %" if "recovered" in one else f"{one['error']:.4f}"
            for one in pair
        ]
        name = {"adam": "Adam", "lm": "Levenberg-Marquardt"}[solver]
        cells = (case, name, start, *shown, *(f"{one['passes']:.0f}" for one in pair))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    folder, data, suite = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    kept = folder / "ablation.json"
    results = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    for words in combinations():
        name = " | ".join(words)
        if name not in results:
            results[name] = measure(folder, data, suite, *words)
            kept.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
            print(name, results[name], flush=True)
    common.write("surfing_ablation", results, table(results))
    common.insert("surfing.md", {"surfing ablation": table(results)})
