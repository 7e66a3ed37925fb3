"""The latents of a generator, in their own units."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from .._backend import Tensor, Tensors, ops, to_tensor
from .._domain import Box, Kinds, reflect
from .._support.checks import check_choice, check_number
from ._base import Reparametrization, Start

PRIORS = ("uniform", "normal")


@dataclasses.dataclass(frozen=True)
class Latent(Reparametrization):
    """The latents of a generator: one point per run, in the latents' own units.

    Parameters
    ----------
    bounds : tuple of (float, float), optional
        A box, a pair for each latent: points are mirrored at it, and a descent that can holds the
        latents at its edges. Without it a latent may be anywhere.
    prior : {"uniform", "normal"}, default "uniform"
        How the first latents are drawn: U(-1, 1), or in a box one half of them where U(-1, 1) and
        the box overlap and the other half all over it; N(0, 1), clipped to the box.

    Examples
    --------
    >>> Latent(bounds=((-1.0, 1.0), (-1.0, 1.0))).n_points
    1
    """

    bounds: tuple[tuple[float, float], ...] | None = None
    prior: str = "uniform"
    pointwise = True

    def __post_init__(self) -> None:
        check_choice("prior", self.prior, PRIORS)
        for low, high in self.bounds or ():
            check_number("bounds", low, below=high)

    @property
    def n_points(self) -> int:
        return 1

    def init(self, box: Box, rng: np.random.Generator, x0: np.ndarray | None) -> Start:
        return Start([self.draw(rng, 1, box.dim) if x0 is None else x0[None]], [])

    def draw(self, rng: np.random.Generator, n: int, k: int) -> np.ndarray:
        """Latents (n, k) from the prior."""
        if self.prior == "normal":
            return self.clip(rng.standard_normal((n, k)))
        low, high = self._range()
        drawn: np.ndarray = rng.uniform(low, high, (n, k))
        if self.bounds is not None:
            low, high = np.transpose(self.bounds)
            drawn[1::2] = rng.uniform(low, high, drawn[1::2].shape)
        return drawn

    @property
    def spread(self) -> float | np.ndarray:
        """Standard deviation of the prior: () or (k,)."""
        if self.prior == "normal":
            return 1.0
        low, high = self._range()
        return (high - low) / 12.0**0.5  # type: ignore[no-any-return]

    def _range(self) -> Any:
        """Lowest and highest of a uniform prior: the part of the box where it lies, if any does."""
        if self.bounds is None:
            return -1.0, 1.0
        low, high = np.transpose(self.bounds)
        inside = (low < 1.0) & (high > -1.0)
        return np.where(inside, np.maximum(low, -1.0), low), np.where(
            inside, np.minimum(high, 1.0), high
        )

    def clip(self, x: np.ndarray) -> np.ndarray:
        """Latents (..., k) inside the box."""
        return x if self.bounds is None else np.clip(x, *np.transpose(self.bounds))

    def points(self, variables: Tensors, fixed: Tensors, kinds: Kinds | None) -> Tensor:
        (w,) = variables
        edges = self._edges(w.dtype)
        if edges is None:
            return w
        low, high = edges
        mirrored = low + (high - low) * reflect((w - low) / (high - low))
        inside = ops.logical_and(w >= low, w <= high)
        return ops.where(inside, w, mirrored)  # to the last bit, however wide the box is

    def edges(self, kinds: Kinds | None) -> tuple[Tensor, Tensor] | None:
        return self._edges("float64")

    def _edges(self, dtype: Any) -> tuple[Tensor, Tensor] | None:
        if self.bounds is None:
            return None
        low, high = np.transpose(self.bounds)
        return to_tensor(low, dtype), to_tensor(high, dtype)
