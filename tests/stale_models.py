"""Ways in which models, layers and variables of Keras in f change."""

import keras
import numpy as np
from keras import layers, ops
from stale_cases import NEW, OLD, Call, number, read_then, valley, way

SLACK = 2e-6  # a model's output is in float32
ONES = np.ones((1, 3), "float32")


def small_model(seed=0):
    """Three numbers to one."""
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [keras.Input((3,)), layers.Dense(4, "tanh"), layers.Dense(1, use_bias=False)]
    )


def place_by(model):
    """Where a model puts the dent, between `OLD` and `NEW`."""

    def where():
        share = ops.sigmoid(4.0 * ops.reshape(model(ONES, training=False), ()))
        return OLD + (NEW - OLD) * share

    return where


def by_model(model, *changes):
    """Calls with a model in f, and its changes between them."""
    where = place_by(model)
    f = valley(where)
    yield Call(f, number(where()), slack=SLACK)
    for change in changes:
        change()
        yield Call(f, number(where()), slack=SLACK)


def towards(model, up):
    """Weights of a model's last layer that put the dent far to one side."""
    return [*model.get_weights()[:-1], np.full((4, 1), 1.0 if up else -1.0, "float32")]


@way
def the_weights_of_a_model_that_are_set():
    model = small_model()
    model.layers[0].set_weights([np.ones((3, 4), "float32"), np.zeros(4, "float32")])
    model.set_weights(towards(model, up=True))
    yield from by_model(model, lambda: model.set_weights(towards(model, up=False)))


@way
def a_model_trained_by_one_step():
    model = small_model()
    model.compile(keras.optimizers.SGD(1.0), "mse", jit_compile=False)
    target = 2.0 if number(model(ONES)) < 0 else -2.0
    yield from by_model(model, lambda: model.train_on_batch(ONES, np.full((1, 1), target)))


@way
def a_model_that_was_fit():
    model = small_model(1)
    model.compile(keras.optimizers.SGD(0.5), "mse", jit_compile=False)
    target = 2.0 if number(model(ONES)) < 0 else -2.0
    data = np.repeat(ONES, 4, 0), np.full((4, 1), target)
    yield from by_model(model, lambda: model.fit(*data, batch_size=2, epochs=2, verbose=0))


@way
def the_activation_of_a_layer():
    model = small_model()
    model.layers[0].set_weights([np.ones((3, 4), "float32"), np.zeros(4, "float32")])
    model.set_weights(towards(model, up=False))
    yield from by_model(
        model, lambda: setattr(model.layers[0], "activation", lambda x: -keras.ops.tanh(x))
    )


@way
def an_attribute_of_a_layer():
    layer = layers.LeakyReLU(1.0)
    model = keras.Sequential([keras.Input((3,)), layer, layers.Dense(1, use_bias=False)])
    model.layers[-1].set_weights([np.full((3, 1), -0.2, "float32")])
    yield from by_model(
        lambda x, training: model(-x, training=training),
        lambda: setattr(layer, "negative_slope", -1.0),
    )


@way
def a_layer_that_is_replaced():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.last = layers.Dense(1, kernel_initializer="ones")

        def call(self, x):
            return self.last(x)

    model = Own()
    model(ONES)
    other = layers.Dense(1, kernel_initializer=keras.initializers.Constant(-1.0))
    other(ONES)
    yield from by_model(model, lambda: setattr(model, "last", other))


@way
def the_statistics_of_a_batch_normalization():
    layer = layers.BatchNormalization()
    model = keras.Sequential([keras.Input((3,)), layer, layers.Dense(1, use_bias=False)])
    model.layers[-1].set_weights([np.full((3, 1), 0.2, "float32")])
    yield from by_model(model, lambda: layer.moving_mean.assign(np.full(3, 5.0)))


@way
def what_a_lambda_layer_reads():
    held = [1.0]
    model = keras.Sequential(
        [keras.Input((3,)), layers.Lambda(lambda x: ops.sum(held[0] * x, axis=-1, keepdims=True))]
    )
    yield from by_model(model, lambda: held.__setitem__(0, -1.0))


@way
def a_variable_of_keras():
    held = keras.Variable(OLD, dtype="float64")
    yield from read_then(lambda: held.value, held.assign, NEW)


@way
def a_variable_of_keras_that_is_replaced():
    held = [keras.Variable(OLD, dtype="float64")]
    other = keras.Variable(NEW, dtype="float64")
    yield from read_then(lambda: held[0].value, held.__setitem__, 0, other)


@way
def a_model_that_is_replaced():
    models = [small_model() for _ in range(2)]
    for model, up in zip(models, (True, False), strict=True):
        model.layers[0].set_weights([np.ones((3, 4), "float32"), np.zeros(4, "float32")])
        model.set_weights(towards(model, up))
    now = [models[0]]
    yield from by_model(
        lambda x, training: now[0](x, training=training), lambda: now.__setitem__(0, models[1])
    )
