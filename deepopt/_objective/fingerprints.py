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
- Settings of the process that functions compute by (Keras' epsilon, NumPy's formats) count always.
"""

from __future__ import annotations

import abc
import collections
import contextvars
import datetime
import decimal
import functools
import pathlib
import re
import types
import weakref
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import xxhash

from .._backend import process_settings
from .code import LIBRARIES, digest, is_fixed
from .content import OpaqueError
from .objects import (
    ATOMS,
    BASES,
    TRAINING,
    UNREAD,
    hides,
    is_layer,
    is_written_here,
    module_of,
    part,
    reads_outside,
    slots,
)
from .reach import SLOTS, Reach, by_property

CALLED = {  # methods that a library calls by their names
    "backward", "call", "flatten", "forward", "jvp", "setup_context", "tree_flatten",
    "tree_flatten_with_keys", "tree_unflatten", "unflatten", "vjp",
}  # fmt: skip
MOST = 50_000  # objects that are walked


class Fingerprint(NamedTuple):
    """Two are equal only where what they were taken of is equal in content."""

    digest: bytes
    held: tuple[Any, ...]  # what counts by identity: whoever keeps the one keeps the other

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fingerprint) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)


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
    walk.put(b"settings", repr(process_settings()).encode())
    try:
        for value in values:
            walk.see(value)
        walk.finish()
    except (OpaqueError, RecursionError):
        return None
    return Fingerprint(xxhash.xxh3_128_digest(b"".join(walk.parts)), tuple(walk.held))


class _Walk(Reach):
    """One walk over functions, classes, modules and all that they hold."""

    def see(self, value: Any) -> None:
        """Put what `value` holds."""
        kind = type(value)
        if kind in ATOMS:
            self.see_atom(value)
            return
        number = self.seen.setdefault(id(value), len(self.alive))
        if number < len(self.alive):
            self.put(b"again", b"%d" % number)
            return
        self.alive.append(value)
        if number > MOST:
            raise OpaqueError
        if kind in _KINDS:
            _KINDS[kind](self, value)
        elif isinstance(value, type):
            self._see_class(value)
        elif isinstance(value, np.generic | np.ndarray) and kind.__module__ == "numpy":
            self.see_array(np.asarray(value))
        elif not self.see_tensor(value):
            self._see_object(value)

    # Objects and classes

    def _see_object(self, value: Any) -> None:
        """All that an object holds whose class was written in Python."""
        kind = type(value)
        self.see(kind)
        top = module_of(kind).split(".")[0]
        wrapped = getattr(value, "__wrapped__", None) if top in LIBRARIES else None
        if isinstance(wrapped, types.FunctionType):  # jax.jit, tf.function
            self.itself(value)
            self.see(wrapped)
            for other in list(getattr(value, "__dict__", {}).values()):  # rules of its slope
                if isinstance(other, types.FunctionType | functools.partial):
                    self.see(other)
            return
        if module_of(kind) == "tensorflow.python.trackable.data_structures":
            plain = next((one for one in (dict, tuple, list) if isinstance(value, one)), None)
            if plain is None:
                raise OpaqueError
            self.see(plain(value))  # what TensorFlow puts in the place of containers
            return
        if top == "logging":
            self.itself(value)
            return
        base = next((base for base in kind.__mro__ if base in BASES), object)
        if hides(kind, base):
            raise OpaqueError
        if base is np.ndarray:
            self.see_array(value.view(np.ndarray))
        elif base is not object:
            self.see(part(base, value))
        held = getattr(value, "__dict__", None) if kind.__dictoffset__ else None
        if isinstance(held, dict) and is_layer(kind):
            self._see_layer(held)
        elif isinstance(held, dict):
            self.see_attributes(held)
        for name in slots(kind):
            self.put(b"of class", name.encode())
            try:
                self.see(object.__getattribute__(value, name))
            except AttributeError:
                self.put(b"unset")

    def _see_layer(self, held: dict[str, Any]) -> None:
        """The attributes of a Keras layer; what only its training reads waits for its name."""
        mine = {}
        for name, value in dict.items(held):
            if name in TRAINING or name.startswith("_self_"):
                self.waiting.append((name, value))
            else:
                mine[name] = value
        self.see_attributes(mine)

    def _see_class(self, kind: type) -> None:
        """A class of a library by itself; a user's with its bases and what it defines."""
        if issubclass(kind, pathlib.PurePath):
            self.paths = True
        if type(kind) is abc.ABCMeta:
            self.put(b"registered", repr(abc.get_cache_token()).encode())
        if not is_written_here(kind):
            if reads_outside(kind):
                raise OpaqueError
            self.itself(kind)
            self.spaces.append(kind)
            for name, value in list(vars(kind).items()):
                if type(value) is types.FunctionType and not is_fixed(value):
                    self.put(b"of class", name.encode())  # somebody has put it there
                    self.see(value)
            for base in kind.__bases__:
                self.see(base)
            return
        self.put(b"class", kind.__qualname__.encode())
        for base in (*kind.__bases__, type(kind)):
            self.see(base)
        ours = all(base is object or is_written_here(base) for base in kind.__mro__)
        for name, value in list(vars(kind).items()):
            if name in UNREAD or type(value) in SLOTS:
                continue
            special = name.startswith("__") and name.endswith("__")
            if ours and type(value) in _METHODS and not special and name not in CALLED:
                self.waiting.append((name, value))
            else:  # a library may call the methods of its own classes by any name
                self.put(b"of class", name.encode())
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


_METHODS = (types.FunctionType, property, staticmethod, classmethod, functools.cached_property)
_KINDS: dict[type, Callable[[_Walk, Any], None]] = {
    list: _Walk.see_row,
    tuple: _Walk.see_row,
    dict: _Walk.see_dict,
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
    pathlib.PosixPath: _Walk.see_path,
    pathlib.WindowsPath: _Walk.see_path,
    **dict.fromkeys(
        (range, type(NotImplemented), datetime.date, datetime.timedelta), _as_written
    ),
    decimal.Decimal: _by(lambda v: (str(v), repr(decimal.getcontext()))),
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
         *SLOTS),
        _Walk.itself,
    ),
    functools.partial: _by(lambda v: (v.func, v.args, v.keywords, vars(v))),
    functools.cached_property: _by(lambda v: v.func),
    property: _by(by_property),
    staticmethod: _by(lambda v: v.__func__),
    classmethod: _by(lambda v: v.__func__),
    np.ufunc: _Walk.see_ufunc,
}  # fmt: skip
_Walk.kinds = _KINDS.keys()
