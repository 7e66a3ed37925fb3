"""Functions that are made anew in every round of a loop, and what they leave behind."""

import functools
import os
import subprocess
import sys
import time
import types

import keras
import numpy as np
import pytest
from deepopt._identity import identity
from keras import ops

import deepopt

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
        (of_table, copied(of_table)),
    ):  # fmt: skip
        assert identity(first) == identity(second)
        assert hash(identity(first)) == hash(identity(second))
    for first, second in (
        (with_number(2.0), with_number(3.0)), (with_number(1.0), with_number(True)),
        (with_number(0.0), with_number(-0.0)), (with_array(np.zeros(3)), with_array(np.ones(3))),
        (with_array(np.zeros(3)), with_array(np.zeros(3, "float32"))),
        (with_number(2.0), with_array(2.0)),
        (functools.partial(pow, exp=2), functools.partial(pow, exp=3)),
        (lambda x: x, lambda x: -x),
    ):  # fmt: skip
        assert identity(first) != identity(second)


@pytest.mark.parametrize(
    "held", [Settings(), [1.0], {"a": 1.0}, np.zeros(10**6 + 1), np.ma.zeros(3), Settings]
)
def test_a_function_of_what_may_change_behind_its_back_is_itself(held):
    first, second = of_settings(held), of_settings(held)
    assert identity(first) == identity(first)
    assert identity(first) != identity(second)


def test_what_a_function_reads_from_its_module_counts(monkeypatch):
    before = identity(of_table)
    monkeypatch.setitem(globals(), "POWER", 3.0)
    changed = identity(of_table)
    assert changed != before
    monkeypatch.setitem(globals(), "TABLE", np.zeros(3))
    assert identity(of_table) not in (before, changed)
    before = identity(with_number(2.0))
    monkeypatch.setitem(globals(), "helper", lambda x: x**4)
    assert identity(with_number(2.0)) != before


def test_a_function_that_counts_its_calls_is_itself():
    assert identity(counting) == identity(counting)
    assert identity(counting) != identity(copied(counting))


def test_many_functions_that_call_each_other_are_looked_at_once_each():
    source = "\n".join(f"def f{n}(x): return f{n + 1}(x) + f{n + 2}(x)" for n in range(60))
    made = {"f60": helper, "f61": helper}
    exec(source, made)
    begun = time.perf_counter()
    assert identity(made["f0"]) == identity(made["f0"])
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


def test_a_function_with_attributes_is_itself():
    first, second = with_number(2.0), with_number(2.0)
    first.penalty = second.penalty = 1.0
    assert identity(first) == identity(first)
    assert identity(first) != identity(second)


@pytest.mark.backends
def test_a_new_lambda_in_every_round_is_compiled_once(monkeypatch):
    from deepopt._loop import Program

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
