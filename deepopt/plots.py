"""Figures: functions from data to matplotlib figures, without global state.

>>> from deepopt.plots import Curve, Panel, panels
>>> panel = Panel("a bowl", "f", [Curve("shallow", [0.1, 1.0], [1.0, 0.01])])
>>> figure = panels([panel], "seconds", "one panel")
>>> figure.axes[0].get_title()
'a bowl'
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import NullFormatter
from numpy.typing import NDArray

Array = NDArray[np.float64]

# The paper's colours; dashes and widths keep them apart in grey.
STYLES: dict[str, dict[str, Any]] = {
    "shallow": {"color": "#1b7f3b", "linestyle": "-", "linewidth": 1.0},
    "deep": {"color": "#e8710a", "linestyle": (0, (4, 1.5)), "linewidth": 1.4},
}
# Of the curves of a data profile, in their order.
PROFILES: tuple[dict[str, Any], ...] = (
    {"color": "#e8710a", "linewidth": 2.4},
    {"color": "#8c4a00", "linewidth": 1.2, "linestyle": (0, (4, 1.5))},
    {"color": "#1b7f3b", "linewidth": 1.2, "linestyle": (0, (1, 1))},
    {"color": "#1f4e9c", "linewidth": 1.4},
    {"color": "#5b8dd9", "linewidth": 1.4, "linestyle": (0, (4, 1.5))},
    {"color": "#3a3a3a", "linewidth": 1.2},
    {"color": "#3a3a3a", "linewidth": 1.2, "linestyle": (0, (1, 1))},
    {"color": "#7b2d8b", "linewidth": 1.4},
    {"color": "#b884c4", "linewidth": 1.4, "linestyle": (0, (4, 1.5))},
    {"color": "#8a8a8a", "linewidth": 1.2},
    {"color": "#8a8a8a", "linewidth": 1.2, "linestyle": (0, (1, 1))},
)
# Of ways to invert a generator: the paper's blue and red, and ours.
INVERSIONS: dict[str, dict[str, Any]] = {
    "Adam": {"color": "#1f4e9c", "linewidth": 1.4, "linestyle": (0, (4, 1.5))},
    "Adam, ten restarts": {"color": "#5b8dd9", "linewidth": 1.4, "linestyle": (0, (1, 1))},
    "surfing": {"color": "#c0392b", "linewidth": 1.4},
    "default": {"color": "#e8710a", "linewidth": 2.4, "alpha": 0.8},
    "default in [-1, 1]^k": {"color": "#f2b277", "linewidth": 1.4, "linestyle": (0, (4, 1.5))},
    "Lasso, cosines": {"color": "#8a8a8a", "linewidth": 1.2},
}
NEAREST = 1e-7  # distances below are drawn here
FLOOR = 1e-16  # errors below are drawn here: rounding, on a logarithmic axis
COLUMNS = 3


@dataclasses.dataclass(frozen=True)
class Curve:
    """One run.

    Parameters
    ----------
    label : str
        "shallow" or "deep"; curves of one label share a style and a line of the legend.
    x, y : sequence of float
        Of equal length; y may hold NaN.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]


@dataclasses.dataclass(frozen=True)
class Panel:
    """One objective.

    Parameters
    ----------
    title, ylabel : str
        What stands above and beside it.
    curves : sequence of Curve
        The runs.
    log : bool, default True
        Whether y is logarithmic; values below 1e-16 are then drawn there.
    level : float, optional
        A level to mark with a dotted line.
    """

    title: str
    ylabel: str
    curves: Sequence[Curve]
    log: bool = True
    level: float | None = None


def panels(data: Sequence[Panel], xlabel: str, title: str) -> Figure:
    """Panels three in a row, with a logarithmic x axis and one legend (paper A, Figure 2).

    Parameters
    ----------
    data : sequence of Panel
        At least one.
    xlabel : str
        Below each column, with its unit.
    title : str
        Above all.
    """
    figure, axes = _grid(len(data), xlabel, title)
    for ax, panel in zip(axes, data, strict=False):
        descent(ax, panel)
    labels = dict.fromkeys(curve.label for panel in data for curve in panel.curves)
    handles = [Line2D([], [], label=label, **STYLES[label]) for label in labels]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(labels))
    return figure


