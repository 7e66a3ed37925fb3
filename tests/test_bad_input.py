"""Bad input gets one clear sentence that names the argument, what came and what was expected."""

import re

import numpy as np
import pytest
from keras import ops

import deepopt
from deepopt import Adam, Deep, Direct, GaussianSmoothing, GradientDescent, Momentum


def f(x):
    return ops.sum(x**2, axis=-1)


BOX = [(-1.0, 1.0)] * 3
REFUSED = [
    # keywords, exception, what the sentence must say
    ({"fun": 3}, TypeError, "fun must be callable, got int"),
    ({"method": "depe"}, ValueError, "method 'depe' is unknown; did you mean 'deep'"),
    ({"method": "zzz"}, ValueError, "did you mean 'homotopy' or 'gd' or 'deep'"),
    ({"method": 3}, TypeError, "method must be a name, a Recipe or a callable, got 3"),
    ({"bounds": None}, ValueError, "x0 is missing; without bounds it is needed"),
    ({"bounds": [(0, None)] * 3}, ValueError, "x0 is missing; it is needed where a bound is inf"),
    ({"bounds": [(0, 1), (1, 0)]}, ValueError, "lower <= upper, got (1, 0) at index 1"),
    ({"bounds": [(0, 1)], "x0": [0.0, 0.0]}, ValueError, "bounds must have 2 entries, one per"),
    ({"bounds": []}, ValueError, "bounds must have one (min, max) pair per variable, got none"),
    ({"bounds": [1, 2]}, ValueError, "bounds must be a Bounds object or (min, max) pairs"),
    ({"bounds": "box"}, ValueError, "bounds must be a Bounds object or (min, max) pairs"),
    ({"bounds": [(0, np.nan)]}, ValueError, "bounds must not hold NaN"),
    ({"bounds": [(np.inf, np.inf)], "x0": [0.0]}, ValueError, "bounds must enclose a real number"),
    ({"x0": [0.0, 2.0, 0.0]}, ValueError, "x0 must lie within bounds, got 2 at index 1"),
    ({"x0": [0.0, np.nan, 0.0]}, ValueError, "x0 must be finite, got nan at index 1"),
    ({"x0": ["a", "b", "c"]}, TypeError, "x0 must be real numbers, got ['a', 'b', 'c']"),
    ({"x0": [1j, 0, 0]}, TypeError, "x0 must be real numbers"),
    ({"x0": []}, ValueError, "x0 must have at least one entry"),
    (
        {"jac": "4-point"},
        ValueError,
        "jac must be one of '2-point', '3-point', 'cs', got '4-point'",
    ),
    ({"jac": 3.0}, TypeError, "jac must be a callable"),
    ({"constraints": [{"type": "eq"}]}, ValueError, "constraints are not supported"),
    ({"tol": -1.0}, ValueError, "tol must be at least 0, got -1.0"),
    ({"scale": -1.0, "x0": [0.0] * 3}, ValueError, "scale must be a positive number"),
    ({"options": {"maxiter": 0}}, ValueError, "maxiter must be at least 1 and at most"),
    ({"options": {"maxiter": -5}}, ValueError, "got -5"),
    ({"options": {"maxiter": 1.5}}, TypeError, "maxiter must be a whole number, got 1.5"),
    ({"options": {"maxiter": True}}, TypeError, "maxiter must be a whole number, got True"),
    ({"options": {"maxfev": 0}}, ValueError, "maxfev must be at least 1, got 0"),
    ({"options": {"maxtime": 0}}, ValueError, "maxtime must be above 0, got 0"),
    ({"options": {"learning_rate": -1}}, ValueError, "learning_rate must be above 0, got -1"),
    ({"options": {"learning_rate": np.nan}}, ValueError, "learning_rate must be above 0, got nan"),
    ({"options": {"learning_rate": []}}, ValueError, "learning_rate must hold at least one rate"),
    (
        {"options": {"learning_rate": "fast"}},
        ValueError,
        "learning_rate must be a number, a sequence",
    ),
    ({"options": {"dtype": "int8"}}, ValueError, "dtype must be one of 'float64', 'float32'"),
    ({"options": {"n_starts": 0}}, ValueError, "n_starts must be at least 1, got 0"),
    ({"options": {"starts": "far"}}, ValueError, "starts must be one of 'network', 'uniform'"),
    ({"options": {"output_map": "x"}}, ValueError, "output_map must be one of 'sigmoid'"),
    ({"options": {"decay": 0.0}}, ValueError, "decay must be above 0 and at most 1, got 0.0"),
    (
        {"options": {"descent": "sgd"}},
        ValueError,
        "descent must be one of 'gd', 'momentum', 'adam'",
    ),
    ({"options": {"descent": 3}}, TypeError, "descent must be a Descent, got 3"),
    ({"options": {"schedule": 3}}, TypeError, "schedule must be a Schedule, got 3"),
    (
        {"options": {"descent": "lbfgs", "decay": 0.9}},
        ValueError,
        "decay has no meaning for the descent 'lbfgs'",
    ),
    ({"options": {"polish": "yes"}}, TypeError, "polish must be True or False, got 'yes'"),
    ({"options": 3}, TypeError, "options must be a dict, got int"),
    ({"fun": lambda x: None}, TypeError, "fun must return real numbers, got NoneType"),
    ({"fun": lambda x: "a"}, TypeError, "fun must return real numbers, got str"),
    ({"fun": lambda x: 1j}, TypeError, "fun must return real numbers, got"),
    (
        {"fun": lambda x: np.ones(2)},
        ValueError,
        "fun must return a single number for x of shape (3,)",
    ),
    (
        {"fun": lambda x: np.sum(x), "jac": lambda x: np.ones(2)},
        ValueError,
        "jac must return an array",
    ),
    ({"fun": lambda x: np.sum(x), "jac": True}, TypeError, "fun must return (f, gradient)"),
    ({"options": {"descent": Adam}}, TypeError, "got a class; did you mean Adam()?"),
    (
        {"method": Adam},
        TypeError,
        "method must be a name, a Recipe or a callable, got the class Adam",
    ),
    ({"callback": 3}, TypeError, "callback must be callable, got int"),
    ({"scale": np.inf, "x0": [0.0] * 3}, ValueError, "scale must be a positive number or 3"),
    ({"scale": "a", "x0": [0.0] * 3}, TypeError, "scale must be real numbers, got 'a'"),
    ({"x0": [10**400, 0, 0]}, TypeError, "x0 must be real numbers"),
    (
        {"fun": lambda x: 1e-42 * f(x), "options": {"dtype": "float32"}},
        ValueError,
        "float32 can hold",
    ),
    ({"fun": lambda x: np.sum(x), "jac": lambda x: "a"}, TypeError, "jac must return real numbers"),
    ({"rng": "seed"}, TypeError, "rng must be None, a whole number >= 0"),
    ({"rng": -1}, TypeError, "rng must be None, a whole number >= 0"),
]


