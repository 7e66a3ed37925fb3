"""Ways of the stale battery: files by all the ways to read them, settings, chance, the process."""

from __future__ import annotations

import decimal
import os
import random
import tempfile
from decimal import Decimal
from pathlib import Path

import keras
import numpy as np
import scipy.io
from stale_ways import dented, way

VARIABLE = "WEIGHT_OF_A_DENT"


def reading(weight):
    """A function that asks for the weight of its dent whenever it is called."""
    return lambda x: dented(x, weight())


# Files


def write(path, weight):
    path.write_text(str(weight))


def file_way(name, save=write, **given):
    """Enter a way by a file, from what reads a number from its path."""

    def enter(read):
        @way(name, **given)
        def _():
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "weight.npy")
                f = reading(lambda: read(path))
                for weight in (1.0, 3.0):
                    save(path, weight)
                    yield f, weight

        return read

    return enter


@file_way("file, by open of its path")
def _(path):
    with path.open() as file:
        return float(file.read())


@file_way("file, by a path made from text")
def _(path):
    return float(Path(str(path)).read_bytes())


@file_way("file, its size", lambda path, weight: path.write_text("x" * int(weight)))
def _(path):
    return float(path.stat().st_size)


@file_way("file, by NumPy's memory map", np.save)
def _(path):
    return float(np.load(path, mmap_mode="r"))


@file_way("file, by NumPy's loadtxt", lambda path, weight: np.savetxt(path, [weight]))
def _(path):
    return float(np.loadtxt(path))


@file_way(
    "file, by SciPy's loadmat",
    lambda path, weight: scipy.io.savemat(path, {"w": weight}, appendmat=False),
)
def _(path):
    return float(scipy.io.loadmat(path, appendmat=False)["w"].item())


@file_way("file, by pandas", lambda path, weight: path.write_text(f"w\n{weight}\n"), needs="pandas")
def _(path):
    import pandas

    return float(pandas.read_csv(path)["w"].iloc[0])


@file_way("file, by TensorFlow's gfile", backend="tensorflow")
def _(path):
    import tensorflow as tf

    return float(tf.io.gfile.GFile(str(path)).read())


@way("file that stays open")
def _():
    with tempfile.TemporaryFile("w+") as file:
        file.write("1.0 3.0")
        file.flush()
        at = [0]

        def weight():
            file.seek(at[0])
            return float(file.read(3))

        yield reading(weight), 1.0
        at[0] = 4
        yield reading(weight), 3.0


# The process


@way("environment variable, by getenv")
def _():
    getenv = os.getenv
    f = reading(lambda: float(getenv(VARIABLE)))
    for weight in (1.0, 3.0):
        os.environ[VARIABLE] = str(weight)
        yield f, weight


@way("folder of the process")
def _():
    before = Path.cwd()
    f = reading(lambda: 1.0 if Path.cwd() == before else 3.0)
    yield f, 1.0
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield f, 3.0
        finally:
            os.chdir(before)


# Settings


@way("setting of Keras")
def _():
    before = keras.config.epsilon()
    f = reading(lambda: 1.0 if keras.config.epsilon() == before else 3.0)
    yield f, 1.0
    keras.config.set_epsilon(1e-3)
    try:
        yield f, 3.0
    finally:
        keras.config.set_epsilon(before)


@way("setting of NumPy")
def _():
    with np.printoptions(precision=8):
        f = reading(lambda: 1.0 if np.get_printoptions()["precision"] == 8 else 3.0)
        yield f, 1.0
        np.set_printoptions(precision=9)
        yield f, 3.0


@way("context of decimals")
def _():
    with decimal.localcontext() as context:
        f = reading(lambda: 1.0 if Decimal(2) / Decimal(3) == Decimal("0.67") else 3.0)
        context.prec = 2
        yield f, 1.0
        context.prec = 3
        yield f, 3.0


# Chance


@way("the state of the module random")
def _():
    def drawn():
        before = random.getstate()
        number = random.random()
        random.setstate(before)
        return 1.0 if number < 0.5 else 3.0

    light = [random.Random(seed).random() < 0.5 for seed in range(20)]
    random.seed(light.index(True))
    yield reading(drawn), 1.0
    random.seed(light.index(False))
    yield reading(drawn), 3.0


@way("seed generator of Keras")
def _():
    seeds = keras.random.SeedGenerator(1)
    f = reading(lambda: keras.ops.cast(seeds.state.value, "float64")[:1])
    yield f, 1.0
    seeds.state.assign(np.array([3, 0], "uint32"))
    yield f, 3.0
