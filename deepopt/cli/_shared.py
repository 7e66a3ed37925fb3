"""What the commands share: errors in one line, options alike, and results as JSON."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130  # exit codes; the last is the shell's for Ctrl-C
OURS = (ValueError, TypeError, OSError, MemoryError)  # what the package raises in one sentence

Command = Callable[..., None]


class _Error(click.ClickException):
    """One line on stderr, and an exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.exit_code = code  # type: ignore[misc]


def plainly(command: Command) -> Command:
    """Turn errors into one line, and Ctrl-C into what was kept; adds --debug."""

    @functools.wraps(command)
    def wrapped(*args: Any, debug: bool, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except KeyboardInterrupt as stop:
            click.echo(str(stop) or "Interrupted.", err=True)
            sys.exit(INTERRUPTED)
        except Exception as error:
            if debug:
                traceback.print_exc()
            raise _in_one_line(error) from error

    return click.option("--debug", is_flag=True, help="Show the traceback of an error.")(wrapped)


def _in_one_line(error: Exception) -> _Error:
    place = _users_place(error)
    if isinstance(error, OURS) and place is None:
        return _Error(str(error) or type(error).__name__, BAD_INPUT)
    words = f"{type(error).__name__}: {' '.join(str(error).split())}"
    where = "" if place is None else f" ({place})"
    return _Error(f"{words}{where}; --debug shows the traceback", FAILED)


def _users_place(error: Exception) -> str | None:
    """File and line of the last frame that is of no library: in the user's own function."""
    standard = [Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")]
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        path = Path(frame.f_code.co_filename)
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        library = (
            package == "deepopt"
            or {"site-packages", "dist-packages"} & set(path.parts)
            or any(path.is_relative_to(folder) for folder in standard)
        )
        if path.is_file() and not library:
            return f"{path.name}, line {line}"
    return None


def as_json(command: Command) -> Command:
    """Add --json."""
    return click.option(
        "--json", "json_", is_flag=True,
        help="Print one JSON document, and nothing else, on standard output.",
    )(command)  # fmt: skip


def seeded(command: Command) -> Command:
    """Add --seed."""
    return click.option("--seed", type=int, default=0, show_default=True, help="Of all draws.")(
        command
    )


def shared(command: Command) -> Command:
    """Add --workers and --scheduler."""
    for option in (
        click.option("--scheduler", metavar="tcp://HOST:PORT", help="Of a Dask cluster."),
        click.option(
            "--workers", type=int, default=1, show_default=True,
            help="Processes that share the cores; -1: one per core.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


def free_options(command: Command) -> Command:
    """Add --option."""
    return click.option(
        "--option", multiple=True, metavar="NAME=VALUE",
        help="An option of the method, as `deepopt list` has them; repeat.",
    )(command)  # fmt: skip


def given(values: dict[str, Any]) -> dict[str, Any]:
    """Those that the user gave."""
    return {key: value for key, value in values.items() if value not in (None, ())}


@contextlib.contextmanager
def apart(json_: bool) -> Iterator[None]:
    """With --json: what others print in this scope, processes of theirs too, goes to stderr."""
    if not json_:
        yield
        return
    sys.stdout.flush()
    with contextlib.ExitStack() as scope, contextlib.redirect_stdout(sys.stderr):
        with contextlib.suppress(OSError):  # no such descriptors
            kept = os.dup(1)
            scope.callback(os.close, kept)
            scope.callback(os.dup2, kept, 1)
            os.dup2(2, 1)
        yield


def print_json(document: Any) -> None:
    """On standard output, on one line, without NaN and infinities."""
    from .._support.files import plain

    click.echo(json.dumps(plain(document), allow_nan=False, default=str))
