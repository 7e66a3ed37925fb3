"""What a caller of `scipy.optimize.minimize` takes for granted of a bounded minimizer.

Objectives are NumPy functions, mostly with a gradient, so that nothing is compiled anew. Where a
claim is about f, x0, bounds or the result, it is made of every method.
"""

import collections
import copy
import dataclasses
import datetime
import decimal
import fractions
import functools
import inspect
import json
import pickle
import random
import threading
import time
import types
import warnings

import keras
import numpy as np
import pytest
import scipy.optimize
from keras import ops
from scipy.optimize import Bounds, LinearConstraint, NonlinearConstraint, OptimizeWarning

import deepopt
from deepopt import Adam, Direct, Recipe

OPTIONS = {
    "homotopy": {"maxiter": 8},
    "gd": {"maxiter": 8, "n_starts": 2, "learning_rate": 0.1, "polish": True},
    "deep": {"maxiter": 8, "n_embeddings": 2, "learning_rate": 0.1, "polish": True},
}
BOX = [(-2.0, 2.0)] * 3
X0 = [1.0, -0.5, 0.5]
MODES = ["callable", "pair", "2-point", "3-point", "cs"]
LONGEST = 250  # characters of a refusal

every_method = pytest.mark.parametrize("method", OPTIONS)
every_mode = pytest.mark.parametrize("mode", MODES)


def bowl(x):
    return np.sum((x - 0.3) ** 2)


def slope(x):
    return 2 * (x - 0.3)


def solve(f=bowl, method="homotopy", options=(), **given):
    given = {"x0": X0, "bounds": BOX, "jac": slope, "rng": 0} | given
    return deepopt.minimize(f, method=method, options=OPTIONS[method] | dict(options), **given)


@functools.cache
def known(method="homotopy"):
    """The call to which others are compared."""
    return solve(method=method)


def within_scipy(f=bowl, method="homotopy", options=(), **given):
    given = {"x0": X0, "bounds": BOX, "jac": slope} | given
    options = OPTIONS[method] | {"rng": 0} | dict(options)
    return scipy.optimize.minimize(f, method=deepopt.scipy_method(method), options=options, **given)


def same(one, other):
    np.testing.assert_array_equal(one.x, other.x)
    np.testing.assert_array_equal(one.population, other.population)
    assert (one.fun, one.nfev, one.njev) == (other.fun, other.nfev, other.njev)
    assert (one.status, one.nit) == (other.status, other.nit)


def refused(kind, **given):
    """What a call that is refused in one sentence says."""
    with pytest.raises(kind) as caught:
        solve(**given)
    assert type(caught.value) in (TypeError, ValueError)
    sentence = str(caught.value)
    assert len(sentence) < LONGEST
    assert "\n" not in sentence
    return sentence


class Seen:
    """f, and all that it was asked: the points as they came, and copies of them."""

    def __init__(self, f=bowl):
        self.f, self.points, self.copies = f, [], []

    def __call__(self, x, *args):
        self.points.append(x)
        self.copies.append(np.array(x))
        return self.f(x, *args)


def by_mode(mode, f=bowl, gradient=slope):
    """fun and jac of a call that has its gradient in this way."""
    if mode == "pair":
        return (lambda x, *args: (f(x, *args), gradient(x, *args))), True
    return f, gradient if mode == "callable" else mode


# The call itself


def test_the_signature_begins_as_scipys():
    own, scipys = (
        list(inspect.signature(f).parameters.values())
        for f in (deepopt.minimize, scipy.optimize.minimize)
    )
    assert [p.name for p in own[: len(scipys)]] == [p.name for p in scipys]
    for one, other in zip(own[2:], scipys[2:], strict=False):
        assert one.default == other.default, one.name
    assert {p.kind for p in own[len(scipys) :]} == {inspect.Parameter.KEYWORD_ONLY}


def test_every_argument_of_scipy_may_be_given_by_position():
    seen = []
    options = OPTIONS["homotopy"]
    result = deepopt.minimize(
        lambda x, a: bowl(x) + a, X0, (2.0,), "Homotopy", lambda x, a: slope(x), None, None, BOX,
        (), 1e-3, seen.append, options, rng=0,
    )  # fmt: skip
    assert result.fun == pytest.approx(2.0)
    assert seen
    assert options == {"maxiter": 8}


@every_method
def test_what_the_caller_gave_is_left_as_it_was(method):
    x0, shift = np.array(X0), np.full(3, 0.3)
    bounds, options = np.array(BOX), OPTIONS[method] | {"scale": 1.0, "workers": 1}
    args, f = (shift,), lambda x, a: np.sum((x - a) ** 2)
    before = copy.deepcopy((x0, args, bounds, options))
    deepopt.minimize(
        f, x0, args, method, lambda x, a: 2 * (x - a), bounds=bounds, options=options, rng=0
    )
    np.testing.assert_equal((x0, args, bounds, options), before)
    box = Bounds(np.full(3, -2.0), np.full(3, 2.0))
    solve(method=method, bounds=box)
    np.testing.assert_equal((box.lb, box.ub), (np.full(3, -2.0), np.full(3, 2.0)))


@every_method
@pytest.mark.parametrize("ends", ["well", "with an exception"])
def test_global_states_are_left_as_they_were(method, ends):
    np.random.seed(5)  # noqa: NPY002
    random.seed(5)

    def states():
        drawn = np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
        return drawn, np.geterr(), list(warnings.filters), keras.config.floatx()

    calls, before = [], states()

    def f(x):
        calls.append(x)
        if ends != "well" and len(calls) == 40:
            raise LookupError
        return bowl(x)

    try:
        solve(f, method, {"dtype": "float32"}, rng=None)
    except LookupError:
        assert ends != "well"
    assert states() == before


@every_method
def test_nothing_is_printed_unless_asked(method, capfd):
    for disp in (False, 0, np.False_):
        solve(method=method, options={"disp": disp})
    assert capfd.readouterr() == ("", "")
    for disp in (1, 2, np.True_):
        solve(method=method, options={"disp": disp})
        assert capfd.readouterr().out.startswith("f = ")


# x0

