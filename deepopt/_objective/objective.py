"""A user's function as an objective: whatever its kind, called, counted, differentiated."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import numpy as np

from .._backend import Compiled, is_loaded, name, precision
from .._domain import Box
from .._support.workers import Calls
from ..problems import Problem
from . import differences
from .black_box import BlackBox, Jac, OutOfTimeError
from .fingerprints import fingerprint
from .kept import Kept
from .kinds import BATCHED_BLACK_BOX, BLACK_BOX, LEAST_BUDGET, TRACED, Recogniser
from .libraries import TENSORS, Written, libraries, written_for
from .outputs import as_values
from .traced import LOOPS, Traced

UNLIMITED = 2**62  # points
APART = (1987, 1)  # seeds that a caller does not take by chance
FEW = 20  # variables up to which operators alone are no reason to load a backend
ALWAYS = 4  # points that a look at a function takes
REMEMBERED = 32  # functions whose programs are kept
_remembered: Kept[Traced] = Kept(REMEMBERED)
_black_box_loops: Kept[Any] = Kept(LOOPS)


class Objective(BlackBox):
    """f on a box: a black box of one point, until `recognise` has found out more.

    Parameters and attributes beside these as those of `BlackBox`.

    Parameters
    ----------
    dtype : {"float64", "float32"}
        Precision in which a traced function is evaluated inside the loop.
    rounding : {"full", "tf32"}
        How its products round.

    Attributes
    ----------
    traced : Traced or None
        f as a traced function, if it is one.
    """

    def __init__(
        self, f: Callable[..., Any], jac: Jac, args: tuple[Any, ...], box: Box, dtype: str,
        deadline: float = np.inf, calls: Calls | None = None,
        errstate: Mapping[str, Any] | None = None, rounding: str = "full",
    ) -> None:  # fmt: skip
        super().__init__(f, jac, args, box, deadline, calls, errstate)
        self.traced: Traced | None = None
        self._whole = f, args
        self._dtype, self._rounding = dtype, rounding
        self._problem = f if isinstance(f, Problem) and not args else None
        residuals = getattr(f, "residuals", None)
        self._residuals = (lambda x: residuals(x, *args)) if args and residuals else residuals
        self._batched = False
        self._told: tuple[bool, bool | None] = False, None
        self._key: Hashable = None  # under which the traced function is kept
        self._made = 0  # traces before it was looked for

    def is_of_arrays(
        self, batched: bool, maxfev: int, traced: bool | None, x0: np.ndarray | None
    ) -> bool:
        """Whether f is a black box, as far as can be told without a tensor library.

        Parameters as those of `recognise`; f is called once, with x0 (d,) if there is one.
        """
        self._batched = batched
        if traced or self._problem is not None:
            return False
        if self._jac is not None or traced is False or maxfev < LEAST_BUDGET:
            return True
        written = written_for(*self._whole, self._residuals)
        if written is Written.TENSORS:
            return False
        few = not is_loaded() and self.box.dim <= FEW
        if written is Written.OPERATORS and not few:
            return False
        if x0 is None:
            x0 = self.box.from_unit(self.box.draw(np.random.default_rng(APART), 1))[0]
        x = x0[None] if batched else x0
        self.nfev += 1
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                out = self._f(x.copy())
                if libraries(out) & TENSORS:
                    return False
                value = as_values(out, x.shape[:-1], x.shape)
        except Exception:  # whatever it raises, it is called again, and raises it then
            return written is Written.ARRAYS
        self._note(x0[None], np.reshape(value, 1))
        return True

    def recognise(self, batched: bool, maxfev: int, traced: bool | None = None) -> None:
        """Find out what kind of function f is.

        Parameters
        ----------
        batched : bool
            Whether f takes (N, d).
        maxfev : int
            Below a handful of points nothing is spent on finding out.
        traced : bool or None
            Whether f is to be traced; None to find out.
        """
        self._batched, self._told = batched, (batched, traced)
        if traced and self._jac is not None:
            raise ValueError(
                "jac is of no use to a function that is traced, got both jac and the option "
                "traced=True; leave out one of them"
            )
        looks = maxfev >= (ALWAYS if traced else LEAST_BUDGET) or self._problem is not None
        if self._jac is not None or traced is False or not looks:
            return
        self._key, self._made = self._content(), Compiled.made
        self.traced = _remembered.get(self._key)
        if self.traced is not None:
            self.traced.bind(self._f, self._residuals)
            return
        recogniser = Recogniser(self._f, self._residuals, self.box, self._dtype)
        try:
            with precision(self._dtype):
                if self._problem is not None:
                    self.traced = recogniser.of_problem(self._problem)
                else:
                    self.traced = recogniser.find(batched, traced is True)
        finally:
            self.nfev += recogniser.nfev
            for point, value in recogniser.seen:
                self._note(point[None], np.array([value]))

    def _content(self) -> Hashable:
        """What two calls share only if f, and all that it can reach, is the same in both."""
        found = fingerprint(*self._whole, getattr(self._whole[0], "residuals", None))
        if found is None:
            return None
        return found, self.box.dim, self._dtype, self._rounding, name(), self._told

    def keep(self) -> None:
        """Keep for calls to come what was compiled, unless f has changed meanwhile."""
        if self.traced is None or self._key is None:
            return
        if Compiled.made == self._made:  # nothing new was traced, while f may have changed
            return
        _remembered.keep(self._key, self.traced, now=self._content())

    @property
    def kind(self) -> str:
        if self.traced is not None:
            return TRACED
        return BATCHED_BLACK_BOX if self._batched else BLACK_BOX

    @property
    def batched(self) -> bool:
        return self.kind == BATCHED_BLACK_BOX

    @property
    def traceable(self) -> bool:
        return self.traced is not None

    @property
    def loops(self) -> Kept[Any]:
        """Loops compiled for this function, by recipe; black boxes share theirs."""
        return _black_box_loops if self.traced is None else self.traced.loops

    @property
    def forward(self) -> bool:
        """Whether gradients are forward differences."""
        return not self.traceable and (self._jac is None or self._jac == "2-point")

    @property
    def points_per_gradient(self) -> int:
        """Points that one value with its gradient costs."""
        if self.traceable or callable(self._jac) or self._jac is True:
            return 1
        return 1 + differences.cost(self._scheme, self.box.dim)

    def count(self, points: int) -> None:
        """Add points evaluated with their gradient by a compiled program."""
        self.nfev += points
        self.njev += points

    @property
    def has_residuals(self) -> bool:
        """Whether f says of what it is half the sum of squares."""
        return callable(self._residuals)

    def value(self, x: np.ndarray) -> float:
        """f at one point (d,) in float64, as the user gets it by calling f."""
        return float(self.values(x[None])[0])

    def values(self, x: np.ndarray) -> np.ndarray:
        """f at points (N, d), in float64; a black box is not asked where an overflow left none."""
        if self.traced is None:
            return super().values(x)
        self.nfev += len(x)
        f = np.array([self.traced.value(x[0])]) if len(x) == 1 else self.traced.values(x)
        self._note(x, f)
        return f

    def values_and_gradients(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """f (N,) and its gradients (N, d) at points (N, d), in float64."""
        if self.traced is None:
            return super().values_and_gradients(x)
        f, gradients = self.traced.values_and_gradients(x)
        self.count(len(x))
        self._note(x, f)
        return f, gradients

    def range(self, maxfev: int, sampled: int, seed: Any = 0) -> float:
        """max f - min f over the domain: a problem's own, else estimated from sampled points.

        The sample is `sampled` uniform points and random corners of the box, at most a
        tenth of `maxfev`; `seed` is theirs.
        1 where nothing finite is found.
        """
        if not self.box.width.any():
            return 1.0
        known = None if self._problem is None else self._problem.value_range
        if known is not None:
            return float(known[1] - known[0])
        uniform = self.box.draw(np.random.default_rng(seed), sampled // 2)
        corners = np.where(self.box.closed, np.round(uniform), 2.0 * uniform)
        sample = np.concatenate([uniform, corners])[: min(sampled, maxfev // 10)]
        try:
            f = self.values(self.box.from_unit(sample)) if len(sample) else np.empty(0)
        except OutOfTimeError:
            return 1.0
        f = f[np.isfinite(f)]
        found = float(np.ptp(f)) if len(f) else 0.0
        return found if np.isfinite(found) and found > 0 else 1.0
