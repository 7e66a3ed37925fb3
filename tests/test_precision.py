"""Products of matrices and convolutions round as asked, and the user's settings stay his own.

Run as a script, this file prints how the products of every program that XLA compiled round, read
from the texts of these programs.
"""

import collections
import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers, ops

import deepopt
from deepopt._backend import precision
from deepopt._invert import programs as _programs
from deepopt.generators import TrainSettings, train
from deepopt.generators.sources import open_checkpoints
from deepopt.problems import Problem

pytestmark = pytest.mark.backends
BACKEND = keras.config.backend()
ROUNDS = {"tensorflow": (False, True), "jax": ("highest", "tensorfloat32")}.get(BACKEND)
BOX = [(-1.0, 2.0)] * 3
W = np.random.default_rng(0).normal(size=(3, 3))
only_torch = pytest.mark.skipif(BACKEND != "torch", reason="PyTorch's settings")


def places():
    """Where PyTorch keeps its rounding since 2.9, the general before the particular."""
    import torch

    every = torch.backends
    cuda = [every.cudnn, every.cuda.matmul, every.cudnn.conv, every.cudnn.rnn]
    return [every, *cuda, every.mkldnn.matmul, every.mkldnn.conv, every.mkldnn.rnn]


def settings():
    """How the backend rounds products now, in its own words."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return tf.config.experimental.tensor_float_32_execution_enabled()
    if BACKEND == "jax":
        import jax

        return jax.config.jax_default_matmul_precision
    import torch

    if not hasattr(torch.backends, "fp32_precision"):
        return torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()
    return (*(place.fp32_precision for place in places()), or_mixed(older_matmul))


def older_matmul():
    import torch

    return torch.get_float32_matmul_precision(), torch.backends.cuda.matmul.allow_tf32


def older_convolutions():
    import torch

    return torch.backends.cudnn.allow_tf32


def or_mixed(read):
    """PyTorch's older settings raise where they do not agree with the newer ones."""
    try:
        return read()
    except RuntimeError:
        return "mixed"


def rounds():
    """Whether the backend rounds products as under "full" or as under "tf32" now, or neither."""
    now = settings()
    if BACKEND != "torch":
        return dict(zip(ROUNDS, ("full", "tf32"), strict=True)).get(now, "neither")
    if len(now) == 2:
        return {(False, "highest"): "full", (True, "high"): "tf32"}.get(now, "neither")
    told = {"ieee": ("full", ("highest", False)), "tf32": ("tf32", ("high", True))}
    name, older = told.get(now[0], ("neither", None))
    return name if set(now[:-1]) == {now[0]} and now[-1] == older else "neither"


def user_sets(value):
    """What a user may have set before a call; 0 is what the backend begins with."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_tensor_float_32_execution(value != 1)
    elif BACKEND == "jax":
        import jax

        jax.config.update("jax_default_matmul_precision", (None, "bfloat16", "highest")[value])
    else:
        import torch

        torch.set_float32_matmul_precision(("highest", "medium", "high")[value])
        torch.backends.cudnn.allow_tf32 = value != 1


@pytest.fixture(params=[0, 1, 2])
def users(request):
    """A user's own settings, which must be there after the test."""
    user_sets(request.param)
    before = settings()
    yield before
    assert settings() == before
    user_sets(0)


# The scope


def test_a_scope_rounds_as_asked_and_puts_all_back(users):
    for asked in ("full", "tf32"):
        with precision("float32", asked):
            assert rounds() == asked
        assert settings() == users
        with pytest.raises(KeyError), precision("float32", asked):
            raise KeyError
        assert settings() == users
    with precision("float32"):
        assert rounds() == "full"


def test_an_inner_scope_keeps_or_changes_it(users):
    for outer, inner in (("full", "tf32"), ("tf32", "full")):
        with precision("float32", outer):
            for dtype in ("float32", "float64"):
                with precision(dtype):
                    assert rounds() == outer
                with precision(dtype, inner):
                    assert rounds() == inner
                    with precision("float32"):
                        assert rounds() == inner
                assert rounds() == outer


def test_an_inner_scope_mends_what_was_changed_inside_the_outer_one():
    with precision("float64"):
        if BACKEND == "jax":
            import jax

            with jax.default_matmul_precision("bfloat16"), precision("float64"):
                assert rounds() == "full"
        else:
            user_sets(2)
            with precision("float64"):
                assert rounds() == "full"
            user_sets(1)
    user_sets(0)