FORMS_OF_X0 = {
    "tuple": (1, -1, 0), "int8": np.int8([1, -1, 0]), "float32": np.float32([1, -1, 0]),
    "longdouble": np.longdouble([1, -1, 0]), "backwards": np.array([0.0, -1.0, 1.0])[::-1],
    "strided": np.array([1.0, 9.0, -1.0, 9.0, 0.0])[::2], "row": np.array([[1.0, -1.0, 0.0]]),
    "column": np.array([[1.0], [-1.0], [0.0]]), "big-endian": np.array([1, -1, 0], ">f8"),
    "objects": np.array([1, -1.0, False], dtype=object),
    "fractions": [fractions.Fraction(1), decimal.Decimal(-1), 0],
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS_OF_X0)
def test_x0_in_another_form_is_the_same_x0(form):
    same(solve(x0=FORMS_OF_X0[form]), solve(x0=[1.0, -1.0, 0.0]))


def test_x0_of_booleans_is_zeros_and_ones():
    same(solve(x0=np.array([True, False, True])), solve(x0=[1.0, 0.0, 1.0]))


@pytest.mark.parametrize("x0", [0.5, 1, np.float32(0.5), np.array(0.5), [0.5], [[0.5]]])
@pytest.mark.parametrize("bounds", [None, [(-2, 2)], Bounds(-2, 2)])
def test_one_number_is_a_vector_of_one(x0, bounds):
    f = Seen()
    result = solve(f, x0=x0, bounds=bounds)
    assert result.x.shape == (1,)
    assert {x.shape for x in f.points} == {(1,)}
    assert result.x[0] == pytest.approx(0.3)


@every_method
def test_f_is_asked_at_x0_to_the_last_bit(method):
    """So that a value at x0 alone is not lost."""
    f = Seen()
    result = solve(f, method, x0=[0.3] * 3)
    assert (np.array(f.copies) == 0.3).all(axis=1).any()
    assert result.fun == 0.0


@pytest.mark.parametrize(
    "x0",
    [
        [[1, 2], [3]], (i for i in X0), {1.0, 0.5, 0.2}, [1 + 0j, 0, 0], {"x": 1}, object(),
        [np.nan, 0, 0], [0, -np.inf, 0], [None, 0, 0], [0, 0], np.zeros(4), [],
    ],
)  # fmt: skip
def test_x0_that_is_no_point_is_refused_before_f_is_called(x0):
    f = Seen()
    assert refused((TypeError, ValueError), f=f, x0=x0).startswith(("x0 must", "bounds must have"))
    assert not f.points


@pytest.mark.parametrize(
    "x0",
    [
        ["0.1", "0.2", "0.3"],
        np.array(["1"] * 3, object),
        np.array(["1970-01-01"] * 3, "M8[D]"),
        np.ones(3, "m8[s]"),
    ],
    ids=["strings", "objects", "dates", "spans"],
)
def test_x0_that_is_no_number_is_refused(x0):
    assert "x0 must be real numbers" in refused(TypeError, x0=x0)


def test_x0_with_a_masked_entry_is_refused():
    refused((TypeError, ValueError), x0=np.ma.array([1.0, 0.5, 0.5], mask=[False, False, True]))


@every_method
@pytest.mark.parametrize(
    "bounds", [BOX, Bounds(-2.0, 2.0), [(None, 2.0)] * 3, [(-np.inf, 2.0)] * 3, Bounds(ub=2.0)]
)
@pytest.mark.parametrize("call", [solve, within_scipy])
def test_x0_outside_the_bounds_is_refused_before_f_is_called(method, bounds, call):
    f = Seen()
    with pytest.raises(ValueError, match=r"x0 must lie within bounds, got 2\.5 at index 1"):
        call(f, method, x0=[0.0, 2.5, 0.0], bounds=bounds)
    assert not f.points


# The points that f and jac are given


@every_method
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_f_and_jac_get_float64_points_of_their_own(method, dtype):
    f, jac = Seen(), Seen(slope)
    solve(f, method, {"dtype": dtype}, jac=jac)
    for x in f.points + jac.points:
        assert type(x) is np.ndarray
        assert (x.dtype, x.shape) == (np.float64, (3,))
        assert x.flags.writeable
        assert x.flags.c_contiguous
        assert x.base is None


@every_method
@every_mode
def test_points_that_f_keeps_stay_as_they_were(method, mode):
    f, jac = by_mode(mode)
    f = Seen(f)
    result = solve(f, method, jac=jac)
    np.testing.assert_array_equal(np.array(f.points), np.array(f.copies))
    arrays = [value for value in result.values() if isinstance(value, np.ndarray)]
    assert not any(np.shares_memory(x, own) for x in f.points for own in arrays)
    assert not np.shares_memory(result.x, result.population)


@every_method
@every_mode
def test_f_and_jac_may_spoil_the_points_that_they_get(method, mode):
    def spoiling(g):
        def spoils(x):
            out = g(x)
            x[:] = np.nan
            return out

        return spoils

    f, jac = by_mode(mode)
    spoilt = solve(spoiling(f), method, jac=spoiling(jac) if callable(jac) else jac)
    same(spoilt, solve(f, method, jac=jac))


@every_method
def test_f_and_jac_may_answer_in_arrays_that_they_use_again(method):
    value, gradient = np.zeros(()), np.zeros(3)

    def f(x):
        value[...] = bowl(x)
        return value

    def jac(x):
        gradient[:] = slope(x)
        return gradient

    same(solve(f, method, jac=jac), known(method))
    same(solve(lambda x: (f(x), jac(x)), method, jac=True), known(method))


@every_method
def test_f_is_called_by_the_thread_of_the_caller(method):
    threads = set()
    solve(lambda x: threads.add(threading.get_ident()) or bowl(x), method)
    assert threads == {threading.get_ident()}


# What f answers

FORMS_OF_F = {
    "float": float, "0-d": np.array, "(1,)": lambda f: np.array([f]), "[f]": lambda f: [f],
    "(1, 1)": lambda f: np.array([[f]]), "longdouble": np.longdouble, "Decimal": decimal.Decimal,
    "Fraction": fractions.Fraction, "object": lambda f: np.array(f, dtype=object),
}  # fmt: skip


@every_method
@pytest.mark.parametrize("form", FORMS_OF_F)
def test_a_value_in_another_form_is_the_same_value(method, form):
    as_form = FORMS_OF_F[form]
    result = solve(lambda x: as_form(bowl(x)), method)
    same(result, known(method))
    assert type(result.fun) is float


@every_method
def test_single_precision_values_are_taken_as_they_are(method):
    f = lambda x: np.float32(bowl(x))  # noqa: E731
    result = solve(f, method)
    assert type(result.fun) is float
    assert result.fun == f(result.x)


