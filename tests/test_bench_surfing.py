"""The suites of paper B: small runs of each, and what their numbers mean."""

import json
import shutil

import numpy as np
import pytest

from deepopt import bench
from deepopt._support.progress import console_for
from deepopt.bench import _flows, _trained, landscape, sensing, surfing, theory
from deepopt.bench._cells import Cell, finished, put_back
from deepopt.bench._sensing_report import _beside_restarts
from deepopt.bench._surfing_report import PAPER, PAPER_DIMS, _panels
from deepopt.bench._sweep import run_cells
from deepopt.generators import checkpoints, load_images
from deepopt.generators.images import load_held_out
from deepopt.linear_pieces import ReluNetwork

QUIET = console_for(quiet=True)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("data") / "bars.npz"
    np.savez(path, images=rng.integers(0, 255, (40, 8, 8), dtype="uint8"))
    return str(path)


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setitem(_trained.SIZES, "quick", _trained.Scale(0.05, 6))
    monkeypatch.setattr(surfing, "EVERY", 2)
    monkeypatch.setattr(surfing, "RATES", (0.1, 0.3))
    monkeypatch.setattr(surfing, "LONGEST", 60)
    monkeypatch.setattr(surfing, "STALL", 30)


# Cells that need others


def test_a_cell_gets_the_results_of_those_it_needs_and_depends_on_them(tmp_path):
    ran = []

    def first(seed):
        ran.append(seed)
        return {"value": np.float64(seed)}

    def second(result):
        return {"twice": 2 * result["value"]}

    needed = Cell("first", {"seed": 3}, lambda: first(3))
    cell = Cell("second", {}, second, (needed,))
    run_cells([needed, cell], tmp_path, QUIET)
    assert finished([cell], tmp_path)[0]["result"] == {"twice": 6.0}
    other = Cell("second", {}, second, (Cell("first", {"seed": 4}, lambda: first(4)),))
    run_cells([other], tmp_path, QUIET)  # alone: what it needs is run for it
    assert finished([other], tmp_path)[0]["result"] == {"twice": 8.0}
    run_cells([needed, cell, other], tmp_path, QUIET)
    assert ran == [3, 4]
    assert len(list(tmp_path.iterdir())) == 4


# Surfing


def test_the_suite_surfing(data, tiny, tmp_path):
    asked = {"data": data, "trials": 3, "quiet": True, "only": "vae-10"}  # of no first look
    results = bench.run("surfing", tmp_path / "one", **asked)
    rows = {(row["method"], row["rate"]): row for row in results["summary"]}
    assert set(rows) == {("default", None)} | {(m, r) for m in ("adam", "surf") for r in (0.1, 0.3)}
    for row in rows.values():
        assert row["trials"] == 3
        assert row["percent"] == pytest.approx(100 * row["recovered"] / 3)
    assert sum(row["best"] for row in rows.values()) == 3
    for cell in results["cells"]:
        found = cell["result"]
        assert len(found["distances"]) == len(found["until"]) == 3
        for distance, until in zip(found["distances"], found["until"], strict=True):
            assert (until is not None) == (distance < surfing.NEAR)
        if cell["parameters"]["method"] == "surf":
            (adam,) = [need for need in cell["parameters"]["needs"] if need.get("method") == "adam"]
            assert adam["rate"] == cell["parameters"]["rate"]
            assert found["budget"] >= 1
            assert min(found["iterations"]) > found["budget"] * 0.5
    text = (tmp_path / "one" / "results.json").read_text()
    assert str(tmp_path) not in text
    assert {path.name for path in (tmp_path / "one").iterdir()} == {
        "cells", "generators", "results.json", "table1.csv", "table.md", "distances.png",
    }  # fmt: skip
    generators = tmp_path / "one" / "generators"
    before = {path: path.stat().st_mtime_ns for path in generators.rglob("*.npz")}
    assert len(before) == 4 + 1
    again = bench.run("surfing", tmp_path / "two", generators=generators, **asked)
    assert {path: path.stat().st_mtime_ns for path in generators.rglob("*.npz")} == before
    kept = [cell["result"]["distances"] for cell in results["cells"]]
    assert [cell["result"]["distances"] for cell in again["cells"]] == kept


