"""Functions as users write them: told apart, called as they can be called, counted, timed."""

import threading
import time
import warnings

import keras
import numpy as np
import pytest
from helpers import sphere
from keras import ops
from scipy.optimize import rosen

import deepopt
from deepopt import Recipe
from deepopt.problems import Problem

pytestmark = pytest.mark.backends
BOX = [(-1.0, 1.0)] * 3
C = np.array([0.1, -0.2, 0.5])
SMALL = {"maxiter": 30, "learning_rate": [5.0, 0.5], "n_starts": 4}


def solve(f, options=(), **more):
    given = {"bounds": BOX, "rng": 0, "method": "gd"} | more
    return deepopt.minimize(f, options=SMALL | dict(options), **given)


def transposed(x):
    y = ops.transpose(x)
    return (y[0] - 0.1) ** 2 + (y[1] + 0.2) ** 2 + (y[2] - 0.5) ** 2


def made_2d(x):
    if len(x.shape) == 1:
        x = x[None]
    return ops.sum((x - ops.convert_to_tensor(C, dtype=x.dtype)) ** 2, axis=1)


def rows_only(x):
    return ops.sum((x - ops.convert_to_tensor(C, dtype=x.dtype)) ** 2, axis=1)


def keepdims(x):
    return ops.sum((x - ops.convert_to_tensor(C, dtype=x.dtype)) ** 2, axis=-1, keepdims=True)


def to_float32(x):
    return ops.cast(sphere(x), "float32")


@pytest.mark.parametrize("f", [transposed, made_2d, rows_only, keepdims, to_float32])
@pytest.mark.parametrize("n_starts", [4, 33])
def test_forms_of_a_traced_function(f, n_starts):
    result = solve(f, {"n_starts": n_starts, "maxiter": 60}, method="homotopy")
    assert result.objective_kind == "traced"
    assert result.fun < (1e-6 if f is to_float32 else 1e-10)


@pytest.mark.filterwarnings("ignore:.*could not be traced")
def test_a_keras_model_is_an_objective():
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)]
    )
    result = solve(lambda x: model(x), {"dtype": "float32"})
    assert result.objective_kind == "traced"
    assert result.fun <= result.history["fun"][0] + 1e-6


def test_float32_then_float64_with_a_numpy_constant():
    f = lambda x: ops.sum((x - ops.convert_to_tensor(C, dtype=x.dtype)) ** 2, axis=-1)  # noqa: E731
    for dtype in ("float32", "float64", "float32"):
        assert solve(f, {"dtype": dtype}).objective_kind == "traced"


@pytest.mark.skipif(keras.config.backend() == "torch", reason="PyTorch takes no NumPy operands")
def test_numpy_constants_in_every_precision():
    f = lambda x: ops.sum((x - C) ** 2, axis=-1)  # noqa: E731
    for dtype in ("float32", "float64", "float32"):
        result = solve(f, {"dtype": dtype})
        assert result.objective_kind == "traced"


def test_what_cannot_be_traced_is_said():
    wrong = "float16"
    f = lambda x: ops.sum(ops.cast(x, wrong) * ops.ones(3, dtype=wrong) + helpless(x), axis=-1)  # noqa: E731

    def helpless(x):
        if not hasattr(x, "dtype") or isinstance(x, np.ndarray):
            return 0.0
        raise RuntimeError("no trace")

    with pytest.warns(RuntimeWarning, match="could not be traced.*no trace"):
        result = solve(f, {"maxiter": 1})
    assert "black box" in result.objective_kind


def test_a_change_where_no_probe_looks_is_noticed():
    """A penalty is switched on that is 0 at the three probe points."""

    class Switched:
        penalty = 0.0

        def __call__(self, x):
            inside = ops.sum((x - 0.3) ** 2, axis=-1)
            return inside + self.penalty * ops.relu(0.5 - inside)

    f = Switched()
    first = solve(f, method="homotopy", options={"learning_rate": 0.1})
    assert first.fun < 1e-6
    f.penalty = 10.0
    second = solve(f, method="homotopy", options={"learning_rate": 0.1})
    assert second.fun == pytest.approx(0.5, abs=1e-3)


def test_equal_numbers_in_args_and_other_bounds_do_not_trace_again(monkeypatch):
    from deepopt import _backend

    if keras.config.backend() == "torch":
        pytest.skip("PyTorch traces nothing")
    traces = []
    original = _backend.Compiled._trace
    monkeypatch.setattr(
        _backend.Compiled, "_trace", lambda self, *a: (traces.append(1), original(self, *a))[1]
    )
    f = lambda x, a: ops.sum((x - a) ** 2, axis=-1)  # noqa: E731
    options = {"learning_rate": 0.1}
    solve(f, options, method="homotopy", args=(float("0.25"),))
    first = len(traces)
    assert first > 0
    solve(f, options, method="homotopy", args=(float("0.25"),), bounds=[(-2, 1)] * 3)
    assert len(traces) == first


