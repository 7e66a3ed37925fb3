"""When a search ends by itself: the one place that says so.

A local search from an independent start ends in one of the minima; how often each has been met
tells how many have not. After n such trials that ended in w minima, the expected number of all
minima is w (n - 1) / (n - w - 2), and the expected share of the space from which a search would end
in one that was never met is w (w + 1) / (n (n - 1)) (Boender & Rinnooy Kan, Bayesian stopping rules
for multistart global optimization methods, Mathematical Programming 37, 1987: a prior that takes
all numbers of minima, and all sizes of their basins, for equally likely).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

UNSEEN = 0.5  # minima that are expected to be unseen, below which a search is content
FEW = 6  # places, up to which all of them are looked for
OFTEN = 3  # trials that end in the lowest, and it was not met by luck


class Evidence(NamedTuple):
    """What the trials of a search say."""

    trials: int
    minima: int  # distinct values that they, or other arms, ended in
    lowest: int  # trials that ended in the lowest
    places: int  # … and minima by their place

    @classmethod
    def of(cls, trials: int, levels: Sequence[tuple[float, int]], places: int) -> Evidence:
        """From levels: values, the lowest first, with the trials that ended in each."""
        return cls(trials, len(levels), levels[0][1] if levels else 0, places)

    @property
    def distinct(self) -> int:
        """Minima by their place while these are few; where they are many, by their value.

        A symmetry makes many copies of one, and a flat valley has no end of places.
        """
        return self.places if self.places <= FEW else self.minima

    @property
    def confidence(self) -> float:
        """The expected share of the space from which a search ends in a minimum that is met."""
        n, w = self.trials, self.distinct
        return max(0.0, 1.0 - w * (w + 1) / (n * (n - 1))) if n > 1 and w else 0.0

    @property
    def content(self) -> bool:
        """Whether fewer minima than `UNSEEN` are expected to be unseen."""
        n, w = self.trials, self.distinct
        enough = 0 < w < n - 2 and w * (n - 1) / (n - w - 2) - w < UNSEEN
        return enough and self.often

    @property
    def often(self) -> bool:
        """Whether the lowest minimum was met so often that it was not met by luck."""
        return self.lowest >= OFTEN

    def __str__(self) -> str:
        n = self.trials
        if not n:
            return "no local search came to an end in a minimum"
        if self.minima > 1:
            reached = f"was reached by {self.lowest} of {n} local searches"
            return f"the lowest of {self.minima} minima {reached}"
        where = "one minimum" if self.places < 2 else f"{self.places} minima of one value"
        return f"{self.lowest} of {n} local searches ended in {where}"


class NoGain:
    """Where the trials say little: a search has gone on for long since the value was lowered.

    Parameters
    ----------
    times, more : float
        It ends at `times` what it had spent then, plus `more`.
    """

    def __init__(self, times: float, more: float) -> None:
        self._times, self._more = times, more
        self._at = 0.0  # what had been spent at the last gain

    def gained(self, at: float) -> None:
        """The value was lowered when so much had been spent."""
        self._at = at

    def over(self, spent: float) -> bool:
        return spent >= self._times * self._at + self._more
