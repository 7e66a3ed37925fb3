"""The local minima that a search has met: distinct, sorted, and where to go from them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._domain import Box

SIZE = 16  # local minima kept
SAME_POINT, SAME_VALUE = 1e-4, 1e-9  # two minima that differ by less, in u or by part, are one
SAME_PLACE = 1e-3  # two ends of searches that differ by less, in u, are one place
SAME_LEVEL, SAME_DEPTH, ROUNDING = 1e-7, 1e-7, 1e-11  # … of one level: parts of the values' scale,
# of how deep trials fall, and of the values themselves
PLACES = 100
DOUBTFUL = 1e-3  # of how deep trials fall: two ends that differ by less may be one minimum
ARRIVED = 1e-6  # of the way down, that may be left at a place that is known
NEAR, LIKE = 0.2, 1.5  # how far from a minimum it is recognised, and how nearly f is quadratic
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


class Place(NamedTuple):
    """A point where local searches ended."""

    u: np.ndarray  # (d,) in unit coordinates
    f: float
    hits: int  # by searches from independent starts


class Met:
    """What a search has met.

    Attributes
    ----------
    minima : list of Minimum
        At most `SIZE` of the best, the lowest first; those of one value count as one.
    places : list of Place
        At most `PLACES` of the best that differ in x, the lowest first.
    trials : int
        Local searches from independent starts that came to an end.
    falls : list of float
        By how much trials lowered f, as far as that is known.
    gradient : ndarray (d,) or None
        Of f at `polished_x`, the point that was polished last.
    fun_per_rate : ndarray (R,)
        The lowest value that the runs of each learning rate have met.
    """

    def __init__(self, rates: int = 1) -> None:
        self.minima: list[Minimum] = []
        self.places: list[Place] = []
        self.trials = 0
        self.falls: list[float] = []
        self.gradient: np.ndarray | None = None
        self.polished_x: np.ndarray | None = None
        self.fun_per_rate = np.full(rates, np.inf)

    def is_polished(self, x: np.ndarray | None) -> bool:
        """Whether `gradient` is that at x (d,)."""
        return np.array_equal(self.polished_x, x)  # type: ignore[arg-type]

    def keep(self, u: np.ndarray, f: float) -> None:
        """Take a low point in, in place of any that is the same."""
        new = Minimum(u, f)
        twins = [minimum for minimum in self.minima if minimum.same(new)]
        if all(f < twin.f for twin in twins):
            others = [minimum for minimum in self.minima if not minimum.same(new)]
            self.minima = sorted([*others, new], key=lambda minimum: minimum.f)[:SIZE]

    def end(self, u: np.ndarray, f: float, trial: bool, fell: float = np.nan) -> None:
        """A local search has ended here, by how much it `fell`, where that is known."""
        new = Place(u, f, int(trial))
        self.trials += trial
        if trial and np.isfinite(fell):
            self.falls.append(fell)
        near = [one for one in self.places if np.abs(one.u - new.u).max() < SAME_PLACE]
        for one in near:
            lower = min(one, new, key=lambda place: place.f)
            new = Place(lower.u, lower.f, one.hits + new.hits)
        others = [one for one in self.places if not any(one is twin for twin in near)]
        self.places = sorted([*others, new], key=lambda place: place.f)[:PLACES]

    def levels(self, spread: float, best: float = np.inf) -> list[tuple[float, int]]:
        """The values of the minima, the lowest first, and how many trials ended in each.

        The `best` value is one too, where no search has ended as low.

        Minima of equal value, such as the copies that a symmetry makes of one, are one level.
        """
        found: list[tuple[float, int]] = []
        depth = float(np.median(self.falls)) if self.falls else 0.0
        least = max(SAME_LEVEL * self.scale(spread), SAME_DEPTH * depth)
        known = [(place.f, place.hits) for place in self.places]
        for f, hits in [*([(best, 0)] if np.isfinite(best) and known else []), *known]:
            if found and f - found[-1][0] <= max(least, ROUNDING * abs(f)):
                found[-1] = (found[-1][0], found[-1][1] + hits)
            else:
                found.append((f, hits))
        return found

    def is_doubtful(self, u: np.ndarray, f: float) -> bool:
        """Whether a search that ended at u (d,) may have stopped on its way to a known place."""
        slack = DOUBTFUL * float(np.median(self.falls)) if self.falls else 0.0
        away = [np.abs(place.u - u).max() for place in self.places]
        level = [abs(f - place.f) <= slack for place in self.places]
        return any(level) and min(away) >= SAME_PLACE

    def arrived(self, u: np.ndarray, f: float, first: float) -> Place | None:
        """The place at u (d,), if f there is as low but for next to nothing of the way down."""
        for place in self.places:
            if f - place.f <= ARRIVED * (first - place.f) and abs(u - place.u).max() < SAME_PLACE:
                return place if f >= place.f else None
        return None

    def recognised(self, u: np.ndarray, f: float, slope: np.ndarray) -> Place | None:
        """The place in whose bowl u (d,) lies, by f and its slope (d,) there.

        Where f is a quadratic function on the line between the two, f(u) - f* = ½ slope · (u - u*).
        """
        for place in self.places:
            away, above = u - place.u, f - place.f
            if above > 0 and np.abs(away).max() < NEAR:
                ratio = 0.5 * float(slope @ away) / above
                if 1.0 / LIKE < ratio < LIKE:
                    return place
        return None

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
