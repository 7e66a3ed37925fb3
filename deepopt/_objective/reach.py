"""What functions and modules reach, for `fingerprints`: all that their code has names for."""

from __future__ import annotations

import builtins
import collections
import importlib.util
import pathlib
import sys
import types
from collections.abc import Collection, Iterable
from typing import Any, ClassVar

import numpy as np

from .code import digest, is_fixed, is_library, read, reads_more
from .content import Content, OpaqueError
from .objects import ATOMS, UNREAD, is_written_here

DYNAMIC = {  # by them a name is read that is made at run time
    "__dict__", "__getattribute__", "attrgetter", "dir", "getattr", "getattr_static",
    "getmembers", "methodcaller", "vars",
}  # fmt: skip
REFLECTIVE = {  # by them more is read than what is seen here
    "__annotations__", "__globals__", "__subclasses__", "f_back", "f_globals", "f_locals",
    "get_annotations", "get_type_hints", "getfullargspec", "signature",
}  # fmt: skip
OF_FILES = frozenset(dir(pathlib.Path)) - frozenset(dir(pathlib.PurePath))


def by_property(value: property) -> tuple[Any, ...]:
    return (value.fget, value.fset, value.fdel)


SLOTS = (
    types.GetSetDescriptorType, types.MemberDescriptorType,
    type(vars(collections.namedtuple("_", "field"))["field"]),
)  # fmt: skip
_NATIVE = {
    types.FunctionType, types.BuiltinFunctionType, types.MethodDescriptorType,
    types.ClassMethodDescriptorType, types.WrapperDescriptorType, staticmethod,
    classmethod, *SLOTS,
}  # fmt: skip
_OF_EVERY_MODULE = {*vars(types.ModuleType("")), "__builtins__", "__cached__", "__file__"}