def test_a_slow_black_box_keeps_the_time_limit():
    def slow(x):
        time.sleep(0.01)
        return rosen(np.asarray(x))

    begun = time.perf_counter()
    result = solve(slow, {"maxtime": 0.7}, method="homotopy", bounds=[(-2, 2)] * 10)
    assert time.perf_counter() - begun < 4.0  # compilation of what ends a call included
    assert result.status == 3
    assert result.fun == rosen(result.x)


@pytest.mark.parametrize("x0", [None, [0.5, 0.5, 0.5, 0.5]])
def test_a_time_limit_that_is_over_at_once_leaves_a_point(x0):
    def slow(x):
        time.sleep(0.05)
        return rosen(np.asarray(x))

    result = solve(slow, {"maxtime": 0.01}, method="homotopy", x0=x0, bounds=[(-2, 2)] * 4)
    assert result.status == 3
    assert result.nfev < 12
    assert result.fun == rosen(result.x)
    if x0 is not None:
        np.testing.assert_array_equal(result.x, x0)


def test_ctrl_c_in_the_first_iteration_keeps_the_best_point():
    seen = []

    def f(x):
        if len(seen) > 150:
            raise KeyboardInterrupt
        seen.append(rosen(np.asarray(x)))
        return seen[-1]

    result = solve(f, method="homotopy", bounds=[(-2, 2)] * 6)
    assert result.status == 5
    assert result.fun == rosen(result.x)
    assert result.fun <= min(seen[20:]) + 1e-12


@pytest.mark.parametrize("scale", [1e-25, 1e25])
def test_the_polish_means_the_same_on_any_scale(scale):
    result = deepopt.minimize(lambda x: scale * sphere(x), bounds=[(-2, 2)] * 3, rng=0)
    np.testing.assert_allclose(result.x, 0.3, atol=1e-6)
    assert result.success


def test_maxfev_leaves_something_for_the_polish():
    result = solve(
        sphere, {"maxfev": 20_000, "maxiter": 2000, "learning_rate": 0.1}, method="homotopy"
    )
    assert result.nfev <= 20_000
    assert result.fun < 1e-12


def test_points_outside_are_never_evaluated():
    seen = []

    def f(x):
        seen.append(np.array(x, dtype=float))
        return float(np.sum(np.square(np.asarray(x) - 0.3)))

    bounds = [(0.1, 0.1), (0.5, 0.5 + 1e-8), (-1, 1)]
    for jac in ("2-point", "3-point"):
        for dtype in ("float64", "float32"):
            solve(f, {"dtype": dtype, "maxiter": 5}, bounds=bounds, jac=jac)
    points = np.concatenate([x.reshape(-1, 3) for x in seen])
    lower, upper = np.array(bounds).T
    assert (points >= lower).all()
    assert (points <= upper).all()


def test_batched_functions_with_gradients():
    both = lambda x: (((x - 0.3) ** 2).sum(1), 2 * (x - 0.3))  # noqa: E731
    value = lambda x: ((x - 0.3) ** 2).sum(1)  # noqa: E731
    found = [
        solve(f, {"batched": True}, jac=jac).fun
        for f, jac in [(both, True), (value, "cs"), (value, lambda x: 2 * (x - 0.3))]
    ]
    np.testing.assert_allclose(found, found[0], rtol=1e-9)


def test_own_problems_in_numpy_are_refused_in_one_sentence():
    class Mine(Problem):
        name, low, high = "mine", -1.0, 1.0

        def _function(self, x):
            raise RuntimeError("not in keras.ops")

    with pytest.raises(TypeError, match=r"problem 'mine' must be written in keras\.ops"):
        deepopt.minimize(Mine(3))


def test_recipes_are_checked_when_they_are_made():
    with pytest.raises(TypeError, match="reparametrization must be a Reparametrization, got"):
        Recipe("deep")
    with pytest.raises(TypeError, match=r"did you mean Deep\(\)"):
        Recipe(deepopt.Deep)


def test_a_named_descent_takes_the_method_s_decay():
    plain, named = (
        solve(sphere, {"decay": 0.5, "learning_rate": 900.0} | more)
        for more in ({}, {"descent": "gd"})
    )
    assert plain.fun == named.fun


def test_threads_take_turns_and_leave_the_precision_alone():
    before = keras.config.floatx()
    found = {}

    def work(seed):
        with warnings.catch_warnings():
            found[seed] = solve(sphere, rng=seed % 2).fun

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] == found[2]
    assert found[1] == found[3]
    assert keras.config.floatx() == before


def test_minimize_inside_minimize():
    def outer(x):
        inner = solve(lambda y: ops.sum((y - 0.1) ** 2, axis=-1), {"maxiter": 2})
        return float(np.sum(np.square(np.asarray(x)))) + inner.fun

    result = solve(outer, {"maxiter": 1, "n_starts": 2, "maxfev": 40})
    assert np.isfinite(result.fun)
