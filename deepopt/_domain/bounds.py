"""Where a call may search: x0, bounds and scale as a user gives them, as a `Box`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._support.checks import numbers_of, shown
from ..problems import Problem
from .box import Box


def read_domain(x0: Any, bounds: Any, scale: Any, fun: Any) -> tuple[Box, np.ndarray | None]:
    """The box, and x0 (d,)."""
    start = None if x0 is None else _vector("x0", x0)
    if bounds is None and start is None:
        raise ValueError("x0 is missing; without bounds it is needed")
    dim = fun.dim if isinstance(fun, Problem) else None if start is None else len(start)
    lower, upper = read_bounds(bounds, dim)
    if start is not None and len(start) != len(lower):
        raise ValueError(f"x0 must have {len(lower)} entries, got {len(start)}")
    if start is None:
        if not np.isfinite(upper - lower).all():
            raise ValueError(
                "x0 is missing; it is needed where a bound is infinite, or the range between two "
                "overflows"
            )
        return Box.make(lower, upper), None
    if not np.isfinite(start).all():
        at = int(np.argmin(np.isfinite(start)))
        raise ValueError(f"x0 must be finite, got {start[at]} at index {at}")
    outside = (start < lower) | (start > upper)
    if outside.any():
        at = int(np.argmax(outside))
        raise ValueError(
            f"x0 must lie within bounds, got {start[at]:g} at index {at} "
            f"for bounds [{lower[at]:g}, {upper[at]:g}]"
        )
    box = Box.make(lower, upper, start, _read_scale(scale, start))
    return box, start


def _vector(label: str, value: Any) -> np.ndarray:
    try:
        array = numbers_of(value)
        if array.dtype.kind == "c":
            raise TypeError
        array = array.astype("float64").ravel()
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{label} must be real numbers, got {shown(value)}") from None
    if not array.size:
        raise ValueError(f"{label} must have at least one entry, got none")
    return array


def _read_scale(scale: Any, x0: np.ndarray) -> np.ndarray:
    if scale is None:
        return np.asarray(np.maximum(1.0, np.abs(x0)))
    values = _vector("scale", scale)
    sound = np.isfinite(values) & (values > 0)
    if values.size not in (1, len(x0)) or not sound.all():
        raise ValueError(
            f"scale must be a positive number or {len(x0)} of them, got {shown(scale)}"
        )
    return np.broadcast_to(values, x0.shape)


def read_bounds(bounds: Any, dim: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper bounds (d,), infinite where there is none."""
    if bounds is None:
        assert dim is not None
        return np.full(dim, -np.inf), np.full(dim, np.inf)
    lower, upper = _bound_arrays(bounds)
    if dim is not None:
        if hasattr(bounds, "lb") and lower.size == 1:
            lower, upper = np.repeat(lower, dim), np.repeat(upper, dim)
        if len(lower) != dim:
            raise ValueError(f"bounds must have {dim} entries, one per variable, got {len(lower)}")
    if np.isnan(lower).any() or np.isnan(upper).any():
        raise ValueError("bounds must not hold NaN; use None or an infinity for no bound")
    inverted = lower > upper
    if inverted.any():
        at = int(np.argmax(inverted))
        raise ValueError(
            f"bounds must have lower <= upper, got ({lower[at]:g}, {upper[at]:g}) at index {at}"
        )
    empty = (lower == upper) & ~np.isfinite(lower)
    if empty.any():
        at = int(np.argmax(empty))
        raise ValueError(
            f"bounds must enclose a real number, got {lower[at]:g} twice at index {at}"
        )
    return lower, upper


def _bound_arrays(bounds: Any) -> tuple[np.ndarray, np.ndarray]:
    if hasattr(bounds, "lb") and hasattr(bounds, "ub"):
        lower, upper = _vector("bounds.lb", bounds.lb), _vector("bounds.ub", bounds.ub)
        if 1 not in (lower.size, upper.size) and lower.size != upper.size:
            raise ValueError(
                f"bounds must have as many lb as ub, got {lower.size} and {upper.size}"
            )
        lower, upper = np.broadcast_arrays(lower, upper)
        return lower.copy(), upper.copy()
    try:
        pairs = [(low, high) for low, high in bounds]
        if any(isinstance(bound, str | bytes) for pair in pairs for bound in pair):
            raise TypeError
        lower = np.array([-np.inf if low is None else float(low) for low, _ in pairs])
        upper = np.array([np.inf if high is None else float(high) for _, high in pairs])
    except (TypeError, ValueError, OverflowError):
        raise ValueError(
            f"bounds must be a Bounds object or (min, max) pairs, got {shown(bounds)}"
        ) from None
    if not pairs:
        raise ValueError("bounds must have one (min, max) pair per variable, got none")
    return lower, upper
