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

from .._domain import Box

REACH = 3.0  # how far from the centre to look along a variable without bounds, in its scale
STEP = 1e-4  # of the differences that give a Hessian, in unit coordinates

Gradients = Callable[[np.ndarray], np.ndarray]  # u (N, d) -> ∂f/∂u (N, d), non-finite ones as 0


class Axes:
    """The directions of the coordinates, without a matrix."""

    def walk(self, centre: np.ndarray, z: np.ndarray, group: np.ndarray) -> np.ndarray:
        """Points (N, d) that are z (N, m) away from the centre along a group of directions."""
        u = np.tile(centre, (len(z), 1))
        u[:, group] += z
        return u

    def slopes(self, gradients: np.ndarray, group: np.ndarray) -> np.ndarray:
        """Derivatives (N, m) along a group of directions."""
        return gradients[:, group]

    def chords(
        self, centre: np.ndarray, lower: np.ndarray, upper: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """How far one can go along each direction, back (<= 0) and forth (>= 0)."""
        return lower - centre, upper - centre

    def reach(self, group: np.ndarray, margin: float, cells: int) -> float:
        """How far a group of directions may go together and mostly stay in the region."""
        return np.inf


class Oblique(Axes):
    """Directions that are the columns of a matrix (d, d)."""

    def __init__(self, columns: np.ndarray) -> None:
        self.columns = columns

    def walk(self, centre: np.ndarray, z: np.ndarray, group: np.ndarray) -> np.ndarray:
        points: np.ndarray = centre + z @ self.columns[:, group].T
        return points

    def slopes(self, gradients: np.ndarray, group: np.ndarray) -> np.ndarray:
        along: np.ndarray = gradients @ self.columns[:, group]
        return along

    def chords(
        self, centre: np.ndarray, lower: np.ndarray, upper: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        with np.errstate(divide="ignore", invalid="ignore"):
            one = (lower - centre)[:, None] / self.columns
            other = (upper - centre)[:, None] / self.columns
        still = self.columns == 0
        back = np.where(still, -np.inf, np.minimum(one, other)).max(axis=0)
        forth = np.where(still, np.inf, np.maximum(one, other)).min(axis=0)
        return np.minimum(back, 0.0), np.maximum(forth, 0.0)

    def reach(self, group: np.ndarray, margin: float, cells: int) -> float:
        """See `Axes`; `margin` is how far the bounds are on average.

        A coordinate of a point is a sum of m uniform terms. Its spread is kept so small that none
        of all cells × d of them is expected further away than the margin.
        """
        if len(group) == 1:
            return np.inf
        v = self.columns[:, group]
        spread = math.sqrt(float((v * v).sum(axis=1).max()) / 3.0)
        return margin / (spread * math.sqrt(2.0 * math.log(cells * len(v))))


class Moves(NamedTuple):
    """What a scan proposes: per direction how far to go, and how much that should gain."""

    length: np.ndarray  # (d,)
    gain: np.ndarray  # (d,) >= 0


def edges(box: Box, centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The region (d,), (d,) in unit coordinates that is scanned about a centre."""
    lower = np.where(box.closed | box.half, 0.0, centre - REACH)
    upper = np.where(box.closed, 1.0, centre + REACH)
    return np.minimum(lower, centre), np.maximum(upper, centre)


def learned_directions(gradients: Gradients, box: Box, at: np.ndarray) -> Oblique | None:
    """Eigenvectors of the Hessian at a point (d,); None where it is not finite."""
    d = len(at)
    lower, upper = edges(box, at)
    at = np.clip(at, np.minimum(lower + STEP, upper), np.maximum(upper - STEP, lower))
    offsets = STEP * np.eye(d)
    hessian = (gradients(at + offsets) - gradients(at - offsets)) / (2.0 * STEP)
    if not np.isfinite(hessian).all():
        return None
    return Oblique(np.linalg.eigh(0.5 * (hessian + hessian.T))[1])


def scan(
    gradients: Gradients,
    box: Box,
    centre: np.ndarray,
    directions: Axes,
    rng: np.random.Generator,
    cells: int,
    blocks: int,
    batch: int,
) -> Moves:
    """Profiles of f along all directions through a centre (d,), and each one's lowest point.

    The directions are scanned in `blocks` groups, the others staying at the centre: more groups
    cost more, reach further where directions are oblique, and disturb each other less. Takes
    blocks × cells gradients, `batch` points at once.
    """
    d = len(centre)
    lower, upper = edges(box, centre)
    near, far = directions.chords(centre, lower, upper)
    margin = float(np.mean(np.minimum(centre - lower, upper - centre)))
    moves = Moves(np.zeros(d), np.zeros(d))
    for group in np.array_split(rng.permutation(d), min(blocks, d)):
        reach = directions.reach(group, margin, cells)
        low, high = np.maximum(near[group], -reach), np.minimum(far[group], reach)
        width = (high - low) / cells
        order = _latin(rng, cells, len(group), batch * d)
        slopes = np.empty((cells, len(group)))
        for at in range(0, cells, batch):
            part = order[at : at + batch]
            u = directions.walk(centre, low + width * (part + 0.5), group)
            found = directions.slopes(gradients(np.clip(u, lower, upper, out=u)), group)
            np.put_along_axis(slopes, part, found, axis=0)
        profile = slopes  # its running sum, in place
        profile[1:] = 0.5 * (slopes[1:] + slopes[:-1]) * width
        profile[0] = 0.0
        np.cumsum(profile, axis=0, out=profile)
        with np.errstate(divide="ignore", invalid="ignore"):
            here = np.clip(np.nan_to_num(-low / width), 0, cells - 1).astype(int)
        lowest = np.argmin(profile, axis=0)
        columns = np.arange(len(group))
        moves.gain[group] = profile[here, columns] - profile[lowest, columns]
        moves.length[group] = low + width * (lowest + 0.5)
    return moves


def _latin(rng: np.random.Generator, cells: int, columns: int, numbers: int) -> np.ndarray:
    """Random permutations of the cells (cells, columns), one in each column.

    No more than so many numbers are drawn at once.
    """
    order = np.empty((cells, columns), dtype="int32")
    width = max(1, numbers // cells)
    for at in range(0, columns, width):
        part = order[:, at : at + width]
        part[:] = np.argsort(rng.random(part.shape), axis=0)
    return order


def singles(
    moves: Moves, centre: np.ndarray, directions: Axes, box: Box, group: np.ndarray
) -> np.ndarray:
    """Points (m, d) that each follow the move of one direction of a group."""
    lower, upper = edges(box, centre)
    u = directions.walk(centre, np.diag(moves.length[group]), group)
    return np.clip(u, lower, upper, out=u)


def combinations(moves: Moves, centre: np.ndarray, directions: Axes, box: Box) -> np.ndarray:
    """Points (m, d) that follow all promising moves, the best half of them, a quarter, …, one."""
    lower, upper = edges(box, centre)
    order = np.argsort(-moves.gain)
    count = int((moves.gain > 0).sum())
    points = [np.empty((0, len(centre)))]
    while count:
        group = order[:count]
        u = directions.walk(centre, moves.length[None, group], group)
        points.append(np.clip(u, lower, upper))
        count //= 2
    return np.concatenate(points)
