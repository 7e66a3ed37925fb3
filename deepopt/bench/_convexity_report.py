"""What the convexity suite's cells say: summary, Markdown table, CSV and figures."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._cells import Record
from ._descent import Panel, descent_panel
from ._figure1 import figure1
from ._landscape import equal_barriers
from ._objectives import GLASS, NAMES, VARIANTS, Scale, make, scale
from ._report import Report, Table, number, write_csv, write_results, write_tables

if TYPE_CHECKING:
    from ._settings import ConvexitySettings

Run = dict[str, Any]  # of one rate: method, rate, fun, nit, nfev, seconds, history
Scales = dict[tuple[str, str], Scale]

METHODS = ("shallow", "deep")
ARRIVED = 0.01  # of its whole improvement: how near to its own final best a run counts as there
SAME, SAME_RELATIVE = 1e-8, 1e-6  # medians nearer than this are a tie
CAPTION = (
    "Best value so far of shallow and deep against seconds, each at its best rate: the median of "
    "the starts and the band between their quartiles. Errors are parts of f's range over its box "
    "where that is known; the glass's are energies per spin, with its threshold dotted."
)
COLUMNS = (
    "problem", "variant", "descent", "shallow median", "best", "rate", "deep median", "best",
    "rate", "better", "speed ratio", "arrived",
)  # fmt: skip


def write(settings: ConvexitySettings, records: list[Record], out: Path) -> Report:
    """Write every file of the suite from the records that are there."""
    scales = read_scales(records)
    rows = summarise(records, scales)
    facts = {"/".join(key): found._asdict() for key, found in scales.items()}
    barriers = equal_barriers()
    results = write_results(
        out / "results.json",
        "convexity",
        dataclasses.asdict(settings),
        [_thinned(record) for record in records],
        histories="of the best rate of each start and method; all of them are in cells/",
        scales=facts,
        summary=rows,
        figure1=barriers,
    )
    write_csv(out / "results.csv", list(_lines(records, scales)))
    title = "Paper A's protocol: shallow against deep in the same clock time"
    tables = [Table(title, COLUMNS, [_texts(row) for row in rows], words=3)]
    notes = _notes(scales)
    write_tables(out / "table.md", tables, notes)
    files = ["results.json", "results.csv (a line per rate)", "table.md"]
    files += _draw(records, scales, barriers, out)
    return Report(results, files, tables, notes)


def best_run(record: Record, method: str) -> Run:
    """The run of the rate with the lowest final value."""
    runs = [run for run in record["result"]["runs"] if run["method"] == method]
    return min(runs, key=lambda run: _or_infinity(run["fun"]))


def read_scales(records: list[Record]) -> Scales:
    """How values are reported, for each problem and variant met."""
    lowest: dict[tuple[str, str, int, int], float] = {}
    for record in records:
        asked = record["parameters"]
        key = (asked["problem"], asked["variant"], asked["seed"], asked["dim"])
        found = min(_or_infinity(run["fun"]) for run in record["result"]["runs"])
        lowest[key] = min(found, lowest.get(key, math.inf))
    return {key[:2]: scale(make(*key), least) for key, least in lowest.items()}


def summarise(records: list[Record], scales: Scales) -> list[dict[str, Any]]:
    """One row per problem × variant × descent, over its starts."""
    rows = []
    for (problem, variant, descent), group in _groups(records):
        row: dict[str, Any] = {"problem": problem, "variant": variant, "descent": descent}
        row["starts"] = len(group)
        for method in METHODS:
            errors = [
                _or_infinity(scales[problem, variant].error(best_run(record, method)["fun"]))
                for record in group
            ]
            row |= {f"{method}_median": statistics.median(errors), f"{method}_best": min(errors)}
            row[f"{method}_rate"] = statistics.mode(best_run(r, method)["rate"] for r in group)
        row["better"] = _better(row["shallow_median"], row["deep_median"])
        ratios = [speed_ratio(record) for record in group]
        row["speed_ratios"] = ratios
        row["speed_ratio"] = statistics.median(ratio or 0.0 for ratio in ratios) or None
        row["arrived"] = sum(ratio is not None for ratio in ratios)
        rows.append(row)
    return rows


def speed_ratio(record: Record) -> float | None:
    """Shallow's time to its own final best, over deep's time to that value; None for never.

    Each with its best rate. "To" is up to 1% of shallow's whole improvement.
    """
    shallow = best_run(record, "shallow")["history"]
    values = [value for value in shallow["fun"] if value is not None]
    if not values:
        return None
    target = values[-1] + ARRIVED * (values[0] - values[-1])
    arrival = _arrival(best_run(record, "deep")["history"], target)
    own = _arrival(shallow, target)
    return None if arrival is None or own is None else own / arrival


def _arrival(history: dict[str, list[Any]], target: float) -> float | None:
    for at, value in zip(history["time"], history["fun"], strict=True):
        if value is not None and value <= target:
            return float(at)
    return None


def _better(shallow: float, deep: float) -> str:
    if shallow == deep or abs(shallow - deep) <= SAME + SAME_RELATIVE * abs(shallow):
        return "same"
    return "shallow" if shallow < deep else "deep"


def _groups(records: list[Record]) -> Iterator[tuple[tuple[str, str, str], list[Record]]]:
    """Records by problem, variant and descent, in the paper's order."""
    groups: dict[tuple[str, str, str], list[Record]] = {}
    for record in records:
        asked = record["parameters"]
        key = (asked["problem"], asked["variant"], asked["descent"])
        groups.setdefault(key, []).append(record)
    for name in NAMES:
        yield from ((key, group) for key, group in groups.items() if key[0] == name)