@every_method
@pytest.mark.parametrize("kind", [int, bool])
def test_whole_numbers_and_booleans_are_values(method, kind):
    f = Seen(lambda x: kind(bowl(x)))
    result = solve(f, method, jac="2-point")
    assert type(result.fun) is float
    assert result.fun == kind(bowl(result.x)) == min(kind(bowl(x)) for x in f.copies)


@every_method
def test_what_is_no_value_is_refused(method):
    for out in (
        b"1", "1", 1j, np.complex64(1), [], [1.0, 2.0], np.eye(3), {}, (1.0, np.ones(3)), object(),
        10**400, np.datetime64("2026-01-01"), np.timedelta64(1, "s"), float, (i for i in [1.0]),
        datetime.date(2026, 1, 1), NotImplemented, "word" * 1000,
    ):  # fmt: skip
        sentence = refused((TypeError, ValueError), f=lambda x, out=out: out, method=method)
        assert sentence.startswith("fun must return ")


@pytest.mark.parametrize(
    "out",
    [[None], np.array(None), np.array(["3"], dtype=object), np.ma.masked, [np.ma.masked]],
    ids=["[None]", "None in an array", "a string in an array", "masked", "masked in a list"],
)
def test_what_holds_no_value_is_refused(out):
    refused((TypeError, ValueError), f=lambda x: out, options={"maxfev": 50})


@every_method
@pytest.mark.parametrize("gradient", [np.nan, np.inf, -np.inf])
def test_a_gradient_that_is_not_finite_harms_nobody(method, gradient):
    f = Seen()
    result = solve(f, method, jac=lambda x: np.where(x[0] > 0.5, gradient, slope(x)))
    assert result.fun == bowl(result.x) == min(map(bowl, f.copies))


@every_method
@every_mode
def test_where_f_is_nan_is_no_minimum(method, mode):
    f, jac = by_mode(mode, lambda x: np.nan if np.real(x[0]) < -0.5 else bowl(x))
    result = solve(f, method, jac=jac, bounds=[(-2.0, 1.0)] * 3)
    assert result.x[0] >= -0.5
    assert result.fun <= bowl(np.array(X0))


@pytest.mark.parametrize(
    ("method", "mode"),
    [(m, "callable") for m in OPTIONS]
    + [(m, mode) for m in ("gd", "deep") for mode in ("2-point", "3-point")],
)
def test_where_f_is_infinite_is_no_minimum(method, mode):
    f, jac = by_mode(mode, lambda x: np.inf if x[0] > 0.2 else bowl(x))
    result = solve(f, method, jac=jac)
    assert result.x[0] <= 0.2
    assert np.isfinite(result.fun)


@pytest.mark.parametrize("method", ["gd", "deep"])
def test_a_finite_value_and_the_status_agree(method):
    result = solve(lambda x: np.nan if x[0] > 0.2 else bowl(x), method)
    assert np.isfinite(result.fun) == (result.status != 4)


@pytest.mark.parametrize(
    "given",
    [
        {"jac": lambda x: np.full(3, 1e308), "f": lambda x: 1e308 * np.tanh(np.mean(x))},
        {"x0": [1.7e308] * 3, "bounds": None, "f": lambda x: np.tanh(x[0]), "jac": None},
        {
            "x0": None, "bounds": [(-8e307, 8e307)] * 3, "method": "gd", "jac": "2-point",
            "f": lambda x: np.inf if np.abs(x).max() > 1e150 else bowl(x),
        },
    ],
    ids=["steep", "far", "wide"],
)  # fmt: skip
def test_huge_numbers_raise_no_warning_of_numpys(given):
    solve(**given)


# Gradients

FORMS_OF_JAC = {
    "list": list, "tuple": tuple, "row": lambda g: g[None], "column": lambda g: g[:, None],
    "objects": lambda g: g.astype(object), "floats": lambda g: [float(s) for s in g],
}  # fmt: skip


@every_method
@pytest.mark.parametrize("form", FORMS_OF_JAC)
def test_a_gradient_in_another_form_is_the_same_gradient(method, form):
    as_form = FORMS_OF_JAC[form]
    same(solve(method=method, jac=lambda x: as_form(slope(x))), known(method))


def test_a_single_number_is_a_gradient_of_one_variable():
    one = {"x0": [1.0], "bounds": [(-2, 2)]}
    same(solve(jac=lambda x: float(slope(x)[0]), **one), solve(**one))


@pytest.mark.parametrize(
    "out",
    [None, 1.0, np.ones(2), np.ones(4), np.eye(3), np.ones(3) + 0j, ["1", "2", "3"], [[1, 2], 3]],
    ids=repr,
)
def test_what_is_no_gradient_is_refused(out):
    for given in ({"jac": lambda x: out}, {"f": lambda x: (bowl(x), out), "jac": True}):
        assert refused((TypeError, ValueError), **given).startswith("jac must return ")


def test_a_gradient_of_nones_is_refused():
    refused((TypeError, ValueError), jac=lambda x: [None] * 3)


@pytest.mark.parametrize(
    "out", [1.0, (1.0,), (1.0, np.ones(3), 2), np.ones(2), "ab", {0: 1.0, 1: 2.0}, None], ids=repr
)
def test_what_is_no_pair_is_refused_where_jac_is_true(out):
    sentence = refused(TypeError, f=lambda x: out, jac=True)
    assert sentence.startswith("fun must return (f, gradient) because jac=True, got ")


@every_method
def test_value_and_gradient_may_come_as_a_list(method):
    same(solve(lambda x: [bowl(x), list(slope(x))], method, jac=True), known(method))


@every_method
def test_jac_false_is_none(method):
    f = lambda x: float(bowl(x))  # noqa: E731
    same(solve(f, method, jac=False), solve(f, method, jac=None))


@every_method
@every_mode
def test_nfev_and_njev_count_the_calls(method, mode):
    jac_calls = Seen(slope)
    f, jac = by_mode(mode, gradient=jac_calls)
    f = Seen(f)
    result = solve(f, method, jac=jac)
    assert result.nfev == len(f.points)
    if mode == "callable":
        assert result.njev == len(jac_calls.points)
    each = {"callable": 1, "pair": 1, "2-point": 4, "3-point": 7, "cs": 4}[mode]
    assert 0 < result.njev * each <= result.nfev