@only_torch
def test_pytorch_is_left_as_it_was_whatever_was_set():
    import torch

    draw, older = random.Random(0), torch.set_float32_matmul_precision
    if not hasattr(torch.backends, "fp32_precision"):
        pytest.skip("it has one setting for all")

    def every():
        """What can be read, under each general setting: a place may follow that or not."""
        general, found = torch.backends.fp32_precision, []
        for setting in (general, "none", "ieee", "tf32"):
            torch.backends.fp32_precision = setting
            found.append((settings(), or_mixed(older_convolutions)))
        torch.backends.fp32_precision = general
        return found

    try:
        for _ in range(150):
            before = every()
            for asked in ("full", "tf32"):
                with precision("float32", asked):
                    assert rounds() == asked
                assert every() == before
            if draw.random() < 0.3:
                older(draw.choice(["highest", "high", "medium"]))
            else:
                draw.choice(places()).fp32_precision = draw.choice(["none", "ieee", "tf32"])
    finally:
        for place in places():
            place.fp32_precision = "none"
        user_sets(0)


# Calls


def seen_by(f, seen):
    """f, noting how products round whenever it is traced or called."""

    def noting(x):
        seen.add(rounds())
        return f(x)

    return noting


def network_of(scale):
    """An objective with a product of matrices."""

    def f(x):
        factor = ops.convert_to_tensor(scale * W, dtype=x.dtype)
        return ops.sum(ops.tanh(ops.matmul(x, factor)) ** 2, axis=-1)

    return f


def minimized(f, method="gd", **options):
    few = {"gd": {"learning_rate": 0.1, "n_starts": 4}, "deep": {"learning_rate": 0.1}}
    options = {"dtype": "float32", "maxiter": 3, "maxfev": 2000} | few.get(method, {}) | options
    return deepopt.minimize(f, bounds=BOX, method=method, rng=0, options=options)


@pytest.mark.parametrize("method", ["gd", pytest.param("deep", marks=pytest.mark.slow), "homotopy"])
def test_minimize_rounds_as_asked(users, method):
    for number, options in enumerate(({}, {"precision": "tf32"}, {"precision": "full"})):
        seen = set()
        result = minimized(seen_by(network_of(1.0 + number), seen), method, **options)
        assert np.isfinite(result.fun)
        assert seen == {options.get("precision", "full")}
        assert settings() == users


def test_the_settings_come_back_after_an_exception(users):
    def faulty(x):
        raise ZeroDivisionError

    def stop(intermediate_result):
        assert rounds() == "tf32"
        raise StopIteration

    with pytest.raises(ZeroDivisionError):
        minimized(lambda x: faulty(x) if isinstance(x, np.ndarray) else 1 / 0)
    assert settings() == users
    options = {"precision": "tf32", "learning_rate": 0.1, "n_starts": 2}
    result = deepopt.minimize(
        network_of(7.0), bounds=BOX, method="gd", rng=0, options=options, callback=stop
    )
    assert result.status == 99


def generator(k=2):
    """A small one: a dense layer and a transposed convolution."""
    model = keras.Sequential(
        [
            keras.Input((k,)), layers.Dense(4 * 4 * 3), layers.ReLU(),
            layers.Reshape((4, 4, 3)),
            layers.Conv2DTranspose(1, 4, 2, padding="same", activation="sigmoid"),
        ]
    )  # fmt: skip
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return model


def inverted(model, operator=None, **options):
    y = np.full((2, 64) if operator else (2, 8, 8, 1), 0.4)
    options = {"maxiter": 3, "n_starts": 1, "n_codes": 4} | options
    return deepopt.invert(model, y, operator=operator, rng=0, options=options)


def test_invert_rounds_as_asked(users):
    model = generator()
    for options in ({}, {"precision": "tf32"}, {"precision": "full"}):
        seen = set()
        operator = seen_by(lambda outputs: ops.reshape(outputs, (outputs.shape[0], -1)), seen)
        inverted(model, operator, **options)
        assert seen == {options.get("precision", "full")}
        assert settings() == users


