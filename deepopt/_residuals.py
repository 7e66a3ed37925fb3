"""What a descent that needs a Jacobian asks of an objective: f = ½ ‖r‖² for known residuals r."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ._backend import Tensor, output_shape, tangents_flow, to_numpy, to_tensor
from ._box import Box
from ._checks import in_brief
from ._methods import Recipe
from ._objective import Objective
from .schedules import Constant

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
    if not objective.traceable:
        raise ValueError(f"{needs} a fun that can be traced, got a black box")
    if not objective.has_residuals:
        raise ValueError(f"{needs} a fun with a method residuals, r(x) with f = ½ ‖r‖²")
    at = box.from_unit(box.centre)
    points = len(at) + 1  # not square, so that rows and columns are told apart
    try:
        shape = output_shape(objective.residuals, (points, len(at)), dtype)
        r = to_numpy(objective.residuals(to_tensor(at[None], dtype)))[0].astype("float64")
    except Exception as error:
        raise ValueError(
            f"fun.residuals must map points (..., {len(at)}) to residuals (..., m), but it raised "
            f"{in_brief(error)}"
        ) from error
    if len(shape) != 2 or shape[0] != points:
        raise ValueError(
            f"fun.residuals must map points (..., {len(at)}) to residuals (..., m), but of "
            f"{(points, len(at))} it made {shape}"
        )
    f, half = objective.value(at), 0.5 * float(r @ r)
    if np.isfinite(f) and abs(f - half) > AGREES * max(abs(f), abs(half)):
        raise ValueError(
            f"fun must be ½ ‖fun.residuals‖²; at one point it is {f:g}, and that is {half:g}"
        )
    return Residuals(int(shape[-1]), _tangents_flow(objective, dtype, box))


def _tangents_flow(objective: Objective, dtype: str, box: Box) -> bool:
    origin, width = (to_tensor(part, dtype) for part in (box.origin, box.width))

    def residuals(u: Tensor) -> Tensor:
        return objective.residuals(origin + width * u)

    return tangents_flow(residuals, to_tensor(box.draw(np.random.default_rng(0), PROBED), dtype))
