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
from .stopping import Evidence

GAIN = 1e-8  # of the value itself, or of f's range: what lowers it by less is no gain
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

    @property
    def reason(self) -> str:
        """Why it ended by itself, in a few words."""
        return "minima met" if self.evidence.content else "no gain"

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
        best, ftol = self._objective.best_f, self._options.ftol or 0.0
        own = GAIN * min(abs(best), self._context.spread) if ftol else 0.0
        return bool(best < before - max(ftol * self._scale, own))

    def _check_limits(self, points: int) -> None:
        """Raise Stopped where these points are too many, or it is too late."""
        if points > self._left:
            raise Stopped(Status.MAXFEV)
        if time.perf_counter() > self._context.limits.deadline:
            raise Stopped(Status.MAXTIME)

    def _descended(
        self, start: np.ndarray, scale: float, points: int, trial: bool = False
    ) -> Polished:
        """L-BFGS-B from `start` (d,), in the user's coordinates.

        A trial ends where it is clear that it goes to a minimum that is known.
        """
        maxfev = min(self._context.limits.maxfev, self._objective.nfev + points)
        deadline = self._context.limits.deadline
        known = self.met if trial else None
        return polish(self._objective, self._box, start, scale, maxfev, deadline, known)

    def _keep(self, found: Polished, trial: bool = False) -> None:
        """Take in where a local search ended; one that was cut short, or has not moved, proves
        nothing.
        """
        if not np.isfinite(found.f):
            return
        self.met.keep(found.u, found.f)
        if found.status not in (Status.MAXFEV, Status.MAXTIME, Status.INTERRUPTED):
            fell = found.first - found.f
            self.met.end(found.u, found.f, trial and fell > 0, fell)

    def _from_x0(self) -> None:
        """The search that SciPy's L-BFGS-B makes from the user's x0, with its own settings.

        So no call ends higher than it.
        """
        context, objective = self._context, self._objective
        x0, limits = self._box.from_unit(context.u0), context.limits  # type: ignore[arg-type]
        found = polish(
            objective, self._box, x0, 1.0, limits.maxfev, limits.deadline, by_default=True
        )
        if np.isfinite(found.f):
            self.met.keep(found.u, found.f)
        context.log.record(0, objective.nfev, objective.best_f)
        if found.status in (Status.MAXTIME, Status.INTERRUPTED):
            raise Stopped(found.status)

    @property
    def _has_budget(self) -> bool:
        """Whether the caller said what may be spent, which is then used while doubts are left."""
        return self._options.maxfev is not None or self._options.maxtime is not None

    @property
    def evidence(self) -> Evidence:
        """What the trials so far say of minima that are unseen."""
        met = self.met
        levels = met.levels(self._context.spread, self._objective.best_f)
        return Evidence.of(met.trials, levels, max(len(met.places), len(levels)))

    @property
    def _doubts(self) -> bool:
        """Whether the lowest minimum may be one of luck, and what was given is left to see."""
        known, evidence = self._objective.best_x is not None, self.evidence
        return self._has_budget and known and not (evidence.often or evidence.content)

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
