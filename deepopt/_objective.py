"""A user's function as a batched objective: called, counted, timed, differentiated."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any

import numpy as np

from . import _differences
from ._backend import (
    Compiled,
    Tensor,
    ops,
    precision,
    to_argument,
    to_numpy,
    to_tensor,
    value_and_grad,
)
from ._box import Box
from ._recognise import (
    BATCHED_BLACK_BOX,
    BLACK_BOX,
    LEAST_BUDGET,
    TRACED,
    VECTORISED,
    Recognised,
    Recogniser,
    mapped,
)
from ._saving import Saver
from ._threads import threads_as_before
from ._values import as_gradient, as_values
from ._workers import Calls
from .problems import Problem

Jac = Callable[..., Any] | str | bool | None
SLICE = 256  # points of a batched black box between two looks at the clock
SOON = 0.1  # seconds within which workers should have an answer for as many again

_black_box_programs: OrderedDict[Hashable, Any] = OrderedDict()


class OutOfTimeError(Exception):
    """The deadline passed between two calls of a black box."""


@dataclasses.dataclass(frozen=True, slots=True)
class Called:
    """A user's function of x alone, under the user's own errstate; other processes are sent it."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    errstate: Mapping[str, Any]

    def __call__(self, x: Any) -> Any:
        with np.errstate(**self.errstate):
            return self.function(x, *self.args)


