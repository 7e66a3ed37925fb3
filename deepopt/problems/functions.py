"""The eight classic test functions, ready to call in 50 dimensions.

Source: S. Surjanovic and D. Bingham, Virtual Library of Simulation Experiments,
https://www.sfu.ca/~ssurjano. Where a sum of squares is equal to the definition (1 - cos 2a =
2 sin^2 a), it is what is computed: values near a minimum of 0 keep all their digits.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import numpy as np

from ._problem import Problem, Vector, constant

if TYPE_CHECKING:
    from .._backend import Tensor

PI = math.pi


class Ackley(Problem):
    """Ackley: a narrow funnel in a nearly flat, rippled plain.

    f(x) = -20 exp(-0.2 sqrt(mean x_i^2)) - exp(mean cos 2 pi x_i) + 20 + e on [-32.768, 32.768]^d,
    0 at x = 0. The gradient at the minimiser, where f has a cone, is given as 0.

    Notes
    -----
    The maximum holds for every d: f is concave in u = mean x_i^2 and c = mean cos 2 pi x_i, so it
    lies below its tangent in (u, c), a mean of one function of x_i, largest at 32.500414.

    Examples
    --------
    >>> from deepopt.problems import ackley
    >>> round(ackley.with_dim(2)([1.0, 1.0]), 6)
    3.625385
    """

    name, low, high = "ackley", -32.768, 32.768

    def _function(self, x: Tensor) -> Tensor:
        from keras import ops

        funnel = ops.expm1(-0.2 * _sqrt(ops.mean(ops.square(x), axis=-1)))
        ripple = ops.expm1(-2.0 * ops.mean(ops.square(ops.sin(PI * x)), axis=-1))
        return -20.0 * funnel - math.e * ripple

    def _minimiser(self) -> Vector:
        return np.zeros(self.dim)

    def _minimum(self) -> float:
        return 0.0

    def _maximum(self) -> float:
        return 22.320334848401284


class Levy(Problem):
    """Levy: waves on a bowl.

    With w_i = 1 + (x_i - 1) / 4, f(x) = sin^2(pi w_1)
    + sum_{i<d} (w_i - 1)^2 (1 + 10 sin^2(pi w_i + 1)) + (w_d - 1)^2 (1 + sin^2(2 pi w_d))
    on [-10, 10]^d, 0 at x = 1.

    Examples
    --------
    >>> from deepopt.problems import levy
    >>> levy.with_dim(2)([1.0, 5.0])
    1.0
    """

    name, low, high = "levy", -10.0, 10.0

    def _function(self, x: Tensor) -> Tensor:
        from keras import ops

        v = (x - 1.0) / 4.0  # w - 1
        head, last = v[..., :-1], v[..., -1]
        waves = ops.square(head) * (1.0 + 10.0 * ops.square(ops.sin(PI * head + 1.0)))
        end = ops.square(last) * (1.0 + ops.square(ops.sin(2.0 * PI * last)))
        return ops.square(ops.sin(PI * v[..., 0])) + ops.sum(waves, axis=-1) + end

    def _minimiser(self) -> Vector:
        return np.ones(self.dim)

    def _minimum(self) -> float:
        return 0.0

    def _maximum(self) -> float:
        wave = 2.75**2 * (1.0 + 10.0 * math.sin(PI / 4 + 1.0) ** 2)  # every term at x_i = -10
        return 0.5 + (self.dim - 1) * wave + 2.0 * 2.75**2


class Rastrigin(Problem):
    """Rastrigin: a bowl under a regular grid of minima.

    f(x) = sum x_i^2 + 10 - 10 cos 2 pi x_i on [-5.12, 5.12]^d, 0 at x = 0.

    Examples
    --------
    >>> from deepopt.problems import rastrigin
    >>> rastrigin.with_dim(2)([0.5, 0.0])
    20.25
    """

    name, low, high = "rastrigin", -5.12, 5.12

    def _function(self, x: Tensor) -> Tensor:
        from keras import ops

        return ops.sum(ops.square(x) + 10.0 - 10.0 * ops.cos(2.0 * PI * x), axis=-1)

    def _minimiser(self) -> Vector:
        return np.zeros(self.dim)

    def _minimum(self) -> float:
        return 0.0

    def _maximum(self) -> float:
        return 40.35329019383896 * self.dim  # x_i = 4.522993659592399


class Schwefel(Problem):
    """Schwefel: deep minima far apart, the lowest near a corner.

    f(x) = sum c - x_i sin sqrt|x_i|, c = 418.9828872724338, on [-500, 500]^d, 0 at
    x = 420.968746. Beyond the box it goes lower, so a shifted or rotated one has no known minimum.

    Examples
    --------
    >>> from deepopt.problems import schwefel
    >>> schwefel.with_dim(1)([0.0])
    418.9828872724338
    """

    name, low, high = "schwefel", -500.0, 500.0
    _shift_keeps_minimum = _rotation_keeps_minimum = False
    _constant = 418.9828872724338

    def _function(self, x: Tensor) -> Tensor:
        from keras import ops

        return ops.sum(self._constant - x * ops.sin(_sqrt(ops.abs(x))), axis=-1)

    def _minimiser(self) -> Vector:
        return np.full(self.dim, 420.9687463599820)

    def _minimum(self) -> float:
        return 0.0

    def _maximum(self) -> float:
        return 2.0 * self._constant * self.dim  # at minus the minimiser: x sin sqrt|x| is odd


class Sphere(Problem):
    """Sphere: f(x) = sum x_i^2 on [-5.12, 5.12]^d, 0 at x = 0.

    Examples
    --------
    >>> from deepopt.problems import sphere
    >>> sphere.with_dim(3)([1.0, 2.0, 3.0])
    14.0
    """

    name, low, high = "sphere", -5.12, 5.12

    def _function(self, x: Tensor) -> Tensor:
        from keras import ops

        return ops.sum(ops.square(x), axis=-1)

    def _minimiser(self) -> Vector:
        return np.zeros(self.dim)

    def _minimum(self) -> float:
        return 0.0

    def _maximum(self) -> float:
        return self.high**2 * self.dim


class Rosenbrock(Problem):
    """Rosenbrock: a long, flat, bent valley; d >= 2.

    f(x) = sum_{i<d} 100 (x_{i+1} - x_i^2)^2 + (x_i - 1)^2 on [-5, 10]^d, 0 at x = 1.

    Notes
    -----
    The maximum is at (10, ..., 10, -5). With its neighbours a = x_{i-1} and b = x_{i+1} fixed and
    i < d, f at x_i = 10 exceeds f at x_i = t by at least (10 - t) [(10 + t)
    (100 (100 + t^2) + 101 - 200 b) - 2 (100 a^2 + 1)] > 0 on the box; f is convex in x_d.

    Examples
    --------
    >>> from deepopt.problems import rosenbrock
    >>> rosenbrock.with_dim(2)([0.0, 1.0])
    101.0
    """

    name, low, high = "rosenbrock", -5.0, 10.0
    _min_dim = 2

    def _function(self, x: Tensor) -> Tensor:
        from keras import ops

        here, after = x[..., :-1], x[..., 1:]
        valley = ops.square(after - ops.square(here))
        return ops.sum(100.0 * valley + ops.square(here - 1.0), axis=-1)

    def _minimiser(self) -> Vector:
        return np.ones(self.dim)

    def _minimum(self) -> float:
        return 0.0

    def _maximum(self) -> float:
        return 810_081.0 * (self.dim - 2) + 1_102_581.0


class StyblinskiTang(Problem):
    """Styblinski-Tang: two basins per variable, 2^d in all.

    f(x) = sum (x_i^4 - 16 x_i^2 + 5 x_i) / 2 on [-5, 5]^d, -39.16616570377142 d at x = -2.903534.

    Examples
    --------
    >>> from deepopt.problems import styblinski_tang
    >>> styblinski_tang.with_dim(2)([1.0, 2.0])
    -24.0
    """

    name, low, high = "styblinski_tang", -5.0, 5.0

    def _function(self, x: Tensor) -> Tensor:
        from keras import ops

        square = ops.square(x)
        return 0.5 * ops.sum(ops.square(square) - 16.0 * square + 5.0 * x, axis=-1)

    def _minimiser(self) -> Vector:
        return np.full(self.dim, -2.903534027771177)

    def _minimum(self) -> float:
        return -39.16616570377142 * self.dim

    def _maximum(self) -> float:
        return 125.0 * self.dim  # x_i = 5


class Michalewicz(Problem):
    """Michalewicz: flat, with steep narrow valleys, ever narrower from variable to variable.

    f(x) = -sum sin(x_i) sin^20(i x_i^2 / pi) on [0, pi]^d; -9.66015 at d = 10, about -49.6248
    at d = 50. The largest value is 0, at x = 0.

    Notes
    -----
    A shift keeps the minimum: it leaves every argument in (-pi, 2 pi), where a term outside
    [0, pi] is positive. A rotation does not. In float32 the phase i x_i^2 / pi loses its digits
    as i grows: beyond some thousand variables use float64.

    Examples
    --------
    >>> from deepopt.problems import michalewicz
    >>> round(michalewicz.with_dim(10).fmin, 5)
    -9.66015
    """

    name, low, high = "michalewicz", 0.0, PI
    _rotation_keeps_minimum = False

    def _function(self, x: Tensor) -> Tensor:
        from keras import ops

        frequency = constant(np.arange(1.0, self.dim + 1.0) / PI, x)
        fourth = ops.square(ops.square(ops.sin(frequency * ops.square(x))))
        twentieth = ops.square(ops.square(fourth)) * fourth
        return -ops.sum(ops.sin(x) * twentieth, axis=-1)

    def _minimiser(self) -> Vector:
        return _michalewicz_minimum(self.dim)[0].copy()

    def _minimum(self) -> float:
        return _michalewicz_minimum(self.dim)[1]

    def _maximum(self) -> float:
        return 0.0


@functools.lru_cache(maxsize=8)
def _michalewicz_minimum(d: int) -> tuple[Vector, float]:
    """Minimiser (d,) and minimum; the variables separate.

    The valleys of variable i lie near the phases i x^2 / pi = pi (k + 1/2), and deepen towards
    x = pi / 2, so the deepest is one of the two next to it. Its bottom is off by an angle with
    tan(angle) = pi cot(x) / (40 i x), a strong contraction.
    """
    i = np.arange(1.0, d + 1.0)
    before = np.floor(i / 4 - 0.5)
    k = np.clip([before, before + 1], 0, i - 1)  # (2, d)
    angle = np.zeros_like(k)
    for _ in range(20):
        x = np.sqrt(PI * (PI * (k + 0.5) + angle) / i)
        angle = np.arctan(PI / np.tan(x) / (40 * i * x))
    values = -np.sin(x) * np.cos(angle) ** 20
    best = values.argmin(axis=0)[None]
    return np.take_along_axis(x, best, 0)[0], float(np.take_along_axis(values, best, 0).sum())


def _sqrt(u: Tensor) -> Tensor:
    """sqrt(u), with gradient 0 instead of infinity at u = 0."""
    from keras import ops

    positive = u > float(np.finfo(np.float32).tiny)
    return ops.where(positive, ops.sqrt(ops.where(positive, u, 1.0)), 0.0)


ackley = Ackley()
levy = Levy()
rastrigin = Rastrigin()
schwefel = Schwefel()
sphere = Sphere()
rosenbrock = Rosenbrock()
styblinski_tang = StyblinskiTang()
michalewicz = Michalewicz()

FUNCTIONS: dict[str, Problem] = {
    problem.name: problem
    for problem in (
        ackley,
        levy,
        rastrigin,
        schwefel,
        sphere,
        rosenbrock,
        styblinski_tang,
        michalewicz,
    )
}
