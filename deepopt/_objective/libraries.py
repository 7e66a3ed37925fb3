"""Which libraries a function can reach: whether it is one of arrays, of tensors, or of neither.

What is looked through is what the function's code has names for: globals, closure, defaults,
attributes, modules and the functions in them. The search is no proof: a function that loads a
library in a helper of a library is seen by what it returns.
"""

from __future__ import annotations

import builtins
import enum
import functools
import sys
import types
from typing import Any

import numpy as np

from .code import is_fixed, is_library, read
from .objects import is_written_here, module_of

TENSORS = {"deepopt", "jax", "jaxlib", "keras", "tensorflow", "torch"}
NEUTRAL = {  # of the standard library: what they make of tensors and of arrays is the same
    "", "__future__", "_functools", "_operator", "abc", "builtins", "collections", "contextlib",
    "copy", "dataclasses", "enum", "functools", "itertools", "numbers", "operator", "types",
    "typing", "warnings",
}  # fmt: skip
ARRAYS = {"numpy", "pandas", "scipy", "sklearn"}
MOST = 20_000  # objects that are looked at


class Written(enum.Enum):
    """What a function is written for."""

    TENSORS = "a tensor library"
    ARRAYS = "NumPy, or Python's own"
    OPERATORS = "operators alone, which both have"


def written_for(*functions: Any) -> Written:
    """What functions are written for, by the libraries that they reach."""
    reached = libraries(*functions) - NEUTRAL
    if reached & TENSORS:
        return Written.TENSORS
    foreign = reached - ARRAYS - sys.stdlib_module_names
    if foreign and TENSORS & sys.modules.keys() - {"deepopt"}:
        return Written.TENSORS  # it may stand on one
    return Written.ARRAYS if reached else Written.OPERATORS


def libraries(*values: Any) -> set[str]:
    """The names of the packages that values can reach, the standard library's modules too."""
    look = _Look()
    for value in values:
        look.at(value)
    while look.waiting and len(look.seen) < MOST:
        look.through(look.waiting.pop())
    return look.found


class _Look:
    """One search.

    Attributes
    ----------
    found : set of str
    waiting : list
        What has been met and not been looked through; all of it stays alive.
    """

    def __init__(self) -> None:
        self.found: set[str] = set()
        self.waiting: list[Any] = []
        self.seen: dict[int, Any] = {}
        self.taken: set[tuple[int, frozenset[str]]] = set()  # modules, with the names for them

    def at(self, value: Any) -> None:
        if id(value) not in self.seen:
            self.seen[id(value)] = value
            self.waiting.append(value)

    def through(self, value: Any) -> None:
        kind = type(value)
        if kind in (int, float, complex, bool, str, bytes, type(None), np.ndarray):
            return
        if isinstance(value, types.FunctionType):
            self._function(value)
        elif isinstance(value, types.ModuleType):
            self.found.add(value.__name__.split(".")[0])
        elif isinstance(value, types.CellType):
            try:
                self.at(value.cell_contents)
            except ValueError:
                return
        elif isinstance(value, types.MethodType):
            self.at(value.__func__)
            self.at(value.__self__)
        elif isinstance(value, functools.partial):
            for part in (value.func, value.args, value.keywords):
                self.at(part)
        elif isinstance(value, types.BuiltinFunctionType | np.ufunc):
            owner = getattr(value, "__self__", None)
            if owner is not None and not isinstance(owner, types.ModuleType | type):
                self.at(owner)
            self._package(getattr(value, "__module__", None) or module_of(kind))
        elif issubclass(kind, dict):
            for item in list(dict.values(value)):
                self.at(item)
        elif kind in (list, tuple, set, frozenset):
            for item in value:
                self.at(item)
        elif isinstance(value, type):
            self._class(value)
        else:
            self._class(kind)
            for item in list(getattr(value, "__dict__", None) or ()):
                self.at(vars(value)[item])
            self.at(getattr(value, "__wrapped__", None))

    def _package(self, module: Any) -> None:
        self.found.add(module.split(".")[0] if isinstance(module, str) else "")

    def _class(self, kind: type) -> None:
        """What a user's class is made of; of a library's its name."""
        if not is_written_here(kind):
            self._package(module_of(kind))
            return
        for base in kind.__bases__:
            self.at(base)
        for item in list(vars(kind).values()):
            inner = getattr(item, "__func__", getattr(item, "fget", item))
            if isinstance(inner, types.FunctionType | functools.partial):
                self.at(inner)

    def _function(self, function: types.FunctionType) -> None:
        if is_fixed(function):
            self._package(function.__globals__.get("__name__"))
            return
        for part in (function.__closure__, function.__defaults__, function.__kwdefaults__):
            self.at(part)
        self.at(getattr(function, "__wrapped__", None))
        space, found = function.__globals__, read(function.__code__)
        for name, level in found.imported:
            if level == 0:
                self._package(name)
        for name in found.of_module:
            value = space.get(name, getattr(builtins, name, None))
            if isinstance(value, types.ModuleType):
                self._module(value, found.names)
            else:
                self.at(value)

    def _module(self, module: types.ModuleType, names: frozenset[str]) -> None:
        """A module that code names, and what the code may take from it."""
        if (id(module), names) in self.taken:  # modules refer to one another
            return
        self.taken.add((id(module), names))
        held = vars(module)
        if not is_library(held):
            for name in names & held.keys():
                if isinstance(held[name], types.ModuleType):
                    self._module(held[name], names)
                else:
                    self.at(held[name])
            return
        top = module.__name__.split(".")[0]
        if top in TENSORS or any(callable(held.get(name)) for name in names):
            self.found.add(top)  # a constant alone, as np.pi, is a number
            return
        for name in names & held.keys():
            if isinstance(held[name], types.ModuleType):
                self._module(held[name], names)
