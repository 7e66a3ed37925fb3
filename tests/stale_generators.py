"""Ways in which generators, and what measures their outputs, change between calls of `invert`."""

import keras
import numpy as np
from keras import layers, ops
from stale_cases import Inverse, way


def generator(seed=0, activation="tanh"):
    """From two latents to eight numbers."""
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((2,)), layers.Dense(6, activation),
            layers.Dense(8, bias_initializer="random_normal"),
        ]
    )  # fmt: skip


def matrix(seed):
    return np.random.default_rng(seed).normal(size=(6, 8))


@way
def a_matrix_of_measurements_changed_in_place():
    model, a = generator(), matrix(0)
    for seed in (0, 1):
        a[:] = matrix(seed)
        yield Inverse(model, lambda out: out @ a.T, operator=a)


@way
def a_sparse_operator_changed_in_place():
    from scipy.sparse import csr_array

    model, a = generator(), csr_array(matrix(0))
    for seed in (0, 1):
        a.data[:] = csr_array(matrix(seed)).data
        yield Inverse(model, lambda out: np.asarray(out @ a.toarray().T), operator=a)


@way
def what_an_operator_closes_over():
    model, a = generator(), matrix(0).astype("float32")

    def operator(out):
        return ops.matmul(out, a.T)

    for seed in (0, 1):
        a[:] = matrix(seed)
        yield Inverse(model, lambda out: out @ a.T, operator=operator)


@way
def the_state_of_an_operator():
    class Blur:
        def __init__(self):
            self.a = matrix(0).astype("float32")

        def __call__(self, out):
            return ops.matmul(out, ops.convert_to_tensor(self.a.T))

    model, blur = generator(), Blur()
    for seed in (0, 1):
        blur.a = matrix(seed).astype("float32")
        yield Inverse(model, lambda out: out @ blur.a.T, operator=blur)


@way
def the_method_of_an_operator():
    class Blur:
        power = 1.0

        def measure(self, out):
            return self.power * out + 1.0

    model, blur = generator(), Blur()
    for blur.power in (1.0, -0.5):
        yield Inverse(model, lambda out: blur.power * out + 1.0, operator=blur.measure)


@way
def the_weights_of_a_generator():
    model = generator()
    for seed in (0, 1):
        model.set_weights(generator(seed).get_weights())
        yield Inverse(model)


@way
def one_weight_of_a_generator():
    model = generator()
    yield Inverse(model)
    model.layers[-1].bias.assign(np.linspace(-2.0, 2.0, 8))
    yield Inverse(model)


@way
def a_generator_that_is_trained_on():
    model = generator()
    model.compile(keras.optimizers.SGD(0.5), "mse", jit_compile=False)
    rng = np.random.default_rng(0)
    yield Inverse(model)
    model.fit(rng.normal(size=(8, 2)), rng.normal(size=(8, 8)), epochs=3, verbose=0)
    yield Inverse(model)


@way
def the_activation_of_a_generator():
    model = generator()
    yield Inverse(model)
    model.layers[0].activation = keras.activations.sigmoid
    yield Inverse(model)


@way
def an_attribute_of_a_layer_of_a_generator():
    model = keras.Sequential(
        [keras.Input((2,)), layers.Dense(6), layers.LeakyReLU(0.1), layers.Dense(8)]
    )
    yield Inverse(model)
    model.layers[1].negative_slope = 0.9
    yield Inverse(model)


@way
def what_a_lambda_layer_of_a_generator_reads():
    held = [1.0]
    model = keras.Sequential(
        [
            keras.Input((2,)), layers.Dense(6, "tanh"), layers.Lambda(lambda x: x + held[0]),
            layers.Dense(8),
        ]
    )  # fmt: skip
    yield Inverse(model)
    held[0] = -2.0
    yield Inverse(model)


@way
def a_layer_of_a_generator_that_is_replaced():
    class Stack(keras.Model):
        def __init__(self):
            super().__init__()
            self.first, self.last = layers.Dense(6, "tanh"), layers.Dense(8)

        def call(self, x):
            return self.last(self.first(x))

    keras.utils.set_random_seed(0)
    model = Stack()
    model(keras.Input((2,)))
    yield Inverse(model)
    model.last = layers.Dense(8, "sigmoid")
    model(keras.Input((2,)))
    yield Inverse(model)


@way
def what_a_layer_of_a_generator_calls():
    held = [ops.tanh]

    class Own(layers.Layer):
        def call(self, x):
            return held[0](x)

    model = keras.Sequential([keras.Input((2,)), layers.Dense(8), Own()])
    yield Inverse(model)
    held[0] = lambda x: ops.sin(x + 1.0)
    yield Inverse(model)


@way
def the_call_of_a_generator_that_is_replaced():
    class Own(layers.Layer):
        def call(self, x):
            return ops.tanh(x)

    model = keras.Sequential([keras.Input((2,)), layers.Dense(8), Own()])
    yield Inverse(model)
    Own.call = lambda self, x: ops.sin(x + 1.0)
    yield Inverse(model)


@way
def one_of_several_checkpoints():
    models = [generator(seed) for seed in range(3)]
    for place, seed in ((0, 0), (1, 5), (2, 6)):
        models[place].set_weights(generator(seed).get_weights())
        yield Inverse(models, method="surf")


@way
def a_generator_of_equal_weights_and_another_form():
    for activation in ("tanh", "sigmoid"):
        yield Inverse(generator(0, activation))
