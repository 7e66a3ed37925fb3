"""Figures: what is drawn is what the data say, in every style, and bad input is told in words."""

import itertools
import re
import subprocess
import sys
from functools import partial

import matplotlib as mpl
import matplotlib.style
import numpy as np
import pytest
from keras import ops
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.image import imread
from scipy.ndimage import gaussian_filter
from scipy.optimize import OptimizeResult

import deepopt
from deepopt import plots
from deepopt.bench._descent import descent_panel
from deepopt.bench._figure1 import figure1
from deepopt.bench._objectives import scale
from deepopt.problems import SphericalSpinGlass, rastrigin, sphere
from deepopt.schedules import GaussianSmoothing

RNG = np.random.default_rng(0)
GLASS = SphericalSpinGlass(8, rng=0)
AXIS = np.linspace(-1.0, 1.0, 9)
HEIGHTS = -np.add.outer(AXIS**2, AXIS**2)
IMAGES = RNG.uniform(size=(2, 6, 4))
LINES = {"a": ([1.0, 10.0], [1.0, 0.1]), "b": ([1.0, 10.0], [2.0, 0.2])}
BOXES = {"a": {10: [1.0, 2.0, 3.0], 20: [2.0]}, "b": {10: [1.0, 5.0]}}


def run(fun, nfev=None, **columns):
    """A result with this history."""
    nfev = np.arange(1, len(fun) + 1) if nfev is None else np.asarray(nfev)
    columns = {"nit": nfev, "nfev": nfev, "time": 0.1 * nfev, "fun": np.asarray(fun), **columns}
    return OptimizeResult(success=True, history=columns)


def drawn(line):
    return [np.asarray(part, float) for part in line.get_data()]


def names(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


# Convergence


def test_the_line_is_the_median_of_the_best_so_far_and_the_band_ends_at_the_quartiles():
    # by hand, on the grid 1, 2, 3, 5: runs that end early keep their last value
    runs = [run([8.0, 4.0, 6.0]), run([6.0, 1.0], [1, 5]), run([9.0, 3.0], [1, 3]), run([7.0])]
    best = np.array([[8, 4, 4, 4], [6, 6, 6, 1], [9, 9, 3, 3], [7, 7, 7, 7]], float)
    ax = plots.convergence({"gd": runs}, minimum=0.5)
    x, y = drawn(ax.get_lines()[0])
    np.testing.assert_array_equal(x, [1, 2, 3, 5])
    np.testing.assert_allclose(y, np.median(best, axis=0) - 0.5)
    assert ax.get_lines()[0].get_drawstyle() == "steps-post"
    edges = ax.collections[0].get_paths()[0].vertices
    for at in range(4):
        here = edges[edges[:, 0] == x[at], 1]
        lower, upper = np.quantile(best[:, at], [0.25, 0.75]) - 0.5
        assert np.isclose(here, lower).any()
        assert np.isclose(here, upper).any()
        before = np.quantile(best[:, max(at - 1, 0)], [0.25, 0.75]) - 0.5
        assert here.min() >= min(lower, before[0]) - 1e-12
        assert here.max() <= max(upper, before[1]) + 1e-12
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert names(ax) == ["gd"]


def test_one_run_has_no_band_and_no_legend_and_f_is_linear():
    ax = plots.convergence(run([3.0, -1.0]))
    assert (ax.get_yscale(), ax.get_ylabel()) == ("linear", "f")
    assert len(ax.collections) == 0
    assert ax.get_legend() is None
    np.testing.assert_array_equal(drawn(ax.get_lines()[0])[1], [3.0, -1.0])


@pytest.mark.parametrize(
    ("against", "xlabel", "x"),
    [
        ("nfev", "points evaluated", [50, 100]),
        ("time", "seconds", [5, 10]),
        ("nit", "iterations", [1, 2]),
    ],
)
def test_the_x_axis_is_what_was_asked_for(against, xlabel, x):
    one = run([3.0, 2.0], [50, 100], nit=[1, 2])
    ax = plots.convergence([one, one], against=against)
    assert ax.get_xlabel() == xlabel
    np.testing.assert_allclose(drawn(ax.get_lines()[0])[0], x)
    assert ax.get_xscale() == "log"


def test_a_curve_begins_where_all_of_its_runs_have_a_value():
    ax = plots.convergence([run([5.0, 1.0], [1, 4]), run([3.0], [2])])
    x, y = drawn(ax.get_lines()[0])
    np.testing.assert_array_equal(x, [2, 4])
    np.testing.assert_array_equal(y, [4.0, 2.0])


def test_errors_below_rounding_are_drawn_at_1e_16_and_a_zero_of_the_axis_at_its_next():
    ax = plots.convergence(run([2.0, 1.0, 0.5], [0, 3, 4]), minimum=0.5)
    x, y = drawn(ax.get_lines()[0])
    np.testing.assert_array_equal(x, [3, 4])
    np.testing.assert_array_equal(y, [0.5, 1e-16])


def test_values_that_are_not_finite_leave_a_gap_until_there_is_one():
    ax = plots.convergence([run([np.nan, 3.0, np.nan, 2.0]), run([np.inf, np.inf, np.inf, 4.0])])
    np.testing.assert_array_equal(drawn(ax.get_lines()[0])[1], [np.nan, np.nan, np.nan, 3.0])


def test_long_histories_are_thinned_between_their_true_ends():
    fun = np.sort(RNG.uniform(size=5000))[::-1]
    x, y = drawn(plots.convergence(run(fun)).get_lines()[0])
    assert len(x) <= 1000
    assert (x[0], x[-1], y[0], y[-1]) == (1, 5000, fun[0], fun[-1])
    np.testing.assert_array_equal(y, fun[np.floor(x).astype(int) - 1])


def test_a_result_of_minimize_is_drawn_as_it_is():
    found = deepopt.minimize(sphere.with_dim(2), method="gd", options={"maxiter": 30}, rng=0)
    x, y = drawn(plots.convergence({"gd": found, "again": [found]}).get_lines()[1])
    np.testing.assert_array_equal(x, found.history["nfev"])
    np.testing.assert_array_equal(y, found.history["fun"])


# Distributions and lines


def test_a_data_profile_rises_to_the_share_solved():
    ax = plots.data_profile({"a": [3.0, 1.0], "b": []}, {"a": 4, "b": 3}, xlabel="points")
    first, second = ax.get_lines()
    np.testing.assert_array_equal(drawn(first), [[1, 1, 3, 3], [0, 0.25, 0.5, 0.5]])
    np.testing.assert_array_equal(drawn(second), [[1, 3], [0, 0]])
    assert names(ax) == ["a", "b"]
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_xscale()) == ("points", "share solved", "log")


