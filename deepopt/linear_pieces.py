"""Linear pieces of fully connected ReLU networks, and the quadratic on each (paper B, §3).

G(x) = V σ(W_d … σ(W_1 x + b_1) … + b_d) + c is linear on each of many polytopes: where the signs of
all preactivations, the *pattern*, stay the same. So ½ |G(x) - y|² is a convex quadratic there, and
the least of it over the pieces around a point is found by projected gradient descent on one after
the other. This is a step of projected-gradient surfing (Algorithm 2).

>>> import numpy as np
>>> fold = ReluNetwork((np.array([[1.0], [-1.0]]),), (np.zeros(2),), np.ones((1, 2)), np.zeros(1))
>>> near, _ = pieces_near(fold, np.array([0.1]), tau=0.2)  # G(x) = |x|
>>> [piece.slope.item() for piece in near]
[1.0, -1.0]
"""

from __future__ import annotations

import dataclasses
import heapq
import itertools
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from ._checks import check_number

__all__ = [
    "Piece", "ReluNetwork", "Step", "descend_on", "follow", "pieces_near", "project",
    "read_network", "slack_rows",
]  # fmt: skip

Array = NDArray[np.float64]

MOST, LOOKED = 256, 64  # pieces, and half-made ones for each of them
ITERATIONS = 10_000  # of projected gradient descent on a piece, at most
TOLERANCE = 1e-12  # of |x| + 1: a step below it ends the descent
THIN = 1e-8  # a piece that holds no ball of this radius counts as empty
ROUNDING = 1e-12
DISJOINT = "its layers do not follow one another"
TURNS = 30  # of the active set for each constraint, at most


