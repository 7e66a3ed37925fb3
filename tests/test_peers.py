"""The suites of solvers: what a run counts, who runs, how runs are judged, small black boxes."""

from __future__ import annotations

import csv
import itertools
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from deepopt import bench
from deepopt._backend import precision
from deepopt.bench import _profiles as profiles
from deepopt.bench import black_box, peers
from deepopt.bench._meter import Meter, Spent, Traced, Untraced
from deepopt.bench._solvers import BLACK_BOX_SOLVERS, SOLVERS, Solver, run, stream
from deepopt.bench.held_out import FIXED, HELD_OUT
from deepopt.bench.small import SMALL
from deepopt.problems import rastrigin, sphere

LOWER, UPPER = np.full(2, -2.0), np.full(2, 3.0)


def bowl(x: np.ndarray) -> float:
    return float(np.sum((x - 0.7) ** 2))


def meter(**limits: float) -> Meter:
    return Meter(Untraced(bowl), LOWER, UPPER, **limits)


def installed(solvers: tuple[Solver, ...]) -> list[Any]:
    why = "is not installed"
    return [
        pytest.param(s, id=s.name, marks=pytest.mark.skipif(s.missing, reason=f"{s.needs} {why}"))
        for s in solvers
    ]


# A run


def test_a_meter_counts_points_and_keeps_the_lowest() -> None:
    m = meter()
    assert m.value(np.zeros(2)) == pytest.approx(0.98)
    m.values(np.array([[1.0, 1.0], [0.5, 0.5], [2.0, 2.0]]))
    assert (m.nfev, m.njev) == (4, 0)
    assert m.best == pytest.approx(0.08)
    assert [line[1] for line in m.trajectory] == [1, 4]
    assert m.summary()["fun"] == m.best


def test_points_outside_are_moved_onto_the_bounds() -> None:
    assert meter().value(np.array([9.0, -9.0])) == pytest.approx(bowl(np.array([3.0, -2.0])))


def test_the_last_batch_is_cut_at_the_budget() -> None:
    m = meter(points=5)
    with pytest.raises(Spent):
        m.values(np.zeros((9, 2)))
    assert m.nfev == 5
    with pytest.raises(Spent):
        m.value(np.zeros(2))
    assert m.nfev == 5


def test_a_target_and_the_clock_end_a_run() -> None:
    m = meter(target=0.5)
    m.value(np.zeros(2))
    with pytest.raises(Spent):
        m.value(np.full(2, 0.6))
    late = meter(seconds=0.01)
    time.sleep(0.02)
    with pytest.raises(Spent):
        late.value(np.zeros(2))
    assert late.nfev == 0


def test_a_batch_is_no_point() -> None:
    with pytest.raises(ValueError, match=r"x must have shape \(2,\), got \(3, 2\)"):
        meter().value(np.zeros((3, 2)))


def test_values_that_are_not_numbers_are_never_the_best() -> None:
    m = Meter(Untraced(lambda x: math.nan if x[0] > 0 else 1.0), LOWER, UPPER)
    m.value(np.ones(2))
    assert m.best == math.inf
    m.values(np.array([[1.0, 1.0], [-1.0, 0.0]]))
    assert m.best == 1.0


def test_a_trajectory_is_thinned_but_ends_with_the_best() -> None:
    m = meter()
    for at in np.linspace(-2.0, 0.7, 3000):
        m.value(np.full(2, at))
    counts = [line[1] for line in m.trajectory]
    assert len(counts) < 400
    assert counts == sorted(counts)
    assert m.trajectory[-1][2] == m.best == pytest.approx(0.0, abs=1e-20)
    assert max(b / a for a, b in itertools.pairwise(counts[20:])) < 1.2


@pytest.mark.backends
def test_compiled_values_and_gradients_are_those_of_the_problem() -> None:
    problem = rastrigin.with_dim(3).shifted(rng=1).rotated(rng=2)
    traced = Traced(problem)
    x = np.random.default_rng(0).uniform(-5, 5, (5, 3))
    with precision("float64"):
        np.testing.assert_allclose(traced.values(x), problem(x), rtol=1e-12)
        f, gradients = traced.slopes(x)
        assert gradients.shape == (5, 3)
        np.testing.assert_allclose(f, problem(x), rtol=1e-12)
        step = 1e-6 * np.eye(3)
        for point, gradient in zip(x, gradients, strict=True):
            slopes = (problem(point + step) - problem(point - step)) / 2e-6
            np.testing.assert_allclose(gradient, slopes, rtol=1e-5, atol=1e-5)


