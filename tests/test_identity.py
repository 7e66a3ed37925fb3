"""Functions that are made anew in every round of a loop, and what they leave behind."""

import functools
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

import deepopt
from deepopt._identity import identity

POWER, TABLE = 2.0, np.ones(3)
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
    return ops.sum(TABLE * x, axis=-1)


def test_functions_of_the_same_code_that_hold_the_same_are_one():
    one, other = np.zeros(3), np.zeros(3)
    assert with_number(2.0) is not with_number(2.0)
    for first, second in (
        (with_number(2.0), with_number(2.0)), (with_array(one), with_array(one)),
        (recursive(), recursive()), (functools.partial(pow, exp=2), functools.partial(pow, exp=2)),
    ):  # fmt: skip
        assert identity(first) == identity(second)
        assert hash(identity(first)) == hash(identity(second))
    for first, second in (
        (with_number(2.0), with_number(3.0)), (with_number(1.0), with_number(True)),
        (with_array(one), with_array(other)), (with_number(2.0), with_array(2.0)),
        (functools.partial(pow, exp=2), functools.partial(pow, exp=3)),
        (lambda x: x, lambda x: -x),
    ):  # fmt: skip
        assert identity(first) != identity(second)


def test_what_a_function_calls_counts_and_numbers_of_its_module_do_not(monkeypatch):
    f = with_number(2.0)
    before = identity(f)
    monkeypatch.setitem(globals(), "POWER", 3.0)
    assert identity(with_number(2.0)) == before
    monkeypatch.setitem(globals(), "helper", lambda x: x**4)
    assert identity(with_number(2.0)) != before
    before = identity(of_table)
    monkeypatch.setitem(globals(), "TABLE", np.ones(3))
    assert identity(of_table) != before


def test_a_function_with_attributes_is_itself():
    first, second = with_number(2.0), with_number(2.0)
    first.penalty = second.penalty = 1.0
    assert identity(first) == identity(first)
    assert identity(first) != identity(second)


def test_what_a_key_holds_stays_alive():
    keys = {identity(with_array(np.full(3, float(number)))) for number in range(50)}
    assert len(keys) == 50  # no array took the place, and the id, of another


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
