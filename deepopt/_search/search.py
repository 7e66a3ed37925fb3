"""What the searches share: a plan of steps, the minima that are kept, limits, and who watches."""

from __future__ import annotations

import abc
import time
from collections.abc import Callable, Generator
from typing import Any

import numpy as np

from .._engine import Best, Stopped
from .._support.results import Status
from .context import Context
from .minima import Met
from .polishing import Polished, polish

Step = Callable[[], Any]
Plan = Generator[Step, Any, Status]  # of steps; it is sent what each returned


class Search(abc.ABC):
    """One search; `run` may be called once.

    A search is a plan: a generator of steps, each a turn of one of its arms. Between two steps
    stands all that is saved: the attributes that are set after `super().__init__`.

    Attributes
    ----------
    met : Met
        The minima met so far.
    """

    _replays = False  # whether the plan is found again by what its steps returned

    def __init__(self, context: Context) -> None:
        self._context, self._options = context, context.options
        self._objective, self._box, self._rng = context.objective, context.box, context.rng
        self._stays = frozenset(vars(self)) | {"_stays"}
        self.met = Met(len(context.options.rates()))
        self._outcomes: list[Any] = []  # what the steps so far returned

    @abc.abstractmethod
    def _plan(self) -> Plan:
        """The steps one after the other, and at the end the status.

        It depends on nothing but what they return, or else on what is saved.
        """

    def run(self) -> Status:
        vars(self).update(self._context.kept.get("search", {}))
        plan = self._plan()
        step = _sent(plan, None)
        for outcome in self._outcomes:
            step = _sent(plan, outcome)
        try:
            while not isinstance(step, Status):
                self._context.begin(lambda: {"search": self._state()})
                outcome = step()
                if self._replays:
                    self._outcomes.append(outcome)
                step = _sent(plan, outcome)
        except Stopped as stop:
            return self._stopped(stop.args[0])
        return step

    def _state(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in self._stays}

    def _stopped(self, status: Status) -> Status:
        """What is left to do after a limit."""
        return status

    # For the arms

    @property
    def _left(self) -> int:
        """Points that may yet be spent."""
        return self._context.limits.maxfev - self._objective.nfev

    @property
    def _scale(self) -> float:
        """What counts as 1 among values."""
        return self.met.scale(self._context.spread)

    def _gained(self, before: float) -> bool:
        """Whether the best value is lower than `before` by more than next to nothing."""
        return bool(self._objective.best_f < before - (self._options.ftol or 0.0) * self._scale)

    def _check_limits(self, points: int) -> None:
        """Raise Stopped where these points are too many, or it is too late."""
        if points > self._left:
            raise Stopped(Status.MAXFEV)
        if time.perf_counter() > self._context.limits.deadline:
            raise Stopped(Status.MAXTIME)

    def _local(self, start: np.ndarray, scale: float, points: int) -> Polished:
        """L-BFGS-B from `start` (d,), in the user's coordinates; a minimum is kept."""
        maxfev = min(self._context.limits.maxfev, self._objective.nfev + points)
        deadline = self._context.limits.deadline
        found = polish(self._objective, self._box, start, scale, maxfev, deadline)
        if np.isfinite(found.f):
            self.met.keep(found.u, found.f)
        return found

    def _look(self) -> None:
        """Let the callback see the best point."""
        objective = self._objective
        if objective.best_x is not None:
            best = Best(objective.best_x, objective.best_f, 0)
            if self._context.watch(best, self._context.log.nit):
                raise Stopped(Status.CALLBACK)


def _sent(plan: Plan, outcome: Any) -> Step | Status:
    """The next step of the plan, or how it ends."""
    try:
        return plan.send(outcome)
    except StopIteration as end:
        status: Status = end.value
        return status
