"""Cells: named units of work whose results are kept on disk, one file each.

A file's name ends in a digest of the cell's parameters, so results of other settings stay beside
each other. Files appear whole or not at all, so several processes may share a folder.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._support.files import plain, write_text

if TYPE_CHECKING:
    from rich.console import Console

FORMAT = 1  # of a cell's file; another format is run again

Record = dict[str, Any]  # what a cell's file holds: format, cell, parameters, environment, result


@dataclasses.dataclass(frozen=True)
class Cell:
    """A unit of work.

    Parameters
    ----------
    name : str
        Unique among the cells of one suite and one set of parameters; part of a file name.
    parameters : dict
        All that the result depends on, as JSON.
    work : callable
        Takes the results of `needs`; returns the result, as a dict of JSON's types and NumPy's
        numbers and arrays.
    needs : tuple of Cell, default ()
        The cells that have to be finished first; the result depends on their parameters too.
    """

    name: str
    parameters: Mapping[str, Any]
    work: Callable[..., dict[str, Any]]
    needs: tuple[Cell, ...] = ()

    @property
    def key(self) -> dict[str, Any]:
        """All parameters, those of the cells that it needs included, as JSON gives them back."""
        needed = {"needs": [need.key for need in self.needs]} if self.needs else {}
        return dict(plain(dict(self.parameters) | needed))

    def path(self, folder: Path) -> Path:
        """Where its result is kept."""
        return path_of(folder, self.name, self.key)


def path_of(folder: Path, name: str, key: Mapping[str, Any]) -> Path:
    """Where the result of the cell with this name and key is kept."""
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    return folder / f"{name}.{digest[:8]}.json"


def records_of(results: Mapping[str, Any]) -> list[Record]:
    """The records that a ``results.json`` was written from."""
    environments = results["environments"]
    return [
        {"format": FORMAT, "seconds": None} | cell
        | {"environment": environments[cell.get("environment", 0)]}
        for cell in results["cells"]
    ]  # fmt: skip


def put_back(results: Mapping[str, Any], folder: Path) -> int:
    """Make the cells of a ``results.json`` that `folder` lacks finished ones of it; how many."""
    folder.mkdir(parents=True, exist_ok=True)
    put = 0
    for record in records_of(results):
        path = path_of(folder, record["cell"], record["parameters"])
        if not path.exists():
            write_json(path, record)
            put += 1
    return put


def perform(cell: Cell, needed: Sequence[Mapping[str, Any]]) -> Record:
    """Run a cell on the results of those that it needs; its record, in JSON's types."""
    begun = time.perf_counter()
    result = cell.work(*needed)
    return dict(
        plain(
            {
                "format": FORMAT,
                "cell": cell.name,
                "parameters": cell.key,
                "environment": environment(),
                "seconds": round(time.perf_counter() - begun, 3),
                "result": result,
            }
        )
    )


def minimise(problem: Any, **given: Any) -> Any:
    """`deepopt.minimize`, but Ctrl-C ends the suite and not one result."""
    from .._minimize import minimize
    from .._support.results import Status

    result = minimize(problem, **given)
    if result.status == Status.INTERRUPTED:
        raise KeyboardInterrupt
    return result


def finished(cells: Iterable[Cell], folder: Path) -> list[Record]:
    """The records of those cells that have a sound result in `folder`."""
    records = (read(cell, folder, None) for cell in cells)
    return [record for record in records if record is not None]


def read(cell: Cell, folder: Path, console: Console | None) -> Record | None:
    """The record that is kept of a cell; None, and a line, where there is no sound one."""
    path = cell.path(folder)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        record = None
    if _is_record(record, cell):
        return dict(record)
    if console is not None:
        console.print(
            f"Warning: {path} is damaged or not of this benchmark; its cell is run again",
            highlight=False,
            soft_wrap=True,
        )
    return None


def _is_record(record: Any, cell: Cell) -> bool:
    return (
        isinstance(record, dict)
        and record.get("format") == FORMAT
        and record.get("parameters") == cell.key
        and isinstance(record.get("result"), dict)
    )


def write_json(path: Path, value: Any) -> None:
    """Write strict JSON (no NaN, no infinities), whole or not at all."""
    write_text(path, json.dumps(plain(value), allow_nan=False, separators=(",", ":")) + "\n")


def backend() -> str:
    """The active Keras backend."""
    from .._backend import name

    return name()


def environment() -> dict[str, Any]:
    """What a measured time depends on."""
    from .. import __version__

    active = backend()  # before Keras, whose start-up noise it holds back
    import keras

    return {
        "deepopt": __version__,
        "python": platform.python_version(),
        "keras": keras.__version__,
        "backend": active,
        "backend_version": _version(active),
        "numpy": np.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "cpus": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "source": _source(),
    }


@functools.cache
def _source() -> str:
    """A digest of deepopt's own files."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _version(package: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