def descent(ax: Axes, panel: Panel) -> Axes:
    """Draw one panel on the given axes, best-so-far as steps, and return them."""
    for curve in panel.curves:
        y = np.asarray(curve.y, dtype=float)
        y = np.maximum(y, FLOOR) if panel.log else y
        ax.plot(curve.x, y, drawstyle="steps-post", alpha=0.75, **STYLES[curve.label])
    if panel.level is not None:
        ax.axhline(panel.level, color="0.3", linestyle=":", linewidth=1.0)
        ax.text(0.98, panel.level, "threshold", ha="right", va="bottom", fontsize=7, color="0.3",
                transform=ax.get_yaxis_transform())  # fmt: skip
    if panel.log:
        ax.set_yscale("log")
    _dress(ax, panel.title, panel.ylabel)
    return ax


@dataclasses.dataclass(frozen=True)
class Profile:
    """One panel of data profiles.

    Parameters
    ----------
    title : str
        What stands above it.
    solved : dict of str to sequence of float
        For each solver, what it had spent when it solved each of the instances that it solved.
    total : dict of str to int
        For each solver, the instances that it was run on.
    """

    title: str
    solved: Mapping[str, Sequence[float]]
    total: Mapping[str, int]


def data_profiles(data: Sequence[Profile], xlabel: str, title: str) -> Figure:
    """Data profiles (Moré & Wild, 2009), three panels in a row: the share solved against cost.

    Parameters
    ----------
    data : sequence of Profile
        At least one.
    xlabel : str
        What was spent, with its unit.
    title : str
        Above all.
    """
    names = list(dict.fromkeys(name for profile in data for name in profile.solved))
    styles = dict(zip(names, itertools.cycle(PROFILES)))
    figure, axes = _grid(len(data), xlabel, title)
    for ax, profile in zip(axes, data, strict=False):
        for name, costs in profile.solved.items():
            x = np.sort(np.asarray(costs, dtype=float))
            y = np.arange(1, len(x) + 1) / profile.total[name]
            ends = [0.0, *y, y[-1]] if len(x) else []
            ax.plot([x[0], *x, _last(data)] if len(x) else [], ends, drawstyle="steps-post",
                    **styles[name])  # fmt: skip
        ax.set_ylim(-0.02, 1.02)
        _dress(ax, profile.title, "share solved")
    _name(figure, [Line2D([], [], label=name, **styles[name]) for name in names])
    return figure


@dataclasses.dataclass(frozen=True)
class Distances:
    """One panel of distributions.

    Parameters
    ----------
    title : str
        What stands above it.
    found : dict of str to sequence of float
        For each method, a key of `INVERSIONS`, the distance of every trial.
    """

    title: str
    found: Mapping[str, Sequence[float]]


def distances(data: Sequence[Distances], title: str, near: float = 0.01) -> Figure:
    """Distributions of distances, three panels in a row (paper B, Figure 2).

    Parameters
    ----------
    data : sequence of Distances
        At least one.
    title : str
        Above all.
    near : float, default 0.01
        The distance of a success, marked.
    """
    names = list(dict.fromkeys(name for panel in data for name in panel.found))
    styles = {name: INVERSIONS[name] for name in names}
    figure, axes = _grid(len(data), "distance to the truth", title)
    for ax, panel in zip(axes, data, strict=False):
        for name, values in panel.found.items():
            x = np.sort(np.maximum(np.asarray(values, dtype=float), NEAREST))
            ax.plot([x[0], *x], np.arange(len(x) + 1) / len(x), drawstyle="steps-post",
                    **styles[name])  # fmt: skip
        ax.axvline(near, color="0.3", linestyle=":", linewidth=1.0)
        ax.set_ylim(-0.02, 1.02)
        _dress(ax, panel.title, "share of trials")
    _name(figure, [Line2D([], [], label=name, **styles[name]) for name in names])
    return figure


@dataclasses.dataclass(frozen=True)
class Lines:
    """One panel of lines.

    Parameters
    ----------
    title, xlabel, ylabel : str
        What stands above, below and beside it.
    curves : dict of str to (x, y)
        Sequences of equal length; at least one.
    log : tuple of {"x", "y"}, default both
        The logarithmic axes.
    """

    title: str
    xlabel: str
    ylabel: str
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]]
    log: tuple[str, ...] = ("x", "y")


