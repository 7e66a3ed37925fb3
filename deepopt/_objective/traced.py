"""A function that is traced: evaluated and differentiated by compiled programs, which are kept.

Programs are kept under the content of all that the function can reach (`fingerprints`), and used
again by a later call only for a function of equal content, whose objects then take the place of
the former ones: what is traced from then on is traced from them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .._backend import Compiled, Tensor, ops, precision, to_argument, to_numpy, to_tensor
from . import mapping
from .kept import Kept
from .outputs import as_values

LOOPS = 16  # compiled loops kept per function
SIZES = (256, 32, 4)  # points that a program takes at once
ARRAY, TENSOR = "array", "tensor"  # what f itself is called with


class Traced:
    """A traced function with its programs.

    Parameters
    ----------
    form : str
        How f takes a point: one of the forms of `mapping`.
    dtype : {"float64", "float32"}
        Precision of the loop.

    Attributes
    ----------
    takes : str or None
        Whether f, called by Python with one point, takes an ARRAY, else a TENSOR, else neither.
    loops : Kept
        The loops compiled for it.
    """

    def __init__(self, form: str, dtype: str) -> None:
        self.form = form
        self.takes: str | None = None
        self.loops: Kept[Any] = Kept(LOOPS)
        self._dtype = dtype
        self._f: mapping.Function = float
        self._residuals: mapping.Function | None = None
        self._residuals_form = mapping.POINT
        self._values = Compiled(self._numbers, xla=False)
        self._gradients = Compiled(self._slopes, xla=False)

    def bind(self, f: mapping.Function, residuals: mapping.Function | None) -> None:
        """From now on trace and call these."""
        self._f, self._residuals = f, residuals

    # In a trace

    def slopes(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """f of a tensor (..., d), and its gradients (..., d), in x's type."""
        f, gradients = self._slopes(ops.reshape(x, (-1, x.shape[-1])))
        return ops.reshape(f, x.shape[:-1]), ops.reshape(gradients, x.shape)

    def _numbers(self, x: Tensor) -> Tensor:
        return mapping.numbers(self._f, self.form)(x)

    def _slopes(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return mapping.slopes(self._f, self.form)(x)

    def residuals(self, x: Tensor) -> Tensor:
        """The residuals (..., m) of a tensor (..., d)."""
        assert self._residuals is not None
        flat = ops.reshape(x, (-1, x.shape[-1]))
        r = mapping.vectors(self._residuals, self._residuals_form)(flat)
        return ops.reshape(r, (*x.shape[:-1], *r.shape[1:]))

    def plain_residuals(self, x: Any) -> Any:
        """What the user's own function of residuals gives for x."""
        assert self._residuals is not None
        return self._residuals(x)

    def residuals_of(self, point: Tensor) -> Tensor:
        """The residuals (m,) of one point (d,)."""
        assert self._residuals is not None
        return mapping.vector(self._residuals, self._residuals_form, point)

    def residuals_take(self, form: str) -> None:
        """How the residuals take a point: one of the forms of `mapping`."""
        self._residuals_form = form

    # From Python

    def value(self, x: np.ndarray) -> float:
        """f at a point (d,) in float64, as the user gets it by calling f."""
        if self.takes is None:
            return float(self.values(x[None])[0])

        def evaluate(dtype: str) -> float:
            return self.called(x, dtype, tensor=self.takes == TENSOR)

        return float(self.in_float64(evaluate))

    def called(self, x: np.ndarray, dtype: str, tensor: bool) -> float:
        """What f gives when it is called with x (d,)."""
        point = to_tensor(x, dtype) if tensor else x.astype(dtype)
        return float(as_values(self._f(mapping.at(self.form, point)), (), x.shape))

    def values(self, x: np.ndarray) -> np.ndarray:
        """f at points (N, d), in float64."""
        parts, start = [np.empty(0)], 0
        while start < len(x):
            size = next((size for size in SIZES if size <= len(x) - start), SIZES[-1])
            part = x[start : start + size]
            evaluate = functools.partial(self._part, part, size)
            parts.append(self.in_float64(evaluate))
            start += size
        return np.concatenate(parts)

    def values_and_gradients(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """f (N,) and its gradients (N, d) at points (N, d), in float64."""
        found = self.in_float64(lambda dtype: self._gradients(to_argument(x.astype(dtype))))
        values, slopes = (np.asarray(to_numpy(part), "float64") for part in found)
        return values, slopes

    def trial(self, x: np.ndarray) -> float:
        """f at a point (d,) by its program, in the loop's type; raises what stands in the way."""
        points = np.tile(x, (SIZES[-1], 1)).astype(self._dtype)
        self._gradients.trace_for(points)
        return float(to_numpy(self._gradients(to_argument(points))[0])[0])

    def in_float64(self, evaluate: Callable[[str], Any]) -> Any:
        """evaluate("float64"), or in the loop's type where f holds constants of that type."""
        if self._dtype != "float64":
            try:
                with precision("float64"):
                    return evaluate("float64")
            except Exception:  # the loop's type has worked before, and raises what is f's own
                pass
        with precision(self._dtype):
            return evaluate(self._dtype)

    def _part(self, x: np.ndarray, size: int, dtype: str) -> np.ndarray:
        """f at up to `size` points by the program for so many."""
        padded = np.concatenate([x, np.repeat(x[-1:], size - len(x), axis=0)]).astype(dtype)
        return np.asarray(to_numpy(self._values(to_argument(padded))), "float64")[: len(x)]
