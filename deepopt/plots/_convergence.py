"""The best value so far, against what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from .._support.checks import check_choice, check_number, shown
from ._axes import axes_for, label, legend
from ._read import Array, array, results_of
from ._style import Style, styles_for

AGAINST = {"nfev": "points evaluated", "time": "seconds", "nit": "iterations"}
FLOOR = 1e-16  # errors below are drawn here: rounding, on a logarithmic axis
MOST = 1000  # points of a curve

Run = tuple[Array, Array]  # costs that grow, and the best value by then


def convergence(
    results: Any,
    *,
    ax: Axes | None = None,
    against: str = "nfev",
    minimum: float | None = None,
    styles: Mapping[str, Style] | None = None,
) -> Axes:
    """The best value so far of one or many runs: the median as steps, the quartiles as a band.

    A curve begins where all of its runs have a value and ends with the longest of them; a run that
    ended earlier keeps its last value. The band, from the first to the third quartile, is drawn
    where there are at least two runs.

    Parameters
    ----------
    results : result, sequence of results, or dict of str to either
        What `deepopt.minimize` returned: for each name one run or several. Anything with a
        `history` as theirs will do: a dict of equal-length columns ``fun`` and that of `against`.
    ax : Axes, optional
        Where to draw; by default on a new figure.
    against : {"nfev", "time", "nit"}, default "nfev"
        The x axis, logarithmic: points evaluated, seconds, or iterations.
    minimum : float, optional
        The least value of f. With it the y axis is f - minimum, logarithmic, with what is below
        1e-16 drawn there; without, f itself, linear.
    styles : dict of str to dict, optional
        Properties of the line of each name; by default `deepopt.plots.styles` of the names.

    Returns
    -------
    curves : Axes

    Raises
    ------
    TypeError, ValueError
        If a result has no history, or another argument is not as described.

    Examples
    --------
    >>> import deepopt
    >>> from deepopt.plots import convergence
    >>> from deepopt.problems import sphere
    >>> f = sphere.with_dim(2)
    >>> runs = [deepopt.minimize(f, method="gd", options={"maxiter": 20}, rng=i) for i in (0, 1)]
    >>> ax = convergence({"gd": runs}, minimum=0.0)
    >>> ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()
    ('points evaluated', 'f - minimum', 'log')
    """
    check_choice("against", against, AGAINST)
    if minimum is not None:
        check_number("minimum", minimum)
    named = {
        name: [_read(run, name, against) for run in runs]
        for name, runs in results_of(results).items()
    }
    looks = styles_for(named, styles)
    ax = axes_for(ax, names=len(looks))
    least = min((x[x > 0].min(initial=np.inf) for runs in named.values() for x, _ in runs))
    least = least if np.isfinite(least) else 1.0
    positive = False
    for name, runs in named.items():
        grid, lower, median, upper = _quartiles([(np.maximum(x, least), f) for x, f in runs])
        if minimum is not None:
            lower, median, upper = (np.maximum(y - minimum, FLOOR) for y in (lower, median, upper))
        positive |= bool((median > 0).any())
        ax.plot(grid, median, drawstyle="steps-post", label=name or None, **looks[name])
        if len(runs) > 1:
            ax.fill_between(grid, lower, upper, step="post", color=looks[name]["color"],
                            alpha=0.25, linewidth=0)  # fmt: skip
    ylabel = "f" if minimum is None else "f - minimum"
    log = ("x", "y") if minimum is not None and positive else ("x",)
    return legend(label(ax, AGAINST[against], ylabel, log))


def _read(result: Any, name: str, against: str) -> Run:
    """Costs and best values so far of one run, from its first finite value."""
    where = f"results[{name!r}]" if name else "results"
    history = result.get("history")
    if not isinstance(history, Mapping) or not {"fun", against} <= set(history):
        raise ValueError(
            f"{where} must have a history with 'fun' and {against!r}, as those of "
            f"deepopt.minimize, got {shown(history)}"
        )
    f = array(f"the history's 'fun' of {where}", history["fun"], (None,))
    x = array(f"the history's {against!r} of {where}", history[against], f.shape)
    if not len(f):
        raise ValueError(f"the history of {where} must have at least one record, got none")
    if not (np.diff(x) >= 0).all():
        raise ValueError(f"the history's {against!r} of {where} must not fall")
    f = np.minimum.accumulate(np.where(np.isnan(f), np.inf, f))
    return x, f


def _quartiles(runs: list[Run]) -> tuple[Array, Array, Array, Array]:
    """A common grid, and the three quartiles of the runs there; NaN where one is not finite."""
    first = max(x[0] for x, _ in runs)
    grid = np.unique(np.concatenate([x for x, _ in runs]))
    grid = grid[grid >= first]
    if len(grid) > MOST:
        grid = np.unique(np.append(np.geomspace(grid[0], grid[-1], MOST)[:-1], grid[-1]))
    values = np.stack([f[np.searchsorted(x, grid, side="right") - 1] for x, f in runs])
    with np.errstate(invalid="ignore"):
        found = np.quantile(values, (0.25, 0.5, 0.75), axis=0)
    lower, median, upper = np.where(np.isfinite(found), found, np.nan)
    return grid, lower, median, upper
