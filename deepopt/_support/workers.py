"""Calls of a slow Python function side by side, in processes or by the user's own map."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from .executors import check_count

Workers = int | Callable[[Callable[..., Any], Iterable[Any]], Iterable[Any]]
Calls = Callable[[Callable[[np.ndarray], Any], list[np.ndarray]], list[Any]]


def check_workers(workers: Any) -> None:
    """Raise TypeError or ValueError unless this is what SciPy takes as `workers`."""
    if callable(workers):
        return
    check_count(workers)


@contextlib.contextmanager
def calls_by(workers: Workers) -> Iterator[Calls | None]:
    """A function (f, points) -> their values in order; None where one process does the work."""
    if callable(workers):
        yield lambda f, points: list(workers(f, points))
    elif workers == 1:
        yield None
    else:
        from .executors import Processes

        with contextlib.closing(Processes(workers)) as processes:

            def calls(f: Callable[[np.ndarray], Any], points: list[np.ndarray]) -> list[Any]:
                waiting = [processes.submit(f, point) for point in points]
                try:
                    return [future.result() for future in waiting]
                except Exception as error:
                    if type(error).__name__ == "PicklingError":
                        reason = str(error.__cause__).strip('\n "').splitlines()[-1]
                        raise TypeError(
                            "fun must be a function that other processes can be sent, for "
                            f"workers = {workers}; got {reason}"
                        ) from error
                    raise

            yield calls
