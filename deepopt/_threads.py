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
    """The limit that this Python thread has set; threadpoolctl settles it between several."""

    limit: Any = None


_here = _Here()


@functools.cache
def _libraries() -> Any:
    """Those that are loaded, SciPy's among them."""
    import scipy.linalg  # noqa: F401
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return ThreadpoolController().select(user_api="blas")


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Linear algebra in one thread, in this scope."""
    if _here.limit is not None:
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
    if _here.limit is None:
        yield
        return
    _end()
    try:
        yield
    finally:
        _begin()


def _begin() -> None:
    _here.limit = _libraries().limit(limits=1)


def _end() -> None:
    limit, _here.limit = _here.limit, None
    limit.restore_original_limits()
