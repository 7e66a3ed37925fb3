"""Distributions and lines: the results of many runs of several methods."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from .._support.checks import check_number, shown
from ._axes import axes_for, ink, label, legend
from ._read import Array, array, named
from ._style import HATCHES, Style, styles_for

NEAREST = 1e-7  # distances below are drawn here


def data_profile(
    solved: Mapping[str, Sequence[float]],
    total: Mapping[str, int],
    *,
    ax: Axes | None = None,
    xlabel: str = "seconds",
    styles: Mapping[str, Style] | None = None,
) -> Axes:
    """The share of instances that each solver has solved, against what it spent on each.

    Parameters
    ----------
    solved : dict of str to sequence of float
        For each solver, what it had spent when it solved each of the instances that it solved.
    total : dict of str to int
        For each solver, the number of instances that it was run on.
    ax : Axes, optional
        Where to draw; by default on a new figure.
    xlabel : str, default "seconds"
        What was spent, with its unit; the axis is logarithmic.
    styles : dict of str to dict, optional
        Properties of the line of each name; by default `deepopt.plots.styles` of the names.

    Returns
    -------
    profiles : Axes

    Raises
    ------
    TypeError, ValueError
        If a cost is not a number of at least 0, or a total is missing or too small.

    References
    ----------
    Moré & Wild, Benchmarking derivative-free optimization algorithms, 2009.

    Examples
    --------
    >>> from deepopt.plots import data_profile
    >>> ax = data_profile({"a": [1.0, 3.0], "b": [2.0]}, {"a": 4, "b": 4})
    >>> ax.get_lines()[0].get_ydata()
    array([0.  , 0.25, 0.5 , 0.5 ])
    """
    costs = {name: _costs(name, values) for name, values in named("solved", solved).items()}
    counts = named("total", total)
    for name, some in costs.items():
        if name not in counts:
            raise ValueError(f"total must have the number of instances of {name!r}, got none")
        check_number(f"total[{name!r}]", counts[name], whole=True, at_least=max(1, len(some)))
    looks = styles_for(costs, styles)
    ax = axes_for(ax, names=len(looks))
    together = np.concatenate(list(costs.values()))
    ends = together[together > 0] if (together > 0).any() else np.ones(1)
    for name, some in costs.items():
        x = np.sort(np.maximum(some, ends.min()))
        y = np.arange(len(x) + 1) / counts[name]
        begin = x[:1] if len(x) else ends.min()
        ax.plot(np.r_[begin, x, ends.max()], np.r_[y, y[-1]], drawstyle="steps-post", label=name,
                **looks[name])  # fmt: skip
    ax.set_ylim(-0.02, 1.02)
    return legend(label(ax, xlabel, "share solved", ("x",)))


def _costs(name: str, values: Any) -> Array:
    costs = array(f"solved[{name!r}]", values, (None,))
    if not (np.isfinite(costs) & (costs >= 0)).all():
        raise ValueError(f"solved[{name!r}] must be finite and at least 0, got {shown(values)}")
    return costs


def distances(
    found: Mapping[str, Sequence[float]],
    *,
    ax: Axes | None = None,
    near: float = 0.01,
    styles: Mapping[str, Style] | None = None,
) -> Axes:
    """The distribution of distances to the truth: the share of trials that came as near.

    Parameters
    ----------
    found : dict of str to sequence of float
        For each method the distance of every trial; below 1e-7 they are drawn there, and a trial
        without one (NaN) counts as infinitely far.
    ax : Axes, optional
        Where to draw; by default on a new figure.
    near : float, default 0.01
        The distance that counts as a success, marked by a dotted line.
    styles : dict of str to dict, optional
        Properties of the line of each name; by default `deepopt.plots.styles` of the names.

    Returns
    -------
    distributions : Axes

    Raises
    ------
    TypeError, ValueError
        If the distances are not numbers of at least 0, or there are none.

    Examples
    --------
    >>> from deepopt.plots import distances
    >>> ax = distances({"surfing": [0.001, 0.002], "Adam": [0.001, 1.0]})
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('distance to the truth', 'share of trials')
    """
    check_number("near", near, above=0.0)
    trials = {}
    for name, values in named("found", found).items():
        trials[name] = array(f"found[{name!r}]", values, (None,))
        if not len(trials[name]) or (trials[name] < 0).any():
            raise ValueError(
                f"found[{name!r}] must be distances of at least 0, got {shown(values)}"
            )
    looks = styles_for(trials, styles)
    ax = axes_for(ax, names=len(looks))
    ends = [x[np.isfinite(x)].max(initial=near) for x in trials.values()]
    for name, values in trials.items():
        x = np.sort(np.maximum(values[np.isfinite(values)], NEAREST))
        y = np.arange(len(x) + 1) / len(values)
        begin = x[:1] if len(x) else NEAREST
        ax.plot(np.r_[begin, x, max(ends)], np.r_[y, y[-1]], drawstyle="steps-post", label=name,
                **looks[name])  # fmt: skip
    ax.axvline(near, color=ink(ax), linestyle=":", linewidth=1.0)
    ax.set_ylim(-0.02, 1.02)
    return legend(label(ax, "distance to the truth", "share of trials", ("x",)))


def boxes(
    found: Mapping[str, Mapping[Any, Sequence[float]]],
    *,
    ax: Axes | None = None,
    xlabel: str = "",
    ylabel: str = "",
    styles: Mapping[str, Style] | None = None,
) -> Axes:
    """Box plots side by side: median, quartiles, and whiskers from the 5th to the 95th percentile.

    Parameters
    ----------
    found : dict of str to dict of number to sequence of float
        For each method the values at each place of the x axis. The y axis begins at 0 where no
        value is negative.
    ax : Axes, optional
        Where to draw; by default on a new figure.
    xlabel, ylabel : str
        What stands below and beside it.
    styles : dict of str to dict, optional
        The "color" of each name; by default `deepopt.plots.styles` of the names. Hatches follow
        its order.

    Returns
    -------
    box_plots : Axes

    Raises
    ------
    TypeError, ValueError
        If the values are not numbers, or there are none at a place.

    Examples
    --------
    >>> from deepopt.plots import boxes
    >>> ax = boxes({"a": {10: [1.0, 2.0, 3.0]}, "b": {10: [2.0, 3.0, 4.0], 20: [1.0, 2.0]}})
    >>> [tick.get_text() for tick in ax.get_xticklabels()]
    ['10', '20']
    """
    groups = {}
    for name, values in named("found", found).items():
        where = f"found[{name!r}]"
        if not isinstance(values, Mapping):
            raise TypeError(f"{where} must be a dict of place to values, got {shown(values)}")
        for at in values:
            if not isinstance(at, numbers.Real):
                raise TypeError(f"{where} must have numbers for places, got {shown(at)}")
        groups[name] = {at: array(f"{where}[{at}]", some, (None,)) for at, some in values.items()}
        if not all(len(some) for some in groups[name].values()) or not groups[name]:
            raise ValueError(f"{where} must have values at every place, got {shown(values)}")
    looks = styles_for(groups, styles)
    hatches = {name: HATCHES[i % len(HATCHES)] for i, name in enumerate(looks)}
    ax = axes_for(ax, names=len(looks))
    places = sorted({place for values in groups.values() for place in values})
    for index, (name, values) in enumerate(groups.items()):
        shift = 0.8 * ((index + 0.5) / len(groups) - 0.5)
        ax.boxplot(
            list(values.values()), positions=[places.index(place) + shift for place in values],
            widths=0.64 / len(groups), whis=(5, 95), showfliers=False, patch_artist=True,
            manage_ticks=False, label=name, medianprops={"color": ink(ax), "linewidth": 1.6},
            boxprops={"facecolor": looks[name]["color"], "edgecolor": ink(ax), "linewidth": 0.7,
                      "hatch": hatches[name], "hatch_linewidth": 0.5},
            whiskerprops={"color": ink(ax), "linewidth": 0.8},
            capprops={"color": ink(ax), "linewidth": 0.8},
        )  # fmt: skip
    ax.set_xticks(range(len(places)), [str(place) for place in places])
    if all((some >= 0).all() for values in groups.values() for some in values.values()):
        ax.set_ylim(bottom=0.0)
    return legend(label(ax, xlabel, ylabel))


def curves(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    ax: Axes | None = None,
    xlabel: str = "",
    ylabel: str = "",
    log: Sequence[str] = ("x", "y"),
    styles: Mapping[str, Style] | None = None,
) -> Axes:
    """Lines with a mark at every point.

    Parameters
    ----------
    curves : dict of str to (x, y)
        Two sequences of equal length for each name; y may hold NaN.
    ax : Axes, optional
        Where to draw; by default on a new figure.
    xlabel, ylabel : str
        What stands below and beside it.
    log : sequence of {"x", "y"}, default both
        The logarithmic axes; one without any positive value stays linear.
    styles : dict of str to dict, optional
        Properties of the line of each name; by default `deepopt.plots.styles` of the names.

    Returns
    -------
    lines : Axes

    Raises
    ------
    TypeError, ValueError
        If x and y are not numbers of equal length.

    Examples
    --------
    >>> from deepopt.plots import curves
    >>> ax = curves({"a": ([1, 10, 100], [1, 0.1, 0.01])}, xlabel="m", ylabel="error")
    >>> ax.get_xscale(), ax.get_yscale()
    ('log', 'log')
    """
    if not set(log) <= {"x", "y"}:
        raise ValueError(f"log must hold 'x' and 'y' alone, got {shown(log)}")
    drawn = {}
    for name, pair in named("curves", curves).items():
        if not isinstance(pair, Sequence) or len(pair) != 2:
            raise ValueError(f"curves[{name!r}] must be a pair (x, y), got {shown(pair)}")
        x = array(f"x of curves[{name!r}]", pair[0], (None,))
        drawn[name] = x, array(f"y of curves[{name!r}]", pair[1], x.shape)
    looks = styles_for(drawn, styles)
    ax = axes_for(ax, names=len(looks))
    for name, (x, y) in drawn.items():
        marks = {"marker": looks[name].get("marker", "o"), "markersize": 4, "markevery": None}
        ax.plot(x, y, label=name, **looks[name] | marks)
    positive = [
        n for i, n in enumerate("xy") if any((pair[i] > 0).any() for pair in drawn.values())
    ]
    return legend(label(ax, xlabel, ylabel, tuple(name for name in positive if name in log)))
