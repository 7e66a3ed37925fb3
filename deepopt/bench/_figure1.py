"""Paper A's Figure 1, and below it §2's remark on barriers for a double well."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ._landscape import Array, double_well, parabola

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HIGHEST = 4.0  # heights above are drawn here
SIDE = 2.0  # of the boxes, from -SIDE to SIDE
CAPTION = (
    "Left: two functions of one variable x. Right: the same functions of x = w₁ w₂, cut off at 4; "
    "white lines are their minima. The double well's barrier, dotted on the left, is the lowest "
    "height that a path from x = -1 to x = 1 must reach: the same over (w₁, w₂) as over x."
)


def figure1(barriers: Mapping[str, float]) -> Figure:
    """Four panels; `barriers` are those found for the double well in x ("x") and over w ("w")."""
    from ..plots import panels

    return panels(
        [
            ("$f(x) = x^2$", functools.partial(_alone, parabola, None)),
            ("$f(w_1 w_2)$", functools.partial(_product, parabola, (0.0,))),
            (f"$f(x) = (x^2 - 1)^2$, barrier {barriers['x']:.3f}",
             functools.partial(_alone, double_well, barriers["x"])),
            (f"$f(w_1 w_2)$, barrier {barriers['w']:.3f}",
             functools.partial(_product, double_well, (-1.0, 1.0))),
        ],
        title="A function of one variable, and of a product of two",
        caption=CAPTION,
        columns=2,
    )  # fmt: skip


def _alone(f: Callable[[Array], Array], barrier: float | None, *, ax: Axes) -> None:
    colour = ax.xaxis.label.get_color()
    x = np.linspace(-SIDE, SIDE, 401)
    ax.plot(x, f(x), color=colour, linewidth=1.6)
    if barrier is not None:
        ax.axhline(barrier, color=colour, linestyle=":", linewidth=1.0)
    ax.set(xlabel="$x$", ylabel="$f$", ylim=(-0.1, HIGHEST))


def _product(f: Callable[[Array], Array], minima: tuple[float, ...], *, ax: Axes) -> None:
    """f of w₁ w₂, and where that product is at a minimum of f."""
    from ..plots import landscape

    def low(w: Any) -> Array:
        return np.minimum(f(w[..., 0] * w[..., 1]), HIGHEST)

    landscape(low, ax=ax, bounds=[(-SIDE, SIDE)] * 2)
    w = np.linspace(-SIDE, SIDE, 401)
    levels = ax.contour(w, w, np.multiply.outer(w, w), levels=minima, colors="white",
                        linewidths=1.6, linestyles=["--", "-"][-len(minima) :])  # fmt: skip
    ax.clabel(levels, fmt=lambda level: f"$x = {level:g}$", fontsize=8,
              manual=[(1.0 if level >= 0 else -1.0, abs(level)) for level in minima])  # fmt: skip
    ax.set(xlabel="$w_1$", ylabel="$w_2$")
