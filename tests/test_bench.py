"""The suites: cells kept and reused, strict JSON, the protocol's promises, tables and figures."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepopt import bench
from deepopt._support.progress import console_for
from deepopt.bench import _convexity_report as report
from deepopt.bench import convexity
from deepopt.bench._cells import Cell, finished, plain, write_json
from deepopt.bench._landscape import barrier, equal_barriers
from deepopt.bench._objectives import NAMES, make, read_names, scale
from deepopt.bench._sweep import run_cells

SMALL = {"dim": 3, "iterations": 30, "quiet": True}
QUIET = console_for(quiet=True)


def strict(path: Path) -> Any:
    """JSON that holds no NaN and no infinity."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{path} holds {word}")

    return json.loads(path.read_text(), parse_constant=refuse)


# Cells


def counted(folder: Path, **parameters: Any) -> tuple[Cell, list[int]]:
    calls: list[int] = []

    def work() -> dict[str, Any]:
        calls.append(1)
        return {"value": np.float64(len(calls)), "bad": [np.inf, np.nan, np.arange(2)]}

    folder.mkdir(exist_ok=True)
    return Cell("cell", {"seed": 0} | parameters, work), calls


def test_a_finished_cell_is_not_run_again(tmp_path: Path) -> None:
    cell, calls = counted(tmp_path)
    for _ in range(2):
        run_cells([cell], tmp_path, QUIET)
    assert len(calls) == 1
    (record,) = finished([cell], tmp_path)
    assert record["result"] == {"value": 1.0, "bad": [None, None, [0, 1]]}
    assert record["environment"]["backend"]


def test_other_parameters_are_another_cell_and_both_are_kept(tmp_path: Path) -> None:
    first, calls = counted(tmp_path)
    second, other_calls = counted(tmp_path, seed=1)
    run_cells([first, second], tmp_path, QUIET)
    run_cells([first, second], tmp_path, QUIET)
    assert (len(calls), len(other_calls), len(list(tmp_path.iterdir()))) == (1, 1, 2)


