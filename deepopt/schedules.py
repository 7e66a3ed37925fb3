"""Schedules: which objective is minimised when.

A schedule replaces f at progress t in [0, 1] by a weighted mean of f over a few points around
u: f_t(u) = Σ_s weight_s f(sample_s(u)). The first sample is u itself, so that the value of the
final objective is known at every iterate. All points are in unit coordinates.
"""

from __future__ import annotations

import dataclasses
from typing import Protocol

from ._backend import Tensor, normal, ops
from ._box import Kinds, reflect
from ._checks import check_number


class Schedule(Protocol):
    """What the loop asks of a schedule; any frozen, hashable object with these will do."""

    @property
    def samples(self) -> int:
        """Evaluations of f per point and iteration."""

    def sample(self, u: Tensor, t: Tensor, seed: Tensor, kinds: Kinds | None) -> Tensor:
        """Points (samples, runs, n, d) around u (runs, n, d); the first is u itself."""

    def weights(self, t: Tensor) -> Tensor:
        """Weights (samples,) of their values in f_t."""

    def rate(self, t: Tensor) -> Tensor | float:
        """Factor on the learning rate."""


@dataclasses.dataclass(frozen=True)
class Constant:
    """f itself from the first iteration to the last.

    Examples
    --------
    >>> Constant().samples
    1
    """

    samples: int = dataclasses.field(default=1, init=False)

    def sample(self, u: Tensor, t: Tensor, seed: Tensor, kinds: Kinds | None) -> Tensor:
        return ops.expand_dims(u, 0)

    def weights(self, t: Tensor) -> Tensor:
        return ops.ones((1,), dtype=t.dtype)

    def rate(self, t: Tensor) -> float:
        return 1.0


@dataclasses.dataclass(frozen=True)
class GaussianSmoothing:
    """f_σ(u) = E f(u + σ ε), ε standard normal, reflected at the bounds, as σ falls.

    σ falls geometrically from `sigma_start` to `sigma_end`, in units of the box, over the
    first `fraction` of the iterations and stays there. The rate is taken relative to σ, so
    that steps shrink with the scale that is still visible. The mean is over antithetic pairs,
    drawn anew in each iteration.

    Parameters
    ----------
    sigma_start, sigma_end : float, default 0.5, 1e-4
        First and last standard deviation, in units of the box's width.
    n_samples : int, default 32
        Evaluations per point and iteration in the mean (even); one more tracks f itself.
    fraction : float, default 0.8
        Part of the iterations over which σ falls.

    Examples
    --------
    >>> GaussianSmoothing(n_samples=8).samples
    9

    References
    ----------
    Mobahi & Fisher, A theoretical analysis of optimization by Gaussian continuation, AAAI 2015.
    """

    sigma_start: float = 0.5
    sigma_end: float = 1e-4
    n_samples: int = 32
    fraction: float = 0.8

    def __post_init__(self) -> None:
        check_number("sigma_end", self.sigma_end, above=0.0)
        check_number("sigma_start", self.sigma_start, at_least=self.sigma_end)
        check_number("n_samples", self.n_samples, at_least=2, whole=True)
        check_number("fraction", self.fraction, above=0.0, at_most=1.0)
        if self.n_samples % 2:
            raise ValueError(f"n_samples must be even, got {self.n_samples}")

    @property
    def samples(self) -> int:
        return 1 + self.n_samples

    def _sigma(self, t: Tensor) -> Tensor:
        progress = ops.minimum(t / self.fraction, 1.0)
        ratio = ops.convert_to_tensor(self.sigma_end / self.sigma_start, dtype=t.dtype)
        return self.sigma_start * ops.power(ratio, progress)

    def sample(self, u: Tensor, t: Tensor, seed: Tensor, kinds: Kinds | None) -> Tensor:
        shape = (self.n_samples // 2, *u.shape)
        step = self._sigma(t) * normal(seed, shape, t.dtype)
        around = reflect(ops.concatenate([u + step, u - step], axis=0), kinds)
        return ops.concatenate([ops.expand_dims(u, 0), around], axis=0)

    def weights(self, t: Tensor) -> Tensor:
        ones = ops.ones((self.n_samples,), dtype=t.dtype) / self.n_samples
        return ops.concatenate([ops.zeros((1,), dtype=t.dtype), ones], axis=0)

    def rate(self, t: Tensor) -> Tensor:
        return self._sigma(t)
