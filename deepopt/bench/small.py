"""Black boxes of 2 to 10 variables in plain NumPy, beside the problems that the other suites have.

Definitions and minima: Surjanovic & Bingham, Virtual Library of Simulation Experiments; the
ellipsoid, discus, sharp ridge and different powers as in the COCO suite (Hansen et al., 2009).
"""

from __future__ import annotations

import dataclasses
import math
import zlib
from collections.abc import Callable, Sequence

import numpy as np

PI = math.pi
DIMS = (2, 5, 10)
ROTATED_FROM = 5  # variables, for those that move


@dataclasses.dataclass(frozen=True)
class Small:
    """A function of one point, its box and its minimum.

    Parameters
    ----------
    function : callable
        x (d,) -> float.
    lower, upper : sequence of float
        Bounds of each variable; one number each for a function of any dimension, whose minimiser
        is 0 and is moved by a seed.
    minimum : float
        Its smallest value in the box.
    """

    function: Callable[[np.ndarray], float]
    lower: Sequence[float]
    upper: Sequence[float]
    minimum: float

    @property
    def dims(self) -> tuple[int, ...]:
        """Numbers of variables that it is run with."""
        return DIMS if self.moves else (len(self.lower),)

    @property
    def moves(self) -> bool:
        """Whether a seed moves its minimiser."""
        return len(self.lower) == 1

    def bounds(self, dim: int) -> tuple[np.ndarray, np.ndarray]:
        """Bounds (d,), (d,)."""
        lower, upper = np.array(self.lower), np.array(self.upper)
        return (np.repeat(lower, dim), np.repeat(upper, dim)) if self.moves else (lower, upper)

    def moved(self, dim: int, seed: int) -> Callable[[np.ndarray], float]:
        """The function with its minimiser at a random point, in turned axes from 5 variables on."""
        if not self.moves:
            return self.function
        rng = np.random.default_rng([seed, dim, zlib.crc32(self.function.__name__.encode())])
        lower, upper = self.bounds(dim)
        centre = lower + (upper - lower) * rng.uniform(0.1, 0.9, dim)
        turn = (
            np.linalg.qr(rng.standard_normal((dim, dim)))[0] if dim >= ROTATED_FROM else np.eye(dim)
        )
        return lambda x: self.function(turn @ (x - centre))


def _ellipsoid(x: np.ndarray) -> float:
    return float(np.sum(10.0 ** (6.0 * np.arange(len(x)) / (len(x) - 1)) * x * x))


def _zakharov(x: np.ndarray) -> float:
    slope = 0.5 * np.sum(np.arange(1, len(x) + 1) * x)
    return float(np.sum(x * x) + slope**2 + slope**4)


def _discus(x: np.ndarray) -> float:
    return float(1e6 * x[0] ** 2 + np.sum(x[1:] ** 2))


def _step(x: np.ndarray) -> float:
    return float(np.sum(np.floor(x + 0.5) ** 2))


def _sharp_ridge(x: np.ndarray) -> float:
    return float(x[0] ** 2 + 100.0 * np.sqrt(np.sum(x[1:] ** 2)))


def _different_powers(x: np.ndarray) -> float:
    return float(np.sum(np.abs(x) ** (2.0 + 4.0 * np.arange(len(x)) / (len(x) - 1))))


def _branin(x: np.ndarray) -> float:
    valley = x[1] - 5.1 / (4 * PI**2) * x[0] ** 2 + 5 / PI * x[0] - 6
    return float(valley**2 + 10 * (1 - 1 / (8 * PI)) * np.cos(x[0]) + 10)


def _camel(x: np.ndarray) -> float:
    a, b = x[0] ** 2, x[1] ** 2
    return float((4 - 2.1 * a + a * a / 3) * a + x[0] * x[1] + (4 * b - 4) * b)


def _goldstein_price(x: np.ndarray) -> float:
    a, b = x
    one = 19 - 14 * a + 3 * a * a - 14 * b + 6 * a * b + 3 * b * b
    other = 18 - 32 * a + 12 * a * a + 48 * b - 36 * a * b + 27 * b * b
    return float((1 + (a + b + 1) ** 2 * one) * (30 + (2 * a - 3 * b) ** 2 * other))


def _hartmann(matrix: Sequence[Sequence[float]], places: Sequence[Sequence[int]]) -> Callable:
    weights = np.array([1.0, 1.2, 3.0, 3.2])
    a, p = np.array(matrix), 1e-4 * np.array(places)
    return lambda x: float(-weights @ np.exp(-np.sum(a * (x - p) ** 2, axis=1)))


_hartmann3 = _hartmann(
    [[3, 10, 30], [0.1, 10, 35], [3, 10, 30], [0.1, 10, 35]],
    [[3689, 1170, 2673], [4699, 4387, 7470], [1091, 8732, 5547], [381, 5743, 8828]],
)
_hartmann6 = _hartmann(
    [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ],
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ],
)


