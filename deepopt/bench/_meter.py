"""One run of a solver: the objective as the solver sees it, counted and timed until it is over."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..problems import Problem

BATCH = 8  # compiled batches hold a multiple of so many points
THINNED = 1.05  # a trajectory keeps points whose times, or counts, grow by this factor


class Spent(Exception):  # noqa: N818
    """The budget is spent, or the target reached."""


class Untraced:
    """A NumPy function of one point, evaluated at batches."""

    problem: Problem | None = None  # what can be traced
    has_slopes = False
    compiling = 0.0  # seconds that the compiler has taken

    def __init__(self, function: Callable[[np.ndarray], float]) -> None:
        self._function = function

    def values(self, x: np.ndarray) -> np.ndarray:
        """f (n,) at points (n, d)."""
        return np.array([float(self._function(point)) for point in x])

    def slopes(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """f (n,) and its gradients (n, d) at points (n, d)."""
        raise TypeError("a NumPy function has no gradients")


class Traced(Untraced):
    """A problem's values and gradients, compiled for one point and for batches of 8, 16, … points.

    To be called in the scope of `precision("float64")`, which costs more than a call to enter.
    """

    has_slopes = True

    def __init__(self, problem: Problem) -> None:
        from .._backend import Compiled, value_and_grad

        self.compiling = 0.0
        self.problem = problem
        self._values, self._slopes = Compiled(problem), Compiled(value_and_grad(problem))
        self._known: set[tuple[int, int]] = set()

    def values(self, x: np.ndarray) -> np.ndarray:
        from .._backend import to_numpy

        f: np.ndarray = to_numpy(self._run(self._values, x))[: len(x)]
        return f

    def slopes(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        from .._backend import to_numpy

        f, gradients = self._run(self._slopes, x)
        return to_numpy(f)[: len(x)], to_numpy(gradients)[: len(x)]

    def _run(self, program: Any, x: np.ndarray) -> Any:
        from .._backend import to_argument

        size = len(x) if len(x) == 1 else BATCH * math.ceil(len(x) / BATCH)
        if size > len(x):
            x = np.concatenate([x, np.repeat(x[-1:], size - len(x), axis=0)])
        points = to_argument(x)
        if (id(program), size) not in self._known:
            begun = time.perf_counter()
            program(points)
            self.compiling += time.perf_counter() - begun
            self._known.add((id(program), size))
        return program(points)


class Meter:
    """Counts, times and ends a run; points outside the bounds are moved onto them.

    Parameters
    ----------
    evaluator : Untraced or Traced
        The objective. While it compiles the clock stands still.
    lower, upper : ndarray, shape (d,)
        The bounds.
    seconds, points : float
        The budget: wall time and points evaluated.
    target : float
        A value that ends the run.

    Attributes
    ----------
    problem : Problem or None
        What can be traced, if anything.
    nfev, njev : int
        Points evaluated, and those evaluated with their gradient.
    best : float
        The lowest value.
    trajectory : list of [seconds, nfev, best]
        Improvements, thinned.
    """

    def __init__(
        self,
        evaluator: Untraced,
        lower: np.ndarray,
        upper: np.ndarray,
        seconds: float = np.inf,
        points: float = np.inf,
        target: float = -np.inf,
    ) -> None:
        self.lower, self.upper = lower, upper
        self.problem = evaluator.problem
        self.has_slopes = evaluator.has_slopes
        self.nfev = self.njev = 0
        self.best = np.inf
        self.trajectory: list[list[float]] = []
        self._evaluator = evaluator
        self._budget, self._points, self._target = seconds, points, target
        self._begun = time.perf_counter() - evaluator.compiling

    @property
    def seconds(self) -> float:
        """On the run's clock."""
        return time.perf_counter() - self._begun - self._evaluator.compiling

    @property
    def left(self) -> tuple[float, float]:
        """Seconds and points that are left."""
        return self._budget - self.seconds, self._points - self.nfev

    def check(self) -> None:
        """Raise Spent where the budget is used up or the target reached."""
        if min(self.left) <= 0 or self.best <= self._target:
            raise Spent

    def draw(self, rng: np.random.Generator, count: int | None = None) -> np.ndarray:
        """A random point (d,), or points (count, d)."""
        shape = self.lower.shape if count is None else (count, *self.lower.shape)
        return rng.uniform(self.lower, self.upper, shape)

    def value(self, x: np.ndarray) -> float:
        """f at a point (d,); ValueError for x of another shape."""
        x = np.asarray(x, dtype=float)
        if x.shape != self.lower.shape:
            raise ValueError(f"x must have shape {self.lower.shape}, got {x.shape}")
        return float(self.values(x[None])[0])

    def slope(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """f and its gradient (d,) at a point (d,)."""
        f, gradients = self.slopes(np.asarray(x, dtype=float)[None])
        return float(f[0]), gradients[0]

    def values(self, x: np.ndarray) -> np.ndarray:
        """f (n,) at points (n, d)."""
        self.check()
        count = int(min(len(x), self._points - self.nfev))
        f = self._evaluator.values(self._inside(x[:count]))
        self._note(f)
        if count < len(x):
            raise Spent
        return f

    def slopes(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """f (n,) and its gradients (n, d) at points (n, d)."""
        self.check()
        f, gradients = self._evaluator.slopes(self._inside(x))
        self.njev += len(x)
        self._note(f)
        return f, gradients

    def summary(self) -> dict[str, Any]:
        """The run as a cell keeps it."""
        return {
            "fun": self.best,
            "nfev": self.nfev,
            "njev": self.njev,
            "seconds": self.seconds,
            "trajectory": self.trajectory,
        }

    def absorb(self, result: Mapping[str, Any], begun: float) -> None:
        """Take in a result of `deepopt.minimize` that began at a time of this clock."""
        before, history = self.nfev, result["history"]
        for at, nfev, fun in zip(history["time"], history["nfev"], history["fun"], strict=True):
            self._improve(begun + at, before + int(nfev), float(fun))
        self.nfev += result["nfev"]
        self.njev += result["njev"]
        self._improve(self.seconds, self.nfev, float(result["fun"]))
        self.check()

    def _inside(self, x: np.ndarray) -> np.ndarray:
        inside: np.ndarray = np.minimum(np.maximum(x, self.lower), self.upper)
        return inside

    def _note(self, f: np.ndarray) -> None:
        self.nfev += len(f)
        self._improve(self.seconds, self.nfev, float(np.fmin.reduce(f)))
        if self.best <= self._target:
            raise Spent

    def _improve(self, seconds: float, nfev: int, fun: float) -> None:
        if not fun < self.best:
            return
        self.best = fun
        if len(self.trajectory) > 1:
            at, count, _ = self.trajectory[-2]
            if seconds < THINNED * at and nfev < THINNED * count:
                self.trajectory.pop()
        self.trajectory.append([seconds, nfev, fun])
