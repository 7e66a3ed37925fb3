"""What any call has, whatever it searches: its turn, clock, progress, and the file it is kept in.

`minimize` and `invert` read their arguments, make a `Session` and give the rest to `run`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from .._backend import TURN, precision
from .._support.files import folder_for
from .._support.interrupts import UsersCode, watched
from .._support.progress import Line
from .._support.results import Result, mark_interrupted
from .._support.saving import Saver, State, described
from .options import CallOptions


class Session:
    """A call while it runs, within its scope.

    Parameters
    ----------
    options : CallOptions
    label, unit : str
        Of the line of progress: the method, and what is counted.
    limits : sequence of (float or None)
        Of the counts that the line shows.
    started : float
        time.perf_counter() at the start of the call.

    Attributes
    ----------
    deadline : float
        A time.perf_counter().
    line : Line
    saver : Saver or None
    kept : dict
        What was saved of this call; empty where nothing was.
    """

    def __init__(
        self, options: CallOptions, label: str, unit: str, limits: Sequence[float | None],
        started: float,
    ) -> None:  # fmt: skip
        self._options = options
        self.started = started
        self.deadline = started + (np.inf if options.maxtime is None else float(options.maxtime))
        self.line = Line(label, unit, limits, options.maxtime, started, shown=bool(options.disp))
        self.saver: Saver | None = None
        self.kept: State = {}
        self._scope = contextlib.ExitStack()
        self._computes = False

    def open(
        self, call: Mapping[str, str], options: Any, shared: Mapping[str, Any],
        kinds: Callable[[], Sequence[type]],
    ) -> None:  # fmt: skip
        """Look into the call's file, if it has one; arguments as those of `Saver`.

        `kinds()` gives the classes, which may take long to load.
        """
        if self._options.checkpoint is not None:
            path, every = Path(self._options.checkpoint), self._options.save_every
            self.saver = Saver(path, every, {**call, **described(options)}, shared, kinds())
            self.kept = self.saver.kept or {}

    def __enter__(self) -> Self:
        self._scope.enter_context(self.line)
        return self

    def __exit__(self, *error: Any) -> None:
        self._scope.__exit__(*error)

    def compute(self) -> None:
        """From now on tensors are needed: compute in the call's precision."""
        if not self._computes:
            self._computes = True
            options = self._options
            self._scope.enter_context(precision(options.dtype, options.precision))

    def keeping(self) -> contextlib.AbstractContextManager[None]:
        """A scope at whose end the file is written, or goes if the call is `over`."""
        return contextlib.nullcontext() if self.saver is None else self.saver.keeping()

    def begin(self, state: Callable[[], State], bridged: bool = False) -> None:
        """A part of the call begins; `state` is what the saver has to know of it."""
        if self.saver is not None:
            self.saver.begin(state, bridged)

    def end(self, over: bool) -> None:
        """The call ends, and is `over` if nothing is left to do."""
        if self.saver is not None:
            self.saver.over = over


def run(options: CallOptions, body: Callable[[], Result]) -> Result:
    """Run a call in its turn; Ctrl-C that comes meanwhile is in the result."""
    with contextlib.ExitStack() as scope:
        scope.enter_context(TURN)
        watch = scope.enter_context(watched())
        if options.checkpoint is not None:
            scope.enter_context(folder_for(Path(options.checkpoint).parent, name="checkpoint"))
        result = body()
    if watch.pending:
        mark_interrupted(result)
    return result


def stopped_by(callback: Callable[..., Any], *args: Any, **named: Any) -> bool:
    """Whether the user's callback, called with these, asks for an end by StopIteration."""
    try:
        with UsersCode():
            callback(*args, **named)
    except StopIteration:
        return True
    return False