@pytest.mark.parametrize(("given", "exception", "sentence"), REFUSED, ids=lambda v: None)
def test_refused_in_one_sentence(given, exception, sentence):
    given = {"fun": f, "bounds": BOX, "method": "gd"} | given
    with pytest.raises(exception, match=re.escape(sentence)) as caught:
        deepopt.minimize(**given)
    assert len(str(caught.value)) < 250
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Deep(n_hidden=0), "n_hidden must be at least 1, got 0"),
        (lambda: Deep(n_layers=-1), "n_layers must be at least 0 and at most 1000, got -1"),
        (lambda: Direct(n_starts=0), "n_starts must be at least 1, got 0"),
        (lambda: GradientDescent(decay=1.5), "decay must be above 0 and at most 1, got 1.5"),
        (lambda: GradientDescent(patience=-1), "patience must be at least 0, got -1"),
        (lambda: Momentum(momentum=1.0), "momentum must be at least 0 and below 1, got 1.0"),
        (lambda: Adam(epsilon=0.0), "epsilon must be above 0, got 0.0"),
        (lambda: GaussianSmoothing(n_samples=3), "n_samples must be even, got 3"),
        (lambda: GaussianSmoothing(sigma_start=np.inf), "sigma_start must be at least 0.0001 and"),
        (lambda: GaussianSmoothing(draw="sobol"), "draw must be one of 'lattice', 'random'"),
        (lambda: GaussianSmoothing(fraction=0.0), "fraction must be above 0 and at most 1, got 0"),
        (lambda: deepopt.Blend(abs, start=1.0), "start must be at least 0 and below 1, got 1.0"),
        (lambda: deepopt.Blend(abs, start=-0.1), "start must be at least 0 and below 1, got -0.1"),
        (lambda: deepopt.Path(abs, fraction=2.0), "fraction must be above 0 and at most 1, got 2"),
        (lambda: deepopt.Temperature(1e-5, 1e-2), "start must be at least 0.01, got 1e-05"),
        (lambda: deepopt.Temperature(end=0.0), "end must be above 0, got 0.0"),
        (lambda: deepopt.Adaptive(step=0.0), "step must be above 0 and at most 1, got 0.0"),
        (lambda: deepopt.LBFGS(history=0), "history must be at least 1, got 0"),
        (lambda: deepopt.Sphere(0), "n_starts must be at least 1, got 0"),
        (
            lambda: GaussianSmoothing(sigma_end=1.0),
            "sigma_start must be at least 1 and at most 100, got 0.5",
        ),
        (
            lambda: GaussianSmoothing(fraction=0.0),
            "fraction must be above 0 and at most 1, got 0.0",
        ),
    ],
)
def test_parts_refuse_what_makes_no_sense(make, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        make()


def test_scipy_method_refuses_a_name_at_once():
    with pytest.raises(ValueError, match="did you mean 'deep'"):
        deepopt.scipy_method("deeep")


@pytest.mark.parametrize(
    ("method", "value"),
    [("gd", np.nan), ("gd", np.inf), ("gd", -np.inf), ("deep", np.nan), ("homotopy", np.nan)]
    + [
        pytest.param(method, value, marks=pytest.mark.slow)
        for method in ("deep", "homotopy") for value in (np.inf, -np.inf)
    ],
)  # fmt: skip
def test_f_that_is_not_finite_somewhere_is_survived(method, value):
    def g(x):
        return ops.where(x[..., 0] > 0.0, ops.sum(x**2, axis=-1), value)

    result = deepopt.minimize(
        g, bounds=BOX, method=method, options={"maxiter": 50, "learning_rate": 0.1}, rng=0
    )
    assert np.isfinite(result.fun)
    assert result.x[0] > 0


@pytest.mark.parametrize("method", ["gd", "deep", "homotopy"])
def test_one_dimension_and_constants(method):
    options = {"maxiter": 200, "learning_rate": 0.1}
    one = deepopt.minimize(f, bounds=[(-1, 2)], method=method, options=options, rng=0)
    assert one.x.shape == (1,)
    assert abs(one.x[0]) < 0.05
    flat = deepopt.minimize(lambda x: 3.0, bounds=BOX, method=method, options=options, rng=0)
    assert flat.fun == 3.0


@pytest.mark.parametrize(
    ("base", "missing"),
    [
        (deepopt.descents.Descent, "step"),
        (deepopt.reparametrizations.Reparametrization, "points"),
        (deepopt.schedules.Eased, "easy"),
    ],
)
def test_an_unfinished_part_is_refused_when_it_is_made(base, missing):
    with pytest.raises(TypeError, match=missing):
        type("Mine", (base,), {})()
