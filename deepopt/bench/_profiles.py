"""What the suites of solvers report: hits, expected cost to the target, and data profiles.

Where the minimum of a problem is not known, the lowest value that any solver found takes its
place. The expected running time is that of all runs over the number of hits (Hansen et al., COCO,
2021); a data profile is the share of the runs that have hit by then (Moré & Wild, 2009).
"""

from __future__ import annotations

import functools
import math
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ._cells import Record
from ._report import Report, Table, write_csv, write_results, write_tables

if TYPE_CHECKING:
    from ._solvers import Solver

SEEN_TOLERANCE = 1e-6  # of the value, above the lowest seen where the minimum is not known
MARKS = (10, 30, 100, 300, 1000)  # points for each variable and one more
CAPTION = (
    "The share of each solver's runs that have reached the minimum, or where it is not known the "
    "lowest value that any solver found, against what they had spent by then."
)


class Axis(NamedTuple):
    """What a budget is counted in."""

    column: int  # of a trajectory
    label: str
    unit: str
    per_variable: bool  # whether a profile counts it for each variable and one more


SECONDS = Axis(0, "seconds", "s", False)
POINTS = Axis(1, "points evaluated / (d + 1)", "points", True)


class Run(NamedTuple):
    """A solver's run on one instance of a problem."""

    problem: str
    variant: str
    group: str
    dim: int
    seed: int
    solver: str
    error: float  # above the reference
    seen: bool  # whether the reference is the lowest value seen
    spent: tuple[float, float]  # seconds and points of the whole run
    hit: tuple[float, float] | None  # … up to the target
    njev: int
    fun: float
    cold: float | None  # seconds of a first call, compilation included


def read_runs(records: list[Record]) -> list[Run]:
    """The runs, each judged by the reference of its instance."""
    lowest: dict[Any, float] = {}
    for record in records:
        key = _instance(record)
        lowest[key] = min([lowest.get(key, math.inf), *(line[2] for line in _in_time(record))])
    return [_read(record, lowest[_instance(record)]) for record in records]


def _instance(record: Record) -> tuple[Any, ...]:
    return tuple(record["parameters"][key] for key in ("problem", "variant", "dim", "seed"))


def _in_time(record: Record) -> list[list[float]]:
    """The trajectory up to the end of the budget, which a call of deepopt may overrun a little."""
    seconds = record["parameters"].get("seconds", math.inf)
    return [line for line in record["result"]["trajectory"] if line[0] <= seconds]


def _read(record: Record, lowest: float) -> Run:
    asked, result = record["parameters"], record["result"]
    known, tolerance = result["minimum"], result["tolerance"]
    reference = lowest if known is None else known
    if known is None:
        tolerance = SEEN_TOLERANCE * max(1.0, abs(lowest))
    lines = _in_time(record)
    reached = [line for line in lines if line[2] <= reference + tolerance]
    fun = lines[-1][2] if lines else math.inf
    return Run(
        problem=asked["problem"],
        variant=asked["variant"],
        group=asked["group"],
        dim=asked["dim"],
        seed=asked["seed"],
        solver=asked["solver"],
        error=fun - reference,
        seen=known is None,
        spent=(result["seconds"], result["nfev"]),
        hit=(reached[0][0], reached[0][1]) if reached else None,
        njev=result["njev"],
        fun=fun,
        cold=result.get("cold"),
    )


def expected(runs: Sequence[Run], column: int) -> float:
    """The expected running time: what all runs spent, up to the target if hit, over the hits."""
    hits = sum(run.hit is not None for run in runs)
    spent = sum((run.hit or run.spent)[column] for run in runs)
    return spent / hits if hits else math.inf


def write(
    suite: str,
    settings: dict[str, Any],
    records: list[Record],
    out: Path,
    solvers: Sequence[Solver],
    axis: Axis,
) -> Report:
    """Write the files of a suite from the records that are there."""
    from .. import plots

    runs = read_runs(records)
    there = [solver for solver in solvers if any(run.solver == solver.name for run in runs)]
    summary = list(_summary(runs, there))
    results = write_results(
        out / "results.json",
        suite,
        settings,
        [_bare(record) for record in records],
        trajectories="in cells/",
        summary=summary,
    )
    write_csv(out / "results.csv", [_line(run) for run in runs])
    shown = [Table(title, rows[0], rows[1:]) for title, rows in tables(runs, there, axis)]
    notes = _notes(there)
    write_tables(out / "table.md", shown, notes)
    looks = plots.styles(solver.name for solver in there)
    profiles = [
        (group, functools.partial(plots.data_profile, solved(part, there, axis), _counts(part),
                                  xlabel=axis.label, styles=looks))
        for group, part in _groups(runs)
    ]  # fmt: skip
    figure = plots.panels(profiles, title="Data profiles of the solvers", caption=CAPTION)
    plots.save(figure, out / "profiles.png")
    notes += [
        f"{solver.name}: left out, {solver.needs} is not installed"
        for solver in solvers if solver.missing
    ]  # fmt: skip
    files = ["results.json", "results.csv (a line per run)", "table.md", "profiles.png"]
    return Report(results, files, shown, notes)


