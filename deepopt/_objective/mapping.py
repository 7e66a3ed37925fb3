"""A function of one point, as a function of many: each point is by itself, whatever f does with it.

A user's function is one of a single point (d,). Called with a batch it could mix the rows: a
``max`` without an axis, a mean, a branch on one number. So it is mapped over the points, by
`jax.vmap`, `tf.vectorized_map` or `torch.vmap`. A function that takes only (N, d) is given its
point as the batch (1, d).

TensorFlow has operations that it cannot map, such as resizing images, and loops become slow there.
A function that holds one is called with a batch where `rows_apart` shows that its rows do not meet;
else its points take turns.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from .._backend import (
    Compiled,
    Tensor,
    UnmappableError,
    mapped,
    mapped_slopes,
    ops,
    to_argument,
    to_numpy,
    value_and_grad,
)
from .._domain import Box

POINT, ROW, BATCH = "point", "row", "batch"  # f takes (d,); (1, d); (N, d), row by row
SLOW = {POINT: "slow point", ROW: "slow row"}  # … where the points have to take turns
SIZES = (4, 7)  # of batches in which rows are looked at
Function = Callable[[Any], Any]
Found = TypeVar("Found")


def at(form: str, point: Any) -> Any:
    """A point (d,) as a function of this form takes it."""
    return point if form in (POINT, SLOW[POINT]) else point[None]


def real(values: Any, x: Tensor) -> Tensor:
    """What f returned, in x's type; complex numbers are refused, of which a cast takes a part."""
    if isinstance(values, complex) or "complex" in str(getattr(values, "dtype", "")):
        raise TypeError("fun must return real numbers, got complex ones")
    return ops.cast(values, x.dtype)


def numbers(f: Function, form: str) -> Callable[[Tensor], Tensor]:
    """f as a function of points (N, d) that gives one number for each of them, in x's type."""
    if form == BATCH:
        return lambda x: ops.reshape(real(f(x), x), x.shape[:1])
    return lambda x: mapped(lambda point: number(f, form, point), x, form in SLOW.values())


def slopes(f: Function, form: str) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """f as a function of points (N, d) that gives values (N,) and gradients (N, d)."""
    if form == BATCH:
        return value_and_grad(numbers(f, form))
    slowly = form in SLOW.values()
    return lambda x: mapped_slopes(lambda point: number(f, form, point), x, slowly=slowly)


def number(f: Callable[..., Any], form: str, point: Tensor, *others: Any) -> Tensor:
    """What such an f gives for one point (d,)."""
    value = ops.reshape(real(f(at(form, point), *others), point), ())
    return value + ops.zeros_like(point[0])  # where f is constant, too


def vectors(f: Function, form: str) -> Callable[[Tensor], Tensor]:
    """f as a function of points (N, d) that gives some numbers (m,) for each of them."""
    if form == BATCH:
        return lambda x: real(f(x), x)

    def one(point: Tensor) -> Tensor:
        return vector(f, form, point) + ops.zeros_like(point[0])

    return lambda x: mapped(one, x, form in SLOW.values())


def vector(f: Function, form: str, point: Tensor) -> Tensor:
    """What such an f gives for one point (d,): some numbers (m,)."""
    values = real(f(at(form, point)), point)
    return values if form in (POINT, SLOW[POINT]) else values[0]


def first_form(
    tries: Callable[[str], Found],
    f: Function,
    box: Box,
    dtype: str,
    forms: tuple[str, ...] = (POINT, ROW),
) -> tuple[str, Found]:
    """The first form in which f, or what is made of it, can be traced, and what `tries` gave.

    Raises what stood in the way of the first of `forms` where there is none.
    """
    reason: Exception | None = None
    slow = []
    for form in forms:
        try:
            return form, tries(form)
        except UnmappableError as error:
            slow.append(SLOW[form])
            reason = reason or error
        except Exception as error:  # whatever the user's function raises
            reason = reason or error
    if slow:
        for form in [BATCH] * rows_apart(f, box, dtype) + slow:
            try:
                return form, tries(form)
            except Exception as error:
                reason = error
    assert reason is not None
    raise reason


def rows_apart(f: Function, box: Box, dtype: str) -> bool:
    """Whether each row of a batch has its value and gradient from itself alone, by data flow.

    Whatever stands in the other rows, NaN, infinities or corners of the box, must leave them as
    they are to the last bit, wherever in the box the row itself is. And the value is that of the
    row alone, in batches of two sizes.
    """

    def whole(x: Tensor) -> Tensor:
        values = real(f(x), x)
        if values.shape[0] != x.shape[0]:
            raise TypeError("it gives no row for each row")
        return ops.sum(ops.reshape(values, (x.shape[0], -1)), axis=-1)

    program = Compiled(value_and_grad(whole), xla=False)

    def found(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values, slopes = (to_numpy(part) for part in program(to_argument(x.astype(dtype))))
        return values, slopes

    low, middle, high = (box.from_unit(np.full(box.dim, edge)) for edge in (0.0, 0.5, 1.0))
    drawn = box.from_unit(box.draw(np.random.default_rng(1), 2))
    points = np.stack([*drawn, low, middle, high])
    slack = 1e-9 if dtype == "float64" else 1e-4
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            alone = np.concatenate([found(point[None])[0] for point in points])
            for n in SIZES if box.dim not in SIZES else (size + 2 for size in SIZES):
                for point, value in zip(points, alone, strict=True):
                    for index in (0, n - 1):
                        x = np.tile(point, (n, 1))
                        values, slopes = found(x)
                        if not np.allclose(values, value, slack, slack, equal_nan=True):
                            return False
                        for others in (np.nan, np.inf, -np.inf, low, middle, high):
                            x[np.arange(n) != index] = others
                            values_now, slopes_now = found(x)
                            same = values_now[index].tobytes() == values[index].tobytes()
                            if not same or slopes_now[index].tobytes() != slopes[index].tobytes():
                                return False
    except Exception:  # whatever f raises, it takes no batches
        return False
    return True
