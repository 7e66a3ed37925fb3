"""The history of a call: what it had spent and reached, at iterations fixed in advance."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any


class Log:
    """The history of a call over all its drivers, and the iterations of those that are done.

    Parameters
    ----------
    started : float
        time.perf_counter() at the start of the call, from which the history's times run.
    """

    def __init__(self, started: float) -> None:
        self.started = started
        self.nit = 0
        self.history: dict[str, list[float]] = {"nit": [], "nfev": [], "time": [], "fun": []}

    def record(self, nit: int, nfev: int, fun: float) -> None:
        """Add a line, `nit` iterations into the current driver, with the lowest value so far.

        It replaces the last line if no point has been evaluated since.
        """
        again = bool(self.history["nfev"]) and self.history["nfev"][-1] == nfev
        lowest = min([fun, *self.history["fun"][-1:]])
        line = (self.nit + nit, nfev, time.perf_counter() - self.started, lowest)
        for column, value in zip(self.history.values(), line, strict=True):
            column[len(column) - again :] = [value]

    def state(self) -> dict[str, Any]:
        """The lines so far, and the seconds that they took."""
        history = {key: list(column) for key, column in self.history.items()}
        return {"nit": self.nit, "history": history, "took": time.perf_counter() - self.started}

    def restore(self, state: dict[str, Any]) -> None:
        self.nit, self.history = state["nit"], state["history"]
        self.started = time.perf_counter() - state["took"]


def records(maxiter: int, widest: int) -> Iterator[int]:
    """Iterations at which Python looks at the state: gaps of a quarter, from 1 to `widest`."""
    at = 0
    while at < maxiter:
        at = min(at + min(max(at // 4, 1), widest), maxiter)
        yield at
