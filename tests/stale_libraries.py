"""Ways in which variables, tensors and helpers of TensorFlow, JAX and PyTorch themselves change."""

import functools

import numpy as np
from stale_cases import NEW, OLD, Call, dent, read_then, then, valley, way

STEPS = 6  # few, so that another slope is seen in where the descent has come to
PLACE = OLD


# TensorFlow


@way(only="tensorflow")
def a_variable_of_tensorflow():
    import tensorflow as tf

    held = tf.Variable(OLD, dtype="float64")
    yield from read_then(lambda: held, held.assign, NEW)


@way(only="tensorflow")
def a_constant_of_tensorflow_that_is_replaced():
    import tensorflow as tf

    held = [tf.constant(OLD, "float64")]
    yield from read_then(lambda: held[0], held.__setitem__, 0, tf.constant(NEW, "float64"))


@way(only="tensorflow")
def a_variable_in_a_helper_of_tf_function():
    import tensorflow as tf

    held = tf.Variable(OLD, dtype="float64")
    helper = tf.function(lambda x: dent(x, held))
    yield from then(helper, held.assign, NEW)


@way(only="tensorflow")
def another_helper_of_tf_function():
    import tensorflow as tf

    helpers = [tf.function(lambda x, w=w: dent(x, w)) for w in (OLD, NEW)]
    yield from then(lambda x: helpers[0](x), helpers.reverse)


@way(only="tensorflow")
def a_module_of_tensorflow():
    import tensorflow as tf

    class Place(tf.Module):
        def __init__(self):
            super().__init__()
            self.w = tf.Variable(0.0, dtype="float64")
            self.shift = OLD

        def __call__(self, x):
            return dent(x, self.w + self.shift)

    held = Place()
    yield held, OLD
    held.w.assign(NEW - OLD)
    yield held, NEW
    held.shift += OLD - NEW
    yield held, OLD


@way(only="tensorflow")
def a_sparse_tensor_that_is_replaced():
    import tensorflow as tf

    held = [tf.sparse.from_dense(np.array([[w, 0.0]])) for w in (OLD, NEW)]
    yield from read_then(lambda: tf.sparse.reduce_sum(held[0]), held.reverse)


@way(only="tensorflow")
def a_table_of_tensorflow():
    import tensorflow as tf

    held = tf.lookup.experimental.MutableHashTable("int64", "float64", 0.0)
    held.insert([1], [OLD])
    one = tf.constant(1, "int64")

    def read():
        with tf.init_scope():
            return held.lookup(one).numpy()

    yield from read_then(read, held.insert, [1], [NEW])


@way(only="tensorflow")
def the_slope_of_a_custom_gradient():
    import tensorflow as tf

    pull = [1.0]

    @tf.custom_gradient
    def through(x):
        return tf.identity(x), lambda slope: pull[0] * slope

    yield from by_slope(lambda x: dent(through(x), OLD), pull)


# JAX


@way(only="jax")
def an_array_of_jax_that_is_replaced():
    import jax.numpy as jnp

    held = {w: jnp.asarray(np.full(3, w, "float32")) for w in (OLD, NEW)}
    now = [held[OLD]]
    f = valley(lambda: now[0])
    yield Call(f, OLD, slack=1e-6)
    now[0] = held[NEW]
    yield Call(f, NEW, slack=1e-6)


@way(only="jax")
def an_array_of_jax_made_from_one_that_is_changed():
    import jax
    import jax.numpy as jnp

    first = np.full(3, OLD)
    with jax.enable_x64(True):
        held = [jnp.asarray(first)]
    f = valley(lambda: held[0])
    yield f, OLD
    first.fill(NEW)
    with jax.enable_x64(True):
        held[0] = jnp.asarray(first)
    yield f, NEW


@way(only="jax")
def a_global_in_a_helper_of_jit():
    import jax

    global PLACE
    PLACE = OLD
    helper = jax.jit(lambda x: dent(x, PLACE))
    f = lambda x: helper(x)  # noqa: E731
    yield f, OLD
    PLACE = NEW
    helper.clear_cache()  # else JAX itself has the old one
    yield f, NEW


@way(only="jax")
def another_helper_of_jit():
    import jax

    helpers = [jax.jit(functools.partial(dent, w=w)) for w in (OLD, NEW)]
    yield from then(lambda x: helpers[0](x), helpers.reverse)