def test_a_training_that_is_lost_is_repeated(data, tiny, tmp_path):
    settings = bench._settings.GeneratorSettings(data=data, generators=tmp_path)
    trained = _trained.Trained("vae", 2, 2, settings)
    first = trained.open().read(3)
    checkpoints.path(trained.folder, 6).unlink()
    (trained.folder / "training.npz").unlink()
    for ours, theirs in zip(trained.open().read(3), first, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_trainings_on_other_images_are_refused(data, tiny, split, tmp_path):
    ours, theirs = (
        bench._settings.GeneratorSettings(data=images, generators=tmp_path)
        for images in (data, split)
    )
    _trained.Trained("vae", 2, 2, ours).open()
    with pytest.raises(ValueError, match="holds one on others"):
        _trained.Trained("vae", 2, 2, theirs).open()


def test_the_budget_is_the_percentile_of_what_came_near():
    adam = {"until": [10, None, 20, 30, 40, None, 50], "iterations": [900] * 7}
    assert surfing.budget_after(adam) == np.percentile([10, 20, 30, 40, 50], 75) == 40
    never = {"until": [None] * 4, "iterations": [100, 200, 300, 400]}
    assert surfing.budget_after(never) == 325
    assert surfing.budget_after({"iterations": [100, 200, 300, 400]}) == 325


@pytest.mark.parametrize("model", surfing.MODELS)
def test_latents_are_uniform_on_the_paper_s_box_and_starts_are_shared(model, monkeypatch):
    settings = bench._settings.GeneratorSettings()
    trained = _trained.Trained(model, 5, 40, settings)
    monkeypatch.setattr(_trained.Trained, "open", lambda _: None)
    _, wanted, starts = surfing._problem(trained, 1000)
    _, again, same = surfing._problem(trained, 1000)
    np.testing.assert_array_equal([wanted, starts], [again, same])
    for drawn in (wanted, starts):
        assert np.abs(drawn).max() <= 1.0
        assert np.std(drawn) == pytest.approx(1 / 3**0.5, rel=0.03)
    assert abs(np.corrcoef(wanted.ravel(), starts.ravel())[0, 1]) < 0.05


def test_until_counts_to_the_moment_from_which_a_trial_stays_near(data, tiny, tmp_path):
    settings = bench._settings.GeneratorSettings(data=data, generators=tmp_path)
    source = _trained.Trained("vae", 2, 2, settings).open()
    wanted = _trained.uniform(np.random.default_rng(0), 4, 2)
    starts = wanted[:, None] + np.array([0.0, 0.001, 0.02, 3.0])[:, None, None]
    given = {"solver": "adam", "maxiter": 8, "learning_rate": 1e-6}
    found = surfing.measure(source, wanted, "direct", 0, starts=starts, **given)
    assert found["distances"][:2].max() < surfing.NEAR < found["distances"][2:].min()
    assert np.isnan(found["until"]).tolist() == [False, False, True, True]
    assert found["until"][0] <= 8
    np.testing.assert_array_equal(found["passes_until"][:2], 2 * found["until"][:2])


def test_cells_put_back_from_results_are_finished(data, tiny, tmp_path):
    asked = {"data": data, "trials": 2, "quiet": True, "only": "vae-10"}
    first = bench.run("surfing", tmp_path / "one", **asked)
    cells = tmp_path / "two" / "cells"
    assert put_back(first, cells) == len(first["cells"])
    assert put_back(first, cells) == 0
    shutil.rmtree(tmp_path / "one" / "cells")
    again = bench.run(
        "surfing", tmp_path / "two", generators=tmp_path / "one" / "generators", **asked
    )
    assert again == first


def test_the_papers_table_is_complete():
    assert set(PAPER) == set(surfing.MODELS)
    assert PAPER_DIMS == surfing.DIMS
    for methods in PAPER.values():
        assert {len(cells) for cells in methods.values()} == {3}
        for adam, surf in zip(methods["adam"], methods["surf"], strict=True):
            assert surf.percent >= adam.percent
            assert surf.iterations > adam.iterations


def test_a_folder_of_trainings_that_cannot_be_is_named(data, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="generators must be a folder"):
        bench.run("surfing", tmp_path / "out", data=data, generators=tmp_path / "file", quiet=True)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"scale": "huge"}, "scale"),
        ({"only": "vae-7"}, "generator 'vae-7'"),
        ({"trials": 0}, "trials"),
        ({"data": 3}, "data"),
        ({"data": None}, "data"),
        ({"data": ""}, "data"),
        ({"generators": ""}, "generators"),
        ({"data": "nowhere.npz"}, "nowhere.npz"),
    ],
)
def test_what_the_suite_surfing_refuses(given, word, tmp_path):
    with pytest.raises((ValueError, TypeError, OSError), match=word):
        bench.run("surfing", tmp_path / "out", quiet=True, **given)


