"""What several test files share: small objectives and a way to build the loop by hand."""

from __future__ import annotations

import signal

import numpy as np
from keras import ops

from deepopt._backend import precision, to_numpy, to_tensor, value_and_grad
from deepopt._domain.box import Box
from deepopt._engine.easier_objective import easier_in_the_loop
from deepopt._engine.loop import Program
from deepopt._engine.state import make_group

BOUNDS = [(-2.0, 2.0), (-1.0, 3.0), (0.0, 1.0)]


def waves(x):
    """The twin's `quadratic_waves` in keras.ops."""
    return ops.sum((x - 0.3) ** 2, axis=-1) + 0.2 * ops.sum(ops.sin(7.0 * x), axis=-1)


def sphere(x):
    return ops.sum((x - 0.3) ** 2, axis=-1)


def box():
    lower, upper = np.array(BOUNDS).T
    return Box.make(lower, upper)


def build(f, recipe, starts, rates, dtype="float64", schedule=None, **settings):
    """A compiled program and the first group of runs, in a box of three dimensions.

    `schedule` is the recipe's if it has an easier function.
    """
    settings = {
        "value_range": 4.0,
        "horizon": 100,
        "ftol": 0.0,
        "stall": None,
        "seed": 5,
    } | settings
    easy = None if schedule is None else easier_in_the_loop(schedule, box(), dtype)
    program = Program(recipe, lambda x, _: value_and_grad(f)(x), easy, xla=True)
    return program, make_group(recipe, box(), starts, rates, dtype, **settings)


def advance(program, group, *stops):
    """The state after running to each of the iterations `stops` in turn."""
    state = group.state
    for stop in stops:
        state = program.chunk(state, group.data, to_tensor(stop, "int32"))
    return state


def trajectory(f, recipe, start, rate, iterations, **settings):
    """Best value after each iteration (iterations,)."""
    with precision("float64"):
        program, group = build(f, recipe, [start], [rate], **settings)
        state, best = group.state, []
        for stop in range(1, iterations + 1):
            state = program.chunk(state, group.data, to_tensor(stop, "int32"))
            best.append(float(to_numpy(state.best_f)[0]))
    return np.array(best)


def heed_ctrl_c():
    """For a new process: one that is started from another in the background would ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
