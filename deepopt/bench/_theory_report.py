"""What the suite ``theory`` reports: tables, and figures of balls, surfs and pieces."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ._cells import Record
from ._report import Report, Table, write_csv, write_results, write_tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ._settings import ScaledSettings

Row = dict[str, Any]
FARTHEST = 100.0  # times 1 + ‖y‖: where the search for a ball ends
WIDE = 4  # expansions from which on the ball is small enough to have a size
SHOWN = 3  # surfs on flows that jump
CAPTIONS = {
    "ball": (
        "The radius, itself or over 1 + ‖y‖, of the ball around the origin outside which the "
        "misfit always descends towards it: medians over the networks drawn; k latents, d layers."
    ),
    "flow": (
        "Left: the share of flows that Algorithm 2 followed to the end, against its step δ as a "
        "multiple of the theorem's bound. Right: its distance to a global minimiser that jumps, of "
        "three flows, those first that it has lost at the end."
    ),
    "pieces": (
        "Medians over points and networks, against the slack τ: rows of the linear system of a "
        "piece, and pieces within the slack of a point. A name is the widths of a network."
    ),
}


class Lines(NamedTuple):
    """A panel of curves (x, y) by name."""

    title: str
    xlabel: str
    ylabel: str
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]]
    log: tuple[str, ...] = ("x", "y")


def write(settings: ScaledSettings, records: list[Record], out: Path) -> Report:
    """Write the files of the suite from the records that are there."""
    from .. import plots

    rows = {
        part: [row for record in records if record["parameters"]["part"] == part
               for row in read(record)]
        for part, read in (("ball", _ball), ("flow", _surfs), ("pieces", _slacks))
    }  # fmt: skip
    results = write_results(
        out / "results.json", "theory", dataclasses.asdict(settings), records, summary=rows
    )
    files, tables = ["results.json", "table.md"], []
    shown: dict[str, tuple[str, Callable[..., Iterator[Lines]], list[Callable[..., Table]]]] = {
        "ball": (
            "Theorem 3.1: the ball that is left over",
            _ball_lines,
            [ball_table, length_table, measured_table],
        ),
        "flow": ("Theorem 3.3: Algorithm 2 along networks in motion", _flow_lines, [flow_table]),
        "pieces": ("Linear pieces around a point", _piece_lines, [piece_table]),
    }
    for part, (title, lines, makers) in shown.items():
        if rows[part]:
            write_csv(out / f"{part}.csv", rows[part])
            figure = _figure(list(lines(rows[part], records)), title, CAPTIONS[part])
            plots.save(figure, out / f"{part}.png")
            files += [f"{part}.csv", f"{part}.png"]
            tables += [made for make in makers if (made := make(rows[part])).rows]
    write_tables(out / "table.md", tables)
    return Report(results, files, tables)


def _figure(drawn: Sequence[Lines], title: str, caption: str) -> Figure:
    from .. import plots

    looks = plots.styles(name for lines in drawn for name in lines.curves)
    each = [
        (lines.title, functools.partial(plots.curves, lines.curves, xlabel=lines.xlabel,
                                        ylabel=lines.ylabel, log=lines.log, styles=looks))
        for lines in drawn
    ]  # fmt: skip
    return plots.panels(each, title=title, caption=caption)


# Rows


def _ball(record: Record) -> Iterator[Row]:
    asked, result = record["parameters"], record["result"]
    keys = ("k", "depth", "expansion", "y", "norm", "rows", "seed")
    yield {key: asked[key] for key in keys} | result


def _surfs(record: Record) -> Iterator[Row]:
    asked, result = record["parameters"], record["result"]
    shared = {key: asked[key] for key in ("kind", "seed")}
    shared |= {key: result[key] for key in ("jumps", "lipschitz", "largest", "bound", "patterns")}
    keys = (
        "multiple",
        "ratio",
        "steps",
        "complete",
        "followed",
        "at_the_end",
        "excess",
        "pieces_mean",
        "pieces_most",
    )
    for surf in result["surfs"]:
        yield shared | {key: surf[key] for key in keys}


def _slacks(record: Record) -> Iterator[Row]:
    asked = record["parameters"]
    sizes = "-".join(map(str, (asked["k"], *asked["hidden"])))
    for found in record["result"]["slacks"]:
        for rows, pieces, complete in zip(
            found["rows"], found["pieces"], found["complete"], strict=True
        ):
            yield {"network": sizes, "seed": asked["seed"], "tau": found["tau"], "rows": rows,
                   "pieces": pieces, "complete": complete}  # fmt: skip


def _median(rows: Sequence[Row], key: str, value: str) -> tuple[list[float], list[float]]:
    """The values of a key, and the median of another among the rows that have each."""
    x = sorted({row[key] for row in rows})
    return x, [float(np.median([row[value] for row in rows if row[key] == at])) for at in x]


def _where(rows: Sequence[Row], /, **wanted: Any) -> list[Row]:
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def _distinct(rows: Sequence[Row], *keys: str) -> list[tuple[Any, ...]]:
    return sorted({tuple(row[key] for key in keys) for row in rows})


# Theorem 3.1


def _ball_lines(rows: Sequence[Row], _: Sequence[Record]) -> Iterator[Lines]:
    height = "radius / (1 + ‖y‖), median"
    shapes = _distinct(rows, "k", "depth")
    for title, y in (("any y, A = I", "any"), ("y = G(x*), ‖x*‖ = 1, A = I", "made")):
        of_y = _where(rows, y=y, rows=None) if y == "made" else _where(rows, y=y, rows=None, norm=1)
        curves = {
            f"k = {k}, d = {depth}": _median(
                _where(of_y, k=k, depth=depth), "expansion", "relative"
            )
            for k, depth in shapes
        }  # fmt: skip
        yield Lines(title, "expansion of a layer", height, curves)
    lengths, expansion = _by_length(rows)
    if expansion is not None:
        curves = {
            f"k = {k}, d = {depth}": _median(_where(lengths, k=k, depth=depth), "scale", "radius")
            for k, depth in _distinct(lengths, "k", "depth")
        }
        title = f"any y, A = I, expansion {expansion}"
        yield Lines(title, "1 + ‖y‖", "radius, median", curves)
    measured = [row | {"times": row["rows"] / row["k"]} for row in rows if row["rows"]]
    curves = {
        f"k = {k}, d = {depth}": _median(_where(measured, k=k, depth=depth), "times", "relative")
        for k, depth in _distinct(measured, "k", "depth")
    }
    if curves:
        yield Lines("Gaussian A, any y", "measurements m / k", height, curves)


def _by_length(rows: Sequence[Row]) -> tuple[list[Row], int | None]:
    """Those where y has several lengths, and their expansion."""
    alone = [row for row in rows if row["rows"] is None and row["y"] == "any"]
    expansion = max((row["expansion"] for row in alone if row["norm"] != 1.0), default=None)
    some = _where(alone, expansion=expansion)
    return [row | {"scale": 1.0 + row["norm"]} for row in some], expansion


def length_table(rows: Sequence[Row]) -> Table:
    """Medians of the radius itself, by ‖y‖."""
    lengths, expansion = _by_length(rows)
    norms = [norm for (norm,) in _distinct(lengths, "norm")]
    lines = []
    for k, depth in _distinct(lengths, "k", "depth"):
        some = _where(lengths, k=k, depth=depth)
        known = dict(zip(*_median(some, "norm", "radius"), strict=True))
        cells = [f"{known[norm]:.2f}" if norm in known else "-" for norm in norms]
        lines += [[str(k), str(depth), *cells]] if known else []
    columns = ("k", "d", *(f"length {norm:g}" for norm in norms))
    return Table(f"… its radius by the length of y, e = {expansion}, medians", columns, lines, 0)


def measured_table(rows: Sequence[Row]) -> Table:
    """Medians by the number of measurements."""
    some = [row | {"times": row["rows"] / row["k"]} for row in rows if row["rows"]]
    times = [at for (at,) in _distinct(some, "times")]
    lines = []
    for k, depth in _distinct(some, "k", "depth"):
        x, found = _median(_where(some, k=k, depth=depth), "times", "relative")
        known = dict(zip(x, found, strict=True))
        cells = [_radius(known[at]) if at in known else "-" for at in times]
        lines.append([str(k), str(depth), *cells])
    columns = ("k", "d", *(f"m = {at:g} k" for at in times))
    return Table("… / (1 + length of y) by measurements, medians", columns, lines, 0)


def ball_table(rows: Sequence[Row]) -> Table:
    """Medians by expansion, and the slope of their logarithms from `WIDE` on."""
    alone = [row for row in rows if row["rows"] is None and row["norm"] in (None, 1.0)]
    expansions = sorted({row["expansion"] for row in alone})
    lines = []
    for y, k, depth in _distinct(alone, "y", "k", "depth"):
        x, found = _median(_where(alone, y=y, k=k, depth=depth), "expansion", "relative")
        known = dict(zip(x, found, strict=True))
        cells = [_radius(known[e]) if e in known else "-" for e in expansions]
        sound = np.log(
            [pair for pair in zip(x, found, strict=True) if pair[0] >= WIDE and pair[1] > 0]
        )
        slope = f"{np.polyfit(sound[:, 0], sound[:, 1], 1)[0]:.2f}" if len(sound) > 1 else "-"
        lines.append([{"any": "any", "made": "G(x*)"}[y], str(k), str(depth), *cells, slope])
    columns = ("y", "k", "d", *(f"e = {e}" for e in expansions), f"slope, e ≥ {WIDE}")
    return Table("Theorem 3.1: radius of the ball left over / (1 + ‖y‖), medians", columns, lines)


def _radius(relative: float) -> str:
    return f"{relative:.3f}" if relative < 0.999 * FARTHEST else f"> {FARTHEST:g}"


# Theorem 3.3


def _flow_lines(rows: Sequence[Row], records: Sequence[Record]) -> Iterator[Lines]:
    bounded = [row for row in rows if row["multiple"] is not None]
    share = [row | {"at_the_end": float(row["at_the_end"])} for row in bounded]

    def means(kind: str) -> tuple[list[float], list[float]]:
        some = _where(share, kind=kind)
        groups = [_where(some, multiple=at) for (at,) in _distinct(some, "multiple")]
        x = [float(np.median([row["ratio"] for row in group])) for group in groups]
        return x, [float(np.mean([row["at_the_end"] for row in group])) for group in groups]

    kinds = [kind for (kind,) in _distinct(bounded, "kind")]
    if kinds:
        yield Lines(
            "the minimiser moves", "δ, of the theorem's bound",
            "flows followed to the end", {kind: means(kind) for kind in kinds}, log=("x",),
        )  # fmt: skip
    surfs = {
        f"{record['parameters']['kind']}, seed {record['parameters']['seed']}": surf
        for record in records if record["parameters"]["part"] == "flow"
        for surf in record["result"]["surfs"] if surf["multiple"] is None
    }  # fmt: skip
    if surfs:
        lost_first = sorted(surfs, key=lambda name: surfs[name]["at_the_end"])[:SHOWN]
        yield Lines(
            "the minimiser jumps", "time", "distance to the global minimiser",
            {name: (surfs[name]["times"], surfs[name]["distances"]) for name in lost_first},
            log=(),
        )  # fmt: skip


def flow_table(rows: Sequence[Row]) -> Table:
    """By kind of flow and step: how many were followed."""
    moving = [row | {"multiple": row["multiple"] or 0.0} for row in rows]
    lines = []
    for jumps, kind, multiple in _distinct(moving, "jumps", "kind", "multiple"):
        some = _where(moving, jumps=jumps, kind=kind, multiple=multiple)
        lines.append([
            f"{kind}, jumps" if jumps else kind,
            f"{np.median([row['ratio'] for row in some]):.2g}" if multiple else "-",
            str(len(some)), str(sum(row["at_the_end"] for row in some)),
            f"{100 * np.mean([row['followed'] for row in some]):.0f} %",
            f"{np.median([row['steps'] for row in some]):.0f}",
            f"{np.mean([row['pieces_mean'] for row in some]):.1f}",
            f"{np.mean([row['patterns'] for row in some]):.1f}",
        ])  # fmt: skip
    columns = (
        "flow", "δ / bound", "flows", "followed", "part of the time", "steps", "pieces searched",
        "pieces of x*",
    )  # fmt: skip
    title = "Theorem 3.3: flows whose global minimiser Algorithm 2 follows to the end"
    return Table(title, columns, lines)


# Pieces


def _piece_lines(rows: Sequence[Row], _: Sequence[Record]) -> Iterator[Lines]:
    networks = [name for (name,) in _distinct(rows, "network")]
    for label, key in (("rows of S(x, θ, τ)", "rows"), ("pieces of P(x, θ, τ)", "pieces")):
        curves = {name: _median(_where(rows, network=name), "tau", key) for name in networks}
        yield Lines(label, "slack τ", "median", curves)


def piece_table(rows: Sequence[Row]) -> Table:
    """Medians by network and slack."""
    slacks = [tau for (tau,) in _distinct(rows, "tau")]
    lines = []
    for (name,) in _distinct(rows, "network"):
        cells = []
        for tau in slacks:
            some = _where(rows, network=name, tau=tau)
            counts = [row["pieces"] for row in some]
            more = "" if all(row["complete"] for row in some) else "+"
            cells.append(f"{np.median(counts):.0f}, {max(counts)}{more}" if some else "-")
        lines.append([name, *cells])
    columns = ("network", *(f"τ = {tau:g}" for tau in slacks))
    title = "Pieces around a point, median and most (+: more than were counted)"
    return Table(title, columns, lines)
