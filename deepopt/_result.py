"""What comes back: SciPy's `OptimizeResult`, and the one list of outcomes."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult


class Status(enum.IntEnum):
    """Why a call ended; every method means the same by them."""

    CONVERGED = 0
    MAXITER = 1
    MAXFEV = 2
    MAXTIME = 3
    NOT_FINITE = 4
    INTERRUPTED = 5
    CALLBACK = 99


MESSAGES = {
    Status.CONVERGED: "A tolerance was met.",
    Status.MAXITER: "The maximum number of iterations was reached.",
    Status.MAXFEV: "The maximum number of function evaluations was reached.",
    Status.MAXTIME: "The time limit was reached.",
    Status.NOT_FINITE: "The objective was not finite at any point that was evaluated.",
    Status.INTERRUPTED: "Interrupted; the best point so far is returned.",
    Status.CALLBACK: "The callback stopped the minimisation.",
}


def make_result(status: Status, **fields: Any) -> OptimizeResult:
    """An `OptimizeResult` whose success, status and message agree."""
    from scipy.optimize import OptimizeResult

    return OptimizeResult(
        success=status is Status.CONVERGED,
        status=int(status),
        message=MESSAGES[status],
        **fields,
    )
