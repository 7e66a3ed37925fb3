"""From what a call has found to its result; f at the point that is returned, to the last bit."""

from __future__ import annotations

import contextlib
from typing import NamedTuple

import numpy as np

from .._engine import Best, Log
from .._objective import Objective
from .._search import Search
from .._support.interrupts import holding
from .._support.results import Result, Status, make_result
from .asked import Asked
from .shown import Shown


class Found(NamedTuple):
    """What a search, or a descent, has come to."""

    status: Status
    points: np.ndarray  # (n, d) of the result's population
    energies: np.ndarray  # (n,)
    fun_per_run: np.ndarray  # (R,)
    rates: list[float]  # one per run
    gradient: np.ndarray | None = None  # at the best point
    search: Search | None = None  # that has come to it
    hits: np.ndarray | None = None  # (n,) trials that ended in each point


def settle(asked: Asked, objective: Objective, maxfev: int, best: Best | None = None) -> None:
    """Give the best point the value that the user gets from f, to the last bit.

    `best` is another one that the loop has met.
    """
    if not objective.traceable or objective.nfev >= maxfev:
        return
    if best is not None and best.fun < objective.best_f:
        objective.best_x, objective.best_f = asked.box.clip(best.x), best.fun
    if objective.best_x is not None:
        with holding():
            objective.best_f = objective.value(objective.best_x)


def nothing_found(asked: Asked, objective: Objective, status: Status) -> Found:
    """Of a call in which nothing ran: one point, the best that is known or else the first."""
    known = objective.best_x is not None
    x, fun = (objective.best_x, objective.best_f) if known else (asked.first, np.nan)
    rates = asked.options.rates()
    return Found(status, np.array([x]), np.array([fun]), np.full(len(rates), np.inf), rates)


def result_of(found: Found, asked: Asked, objective: Objective, log: Log) -> Result:
    """The result: the lowest point that is known, and f there; NaN where none has a value."""
    x, fun = objective.best_x, objective.best_f
    if x is None:
        x, fun = found.points[0] if asked.x0 is None else asked.first, np.nan
    status = found.status
    early = status is Status.MAXTIME and log.nit == 0  # before f was looked at in earnest
    if not np.isfinite(fun) and status is not Status.INTERRUPTED and not early:
        status = Status.NOT_FINITE
    result = make_result(
        status, x=x, fun=fun, nit=log.nit, nfev=objective.nfev, njev=objective.njev,
        population=found.points, population_energies=found.energies,
        history={key: np.array(column) for key, column in log.history.items()},
        method=asked.method, objective_kind=objective.kind,
        learning_rate=found.rates[int(np.argmin(found.fun_per_run))],
        learning_rates=np.array(found.rates), fun_per_run=found.fun_per_run,
    )  # fmt: skip
    if found.gradient is not None:
        result.jac = found.gradient
    if found.search is not None:
        result.population_hits = found.hits
        _tell(result, status, found.search)
    return result


def _tell(result: Result, status: Status, search: Search) -> None:
    """Why a search ended, and how sure it is."""
    evidence = search.evidence
    result.confidence = evidence.confidence
    known = str(evidence)
    known = known[0].upper() + known[1:]
    if status is not Status.CONVERGED:
        result.message = f"{status.sentence} {known}."
        return
    result.stopped_by = search.reason
    gone = "" if evidence.content else "The value has stood for long. "
    result.message = f"{gone}{known}."


def attach_best(error: Exception, asked: Asked, objective: Objective, shown: Shown) -> None:
    """Nothing is lost with an exception of the user's function or callback."""
    x, fun, _ = shown.last
    if objective.best_x is not None and objective.best_f < fun:
        x, fun = objective.best_x, objective.best_f
    if not np.isfinite(fun):
        return
    best = Result(x=asked.box.clip(x), fun=fun, nfev=objective.nfev, njev=objective.njev)
    with contextlib.suppress(AttributeError, TypeError):  # an exception that takes neither
        error.best_so_far = best  # type: ignore[attr-defined]
        error.add_note(
            f"The best point so far, f = {fun:.10g} after {objective.nfev} points, is in this "
            "exception's attribute best_so_far."
        )