@every_method
def test_nfev_covers_the_calls_that_find_out_about_f(method):
    f = Seen(lambda x: float(np.asarray(x) @ np.asarray(x)))
    result = solve(f, method, jac=None)
    assert len([x for x in f.points if isinstance(x, np.ndarray)]) <= result.nfev


@every_method
@every_mode
@pytest.mark.parametrize("maxfev", [1, 2, 7, 50])
def test_maxfev_is_kept_however_gradients_come(method, mode, maxfev):
    f, jac = by_mode(mode)
    f = Seen(f)
    result = solve(f, method, {"maxfev": maxfev, "maxiter": 1000}, jac=jac)
    assert len(f.points) == result.nfev <= maxfev
    assert result.status in ((2,) if maxfev < 50 else (0, 2))  # its polish may converge
    assert result.fun == bowl(result.x)


@every_method
@every_mode
def test_bounds_are_kept_however_gradients_come(method, mode):
    lower, upper = np.array([-1.0, 0.5, -np.inf]), np.array([0.2, 0.5, 1.0])
    f, jac = by_mode(mode)
    f = Seen(f)
    result = solve(f, method, jac=jac, x0=[0.2, 0.5, 1.0], bounds=Bounds(lower, upper))
    asked = np.real([*f.copies, result.x, *result.population])
    assert (asked >= lower).all()
    assert (asked <= upper).all()
    np.testing.assert_allclose(result.x, [0.2, 0.5, 0.3], atol=1e-5)


@every_method
@every_mode
def test_args_arrive_however_gradients_come(method, mode):
    shift, word = np.array([0.1, 0.2, 0.4]), {"a": 1}

    def check(x, a, b):
        assert a is shift
        assert b is word
        return x - a

    f, jac = by_mode(
        mode, lambda x, *args: np.sum(check(x, *args) ** 2), lambda x, *args: 2 * check(x, *args)
    )
    result = solve(f, method, jac=jac, args=(shift, word))
    np.testing.assert_allclose(result.x, shift, atol=1e-5)


@every_method
def test_the_best_point_is_a_real_one(method):
    result = solve(lambda x: np.sum(np.abs(x - 0.3)) - np.iscomplexobj(x), method, jac="cs")
    assert result.x.dtype == np.float64
    assert result.fun >= 0.0


@pytest.mark.parametrize("out", [None, "a", np.ones(3)], ids=repr)
@pytest.mark.parametrize("method", ["gd", "deep"])
def test_what_is_no_value_at_a_complex_point_is_refused(method, out):
    f = lambda x: out if np.iscomplexobj(x) else bowl(x)  # noqa: E731
    assert refused((TypeError, ValueError), f=f, method=method, jac="cs").startswith("fun must")


# args


@every_method
@pytest.mark.parametrize(
    "args", [2.0, None, "word", [1.0, 2.0], np.array([1.0, 2.0]), {"a": 1}, range(2)], ids=repr
)
def test_what_is_no_tuple_is_the_only_further_argument(method, args):
    def f(x, given):
        assert given is args
        return bowl(x)

    def jac(x, given):
        assert given is args
        return slope(x)

    same(solve(f, method, jac=jac, args=args), known(method))


@pytest.mark.parametrize("jac", [slope, None, "3-point"])
def test_arguments_too_many_or_too_few_are_pythons_to_refuse(jac):
    with pytest.raises(TypeError, match=r"takes 1 positional argument but 2 were given"):
        solve(args=(1.0,), jac=jac)
    with pytest.raises(TypeError, match=r"missing 1 required positional argument"):
        solve(lambda x, a: bowl(x) + a, jac=jac)


def test_an_array_among_args_may_change_between_two_calls():
    """Also where f is traced, and its compiled form is kept."""
    shift = np.array([0.1, 0.2, 0.3])

    def f(x, a, more):
        return ops.sum((x - ops.convert_to_tensor(a, dtype=x.dtype)) ** 2, axis=-1) + more["b"]

    for _ in range(2):
        args = (shift, {"b": bowl(shift)})
        result = solve(f, "gd", {"polish": False}, jac=None, args=args)
        assert result.objective_kind == "traced"
        assert result.fun == pytest.approx(bowl(shift) + np.sum((result.x - shift) ** 2))
        shift += 0.2


# Bounds

FORMS_OF_BOUNDS = {
    "tuples": ((-2, 2),) * 3, "lists": [[-2, 2]] * 3, "array": np.array(BOX), "ints": np.int8(BOX),
    "zip": lambda: zip([-2] * 3, [2] * 3, strict=True), "generator": lambda: ((-2, 2) for _ in X0),
    "Bounds": Bounds([-2] * 3, [2] * 3), "numbers": Bounds(-2, 2), "mixed": Bounds([-2] * 3, 2),
    "row": Bounds(np.full((1, 3), -2), np.full((1, 3), 2)), "feasible": Bounds(-2, 2, True),
    "each feasible": Bounds([-2] * 3, [2] * 3, keep_feasible=[True, False, True]),
}  # fmt: skip


@every_method
@pytest.mark.parametrize("form", FORMS_OF_BOUNDS)
def test_bounds_in_another_form_are_the_same_bounds(method, form):
    given = FORMS_OF_BOUNDS[form]
    given = given() if callable(given) else given
    same(solve(method=method, bounds=given), known(method))


@every_method
@pytest.mark.parametrize(
    "bounds",
    [[(None, None)] * 3, [(-np.inf, np.inf)] * 3, [(None, np.inf)] * 3, Bounds(), Bounds(-np.inf)],
    ids=["None", "infinite", "both", "Bounds()", "Bounds(-inf)"],
)
def test_no_bound_may_be_said_in_many_ways(method, bounds):
    same(solve(method=method, bounds=bounds), solve(method=method, bounds=None))


@pytest.mark.parametrize(
    ("none", "infinite"), [((None, 1), (-np.inf, 1)), ((-1, None), (-1, np.inf))]
)
def test_none_is_no_bound_on_one_side(none, infinite):
    same(solve(bounds=[none] * 3), solve(bounds=[infinite] * 3))


def shrunk():
    """Bounds whose two sides no longer fit each other."""
    bounds = Bounds([-2] * 3, [2] * 3)
    bounds.ub = np.array([2.0, 2.0])
    return bounds


