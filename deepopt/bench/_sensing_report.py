"""What the suite ``sensing`` reports: Figures 3 and 4, and their tables."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ._cells import Record
from ._report import Report, Table, write_csv, write_results, write_tables

if TYPE_CHECKING:
    from ._settings import GeneratorSettings

METHODS = {
    "adam": "Adam", "restarts": "Adam, ten restarts", "surf": "surfing", "default": "default",
    "boxed": "default in [-1, 1]^k",
    "lasso": "Lasso, cosines",
}  # fmt: skip

MEASURED = "measurements m"
RECOVERY = (
    "The share of trials in which the latent was recovered to within 0.01, against the number m of "
    "Gaussian measurements, for each generator; m is on a logarithmic axis."
)
IMAGES = (
    "The root mean square error per pixel against the number m of measurements: median, quartiles, "
    "and whiskers from the 5th to the 95th percentile of the images; the Lasso uses no generator."
)

Row = dict[str, Any]


def write(settings: GeneratorSettings, records: list[Record], out: Path) -> Report:
    """Write the files of the suite from the records that are there."""
    from .. import plots

    measured = [record for record in records if "part" in record["parameters"]]
    parts = {
        part: [_row(record) for record in measured if record["parameters"]["part"] == part]
        for part in ("recovery", "images")
    }
    results = write_results(
        out / "results.json", "sensing", dataclasses.asdict(settings), measured, summary=parts
    )
    files, tables = ["results.json", "table.md"], []
    if parts["recovery"]:
        write_csv(out / "recovery.csv", parts["recovery"])
        title = "Exact recovery from m measurements (paper B, Figure 3)"
        figure = plots.panels(_curves(parts["recovery"]), title=title, caption=RECOVERY)
        plots.save(figure, out / "recovery.png")
        files += ["recovery.csv", "recovery.png"]
        tables.append(_table(parts["recovery"], "Recovered, of the trials", _share))
    if parts["images"]:
        write_csv(out / "images.csv", parts["images"])
        of_images = [r for r in measured if r["parameters"]["part"] == "images"]
        boxes = _boxes(of_images)
        title = "Images that no training has seen, from m measurements (paper B, Figure 4)"
        plots.save(plots.panels(boxes, title=title, caption=IMAGES, columns=2), out / "images.png")
        files += ["images.csv", "images.png"]
        tables.append(_table(parts["images"], "Error per pixel: median (mean)", _error))
        beside = _beside_restarts(of_images)
        tables += [beside] if beside.rows else []
    write_tables(out / "table.md", tables)
    missing = parts["images"] and not _of(parts["images"], "", "lasso")
    notes = ["The Lasso needs scikit-learn: pip install 'deepopt[bench]'"] if missing else []
    return Report(results, files, tables, notes)


def _row(record: Record) -> Row:
    asked, result = record["parameters"], record["result"]
    row = {key: asked.get(key) for key in ("model", "width", "rows", "method", "trials")}
    if asked["part"] == "recovery":
        distances = np.array(result["distances"], dtype=float)
        row["recovered"] = sum(count is not None for count in result["until"])
        row |= {"median_distance": float(np.median(distances))}
    else:
        errors = np.array(result["errors"], dtype=float)
        quartiles = np.percentile(errors, [25, 50, 75])
        row |= dict(zip(("lower", "median", "upper"), map(float, quartiles), strict=True))
        row |= {"mean": float(errors.mean()), "penalty": result.get("penalty")}
    passes = result.get("passes")
    return row | {"passes": None if passes is None else float(np.mean(passes))}


def _share(row: Row) -> str:
    return f"{row['recovered']}/{row['trials']}"


def _error(row: Row) -> str:
    return f"{row['median']:.4f} ({row['mean']:.4f})"


def _models(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row["model"] for row in rows if row["model"]))


def _of(rows: Sequence[Row], model: str, method: str) -> list[Row]:
    """By m; the Lasso knows no model."""
    found = [r for r in rows if r["method"] == method and r["model"] in (model, None)]
    return sorted(found, key=lambda row: row["rows"])


def _curves(rows: Sequence[Row]) -> list[Any]:
    from .. import plots

    panels = []
    for model in _models(rows):
        curves = {}
        for method, label in METHODS.items():
            some = _of(rows, model, method)
            if some:
                shares = [row["recovered"] / row["trials"] for row in some]
                curves[label] = [row["rows"] for row in some], shares
        draw = functools.partial(plots.curves, curves, xlabel=MEASURED, ylabel="share recovered",
                                 log=("x",), styles=plots.styles(METHODS.values()))  # fmt: skip
        panels.append((model, draw))
    return panels


def _boxes(records: Sequence[Record]) -> list[Any]:
    from .. import plots

    asked = [record["parameters"] for record in records]
    panels = []
    for model in _models([one | {"model": one.get("model")} for one in asked]):
        found: dict[str, dict[int, Any]] = {}
        for one, record in zip(asked, records, strict=True):
            if one.get("model") in (model, None):
                label = METHODS[one["method"]]
                errors = np.array(record["result"]["errors"], dtype=float)
                found.setdefault(label, {})[one["rows"]] = errors
        ordered = {label: found[label] for label in METHODS.values() if label in found}
        draw = functools.partial(plots.boxes, ordered, xlabel=MEASURED, ylabel="error per pixel",
                                 styles=plots.styles(METHODS.values()))  # fmt: skip
        panels.append((model, draw))
    return panels


def _table(rows: Sequence[Row], title: str, text: Callable[[Row], str]) -> Table:
    counts = sorted({row["rows"] for row in rows})
    lines = []
    for model in _models(rows):
        for method, label in METHODS.items():
            some = {row["rows"]: row for row in _of(rows, model, method)}
            if some:
                passes = [row["passes"] for row in some.values() if row["passes"] is not None]
                mean = f"{np.mean(passes):.0f}" if passes else "-"
                cells = [text(some[m]) if m in some else "-" for m in counts]
                lines.append([model, label, *cells, mean])
    columns = ("model", "method", *(f"m = {m}" for m in counts), "passes, mean")
    return Table(title, columns, lines, words=2)


def _beside_restarts(records: Sequence[Record]) -> Table:
    """The errors of each method less those of Adam with restarts, image by image."""
    errors = {
        (asked.get("model"), asked["method"], asked["rows"]): np.array(record["result"]["errors"])
        for record in records if (asked := record["parameters"])
    }  # fmt: skip
    counts = sorted({m for *_, m in errors})
    lines = []
    for model in dict.fromkeys(model for model, method, _ in errors if method == "restarts"):
        for method, label in METHODS.items():
            cells = [
                _difference(errors.get((model, method, m)), errors.get((model, "restarts", m)))
                for m in counts
            ]
            if method != "restarts" and any(cell != "-" for cell in cells):
                lines.append([model, label, *cells])
    title = "… less that of Adam with ten restarts, image by image: mean ± two standard errors"
    return Table(title, ("model", "method", *(f"m = {m}" for m in counts)), lines, words=2)


def _difference(one: np.ndarray | None, other: np.ndarray | None) -> str:
    if one is None or other is None:
        return "-"
    less = one - other
    return f"{less.mean():+.4f} ± {2 * less.std(ddof=1) / len(less) ** 0.5:.4f}"
