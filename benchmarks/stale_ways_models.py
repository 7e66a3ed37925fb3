"""Ways of the stale battery: Keras models, and tensors of each backend."""

from __future__ import annotations

import numpy as np
from stale_ways import dented, objective, one, way

from deepopt import ops

# Keras


def model_of(weight=1.0, **more):
    """A model of one number, which it multiplies by its weight."""
    import keras

    model = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(1, use_bias=False, name="dense", **more)]
    )
    model.layers[0].kernel.assign([[weight]])
    return model


def with_model(model, signed=1.0):
    """An f whose dent is as heavy as what a model makes of a number."""
    return lambda x: dented(x, one(model(np.full((1, 1), signed, "float32")), x))


@way("Keras model, trained one step")
def _():
    model = model_of()
    model.compile("sgd", "mse")
    model.optimizer.learning_rate = 0.5
    f = with_model(model)
    yield f, 1.0
    model.train_on_batch(np.ones((1, 1), "float32"), np.full((1, 1), 3.0, "float32"))
    yield f, float(np.asarray(model.get_weights()[0])[0, 0])


@way("Keras model, set_weights")
def _():
    model = model_of()
    f = with_model(model)
    yield f, 1.0
    model.set_weights([np.full((1, 1), 3.0)])
    yield f, 3.0


@way("Keras model of x, a weight assigned")
def _():
    import keras

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])

    def f(x):
        return dented(x, 1.0) + ops.sum(ops.cast(model(ops.reshape(x, (-1, 2))), x.dtype))

    def at(a, b):
        def twin(x):
            return dented(x, 1.0) + a * x[..., 0] + b * x[..., 1]

        return objective(twin, slack=1e-5)

    model.layers[0].kernel.assign([[0.25], [0.5]])
    yield objective(f, slack=1e-5), at(0.25, 0.5)
    model.layers[0].kernel.assign([[-1.0], [2.0]])
    yield objective(f, slack=1e-5), at(-1.0, 2.0)


@way("Keras model, a layer replaced")
def _():
    model = model_of()
    f = with_model(model)
    yield f, 1.0
    other = model_of(3.0).layers[0]
    model.pop()
    model.add(other)
    yield f, 3.0


@way("Keras model of one's own, a layer replaced")
def _():
    import keras

    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.light, self.heavy = model_of(), model_of(3.0)
            self.head = self.light

        def call(self, x):
            return self.head(x)

    model = Own()
    f = with_model(model)
    yield f, 1.0
    model.head = model.heavy
    yield f, 3.0


@way("Keras layer, its activation replaced")
def _():
    model = model_of()
    f = with_model(model)
    yield f, 1.0
    model.layers[0].activation = lambda t: 3.0 * t
    yield f, 3.0


@way("Keras layer, its activation replaced by another of Keras")
def _():
    import keras

    model = model_of(1.0)
    f = with_model(model, -1.0)
    yield f, -1.0
    model.layers[0].activation = keras.ops.square
    yield f, 1.0


@way("Keras layer of one's own, an attribute")
def _():
    import keras

    class Times(keras.layers.Layer):
        factor = 1.0

        def call(self, x):
            return self.factor * x

    model = keras.Sequential([keras.Input((1,)), Times()])
    f = with_model(model)
    yield f, 1.0
    model.layers[0].factor = 3.0
    yield f, 3.0


@way("Keras layer of one's own, its method replaced")
def _():
    import keras

    class Times(keras.layers.Layer):
        def call(self, x):
            return x

    model = keras.Sequential([keras.Input((1,)), Times()])
    f = with_model(model)
    yield f, 1.0
    Times.call = lambda _, x: 3.0 * x
    yield f, 3.0


@way("Keras model, moving statistics")
def _():
    import keras

    model = keras.Sequential(
        [keras.Input((1,)), keras.layers.BatchNormalization(epsilon=0.0, scale=False, center=False)]
    )
    f = with_model(model)
    yield f, 1.0
    model.layers[0].moving_mean.assign([-2.0])
    yield f, 3.0


