"""`train`: a training with its checkpoints, from the beginning or from where it was stopped."""

from __future__ import annotations

import csv
import dataclasses
import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .._backend import name, precision
from .._support.checks import check_choice, check_number, shown
from .._support.files import folder_for, whole, write_text
from . import checkpoints
from .architectures import Architecture
from .checkpoints import CheckpointError
from .images import digest_of, load_images
from .training import KINDS, SHOWN, Training

STATE, LOSSES = "training.npz", "losses.csv"
GRID = 8  # rows and columns of a grid of samples
WIDEST = 16.0
DTYPES = ("float32", "float16")


@dataclasses.dataclass(frozen=True)
class TrainSettings:
    """What a training depends on.

    Parameters
    ----------
    model : {"vae", "dcgan", "wgan", "wgan-gp"}
    data : str or Path
        As `load_images` takes it.
    latent_dim : int, default 5
        k.
    steps : int, default 4000
        Of training; more of them continue a finished training.
    every : int, default 40
        Steps between two checkpoints.
    width : float, default 1.0
        Factor on the hidden sizes, at most 16.
    batch_size : int, default 64
    seed : int, default 0
    dtype : {"float32", "float16"}, default "float32"
        Of the weights on disk.

    Raises
    ------
    ValueError, TypeError
        In one sentence, for the first that is not sound.

    Examples
    --------
    >>> TrainSettings("vae", "fashion_mnist", width=0.5).steps
    4000
    """

    model: str
    data: str | Path
    latent_dim: int = 5
    steps: int = 4000
    every: int = 40
    width: float = 1.0
    batch_size: int = 64
    seed: int = 0
    dtype: str = "float32"

    def __post_init__(self) -> None:
        check_choice("model", self.model, KINDS)
        check_choice("dtype", self.dtype, DTYPES)
        for label in ("latent_dim", "steps", "every", "batch_size"):
            check_number(label, getattr(self, label), whole=True, at_least=1)
        check_number("seed", self.seed, whole=True, at_least=0)
        check_number("width", self.width, above=0.0, at_most=WIDEST)
        if not isinstance(self.data, str | Path):
            raise TypeError(f"data must be a name or a path, got {shown(self.data)}")


def train(
    settings: TrainSettings,
    out: str | Path,
    progress: Callable[[int, dict[str, float]], None] | None = None,
) -> Path:
    """Train a generator and keep its checkpoints; return their folder.

    A folder that holds a part of the same training is continued, exactly as if it had not been
    stopped.

    Parameters
    ----------
    settings : TrainSettings
    out : str or Path
        The folder: `generator.json`, `step-00000.npz` (before training) to the last one,
        `losses.csv`, grids of samples as PNG, and what a resumed training needs.
    progress : callable, optional
        progress(step, losses) after every step.

    Returns
    -------
    Path
        `out`, which `deepopt.invert` takes.

    Raises
    ------
    ValueError, TypeError
        Where the data are no images, or `out` holds another training.
    OSError
        Where the disk is full; finished checkpoints stay, and the same call continues.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/noise.npy", np.random.default_rng(0).random((20, 8, 8)))
    ...     settings = TrainSettings("vae", f"{folder}/noise.npy", steps=2, every=1, width=0.05)
    ...     made = train(settings, f"{folder}/vae")
    ...     sorted(file.name for file in made.glob("step-*.npz"))
    ['step-00000.npz', 'step-00001.npz', 'step-00002.npz']
    """
    if not isinstance(settings, TrainSettings):
        raise TypeError(f"settings must be TrainSettings, got {shown(settings)}")
    images = load_images(settings.data)
    kind = KINDS[settings.model]
    k, pixels = settings.latent_dim, images[0].size
    if k > pixels:
        raise ValueError(f"latent_dim must be at most the {pixels} numbers of an image, got {k}")
    sizes = Architecture("infogan", k, images.shape[1:], width=settings.width, prior=kind.prior)
    described = _described(settings, images)
    with folder_for(out) as folder, precision("float32"):
        _check_folder(folder, sizes, described)
        training = Training(kind, sizes, images, settings.batch_size, settings.seed)
        losses = _resume(training, folder, settings.every)
        checkpoints.write_config(folder, sizes, described)
        passing = training.step if training.step % settings.every else None  # was a last one
        for step in _steps(training, settings, losses, progress):
            _keep(training, folder, settings, losses, step)
            if passing is not None:
                checkpoints.path(folder, passing).unlink(missing_ok=True)
                _samples(folder, passing).unlink(missing_ok=True)
                passing = None
    return folder