# Theory


def fold(k=1):
    """G(x) = (max(x, 0), max(-x, 0))."""
    return ReluNetwork((np.array([[1.0], [-1.0]]),), (np.zeros(2),), np.eye(2), np.zeros(2))


@pytest.mark.parametrize("y", [(0.5, 0.2), (0.3, 2.0), (-1.0, -0.5)])
def test_the_ball_left_over_is_the_known_one(y):
    # x > 0: f = ½ (x - y_1)² + ½ y_2², which descends towards 0 where x > y_1
    radius = theory.remaining_radius(fold(), np.array(y), 1.0, np.random.default_rng(0))
    assert radius == pytest.approx(max(*y, 0.0), rel=0.01)


@pytest.fixture
def few_rays(monkeypatch):
    monkeypatch.setattr(theory, "DIRECTIONS", 32)
    monkeypatch.setattr(theory, "CLIMBS", 4)


def test_the_ball_shrinks_with_the_expansion_unless_y_is_made_by_the_network(few_rays):
    def median(y, expansion):
        found = [theory.ball(4, 1, expansion, y, 1.0, None, seed) for seed in range(5)]
        return np.median([one["relative"] for one in found])

    assert median("any", 64) < 0.5 * median("any", 8)
    assert median("made", 128) > 0.3


def test_few_measurements_leave_a_larger_ball(few_rays):
    def median(rows):
        return np.median([theory.ball(4, 1, 32, "any", 1.0, rows, s)["radius"] for s in range(5)])

    assert median(4) > 2 * median(64)


def test_random_networks_have_the_variances_of_the_theorem():
    net = _flows.random_network(np.random.default_rng(0), 30, (300, 400), 500)
    for weight, bias, size in zip(net.weights, net.biases, (300, 400), strict=True):
        assert np.var(weight) * size == pytest.approx(1.0, rel=0.05)
        assert np.var(bias) * size == pytest.approx(1.0, rel=0.3)
    assert np.var(net.last) * 500 == pytest.approx(1.0, rel=0.05)
    assert not net.shift.any()


def test_a_turning_network_takes_its_minimiser_across_pieces():
    flow = _flows.turning(np.random.default_rng([0, 3]), (12, 24), 40)
    ends = [_flows.minimiser(flow.at(s), flow.y) for s in (0.0, 0.3, 0.6, 1.0)]
    for s, x in zip((0.0, 0.3, 0.6, 1.0), ends, strict=True):
        assert flow.at(s).fun(x, flow.y) < 1e-12
        np.testing.assert_allclose(x, ends[0] + s * (ends[-1] - ends[0]), atol=1e-5)
    way = _flows.Way(np.array([0.0, 0.3, 0.6, 1.0]), np.array(ends), 1.0, 1.0, False)
    assert theory.patterns_along(flow, way) == 4


