"""The local minima that a search has met: distinct, sorted, and where to go from them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._domain import Box

SIZE = 16  # local minima kept
SAME_POINT, SAME_VALUE = 1e-4, 1e-9  # two minima that differ by less, in u or by part, are one
NOTHING = 1e-12  # a difference of values, relative to f's range or 1
CENTRES = 4  # of the best, around which points are perturbed
SCALES = (0.01, 0.3)  # least and greatest spread of these, in unit coordinates


class Minimum(NamedTuple):
    """A local minimum that a search ended in."""

    u: np.ndarray  # (d,) in unit coordinates
    f: float

    def same(self, other: Minimum) -> bool:
        near = np.abs(self.u - other.u).max() < SAME_POINT
        slack = SAME_VALUE * max(abs(self.f), abs(other.f))
        return bool(near or abs(self.f - other.f) <= slack)


class Met:
    """What a search has met: at most `SIZE` of the best distinct minima, the lowest first.

    Attributes
    ----------
    minima : list of Minimum
    gradient : ndarray (d,) or None
        Of f at `polished_x`, the point that was polished last.
    fun_per_rate : ndarray (R,)
        The lowest value that the runs of each learning rate have met.
    """

    def __init__(self, rates: int = 1) -> None:
        self.minima: list[Minimum] = []
        self.gradient: np.ndarray | None = None
        self.polished_x: np.ndarray | None = None
        self.fun_per_rate = np.full(rates, np.inf)

    def is_polished(self, x: np.ndarray | None) -> bool:
        """Whether `gradient` is that at x (d,)."""
        return np.array_equal(self.polished_x, x)  # type: ignore[arg-type]

    def keep(self, u: np.ndarray, f: float) -> None:
        """Take a minimum in, in place of any that is the same."""
        new = Minimum(u, f)
        twins = [minimum for minimum in self.minima if minimum.same(new)]
        if all(f < twin.f for twin in twins):
            others = [minimum for minimum in self.minima if not minimum.same(new)]
            self.minima = sorted([*others, new], key=lambda minimum: minimum.f)[:SIZE]

    def scale(self, spread: float) -> float:
        """What counts as 1 among values: the range of the minima, at most that of f.

        Where the minima differ by next to nothing, that is no scale, and f's range is taken.
        """
        between = self.minima[-1].f - self.minima[0].f if self.minima else 0.0
        return min(spread, between) if between > NOTHING * min(spread, 1.0) else spread

    def perturbed(self, box: Box, spreads: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Points (m, d) around the best minima, at the given spreads (m,)."""
        best = np.array([minimum.u for minimum in self.minima[:CENTRES]])
        centres = best[rng.integers(len(best), size=len(spreads))]
        return box.fold(centres + spreads[:, None] * rng.standard_normal(centres.shape))

    def recombined(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Points (count, d) that have each variable from one or the other of two minima."""
        minima = np.array([minimum.u for minimum in self.minima])
        one, other = minima[rng.integers(len(minima), size=(2, count))]
        points: np.ndarray = np.where(rng.random(one.shape) < 0.5, one, other)
        return points
