"""f is a function of one point: whatever it does with its x, no other point is seen."""

import keras
import numpy as np
import pytest

import deepopt
from deepopt import ops
from deepopt._backend import precision
from deepopt._domain.box import Box
from deepopt._objective.kinds import Recogniser
from deepopt._objective.mapping import BATCH, POINT, ROW, SLOW, first_form, rows_apart
from deepopt.testing import called

BACKEND = keras.config.backend()
LOW, HIGH = np.full(3, -2.0), np.full(3, 2.0)
BOX = Box.make(LOW, HIGH)
CENTRE = np.array([0.3, -0.5, 0.9])

pytestmark = pytest.mark.backends


def away(x):
    return ops.subtract(x, ops.cast(CENTRE, x.dtype))


def bowl(x):
    return ops.sum(ops.square(away(x)))


# Functions that would see a whole batch, each with its NumPy twin at one point


def most(x):
    return ops.max(ops.abs(away(x)))


def spread(x):
    return bowl(x) + ops.mean(ops.square(ops.subtract(x, ops.mean(x))))


def kinked(x):
    return ops.cond(ops.max(x) > 1.0, lambda: bowl(x) + 3.0, lambda: 2.0 * bowl(x))


def split(x):
    return ops.where(ops.sum(x) > 0.5, bowl(x), bowl(x) + 1.0)


def ordered(x):
    return ops.sum(ops.square(ops.subtract(ops.sort(x), np.sort(CENTRE))))


def shared(x):
    return bowl(x) + ops.sum(ops.softmax(x) ** 2)


def entries(x):
    a, b, c = x[0], x[1], x[2]
    return (a - 0.3) ** 2 + (b - a) ** 2 + c**2


def padded(x):
    return ops.sum(ops.concatenate([away(x), ops.stack([x[0], x[-1]])]) ** 2)


def of_shape(x):
    return bowl(x) + 10.0 * (len(x.shape) - 1) + 10.0 * (x.shape[0] - 3)


def twin_bowl(x):
    return np.sum((x - CENTRE) ** 2)


TWINS = {
    most: lambda x: np.max(np.abs(x - CENTRE)),
    spread: lambda x: twin_bowl(x) + np.var(x),
    kinked: lambda x: twin_bowl(x) + 3.0 if x.max() > 1.0 else 2.0 * twin_bowl(x),
    split: lambda x: twin_bowl(x) + (0.0 if x.sum() > 0.5 else 1.0),
    ordered: lambda x: np.sum((np.sort(x) - np.sort(CENTRE)) ** 2),
    shared: lambda x: twin_bowl(x) + np.sum((np.exp(x) / np.exp(x).sum()) ** 2),
    entries: lambda x: (x[0] - 0.3) ** 2 + (x[1] - x[0]) ** 2 + x[2] ** 2,
    padded: lambda x: twin_bowl(x) + x[0] ** 2 + x[2] ** 2,
    of_shape: twin_bowl,
}  # fmt: skip


if BACKEND == "torch":  # under its vmap nothing can depend on a value: this is a black box
    del TWINS[kinked]


@pytest.mark.parametrize("f", TWINS, ids=lambda f: f.__name__)
def test_every_point_of_a_run_has_its_own_value(f):
    result = deepopt.minimize(
        f, bounds=[(-2, 2)] * 3, method="gd", rng=0,
        options={"maxiter": 5, "n_starts": 7, "learning_rate": 0.01, "polish": False},
    )  # fmt: skip
    assert result.objective_kind == "traced"
    wanted = [TWINS[f](x) for x in result.population]
    np.testing.assert_allclose(result.population_energies, wanted, 1e-12, 1e-12)
    assert result.fun == called(f, result.x)
    assert result.fun == pytest.approx(TWINS[f](result.x), rel=1e-12)
    assert result.fun <= min(wanted) + 1e-12


