"""The easier function of a schedule (`Blend`, `Path`): inside the loop, and beside a black box."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .._backend import Tensor, mapped_slopes, ops, output_shape, value_and_grad
from .._domain import Box
from .._objective import (
    BATCH,
    POINT,
    ROW,
    SLOW,
    UNLIMITED,
    Objective,
    as_values,
    at,
    first_form,
    number,
    real,
)
from .._support.checks import in_brief
from ..schedules import Eased, Path
from .black_box_step import Easy

Slopes = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
SLACK = 1e-6  # relative, of h(x, 1) = f(x)


def easier_in_the_loop(schedule: Eased, box: Box, dtype: str) -> Slopes:
    """easy(x (S, R, n, d), t (R,)) -> values (S, R, n) and gradients, for the compiled loop."""

    def tries(form: str) -> Slopes:
        slopes = _slopes(schedule, form)
        output_shape(lambda x: slopes(x, x[:, 0])[0], (2, box.dim), dtype)
        return slopes

    def halfway(x: Tensor) -> Tensor:
        return schedule.easy(x, 0.5 * ops.ones_like(x[:, 0]))

    try:
        _, slopes = first_form(tries, halfway, box, dtype)
    except Exception as error:
        raise TypeError(
            "the schedule's function must be written in keras.ops, as f is, with one value per "
            f"point; got {in_brief(error)}"
        ) from error

    def easy(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        times = ops.reshape(t, (1, -1, 1)) + ops.zeros_like(x[..., 0])
        f, gradients = slopes(ops.reshape(x, (-1, box.dim)), ops.reshape(times, (-1,)))
        return ops.reshape(f, x.shape[:-1]), ops.reshape(gradients, x.shape)

    return easy


def _slopes(schedule: Eased, form: str) -> Slopes:
    """Values (N,) and gradients (N, d) of the easier function at points (N, d), with as many t."""
    if form == BATCH:

        def values(x: Tensor, t: Tensor) -> Tensor:
            return ops.reshape(real(schedule.easy(x, t), x), x.shape[:1])

        return lambda x, t: value_and_grad(lambda at: values(at, t))(x)

    def one(point: Tensor, t: Tensor) -> Tensor:
        return number(schedule.easy, form, point, t)

    return lambda x, t: mapped_slopes(one, x, t, slowly=form in SLOW.values())


def easier_outside(schedule: Eased, box: Box, dtype: str, batched: bool, deadline: float) -> Easy:
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
    last = _called(schedule, x, objective)
    if np.isfinite(f) and abs(last - f) > SLACK * (1.0 + abs(f)):
        raise ValueError(
            f"schedule must end at f: its function at s = 1 gives {last:g} where f gives {f:g}"
        )


def _called(schedule: Path, x: np.ndarray, objective: Objective) -> float:
    """What a path's function gives at its end for a point (d,), in the form that it takes."""
    forms = (ROW,) if objective.batched else (POINT, ROW)
    for form in forms:
        point = at(form, x)
        try:
            return float(as_values(schedule.function(point, 1.0), (), point.shape))
        except Exception:
            if form == forms[-1]:
                raise
    raise AssertionError
