"""The content of plain data as bytes, for `fingerprints`: atoms, containers, arrays, tensors."""

from __future__ import annotations

import marshal
from collections.abc import Iterable
from typing import Any

import numpy as np
import xxhash

from .._backend import numbers_held
from .objects import ATOMS, is_plain

ROW = 8  # items of a list beyond which it is hashed at once


class OpaqueError(Exception):
    """Something that may change without a trace."""


class Content:
    """What has been seen.

    Attributes
    ----------
    parts : list of bytes
        The content, part by part, each with its kind and its length.
    held : list
        What counts by identity.
    seen : dict
        What has been seen, by id, in its order; `alive` keeps it, so that no id is given twice.
    names : set of str
        By which some code may read an attribute.
    """

    def __init__(self, loose: Iterable[Any]) -> None:
        self.parts: list[bytes] = []
        self.held: list[Any] = []
        self.seen: dict[int, int] = {}
        self.alive: list[Any] = []
        self.names: set[str] = set()
        loose = list(loose)
        within = [variable.value for variable in loose]  # on PyTorch, parameters of their own
        self._loose = {id(one) for one in (*loose, *within)}

    def see(self, value: Any) -> None:
        """Put what `value` holds."""
        raise NotImplementedError

    def put(self, kind: bytes, content: bytes = b"") -> None:
        self.parts.append(b"%s %d " % (kind, len(content)) + content)

    def itself(self, value: Any) -> None:
        """It counts by identity."""
        self.put(b"itself", b"%d" % id(value))
        self.held.append(value)

    def see_atom(self, value: Any) -> None:
        if type(value) is str:
            self.names.add(value)
        self.put(b"atom", marshal.dumps(value, 2))

    def see_row(self, row: Any) -> None:
        """A list or a tuple."""
        self.put(type(row).__name__.encode(), b"%d" % len(row))
        kinds = set(map(type, row))
        if len(row) > ROW and kinds <= ATOMS:
            if str in kinds:
                self.names.update(item for item in row if type(item) is str)
            self.put(b"atoms", xxhash.xxh3_128_digest(marshal.dumps(list(row), 2)))
            return
        for item in row:
            self.see(item)

    def see_attributes(self, held: dict[str, Any]) -> None:
        """In their order; that something has a name does not say that some code reads it."""
        self.put(b"attributes", repr(list(held)).encode())
        self.see_row(list(held.values()))

    def see_dict(self, value: dict[Any, Any]) -> None:
        self.put(b"dict")
        self.see_row(list(dict.keys(value)))
        self.see_row(list(dict.values(value)))

    def see_set(self, elements: Any) -> None:
        """Of atoms, and tuples of them, whose order says nothing."""
        self.put(type(elements).__name__.encode(), b"%d" % len(elements))
        if not all(map(is_plain, elements)):
            raise OpaqueError
        self.names.update(item for item in elements if type(item) is str)
        for content in sorted(marshal.dumps(item, 2) for item in elements):
            self.put(b"atom", content)

    def see_array(self, array: np.ndarray) -> None:
        self.put(b"array", repr((array.dtype.str, array.dtype.descr, array.shape)).encode())
        if array.dtype == object:
            self.see_row(array.ravel().tolist())
        elif array.dtype.hasobject:
            raise OpaqueError
        else:
            content = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
            self.put(b"bytes", xxhash.xxh3_128_digest(content.data))

    def see_tensor(self, value: Any) -> bool:
        """A tensor or a variable of a tensor library; whether it is one."""
        found = numbers_held(value)
        if found is None:
            return False
        self.put(b"tensor", found.kind.encode())
        if id(value) in self._loose:
            self.put(b"loose")
            return True
        if found.numbers is None:
            raise OpaqueError
        if found.by_reference:
            self.itself(value)
        self.see_array(found.numbers)
        if found.more:
            self.see_attributes(found.more)
        return True