@pytest.mark.parametrize("content", ["", '{"format": 1', "[]", '{"format": 1, "result": {}}', "\0"])
def test_a_damaged_cell_file_is_reported_and_run_again(
    tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    cell, calls = counted(tmp_path)
    run_cells([cell], tmp_path, QUIET)
    cell.path(tmp_path).write_text(content)
    assert finished([cell], tmp_path) == []
    run_cells([cell], tmp_path, console_for(quiet=False))
    said = capsys.readouterr().out
    assert "Warning" in said
    assert cell.path(tmp_path).name in said
    assert len(calls) == 2
    assert len(finished([cell], tmp_path)) == 1


def test_an_interrupt_keeps_what_is_done_and_says_so(tmp_path: Path) -> None:
    done, _ = counted(tmp_path)

    def interrupted() -> dict[str, Any]:
        raise KeyboardInterrupt

    broken = Cell("broken", {"seed": 2}, interrupted)
    with pytest.raises(KeyboardInterrupt, match="1 of 2 cells are finished and kept"):
        run_cells([done, broken], tmp_path, QUIET)
    assert len(finished([done, broken], tmp_path)) == 1


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert strict(path) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_plain_turns_what_is_not_finite_into_null() -> None:
    value = {"a": np.array([1.0, np.nan]), 2: (np.int32(3), -np.inf, None, True, "x")}
    assert plain(value) == {"a": [1.0, None], "2": [3, None, None, True, "x"]}


# The convexity suite


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("convexity")
    names = "schwefel,spherical_spin_glass"
    first = bench.run("convexity", out, only=names, starts=2, glass_starts=1, **SMALL)
    return out, first


def test_the_protocol_is_complete(small: tuple[Path, dict[str, Any]]) -> None:
    _, results = small
    asked = [cell["parameters"] for cell in results["cells"]]
    per_start = {(a["problem"], a["variant"], a["descent"]) for a in asked}
    function = [("given", "gd"), ("shifted", "gd"), ("rotated", "gd")]
    function += [("given", "momentum"), ("given", "adam")]
    glass = [stage for stage in function if stage[0] == "given"]
    assert per_start == {("schwefel", *s) for s in function} | {
        ("spherical_spin_glass", *s) for s in glass
    }
    assert len(asked) == 2 * 5 + 3
    for cell in results["cells"]:
        runs = cell["result"]["runs"]
        rates = [10.0**-k for k in range(11)]
        for method in ("shallow", "deep"):
            assert [run["rate"] for run in runs if run["method"] == method] == rates
        iterations = 3 if "glass" in cell["parameters"]["problem"] else 30
        assert {run["nit"] for run in runs if run["method"] == "shallow"} == {iterations}


def test_shallow_and_deep_begin_at_the_same_points(small: tuple[Path, dict[str, Any]]) -> None:
    out, _ = small
    starts: dict[str, set[float]] = {}
    for path in (out / "cells").iterdir():
        record = strict(path)
        first = [
            (run["history"]["nit"][0], run["history"]["fun"][0]) for run in record["result"]["runs"]
        ]
        assert {nit for nit, _ in first} == {1}
        np.testing.assert_allclose([fun for _, fun in first], first[0][1], rtol=1e-9)
        if record["parameters"]["problem"] == "schwefel":
            starts.setdefault(record["parameters"]["variant"], set()).add(round(first[0][1], 6))
    assert {variant: len(values) for variant, values in starts.items()} == {
        "given": 2, "shifted": 2, "rotated": 2,
    }  # fmt: skip


def test_deep_gets_the_time_that_shallow_took(small: tuple[Path, dict[str, Any]]) -> None:
    _, results = small
    ratios = []
    for cell in results["cells"]:
        runs = cell["result"]["runs"]
        for shallow, deep in zip(runs[::2], runs[1::2], strict=True):
            assert (shallow["method"], deep["method"]) == ("shallow", "deep")
            assert shallow["rate"] == deep["rate"]
        spent = [sum(run["seconds"] for run in runs[at::2]) for at in (0, 1)]
        ratios.append(spent[1] / spent[0])
    assert 0.5 < np.median(ratios) < 2.0  # one alone may have waited for a core


def test_a_repeated_command_runs_nothing_and_writes_the_same(
    small: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, first = small

    def never(parameters: dict[str, Any]) -> dict[str, Any]:
        raise AssertionError("a finished cell was run again")

    monkeypatch.setattr(convexity, "race", never)
    # Another --only, as from a second process: the results hold all cells that are there.
    again = bench.run("convexity", out, only="schwefel", starts=2, glass_starts=1, **SMALL)
    assert again == first == strict(out / "results.json")
    with pytest.raises(AssertionError, match="run again"):
        bench.run("convexity", out, only="sphere", starts=1, **SMALL)


def test_the_files_are_there_and_agree(small: tuple[Path, dict[str, Any]]) -> None:
    out, results = small
    for name in ("figure1", "figure2", "figure2_shifted", "figure2_rotated"):
        assert (out / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    table = (out / "table.md").read_text().splitlines()
    assert sum(line.startswith("| s") for line in table) == len(results["summary"]) == 8
    with (out / "results.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 13 * 11 * 2
    assert sum(row["best_of_grid"] == "1" for row in rows) == 13 * 2
    row = next(r for r in results["summary"] if r["variant"] == "given" and r["descent"] == "gd")
    best = [
        float(r["error"])
        for r in rows
        if r["best_of_grid"] == "1" and r["method"] == "deep" and r["descent"] == "gd"
        and r["problem"] == "schwefel" and r["variant"] == "given"
    ]  # fmt: skip
    assert len(best) == 2
    assert np.isclose(row["deep_median"], np.mean(best))
    assert row["deep_best"] == min(best)
    assert results["scales"]["schwefel/given"]["reference"] == 0.0


def test_an_unknown_minimum_is_replaced_by_the_best_value_seen(
    small: tuple[Path, dict[str, Any]],
) -> None:
    out, results = small
    for variant in ("shifted", "rotated"):
        cells = [c for c in results["cells"] if c["parameters"]["variant"] == variant]
        seen = min(run["fun"] for cell in cells for run in cell["result"]["runs"])
        found = results["scales"][f"schwefel/{variant}"]
        assert found["reference"] == seen
        assert "best value seen" in found["meaning"]
    assert "schwefel/rotated: the minimum is not known" in (out / "table.md").read_text().replace(
        "schwefel/shifted, ", ""
    )


def record(shallow: list[float | None], deep: list[float | None]) -> dict[str, Any]:
    """A cell of one rate whose histories advance once per second."""
    runs = []
    for method, values in (("shallow", shallow), ("deep", deep)):
        history = {"nit": [], "time": list(range(1, len(values) + 1)), "fun": values}
        runs.append({"method": method, "rate": 1.0, "fun": values[-1], "history": history})
    return {"result": {"runs": runs}}


@pytest.mark.parametrize(
    ("shallow", "deep", "ratio"),
    [
        ([10.0, 8.0, 4.0, 0.0], [10.0, 0.0], 2.0),
        ([10.0, 8.0, 4.0, 0.0], [10.0, 5.0, 0.2], None),
        ([10.0, 0.0], [10.0, 5.0, 2.0, 0.05], 0.5),
        ([1.0, 1.0], [1.0], 1.0),
        ([None, None], [1.0, 0.0], None),
    ],
)
def test_speed_ratio(shallow: list[Any], deep: list[Any], ratio: float | None) -> None:
    assert report.speed_ratio(record(shallow, deep)) == ratio


def test_the_best_rate_is_chosen_by_the_final_value() -> None:
    runs = [
        {"method": "deep", "rate": r, "fun": f} for r, f in ((1.0, None), (0.1, 2.0), (0.01, 1.0))
    ]
    runs.append({"method": "shallow", "rate": 1.0, "fun": 0.0})
    assert report.best_run({"result": {"runs": runs}}, "deep")["rate"] == 0.01


# Quick


def test_quick_writes_its_table_and_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = SMALL | {"quiet": False, "only": ["sphere", "spherical_spin_glass"]}
    results = bench.run("quick", tmp_path, **settings)
    said = capsys.readouterr().out
    assert "[4/4] spherical_spin_glass-deep" in said
    assert "energy per spin" in said
    sphere, glass = results["summary"]
    assert 0 <= sphere["deep"] < 2.0
    assert 0 <= sphere["shallow"] < 26.0
    low = glass["deep"] * 3
    assert np.isclose(
        low,
        next(c for c in results["cells"] if c["cell"] == "spherical_spin_glass-deep")["result"][
            "fun"
        ],
    )
    assert strict(tmp_path / "results.json") == results
    assert (tmp_path / "quick.png").read_bytes().startswith(b"\x89PNG")
    assert len((tmp_path / "results.csv").read_text().splitlines()) == 5
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "cells").iterdir()}
    assert bench.run("quick", tmp_path, **settings) == results
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "cells").iterdir()} == before


