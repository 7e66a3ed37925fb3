"""When a search ends by itself: the one place that says so."""

from __future__ import annotations


class NoGain:
    """A search ends when it has gone on for long since the value was last lowered.

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
