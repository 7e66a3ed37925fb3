"""Implicit filtering: descent on differences over a stencil that shrinks.

The central difference over a step h is the slope of f smoothed over that step: a ripple of length
l is damped by about h / l, so that a rugged funnel is descended as if it were smooth. With the
second difference it gives a parabola for each direction of the stencil; their minima together are
the next point. h is halved where neither it nor any point of the stencil is lower, or where the
move is short.

Kelley, Implicit Filtering, SIAM 2011; the parabolas are ours.
"""

from __future__ import annotations

import numpy as np

from .._domain import Box

COARSEST, FINEST = 0.25, 2e-3  # h, in unit coordinates
LONGEST = 2.0  # a move along one direction, in h
NEAR = 0.5  # a move after which h is halved, in h
TURNS = 30  # stencils at most


class Filtering:
    """One descent: `ask` for points, `tell` their values.

    Parameters
    ----------
    box : Box
    u : ndarray (d,)
        Where it begins, in unit coordinates.
    f : float
        The value there, finite.
    directions : ndarray (m, d)
        Orthonormal rows, along which the stencil lies.

    Attributes
    ----------
    u, f
        The lowest point met and its value.
    """

    def __init__(self, box: Box, u: np.ndarray, f: float, directions: np.ndarray) -> None:
        self._box, self._directions = box, directions
        self.u, self.f = u, f
        self._h, self._turns = COARSEST, 0
        self._longest: float | None = None  # of the moves to the aim; None while at the stencil

    def ask(self) -> np.ndarray:
        """The stencil (2 m, d), or the minimum of its parabolas (1, d), in unit coordinates."""
        if self._longest is None:
            step = self._h * self._directions
            self._asked = self._box.fold(np.concatenate([self.u + step, self.u - step]))
        return self._asked

    def tell(self, values: np.ndarray) -> bool:
        """Go on from the values of the points asked for; whether the descent is over."""
        if self._longest is None:
            return self._aim(values)
        points = np.concatenate([self._stencil, self._asked])
        found = np.concatenate([self._around, values])
        lowest = int(np.argmin(np.where(np.isfinite(found), found, np.inf)))
        lower = found[lowest] < self.f
        if lower:
            self.u, self.f = points[lowest], float(found[lowest])
        if not lower or self._longest < NEAR * self._h:
            self._h /= 2
        self._longest = None
        self._turns += 1
        return self._h < FINEST or self._turns == TURNS

    def _aim(self, around: np.ndarray) -> bool:
        """From the stencil's values to the point that its parabolas point to."""
        half = len(self._directions)
        move = moves(self.f, around[:half], around[half:], self._h)
        self._stencil, self._around = self._asked, around
        self._asked = self._box.fold(self.u + move @ self._directions)[None]
        self._longest = float(np.abs(move).max(initial=0.0))
        return False


def moves(f: float, ahead: np.ndarray, behind: np.ndarray, h: float) -> np.ndarray:
    """To the minimum of each direction's parabola (m,); downhill by h where it has none.

    A value that is not finite counts as the highest of those that are.
    """
    around = np.concatenate([[f], ahead, behind])
    finite = np.isfinite(around)
    around = np.where(finite, around, np.max(around, where=finite, initial=f))
    around /= max(np.abs(around).max(), np.finfo(float).tiny)  # so that no difference overflows
    f, ahead, behind = around[0], *np.split(around[1:], 2)
    drop, bend = behind - ahead, ahead - 2.0 * f + behind
    bowl = bend > 0
    move: np.ndarray = h * np.where(bowl, drop / np.where(bowl, 2.0 * bend, 1.0), np.sign(drop))
    return move.clip(-LONGEST * h, LONGEST * h)
