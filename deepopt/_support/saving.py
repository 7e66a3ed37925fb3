"""Saving a call and going on from it: one file, whole or not at all, of plain data.

What a call has to do is a row of *parts*: a descent, a polish, a scan. The file holds the state in
which the last part began, where the descent inside of it stands, and the values that a black box
has given since. On the way back the part begins again in that state, its descent goes on from
where it stood, and the values are taken from the file in place of calls. So the trajectory is that
of a call that was never interrupted, and no value of a black box that reached the file is lost.

What is known is *packed*: a copy of which nobody else holds a part. What comes in is copied, and so
is what goes out, so that a call may change in place all that it has given or been given, and what
is written after that is still the state that was noted.

Nothing in the file is code: it holds numbers, strings, arrays, lists and mappings, and the
attributes of objects whose classes are named by those who save.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import itertools
import json
import os
import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .checks import shown
from .files import CheckpointError, whole

FORMAT = 1
SHARE = 0.005  # of the time may go into saving, and into noting, whatever the interval
MUCH = 2**25  # bytes of values after which the beginning of a part is noted anew
LONG = 60  # characters of a description, beyond which the rest is only told apart
NOTES = 4  # times per interval that one is noted while values bridge the gap

FREE = {"checkpoint", "save_every", "maxtime", "disp"}  # options that a call may change on its way

State = dict[str, Any]


class Known(NamedTuple):
    """What is to be written; it is replaced as a whole, so that no interrupt finds it half new."""

    part: Any  # packed; None before the first
    descent: Callable[[], Any]  # gives where it stands, packed; None where there is none
    values: list[np.ndarray]  # since the descent, or else the part, was noted


class Saver:
    """The file of one call.

    Parameters
    ----------
    path : Path
        A file that is there is read, and must be of the same call.
    every : float
        Seconds between two saves.
    call : mapping of strings
        What tells this call from others, under names that a user knows.
    shared : mapping
        Objects that stay where they are, by name: in a state they are only referred to.
    kinds : sequence of classes
        Those whose objects a state may hold.

    Attributes
    ----------
    kept : dict or None
        The state in which the interrupted part began.
    over : bool
        Set to True when the call has come to an end of its own.
    """

    def __init__(
        self, path: Path, every: float, call: Mapping[str, str], shared: Mapping[str, Any],
        kinds: Sequence[type],
    ) -> None:  # fmt: skip
        self._path, self._every = path, every
        self._call = dict(call)
        self._shared, self._kinds = shared, {kind.__name__: kind for kind in kinds}
        self._known = Known(None, lambda: None, [])
        self._ahead = 0  # of the values: the last ones, which are not asked for yet
        self._stood: Any = None  # where the descent of the file stood, packed
        self._again = False  # whether the part of the file has yet to begin again
        self._saved = self._noted = time.perf_counter()
        self._took = self._noting = 0.0  # seconds of the last save, and of noting a part
        self._bytes = 0  # of the values
        self.kept: State | None = None
        self.over = False
        if path.exists():
            self._load()

    @contextlib.contextmanager
    def keeping(self) -> Iterator[None]:
        """A last save when the scope ends before its time; no file is left of what is over."""
        try:
            yield
        finally:
            if self.over:
                self._path.unlink(missing_ok=True)
            elif self._known.part is not None:
                self.save()

    # What the call tells

    def begin(self, state: Callable[[], State], bridged: bool = False) -> None:
        """A part begins, in this state. Where values are kept (`bridged`) not all are noted."""
        now = time.perf_counter()
        wait = max(self._every / NOTES, self._noting / SHARE)
        soon = now - self._noted < wait and self._bytes < MUCH
        known = self._known.part is not None
        if self._again or (known and bridged and (soon or self._ahead)):
            self._again = False
            return
        self._know(self._packed(state()), lambda: None)
        self._noted, self._noting = now, time.perf_counter() - now
        self._save_if_due()

    def stand(self, state: Callable[[], State]) -> None:
        """A descent within the part stands here; `state` is asked when it is saved.

        What it gives must not change until then.
        """
        if not self._ahead:
            self._know(self._known.part, lambda: self._packed(state()))
            self._save_if_due()

    def interrupted(self) -> State | None:
        """Where the descent that begins now stood in the file, if it is that one."""
        stood, self._stood = self._stood, None
        found: State | None = self._unpacked(stood)
        return found

    def take(self) -> np.ndarray | None:
        """What a black box gave here before, along the first axis; None where it is new."""
        if not self._ahead:
            return None
        values = self._known.values[-self._ahead]
        self._ahead -= 1
        return values.copy(order="K")

    def keep(self, values: np.ndarray) -> None:
        """What a black box gives."""
        self._known.values.append(values.copy(order="K"))
        self._bytes += values.nbytes
        self._save_if_due()

    def _know(self, part: Any, descent: Callable[[], Any]) -> None:
        """Put this in the place of all that has been known."""
        self._known = Known(part, descent, [])
        self._bytes = 0

    def _packed(self, value: Any) -> Any:
        return packed(value, self._shared, self._kinds)

    def _unpacked(self, value: Any) -> Any:
        return unpacked(value, self._shared, self._kinds)

    # The file

    def _save_if_due(self) -> None:
        wait = max(self._every, self._took / SHARE)
        if self._known.part is not None and time.perf_counter() - self._saved >= wait:
            self.save()

    def save(self) -> None:
        """Write what is known."""
        begun, (part, descent, values) = time.perf_counter(), self._known
        state = {"part": part, "descent": descent(), "values": _joined(values)}
        write(self._path, self._call, state)
        self._saved = time.perf_counter()
        self._took = self._saved - begun

    def _load(self) -> None:
        call, state = read(self._path)
        for key in [key for key in self._call if key in call]:
            if call[key] != self._call[key]:
                raise CheckpointError(
                    f"checkpoint {self._path} is of another call: its {key} is {shown(call[key])}, "
                    f"got {shown(self._call[key])}"
                )
        values = [part for joined, ends in state["values"] for part in np.split(joined, ends)]
        self._stood = stood = state["descent"]
        self._known = Known(state["part"], lambda: stood, values)
        self._ahead, self._bytes = len(values), sum(part.nbytes for part in values)
        self.kept, self._again = self._unpacked(state["part"]), True


def _joined(values: list[np.ndarray]) -> list[list[np.ndarray]]:
    """Fewer and longer arrays, and where each of them is to be split."""
    alike = itertools.groupby(values, lambda value: (value.dtype, value.shape[1:]))
    found = []
    for _, group in alike:
        parts = list(group)
        found.append([np.concatenate(parts), np.cumsum([len(part) for part in parts])[:-1]])
    return found


def described(options: Any) -> dict[str, str]:
    """The options (a dataclass) that make a call what it is."""
    names = {field.name for field in dataclasses.fields(options)} - FREE
    return {f"option {name}": told(getattr(options, name)) for name in sorted(names)}


def told(value: Any) -> str:
    """`value` in a few words, the same in every process; numbers and texts never look alike."""
    text = re.sub(r" at 0x[0-9a-f]+", "", _written_out(value))
    return text if len(text) <= LONG else f"{text[:LONG]}... {digest(text)}"


def _written_out(value: Any) -> str:
    if isinstance(value, np.ndarray):
        content = _written_out(value.tolist()) if value.dtype.kind == "O" else digest(value)
        return f"{value.dtype} {value.shape} {content}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {_written_out(value[key])}" for key in value) + "}"
    if isinstance(value, tuple | list):
        parts = ", ".join(map(_written_out, value))
        return f"[{parts}]" if isinstance(value, list) else f"({parts})"
    return repr(value)


def digest(*parts: np.ndarray | str) -> str:
    """A short name of arrays or texts."""
    found = hashlib.sha256()
    for part in parts:
        found.update(
            part.encode() if isinstance(part, str) else np.ascontiguousarray(part).tobytes()
        )
    return found.hexdigest()[:12]


# Objects as plain data


def packed(value: Any, shared: Mapping[str, Any], kinds: Mapping[str, type]) -> Any:
    """A copy of numbers, strings, arrays, lists and tagged pairs."""
    for name, one in shared.items():
        if value is one:
            return ("shared", name)

    def inner(item: Any) -> Any:
        return packed(item, shared, kinds)

    kind = type(value).__name__
    if isinstance(value, np.ndarray):
        return value.copy(order="K")  # in another order matrices would multiply to other last bits
    if isinstance(value, np.random.RandomState):
        return ("random", inner(value.get_state(legacy=False)))
    if kinds.get(kind) is type(value):
        content = value._asdict() if hasattr(value, "_asdict") else vars(value)
        return ("object", [kind, inner(content)])
    if isinstance(value, Mapping):
        return ("mapping", [[key, inner(item)] for key, item in value.items()])
    if isinstance(value, list | tuple | deque):
        return [inner(item) for item in value]
    value = value.item() if isinstance(value, np.generic) else value
    assert value is None or isinstance(value, bool | int | float | str), type(value)
    return value


def unpacked(value: Any, shared: Mapping[str, Any], kinds: Mapping[str, type]) -> Any:
    """What was packed, made anew: nothing of it is part of `value`."""

    def inner(item: Any) -> Any:
        return unpacked(item, shared, kinds)

    if isinstance(value, np.ndarray):
        return value.copy(order="K")
    if isinstance(value, list):
        return [inner(item) for item in value]
    if not isinstance(value, tuple):
        return value
    tag, content = value
    if tag == "shared":
        return shared[content]
    if tag == "random":
        random = np.random.RandomState()
        random.set_state(inner(content))
        return random
    if tag == "mapping":
        return {key: inner(item) for key, item in content}
    kind, fields = kinds[content[0]], inner(content[1])
    if hasattr(kind, "_fields"):
        return kind(**fields)
    made: Any = object.__new__(kind)
    vars(made).update(fields)
    return made


# Plain data as a file


def write(path: Path, call: Mapping[str, str], state: State) -> None:
    """Keep a state, whole or not at all."""
    arrays: dict[str, np.ndarray] = {}

    def written(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            arrays[str(len(arrays))] = value
            return {"array": str(len(arrays) - 1)}
        if isinstance(value, dict):
            return {key: written(item) for key, item in value.items()}
        if isinstance(value, tuple):
            return {value[0]: written(value[1])}
        return [written(item) for item in value] if isinstance(value, list) else value

    tree = {key: written(value) for key, value in state.items()}
    text = json.dumps({"format": FORMAT, "call": dict(call), "state": tree}).encode()
    packed = io.BytesIO()
    np.savez(packed, allow_pickle=False, text=np.frombuffer(text, "uint8"), **arrays)
    body = packed.getvalue()
    with whole(path) as draft, draft.open("wb") as file:
        file.write(hashlib.sha256(body).digest() + body)
        file.flush()
        os.fsync(file.fileno())  # the name may not reach the disk before the content


def read(path: Path) -> tuple[dict[str, str], State]:
    """What `write` kept.

    Raises
    ------
    CheckpointError
        In one sentence, where the file is damaged or of something else.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"checkpoint {path} cannot be read: {error.strerror}") from None
    try:
        digest, body = content[:32], content[32:]
        if hashlib.sha256(body).digest() != digest:
            raise ValueError
        with np.load(io.BytesIO(body), allow_pickle=False) as archive:
            arrays = {name: np.asarray(archive[name]) for name in archive.files}
        text = json.loads(arrays.pop("text").tobytes())
    except Exception as error:  # zipfile's and NumPy's, of many types
        raise CheckpointError(
            f"checkpoint {path} is damaged, or no checkpoint of a call"
        ) from error
    if text["format"] != FORMAT:
        raise CheckpointError(f"checkpoint {path} is of format {text['format']}, expected {FORMAT}")

    def found(tree: Any) -> Any:
        if isinstance(tree, list):
            return [found(item) for item in tree]
        if not isinstance(tree, dict):
            return tree
        ((tag, content),) = tree.items()
        return arrays[content] if tag == "array" else (tag, found(content))

    return text["call"], {key: found(value) for key, value in text["state"].items()}
