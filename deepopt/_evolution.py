"""CMA-ES: descent along the smoothed gradient, estimated from function values.

The ranks of f at points m + σ y, y ~ N(0, C), estimate the natural gradient of the mean of f over
that distribution (a Gaussian smoothing whose shape is learned); the step σ is learned from the
length of the path that the mean has taken.

Hansen, The CMA evolution strategy: a tutorial, 2016, with its default constants; the restarts are
Hansen's BIPOP rule, 2009.
"""

from __future__ import annotations

import math

import numpy as np

from ._box import Box

SMALLEST = 1e-11  # spread in unit coordinates, and range of values, at which a run ends
WORST_AXES = 1e7  # ratio of the axes of C at which it ends
FIRST_STEP, LONGEST_STEP = 0.3, 0.5  # σ, in unit coordinates


class Evolution:
    """One run: `ask` for points, `tell` their values.

    Parameters
    ----------
    box : Box
    mean : ndarray (d,)
        Where it begins, in unit coordinates.
    step : float
        The first σ.
    population : int
        Points per iteration.
    """

    def __init__(
        self, box: Box, mean: np.ndarray, step: float, population: int, rng: np.random.Generator
    ) -> None:
        d = len(mean)
        self._box, self._rng, self._d, self._population = box, rng, d, population
        self._mean, self._step = mean.copy(), step
        parents = population // 2
        weights = math.log(population / 2 + 0.5) - np.log(np.arange(1.0, parents + 1.0))
        self._weights = weights / weights.sum()
        self._effective = effective = float(1.0 / np.sum(self._weights**2))
        self._step_memory = (effective + 2) / (d + effective + 5)
        excess = max(0.0, math.sqrt((effective - 1) / (d + 1)) - 1)
        self._damping = 1 + 2 * excess + self._step_memory
        self._path_memory = (4 + effective / d) / (d + 4 + 2 * effective / d)
        self._rank_one = 2 / ((d + 1.3) ** 2 + effective)
        rank_many = 2 * (effective - 2 + 1 / effective) / ((d + 2) ** 2 + effective)
        self._rank_many = min(1 - self._rank_one, rank_many)
        self._length = math.sqrt(d) * (1 - 1 / (4 * d) + 1 / (21 * d * d))
        self._path, self._step_path = np.zeros(d), np.zeros(d)
        self._covariance, self._axes, self._lengths = np.eye(d), np.eye(d), np.ones(d)
        self._iteration, self._lowest = 0, list[float]()

    def ask(self) -> np.ndarray:
        """Points (population, d), folded into the box."""
        normal = self._rng.standard_normal((self._population, self._d))
        self._steps = (normal * self._lengths) @ self._axes.T
        return self._box.fold(self._mean + self._step * self._steps)

    def tell(self, values: np.ndarray) -> bool:
        """Move by the values (population,) of the points asked for; whether the run is over."""
        values = np.where(np.isfinite(values), values, np.finfo(float).max)
        order = np.argsort(values, kind="stable")
        best = self._steps[order[: len(self._weights)]]
        move = self._weights @ best
        self._iteration += 1
        self._mean = self._box.fold(self._mean + self._step * move)
        self._adapt(best, move)
        self._lowest.append(float(values[order[0]]))
        return self._over(values[order])

    def _adapt(self, best: np.ndarray, move: np.ndarray) -> None:
        memory, effective = self._step_memory, self._effective
        white = self._axes @ ((self._axes.T @ move) / self._lengths)
        gain = math.sqrt(memory * (2 - memory) * effective)
        self._step_path = (1 - memory) * self._step_path + gain * white
        length = float(np.linalg.norm(self._step_path))
        settled = math.sqrt(1 - (1 - memory) ** (2 * self._iteration))
        calm = length / settled < (1.4 + 2 / (self._d + 1)) * self._length
        memory = self._path_memory
        gain = calm * math.sqrt(memory * (2 - memory) * effective)
        self._path = (1 - memory) * self._path + gain * move
        lost = 0.0 if calm else memory * (2 - memory)
        one, many = self._rank_one, self._rank_many
        self._covariance = (
            (1 - one - many + one * lost) * self._covariance
            + one * np.outer(self._path, self._path)
            + many * (best.T * self._weights) @ best
        )
        pressure = self._step_memory / self._damping * (length / self._length - 1)
        self._step = min(self._step * math.exp(min(1.0, pressure)), LONGEST_STEP)
        period = max(1, int(1 / (10 * self._d * (one + many))))
        if self._iteration % period == 0 or self._iteration < 3:
            self._covariance = 0.5 * (self._covariance + self._covariance.T)
            squares, self._axes = np.linalg.eigh(self._covariance)
            self._lengths = np.sqrt(np.maximum(squares, 1e-20))

    def _over(self, values: np.ndarray) -> bool:
        window = 10 + int(30 * self._d / self._population)
        recent = self._lowest[-window:]
        still = len(recent) == window and max(recent) - min(recent) < SMALLEST
        small = self._step * self._lengths.max() < SMALLEST
        flat = values[0] == values[int(0.7 * len(values))]
        return bool(
            still or small or flat or self._lengths.max() > WORST_AXES * self._lengths.min()
        )


class Restarts:
    """BIPOP: which run comes next, so that large and small populations spend alike."""

    def __init__(self, box: Box, rng: np.random.Generator) -> None:
        self._box, self._rng = box, rng
        self._least = 4 + int(3 * math.log(box.dim))
        self._doublings, self._large, self._small = 0, 0, 0
        self._is_large = True

    def next(self) -> Evolution:
        """A run from anywhere: of twice the population of the last large one, or a small one."""
        rng, start = self._rng, self._box.draw(self._rng, 1)[0]
        self._is_large = self._large <= self._small
        if self._is_large:
            population = self._least * 2 ** min(self._doublings, 8)
            self._doublings += 1
            return Evolution(self._box, start, FIRST_STEP, population, rng)
        ratio = 0.5 * 2 ** min(self._doublings - 1, 8)
        population = max(self._least, int(self._least * ratio ** (rng.random() ** 2)))
        step = FIRST_STEP * 10 ** (-2 * rng.random())
        return Evolution(self._box, start, step, population, rng)

    def spent(self, points: int) -> None:
        """Count what the current run has evaluated."""
        if self._is_large:
            self._large += points
        else:
            self._small += points
