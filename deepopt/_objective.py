"""A user's function as a batched objective: whatever its kind, called, counted, differentiated."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
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
from ._outside import BlackBox, Jac, OutOfTimeError
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
from ._values import as_values
from ._workers import Calls
from .problems import Problem

UNLIMITED = 2**62  # points
_black_box_programs: OrderedDict[Hashable, Any] = OrderedDict()


class Objective(BlackBox):
    """f on a box: a black box of one point, until `recognise` has found out more.

    Parameters and attributes beside these as those of `BlackBox`.

    Parameters
    ----------
    dtype : {"float64", "float32"}
        Precision in which a traced function is evaluated inside the loop.
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
        super().__init__(f, jac, args, box, deadline, calls, errstate)
        self._dtype = dtype
        self._problem = f if isinstance(f, Problem) and not args else None
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
    def batched(self) -> bool:
        return self.kind == BATCHED_BLACK_BOX

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

    @property
    def points_per_gradient(self) -> int:
        """Points that one value with its gradient costs."""
        if self.traceable or callable(self._jac) or self._jac is True:
            return 1
        return 1 + _differences.cost(self._scheme, self.box.dim)

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
        if not self.traceable:
            return super().values(x)
        f = self._eager(x)
        self._note(x, f)
        return f

    def values_and_gradients(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """f (N,) and its gradients (N, d) at points (N, d), in float64."""
        return self._compiled_gradients(x) if self.traceable else super().values_and_gradients(x)

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
