"""Functions that are made anew in every round of a loop, and what they leave behind."""

import collections
import functools
import os
import subprocess
import sys
import threading
import time
import types

import keras
import numpy as np
import pytest
from keras import ops

import deepopt
from deepopt._objective.fingerprints import fingerprint

POWER, TABLE, CENTRE, CALLS = 2.0, np.ones(3), 0.0, 0
GROWTH = 6.0  # MiB that a new function may leave behind, as docs/trust.md says


def helper(x):
    return x**2


def with_number(number):
    return lambda x: number * ops.sum(helper(x), axis=-1)


def with_array(array):
    return lambda x: ops.sum((x - array) ** 2, axis=-1)


def recursive():
    def down(x, depth=2):
        return down(x, depth - 1) if depth else x

    return down


def of_table(x):
    return ops.sum(TABLE * x, axis=-1) ** POWER


class Settings:
    centre = 1.0


def of_settings(settings):
    return lambda x: ops.sum((x - settings.centre) ** 2, axis=-1)


def counting(x):
    global CALLS
    CALLS += 1
    return ops.sum(x**2, axis=-1)


def copied(function):
    return types.FunctionType(function.__code__, function.__globals__)


def test_functions_of_the_same_code_that_hold_the_same_are_one():
    assert with_number(2.0) is not with_number(2.0)
    for first, second in (
        (with_number(2.0), with_number(2.0)), (with_array(np.zeros(3)), with_array(np.zeros(3))),
        (recursive(), recursive()), (functools.partial(pow, exp=2), functools.partial(pow, exp=2)),
        (of_table, copied(of_table)), (of_settings(Settings()), of_settings(Settings())),
        (of_settings([1.0]), of_settings([1.0])),
    ):  # fmt: skip
        assert fingerprint(first) is not None
        assert fingerprint(first) == fingerprint(second)
        assert hash(fingerprint(first)) == hash(fingerprint(second))
    for first, second in (
        (with_number(2.0), with_number(3.0)), (with_number(1.0), with_number(True)),
        (with_number(0.0), with_number(-0.0)), (with_array(np.zeros(3)), with_array(np.ones(3))),
        (with_array(np.zeros(3)), with_array(np.zeros(3, "float32"))),
        (with_array(np.zeros((2, 3))), with_array(np.zeros((3, 2)))),
        (with_number(2.0), with_array(2.0)),
        (functools.partial(pow, exp=2), functools.partial(pow, exp=3)),
        (lambda x: x, lambda x: -x),
    ):  # fmt: skip
        assert fingerprint(first) != fingerprint(second)


def held_by(value):
    return lambda x: ops.sum(x) * len(str(value))


class Slotted:
    __slots__ = ("weight",)

    def __init__(self):
        self.weight = 1.0


class Derived(Settings):
    def __init__(self):
        self.inner = Settings()


def inner_centre(value):
    value.inner.centre = 3.0


CHANGES = {
    "attribute": (Settings, lambda v: setattr(v, "centre", 2.0)),
    "attribute of an attribute": (Derived, inner_centre),
    "slot": (Slotted, lambda v: setattr(v, "weight", 2.0)),
    "list": (lambda: [1.0, [2.0]], lambda v: v[1].append(3.0)),
    "long list": (lambda: [0.0] * 100, lambda v: v.__setitem__(50, 1.0)),
    "dict": (lambda: {"a": [1.0]}, lambda v: v["a"].append(1.0)),
    "set": (lambda: {1, 2}, lambda v: v.add(3)),
    "array": (lambda: np.zeros(10**6), lambda v: v.__setitem__(777_777, 1e-300)),
    "view": (lambda: np.zeros(10)[::2], lambda v: v.base.__setitem__(4, 1.0)),
    "array of objects": (
        lambda: np.array([[1.0], None], dtype=object), lambda v: v[0].append(2.0)
    ),
    "generator": (lambda: np.random.default_rng(0), lambda v: v.random()),
    "deque": (lambda: collections.deque([1.0], 3), lambda v: v.append(2.0)),
    "namespace": (lambda: types.SimpleNamespace(a=1), lambda v: setattr(v, "a", 2)),
    "variable": (lambda: VARIABLE, lambda v: v.assign(v + 1.0)),
}  # fmt: skip
VARIABLE = keras.Variable(np.zeros(3))


@pytest.mark.backends
@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_what_is_held_is_seen(name):
    make, how = CHANGES[name]
    value = make()
    before = fingerprint(held_by(value))
    assert before is not None
    assert before == fingerprint(held_by(make()))
    how(value)
    assert before != fingerprint(held_by(value))


@functools.lru_cache
def cached(x):
    return x * CENTRE


def opaque():
    lock = threading.Lock()
    rows = iter([1.0, 2.0])
    yield "iterator", lambda x: x * next(rows)
    yield "lock", lambda x: x * lock.locked()
    yield "cached", lambda x: x * cached(2.0)
    yield "clock", lambda x: x * time.time()
    yield "environment", lambda x: x * len(os.environ["HOME"])
    yield "file", lambda x: x * len(open(__file__).read())  # noqa: SIM115, PTH123
    yield "eval", lambda x: eval("x * CENTRE")
    yield "chance", lambda x: x * np.random.random()  # noqa: NPY002


