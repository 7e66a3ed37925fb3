"""Runs in groups that advance together: how far they are, and what the best of them have met."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._backend import to_numpy
from .loop import Program
from .state import Group, State, numbers, with_numbers


class Best(NamedTuple):
    """The best point so far over all runs, and the run (an index over all groups) that found it."""

    x: np.ndarray  # (d,)
    fun: float
    run: int


class Runs:
    """The runs of a driver.

    Parameters
    ----------
    program : Program
        What they run.
    groups : list of Group
        Replaced one by one as they advance.

    Attributes
    ----------
    reached : list of int
        The iteration at which each group stands.
    """

    def __init__(self, program: Program, groups: list[Group]) -> None:
        self._program = program
        self.groups = groups
        self.reached = [0] * len(groups)

    def advanced(self, index: int, state: State, stop: int) -> None:
        """A group stands at iteration `stop` now, or is done."""
        self.groups[index] = self.groups[index]._replace(state=state)
        self.reached[index] = stop

    def state(self) -> list[State]:
        return [group.state for group in self.groups]

    def restore(self, arrays: list[list[np.ndarray]], reached: list[int]) -> None:
        for index, found in enumerate(arrays):
            state, data = self.groups[index]
            self.groups[index] = Group(with_numbers(state, found), data)
        self.reached = reached

    @property
    def nit(self) -> int:
        """Iterations of the run that took the most."""
        return max(int(to_numpy(group.state.nit).max()) for group in self.groups)

    def live(self, index: int) -> int:
        """How many runs of a group are not over."""
        return int((~to_numpy(self.groups[index].state.done)).sum())

    def going(self) -> np.ndarray:
        """Which runs (R,) are not over."""
        return np.concatenate([~to_numpy(group.state.done) for group in self.groups])

    @property
    def stalled(self) -> bool:
        """Whether some run ended for want of progress."""
        stalled = [to_numpy(g.state.since) >= to_numpy(g.data.stall) for g in self.groups]
        return bool(np.concatenate(stalled).any())

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


def as_arrays(states: list[State]) -> list[list[np.ndarray]]:
    """States as plain data, which `Runs.restore` takes."""
    return [numbers(state) for state in states]
