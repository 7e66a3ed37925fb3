"""The host's side of the loop: chunks of bounded wall time, limits, counts, records.

Chunk lengths follow the clock and never change a trajectory. The history is kept at iterations
fixed in advance, so that two runs can be compared.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from .._backend import to_numpy, to_tensor
from .._objective import UNLIMITED, Objective, OutOfTimeError
from .._support.results import Status
from .black_box_step import BlackBoxStep, Easy
from .history import Log
from .loop import CHUNK_SECONDS, Program
from .runs import Best, Runs, as_arrays
from .state import Group, State


class Stopped(Exception):  # noqa: N818
    """A limit, or the caller, ended a search; carries the status."""


class Limits(NamedTuple):
    """Where to stop: iterations, points counted by the objective, and a time.perf_counter()."""

    maxiter: int
    maxfev: int = UNLIMITED
    deadline: float = np.inf


Where = Callable[[], np.ndarray]
Watch = Callable[[Best, int, Where], bool]


class Driver:
    """Advances groups of runs side by side until a limit, a tolerance or the watcher stops them.

    Parameters
    ----------
    program, objective, groups, limits
        What runs, on what, from where, until when. `objective` counts the points.
    watch : callable
        Called as watch(best, nit, where) at each record, where() being the points (n, d) where
        the best run stands; returning True stops.
    log : Log
        Where the history goes.
    easy : callable or None
        The schedule's easier function for a black box: easy(x (N, d), t) -> values and gradients.

    Attributes
    ----------
    runs : Runs
        How far they are, and what they have met.
    """

    def __init__(
        self, program: Program, objective: Objective, groups: list[Group], limits: Limits,
        watch: Watch, log: Log, easy: Easy | None = None,
    ) -> None:  # fmt: skip
        self.runs = Runs(program, groups)
        self._recorded = 0  # the last of the stops that has been dealt with
        self._program, self._objective, self._limits = program, objective, limits
        self._watch, self._log = watch, log
        self._outside = BlackBoxStep(program, objective, easy)
        recipe = program.recipe
        points = recipe.reparametrization.n_points * recipe.schedule.samples
        self._cost = points * objective.points_per_gradient

    def run(self, stops: Iterable[int], enough: Callable[[Runs], bool] | None = None) -> Status:
        """Advance, with a record at each of the iterations `stops`, and say what ended it.

        `enough(runs)` is asked at each of them whether to leave the rest.
        """
        self._go_back()
        try:
            for record in stops:
                if record <= self._recorded:
                    continue
                for index in range(len(self.runs.groups)):
                    status = self._advance(index, record)
                    if status is not None:
                        self._record()
                        return status
                self._record()
                self._recorded = record
                best = self.runs.best()
                where = functools.partial(self.runs.points, best.run)
                if self._watch(best, self._log.nit + self.runs.nit, where):
                    return Status.CALLBACK
                if not self.runs.going().any():
                    return self._why_done()
                if enough is not None and enough(self.runs):
                    break
        except KeyboardInterrupt:
            return Status.INTERRUPTED
        except OutOfTimeError:
            return Status.MAXTIME
        return Status.MAXITER

    def _go_back(self) -> None:
        """Stand where this descent was interrupted, if it was."""
        saver = self._objective.saver
        stood = None if saver is None else saver.interrupted()
        if stood is None:
            return
        self.runs.restore(stood["groups"], stood["reached"])
        self._recorded = stood["recorded"]
        self._objective.restore(stood["objective"])
        self._log.restore(stood["log"])

    def _stand(self) -> None:
        """Tell the saver where this descent stands."""
        if self._objective.saver is None:
            return
        states = self.runs.state()
        rest = {
            "reached": list(self.runs.reached), "recorded": self._recorded,
            "objective": self._objective.state(), "log": self._log.state(),
        }  # fmt: skip
        self._objective.saver.stand(lambda: {"groups": as_arrays(states)} | rest)

    def _why_done(self) -> Status:
        if not np.isfinite(self._lowest()):
            return Status.NOT_FINITE
        return Status.CONVERGED if self.runs.stalled else Status.MAXITER

    def _record(self) -> None:
        self._log.record(self.runs.nit, self._objective.nfev, self._lowest())

    def _lowest(self) -> float:
        return min(self.runs.best().fun, self._objective.best_f)

    def _advance(self, index: int, stop: int) -> Status | None:
        """Bring one group to iteration `stop`, unless a limit comes first."""
        runs = self.runs
        while runs.reached[index] < stop:
            live = runs.live(index)
            if live == 0:
                return None
            allowed = (self._limits.maxfev - self._objective.nfev) // (live * self._cost)
            if allowed < 1:
                return Status.MAXFEV
            left = self._limits.deadline - time.perf_counter()
            if left <= 0 and any(runs.reached):
                return Status.MAXTIME
            length = min(stop - runs.reached[index], allowed, self._chunk_length(left))
            self._run_chunk(index, length)
            self._stand()
        return None

    def _chunk_length(self, left: float) -> int:
        if not self._program.seconds:
            return 1
        return int(max(1.0, min(CHUNK_SECONDS, left) / self._program.seconds))

    def _run_chunk(self, index: int, length: int) -> None:
        group, at = self.runs.groups[index], self.runs.reached[index]
        begun = time.perf_counter()
        if self._objective.traceable:
            state = self._compiled(group, at + length)
        else:
            state = self._outside(group, length)
        taken = int(to_numpy(state.iteration)) - at
        self.runs.advanced(index, state, at + length)
        self._program.seconds = (time.perf_counter() - begun) / max(taken, 1)

    def _compiled(self, group: Group, stop: int) -> State:
        """One call of the compiled loop, whose points are counted."""
        before = int(to_numpy(group.state.nit).sum())
        state: State = self._program.chunk(*group, to_tensor(stop, "int32"))
        self._objective.count((int(to_numpy(state.nit).sum()) - before) * self._cost)
        return state
