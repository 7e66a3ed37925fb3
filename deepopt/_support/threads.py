"""deepopt's own linear algebra in one thread, a black box with all that it had.

The libraries behind NumPy and SciPy take a thread per core even for vectors of fifty numbers. Where
other work keeps the cores busy these threads wait for each other: L-BFGS-B on 50 variables took a
hundred times as long on two busy cores as in one thread.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Iterator
from typing import Any


class _Here(threading.local):
    """What this Python thread has changed: libraries, and the threads that they had before."""

    changed: list[tuple[Any, int]] | None = None


_here = _Here()


@functools.cache
def _libraries() -> list[Any]:
    """Those that are loaded, SciPy's among them."""
    import scipy.linalg  # noqa: F401
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Linear algebra in one thread, in this scope."""
    if _here.changed is not None:
        yield
        return
    _begin()
    try:
        yield
    finally:
        _end()


@contextlib.contextmanager
def threads_as_before() -> Iterator[None]:
    """What the libraries had outside of `one_thread`, in this scope."""
    if not _here.changed:
        yield
        return
    _end()
    try:
        yield
    finally:
        _begin()


def _begin() -> None:
    had = [(library, library.get_num_threads()) for library in _libraries()]
    _here.changed = [(library, threads) for library, threads in had if threads != 1]
    for library, _ in _here.changed:
        library.set_num_threads(1)


def _end() -> None:
    changed, _here.changed = _here.changed, None
    for library, threads in changed or ():
        library.set_num_threads(threads)
