"""The one file that knows a backend, held to the same behaviour on each."""

import warnings

import keras
import numpy as np
import pytest
from keras import ops

from deepopt._backend import (
    Compiled,
    jvp,
    normal,
    precision,
    to_numpy,
    to_tensor,
    value_and_grad,
    vjp,
)

pytestmark = pytest.mark.backends
X = np.linspace(0.1, 0.9, 6).reshape(2, 3)
OPS = ["cos", "sin", "tanh", "sigmoid", "softplus", "exp", "log", "sqrt", "floor", "mean", "square"]


@pytest.mark.parametrize("op", OPS)
def test_float64_stays_float64(op):
    with precision("float64"):
        out = getattr(ops, op)(to_tensor(X, "float64"))
        assert keras.backend.standardize_dtype(out.dtype) == "float64"
    reference = {
        "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
        "softplus": lambda x: np.log1p(np.exp(x)),
    }
    expected = reference.get(op, getattr(np, op, None))(X)
    np.testing.assert_allclose(to_numpy(out), expected, rtol=1e-14)


def test_constants_follow_the_precision_and_all_is_put_back():
    before = keras.config.floatx()
    for dtype in ("float64", "float32"):
        with precision(dtype):
            assert keras.backend.standardize_dtype(ops.ones(2).dtype) == dtype
            mixed = to_tensor([1.0, 2.0], dtype) * ops.arange(1.0, 3.0)
            assert keras.backend.standardize_dtype(mixed.dtype) == dtype
    assert keras.config.floatx() == before
    with pytest.raises(RuntimeError), precision("float64"):
        raise RuntimeError
    assert keras.config.floatx() == before


def f(x):
    return ops.sum(ops.sin(3.0 * x) * x, axis=-1)


def gradient(x):
    return np.sin(3 * x) + 3 * x * np.cos(3 * x)


def test_value_and_grad_is_per_point():
    with precision("float64"):
        values, slopes = value_and_grad(f)(to_tensor(X, "float64"))
        np.testing.assert_allclose(to_numpy(values), (np.sin(3 * X) * X).sum(-1), rtol=1e-13)
        np.testing.assert_allclose(to_numpy(slopes), gradient(X), rtol=1e-12)


def test_vjp_and_jvp_agree_with_the_jacobian():
    tangent, cotangent = np.ones_like(X) * [[1.0], [2.0]], np.array([0.5, -2.0])
    with precision("float64"):
        x = to_tensor(X, "float64")
        value, pull = vjp(lambda xs: f(xs[0]), [x])
        back = pull(to_tensor(cotangent, "float64"))[0]
        _, forward = jvp(f, x, to_tensor(tangent, "float64"))
        np.testing.assert_allclose(to_numpy(back), cotangent[:, None] * gradient(X), rtol=1e-12)
        np.testing.assert_allclose(to_numpy(forward), (gradient(X) * tangent).sum(-1), rtol=1e-12)
        assert value.shape == (2,)


def test_gradient_of_what_does_not_depend_on_x_is_zero():
    with precision("float64"):
        _, slopes = value_and_grad(lambda x: ops.ones_like(x[..., 0]))(to_tensor(X, "float64"))
        assert not to_numpy(slopes).any()


def test_normal_depends_on_its_seed_alone():
    with precision("float64"):
        draw = lambda a, b: to_numpy(normal(to_tensor([a, b], "int32"), (500, 4), "float64"))  # noqa: E731
        np.testing.assert_array_equal(draw(1, 2), draw(1, 2))
        assert not np.array_equal(draw(1, 2), draw(1, 3))
        assert not np.array_equal(draw(1, 2), draw(2, 2))
        assert draw(1, 2).mean() == pytest.approx(0.0, abs=0.1)
        assert draw(1, 2).std() == pytest.approx(1.0, abs=0.1)


def test_compiled_traces_once_per_shape():
    if keras.config.backend() == "torch":
        pytest.skip("PyTorch traces nothing")
    double = Compiled(lambda x, rest: (2.0 * x, rest))
    with precision("float64"):
        for scale in (1.0, 2.0, 3.0):
            out, rest = double(to_tensor(scale * X, "float64"), [None, to_tensor(1, "int32")])
            np.testing.assert_allclose(to_numpy(out), 2 * scale * X)
            assert rest[0] is None
        assert double.traces == 1
        double(to_tensor(X[:1], "float64"), [None, to_tensor(1, "int32")])
        assert double.traces == 2


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="XLA is optional there alone")
def test_what_xla_cannot_compile_runs_as_a_graph_with_one_warning():
    import tensorflow as tf

    import deepopt

    def outside_xla(x):
        return tf.py_function(lambda v: tf.reduce_sum((v - 0.3) ** 2, -1), [x], x.dtype)

    def shaped(x):
        return tf.ensure_shape(outside_xla(x), x.shape[:-1])

    options = {"maxiter": 30, "learning_rate": [0.5, 0.1], "n_starts": 3}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = deepopt.minimize(shaped, bounds=[(-1, 1)] * 2, method="gd", options=options, rng=0)
    sentences = [str(w.message) for w in caught if "XLA" in str(w.message)]
    assert len(sentences) == 1
    assert result.objective_kind == "traced"
    assert result.fun < 0.05


def test_an_inner_scope_mends_what_was_changed_inside_the_outer_one():
    with precision("float64"):
        keras.config.set_floatx("float32")
        with precision("float64"):
            assert keras.config.floatx() == "float64"
        keras.config.set_floatx("float64")
