"""The host's side of the loop: chunks of bounded wall time, limits, counts, history.

Chunk lengths follow the clock and never change a trajectory. The history is kept at iterations
fixed in advance (1, 2, 3, … and then ever wider gaps), so that two runs can be compared.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from .._backend import Tensor, to_numpy, to_tensor
from .._objective import UNLIMITED, Objective, OutOfTimeError
from .._support.results import Status
from .loop import CHUNK_SECONDS, Program
from .state import Group, State, numbers, with_numbers


class Stopped(Exception):  # noqa: N818
    """A limit, or the caller, ended a search; carries the status."""


class Limits(NamedTuple):
    """Where to stop: iterations, points counted by the objective, and a time.perf_counter()."""

    maxiter: int
    maxfev: int = UNLIMITED
    deadline: float = np.inf


class Best(NamedTuple):
    """The best point so far over all runs, and the run (an index over all groups) that found it."""

    x: np.ndarray  # (d,)
    fun: float
    run: int


Easy = Callable[[np.ndarray, float], tuple[np.ndarray, np.ndarray]]
Where = Callable[[], np.ndarray]
Watch = Callable[[Best, int, Where], bool]


class Log:
    """The history of a call over all its drivers, and the iterations of those that are done.

    Parameters
    ----------
    started : float
        time.perf_counter() at the start of the call, from which the history's times run.
    """

    def __init__(self, started: float) -> None:
        self.started = started
        self.nit = 0
        self.history: dict[str, list[float]] = {"nit": [], "nfev": [], "time": [], "fun": []}

    def record(self, nit: int, nfev: int, fun: float) -> None:
        """Add a line, `nit` iterations into the current driver, with the lowest value so far.

        It replaces the last line if no point has been evaluated since.
        """
        again = bool(self.history["nfev"]) and self.history["nfev"][-1] == nfev
        lowest = min([fun, *self.history["fun"][-1:]])
        line = (self.nit + nit, nfev, time.perf_counter() - self.started, lowest)
        for column, value in zip(self.history.values(), line, strict=True):
            column[len(column) - again :] = [value]

    def state(self) -> dict[str, Any]:
        """The lines so far, and the seconds that they took."""
        history = {key: list(column) for key, column in self.history.items()}
        return {"nit": self.nit, "history": history, "took": time.perf_counter() - self.started}

    def restore(self, state: dict[str, Any]) -> None:
        self.nit, self.history = state["nit"], state["history"]
        self.started = time.perf_counter() - state["took"]


def records(maxiter: int, widest: int) -> Iterator[int]:
    """Iterations at which Python looks at the state: gaps of a quarter, from 1 to `widest`."""
    at = 0
    while at < maxiter:
        at = min(at + min(max(at // 4, 1), widest), maxiter)
        yield at


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
    """

    def __init__(
        self,
        program: Program,
        objective: Objective,
        groups: list[Group],
        limits: Limits,
        watch: Watch,
        log: Log,
        easy: Easy | None = None,
    ) -> None:
        self.groups = groups
        self._recorded = 0  # the last of the stops that has been dealt with
        self._program = program
        self._objective = objective
        self._limits = limits
        self._watch = watch
        self._log = log
        self._easy = easy
        self._reached = [0] * len(groups)
        recipe = program.recipe
        points = recipe.reparametrization.n_points * recipe.schedule.samples
        self._cost = points * objective.points_per_gradient

    def run(self, stops: Iterable[int], enough: Callable[[Driver], bool] | None = None) -> Status:
        """Advance, with a record at each of the iterations `stops`, and say what ended it.

        `enough(self)` is asked at each of them whether to leave the rest.
        """
        self._go_back()
        try:
            for record in stops:
                if record <= self._recorded:
                    continue
                for index in range(len(self.groups)):
                    status = self._advance(index, record)
                    if status is not None:
                        self._record()
                        return status
                self._record()
                self._recorded = record
                best = self.best()
                where = functools.partial(self.points, best.run)
                if self._watch(best, self._log.nit + self.nit, where):
                    return Status.CALLBACK
                if all(to_numpy(group.state.done).all() for group in self.groups):
                    return self._why_done()
                if enough is not None and enough(self):
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
        for index, arrays in enumerate(stood["groups"]):
            state, data = self.groups[index]
            self.groups[index] = Group(with_numbers(state, arrays), data)
        self._reached, self._recorded = stood["reached"], stood["recorded"]
        self._objective.restore(stood["objective"])
        self._log.restore(stood["log"])

    def _stand(self) -> None:
        """Tell the saver where this descent stands."""
        if self._objective.saver is None:
            return
        states, reached = [group.state for group in self.groups], list(self._reached)
        rest = {
            "reached": reached, "recorded": self._recorded,
            "objective": self._objective.state(), "log": self._log.state(),
        }  # fmt: skip
        self._objective.saver.stand(lambda: {"groups": [numbers(state) for state in states]} | rest)

    @property
    def nit(self) -> int:
        return max(int(to_numpy(group.state.nit).max()) for group in self.groups)

    def best(self) -> Best:
        values = self.best_per_run()
        run = int(np.argmin(values))
        group, row = self._locate(run)
        x = to_numpy(group.state.best_x)[row].astype("float64")
        return Best(x, float(values[run]), run)

    def best_per_run(self) -> np.ndarray:
        """The lowest value (R,) that each run has met; infinite where it met none."""
        values = np.concatenate([to_numpy(g.state.best_f) for g in self.groups])
        return np.asarray(values, dtype="float64")

    def best_points(self) -> np.ndarray:
        """Where each run met its lowest value (R, d), in the user's coordinates."""
        points = np.concatenate([to_numpy(g.state.best_x) for g in self.groups])
        return np.asarray(points, dtype="float64")

    def going(self) -> np.ndarray:
        """Which runs (R,) are not over."""
        return np.concatenate([~to_numpy(group.state.done) for group in self.groups])

    def points(self, run: int) -> np.ndarray:
        """The points (n, d) where a run stands now, in the user's coordinates."""
        group, row = self._locate(run)
        points = self._program.points(group.state.variables, group.data)
        return np.asarray(to_numpy(points)[row], dtype="float64")

    def _locate(self, run: int) -> tuple[Group, int]:
        """The group that holds a run, and the run's row in it."""
        for group in self.groups:
            size = group.state.rate.shape[0]
            if run < size:
                return group, run
            run -= size
        raise IndexError(run)

    def _why_done(self) -> Status:
        if not np.isfinite(min(self.best().fun, self._objective.best_f)):
            return Status.NOT_FINITE
        stalled = [to_numpy(g.state.since) >= to_numpy(g.data.stall) for g in self.groups]
        return Status.CONVERGED if np.concatenate(stalled).any() else Status.MAXITER

    def _record(self) -> None:
        lowest = min(self.best().fun, self._objective.best_f)
        self._log.record(self.nit, self._objective.nfev, lowest)

    def _advance(self, index: int, stop: int) -> Status | None:
        """Bring one group to iteration `stop`, unless a limit comes first."""
        while self._reached[index] < stop:
            live = int((~to_numpy(self.groups[index].state.done)).sum())
            if live == 0:
                return None
            allowed = (self._limits.maxfev - self._objective.nfev) // (live * self._cost)
            if allowed < 1:
                return Status.MAXFEV
            left = self._limits.deadline - time.perf_counter()
            if left <= 0 and any(self._reached):
                return Status.MAXTIME
            length = min(stop - self._reached[index], allowed, self._chunk_length(left))
            self._run_chunk(index, self._reached[index] + length)
            self._stand()
        return None

    def _chunk_length(self, left: float) -> int:
        if not self._program.seconds:
            return 1
        return int(max(1.0, min(CHUNK_SECONDS, left) / self._program.seconds))

    def _run_chunk(self, index: int, stop: int) -> None:
        state, data = self.groups[index]
        begun, length = time.perf_counter(), stop - self._reached[index]
        if self._objective.traceable:
            before = int(to_numpy(state.nit).sum())
            state = self._program.chunk(state, data, to_tensor(stop, "int32"))
            self._objective.count((int(to_numpy(state.nit).sum()) - before) * self._cost)
        else:
            for _ in range(length):
                if to_numpy(state.done).all():
                    break
                state = self._step_outside(state, index)
        taken = int(to_numpy(state.iteration)) - self._reached[index]
        self.groups[index] = Group(state, data)
        self._reached[index] = stop
        self._program.seconds = (time.perf_counter() - begun) / max(taken, 1)

    def _step_outside(self, state: State, index: int) -> State:
        """One iteration of a black box: f is called between the two compiled halves."""
        data = self.groups[index].data
        x = to_numpy(self._program.propose(state, data))
        live = ~to_numpy(state.done)
        found = self._rows(x, live, lambda points, _: self._objective.values_and_gradients(points))
        easier = None if self._easy is None else self._rows(x, live, self._easy, state)
        return self._program.absorb(state, data, *found, easier)  # type: ignore[no-any-return]

    def _rows(
        self, x: np.ndarray, live: np.ndarray, evaluate: Easy, state: State | None = None
    ) -> tuple[Tensor, Tensor]:
        """Values and gradients at x (S, R, n, d) as tensors; NaN and 0 for runs that are done."""
        values, gradients = np.full(x.shape[:-1], np.nan), np.zeros(x.shape)
        runs = [live] if state is None else list(np.diag(live)[live])
        for rows in runs:
            points = x[:, rows].reshape(-1, x.shape[-1]).astype("float64")
            t = np.nan if state is None else float(to_numpy(state.t)[rows][0])
            f, gradient = evaluate(self._objective.box.clip(points), t)
            values[:, rows] = f.reshape(values[:, rows].shape)
            gradients[:, rows] = gradient.reshape(x[:, rows].shape)
        return to_tensor(values, x.dtype.name), to_tensor(gradients, x.dtype.name)