def test_algorithm_2_crosses_pieces_below_the_bound_and_is_lost_beyond(monkeypatch):
    monkeypatch.setattr(_flows, "TIMES", 41)
    monkeypatch.setattr(theory, "MULTIPLES", (0.9, 100.0))
    found = theory.follow_flow("turning", 0)
    assert not found["jumps"]
    assert found["patterns"] > 4
    surfs = {surf["multiple"]: surf for surf in found["surfs"]}
    assert surfs[0.9]["followed"] == 1.0
    assert not surfs[100.0]["at_the_end"]


def test_a_moving_minimiser_is_found_where_it_is_known_to_be():
    rng = np.random.default_rng(0)
    flow = _flows.moving(rng, (12, 24), 40)
    way = _flows.way(flow)
    assert not way.jumps
    ends = [flow.at(s).fun(x, flow.y) for s, x in zip(way.times, way.points, strict=True)]
    assert max(ends) < 1e-12
    steps = np.linalg.norm(np.diff(way.points, axis=0), axis=1)
    assert way.lipschitz == pytest.approx(steps.max() * 100, rel=1e-6)
    assert way.largest >= np.linalg.norm(flow.at(0.3).weights[1], 2)


def test_a_jump_of_the_minimiser_is_noticed():
    """|x_1| = 1 at best; what x_1 > 0 costs grows with time, what x_1 < 0 costs falls."""
    both = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])

    def at(s):
        last = np.array([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0], [s, 1.0 - s, 0.0, 0.0]])
        return ReluNetwork((both,), (np.zeros(4),), last, np.zeros(3))

    way = _flows.way(_flows.Flow(at, np.array([1.0, 0.0, 0.0])))
    assert way.jumps
    assert way.points[0][0] == pytest.approx(1.0)
    assert way.points[-1][0] == pytest.approx(-1.0)


def test_algorithm_2_stays_on_the_minimiser_below_the_bound(monkeypatch):
    monkeypatch.setattr(_flows, "TIMES", 41)
    monkeypatch.setattr(theory, "MULTIPLES", (0.9, 100.0))
    found = theory.follow_flow("moving", 0)
    surfs = {surf["multiple"]: surf for surf in found["surfs"]}
    assert set(surfs) == set(theory.MULTIPLES)
    assert surfs[0.9]["steps"] >= 1 / (0.9 * found["bound"])
    assert surfs[0.9]["followed"] == 1.0
    assert surfs[100.0]["followed"] < 1.0
    expected = theory.TAU / (found["lipschitz"] * max(found["largest"], 1.0) ** 3)
    assert found["bound"] == pytest.approx(expected)


def test_a_part_of_the_balls_is_reported_too(monkeypatch, few_rays, tmp_path):
    monkeypatch.setitem(theory.SIZES, "quick", theory.Size(1, (2,), (2, 8), 1))
    for path, kept in ((tmp_path / "first", 1), (tmp_path / "later", 5)):
        bench.run("theory", path, quiet=True, only="ball")
        for cell in sorted((path / "cells").iterdir())[kept:]:
            cell.unlink()
        monkeypatch.setattr(theory, "NETWORKS", ((2, (6,)),))
        monkeypatch.setattr(theory, "POINTS", 1)
        results = bench.run("theory", path, quiet=True, only="pieces")
        assert len(results["summary"]["ball"]) == kept
        assert "Theorem 3.1" in (path / "table.md").read_text()


def test_the_seed_of_the_suite_is_that_of_its_cells():
    def first(seed):
        settings = bench._settings.ScaledSettings(seed=seed, only="ball")
        cell = next(c for c in theory.cells(settings) if c.parameters["expansion"] == 8)
        return cell.parameters["seed"], cell.work()["radius"]

    (at_0, one), (at_5, other) = first(0), first(5)
    assert (at_0, at_5) == (0, 5)
    assert one != other