@pytest.mark.parametrize(("name", "f"), list(opaque()))
def test_what_cannot_be_compared_is_opaque(name, f):
    first, second = fingerprint(f), fingerprint(f)
    if name in ("chance",) and first is not None:  # by its state
        np.random.random()  # noqa: NPY002
        assert fingerprint(f) != first
    else:
        assert first is None
        assert second is None


def test_what_a_function_reads_from_its_module_counts(monkeypatch):
    before = fingerprint(of_table)
    monkeypatch.setitem(globals(), "POWER", 3.0)
    changed = fingerprint(of_table)
    assert changed != before
    monkeypatch.setitem(globals(), "TABLE", np.zeros(3))
    assert fingerprint(of_table) not in (before, changed)
    before = fingerprint(with_number(2.0))
    monkeypatch.setitem(globals(), "helper", lambda x: x**4)
    assert fingerprint(with_number(2.0)) != before


@pytest.mark.backends
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_keras_models_are_compared_by_content():
    layers = keras.layers
    model = keras.Sequential([keras.Input((3,)), layers.Dense(4, "tanh"), layers.Dense(1)])
    f = lambda x: model(x)  # noqa: E731
    f(np.zeros((1, 3)))
    before, loose = fingerprint(f), fingerprint(f, loose=model.weights)
    assert before is not None
    assert before == fingerprint(f)
    model.compile(loss="mse", optimizer="sgd")
    assert before == fingerprint(f)
    model.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0)
    trained = fingerprint(f)
    assert trained is not None
    assert trained != before
    if keras.config.backend() != "torch":  # whose modules note that they were trained
        assert loose == fingerprint(f, loose=model.weights)
    model.layers[0].activation = keras.activations.relu
    assert fingerprint(f) not in (before, trained)
    assert loose != fingerprint(f, loose=model.weights)


def test_large_arrays_are_compared_soon():
    large = np.random.default_rng(0).random(100 * 2**17)  # 100 MiB
    f = lambda x: x * large[0]  # noqa: E731
    fingerprint(f)
    begun = time.perf_counter()
    fingerprint(f)
    assert time.perf_counter() - begun < 0.5


def test_many_functions_that_call_each_other_are_looked_at_once_each():
    source = "\n".join(f"def f{n}(x): return f{n + 1}(x) + f{n + 2}(x)" for n in range(60))
    made = {"f60": helper, "f61": helper}
    exec(source, made)
    begun = time.perf_counter()
    assert fingerprint(made["f0"]) == fingerprint(made["f0"])
    assert time.perf_counter() - begun < 1.0


def wells(k):
    return lambda x: (
        0.01 * ops.sum(x**2, axis=-1) - 10 * ops.relu(1 - ops.sum((x - CENTRE * k) ** 2, -1) / 2)
    )


def test_a_change_that_no_probe_sees_is_seen(monkeypatch):
    for centre in (1.5, 2.0, -3.5):
        monkeypatch.setitem(globals(), "CENTRE", centre)
        result = deepopt.minimize(
            wells(1.0), [centre] * 2, bounds=[(-5, 5)] * 2, method="gd", rng=0,
            options={"maxiter": 200, "n_starts": 2, "learning_rate": 0.03},
        )  # fmt: skip
        assert np.linalg.norm(result.x - centre) < 0.2


@pytest.mark.backends
def test_a_new_lambda_in_every_round_is_compiled_once(monkeypatch):
    from deepopt._engine.loop import Program

    made = []
    real = Program.__init__
    monkeypatch.setattr(
        Program, "__init__", lambda self, *a, **k: (made.append(1), real(self, *a, **k))[1]
    )
    options = {"maxiter": 5, "n_starts": 2, "learning_rate": 0.1}

    def call(centre):
        return deepopt.minimize(
            lambda x: ops.sum((x - centre) ** 2, axis=-1), bounds=[(-1, 1)] * 3, method="gd",
            options=options, rng=0,
        )  # fmt: skip

    first = call(0.5)
    assert len(made) == 1
    assert all(call(0.5).fun == first.fun for _ in range(5))
    assert len(made) == 1
    assert call(-0.5).fun != first.fun
    assert len(made) == 2


MANY = """
import gc, psutil
from keras import ops
import deepopt

def call(number):
    deepopt.minimize(lambda x: ops.sum(x**2, axis=-1) + number, bounds=[(-1, 1)] * 3,
                     method="gd", options={"maxiter": 3, "n_starts": 2, "learning_rate": 0.1})

def memory():
    gc.collect()
    return psutil.Process().memory_info().rss / 2**20

for number in range(40):
    call(number)
before = memory()
for number in range(40, 80):
    call(number)
print((memory() - before) / 40)
"""


@pytest.mark.slow
def test_new_functions_leave_no_more_behind_than_is_said():
    done = subprocess.run(
        [sys.executable, "-c", MANY], capture_output=True, text=True, check=True,
        env=os.environ | {"KERAS_BACKEND": keras.config.backend()},
    )  # fmt: skip
    assert float(done.stdout) < GROWTH