@way("Keras variable")
def _():
    import keras

    weight = keras.Variable(1.0, dtype="float32")

    def f(x):
        return dented(x, weight)

    yield f, 1.0
    weight.assign(3.0)
    yield f, 3.0


# One backend's own


@way("tf.Variable", backend="tensorflow")
def _():
    import tensorflow as tf

    weight = tf.Variable(1.0)

    def f(x):
        return dented(x, weight)

    yield f, 1.0
    weight.assign(3.0)
    yield f, 3.0


@way("tf.constant, replaced", backend="tensorflow")
def _():
    import tensorflow as tf

    weights = {"dent": tf.constant(1.0)}

    def f(x):
        return dented(x, weights["dent"])

    yield f, 1.0
    weights["dent"] = tf.constant(3.0)
    yield f, 3.0


@way("tf.Module", backend="tensorflow")
def _():
    import tensorflow as tf

    class Weight(tf.Module):
        def __init__(self):
            super().__init__()
            self.parts = [tf.Variable(1.0)]

        def __call__(self, x):
            return dented(x, self.parts[0])

    f = Weight()
    yield f, 1.0
    f.parts[0].assign_add(2.0)
    yield f, 3.0


@way("helper under tf.function, its variable", backend="tensorflow")
def _():
    import tensorflow as tf

    weight = tf.Variable(1.0)
    helper = tf.function(lambda: 1.0 * weight, autograph=False)

    def f(x):
        return dented(x, helper())

    yield f, 1.0
    weight.assign(3.0)
    yield f, 3.0


@way("helper under tf.function, made anew with other state", backend="tensorflow")
def _():
    import tensorflow as tf

    def made(weight):
        return tf.function(lambda x: dented(x, weight), autograph=False)

    helper = made(1.0)

    def f(x):
        return helper(x)

    yield f, 1.0
    helper = made(3.0)
    yield f, 3.0


@way("JAX array, replaced", backend="jax")
def _():
    import jax.numpy as jnp

    weights = [jnp.ones(2)]

    def f(x):
        return dented(x, weights[0][1])

    yield f, 1.0
    weights[0] = weights[0].at[1].set(3.0)
    yield f, 3.0


@way("helper under jax.jit, made anew with other state", backend="jax")
def _():
    import jax

    def made(weight):
        return jax.jit(lambda x: dented(x, weight))

    helper = made(1.0)

    def f(x):
        return helper(x)

    yield f, 1.0
    helper = made(3.0)
    yield f, 3.0


@way("jax.tree_util.Partial", backend="jax")
def _():
    import jax

    yield jax.tree_util.Partial(dented, weight=1.0), 1.0
    yield jax.tree_util.Partial(dented, weight=3.0), 3.0


@way("torch parameter, in place by .data", backend="torch")
def _():
    import torch

    weight = torch.nn.Parameter(torch.ones(1))

    def f(x):
        return dented(x, weight)

    yield f, 1.0
    weight.data.mul_(3.0)
    yield f, 3.0


@way("torch.nn.Module, load_state_dict", backend="torch")
def _():
    import torch

    module = torch.nn.Linear(1, 1, bias=False)
    module.load_state_dict({"weight": torch.ones(1, 1)})

    def f(x):
        return dented(x, module(torch.ones(1)))

    yield f, 1.0
    module.load_state_dict({"weight": torch.full((1, 1), 3.0)})
    yield f, 3.0


@way("torch.nn.Module, a module replaced", backend="torch")
def _():
    import torch

    class Times(torch.nn.Module):
        def __init__(self, factor):
            super().__init__()
            self.factor = factor

        def forward(self, x):
            return self.factor * x

    module = torch.nn.Sequential(Times(1.0), torch.nn.Identity())

    def f(x):
        return dented(x, module(torch.ones(1)))

    yield f, 1.0
    module[0] = Times(3.0)
    yield f, 3.0


@way("torch tensor over an array of NumPy", backend="torch")
def _():
    import torch

    array = np.ones(2)
    weights = torch.from_numpy(array)

    def f(x):
        return dented(x, weights[1])

    yield f, 1.0
    array[1] = 3.0
    yield f, 3.0
