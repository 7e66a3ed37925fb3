"""Ctrl-C while a call runs: never lost, and never raised where it would do harm.

Python raises KeyboardInterrupt between any two of its instructions. Inside a library that is
compiling or calling back into Python that is swallowed ("Exception ignored in …") or ends the
process. So a call takes the signal over: in the user's own code KeyboardInterrupt is raised at
once, elsewhere at the next point where nothing is under way, which is before and after each
compiled program. A second Ctrl-C is raised at once in any case.

This holds in the main thread where Python's own handler is in place; a user's handler stays.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any


class Watch:
    """What is known of Ctrl-C since an outermost call began.

    Attributes
    ----------
    pending : bool
        Whether one has come that nobody has been told of.
    taken : bool
        Whether KeyboardInterrupt is, or was, on its way.
    users, holding : int
        How deep the call is in code of the user's, and in scopes that shall come to their end.
    """

    def __init__(self) -> None:
        self.pending = self.taken = False
        self.users = self.holding = 0
        self.owner = threading.get_ident()

    def handle(self, number: int, frame: Any) -> None:
        """Take the signal."""
        again, self.pending = self.pending, True
        if again or self.users:
            signal.default_int_handler(number, frame)


_watch: Watch | None = None  # of the outermost call in the main thread


@contextlib.contextmanager
def watched() -> Iterator[Watch]:
    """A scope in which Ctrl-C is raised at safe points alone.

    In one scope inside another, a call within a callback, it ends both calls.
    """
    global _watch
    main = threading.current_thread() is threading.main_thread()
    if main and _watch is not None:
        watch = _watch
        outer, watch.users, watch.taken = watch.users, 0, False
        try:
            yield watch
        finally:
            watch.users = outer
            watch.pending = watch.pending or watch.taken
        return
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield Watch()
        return
    _watch = watch = Watch()
    signal.signal(signal.SIGINT, watch.handle)
    try:
        yield watch
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _watch = None


def is_pending() -> bool:
    """Whether `check` would raise."""
    watch = _watch
    if watch is None or watch.holding or watch.owner != threading.get_ident():
        return False
    return watch.pending


def check() -> None:
    """A safe point: raise KeyboardInterrupt if Ctrl-C has come."""
    if _watch is not None and is_pending():
        _watch.pending, _watch.taken = False, True
        raise KeyboardInterrupt


@contextlib.contextmanager
def holding() -> Iterator[None]:
    """A short scope that comes to its end: nothing is raised in it, and nothing is lost."""
    watch = _watch
    if watch is None or watch.owner != threading.get_ident():
        yield
        return
    watch.holding += 1
    try:
        yield
    finally:
        watch.holding -= 1


class UsersCode:
    """A scope of code of the user's, where KeyboardInterrupt is raised at once."""

    def __enter__(self) -> None:
        check()
        if _watch is not None and _watch.owner == threading.get_ident():
            _watch.users += 1

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        watch = _watch
        if watch is None or watch.owner != threading.get_ident():
            return
        watch.users -= 1
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            watch.pending, watch.taken = False, True
        elif kind is None:
            check()  # where some library has swallowed it


class _Finder:
    """Raises KeyboardInterrupt at the next import."""

    @staticmethod
    def find_spec(*_: object) -> None:
        check()


@contextlib.contextmanager
def importing() -> Iterator[None]:
    """A scope that imports large libraries; Ctrl-C ends it between two of their modules."""
    with watched():
        finder: Any = _Finder()
        sys.meta_path.insert(0, finder)
        try:
            yield
        finally:
            sys.meta_path.remove(finder)
        check()
