"""What `deepopt invert` reads and writes: images in; latents, reconstructions and a picture out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._support.files import folder_for, whole, write_text
from ..generators.images import read_arrays
from ..generators.sources import Source, open_checkpoints
from .api import invert
from .arguments import fits

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult

FRAMES = 8  # of the way through the checkpoints
SHOWN = 16  # targets in the picture
REPORTED = ("fun", "found", "status", "cost", "nit")  # of each target, in result.json


def invert_files(
    checkpoints: str, images: Sequence[str], out: str, method: str, **given: Any
) -> OptimizeResult:
    """Invert the images of files and keep what comes of it in the folder `out`.

    Parameters
    ----------
    checkpoints : str
        As `deepopt.invert` takes it.
    images : sequence of str
        PNG, `.npy` and `.npz` files, each with one image or a batch.
    out : str
        `latents.npy` (B, k), `reconstructions.npy` (B, ...), `result.json` and `picture.png`.
    method, **given
        Of `deepopt.invert`.
    """
    arrays = {file: read_arrays(Path(file)) for file in images}
    source = open_checkpoints(checkpoints)
    targets = _as_targets(arrays, source.output_shape)
    with folder_for(out) as folder:
        result = invert(source, targets, method, **given)
        for name, array in (("latents", result.x), ("reconstructions", result.output)):
            with whole(folder / f"{name}.npy") as draft, draft.open("wb") as file:
                np.save(file, array, allow_pickle=False)
        write_text(folder / "result.json", json.dumps(summary(result), indent=1) + "\n")
        _draw(source, targets, result, folder / "picture.png")
    return result


def summary(result: OptimizeResult) -> dict[str, Any]:
    """What ``result.json`` holds."""
    return {
        "method": result.method, "message": result.message, "preparation": result.preparation,
        "targets": [
            {key: _plain(result[key][i].item()) for key in REPORTED} for i in range(len(result.x))
        ],
    }  # fmt: skip


def _plain(value: Any) -> Any:
    """None for what JSON has no number for."""
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _as_targets(arrays: Mapping[str, np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """The targets (B, *shape) of all files."""
    found = []
    for file, array in arrays.items():
        if not fits(array.shape, shape):
            raise ValueError(
                f"{file} has an array of shape {array.shape}, the generator makes {shape}"
            )
        found.append(array.reshape(-1, *shape))
    return np.concatenate(found)


def _draw(source: Source, targets: np.ndarray, result: Any, path: Path) -> None:
    """A row per target: the target, its reconstruction, and the way there.

    The way is the minimiser on the networks before the last, or where there was no surf the final
    latents on them.
    """
    from ..plots import reconstructions, save

    networks = len(result.path) if "path" in result else len(source) - 1
    times = np.unique(np.linspace(0, networks - 1, min(FRAMES, networks)).astype(int))
    rows = slice(0, SHOWN)
    frames = []
    for t in times if networks else []:
        latents = result.path[t] if "path" in result else result.x
        frames.append(source.outputs(t, latents[rows]))
    save(reconstructions(targets[rows], result.output[rows], frames, times.tolist()), path)