@dataclasses.dataclass(frozen=True)
class ReluNetwork:
    """A fully connected ReLU network in float64.

    Parameters
    ----------
    weights : tuple of ndarray (n_i, n_{i-1})
        W_1 … W_d; n_0 = k.
    biases : tuple of ndarray (n_i,)
    last : ndarray (n, n_d)
        V.
    shift : ndarray (n,)
        c; 0 in the paper.
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    last: Array
    shift: Array

    @property
    def latent_dim(self) -> int:
        return int((*self.weights, self.last)[0].shape[1])

    def preactivations(self, x: Array) -> list[Array]:
        """W_i x_{i-1} + b_i of latents (..., k): (..., n_i) for each hidden layer."""
        found = []
        for weight, bias in zip(self.weights, self.biases, strict=True):
            found.append(x @ weight.T + bias)
            x = np.maximum(found[-1], 0.0)
        return found

    def outputs(self, x: Array) -> Array:
        """G(x) (..., n) of latents (..., k)."""
        found = self.preactivations(x)
        hidden = np.maximum(found[-1], 0.0) if found else x
        made: Array = hidden @ self.last.T + self.shift
        return made

    def slope(self, x: Array, direction: Array) -> Array:
        """The derivative of G at latents (..., k) along directions (..., k): (..., n).

        It is one-sided: that of t ↦ G(x + t direction) at t = 0 from above.
        """
        for weight, bias in zip(self.weights, self.biases, strict=True):
            z, moved = x @ weight.T + bias, direction @ weight.T
            passes = (z > 0) | ((z == 0) & (moved > 0))
            x, direction = np.maximum(z, 0.0), np.where(passes, moved, 0.0)
        made: Array = direction @ self.last.T
        return made

    def measured_by(self, matrix: Array) -> ReluNetwork:
        """x ↦ A G(x)."""
        return dataclasses.replace(self, last=matrix @ self.last, shift=matrix @ self.shift)

    def fun(self, x: Array, y: Array) -> Array:
        """½ |G(x) - y|² (...) of latents (..., k)."""
        made: Array = 0.5 * np.sum((self.outputs(x) - y) ** 2, axis=-1)
        return made


def read_network(model: Any, weights: list[NDArray[Any]]) -> ReluNetwork:
    """The fully connected ReLU network that a Keras model is, with these weights.

    Parameters
    ----------
    model : keras.Model
        Dense layers with ReLU between them, one after the other.
    weights : list of ndarray
        In the order of its `weights`.

    Raises
    ------
    ValueError
        In one sentence, for any other model.
    """
    from keras import activations, layers

    values = {id(v): np.asarray(w, "float64") for v, w in zip(model.weights, weights, strict=True)}
    folded: list[tuple[Array, Array]] = []
    pending: tuple[Array, Array] | None = None
    for layer in model.layers:
        relu = isinstance(layer, layers.ReLU) and not (layer.negative_slope or layer.threshold)
        relu = relu and layer.max_value is None
        if isinstance(layer, layers.Dense):
            kernel = values[id(layer.kernel)].T
            bias = values[id(layer.bias)] if layer.use_bias else np.zeros(len(kernel))
            before = len(pending[0]) if pending else len(folded[-1][0]) if folded else None
            if kernel.shape[1] != (before or kernel.shape[1]):
                raise _refusal(DISJOINT)
            if pending is not None:
                kernel, bias = kernel @ pending[0], kernel @ pending[1] + bias
            pending = kernel, bias
        activation = getattr(layer, "activation", activations.linear)
        if isinstance(layer, layers.Dense | layers.Activation):
            relu = activation is activations.relu
            known = relu or activation is activations.linear
        else:
            silent = layers.InputLayer | layers.Dropout | layers.Flatten | layers.Reshape
            known = relu or isinstance(layer, silent)
        if not known or (relu and pending is None):
            raise _refusal(f"it has the layer {layer.name!r} ({_described(layer)})")
        if relu and pending is not None:
            folded.append(pending)
            pending = None
    if pending is None:
        raise _refusal("its last layer is not linear")
    network = ReluNetwork(tuple(w for w, _ in folded), tuple(b for _, b in folded), *pending)
    _check_same(network, model, weights)
    return network


def _described(layer: Any) -> str:
    activation = getattr(getattr(layer, "activation", None), "__name__", None)
    return type(layer).__name__ + (f", {activation}" if activation else "")


def _refusal(why: str) -> ValueError:
    return ValueError(
        "linear pieces need a fully connected ReLU network, Dense layers with ReLU between them "
        f"and a linear last one, but the model is another: {why}"
    )


def _check_same(network: ReluNetwork, model: Any, weights: list[NDArray[Any]]) -> None:
    """Refuse a model whose layers do not follow one another."""
    from ._backend import to_numpy, to_tensor
    from ._generator import Generator, tensors

    k = model.input_shape[-1]
    x = np.random.default_rng(0).standard_normal((8, k))
    made = Generator(model).outputs(to_tensor(x, "float32"), tensors(weights, "float32"))
    expected = to_numpy(made).reshape(len(x), -1)
    if network.latent_dim != k or network.last.shape[0] != expected.shape[1]:
        raise _refusal(DISJOINT)
    if np.abs(network.outputs(x) - expected).max() > 1e-3 * (1.0 + np.abs(expected).max()):
        raise _refusal(DISJOINT)


class Piece(NamedTuple):
    """A polytope {x: N x + o ≥ 0} on which the network is G(x) = C x + e."""

    signs: tuple[NDArray[np.bool_], ...]  # the pattern: (n_i,) whether a preactivation is positive
    normals: Array  # N (rows, k), of length 1
    offsets: Array  # o (rows,)
    slope: Array  # C (n, k)
    intercept: Array  # e (n,)
    inside: Array  # (k,) a point in its interior

    def holds(self, x: Array, within: float = 0.0) -> bool:
        """Whether x (k,) lies in it, or not further away from each of its faces than `within`."""
        return bool((self.normals @ x + self.offsets >= -within).all())


class _Branch(NamedTuple):
    """A polytope while the signs of its last rows are still open."""

    inputs: tuple[Array, Array]  # of the layer, as affine functions of x
    signs: tuple[NDArray[np.bool_], ...]  # of the layers before, and of this one
    free: tuple[int, ...]  # rows of this layer whose sign is open
    normals: Array
    offsets: Array
    inside: Array


def slack_rows(network: ReluNetwork, x: Array, tau: float) -> list[NDArray[np.intp]]:
    """S(x, θ, τ): for each hidden layer the rows whose preactivation at x (k,) is within ±tau.

    >>> weights = np.array([[1.0], [-2.0]])
    >>> fold = ReluNetwork((weights,), (np.zeros(2),), np.ones((1, 2)), np.zeros(1))
    >>> slack_rows(fold, np.array([0.1]), tau=0.15)
    [array([0])]
    """
    return [np.flatnonzero(np.abs(z) <= tau) for z in network.preactivations(x)]


def pieces_near(
    network: ReluNetwork, x: Array, tau: float, most: int = MOST
) -> tuple[list[Piece], bool]:
    """P(x, θ, τ): the pieces whose pattern differs from that at x only in rows of S(x, θ, τ).

    Those without interior, in which no ball of radius 1e-8 fits, are dropped: their points belong
    to others.

    Parameters
    ----------
    network : ReluNetwork
    x : ndarray (k,)
    tau : float
        Preactivations within ±tau at x may change their sign; at least 0.
    most : int, default 256
        Pieces at most: those whose changed preactivations at x are smallest in sum come first. No
        more than 64 times as many half-made ones are looked at.

    Returns
    -------
    pieces : list of Piece
        The one that holds x first, unless it is dropped; none at all where all are.
    complete : bool
        Whether these are all.
    """
    check_number("tau", tau, at_least=0.0)
    check_number("most", most, whole=True, at_least=1)
    at = network.preactivations(x)
    slack = [tuple(rows.tolist()) for rows in slack_rows(network, x, tau)]
    k, order = len(x), itertools.count()
    root = _Branch((np.eye(k), np.zeros(k)), (), (), np.empty((0, k)), np.empty(0), x)
    waiting: list[tuple[float, int, _Branch]] = [(0.0, next(order), root)]
    found: list[Piece] = []
    for _ in range(LOOKED * most):
        if not waiting:
            break
        cost, _, branch = heapq.heappop(waiting)
        while not branch.free:
            if len(branch.signs) == len(at):
                found.append(_finished(network, branch))
                break
            layer = len(branch.signs)
            entered = _entered(network, branch, at[layer] > 0, slack[layer])
            if entered is None:
                break
            branch = entered
        else:
            layer, row = len(branch.signs) - 1, branch.free[0]
            for positive in (True, False):
                child = _decided(network, branch, row, positive)
                if child is not None:
                    changed = positive != (at[layer][row] > 0)
                    more = abs(float(at[layer][row])) if changed else 0.0
                    heapq.heappush(waiting, (cost + more, next(order), child))
        if len(found) == most:
            break
    return found, not waiting


def _rows(
    network: ReluNetwork, inputs: tuple[Array, Array], layer: int, rows: Any
) -> tuple[Array, Array]:
    """Preactivations of these rows as affine functions of x."""
    weight = network.weights[layer][rows]
    return weight @ inputs[0], weight @ inputs[1] + network.biases[layer][rows]


def _entered(
    network: ReluNetwork, branch: _Branch, signs: NDArray[np.bool_], free: tuple[int, ...]
) -> _Branch | None:
    """The branch in its next layer, whose rows but the free ones keep these signs."""
    layer, inputs = len(branch.signs), _passed_on(network, branch)
    kept = np.setdiff1d(np.arange(len(signs)), free)
    below = branch._replace(inputs=inputs, signs=(*branch.signs, signs), free=free)
    return _cut(below, *_rows(network, inputs, layer, kept), signs[kept])


def _decided(network: ReluNetwork, branch: _Branch, row: int, positive: bool) -> _Branch | None:
    """The part of a branch where a free row has this sign; None where that is empty."""
    layer = len(branch.signs) - 1
    signs = branch.signs[-1].copy()
    signs[row] = positive
    below = branch._replace(signs=(*branch.signs[:-1], signs), free=branch.free[1:])
    rows = np.array([row])
    return _cut(below, *_rows(network, branch.inputs, layer, rows), np.array([positive]))


def _cut(
    branch: _Branch, slope: Array, intercept: Array, positive: NDArray[np.bool_]
) -> _Branch | None:
    """The branch where these affine functions have these signs; None where that is empty."""
    lengths = np.linalg.norm(slope, axis=1)
    scale = np.where(positive, 1.0, -1.0)
    flat = lengths <= ROUNDING
    if (scale[flat] * intercept[flat] < 0).any():
        return None
    scale, lengths = scale[~flat], lengths[~flat]
    normals = np.vstack([branch.normals, (scale / lengths)[:, None] * slope[~flat]])
    offsets = np.concatenate([branch.offsets, scale / lengths * intercept[~flat]])
    inside: Array | None = branch.inside
    if len(offsets) and (normals @ branch.inside + offsets).min() < 0.5 * THIN:
        inside = _interior(normals, offsets, branch.inside)
    if inside is None:
        return None
    return branch._replace(normals=normals, offsets=offsets, inside=inside)


def _interior(normals: Array, offsets: Array, x: Array) -> Array | None:
    """A point (k,) inside {N x + o ≥ 0}, near to x (k,); None if that is empty."""
    inside = _nearest(x, normals, offsets - THIN)
    if inside is None or (normals @ inside + offsets).min() < 0.5 * THIN:
        return None
    return inside


def _passed_on(network: ReluNetwork, branch: _Branch) -> tuple[Array, Array]:
    """What the branch's layer gives to the next one, as affine functions of x."""
    if not branch.signs:
        return branch.inputs
    slope, intercept = _rows(network, branch.inputs, len(branch.signs) - 1, slice(None))
    passes = branch.signs[-1]
    return np.where(passes[:, None], slope, 0.0), np.where(passes, intercept, 0.0)