@pytest.mark.parametrize("seed", range(3))
def test_the_minimiser_is_that_of_a_wider_and_finer_search(seed):
    from scipy.optimize import least_squares

    rng = np.random.default_rng(seed)
    flow = _flows.blending(rng, (12, 24), 40)
    for s in (0.0, 0.5, 1.0):
        net = flow.at(s)
        found = net.fun(_flows.minimiser(net, flow.y), flow.y)
        starts = rng.uniform(-10, 10, (100, 2))
        ends = [least_squares(lambda x, net=net: net.outputs(x) - flow.y, x).x for x in starts]
        assert found <= min(net.fun(x, flow.y) for x in ends) + 1e-9


def test_a_ride_far_beyond_the_bound_falls_off(monkeypatch):
    monkeypatch.setattr(_flows, "TIMES", 21)
    monkeypatch.setattr(theory, "MULTIPLES", (100.0,))
    surfs = [theory.follow_flow("moving", seed)["surfs"][0] for seed in range(2)]
    assert any(not surf["at_the_end"] for surf in surfs)
    for surf in surfs:
        assert surf["steps"] > 1
        assert 30 < surf["ratio"] <= 100


def test_pieces_are_counted_for_each_slack():
    found = theory.count_pieces(2, [10], 0)["slacks"]
    counts = np.array([one["pieces"] for one in found])
    assert (np.diff(counts, axis=0) >= 0).all()
    assert counts.min() >= 1
    for one in found:
        assert all(n <= 2**rows for n, rows in zip(one["pieces"], one["rows"], strict=True))


@pytest.mark.slow
def test_the_suite_theory(monkeypatch, few_rays, tmp_path):
    monkeypatch.setattr(_flows, "TIMES", 11)
    monkeypatch.setattr(_flows, "HALVINGS", 3)
    monkeypatch.setattr(theory, "POINTS", 3)
    monkeypatch.setitem(theory.SIZES, "quick", theory.Size(1, (2,), (2, 8), 1))
    monkeypatch.setattr(theory, "NETWORKS", ((2, (6,)),))
    monkeypatch.setattr(theory, "MULTIPLES", (30.0, 100.0))
    monkeypatch.setattr(theory, "ENOUGH", 10)
    results = bench.run("theory", tmp_path, quiet=True)
    parts = {part: len(rows) for part, rows in results["summary"].items()}
    assert parts["ball"] == 2 * (1 + 3 + 2 + len(theory.ROWS))
    assert parts["flow"] >= 2
    assert parts["pieces"] == len(theory.SLACKS) * theory.POINTS
    for part in theory.NAMES:
        assert (tmp_path / f"{part}.png").stat().st_size > 10_000
        assert (tmp_path / f"{part}.csv").read_text().count("\n") == parts[part] + 1
    alone = bench.run("theory", tmp_path, quiet=True, only="pieces")
    assert json.dumps(alone["summary"]["pieces"]) == json.dumps(results["summary"]["pieces"])
    with pytest.raises(ValueError, match="part 'balls'"):
        bench.run("theory", tmp_path, quiet=True, only="balls")


# Sensing


@pytest.fixture
def tiny_sensing(tiny, monkeypatch):
    monkeypatch.setattr(sensing, "K", 2)
    monkeypatch.setattr(sensing, "EVERY", 3)
    monkeypatch.setattr(sensing, "RESTARTS", 2)
    monkeypatch.setattr(sensing, "BY_ADAM", (30,))
    for part in sensing.PARTS:
        monkeypatch.setitem(sensing.LONGEST, part, 40)
        monkeypatch.setitem(sensing.STALL, part, 20)
        monkeypatch.setitem(sensing.ROWS[part], "quick", (4, 30))


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    """Soft bars, some of them kept apart."""
    rng = np.random.default_rng(0)
    waves = np.sin(np.arange(8)[:, None] * rng.uniform(0.2, 1.5, (60, 1, 1)))
    images = np.repeat((127.5 * (1.0 + waves)).astype("uint8"), 8, axis=2)
    path = tmp_path_factory.mktemp("split") / "bars.npz"
    np.savez(path, x_train=images[:40], x_test=images[40:])
    return str(path)