def test_the_clock_stands_still_while_it_compiles() -> None:
    traced = Traced(sphere.with_dim(2))
    with precision("float64"):
        m = Meter(traced, LOWER, UPPER)
        begun = time.perf_counter()
        m.value(np.zeros(2))
        wall = time.perf_counter() - begun
        assert traced.compiling > 0.5 * wall
        assert m.seconds < 0.5 * wall


# Who runs


@pytest.mark.parametrize("solver", installed(SOLVERS))
def test_every_solver_finds_a_minimum_with_gradients(solver: Solver) -> None:
    problem = sphere.with_dim(2).shifted(rng=3)
    m = Meter(Traced(problem), problem.bounds.lb, problem.bounds.ub, 20.0, math.inf, 1e-5)
    run(solver, m, np.random.default_rng(0))
    assert m.best <= 1e-5
    assert m.nfev > 0
    assert m.nfev >= m.njev >= 0


@pytest.mark.parametrize("solver", installed(BLACK_BOX_SOLVERS))
def test_every_solver_finds_a_minimum_without(solver: Solver) -> None:
    m = meter(points=20_000, target=1e-6)
    run(solver, m, np.random.default_rng(0))
    assert m.best <= 1e-6
    assert m.njev == 0


@pytest.mark.parametrize("solver", installed(BLACK_BOX_SOLVERS))
def test_no_solver_stops_before_its_budget(solver: Solver) -> None:
    m = meter(points=3000, target=-1.0)
    run(solver, m, np.random.default_rng(0))
    assert m.nfev == 3000


def test_direct_and_shgo_evaluate_no_point_twice() -> None:
    seen: list[bytes] = []

    def counted(x: np.ndarray) -> float:
        seen.append(x.tobytes())
        return bowl(x)

    direct = next(s for s in BLACK_BOX_SOLVERS if s.name == "DIRECT")
    m = Meter(Untraced(counted), LOWER, UPPER, points=3000, target=-1.0)
    run(direct, m, np.random.default_rng(0))
    assert len(seen) == m.nfev == 3000
    assert len(set(seen)) > 2500  # L-BFGS-B at the end of each run may repeat some


