"""Gaussian smoothing (Mobahi & Fisher 2015), over a randomly shifted lattice."""

from __future__ import annotations

import dataclasses
from typing import Any

from .._backend import Tensor, normal, ops, uniform
from .._domain import Kinds, reflect
from .._support.checks import check_choice, check_number
from .._support.ranges import Choice, Range, searched
from ._base import Staged, geometric
from ._paces import Pace, Steady


@dataclasses.dataclass(frozen=True)
class GaussianSmoothing(Staged):
    """f_σ(u) = E f(u + σ ε), ε standard normal, reflected at the bounds, as σ falls.

    σ falls geometrically from `sigma_start` to `sigma_end`, in units of the box, over the
    first `fraction` of the way and stays there. The rate is taken relative to σ, so that
    steps shrink with the scale that is still visible. The mean is over points drawn anew in
    each iteration.

    Parameters
    ----------
    sigma_start, sigma_end : float, default 0.5, 1e-4
        First and last standard deviation, in units of the box's width.
    n_samples : int, default 32
        Evaluations per point and iteration in the mean (even); one more tracks f itself.
    fraction : float, default 0.8
        Part of the way over which σ falls.
    draw : {"lattice", "random"}, default "lattice"
        "lattice" takes ε from a randomly shifted lattice that is evenly spread in each coordinate,
        "random" from independent normal numbers; both come in antithetic pairs u ± σε.
    pace : Steady or Adaptive, default Steady()
        How t advances; `Adaptive` lets σ fall when progress stops.

    Examples
    --------
    >>> GaussianSmoothing(n_samples=8).samples
    9

    References
    ----------
    Mobahi & Fisher, A theoretical analysis of optimization by Gaussian continuation, AAAI 2015.
    Cranley & Patterson, Randomization of number theoretic methods for multiple integration, 1976.
    """

    sigma_start: float = searched(0.5, Range(0.05, 1.0, log=True))
    sigma_end: float = searched(1e-4, Range(1e-6, 1e-2, log=True))
    n_samples: int = searched(32, Choice((4, 8, 16, 32, 64, 128)))
    fraction: float = searched(0.8, Range(0.3, 1.0))
    draw: str = "lattice"
    pace: Pace = Steady()

    def __post_init__(self) -> None:
        check_number("sigma_end", self.sigma_end, above=0.0)
        check_number("sigma_start", self.sigma_start, at_least=self.sigma_end, at_most=100.0)
        check_number("n_samples", self.n_samples, at_least=2, whole=True)
        check_choice("draw", self.draw, ("lattice", "random"))
        self._check_stages()
        if self.n_samples % 2:
            raise ValueError(f"n_samples must be even, got {self.n_samples}")

    @property
    def samples(self) -> int:
        return 1 + self.n_samples

    def rate(self, t: Tensor) -> Tensor:
        """σ at t (runs,)."""
        return geometric(self.sigma_start, self.sigma_end, self.progress(t))

    def sample(self, u: Tensor, t: Tensor, seed: Tensor, kinds: Kinds | None) -> Tensor:
        half = self.n_samples // 2
        drawn = (_lattice if self.draw == "lattice" else normal)(seed, (half, *u.shape), t.dtype)
        step = ops.reshape(self.rate(t), (-1, 1, 1)) * drawn
        around = reflect(ops.concatenate([u + step, u - step], axis=0), kinds)
        return ops.concatenate([ops.expand_dims(u, 0), around], axis=0)

    def weights(self, t: Tensor) -> Tensor:
        ones = ops.ones((self.n_samples,), dtype=t.dtype) / self.n_samples
        return ops.concatenate([ops.zeros((1,), dtype=t.dtype), ones], axis=0)


def _lattice(seed: Tensor, shape: tuple[int, ...], dtype: Any) -> Tensor:
    """Standard normal numbers (m, ...) that are evenly spread along the first axis."""
    m = shape[0]
    drawn = uniform(seed, (2, *shape[1:]), dtype)
    step = 2.0 * ops.floor(0.5 * m * drawn[0]) + 1.0  # odd: a permutation where m is a power of 2
    index = ops.reshape(ops.arange(m, dtype=dtype), (m,) + (1,) * (len(shape) - 1))
    spread = step * index / m + drawn[1]
    spread = spread - ops.floor(spread)
    inside = ops.minimum(ops.maximum(2.0 * spread - 1.0, -1.0 + 1e-7), 1.0 - 1e-7)
    return 1.4142135623730951 * ops.erfinv(inside)
