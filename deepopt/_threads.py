"""deepopt's own linear algebra in one thread, a black box with all that it had.

The libraries behind NumPy and SciPy take a thread per core even for vectors of fifty numbers. Where
other work keeps the cores busy these threads wait for each other: L-BFGS-B on 50 variables took a
hundred times as long on two busy cores as in one thread.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

_before: list[int] | None = None  # threads of each library while they are held to one


@functools.cache
def _libraries() -> list[Any]:
    """Those that are loaded, SciPy's among them."""
    import scipy.linalg  # noqa: F401
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Linear algebra in one thread, in this scope."""
    global _before
    if _before is not None:
        yield
        return
    _before = [library.num_threads for library in _libraries()]
    _set([1] * len(_before))
    try:
        yield
    finally:
        before, _before = _before, None
        _set(before)


@contextlib.contextmanager
def threads_as_before() -> Iterator[None]:
    """What the libraries had outside of `one_thread`, in this scope."""
    global _before
    if _before is None:
        yield
        return
    before, _before = _before, None
    _set(before)
    try:
        yield
    finally:
        _set([1] * len(before))
        _before = before


def _set(counts: list[int]) -> None:
    for library, count in zip(_libraries(), counts, strict=True):
        library.set_num_threads(count)
