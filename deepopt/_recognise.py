"""Telling apart what kind of function a user has passed, and remembering it.

- "traced": a function of x (..., d) or (N, d) in keras.ops or the backend's ops;
- "vectorised": a function of one point (d,) that can be traced, mapped over points;
- "batched black box": a NumPy function of (N, d), driven from Python;
- "black box": any Python function of one point, driven from Python.

f is called on a few points of the domain, as a trace and with numbers, and a batch's values are
compared with those of single points. Functions that trace are remembered with the loops that were
compiled for them; `REMEMBERED` of them are kept alive.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

from ._backend import Tensor, is_tensor, name, ops, output_shape, to_tensor
from ._box import Box
from ._checks import warn
from ._identity import identity as identity_of
from ._values import as_values
from .problems import Problem

REMEMBERED = 32
PROBES = 3
LEAST_BUDGET = 32  # below, nothing is spent on finding out

TRACED, VECTORISED = "traced", "vectorised"
BATCHED_BLACK_BOX, BLACK_BOX = "batched black box", "black box"


class Recognised:
    """What was found out about a function, and the programs compiled for it."""

    def __init__(self, kind: str, takes_points: bool = True) -> None:
        self.kind = kind
        self.takes_points = takes_points  # whether f takes (d,), not only (N, d)
        self.programs: OrderedDict[Hashable, Any] = OrderedDict()
        self.known: dict[bytes, np.ndarray] = {}  # probe points -> values when compiled


_remembered: OrderedDict[Hashable, Recognised] = OrderedDict()


def mapped(f: Callable[[Tensor], Any]) -> Callable[[Tensor], Tensor]:
    """f of one point as a function of points (N, d)."""

    def one(point: Tensor) -> Tensor:
        return ops.cast(f(point), point.dtype) + ops.zeros_like(point[0])

    return lambda x: ops.vectorized_map(one, x)


class Recogniser:
    """Finds out about one function; `nfev` counts the points that it took.

    `seen` holds points (d,) that f was called with from Python, and their values.

    Parameters
    ----------
    f : callable
        The user's function of x alone.
    identity : tuple
        What makes two calls the same function: the user's, and its further arguments.
    box : Box
    dtype : {"float64", "float32"}
        Precision of the trace.
    """

    def __init__(
        self, f: Callable[[Any], Any], identity: tuple[Any, ...], box: Box, dtype: str
    ) -> None:
        self.nfev = 0
        self.seen: list[tuple[np.ndarray, float]] = []
        self._f = f
        self._dtype = dtype
        self._is_problem = isinstance(identity[0], Problem)
        self._key = (*(identity_of(part) for part in identity), box.dim, dtype, name())
        n = PROBES if box.dim != PROBES else PROBES + 1  # B != d: no batch passes as its transpose
        self._probes = box.from_unit(box.draw(np.random.default_rng(0), n))
        self._reason: Exception | None = None

    def forget(self) -> None:
        """Drop what is remembered of this function."""
        _remembered.pop(self._key, None)

    def find(self, batched: bool | None) -> Recognised:
        """The kind; `batched` True or False settles whether f takes (N, d)."""
        known = self._recall(batched)
        if known is not None:
            return known
        found = self._as_traced() if batched is not False else None
        if found is None and not batched:
            found = self._as_vectorised()
        if found is not None and self._means_the_same(found):
            self._remember(found)
            return found
        return self._as_black_box(batched)

    def of_problem(self, problem: Problem) -> Recognised:
        """A problem is traced by its contract; one of a user's own is tried once."""
        known = self._recall(None)
        if known is None:
            own = not type(problem).__module__.startswith("deepopt.")
            if own and not self._traces(self._f):
                raise TypeError(
                    f"problem {problem.name!r} must be written in keras.ops or the backend's ops, "
                    f"got {type(self._reason).__name__} when it was traced"
                )
            known = Recognised(TRACED)
            self._remember(known)
        return known

    # Remembering

    def _recall(self, batched: bool | None) -> Recognised | None:
        try:
            known = _remembered[self._key]
        except (KeyError, TypeError):  # new, or not hashable
            return None
        if batched is (known.kind == VECTORISED):
            return None
        if self._is_problem or self._unchanged(known):
            _remembered.move_to_end(self._key)
            return known
        self.forget()
        return None

    def _remember(self, found: Recognised) -> None:
        try:
            _remembered[self._key] = found
        except TypeError:
            return
        while len(_remembered) > REMEMBERED:
            _remembered.popitem(last=False)

    def _unchanged(self, known: Recognised) -> bool:
        """Whether f still has the values on which its programs were built."""
        at = self._probes.tobytes()
        values = self._batch(mapped(self._f) if known.kind == VECTORISED else self._f, True)
        if values is None:
            return False
        before = known.known.setdefault(at, values)
        return bool(np.allclose(values, before, 1e-9, 1e-12, equal_nan=True))

    # Trying

    def _as_traced(self) -> Recognised | None:
        """Whether f of (B, d) traces to (B,), with the values of the single points."""
        self.nfev += len(self._probes)
        if not self._traces(self._f):
            return None
        values = self._batch(self._f, True)
        if values is None:
            return None
        for takes_points in (True, False):
            if self._agrees(values, takes_points):
                found = Recognised(TRACED, takes_points)
                found.known[self._probes.tobytes()] = values
                return found
        return None

    def _as_vectorised(self) -> Recognised | None:
        """Whether f of one point (d,) traces to a number and can be mapped over points."""
        self.nfev += 1  # the mapped trace calls f once, with one point
        if not self._traces(mapped(self._f)):
            return None
        values = self._batch(mapped(self._f), True)
        if values is None:
            return None
        found = Recognised(VECTORISED)
        found.known[self._probes.tobytes()] = values
        return found

    def _means_the_same(self, found: Recognised) -> bool:
        """Whether f, if it takes a NumPy array at all, has the value there that was traced.

        ``x.sort()`` sorts a NumPy array in place, and leaves a JAX array as it is.
        """
        self.nfev += 1
        (values,) = found.known.values()
        points = self._probes.astype(self._dtype)
        alone = found.kind == VECTORISED or found.takes_points
        point = points[0] if alone else points[:1]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                value = as_values(self._f(point.copy()), point.shape[:-1], point.shape)
            except Exception:  # it is not written for NumPy
                return True
        return bool(np.allclose(value, values[0], self._slack, self._slack, equal_nan=True))

    @property
    def _slack(self) -> float:
        return 1e-9 if self._dtype == "float64" else 1e-4

    def _as_black_box(self, batched: bool | None) -> Recognised:
        if batched is None:
            values = self._batch(self._f, False)
            batched = values is not None and self._agrees(values, True, tensors=False)
        return Recognised(BATCHED_BLACK_BOX if batched else BLACK_BOX)

    def _traces(self, function: Callable[[Tensor], Any]) -> bool:
        """Whether a symbolic call gives one value per point."""
        n = len(self._probes)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return output_shape(function, self._probes.shape, self._dtype) in ((n,), (n, 1))
            except Exception as error:  # whatever f raises on a trace, it is not one to trace
                self._reason = error
                return False

    def _batch(self, function: Callable[[Any], Any], tensors: bool) -> np.ndarray | None:
        """Values (B,) of the probes as one batch, or None if f does not take one."""
        self.nfev += len(self._probes)
        points = to_tensor(self._probes, self._dtype) if tensors else self._probes.copy()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                out = function(points)
                if not tensors and is_tensor(out) and self._reason is not None:
                    _say_untraceable(self._reason)
                return as_values(out, (len(self._probes),), self._probes.shape)
            except Exception:  # not a function of a batch
                return None

    def _agrees(self, values: np.ndarray, takes_points: bool, tensors: bool = True) -> bool:
        """Whether the batch's first and last values are those of the points alone."""
        tolerance = self._slack
        for index in (0, -1):
            self.nfev += 1
            point = self._probes[index] if takes_points else self._probes[index][None]
            try:
                out = self._f(to_tensor(point, self._dtype) if tensors else point.copy())
                alone = as_values(out, (), point.shape)
            except Exception:  # not a function of this form
                return False
            if not tensors:
                self.seen.append((point, float(alone)))
            if not np.allclose(alone, values[index], tolerance, tolerance, equal_nan=True):
                return False
        return True


def _say_untraceable(reason: Exception) -> None:
    sentence = " ".join(str(reason).split())[:160]
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warn(
            "fun is written in the backend's ops but could not be traced, so it is called from "
            f"Python as a black box ({type(reason).__name__}: {sentence})",
            RuntimeWarning,
        )
