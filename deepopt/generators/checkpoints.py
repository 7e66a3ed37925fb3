"""Checkpoints on disk: a generator's weights before, during and after its training.

A folder of this project holds `generator.json` (the architecture, the prior of the latents, the
settings of the training) and one `step-00040.npz` per checkpoint: the weights alone, in the order
of the Keras model's `weights`, as float32 or float16. Files appear whole or not at all.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .._support.files import CheckpointError as CheckpointError
from .._support.files import whole, write_text
from ._names import natural_order
from .architectures import Architecture

FORMAT = 1
CONFIG, PATTERN = "generator.json", "step-*.npz"


def path(folder: Path, step: int) -> Path:
    return folder / f"step-{step:05d}.npz"


def write_weights(path: Path, weights: Sequence[np.ndarray], dtype: str) -> None:
    """Keep weights as one file, which appears whole or not at all."""
    write_arrays(path, {f"{i:03d}": weight.astype(dtype) for i, weight in enumerate(weights)})


def read_weights(path: Path, shapes: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
    """Weights of these shapes, as float32.

    Raises CheckpointError in one sentence where the file is damaged or of something else.
    """
    arrays = read_arrays(path)
    weights = [arrays[name].astype("float32") for name in sorted(arrays)]
    found, wanted = [w.shape for w in weights], [tuple(shape) for shape in shapes]
    if found != wanted:
        raise CheckpointError(f"{path} has weights {_shown(found)}, expected {_shown(wanted)}")
    check_finite(weights, str(path))
    return weights


def check_finite(weights: Sequence[np.ndarray], label: str) -> None:
    if not all(np.isfinite(w).all() for w in weights if w.dtype.kind == "f"):
        raise CheckpointError(f"{label} has weights that are not finite")


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Keep named arrays of numbers as one file, which appears whole or not at all."""
    with whole(path) as draft, draft.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """What `write_arrays` kept; CheckpointError in one sentence where that is not there."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: np.asarray(archive[name]) for name in archive.files}
    except FileNotFoundError:
        raise CheckpointError(f"{path} does not exist") from None
    except Exception as error:  # zipfile's and NumPy's, of many types
        raise CheckpointError(f"{path} is damaged or no checkpoint of deepopt") from error
    if any(array.dtype.kind != "f" for array in arrays.values()):
        raise CheckpointError(f"{path} holds more than weights")
    return arrays


def _shown(shapes: Sequence[tuple[int, ...]]) -> str:
    sizes = ", ".join("×".join(map(str, shape)) for shape in shapes[:4])
    return f"{sizes}{', …' if len(shapes) > 4 else ''} ({len(shapes)} arrays)"


def write_config(folder: Path, sizes: Architecture, training: dict[str, Any]) -> None:
    """Keep what the checkpoints of a folder belong to."""
    text = {"format": FORMAT, "architecture": dataclasses.asdict(sizes), "training": training}
    write_text(folder / CONFIG, json.dumps(text, indent=1) + "\n")


def read_config(folder: Path) -> tuple[Architecture, dict[str, Any]]:
    """The architecture and the settings of the training.

    Raises CheckpointError where the folder has no sound `generator.json`.
    """
    path = folder / CONFIG
    try:
        text = json.loads(path.read_text(encoding="utf-8"))
        if text["format"] != FORMAT:
            raise CheckpointError(f"{path} is of format {text['format']}, expected {FORMAT}")
        return Architecture(**text["architecture"]), dict(text["training"])
    except FileNotFoundError:
        raise CheckpointError(f"{folder} has no {CONFIG}") from None
    except CheckpointError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} is damaged: {error}") from error


def steps_of(folder: Path) -> list[Path]:
    """The checkpoints of a folder of this project, first to last."""
    return natural_order(folder.glob(PATTERN))