def test_a_profile_without_any_hit_is_drawn():
    (line,) = plots.data_profile({"a": []}, {"a": 4}).get_lines()
    np.testing.assert_array_equal(drawn(line)[1], 0.0)


def test_distances_are_the_share_of_all_trials_and_the_mark_stands_at_near():
    ax = plots.distances({"a": [1.0, 0.0, np.nan, 0.1]}, near=0.05)
    line, mark = ax.get_lines()
    np.testing.assert_allclose(drawn(line)[0], [1e-7, 1e-7, 0.1, 1.0, 1.0])
    np.testing.assert_array_equal(drawn(line)[1], [0, 0.25, 0.5, 0.75, 0.75])
    assert set(mark.get_xdata()) == {0.05}


def test_boxes_stand_at_their_places_with_quartiles_and_percentiles():
    values = RNG.gamma(3.0, size=50)
    ax = plots.boxes({"a": {10: values}, "b": {10: 2 * values, 30: values}}, xlabel="m")
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["10", "30"]
    corners = [patch.get_path().vertices for patch in ax.patches]
    for box, expected in zip(corners, (values, 2 * values, values), strict=True):
        found = box[:, 1].min(), box[:, 1].max()
        np.testing.assert_allclose(found, np.percentile(expected, [25, 75]))
    assert corners[0][:, 0].max() < corners[1][:, 0].min()  # side by side at 10
    medians = [drawn(line)[1] for line in ax.get_lines()]
    assert any(np.allclose(y, np.median(values)) for y in medians)
    whisker = values[values <= np.percentile(values, 95)].max()
    assert any(np.isclose(y, whisker).any() for y in medians)
    assert names(ax) == ["a", "b"]
    assert ax.get_ylim()[0] == 0.0


def test_curves_have_a_mark_at_every_point_and_the_scales_asked_for():
    ax = plots.curves({"a": ([1, 10, 100], [3.0, np.nan, 1.0])}, ylabel="error", log=("x",))
    (line,) = ax.get_lines()
    np.testing.assert_array_equal(drawn(line), [[1, 10, 100], [3.0, np.nan, 1.0]])
    assert line.get_marker() == "o"
    assert line.get_markevery() is None
    assert (ax.get_xscale(), ax.get_yscale(), ax.get_ylabel()) == ("log", "linear", "error")
    assert plots.curves({"a": ([1, 2], [0, 0])}).get_yscale() == "linear"  # nothing is positive


# Functions of two variables


def contour_height(ax):
    """Lowest and highest height of the contours."""
    (filled,) = ax.collections
    return filled.zmin, filled.zmax


