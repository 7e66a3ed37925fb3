"""A panel of both paper A's optimizers: their errors so far on one objective."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ._objectives import GLASS, Scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Panel = tuple[str, Callable[..., Any]]  # its title, and what draws it on ax=
History = Mapping[str, Sequence[Any]]


def descent_panel(
    name: str, histories: Mapping[str, Sequence[History]], found: Scale, against: str
) -> Panel:
    """The panel of an objective, from the histories of the runs of each optimizer.

    Errors are parts of the function's range over its domain where that is known.
    """
    unit = found.span or 1.0
    results = {
        method: [
            {"history": {against: history[against],
                         "fun": [_error(found, value) / unit for value in history["fun"]]}}
            for history in some
        ]
        for method, some in histories.items()
    }  # fmt: skip
    draw = functools.partial(_draw, results, name == GLASS, _label(found), against)
    return name.replace("_", " "), draw


def _error(found: Scale, value: float | None) -> float:
    error = found.error(value)
    return math.nan if error is None else error


def _label(found: Scale) -> str:
    label = "f above best seen" if "best value seen" in found.meaning else "f above minimum"
    return label if found.span is None else f"{label}, of range"


def _draw(results: Any, glass: bool, label: str, against: str, *, ax: Axes) -> None:
    from ..plots import convergence
    from ..problems import SphericalSpinGlass as Glass

    convergence(results, ax=ax, against=against, minimum=None if glass else 0.0)
    ax.set_ylabel("energy per spin" if glass else label)
    if glass:
        ax.axhline(Glass.threshold, color=ax.xaxis.label.get_color(), linestyle=":", linewidth=1.0)
