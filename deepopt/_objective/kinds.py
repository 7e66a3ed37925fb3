"""Telling apart what kind of function a user has passed.

- "traced": a function of one point (d,) in keras.ops or the backend's ops;
- "black box": any Python function of one point, driven from Python;
- "batched black box": one of points (N, d), which the user has said it is.

A function is called once, with a point, and traced. It is traced from then on only if its program
has the value there that the call gave: ``x.sort()`` sorts a NumPy array in place, and leaves a JAX
array as it is.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .._backend import is_tensor
from .._domain import Box
from .._support.checks import in_brief, warn
from ..problems import Problem
from .mapping import BATCH, POINT, ROW, Function, first_form
from .objects import is_written_here
from .outputs import as_values
from .traced import ARRAY, TENSOR, Traced

LEAST_BUDGET = 32  # points below which nothing is spent on finding out
TRACED, BATCHED_BLACK_BOX, BLACK_BOX = "traced", "batched black box", "black box"


class Recogniser:
    """Finds out about one function; `nfev` counts the points that it took.

    `seen` holds points (d,) that f was called with as a NumPy array, and their values.

    Parameters
    ----------
    f : callable
        The user's function of x alone.
    residuals : callable or None
    box : Box
    dtype : {"float64", "float32"}
        Precision of the trace.
    """

    def __init__(self, f: Function, residuals: Function | None, box: Box, dtype: str) -> None:
        self.nfev = 0
        self.seen: list[tuple[np.ndarray, float]] = []
        self._f, self._residuals, self._box, self._dtype = f, residuals, box, dtype
        self._x = box.from_unit(box.draw(np.random.default_rng(0), 1))[0]
        self._reason: Exception | None = None

    def find(self, rows: bool, must: bool) -> Traced | None:
        """It as a traced function, in the first form that does; None for a black box.

        `rows`: it takes (N, d), the user says. `must`: it is one to trace, the user says;
        TypeError or ValueError where it is not.
        """
        out = None if rows else self._call()
        every = (ROW,) if rows else (POINT,) if out is not None else (POINT, ROW)
        try:
            _, (traced, value) = first_form(self._trial, self._f, self._box, self._dtype, every)
        except Exception as error:  # whatever f raises on a trace, it is not one to trace
            self._reason = error
            self._refuse(out, must)
            return None
        traced.takes, called = self._takes(traced, out)
        slack = 1e-9 if self._dtype == "float64" else 1e-4
        if called is None or np.allclose(called, value, slack, slack, equal_nan=True):
            return traced
        if must:
            raise ValueError(
                f"fun has other values when it is traced than when it is called: {value:.17g} and "
                f"{called:.17g} at one point; leave out the option traced"
            )
        return None

    def of_problem(self, problem: Problem) -> Traced:
        """A problem is traced by its contract; one of a user's own is tried once."""
        if not is_written_here(type(problem)):
            traced = self._made(BATCH)
            traced.takes = ARRAY
            return traced
        found = self.find(rows=False, must=False)
        if found is None:
            told = "other values" if self._reason is None else type(self._reason).__name__
            raise TypeError(
                f"problem {problem.name!r} must be written in keras.ops or the backend's ops, "
                f"got {told} when it was traced"
            )
        return found

    def _call(self) -> Any:
        """What f says of a NumPy array; None where it is not written for one."""
        self.nfev += 1
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                out = self._f(self._x.astype(self._dtype))
                value = float(as_values(out, (), self._x.shape))
        except Exception:  # whatever it raises, it is called again, and raises it then
            return None
        if not is_tensor(out) and self._dtype == "float64":
            self.seen.append((self._x, value))
        return out

    def _made(self, form: str) -> Traced:
        traced = Traced(form, self._dtype)
        traced.bind(self._f, self._residuals)
        return traced

    def _trial(self, form: str) -> tuple[Traced, float]:
        """f traced in this form, and its value by the program; raises what stands in the way."""
        self.nfev += 1
        traced = self._made(form)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return traced, traced.trial(self._x)

    def _takes(self, traced: Traced, out: Any) -> tuple[str | None, float | None]:
        """What f is called with for its value at one point, and that value here."""
        if out is not None:
            return ARRAY, float(as_values(out, (), self._x.shape))
        for takes in (ARRAY, TENSOR):
            self.nfev += 1
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    return takes, traced.called(self._x, self._dtype, takes == TENSOR)
            except Exception:  # it is not written for that
                continue
        return None, None

    def _refuse(self, out: Any, must: bool) -> None:
        """Say so where a function that should be traced cannot be."""
        assert self._reason is not None
        if must:
            raise TypeError(
                "fun must be written in keras.ops or the backend's ops, as the option traced says, "
                f"but it raised {in_brief(self._reason)}"
            ) from self._reason
        if is_tensor(out):
            with warnings.catch_warnings():
                warnings.simplefilter("always")
                warn(
                    "fun is written in the backend's ops but could not be traced, so it is called "
                    f"from Python as a black box ({in_brief(self._reason)})",
                    RuntimeWarning,
                )
