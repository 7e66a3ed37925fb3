"""What comes back: SciPy's `OptimizeResult` with a card, and the one list of outcomes."""

from __future__ import annotations

import enum
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult

from .summary import WIDTH, Card, count, names, number, point, span


class Status(enum.IntEnum):
    """Why a call ended, in words and in a sentence; every method means the same by them."""

    words: str
    sentence: str

    CONVERGED = 0, "tolerance", "A tolerance was met."
    MAXITER = 1, "maxiter", "The maximum number of iterations was reached."
    MAXFEV = 2, "maxfev", "The maximum number of function evaluations was reached."
    MAXTIME = 3, "maxtime", "The time limit was reached."
    NOT_FINITE = (
        4, "no finite value", "The objective was not finite at any point that was evaluated.",
    )  # fmt: skip
    INTERRUPTED = 5, "interrupt", "Interrupted; the best point so far is returned."
    CALLBACK = 99, "callback", "The callback stopped the minimisation."

    def __new__(cls, value: int, words: str, sentence: str) -> Status:
        member = int.__new__(cls, value)
        member._value_ = value
        member.words, member.sentence = words, sentence
        return member


class Result(OptimizeResult):  # type: ignore[misc]
    """SciPy's `OptimizeResult` that prints as a card of a few lines.

    All else is as it was: it is a dict whose keys are attributes too.
    """

    def __repr__(self) -> str:
        return self._card().text

    __str__ = __repr__

    def _repr_html_(self) -> str:
        return self._card().html

    def _card(self) -> Card:
        method, message = str(self.get("method", "result")), str(self.get("message", ""))
        try:
            with warnings.catch_warnings(action="ignore"):
                rows = list(_batch(self) if np.ndim(self.get("fun", 0.0)) else _single(self))
        except Exception:  # fields that somebody changed: what is left is listed
            rows = []
        shown = {label for label, _ in rows} | {"fun", "nfev", "nit", "message", "method"}
        more = names(self.keys() - shown, WIDTH - 16)
        rows += [("more", more)] if more else []
        return Card(f"{method}: {message}" if message else method, rows)


Rows = Iterator[tuple[str, str]]


def _single(result: Result) -> Rows:
    """Of one point."""
    if "fun" in result:
        yield "f", number(result["fun"])
    if "x" in result:
        yield "x", point(result["x"])
    if "found" in result:
        yield "found", "yes, to the tolerance" if result["found"] else "no"
    if "cost" in result:
        yield "cost", count(result["cost"], "forward pass", "forward passes")
    spent = [
        count(result[key], one) for key, one in (("nfev", "point"), ("nit", "iteration"))
        if key in result
    ]  # fmt: skip
    seconds = _seconds(result)
    if spent or seconds:
        yield "spent", ", ".join([*spent, *seconds])


def _batch(result: Result) -> Rows:
    """Of a batch of inversions."""
    total = len(result["fun"])
    if "found" in result:
        yield "found", f"{int(np.sum(result['found'])):,} of {total:,}"
    yield "f", span(result["fun"])
    if "x" in result:
        yield "x", point(result["x"])
    if "cost" in result:
        yield "cost", f"{span(result['cost'], 6)} forward passes each"
    if "nit" in result:
        yield "spent", f"{span(result['nit'], 6)} iterations each"


def _seconds(result: Result) -> list[str]:
    """Those of the last record of the history, where there is one."""
    history = result.get("history")
    times: Any = history.get("time", ()) if isinstance(history, dict) else ()
    return [f"{float(times[-1]):.3g} s"] if len(times) else []


def mark_interrupted(result: Any) -> None:
    """Say so in a result that was there when Ctrl-C came."""
    status = np.full_like(result.status, Status.INTERRUPTED)
    result.status = status if status.ndim else int(Status.INTERRUPTED)
    result.success = np.zeros_like(status, dtype=bool) if status.ndim else False
    result.message = Status.INTERRUPTED.sentence
    if "stopped_by" in result:
        result.stopped_by = Status.INTERRUPTED.words


def make_result(status: Status, **fields: Any) -> Result:
    """A result whose success, status, message and stopped_by agree."""
    return Result(
        success=status is Status.CONVERGED, status=int(status), message=status.sentence,
        stopped_by=status.words, **fields,
    )  # fmt: skip
