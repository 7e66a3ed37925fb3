"""Paper A's Figure 1 and §2's remark on barriers, in numbers: f(x) becomes f(w₁ w₂ x̃), x̃ = 1."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SIDE = 400  # an even number, so that no grid point lies on the lines w₁ = 0 and w₂ = 0


def parabola(x: Array) -> Array:
    """x², the paper's example."""
    return x * x


def double_well(x: Array) -> Array:
    """(x² - 1)²: minima 0 at x = -1 and 1, a barrier of height 1 at x = 0 between them."""
    return np.asarray((x * x - 1.0) ** 2)


def axes(half_width: float = 2.0, side: int = SIDE) -> Array:
    """The grid's coordinates (side,) along w₁ and along w₂."""
    return np.linspace(-half_width, half_width, side)


def surface(f: Callable[[Array], Array], w: Array) -> Array:
    """f(w₁ w₂) on the grid (side, side)."""
    return f(w[:, None] * w[None, :])


def barrier(heights: Array, begin: tuple[int, ...], end: tuple[int, ...]) -> float:
    """The lowest height that a path from `begin` to `end` between grid neighbours must reach.

    Bisection over the heights that occur: at the barrier the two points become connected in the
    set of points at most that high.
    """
    from scipy.ndimage import label

    levels = np.unique(heights[heights >= max(heights[begin], heights[end])])
    low, high = 0, len(levels) - 1  # at levels[high] all are connected
    while low < high:
        middle = (low + high) // 2
        labels, _ = label(heights <= levels[middle])
        if labels[begin] == labels[end]:
            high = middle
        else:
            low = middle + 1
    return float(levels[low])


def equal_barriers() -> dict[str, float]:
    """The double well's barrier, in x and over (w₁, w₂), between its minima x = -1 and x = 1."""
    x = axes()
    w = x
    left, right, one = (int(np.argmin(np.abs(x - at))) for at in (-1.0, 1.0, 1.0))
    return {
        "x": barrier(double_well(x), (left,), (right,)),
        "w": barrier(surface(double_well, w), (left, one), (right, one)),
        "exact": 1.0,
        "grid_spacing": float(w[1] - w[0]),
    }