def lines(data: Sequence[Lines], title: str) -> Figure:
    """Lines with marks, three panels in a row; the same name looks the same in all of them.

    Parameters
    ----------
    data : sequence of Lines
        At least one.
    title : str
        Above all.
    """
    names = list(dict.fromkeys(name for panel in data for name in panel.curves))
    styles = dict(zip(names, itertools.cycle(PROFILES)))
    styles |= {name: INVERSIONS[name] for name in names if name in INVERSIONS}
    figure, axes = _grid(len(data), "", title)
    for ax, panel in zip(axes, data, strict=False):
        for name, (x, y) in panel.curves.items():
            ax.plot(x, y, marker="o", markersize=3, **styles[name])
        curves = panel.curves.values()  # an axis without a positive value cannot be logarithmic
        has_x, has_y = (any(v > 0 for curve in curves for v in curve[i]) for i in (0, 1))
        _dress(ax, panel.title, panel.ylabel, logarithmic="x" in panel.log and has_x)
        ax.set_xlabel(panel.xlabel, fontsize=8)
        if "y" in panel.log and has_y:
            ax.set_yscale("log")
    _name(figure, [Line2D([], [], label=name, **styles[name]) for name in names])
    return figure


@dataclasses.dataclass(frozen=True)
class Boxes:
    """One panel of box plots.

    Parameters
    ----------
    title, xlabel, ylabel : str
        What stands above, below and beside it.
    found : dict of str to dict of int to sequence of float
        For each method, a key of `INVERSIONS`, the values at each place of the x axis.
    """

    title: str
    xlabel: str
    ylabel: str
    found: Mapping[str, Mapping[int, Sequence[float]]]


def boxes(data: Sequence[Boxes], title: str) -> Figure:
    """Box plots side by side (paper B, Figure 4): quartiles, and whiskers from 5 to 95 %.

    Parameters
    ----------
    data : sequence of Boxes
        At least one.
    title : str
        Above all.
    """
    names = list(dict.fromkeys(name for panel in data for name in panel.found))
    colours = {name: INVERSIONS[name]["color"] for name in names}
    figure = Figure(figsize=(6.0 * len(data) + 0.4, 4.2), layout="constrained")
    for ax, panel in zip(figure.subplots(1, len(data), squeeze=False)[0], data, strict=True):
        places = sorted({place for values in panel.found.values() for place in values})
        for index, (name, values) in enumerate(panel.found.items()):
            shift = (index + 0.5) / len(panel.found) - 0.5
            ax.boxplot(
                list(values.values()), positions=[places.index(p) + 0.8 * shift for p in values],
                widths=0.6 / len(panel.found), whis=(5, 95), showfliers=False, patch_artist=True,
                manage_ticks=False, medianprops={"color": "black"},
                boxprops={"facecolor": colours[name], "linewidth": 0.6},
            )  # fmt: skip
        ax.set_xticks(range(len(places)), [str(place) for place in places])
        ax.set_xlabel(panel.xlabel)
        _dress(ax, panel.title, panel.ylabel, logarithmic=False)
        ax.set_ylim(bottom=0.0)
    _name(figure, [Patch(facecolor=colours[n], edgecolor="black", label=n) for n in names])
    figure.suptitle(title, fontsize=11)
    return figure


@dataclasses.dataclass(frozen=True)
class Surfaces:
    """A target and its surfaces as a generator learns.

    Parameters
    ----------
    image : array_like (height, width[, channels])
        The target.
    axis : sequence of float (S,)
        Both latents of the grid.
    times : sequence of int (L,)
        The checkpoints that are shown.
    heights : array_like (L, S, S)
        Rows follow the second latent.
    path : array_like (T + 1, 2)
        The minimiser on every checkpoint.
    along : sequence of float (T + 1,)
        The height of each of its points, on its own surface.
    """

    image: Any
    axis: Sequence[float]
    times: Sequence[int]
    heights: Any
    path: Any
    along: Sequence[float]


