"""A first look: the nine objectives, shallow and deep, one start each, the grid of rates."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._cells import Cell, Record, backend, minimise
from ._descent import Panel, descent_panel
from ._objectives import GLASS, Scale, make, read_names, scale

if TYPE_CHECKING:
    from ._report import Report, Table
    from ._settings import QuickSettings

METHODS = {"shallow": "gd", "deep": "deep"}
CAPTION = (
    "Best value so far of the 11 rates of a grid together, against the points evaluated, from one "
    "start of 50 points. Errors are parts of f's range over its box; the glass's are energies per "
    "spin, with its threshold dotted."
)


def cells(settings: QuickSettings) -> Iterator[Cell]:
    """The cells: problem × method."""
    for name in read_names(settings.only):
        for method in METHODS:
            yield _cell(name, method, settings)


def _cell(name: str, method: str, settings: QuickSettings) -> Cell:
    iterations = settings.iterations
    parameters = {
        "suite": "quick",
        "problem": name,
        "method": method,
        "seed": settings.seed,
        "dim": settings.dim,
        "dtype": settings.dtype,
        "iterations": max(1, iterations // 5) if name == GLASS else iterations,
        "backend": backend(),
    }
    return Cell(f"{name}-{method}", parameters, functools.partial(_minimise, parameters))


def _minimise(parameters: dict[str, Any]) -> dict[str, Any]:
    problem = make(parameters["problem"], "given", parameters["seed"], parameters["dim"])
    begun = time.perf_counter()
    options = {"maxiter": parameters["iterations"], "dtype": parameters["dtype"]}
    method, seed = METHODS[parameters["method"]], parameters["seed"]
    result = minimise(problem, method=method, options=options, rng=seed)
    return {
        "fun": result.fun,
        "rate": result.learning_rate,
        "nit": result.nit,
        "nfev": result.nfev,
        "seconds": time.perf_counter() - begun,
        "history": result.history,
    }


def write(settings: QuickSettings, records: list[Record], out: Path) -> Report:
    """Write the files of the suite from the records that are there."""
    from .. import plots
    from ._report import Report, write_csv, write_results

    rows = [_row(name, pair) for name, pair in _pairs(records)]
    results = write_results(
        out / "results.json", "quick", dataclasses.asdict(settings), records, summary=rows
    )
    write_csv(out / "results.csv", [_line(record) for record in records])
    panels = [_panel(name, pair) for name, pair in _pairs(records)]
    title = f"Best so far over the whole grid of rates, {settings.dim} variables"
    plots.save(plots.panels(panels, title=title, caption=CAPTION), out / "quick.png")
    files = ["results.json", "results.csv (the best of the grid)", "quick.png"]
    return Report(results, files, [_table(rows, settings.dim)], list(_notes(rows)))


def _pairs(records: list[Record]) -> Iterator[tuple[str, list[Record]]]:
    """Records by problem."""
    names = dict.fromkeys(record["parameters"]["problem"] for record in records)
    for name in names:
        yield name, [record for record in records if record["parameters"]["problem"] == name]


def _scale(record: Record) -> Scale:
    asked = record["parameters"]
    return scale(make(asked["problem"], "given", asked["seed"], asked["dim"]), None)


def _row(name: str, pair: list[Record]) -> dict[str, Any]:
    row: dict[str, Any] = {"problem": name, "reported": _scale(pair[0]).meaning}
    for record in pair:
        method, result = record["parameters"]["method"], record["result"]
        row[method] = _scale(record).error(result["fun"])
        row[f"{method}_rate"], row[f"{method}_seconds"] = result["rate"], result["seconds"]
    return row


def _line(record: Record) -> dict[str, Any]:
    asked, result = record["parameters"], record["result"]
    line = {key: asked[key] for key in ("problem", "method", "seed")}
    line["error"] = _scale(record).error(result["fun"])
    return line | {key: result[key] for key in ("fun", "rate", "nit", "nfev", "seconds")}


def _panel(name: str, pair: list[Record]) -> Panel:
    histories = {
        METHODS[record["parameters"]["method"]]: [record["result"]["history"]] for record in pair
    }
    return descent_panel(name, histories, _scale(pair[0]), "nfev")


def _table(rows: Sequence[dict[str, Any]], dim: int) -> Table:
    from ._report import Table, number

    lines = []
    for row in rows:
        keys = ("{}", "{}_rate", "{}_seconds")
        values = [row.get(key.format(method)) for key in keys for method in METHODS]
        texts = [number(value) for value in values[:4]]
        texts += ["-" if value is None else f"{value:.1f}" for value in values[4:]]
        lines.append([row["problem"], *texts])
    columns = ("problem", "gd", "deep", "rate gd", "rate deep", "seconds gd", "seconds deep")
    return Table(f"f above its minimum, {dim} variables, one start of 50 points", columns, lines)


def _notes(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    from ..problems import SphericalSpinGlass as Glass

    if any(row["problem"] == GLASS for row in rows):
        yield f"{GLASS}: energy per spin; the threshold is {Glass.threshold:.3f} as N grows."
    yield "Seconds are those of the whole grid, compilation included."
