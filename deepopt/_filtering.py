"""Implicit filtering: descent on differences over a stencil that shrinks.

The central difference over a step h is the slope of f smoothed over that step: ripples narrower
than h vanish from it, so that a rugged funnel is descended as if it were smooth. With the second
difference it gives a parabola for each direction of the stencil; their minima together are the next
point. Where neither it nor any point of the stencil is lower, h is halved.

Kelley, Implicit Filtering, SIAM 2011; the parabolas and the random directions are ours.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ._box import Box

COARSEST, FINEST = 0.25, 1e-3  # h, in unit coordinates
LONGEST = 2.0  # a move along one direction, in h
NEAR = 0.5  # a move after which h is halved, in h
TURNS = 30  # stencils at most


def descend(
    values: Callable[[np.ndarray], np.ndarray],
    box: Box,
    u: np.ndarray,
    f: float,
    directions: np.ndarray,
) -> np.ndarray:
    """The lowest point (d,) met on the way down from `u`, in unit coordinates.

    Parameters
    ----------
    values : callable
        f at points (N, d).
    box : Box
    u : ndarray (d,)
        Where it begins, in unit coordinates.
    f : float
        The value there, finite.
    directions : ndarray (d, d)
        Orthonormal rows, along which the stencil lies.
    """
    h, d = COARSEST, len(u)
    for _ in range(TURNS):
        stencil = box.fold(np.concatenate([u + h * directions, u - h * directions]))
        around = values(stencil)
        move = _move(f, around[:d], around[d:], h)
        aim = box.fold(u + move @ directions)[None]
        points, found = np.concatenate([stencil, aim]), np.concatenate([around, values(aim)])
        lowest = int(np.argmin(np.where(np.isfinite(found), found, np.inf)))
        lower = found[lowest] < f
        if lower:
            u, f = points[lowest], float(found[lowest])
        if not lower or np.abs(move).max() < NEAR * h:
            h /= 2
        if h < FINEST:
            break
    return u


def _move(f: float, ahead: np.ndarray, behind: np.ndarray, h: float) -> np.ndarray:
    """To the minimum of each direction's parabola (d,); downhill by h where it has none.

    A value that is not finite counts as the highest of those that are.
    """
    around = np.concatenate([[f], ahead, behind])
    highest = np.max(around, where=np.isfinite(around), initial=f)
    ahead, behind = (np.where(np.isfinite(v), v, highest) for v in (ahead, behind))
    slope, bend = (ahead - behind) / (2 * h), (ahead - 2 * f + behind) / h**2
    bowl = bend > 0
    move: np.ndarray = np.where(bowl, -slope / np.where(bowl, bend, 1.0), -h * np.sign(slope))
    return move.clip(-LONGEST * h, LONGEST * h)
