"""One call of `minimize`, once its arguments are read: what f is, a search, the result."""

from __future__ import annotations

import numpy as np

from .._engine import Best, Log, Session
from .._engine import run as run_session
from .._objective import Objective, OutOfTimeError
from .._search import BlackBoxSearch, TracedSearch
from .._support.interrupts import holding
from .._support.results import Result, Status
from .._support.workers import Calls, calls_by
from .asked import Asked
from .descent import descend
from .global_search import search_globally
from .outcome import Found, attach_best, nothing_found, result_of
from .shown import Shown
from .task import OVER, Task, prepare


def run(asked: Asked) -> Result:
    """Run a call, in its turn and its precision."""

    def body() -> Result:
        with np.errstate(all="ignore"), calls_by(asked.workers) as calls:
            return _run(asked, calls)

    return run_session(asked.options, body)


def _run(asked: Asked, calls: Calls | None) -> Result:
    options = asked.options
    longest = None if options.searches else options.maxiter  # a search's iterations are no measure
    session = Session(options, asked.method, "points", (options.maxfev, longest), asked.started)
    objective = Objective(
        asked.fun, asked.jac, asked.args, asked.box, options.dtype, session.deadline,
        calls, asked.errstate, options.precision,
    )  # fmt: skip
    log, shown = Log(asked.started), Shown(asked, objective, session.line)
    try:
        with session:
            try:
                task = prepare(asked, session, objective, log, shown)
            except KeyboardInterrupt:
                found = nothing_found(asked, objective, Status.INTERRUPTED)
            else:
                found = _carry_out(task)
            result = result_of(found, asked, objective, log)
            if result.status == Status.INTERRUPTED and objective.best_x is None:
                raise KeyboardInterrupt
            told = f"f = {result.fun:.10g}, {result.message} {result.nfev} points"
            session.line.say(told)
            return result
    except Exception as error:
        attach_best(error, asked, objective, shown)
        raise


def _carry_out(task: Task) -> Found:
    """Do what is asked, and keep it in its file meanwhile."""
    with task.session.keeping():
        task.go_on()
        found = _find(task)
        task.session.end(over=found.status in OVER)
    with holding():
        task.loops.keep()
    return found


def _find(task: Task) -> Found:
    traceable = task.objective.traceable
    if not task.box.width.any():
        return _stay(task)
    if task.options.searches and traceable:
        return search_globally(task, TracedSearch(task))
    if task.options.searches_black_box and not traceable:
        return search_globally(task, BlackBoxSearch(task))
    return descend(task)


def _stay(task: Task) -> Found:
    """The one point that there is, where all variables are fixed."""
    asked, objective, status = task.asked, task.objective, Status.CONVERGED
    try:
        if asked.x0 is None and objective.best_x is None and objective.nfev < task.maxfev:
            objective.value(asked.first)
    except KeyboardInterrupt:
        status = Status.INTERRUPTED
    except OutOfTimeError:
        status = Status.MAXTIME
    found = nothing_found(asked, objective, status)
    task.log.record(0, objective.nfev, objective.best_f)
    best = Best(asked.first, float(found.energies[0]), 0)
    if status is Status.CONVERGED and task.watch(best, 0):
        return found._replace(status=Status.CALLBACK)
    return found