def _shekel(x: np.ndarray) -> float:
    places = np.array(
        [[4, 1, 8, 6, 3, 2, 5, 8, 6, 7], [4, 1, 8, 6, 7, 9, 3, 1, 2, 3.6]] * 2, dtype=float
    )
    widths = 0.1 * np.array([1, 2, 2, 4, 4, 6, 3, 7, 5, 5])
    return float(-np.sum(1.0 / (np.sum((x[:, None] - places) ** 2, axis=0) + widths)))


def _easom(x: np.ndarray) -> float:
    return float(-np.cos(x[0]) * np.cos(x[1]) * np.exp(-np.sum((x - PI) ** 2)))


def _eggholder(x: np.ndarray) -> float:
    a, b = x[0], x[1] + 47
    one, other = np.sqrt(abs(b + a / 2)), np.sqrt(abs(a - b))
    return float(-b * np.sin(one) - a * np.sin(other))


def _shubert(x: np.ndarray) -> float:
    i = np.arange(1, 6)
    return float(np.prod(np.sum(i * np.cos((i + 1) * x[:, None] + i), axis=1)))


def _beale(x: np.ndarray) -> float:
    a, b = x
    terms = (1.5 - a + a * b, 2.25 - a + a * b**2, 2.625 - a + a * b**3)
    return float(sum(term**2 for term in terms))


def _bukin6(x: np.ndarray) -> float:
    return float(100 * np.sqrt(abs(x[1] - 0.01 * x[0] ** 2)) + 0.01 * abs(x[0] + 10))


def _holder_table(x: np.ndarray) -> float:
    bend = np.exp(abs(1 - np.hypot(*x) / PI))
    return float(-abs(np.sin(x[0]) * np.cos(x[1]) * bend))


def _mccormick(x: np.ndarray) -> float:
    return float(np.sin(x[0] + x[1]) + (x[0] - x[1]) ** 2 - 1.5 * x[0] + 2.5 * x[1] + 1)


def _colville(x: np.ndarray) -> float:
    a, b, c, d = x
    valleys = 100 * (a * a - b) ** 2 + 90 * (c * c - d) ** 2
    coupled = 10.1 * ((b - 1) ** 2 + (d - 1) ** 2) + 19.8 * (b - 1) * (d - 1)
    return float(valleys + (a - 1) ** 2 + (c - 1) ** 2 + coupled)


def _powell(x: np.ndarray) -> float:
    a, b, c, d = x
    squares = (a + 10 * b) ** 2 + 5 * (c - d) ** 2
    return float(squares + (b - 2 * c) ** 4 + 10 * (a - d) ** 4)


SMALL = {
    "ellipsoid": Small(_ellipsoid, [-5.0], [5.0], 0.0),
    "zakharov": Small(_zakharov, [-5.0], [10.0], 0.0),
    "discus": Small(_discus, [-5.0], [5.0], 0.0),
    "step": Small(_step, [-5.0], [5.0], 0.0),
    "sharp_ridge": Small(_sharp_ridge, [-5.0], [5.0], 0.0),
    "different_powers": Small(_different_powers, [-5.0], [5.0], 0.0),
    "branin": Small(_branin, [-5.0, 0.0], [10.0, 15.0], 0.39788735772973816),
    "camel": Small(_camel, [-3.0, -2.0], [3.0, 2.0], -1.0316284534898774),
    "goldstein_price": Small(_goldstein_price, [-2.0] * 2, [2.0] * 2, 3.0),
    "hartmann3": Small(_hartmann3, [0.0] * 3, [1.0] * 3, -3.862779787332663),
    "hartmann6": Small(_hartmann6, [0.0] * 6, [1.0] * 6, -3.322368011415512),
    "shekel": Small(_shekel, [0.0] * 4, [10.0] * 4, -10.536443153483528),
    "easom": Small(_easom, [-100.0] * 2, [100.0] * 2, -1.0),
    "eggholder": Small(_eggholder, [-512.0] * 2, [512.0] * 2, -959.6406627208507),
    "shubert": Small(_shubert, [-10.0] * 2, [10.0] * 2, -186.7309088310239),
    "beale": Small(_beale, [-4.5] * 2, [4.5] * 2, 0.0),
    "bukin6": Small(_bukin6, [-15.0, -3.0], [-5.0, 3.0], 0.0),
    "holder_table": Small(_holder_table, [-10.0] * 2, [10.0] * 2, -19.208502567886754),
    "mccormick": Small(_mccormick, [-1.5, -3.0], [4.0, 4.0], -1.9132229549810362),
    "colville": Small(_colville, [-10.0] * 4, [10.0] * 4, 0.0),
    "powell": Small(_powell, [-4.0] * 4, [5.0] * 4, 0.0),
}