def surfaces(data: Sequence[Surfaces], title: str) -> Figure:
    """A row per target: the image, and the surfaces with the path so far (paper B, Figure 1).

    Parameters
    ----------
    data : sequence of Surfaces
        At least one, all of the same number of times.
    title : str
        Above all.
    """
    columns = 1 + len(data[0].times)
    figure = Figure(figsize=(3.3 * columns, 3.2 * len(data) + 0.5), layout="constrained")
    for row, target in enumerate(data):
        image = figure.add_subplot(len(data), columns, row * columns + 1)
        _show(image, np.asarray(target.image))
        image.set_title("target", fontsize=10)
        for column, (time, heights) in enumerate(
            zip(target.times, target.heights, strict=True), row * columns + 2
        ):
            ax = figure.add_subplot(len(data), columns, column, projection="3d")
            _surface(ax, target, time, np.asarray(heights))
    figure.suptitle(title, fontsize=11)
    return figure


def _surface(ax: Any, target: Surfaces, time: int, heights: Array) -> None:
    """One surface, its path up to `time` above it and below it as a shadow."""
    x, y = np.meshgrid(target.axis, target.axis)
    path, along = np.asarray(target.path)[: time + 1], np.asarray(target.along)[: time + 1]
    floor = heights.min() - 0.3 * np.ptp(heights)
    ax.plot_surface(x, y, heights, cmap="viridis", linewidth=0, alpha=0.75, rcount=61, ccount=61)
    ax.contour(x, y, heights, 12, offset=floor, cmap="viridis", linewidths=0.6)
    shade = {"color": "#c0392b", "zorder": 10}
    ax.plot(path[:, 0], path[:, 1], floor, linewidth=1.2, **shade)
    ax.plot(path[-1:, 0], path[-1:, 1], along[-1:], marker="o", markersize=4, **shade)
    ax.set_zlim(floor, heights.max() + 0.05 * np.ptp(heights))
    ax.set_title(f"t = {time}", fontsize=10)
    ax.set_xlabel("$x_1$", fontsize=8)
    ax.set_ylabel("$x_2$", fontsize=8)
    ax.tick_params(labelsize=6)


def _name(figure: Figure, handles: Sequence[Any]) -> None:
    """One legend below all panels, up to six names in a row."""
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 6))


def _last(data: Sequence[Profile]) -> float:
    """Where the curves end."""
    return max(cost for profile in data for costs in profile.solved.values() for cost in costs)


def _dress(ax: Axes, title: str, ylabel: str, logarithmic: bool = True) -> None:
    """What all panels share: a logarithmic x axis as a rule, small letters, a faint grid."""
    if logarithmic:
        ax.set_xscale("log")
    ax.set_title(title, fontsize=10)
    ax.set_ylabel(ylabel, fontsize=8)
    ax.tick_params(labelsize=8, which="both")
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.grid(alpha=0.25, linewidth=0.5)