def _bare(record: Record) -> Record:
    result = {key: value for key, value in record["result"].items() if key != "trajectory"}
    return record | {"result": result}


def _groups(runs: Sequence[Run]) -> Iterator[tuple[str, list[Run]]]:
    for group in dict.fromkeys(run.group for run in runs):
        yield group, [run for run in runs if run.group == group]


def _rows(runs: Sequence[Run]) -> Iterator[tuple[tuple[str, str, int], list[Run]]]:
    """Runs by problem, variant and dimension."""
    for key in dict.fromkeys((run.problem, run.variant, run.dim) for run in runs):
        yield key, [run for run in runs if (run.problem, run.variant, run.dim) == key]


def _counts(runs: Sequence[Run]) -> dict[str, int]:
    """Runs of each solver."""
    return dict(Counter(run.solver for run in runs))


def solved(runs: Sequence[Run], solvers: Sequence[Solver], axis: Axis) -> dict[str, list[float]]:
    """What each solver had spent at its hits."""
    return {
        solver.name: [
            run.hit[axis.column] / (run.dim + 1 if axis.per_variable else 1)
            for run in runs
            if run.solver == solver.name and run.hit is not None
        ]
        for solver in solvers
        if any(run.solver == solver.name for run in runs)
    }


def _summary(runs: Sequence[Run], solvers: Sequence[Solver]) -> Iterator[dict[str, Any]]:
    """A row per problem and solver."""
    for group, part in _groups(runs):
        for (problem, variant, dim), instance in _rows(part):
            for solver in solvers:
                mine = [run for run in instance if run.solver == solver.name]
                if not mine:
                    continue
                colds = [run.cold for run in mine if run.cold is not None]
                yield {
                    "group": group,
                    "problem": problem,
                    "variant": variant,
                    "dim": dim,
                    "solver": solver.name,
                    "runs": len(mine),
                    "hits": sum(run.hit is not None for run in mine),
                    "expected_seconds": expected(mine, 0),
                    "expected_points": expected(mine, 1),
                    "median_error": statistics.median(run.error for run in mine),
                    "reference": "lowest seen" if mine[0].seen else "minimum",
                    "cold_seconds": statistics.median(colds) if colds else None,
                }


def _line(run: Run) -> dict[str, Any]:
    line = {key: getattr(run, key) for key in ("group", "problem", "variant", "dim", "seed")}
    line |= {"solver": run.solver, "fun": run.fun, "error": run.error, "hit": int(bool(run.hit))}
    line |= {"seconds": run.spent[0], "nfev": run.spent[1], "njev": run.njev}
    seconds, points = run.hit or ("", "")
    return line | {"seconds_to_hit": seconds, "nfev_to_hit": points}


# The tables


def _cell(runs: Sequence[Run], axis: Axis) -> str:
    """Hits and expected cost, or how far the median stays above where nothing was hit."""
    if not runs:
        return ""
    hits = sum(run.hit is not None for run in runs)
    if hits:
        return f"{hits}/{len(runs)}, {_short(expected(runs, axis.column))} {axis.unit}"
    return f"0/{len(runs)}, +{_short(statistics.median(run.error for run in runs))}"


def _short(value: float) -> str:
    return f"{value:.0f}" if 100 <= value < 1e6 else f"{value:.2g}"


def tables(
    runs: Sequence[Run], solvers: Sequence[Solver], axis: Axis
) -> Iterator[tuple[str, list[list[str]]]]:
    """Title and rows, the first with the names of the columns, of one table per group."""
    for group, part in _groups(runs):
        there = [s for s in solvers if any(run.solver == s.name for run in part)]
        rows = [["problem", *(solver.name for solver in there)]]
        for (problem, _, dim), instance in _rows(part):
            name = problem if f"d = {dim}" in group else f"{problem}, d = {dim}"
            mark = "*" if instance[0].seen else ""
            mine = [[run for run in instance if run.solver == s.name] for s in there]
            rows.append([name + mark, *(_cell(some, axis) for some in mine)])
        mine = [[run for run in part if run.solver == s.name] for s in there]
        hits = [f"{sum(bool(run.hit) for run in some)}/{len(some)}" for some in mine]
        rows.append(["all", *hits])
        yield group, rows
        if axis.per_variable:
            yield f"{group}: share hit", list(_shares(part, there, axis))


def _shares(runs: Sequence[Run], solvers: Sequence[Solver], axis: Axis) -> Iterator[list[str]]:
    """The data profile in numbers."""
    yield [axis.label, *map(str, MARKS), "runs"]
    total = _counts(runs)
    for name, costs in solved(runs, solvers, axis).items():
        shares = [sum(cost <= mark for cost in costs) / total[name] for mark in MARKS]
        yield [name, *(f"{share:.2f}" for share in shares), str(total[name])]


def _notes(solvers: Sequence[Solver]) -> list[str]:
    return [
        "Hits / runs, and the expected cost to the minimum: what all runs spent over the hits. "
        "Where there is no hit: how far the median run stays above.",
        f"* The minimum is not known: the lowest value seen, within {SEEN_TOLERANCE:g} of it.",
        *(f"{solver.name}: {solver.summary}." for solver in solvers),
    ]
