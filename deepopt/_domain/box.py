"""The domain: a user's bounds in unit coordinates, and the maps that keep points inside.

A coordinate is *closed* (two finite bounds: x = lb + (ub - lb) u, u in [0, 1]), *half* (one
finite bound: x = bound ± scale u, u >= 0) or *free* (x = x0 + scale u, u real).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .._backend import Tensor, ops

MARGIN = 1e-3  # of the box: how near to a bound a start of a sigmoid may lie


@dataclasses.dataclass(frozen=True, eq=False)
class Box:
    """Bounds (d,) and the affine map x = origin + width · u from unit coordinates."""

    lower: np.ndarray
    upper: np.ndarray
    origin: np.ndarray
    width: np.ndarray
    closed: np.ndarray
    half: np.ndarray

    @classmethod
    def make(
        cls,
        lower: np.ndarray,
        upper: np.ndarray,
        x0: np.ndarray | None = None,
        scale: np.ndarray | None = None,
    ) -> Box:
        """`x0` and `scale` (d,) are needed only where a bound is infinite."""
        with np.errstate(over="ignore", invalid="ignore"):
            span = upper - lower
        closed = np.isfinite(span)
        has_lower, has_upper = np.isfinite(lower), np.isfinite(upper)
        half = has_lower ^ has_upper
        x0 = np.zeros_like(lower) if x0 is None else x0
        scale = np.ones_like(lower) if scale is None else scale
        origin = np.where(closed | (half & has_lower), lower, np.where(half, upper, x0))
        width = np.where(closed, span, np.where(half & has_upper, -scale, scale))
        return cls(lower, upper, origin, width, closed, half)

    @property
    def dim(self) -> int:
        return len(self.lower)

    @property
    def centre(self) -> np.ndarray:
        """The middle (d,) in unit coordinates; one scale inside where half-open, x0 where free."""
        return np.where(self.closed, 0.5, np.where(self.half, 1.0, 0.0))

    def to_unit(self, x: np.ndarray) -> np.ndarray:
        """Points (..., d) in unit coordinates; a fixed variable's coordinate is 0."""
        safe = np.where(self.width == 0, 1.0, self.width)
        return np.where(self.width == 0, 0.0, (x - self.origin) / safe)

    def from_unit(self, u: np.ndarray) -> np.ndarray:
        return self.clip(self.origin + self.width * u)

    def clip(self, x: np.ndarray) -> np.ndarray:
        clipped: np.ndarray = np.minimum(np.maximum(x, self.lower), self.upper)
        return clipped

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """n points (n, d) in unit coordinates: uniform where closed, else Gaussian about u = 0."""
        uniform, normal = rng.random((n, self.dim)), rng.standard_normal((n, self.dim))
        return np.where(self.closed, uniform, np.where(self.half, np.abs(normal), normal))

    def fold(self, u: np.ndarray) -> np.ndarray:
        """Points (..., d) mirrored at the bounds until they are inside, in unit coordinates."""
        phase = np.mod(u, 2.0)
        inside = np.where(phase <= 1.0, phase, 2.0 - phase)
        return np.where(self.closed, inside, np.where(self.half, np.abs(u), u))

    def edges(self, dtype: str) -> tuple[np.ndarray, np.ndarray]:
        """Bounds in `dtype`, rounded towards the inside (float32(32.768) lies above 32.768)."""
        with np.errstate(over="ignore"):
            lower, upper = self.lower.astype(dtype), self.upper.astype(dtype)
        above = lower.astype("float64") < self.lower
        below = upper.astype("float64") > self.upper
        infinity = np.asarray(np.inf, dtype)
        lower = np.where(above, np.nextafter(lower, infinity), lower)
        upper = np.where(below, np.nextafter(upper, -infinity), upper)
        return np.minimum(lower, upper), upper  # a fixed variable may have no float32 inside


class Kinds(NamedTuple):
    """Which coordinates are closed and half-open, as (d,) tensors; None where all are closed."""

    closed: Tensor
    half: Tensor


class OutputMap(NamedTuple):
    """y (any real) -> u (unit coordinates), and a y for a given u on the host.

    `forward(y, kinds)` takes tensors, `inverse(u, box)` NumPy arrays.
    """

    forward: Callable[[Tensor, Kinds | None], Tensor]
    inverse: Callable[[np.ndarray, Box], np.ndarray]


def _by_kind(closed: Tensor, half: Tensor, y: Tensor, kinds: Kinds | None) -> Tensor:
    if kinds is None:
        return closed
    return ops.where(kinds.closed, closed, ops.where(kinds.half, half, y))


def reflect(y: Tensor, kinds: Kinds | None = None) -> Tensor:
    """The triangle wave: the identity on [0, 1], mirrored at its ends; |y| where half-open."""
    phase = y - 2.0 * ops.floor(0.5 * y)
    return _by_kind(ops.where(phase <= 1.0, phase, 2.0 - phase), ops.absolute(y), y, kinds)


def _clip(y: Tensor, kinds: Kinds | None) -> Tensor:
    inside = ops.minimum(ops.maximum(y, 0.0), 1.0)
    return _by_kind(inside, ops.maximum(y, 0.0), y, kinds)


def _sigmoid(y: Tensor, kinds: Kinds | None) -> Tensor:
    return _by_kind(ops.sigmoid(y), ops.softplus(y), y, kinds)


def _logit(u: np.ndarray, box: Box) -> np.ndarray:
    inside = np.clip(u, MARGIN, 1 - MARGIN)
    positive = np.maximum(u, MARGIN)
    half = positive + np.log(-np.expm1(-positive))
    return np.where(box.closed, np.log(inside / (1 - inside)), np.where(box.half, half, u))


def _tanh(y: Tensor, kinds: Kinds | None) -> Tensor:
    return _by_kind(0.5 + 0.5 * ops.tanh(y), ops.softplus(y), y, kinds)


def _atanh(u: np.ndarray, box: Box) -> np.ndarray:
    y = _logit(u, box)
    return np.where(box.closed, 0.5 * y, y)


def _same(u: np.ndarray, box: Box) -> np.ndarray:  # noqa: ARG001
    return u


OUTPUT_MAPS: dict[str, OutputMap] = {
    "sigmoid": OutputMap(_sigmoid, _logit),
    "tanh": OutputMap(_tanh, _atanh),
    "reflect": OutputMap(reflect, _same),
    "clip": OutputMap(_clip, _same),
}
