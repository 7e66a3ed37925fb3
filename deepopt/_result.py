"""What comes back: SciPy's `OptimizeResult`, and the one list of outcomes."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult


class Status(enum.IntEnum):
    """Why a call ended, with its sentence; every method means the same by them."""

    sentence: str

    CONVERGED = 0, "A tolerance was met."
    MAXITER = 1, "The maximum number of iterations was reached."
    MAXFEV = 2, "The maximum number of function evaluations was reached."
    MAXTIME = 3, "The time limit was reached."
    NOT_FINITE = 4, "The objective was not finite at any point that was evaluated."
    INTERRUPTED = 5, "Interrupted; the best point so far is returned."
    CALLBACK = 99, "The callback stopped the minimisation."

    def __new__(cls, value: int, sentence: str) -> Status:
        member = int.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member


def make_result(status: Status, **fields: Any) -> OptimizeResult:
    """An `OptimizeResult` whose success, status and message agree."""
    from scipy.optimize import OptimizeResult

    return OptimizeResult(
        success=status is Status.CONVERGED,
        status=int(status),
        message=status.sentence,
        **fields,
    )