class Reach(Content):
    """The part of a walk that is about functions, modules, and what is read by name.

    Attributes
    ----------
    kinds : collection of type
        Whose objects are looked into wherever they come from.
    waiting : list of (str, object)
        Methods, and attributes, that no code has named so far.
    spaces : list
        Modules, and classes of libraries, of which is seen what some code has a name for.
    paths : bool
        Whether a path has been seen.
    """

    kinds: ClassVar[Collection[type]] = ()

    def __init__(self, loose: Iterable[Any]) -> None:
        super().__init__(loose)
        self.waiting: list[tuple[str, Any]] = []
        self.spaces: list[types.ModuleType | type] = []
        self.paths = False

    # Functions

    def see_function(self, function: types.FunctionType) -> None:
        space = function.__globals__
        fixed = is_fixed(function)
        if fixed and reads_more(space["__name__"], function.__name__):
            raise OpaqueError
        if fixed:
            self.itself(function.__code__)
        else:
            self.put(b"code", digest(function.__code__))
            self.see_row((function.__name__, function.__doc__))
        for cell in function.__closure__ or ():
            self.see(cell)
        self.see(function.__defaults__)
        self.see(function.__kwdefaults__)
        if vars(function):
            self.see_attributes(vars(function))
        if fixed:
            return
        found = read(function.__code__)
        self.names |= found.names
        for name in found.of_module:
            self._see_global(name, space)
        for name, level in found.imported:
            self._see_import(name, level, space.get("__package__"))

    def _see_global(self, name: str, space: dict[str, Any]) -> None:
        self.put(b"global", name.encode())
        if name in space:
            self.see(space[name])
        elif reads_more("builtins", name):
            raise OpaqueError
        elif hasattr(builtins, name):
            self.see(getattr(builtins, name))

    def _see_import(self, name: str, level: int, package: Any) -> None:
        try:
            name = importlib.util.resolve_name("." * level + name, package)
        except (ImportError, TypeError, ValueError):
            raise OpaqueError from None
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            path = ".".join(parts[:end])
            self.put(b"import", path.encode())
            if path in sys.modules:
                self.see(sys.modules[path])

    def see_cell(self, cell: types.CellType) -> None:
        try:
            self.see(cell.cell_contents)
        except ValueError:
            self.put(b"empty")

    def see_builtin(self, function: types.BuiltinFunctionType) -> None:
        owner = function.__self__
        if owner is not None and not isinstance(owner, types.ModuleType | type):
            self.put(b"of", function.__name__.encode())
            self.see(owner)
            return
        if reads_more(function.__module__ or "builtins", function.__name__):
            raise OpaqueError
        self.itself(function)

    def see_ufunc(self, ufunc: np.ufunc) -> None:
        places = (np, sys.modules.get("scipy.special"))
        if not any(getattr(place, ufunc.__name__, None) is ufunc for place in places):
            raise OpaqueError  # a user's, with a function inside
        self.itself(ufunc)

    def see_path(self, path: pathlib.Path) -> None:
        self.paths = True
        self.put(b"path", str(path).encode())

    # Modules, and what waits for its name to be read

    def see_module(self, module: types.ModuleType) -> None:
        self.put(b"module", module.__name__.encode())
        self.spaces.append(module)
        if not is_library(vars(module)) and "__getattr__" in vars(module):
            self.see(vars(module)["__getattr__"])

    def finish(self) -> None:
        """See methods, and what modules and classes of libraries hold, that code has names for."""
        done: set[tuple[int, str]] = set()
        before = -1
        while before < len(self.parts):
            before = len(self.parts)
            names = frozenset(self.names)
            everything = bool(names & DYNAMIC)
            waiting, self.waiting = self.waiting, []
            for name, value in waiting:
                if everything or name in names:
                    self.put(b"method", name.encode())
                    self.see(value)
                else:
                    self.waiting.append((name, value))
            if names & REFLECTIVE or (self.paths and names & OF_FILES):
                raise OpaqueError
            for space in list(self.spaces):
                held = vars(space)
                whole = everything and isinstance(space, types.ModuleType) and not is_library(held)
                for name in sorted(held if whole else names & held.keys()):
                    if (id(space), name) not in done:
                        done.add((id(space), name))
                        if isinstance(space, types.ModuleType):
                            self._see_of_module(space, name, held[name])
                        else:
                            self._see_of_class(name, held[name])

    def _see_of_class(self, name: str, value: Any) -> None:
        """What a library's class holds; its own methods stay as they are."""
        if name not in UNREAD and not (type(value) in _NATIVE or _is_own(value)):
            self.put(b"of class", name.encode())
            self.see(value)

    def _see_of_module(self, module: types.ModuleType, name: str, value: Any) -> None:
        of_library = is_library(vars(module))
        if isinstance(value, types.ModuleType) and of_library:
            if id(value) not in self.seen:
                self.see(value)  # where it is loaded late it is no change
            return
        if name in _OF_EVERY_MODULE:
            return
        self.put(b"of module", name.encode())
        if of_library and reads_more(module.__name__, name):
            raise OpaqueError
        if of_library and not isinstance(value, type) and self._is_native(value):
            self.itself(value)
        else:
            self.see(value)

    def _is_native(self, value: Any) -> bool:
        """Whether what a library's module holds is a function or an object of the library."""
        if type(value) is types.FunctionType:
            return is_fixed(value)
        if type(value) is types.BuiltinFunctionType:
            return isinstance(value.__self__, types.ModuleType | type(None))
        wrapped = getattr(value, "__wrapped__", None)
        if type(wrapped) is types.FunctionType and not is_fixed(wrapped):
            return False
        kind = value if isinstance(value, type) else type(value)
        return not is_written_here(kind) and kind not in ATOMS and kind not in self.kinds


def _is_own(value: Any) -> bool:
    """Whether it is a property that a library wrote."""
    functions = by_property(value) if isinstance(value, property) else ()
    return bool(functions) and all(
        one is None or (type(one) is types.FunctionType and is_fixed(one)) for one in functions
    )
