"""What the suite ``surfing`` reports: Table 1 beside the paper's, and Figure 2 for every model."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ._cells import Record
from ._report import Report, Table, write_csv, write_results, write_tables

if TYPE_CHECKING:
    from ._settings import GeneratorSettings

METHODS = ("adam", "surf", "default")
LABELS = {"adam": "Adam", "surf": "surfing", "default": "default"}


class Printed(NamedTuple):
    """A cell of the paper's Table 1: recovered of 300, in percent, and iterations."""

    percent: float
    iterations: int


PAPER = {
    "vae": {
        "adam": (Printed(98.7, 737), Printed(100.0, 1330), Printed(100.0, 8215)),
        "surf": (Printed(100.0, 775), Printed(100.0, 1404), Printed(100.0, 10744)),
    },
    "dcgan": {
        "adam": (Printed(48.3, 618), Printed(68.7, 4560), Printed(80.0, 18937)),
        "surf": (Printed(78.3, 741), Printed(98.7, 6514), Printed(96.3, 33294)),
    },
    "wgan": {
        "adam": (Printed(56.0, 464), Printed(84.3, 1227), Printed(90.3, 3702)),
        "surf": (Printed(81.7, 547), Printed(97.3, 1450), Printed(99.3, 4986)),
    },
    "wgan-gp": {
        "adam": (Printed(47.0, 463), Printed(64.7, 1915), Printed(64.7, 15445)),
        "surf": (Printed(83.7, 564), Printed(95.7, 2394), Printed(97.3, 25991)),
    },
}
PAPER_DIMS = (5, 10, 20)
CAPTION = (
    "The share of trials whose solution came within a distance of the true latent, for each "
    "generator and latent dimension k; to the left of the dotted line, 0.01, a trial has succeeded."
)


def write(settings: GeneratorSettings, records: list[Record], out: Path) -> Report:
    """Write the files of the suite from the records that are there."""
    from .. import plots

    measured = [record for record in records if "method" in record["parameters"]]
    rows = [_row(record) for record in measured]
    for row in rows:
        row["best"] = row is _best(rows, row["model"], row["k"], row["method"])
    results = write_results(
        out / "results.json", "surfing", dataclasses.asdict(settings), measured, summary=rows
    )
    write_csv(out / "table1.csv", rows)
    files = ["results.json", "table1.csv", "table.md"]
    if measured:
        title = "Distance of the solution to the truth, best rates (paper B, Figure 2)"
        figure = plots.panels(list(_panels(measured, rows)), title=title, caption=CAPTION)
        plots.save(figure, out / "distances.png")
        files.append("distances.png")
    tables = [table(rows), rates_table(rows)]
    write_tables(out / "table.md", tables)
    note = (
        "Recovered: ‖x̂ - x*‖ < 0.01. Iterations: 75th percentile until then, of those that came "
        "there; of the default: forward passes, its share of the codebook included."
    )
    return Report(results, files, tables, [note])


def _row(record: Record) -> dict[str, Any]:
    asked, result = record["parameters"], record["result"]
    reached = [i for i, count in enumerate(result["until"]) if count is not None]

    def percentile(key: str, more: float = 0.0) -> float | None:
        values = [result[key][i] for i in reached]
        return float(np.percentile(values, 75)) + more if values else None

    return {
        "model": asked["model"], "k": asked["latent_dim"], "width": asked["width"],
        "method": asked["method"], "rate": asked.get("rate"), "trials": asked["trials"],
        "recovered": len(reached), "percent": 100.0 * len(reached) / asked["trials"],
        "iterations": percentile("until"),
        "passes": percentile("passes_until", result["preparation"]),
        "budget": result.get("budget"), "seconds": record.get("seconds"),
    }  # fmt: skip


def _best(rows: Sequence[dict[str, Any]], model: str, k: int, method: str) -> dict[str, Any] | None:
    """The row of the rate with the most recovered, then the fewest iterations."""
    same = [r for r in rows if (r["model"], r["k"], r["method"]) == (model, k, method)]
    return min(same, key=lambda r: (-r["recovered"], r["iterations"] or 0.0), default=None)


def _groups(rows: Sequence[dict[str, Any]]) -> list[tuple[str, int]]:
    """Model and k, in order."""
    return list(dict.fromkeys((row["model"], row["k"]) for row in rows))


def _printed(model: str, k: int, method: str) -> Printed | None:
    if method not in PAPER[model] or k not in PAPER_DIMS:
        return None
    return PAPER[model][method][PAPER_DIMS.index(k)]


def table(rows: Sequence[dict[str, Any]]) -> Table:
    """Table 1: the paper's numbers beside ours at the smallest rate and the best, and the default.

    The paper does not say its rate; the smallest gives its iteration counts.
    """
    rates = [row["rate"] for row in rows if row["rate"] is not None]
    first = min(rates, default=0.0)
    lines = []
    for model, k in _groups(rows):
        here = [row for row in rows if (row["model"], row["k"]) == (model, k)]
        cells = [f"{model}, k = {k}"]
        for method in METHODS[:2]:
            known = _printed(model, k, method)
            cells.append("-" if known is None else f"{known.percent} %, {known.iterations}")
            as_printed = [r for r in here if r["method"] == method and r["rate"] == first]
            cells.append(_text(as_printed[0], False) if as_printed else "-")
        for method in METHODS:
            row = _best(rows, model, k, method)
            cells.append("-" if row is None else _text(row))
        lines.append(cells)
    columns = (
        "generator", "paper: Adam", f"Adam at {first:g}", "paper: surfing",
        f"surfing at {first:g}", "Adam, best rate", "surfing, best rate", "default",
    )  # fmt: skip
    return Table("Recovered, and iterations or passes at the 75th percentile", columns, lines)


def rates_table(rows: Sequence[dict[str, Any]]) -> Table:
    """Adam and surfing at every rate."""
    rates = sorted({row["rate"] for row in rows if row["rate"] is not None})
    lines = []
    for model, k in _groups(rows):
        for method in METHODS[:2]:
            known = {row["rate"]: row for row in rows
                     if (row["model"], row["k"], row["method"]) == (model, k, method)}  # fmt: skip
            cells = [_text(known[rate], False) if rate in known else "-" for rate in rates]
            if known:
                lines.append([f"{model}, k = {k}", LABELS[method], *cells])
    columns = ("generator", "method", *(f"rate {rate:g}" for rate in rates))
    return Table("Recovered, and iterations, at every rate of Adam", columns, lines, words=2)


def _text(row: dict[str, Any], with_rate: bool = True) -> str:
    cost = row["passes"] if row["method"] == "default" else row["iterations"]
    rate = f" at {row['rate']:g}" if with_rate and row["rate"] is not None else ""
    return f"{row['percent']:.1f} %, {'-' if cost is None else f'{cost:.0f}'}{rate}"


def _panels(records: Sequence[Record], rows: Sequence[dict[str, Any]]) -> Iterator[Any]:
    """Distances by method, at the best rate of each."""
    from .. import plots

    for model, k in _groups(rows):
        best = {
            row["method"]: np.array(record["result"]["distances"], dtype=float).tolist()
            for row, record in zip(rows, records, strict=True)
            if (row["model"], row["k"]) == (model, k) and row["best"]
        }
        found = {LABELS[method]: best[method] for method in METHODS if method in best}
        draw = functools.partial(plots.distances, found, styles=plots.styles(LABELS.values()))
        yield f"{model}, k = {k}", draw
