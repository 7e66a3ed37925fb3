"""Functions written in a backend's own ops, TensorFlow's, JAX's or PyTorch's, on it and off it."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import deepopt

BACKEND = keras.config.backend()
OTHERS = sorted({"tensorflow", "jax", "torch"} - {BACKEND})
BOX = [(-2.0, 2.0)] * 3


def ops_of(backend):
    """x -> an array of that backend, exp, the sum over all, the sum over the last axis."""
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.convert_to_tensor, tf.exp, tf.reduce_sum, lambda v: tf.reduce_sum(v, axis=-1)
    if backend == "jax":
        import jax.numpy as jnp

        return jnp.asarray, jnp.exp, jnp.sum, lambda v: jnp.sum(v, axis=-1)
    import torch

    return torch.as_tensor, torch.exp, torch.sum, lambda v: torch.sum(v, dim=-1)


def dent(x, exp):
    return (x - 0.3) ** 2 + 0.2 * (1.0 - exp(-20.0 * (x - 0.3) ** 2))


def compiled(f):
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return tf.function(f)
    if BACKEND == "jax":
        import jax

        return jax.jit(f)
    return f


def solve(f, **given):
    options = {"maxfev": 20_000} | given.pop("options", {})
    return deepopt.minimize(f, bounds=BOX, rng=0, options=options, **given)


@pytest.mark.backends
@pytest.mark.parametrize(
    ("form", "wrap", "dtype"),
    [
        ("batch", lambda f: f, "float64"), ("batch", compiled, "float32"),
        ("point", lambda f: f, "float32"), ("point", compiled, "float64"),
    ],
    ids=["batch", "batch, compiled", "point", "point, compiled"],
)  # fmt: skip
def test_a_function_in_the_backends_own_ops_is_traced(form, wrap, dtype):
    _, exp, over_all, over_last = ops_of(BACKEND)
    total = over_last if form == "batch" else over_all
    result = solve(wrap(lambda x: total(dent(x, exp))), options={"dtype": dtype})
    assert result.objective_kind == "traced"
    assert result.fun < 1e-8
    np.testing.assert_allclose(result.x, 0.3, atol=1e-4)


@pytest.mark.backends
def test_single_entries_and_args_in_the_backends_own_ops():
    _, exp, _, _ = ops_of(BACKEND)

    def rosenbrock(x, steepness, floor):
        return steepness * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2 + exp(x[2]) * floor

    result = solve(rosenbrock, args=(100.0, 2.0))
    assert result.objective_kind == "traced"
    assert result.fun == pytest.approx(2.0 * np.exp(-2.0), abs=1e-9)
    np.testing.assert_allclose(result.x, [1.0, 1.0, -2.0], atol=1e-4)


ELSEWHERE = """
import sys
import numpy as np
import deepopt
from test_native_functions import dent, ops_of, solve

as_array, exp, over_all, _ = ops_of(sys.argv[1])
f = lambda x: over_all(dent(as_array(x), exp))
found = [solve(f, options={"maxfev": 3_000})]
if sys.argv[1] == "jax":
    import jax
    found.append(solve(f, jac=jax.grad(f), options={"maxfev": 2_000}))
for result in found:
    print(result.objective_kind, result.fun, np.abs(result.x - 0.3).max(), sep=", ")
"""


@pytest.mark.parametrize("backend", OTHERS)
def test_a_function_of_another_backend_is_called_as_it_is(backend):
    """With JAX's gradient too; in a process of its own, for not all of them go together in one."""
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, backend], cwd=Path(__file__).parent, text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    for line in done.stdout.splitlines():
        kind, fun, away = line.split(", ")
        assert "black box" in kind
        assert float(fun) < 1e-5
        assert float(away) < 1e-3
