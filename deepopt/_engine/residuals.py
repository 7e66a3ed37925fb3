"""What a descent that needs a Jacobian asks of an objective: f = ½ ‖r‖² for known residuals r."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._backend import Tensor, output_shape, tangents_flow, to_numpy, to_tensor
from .._domain import Box
from .._objective import Objective, Traced, first_form
from .._support.checks import in_brief
from ..schedules import Constant
from .recipe import Recipe

AGREES = 1e-3  # relative difference of f and ½ ‖r‖² that is put down to rounding
PROBED = 4  # points where tangents are compared with differences


class Residuals(NamedTuple):
    """What is known of an objective's residuals."""

    size: int  # r has so many numbers; 0 where the recipe's descent needs none
    tangents: bool  # whether they have forward-mode derivatives


def read_residuals(objective: Objective, recipe: Recipe, dtype: str, box: Box) -> Residuals:
    """Look at the residuals, as far as the recipe's descent needs them.

    Takes one value of f, in the middle of the box, where it must be ½ ‖r‖².

    Raises
    ------
    ValueError
        Where the objective or the other parts do not fit the descent.
    """
    descent = recipe.descent
    if not descent.needs_jacobian:
        return Residuals(0, True)
    needs = f"the descent {type(descent).__name__} needs"
    if not recipe.reparametrization.pointwise:
        raise ValueError(
            f"{needs} a reparametrization with variables of its own for every point, got "
            f"{type(recipe.reparametrization).__name__}"
        )
    if not isinstance(recipe.schedule, Constant):
        raise ValueError(f"{needs} the schedule Constant(), got {type(recipe.schedule).__name__}")
    traced = objective.traced
    if traced is None:
        raise ValueError(f"{needs} a fun that can be traced, got a black box")
    if not objective.has_residuals:
        raise ValueError(f"{needs} a fun with a method residuals, r(x) with f = ½ ‖r‖²")
    at = box.from_unit(box.centre)
    size, r = _size(traced, at, box, dtype)
    f, half = objective.value(at), 0.5 * float(r @ r)
    if np.isfinite(f) and abs(f - half) > AGREES * max(abs(f), abs(half)):
        raise ValueError(
            f"fun must be ½ ‖fun.residuals‖²; at one point it is {f:g}, and that is {half:g}"
        )
    return Residuals(size, _tangents_flow(traced, dtype, box))


def _size(traced: Traced, at: np.ndarray, box: Box, dtype: str) -> tuple[int, np.ndarray]:
    """How many residuals there are, and what they are at a point (d,)."""
    points = len(at) + 1  # not square, so that rows and columns are told apart

    def tries(form: str) -> int:
        traced.residuals_take(form)
        shape = output_shape(traced.residuals, (points, len(at)), dtype)
        if len(shape) != 2 or shape[0] != points:
            raise ValueError(f"for one point it gave an array of shape {shape[1:]}")
        return int(shape[1])

    try:
        _, size = first_form(tries, traced.plain_residuals, box, dtype)
        r = to_numpy(traced.residuals_of(to_tensor(at, dtype)))
    except Exception as error:
        raise ValueError(
            f"fun.residuals must map a point ({len(at)},) to residuals (m,), but it raised "
            f"{in_brief(error)}"
        ) from error
    return size, r.astype("float64")


def _tangents_flow(traced: Traced, dtype: str, box: Box) -> bool:
    origin, width = (to_tensor(part, dtype) for part in (box.origin, box.width))

    def residuals(u: Tensor) -> Tensor:
        return traced.residuals_of(origin + width * u)

    points = to_tensor(box.draw(np.random.default_rng(0), PROBED), dtype)
    return all(tangents_flow(residuals, point) for point in points)
