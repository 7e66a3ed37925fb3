"""Axes that are made or taken, what is written on them, and how they are saved."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .._support.checks import check_file, check_number, shown
from .._support.files import whole

SHORT = 30.0  # from end to end of an axis whose powers of ten would be too few labels, …
SHORTEST = 3.0  # … and of one that may hold neither 1, 2 nor 5
INSIDE = 6  # names of a legend within the axes
HIGH = 14  # names in a column beside them
BESIDE = 1.7  # inches for such a column


def axes_for(
    ax: Any, size: tuple[float, float] = (5.6, 3.8), *, names: int = 0, three: bool = False
) -> Axes:
    """`ax`, or one of a new figure of `size` in inches; TypeError or ValueError for another.

    The figure is wider for a legend of many names.
    """
    if ax is None:
        wide = size[0] + BESIDE * _columns(names)
        figure = Figure(figsize=(wide, size[1]), layout="constrained")
        return figure.add_subplot(projection="3d" if three else None)
    if not isinstance(ax, Axes):
        raise TypeError(f"ax must be a matplotlib Axes, got {shown(ax)}")
    if three and ax.name != "3d":
        raise ValueError(f"ax must be a 3-d Axes (projection='3d'), got one named {ax.name!r}")
    if not three and ax.name != "rectilinear":
        raise ValueError(f"ax must be a 2-d Axes, got one named {ax.name!r}")
    return ax


def ink(ax: Axes) -> Any:
    """The colour in which these axes are labelled."""
    return ax.xaxis.label.get_color()


def label(ax: Axes, xlabel: str, ylabel: str, log: tuple[str, ...] = ()) -> Axes:
    """Labels, scales and a faint grid."""
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    for name, axis in (("x", ax.xaxis), ("y", ax.yaxis)):
        if name in log:
            ax.set(**{f"{name}scale": "log"})
            axis.set_minor_formatter(_few(axis))
    ax.grid(color=ink(ax), alpha=0.15, linewidth=0.5)
    ax.set_axisbelow(True)
    return ax


def _few(axis: Any) -> Callable[..., str]:
    """Labels at 2 and 5 on a short logarithmic axis, everywhere on a very short one, else none."""

    def text(value: float, _: Any = None) -> str:
        low, high = sorted(axis.get_view_interval())
        leading = round(value / 10.0 ** math.floor(math.log10(value)))
        wanted = high < SHORTEST * low or (high < SHORT * low and leading in (2, 5))
        return f"{value:g}" if wanted else ""

    return text


def _columns(names: int) -> int:
    """Of a legend beside the axes; 0 for one within."""
    return math.ceil(names / HIGH) if names > INSIDE else 0


def legend(ax: Axes) -> Axes:
    """A legend, where something has a name; of many names, beside the axes."""
    count = len(ax.get_legend_handles_labels()[0])
    columns = _columns(count)
    beside = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5), "ncols": columns}
    place: dict[str, Any] = beside if columns else {}
    if count:
        ax.legend(fontsize="small", handlelength=3.2, framealpha=0.7, **place)
    return ax


def save(figure_or_axes: Any, path: str | Path, dpi: int = 150) -> None:
    """Write a figure as PNG, whole or not at all.

    Parameters
    ----------
    figure_or_axes : Figure or Axes
        What to write; of axes, the whole figure that they are in.
    path : path
        A ``.png`` file; what stands there is replaced.
    dpi : int, default 150
        Dots per inch.

    Raises
    ------
    TypeError
        If it is neither a figure nor axes.

    Examples
    --------
    >>> import tempfile
    >>> from deepopt.plots import curves, save
    >>> ax = curves({"a": ([1, 2], [3, 4])})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(ax, f"{folder}/curves.png")
    """
    drawn = figure_or_axes
    if isinstance(drawn, Axes):
        drawn = drawn.get_figure(root=True)
    if not isinstance(drawn, Figure):
        raise TypeError(f"figure_or_axes must be a matplotlib Figure or Axes, got {shown(drawn)}")
    check_file("path", path)
    check_number("dpi", dpi, above=0)
    with whole(Path(path)) as draft:
        drawn.savefig(draft, dpi=dpi, format="png")
