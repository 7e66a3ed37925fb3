"""The threads of linear algebra: one for deepopt's own, for a black box those it had."""

import numpy as np
import pytest
import scipy.optimize
from keras import ops
from threadpoolctl import threadpool_info, threadpool_limits

import deepopt
from deepopt._support.threads import one_thread, threads_as_before

BEFORE = 3


def threads():
    return {
        library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"
    }


@pytest.fixture(autouse=True)
def _three_threads():
    with threadpool_limits(BEFORE, user_api="blas"):
        assert threads() == {BEFORE}
        yield
        assert threads() == {BEFORE}


def test_scopes_nest_and_end_with_an_exception():
    with one_thread():
        assert threads() == {1}
        with threads_as_before():
            assert threads() == {BEFORE}
            with one_thread():
                assert threads() == {1}
            assert threads() == {BEFORE}
        with one_thread():
            assert threads() == {1}
        assert threads() == {1}
    with pytest.raises(RuntimeError), one_thread(), threads_as_before():
        raise RuntimeError


@pytest.mark.parametrize("jac", [None, True])
def test_a_black_box_has_its_threads_and_scipy_one(jac, monkeypatch):
    seen, within = set(), set()
    search = scipy.optimize.minimize

    def f(x):
        assert type(x) is np.ndarray
        seen.update(threads())
        return (x @ x, 2 * x) if jac else x @ x

    def watched(*args, **kwargs):
        within.update(threads())
        return search(*args, **kwargs)

    monkeypatch.setattr(scipy.optimize, "minimize", watched)
    deepopt.minimize(f, bounds=[(-1, 2)] * 3, jac=jac, rng=0, options={"maxfev": 300})
    assert seen == {BEFORE}
    assert within == {1}


def test_the_polish_of_a_traced_function_takes_one_thread(monkeypatch):
    within = set()
    search = scipy.optimize.minimize

    def watched(*args, **kwargs):
        within.update(threads())
        return search(*args, **kwargs)

    monkeypatch.setattr(scipy.optimize, "minimize", watched)
    f = lambda x: ops.sum((x - 0.3) ** 2, axis=-1)  # noqa: E731
    deepopt.minimize(f, bounds=[(-1, 2)] * 3, rng=0, options={"maxfev": 300})
    assert within == {1}


def test_an_exception_of_f_leaves_the_threads_as_they_were():
    def f(x):
        if type(x) is not np.ndarray:
            raise TypeError("NumPy only")
        if x[0] < 0:
            raise ZeroDivisionError
        return float(x @ x)

    with pytest.raises(ZeroDivisionError):
        deepopt.minimize(f, bounds=[(-1, 2)] * 3, rng=0, options={"maxfev": 300})
    assert threads() == {BEFORE}
