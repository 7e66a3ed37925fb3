"""`deepopt.minimize`: what its result says, forms of its arguments, and all that is no contract."""

import pickle

import keras
import numpy as np
import pytest
import scipy.optimize
from helpers import sphere, waves
from keras import ops
from scipy.optimize import Bounds, OptimizeResult, rosen, rosen_der

import deepopt
from deepopt import Adam, Constant, Deep, Direct, GaussianSmoothing, GradientDescent, Recipe
from deepopt.problems import SphericalSpinGlass, ackley, rastrigin

METHODS = ["gd", "deep", "homotopy"]
BOX = [(-2.0, 2.0)] * 4
SMALL = {"maxiter": 40, "learning_rate": [0.5, 0.1]}


def solve(f=sphere, method="gd", options=(), **more):
    given = {"bounds": BOX, "rng": 0} | more
    return deepopt.minimize(f, method=method, options=SMALL | dict(options), **given)


class Counted:
    """A NumPy function that counts the points it is asked for and notes where they lie."""

    def __init__(self, f):
        self.f, self.points, self.seen = f, 0, []

    def __call__(self, x):
        shape = np.shape(x)
        self.points += shape[0] if len(shape) == 2 else 1
        x = np.asarray(x)  # a symbolic tensor raises here, as NumPy code does
        self.seen.append(x.reshape(-1, shape[-1]).copy())
        return self.f(x)


@pytest.mark.backends
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_result_has_every_field_of_the_contract(method, dtype):
    result = solve(method=method, options={"dtype": dtype})
    assert isinstance(result, OptimizeResult)
    assert result.x.shape == (4,)
    assert result.x.dtype == np.float64
    assert isinstance(result.fun, float)
    assert result.fun == pytest.approx(((result.x - 0.3) ** 2).sum(), abs=1e-12)
    assert isinstance(result.message, str)
    assert result.success == (result.status == 0)
    n = len(result.population)
    assert result.population.shape == (n, 4)
    assert result.population_energies.shape == (n,)
    assert result.fun <= result.population_energies.min() + 1e-12
    assert ((result.population >= -2) & (result.population <= 2)).all()
    assert set(result.history) == {"nit", "nfev", "time", "fun"}
    assert len({len(column) for column in result.history.values()}) == 1
    assert all(np.diff(result.history["fun"]) <= 0)
    assert all(np.diff(result.history["nfev"]) > 0)
    assert result.method == method
    assert result.objective_kind == "traced"
    assert result.learning_rate in result.learning_rates
    best = result.fun_per_run.argmin()
    assert result.learning_rate == result.learning_rates[best]
    assert pickle.loads(pickle.dumps(result)).fun == result.fun


def test_method_names_are_case_insensitive_and_homotopy_is_the_default():
    assert solve(method="DEEP").method == "deep"
    assert solve(method=None).method == "homotopy"