@pytest.mark.parametrize(
    ("bounds", "sentence"),
    [
        (Bounds([-2, 1, -2], [2, 0, 2]), "bounds must have lower <= upper, got (1, 0) at index 1"),
        (Bounds([-2] * 2, [2] * 2), "bounds must have 3 entries, one per variable, got 2"),
        (Bounds([-2] * 4, 2), "bounds must have 3 entries, one per variable, got 4"),
        (shrunk(), "bounds must have as many lb as ub, got 3 and 2"),
        (Bounds(np.nan, 2), "bounds must not hold NaN"),
        ([(-2, 2)], "bounds must have 3 entries, one per variable, got 1"),
        (np.array(BOX).T[:, :3], "bounds must be a Bounds object or (min, max) pairs"),
        ([None] * 3, "bounds must be a Bounds object or (min, max) pairs"),
        (((-2, 2), (2, -2), (-2, 2)), "bounds must have lower <= upper, got (2, -2) at index 1"),
    ],
)
@every_method
def test_unsound_bounds_are_refused_before_f_is_called(method, bounds, sentence):
    f = Seen()
    assert sentence in refused(ValueError, f=f, method=method, bounds=bounds)
    assert not f.points


def test_bounds_of_strings_are_refused():
    refused((TypeError, ValueError), bounds=[("-2", "2")] * 3)


@pytest.mark.parametrize(
    ("method", "mode"), [(o, m) for o in OPTIONS for m in MODES if (o, m) != ("homotopy", "pair")]
)
def test_where_all_variables_are_fixed_that_point_comes_back(method, mode):
    f, jac = by_mode(mode)
    f, point = Seen(f), np.array([1.0, -0.7, 0.1])
    for x0 in (None, point):
        result = solve(f, method, x0=x0, jac=jac, bounds=Bounds(point, point))
        np.testing.assert_array_equal(result.x, point)
        assert result.fun == bowl(point)
    assert (np.real(f.copies) == point).all()


def test_all_variables_may_be_fixed_where_jac_is_true():
    result = solve(lambda x: (bowl(x), slope(x)), jac=True, bounds=list(zip(X0, X0, strict=True)))
    np.testing.assert_array_equal(result.x, X0)


def test_where_all_variables_are_fixed_f_is_asked_a_few_times():
    result = deepopt.minimize(
        bowl, bounds=[(1.0, 1.0)] * 3, jac=slope, rng=0, options={"maxfev": 500}
    )
    assert result.success
    assert result.nfev < 100


def fixed(f, **given):
    return deepopt.minimize(f, **{"x0": X0, "bounds": Bounds(X0, X0), "jac": slope} | given)


def test_where_all_variables_are_fixed_limits_and_callbacks_count_as_well():
    def interrupted(x):
        raise KeyboardInterrupt

    def slow(x):
        time.sleep(0.05)
        return bowl(x)

    def stop(intermediate_result):
        assert intermediate_result.fun == bowl(np.array(X0))
        raise StopIteration

    with pytest.raises(KeyboardInterrupt):
        fixed(interrupted)
    assert fixed(slow, options={"maxtime": 0.01}).fun == bowl(np.array(X0))
    nowhere = fixed(lambda x: np.nan, options={"maxfev": 1})
    assert (nowhere.status, nowhere.nfev) == (4, 1)
    result = fixed(bowl, callback=stop)
    assert result.status == 99
    assert len(result.history["fun"]) == 1


# Callbacks


class Watcher:
    """Callbacks of both of SciPy's protocols that remember what they were given."""

    def __init__(self):
        self.seen = []

    def __call__(self, x):
        self.seen.append(x)

    def method(self, xk):
        self.seen.append(xk)

    def of_results(self, intermediate_result):
        self.seen.append(intermediate_result)

    def two(self, first, last):
        self.seen.append(last)

    def two_results(self, first, intermediate_result):
        self.seen.append(intermediate_result)

    def more(self, intermediate_result, more=None):
        self.seen.append(intermediate_result)


class ResultWatcher(Watcher):
    def __call__(self, *, intermediate_result):
        self.seen.append(intermediate_result)


CALLBACKS = {
    "object": Watcher, "method": lambda: Watcher().method, "results": lambda: Watcher().of_results,
    "object for results": ResultWatcher,
    "partial": lambda: functools.partial(Watcher().two, 1),
    "partial for results": lambda: functools.partial(Watcher().two_results, 1),
    "partial by keyword": lambda: functools.partial(Watcher().more, more=1),
    "with a default": lambda: Watcher().more,
}  # fmt: skip


def watched(form, call, **given):
    """What a callback of this form is given, and the result."""
    callback = CALLBACKS[form]()
    result = call(callback=callback, **given)
    owner = getattr(callback, "func", callback)
    return getattr(owner, "__self__", owner).seen, result


@every_method
@pytest.mark.parametrize("form", CALLBACKS)
def test_a_callback_gets_what_scipy_would_give_it(method, form):
    seen, result = watched(form, solve, method=method)
    scipys, _ = watched(
        form, scipy.optimize.minimize, fun=bowl, x0=X0, jac=slope, bounds=BOX, method="L-BFGS-B"
    )
    (kind,) = {type(x) for x in scipys}
    assert all(isinstance(x, kind) for x in seen)
    through, inside = watched(form, within_scipy, method=method)
    assert [type(x) for x in through] == [type(x) for x in seen]
    same(inside, result)
    same(result, known(method))  # it changes nothing


@every_method
def test_a_builtin_may_be_a_callback(method):
    points = collections.deque()
    solve(method=method, callback=points.append)
    assert {x.shape for x in points} == {(3,)}


@every_method
def test_a_callback_is_shown_the_best_so_far(method):
    f, shown = Seen(), []

    def callback(intermediate_result):
        shown.append((intermediate_result, len(f.points)))

    result = solve(f, method, callback=callback)
    for now, calls in shown:
        assert now.fun == bowl(now.x) == min(map(bowl, f.copies[:calls]))
        assert now.nfev == calls
        assert type(now.fun) is float
        assert 0 < now.nit <= result.nit
    assert all(np.diff([now.fun for now, _ in shown]) <= 0)
    assert all(np.diff([now.nit for now, _ in shown]) > 0)
    assert result.fun <= shown[-1][0].fun


@every_method
def test_what_a_callback_gets_is_its_own(method):
    kept, copies = [], []

    def keep(x):
        kept.append(x)
        copies.append(x.copy())

    def spoil(x):
        x[:] = np.nan

    def spoil_result(intermediate_result):
        intermediate_result.x[:] = np.nan
        intermediate_result.fun = -np.inf

    for callback in (keep, spoil, spoil_result):
        same(solve(method=method, callback=callback), known(method))
    np.testing.assert_array_equal(kept, copies)


