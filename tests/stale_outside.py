"""Ways in which the world around a function changes: files, variables, settings, chance."""

import contextvars
import copy
import decimal
import functools
import os
import random
import tempfile
import threading
from decimal import Decimal
from os import environ
from pathlib import Path

import keras
import numpy as np
import scipy.io
from stale_cases import NEW, OLD, read_then, way

VARIABLE = "PLACE_OF_THE_DENT"
LOCAL = threading.local()
CONTEXT = contextvars.ContextVar("place", default=OLD)
DRAWS = np.random.default_rng(0)
LOW = 0.5  # of a number in [0, 1): below it the dent is at OLD


def where(number):
    return OLD if number < LOW else NEW


# Files


def file_way(name, save):
    """A way by a file, from a function that reads a number from a path."""

    def enter(read):
        @functools.wraps(read)
        def calls():
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, name)
                save(path, OLD)
                yield from read_then(lambda: read(path), save, path, NEW)

        return way(calls)

    return enter


def write(path, w):
    path.write_text(str(w))


@file_way("w.npy", np.save)
def a_file_read_by_numpy_load(path):
    return np.load(path)


@file_way("w.npy", np.save)
def a_file_mapped_into_memory(path):
    return float(np.load(path, mmap_mode="r"))


@file_way("w.txt", lambda path, w: np.savetxt(path, [w]))
def a_file_read_by_loadtxt(path):
    return float(np.loadtxt(path))


@file_way("w.txt", write)
def a_file_that_is_opened(path):
    with open(path) as file:  # noqa: PTH123
        return float(file.read())


@file_way("w.txt", write)
def a_file_read_by_its_path(path):
    return float(path.read_text())


@file_way("w.txt", write)
def a_file_opened_by_its_path(path):
    with path.open() as file:
        return float(file.read())


@file_way("w.txt", write)
def a_file_whose_path_is_made_from_a_text(path):
    return float(Path(str(path)).read_text())


@file_way("w.txt", lambda path, w: path.write_text("x" * int(10 * w)))
def the_size_of_a_file(path):
    return path.stat().st_size / 10


@file_way("w.mat", lambda path, w: scipy.io.savemat(path, {"w": w}))
def a_file_read_by_scipy(path):
    return float(scipy.io.loadmat(path)["w"].item())


@file_way("w.csv", lambda path, w: path.write_text(f"w\n{w}\n"))
def a_file_read_by_pandas(path):
    import pandas

    return float(pandas.read_csv(path)["w"].iloc[0])


@way
def an_open_file():
    with tempfile.TemporaryFile("w+") as file:
        file.write(f"{OLD} {NEW}")
        position = [0]

        def read():
            file.seek(position[0])
            return float(file.read(3))

        yield from read_then(read, position.__setitem__, 0, 4)


# Of the process, the thread, the context


@way
def a_variable_of_the_environment():
    os.environ[VARIABLE] = str(OLD)
    yield from read_then(
        lambda: float(os.environ[VARIABLE]), os.environ.__setitem__, VARIABLE, str(NEW)
    )


@way
def a_variable_of_the_environment_by_another_name():
    environ[VARIABLE] = str(OLD)
    yield from read_then(
        lambda: float(environ.get(VARIABLE, "0")), environ.__setitem__, VARIABLE, str(NEW)
    )


@way
def a_variable_of_the_environment_by_getenv():
    os.environ[VARIABLE] = str(OLD)
    getenv = os.getenv
    yield from read_then(lambda: float(getenv(VARIABLE)), environ.__setitem__, VARIABLE, str(NEW))


@way
def a_context_variable():
    token = CONTEXT.set(OLD)
    yield from read_then(CONTEXT.get, CONTEXT.set, NEW)
    CONTEXT.reset(token)


@way
def a_variable_of_the_thread():
    LOCAL.w = OLD
    yield from read_then(lambda: LOCAL.w, setattr, LOCAL, "w", NEW)


@way
def the_folder_of_the_process():
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        try:
            yield from read_then(lambda: NEW if Path.cwd() != before else OLD, os.chdir, folder)
        finally:
            os.chdir(before)


# Settings of libraries


@way
def a_setting_of_keras():
    before = keras.config.epsilon()
    f = read_then(
        lambda: OLD if keras.config.epsilon() < 1e-4 else NEW, keras.config.set_epsilon, 1e-3
    )
    try:
        yield from f
    finally:
        keras.config.set_epsilon(before)


@way
def a_setting_of_numpy():
    with np.printoptions(precision=4):
        yield from read_then(
            lambda: OLD if np.get_printoptions()["precision"] == 4 else NEW,
            lambda: np.set_printoptions(precision=5),
        )


@way
def the_context_of_decimals():
    with decimal.localcontext() as context:
        third = Decimal(OLD) / Decimal(3) * 0  # 0, in any context
        context.prec = 2
        f = read_then(
            lambda: OLD if Decimal(2) / Decimal(3) + third == Decimal("0.67") else NEW,
            setattr, context, "prec", 3,
        )  # fmt: skip
        yield from f


# Chance


def seed_of(draws, low):
    """The first seed after which a draw is low, or is not."""
    return next(seed for seed in range(100) if (draws(seed) < LOW) == low)


@way
def the_state_of_a_generator():
    draws = np.random.default_rng(0)
    seeds = [seed_of(lambda seed: np.random.default_rng(seed).random(), low) for low in (1, 0)]
    states = [np.random.default_rng(seed).bit_generator.state for seed in seeds]
    draws.bit_generator.state = states[0]
    yield from read_then(
        lambda: where(copy.deepcopy(draws).random()),
        lambda: setattr(draws.bit_generator, "state", states[1]),
    )


@way
def the_global_state_of_numpy():
    def drawn():
        before = np.random.get_state()  # noqa: NPY002
        number = np.random.rand()  # noqa: NPY002
        np.random.set_state(before)  # noqa: NPY002
        return where(number)

    old, new = (seed_of(lambda s: np.random.RandomState(s).rand(), low) for low in (1, 0))
    np.random.seed(old)  # noqa: NPY002
    yield from read_then(drawn, np.random.seed, new)


@way
def the_state_of_the_module_random():
    def drawn():
        before = random.getstate()
        number = random.random()
        random.setstate(before)
        return where(number)

    old, new = (seed_of(lambda s: random.Random(s).random(), low) for low in (1, 0))
    random.seed(old)
    yield from read_then(drawn, random.seed, new)


@way
def the_state_of_a_seed_generator_of_keras():
    seeds = keras.random.SeedGenerator(1)

    def change():
        seeds.state.assign([2, 0])

    yield from read_then(
        lambda: where(float(np.asarray(keras.ops.convert_to_numpy(seeds.state))[0]) / 4), change
    )
