"""A black box: any Python function, called from the host, counted, timed and differenced."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from .._domain import Box
from .._support.checks import in_brief, warn
from .._support.interrupts import UsersCode
from .._support.saving import Saver
from .._support.threads import threads_as_before
from .._support.workers import Calls
from . import differences
from .outputs import as_gradient, as_values

Jac = Callable[..., Any] | str | bool | None
SLICE = 256  # points of a batched black box between two looks at the clock
SOON = 0.1  # seconds within which workers should have an answer for as many again


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


class BlackBox:
    """f on a box, with counts of the points evaluated and the best of those seen.

    Parameters
    ----------
    f : callable
        f(x, *args).
    jac : callable, str, bool or None
        As in `scipy.optimize.minimize`.
    args : tuple
    box : Box
    deadline : float
        A time.perf_counter() after which f is not called again.
    calls : callable or None
        (function, points) -> values, where several processes share the work.
    errstate : mapping or None
        What NumPy does about floating-point errors within f and jac; by default what it does now.

    Attributes
    ----------
    nfev, njev : int
        Points evaluated, and those evaluated with their gradient.
    best_x, best_f
        The lowest finite value that a call gave, and its point (None before one).
    saver : Saver or None
        Who keeps the values.
    """

    def __init__(
        self, f: Callable[..., Any], jac: Jac, args: tuple[Any, ...], box: Box, deadline: float,
        calls: Calls | None, errstate: Mapping[str, Any] | None,
    ) -> None:  # fmt: skip
        self.nfev = 0
        self.njev = 0
        self.box = box
        self.best_x: np.ndarray | None = None
        self.best_f = np.inf
        self.saver: Saver | None = None
        self._errstate = np.geterr() if errstate is None else dict(errstate)
        self._jac, self._args = jac, args
        self._deadline, self._asked = deadline, False  # one point is evaluated in any case
        self._calls, self._at_once = calls, max(1, os.cpu_count() or 1)
        self._f = Called(f, args, self._errstate)
        self._took_batches, self._one_by_one = False, False

    @property
    def batched(self) -> bool:
        """Whether f takes (N, d)."""
        return False

    @contextlib.contextmanager
    def central(self) -> Iterator[None]:
        """Take central differences in this scope."""
        before, self._jac = self._jac, "3-point"
        try:
            yield
        finally:
            self._jac = before

    @property
    def _scheme(self) -> str:
        return self._jac if isinstance(self._jac, str) else "2-point"

    def state(self) -> dict[str, Any]:
        """What has been counted and found."""
        return {key: getattr(self, key) for key in ("nfev", "njev", "best_x", "best_f")}

    def restore(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._asked = self.best_x is not None

    def values(self, x: np.ndarray) -> np.ndarray:
        """f at points (N, d), in float64; it is not asked where an overflow left none."""
        if not np.isfinite(x).all():
            f, sound = np.full(len(x), np.nan), np.isfinite(x).all(axis=-1)
            if sound.any():
                f[sound] = self.values(x[sound])
            return f
        if self._jac is True:
            return self._pairs(x)[0]
        return self._outside(self._f, x, lambda out, at: as_values(out, at.shape[:-1], at.shape))

    def values_and_gradients(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """f (N,) and its gradients (N, d) at points (N, d), in float64."""
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
            if time.perf_counter() > self._deadline and self._asked:
                raise OutOfTimeError
            self._asked = True
            out = None if self.saver is None else self.saver.take()
            part = x[at : at + (self._slice if out is None else len(out))]
            self.nfev += len(part) * counted
            if out is None:
                with UsersCode():
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
        self, function: Callable[[Any], Any], x: np.ndarray, read: Callable[[Any, np.ndarray], Any]
    ) -> np.ndarray:
        """What function gives at points (N, d), by whoever does the work."""
        if self.batched:
            return self._ask_all(function, x, read)
        if self._calls is None and len(x) == 1:
            return np.asarray(read(function(x[0].copy()), x[0]))[None]
        if self._calls is None:
            return np.stack([read(function(point.copy()), point) for point in x])
        begun = time.perf_counter()
        found = self._calls(function, list(x.copy()))
        if time.perf_counter() - begun < SOON:
            self._at_once *= 2
        return np.stack([read(out, point) for out, point in zip(found, x, strict=True)])

    def _ask_all(
        self, function: Callable[[Any], Any], x: np.ndarray, read: Callable[[Any, np.ndarray], Any]
    ) -> np.ndarray:
        """What function gives at points (N, d), which it takes at once.

        If it has done so before and fails now, it is asked point by point from then on.
        """
        if not self._one_by_one:
            try:
                out = np.asarray(read(function(x.copy()), x))
            except Exception as error:
                if not self._took_batches or len(x) == 1:
                    raise
                failed = error
            else:
                self._took_batches = self._took_batches or len(x) > 1
                return out
            self._one_by_one = True
        else:
            failed = None
        each = [np.asarray(read(function(point[None].copy()), point[None])) for point in x]
        if failed is not None:
            warn(
                f"fun takes points one by one from now on, since it raised {in_brief(failed)} for "
                f"{len(x)} points at once",
                RuntimeWarning,
            )
        return np.concatenate(each)

    @property
    def _slice(self) -> int:
        """Points between two looks at the clock."""
        if self.batched:
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
                differences.gradient(values, point, value, lower, upper, self._scheme)
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
