"""Cards: a title and a few named lines, as text and as a table of a notebook."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

WIDTH = 96  # columns of a line
MOST_LINES = 6  # of one row
FIRST = 5  # numbers of a long point that are shown before its last
MARGIN = "padding: 0.15em 0.8em; text-align: left; background: transparent"  # of a cell


class Card(NamedTuple):
    """A title, and rows of a label and its words."""

    title: str
    rows: Sequence[tuple[str, str]]

    @property
    def text(self) -> str:
        """The title, and the rows below it."""
        wide = max((len(label) for label, _ in self.rows), default=0)
        lines = [_wrapped(self.title, "", "  ")]
        for label, words in self.rows:
            lines.append(_wrapped(words, f"  {label:>{wide}}  ", " " * (wide + 4)))
        return "\n".join(lines)

    @property
    def html(self) -> str:
        """A table whose colours are those of the page around it."""
        rows = "".join(
            f'<tr style="background: transparent"><th scope="row" style="{MARGIN}; opacity: 0.7; '
            f'font-weight: normal">{html.escape(label)}</th><td style="{MARGIN}; font-family: '
            f'monospace">{html.escape(words)}</td></tr>'
            for label, words in self.rows
        )
        return (
            '<table style="color: inherit; background: transparent; border-collapse: collapse; '
            'border-left: 3px solid #888">'
            f'<caption style="caption-side: top; text-align: left; color: inherit; padding: 0.2em '
            f'0.8em; font-weight: bold">{html.escape(self.title)}</caption>'
            f"<tbody>{rows}</tbody></table>"
        )


def _wrapped(words: str, first: str, next_: str) -> str:
    """Behind `first`, on as many lines as it takes, but for a few."""
    return textwrap.fill(
        words, WIDTH, initial_indent=first, subsequent_indent=next_, max_lines=MOST_LINES,
        placeholder=" …", break_on_hyphens=False,
    )  # fmt: skip


def number(value: Any, digits: int = 10) -> str:
    """A number in so many digits; anything else as it prints, on one line at most."""
    try:
        return f"{float(value):.{digits}g}"
    except (TypeError, ValueError, OverflowError):
        words = " ".join(str(value).split())
        return words if len(words) < WIDTH // 2 else f"{words[: WIDTH // 2]} …"


def count(value: Any, one: str, many: str | None = None) -> str:
    """So many things."""
    try:
        return f"{int(value):,} {one if value == 1 else many or f'{one}s'}"
    except (TypeError, ValueError, OverflowError):
        return f"{number(value)} {many or f'{one}s'}"


def span(values: Any, digits: int = 3) -> str:
    """From the least to the greatest of an array."""
    array = np.asarray(values, dtype=float).ravel()
    if not array.size:
        return "none"
    low, high = number(array.min(), digits), number(array.max(), digits)
    return low if low == high else f"{low} to {high}"


def point(values: Any) -> str:
    """The first numbers of a point, its last, and how many there are."""
    array = np.asarray(values)
    if array.ndim > 1:
        return f"{len(array)} of {' × '.join(map(str, array.shape[1:]))} numbers"
    array = np.atleast_1d(array)
    some = len(array) > FIRST + 1
    parts = [number(value, 5) for value in (array[:FIRST] if some else array)]
    if some:
        return f"[{' '.join(parts)} … {number(array[-1], 5)}]  {len(array)} numbers"
    return f"[{' '.join(parts)}]"


def names(keys: Iterable[str], width: int) -> str:
    """As many of the names as a line holds."""
    return textwrap.shorten(", ".join(sorted(map(str, keys))), width, placeholder=" …")


def assigned(values: Mapping[str, Any]) -> str:
    """name=value, one after the other."""
    return ", ".join(f"{key}={' '.join(repr(value).split())}" for key, value in values.items())