@pytest.mark.backends
def test_gd_and_deep_begin_at_the_same_points():
    firsts = [
        solve(method=m, rng=5, options={"maxiter": 1}).history["fun"][0] for m in ("gd", "deep")
    ]
    assert firsts[0] == pytest.approx(firsts[1], rel=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_x0_is_the_first_start(method):
    """f is a funnel of width 1e-3 about x0 in a plain that rises elsewhere."""
    x0 = np.array([0.7, -1.3, 1.9, 0.1])

    def f(x):
        return -1.0 * ops.exp(-1e4 * ops.sum((x - x0) ** 2, axis=-1))

    result = solve(f, method=method, x0=x0, options={"maxiter": 1, "polish": False})
    assert result.history["fun"][0] == pytest.approx(-1.0, abs=1e-6)


@pytest.mark.parametrize("method", ["gd", "deep"])
def test_x0_on_a_bound_is_never_lost(method):
    corner = solve(lambda x: ops.sum(x, axis=-1), method=method, x0=[-2.0] * 4)
    assert corner.fun == -8.0
    np.testing.assert_array_equal(corner.x, [-2.0] * 4)


@pytest.mark.parametrize(
    "x0", [[1, 0, 1, 0], (1, 0, 1, 0), [[1, 0], [1, 0]], np.float32([1, 0, 1, 0])]
)
def test_x0_of_any_real_form(x0):
    assert solve(x0=x0).x.shape == (4,)


def test_x0_is_not_written_to():
    x0 = np.array([1.0, 0.0, 1.0, 0.0])
    x0.flags.writeable = False
    solve(x0=x0)
    solve(rosen, x0=x0, options={"maxiter": 3, "n_starts": 2})


def test_a_black_box_descends_as_the_traced_function_does():
    def traced(x):
        return ops.sum(
            100.0 * (x[..., 1:] - x[..., :-1] ** 2) ** 2 + (1 - x[..., :-1]) ** 2, axis=-1
        )

    for method in ("gd", "deep"):
        a, b = (
            solve(f, method, {"maxiter": 60}, jac=j)
            for f, j in ((traced, None), (rosen, rosen_der))
        )
        assert a.objective_kind == "traced"
        assert b.objective_kind == "black box"
        assert a.fun == pytest.approx(b.fun, rel=1e-6)


@pytest.mark.backends
def test_kinds_are_told_apart():
    point = lambda x: (x[0] - 0.3) ** 2 + (x[1] - 0.3) ** 2 + x[2] ** 2 + x[3] ** 2  # noqa: E731
    numpy_batch = lambda x: np.square(np.asarray(x) - 0.3).sum(axis=-1)  # noqa: E731
    small = {"maxiter": 2, "n_starts": 2}
    for f, kind in [
        (sphere, "traced"),
        (point, "traced"),
        (rosen, "black box"),
        (numpy_batch, "black box"),
        (rastrigin.with_dim(4), "traced"),
    ]:
        assert solve(f, options=small).objective_kind == kind, f
    batched = solve(numpy_batch, options=small | {"batched": True})
    assert batched.objective_kind == "batched black box"


def test_rosen_on_a_square_batch_is_not_taken_for_a_batch_function():
    """In d = 3, and with any number of starts, SciPy's rosen must be called point by point."""
    for d in (2, 3, 4, 5):
        result = solve(rosen, bounds=[(-2, 2)] * d, options={"maxiter": 3, "n_starts": d})
        assert result.objective_kind == "black box"
        assert result.fun == rosen(result.x)


@pytest.mark.parametrize("jac", ["2-point", "3-point", "cs", True])
def test_every_form_of_jac(jac):
    smooth = lambda x: np.sum((x - 0.3) ** 2) + 0.1 * np.sum(np.sin(5 * x))  # noqa: E731
    slope = lambda x: 2 * (x - 0.3) + 0.5 * np.cos(5 * x)  # noqa: E731
    exact = solve(smooth, jac=slope, options={"maxiter": 15})
    both = lambda x: (smooth(x), slope(x))  # noqa: E731
    found = solve(both if jac is True else smooth, jac=jac, options={"maxiter": 15})
    np.testing.assert_allclose(found.x, exact.x, atol=1e-5)


def test_args_reach_fun_and_jac():
    f = lambda x, a, b: np.sum((x - a) ** 2) + b  # noqa: E731
    g = lambda x, a, b: 2 * (x - a)  # noqa: E731
    result = solve(
        f, args=(0.5, 7.0), jac=g, options={"maxiter": 200, "learning_rate": 5.0, "n_starts": 1}
    )
    assert result.fun == pytest.approx(7.0, abs=1e-2)
    traced = solve(lambda x, a: ops.sum((x - a) ** 2, axis=-1), args=0.5, method="homotopy")
    np.testing.assert_allclose(traced.x, 0.5, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("maxfev", [2, 301])
def test_maxfev_is_never_exceeded(method, maxfev):
    f = Counted(lambda x: np.sum((np.asarray(x) - 0.3) ** 2, axis=-1))
    for objective in (f, sphere):
        result = solve(objective, method, {"maxfev": maxfev, "maxiter": 10_000})
        assert result.nfev <= maxfev
        assert result.status in (
            (0, 2) if method == "homotopy" else (2,)
        )  # its polish may converge
        assert np.isfinite(result.fun)
    assert f.points <= maxfev


@pytest.mark.parametrize("method", METHODS)
def test_a_limit_that_is_over_before_the_search_is_the_reason(method):
    limits = {"maxtime": 1e-3}
    result = solve(lambda x: float(np.sum(x**2)), method, options=limits)
    assert (result.status, result.nit) == (3, 0)


def test_maxtime_always_runs_one_chunk():
    result = solve(options={"maxtime": 1e-6})
    assert result.status == 3
    assert result.nit >= 1
    assert np.isfinite(result.fun)


def test_statuses():
    assert solve().status == 1
    assert solve(options={"ftol": 1e-3, "stall": 5, "maxiter": 10_000}).status == 0
    assert solve(tol=1e-3, options={"stall": 5, "maxiter": 10_000}).status == 0
    assert solve(method="homotopy", options={"maxiter": 10**5}).status == 0
    assert solve(waves, method="homotopy").status == 1
    nowhere = solve(lambda x: ops.sum(x, axis=-1) * np.nan)
    assert nowhere.status == 4
    assert not nowhere.success
    assert np.isnan(nowhere.fun)
    assert nowhere.x.shape == (4,)


def test_callback_in_both_protocols():
    results, points = [], []
    solve(callback=lambda intermediate_result: results.append(intermediate_result))
    solve(callback=lambda xk: points.append(xk))
    assert len(results) == len(points) > 3
    assert all(isinstance(r, OptimizeResult) and r.x.shape == (4,) for r in results)
    assert np.diff([r.fun for r in results]).max() <= 0
    np.testing.assert_array_equal(points[-1], results[-1].x)


@pytest.mark.backends
def test_the_callback_sees_where_the_points_stand():
    seen = []
    recipe = Recipe(Direct(3, "uniform", "reflect"), Constant(), GradientDescent())
    result = deepopt.minimize(
        lambda x: ops.sum(x**2, axis=-1), bounds=[(-1, 3)] * 2, method=recipe, rng=0,
        callback=lambda intermediate_result: seen.append(intermediate_result.population),
        options={"maxiter": 40, "learning_rate": 1e-2},
    )  # fmt: skip
    way = np.array(seen)
    assert way.shape[1:] == (3, 2)
    np.testing.assert_array_equal(way[-1], result.population)
    distances = np.linalg.norm(way, axis=-1)
    assert (np.diff(distances, axis=0) < 0).all()  # each of them nears the minimum


def test_stop_iteration_stops():
    def callback(intermediate_result):
        if intermediate_result.nit >= 5:
            raise StopIteration

    result = solve(callback=callback)
    assert (result.status, result.success) == (99, False)
    assert 5 <= result.nit < 40


@pytest.mark.parametrize("method", METHODS)
def test_an_interrupted_traced_run_keeps_what_the_loop_found(method):
    def callback(intermediate_result):
        if intermediate_result.nit >= 30:
            raise KeyboardInterrupt

    problem = ackley.with_dim(6).shifted(rng=0)
    result = solve(problem, method, {"maxiter": 2000}, bounds=None, callback=callback)
    assert result.status == 5
    assert result.fun <= result.history["fun"][-1] + 1e-9
    assert result.fun == pytest.approx(problem(result.x))


@pytest.mark.backends
def test_bounds_of_every_kind():
    for bounds, x0, expected in [
        (Bounds([0, 0], [1, 1]), None, [0.3, 0.3]),
        ([(None, None), (None, None)], [5.0, -3.0], [0.3, 0.3]),
        ([(0.5, None), (None, 0.1)], [5.0, -3.0], [0.5, 0.1]),
        ([(0, 1), (0.6, 0.6)], None, [0.3, 0.6]),
        (None, [4.0, 4.0], [0.3, 0.3]),
        ([(0, 1)], None, [0.3]),
        ([(-1e308, 1e308), (0, 1)], [2.0, 0.5], [0.3, 0.3]),
    ]:
        result = solve(
            method="homotopy", bounds=bounds, x0=x0, options={"maxiter": 300, "learning_rate": 0.1}
        )
        np.testing.assert_allclose(result.x, expected, atol=1e-6)


def test_scale_sets_the_working_range():
    far = lambda x: ops.sum((x - 900.0) ** 2, axis=-1)  # noqa: E731
    kinds = {"bounds": None, "x0": [0.0, 0.0], "options": {"maxiter": 1, "n_starts": 50}}
    near, wide = (solve(far, scale=scale, **kinds).population.std() for scale in (1.0, 1000.0))
    assert wide / near == pytest.approx(1000.0, rel=1e-2)
    kinds["options"] = kinds["options"] | {"scale": 1000.0}
    assert solve(far, **kinds).population.std() == pytest.approx(wide)


def test_the_grid_names_the_rate_that_won():
    result = solve(options={"learning_rate": "grid"})
    np.testing.assert_allclose(result.learning_rates, 10.0 ** -np.arange(11.0))
    assert result.fun <= result.fun_per_run.min() + 1e-12


def test_rates_mean_the_same_on_any_scale_of_f():
    """The paper scales outputs to [0, 1]; here a f + b descends as f does."""
    small, large = (
        solve(
            lambda x, a=a: a * ops.sum((x - 0.3) ** 2, axis=-1) + a, options={"learning_rate": 0.5}
        )
        for a in (1e-3, 1e6)
    )
    np.testing.assert_allclose(small.x, large.x, rtol=1e-9)


def test_any_combination_is_a_method():
    schedule = GaussianSmoothing(n_samples=4)
    assert solve(method="deep", options={"schedule": schedule}).nfev > solve(method="deep").nfev * 4
    for descent in ("momentum", "adam", Adam(beta2=0.9)):
        assert solve(method="deep", options={"descent": descent}).fun < 5
    made = Recipe(Deep(n_embeddings=5), schedule, Adam())
    result = solve(method=made, options={"polish": True})
    assert result.method == "recipe"
    assert result.population.shape == (5, 4)
    assert result.fun < 1e-9


def test_deep_takes_several_networks():
    result = solve(method="deep", options={"n_starts": 3})
    assert result.fun_per_run.shape == (6,)
    assert len(set(result.fun_per_run)) == 6


def test_a_scipy_style_method_is_called_as_scipy_does():
    def method(fun, x0, args, **unknown):
        return OptimizeResult(x=x0, fun=fun(x0, *args), seen=sorted(unknown))

    result = solve(lambda x, a: a * np.sum(x), method=method, x0=np.ones(4), args=(2.0,))
    assert result.fun == 8.0
    assert {"bounds", "callback", "jac", "maxiter"} <= set(result.seen)


def test_what_is_not_used_is_said():
    with pytest.warns(RuntimeWarning, match="hess is not used"):
        solve(hess=lambda x: np.eye(4))
    with pytest.warns(scipy.optimize.OptimizeWarning, match="no option 'maxtier'"):
        solve(options={"maxtier": 3})


def test_disp_prints_the_outcome_alone_where_there_is_no_terminal(capsys):
    result = solve(options={"disp": True})
    out, err = capsys.readouterr()
    assert out == f"f = {result.fun:.10g}, {result.message} {result.nfev} points\n"
    assert err == ""


def test_spin_glass_descends_towards_the_threshold():
    glass = SphericalSpinGlass(30, rng=0)
    options = {"maxiter": 200, "descent": "adam", "learning_rate": 0.1}
    result = deepopt.minimize(glass, method="gd", options=options, rng=0)
    start = result.history["fun"][0] / 30
    assert glass.energy_per_spin(result.x) < -1.2 < start


def test_float32_points_stay_inside_in_float64():
    problem = ackley.with_dim(3)
    result = deepopt.minimize(
        problem, [32.768] * 3, method="gd", rng=0,
        options={"dtype": "float32", "maxiter": 3, "output_map": "clip"},
    )  # fmt: skip
    assert (np.abs(result.population) <= 32.768).all()
    assert (np.abs(result.x) <= 32.768).all()


@pytest.mark.skipif(keras.config.backend() != "jax", reason="JAX's NumPy code traces there alone")
def test_numpy_like_code_that_traces_is_traced():
    assert solve(lambda x: np.sum(x * x, axis=-1)).objective_kind == "traced"


def test_gradient_descent_options_reach_the_recipe():
    slow = solve(options={"decay": 0.5, "learning_rate": 50.0, "patience": 0})
    kind = solve(options={"descent": GradientDescent(decay=0.5), "learning_rate": 50.0})
    assert slow.fun == kind.fun
    assert solve(method=Recipe(Direct(n_starts=3))).population.shape == (3, 4)


def test_a_preset_fills_in_what_is_not_given():
    from deepopt._minimize.methods import METHODS

    method = "gd"
    (name, preset), *_ = METHODS[method].options.presets().items()
    few = {"maxiter": 5, "learning_rate": 0.03}
    given = {"bounds": BOX, "rng": 0, "method": method}
    by_name = deepopt.minimize(sphere, options=few | {"preset": name}, **given)
    by_hand = deepopt.minimize(sphere, options=dict(preset) | few, **given)
    assert by_name.fun == by_hand.fun
    assert by_name.learning_rate == 0.03
    assert by_name.fun != deepopt.minimize(sphere, options=few, **given).fun
    with pytest.raises(ValueError, match="preset must be one of 'tuned', got 'best'"):
        solve(method=method, options={"preset": "best"})
