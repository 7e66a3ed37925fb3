"""Ways of the stale battery: what a function reads where one does not look for it.

Names, docstrings and annotations, the globals of another function, what modules and classes answer
with, classes of a text or of a library, registers, and slopes that are not those of the values.
"""

from __future__ import annotations

import abc
import builtins
import dataclasses
import functools
import types

import numpy as np
from stale_ways import dented, objective, way, written

HERE = 1.0
SLOPED = """
def twin(x):
    near = ops.exp(ops.sum(ops.square(x - 0.8), axis=-1) * -200.0)
    value = ops.sum(ops.square(0.3 - x), axis=-1) - near
    return {pull} * value + ops.stop_gradient((1.0 - {pull}) * value)
"""


def module(name, text):
    """A module made by hand."""
    made = types.ModuleType(name)
    exec(text, vars(made))
    return made


def reading(weight):
    """A function that asks for the weight of its dent whenever it is called."""
    return lambda x: dented(x, weight())


def by_slope(f, pull):
    """The same value twice, with another slope."""
    for factor in (1.0, 0.5):
        pull[0] = factor
        yield f, objective(written(SLOPED.format(pull=factor)))


# Functions


@way("docstring of a helper")
def _():
    def helper():
        pass

    for weight in (1.0, 3.0):
        helper.__doc__ = str(weight)
        yield reading(lambda: float(helper.__doc__)), weight


@way("annotations of a helper")
def _():
    def helper(weight):
        pass

    for weight in (1.0, 3.0):
        helper.__annotations__["weight"] = weight
        yield reading(lambda: helper.__annotations__["weight"]), weight


@way("terms that are told apart by their __name__")
def _():
    def term(name):
        def made():
            pass

        made.__name__ = name
        return made

    weights, terms = {"light": 1.0, "heavy": 3.0}, [term("light")]
    f = reading(lambda: sum(weights[one.__name__] for one in terms))
    yield f, 1.0
    terms[0] = term("heavy")
    yield f, 3.0


@way("global of a helper, by its __globals__")
def _():
    global HERE
    f = reading(lambda: reading.__globals__["HERE"])
    for HERE in (1.0, 3.0):
        yield f, HERE


@way("function among the builtins, its global")
def _():
    global HERE
    builtins.weight_of_a_dent = lambda: HERE
    f = reading(lambda: weight_of_a_dent())  # noqa: F821
    for HERE in (1.0, 3.0):
        yield f, HERE
    del builtins.weight_of_a_dent


@way("helper by types, one more entered")
def _():
    @functools.singledispatch
    def weight(_):
        return 1.0

    f = reading(lambda: weight(1))
    yield f, 1.0
    weight.register(int, lambda _: 3.0)
    yield f, 3.0


@way("state that changes and comes back")
def _():
    held = [1.0]
    f = reading(lambda: held[0])
    for held[0] in (1.0, 3.0):
        objective(f).ask()
    held[0] = 1.0
    yield f, 1.0
    held[0] = 3.0
    yield f, 3.0


@way("array of another function, equal when it was compiled")
def _():
    first, second = np.full(1, 1.0), np.full(1, 1.0)
    f, g = (reading(lambda held=held: held) for held in (first, second))
    objective(f).ask()
    objective(g).ask()
    first[0] = 5.0  # a part of the program that g uses
    yield g, 1.0
    second[0] = 3.0
    yield g, 3.0


# Modules


@way("__getattr__ of a module")
def _():
    lazy = module("lazy", "table = {'w': 1.0}\ndef __getattr__(name): return table[name]")
    f = reading(lambda: lazy.w)
    yield f, 1.0
    lazy.table["w"] = 3.0
    yield f, 3.0


@way("attribute of a module with a name in underscores")
def _():
    settings = module("settings", "__weight__ = 1.0")
    f = reading(lambda: settings.__weight__)
    yield f, 1.0
    settings.__weight__ = 3.0
    yield f, 3.0


@way("own module with a library's name")
def _():
    statistics = module("statistics", "w = 1.0\ndef weight(): return w")
    f = reading(lambda: statistics.weight())
    yield f, 1.0
    statistics.w = 3.0
    yield f, 3.0


@way("function put into a library's module")
def _():
    np.weight_of_a_dent = lambda: 1.0
    f = reading(lambda: np.weight_of_a_dent())
    yield f, 1.0
    np.weight_of_a_dent = lambda: 3.0
    yield f, 3.0
    del np.weight_of_a_dent


# Objects and classes


@way("method by object.__getattribute__ and a name built at run time")
def _():
    class Dented:
        def weight(self):
            return 1.0

        def __call__(self, x):
            return dented(x, object.__getattribute__(self, "".join(["wei", "ght"]))())

    yield Dented(), 1.0
    Dented.weight = lambda _: 3.0
    yield Dented(), 3.0


@way("__subclasses__, one more")
def _():
    class Term:
        weight = 1.0

    f = reading(lambda: sum(kind.weight for kind in [Term, *Term.__subclasses__()]))
    yield f, 1.0
    kept = type("More", (Term,), {"weight": 2.0})
    yield f, 3.0
    del kept


