"""What the suites' reports share: where they print, and files beside ``results.json``."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._support.files import plain, write_text
from ._cells import FORMAT, Record, write_json

if TYPE_CHECKING:
    from rich.console import Console

UNSAID = ("only", "solvers", "data", "generators")  # settings that no result depends on


def write_results(
    path: Path, suite: str, settings: Mapping[str, Any], records: list[Record], **more: Any
) -> dict[str, Any]:
    """Write and return what is needed to redraw: settings, environments, cells."""
    environments: list[Any] = []
    for record in records:
        if record["environment"] not in environments:
            environments.append(record["environment"])
    results = plain(
        {
            "format": FORMAT,
            "suite": suite,
            "settings": {key: value for key, value in settings.items() if key not in UNSAID},
            "environments": environments,
            **more,
            "cells": [
                {key: record[key] for key in ("cell", "parameters", "seconds", "result")}
                | {"environment": environments.index(record["environment"])}
                for record in records
            ],
        }
    )
    write_json(path, results)
    return dict(results)


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """One line per row, under the keys of the first."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


@dataclasses.dataclass(frozen=True)
class Table:
    """Words in rows, for the terminal and for a page.

    Parameters
    ----------
    title : str
    columns : sequence of str
    rows : sequence of sequence of str
    words : int, default 1
        Columns that hold words, from the left; the others hold numbers.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: int = 1

    def show(self, console: Console) -> None:
        """Print it."""
        from rich.table import Table as Shown

        shown = Shown(title=self.title)
        for index, name in enumerate(self.columns):
            shown.add_column(name, justify="left" if index < self.words else "right")
        for row in self.rows:
            shown.add_row(*row)
        console.print(shown)

    @property
    def markdown(self) -> str:
        """The title in bold, and the table below."""
        lines = [self.columns, ["---"] * len(self.columns), *self.rows]
        marked = [f"| {' | '.join(line)} |" for line in lines]
        return "\n".join([f"**{self.title}**", "", *marked])


@dataclasses.dataclass(frozen=True)
class Report:
    """What a suite has found and written.

    Parameters
    ----------
    results : dict
        What ``results.json`` holds.
    files : sequence of str
        Names in the folder, some with a remark behind.
    tables : sequence of Table
    notes : sequence of str
        What one has to know to read them.
    """

    results: dict[str, Any]
    files: Sequence[str]
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()

    def show(self, console: Console, out: Path) -> None:
        """Print it, and where the files are."""
        for table in self.tables:
            table.show(console)
        for note in self.notes:
            console.print(note, highlight=False, markup=False)
        console.print(
            f"{', '.join(self.files)} are in {out}", highlight=False, markup=False, soft_wrap=True
        )


def write_tables(path: Path, tables: Sequence[Table], notes: Sequence[str] = ()) -> None:
    """As Markdown, one below the other, and the notes below all."""
    parts = [table.markdown for table in tables]
    parts += ["\n".join(f"- {note}" for note in notes)] if notes else []
    write_text(path, "\n\n".join(parts) + "\n")


def number(value: float | None) -> str:
    """Four digits, or a dash for None."""
    return "-" if value is None else f"{value:.4g}"