class Objective:
    """f on a box, with counts of the points evaluated and the best of those seen from Python.

    A black box of one point, until `recognise` has found out more.

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
    deadline : float
        A time.perf_counter() after which a black box is not called again.
    calls : callable or None
        (function, points) -> values, where several processes share the work.
    errstate : mapping or None
        What NumPy does about floating-point errors within f and jac; by default what it does now.

    Attributes
    ----------
    nfev, njev : int
        Points evaluated, and those evaluated with their gradient.
    best_x, best_f
        The lowest finite value that a call from Python gave, and its point (None before one).
    saver : Saver or None
        Who keeps the values of a black box.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        jac: Jac,
        args: tuple[Any, ...],
        box: Box,
        dtype: str,
        deadline: float = np.inf,
        calls: Calls | None = None,
        errstate: Mapping[str, Any] | None = None,
    ) -> None:
        self.nfev = 0
        self.njev = 0
        self.box = box
        self.best_x: np.ndarray | None = None
        self.best_f = np.inf
        self.saver: Saver | None = None
        self._errstate = np.geterr() if errstate is None else dict(errstate)
        self._jac, self._args, self._dtype = jac, args, dtype
        self._deadline = deadline
        self._calls, self._at_once = calls, max(1, os.cpu_count() or 1)
        self._problem = f if isinstance(f, Problem) and not args else None
        self._f = Called(f, args, self._errstate)
        residuals = getattr(f, "residuals", None)
        self._residuals = (lambda x: residuals(x, *args)) if args and residuals else residuals
        self._recogniser = Recogniser(self._f, (f, args), box, dtype)
        self._recognised = Recognised(BLACK_BOX)  # until `recognise` knows better

    def recognise(self, batched: bool | None, maxfev: int) -> None:
        """Find out what kind of function f is.

        Parameters
        ----------
        batched : bool or None
            Whether f takes (N, d); None to find out.
        maxfev : int
            Below a handful of points nothing is spent on finding out.
        """
        try:
            with precision(self._dtype):
                self._recognised = self._find(batched, maxfev)
        finally:
            self.nfev += self._recogniser.nfev
            for point, value in self._recogniser.seen:
                self._note(point[None], np.array([value]))

    def _find(self, batched: bool | None, maxfev: int) -> Recognised:
        if self._jac is None and self._problem is not None:
            return self._recogniser.of_problem(self._problem)
        if self._jac is not None or maxfev < LEAST_BUDGET:
            return Recognised(BATCHED_BLACK_BOX if batched else BLACK_BOX)
        return self._recogniser.find(batched)

    @property
    def kind(self) -> str:
        return self._recognised.kind

    @property
    def traceable(self) -> bool:
        return self.kind in (TRACED, VECTORISED)

    @property
    def programs(self) -> OrderedDict[Hashable, Any]:
        """Programs compiled for this function, by structure; black boxes share theirs."""
        return self._recognised.programs if self.traceable else _black_box_programs

    @property
    def forward(self) -> bool:
        """Whether gradients are forward differences."""
        return not self.traceable and (self._jac is None or self._jac == "2-point")

    @contextlib.contextmanager
    def central(self) -> Iterator[None]:
        """Take central differences in this scope."""
        before, self._jac = self._jac, "3-point"
        try:
            yield
        finally:
            self._jac = before

    @property
    def points_per_gradient(self) -> int:
        """Points that one value with its gradient costs."""
        if self.traceable or callable(self._jac) or self._jac is True:
            return 1
        return 1 + _differences.cost(self._scheme, self.box.dim)

    @property
    def _scheme(self) -> str:
        return self._jac if isinstance(self._jac, str) else "2-point"

    def state(self) -> dict[str, Any]:
        """What has been counted and found."""
        return {key: getattr(self, key) for key in ("nfev", "njev", "best_x", "best_f")}

    def restore(self, state: dict[str, Any]) -> None:
        vars(self).update(state)

    def count(self, points: int) -> None:
        """Add points evaluated with their gradient by a compiled program."""
        self.nfev += points
        self.njev += points

    def tensor(self, x: Tensor) -> Tensor:
        """f of a tensor (..., d), traced and differentiable, in x's type."""
        if self._problem is not None:
            return self._problem(x)
        flat = ops.reshape(x, (-1, x.shape[-1]))
        values = (mapped(self._f) if self.kind == VECTORISED else self._f)(flat)
        return ops.reshape(ops.cast(values, x.dtype), x.shape[:-1])

    @property
    def has_residuals(self) -> bool:
        """Whether f says of what it is half the sum of squares."""
        return callable(self._residuals)

    def residuals(self, x: Tensor) -> Tensor:
        """The residuals (..., m) of a tensor (..., d)."""
        assert self._residuals is not None
        return ops.cast(self._residuals(x), x.dtype)

    def value(self, x: np.ndarray) -> float:
        """f at one point (d,) in float64, as the user would call it."""
        return float(self.values(x[None])[0])

    def values(self, x: np.ndarray) -> np.ndarray:
        """f at points (N, d), in float64; a black box is not asked where an overflow left none."""
        if self.traceable:
            f = self._eager(x)
            self._note(x, f)
        elif not np.isfinite(x).all():
            f, sound = np.full(len(x), np.nan), np.isfinite(x).all(axis=-1)
            if sound.any():
                f[sound] = self.values(x[sound])
        elif self._jac is True:
            f = self._pairs(x)[0]
        else:
            f = self._outside(self._f, x, lambda out, at: as_values(out, at.shape[:-1], at.shape))
        return f

    def values_and_gradients(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """f (N,) and its gradients (N, d) at points (N, d), in float64."""
        if self.traceable:
            return self._compiled_gradients(x)
        if not np.isfinite(x).all():
            f, gradients = np.full(len(x), np.nan), np.zeros(x.shape)
            sound = np.isfinite(x).all(axis=-1)
            if sound.any():
                f[sound], gradients[sound] = self.values_and_gradients(x[sound])
            return f, gradients
        if self._jac is True:
            f, gradients = self._pairs(x)
        else:
            f = self.values(x)
            gradients = self._gradients(x, f)
        self.njev += len(x)
        return f, gradients

    def range(self, maxfev: int, sampled: int) -> float:
        """max f - min f over the domain: a problem's own, else estimated from sampled points.

        The sample is `sampled` uniform points and random corners of the box, at most a
        tenth of `maxfev`.
        1 where nothing finite is found.
        """
        if not self.box.width.any():
            return 1.0
        known = None if self._problem is None else self._problem.value_range
        if known is not None:
            return float(known[1] - known[0])
        uniform = self.box.draw(np.random.default_rng(0), sampled // 2)
        corners = np.where(self.box.closed, np.round(uniform), 2.0 * uniform)
        sample = np.concatenate([uniform, corners])[: min(sampled, maxfev // 10)]
        try:
            f = self.values(self.box.from_unit(sample)) if len(sample) else np.empty(0)
        except OutOfTimeError:
            return 1.0
        f = f[np.isfinite(f)]
        found = float(np.ptp(f)) if len(f) else 0.0
        return found if np.isfinite(found) and found > 0 else 1.0

    # Traced functions, from the host

    def _eager(self, x: np.ndarray) -> np.ndarray:
        """Values as the user would get them; in the loop's type if f does not take float64."""
        alone = len(x) == 1 or self.kind == VECTORISED
        points = alone and self._recognised.takes_points
        self.nfev += len(x)

        def evaluate(dtype: str) -> np.ndarray:
            if not points:
                return as_values(self._f(to_tensor(x, dtype)), (len(x),), x.shape)
            each = [as_values(self._f(to_tensor(p, dtype)), (), p.shape) for p in x]
            return np.array(each).reshape(-1)

        values: np.ndarray = self._in_float64(evaluate)
        return values

    def _in_float64(self, evaluate: Callable[[str], Any]) -> Any:
        """evaluate("float64"), or in the loop's type where f holds constants of that type."""
        if self._dtype != "float64":
            try:
                with precision("float64"):
                    return evaluate("float64")
            except Exception:  # the loop's type has worked before, and raises what is f's own
                pass
        with precision(self._dtype):
            return evaluate(self._dtype)

    def _compiled_gradients(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if "gradient" not in self.programs:
            self.programs["gradient"] = Compiled(value_and_grad(self.tensor), xla=False)
        program = self.programs["gradient"]
        self.programs.move_to_end("gradient")
        f, gradient = self._in_float64(lambda dtype: program(to_argument(x.astype(dtype))))
        self.count(len(x))
        values, slopes = (np.asarray(to_numpy(part), "float64") for part in (f, gradient))
        self._note(x, values)
        return values, slopes

    # Black boxes

    @threads_as_before()
    def _outside(
        self,
        function: Callable[[Any], Any],
        x: np.ndarray,
        read: Callable[[Any, np.ndarray], Any],
        counted: bool = True,
    ) -> np.ndarray:
        """function(x) point by point or in slices, each read, and stacked; the clock is watched."""
        parts, at = [], 0
        while at < len(x):
            if time.perf_counter() > self._deadline and self.nfev:
                raise OutOfTimeError
            out = None if self.saver is None else self.saver.take()
            part = x[at : at + (self._slice if out is None else len(out))]
            self.nfev += len(part) * counted
            if out is None:
                out = self._ask(function, part, read)
                if self.saver is not None:
                    self.saver.keep(out)
            if counted and not np.iscomplexobj(part):
                self._note(part, out if out.ndim == 1 else out[:, 0])
            parts.append(out)
            at += len(part)
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts) if parts else np.empty(0)

    def _ask(
        self,
        function: Callable[[Any], Any],
        x: np.ndarray,
        read: Callable[[Any, np.ndarray], Any],
    ) -> np.ndarray:
        """What function gives at points (N, d), by whoever does the work."""
        if self.kind == BATCHED_BLACK_BOX:
            return np.asarray(read(function(x.copy()), x))
        if self._calls is None and len(x) == 1:
            return np.asarray(read(function(x[0].copy()), x[0]))[None]
        if self._calls is None:
            return np.stack([read(function(point.copy()), point) for point in x])
        begun = time.perf_counter()
        found = self._calls(function, list(x.copy()))
        if time.perf_counter() - begun < SOON:
            self._at_once *= 2
        return np.stack([read(out, point) for out, point in zip(found, x, strict=True)])

    @property
    def _slice(self) -> int:
        """Points between two looks at the clock."""
        if self.kind == BATCHED_BLACK_BOX:
            return SLICE
        return 1 if self._calls is None else self._at_once

    def _pairs(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """f and gradients of a function that returns both."""

        def read(out: Any, at: np.ndarray) -> np.ndarray:
            if not isinstance(out, tuple | list) or len(out) != 2:
                raise TypeError(
                    f"fun must return (f, gradient) because jac=True, got {type(out).__name__}"
                )
            f = as_values(out[0], at.shape[:-1], at.shape)
            return np.concatenate([f[..., None], as_gradient(out[1], at.shape)], axis=-1)

        rows = self._outside(self._f, x, read)
        return rows[:, 0], rows[:, 1:]

    def _gradients(self, x: np.ndarray, f: np.ndarray) -> np.ndarray:
        jac = self._jac
        if callable(jac):
            return self._outside(
                Called(jac, self._args, self._errstate),
                x,
                lambda out, at: as_gradient(out, at.shape),
                False,
            )
        values = self._complex_values if self._scheme == "cs" else self.values
        lower, upper = self.box.lower, self.box.upper
        return np.stack(
            [
                _differences.gradient(values, point, value, lower, upper, self._scheme)
                for point, value in zip(x, f, strict=True)
            ]
        )

    def _complex_values(self, x: np.ndarray) -> np.ndarray:
        """f at complex points (N, d)."""
        return self._outside(
            self._f, x, lambda out, at: as_values(out, at.shape[:-1], at.shape, "complex128")
        )

    def _note(self, x: np.ndarray, f: np.ndarray) -> None:
        """Remember the lowest finite value."""
        if not (f < self.best_f).any():
            return
        masked = np.where(np.isfinite(f), f, np.inf)
        lowest = int(np.argmin(masked))
        if masked[lowest] < self.best_f:
            self.best_f, self.best_x = float(masked[lowest]), x[lowest].copy()
