"""The generators that suites share: each is trained once, and kept for all of them."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ._cells import Cell, backend

if TYPE_CHECKING:
    from ..generators.sources import Source
    from ._settings import GeneratorSettings


class Scale(NamedTuple):
    """How large the generators are, and how long they are trained."""

    width: float
    steps: int


SIZES = {"quick": Scale(0.25, 400), "half": Scale(0.5, 4000), "full": Scale(1.0, 4000)}


@dataclasses.dataclass(frozen=True)
class Trained:
    """A generator of a suite with its checkpoints.

    Parameters
    ----------
    model : {"vae", "dcgan", "wgan", "wgan-gp"}
    k : int
        Length of a latent.
    every : int
        Steps between two checkpoints.
    settings : GeneratorSettings
        Of the suite.
    """

    model: str
    k: int
    every: int
    settings: GeneratorSettings

    @property
    def parameters(self) -> dict[str, Any]:
        """All that the checkpoints depend on."""
        width, steps = SIZES[self.settings.scale]
        return {
            "model": self.model, "latent_dim": self.k, "width": width, "steps": steps,
            "every": self.every, "seed": self.settings.seed, "images": digest(self.settings.data),
            "backend": backend(),
        }  # fmt: skip

    @property
    def folder(self) -> Path:
        """Where they are kept."""
        asked = self.parameters
        words = (self.model, self.k, self.settings.scale, self.every, asked["seed"])
        assert self.settings.generators is not None
        return Path(self.settings.generators, "-".join(map(str, (*words, backend()))))

    def cell(self) -> Cell:
        """Its training, as a cell."""
        name = f"train-{self.model}-{self.k}-{self.every}"
        return Cell(name, {"suite": "training"} | self.parameters, self._train)

    def open(self) -> Source:
        """Its checkpoints; it is trained where they are not all there."""
        from ..generators import checkpoints
        from ..generators.sources import open_checkpoints

        if not checkpoints.path(self.folder, SIZES[self.settings.scale].steps).exists():
            self._train()
        _, training = checkpoints.read_config(self.folder)
        if training.get("digest") != digest(self.settings.data):
            raise ValueError(
                f"generators must be trainings on the images of data, but {self.folder} holds one "
                "on others; name another folder"
            )
        return open_checkpoints(self.folder)

    def _train(self) -> dict[str, Any]:
        from ..generators import TrainSettings, checkpoints, train

        asked = self.parameters
        del asked["images"], asked["backend"]
        folder = train(TrainSettings(data=self.settings.data, **asked), self.folder)
        return {"checkpoints": len(checkpoints.steps_of(folder))}


@functools.cache
def digest(data: str | Path, held_out: bool = False) -> str:
    """What tells the images of a source from others."""
    from ..generators.images import digest_of, load_held_out, load_images

    return digest_of((load_held_out if held_out else load_images)(data))


def uniform(rng: np.random.Generator, count: int, k: int) -> np.ndarray:
    """Latents (count, k) as the paper draws them for every model, from [-1, 1]^k."""
    return rng.uniform(-1.0, 1.0, (count, k))


def inverted(source: Source, y: np.ndarray, method: str, **given: Any) -> Any:
    """`deepopt.invert`, but Ctrl-C ends the suite and not one result."""
    from .._invert import invert
    from .._support.results import Status

    result = invert(source, y, method, **given)
    if np.any(result.status == Status.INTERRUPTED):
        raise KeyboardInterrupt
    return result
