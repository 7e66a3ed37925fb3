"""What a function is written for, and that a function of NumPy loads no tensor library."""

import math
import operator
import os
import subprocess
import sys
from functools import partial

import keras
import numpy as np
import pytest
import scipy.special
from keras import ops

from deepopt._objective.libraries import Written, libraries, written_for
from deepopt.problems import sphere

A = np.eye(3)
WEIGHT = keras.ops.ones(3)
constants = {"scale": 2.0}


class Model:
    def __init__(self, inner):
        self.inner = inner

    def __call__(self, x):
        return self.inner(x)

    def loss(self, x):
        return np.sum(x)


def late(x):
    from keras import ops

    return ops.sum(x)


WAYS = {
    "operators": (lambda x: (x[0] - 1) ** 2 + x[1] ** 2, Written.OPERATORS),
    "a product with an array": (lambda x: x @ A @ x, Written.OPERATORS),
    "builtins": (lambda x: sum(abs(v) for v in x) * constants["scale"], Written.OPERATORS),
    "a constant of NumPy's": (lambda x: x[0] * np.pi, Written.OPERATORS),
    "operator": (partial(operator.mul, 2.0), Written.OPERATORS),
    "NumPy": (lambda x: np.sum(x**2), Written.ARRAYS),
    "math": (lambda x: math.sin(x[0]), Written.ARRAYS),
    "SciPy": (lambda x: scipy.special.erf(x).sum(), Written.ARRAYS),
    "NumPy in an object": (Model(np.linalg.norm), Written.ARRAYS),
    "NumPy in a method": (Model(None).loss, Written.ARRAYS),
    "Keras": (lambda x: ops.sum(x**2), Written.TENSORS),
    "Keras, late": (late, Written.TENSORS),
    "Keras, as a default": (lambda x, total=ops.sum: total(x), Written.TENSORS),
    "a tensor in a global": (lambda x: (x * WEIGHT).sum(), Written.TENSORS),
    "Keras in an object": (Model(ops.sum), Written.TENSORS),
    "Keras in a partial": (partial(Model(ops.sum)), Written.TENSORS),
    "a problem": (lambda x: 2 * sphere(x), Written.TENSORS),
}


@pytest.mark.parametrize("name", WAYS)
def test_what_a_function_is_written_for(name):
    f, expected = WAYS[name]
    assert written_for(f) is expected


def test_modules_that_refer_to_one_another_are_looked_through_once():
    module = type(os)("mine")
    module.mine, module.np = module, np
    f = eval("lambda x: mine.np.sum(x)", {"mine": module})
    assert libraries(f) >= {"numpy"}


def in_new_process(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        env=os.environ | environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


LOADED = (
    "import sys; print(result.objective_kind.replace(' ', '-'), result.fun < 1e-8, *sorted("
    "{'keras', 'tensorflow', 'jax', 'torch', 'matplotlib', 'sklearn'} & set(sys.modules)))"
)


@pytest.mark.parametrize(
    ("f", "more"),
    [
        ("lambda x: float(np.sum((x - 0.3) ** 2))", ""),
        ("lambda x: (x[0] - 0.3) ** 2 + (x[1] - 0.1) ** 2", ""),
        ("scipy.optimize.rosen", ", jac=scipy.optimize.rosen_der"),
        ("lambda x: np.sum((x - 0.3) ** 2, axis=-1)", ", options={'batched': True}"),
        ("lambda x: float(np.sum((x - 0.3) ** 2))",
         ", options={'checkpoint': 'run.ckpt', 'maxfev': 1000}"),
        ("lambda x: float(np.sum((x - 0.3) ** 2))", ", workers=2"),
    ],
)  # fmt: skip
def test_numpy_loads_no_tensor_library(f, more, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = in_new_process(
        "import numpy as np, scipy.optimize, deepopt\n"
        "if __name__ == '__main__':\n"
        f"    result = deepopt.minimize({f}, bounds=[(-2, 2)] * 2, rng=0{more})\n    {LOADED}"
    )
    kind = "batched-black-box" if "batched" in more else "black-box"
    assert found == [kind, "True"]


def test_operators_alone_are_traced_in_many_variables():
    code = (
        "import deepopt\n"
        "result = deepopt.minimize(lambda x: (x - 0.3) @ (x - 0.3), bounds=[(-2, 2)] * 50, rng=0)\n"
        + LOADED
    )
    kind, found, *loaded = in_new_process(code, KERAS_BACKEND="jax")
    assert (kind, found) == ("traced", "True")
    assert {"jax", "keras"} <= set(loaded)


@pytest.mark.parametrize("traced", [True, False])
def test_the_option_says_which(traced):
    code = (
        "import deepopt\n"
        "result = deepopt.minimize(lambda x: (x[0] - 0.3) ** 2, bounds=[(-2, 2)], rng=0, "
        f"options={{'traced': {traced}}})\n" + LOADED
    )
    kind, *_ = in_new_process(code, KERAS_BACKEND="jax")
    assert kind == ("traced" if traced else "black-box")