FORMS = {
    "problem": sphere.with_dim(2),
    "batch": lambda x: (x**2).sum(-1),
    "point": lambda x: float(x[0]) ** 2 + float(x[1]) ** 2,
    "keras": lambda x: __import__("keras").ops.sum(x**2, axis=-1),
    "keras point": lambda x: __import__("keras").ops.sum(x * x),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_contours_are_those_of_the_function(form):
    ax = plots.landscape(FORMS[form], bounds=[(-2, 4), (-2, 4)], resolution=30)
    middles = -2 + 6 * (np.arange(30) + 0.5) / 30
    heights = np.add.outer(middles**2, middles**2)
    np.testing.assert_allclose(contour_height(ax), (heights.min(), heights.max()), rtol=1e-12)
    (filled,) = ax.collections
    level = filled.levels[3]
    lines = filled.get_paths()[2].vertices  # between levels 2 and 3
    radii = np.linalg.norm(lines[(lines > -1.9).all(1) & (lines < 3.9).all(1)], axis=1)
    assert np.isclose(radii, np.sqrt(level), rtol=0.02).any()
    assert (ax.get_xlim(), ax.get_ylim()) == ((-2, 4), (-2, 4))
    assert [other.get_ylabel() for other in ax.figure.axes] == ["$x_2$", "f"]


def test_f_is_called_with_points_and_a_traced_one_for_many_at_once():
    shapes = []

    def f(x):
        shapes.append(np.shape(x))
        return np.abs(np.asarray(x)).sum()

    plots.landscape(f, bounds=[(0, 1), (0, 1)], resolution=16)
    assert 256 <= shapes.count((2,)) <= 270
    shapes.clear()

    def traced(x):
        shapes.append(x.shape)
        return ops.sum(ops.abs(x))

    plots.landscape(traced, bounds=[(0, 1), (0, 1)], resolution=16)
    assert len(shapes) < 30


def test_the_first_variable_runs_along_the_x_axis():
    ax = plots.landscape(lambda x: x[..., 0] + 0 * x[..., 1], bounds=[(0, 1), (0, 1)],
                         resolution=20)  # fmt: skip
    lowest = ax.collections[0].get_paths()[0].vertices
    assert np.ptp(lowest[:, 1]) == 1.0
    assert lowest[:, 0].max() < 0.2


def test_the_blur_is_a_gaussian_in_units_of_the_width_reflected_at_the_sides():
    sigma, n = 0.1, 40
    ax = plots.landscape(rastrigin.with_dim(2), sigma=sigma, resolution=n)
    middles = -5.12 + 10.24 * (np.arange(n) + 0.5) / n
    grid = np.stack(np.meshgrid(middles, middles), -1)
    heights = gaussian_filter(rastrigin.with_dim(2)(grid), sigma * n, mode="reflect")
    np.testing.assert_allclose(contour_height(ax), (heights.min(), heights.max()), rtol=1e-9)


def test_the_blur_is_what_gaussian_smoothing_descends():
    """f_σ = E f(u + σ ε), by the schedule's own points: x₁² rises by (σ · width)²."""
    import keras

    schedule = GaussianSmoothing(sigma_start=0.05, sigma_end=0.05, n_samples=2000, draw="random")
    u = np.full((1, 1, 2), 0.5, "float64")
    seed = keras.ops.convert_to_tensor([1, 2], dtype="int32")
    tensor, t = (keras.ops.convert_to_tensor(part, dtype="float64") for part in (u, np.zeros(1)))
    points = np.asarray(schedule.sample(tensor, t, seed, None))[1:].reshape(-1, 2)
    smoothed = np.mean(np.sum((8 * points - 4) ** 2, axis=1))
    ax = plots.landscape(lambda x: (x**2).sum(-1), bounds=[(-4, 4)] * 2, sigma=0.05)
    assert contour_height(ax)[0] == pytest.approx(2 * (0.05 * 8) ** 2, rel=0.02)
    assert contour_height(ax)[0] == pytest.approx(smoothed, rel=0.1)


def test_a_path_is_drawn_with_its_ends_marked():
    path = [[0.0, 1.0], [1.0, 1.0], [2.0, -1.0]]
    ax = plots.landscape(sphere.with_dim(2), path=path, resolution=10)
    way, begin, end = ax.get_lines()
    np.testing.assert_array_equal(way.get_xydata(), path)
    np.testing.assert_array_equal(begin.get_xydata(), path[:1])
    np.testing.assert_array_equal(end.get_xydata(), path[-1:])
    assert begin.get_marker() != end.get_marker()
    assert names(ax) == ["begin", "end"]


def test_a_constant_function_is_drawn(tmp_path):
    plots.save(plots.landscape(lambda x: 0 * x[..., 0] + 3.0, bounds=[(0, 1)] * 2, resolution=5),
               tmp_path / "flat.png", dpi=40)  # fmt: skip


@pytest.mark.parametrize("sigma", [0.0, 0.2])
def test_holes_of_a_function_stay_empty(sigma):
    def f(x):
        with np.errstate(invalid="ignore"):
            return np.log(np.asarray(x)[..., 0]) + np.asarray(x)[..., 1]

    ax = plots.landscape(f, bounds=[(-1, 1), (0, 1)], resolution=20, sigma=sigma)
    assert np.isfinite(contour_height(ax)).all()
    assert min(path.vertices[:, 0].min() for path in ax.collections[0].get_paths()
               if len(path.vertices)) >= 0.0  # fmt: skip


def test_a_flat_surface_has_whole_numbers_beside_it():
    ax = plots.surface(AXIS, 1e-4 * HEIGHTS - 67.0)
    ax.figure.canvas.draw()
    labels = [text.get_text().replace("\N{MINUS SIGN}", "-") for text in ax.get_zticklabels()]
    assert all(abs(float(label) + 67.0) < 1e-2 for label in labels)
    assert ax.zaxis.get_offset_text().get_text() == ""


def test_a_surface_has_its_shadow_below_and_the_last_point_on_it():
    ax = plots.surface(AXIS, HEIGHTS, path=[[1, 0], [0.5, 0], [0, 0]], along=[-1, -0.25, 0])
    shadow, dot = ax.get_lines()
    x, y, z = shadow.get_data_3d()
    np.testing.assert_array_equal([x, y], [[1, 0.5, 0], [0, 0, 0]])
    assert (np.asarray(z) < HEIGHTS.min()).all()
    np.testing.assert_array_equal(np.ravel(dot.get_data_3d()), [0, 0, 0])
    assert ax.get_zlim()[0] == z[0]
    assert plots.surface(AXIS, 0 * HEIGHTS).name == "3d"


# Images


@pytest.mark.parametrize("shape", [(6, 4), (6, 4, 1), (6, 4, 3), (6, 4, 4)])
def test_a_montage_holds_every_image_at_its_place(shape):
    targets, way, found = RNG.uniform(-0.2, 1.2, size=(3, 2, *shape))
    ax = plots.reconstructions(targets, found, [way], [7])
    montage = np.asarray(ax.get_images()[0].get_array())
    centres = ax.get_xticks()
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["target", "t = 7", "found"]
    assert ax.xaxis.get_tick_params()["labeltop"]
    gap = round((montage.shape[0] - 12) / 3)
    for column, images in enumerate((targets, way, found)):
        left = round(centres[column] - 1.5)
        for row, image in enumerate(images):
            top = gap + row * (6 + gap)
            part = montage[top : top + 6, left : left + 4]
            expected = np.clip(image.reshape(6, 4, -1), 0, 1)
            channels = expected.shape[-1]
            np.testing.assert_allclose(part[..., :channels], expected)
            if channels < 4:
                assert (part[..., 3] == 1).all()
            if channels == 1:
                np.testing.assert_allclose(part[..., 2], expected[..., 0])


def test_flat_outputs_are_strips_from_the_lowest_value_to_the_highest():
    targets = np.array([[0.0, 1.0, 2.0, 3.0] * 4])
    ax = plots.reconstructions(targets, targets + 1.0)
    montage = np.asarray(ax.get_images()[0].get_array())
    for at, row in zip(ax.get_xticks(), (targets, targets + 1.0), strict=True):
        left = round(at - 7.5)
        strip = montage[1:-1, left : left + 16, 0]
        np.testing.assert_allclose(strip, np.broadcast_to(row / 4.0, strip.shape))


def test_an_image_grid_is_written_pixel_for_pixel(tmp_path):
    images = RNG.uniform(size=(3, 5, 4, 1))
    plots.image_grid(tmp_path / "grid.png", images, columns=2)
    picture = imread(tmp_path / "grid.png")
    assert picture.shape[:2] == (10, 8)
    np.testing.assert_allclose(picture[5:, :4, 0], images[2, ..., 0], atol=1 / 255)
    np.testing.assert_array_equal(picture[5:, 4:, :3], 1.0)


# The glass


def test_energies_are_counted_per_spin_between_labelled_levels():
    population = RNG.uniform(-1, 1, size=(40, 8))
    expected = GLASS.energy_per_spin(population)
    one = OptimizeResult(success=True, population=population)
    other = OptimizeResult(success=True, population_energies=8 * expected[:10])
    ax = plots.energies(GLASS, {"a": one, "b": other})
    for steps, values in zip(ax.patches[::2], (expected, expected[:10]), strict=True):
        counts, edges, _ = steps.get_data()
        np.testing.assert_array_equal(counts, np.histogram(values, edges)[0])
        assert counts.sum() == len(values)
    texts = {text.get_text(): text.xy[0] for text in ax.texts}
    assert texts == {"threshold": GLASS.threshold, "ground state": GLASS.ground_state}
    assert [line.get_xdata()[0] for line in ax.get_lines()] == list(texts.values())
    low, high = ax.get_xlim()
    assert low < min(expected.min(), GLASS.ground_state)
    assert high > expected.max()
    assert names(ax) == ["a", "b"]


# Panels


def panel_of(**more):
    return partial(plots.curves, LINES, xlabel="m", ylabel="error", **more)


def test_panels_share_a_legend_and_the_labels():
    figure = plots.panels([(str(i), panel_of()) for i in range(4)], title="T", caption="C.")
    assert [ax.get_title() for ax in figure.axes] == list("0123")
    assert [ax.get_xlabel() for ax in figure.axes] == ["", "m", "m", "m"]
    assert [ax.get_ylabel() for ax in figure.axes] == ["error", "", "", "error"]
    (part,) = figure.subfigs
    assert [text.get_text() for text in part.legends[0].get_texts()] == ["a", "b"]
    assert all(ax.get_legend() is None for ax in figure.axes)
    assert (part.get_suptitle(), figure.get_supxlabel()) == ("T", "C.")


CAPTIONED = {
    "panels": lambda caption: plots.panels(
        [(str(i), panel_of()) for i in range(4)], title="T", caption=caption
    ),
    "one panel": lambda caption: plots.panels([("one", panel_of())], title="T", caption=caption),
    "surfaces": lambda caption: plots.surfaces(
        [{"image": IMAGES[0], "axis": AXIS, "times": [0, 1], "heights": [HEIGHTS] * 2,
          "path": np.zeros((2, 2)), "along": [0, 0]}] * 2, title="T", caption=caption,
    ),
    "figure1": lambda _: figure1({"x": 1.0, "w": 1.0}),
}  # fmt: skip


@pytest.mark.parametrize("length", [1, 5])
@pytest.mark.parametrize("kind", CAPTIONED)
def test_a_caption_overlaps_nothing(kind, length, tmp_path):
    figure = CAPTIONED[kind]("What is shown, in seconds, and what the dotted line marks. " * length)
    plots.save(figure, tmp_path / "figure.png", dpi=60)
    renderer = FigureCanvasAgg(figure).get_renderer()
    caption = figure._supxlabel.get_window_extent(renderer)
    assert caption.x0 >= 0
    assert caption.y0 >= 0
    assert caption.x1 <= figure.bbox.x1 + 1
    others = [ax.get_tightbbox(renderer) for ax in figure.axes]
    others += [legend.get_window_extent(renderer) for legend in figure.subfigs[0].legends]
    assert caption.y1 <= min(box.y0 for box in others)
    for legend in figure.subfigs[0].legends:
        top = legend.get_window_extent(renderer).y1
        assert all(top <= ax.get_tightbbox(renderer).y0 + 0.5 for ax in figure.axes)


def test_the_panel_of_an_objective_is_its_error_as_a_part_of_the_range():
    histories = {
        "shallow": [{"nfev": [1, 2], "fun": [10.0, None]}],
        "deep": [{"nfev": [1, 2], "fun": [4.0, 2.0]}, {"nfev": [1, 2], "fun": [8.0, 4.0]}],
    }
    found = scale(rastrigin, None)
    title, draw = descent_panel("styblinski_tang", histories, found, "nfev")
    (ax,) = plots.panels([(title, draw)]).axes
    assert ax.get_title() == "styblinski tang"
    assert ax.get_ylabel() == "f above minimum, of range"
    shallow, deep = ax.get_lines()
    np.testing.assert_allclose(drawn(shallow)[1], [10.0 / found.span] * 2)
    np.testing.assert_allclose(drawn(deep)[1], np.array([6.0, 3.0]) / found.span)


def test_the_panel_of_the_glass_marks_its_threshold():
    _, draw = descent_panel("spherical_spin_glass", {"deep": [{"time": [1, 2], "fun": [-8, -12]}]},
                            scale(GLASS, None), "time")  # fmt: skip
    (ax,) = plots.panels([("glass", draw)]).axes
    line, level = ax.get_lines()
    np.testing.assert_allclose(drawn(line)[1], [-1.0, -1.5])
    assert set(level.get_ydata()) == {GLASS.threshold}
    assert (ax.get_yscale(), ax.get_ylabel()) == ("linear", "energy per spin")


# How it looks


def luminance(colour):
    """Relative luminance of WCAG 2."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


ALL = {
    "convergence": lambda: plots.convergence({str(i): run([3.0, 1.0 + i]) for i in range(32)}),
    "data_profile": lambda: plots.data_profile({str(i): [1.0 + i] for i in range(32)},
                                               {str(i): 2 for i in range(32)}),
    "distances": lambda: plots.distances({str(i): [1.0 + i] for i in range(32)}),
    "curves": lambda: plots.curves({str(i): ([1, 2], [1, 2 + i]) for i in range(32)}),
    "boxes": lambda: plots.boxes(BOXES),
    "energies": lambda: plots.energies(
        GLASS, {i: OptimizeResult(success=True, population_energies=[-8.0 - i]) for i in range(2)}
    ),
    "landscape": lambda: plots.landscape(sphere.with_dim(2), path=[[0, 0]], resolution=8),
    "surface": lambda: plots.surface(AXIS, HEIGHTS, path=[[0, 0]], along=[0]),
    "reconstructions": lambda: plots.reconstructions(IMAGES, IMAGES),
}  # fmt: skip


@pytest.mark.parametrize("style", ["default", "dark_background"])
@pytest.mark.parametrize("kind", ["convergence", "data_profile", "distances", "curves", "energies"])
def test_curves_stand_out_from_the_background_and_from_each_other(kind, style):
    with mpl.style.context(style):
        ax = ALL[kind]()
        handles = ax.get_legend_handles_labels()[0]
        for mark in [*handles, *(line for line in ax.get_lines() if line not in handles)]:
            colour = mark.get_edgecolor() if hasattr(mark, "get_edgecolor") else mark.get_color()
            assert contrast(colour, ax.get_facecolor()) >= 3.0
        for one, other in itertools.combinations(ax.get_lines(), 2):
            assert looks_in_grey(one) != looks_in_grey(other)


def looks_in_grey(line):
    return line._dash_pattern, line.get_marker()


@pytest.mark.parametrize("background", ["white", "black"])
def test_every_colour_of_the_palette_can_be_read(background):
    for style in plots.styles(map(str, range(32))).values():
        assert contrast(style["color"], background) >= 3.0


def test_boxes_differ_in_hatch():
    ax = plots.boxes({str(i): {1: [1.0, 2.0]} for i in range(8)})
    assert len({patch.get_hatch() for patch in ax.patches}) == 8


def test_histograms_differ_in_dash():
    first, second = ALL["energies"]().patches[::2]
    assert first.get_linestyle() != second.get_linestyle()


@pytest.mark.parametrize("kind", ALL)
def test_on_black_nothing_is_written_in_black(kind, tmp_path):
    with mpl.style.context("dark_background"):
        ax = ALL[kind]()
        plots.save(ax, tmp_path / "dark.png", dpi=50)
        texts = [ax.title, ax.xaxis.label, ax.yaxis.label, *ax.texts, *ax.get_xticklabels()]
        for text in texts:
            assert contrast(text.get_color(), ax.figure.get_facecolor()) >= 3.0
    corner = imread(tmp_path / "dark.png")[0, 0, :3]
    np.testing.assert_array_equal(corner, 0.0)


def test_a_name_looks_the_same_wherever_its_styles_are_given():
    looks = plots.styles(["a", "b"])
    ax = plots.curves({"b": LINES["b"]}, styles=looks)
    assert ax.get_lines()[0].get_color() == looks["b"]["color"]
    assert looks["b"]["color"] != plots.styles(["b"])["b"]["color"]


def test_a_short_logarithmic_axis_is_labelled_at_2_and_5():
    def labels(x):
        ax = plots.curves({"a": (x, [1, 1])}, log=("x",))
        ax.figure.draw_without_rendering()
        return [text.get_text() for text in ax.xaxis.get_minorticklabels() if text.get_text()]

    assert {"2", "5"} <= set(labels([1.5, 8.0]))
    assert {"30", "40"} <= set(labels([26, 44]))
    assert labels([1.0, 1e4]) == []


# Axes, state and files


@pytest.mark.parametrize("kind", ALL)
def test_axes_of_ones_own_are_drawn_on_and_returned(kind):
    figure = Figure()
    ax = figure.add_subplot(projection="3d" if kind == "surface" else None)
    draw = {
        "convergence": partial(plots.convergence, run([1.0])),
        "data_profile": partial(plots.data_profile, {"a": [1.0]}, {"a": 1}),
        "distances": partial(plots.distances, {"a": [1.0]}),
        "curves": partial(plots.curves, LINES),
        "boxes": partial(plots.boxes, BOXES),
        "energies": partial(plots.energies, GLASS, run([1.0]) | {"population_energies": [-1.0]}),
        "landscape": partial(plots.landscape, sphere.with_dim(2), resolution=8),
        "surface": partial(plots.surface, AXIS, HEIGHTS),
        "reconstructions": partial(plots.reconstructions, IMAGES, IMAGES),
    }[kind]
    assert draw(ax=ax) is ax
    assert ax.has_data()
    if kind != "surface":
        with pytest.raises(ValueError, match="ax must be a 2-d Axes, got one named '3d'"):
            draw(ax=figure.add_subplot(projection="3d"))
    else:
        with pytest.raises(ValueError, match=r"ax must be a 3-d Axes .* named 'rectilinear'"):
            draw(ax=figure.add_subplot())
    with pytest.raises(TypeError, match="ax must be a matplotlib Axes, got 3"):
        draw(ax=3)


def test_nothing_global_is_touched(tmp_path):
    before = dict(mpl.rcParams)
    for draw in ALL.values():
        plots.save(draw(), tmp_path / "figure.png", dpi=40)
    assert dict(mpl.rcParams) == before
    code = (
        "import sys; from deepopt import plots;"
        "plots.save(plots.curves({'a': ([1, 2], [3, 4])}), sys.argv[1]);"
        "print({'matplotlib.pyplot', 'keras'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "a.png"], capture_output=True,
                          text=True, check=True)  # fmt: skip
    assert done.stdout.strip() == "set()"


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    ax = plots.curves(LINES)
    plots.save(ax, tmp_path / "axes.png", dpi=50)
    plots.save(ax.figure, tmp_path / "figure.png", dpi=50)
    one, other = (imread(tmp_path / f"{name}.png") for name in ("axes", "figure"))
    np.testing.assert_array_equal(one, other)
    assert one.shape[:2] == tuple(int(50 * side) for side in ax.figure.get_size_inches()[::-1])
    ax.set_title("$\\broken$")
    with pytest.raises(ValueError, match="broken"):
        plots.save(ax, tmp_path / "axes.png")
    np.testing.assert_array_equal(imread(tmp_path / "axes.png"), one)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["axes.png", "figure.png"]


def test_a_style_may_hold_a_part_and_the_rest_is_its_own():
    runs = {"gd": [run([3.0, 1.0]), run([2.0, 1.0])]}
    ax = plots.convergence(runs, styles={"gd": {"linestyle": "--"}})
    own = plots.styles(["gd"])["gd"]
    assert (ax.lines[0].get_linestyle(), ax.lines[0].get_color()) == ("--", own["color"])
    assert plots.boxes(BOXES, styles={"a": {}, "b": {"color": "red"}}).patches
    assert plots.curves({1: ([1, 2], [1, 2])}, styles={1: {"color": "red"}}).lines
    found = OptimizeResult(success=True, population=RNG.normal(size=(5, 8)))
    assert plots.energies(GLASS, {"gd": found}, styles={"gd": {"color": "red"}}).patches


def test_a_history_without_a_finite_value_is_drawn_empty(tmp_path):
    ax = plots.convergence(run([np.nan, np.nan]), minimum=0.0)
    assert ax.get_yscale() == "linear"
    plots.save(ax, tmp_path / "empty.png")


def test_a_legend_of_long_names_stays_in_the_figure_and_looks_are_shared():
    found = {f"a method with a long name, {i}": {10: [1.0, 2.0]} for i in range(6)}
    looks = plots.styles(found)
    last = dict(list(found.items())[-2:])
    figure = plots.panels(
        [(str(i), partial(plots.boxes, some, styles=looks))
         for i, some in enumerate((found, last))],
        title="two", caption="",
    )  # fmt: skip
    FigureCanvasAgg(figure).draw()
    part = figure.subfigs[0]
    box = part.legends[0].get_window_extent()
    assert 0 <= box.x0 < box.x1 <= figure.bbox.width
    first, second = ([patch.get_hatch() for patch in ax.patches] for ax in part.axes)
    assert first[-2:] == second


# Bad input

GOOD = run([1.0])
LINE2 = [(-1.0, 1.0)] * 2
BAD = {
    "no history": (plots.convergence, ({"gd": OptimizeResult(success=True, x=1)},), {},
                   "results['gd'] must have a history with 'fun' and 'nfev'"),
    "no column": (plots.convergence, ({"history": {"fun": [1.0]}},), {"against": "time"},
                  "must have a history with 'fun' and 'time'"),
    "empty history": (plots.convergence, (run([]),), {}, "at least one record, got none"),
    "unequal": (plots.convergence, (run([1.0], [1, 2]),), {}, "must have shape (1,), got (2,)"),
    "falling": (plots.convergence, (run([2.0, 1.0], [2, 1]),), {}, "'nfev' of results must not"),
    "against": (plots.convergence, (GOOD,), {"against": "hours"},
                "against must be one of 'nfev', 'time', 'nit', got 'hours'"),
    "minimum": (plots.convergence, (GOOD,), {"minimum": "low"}, "minimum must be a number"),
    "no height": (plots.surface, (AXIS, np.full((9, 9), np.nan)), {}, "heights must be finite"),
    "places": (plots.boxes, ({"a": {10: [1.0], "m": [2.0]}},), {}, "must have numbers for places"),
    "no results": (plots.convergence, ([],), {}, "results must have at least one result"),
    "no names": (plots.convergence, ({},), {}, "results must have at least one entry"),
    "no result": (plots.convergence, ([3.0],), {}, "results must hold results of deepopt.minimize"),
    "a number": (plots.convergence, (3.0,), {}, "results must be a result of deepopt.minimize"),
    "styles": (plots.convergence, ({"a": GOOD},), {"styles": {"b": {}}},
               "styles must have one for 'a', got ['b']"),
    "many names": (plots.styles, (map(str, range(33)),), {}, "at most 32 to be told apart, got 33"),
    "no total": (plots.data_profile, ({"a": [1.0]}, {"b": 1}), {}, "instances of 'a', got none"),
    "low total": (plots.data_profile, ({"a": [1.0, 2.0]}, {"a": 1}), {}, "total['a'] must be"),
    "cost": (plots.data_profile, ({"a": [-1.0]}, {"a": 1}), {}, "solved['a'] must be finite"),
    "no solver": (plots.data_profile, ({}, {}), {}, "solved must have at least one entry"),
    "a list": (plots.data_profile, ([1.0], {}), {}, "solved must be a dict by name, got [1.0]"),
    "words": (plots.distances, ({"a": ["far"]},), {}, "found['a'] must be real numbers"),
    "no trial": (plots.distances, ({"a": []},), {}, "found['a'] must be distances"),
    "negative": (plots.distances, ({"a": [-1.0]},), {}, "found['a'] must be distances"),
    "near": (plots.distances, ({"a": [1.0]},), {"near": 0}, "near must be above 0, got 0"),
    "no places": (plots.boxes, ({"a": [1.0]},), {}, "found['a'] must be a dict of place"),
    "empty place": (plots.boxes, ({"a": {1: []}},), {}, "found['a'] must have values at every"),
    "no pair": (plots.curves, ({"a": [1, 2, 3]},), {}, "curves['a'] must be a pair (x, y)"),
    "lengths": (plots.curves, ({"a": ([1], [1, 2])},), {}, "must have shape (1,), got (2,)"),
    "log": (plots.curves, (LINES,), {"log": ("z",)}, "log must hold 'x' and 'y' alone"),
    "three variables": (plots.landscape, (sphere.with_dim(3),), {},
                        "f must be a function of two variables, got <problem sphere: dim=3>"),
    "its third": (plots.landscape, (lambda x: x[2],), {"bounds": LINE2},
                  "f must be a function of two variables: "),
    "no function": (plots.landscape, (3,), {"bounds": LINE2},
                    "f must be a function of two variables, got 3"),
    "no bounds": (plots.landscape, (np.sum,), {}, "bounds are missing"),
    "three bounds": (plots.landscape, (np.sum,), {"bounds": [(0, 1)] * 3}, "bounds must have 2"),
    "endless": (plots.landscape, (np.sum,), {"bounds": [(0, None), (0, 1)]}, "must be finite with"),
    "a path in 3-d": (plots.landscape, (sphere.with_dim(2),), {"path": [[1, 2, 3]]},
                      "path must have shape (any, 2), got (1, 3)"),
    "an empty path": (plots.landscape, (sphere.with_dim(2),), {"path": np.empty((0, 2))},
                      "path must have at least one point, got none"),
    "sigma": (plots.landscape, (sphere.with_dim(2),), {"sigma": -1}, "sigma must be at least 0"),
    "resolution": (plots.landscape, (sphere.with_dim(2),), {"resolution": 1.5},
                   "resolution must be a whole number, got 1.5"),
    "nowhere": (plots.landscape, (lambda x: np.nan * x[..., 0],), {"bounds": LINE2},
                "f must be finite somewhere within bounds"),
    "heights": (plots.surface, (AXIS, HEIGHTS[1:]), {}, "heights must have shape (9, 9)"),
    "along": (plots.surface, (AXIS, HEIGHTS), {"along": [1]}, "along needs a path"),
    "frames": (plots.reconstructions, (IMAGES, IMAGES, [IMAGES], []), {},
               "times must be as many as frames, 1, got 0"),
    "outputs": (plots.reconstructions, (IMAGES, IMAGES[:1]), {},
                "outputs must have the shape of targets, (2, 6, 4, 1), got (1, 6, 4, 1)"),
    "one image": (plots.reconstructions, (IMAGES[0, 0], IMAGES[0, 0]), {},
                  "targets must have shape (B, height, width[, channels]) or (B, n), got (4,)"),
    "channels": (plots.reconstructions, (np.zeros((1, 2, 2, 2)),) * 2, {}, "1, 3 or 4 channels"),
    "no images": (plots.image_grid, ("x.png", np.zeros((0, 2, 2, 1)), 3), {}, "images must have"),
    "no glass": (plots.energies, (sphere, GOOD), {}, "glass must be a SphericalSpinGlass"),
    "no population": (plots.energies, (GLASS, GOOD), {}, "results must have a population or"),
    "other glass": (plots.energies, (GLASS, {"population": np.zeros((1, 3)), "history": {}}), {},
                    "population of results must have shape (any, 8), got (1, 3)"),
    "no panel": (plots.panels, ([],), {}, "drawn must have at least one panel, got none"),
    "panel": (plots.panels, ([("a", 3)],), {}, "drawn must hold pairs (title, function)"),
    "no figure": (plots.save, (3, "x.png"), {}, "must be a matplotlib Figure or Axes, got 3"),
    "no targets": (plots.surfaces, ([],), {}, "found must have at least one target, got none"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_told_in_one_sentence(case):
    function, arguments, keywords, words = BAD[case]
    with pytest.raises((TypeError, ValueError), match=re.escape(words)) as caught:
        function(*arguments, **keywords)
    assert "\n" not in str(caught.value)