def _finished(network: ReluNetwork, branch: _Branch) -> Piece:
    slope, intercept = _passed_on(network, branch)
    return Piece(
        branch.signs, branch.normals, branch.offsets, network.last @ slope,
        network.last @ intercept + network.shift, branch.inside,
    )  # fmt: skip


def project(x: Array, normals: Array, offsets: Array) -> Array:
    """The orthogonal projection onto a polytope {N x + o ≥ 0}.

    Parameters
    ----------
    x : ndarray (k,)
    normals : ndarray (rows, k)
        N; of any lengths.
    offsets : ndarray (rows,)
        o.

    Returns
    -------
    ndarray (k,)
        The nearest point, x itself where it lies inside.

    Raises
    ------
    ValueError
        If the polytope is empty.

    Examples
    --------
    >>> project(np.array([3.0, 2.0]), np.array([[-1.0, 0.0]]), np.array([1.0]))  # x_1 ≤ 1
    array([1., 2.])
    """
    if (normals @ x + offsets >= 0).all():
        return x
    nearest = _nearest(x, normals, offsets)
    if nearest is None:
        raise ValueError("normals and offsets must leave a polytope that is not empty")
    return nearest


def _nearest(x: Array, normals: Array, offsets: Array) -> Array | None:
    """The point of {N x + o ≥ 0} nearest to x (k,); None if that is empty.

    Least-distance programming as in Lawson & Hanson, Solving least squares problems, 1974, ch. 23:
    one non-negative least-squares problem, solved by `scipy.optimize.nnls`.
    """
    gaps = normals @ x + offsets
    unit = max(1.0, -float(gaps.min()))
    system = np.vstack([normals.T, -gaps / unit])
    wanted = np.append(np.zeros(len(x)), 1.0)
    multipliers, _ = nnls(system, wanted, maxiter=TURNS * len(offsets))
    residual = system @ multipliers - wanted
    if residual[-1] > -ROUNDING:
        return None
    nearest: Array = x - unit * residual[:-1] / residual[-1]
    return nearest


