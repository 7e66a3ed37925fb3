"""Paper B's Figure 1: the surfaces x ↦ -½ ‖G_t(x) - y‖² at three levels of training.

The generator is a VAE with k = 2. The targets are real images. The path is that of Algorithm 1,
which begins at x = 0 on the random network.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ._cells import Cell, Record
from ._report import Report, write_csv, write_results
from ._trained import Trained, inverted

if TYPE_CHECKING:
    from ._settings import GeneratorSettings

MODEL, K, EVERY = "vae", 2, 40
TARGETS = 2  # the first images of the data
LEVELS = (0.0, 0.1, 1.0)  # of the training
REACH, SIDE = 3.0, 61  # of the grid, from -REACH to REACH, and its points along a side
RATE, LONGEST = 0.05, 20  # of Adam along the path: on each network before the last, at most
BATCH = 512  # latents at once
DIGITS = 5
CAPTION = (
    "A row per target: the image, and the surface over both latents at checkpoint t of the "
    "training. Red: the path of the minimiser up to there, below the surface, and its end on it."
)


def cells(settings: GeneratorSettings) -> Iterator[Cell]:
    """The training, and the surfaces and the path of each target."""
    trained = Trained(MODEL, K, EVERY, settings)
    training = trained.cell()
    yield training
    for target in range(TARGETS):
        parameters = {"suite": "landscape", "target": target, "rate": RATE, "longest": LONGEST}
        parameters |= {"levels": LEVELS, "reach": REACH, "side": SIDE}
        yield Cell(
            f"landscape-{target}", parameters | trained.parameters,
            functools.partial(_look, trained, target), (training,),
        )  # fmt: skip


def _look(trained: Trained, target: int, _: Any) -> dict[str, Any]:
    """Heights (levels, SIDE²), and the path (T + 1, 2) with the height of each of its points.

    A height is -½ ‖G_t(x) - y‖²; rows follow the second latent.
    """
    from ..generators import load_images
    from ..schedules import Surf

    images = load_images(trained.settings.data)
    y = images[target % len(images)]
    source = trained.open()
    last = len(source) - 1
    options = {
        "solver": "adam", "starts": "zero", "learning_rate": RATE, "schedule": Surf(LONGEST),
    }  # fmt: skip
    result = inverted(source, y, "surf", options=options, rng=trained.settings.seed)
    path = np.vstack([result.path, result.x])

    def height(t: int, latents: np.ndarray) -> np.ndarray:
        parts = np.array_split(latents, -(-len(latents) // BATCH))
        made = np.concatenate([source.outputs(t, part) for part in parts])
        found: np.ndarray = -0.5 * np.sum((made - y).reshape(len(latents), -1) ** 2, axis=1)
        return found

    axis = np.linspace(-REACH, REACH, SIDE)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, K)
    times = [round(level * last) for level in LEVELS]
    return {
        "image": y.round(3).tolist(), "axis": axis.round(3), "times": times,
        "heights": [height(t, grid).round(DIGITS).tolist() for t in times],
        "path": path, "along": [float(height(t, x[None])[0]) for t, x in enumerate(path)],
    }  # fmt: skip


def write(settings: GeneratorSettings, records: list[Record], out: Path) -> Report:
    """Write the surfaces as JSON and as a figure, and the paths as CSV."""
    from .. import plots

    looked = [record for record in records if "target" in record["parameters"]]
    results = write_results(out / "results.json", "landscape", dataclasses.asdict(settings), looked)
    files = ["results.json"]
    if looked:
        rows = [_heights(record["result"]) for record in looked]
        title = "-½ ‖G_t(x) - y‖² and the path of surfing (paper B, Figure 1)"
        figure = plots.surfaces(rows, title=title, caption=CAPTION)
        plots.save(figure, out / "landscape.png", dpi=100)
        write_csv(out / "path.csv", [point for record in looked for point in _points(record)])
        files += ["landscape.png", "path.csv"]
    notes = [
        f"target {record['parameters']['target']}: the path ends at height "
        f"{record['result']['along'][-1]:.2f}; the highest point of the grid is at "
        f"{np.max(record['result']['heights'][-1]):.2f}"
        for record in looked
    ]
    return Report(results, files, notes=notes)


def _points(record: Record) -> Iterator[dict[str, Any]]:
    found = record["result"]
    for t, ((first, second), height) in enumerate(zip(found["path"], found["along"], strict=True)):
        yield {
            "target": record["parameters"]["target"], "t": t, "x1": first, "x2": second,
            "height": height,
        }  # fmt: skip


def _heights(found: dict[str, Any]) -> dict[str, Any]:
    return found | {"heights": np.reshape(found["heights"], (-1, SIDE, SIDE))}