@every_method
def test_what_a_callback_returns_is_not_looked_at(method):
    same(solve(method=method, callback=lambda xk: True), known(method))


@every_method
@pytest.mark.parametrize("call", [solve, within_scipy])
def test_stop_iteration_ends_the_call_in_either_protocol(method, call):
    seen = []

    def of_points(xk):
        seen.append(xk)
        raise StopIteration

    def of_results(intermediate_result):
        seen.append(intermediate_result.x)
        raise StopIteration("enough")

    results = [call(method=method, callback=c) for c in (of_points, of_results)]
    same(*results)
    assert len(seen) == 2
    for result, x in zip(results, seen, strict=True):
        assert (result.status, result.success) == (99, False)
        assert "callback" in result.message
        assert result.fun <= bowl(x)


RAISED = [(w, k) for w in ("f", "jac") for k in (ZeroDivisionError, StopIteration, SystemExit)]


@every_method
@pytest.mark.parametrize(
    ("who", "kind"), [*RAISED, ("callback", ZeroDivisionError), ("callback", SystemExit)]
)
def test_what_is_raised_arrives_and_the_next_call_is_sound(method, who, kind):
    calls = []

    def raises(answer):
        def f(x):
            calls.append(x)
            if who == "callback" or len(calls) == 9:
                raise kind("mine")
            return answer(x)

        return f

    answer = {"f": bowl, "jac": slope}.get(who)
    with pytest.raises(kind, match="mine") as caught:
        solve(method=method, options={"maxiter": 40}, **{who: raises(answer)})
    if kind is not SystemExit:
        best = caught.value.best_so_far
        assert best.fun == bowl(best.x)
    found = []
    thread = threading.Thread(target=lambda: found.append(solve(method=method)))
    thread.start()
    thread.join()
    same(found[0], known(method))


# hess, constraints, tol, options, method


@every_method
@pytest.mark.parametrize("name", ["hess", "hessp"])
@pytest.mark.parametrize("call", [solve, within_scipy])
def test_second_derivatives_are_said_to_be_of_no_use(method, name, call):
    for given in (lambda x, *p: np.eye(3), "2-point"):
        with pytest.warns(RuntimeWarning, match=f"{name} is not used"):
            result = call(method=method, **{name: given})
        same(result, known(method))


@pytest.mark.parametrize(
    "constraints",
    [
        LinearConstraint(np.eye(3)), NonlinearConstraint(bowl, 0, 1), {"type": "eq", "fun": bowl},
        [{"type": "ineq", "fun": bowl}], (LinearConstraint(np.eye(3)),),
    ],
)  # fmt: skip
@every_method
@pytest.mark.parametrize("call", [solve, within_scipy])
def test_constraints_are_refused_before_f_is_called(method, constraints, call):
    f = Seen()
    with pytest.raises(ValueError, match=r"^constraints are not supported, got [^\n]*$"):
        call(f, method, constraints=constraints)
    assert not f.points


@every_method
def test_no_constraints_may_be_said_in_many_ways(method):
    for none in ((), [], None):
        same(solve(method=method, constraints=none), known(method))


@every_method
@pytest.mark.parametrize("call", [solve, within_scipy])
def test_tol_is_the_option_ftol(method, call):
    small = {"stall": 2, "maxiter": 30}
    loose = solve(method=method, options=small | {"ftol": 1e3})
    for tol in (1e3, np.float32(1e3)):
        same(call(method=method, tol=tol, options=small), loose)
    same(call(method=method, tol=0.0, options=small | {"ftol": 1e3}), loose)  # the option is kept
    if method != "homotopy":  # which ends by points
        assert loose.nit < 30
        assert loose.status == 0


@pytest.mark.parametrize("tol", ["small", -1, np.nan, True, [1e-3], 1j])
@pytest.mark.parametrize("call", [solve, within_scipy])
def test_tol_that_is_none_is_refused(tol, call):
    with pytest.raises((TypeError, ValueError), match=r"^tol must be [^\n]*$"):
        call(tol=tol)


@every_method
def test_options_may_be_any_mapping_of_numpys_numbers(method):
    plain = solve(method=method, options={"maxiter": 5})
    given = OPTIONS[method] | {"maxiter": np.int64(5), "disp": np.False_}
    options = types.MappingProxyType(given)
    found = deepopt.minimize(bowl, X0, method=method, jac=slope, bounds=BOX, options=options, rng=0)
    same(found, plain)


@every_method
@pytest.mark.parametrize("call", [solve, within_scipy])
def test_options_that_are_unknown_are_each_said_and_ignored(method, call):
    """Names are told apart by case, as SciPy does."""
    with pytest.warns(OptimizeWarning) as said:
        result = call(method=method, options={"MAXITER": 2, "gtol": 1e-3})
    assert sorted(str(w.message) for w in said) == [
        f"{method} has no option 'MAXITER'; it was ignored (did you mean 'maxiter'?)",
        f"{method} has no option 'gtol'; it was ignored (did you mean 'ftol'?)",
    ]
    same(result, known(method))


@pytest.mark.parametrize("cased", [str.upper, str.title, str.swapcase])
@every_method
def test_names_of_methods_are_read_in_any_case(method, cased):
    options = OPTIONS[method]
    for name in (cased(method), deepopt.scipy_method(cased(method))):
        found = deepopt.minimize(bowl, X0, method=name, jac=slope, bounds=BOX, options=options)
        assert found.method == method


@pytest.mark.parametrize("name", ["", " ", "L-BFGS-B", "nelder-mead", "recipe", "gd ", "x" * 500])
def test_names_of_no_method_are_refused(name):
    for call in (deepopt.scipy_method, lambda name: deepopt.minimize(bowl, X0, method=name)):
        with pytest.raises(ValueError, match=r"^method [^\n]* is unknown; did you mean [^\n]*$"):
            call(name)


class Custom:
    """A method by SciPy's protocol that remembers what it was given."""

    def __call__(self, fun, x0, **given):
        self.given = given | {"fun": fun, "x0": x0}
        return scipy.optimize.OptimizeResult(x=np.asarray(x0), fun=0.0)


