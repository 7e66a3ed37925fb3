"""One descent with every rate from every start, and a polish where it is asked for."""

from __future__ import annotations

import numpy as np

from .._backend import on_accelerator
from .._engine import Best, Driver, Group, Limits, make_group, records
from .._objective import OutOfTimeError
from .._search import polish
from .._support.results import Status
from ..reparametrizations import Start
from .outcome import Found, settle
from .task import Task

WIDEST_GAP = 500  # iterations between two records of the history
WIDEST_GAP_WATCHED = 50  # … when a callback or a display waits for them
POLISH_SHARE = 0.2  # of maxfev
POLISHED = (Status.MAXITER, Status.CONVERGED, Status.MAXFEV)  # ends of the loop that it follows


def descend(task: Task) -> Found:
    """Run the recipe, and finish from its lowest point."""
    asked, options, rng = task.asked, task.options, task.asked.rng
    task.begin(dict)
    where = task.recipe.reparametrization
    starts = [
        where.init(task.box, rng, asked.u0 if index == 0 else None)
        for index in range(options.networks)
    ]
    runs = [(start, rate) for start in starts for rate in options.rates()]
    for_polish = int(POLISH_SHARE * task.maxfev) if options.polish else 0
    limits = task.limits._replace(maxfev=max(0, task.limits.maxfev - for_polish))
    groups = _groups(task, runs, limits, int(rng.integers(2**31 - 64)))
    driver = Driver(
        task.program(task.recipe), task.objective, groups, limits, task.watch, task.log, task.easy
    )
    widest = WIDEST_GAP_WATCHED if task.watched else WIDEST_GAP
    status = driver.run(records(limits.maxiter, widest))
    found = _finish(task, driver, status, [rate for _, rate in runs])
    task.log.nit = driver.runs.nit
    return found


def _groups(task: Task, runs: list[tuple[Start, float]], limits: Limits, seed: int) -> list[Group]:
    """On a CPU runs advance one after the other, which is faster there; else all at once."""
    recipe, options = task.recipe, task.options
    size = len(runs) if on_accelerator() else 1
    points = recipe.reparametrization.n_points * recipe.schedule.samples
    each = len(runs) * points * task.objective.points_per_gradient
    return [
        make_group(
            recipe,
            task.box,
            [start for start, _ in runs[at : at + size]],
            [rate for _, rate in runs[at : at + size]],
            options.dtype,
            value_range=task.spread,
            horizon=min(limits.maxiter, limits.maxfev // each),
            ftol=options.ftol or 0.0,
            stall=None if options.ftol is None else options.stall,
            seed=seed,
            outputs=task.residuals.size,
        )
        for at in range(0, len(runs), size)
    ]


def _finish(task: Task, driver: Driver, status: Status, rates: list[float]) -> Found:
    """The lowest point of all, polished if asked, with f there in float64."""
    objective, box = task.objective, task.box
    task.leave(status)
    best, gradient = driver.runs.best(), None
    points = box.clip(driver.runs.points(best.run))
    known = box.clip(best.x) if np.isfinite(best.fun) else task.asked.first
    points = np.where(np.isfinite(points).all(axis=-1, keepdims=True), points, known)
    energies = np.full(len(points), np.inf)
    if status is not Status.INTERRUPTED:
        try:
            _evaluate_last(task, best, points, energies)
            if task.options.polish and status in POLISHED and objective.best_x is not None:
                polished = polish(
                    objective, box, objective.best_x, task.spread, task.maxfev - 1,
                    task.limits.deadline,
                )  # fmt: skip
                gradient, status = polished.gradient, polished.status
            settle(task.asked, objective, task.maxfev)
        except KeyboardInterrupt:
            status = Status.INTERRUPTED
        except OutOfTimeError:
            status = Status.MAXTIME
    if status is Status.INTERRUPTED:
        settle(task.asked, objective, task.maxfev, best)
    return Found(status, points, energies, driver.runs.best_per_run(), rates, gradient)


def _evaluate_last(task: Task, best: Best, points: np.ndarray, energies: np.ndarray) -> None:
    """f anew at the best point, and where the best run stands, as far as limits allow.

    The objective notes the lowest. `energies` (n,) is filled in.
    """
    objective = task.objective
    if np.isfinite(best.fun) and objective.traceable:
        objective.value(task.box.clip(best.x))
    kept = 1 if objective.best_x is not None else 0  # for `settle`
    affordable = max(0, min(len(points), task.maxfev - objective.nfev - kept))
    if affordable:
        values = objective.values(points[:affordable])
        energies[:affordable] = np.where(np.isfinite(values), values, np.inf)
