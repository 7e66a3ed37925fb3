"""Figures of several panels, with a title, one legend and a caption."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from .._support.checks import check_number, shown
from ._images import pixels_of, shades
from ._landscape import surface

ACROSS, DOWN = 3.6, 2.7  # inches of a panel
CAPTION = 8.0  # points of a letter
NAMES = 6  # in a row of the legend, at most
LETTER, BESIDE_NAME = 0.075, 8  # inches of a small letter; letters that a sample line takes

Draw = Callable[..., Any]  # called with ax=


def panels(
    drawn: Sequence[tuple[str, Draw]], *, title: str = "", caption: str = "", columns: int = 3
) -> Figure:
    """Panels in rows, one legend for all of them, and a caption below.

    A name is taken to look the same in every panel: give the same `styles` to all of them. A
    label that all panels share stands below the lowest or beside the first ones alone.

    Parameters
    ----------
    drawn : sequence of (title, function)
        For each panel its title, and what draws on axes: it is called with ``ax=``.
    title : str
        Above all.
    caption : str
        A sentence or two below all, wrapped at the figure's width.
    columns : int, default 3
        Panels in a row.

    Returns
    -------
    Figure

    Raises
    ------
    TypeError, ValueError
        If there is no panel, or one is not such a pair.

    Examples
    --------
    >>> from functools import partial
    >>> from deepopt.plots import curves, panels
    >>> line = {"a": ([1, 10], [1.0, 0.1])}
    >>> figure = panels([(f"k = {k}", partial(curves, line)) for k in (1, 2)],
    ...                 title="Errors", caption="The error of a against its cost.")
    >>> [ax.get_title() for ax in figure.axes]
    ['k = 1', 'k = 2']
    """
    check_number("columns", columns, whole=True, at_least=1)
    pairs = list(drawn)
    if not pairs:
        raise ValueError("drawn must have at least one panel, got none")
    for pair in pairs:
        if not isinstance(pair, tuple) or len(pair) != 2 or not callable(pair[1]):
            raise TypeError(f"drawn must hold pairs (title, function), got {shown(pair)}")
    columns = min(columns, len(pairs))
    rows = math.ceil(len(pairs) / columns)
    figure, part = framed((ACROSS * columns + 0.4, DOWN * rows + 1.0), title, caption)
    grid = part.subplots(rows, columns, squeeze=False).ravel()
    for ax in grid[len(pairs) :]:
        ax.remove()
    axes = list(grid[: len(pairs)])
    for ax, (head, draw) in zip(axes, pairs, strict=True):
        draw(ax=ax)
        ax.set_title(head, fontsize="medium")
        ax.tick_params(labelsize="small", which="both")
    _share_labels(axes, columns)
    _share_legend(part, axes)
    return figure


def framed(size: tuple[float, float], title: str, caption: str) -> tuple[Figure, SubFigure]:
    """A figure with a caption, and the part above it, with a title, where axes are to go.

    `size` is that of the part in inches; the caption makes the figure higher.
    """
    lines = math.ceil(0.55 * CAPTION * len(caption) / (72 * size[0]))
    size = size[0], size[1] + 1.4 * CAPTION / 72 * (lines + 1) * bool(caption)
    figure = Figure(figsize=size, layout="constrained")
    if caption:
        figure.supxlabel(caption, x=0.01, ha="left", fontsize=CAPTION, wrap=True)
    part = figure.add_subfigure(figure.add_gridspec()[0])
    if title:
        part.suptitle(title, fontsize="large")
    return figure, part


def _share_labels(axes: Sequence[Axes], columns: int) -> None:
    """Each label once per column or row, where all panels have the same."""
    for ax in axes:
        ax.xaxis.label.set_fontsize("small")
        ax.yaxis.label.set_fontsize("small")
    if len({ax.get_xlabel() for ax in axes}) == 1:
        for ax in axes[:-columns]:
            ax.set_xlabel("")
    if len({ax.get_ylabel() for ax in axes}) == 1:
        for i, ax in enumerate(axes):
            if i % columns:
                ax.set_ylabel("")


def _share_legend(part: SubFigure, axes: Sequence[Axes]) -> None:
    """One legend below all panels in place of theirs."""
    named: dict[str, Any] = {}
    for ax in axes:
        for handle, name in zip(*ax.get_legend_handles_labels(), strict=True):
            named.setdefault(name, handle)
        own = ax.get_legend()
        if own is not None:
            own.remove()
    if named:
        each = (max(map(len, named)) + BESIDE_NAME) * LETTER
        fitting = max(1, int(part.figure.get_size_inches()[0] / each))
        part.legend(
            named.values(), named.keys(), loc="outside lower center",
            ncols=min(len(named), NAMES, fitting), fontsize="small", handlelength=3.2,
        )  # fmt: skip


def surfaces(found: Sequence[Mapping[str, Any]], *, title: str = "", caption: str = "") -> Figure:
    """A row per target: its image, and its surface at some times with the path until then.

    Parameters
    ----------
    found : sequence of dict
        For each target, all with as many times: "image" (height, width[, channels]); "axis" (S,),
        the grid of both latents; "times" (L,), the checkpoints that are shown; "heights"
        (L, S, S), rows following the second latent; "path" (T + 1, 2), the minimiser on every
        checkpoint; "along" (T + 1,), the height of each of its points on its own surface.
    title, caption : str
        Above and below all.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from deepopt.plots import surfaces
    >>> axis = np.linspace(-1.0, 1.0, 5)
    >>> one = {"image": np.zeros((8, 8)), "axis": axis, "times": [0, 1],
    ...        "heights": np.zeros((2, 5, 5)), "path": np.zeros((2, 2)), "along": [0.0, 0.0]}
    >>> [ax.get_title() for ax in surfaces([one]).axes]
    ['target', 't = 0', 't = 1']
    """
    if not found:
        raise ValueError("found must have at least one target, got none")
    columns = 1 + len(found[0]["times"])
    figure, part = framed((3.3 * columns, 3.2 * len(found) + 0.5), title, caption)
    for row, target in enumerate(found):
        image = part.add_subplot(len(found), columns, row * columns + 1)
        image.imshow(shades(pixels_of("image", [target["image"]]))[0])
        image.set_axis_off()
        image.set_title("target", fontsize="medium")
        shown_at = zip(target["times"], target["heights"], strict=True)
        for column, (time, heights) in enumerate(shown_at, row * columns + 2):
            ax = part.add_subplot(len(found), columns, column, projection="3d")
            until = slice(0, time + 1)
            surface(target["axis"], heights, ax=ax, path=target["path"][until],
                    along=target["along"][until])  # fmt: skip
            ax.set_title(f"t = {time}", fontsize="medium")
    return figure
