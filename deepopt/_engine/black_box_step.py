"""One iteration where f is a black box: called from Python between two compiled halves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .._backend import Tensor, to_numpy, to_tensor
from .._objective import Objective
from .loop import Program
from .state import Group, State

Easy = Callable[[np.ndarray, float], tuple[np.ndarray, np.ndarray]]


class BlackBoxStep:
    """Steps of a group of runs on a black box.

    Parameters
    ----------
    easy : callable or None
        The schedule's easier function: easy(x (N, d), t) -> values and gradients.
    """

    def __init__(self, program: Program, objective: Objective, easy: Easy | None) -> None:
        self._program, self._objective, self._easy = program, objective, easy

    def __call__(self, group: Group, iterations: int) -> State:
        """The state so many iterations later, or where all runs are done."""
        state = group.state
        for _ in range(iterations):
            if to_numpy(state.done).all():
                break
            state = self._step(Group(state, group.data))
        return state

    def _step(self, group: Group) -> State:
        state, data = group
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
