"""The host's side of the loop: chunks of bounded wall time, limits, counts, history.

Chunk lengths follow the clock and never change a trajectory. The history is kept at iterations
fixed in advance (1, 2, 3, … and then ever wider gaps), so that two runs can be compared.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from ._backend import to_numpy, to_tensor
from ._loop import CHUNK_SECONDS, Group, Program, State
from ._objective import Objective, OutOfTimeError
from ._result import Status

UNLIMITED = 2**62  # points


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


History = dict[str, list[float]]


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
        Called as watch(best, nit) at each record; returning True stops.
    started : float
        time.perf_counter() at the start of the call, from which the history's times run.
    """

    def __init__(
        self,
        program: Program,
        objective: Objective,
        groups: list[Group],
        limits: Limits,
        watch: Callable[[Best, int], bool],
        started: float,
    ) -> None:
        self.groups = groups
        self.history: History = {"nit": [], "nfev": [], "time": [], "fun": []}
        self._program = program
        self._objective = objective
        self._limits = limits
        self._watch = watch
        self._started = started
        self._reached = [0] * len(groups)
        self._seconds = 0.0  # per iteration of one group; 0 while unknown
        recipe = program.recipe
        points = recipe.reparametrization.n_points * recipe.schedule.samples
        self._cost = points * objective.points_per_gradient

    def run(self, widest_gap: int) -> Status:
        """Advance until something says stop, and say what did."""
        try:
            for record in records(self._limits.maxiter, widest_gap):
                for index in range(len(self.groups)):
                    status = self._advance(index, record)
                    if status is not None:
                        self._record()
                        return status
                self._record()
                if self._watch(self.best(), self.nit):
                    return Status.CALLBACK
                if all(to_numpy(group.state.done).all() for group in self.groups):
                    return self._why_done()
        except KeyboardInterrupt:
            return Status.INTERRUPTED
        except OutOfTimeError:
            return Status.MAXTIME
        return Status.MAXITER

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
        if not np.isfinite(self.best().fun):
            return Status.NOT_FINITE
        stalled = [to_numpy(g.state.since) >= to_numpy(g.data.stall) for g in self.groups]
        return Status.CONVERGED if np.concatenate(stalled).any() else Status.MAXITER

    def _record(self) -> None:
        self.history["nit"].append(self.nit)
        self.history["nfev"].append(self._objective.nfev)
        self.history["time"].append(time.perf_counter() - self._started)
        self.history["fun"].append(self.best().fun)

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
            if left <= 0 and self._seconds:
                return Status.MAXTIME
            length = min(stop - self._reached[index], allowed, self._chunk_length(left))
            self._run_chunk(index, self._reached[index] + length)
        return None

    def _chunk_length(self, left: float) -> int:
        if not self._seconds:
            return 1
        return int(max(1.0, min(CHUNK_SECONDS, left) / self._seconds))

    def _run_chunk(self, index: int, stop: int) -> None:
        state, data = self.groups[index]
        begun, length = time.perf_counter(), stop - self._reached[index]
        if self._objective.traceable:
            before = int(to_numpy(state.nit).sum())
            state = self._program.chunk(state, data, to_tensor(stop, "int32"))
            self._objective.count((int(to_numpy(state.nit).sum()) - before) * self._cost)
        else:
            for _ in range(length):
                state = self._step_outside(state, index)
        self.groups[index] = Group(state, data)
        self._reached[index] = stop
        self._seconds = (time.perf_counter() - begun) / length

    def _step_outside(self, state: State, index: int) -> State:
        """One iteration of a black box: f is called between the two compiled halves."""
        data = self.groups[index].data
        x = to_numpy(self._program.propose(state, data))
        dtype = x.dtype
        live = ~to_numpy(state.done)
        values = np.full(x.shape[:-1], np.nan)
        gradients = np.zeros(x.shape)
        points = x[:, live].reshape(-1, x.shape[-1]).astype("float64")
        points = self._objective.box.clip(points)
        f, gradient = self._objective.values_and_gradients(points)
        values[:, live] = f.reshape(values[:, live].shape)
        gradients[:, live] = gradient.reshape(x[:, live].shape)
        return self._program.absorb(  # type: ignore[no-any-return]
            state, data, to_tensor(values, dtype.name), to_tensor(gradients, dtype.name)
        )
