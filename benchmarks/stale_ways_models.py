"""Ways of the stale battery: models and tensors, parts of a method, and generators of `invert`."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import numpy as np
from stale_ways import Call, dented, known, objective, one, way, written

import deepopt
from deepopt import Constant, Direct, GradientDescent, LevenbergMarquardt, Recipe, ops

STEP = 0.002  # factor on a rate, that a schedule reads from here


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
            self.head = model_of()

        def call(self, x):
            return self.head(x)

    model = Own()
    f = with_model(model)
    yield f, 1.0
    model.head = model_of(3.0)
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
    Times.call = lambda self, x: 3.0 * x
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


# Parts of a method


def recipe_call(f, schedule, descent=None, slack=1e-9):
    recipe = Recipe(Direct(2, "uniform", "reflect"), schedule, descent or GradientDescent())
    options = {"maxiter": 40, "learning_rate": 0.002}
    ask = {"bounds": [(-2.0, 2.0)] * 2, "rng": 0, "options": options}
    return Call(lambda: deepopt.minimize(f, [0.77, 0.81], method=recipe, **ask), slack)


def bowl(x):
    return dented(x, 1.0)


EASY = "def twin(x): return {weight} * ops.sum(ops.square(x + 1.0), axis=-1)"
PATH = """
def twin(x, s):
    return dented(x, 1.0) + (1.0 - s) * {weight} * ops.sum(ops.square(x + 1.0), axis=-1)
"""


@way("easier function of a Blend")
def _():
    weights = [1.0]
    schedule = deepopt.Blend(lambda x: weights[0] * ops.sum((x + 1.0) ** 2, axis=-1))
    yield recipe_call(bowl, schedule), recipe_call(bowl, deepopt.Blend(written(EASY.format(weight=1.0))))
    weights[0] = -2.0
    yield recipe_call(bowl, schedule), recipe_call(bowl, deepopt.Blend(written(EASY.format(weight=-2.0))))


@way("function of a Path")
def _():
    weights = [1.0]

    def along(x, s):
        return dented(x, 1.0) + (1.0 - s) * weights[0] * ops.sum((x + 1.0) ** 2, axis=-1)

    def twin(weight):
        return deepopt.Path(written(PATH.format(weight=weight), dented=dented))

    schedule = deepopt.Path(along)
    yield recipe_call(bowl, schedule), recipe_call(bowl, twin(1.0))
    weights[0] = -2.0
    yield recipe_call(bowl, schedule), recipe_call(bowl, twin(-2.0))


@way("schedule of one's own, what it reads")
def _():
    from deepopt.schedules import Schedule

    factors = {"rate": 1.0}

    @dataclasses.dataclass(frozen=True)
    class Slower(Schedule):
        def rate(self, t):
            return factors["rate"] * ops.ones_like(t)

    def twin(factor):
        return dataclasses.dataclass(frozen=True)(
            written(
                "class Twin(Schedule):\n"
                f"    def rate(self, t): return ops.ones_like(t) * {factor!r}",
                "Twin", Schedule=Schedule,
            )
        )()  # fmt: skip

    yield recipe_call(bowl, Slower()), recipe_call(bowl, twin(1.0))
    factors["rate"] = 0.25
    yield recipe_call(bowl, Slower()), recipe_call(bowl, twin(0.25))


@way("descent of one's own, a method of its class replaced")
def _():
    @dataclasses.dataclass(frozen=True)
    class Slower(GradientDescent):
        def factor(self):
            return 1.0

        def step(self, seen, memory):
            return super().step(seen._replace(rate=self.factor() * seen.rate), memory)

    def twin(factor):
        return dataclasses.dataclass(frozen=True)(
            written(
                "class Twin(GradientDescent):\n    def step(self, seen, memory):\n"
                f"        seen = seen._replace(rate=seen.rate * {factor!r})\n"
                "        return GradientDescent.step(self, seen, memory)",
                "Twin", GradientDescent=GradientDescent,
            )
        )()  # fmt: skip

    yield recipe_call(bowl, Constant(), Slower()), recipe_call(bowl, Constant(), twin(1.0))
    Slower.factor = lambda self: 0.25
    yield recipe_call(bowl, Constant(), Slower()), recipe_call(bowl, Constant(), twin(0.25))


@way("reparametrization of one's own, what it reads")
def _():
    shift = [0.0]

    @dataclasses.dataclass(frozen=True)
    class Shifted(Direct):
        def points(self, variables, fixed, kinds):
            return super().points(variables, fixed, kinds) + shift[0]

    def called(x):
        recipe = Recipe(Shifted(2, "uniform", "reflect"), Constant(), GradientDescent())
        options = {"maxiter": 40, "learning_rate": 0.002}
        return Call(
            lambda: deepopt.minimize(
                bowl, x, method=recipe, bounds=[(-2.0, 2.0)] * 2, rng=0, options=options
            ),
            1e-9,
        )

    def twin(by):
        text = (
            "class Twin(Direct):\n    def points(self, variables, fixed, kinds):\n"
            f"        return Direct.points(self, variables, fixed, kinds) + {by!r}"
        )
        kind = dataclasses.dataclass(frozen=True)(written(text, "Twin", Direct=Direct))
        recipe = Recipe(kind(2, "uniform", "reflect"), Constant(), GradientDescent())
        options = {"maxiter": 40, "learning_rate": 0.002}
        return Call(
            lambda: deepopt.minimize(
                bowl, [0.77, 0.81], method=recipe, bounds=[(-2.0, 2.0)] * 2, rng=0, options=options
            )
        )

    yield called([0.77, 0.81]), twin(0.0)
    shift[0] = 0.01
    yield called([0.77, 0.81]), twin(0.01)


def fitted(f):
    recipe = Recipe(Direct(2, "uniform", "reflect"), descent=LevenbergMarquardt())
    ask = {"bounds": [(-2.0, 2.0)] * 2, "rng": 0, "options": {"learning_rate": 1.0, "maxiter": 20}}
    return Call(lambda: deepopt.minimize(f, method=recipe, **ask), 1e-7)


@way("residuals of an object, its state")
def _():
    class Fit:
        weight = 1.0

        def residuals(self, x):
            return ops.concatenate([x - 0.3 * self.weight, 0.1 * (x - 0.3 * self.weight) ** 2], -1)

        def __call__(self, x):
            return 0.5 * ops.sum(self.residuals(x) ** 2, axis=-1)

    fit = Fit()
    yield fitted(fit), known([0.3, 0.3])
    fit.weight = 3.0
    yield fitted(fit), known([0.9, 0.9])


@way("residuals of a function, replaced")
def _():
    def residuals_to(target):
        return lambda x: x - target

    def f(x):
        return 0.5 * ops.sum(f.residuals(x) ** 2, axis=-1)

    f.residuals = residuals_to(0.3)
    yield fitted(f), known([0.3, 0.3])
    f.residuals = residuals_to(0.9)
    yield fitted(f), known([0.9, 0.9])
