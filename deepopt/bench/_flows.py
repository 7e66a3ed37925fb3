"""Networks whose weights move with a time s in [0, 1], and their global minimisers found apart.

The global minimiser at a time is that of a dense grid, refined by SciPy's least squares and by
Nelder-Mead, which minds no kinks. Nothing here knows of linear pieces.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..linear_pieces import ReluNetwork

Array = NDArray[np.float64]

K = 2
GRID, REACH = 161, 8.0  # points along an axis, from -REACH to REACH
REFINED, POLISHED = 12, 3  # of the grid's own minima, and of where they lead
PART = 0.05  # of the way to another network
TIMES = 101  # at which the minimiser is looked up
FAR = 4.0  # times the median step: such a step may be a jump
HALVINGS, SHRUNK = 8, 0.05  # a step that is no jump shrinks so far when its interval is halved so


class Flow(NamedTuple):
    """A network in time, and what it should make."""

    at: Callable[[float], ReluNetwork]
    y: Array  # (n,)


@dataclasses.dataclass(frozen=True)
class Way:
    """The global minimiser along a flow, as it is seen at TIMES times.

    Parameters
    ----------
    times, points : ndarray (T,), (T, 2)
    lipschitz : float
        L: the fastest that it moves between two of them, where it does not jump.
    largest : float
        M: the largest norm of a weight matrix W_i.
    jumps : bool
        Whether it moves by more than a moment can explain.
    """

    times: Array
    points: Array
    lipschitz: float
    largest: float
    jumps: bool


def random_network(
    rng: np.random.Generator, k: int, hidden: tuple[int, ...], n: int
) -> ReluNetwork:
    """V ~ N(0, 1/n), W_i and b_i ~ N(0, 1/n_i): the networks of Theorem 3.1."""
    sizes = (k, *hidden)
    shapes = list(zip(sizes[1:], sizes[:-1], strict=True))
    return ReluNetwork(
        tuple(rng.standard_normal(shape) / shape[0] ** 0.5 for shape in shapes),
        tuple(rng.standard_normal(size) / size**0.5 for size in hidden),
        rng.standard_normal((n, sizes[-1])) / n**0.5,
        np.zeros(n),
    )


def moving(rng: np.random.Generator, hidden: tuple[int, ...], n: int) -> Flow:
    """The latent plane turns and drifts under one network: x ↦ G(R(s)ᵀ(x - p(s))).

    y = G(x_0), so that the minimiser is R(s) x_0 + p(s), and its value 0.
    """
    net = random_network(rng, K, hidden, n)
    start, drift = rng.uniform(-1, 1, K), rng.uniform(-1, 1, K)
    turn = rng.uniform(0.25, 0.75) * np.pi

    def at(s: float) -> ReluNetwork:
        c, d = np.cos(turn * s), np.sin(turn * s)
        first = net.weights[0] @ np.array([[c, d], [-d, c]])
        bias = net.biases[0] - first @ (s * drift)
        return dataclasses.replace(
            net, weights=(first, *net.weights[1:]), biases=(bias, *net.biases[1:])
        )

    return Flow(at, net.outputs(start))


def drifting(rng: np.random.Generator, hidden: tuple[int, ...], n: int) -> Flow:
    """All weights go a twentieth of the way to another random network; y = G(x_0) at first."""
    net = random_network(rng, K, hidden, n)
    y = net.outputs(rng.uniform(-1, 1, K))
    return Flow(_mixture(net, random_network(rng, K, hidden, n), PART), y)


def blending(rng: np.random.Generator, hidden: tuple[int, ...], n: int) -> Flow:
    """From one random network to another, all weights in a straight line; y is any vector."""
    one, other = (random_network(rng, K, hidden, n) for _ in range(2))
    y = rng.standard_normal(n)
    return Flow(_mixture(one, other, 1.0), 2.0 * y / np.linalg.norm(y))


def turning(rng: np.random.Generator, hidden: tuple[int, ...], n: int) -> Flow:
    """The outputs turn and stretch so that y = G(x_0) is made at x_0 + s (x_1 - x_0).

    The minimiser crosses the pieces from x_0 to x_1, and its value is 0.
    """
    net = random_network(rng, K, hidden, n)
    start, end = rng.uniform(-1, 1, K), rng.uniform(-1, 1, K)
    y = net.outputs(start)

    def at(s: float) -> ReluNetwork:
        turned = _turn(net.outputs(start + s * (end - start)), y)
        return dataclasses.replace(net, last=turned @ net.last, shift=turned @ net.shift)

    return Flow(at, y)


def _turn(old: Array, new: Array) -> Array:
    """The turn in the plane of two vectors (n,), and the stretch, that takes one to the other."""
    a, b = old / np.linalg.norm(old), new / np.linalg.norm(new)
    across = np.outer(b, a) - np.outer(a, b)
    turned: Array = np.eye(len(a)) + across + across @ across / (1.0 + a @ b)
    return np.linalg.norm(new) / np.linalg.norm(old) * turned


def _mixture(one: ReluNetwork, other: ReluNetwork, most: float) -> Callable[[float], ReluNetwork]:
    """s ↦ a network with s most of the second's weights and the rest of the first's."""

    def at(s: float) -> ReluNetwork:
        def mix(a: Array, b: Array) -> Array:
            return (1.0 - s * most) * a + s * most * b

        return ReluNetwork(
            tuple(map(mix, one.weights, other.weights)), tuple(map(mix, one.biases, other.biases)),
            mix(one.last, other.last), mix(one.shift, other.shift),
        )  # fmt: skip

    return at


FLOWS = {"moving": moving, "drifting": drifting, "blending": blending, "turning": turning}


def minimiser(net: ReluNetwork, y: Array) -> Array:
    """The global minimiser (2,) of ½ ‖G(x) - y‖², as far as [-REACH, REACH]² shows.

    The grid's local minima, the lowest first, are refined by least squares, and the best of these
    by Nelder-Mead.
    """
    from scipy.ndimage import minimum_filter
    from scipy.optimize import least_squares, minimize

    axis = np.linspace(-REACH, REACH, GRID)
    points = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, K)
    values = net.fun(points, y).reshape(GRID, GRID)
    lowest = np.flatnonzero(values == minimum_filter(values, size=3))
    lowest = lowest[np.argsort(values.ravel()[lowest])][:REFINED]

    def height(x: Array) -> float:
        return float(net.fun(x, y))

    ends = [least_squares(lambda x: net.outputs(x) - y, points[i]).x for i in lowest]
    best: list[Array] = sorted(ends, key=height)[:POLISHED]
    tight = {"xatol": 1e-11, "fatol": 1e-16, "maxiter": 2000, "maxfev": 4000}
    corners = 1e-3 * np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    for x in best[:POLISHED]:
        simplex = tight | {"initial_simplex": x + corners}
        best.append(minimize(height, x, method="Nelder-Mead", options=simplex).x)
    return min(best, key=height)


def way(flow: Flow) -> Way:
    """Where the global minimiser goes, how fast, and whether it jumps."""
    times = np.linspace(0.0, 1.0, TIMES)
    points = np.array([minimiser(flow.at(s), flow.y) for s in times])
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    far = steps > FAR * np.median(steps)
    jumped = np.array(
        [f and _jumps(flow, times[i : i + 2], points[i : i + 2]) for i, f in enumerate(far)]
    )
    largest = max(np.linalg.norm(w, 2) for s in times for w in flow.at(s).weights)
    speed = steps[~jumped].max(initial=0.0) * (TIMES - 1)
    return Way(times, points, float(speed), float(largest), bool(jumped.any()))


def _jumps(flow: Flow, times: Array, points: Array) -> bool:
    """Whether a step between two times stays long however short its interval."""
    (low, high), (start, end) = times, points
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        x = minimiser(flow.at(middle), flow.y)
        if np.linalg.norm(x - start) > np.linalg.norm(x - end):
            high, end = middle, x
        else:
            low, start = middle, x
    return bool(np.linalg.norm(end - start) > SHRUNK * np.linalg.norm(points[1] - points[0]))
