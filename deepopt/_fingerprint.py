"""When two functions are one: the content of all that a function can reach, as a digest.

A compiled program may be used again only for a function that computes the same. Values at a few
points are no evidence for that, nor is the function's name. So all that it could read is walked
and hashed: its code, defaults and closure, the globals and modules that it names, attributes of
objects, containers, arrays to the last byte, further functions and classes, variables and the
weights of models.

- Functions and classes of `LIBRARIES` and of the standard library are taken to stay as they are:
  they count by identity, what they hold by content.
- A method of a class, or an attribute of a module, is walked where some code that is reached has
  its name; attributes of objects always.
- What cannot be looked into (an iterator, a lock, a cached function, a file, the clock) makes the
  whole `None`: no program is kept for such a function.
"""

from __future__ import annotations

import builtins
import collections
import contextvars
import copyreg
import datetime
import decimal
import functools
import importlib.util
import marshal
import pathlib
import re
import sys
import types
import weakref
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import xxhash

from ._backend import numbers_held
from ._code import LIBRARIES, digest, is_fixed, is_library, read, reads_more

DYNAMIC = {"__dict__", "attrgetter", "dir", "getattr", "getattr_static", "methodcaller", "vars"}
ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes, type(...)})
ROW = 8  # items of a list beyond which it is hashed at once
MOST = 50_000  # objects that are walked
HEAP_TYPE, MANAGED_DICT = 1 << 9, 1 << 4  # of a type's __flags__
UNREAD = {  # of a class
    "__abstractmethods__", "__annotate_func__", "__annotations__", "__annotations_cache__",
    "__classdictcell__", "__dataclass_fields__", "__dataclass_params__", "__dict__", "__doc__",
    "__firstlineno__", "__module__", "__orig_bases__", "__parameters__", "__qualname__",
    "__slotnames__", "__static_attributes__", "__type_params__", "__weakref__", "_abc_impl",
}  # fmt: skip
BASES = (dict, list, tuple, set, frozenset, int, float, complex, str, bytes, np.ndarray)


class Fingerprint(NamedTuple):
    """Two are equal only where what they were taken of is equal in content."""

    digest: bytes
    held: tuple[Any, ...]  # what counts by identity: whoever keeps the one keeps the other

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fingerprint) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)


class _OpaqueError(Exception):
    """Something that may change without a trace."""


def fingerprint(*values: Any, loose: Iterable[Any] = ()) -> Fingerprint | None:
    """What two groups of values share only if they are equal in content; None for what is opaque.

    Parameters
    ----------
    values
        Functions, and whatever else a program is made from.
    loose : iterable of variables
        Those whose numbers do not matter.
    """
    walk = _Walk(loose)
    try:
        for value in values:
            walk.see(value)
        walk.finish()
    except (_OpaqueError, RecursionError):
        return None
    return Fingerprint(xxhash.xxh3_128_digest(b"".join(walk.parts)), tuple(walk.held))


