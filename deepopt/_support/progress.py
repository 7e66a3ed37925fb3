"""What is seen of work while it goes on: one live line on a terminal, a log or nothing elsewhere.

Rich draws the line, and is loaded when there is one.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.table import Table

PER_SECOND = 5  # drawings
BAR = 24  # columns
WIDTH = 160  # columns of a table that does not go to a terminal


class Seen(NamedTuple):
    """How far the work was at some time."""

    at: float  # time.perf_counter()
    done: float  # of the unit
    share: float | None  # of all that the limits allow


class Line:
    """A line with what is best so far, the rate, the time, and the time left where it is known.

    It lives within its scope, where standard output is a terminal, and leaves no trace there. Of
    two scopes, one in the other, only the outer one has it.

    Parameters
    ----------
    label : str
    unit : str
        What is counted, in the plural.
    limits : sequence of (float or None)
        Of each of the counts that `see` is told; the first is that of the unit.
    seconds : float, optional
        Wall seconds at most.
    started : float, optional
        The time.perf_counter() from which they count; default: when the scope begins.
    shown : bool, default True
        False: nothing is printed at all.

    Examples
    --------
    >>> with Line("sweep", "cells", (2,)) as line:
    ...     line.see("the first", 1)
    ...     line.log("[1/2] the first")
    ...     line.say("done")
    [1/2] the first
    done
    """

    _drawn = False  # whether some line is

    def __init__(
        self, label: str, unit: str, limits: Sequence[float | None] = (None,),
        seconds: float | None = None, started: float | None = None, shown: bool = True,
    ) -> None:  # fmt: skip
        self._label, self._unit, self._limits = label, unit, limits
        self._seconds = None if seconds is None or math.isinf(seconds) else seconds
        self._started, self._shown = started, shown
        self._words = ""
        self._first: Seen | None = None
        self._last: Seen | None = None
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self._started is None:
            self._started = time.perf_counter()
        if self._shown and on_terminal() and not Line._drawn:
            from rich.console import Console
            from rich.live import Live

            self._live = Live(
                console=Console(force_jupyter=False), get_renderable=self._drawing,
                refresh_per_second=PER_SECOND, transient=True,
            )  # fmt: skip
            Line._drawn = True
            try:
                self._live.start(refresh=True)
            except BaseException:  # Ctrl-C just now
                self._stop()
                raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def _stop(self) -> None:
        """Leave the terminal as it was."""
        if self._live is not None:
            live, self._live = self._live, None
            Line._drawn = False
            live.stop()

    def see(self, words: str, *counts: float) -> None:
        """Show these words, and how far the counts are."""
        if self._live is None:
            return
        shares = [
            min(count / limit, 1.0)
            for count, limit in zip(counts, self._limits, strict=False)
            if limit is not None and 0 < limit < math.inf
        ]
        share = max(shares, default=None)
        self._last = Seen(time.perf_counter(), counts[0] if counts else 0, share)
        self._first = self._first or self._last
        self._words = words

    def log(self, words: str) -> None:
        """Print a line where there is no terminal."""
        if self._live is None:
            self.say(words)

    def say(self, words: str) -> None:
        """Print a line that stays."""
        if self._shown and self._live is not None:
            from rich.text import Text

            self._live.console.print(Text(words), soft_wrap=True)
        elif self._shown:
            print(words, flush=True)

    # What is drawn

    def _drawing(self) -> Table:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        now = time.perf_counter()
        share = self._share(now)
        bar = ProgressBar(
            1.0, share or 0.0, width=BAR, pulse=share is None, animation_time=now
        )  # fmt: skip
        grid = Table.grid(padding=(0, 2, 0, 0))
        for _ in range(5):
            grid.add_column(no_wrap=True, overflow="ellipsis")
        parts = (self._label, self._words, self._counted(), self._times(now))
        label, *others = (Text(" ".join(part.split())) for part in parts)
        grid.add_row(label, bar, *others)
        return grid

    def _share(self, now: float) -> float | None:
        """Of what the limits allow, by now."""
        known = [] if self._last is None or self._last.share is None else [self._last.share]
        if self._seconds is not None:
            known.append(min((now - self._begun) / self._seconds, 1.0))
        return max(known, default=None)

    @property
    def _begun(self) -> float:
        assert self._started is not None
        return self._started

    def _counted(self) -> str:
        """How many, of how many, and how fast."""
        if self._first is None or self._last is None:
            return ""
        done, limit = self._last.done, self._limits[0] if self._limits else None
        words = f"{done:,.0f}" if limit is None else f"{done:,.0f}/{limit:,.0f}"
        more, seconds = done - self._first.done, self._last.at - self._first.at
        if more <= 0 or seconds <= 0:
            return f"{words} {self._unit}"
        rate = more / seconds
        return f"{words} {self._unit}, " + (
            f"{_short(rate)}/s" if rate >= 1 else f"{_short(1 / rate)} s each"
        )

    def _times(self, now: float) -> str:
        """What has passed, and what is left."""
        passed, left = now - self._begun, self._left(now)
        return _clock(passed) if left is None else f"{_clock(passed)}, {_clock(left)} left"

    def _left(self, now: float) -> float | None:
        """Seconds until the first limit, as far as that can be told."""
        known = [] if self._seconds is None else [self._begun + self._seconds - now]
        first, last = self._first, self._last
        if first is not None and last is not None and first.share is not None:
            gained = (last.share or 0.0) - first.share
            if gained > 0:
                ends = last.at + (1.0 - (last.share or 0.0)) * (last.at - first.at) / gained
                known.append(ends - now)
        return max(0.0, min(known)) if known else None


def on_terminal() -> bool:
    """Whether standard output is a terminal that can redraw a line."""
    out: Any = sys.stdout
    try:
        return bool(out.isatty()) and os.environ.get("TERM", "") not in ("dumb", "unknown")
    except (AttributeError, ValueError):  # none, or a closed one
        return False


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def _clock(seconds: float) -> str:
    """m:ss, or h:mm:ss."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def console_for(quiet: bool) -> Console:
    """Standard output, or nothing."""
    from rich.console import Console

    return Console(quiet=quiet, width=None if sys.stdout.isatty() else WIDTH)