def _thinned(record: Record) -> Record:
    """The record with the histories of the best rates only."""
    kept = [id(best_run(record, method)) for method in METHODS]
    runs = [
        run if id(run) in kept else {key: run[key] for key in run if key != "history"}
        for run in record["result"]["runs"]
    ]
    return record | {"result": {"runs": runs}}


def _lines(records: list[Record], scales: Scales) -> Iterator[dict[str, Any]]:
    """Lines of the CSV: problem × variant × descent × start × method × rate."""
    for (problem, variant, descent), group in _groups(records):
        for record in group:
            best = {method: best_run(record, method)["rate"] for method in METHODS}
            for run in record["result"]["runs"]:
                yield {
                    "problem": problem,
                    "variant": variant,
                    "descent": descent,
                    "start": record["parameters"]["start"],
                    "method": run["method"],
                    "rate": run["rate"],
                    "best_of_grid": int(run["rate"] == best[run["method"]]),
                    "fun": run["fun"],
                    "error": scales[problem, variant].error(run["fun"]),
                    "nit": run["nit"],
                    "nfev": run["nfev"],
                    "seconds": run["seconds"],
                }


def _or_infinity(value: float | None) -> float:
    return math.inf if value is None else value


# The table


def _texts(row: dict[str, Any]) -> list[str]:
    """A row of the summary, as the words of the table."""
    values = [
        number(row[f"{method}_{kind}"] if math.isfinite(row[f"{method}_{kind}"]) else None)
        for method in METHODS
        for kind in ("median", "best", "rate")
    ]
    ratio = "never" if row["speed_ratio"] is None else f"{row['speed_ratio']:.2g}"
    arrived = f"{row['arrived']}/{row['starts']}"
    return [row["problem"], row["variant"], row["descent"], *values, row["better"], ratio, arrived]


def _notes(scales: Scales) -> list[str]:
    notes = [
        "Values are f above its minimum after the best rate of the grid: median and best of the "
        "starts; rate is the one that won most often.",
        "better: by the median. speed ratio: the time shallow needs to come within 1% of its own "
        "final improvement, over the time deep needs to get as low; median over the starts, and "
        "arrived says at how many of them deep gets there.",
    ]
    if (GLASS, "given") in scales:
        from ..problems import SphericalSpinGlass as Glass

        notes.append(
            f"{GLASS}: energy per spin; as N grows the threshold is {Glass.threshold:.5f} and the "
            f"ground state {Glass.ground_state:.5f}."
        )
    seen = ["/".join(key) for key, found in scales.items() if "best value seen" in found.meaning]
    if seen:
        notes.append(
            f"{', '.join(seen)}: the minimum is not known, so above the best value seen in this "
            "suite."
        )
    return notes


# The figures


def _draw(
    records: list[Record], scales: Scales, barriers: dict[str, float], out: Path
) -> list[str]:
    from .. import plots

    figures = {"figure1.png": figure1(barriers)}
    for variant in VARIANTS:
        panels = [
            panel(name, group, scales[name, variant])
            for (name, moved, descent), group in _groups(records)
            if moved == variant and descent == "gd"
        ]
        if panels:
            name = "figure2.png" if variant == "given" else f"figure2_{variant}.png"
            title = "as given" if variant == "given" else variant
            title = f"Functions {title}: best so far at the best rate"
            figures[name] = plots.panels(panels, title=title, caption=CAPTION)
    for name, figure in figures.items():
        plots.save(figure, out / name)
    return list(figures)


def panel(name: str, group: list[Record], found: Scale) -> Panel:
    """Both optimizers' error against time over all starts, each at its best rate."""
    histories = {
        method: [best_run(record, method)["history"] for record in group] for method in METHODS
    }
    return descent_panel(name, histories, found, "time")
