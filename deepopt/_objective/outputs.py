"""What a user's function returned, as float64, or one clear sentence."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._backend import is_tensor, to_numpy
from .._support.checks import numbers_of, shown


def as_values(
    out: Any, shape: tuple[int, ...], given: tuple[int, ...], dtype: str = "float64"
) -> np.ndarray:
    """Values of the given shape; TypeError or ValueError where `out` is not that.

    `given` is the shape of the x that f was called with. An extra axis of length 1 is dropped.
    """
    values = _numbers("fun", out, dtype)
    if values.shape in (shape, (*shape, 1)) or (not shape and values.size == 1):
        return values.reshape(shape)
    expected = f"an array of shape {shape}" if shape else "a single number"
    raise ValueError(
        f"fun must return {expected} for x of shape {given}, got an array of shape {values.shape}"
    )


def as_gradient(out: Any, shape: tuple[int, ...]) -> np.ndarray:
    """A gradient of the given shape; TypeError or ValueError where `out` is not that."""
    gradient = _numbers("jac", out)
    if gradient.shape == shape or (len(shape) == 1 and gradient.size == shape[0]):
        return gradient.reshape(shape)
    raise ValueError(
        f"jac must return an array of shape {shape}, got an array of shape {gradient.shape}"
    )


def _numbers(label: str, out: Any, dtype: str = "float64") -> np.ndarray:
    try:
        array = numbers_of(to_numpy(out) if is_tensor(out) else out)
        if array.dtype.kind == "c" and dtype != "complex128":
            raise TypeError
        return array.astype(dtype)
    except (TypeError, ValueError, OverflowError):
        kind = type(out).__name__
        raise TypeError(f"{label} must return real numbers, got {kind}: {shown(out)}") from None