@way("class entered with an abstract one")
def _():
    class Heavy(abc.ABC):  # noqa: B024
        pass

    class Term:
        pass

    f = reading(lambda: 3.0 if issubclass(Term, Heavy) else 1.0)
    yield f, 1.0
    Heavy.register(Term)
    yield f, 3.0


@way("class from text in a bare space, its attribute")
def _():
    space = {"dented": dented}
    exec("class Dented:\n w = 1.0\n def __call__(self, x): return dented(x, self.w)", space)
    yield space["Dented"](), 1.0
    space["Dented"].w = 3.0
    yield space["Dented"](), 3.0


@way("class by make_dataclass, its attribute")
def _():
    made = dataclasses.make_dataclass("Made", [("w", float, 1.0)])
    f = reading(lambda: made.w)
    yield f, 1.0
    made.w = 3.0
    yield f, 3.0


@way("field of a dataclass, its metadata")
def _():
    about = {"weight": 1.0}

    @dataclasses.dataclass
    class Held:
        w: float = dataclasses.field(default=0.0, metadata=about)

    held = Held()
    f = reading(lambda: dataclasses.fields(held)[0].metadata["weight"])
    yield f, 1.0
    about["weight"] = 3.0
    yield f, 3.0


@way("number on a library's class")
def _():
    import keras

    keras.Layer.weight_of_a_dent = 1.0
    f = reading(lambda: keras.Layer.weight_of_a_dent)
    yield f, 1.0
    keras.Layer.weight_of_a_dent = 3.0
    yield f, 3.0
    del keras.Layer.weight_of_a_dent


@way("property on a library's class")
def _():
    import keras

    held = [1.0]
    keras.Layer.weight_of_a_dent = property(lambda _: held[0])
    layer = keras.layers.ReLU()
    f = reading(lambda: layer.weight_of_a_dent)
    yield f, 1.0
    held[0] = 3.0
    yield f, 3.0
    del keras.Layer.weight_of_a_dent


@way("one of two objects without content")
def _():
    light, heavy = object(), object()
    held = types.SimpleNamespace(kind=light)
    f = reading(lambda: 1.0 if held.kind is light else 3.0)
    yield f, 1.0
    held.kind = heavy
    yield f, 3.0


# Of one tensor library


@way("slope by tf.custom_gradient", backend="tensorflow")
def _():
    import tensorflow as tf

    pull = [1.0]

    @tf.custom_gradient
    def through(x):
        return tf.identity(x), lambda slope: pull[0] * slope

    yield from by_slope(lambda x: dented(through(x), 1.0), pull)


@way("slope by jax.custom_vjp, its rule", backend="jax")
def _():
    import jax

    pull = [1.0]

    @jax.custom_vjp
    def through(x):
        return x

    through.defvjp(lambda x: (x, None), lambda _, slope: (pull[0] * slope,))
    yield from by_slope(lambda x: dented(through(x), 1.0), pull)


@way("slope by jax.custom_jvp, its rule", backend="jax")
def _():
    import jax

    pull = [1.0]

    @jax.custom_jvp
    def through(x):
        return x

    through.defjvp(lambda x, v: (x[0], pull[0] * v[0]))
    yield from by_slope(lambda x: dented(through(x), 1.0), pull)


@way("pytree of one's own, how it is flattened", backend="jax")
def _():
    import jax

    @jax.tree_util.register_pytree_node_class
    class Held:
        def tree_flatten(self):
            return (1.0,), None

        @classmethod
        def tree_unflatten(cls, *_):
            return cls()

    held = Held()
    f = reading(lambda: jax.tree_util.tree_leaves(held)[0])
    yield f, 1.0
    Held.tree_flatten = lambda _: ((3.0,), None)
    yield f, 3.0


@way("helper under jax.jit, its global and then its cache", backend="jax")
def _():
    import jax

    global HERE
    helper = jax.jit(lambda x: dented(x, HERE))
    for HERE in (1.0, 3.0):
        helper.clear_cache()  # JAX itself has the old one
        yield (lambda x: helper(x)), HERE


@way("slope by torch.autograd.Function", backend="torch")
def _():
    import torch

    pull = [1.0]

    class Through(torch.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x):
            return x.clone()

        @staticmethod
        def setup_context(ctx, inputs, output):
            pass

        @staticmethod
        def backward(_, slope):
            return pull[0] * slope

    yield from by_slope(lambda x: dented(Through.apply(torch.as_tensor(x)), 1.0), pull)


@way("attribute of a torch tensor", backend="torch")
def _():
    import torch

    held = torch.zeros(())
    for held.weight in (1.0, 3.0):
        yield reading(lambda: held.weight), held.weight


@way("hook of a torch module", backend="torch")
def _():
    import torch

    held, ones = torch.nn.Identity(), torch.ones(1, dtype=torch.float64)
    f = reading(lambda: held(ones))
    yield f, 1.0
    held.register_forward_hook(lambda *given: 3.0 * given[-1])
    yield f, 3.0