class _Walk:
    """One walk; `parts` is what it saw, each with its kind and its length."""

    def __init__(self, loose: Iterable[Any]) -> None:
        self.parts: list[bytes] = []
        self.held: list[Any] = []
        self._loose = {id(variable) for variable in loose}
        self._seen: dict[int, int] = {}  # by id, in the order of the walk
        self._alive: list[Any] = []  # so that no id is given twice
        self._names: set[str] = set()  # that some code may read an attribute by
        self._waiting: list[tuple[str, Any]] = []  # methods that nobody has named so far
        self._modules: list[types.ModuleType] = []

    def put(self, kind: bytes, content: bytes = b"") -> None:
        self.parts.append(b"%s %d " % (kind, len(content)) + content)

    def itself(self, value: Any) -> None:
        """It counts by identity."""
        self.put(b"itself", b"%d" % id(value))
        self.held.append(value)

    def see(self, value: Any) -> None:
        """Put what `value` holds."""
        kind = type(value)
        if kind in ATOMS:
            self.see_atom(value)
            return
        number = self._seen.setdefault(id(value), len(self._alive))
        if number < len(self._alive):
            self.put(b"again", b"%d" % number)
            return
        self._alive.append(value)
        if number > MOST:
            raise _OpaqueError
        if kind in _KINDS:
            _KINDS[kind](self, value)
        elif isinstance(value, type):
            self._see_class(value)
        elif isinstance(value, np.generic | np.ndarray) and kind.__module__ == "numpy":
            self._see_array(np.asarray(value))
        elif not self._see_tensor(value):
            self._see_object(value)

    # Data

    def see_atom(self, value: Any) -> None:
        if type(value) is str:
            self._names.add(value)
        self.put(b"atom", marshal.dumps(value, 2))

    def see_row(self, row: Any) -> None:
        """A list or a tuple."""
        self.put(type(row).__name__.encode(), b"%d" % len(row))
        kinds = set(map(type, row))
        if len(row) > ROW and kinds <= ATOMS:
            if str in kinds:
                self._names.update(item for item in row if type(item) is str)
            self.put(b"atoms", xxhash.xxh3_128_digest(marshal.dumps(list(row), 2)))
            return
        for item in row:
            self.see(item)

    def see_items(self, items: Iterable[tuple[Any, Any]]) -> None:
        """Pairs, in their order."""
        pairs = list(items)
        self.see_row([key for key, _ in pairs])
        self.see_row([value for _, value in pairs])

    def see_set(self, elements: Any) -> None:
        """Of atoms, and tuples of them, whose order says nothing."""
        self.put(type(elements).__name__.encode(), b"%d" % len(elements))
        if not all(map(_is_plain, elements)):
            raise _OpaqueError
        self._names.update(item for item in elements if type(item) is str)
        for content in sorted(marshal.dumps(item, 2) for item in elements):
            self.put(b"atom", content)

    def _see_array(self, array: np.ndarray) -> None:
        self.put(b"array", repr((array.dtype.str, array.dtype.descr, array.shape)).encode())
        if array.dtype == object:
            self.see_row(array.ravel().tolist())
        elif array.dtype.hasobject:
            raise _OpaqueError
        else:
            content = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
            self.put(b"bytes", xxhash.xxh3_128_digest(content))

    def _see_tensor(self, value: Any) -> bool:
        """A tensor or a variable of a tensor library; whether it is one."""
        found = numbers_held(value)
        if found is None:
            return False
        self.put(b"tensor", found.kind.encode())
        if id(value) in self._loose:
            self.put(b"loose")
            return True
        if found.numbers is None:
            raise _OpaqueError
        if found.by_reference:
            self.itself(value)
        self._see_array(found.numbers)
        return True

    # Objects and classes

    def _see_object(self, value: Any) -> None:
        """All that an object holds whose class was written in Python."""
        kind = type(value)
        self.see(kind)
        top = kind.__module__.split(".")[0]
        wrapped = getattr(value, "__wrapped__", None)
        if top in LIBRARIES and isinstance(wrapped, types.FunctionType):  # jax.jit, tf.function
            self.itself(value)
            self.see(wrapped)
            return
        if top == "logging":
            self.itself(value)
            return
        base = next((base for base in kind.__mro__ if base in BASES), object)
        if _hides(kind, base):
            raise _OpaqueError
        if base is np.ndarray:
            self._see_array(value.view(np.ndarray))
        elif base is not object:
            self.see(_part(base, value))
        held = getattr(value, "__dict__", None) if kind.__dictoffset__ else None
        if isinstance(held, dict):
            self.see_items(dict.items(held))
        for name in _slots(kind):
            self.see_atom(name)
            try:
                self.see(object.__getattribute__(value, name))
            except AttributeError:
                self.put(b"unset")

    def _see_class(self, kind: type) -> None:
        """A class of a library by itself; a user's with its bases and what it defines."""
        if not _is_written_here(kind):
            self.itself(kind)
            for name, value in list(vars(kind).items()):
                if type(value) is types.FunctionType and not is_fixed(value):
                    self.see_atom(name)  # somebody has put it there
                    self.see(value)
            for base in kind.__bases__:
                self.see(base)
            return
        self.put(b"class", kind.__qualname__.encode())
        for base in (*kind.__bases__, type(kind)):
            self.see(base)
        ours = all(base is object or _is_written_here(base) for base in kind.__mro__)
        for name, value in list(vars(kind).items()):
            if name in UNREAD or type(value) in _SLOTS:
                continue
            special = name.startswith("__") and name.endswith("__")
            if ours and type(value) in _METHODS and not special:
                self._waiting.append((name, value))
            else:  # a library may call the methods of its own classes by any name
                self.see_atom(name)
                self.see(value)

    # Functions

    def see_function(self, function: types.FunctionType) -> None:
        space = function.__globals__
        fixed = is_fixed(function)
        if fixed and reads_more(space["__name__"], function.__name__):
            raise _OpaqueError
        if fixed:
            self.itself(function.__code__)
        else:
            self.put(b"code", digest(function.__code__))
        for cell in function.__closure__ or ():
            self.see(cell)
        self.see(function.__defaults__)
        self.see(function.__kwdefaults__)
        if vars(function):
            self.see_items(vars(function).items())
        if fixed:
            return
        found = read(function.__code__)
        self._names |= found.names
        for name in found.of_module:
            self._see_global(name, space)
        for name, level in found.imported:
            self._see_import(name, level, space.get("__package__"))

    def _see_global(self, name: str, space: dict[str, Any]) -> None:
        self.put(b"global", name.encode())
        if name in space:
            self.see(space[name])
        elif reads_more("builtins", name):
            raise _OpaqueError
        elif hasattr(builtins, name):
            self.itself(getattr(builtins, name))

    def _see_import(self, name: str, level: int, package: Any) -> None:
        try:
            name = importlib.util.resolve_name("." * level + name, package)
        except (ImportError, TypeError, ValueError):
            raise _OpaqueError from None
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
            raise _OpaqueError
        self.itself(function)

    def see_ufunc(self, ufunc: np.ufunc) -> None:
        places = (np, sys.modules.get("scipy.special"))
        if not any(getattr(place, ufunc.__name__, None) is ufunc for place in places):
            raise _OpaqueError  # a user's, with a function inside
        self.itself(ufunc)

    # Modules, and what waits for its name to be read

    def see_module(self, module: types.ModuleType) -> None:
        self.put(b"module", module.__name__.encode())
        self._modules.append(module)

    def finish(self) -> None:
        """See the methods, and the attributes of modules, that some code has names for."""
        done: set[tuple[int, str]] = set()
        before = -1
        while before < len(self.parts):
            before = len(self.parts)
            names = frozenset(self._names)
            everything = bool(names & DYNAMIC)
            waiting, self._waiting = self._waiting, []
            for name, value in waiting:
                if everything or name in names:
                    self.put(b"method", name.encode())
                    self.see(value)
                else:
                    self._waiting.append((name, value))
            for module in list(self._modules):
                whole = everything and not is_library(module.__name__)
                for name in sorted(vars(module) if whole else names & vars(module).keys()):
                    if (id(module), name) not in done:
                        done.add((id(module), name))
                        self._see_of_module(module, name, vars(module)[name])

    def _see_of_module(self, module: types.ModuleType, name: str, value: Any) -> None:
        of_library = is_library(module.__name__)
        if isinstance(value, types.ModuleType) and of_library:
            if id(value) not in self._seen:
                self.see(value)  # where it is loaded late it is no change
            return
        if name.startswith("__") and name.endswith("__"):
            return
        self.put(b"of module", name.encode())
        if of_library and reads_more(module.__name__, name):
            raise _OpaqueError
        if of_library and _is_native(value):
            self.itself(value)
        else:
            self.see(value)


