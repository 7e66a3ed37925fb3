"""Running cells: here, in processes of this machine, or on a Dask cluster.

Whoever does the work, the records are written here and as they arrive. A cell is given out once all
that it needs is finished; one whose worker is lost is given out again.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .._support.executors import Engine, engine
from .._support.progress import Line
from ._cells import Cell, Record, perform, read, write_json

if TYPE_CHECKING:
    from rich.console import Console

LOSSES = 3  # workers that a cell may lose


def run_cells(
    cells: Sequence[Cell], folder: Path, console: Console, workers: int = 1,
    scheduler: str | None = None,
) -> None:  # fmt: skip
    """Run the cells that have no result in `folder` yet, and what they need.

    A damaged or foreign file is reported and its cell run again. Raises KeyboardInterrupt with a
    sentence on what is kept.
    """
    waiting = [cell for cell in cells if read(cell, folder, console) is None]
    done = len(cells) - len(waiting)
    if done:
        console.print(f"{done} of {len(cells)} cells are finished already", highlight=False)
    if not waiting:
        return
    sweep = _Sweep(waiting, folder)
    line = Line("bench", "cells", (len(cells),), shown=not console.quiet)
    try:
        with engine(workers, scheduler) as chosen, line:
            line.see("", done)
            for number, record in enumerate(sweep.records(chosen), done + 1):
                done += record["cell"] in sweep.asked
                line.see(record["cell"], done)
                line.log(f"[{number}/{len(cells)}] {record['cell']}: {record['seconds']:.1f} s")
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"Interrupted: {done} of {len(cells)} cells are finished and kept in {folder}; "
            "the same command continues."
        ) from None


class _Task(NamedTuple):
    """A cell that waits."""

    cell: Cell
    path: Path
    needs: list[Path]


class _Sweep:
    """Cells that wait, and the results of those that are finished."""

    def __init__(self, cells: Sequence[Cell], folder: Path) -> None:
        self.asked = {cell.name for cell in cells}
        self._folder = folder
        self._waiting: list[_Task] = []
        self._known: set[Path] = set()
        self._results: dict[Path, dict[str, Any]] = {}
        self._losses: dict[Path, int] = {}
        for cell in cells:
            self._add(cell)

    def _add(self, cell: Cell) -> Path:
        """Take a cell up, behind all that it needs."""
        path = cell.path(self._folder)
        if path in self._known:
            return path
        self._known.add(path)
        record = read(cell, self._folder, None)
        if record is None:
            self._waiting.append(_Task(cell, path, [self._add(need) for need in cell.needs]))
        else:
            self._results[path] = record["result"]
        return path

    def records(self, engine: Engine) -> Iterator[Record]:
        """Give out what can be run, and write and yield the records as they arrive."""
        running: dict[Future[Record], _Task] = {}
        while self._waiting or running:
            self._give_out(engine, running)
            wait(running, return_when=FIRST_COMPLETED)
            failed = None
            for future in [future for future in running if future.done()]:
                task, error = running.pop(future), future.exception()
                if error is not None:
                    self._waiting.insert(0, task)
                    failed = failed or (task, error)
                    continue
                record = future.result()
                write_json(task.path, record)
                self._results[task.path] = record["result"]
                yield record
            if failed is not None:
                self._go_on_after(failed, engine, running)

    def _give_out(self, engine: Engine, running: dict[Future[Record], _Task]) -> None:
        """Fill the engine's slots with cells that miss nothing."""
        free = engine.slots - len(running)
        ready = (
            task for task in self._waiting if all(need in self._results for need in task.needs)
        )
        for task in [*itertools.islice(ready, max(0, free))]:
            self._waiting.remove(task)
            needed = [self._results[need] for need in task.needs]
            running[engine.submit(perform, task.cell, needed)] = task

    def _go_on_after(
        self, failed: tuple[_Task, BaseException], engine: Engine,
        running: dict[Future[Record], _Task],
    ) -> None:  # fmt: skip
        """Give out again what a lost worker and its pool left; any other error is raised."""
        task, error = failed
        if not engine.lost(error):
            raise error
        self._waiting[:0] = running.values()
        running.clear()
        self._losses[task.path] = self._losses.get(task.path, 0) + 1
        if self._losses[task.path] > LOSSES:
            raise OSError(
                f"{LOSSES + 1} workers were lost while they ran cells like {task.cell.name}"
            ) from error
