"""What is compiled, kept for calls to come by the content of what it was made from."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """At most so many things under their keys; those that were used last stay.

    A key of None stands for content that nobody knows: nothing is kept under it.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._things: OrderedDict[Hashable, T] = OrderedDict()

    def get(self, key: Hashable) -> T | None:
        found = None if key is None else self._things.get(key)
        if found is not None:
            self._things.move_to_end(key)
        return found

    def keep(self, key: Hashable, thing: T, now: Hashable) -> None:
        """Keep it, unless the content that `key` stands for is another `now`."""
        if key is None:
            return
        self._things.pop(key, None)
        if now == key:
            self._things[key] = thing
        while len(self._things) > self._most:
            self._things.popitem(last=False)

    def __len__(self) -> int:
        return len(self._things)