GIVEN = {
    "fun": bowl, "args": (1.0, "a"), "jac": slope, "hess": np.eye, "hessp": np.dot,
    "bounds": tuple(BOX), "constraints": [{"type": "eq", "fun": bowl}], "callback": print,
}  # fmt: skip


def test_a_callable_method_gets_all_as_from_scipy():
    own, scipys = Custom(), Custom()
    for minimize, method in ((deepopt.minimize, own), (scipy.optimize.minimize, scipys)):
        minimize(x0=np.array(X0), method=method, tol=1e-3, options={"a": 1}, **GIVEN)
    assert sorted(own.given) == sorted(scipys.given)
    for name in GIVEN:
        assert own.given[name] is scipys.given[name] is GIVEN[name], name
    assert (own.given["tol"], own.given["a"]) == (1e-3, 1)


def test_a_callable_method_gets_x0_and_jac_in_scipys_form():
    method = Custom()
    pair = lambda x: (bowl(x), slope(x))  # noqa: E731
    deepopt.minimize(pair, [1, 2, 3], method=method, jac=True)
    assert isinstance(method.given["x0"], np.ndarray)
    assert callable(method.given["jac"])


@pytest.mark.parametrize("method", ["gd", "deep"])
def test_rng_reaches_a_method_made_by_scipy_method(method):
    one, two = (
        deepopt.minimize(
            bowl, X0, method=deepopt.scipy_method(method), jac=slope, bounds=BOX, rng=7,
            options=OPTIONS[method],
        ) for _ in range(2)
    )  # fmt: skip
    np.testing.assert_array_equal(one.population, two.population)


# The result


@every_method
def test_a_result_is_read_by_attribute_and_by_item(method):
    result = solve(method=method)
    assert isinstance(result, scipy.optimize.OptimizeResult)
    assert sorted(result) == sorted(dir(result))
    for name, value in result.items():
        assert getattr(result, name) is value is result[name]
    with pytest.raises(AttributeError):
        _ = result.no_such_field


@every_method
def test_a_result_can_be_pickled_and_copied(method):
    result = solve(method=method)
    for other in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result), copy.copy(result)):
        assert type(other) is type(result)
        np.testing.assert_equal(dict(other), dict(result))
        assert repr(other) == repr(result)
    deep = copy.deepcopy(result)
    deep.x[:] = np.nan
    assert np.isfinite(result.x).all()


@every_method
def test_counts_and_words_of_a_result_are_pythons_own(method):
    result = solve(method=method)
    kinds = {
        "success": bool, "status": int, "message": str, "fun": float, "nfev": int, "njev": int,
        "nit": int, "method": str, "objective_kind": str, "learning_rate": float,
    }  # fmt: skip
    for name, kind in kinds.items():
        assert type(result[name]) is kind, name
    json.dumps({name: result[name] for name in kinds})


@every_method
def test_status_message_and_success_agree_with_what_ended_the_call(method):
    def stop(_):
        raise StopIteration

    plain = {"polish": False}
    ends = {
        1: solve(method=method, options=plain),
        2: solve(method=method, options=plain | {"maxfev": 60, "maxiter": 1000}),
        3: solve(method=method, options=plain | {"maxtime": 1e-9, "maxiter": 1000}),
        4: solve(lambda x: np.nan, method, plain | {"maxfev": 200}, jac=slope),
        99: solve(method=method, options=plain, callback=stop),
    }
    assert {key: (r.status, r.success) for key, r in ends.items()} == {k: (k, False) for k in ends}
    words = {1: "iterations", 2: "evaluations", 3: "time", 4: "finite", 99: "callback"}
    for key, word in words.items():
        assert word in ends[key].message
        assert ends[key].message.endswith(".")
        assert "\n" not in ends[key].message
    assert ends[1].nit == 8
    assert ends[2].nit < 1000


@every_method
@pytest.mark.parametrize("maxiter", [1, 2, 5])
def test_maxiter_is_kept(method, maxiter):
    for polish in (True, False):
        result = solve(method=method, options={"maxiter": maxiter, "polish": polish})
        assert result.nit == maxiter


@every_method
def test_the_gradient_in_a_result_is_that_at_x(method):
    result = solve(method=method)
    np.testing.assert_array_equal(result.jac, slope(result.x))


# Warnings and floating-point errors of the user


@every_method
@every_mode
def test_warnings_of_f_pass_through(method, mode):
    def f(x):
        warnings.warn("mine", UserWarning, stacklevel=1)
        return bowl(x)

    f, jac = by_mode(mode, f)
    with pytest.warns(UserWarning, match="mine") as said:
        result = solve(f, method, jac=jac)
    assert len(said) == result.nfev
    with pytest.raises(UserWarning, match="mine"):  # they are errors here
        solve(f, method, jac=jac)


@every_method
def test_f_may_change_how_it_treats_floating_point_errors(method):
    def f(x):
        with np.errstate(all="ignore"):
            return bowl(x) + 0.0 * np.isnan(np.log(np.float64(-1.0)))

    same(solve(f, method), known(method))


@every_method
def test_f_is_called_under_the_callers_errstate(method):
    seen = []
    with np.errstate(divide="raise", over="warn", under="print", invalid="ignore"):
        outside = np.geterr()
        solve(lambda x: seen.append(np.geterr()) or bowl(x), method)
    assert all(state == outside for state in seen)


@pytest.mark.parametrize(
    "given", [{"hess": np.eye}, {"options": {"gtol": 1}}, {"jac": lambda x: -slope(x)}]
)
def test_warnings_name_the_line_of_the_caller(given):
    with pytest.warns((RuntimeWarning, OptimizeWarning)) as said:
        solve(**given)
    assert [w.filename for w in said] == [__file__]
    with pytest.warns((RuntimeWarning, OptimizeWarning)) as said:
        within_scipy(**given)
    assert {w.filename for w in said} == {__file__}


# Forms of f


class Quadratic:
    """An objective with a state, whose gradient is a method."""

    __slots__ = ("centre",)

    def __init__(self, centre):
        self.centre = centre

    def __call__(self, x):
        return np.sum((x - self.centre) ** 2)

    def slope(self, x):
        return 2 * (x - self.centre)

    @classmethod
    def of_class(cls, x):
        return cls(0.3)(x)

    @staticmethod
    def of_none(x):
        return bowl(x)


@dataclasses.dataclass
class Unhashable:
    """Equal by value, and so without a hash."""

    centre: float

    def __call__(self, x):
        return ops.sum((x - self.centre) ** 2, axis=-1)


