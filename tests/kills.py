"""Calls that end before their time and are made again: what saving is tried with.

A *moment* is a call of the user's function, gradient or callback, or a line of deepopt that runs.
`interrupted` makes a call, ends it at random moments, makes it again each time, and lets the last
one come to its end.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import deepopt
from deepopt._support import saving as _saving

SAVES = (1e-3, 1e3)  # seconds between two saves: all the time, and hardly ever
SOON = 50  # of so many parts of a call the first
SHARE = 0.5  # of the time may go into saving, so that a short call is saved often
PACKAGE = str(Path(deepopt.__file__).parent)
UNTRACED = {  # what is compiled, and what puts the process' own settings back
    "_backend.py", "loop.py", "state.py", "interrupts.py",
}  # fmt: skip

Call = Callable[["Doom", dict[str, Any]], Any]


class Killed(Exception):
    """As if the user's function were gone."""


class Gone(BaseException):
    """As if the process were."""


class Doom:
    """The moment at which a call ends before its time.

    Parameters
    ----------
    at : float
        The number of that moment, from 1 on.
    error : type of exception
        What is raised then; but for KeyboardInterrupt, which comes once, at every moment after it
        too.
    path : Path or None
        The file of the call, whose content at that moment is kept in `left`.

    Attributes
    ----------
    moments : int
        How many there have been.
    came : bool
        Whether the end has come.
    points : set of bytes
        Where the user's functions were asked, the end notwithstanding.
    """

    def __init__(
        self, at: float = np.inf, error: type[BaseException] = Killed, path: Path | None = None
    ) -> None:
        self.moments, self.came = 0, False
        self.points: set[bytes] = set()
        self.left: bytes | None = None
        self._at, self._error, self._path = at, error, path

    def look(self) -> None:
        """A moment has come."""
        self.moments += 1
        if self.moments < self._at or (self.came and self._error is KeyboardInterrupt):
            return
        if not self.came and self._path is not None and self._path.exists():
            self.left = self._path.read_bytes()
        self.came = True
        raise self._error

    def of(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function each of whose calls is a moment."""

        def doomed(x: Any, *args: Any) -> Any:
            self.points.add(np.asarray(x).tobytes())
            self.look()
            return function(x, *args)

        return doomed

    def watch(self, intermediate_result: Any) -> None:
        """A callback each of whose calls is a moment."""
        self.look()

    @contextlib.contextmanager
    def lines(self) -> Iterator[None]:
        """A scope in which each line of deepopt is a moment, but for those that are compiled."""

        def line(frame: Any, event: str, argument: Any) -> Any:
            if event == "line":
                self.look()
            return line

        def enter(frame: Any, event: str, argument: Any) -> Any:
            file = frame.f_code.co_filename
            ours = file.startswith(PACKAGE) and Path(file).name not in UNTRACED
            return line if ours and event == "call" else None

        before = sys.gettrace()
        sys.settrace(enter)
        try:
            yield
        finally:
            sys.settrace(before)


def whole(call: Call) -> tuple[Any, Doom]:
    """The result of a call that goes on to its end, and its moments.

    Of two calls the second counts: in the first f may yet be unknown, which costs points.
    """
    call(Doom(), {})
    doom = Doom()
    return call(doom, {}), doom


def interrupted(
    call: Call,
    never: Doom,
    path: Path,
    rng: np.random.Generator,
    errors: tuple[type[BaseException], ...] = (Killed,),
    kills: int = 3,
) -> Any:
    """The result of a call that is ended so many times before it comes to its end.

    Half of the ends come soon after the call has gone on. Half of the times nothing that runs after
    that moment, such as a last save, reaches the file. No point may be asked for that the
    uninterrupted call does not ask for.

    Parameters
    ----------
    call : callable
        call(doom, options) makes the call with the moments of `doom` in it, and with these options
        beside its own.
    never : Doom
        That of the uninterrupted call.
    path : Path
        The file of the call.
    rng : numpy.random.Generator
    errors : tuple of types
        One of which is raised.
    kills : int
    """
    for _ in range(kills):
        soon = rng.random() < 0.5
        last = max(3, never.moments // SOON) if soon else max(3, never.moments // kills)
        doom = Doom(rng.integers(1, last + 1), errors[rng.integers(len(errors))], path)
        hard = rng.random() < 0.5
        result = _ended(call, doom, path, rng)
        assert doom.points <= never.points, "it has left its way"
        if not doom.came:  # nothing was left to do
            return result
        if hard and doom.left is not None:
            path.write_bytes(doom.left)
        elif hard:
            path.unlink(missing_ok=True)
    doom = Doom()
    result = _ended(call, doom, path, rng)
    assert doom.points <= never.points, "it has left its way"
    assert not path.exists(), "the file is left after the end"
    return result


def _ended(call: Call, doom: Doom, path: Path, rng: np.random.Generator) -> Any:
    """What a call gives, if it comes back."""
    before, _saving.SHARE = _saving.SHARE, SHARE
    try:
        return call(doom, {"checkpoint": path, "save_every": SAVES[rng.integers(len(SAVES))]})
    except (Killed, Gone, KeyboardInterrupt):
        if not doom.came:
            raise
        return None
    finally:
        _saving.SHARE = before


def same(one: Any, other: Any) -> None:
    """Raise AssertionError unless two results are alike to the last bit, but for the seconds."""
    assert one.keys() == other.keys()
    for key in one.keys() - {"history"}:
        np.testing.assert_array_equal(one[key], other[key], err_msg=key)
    for key in one.get("history", {}).keys() - {"time"}:
        np.testing.assert_array_equal(one.history[key], other.history[key], err_msg=key)