# What kinds there are, and what is done with each


def _by(content: Callable[[Any], Any]) -> Callable[[_Walk, Any], None]:
    """Seen as what `content` makes of it."""

    def see(walk: _Walk, value: Any) -> None:
        walk.put(type(value).__qualname__.encode())
        walk.see(content(value))

    return see


def _as_written(walk: _Walk, value: Any) -> None:
    walk.put(type(value).__qualname__.encode(), repr(value).encode())


_SLOTS = (
    types.GetSetDescriptorType, types.MemberDescriptorType,
    type(collections.namedtuple("_", "field").field),
)  # fmt: skip
_METHODS = (types.FunctionType, property, staticmethod, classmethod, functools.cached_property)
_KINDS: dict[type, Callable[[_Walk, Any], None]] = {
    list: _Walk.see_row,
    tuple: _Walk.see_row,
    dict: lambda walk, value: (walk.put(b"dict"), walk.see_items(value.items()))[1],
    collections.OrderedDict: _by(dict),
    collections.defaultdict: _by(lambda v: (v.default_factory, dict(v))),
    collections.deque: _by(lambda v: (list(v), v.maxlen)),
    types.MappingProxyType: _by(dict),
    types.SimpleNamespace: _by(vars),
    set: _Walk.see_set,
    frozenset: _Walk.see_set,
    bytearray: _by(bytes),
    slice: _by(lambda v: (v.start, v.stop, v.step)),
    re.Pattern: _by(lambda v: (v.pattern, v.flags)),
    pathlib.PosixPath: _by(str),
    pathlib.WindowsPath: _by(str),
    **dict.fromkeys(
        (range, type(NotImplemented), decimal.Decimal, datetime.date, datetime.timedelta),
        _as_written,
    ),
    np.random.Generator: _by(lambda v: v.bit_generator.state),
    np.random.RandomState: _by(lambda v: v.get_state(legacy=False)),
    weakref.ReferenceType: _by(lambda v: v()),
    contextvars.ContextVar: _by(
        lambda v: (v.name, contextvars.copy_context().get(v), v.get(None))
    ),
    types.FunctionType: _Walk.see_function,
    types.BuiltinFunctionType: _Walk.see_builtin,
    types.CellType: _Walk.see_cell,
    types.CodeType: lambda walk, value: walk.put(b"code", digest(value)),
    types.ModuleType: _Walk.see_module,
    types.MethodType: _by(lambda v: (v.__func__, v.__self__)),
    types.MethodWrapperType: _by(lambda v: (v.__name__, v.__self__)),
    **dict.fromkeys(
        (types.MethodDescriptorType, types.WrapperDescriptorType, types.ClassMethodDescriptorType,
         types.GetSetDescriptorType, types.MemberDescriptorType),
        _Walk.itself,
    ),
    functools.partial: _by(lambda v: (v.func, v.args, v.keywords, vars(v))),
    functools.cached_property: _by(lambda v: v.func),
    property: _by(lambda v: (v.fget, v.fset, v.fdel)),
    staticmethod: _by(lambda v: v.__func__),
    classmethod: _by(lambda v: v.__func__),
    np.ufunc: _Walk.see_ufunc,
}  # fmt: skip