@pytest.mark.skipif(BACKEND != "tensorflow", reason="its graphs alone look when they run")
@pytest.mark.parametrize("asked", ["full", "tf32"])
def test_a_plain_graph_rounds_as_asked_while_it_runs(users, asked):
    import tensorflow as tf

    seen = []

    def operator(outputs):
        note = tf.py_function(lambda: seen.append(rounds()), [], [])
        with tf.control_dependencies([note]):
            return tf.reshape(outputs, (outputs.shape[0], -1))

    inverted(generator(), operator, solver="adam", precision=asked)
    assert len(seen) > 3
    assert set(seen) == {asked}


def test_a_training_rounds_in_full(users, tmp_path):
    seen = set()
    np.save(tmp_path / "noise.npy", np.random.default_rng(0).random((20, 8, 8)))
    options = TrainSettings("vae", tmp_path / "noise.npy", steps=1, every=1, width=0.05)
    train(options, tmp_path / "vae", progress=lambda step, losses: seen.add(rounds()))
    assert seen == {"full"}


def test_a_problem_that_is_called_rounds_in_full(users):
    class Own(Problem):
        def __init__(self):
            super().__init__(2)

        def _function(self, x):
            seen.add(rounds())
            return ops.sum(x, axis=-1)

    seen = set()
    Own()(np.zeros(2))
    assert seen == {"full"}


def test_the_outputs_of_a_generator_round_in_full(users):
    class Noting(layers.Layer):
        def call(self, x):
            seen.add(rounds())
            return x

    seen = set()
    model = keras.Sequential([keras.Input((2,)), layers.Dense(3), Noting()])
    source, _ = open_checkpoints(model), seen.clear()
    assert source.outputs(0, np.zeros((1, 2))).shape == (1, 3)
    assert seen == {"full"}


@pytest.mark.parametrize("value", ["half", "TF32", None, 32])
def test_other_precisions_are_refused(value):
    words = "^precision must be one of 'full', 'tf32', got "
    with pytest.raises(ValueError, match=words):
        minimized(network_of(1.0), precision=value)
    with pytest.raises(ValueError, match=words):
        inverted(generator(), precision=value)


# The texts of programs


@pytest.mark.skipif(BACKEND == "torch", reason="PyTorch compiles no program")
def test_every_product_of_every_program_rounds_as_asked(tmp_path):
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_dump_to={tmp_path} --xla_dump_hlo_as_text"
    done = subprocess.run(
        [sys.executable, __file__, str(tmp_path)],
        env=os.environ | {"XLA_FLAGS": flags, "KERAS_BACKEND": BACKEND},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    for call, kinds in CALLS.items():
        full, fast = (found[f"{call} {asked}"] for asked in ("full", "tf32"))
        for texts in (full, fast):
            assert {line.split()[0] for line in texts if line.endswith("f32")} >= kinds, call
        assert not [line for line in full if " highest,highest " not in line], full
        assert not [line for line in fast if " highest,highest f32" in line], fast
    if BACKEND == "jax":  # on TensorFlow a training is a plain graph
        assert found["train full"]
        assert not [line for line in found["train full"] if " highest,highest " not in line]


CALLS = {"minimize": {"dot"}, "invert": {"dot", "convolution"}}


def texts_in(folder, known):
    """Kind, precision and type of each product in the programs compiled since, counted."""
    found = collections.Counter()
    for path in sorted(folder.glob("*_optimizations.txt")):  # before and after
        if path not in known:
            known.add(path)
            for line in path.read_text().splitlines():
                product = re.search(r" = (\w+)\[\S* (dot|convolution)\(", line)
                if product:
                    how = re.search(r"operand_precision=\{([\w,]+)\}", line)
                    found[f"{product[2]} {how[1] if how else 'default'} {product[1]}"] += 1
    return found


def main(folder):
    """One objective and one generator under both settings: no program may serve the other."""
    _programs.on_accelerator = lambda: True  # there `invert` compiles, as it does on a GPU
    f, model, known, found = network_of(1.0), generator(), set(), {}
    texts_in(folder, known)
    for asked in ("tf32", "full"):
        minimized(f, precision=asked)
        found[f"minimize {asked}"] = texts_in(folder, known)
        inverted(model, precision=asked)
        inverted(model, precision=asked, solver="adam")
        found[f"invert {asked}"] = texts_in(folder, known)
    if BACKEND == "jax":
        np.save(folder / "noise.npy", np.random.default_rng(0).random((20, 8, 8)))
        options = TrainSettings("vae", folder / "noise.npy", steps=1, every=1, width=0.05)
        train(options, folder / "vae")
        found["train full"] = texts_in(folder, known)
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