def of_keyword(x, *, centre):
    return np.sum((x - centre) ** 2)


@every_method
@pytest.mark.parametrize(
    "f",
    [
        Quadratic(0.3), Quadratic(0.3).__call__, Quadratic.of_class, Quadratic.of_none,
        functools.partial(of_keyword, centre=0.3), bowl,
    ],
    ids=["object", "method", "classmethod", "staticmethod", "partial", "function"],
)  # fmt: skip
def test_objectives_and_gradients_of_every_form(method, f):
    for jac in (Quadratic(0.3).slope, functools.partial(lambda c, x: 2 * (x - c), 0.3)):
        same(solve(f, method, jac=jac), known(method))


def test_an_objective_without_a_hash_is_taken():
    result = solve(Unhashable(0.3), "gd", {"polish": False}, jac=None)
    assert result.objective_kind == "traced"
    assert result.fun == pytest.approx(bowl(result.x))


# Calls within calls, and side by side


@every_method
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_f_may_call_minimize(method, dtype):
    """In another precision and dimension, and by the same method."""

    def least(x):
        inner = lambda z: np.sum((z - x[:2]) ** 2)  # noqa: E731
        found = solve(
            inner, x0=[0.0, 0.0], bounds=[(-2, 2)] * 2, jac=lambda z: 2 * (z - x[:2]),
            options={"maxiter": 1, "dtype": dtype},
        )  # fmt: skip
        assert found.fun == pytest.approx(0.0, abs=1e-6)
        return bowl(x)

    few = {"maxfev": 12}
    same(solve(least, method, few), solve(method=method, options=few))
    again = lambda x: solve(method=method) and bowl(x)  # noqa: E731
    same(solve(again, method, few), solve(method=method, options=few))


@every_method
def test_a_callback_may_call_minimize(method):
    found = solve(method=method, callback=lambda x: solve(x0=x))
    same(found, known(method))


def test_two_threads_get_what_each_would_get_alone():
    calls = [(method, dtype) for method in OPTIONS for dtype in ("float64", "float32")]
    alone = [solve(method=m, options={"dtype": d}) for m, d in calls]
    together, begin = {}, threading.Barrier(2)

    def run(thread, order):
        begin.wait()
        for index in order:
            method, dtype = calls[index]
            together[thread, index] = solve(method=method, options={"dtype": dtype})

    forth = list(range(len(calls)))
    threads = [threading.Thread(target=run, args=given) for given in ((0, forth), (1, forth[::-1]))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(together) == 2 * len(calls)
    for (_, index), result in together.items():
        same(result, alone[index])


# As a method of SciPy


@every_method
def test_scipy_passes_all_on(method):
    same(within_scipy(method=method), known(method))
    same(within_scipy(lambda x: (bowl(x), slope(x)), method, jac=True), known(method))
    for bounds in (Bounds(-2, 2, keep_feasible=True), zip([-2] * 3, [2] * 3, strict=True)):
        same(within_scipy(method=method, bounds=bounds), known(method))
    shifted = lambda x, a: bowl(x - a)  # noqa: E731
    steep = lambda x, a: slope(x - a)  # noqa: E731
    for args in ((0.5,), 0.5, np.array([0.5, 0.2, 0.1])):
        given = {"jac": steep, "args": args, "method": method}
        same(within_scipy(shifted, **given), solve(shifted, **given))


@every_method
@pytest.mark.parametrize("jac", [None, False, slope])
def test_fixed_variables_stay_fixed_within_scipy(method, jac):
    f = Seen(lambda x: float(np.sum((np.asarray(x) - 0.3) ** 2)))
    bounds = [(1.0, 1.0), (-2.0, 2.0), (0.1, 0.1)]
    result = within_scipy(f, method, jac=jac, bounds=bounds, x0=[1.0, 0.0, 0.1])
    assert (result.x[0], result.x[2]) == (1.0, 0.1)
    assert result.x[1] == pytest.approx(0.3, abs=1e-5)
    asked = np.array([x for x in f.points if isinstance(x, np.ndarray) and x.ndim == 1])
    assert (asked[:, [0, 2]] == [1.0, 0.1]).all()


@every_method
def test_a_method_for_scipy_takes_keywords_that_it_does_not_know(method):
    call = deepopt.scipy_method(method)
    with pytest.warns(OptimizeWarning, match="has no option 'of_tomorrow'"):
        result = call(
            bowl, X0, args=(), jac=slope, hess=None, hessp=None, bounds=BOX, constraints=(),
            callback=None, of_tomorrow=1, rng=0, **OPTIONS[method],
        )  # fmt: skip
    same(result, known(method))


def test_a_recipe_may_be_a_method_of_scipy():
    recipe = Recipe(Direct(2), descent=Adam())
    options = {"maxiter": 3, "learning_rate": 0.1}
    given = {"jac": slope, "bounds": BOX}
    inside = scipy.optimize.minimize(
        bowl, X0, method=deepopt.scipy_method(recipe), options=options | {"rng": 0}, **given
    )
    same(inside, deepopt.minimize(bowl, X0, method=recipe, options=options, rng=0, **given))


def steps_inside(x):
    return np.clip(x + 0.7, -2.0, 2.0)


def rippled(x):
    return bowl(x) + 0.3 * np.sum(1 - np.cos(9 * (x - 0.3)))


def rippled_slope(x):
    return slope(x) + 2.7 * np.sin(9 * (x - 0.3))


def local(method):
    """What SciPy's global methods pass on to their local one."""
    options = OPTIONS[method] | {"rng": 0}
    given = {"jac": rippled_slope, "bounds": BOX, "options": options}
    return {"method": deepopt.scipy_method(method)} | given


@every_method
def test_basinhopping_hops_with_it(method):
    shown = []
    result = scipy.optimize.basinhopping(
        rippled, X0, niter=3, minimizer_kwargs=local(method), take_step=steps_inside, rng=0,
        callback=lambda x, f, accepted: shown.append(f),
    )  # fmt: skip
    assert result.fun == rippled(result.x)
    assert result.nfev > 0
    assert len(shown) == 4
    assert result.lowest_optimization_result.method == method


@every_method
def test_dual_annealing_searches_locally_with_it(method):
    result = scipy.optimize.dual_annealing(
        rippled, BOX, maxiter=5, minimizer_kwargs=local(method), rng=0
    )
    assert result.fun == rippled(result.x) < rippled(np.array(X0))
