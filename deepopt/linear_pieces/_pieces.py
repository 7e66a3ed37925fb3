"""The linear pieces of a network around a point: P(x, θ, τ) of paper B, §3."""

from __future__ import annotations

import heapq
import itertools
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._support.checks import check_number
from ._network import Array, ReluNetwork
from ._polytope import ROUNDING, nearest

MOST, LOOKED = 256, 64  # pieces, and half-made ones for each of them
THIN = 1e-8  # a piece that holds no ball of this radius counts as empty


class Piece(NamedTuple):
    """A polytope {x: N x + o ≥ 0} on which the network is G(x) = C x + e.

    Parameters
    ----------
    signs : tuple of ndarray (n_i,) of bool
        The pattern: whether a preactivation is positive, for each hidden layer.
    normals : ndarray (rows, k)
        N, of length 1.
    offsets : ndarray (rows,)
        o.
    slope : ndarray (n, k)
        C.
    intercept : ndarray (n,)
        e.
    inside : ndarray (k,)
        A point in its interior.

    Examples
    --------
    >>> half = Piece(
    ...     (np.array([True]),), np.eye(1), np.zeros(1), np.ones((1, 1)), np.zeros(1), np.ones(1))
    >>> half.holds(np.array([0.5])), half.holds(np.array([-0.5]))
    (True, False)
    """

    signs: tuple[NDArray[np.bool_], ...]
    normals: Array
    offsets: Array
    slope: Array
    intercept: Array
    inside: Array

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
    """S(x, θ, τ): for each hidden layer the rows whose preactivation at x is within ±tau.

    Parameters
    ----------
    network : ReluNetwork
    x : ndarray (k,)
    tau : float
        The slack τ.

    Returns
    -------
    rows : list of ndarray

    Examples
    --------
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

    Raises
    ------
    ValueError, TypeError
        Where `tau` or `most` is not sound.

    Examples
    --------
    >>> weights = np.array([[1.0], [-1.0]])
    >>> fold = ReluNetwork((weights,), (np.zeros(2),), np.ones((1, 2)), np.zeros(1))
    >>> near, complete = pieces_near(fold, np.array([0.1]), tau=0.2)  # G(x) = abs(x)
    >>> [piece.slope.item() for piece in near], complete
    ([1.0, -1.0], True)

    References
    ----------
    Song, Fan & Lafferty, 2019, §3.
    """
    check_number("tau", tau, at_least=0.0)
    check_number("most", most, whole=True, at_least=1)
    at = network.preactivations(x)
    slack = [tuple(rows.tolist()) for rows in slack_rows(network, x, tau)]
    k, newest_first = len(x), itertools.count(0, -1)  # of equals, so that some are finished
    root = _Branch((np.eye(k), np.zeros(k)), (), (), np.empty((0, k)), np.empty(0), x)
    waiting: list[tuple[float, int, _Branch]] = [(0.0, next(newest_first), root)]
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
            kept = bool(at[layer][row] > 0)
            for positive in (not kept, kept):
                child = _decided(network, branch, row, positive)
                if child is not None:
                    more = abs(float(at[layer][row])) if positive != kept else 0.0
                    heapq.heappush(waiting, (cost + more, next(newest_first), child))
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
    inside = nearest(x, normals, offsets - THIN)
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
