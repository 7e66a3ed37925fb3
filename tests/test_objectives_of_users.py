"""Functions as their authors write them: gradients that are wrong, slow ones, large ones."""

import functools
import multiprocessing
import os
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.optimize
from scipy.optimize import rosen, rosen_der

import deepopt
from deepopt import GaussianSmoothing

BOX = [(-2.0, 2.0)] * 3
FEW = {"maxiter": 3, "n_starts": 3, "learning_rate": 0.01}


def solve(f=rosen, method="gd", options=FEW, **more):
    return deepopt.minimize(f, **{"bounds": BOX, "rng": 0} | more, method=method, options=options)


def same(one, other):
    np.testing.assert_array_equal(one.x, other.x)
    np.testing.assert_array_equal(one.population, other.population)
    assert (one.fun, one.nfev, one.njev) == (other.fun, other.nfev, other.njev)


# Workers


def where(x):
    """A function that tells by whom it is called."""
    return rosen(x) + 0.0 * os.getpid()


@pytest.mark.parametrize(
    "method", ["homotopy", *(pytest.param(name, marks=pytest.mark.slow) for name in ("gd", "deep"))]
)
def test_workers_change_no_result(method):
    options = {"maxiter": 4, "maxfev": 300}
    alone = solve(method=method, options=options)
    same(solve(method=method, options=options, workers=2), alone)
    with ThreadPoolExecutor(2) as pool:
        same(solve(method=method, options=options, workers=pool.map), alone)
    same(solve(method=method, options=options | {"workers": map}), alone)


def test_workers_are_other_processes_and_take_lambdas_and_gradients():
    mine = os.getpid()
    f = lambda x: np.sum(x**2) + (1e3 if os.getpid() == mine else 0.0)  # noqa: E731
    found = solve(f, jac=lambda x: 2 * x, options=FEW | {"maxfev": 50}, workers=2)
    assert found.fun < 100
    both = lambda x, a: (np.sum(x**2) + a, 2 * x)  # noqa: E731
    assert solve(both, jac=True, args=(5.0,), workers=2).fun > 5.0


def test_a_map_of_processes_does_all_the_calls():
    """Of the standard library's pool too, whose pickle knows functions by name alone."""
    begun = []

    def watched(function, points):
        begun.append(len(points))
        return pool.map(function, points)

    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found = solve(rosen, options=FEW | {"maxfev": 60}, workers=watched)
    same(found, solve(rosen, options=FEW | {"maxfev": 60}))
    assert sum(begun) >= found.nfev - 10  # that tell what kind of function it is


def test_two_workers_take_half_the_time():
    """Of a function that waits, as one does for a simulator."""

    def slow(x):
        time.sleep(0.02)
        return rosen(x)

    def took(workers):
        begun = time.perf_counter()
        solve(slow, jac="2-point", options=FEW | {"n_starts": 12}, workers=workers)
        return time.perf_counter() - begun

    with ThreadPoolExecutor(4) as pool:
        took(1)  # compiles
        assert took(pool.map) < 0.6 * took(1)


def test_a_time_limit_is_kept_by_workers():
    def slow(x):
        time.sleep(0.05)
        return rosen(x)

    with ThreadPoolExecutor(2) as pool:
        begun = time.perf_counter()
        result = solve(slow, options={"maxtime": 1.0}, workers=pool.map)
    assert result.status == 3
    assert time.perf_counter() - begun < 1.5


def broken(x):
    if x[0] > 0:
        raise LookupError("of the user")
    return rosen(x)


def test_exceptions_of_workers_arrive_as_raised():
    for workers in (2, map):
        with pytest.raises(LookupError, match="of the user"):
            solve(broken, workers=workers)


def test_what_cannot_be_sent_to_workers_is_said():
    lock = threading.Lock()

    def f(x):
        with lock:
            return rosen(x)

    with pytest.raises(TypeError, match=r"other processes can be sent, .* cannot pickle"):
        solve(f, workers=2)


@pytest.mark.parametrize(
    ("workers", "kind", "sentence"),
    [
        (0, ValueError, "workers must be a whole number >= 1, or -1 for all cores, got 0"),
        (-2, ValueError, "workers must be at least -1 and at most 1000, got -2"),
        (1.5, TypeError, "workers must be a whole number, got 1.5"),
        ("all", TypeError, "workers must be a whole number, got 'all'"),
    ],
)
def test_workers_that_are_none(workers, kind, sentence):
    for given in ({"workers": workers}, {"options": {"workers": workers}}):
        with pytest.raises(kind, match=sentence):
            solve(**given)


# Gradients


@pytest.mark.parametrize(
    "wrong",
    [
        lambda x: -rosen_der(x),
        lambda x: 0.5 * rosen_der(x),
        lambda x: rosen_der(x)[::-1],
        lambda x: np.zeros(3),
    ],
)
@pytest.mark.parametrize("form", ["callable", "pair"])
def test_a_wrong_gradient_is_noticed(wrong, form):
    f, jac = (rosen, wrong) if form == "callable" else (lambda x: (rosen(x), wrong(x)), True)
    with pytest.warns(RuntimeWarning, match=r"jac is not the gradient of fun: .* slope is"):
        solve(f, jac=jac)


@pytest.mark.parametrize(
    ("f", "jac"),
    [
        (rosen, rosen_der),
        (lambda x: np.abs(x).sum(), np.sign),
        (lambda x: 1e12 + np.sum(x), lambda x: np.ones(3)),
        (lambda x: 1e-200 * np.sum(x**2), lambda x: 2e-200 * x),
        (lambda x: 3.0, lambda x: np.zeros(3)),
        (lambda x: np.nan, lambda x: np.full(3, np.nan)),
        (lambda x: np.sum(x**2) + 1e-7 * np.random.default_rng(0).normal(), lambda x: 2 * x),
    ],
)
def test_a_sound_gradient_is_not_blamed(f, jac):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        solve(f, jac=jac)


# Memory


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("gd", {"n_starts": 10**12}),
        ("deep", {"n_embeddings": 10**12}),
        ("homotopy", {"n_starts": 10**12}),
        ("homotopy", {"n_paths": 10**12}),
        ("homotopy", {"schedule": GaussianSmoothing(n_samples=10**12)}),
    ],
)
def test_too_much_memory_is_said_before_it_is_taken(method, options):
    sentence = (
        r"points of 3 variables need at least [\d,.]+ GiB of memory, [\d.]+ GiB are free; lower n_"
    )
    begun = time.perf_counter()
    with pytest.raises(MemoryError, match=sentence):
        solve(deepopt.problems.ackley.with_dim(3), method, options, bounds=None)
    assert time.perf_counter() - begun < 20


# Forms


def partial_form(a, x):
    return np.sum((x - a) ** 2)


class Callable:
    def __call__(self, x):
        return float(x @ x)

    def method(self, x):
        return float(x @ x) + 1.0


@pytest.mark.parametrize(
    "f",
    [
        functools.partial(partial_form, 0.5), Callable(), Callable().method, np.linalg.norm,
        np.ufunc.reduce.__get__(np.add), scipy.optimize.rosen,
    ],
    ids=["partial", "object", "method", "numpy", "ufunc", "scipy"],
)  # fmt: skip
def test_callables_of_every_form(f):
    result = solve(f, jac="3-point")
    assert result.fun == f(result.x)