@way(only="jax")
def a_method_in_a_helper_of_jit():
    import jax

    class Place:
        w = OLD

        def __call__(self, x):
            return dent(x, self.w)

    held = Place()
    helper = jax.jit(held.__call__)
    f = lambda x: helper(x)  # noqa: E731
    yield f, OLD
    held.w = NEW
    helper.clear_cache()
    yield f, NEW


@way(only="jax")
def the_flattening_of_a_pytree():
    import jax

    @jax.tree_util.register_pytree_node_class
    class Place:
        def __init__(self, w):
            self.w = w

        def tree_flatten(self):
            return (self.w,), None

        @classmethod
        def tree_unflatten(cls, _, parts):
            return cls(*parts)

    held = Place(OLD)
    f = valley(lambda: jax.tree_util.tree_leaves(held)[0])
    yield f, OLD
    Place.tree_flatten = lambda self: ((NEW,), None)
    yield f, NEW


@way(only="jax")
def the_rule_of_a_custom_vjp():
    import jax

    pull = [1.0]

    @jax.custom_vjp
    def through(x):
        return x

    through.defvjp(lambda x: (x, None), lambda _, slope: (pull[0] * slope,))
    yield from by_slope(lambda x: dent(through(x), OLD), pull)


@way(only="jax")
def the_rule_of_a_custom_jvp():
    import jax

    pull = [1.0]

    @jax.custom_jvp
    def through(x):
        return x

    @through.defjvp
    def rule(primals, tangents):
        return primals[0], pull[0] * tangents[0]

    yield from by_slope(lambda x: dent(through(x), OLD), pull)


def by_slope(f, pull):
    """Two calls of a function whose value stays as it is, and whose slope does not."""
    for factor in (1.0, 0.5):
        pull[0] = factor
        yield Call(f, OLD, pull=factor, options={"maxiter": STEPS})


# PyTorch


@way(only="torch")
def a_parameter_changed_behind_the_back_of_autograd():
    import torch

    held = torch.nn.Parameter(torch.full((3,), OLD, dtype=torch.float64))
    yield from read_then(lambda: held, held.data.fill_, NEW)


@way(only="torch")
def a_tensor_changed_in_place():
    import torch

    held = torch.full((3,), OLD, dtype=torch.float64)
    yield from read_then(lambda: held, held.fill_, NEW)


@way(only="torch")
def the_array_behind_a_tensor():
    import torch

    base = np.full(3, OLD)
    held = torch.from_numpy(base)
    yield from read_then(lambda: held, base.fill, NEW)


@way(only="torch")
def an_attribute_of_a_tensor():
    import torch

    held = torch.zeros(())
    held.w = OLD
    yield from read_then(lambda: held.w, setattr, held, "w", NEW)


def linear(w):
    """A module of PyTorch that gives w for three ones."""
    import torch

    made = torch.nn.Linear(3, 1, dtype=torch.float64)
    with torch.no_grad():
        made.weight.fill_(w / 3.0)
        made.bias.zero_()
    return made


def by_module(held):
    import torch

    ones = torch.ones(3, dtype=torch.float64)
    return lambda: held(ones)


@way(only="torch")
def the_weights_of_a_module():
    held = linear(OLD)
    yield from read_then(by_module(held), held.load_state_dict, linear(NEW).state_dict())


@way(only="torch")
def a_part_of_a_module_that_is_replaced():
    import torch

    held = torch.nn.Sequential(linear(OLD))
    yield from read_then(by_module(held), held.__setitem__, 0, linear(NEW))


@way(only="torch")
def a_hook_of_a_module():
    held = linear(OLD)
    hook = lambda module, given, out: out + NEW - OLD  # noqa: E731
    yield from read_then(by_module(held), held.register_forward_hook, hook)


@way(only="torch")
def the_mode_of_a_module():
    import torch

    class Place(torch.nn.Module):
        def forward(self, x):
            return x[0] * (OLD if self.training else NEW)

    held = Place()
    yield from read_then(by_module(held), held.eval)


@way(only="torch")
def the_slope_of_an_autograd_function():
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
        def backward(ctx, slope):
            return pull[0] * slope

    yield from by_slope(lambda x: dent(Through.apply(x), OLD), pull)
