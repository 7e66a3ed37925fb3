"""What the loop carries: the state of many runs, and the data that stay.

Shapes: R runs (learning rates, seeds), n points per run, d dimensions.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

import numpy as np

from .._backend import Tensor, Tensors, keras, to_numpy, to_tensor
from .._domain import Box, Kinds
from ..descents import Descent
from ..reparametrizations import Reparametrization, Start
from ..schedules import Schedule

NEVER = 2**31 - 1


class State(NamedTuple):
    """All that changes from one iteration to the next."""

    iteration: Tensor  # () int32
    variables: Tensors  # each (R, ...)
    memory: Tensors  # the descent's, each (R, ...)
    rate: Tensor  # (R,)
    best_x: Tensor  # (R, d) the best point of f itself so far
    best_f: Tensor  # (R,)
    best_loss: Tensor  # (R,) the best mean over the points of f scaled to [0, 1]
    since: Tensor  # (R,) int32 iterations since that improved, 0 before f_t is f
    t: Tensor  # (R,) progress of the schedule
    pace: Tensors  # the pace's memory, each (R,)
    nit: Tensor  # (R,) int32
    done: Tensor  # (R,) bool: stalled, as long as it may be, at its target, or without a value


class Data(NamedTuple):
    """All that stays: tensors, so that new values never compile anew."""

    lower: Tensor  # (d,)
    upper: Tensor  # (d,)
    origin: Tensor  # (d,)
    width: Tensor  # (d,)
    kinds: Kinds | None
    inverse_range: Tensor  # () 1 / (range of f over the domain)
    horizon: Tensor  # () iterations over which t goes from 0 to 1
    ftol: Tensor  # () an improvement is more than this, on the scale of [0, 1]
    rtol: Tensor  # () … and more than this part of a best loss that is positive
    stall: Tensor  # () int32 iterations without improvement that end a run
    longest: Tensor  # () int32 iterations that end a run
    target: Tensor  # () or (R,) f at or below this ends a run
    seed: Tensor  # () int32
    fixed: Tensors  # the reparametrization's, each (R, ...)
    context: Any  # what f depends on besides x: nested tensors


class Group(NamedTuple):
    """Runs that advance together in one call of the program."""

    state: State
    data: Data


class Recipe(Protocol):
    """The three parts of a method."""

    @property
    def reparametrization(self) -> Reparametrization: ...
    @property
    def schedule(self) -> Schedule: ...
    @property
    def descent(self) -> Descent: ...


def make_group(
    recipe: Recipe,
    box: Box,
    starts: list[Start],
    rates: list[float],
    dtype: str,
    *,
    value_range: float,
    horizon: int,
    ftol: float,
    stall: int | None,
    seed: int,
    rtol: float = 0.0,
    longest: int = NEVER,
    target: float | np.ndarray = -np.inf,
    outputs: int = 0,
    context: Any = (),
) -> Group:
    """The state before the first iteration of the runs (starts[i], rates[i]).

    `outputs` is the number of residuals per point, where the recipe's descent needs them.
    """

    def stacked(arrays: Iterable[tuple[np.ndarray, ...]]) -> Tensors:
        return [to_tensor(np.stack(rows), dtype) for rows in arrays]

    runs, d = len(rates), box.dim
    variables = stacked(zip(*(start.variables for start in starts), strict=True))
    lower, upper = box.edges(dtype)
    t = to_tensor(np.zeros(runs), dtype)
    state = State(
        iteration=to_tensor(0, "int32"),
        variables=variables,
        memory=recipe.descent.init(variables, outputs),
        rate=to_tensor(rates, dtype),
        best_x=to_tensor(np.full((runs, d), np.nan), dtype),
        best_f=to_tensor(np.full(runs, np.inf), dtype),
        best_loss=to_tensor(np.full(runs, np.inf), dtype),
        since=to_tensor(np.zeros(runs), "int32"),
        t=t,
        pace=recipe.schedule.pace.init(t),
        nit=to_tensor(np.zeros(runs), "int32"),
        done=to_tensor(np.zeros(runs), "bool"),
    )
    masks = None if box.closed.all() else (box.closed, box.half)
    data = Data(
        lower=to_tensor(lower, dtype),
        upper=to_tensor(upper, dtype),
        origin=to_tensor(box.origin, dtype),
        width=to_tensor(box.width, dtype),
        kinds=None if masks is None else Kinds(*(to_tensor(mask, "bool") for mask in masks)),
        inverse_range=to_tensor(1.0 / value_range, dtype),
        horizon=to_tensor(max(horizon, 1), dtype),
        ftol=to_tensor(ftol, dtype),
        rtol=to_tensor(rtol, dtype),
        stall=to_tensor(NEVER if stall is None else stall, "int32"),
        longest=to_tensor(longest, "int32"),
        target=to_tensor(target, dtype),
        seed=to_tensor(seed, "int32"),
        fixed=stacked(zip(*(start.fixed for start in starts), strict=True)),
        context=context,
    )
    return Group(state, data)


def numbers(state: State) -> list[np.ndarray]:
    """What a state consists of, as arrays."""
    return [to_numpy(tensor) for tensor in keras.tree.flatten(state)]


def with_numbers(state: State, arrays: Iterable[np.ndarray]) -> State:
    """A state with these numbers in place of its own."""
    old = keras.tree.flatten(state)
    new = [
        to_tensor(array, keras.backend.standardize_dtype(tensor.dtype))
        for array, tensor in zip(arrays, old, strict=True)
    ]
    return keras.tree.pack_sequence_as(state, new)  # type: ignore[no-any-return]
