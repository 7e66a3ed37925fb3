"""Ways of the stale battery: generators and operators of `invert`.

Most generators are linear, so that NumPy knows the latents that must come back.
"""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import numpy as np
from stale_ways import Call, known, way

import deepopt
from deepopt import ops

LATENT = np.array([0.4, -0.3])
MATRIX = np.array([[1.0, 0.5, -0.25, 2.0], [0.25, -1.0, 1.5, 0.5]])  # (k, n)
OPTIONS = {"n_starts": 1, "starts": "zero", "maxiter": 30}
SLACK = 1e-4


def generator(scale=1.0, **more):
    """x ↦ scale · x MATRIX, as a Keras model."""
    import keras

    model = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(4, use_bias=False, name="dense", **more)]
    )
    model.layers[0].kernel.assign(scale * MATRIX)
    return model


def doubled(t):
    return 2.0 * t


def inverted(source, operator=None, y=None, slack=SLACK, **more):
    """The battery's call of `invert`."""
    y = LATENT @ MATRIX if y is None else y
    return Call(
        lambda: deepopt.invert(source, y, operator=operator, options=OPTIONS, rng=0, **more), slack
    )


def scaled_by(weight):
    """What must come back where all outputs are `weight` times as large."""
    return known(LATENT / weight)


@way("operator's array, in place")
def _():
    model, weights = generator(), np.ones(4, "float32")

    def operator(out):
        return ops.multiply(out, weights)

    yield inverted(model, operator), scaled_by(1.0)
    weights[:] = 2.0
    yield inverted(model, operator), scaled_by(2.0)


@way("operator that is an object, its state")
def _():
    class Camera:
        gain = 1.0

        def __call__(self, out):
            return self.gain * out

    model, camera = generator(), Camera()
    yield inverted(model, camera), scaled_by(1.0)
    camera.gain = 2.0
    yield inverted(model, camera), scaled_by(2.0)


@way("operator that is a bound method, its state")
def _():
    class Camera:
        gain = 1.0

        def seen(self, out):
            return self.gain * out

    model, camera = generator(), Camera()
    yield inverted(model, camera.seen), scaled_by(1.0)
    camera.gain = 2.0
    yield inverted(model, camera.seen), scaled_by(2.0)


@way("operator, a lambda of the same code")
def _():
    model = generator()

    def made(gain):
        return lambda out: gain * out

    yield inverted(model, made(1.0)), scaled_by(1.0)
    yield inverted(model, made(2.0)), scaled_by(2.0)


@way("operator, a partial mutated")
def _():
    model = generator()
    operator = functools.partial(lambda out, gain: gain * out, gain=1.0)
    yield inverted(model, operator), scaled_by(1.0)
    operator.keywords["gain"] = 2.0
    yield inverted(model, operator), scaled_by(2.0)


@way("operator's Keras model, set_weights")
def _():
    import keras

    model = generator()
    camera = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4, use_bias=False)])
    camera.set_weights([np.eye(4)])
    yield inverted(model, lambda out: camera(out)), scaled_by(1.0)
    camera.set_weights([2.0 * np.eye(4)])
    yield inverted(model, lambda out: camera(out)), scaled_by(2.0)


@way("operator that is a matrix, in place")
def _():
    model, matrix = generator(), np.eye(4)
    yield inverted(model, matrix), scaled_by(1.0)
    matrix *= 2.0
    yield inverted(model, matrix), scaled_by(2.0)


@way("operator that reads a file")
def _():
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "gain.npy"))
        np.save(path, np.ones(1, "float32"))
        model = generator()

        def operator(out):
            return ops.multiply(out, np.load(path))

        yield inverted(model, operator), scaled_by(1.0)
        np.save(path, np.full(1, 2.0, "float32"))
        yield inverted(model, operator), scaled_by(2.0)


@way("generator's weights, by hand")
def _():
    model = generator()
    yield inverted(model), scaled_by(1.0)
    model.layers[0].kernel.assign(2.0 * MATRIX)
    yield inverted(model), scaled_by(2.0)


@way("generator, trained")
def _():
    model = generator()
    model.compile("sgd", "mse")
    model.optimizer.learning_rate = 0.5
    yield inverted(model), scaled_by(1.0)
    codes = np.array([[1.0, 0.0], [0.0, 1.0]], "float32")
    model.train_on_batch(codes, (2.0 * codes @ MATRIX).astype("float32"))
    kernel = np.asarray(model.get_weights()[0], "float64")
    yield inverted(model), known(np.linalg.lstsq(kernel.T, LATENT @ MATRIX, rcond=None)[0])


@way("generator's layer, an attribute")
def _():
    import keras

    class Times(keras.layers.Layer):
        factor = 1.0

        def call(self, x):
            return self.factor * x

    model = generator()
    model.add(Times())
    yield inverted(model), scaled_by(1.0)
    model.layers[-1].factor = 2.0
    yield inverted(model), scaled_by(2.0)


@way("generator's layer, its method replaced")
def _():
    import keras

    class Times(keras.layers.Layer):
        def call(self, x):
            return x

    model = generator()
    model.add(Times())
    yield inverted(model), scaled_by(1.0)
    Times.call = lambda _, x: 2.0 * x
    yield inverted(model), scaled_by(2.0)


@way("generator's layer, its activation replaced")
def _():
    model = generator()
    yield inverted(model), scaled_by(1.0)
    model.layers[0].activation = doubled
    yield inverted(model), scaled_by(2.0)


@way("generator's layer, replaced")
def _():
    import keras

    model = generator()
    model.add(keras.layers.Rescaling(1.0))
    yield inverted(model), scaled_by(1.0)
    model.pop()
    model.add(keras.layers.Rescaling(2.0))
    yield inverted(model), scaled_by(2.0)


@way("generator built anew, another activation")
def _():
    yield inverted(generator()), scaled_by(1.0)
    yield inverted(generator(activation=doubled)), scaled_by(2.0)


@way("one of several checkpoints")
def _():
    first, last = generator(0.5), generator()

    def path(models):
        ask = inverted(models, method="surf").ask

        def asked():
            result = ask()
            result.x, result.fun = result.path[0], None
            return result

        return Call(asked, 1e-5)

    yield path([first, last]), path([generator(0.5), generator()])
    first.layers[0].kernel.assign(2.0 * MATRIX[::-1])
    twin = generator()
    twin.layers[0].kernel.assign(2.0 * MATRIX[::-1])
    yield path([first, last]), path([twin, generator()])


@way("file of a checkpoint, written anew")
def _():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.weights.h5")
        model = generator()
        model.save_weights(path)
        yield inverted(str(path), model=model), scaled_by(1.0)
        generator(2.0).save_weights(path)
        yield inverted(str(path), model=model), scaled_by(2.0)


@way("operator of ops, its closure")
def _():
    model, gain = generator(), 1.0

    def operator(out):
        return ops.multiply(out, gain)

    yield inverted(model, operator), scaled_by(1.0)
    gain = 2.0
    yield inverted(model, operator), scaled_by(2.0)
