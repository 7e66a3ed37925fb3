"""Functions of two variables: contours with a path across them, and surfaces in 3-d."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patheffects import withStroke

from .._support.checks import check_number, in_brief, shown
from ..problems import Problem
from ._axes import axes_for, ink
from ._read import Array, array

LEVELS = 24
PATH = "#c0392b"  # on a surface and its shadow


def landscape(
    f: Callable[..., Any],
    *,
    ax: Axes | None = None,
    bounds: Any = None,
    sigma: float = 0.0,
    path: Any = None,
    resolution: int = 200,
) -> Axes:
    """Filled contours of a function of two variables, and a path across them.

    Parameters
    ----------
    f : callable
        A problem, or any function of one point (2,) that `deepopt.minimize` takes; one written in
        `keras.ops` is evaluated at many points at once.
    ax : Axes, optional
        Where to draw; by default on a new figure. The colour bar takes its place beside it.
    bounds : Bounds or two (min, max) pairs, optional
        The box that is shown; by default the problem's.
    sigma : float, default 0
        Standard deviation of a Gaussian blur, in units of the box's width and reflected at its
        sides, as in `deepopt.GaussianSmoothing`. Values that are not finite are left out of it.
    path : array_like (T, 2), optional
        Points in their order: a circle where it begins, a star where it ends.
    resolution : int, default 200
        Points along each side.

    Returns
    -------
    contours : Axes

    Raises
    ------
    TypeError, ValueError
        If f is not a function of two variables, is nowhere finite, or another argument is not as
        described.

    Examples
    --------
    >>> from deepopt.plots import landscape
    >>> from deepopt.problems import rastrigin
    >>> ax = landscape(rastrigin.with_dim(2), sigma=0.1, resolution=50)
    >>> [float(side) for side in ax.get_xlim()]
    [-5.12, 5.12]
    """
    check_number("sigma", sigma, at_least=0.0)
    check_number("resolution", resolution, whole=True, at_least=2)
    lower, upper = _box(f, bounds)
    way = None if path is None else _path(path)
    if ax is not None:
        axes_for(ax)
    middles = (np.arange(resolution) + 0.5) / resolution  # of cells, for a reflection at the sides
    x, y = lower[:, None] + middles * (upper - lower)[:, None]
    grid = np.stack(np.meshgrid(x, y), axis=-1)  # (rows, columns, 2)
    heights = _values(f, grid.reshape(-1, 2), lower, upper).reshape(resolution, resolution)
    if not np.isfinite(heights).any():
        raise ValueError("f must be finite somewhere within bounds, got no finite value")
    if sigma:
        heights = _blurred(heights, sigma * resolution)
    ax = axes_for(ax, (5.4, 4.4))
    heights = np.ma.masked_invalid(np.pad(heights, 1, mode="edge"))  # out to the sides
    x, y = np.r_[lower[0], x, upper[0]], np.r_[lower[1], y, upper[1]]
    filled = ax.contourf(x, y, heights, LEVELS, cmap="viridis")
    ax.figure.colorbar(filled, ax=ax, label="f")
    ax.set(xlabel="$x_1$", ylabel="$x_2$", xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    ax.set_box_aspect(1.0)
    if way is not None:
        _draw_path(ax, way)
    return ax


def _blurred(heights: Array, sigma: float) -> Array:
    """The Gaussian mean of the heights that are finite; the others stay as they are."""
    from scipy.ndimage import gaussian_filter

    finite = np.isfinite(heights)
    total, weight = (
        gaussian_filter(part, sigma, mode="reflect")
        for part in (np.where(finite, heights, 0.0), finite.astype(float))
    )
    blurred: Array = np.divide(total, weight, out=heights.copy(), where=finite)
    return blurred


def _box(f: Any, bounds: Any) -> tuple[Array, Array]:
    """Lower and upper bounds (2,) of what is shown."""
    from .._domain import read_bounds

    if not callable(f):
        raise TypeError(f"f must be a function of two variables, got {shown(f)}")
    if isinstance(f, Problem) and f.dim != 2:
        raise ValueError(f"f must be a function of two variables, got {f!r}")
    if bounds is None:
        if not isinstance(f, Problem):
            raise ValueError("bounds are missing; only a problem of deepopt.problems has its own")
        bounds = f.bounds
    lower, upper = read_bounds(bounds, 2)
    if not np.isfinite(upper - lower).all() or not (lower < upper).all():
        raise ValueError(f"bounds must be finite with min < max, got {shown(bounds)}")
    return lower, upper


def _path(path: Any) -> Array:
    way = array("path", path, (None, 2))
    if not len(way):
        raise ValueError("path must have at least one point, got none")
    return way


def _values(f: Any, points: Array, lower: Array, upper: Array) -> Array:
    """f at points (N, 2), called as `minimize` would call it."""
    from .._domain import Box
    from .._objective import UNLIMITED, Objective

    objective = Objective(f, None, (), Box.make(lower, upper), "float64")
    try:
        objective.recognise(batched=False, maxfev=UNLIMITED)
        return objective.values(points)
    except Exception as error:  # whatever the user's function raises
        raise ValueError(f"f must be a function of two variables: {in_brief(error)}") from error


def _draw_path(ax: Axes, way: Array) -> None:
    """White with a black rim: to be seen on every colour of the map."""
    rim = [withStroke(linewidth=3.0, foreground="black")]
    look: dict[str, Any] = {"color": "white", "path_effects": rim, "clip_on": False, "zorder": 3}
    ends: dict[str, Any] = {"linestyle": "none", "markeredgecolor": "black", "markeredgewidth": 1.0}
    ax.plot(way[:, 0], way[:, 1], linewidth=1.4, **look | {"clip_on": True})
    for at, marker, size, name in ((0, "o", 7, "begin"), (-1, "*", 12, "end")):
        ax.plot(*way[[at]].T, marker=marker, markersize=size, label=name, **ends,
                **look | {"path_effects": None})  # fmt: skip
    ax.legend(loc="best", fontsize="small", framealpha=0.8)


def surface(
    axis: Any, heights: Any, *, ax: Axes | None = None, path: Any = None, along: Any = None
) -> Axes:
    """A surface over two latents in 3-d, with its contours and the path of a surf below it.

    Parameters
    ----------
    axis : array_like (S,)
        The grid of both latents.
    heights : array_like (S, S)
        Rows follow the second latent.
    ax : Axes, optional
        With ``projection="3d"``; by default on a new figure.
    path : array_like (T, 2), optional
        Where the minimiser has been, drawn as a shadow below the surface.
    along : array_like (T,), optional
        The height of each of its points. A dot marks the last of them on the surface.

    Returns
    -------
    surface : Axes

    Raises
    ------
    TypeError, ValueError
        If the shapes do not fit, `along` comes without `path`, or `ax` is not in 3-d.

    Examples
    --------
    >>> import numpy as np
    >>> from deepopt.plots import surface
    >>> axis = np.linspace(-1, 1, 11)
    >>> ax = surface(axis, -np.add.outer(axis**2, axis**2), path=[[1, 1], [0, 0]], along=[-2, 0])
    >>> ax.name
    '3d'
    """
    grid = array("axis", axis, (None,))
    if len(grid) < 2:
        raise ValueError(f"axis must have at least two points, got {len(grid)}")
    high = array("heights", heights, (len(grid), len(grid)))
    if not np.isfinite(high).all():
        raise ValueError("heights must be finite, got NaN or an infinity among them")
    way = None if path is None else _path(path)
    if along is not None and way is None:
        raise ValueError("along needs a path, got none")
    above = None if along is None or way is None else array("along", along, (len(way),))
    ax = axes_for(ax, (5.0, 4.4), three=True)
    low, span = high.min(), float(np.ptp(high)) or 1.0
    floor = low - 0.3 * span
    x, y = np.meshgrid(grid, grid)
    three: Any = ax
    three.plot_surface(x, y, high, cmap="viridis", linewidth=0, alpha=0.75, rcount=61, ccount=61)
    if np.ptp(high):
        three.contour(x, y, high, 12, offset=floor, cmap="viridis", linewidths=0.7)
    look: dict[str, Any] = {"color": PATH, "zorder": 10}
    if way is not None:
        three.plot(way[:, 0], way[:, 1], floor, linewidth=1.6, **look)
    if way is not None and above is not None:
        three.plot(
            *way[-1:].T, above[-1:], marker="o", markersize=5, markeredgecolor="white", **look
        )
    three.set(xlabel="$x_1$", ylabel="$x_2$", zlim=(floor, high.max() + 0.05 * span))
    for side in (three.xaxis, three.yaxis, three.zaxis):
        side.set_pane_color((*to_rgb(ink(ax)), 0.04))
    three.grid(visible=False)
    three.tick_params(labelsize="x-small")
    three.ticklabel_format(axis="z", style="plain", useOffset=False)  # of a flat one too
    return ax
