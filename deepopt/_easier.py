"""The easier function of a schedule (`Blend`, `Path`): inside the loop, and beside a black box."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ._backend import Tensor, ops, output_shape, value_and_grad
from ._box import Box
from ._drive import Easy
from ._objective import UNLIMITED, Objective
from ._recognise import BATCHED_BLACK_BOX, TRACED
from ._values import as_values
from .schedules import Eased, Path

Form = Callable[[Tensor, Tensor], Tensor]
SLACK = 1e-6  # relative, of h(x, 1) = f(x)


def traced(
    schedule: Eased, box: Box, dtype: str
) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """easy(x (S, R, n, d), t (R,)) -> values (S, R, n) and gradients, for the compiled loop."""

    def whole(x: Tensor, t: Tensor) -> Tensor:
        """Values (N,) at points (N, d) with as many t."""
        values = schedule.easy(x, t)
        return ops.cast(values, x.dtype)

    def each(x: Tensor, t: Tensor) -> Tensor:
        return ops.vectorized_map(lambda pair: whole(*pair) + 0.0 * pair[0][0], (x, t))

    n = 3 if box.dim != 3 else 4  # a batch never passes as its transpose
    for form in (whole, each):

        def at_once(x: Tensor, form: Form = form) -> Tensor:
            return form(x, x[:, 0])

        try:
            shape = output_shape(at_once, (n, box.dim), dtype)
        except Exception as error:  # whatever the user's function raises
            reason = error
            continue
        if shape == (n,):
            break
        reason = TypeError(f"it returned shape {shape} for {n} points")
    else:
        raise TypeError(
            "the schedule's function must be written in keras.ops, as f is, with one value per "
            f"point; got {type(reason).__name__}: {' '.join(str(reason).split())[:160]}"
        )

    def values(x: Tensor, t: Tensor) -> Tensor:
        times = ops.reshape(t, (1, -1, 1)) + ops.zeros_like(x[..., 0])
        flat = form(ops.reshape(x, (-1, box.dim)), ops.reshape(times, (-1,)))
        return ops.reshape(flat, x.shape[:-1])

    return lambda x, t: value_and_grad(lambda at: values(at, t))(x)


def outside(schedule: Eased, box: Box, dtype: str, batched: bool | None, deadline: float) -> Easy:
    """easy(x (N, d), t) -> values and gradients by differences, called from Python."""
    now = [0.0]
    objective = Objective(lambda x: schedule.easy(x, now[0]), "2-point", (), box, dtype, deadline)
    objective.recognise(batched, UNLIMITED)

    def easy(x: np.ndarray, t: float) -> tuple[np.ndarray, np.ndarray]:
        now[0] = t
        return objective.values_and_gradients(x)

    return easy


def check_path(schedule: Eased, objective: Objective, x: np.ndarray) -> None:
    """Raise ValueError where a `Path` does not end at f, by their values at x (d,)."""
    if not isinstance(schedule, Path):
        return
    f = objective.value(x)
    batched = objective.kind in (TRACED, BATCHED_BLACK_BOX)
    at = x[None] if batched else x
    last = float(as_values(schedule.function(at, 1.0), at.shape[:-1], at.shape).reshape(-1)[0])
    if np.isfinite(f) and abs(last - f) > SLACK * (1.0 + abs(f)):
        raise ValueError(
            f"schedule must end at f: its function at s = 1 gives {last:g} where f gives {f:g}"
        )
