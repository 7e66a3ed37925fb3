"""Calls of a slow Python function side by side, in processes or by the user's own map."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ._checks import check_number

MOST = 1000  # processes

Workers = int | Callable[[Callable[..., Any], Iterable[Any]], Iterable[Any]]
Calls = Callable[[Callable[[np.ndarray], Any], list[np.ndarray]], list[Any]]


def check_workers(workers: Any) -> None:
    """Raise TypeError or ValueError unless this is what SciPy takes as `workers`."""
    if callable(workers):
        return
    check_number("workers", workers, whole=True, at_least=-1, at_most=MOST)
    if workers == 0:
        raise ValueError("workers must be a whole number >= 1, -1 for all cores, or a map, got 0")


@contextlib.contextmanager
def calls_by(workers: Workers) -> Iterator[Calls | None]:
    """A function (f, points) -> their values in order; None where one process does the work."""
    if callable(workers):
        yield lambda f, points: list(workers(f, points))
    elif workers == 1:
        yield None
    else:
        from joblib import Parallel, delayed  # type: ignore[import-untyped]

        with Parallel(n_jobs=workers) as parallel:

            def calls(f: Callable[[np.ndarray], Any], points: list[np.ndarray]) -> list[Any]:
                try:
                    return list(parallel(delayed(f)(point) for point in points))
                except Exception as error:
                    if type(error).__name__ == "PicklingError":
                        reason = str(error.__cause__).strip('\n "').splitlines()[-1]
                        raise TypeError(
                            "fun must be a function that other processes can be sent, for "
                            f"workers = {workers}; got {reason}"
                        ) from error
                    raise

            yield calls
