"""What `invert` is given, as arrays: targets, measurement, latents and their box."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._support.checks import shown

FARTHEST = 1e30  # edge of a box: sums of such numbers are still float32


def read_matrix(operator: Any, n: int) -> np.ndarray:
    """A as a dense matrix (m, n)."""
    shape: tuple[int, ...] = getattr(operator, "shape", ())
    if hasattr(operator, "matmat"):
        fits = len(shape) == 2 and shape[1] == n
        operator = operator.matmat(np.eye(n)) if fits else np.empty((0, 0))
    elif hasattr(operator, "toarray"):
        operator = operator.toarray()
    if np.iscomplexobj(operator):
        raise TypeError("operator must be real, got complex numbers")
    try:
        matrix = np.asarray(operator, dtype="float64")
    except (TypeError, ValueError, OverflowError):
        raise TypeError(
            "operator must be a matrix, a LinearOperator or a traceable function, got "
            f"{type(operator).__name__}"
        ) from None
    if matrix.ndim != 2 or matrix.shape[1] != n:
        raise ValueError(
            f"operator must be of shape (m, {n}) for outputs of {n} numbers, "
            f"got {shape or matrix.shape}"
        )
    if not len(matrix):
        raise ValueError("operator must have at least one row, got none")
    if not np.isfinite(matrix).all():
        raise ValueError("operator must be finite, got NaN or infinity")
    return matrix


def read_targets(y: Any, shape: tuple[int, ...]) -> tuple[np.ndarray, bool]:
    """Targets (B, m), and whether y is a single one."""
    try:
        array = np.asarray(y)
        values = array.real.astype("float64")
    except (TypeError, ValueError, OverflowError):
        array = np.asarray("none")
    if array.dtype.kind == "c":
        raise TypeError("y must be real, got complex numbers")
    if array.dtype.kind not in "biufO" or y is None:
        raise TypeError(f"y must be an array of numbers, got {shown(y)}")
    if not fits(values.shape, shape):
        flat = (math.prod(shape),)
        shapes = " or ".join(map(str, dict.fromkeys((shape, flat))))
        raise ValueError(f"y must have shape {shapes}, or be a batch of them, got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("y must be finite, got NaN or infinity")
    return values.reshape(-1, math.prod(shape)), _is_one(values.shape, shape)


def fits(found: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether an array is one output of this shape, or a batch of them."""
    return _is_one(found, shape) or (found[:1] > (0,) and _is_one(found[1:], shape))


def _is_one(found: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether an array is one output: of its shape, flat, or without axes of length 1."""
    plain = tuple(length for length in shape if length != 1) or (1,)
    return found in (shape, (math.prod(shape),), plain)


def read_starts(given: Any, targets: int, k: int) -> np.ndarray:
    """Given latents (S, k), the same for all, or (B, S, k)."""
    try:
        starts = np.asarray(given, dtype="float64")
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"starts must be a name or latents, got {shown(given)}") from None
    if starts.ndim == 1:
        starts = starts[None]
    if starts.ndim == 2:
        starts = np.repeat(starts[None], targets, axis=0)
    if starts.ndim != 3 or starts.shape[0] != targets or starts.shape[2] != k or not starts.size:
        raise ValueError(
            f"starts must be latents (S, {k}) or ({targets}, S, {k}), got shape {np.shape(given)}"
        )
    if not np.isfinite(starts).all():
        raise ValueError("starts must be finite, got NaN or infinity")
    return starts


def read_bounds(given: Any, k: int) -> tuple[tuple[float, float], ...] | None:
    """A box of the latents, from None, a number r, or pairs."""
    if given is None:
        return None
    expected = f"latent_bounds must be None, a number r > 0 or {k} pairs (min, max)"
    if isinstance(given, bool):
        raise TypeError(f"{expected}, got {given}")
    try:
        pairs = np.asarray(given, dtype="float64")
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{expected}, got {shown(given)}") from None
    if pairs.ndim == 0:
        pairs = np.array([[-pairs, pairs]] * k)
    if pairs.shape != (k, 2) or not np.isfinite(pairs).all() or (pairs[:, 0] >= pairs[:, 1]).any():
        raise ValueError(f"{expected}, got {shown(given)}")
    if np.abs(pairs).max() > FARTHEST:
        raise ValueError(f"{expected} within ±{FARTHEST:g}, got {shown(given)}")
    return tuple((float(low), float(high)) for low, high in pairs)