def test_the_suite_sensing(split, tiny_sensing, tmp_path):
    results = bench.run("sensing", tmp_path, data=split, trials=3, quiet=True)
    recovery, images = results["summary"]["recovery"], results["summary"]["images"]
    assert {(r["rows"], r["method"]) for r in recovery} == {
        (30, "adam"), (30, "surf"),
        *((m, method) for m in (4, 30) for method in ("default", "boxed")),
    }  # fmt: skip
    assert {(r["rows"], r["method"]) for r in images} == {
        (m, method) for m in (4, 30) for method in
        ("default", "boxed", "adam", "surf", "restarts", "lasso")
    }  # fmt: skip
    assert all(0 <= row["recovered"] <= row["trials"] == 3 for row in recovery)
    assert all(0 < row["lower"] <= row["median"] <= row["upper"] < 1 for row in images)
    by = {(r["rows"], r["method"]): r for r in images}
    for m in (4, 30):  # from the same first start
        assert by[m, "restarts"]["passes"] > by[m, "adam"]["passes"]
    names = {path.name for path in tmp_path.iterdir()}
    files = {"recovery.csv", "recovery.png", "images.csv", "images.png", "results.json"}
    assert files <= names
    trainings = [path.name for path in (tmp_path / "cells").iterdir() if "train" in path.name]
    assert len(trainings) == 1


def test_errors_are_compared_image_by_image_at_the_same_m():
    def record(method, m, *errors):
        return {"parameters": {"model": "dcgan", "method": method, "rows": m},
                "result": {"errors": list(errors)}}  # fmt: skip

    records = [record("restarts", 4, 0.5, 0.7), record("restarts", 30, 0.1, 0.3),
               record("default", 4, 0.4, 0.8), record("default", 30, 0.2, 0.5),
               record("surf", 30, 0.1, 0.3)]  # fmt: skip
    table = _beside_restarts(records)
    assert table.columns == ("model", "method", "m = 4", "m = 30")
    assert table.rows == [
        ["dcgan", "surfing", "-", "+0.0000 ± 0.0000"],
        ["dcgan", "default", "+0.0000 ± 0.2000", "+0.1500 ± 0.1000"],
    ]
    assert not _beside_restarts(records[2:]).rows


def test_the_first_start_of_ten_is_that_of_one():
    (_, one), (_, ten) = (
        sensing._options("images", method, 5, 0) for method in ("adam", "restarts")
    )
    np.testing.assert_array_equal(one["starts"][:, 0], ten["starts"][:, 0])
    assert one["starts"].shape == (5, 1, sensing.K)
    assert ten["starts"].shape == (5, sensing.RESTARTS, sensing.K)


def test_the_lasso_finds_what_few_cosines_make():
    from scipy.fft import idctn

    cosines = np.zeros((2, 8, 8, 1))
    cosines[:, 0, 0] = 4.0
    cosines[0, 1, 2], cosines[1, 3, 0] = 1.0, -1.0
    images = idctn(cosines, axes=(1, 2), norm="ortho").reshape(2, -1)
    matrix = sensing.gaussian(0, 24, 64)
    found = sensing.sparse(images @ matrix.T, matrix, (8, 8, 1), 1e-5)
    assert sensing.per_pixel(found, images).max() < 0.02
    least = np.linalg.lstsq(matrix, matrix @ images[0], rcond=None)[0]
    assert sensing.per_pixel(least[None], images[:1])[0] > 0.1


