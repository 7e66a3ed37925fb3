"""Files that appear whole or not at all, and what JSON can hold."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np


class CheckpointError(ValueError):
    """A file that is no checkpoint, or of something else; its message names the file.

    Examples
    --------
    >>> import deepopt, pathlib, tempfile
    >>> from deepopt.problems import rastrigin
    >>> path = pathlib.Path(tempfile.mkdtemp(), "run.ckpt")
    >>> _ = path.write_text("notes")
    >>> try:
    ...     deepopt.minimize(rastrigin.with_dim(2), options={"checkpoint": path})
    ... except deepopt.CheckpointError as error:
    ...     print(str(error).replace(str(path), "…"))
    checkpoint … is damaged, or no checkpoint of a call
    """


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A draft in the same folder that takes the place of `path` when the scope ends well."""
    draft = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@contextlib.contextmanager
def folder_for(out: str | Path, *parts: str, name: str = "out") -> Iterator[Path]:
    """The folder `out`, with its subfolders `parts`; what is made here and stays empty goes again.

    `name` is that of the argument, for the error.

    Raises
    ------
    OSError
        In one sentence, where it cannot be written to.
    """
    folder = Path(out)
    places = [folder, *(folder / part for part in parts)]
    new = [place for place in [*folder.parents][::-1] + places if not place.exists()]
    try:
        for place in places:
            place.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=place):
                pass
    except OSError as error:
        why = error.strerror or error
        raise OSError(
            f"{name} must be a folder that can be written to, got {folder}: {why}"
        ) from None
    try:
        yield folder
    finally:
        for place in reversed(new):
            with contextlib.suppress(OSError):
                place.rmdir()  # where it is empty


def write_text(path: Path, text: str) -> None:
    with whole(path) as draft:
        draft.write_text(text, encoding="utf-8")


def plain(value: Any) -> Any:
    """`value` in JSON's own types; what is not finite becomes None."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