def _is_plain(value: Any) -> bool:
    if type(value) in (tuple, frozenset):
        return all(map(_is_plain, value))
    return type(value) in ATOMS


def _part(base: Any, value: Any) -> Any:
    """What the base among `BASES` of an object's class holds."""
    if base is dict:
        return dict(dict.items(value))
    if base in (list, tuple, set, frozenset):
        return base(base.__iter__(value))
    if base in (str, bytes):
        return base.__getitem__(value, slice(None))
    return base.__pos__(value)


def _hides(kind: type, base: type) -> bool:
    """Whether objects of this class have room for more than Python sees, as C's have."""
    size = base.__basicsize__ + 8 * len(_slots(kind)) + 8 * (kind.__weakrefoffset__ > 0)
    size += 8 * bool(kind.__dictoffset__ and not kind.__flags__ & MANAGED_DICT)
    return kind.__basicsize__ > size or (base is object and bool(kind.__itemsize__))


def _slots(kind: type) -> list[str]:
    return copyreg._slotnames(kind)  # type: ignore[attr-defined,no-any-return]


def _is_written_here(kind: type) -> bool:
    """Whether a class is a user's, and so can change."""
    return bool(kind.__flags__ & HEAP_TYPE) and not is_library(kind.__module__)


def _is_native(value: Any) -> bool:
    """Whether what a library's module holds is a function, a class or an object of the library."""
    if type(value) is types.FunctionType:
        return is_fixed(value)
    if type(value) is types.BuiltinFunctionType:
        return isinstance(value.__self__, types.ModuleType | type(None))
    wrapped = getattr(value, "__wrapped__", None)
    if type(wrapped) is types.FunctionType and not is_fixed(wrapped):
        return False
    kind = value if isinstance(value, type) else type(value)
    return is_library(kind.__module__) and kind not in ATOMS and kind not in _KINDS