# Input


@pytest.mark.parametrize(
    ("suite", "settings", "words"),
    [
        ("quik", {}, "did you mean 'quick'"),
        ("quick", {"only": "rastrign"}, "did you mean 'rastrigin'"),
        ("quick", {"iterations": 0}, "iterations must be at least 1"),
        ("quick", {"seed": -1}, "seed must be at least 0"),
        ("quick", {"dtype": "float16"}, "dtype must be one of"),
        ("quick", {"dim": 1, "only": "rosenbrock"}, "rosenbrock needs dim >= 2"),
        ("convexity", {"starts": 0}, "starts must be at least 1"),
    ],
)
def test_bad_settings(tmp_path: Path, suite: str, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        bench.run(suite, tmp_path, quiet=True, **settings)
    assert not list(tmp_path.glob("cells/*"))


def test_a_setting_of_another_suite(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="suite 'quick' has no setting 'starts'"):
        bench.run("quick", tmp_path, starts=3)


def test_out_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"out must be a folder that can be written to, got .*file"):
        bench.run("quick", tmp_path / "file", only="sphere", **SMALL)


def test_one_variable(tmp_path: Path) -> None:
    results = bench.run("quick", tmp_path, only="sphere", **(SMALL | {"dim": 1}))
    assert results["summary"][0]["deep"] < 0.1


def test_names() -> None:
    assert read_names(None) == read_names(()) == NAMES
    assert len(NAMES) == 9
    assert read_names(["sphere, ackley", "levy"]) == ("ackley", "levy", "sphere")
    with pytest.raises(ValueError, match="'nothing' is unknown"):
        read_names("nothing")


def test_variants_depend_on_the_seed_only() -> None:
    x = np.linspace(-1, 1, 4)
    moved = {v: make("levy", v, 0, 4) for v in ("given", "shifted", "rotated")}
    assert make("levy", "rotated", 0, 4) is moved["rotated"]
    assert (
        len({float(p(x)) for p in moved.values()} | {float(make("levy", "shifted", 1, 4)(x))}) == 4
    )
    np.testing.assert_array_equal(moved["shifted"].xmin, moved["rotated"].xmin)
    assert abs(moved["rotated"](moved["rotated"].xmin)) < 1e-12
    assert scale(moved["given"], None).error(3.0) == 3.0


# Figures


def test_the_barrier_over_the_weights_is_that_of_the_function() -> None:
    found = equal_barriers()
    assert found["w"] == pytest.approx(1.0, abs=4 * found["grid_spacing"] ** 2)
    assert found["x"] == pytest.approx(found["w"], abs=4 * found["grid_spacing"] ** 2)


def test_barrier_finds_the_lowest_pass() -> None:
    heights = np.array([[0.0, 9.0, 0.0], [1.0, 9.0, 2.0], [5.0, 3.0, 4.0]])
    assert barrier(heights, (0, 0), (0, 2)) == 5.0
    assert barrier(heights, (0, 0), (1, 0)) == 1.0
    assert barrier(heights, (2, 0), (0, 0)) == 5.0