def descend_on(piece: Piece, y: Array, x: Array) -> Array:
    """The minimiser (k,) of ½ |G(x) - y|² on a piece, by projected gradient descent.

    The step is one over the largest curvature, with Nesterov's momentum, which begins anew wherever
    it points uphill (O'Donoghue & Candès, Adaptive restart for accelerated gradient schemes, 2015).
    It ends when a step is below 1e-12 (|x| + 1), or after 10,000.

    Parameters
    ----------
    piece : Piece
    y : ndarray (n,)
    x : ndarray (k,)
        Where it begins, inside the piece or not.
    """
    curvature = piece.slope.T @ piece.slope
    pull = piece.slope.T @ (piece.intercept - y)
    steepest = float(np.linalg.eigvalsh(curvature)[-1])
    x = ahead = project(x, piece.normals, piece.offsets)
    if steepest <= 0.0:
        return x
    weight = 1.0
    for _ in range(ITERATIONS):
        step = (curvature @ ahead + pull) / steepest
        new = project(ahead - step, piece.normals, piece.offsets)
        if np.linalg.norm(new - x) <= TOLERANCE * (1.0 + np.linalg.norm(x)):
            return new
        if (ahead - new) @ (new - x) > 0:
            weight = 1.0
        longer = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * weight**2))
        x, ahead, weight = new, new + (weight - 1.0) / longer * (new - x), longer
    return x


class Step(NamedTuple):
    """Where the best of the pieces around a point leads."""

    x: Array  # (k,)
    fun: float
    pieces: int  # that were searched
    complete: bool  # whether they were all


def follow(network: ReluNetwork, y: Array, x: Array, tau: float, most: int = MOST) -> Step:
    """The best minimiser of ½ |G(x) - y|² over the pieces around x: a step of Algorithm 2.

    Parameters
    ----------
    network : ReluNetwork
        G at the next time.
    y : ndarray (n,)
    x : ndarray (k,)
        The minimiser before.
    tau, most
        As `pieces_near` takes them.

    Examples
    --------
    >>> weights = np.array([[1.0], [-1.0]])
    >>> fold = ReluNetwork((weights,), (np.zeros(2),), np.ones((1, 2)), np.zeros(1))
    >>> follow(fold, np.array([2.0]), np.array([0.1]), tau=0.2).x.round(6)  # |x| = 2
    array([2.])
    """
    around, complete = pieces_near(network, x, tau, most)
    if not around:
        return Step(x, float(network.fun(x, y)), 0, complete)
    ends = np.array([descend_on(piece, y, x) for piece in around])
    values = network.fun(ends, y)
    best = int(np.argmin(values))
    return Step(ends[best], float(values[best]), len(around), complete)
