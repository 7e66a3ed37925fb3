"""A look at a user's gradient before it is followed."""

from __future__ import annotations

import numpy as np

from .._domain import Box
from .._support.checks import warn
from .objective import Objective

POINTS = 2  # that have to disagree
STEPS = (1e-6, 1e-4)  # of the differences, in unit coordinates; both have to disagree
WRONG = 0.1  # relative difference of two slopes that is no rounding
NOISE = 1e3  # times the rounding of f over a step, below which a slope tells nothing


def check_slopes(objective: Objective, box: Box) -> None:
    """Warn where a gradient is not that of f, along a random direction at two random points.

    A sound gradient costs two values of f, and one with its gradient. The points count, and the
    lowest is kept. f may have kinks and noise: a gradient is called wrong only where both points
    and both steps say so.
    """
    if not box.width.any():
        return
    rng = np.random.default_rng(0)
    where = box.draw(rng, POINTS)
    said = ""
    for u in where:
        direction = rng.standard_normal(box.dim) * (box.width != 0)
        direction /= max(float(np.linalg.norm(direction)), 1e-300)
        u = np.where(box.closed, np.clip(u, 0.01, 0.99), np.where(box.half, np.maximum(u, 0.01), u))
        f, gradient = objective.values_and_gradients(box.from_unit(u)[None])
        given = float(gradient[0] @ (box.width * direction))
        differences = []
        for step in STEPS:
            ends = np.stack([u + step * direction, u - step * direction])
            above, below = objective.values(box.from_unit(ends))
            found = (above - below) / (2.0 * step)
            noise = NOISE * np.finfo(float).eps * max(abs(above), abs(below), abs(f[0])) / step
            if not np.isfinite([found, given]).all():
                return
            if abs(found - given) <= WRONG * max(abs(found), abs(given)) + noise:
                return
            differences.append(found)
        said = f"{given:.6g}, differences of fun give {differences[0]:.6g}"
    warn(
        f"jac is not the gradient of fun: along a random direction its slope is {said}",
        RuntimeWarning,
    )
