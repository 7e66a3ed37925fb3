"""A user's function as a batched objective: told apart, called, counted, differentiated.

Four kinds (`Objective.kind`):

- "traced": a function of x (..., d) in keras.ops or the backend's ops;
- "vectorised": a function of one point (d,) that can be traced, mapped over points;
- "batched black box": a NumPy function of (N, d), driven from Python;
- "black box": any Python function of one point, driven from Python.

Which one is decided by calling f on a few points of the domain, as a trace and with numbers, and
by comparing a batch's values with those of single points. Each such call counts.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

from ._backend import (
    Compiled,
    Tensor,
    is_tensor,
    name,
    ops,
    output_shape,
    precision,
    to_numpy,
    to_tensor,
    value_and_grad,
)
from ._box import Box
from .problems import Problem

Jac = Callable[..., Any] | str | bool | None
DIFFERENCES = ("2-point", "3-point", "cs")
PROBES = 3
RANGE_POINTS = 32
REMEMBERED = 32  # functions whose compiled loops are kept


class Recognised:
    """What was found out about a function, and the programs compiled for it."""

    def __init__(self, kind: str, takes_points: bool, values: np.ndarray | None) -> None:
        self.kind = kind
        self.takes_points = takes_points
        self.values = values  # at the probe points, to notice a function that has changed
        self.programs: OrderedDict[Hashable, Any] = OrderedDict()


_remembered: OrderedDict[Hashable, tuple[Any, Recognised]] = OrderedDict()


def forget() -> None:
    """Drop every remembered function with its compiled loops."""
    _remembered.clear()


class Objective:
    """f on a box, with counts of the points evaluated.

    Parameters
    ----------
    f : callable
        f(x, *args).
    jac : callable, str, bool or None
        As in `scipy.optimize.minimize`.
    args : tuple
    box : Box
    dtype : {"float64", "float32"}
        Precision in which a traced function is evaluated inside the loop.
    batched : bool or None
        Whether f takes (N, d); None to find out.
    maxfev : int
        Below a handful of points nothing is spent on finding out.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        jac: Jac,
        args: tuple[Any, ...],
        box: Box,
        dtype: str,
        batched: bool | None,
        maxfev: int,
    ) -> None:
        self.nfev = 0
        self.njev = 0
        self.box = box
        self.dtype = dtype
        self._f, self._jac, self._args = f, jac, args
        self._compiled_gradient: Compiled | None = None
        with precision(dtype):
            self._recognised = self._recognise(batched, maxfev)

    @property
    def kind(self) -> str:
        return self._recognised.kind

    @property
    def traceable(self) -> bool:
        return self.kind in ("traced", "vectorised")

    @property
    def points_per_gradient(self) -> int:
        """Points that one value with its gradient costs."""
        if self.traceable or callable(self._jac) or self._jac is True:
            return 1
        return 1 + self.box.dim * (2 if self._jac == "3-point" else 1)

    @property
    def programs(self) -> OrderedDict[Hashable, Any]:
        """Programs compiled for this function, by structure; they live as long as it does."""
        return self._recognised.programs if self.traceable else _black_box_programs

    def count(self, points: int) -> None:
        """Add points evaluated with their gradient by a compiled program."""
        self.nfev += points
        self.njev += points

    def tensor(self, x: Tensor) -> Tensor:
        """f of a tensor (..., d), traced and differentiable."""
        if self.kind == "vectorised":
            flat = ops.reshape(x, (-1, x.shape[-1]))
            return ops.reshape(_mapped(self._f, self._args)(flat), x.shape[:-1])
        if not self._recognised.takes_points and len(x.shape) != 2:
            flat = ops.reshape(x, (-1, x.shape[-1]))
            return ops.reshape(self._f(flat, *self._args), x.shape[:-1])
        return self._f(x, *self._args)

    def value(self, x: np.ndarray) -> float:
        """f at one point (d,) in float64, as the user would call it."""
        return float(self.values(x[None])[0])

    def values(self, x: np.ndarray) -> np.ndarray:
        """f at points (N, d), in float64."""
        recognised = self._recognised
        if self._jac is True:
            return np.array([self._pair(point.copy())[0] for point in x])
        if self.traceable:
            with precision("float64"):
                if recognised.kind == "traced" and (len(x) > 1 or not recognised.takes_points):
                    return self._call(to_tensor(x, "float64"), (len(x),))
                return np.array([self._call(to_tensor(p, "float64"), ()) for p in x]).reshape(-1)
        if recognised.kind == "batched black box":
            return self._call(x.copy(), (len(x),))
        return np.array([self._call(point.copy(), ()) for point in x]).reshape(-1)

    def values_and_gradients(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """f (N,) and its gradients (N, d) at points (N, d), in float64."""
        if self.traceable:
            if self._compiled_gradient is None:
                self._compiled_gradient = Compiled(value_and_grad(self.tensor), xla=False)
            with precision("float64"):
                f, gradient = self._compiled_gradient(to_tensor(x, "float64"))
                self.count(len(x))
                return to_numpy(f), to_numpy(gradient)
        self.njev += len(x)
        if self._jac is True:
            pairs = [self._pair(point.copy()) for point in x]
            return np.array([f for f, _ in pairs]), np.stack([g for _, g in pairs])
        f = self.values(x)
        if callable(self._jac):
            return f, self._user_gradients(self._jac, x)
        scheme = self._jac if isinstance(self._jac, str) else "2-point"
        return f, np.stack([self._differences(p, v, scheme) for p, v in zip(x, f, strict=True)])

    def range(self, maxfev: int) -> float:
        """max f - min f over the domain: a problem's own, else estimated from sampled points.

        The sample is uniform points and random corners of the box, and its centre; at most a
        tenth of `maxfev`. 1 where nothing finite is found.
        """
        known = self._f.value_range if isinstance(self._f, Problem) else None
        if known is not None:
            return float(known[1] - known[0])
        rng = np.random.default_rng(0)
        uniform = self.box.draw(rng, RANGE_POINTS // 2)
        corners = np.where(self.box.closed, np.round(uniform), 2.0 * uniform)
        centre = np.where(self.box.closed, 0.5, 0.0)[None]
        sample = np.concatenate([centre, uniform, corners])[: min(RANGE_POINTS, maxfev // 10)]
        if not len(sample):
            return 1.0
        f = self.values(self.box.from_unit(sample))
        f = f[np.isfinite(f)]
        with np.errstate(over="ignore"):
            found = float(np.ptp(f)) if len(f) else 0.0
        return found if np.isfinite(found) and found > 0 else 1.0

    # Calls of the user's function

    def _call(self, x: Any, shape: tuple[int, ...]) -> np.ndarray:
        """f(x, *args) as float64 of the given shape, counted, or one clear sentence."""
        self.nfev += shape[0] if shape else 1
        return _as_values(self._f(x, *self._args), shape, np.shape(x))

    def _pair(self, point: np.ndarray) -> tuple[float, np.ndarray]:
        self.nfev += 1
        out = self._f(point, *self._args)
        if not isinstance(out, tuple) or len(out) != 2:
            raise TypeError(
                f"fun must return (f, gradient) because jac=True, got {type(out).__name__}"
            )
        value = float(_as_values(out[0], (), point.shape))
        return value, _as_gradient(out[1], point.shape)

    def _user_gradients(self, jac: Callable[..., Any], x: np.ndarray) -> np.ndarray:
        if self.kind == "batched black box":
            return _as_gradient(jac(x.copy(), *self._args), x.shape)
        return np.stack([_as_gradient(jac(p.copy(), *self._args), p.shape) for p in x])

    def _differences(self, x: np.ndarray, f: float, scheme: str) -> np.ndarray:
        """Gradient (d,) at x from differences of f that stay inside the bounds."""
        lower, upper = self.box.lower, self.box.upper
        if scheme == "cs":
            return self._complex_step(x)
        power = 1 / 2 if scheme == "2-point" else 1 / 3
        step = np.finfo(float).eps ** power * np.maximum(1.0, np.abs(x))
        ahead, behind = np.minimum(step, upper - x), np.minimum(step, x - lower)
        if scheme == "2-point":
            forward = ahead >= behind
            ahead, behind = np.where(forward, ahead, 0.0), np.where(forward, 0.0, behind)
            moved = x + np.diag(ahead - behind)
            change = np.where(forward, 1.0, -1.0) * (self.values(moved) - f)
        else:
            change = self.values(x + np.diag(ahead)) - self.values(x - np.diag(behind))
        gap = ahead + behind
        return np.where(gap > 0, change / np.where(gap > 0, gap, 1.0), 0.0)

    def _complex_step(self, x: np.ndarray) -> np.ndarray:
        step = 1e-30
        self.nfev += len(x)
        moved = x + 1j * step * np.eye(len(x))
        return np.array([np.imag(self._f(point, *self._args)) / step for point in moved])

    # Telling apart

    def _recognise(self, batched: bool | None, maxfev: int) -> Recognised:
        if isinstance(self._f, Problem) and self._jac is None:
            return self._remembered(None) or self._remember(Recognised("traced", True, None), None)
        if self._jac is not None:
            return Recognised("batched black box" if batched else "black box", True, None)
        probes = self._probe_points()
        if maxfev < 8 * (len(probes) + 1):
            return Recognised("batched black box" if batched else "black box", True, None)
        known = self._remembered(batched)
        if known is not None and self._unchanged(known, probes):
            return known
        found = self._try_traced(probes) if batched is not False else None
        if found is None and not batched:
            found = self._try_vectorised(probes)
        if found is not None:
            return self._remember(found, batched)
        if batched is None:
            values = self._try_numbers("batched black box", probes)
            batched = values is not None and self._agrees(values, probes, lambda p: p)
        return Recognised("batched black box" if batched else "black box", True, None)

    def _probe_points(self) -> np.ndarray:
        """Points (B, d) with B != d, so that a batch cannot be taken for its transpose."""
        n = PROBES if self.box.dim != PROBES else PROBES + 1
        return self.box.from_unit(self.box.draw(np.random.default_rng(0), n))

    def _try_traced(self, probes: np.ndarray) -> Recognised | None:
        """Whether f of (B, d) traces to (B,), with the values of the single points."""
        self.nfev += len(probes)
        if not self._traces(lambda x: self._f(x, *self._args), probes.shape):
            return None
        values = self._try_numbers("traced", probes)
        if values is None:
            return None
        if self._agrees(values, probes, lambda p: to_tensor(p, self.dtype)):
            return Recognised("traced", True, values)
        if self._agrees(values, probes, lambda p: to_tensor(p[None], self.dtype)):
            return Recognised("traced", False, values)
        return None

    def _try_vectorised(self, probes: np.ndarray) -> Recognised | None:
        """Whether f of one point (d,) traces to a number and can be mapped over points."""
        self.nfev += 1  # the mapped trace calls f once, with one point
        if not self._traces(_mapped(self._f, self._args), probes.shape):
            return None
        values = self._try_numbers("vectorised", probes)
        return None if values is None else Recognised("vectorised", True, values)

    def _traces(self, function: Callable[[Tensor], Tensor], shape: tuple[int, ...]) -> bool:
        """Whether a symbolic call with this shape gives one value per point."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return output_shape(function, shape, self.dtype) == shape[:1]
            except Exception:  # whatever f raises on a trace, it is not one to trace
                return False

    def _try_numbers(self, kind: str, probes: np.ndarray) -> np.ndarray | None:
        """Values (B,) of a batch if f takes one, else None."""
        self.nfev += len(probes)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                if kind == "traced":
                    out = self._f(to_tensor(probes, self.dtype), *self._args)
                elif kind == "vectorised":
                    out = _mapped(self._f, self._args)(to_tensor(probes, self.dtype))
                else:
                    out = self._f(probes.copy(), *self._args)
                return _as_values(out, (len(probes),), probes.shape)
            except Exception:  # not a function of a batch
                return None

    def _agrees(
        self, values: np.ndarray, probes: np.ndarray, argument: Callable[[np.ndarray], Any]
    ) -> bool:
        """Whether the batch's first and last values are those of the points alone."""
        tolerance = 1e-9 if self.dtype == "float64" else 1e-4
        for index in (0, -1):
            self.nfev += 1
            try:
                alone = np.ravel(_numbers(self._f(argument(probes[index]), *self._args)))
            except Exception:  # not a function of this form
                return False
            same = np.allclose(alone, values[index], tolerance, tolerance, equal_nan=True)
            if alone.size != 1 or not same:
                return False
        return True

    def _unchanged(self, known: Recognised, probes: np.ndarray) -> bool:
        """Whether a remembered function still has the values that its programs were built on."""
        values = self._try_numbers(known.kind, probes)
        if values is None or known.values is None or values.shape != known.values.shape:
            return False
        return bool(np.allclose(values, known.values, 1e-9, 1e-12, equal_nan=True))

    def _key(self, batched: bool | None) -> Hashable:
        bounds = b"" if isinstance(self._f, Problem) else self._probe_points().tobytes()
        parts = (self._f, tuple(map(id, self._args)), self.box.dim, bounds, batched)
        return (*parts, self.dtype, name())

    def _remembered(self, batched: bool | None) -> Recognised | None:
        try:
            key = self._key(batched)
            _, known = _remembered[key]
        except (KeyError, TypeError):  # new, or not hashable
            return None
        _remembered.move_to_end(key)
        return known

    def _remember(self, found: Recognised, batched: bool | None) -> Recognised:
        try:
            _remembered[self._key(batched)] = (self._args, found)
        except TypeError:
            return found
        while len(_remembered) > REMEMBERED:
            _remembered.popitem(last=False)
        return found


_black_box_programs: OrderedDict[Hashable, Any] = OrderedDict()


def _mapped(f: Callable[..., Any], args: tuple[Any, ...]) -> Callable[[Tensor], Tensor]:
    """f of one point as a function of points (N, d)."""

    def one(point: Tensor) -> Tensor:
        value = f(point, *args)
        return ops.cast(value, point.dtype) + ops.zeros_like(point[0])

    return lambda x: ops.vectorized_map(one, x)


def _numbers(out: Any) -> np.ndarray:
    """What f returned, as float64; TypeError where it is no real number."""
    if out is None or isinstance(out, str | bytes | dict):
        raise TypeError(f"fun must return a real number, got {type(out).__name__}: {out!r}"[:200])
    array = to_numpy(out) if is_tensor(out) else np.asarray(out)
    if array.dtype.kind == "c" or array.dtype.kind not in "biufO":
        raise TypeError(f"fun must return a real number, got an array of {array.dtype}")
    try:
        return array.astype("float64")
    except (TypeError, ValueError):
        raise TypeError(f"fun must return a real number, got {out!r}"[:200]) from None


def _as_values(out: Any, shape: tuple[int, ...], given: tuple[int, ...]) -> np.ndarray:
    values = _numbers(out)
    if values.shape == shape or (not shape and values.size == 1):
        return values.reshape(shape)
    expected = f"an array of shape {shape}" if shape else "a single number"
    raise ValueError(
        f"fun must return {expected} for x of shape {given}, got an array of shape {values.shape}"
    )


def _as_gradient(out: Any, shape: tuple[int, ...]) -> np.ndarray:
    gradient = np.asarray(to_numpy(out) if is_tensor(out) else out, dtype="float64")
    if gradient.shape == shape or (len(shape) == 1 and gradient.size == shape[0]):
        return gradient.reshape(shape)
    raise ValueError(
        f"jac must return an array of shape {shape}, got an array of shape {gradient.shape}"
    )
