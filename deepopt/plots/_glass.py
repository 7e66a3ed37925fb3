"""What a search found on a spherical spin glass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from .._support.checks import shown
from ..problems import SphericalSpinGlass
from ._axes import axes_for, ink, label, legend
from ._read import Array, array, results_of
from ._style import Style, styles_for

BINS = 30


def energies(
    glass: SphericalSpinGlass,
    results: Any,
    *,
    ax: Axes | None = None,
    styles: Mapping[str, Style] | None = None,
) -> Axes:
    """Histograms of the energies per spin of what was found, and the glass's two levels.

    Parameters
    ----------
    glass : SphericalSpinGlass
        The function that was minimised.
    results : result, sequence of results, or dict of str to either
        What `deepopt.minimize` returned, for each name one run or several. The energies are those
        of all points of `population`, or where there is none `population_energies`.
    ax : Axes, optional
        Where to draw; by default on a new figure. Labelled lines mark the threshold, below which
        most critical points are minima, and the ground state, both as N grows.
    styles : dict of str to dict, optional
        Properties of the line of each name; by default `deepopt.plots.styles` of the names.

    Returns
    -------
    energies : Axes

    Raises
    ------
    TypeError, ValueError
        If `glass` is no glass, or a result has no population of its points.

    Examples
    --------
    >>> import deepopt
    >>> from deepopt.plots import energies
    >>> from deepopt.problems import SphericalSpinGlass
    >>> glass = SphericalSpinGlass(10, rng=0)
    >>> found = deepopt.minimize(glass, method="gd", options={"maxiter": 20}, rng=0)
    >>> ax = energies(glass, {"gd": found})
    >>> [text.get_text() for text in ax.texts]
    ['threshold', 'ground state']
    """
    if not isinstance(glass, SphericalSpinGlass):
        raise TypeError(f"glass must be a SphericalSpinGlass, got {shown(glass)}")
    named = {
        name: np.concatenate([_energies(glass, run, name) for run in runs])
        for name, runs in results_of(results).items()
    }
    looks = styles_for(named, styles)
    ax = axes_for(ax, names=len(looks))
    together = np.concatenate([*named.values(), [glass.threshold, glass.ground_state]])
    bins = np.linspace(together.min(), together.max(), BINS + 1)
    for name, values in named.items():
        look = {key: looks[name][key] for key in ("color", "linestyle", "linewidth")}
        heights, _ = np.histogram(values, bins)
        first, last = np.flatnonzero(heights)[[0, -1]]
        own = heights[first : last + 1], bins[first : last + 2]
        ax.stairs(*own, label=name or None, **look)
        ax.stairs(*own, fill=True, color=look["color"], alpha=0.2, linewidth=0)
    levels = (("threshold", glass.threshold, "left"), ("ground state", glass.ground_state, "right"))
    for text, at, side in levels:
        ax.axvline(at, color=ink(ax), linestyle=":" if text == "threshold" else "-.", linewidth=1.0)
        ax.annotate(
            text, (at, 0.98), (3 if side == "left" else -3, 0), color=ink(ax), fontsize="small",
            rotation=90, xycoords=ax.get_xaxis_transform(), textcoords="offset points", ha=side,
            va="top",
        )  # fmt: skip
    span = bins[-1] - bins[0]
    ax.set_xlim(bins[0] - 0.08 * span, bins[-1] + 0.03 * span)  # room for the text
    return legend(label(ax, "energy per spin", "points"))


def _energies(glass: SphericalSpinGlass, result: Any, name: str) -> Array:
    """Energies per spin (n,), those that are finite."""
    where = f"of results[{name!r}]" if name else "of results"
    if result.get("population") is not None:
        population = array(f"population {where}", result["population"], (None, glass.dim))
        found = np.asarray(glass.energy_per_spin(population), dtype=float)
    elif result.get("population_energies") is not None:
        values = array(f"population_energies {where}", result["population_energies"], (None,))
        found = values / glass.dim
    else:
        raise ValueError(
            "results must have a population or population_energies, as those of "
            f"deepopt.minimize, got {shown(result)} {where}"
        )
    finite: Array = found[np.isfinite(found)]
    if not len(finite):
        raise ValueError(f"the population {where} must have a finite energy, got none")
    return finite