def test_ctrl_c_ends_the_suite(monkeypatch: pytest.MonkeyPatch) -> None:
    m = meter(points=1000)

    def interrupted(x: np.ndarray) -> float:
        if m.nfev > 20:
            raise KeyboardInterrupt
        return bowl(x)

    m._evaluator = Untraced(interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(BLACK_BOX_SOLVERS[0], m, np.random.default_rng(0))


# The suites


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("peers")
    names = "sphere,schwefel"
    settings: dict[str, Any] = {"dim": 2, "seeds": 1, "seconds": 0.3, "quiet": True}
    solvers = "homotopy,L-BFGS-B"
    return out, bench.run("peers", out, only=names, solvers=solvers, **settings)


def test_the_peers_suite_is_complete(small: tuple[Path, dict[str, Any]]) -> None:
    out, results = small
    assert len(results["cells"]) == 2 * 2 * 3  # problems, solvers, variants
    found = {(row["problem"], row["variant"], row["solver"]): row for row in results["summary"]}
    for solver in ("homotopy", "L-BFGS-B"):
        for variant in ("given", "shifted", "rotated"):
            assert found["sphere", variant, solver]["hits"] == 1
    assert found["sphere", "given", "homotopy"]["reference"] == "minimum"
    assert found["schwefel", "rotated", "homotopy"]["reference"] == "lowest seen"
    assert found["sphere", "given", "homotopy"]["cold_seconds"] > 0
    assert found["sphere", "given", "L-BFGS-B"]["cold_seconds"] is None
    assert json.loads((out / "results.json").read_text()) == results
    assert (out / "profiles.png").read_bytes().startswith(b"\x89PNG")
    with (out / "results.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 12
    for row in rows:
        if row["hit"] == "1":
            assert float(row["nfev_to_hit"]) <= float(row["nfev"])
    table = (out / "table.md").read_text()
    assert "**rotated, d = 2**" in table
    assert "| schwefel* |" in table


def test_a_run_takes_its_seconds_and_no_more(small: tuple[Path, dict[str, Any]]) -> None:
    _, results = small
    cells = [c for c in results["cells"] if c["parameters"]["problem"] == "schwefel"]
    spent = [c["result"]["seconds"] for c in cells if c["parameters"]["variant"] == "rotated"]
    assert all(0.3 <= seconds < 0.8 for seconds in spent)


def test_a_repeated_command_runs_nothing(
    small: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, results = small

    def never(*_: Any) -> dict[str, Any]:
        raise AssertionError("a finished cell was run again")

    monkeypatch.setattr(peers, "race", never)
    again = bench.run(
        "peers", out, only="sphere", solvers="homotopy", dim=2, seeds=1, seconds=0.3, quiet=True
    )
    assert {c["cell"] for c in again["cells"]} == {c["cell"] for c in results["cells"]}


def test_the_black_box_suite_counts_points(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    solvers = ["homotopy", "dual annealing"]
    results = bench.run(
        "black-box", tmp_path, only="branin,discus", seeds=1, points=60, solvers=solvers
    )
    assert len(results["cells"]) == 2 * (1 + 3)
    for cell in results["cells"]:
        assert cell["result"]["nfev"] <= 60 * (cell["parameters"]["dim"] + 1)
        assert cell["result"]["njev"] == 0
    said = capsys.readouterr().out
    assert "black boxes: share hit" in said
    assert "branin" in said


def test_which_instances_the_peers_suite_has() -> None:
    fifty = list(peers._instances(50))
    assert {name for name, _, _ in fifty} == set(peers.NAMES)
    assert ("spherical_spin_glass", "given", 50) in fifty
    assert ("lennard_jones", "given", 78) in fifty
    large = list(peers._instances(1000))
    assert not {"spherical_spin_glass", *FIXED} & {name for name, _, _ in large}
    assert {v for name, v, _ in large if name == "griewank"} == {"rotated"}
    assert set(HELD_OUT) <= set(peers.NAMES)
    assert [peers.seconds_of(d) for d in (2, 50, 200, 1000)] == [5.0, 5.0, 20.0, 60.0]


@pytest.mark.parametrize(
    ("suite", "settings", "words"),
    [
        ("peers", {"only": "rastrign"}, "problem 'rastrign' is unknown; did you mean 'rastrigin'"),
        ("peers", {"solvers": "DIRET"}, "solver 'DIRET' is unknown; did you mean 'DIRECT'"),
        ("peers", {"seconds": math.inf}, "seconds must be above 0 and below inf, got inf"),
        ("peers", {"seconds": 0}, "seconds must be above 0 and below inf, got 0"),
        ("peers", {"seeds": 0}, "seeds must be at least 1"),
        ("peers", {"dim": 1}, "dim must be at least 2"),
        ("peers", {"dim": 60, "only": "drop_wave"}, "nothing is run with these settings"),
        ("black-box", {"points": -1}, "points must be at least 1"),
        ("black-box", {"only": "lennard_jones"}, "problem 'lennard_jones' is unknown"),
    ],
)
def test_bad_settings(tmp_path: Path, suite: str, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        bench.run(suite, tmp_path, quiet=True, **settings)


def test_a_solver_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from deepopt.bench import _solvers

    monkeypatch.setattr(_solvers, "find_spec", lambda _: None)
    with pytest.raises(ValueError, match=r"solver 'CMA-ES' needs the package cma.*deepopt\[bench"):
        _solvers.read_solvers("CMA-ES", SOLVERS)
    assert {s.name for s in SOLVERS} - {s.name for s in _solvers.read_solvers(None, SOLVERS)} == {
        "CMA-ES", "Adam",
    }  # fmt: skip


def test_names_that_are_not_words(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"a solver is named by a string, got \[1\]"):
        bench.run("peers", tmp_path, quiet=True, solvers=[1])


def test_every_run_has_draws_of_its_own() -> None:
    draws = {float(stream(s, seed).random()) for s in SOLVERS for seed in range(3)}
    assert len(draws) == 3 * len(SOLVERS)
    assert stream(SOLVERS[0], 1).random() == stream(SOLVERS[0], 1).random()


# How runs are judged


def record(solver: str, seed: int, lines: list[list[float]], **result: Any) -> dict[str, Any]:
    asked = {"problem": "p", "variant": "v", "group": "g", "dim": 4, "seed": seed}
    seconds, nfev, fun = lines[-1]
    done = {"fun": fun, "nfev": nfev, "njev": 0, "seconds": seconds, "trajectory": lines}
    return {
        "parameters": asked | {"solver": solver},
        "result": done | {"minimum": 0.0, "tolerance": 1e-3} | result,
    }


def test_the_expected_running_time_is_all_that_was_spent_over_the_hits() -> None:
    hit = [[1.0, 10, 5.0], [2.0, 20, 1e-4], [9.0, 90, 0.0]]
    runs = profiles.read_runs([record("a", 0, hit), record("a", 1, [[6.0, 60, 3.0]])])
    assert [run.hit for run in runs] == [(2.0, 20), None]
    assert profiles.expected(runs, 0) == 8.0
    assert profiles.expected(runs, 1) == 80.0
    assert profiles.expected(runs[1:], 0) == math.inf
    table = dict(profiles.tables(runs, SOLVERS, profiles.SECONDS))
    assert table["g"][0] == ["problem"]  # no solver of that name


def test_what_is_found_after_the_budget_does_not_count() -> None:
    late = record("a", 0, [[1.0, 10, 5.0], [5.5, 50, 0.0]])
    late["parameters"]["seconds"] = 5.0
    (one,) = profiles.read_runs([late])
    assert one.hit is None
    assert one.error == 5.0


def test_where_no_minimum_is_known_the_lowest_value_of_the_instance_is_the_reference() -> None:
    unknown = {"minimum": None}
    runs = profiles.read_runs(
        [
            record("homotopy", 0, [[1.0, 10, -7.0]], **unknown),
            record("DIRECT", 0, [[1.0, 10, -6.0]], **unknown),
            record("DIRECT", 1, [[3.0, 30, -5.0]], **unknown),
        ]
    )
    assert [run.error for run in runs] == [0.0, 1.0, 0.0]
    assert [run.hit is not None for run in runs] == [True, False, True]
    ((title, rows), (_, shares)) = profiles.tables(runs, SOLVERS, profiles.POINTS)
    assert title == "g"
    assert rows[1] == ["p, d = 4*", "1/1, 10 points", "1/2, 40 points"]
    assert rows[-1] == ["all", "1/1", "1/2"]
    assert shares[1:] == [
        ["homotopy", "1.00", "1.00", "1.00", "1.00", "1.00", "1"],
        ["DIRECT", "0.50", "0.50", "0.50", "0.50", "0.50", "2"],
    ]


# Small black boxes

MINIMISERS = {
    "branin": [math.pi, 2.275],
    "camel": [0.0898, -0.7126],
    "goldstein_price": [0.0, -1.0],
    "hartmann3": [0.114614, 0.555649, 0.852547],
    "hartmann6": [0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573],
    "shekel": [4.0007, 4.0005, 3.9997, 3.9995],
    "easom": [math.pi, math.pi],
    "eggholder": [512.0, 404.231805],
    "shubert": [-7.083506, 4.858057],
    "beale": [3.0, 0.5],
    "bukin6": [-10.0, 1.0],
    "holder_table": [8.05502, 9.66459],
    "mccormick": [-0.54719, -1.54719],
    "colville": [1.0] * 4,
    "powell": [0.0] * 4,
}


@pytest.mark.parametrize("name", MINIMISERS)
def test_the_minimum_is_where_the_literature_has_it(name: str) -> None:
    small = SMALL[name]
    x = np.array(MINIMISERS[name])
    lower, upper = small.bounds(len(x))
    assert np.all((lower <= x) & (x <= upper))
    fine = {"xatol": 1e-12, "fatol": 1e-14, "maxiter": 4000, "maxfev": 8000}
    bounds = list(zip(lower, upper, strict=True))
    found = minimize(small.function, x, method="Nelder-Mead", bounds=bounds, options=fine)
    assert small.function(x) == pytest.approx(small.minimum, abs=1e-3)
    assert min(found.fun, small.function(x)) == pytest.approx(small.minimum, abs=1e-9)


def test_every_small_function_has_a_test_of_its_minimum() -> None:
    assert {name for name, small in SMALL.items() if not small.moves} == set(MINIMISERS)


@pytest.mark.parametrize("name", [name for name, small in SMALL.items() if small.moves])
@pytest.mark.parametrize("dim", [2, 5, 10])
def test_a_moved_function_keeps_its_minimum_inside(name: str, dim: int) -> None:
    small = SMALL[name]
    assert small.function(np.zeros(dim)) == small.minimum
    lower, upper = small.bounds(dim)
    x = np.random.default_rng(0).uniform(lower, upper, (500, dim))
    one, other = small.moved(dim, 0), small.moved(dim, 1)
    values = np.array([one(point) for point in x])
    assert values.min() >= 0
    np.testing.assert_array_equal(values, [small.moved(dim, 0)(point) for point in x])
    assert not np.allclose(values, [other(point) for point in x])


def test_there_are_enough_functions() -> None:
    further = set(black_box.NAMES) - {
        "ackley", "levy", "rastrigin", "schwefel", "sphere", "rosenbrock", "styblinski_tang",
        "michalewicz",
    }  # fmt: skip
    assert len(further) >= 20