def _grid(count: int, xlabel: str, title: str) -> tuple[Figure, list[Axes]]:
    """A figure of so many panels, three in a row, and their axes."""
    columns = min(COLUMNS, count)
    rows = math.ceil(count / columns)
    figure = Figure(figsize=(3.6 * columns + 0.4, 2.6 * rows + 1.0), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes[count:]:
        ax.set_axis_off()
    for ax in axes[max(0, count - columns) : count]:
        ax.set_xlabel(xlabel)
    figure.suptitle(title, fontsize=11)
    return figure, list(axes)


def figure1(
    w: Array,
    parabola: Array,
    parabola_over_w: Array,
    well: Array,
    well_over_w: Array,
    barriers: Mapping[str, float],
) -> Figure:
    """Paper A's Figure 1, and below it §2's remark on barriers for a double well.

    Parameters
    ----------
    w : ndarray, shape (n,)
        Coordinates along w₁, along w₂ and along x.
    parabola, well : ndarray, shape (n,)
        x² and (x² - 1)² there.
    parabola_over_w, well_over_w : ndarray, shape (n, n)
        The same functions of x = w₁ w₂.
    barriers : dict
        The double well's barrier found in x ("x") and over (w₁, w₂) ("w").
    """
    figure = Figure(figsize=(8.4, 7.4), layout="constrained")
    axes = figure.subplots(2, 2)
    _curve(axes[0, 0], w, parabola, "$f(x) = x^2$")
    _contours(axes[0, 1], w, parabola_over_w, "$f(w_1 w_2)$, minima on $w_1 = 0$ and $w_2 = 0$")
    axes[0, 1].axhline(0, color="black", linewidth=1.6)
    axes[0, 1].axvline(0, color="black", linewidth=1.6)
    _curve(axes[1, 0], w, well, f"$f(x) = (x^2 - 1)^2$, barrier {barriers['x']:.3f}")
    axes[1, 0].axhline(barriers["x"], color="0.3", linestyle=":", linewidth=1.0)
    _contours(axes[1, 1], w, well_over_w, f"$f(w_1 w_2)$, barrier {barriers['w']:.3f}")
    x = np.outer(w, w).T
    axes[1, 1].contour(w, w, x, levels=[-1, 1], colors="black", linewidths=1.6,
                       linestyles=["--", "-"])  # fmt: skip
    for at, label in (((1.3, 1.3), "$x = 1$"), ((-1.85, 1.3), "$x = -1$")):
        axes[1, 1].text(*at, label, fontsize=9, bbox={"facecolor": "white", "linewidth": 0})
    return figure


def _curve(ax: Axes, x: Array, f: Array, title: str) -> None:
    ax.plot(x, f, color="black", linewidth=1.4)
    ax.set(title=title, xlabel="$x$", ylabel="$f$", ylim=(-0.1, 4.0))


def _contours(ax: Axes, w: Array, heights: Array, title: str) -> None:
    levels = np.linspace(0.0, 4.0, 17)
    filled = ax.contourf(w, w, heights.T, levels=levels, cmap="viridis", extend="max")
    ax.set(title=title, xlabel="$w_1$", ylabel="$w_2$", aspect="equal")
    ax.figure.colorbar(filled, ax=ax, label="$f$", shrink=0.85)


def image_grid(path: str | Path, images: NDArray[Any], columns: int) -> None:
    """Write images (n, height, width, channels) in [0, 1] as one PNG, row by row.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     image_grid(f"{folder}/grid.png", np.zeros((6, 28, 28, 1)), columns=3)
    """
    from matplotlib.image import imsave

    count, height, width, channels = images.shape
    rows = math.ceil(count / columns)
    grid = np.ones((rows * columns, height, width, channels))
    grid[:count] = images
    grid = grid.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    picture = grid.reshape(rows * height, columns * width, channels)
    imsave(path, np.repeat(picture, 3, axis=-1) if channels == 1 else picture[..., :3])


def inversions(
    targets: NDArray[Any],
    outputs: NDArray[Any],
    frames: Sequence[NDArray[Any]] = (),
    times: Sequence[int] = (),
) -> Figure:
    """Targets beside their reconstructions, and the way there: a row per target.

    Parameters
    ----------
    targets, outputs : ndarray (B, height, width[, channels]) or (B, n)
    frames : sequence of ndarray, each like `outputs`
        Outputs on the way.
    times : sequence of int
        The checkpoint of each of the frames.

    Examples
    --------
    >>> figure = inversions(np.zeros((2, 8, 8, 1)), np.zeros((2, 8, 8, 1)))
    >>> len(figure.axes)
    4
    """
    heads = ["target", *(f"t = {t}" for t in times), "found"]
    columns = [targets, *frames, outputs]
    size = (1.1 * len(columns), 1.1 * len(targets) + 0.3)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(len(targets), len(columns), squeeze=False)
    for row, axes in enumerate(grid):
        for ax, column, head in zip(axes, columns, heads, strict=True):
            _show(ax, column[row])
            if row == 0:
                ax.set_title(head, fontsize=8)
    return figure


def _show(ax: Axes, output: NDArray[Any]) -> None:
    """One output: an image, or a line where it is no image."""
    ax.set_axis_off()
    if output.ndim == 1:
        ax.plot(output, lw=0.8)
    elif output.ndim == 3 and output.shape[-1] in (3, 4):
        ax.imshow(output.clip(0.0, 1.0))
    else:
        ax.imshow(output.reshape(*output.shape[:2], -1)[..., 0], cmap="gray", vmin=0.0, vmax=1.0)


def save(figure: Figure, path: str | Path, dpi: int = 150) -> None:
    """Write the figure, whole or not at all.

    Parameters
    ----------
    figure : Figure
        What to write.
    path : path
        A ``.png`` file.
    dpi : int, default 150
        Dots per inch.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}")
    try:
        figure.savefig(temporary, dpi=dpi, format="png")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
