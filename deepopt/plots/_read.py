"""Arguments as arrays, or one clear sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._support.checks import numbers_of, shown

Array = NDArray[np.float64]


def array(label: str, value: Any, shape: tuple[int | None, ...]) -> Array:
    """`value` as floats of the given shape, None for any length; TypeError or ValueError."""
    try:
        found = numbers_of(value)
        if found.dtype.kind == "c":
            raise TypeError
        found = found.astype(float)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{label} must be real numbers, got {shown(value)}") from None
    fits = len(found.shape) == len(shape) and all(
        size in (None, got) for size, got in zip(shape, found.shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        wanted += "," * (len(shape) == 1)
        raise ValueError(f"{label} must have shape ({wanted}), got {found.shape}")
    return found


def named(label: str, value: Any) -> dict[str, Any]:
    """`value` as a dict with at least one name; TypeError or ValueError."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{label} must be a dict by name, got {shown(value)}")
    if not value:
        raise ValueError(f"{label} must have at least one entry, got none")
    return {str(name): part for name, part in value.items()}


def results_of(value: Any) -> dict[str, list[Any]]:
    """A result, a sequence of them, or a dict of either, as lists by name; "" for no name."""
    if isinstance(value, Mapping) and not _is_result(value):
        return {name: _runs(f"results[{name!r}]", part)
                for name, part in named("results", value).items()}  # fmt: skip
    return {"": _runs("results", value)}


def _is_result(value: Any) -> bool:
    """An OptimizeResult has attributes for its fields; a plain dict may be one's record."""
    return isinstance(value, Mapping) and (hasattr(value, "success") or "history" in value)


def _runs(label: str, value: Any) -> list[Any]:
    if _is_result(value):
        return [value]
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise TypeError(f"{label} must be a result of deepopt.minimize or a sequence of them, "
                        f"got {shown(value)}")  # fmt: skip
    if not value:
        raise ValueError(f"{label} must have at least one result, got none")
    for one in value:
        if not _is_result(one):
            raise TypeError(f"{label} must hold results of deepopt.minimize, got {shown(one)}")
    return list(value)
