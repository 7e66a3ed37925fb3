"""When two functions are one: what a compiled program may be taken up again for.

A lambda in a user's loop is a new object in every round. Functions of the same code that hold
nothing but numbers, arrays and functions of this kind are one where all of these are equal, and are
compiled once. A function that holds anything else, which could change behind its back, is itself.
"""

from __future__ import annotations

import dis
import functools
import hashlib
import types
from collections.abc import Hashable, Iterator
from typing import Any

import numpy as np

LIBRARIES = {"deepopt", "jax", "keras", "math", "numpy", "scipy", "tensorflow", "torch"}
LARGEST = 10**6  # numbers of an array that is compared


class _Itself:
    """An object that equals itself alone, and is kept alive."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __hash__(self) -> int:
        return id(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and other._value is self._value


class _OpaqueError(Exception):
    """Something that may change without a trace."""


def identity(value: Any) -> Hashable:
    """A key that two values share only where a program for one is a program for the other."""
    if isinstance(value, tuple) and type(value) is tuple:
        return tuple(map(identity, value))
    seen: dict[int, int] = {}
    described: list[Hashable] = []
    try:
        return _by_value(value, seen, described), *described
    except _OpaqueError:
        named = callable(value) and not isinstance(value, type)
        return value if named and not isinstance(value, types.FunctionType) else _Itself(value)


def _by_value(value: Any, seen: dict[int, int], described: list[Hashable]) -> Hashable:
    """A key of what `value` holds.

    Functions stand in it by their numbers: those of `seen`, by id, with what each of them holds in
    `described`.
    """
    key = functools.partial(_by_value, seen=seen, described=described)
    if isinstance(value, int | float | complex | str | bytes | None):
        return type(value), repr(value)  # 0.0 is not -0.0
    if type(value) is tuple:
        return tuple(map(key, value))
    if type(value) is np.ndarray and value.dtype != object and value.size <= LARGEST:
        digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).digest()
        return str(value.dtype), value.shape, digest
    if isinstance(value, functools.partial):
        return "partial", *map(key, (value.func, value.args, *sorted(value.keywords.items())))
    if isinstance(value, types.ModuleType) and value.__name__.split(".")[0] in LIBRARIES:
        return _Itself(value)
    if isinstance(value, types.BuiltinFunctionType | np.ufunc):
        return _Itself(value)
    if not isinstance(value, types.FunctionType):
        raise _OpaqueError
    if (value.__module__ or "").split(".")[0] in LIBRARIES:
        return _Itself(value)
    if vars(value):
        raise _OpaqueError
    if id(value) not in seen:
        number = seen[id(value)] = len(described)
        described.append(None)
        described[number] = (value.__code__, *map(key, _held(value)))
    return "function", seen[id(value)]


def _held(function: types.FunctionType) -> Iterator[Any]:
    """What a function closes over, its defaults, and what it reads from its module."""
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # still empty
            raise _OpaqueError from None
    yield from function.__defaults__ or ()
    yield from sorted((function.__kwdefaults__ or {}).items())
    for name in sorted(_read(function.__code__)):
        if name in function.__globals__:
            yield name
            yield function.__globals__[name]


def _read(code: types.CodeType) -> set[str]:
    """The names that code and the functions inside it read from their module."""
    steps = [*dis.get_instructions(code)]
    stored = {step.argval for step in steps if step.opname in ("STORE_GLOBAL", "DELETE_GLOBAL")}
    if stored:
        raise _OpaqueError
    inner = (_read(const) for const in code.co_consts if isinstance(const, types.CodeType))
    names = {step.argval for step in steps if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return names.union(*inner)