def _described(settings: TrainSettings, images: np.ndarray) -> dict[str, Any]:
    """The settings but for those that a continued training may change, and what they met."""
    kept = dataclasses.asdict(settings)
    del kept["data"], kept["steps"]
    return kept | {"images": len(images), "digest": digest_of(images), "backend": name()}


def _check_folder(folder: Path, sizes: Architecture, described: dict[str, Any]) -> None:
    """Refuse a folder with another training's checkpoints."""
    if not (folder / checkpoints.CONFIG).exists():
        if checkpoints.steps_of(folder):
            raise CheckpointError(f"{folder} holds checkpoints without {checkpoints.CONFIG}")
        return
    known_sizes, known = checkpoints.read_config(folder)
    before = dataclasses.asdict(known_sizes) | known
    now = dataclasses.asdict(sizes) | described
    differing = [key for key in now if before.get(key) != now[key]]
    if differing:
        changes = ", ".join(f"{key} {before.get(key)} there, {now[key]} here" for key in differing)
        raise ValueError(f"{folder} holds another training ({changes}); give another folder")


def _resume(training: Training, folder: Path, every: int) -> list[list[float]]:
    """Take the training to its last checkpoint; the losses up to there."""
    path = folder / STATE
    if not path.exists():
        return []
    arrays, losses = _read_state(path)
    try:
        training.restore(arrays, len(losses))
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}") from None
    for step in sorted({*range(0, training.step + 1, every), training.step}):
        if not zipfile.is_zipfile(kept := checkpoints.path(folder, step)):
            raise CheckpointError(
                f"{kept} is damaged or missing, so this training cannot be continued; delete "
                f"{path} and it is repeated exactly"
            )
    return losses


def _steps(
    training: Training,
    settings: TrainSettings,
    losses: list[list[float]],
    progress: Callable[[int, dict[str, float]], None] | None,
) -> Iterator[int]:
    """Train, and stop where there is something to keep."""
    names = KINDS[settings.model].names
    if training.step == 0:
        yield 0
    while training.step < settings.steps:
        losses.append(training.advance())
        if progress is not None:
            progress(training.step, dict(zip(names, losses[-1], strict=True)))
        if training.step % settings.every == 0 or training.step == settings.steps:
            yield training.step


def _keep(
    training: Training, folder: Path, settings: TrainSettings, losses: list[list[float]], step: int
) -> None:
    """A checkpoint, now and then a grid of samples, and what a resumed training needs."""
    from .. import plots

    weights = training.generator_weights()
    checkpoints.write_weights(checkpoints.path(folder, step), weights, settings.dtype)
    if step % (SHOWN * settings.every) == 0 or step == settings.steps:
        latents = training.sizes.draw(np.random.default_rng(settings.seed), GRID * GRID)
        with whole(_samples(folder, step)) as draft:
            plots.image_grid(draft, training.images(latents), GRID)
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(["step", *KINDS[settings.model].names])
    rows.writerows([number, *line] for number, line in enumerate(losses, 1))
    write_text(folder / LOSSES, table.getvalue())
    _write_state(folder / STATE, training.arrays(), losses)


def _samples(folder: Path, step: int) -> Path:
    return folder / f"samples-{step:05d}.png"


def _write_state(path: Path, arrays: dict[str, list[np.ndarray]], losses: list) -> None:
    named = {
        f"{key}/{i:04d}": part for key, parts in arrays.items() for i, part in enumerate(parts)
    }
    checkpoints.write_arrays(path, {"losses": np.array(losses, "float64"), **named})


def _read_state(path: Path) -> tuple[dict[str, list[np.ndarray]], list[list[float]]]:
    try:
        found = checkpoints.read_arrays(path)
    except CheckpointError as error:
        raise CheckpointError(
            f"{error}, so this training cannot be continued; delete its folder to begin anew"
        ) from None
    losses = found.pop("losses", np.empty((0, 0))).tolist()
    arrays: dict[str, list[np.ndarray]] = {}
    for label in sorted(found):
        arrays.setdefault(label.rpartition("/")[0], []).append(found[label])
    return arrays, losses
