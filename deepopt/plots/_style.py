"""How curves look: colours that stand out on white and on black, dashes and marks for grey.

Every colour has a contrast of at least 3 (WCAG 2) against white and against black, so that one
palette serves both; its luminance therefore lies between 0.1 and 0.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._support.checks import shown

Style = dict[str, Any]

COLOURS = ("#1b8a3f", "#d1620a", "#2f6fc4", "#9b4fb0", "#d84a7b", "#767676")
DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (7, 1.5, 1, 1.5)))
MARKS = ("", "s", "^", "D", "v", "P", "X", "*")
HATCHES = ("", "////", "....", "xxxx", "\\\\\\\\", "++++", "oo", "--")


def styles(names: Iterable[str]) -> dict[str, Style]:
    """One style per name, in their order, for the `styles` of `curves` and its siblings.

    Any two differ in dash or mark, so that they can be told apart in grey, and every colour can be
    read on white and on black.

    Parameters
    ----------
    names : iterable of str
        At most 32 different ones; a name that comes again keeps its first place.

    Returns
    -------
    dict of str to dict
        Properties of `matplotlib.lines.Line2D`.

    Raises
    ------
    ValueError
        If there are too many names to tell apart.

    Examples
    --------
    >>> found = styles(["gd", "deep"])
    >>> found["gd"]["linestyle"], found["deep"]["linestyle"]
    ('-', (0, (4, 1.5)))
    """
    distinct = list(dict.fromkeys(names))
    most = len(DASHES) * len(MARKS)
    if len(distinct) > most:
        raise ValueError(f"names must be at most {most} to be told apart, got {len(distinct)}")
    return {name: _style(index) for index, name in enumerate(distinct)}


def _style(index: int) -> Style:
    marks, dash = divmod(index, len(DASHES))
    style: Style = {
        "color": COLOURS[index % len(COLOURS)], "linestyle": DASHES[dash], "linewidth": 1.6,
    }  # fmt: skip
    if MARKS[marks]:  # a few along the curve
        style |= {"marker": MARKS[marks], "markersize": 4.5, "markevery": 0.15}
    return style


def styles_for(names: Iterable[str], given: Mapping[str, Style] | None) -> dict[str, Style]:
    """One per name, or those that are given, each filled up; ValueError for a name without."""
    if given is None:
        return styles(names)
    wanted = {str(name): style for name, style in given.items()}
    for name in names:
        if name not in wanted:
            raise ValueError(f"styles must have one for {name!r}, got {shown(list(given))}")
    return {name: style | wanted[name] for name, style in styles(wanted).items()}