def test_the_lasso_s_penalty_is_the_best_on_images_of_the_training(split, monkeypatch):
    monkeypatch.setattr(sensing, "PENALTIES", (1.0, 1e-4, 1e-6))
    settings = bench._settings.GeneratorSettings(data=split)
    chosen = sensing.lasso(settings, 40, 10)
    matrix, known = sensing.gaussian(0, 40, 64), load_images(split)[: sensing.CHOSEN_ON]
    known = known.reshape(len(known), -1).astype("float64")
    errors = {
        penalty: sensing.per_pixel(
            sensing.sparse(known @ matrix.T, matrix, (8, 8, 1), penalty), known
        ).mean()
        for penalty in sensing.PENALTIES
    }
    assert chosen["penalty"] == min(errors, key=errors.get)
    assert len(chosen["errors"]) == 10


def test_gaussian_measurements_keep_lengths_on_average():
    matrix = sensing.gaussian(0, 400, 50)
    assert np.mean(np.sum(matrix**2, axis=0)) == pytest.approx(1.0, abs=0.05)


def test_held_out_images_are_none_of_the_training(split, data, tmp_path):
    apart, trained = load_held_out(split), load_images(split)
    assert apart.shape == (20, 8, 8, 1)
    assert not (apart[:, None] == trained[None]).all(axis=(2, 3, 4)).any()
    with pytest.raises(ValueError, match="x_test"):
        load_held_out(data)
    with pytest.raises(ValueError, match="x_test"):
        load_held_out(tmp_path)
    with pytest.raises(ValueError, match="x_test"):
        bench.run("sensing", tmp_path / "out", data=data, quiet=True)


# Landscape


def test_the_suite_landscape(data, tiny, monkeypatch, tmp_path):
    monkeypatch.setattr(landscape, "EVERY", 2)
    monkeypatch.setattr(landscape, "SIDE", 7)
    results = bench.run("landscape", tmp_path, data=data, quiet=True)
    assert len(results["cells"]) == 2
    settings = bench._settings.LandscapeSettings(data=data, generators=tmp_path / "generators")
    source = _trained.Trained("vae", 2, 2, settings).open()
    for target, cell in enumerate(results["cells"]):
        found, y = cell["result"], load_images(data)[target]
        assert found["times"] == [0, 0, 3]
        assert np.shape(found["path"]) == (4, 2)
        heights = np.reshape(found["heights"], (3, 7, 7))
        x = np.array([[found["axis"][5], found["axis"][2]]])  # rows follow the second latent
        known = -0.5 * np.sum((source.outputs(3, x)[0] - y) ** 2)
        assert heights[2, 2, 5] == pytest.approx(known, abs=1e-3)
        for t, (x, height) in enumerate(zip(found["path"], found["along"], strict=True)):
            known = -0.5 * np.sum((source.outputs(t, np.array([x]))[0] - y) ** 2)
            assert height == pytest.approx(known, rel=1e-4)
    rows = (tmp_path / "path.csv").read_text().splitlines()
    assert rows[0] == "target,t,x1,x2,height"
    assert len(rows) == 1 + 2 * 4
    assert (tmp_path / "landscape.png").stat().st_size > 10_000


@pytest.mark.parametrize("given", [{"trials": 3}, {"only": "vae"}])
def test_the_suite_landscape_has_no_parts(given, tmp_path):
    with pytest.raises(ValueError, match="neither only nor trials"):
        bench.run("landscape", tmp_path, quiet=True, **given)


def test_a_trial_without_a_distance_is_drawn_as_infinitely_far():
    row = {"model": "vae", "k": 5, "method": "adam", "best": True}
    record = {"result": {"distances": [0.001, None]}}  # as JSON has NaN
    ((title, draw),) = _panels([record], [row])
    assert title == "vae, k = 5"
    assert draw().get_lines()[0].get_ydata().max() == 0.5
