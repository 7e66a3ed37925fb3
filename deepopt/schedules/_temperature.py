"""Langevin noise that cools (Gelfand & Mitter 1991)."""

from __future__ import annotations

import dataclasses

from .._backend import Tensor, ops
from .._support.checks import check_number
from ._base import Staged, geometric
from ._paces import Pace, Steady


@dataclasses.dataclass(frozen=True)
class Temperature(Staged):
    """Langevin noise that cools: w ← w - α ∇f + √(2 α T) ε, as T falls.

    T falls geometrically from `start` to `end` over the first `fraction` of the way and is 0
    after it. With plain gradient descent and small rates α the variables are distributed as
    exp(-L / T), L the mean over the run's points of f scaled to [0, 1]: each of n points of a
    `Direct` feels n T.

    Parameters
    ----------
    start, end : float, default 1e-2, 1e-5
        First and last temperature, as parts of f's range.
    fraction : float, default 0.8
        Part of the way over which T falls; after it there is no noise.
    pace : Steady or Adaptive, default Steady()
        How t advances.

    Examples
    --------
    >>> Temperature(start=0.1).end
    1e-05

    References
    ----------
    Gelfand & Mitter, Recursive stochastic algorithms for global optimization in R^d, 1991.
    """

    start: float = 1e-2
    end: float = 1e-5
    fraction: float = 0.8
    pace: Pace = Steady()

    def __post_init__(self) -> None:
        check_number("end", self.end, above=0.0)
        check_number("start", self.start, at_least=self.end)
        self._check_stages()

    def temperature(self, t: Tensor) -> Tensor:
        falling = geometric(self.start, self.end, self.progress(t))
        return ops.where(self.arrived(t), 0.0, falling)