@pytest.mark.parametrize(
    "f",
    [most, *(pytest.param(f, marks=pytest.mark.slow) for f in (split, ordered))],
    ids=lambda f: f.__name__,
)
def test_a_search_finds_the_minimum_of_the_function_itself(f):
    result = deepopt.minimize(f, bounds=[(-2, 2)] * 3, rng=0, options={"maxfev": 20_000})
    assert result.objective_kind == "traced"
    assert result.fun == called(f, result.x)
    assert result.fun == pytest.approx(0.0, abs=1e-4)


TURN = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]


@pytest.mark.skipif(BACKEND == "torch", reason="its tensors do not go with arrays")
@pytest.mark.parametrize("f", [
    lambda x: ((x - CENTRE) @ TURN) @ ((x - CENTRE) @ TURN),
    lambda x: (TURN @ (x - CENTRE)) @ (TURN @ (x - CENTRE)),
    lambda x: (x - CENTRE) @ TURN.T @ TURN @ (x - CENTRE),
    lambda x: ops.sum(ops.matmul(TURN, x - CENTRE) ** 2),
])  # fmt: skip
def test_products_of_vectors_are_written_as_in_numpy(f):
    result = deepopt.minimize(f, bounds=[(-2, 2)] * 3, rng=0, options={"maxfev": 3000})
    assert result.objective_kind == "traced"
    assert result.fun == called(f, result.x)
    np.testing.assert_allclose(result.x, CENTRE, atol=1e-6)


def test_a_numpy_function_of_one_point_is_asked_for_one_point():
    shapes = set()

    def f(x):
        shapes.add(x.shape)
        return float(np.sum(x**2) if x.max() > 0 else np.sum(np.abs(x)) + x.max())

    for method in ("gd", "deep", "homotopy"):
        result = deepopt.minimize(
            f, bounds=[(-2, 2)] * 3, method=method, rng=0, options={"maxfev": 300}
        )
        assert result.objective_kind == "black box"
        assert result.fun == f(result.x)
    assert shapes == {(3,)}


# Rows of a batch


def first_rows_mean(x):
    return ops.sum(x**2, axis=-1) + 0.0 * ops.mean(x)


