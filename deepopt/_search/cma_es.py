"""CMA-ES with restarts, from the library cmaes: descent along an estimate of the smoothed gradient.

The ranks of f at points m + σ y, y ~ N(0, C), estimate the natural gradient of the mean of f over
that distribution (a Gaussian smoothing whose shape is learned); the step σ is learned from the
length of the path that the mean has taken. Restarts are Hansen's BIPOP rule, 2009: runs of ever
larger populations, and of small ones, that spend alike.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .._domain import Box

if TYPE_CHECKING:
    from cmaes import CMA  # type: ignore[import-untyped]

FIRST_STEP = 0.3  # σ, in unit coordinates
DOUBLINGS = 8  # of the population, at most
LARGEST = 1e300  # stands for a value that is not finite


class Evolution:
    """Run after run in the free variables of a box: `ask` for points, `tell` their values.

    Parameters
    ----------
    box : Box
        With two free variables at least.
    rng : numpy.random.Generator
    """

    def __init__(self, box: Box, rng: np.random.Generator) -> None:
        self._box, self._rng = box, rng
        self._free = np.flatnonzero(box.width)
        self._least = 4 + int(3 * math.log(len(self._free)))
        self._doublings, self._is_large = 0, True
        self._spent = {True: 0, False: 0}  # points, by `_is_large`
        self._run: CMA | None = None
        self._lowest = np.zeros(box.dim), np.inf  # of the run

    def ask(self) -> np.ndarray:
        """Points (population, d), folded into the box."""
        if self._run is None:
            self._run = self._next()
        self._asked = [self._run.ask() for _ in range(self._run.population_size)]
        points = np.zeros((len(self._asked), self._box.dim))
        points[:, self._free] = self._asked
        self._points = self._box.fold(points)
        return self._points

    def tell(self, values: np.ndarray, spread: float) -> tuple[np.ndarray, float] | None:
        """Move by the values (population,) of the points asked for; `spread` is f's range.

        Where the run ends with that, its lowest point (d,) and the value there.
        """
        assert self._run is not None
        best = int(np.argmin(np.where(np.isfinite(values), values, np.inf)))
        if values[best] < self._lowest[1]:
            self._lowest = self._points[best], float(values[best])
        with np.errstate(over="ignore"):
            values = np.nan_to_num(values / spread, nan=LARGEST, posinf=LARGEST, neginf=-LARGEST)
        self._run.tell(list(zip(self._asked, values.tolist(), strict=True)))
        self._spent[self._is_large] += len(values)
        if not self._run.should_stop():
            return None
        end, self._run, self._lowest = self._lowest, None, (self._points[0], np.inf)
        return end

    def _next(self) -> CMA:
        """A run from anywhere: of twice the population of the last large one, or a small one."""
        from cmaes import CMA

        self._is_large = self._spent[True] <= self._spent[False]
        if self._is_large:
            population, step = self._least * 2**self._doublings, FIRST_STEP
            self._doublings = min(self._doublings + 1, DOUBLINGS)
        else:
            ratio = 0.5 * 2 ** (self._doublings - 1)
            population = max(self._least, int(self._least * ratio ** (self._rng.random() ** 2)))
            step = FIRST_STEP * 10 ** (-2 * self._rng.random())
        start = self._box.draw(self._rng, 1)[0, self._free]
        seed = int(self._rng.integers(2**31))
        return CMA(mean=start, sigma=step, population_size=population, seed=seed)
