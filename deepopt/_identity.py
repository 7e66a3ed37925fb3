"""When two functions are one: what a compiled program may be taken up again for.

A lambda in a user's loop is a new object in every round. Functions of the same code, which close
over the same and call the same, are one function, and are compiled once.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Hashable, Iterator
from typing import Any


class _Itself:
    """An object that equals itself alone, and is kept alive."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __hash__(self) -> int:
        return id(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and other._value is self._value


def identity(value: Any, within: tuple[Any, ...] = ()) -> Hashable:
    """A key that two values share only where a program for one is a program for the other.

    Numbers, strings, tuples, `functools.partial` and plain functions count by what they hold, all
    else as itself. Numbers that a function reads from its module do not count: it may change them
    at any time.

    Parameters
    ----------
    value : object
    within : tuple of functions
        Those that hold it, from the outside in.
    """
    if isinstance(value, int | float | complex | str | bytes | None):
        return type(value), value
    if isinstance(value, _Itself):
        return value
    if isinstance(value, tuple):
        return tuple(identity(item, within) for item in value)
    if isinstance(value, functools.partial):
        return identity((value.func, value.args, *sorted(value.keywords.items())), within)
    if not isinstance(value, types.FunctionType) or vars(value):  # attributes may be anything
        return value if callable(value) and not isinstance(value, type) else _Itself(value)
    if value in within:
        return within.index(value)
    if within and value.__globals__ is not within[0].__globals__:  # of a library
        return _Itself(value)
    return value.__code__, identity(tuple(_held(value)), (*within, value))


def _held(function: types.FunctionType) -> Iterator[Any]:
    """What a function closes over, its defaults, and what it reads from its module."""
    yield _Itself(function.__globals__)
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # still empty
            yield _Itself(cell)
    yield from function.__defaults__ or ()
    yield from sorted((function.__kwdefaults__ or {}).items())
    for name in sorted(_names(function.__code__)):
        read = function.__globals__.get(name)
        if read is not None and not isinstance(read, int | float | complex):
            yield name, read


def _names(code: types.CodeType) -> set[str]:
    """The names that code and the functions inside it may read from their module."""
    inner = (_names(const) for const in code.co_consts if isinstance(const, types.CodeType))
    return set(code.co_names).union(*inner)
