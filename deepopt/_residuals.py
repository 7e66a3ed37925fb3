"""What a descent that needs a Jacobian asks of an objective: f = ½ |r|² for known residuals r."""

from __future__ import annotations

import numpy as np

from ._backend import output_shape, to_numpy, to_tensor
from ._checks import in_brief
from ._methods import Recipe
from ._objective import Objective
from .schedules import Constant

AGREES = 1e-3  # relative difference of f and ½ |r|² that is put down to rounding


def count_residuals(objective: Objective, recipe: Recipe, dtype: str, at: np.ndarray) -> int:
    """Residuals per point; 0 where the recipe's descent needs none.

    Takes one value of f, at the point `at` (d,), where it must be ½ |r|².

    Raises
    ------
    ValueError
        Where the objective or the other parts do not fit the descent.
    """
    descent = recipe.descent
    if not descent.needs_jacobian:
        return 0
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
        raise ValueError(f"{needs} a fun with a method residuals, r(x) with f = ½ |r|²")
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
            f"fun must be ½ |fun.residuals|²; at one point it is {f:g}, and that is {half:g}"
        )
    return int(shape[-1])
