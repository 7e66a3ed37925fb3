"""Objectives with residuals, f = ½ |r|², descended by Levenberg-Marquardt."""

import numpy as np
import pytest
from keras import ops
from scipy.optimize import lsq_linear

import deepopt
from deepopt import Constant, Deep, Direct, GaussianSmoothing, LevenbergMarquardt, Recipe

TIMES = np.linspace(0.0, 3.0, 30)
TRUE = np.array([2.0, 1.3, 0.5, 2.2])
LM = Recipe(Direct(8, "uniform", "reflect"), descent=LevenbergMarquardt())


class Fit:
    """A decaying and an oscillating part, of four parameters, through 30 points."""

    def __init__(self, weight=1.0, factor=1.0):
        a, b, c, w = TRUE
        self.seen = a * np.exp(-b * TIMES) + c * np.cos(w * TIMES)
        self.weight, self.factor = weight, factor

    def residuals(self, x, shift=0.0):
        t, seen = (ops.convert_to_tensor(a, dtype=x.dtype) for a in (TIMES, self.seen))
        a, b, c, w = (x[..., i : i + 1] for i in range(4))
        return self.weight * (a * ops.exp(-b * t) + c * ops.cos(w * t) - seen - shift)

    def __call__(self, x, shift=0.0):
        r = self.residuals(x, shift)
        return self.factor * 0.5 * ops.sum(r * r, axis=-1)


def fit(fun, bounds=(0.0, 5.0), method=LM, args=(), **options):
    options = {"learning_rate": 1.0, "maxiter": 60} | options
    return deepopt.minimize(fun, None, args, method, bounds=[bounds] * 4, options=options, rng=0)


@pytest.mark.backends
def test_a_fit_is_found_to_the_last_digit():
    result = fit(Fit())
    np.testing.assert_allclose(result.x, TRUE, atol=1e-9)
    assert result.fun < 1e-24


@pytest.mark.slow
@pytest.mark.parametrize(("method", "options"), [
    ("gd", {"descent": "lm"}),
    ("homotopy", {"descent": "lm", "schedule": Constant(), "maxiter": 600}),
])  # fmt: skip
def test_a_method_takes_it_as_its_descent(method, options):
    np.testing.assert_allclose(fit(Fit(), method=method, **options).x, TRUE, atol=1e-6)


@pytest.mark.slow
def test_it_needs_fewer_iterations_than_gradients():
    assert (
        fit(Fit(), maxiter=30).fun < 1e-9 < fit(Fit(), method="gd", descent="adam", maxiter=30).fun
    )


def test_arguments_are_passed_on():
    shifted = fit(Fit(), args=(0.1,))
    np.testing.assert_allclose(Fit()(ops.convert_to_tensor(TRUE), 0.1), 0.5 * 30 * 0.01)
    assert abs(shifted.fun - float(Fit()(ops.convert_to_tensor(shifted.x), 0.1))) < 1e-6


def test_points_end_at_the_bounds_that_hold_them():
    rng = np.random.default_rng(0)
    matrix, target = rng.standard_normal((12, 4)), 3.0 * rng.standard_normal(12)
    expected = lsq_linear(matrix, target, (0.0, 0.5))
    assert 0 < (np.abs(expected.x - 0.25) > 0.25 - 1e-6).sum() < 4

    def residuals(x):
        a, b = (ops.convert_to_tensor(part, dtype=x.dtype) for part in (matrix.T, target))
        return ops.matmul(x, a) - b

    def fun(x):
        return 0.5 * ops.sum(residuals(x) ** 2, axis=-1)

    fun.residuals = residuals
    np.testing.assert_allclose(fit(fun, bounds=(0.0, 0.5)).x, expected.x, atol=1e-6)


def test_points_where_the_residuals_overflow_harm_no_other():
    class Steep(Fit):
        def residuals(self, x, shift=0.0):
            far = ops.cast(x[..., :1] > 4.0, x.dtype)
            return super().residuals(x) * (1.0 + 1e200 * far)

    np.testing.assert_allclose(fit(Steep()).x, TRUE, atol=1e-9)


class Failing(Fit):
    def residuals(self, x, shift=0.0):
        raise RuntimeError("no residuals")

    def __call__(self, x, shift=0.0):
        r = super().residuals(x)
        return 0.5 * ops.sum(r * r, axis=-1)


def plain(x):
    return ops.sum(x * x, axis=-1)


def black_box(x):
    return float(np.sum(np.asarray(x) ** 2))


black_box.residuals = lambda x: x


@pytest.mark.parametrize(("fun", "method", "words"), [
    (plain, LM, "a fun with a method residuals"),
    (black_box, LM, "a fun that can be traced, got a black box"),
    (Fit(factor=2.0), LM, "fun must be ½ ‖fun.residuals‖²; at one point it is"),
    (Failing(), LM, r"must map a point \(4,\) to residuals .* raised RuntimeError: no resid"),
    (Fit(), Recipe(Deep(), descent=LevenbergMarquardt()), "for every point, got Deep"),
    (Fit(), Recipe(Direct(), GaussianSmoothing(), LevenbergMarquardt()), "got GaussianSmoothing"),
])  # fmt: skip
def test_what_does_not_fit_is_told_in_one_sentence(fun, method, words):
    with pytest.raises(ValueError, match=words):
        fit(fun, method=method)


def test_residuals_are_those_of_one_point():
    def fun(x):
        return 0.5 * ((x[0] - 1.0) ** 2 + ops.max(ops.abs(x[1:] - 2.0)) ** 2)

    fun.residuals = lambda x: ops.stack([x[0] - 1.0, ops.max(ops.abs(x[1:] - 2.0))])
    np.testing.assert_allclose(fit(fun).x, [1.0, 2.0, 2.0, 2.0], atol=1e-6)


def test_residuals_of_no_vector_are_refused():
    def fun(x):
        return 0.5 * ops.sum(x**2)

    fun.residuals = lambda x: ops.sum(x)
    with pytest.raises(ValueError, match=r"must map a point \(4,\) .* array of shape \(\)"):
        fit(fun)


def test_residuals_without_forward_mode_derivatives_are_fitted_by_differences():
    """TensorFlow's tangents of bilinear resizing are 0, which it does not say."""
    true = np.array([1.0, 3.0, 2.0, 0.5])

    def grown(x):
        image = ops.image.resize(ops.reshape(x, (-1, 2, 2, 1)), (5, 5), interpolation="bilinear")
        return ops.reshape(image, (*x.shape[:-1], 25))

    def residuals(x):
        return grown(x) - grown(ops.convert_to_tensor(true[None], dtype=x.dtype))

    def fun(x):
        return 0.5 * ops.sum(residuals(x) ** 2, axis=-1)

    fun.residuals = residuals
    np.testing.assert_allclose(fit(fun).x, true, atol=1e-6)
