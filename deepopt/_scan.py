"""Global one-dimensional scans, many directions at once.

Along the path x(z) = c + V z the slope of f in direction j is ∂f/∂z_j = v_j · ∇f. If f is a sum
of functions of single directions, f = Σ h_j(v_j · x), that slope depends on z_j alone. So K
gradients at the points of a Latin hypercube, in which every direction visits each of its K cells
once, give all profiles h_j(z_j) by a running sum, and with them the global minimum along every
direction: K gradients instead of K values for each of the d directions. For any other f the sum
gives the main effects of f over the points (the first terms of its ANOVA decomposition): a
guess, which is taken only where f agrees.

The directions are the axes, or learned: if f is such a sum in some rotated axes, the eigenvectors
of its Hessian at almost any point are these axes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ._box import Box

REACH = 3.0  # how far from the centre to look along a variable without bounds, in its scale
STEP = 1e-4  # of the differences that give a Hessian, in unit coordinates

Gradients = Callable[[np.ndarray], np.ndarray]  # u (N, d) -> ∂f/∂u (N, d), non-finite ones as 0


class Moves(NamedTuple):
    """What a scan proposes: per direction how far to go, and how much that should gain."""

    length: np.ndarray  # (d,)
    gain: np.ndarray  # (d,) >= 0


def edges(box: Box, centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The region (d,), (d,) in unit coordinates that is scanned about a centre."""
    lower = np.where(box.closed | box.half, 0.0, centre - REACH)
    upper = np.where(box.closed, 1.0, centre + REACH)
    return np.minimum(lower, centre), np.maximum(upper, centre)


def learned_directions(gradients: Gradients, box: Box, at: np.ndarray) -> np.ndarray | None:
    """Eigenvectors (d, d), as columns, of the Hessian at a point; None where it is not finite."""
    d = len(at)
    lower, upper = edges(box, at)
    at = np.clip(at, np.minimum(lower + STEP, upper), np.maximum(upper - STEP, lower))
    offsets = STEP * np.eye(d)
    ahead, behind = gradients(at + offsets), gradients(at - offsets)
    hessian = (ahead - behind) / (2.0 * STEP)
    if not np.isfinite(hessian).all():
        return None
    return np.asarray(np.linalg.eigh(0.5 * (hessian + hessian.T))[1])


def scan(
    gradients: Gradients,
    box: Box,
    centre: np.ndarray,
    directions: np.ndarray,
    rng: np.random.Generator,
    cells: int,
    blocks: int,
) -> Moves:
    """Profiles of f along all directions (d, d) through a centre, and each one's lowest point.

    The directions are scanned in `blocks` groups, the others staying at the centre: more groups
    cost more, reach further where directions are oblique, and disturb each other less. Takes
    blocks × cells gradients.
    """
    d = len(centre)
    lower, upper = edges(box, centre)
    near, far = _chords(centre, directions, lower, upper)
    moves = Moves(np.zeros(d), np.zeros(d))
    for group in np.array_split(rng.permutation(d), min(blocks, d)):
        v = directions[:, group]
        reach = _reach(v, centre, lower, upper, cells)
        low, high = np.maximum(near[group], -reach), np.minimum(far[group], reach)
        width = (high - low) / cells
        order = np.argsort(rng.random((cells, len(group))), axis=0)  # a Latin hypercube
        z = low + width * (order + 0.5)
        u = np.clip(centre + z @ v.T, lower, upper)
        slopes = np.empty((cells, len(group)))
        np.put_along_axis(slopes, order, gradients(u) @ v, axis=0)
        profile = np.zeros((cells, len(group)))
        np.cumsum(0.5 * (slopes[1:] + slopes[:-1]) * width, axis=0, out=profile[1:])
        with np.errstate(divide="ignore", invalid="ignore"):
            here = np.clip(np.nan_to_num(-low / width), 0, cells - 1).astype(int)
        lowest = np.argmin(profile, axis=0)
        columns = np.arange(len(group))
        moves.gain[group] = profile[here, columns] - profile[lowest, columns]
        moves.length[group] = low + width * (lowest + 0.5)
    return moves


def singles(moves: Moves, centre: np.ndarray, directions: np.ndarray, box: Box) -> np.ndarray:
    """Points (d, d) that each follow one of the moves."""
    lower, upper = edges(box, centre)
    points: np.ndarray = np.clip(centre + (directions * moves.length).T, lower, upper)
    return points


def combinations(moves: Moves, centre: np.ndarray, directions: np.ndarray, box: Box) -> np.ndarray:
    """Points (m, d) that follow all promising moves, the best half of them, a quarter, …, one."""
    order = np.argsort(-moves.gain)
    count = int((moves.gain > 0).sum())
    lower, upper = edges(box, centre)
    points = []
    while count:
        taken = np.zeros(len(centre))
        taken[order[:count]] = moves.length[order[:count]]
        points.append(np.clip(centre + directions @ taken, lower, upper))
        count //= 2
    return np.array(points).reshape(-1, len(centre))


def _chords(
    centre: np.ndarray, directions: np.ndarray, lower: np.ndarray, upper: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How far one can go from the centre along each direction, back (<= 0) and forth (>= 0)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        one = (lower - centre)[:, None] / directions
        other = (upper - centre)[:, None] / directions
    still = directions == 0
    back = np.where(still, -np.inf, np.minimum(one, other)).max(axis=0)
    forth = np.where(still, np.inf, np.maximum(one, other)).min(axis=0)
    return np.minimum(back, 0.0), np.maximum(forth, 0.0)


def _reach(
    v: np.ndarray, centre: np.ndarray, lower: np.ndarray, upper: np.ndarray, cells: int
) -> float:
    """How far a group of directions v (d, m) may go together and mostly stay in the region.

    A coordinate of a point is a sum of m uniform terms. Its spread is kept so small that none of
    all cells × d of them is expected further away than the bounds are on average.
    """
    if v.shape[1] == 1 or (np.count_nonzero(v, axis=1) <= 1).all():
        return np.inf
    spread = math.sqrt(float((v * v).sum(axis=1).max()) / 3.0)
    far = math.sqrt(2.0 * math.log(cells * len(v)))
    return float(np.mean(np.minimum(centre - lower, upper - centre))) / (spread * far)