ROWS_APART = {
    "sum": lambda x: ops.sum((x - 0.3) ** 2, axis=-1),
    "max of a row": lambda x: ops.max(x, axis=-1),
    "constant": lambda x: ops.zeros(x.shape[:1], x.dtype) + 0.0 * x[:, 0],
}
ROWS_MEET = {
    "max": lambda x: ops.sum(x**2, axis=-1) + ops.max(x),
    "a mean that counts for nothing": first_rows_mean,
    "largest row": lambda x: ops.where(ops.max(x) > 1e9, 0.0 * x[:, 0], ops.sum(x**2, axis=-1)),
    "cumulative": lambda x: ops.cumsum(ops.sum(x**2, axis=-1)),
    "neighbour": lambda x: ops.sum((x - ops.roll(x, 1, axis=0)) ** 2, axis=-1),
    "its number": lambda x: ops.sum(x**2, axis=-1) + ops.cast(x.shape[0], x.dtype),
    "no row": ops.sum,
    "sorted": lambda x: ops.sort(ops.sum(x**2, axis=-1)),
    "a gradient alone": lambda x: (
        ops.sum(x**2, axis=-1) + ops.mean(x) - ops.stop_gradient(ops.mean(x))
    ),
    "raises": lambda x: x.no_such_thing,
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_rows_that_do_not_meet_are_told_from_rows_that_do(dtype):
    with precision(dtype):
        for name, f in ROWS_APART.items():
            assert rows_apart(f, BOX, dtype), name
        for name, f in ROWS_MEET.items():
            assert not rows_apart(f, BOX, dtype), name


def looped(x, whole=False):
    """A sum of three powers, by a loop that the backend runs."""

    def go_on(i, total):
        return i < 4

    def body(i, total):
        power = ops.sum((x - 0.3) ** ops.cast(2 * i, x.dtype), axis=-1)
        return i + 1, total + power + (0.1 * ops.max(x) if whole else 0.0)

    start = ops.zeros_like(x[..., 0])
    return ops.while_loop(go_on, body, (ops.convert_to_tensor(1), start))[1]


@pytest.mark.skipif(BACKEND != "tensorflow", reason="the others map loops")
def test_tensorflow_calls_a_function_with_loops_with_batches_where_rows_do_not_meet():
    for f, wanted in ((looped, BATCH), (lambda x: looped(x, whole=True), SLOW[POINT])):
        with precision("float64"):
            found = Recogniser(f, None, BOX, "float64").find(rows=False, must=False)
        assert found.form == wanted
    with pytest.warns(RuntimeWarning, match="XLA cannot compile"):  # a loop of unknown length
        result = deepopt.minimize(
            lambda x: looped(x, whole=True), bounds=[(-2, 2)] * 3, method="gd", rng=0,
            options={"maxiter": 3, "n_starts": 4, "learning_rate": 1e-4, "polish": False},
        )  # fmt: skip
    wanted = [
        sum(np.sum((x - 0.3) ** (2 * i)) for i in (1, 2, 3)) + 0.3 * x.max()
        for x in result.population
    ]
    np.testing.assert_allclose(result.population_energies, wanted, 1e-10)


def test_the_first_form_that_can_be_traced_is_taken():
    def tries(form):
        if form == POINT:
            raise TypeError("not for a point")
        return form.upper()

    assert first_form(tries, bowl, BOX, "float64") == (ROW, "ROW")
    with pytest.raises(TypeError, match="not for a point"):
        first_form(tries, bowl, BOX, "float64", (POINT,))


# What the user says of a function


def batch(x):
    return np.sum((np.asarray(x) - CENTRE) ** 2, axis=-1)


def test_a_batched_function_that_fails_later_is_asked_point_by_point_with_one_warning():
    def raising(x):
        if x.ndim == 2 and len(x) > 1 and np.min(batch(x)) < 0.5:
            raise LookupError("no batch")
        return batch(x)

    def misshapen(x):
        return batch(x)[:1] if np.min(batch(x)) < 0.5 else batch(x)

    for f in (raising, misshapen):
        with pytest.warns(RuntimeWarning, match="one by one") as warned:
            result = deepopt.minimize(
                f, bounds=[(-2, 2)] * 3, rng=0, options={"batched": True, "maxfev": 3000}
            )
        assert len(warned) == 1
        assert result.fun == batch(result.x)
        assert result.fun < 1e-6


def solve(f, options, **given):
    few = {"maxiter": 3, "n_starts": 2, "learning_rate": 0.01, "maxfev": 500}
    return deepopt.minimize(
        f, bounds=[(-2, 2)] * 3, method="gd", rng=0, options=few | options, **given
    )


def test_traced_says_what_a_function_is():
    assert solve(bowl, {"traced": True}).objective_kind == "traced"
    assert solve(bowl, {"traced": False}).objective_kind == "black box"


@pytest.mark.skipif(BACKEND == "tensorflow", reason="whose tensors have no methods")
def test_what_could_be_either_is_what_is_said():
    either = lambda x: ((x - 0.3) ** 2).sum()  # noqa: E731
    for said, kind in ((True, "traced"), (False, "black box")):
        result = solve(either, {"traced": said})
        assert result.objective_kind == kind
        assert result.fun == called(either, result.x)


def test_traced_is_refused_where_it_cannot_be():
    with pytest.raises(TypeError, match=r"fun must be written in keras.ops .* option traced says"):
        solve(lambda x: float(np.sum(np.asarray(x) ** 2)) + float(x[0]), {"traced": True})
    with pytest.raises(ValueError, match=r"jac .*traced|traced .*jac"):
        solve(bowl, {"traced": True}, jac=lambda x: 2 * (x - CENTRE))
    with pytest.raises(TypeError, match="traced must be"):
        solve(bowl, {"traced": "yes"})
