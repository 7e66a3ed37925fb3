"""Gradients of a black box from differences of its values, all points inside the bounds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

SCHEMES = ("2-point", "3-point", "cs")
COMPLEX_STEP = 1e-30


def cost(scheme: str, dim: int) -> int:
    """Points that a gradient needs beside the point itself."""
    return 2 * dim if scheme == "3-point" else dim


def gradient(
    values: Callable[[np.ndarray], np.ndarray],
    x: np.ndarray,
    f: float,
    lower: np.ndarray,
    upper: np.ndarray,
    scheme: str,
) -> np.ndarray:
    """Gradient (d,) at x (d,), where f is known, from `values` of points (d, d).

    Steps are one-sided where a bound is nearer than a step, and 0 for a fixed variable.
    """
    if scheme == "cs":
        slope: np.ndarray = np.imag(values(x + 1j * COMPLEX_STEP * np.eye(len(x)))) / COMPLEX_STEP
        return slope
    power = 1 / 2 if scheme == "2-point" else 1 / 3
    step = np.finfo(float).eps ** power * np.maximum(1.0, np.abs(x))
    ahead, behind = np.minimum(step, upper - x), np.minimum(step, x - lower)
    if scheme == "2-point":
        forward = ahead >= behind
        moves = np.where(forward, ahead, -behind)
        moved = np.clip(x + np.diag(moves), lower, upper)
        change, gap = values(moved) - f, np.diag(moved) - x
    else:
        above = np.clip(x + np.diag(ahead), lower, upper)
        below = np.clip(x - np.diag(behind), lower, upper)
        change, gap = values(above) - values(below), np.diag(above) - np.diag(below)
    return np.where(gap != 0, change / np.where(gap != 0, gap, 1.0), 0.0)
