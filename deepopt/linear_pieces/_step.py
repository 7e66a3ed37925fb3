"""A step of projected-gradient surfing (paper B, Algorithm 2): over the pieces around a point."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._support.checks import warn
from ._network import Array, ReluNetwork
from ._pieces import MOST, Piece, pieces_near
from ._polytope import project

ITERATIONS = 10_000  # of projected gradient descent on a piece, at most
TOLERANCE = 1e-12  # of ‖x‖ + 1: a step below it ends the descent


def descend_on(piece: Piece, y: Array, x: Array) -> Array:
    """The minimiser (k,) of ½ ‖G(x) - y‖² on a piece, by projected gradient descent.

    The step is one over the largest curvature, with Nesterov's momentum, which begins anew wherever
    it points uphill (O'Donoghue & Candès, Adaptive restart for accelerated gradient schemes, 2015).
    It ends when a step is below 1e-12 (‖x‖ + 1), or after 10,000 with a warning.

    Parameters
    ----------
    piece : Piece
    y : ndarray (n,)
    x : ndarray (k,)
        Where it begins, inside the piece or not.

    Returns
    -------
    ndarray (k,)

    Warns
    -----
    RuntimeWarning
        After 10,000 steps, as where the slope of the piece is far steeper in one direction than in
        another: x may still be far from the minimiser along the flat one, f hardly.

    Examples
    --------
    >>> weights = np.array([[1.0], [-1.0]])
    >>> fold = ReluNetwork((weights,), (np.zeros(2),), np.ones((1, 2)), np.zeros(1))
    >>> (right,), _ = pieces_near(fold, np.array([0.1]), tau=0.0)  # where G(x) = x
    >>> descend_on(right, np.array([2.0]), np.array([0.1])).round(6)
    array([2.])
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
    warn(
        f"descent on a linear piece took all of its {ITERATIONS:,} steps; x may be far from the "
        "minimiser along directions in which G is nearly flat, f hardly",
        RuntimeWarning,
    )
    return x


class Step(NamedTuple):
    """Where the best of the pieces around a point leads.

    Parameters
    ----------
    x : ndarray (k,)
        The best minimiser.
    fun : float
        ½ ‖G(x) - y‖² there.
    pieces : int
        How many were searched.
    complete : bool
        Whether these were all.

    Examples
    --------
    >>> Step(np.zeros(2), 0.0, pieces=3, complete=True).pieces
    3
    """

    x: Array
    fun: float
    pieces: int
    complete: bool


def follow(network: ReluNetwork, y: Array, x: Array, tau: float, most: int = MOST) -> Step:
    """The best minimiser of ½ ‖G(x) - y‖² over the pieces around x: a step of Algorithm 2.

    Parameters
    ----------
    network : ReluNetwork
        G at the next time.
    y : ndarray (n,)
    x : ndarray (k,)
        The minimiser before.
    tau, most
        As `pieces_near` takes them.

    Returns
    -------
    Step
        x itself, with no pieces, where all around it are empty.

    Examples
    --------
    >>> weights = np.array([[1.0], [-1.0]])
    >>> fold = ReluNetwork((weights,), (np.zeros(2),), np.ones((1, 2)), np.zeros(1))
    >>> follow(fold, np.array([2.0]), np.array([0.1]), tau=0.2).x.round(6)  # |x| = 2
    array([2.])

    References
    ----------
    Song, Fan & Lafferty, 2019, Algorithm 2.
    """
    around, complete = pieces_near(network, x, tau, most)
    if not around:
        return Step(x, float(network.fun(x, y)), 0, complete)
    ends = np.array([descend_on(piece, y, x) for piece in around])
    values = network.fun(ends, y)
    best = int(np.argmin(values))
    return Step(ends[best], float(values[best]), len(around), complete)
