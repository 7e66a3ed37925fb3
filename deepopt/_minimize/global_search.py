"""A global search, whose population is the best minima that it met."""

from __future__ import annotations

import numpy as np

from .._objective import Objective, OutOfTimeError
from .._search import Search
from .._support.results import Status
from .outcome import Found, settle
from .task import OVER, Task


def search_globally(task: Task, search: Search) -> Found:
    """Run a search, and finish at its lowest point."""
    asked, objective = task.asked, task.objective
    try:
        status = search.run()
        task.leave(status)
        looks = status is not Status.INTERRUPTED and objective.nfev < task.maxfev
        if objective.best_x is None and looks:
            objective.value(asked.first)
        settle(asked, objective, task.maxfev)
        if status in OVER:
            _know_slope(search, objective, task.maxfev)
    except KeyboardInterrupt:
        status = Status.INTERRUPTED
    except OutOfTimeError:
        status = Status.MAXTIME
    if status is Status.INTERRUPTED:
        settle(asked, objective, task.maxfev)
    met = search.met
    places = met.places if objective.best_x is not None else []
    points, energies = asked.first[None], np.array([np.inf])
    if places:
        points = task.box.from_unit(np.array([place.u for place in places]))
        energies = np.array([place.f for place in places])
    hits = np.array([place.hits for place in places] or [0])
    gradient = met.gradient if met.is_polished(objective.best_x) else None
    rates = task.options.rates()
    return Found(status, points, energies, met.fun_per_rate, rates, gradient, search, hits)


def _know_slope(search: Search, objective: Objective, maxfev: int) -> None:
    """The gradient at the best point, where the user gave one and it was not asked there."""
    cheap = not objective.traceable and objective.points_per_gradient == 1
    best = objective.best_x
    if cheap and objective.nfev < maxfev and best is not None and not search.met.is_polished(best):
        search.met.polished_x = best
        search.met.gradient = objective.values_and_gradients(best[None])[1][0]
