"""The problems are what they say: values, gradients, ranges, moves, and the spin glass."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds

from deepopt import _backend, problems
from deepopt.problems import FUNCTIONS, SphericalSpinGlass
from deepopt.problems._problem import _haar

EVERY = pytest.mark.parametrize("problem", FUNCTIONS.values(), ids=FUNCTIONS)
DIMS = [1, 2, 3, 10, 50, 1000]

# An independent definition of each function, as in the Virtual Library.
TEXTBOOK = {
    "ackley": lambda x: (
        -20 * np.exp(-0.2 * np.sqrt((x**2).mean(-1)))
        - np.exp(np.cos(2 * np.pi * x).mean(-1))
        + 20
        + np.e
    ),
    "levy": lambda x: textbook_levy(1 + (x - 1) / 4),
    "rastrigin": lambda x: (x**2 - 10 * np.cos(2 * np.pi * x) + 10).sum(-1),
    "schwefel": lambda x: 418.9828872724338 * x.shape[-1] - (x * np.sin(np.sqrt(abs(x)))).sum(-1),
    "sphere": lambda x: (x**2).sum(-1),
    "rosenbrock": lambda x: (
        100 * (x[..., 1:] - x[..., :-1] ** 2) ** 2 + (x[..., :-1] - 1) ** 2
    ).sum(-1),
    "styblinski_tang": lambda x: (x**4 - 16 * x**2 + 5 * x).sum(-1) / 2,
    "michalewicz": lambda x: (
        -(np.sin(x) * np.sin(np.arange(1, x.shape[-1] + 1) * x**2 / np.pi) ** 20).sum(-1)
    ),
}

# Where each function is largest: every coordinate the same, Rosenbrock apart.
LARGEST_AT = {
    "ackley": 32.500414041294334,
    "levy": -10.0,
    "rastrigin": 4.522993659592399,
    "schwefel": -420.9687463599820,
    "sphere": 5.12,
    "styblinski_tang": 5.0,
    "michalewicz": 0.0,
}


def textbook_levy(w):
    first = np.sin(np.pi * w[..., 0]) ** 2
    middle = (w[..., :-1] - 1) ** 2 * (1 + 10 * np.sin(np.pi * w[..., :-1] + 1) ** 2)
    last = (w[..., -1] - 1) ** 2 * (1 + np.sin(2 * np.pi * w[..., -1]) ** 2)
    return first + middle.sum(-1) + last


def in_the_box(problem, shape, seed=0):
    return np.random.default_rng(seed).uniform(problem.low, problem.high, (*shape, problem.dim))


def gradient(function, x, dtype="float64"):
    with _backend.precision(dtype):
        compiled = _backend.Compiled(_backend.value_and_grad(function), xla=False)
        values, slopes = compiled(_backend.to_tensor(x, dtype))
        return _backend.to_numpy(values), _backend.to_numpy(slopes)


def central_differences(function, x, step):
    steps = step * np.eye(x.shape[-1])
    return (function(x[..., None, :] + steps) - function(x[..., None, :] - steps)) / (2 * step)


# Importing


def test_importing_the_problems_imports_nothing_heavy():
    heavy = "{'keras', 'tensorflow', 'jax', 'torch', 'scipy'}"
    code = f"import sys, deepopt.problems; print(sorted({heavy} & set(sys.modules)))"
    out = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert out.stdout.strip() == "[]"


# Values and ranges


@EVERY
@pytest.mark.parametrize("dim", DIMS)
def test_the_minimum_is_taken_at_the_minimiser(problem, dim):
    if problem is problems.rosenbrock and dim == 1:
        return
    problem = problem.with_dim(dim)
    assert problem.xmin.shape == (dim,)
    assert problem(problem.xmin) == pytest.approx(problem.fmin, rel=1e-12, abs=1e-12 * dim)


@pytest.mark.backends
@EVERY
def test_values_are_the_textbooks(problem):
    x = in_the_box(problem, (3, 4))
    expected = TEXTBOOK[problem.name](x)
    np.testing.assert_allclose(problem(x), expected, rtol=1e-11)
    assert problem(x[0, 0]) == pytest.approx(expected[0, 0], rel=1e-11)


@pytest.mark.parametrize(
    ("problem", "dim", "published"),
    [
        (problems.michalewicz, 2, -1.8013),
        (problems.michalewicz, 5, -4.687658),
        (problems.michalewicz, 10, -9.66015),
        (problems.michalewicz, 50, -49.6248),
        (problems.styblinski_tang, 2, -78.33233),
        (problems.styblinski_tang, 50, -1958.30829),
    ],
)
def test_published_minima(problem, dim, published):
    digits = len(str(published).partition(".")[2])
    assert problem.with_dim(dim).fmin == pytest.approx(published, abs=0.6 * 10**-digits)


def test_every_michalewicz_coordinate_is_at_its_global_minimum():
    dims = np.array([1, 2, 3, 4, 5, 6, 7, 10, 31, 50, 997])
    grid = np.linspace(0, np.pi, 200_001)
    xmin = problems.michalewicz.with_dim(1000).xmin[dims - 1]
    lowest = [(-np.sin(grid) * np.sin(i * grid**2 / np.pi) ** 20).min() for i in dims]
    at_xmin = -np.sin(xmin) * np.sin(dims * xmin**2 / np.pi) ** 20
    assert (at_xmin <= lowest).all()
    np.testing.assert_allclose(at_xmin, lowest, atol=1e-4)


def test_a_large_michalewicz_is_ready_at_once():
    problem = problems.michalewicz.with_dim(50_000)
    assert problem(problem.xmin) == pytest.approx(problem.fmin, rel=1e-12)


@EVERY
@settings(max_examples=20, deadline=None)
@given(st.sampled_from([2, 50]), st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_values_stay_within_the_range(problem, dim, seed, pull):
    problem = problem.with_dim(dim)
    x = in_the_box(problem, (50,), seed)
    corners = np.where(np.random.default_rng(seed).random(x.shape) < 0.5, problem.low, problem.high)
    values = problem(x + pull * (corners - x))
    low, high = problem.value_range
    slack = 1e-12 * (high - low)
    assert (values >= low - slack).all()
    assert (values <= high + slack).all()


@EVERY
def test_the_range_holds_on_a_grid_of_the_plane_and_is_attained(problem):
    problem = problem.with_dim(2)
    axis = np.linspace(problem.low, problem.high, 601)
    values = problem(np.stack(np.meshgrid(axis, axis), axis=-1))
    low, high = problem.value_range
    slack = 1e-12 * (high - low)
    assert low - slack <= values.min() <= low + 0.05 * (high - low)
    assert high - 0.01 * (high - low) <= values.max() <= high + slack


@EVERY
@pytest.mark.parametrize("dim", DIMS)
def test_the_maximum_is_attained(problem, dim):
    if problem is problems.rosenbrock:
        dim = max(dim, 2)
        largest_at = np.array([10.0] * (dim - 1) + [-5.0])
    else:
        largest_at = np.full(dim, LARGEST_AT[problem.name])
    problem = problem.with_dim(dim)
    assert problem(largest_at) == pytest.approx(problem.fmax, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("dim", [2, 3, 6])
def test_rosenbrocks_maximum_by_dynamic_programming(dim):
    axis = np.linspace(-5, 10, 601)
    term = 100 * (axis[None, :] - axis[:, None] ** 2) ** 2 + (axis[:, None] - 1) ** 2
    best = np.zeros_like(axis)  # the largest sum of the terms after x_i, for each x_i
    for _ in range(dim - 1):
        best = (term + best).max(axis=1)
    assert problems.rosenbrock.with_dim(dim).fmax == best.max()


def test_what_is_evaluated_near_a_minimum_of_zero_keeps_its_digits():
    x = np.full(50, 1e-12)
    assert problems.rastrigin(x) == pytest.approx(50 * (1 + 20 * np.pi**2) * 1e-24, rel=1e-9)
    assert problems.ackley(x) == pytest.approx(4e-12, rel=1e-6)


# Gradients


@pytest.mark.backends
@EVERY
@pytest.mark.parametrize("batch", [(), (2, 3)])
def test_gradients_match_finite_differences(problem, batch):
    problem = problem.with_dim(5).shifted(3).rotated(4)
    x = in_the_box(problem, batch, seed=5)
    step = 1e-6 * (problem.high - problem.low)
    values, slopes = gradient(problem, x)
    expected = central_differences(problem, x, step)
    np.testing.assert_allclose(values, problem(x), rtol=1e-12)
    np.testing.assert_allclose(slopes, expected, rtol=1e-5, atol=1e-6 * abs(expected).max())


@pytest.mark.backends
@EVERY
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_are_finite_at_special_points(problem, dtype):
    middle = np.full(50, (problem.low + problem.high) / 2)
    corners = [np.full(50, problem.low), np.full(50, problem.high)]
    tiny = [np.full(50, size) for size in (1e-15, 1e-20, 1e-30, 1e-40)]
    points = np.stack([np.zeros(50), middle, problem.xmin, *corners, *tiny])
    _, slopes = gradient(problem, points, dtype)
    assert np.isfinite(slopes).all()


def test_the_gradient_at_ackleys_minimiser_is_zero():
    _, slopes = gradient(problems.ackley, np.zeros((2, 50)))
    assert (slopes == 0).all()


# Shifts and rotations

GLOBAL = [
    problem
    for problem in FUNCTIONS.values()
    if problem not in (problems.schwefel, problems.michalewicz)
]
MOVES = {
    "shifted": lambda problem: problem.shifted(1),
    "rotated": lambda problem: problem.rotated(2),
    "shifted, rotated": lambda problem: problem.shifted(1).rotated(2),
    "rotated, shifted": lambda problem: problem.rotated(2).shifted(1),
    "many": lambda problem: problem.rotated(1).shifted(2).rotated(3).shifted(4).rotated(5),
}
MOVED = pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)


@MOVED
@pytest.mark.parametrize("problem", GLOBAL, ids=lambda problem: problem.name)
@pytest.mark.parametrize("dim", [2, 50])
def test_a_move_takes_the_minimum_along(problem, dim, move):
    moved = move(problem.with_dim(dim))
    assert moved.fmin == problem.with_dim(dim).fmin
    assert moved(moved.xmin) == pytest.approx(moved.fmin, rel=1e-12, abs=1e-12)
    assert (moved(in_the_box(moved, (1000,))) >= moved.fmin).all()
    assert moved.fmax is None
    assert moved.value_range is None


@EVERY
def test_a_shift_moves_the_function_into_the_middle_of_the_box(problem):
    base = problem.with_dim(20).rotated(0)
    moved, again = base.shifted(1), base.shifted(1).shifted(2)
    place = (moved.low, moved.high) @ np.array([[0.9, 0.1], [0.1, 0.9]])
    reached = np.random.default_rng(1).uniform(*place, 20)
    step = reached - problem.with_dim(20).xmin  # the documented draw
    x = in_the_box(moved, (5,))
    np.testing.assert_allclose(moved(x), base(x - step), rtol=1e-9)
    assert (moved(x) != again(x)).all()
    if moved.xmin is not None:
        np.testing.assert_allclose(moved.xmin, reached)


@pytest.mark.parametrize("dim", [1, 2, 100])
def test_a_rotation_keeps_distances_from_the_minimiser(dim):
    moved = problems.sphere.with_dim(dim).shifted(0).rotated(1).rotated(2)
    x = in_the_box(moved, (20,))
    np.testing.assert_allclose(moved(x), ((x - moved.xmin) ** 2).sum(-1), rtol=1e-10)


@pytest.mark.backends
def test_rotations_multiply():
    once = problems.rastrigin.with_dim(4).rotated(1)
    twice, x = once.rotated(2), in_the_box(once, (5,))
    np.testing.assert_allclose(twice(x), once(x @ _haar(4, np.random.default_rng(2))), rtol=1e-10)


def test_a_rotation_turns_the_axes():
    plain, turned = problems.rastrigin.with_dim(3), problems.rastrigin.with_dim(3).rotated(0)
    x = np.eye(3)
    np.testing.assert_allclose(plain(x), 1.0)
    assert (abs(turned(x) - 1.0) > 0.1).all()


def test_a_rotation_of_one_variable_is_the_identity_or_a_mirror():
    line = problems.styblinski_tang.with_dim(1)
    x, xmin = 1.0, line.xmin[0]
    seen = {round(line.rotated(seed)([x]), 9) for seed in range(20)}
    assert seen == {round(line([x]), 9), round(line([2 * xmin - x]), 9)}


def test_rotations_are_haar_distributed():
    signs = []
    for seed in range(400):
        turned = problems.styblinski_tang.with_dim(2).rotated(seed)
        step = 1e-3 * np.eye(2)
        odd = turned(turned.xmin - step) - turned(turned.xmin + step)  # ~ sum of R_ij^3 over j
        signs.append(np.sign(odd))
    assert abs(np.mean(signs, axis=0)).max() < 0.2  # four standard errors


@pytest.mark.parametrize("move", [MOVES["rotated"], MOVES["shifted, rotated"]])
@pytest.mark.parametrize(
    "problem", [problems.schwefel, problems.michalewicz], ids=["schwefel", "michalewicz"]
)
def test_a_minimum_that_may_leave_the_box_is_not_claimed(problem, move):
    moved = move(problem)
    assert (moved.fmin, moved.fmax, moved.xmin, moved.value_range) == (None,) * 4


def test_shifted_schwefel_claims_nothing_and_shifted_michalewicz_keeps_its_minimum():
    assert problems.schwefel.shifted(0).fmin is None
    assert problems.schwefel.shifted(0).xmin is None
    moved = problems.michalewicz.shifted(0).shifted(1)
    assert moved.fmin == problems.michalewicz.fmin
    assert moved(moved.xmin) == pytest.approx(moved.fmin, rel=1e-12)
    separate = np.linspace(-np.pi, 2 * np.pi, 100_001)[:, None]  # all that a shift can reach
    for i in (1, 2, 3, 17):
        terms = -np.sin(separate) * np.sin(i * separate**2 / np.pi) ** 20
        xmin = problems.michalewicz.xmin[i - 1]
        assert terms.min() >= -np.sin(xmin) * np.sin(i * xmin**2 / np.pi) ** 20


def test_an_unclaimed_minimiser_still_is_what_rotations_turn_about():
    place = np.random.default_rng(0).uniform(-400, 400, 50)  # where shifted(0) puts it
    for moved in (
        problems.schwefel.shifted(0).rotated(1),
        problems.schwefel.rotated(1).shifted(0).rotated(2),
    ):
        assert moved(place) == pytest.approx(0, abs=1e-9)
    assert problems.schwefel.rotated(1)(problems.schwefel.xmin) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("move", ["shifted", "rotated"])
def test_the_same_rng_gives_the_same_problem(move):
    x = in_the_box(problems.rastrigin, (3,))
    make = getattr(problems.rastrigin, move)
    np.testing.assert_array_equal(make(7)(x), make(np.random.default_rng(7))(x))
    generator = np.random.default_rng(7)
    values = [make(rng)(x)[0] for rng in (generator, generator, None, None)]
    assert values[0] == make(7)(x)[0]
    assert len(set(values)) == 4


# A problem as an object


@EVERY
def test_bounds_and_dimension(problem):
    assert problem.dim == 50
    assert isinstance(problem.bounds, Bounds)
    assert problem.bounds.lb.tolist() == [problem.low] * 50
    assert problem.bounds.ub.tolist() == [problem.high] * 50
    assert problem.with_dim(np.int64(3)).dim == 3
    assert FUNCTIONS[problem.name] is problem


@EVERY
def test_problems_pickle_and_compare_by_identity(problem):
    moved = problem.shifted(0).rotated(1)
    twin = pickle.loads(pickle.dumps(moved))
    x = in_the_box(problem, (2,))
    np.testing.assert_array_equal(twin(x), moved(x))
    assert twin != moved
    assert len({twin, moved, moved}) == 2
    assert repr(twin) == f"<problem {problem.name}: dim=50, shifted, rotated>"


@pytest.mark.backends
@EVERY
def test_tensors_keep_their_dtype_and_arrays_get_float64(problem):
    moved = problem.shifted(0).rotated(1)
    x = in_the_box(problem, (4,))
    for dtype in ("float32", "float64"):
        with _backend.precision(dtype):
            for one in (problem, moved):
                values = one(_backend.to_tensor(x, dtype))
                assert _backend.is_tensor(values)
                assert _backend.to_numpy(values).dtype == dtype
    with _backend.precision("float32"):
        values = _backend.to_numpy(problem(_backend.to_tensor(x, "float32")))
    np.testing.assert_allclose(values, problem(x), rtol=1e-3)
    assert problem(x.astype("float32")).dtype == np.float64
    assert type(problem(x[0])) is float
    assert problem(list(x[0])) == problem(tuple(x[0])) == problem(x[0])


@pytest.mark.backends
@EVERY
def test_a_compiled_problem_gives_the_same_values(problem):
    moved = problem.shifted(0).rotated(1)
    x = in_the_box(problem, (4,))
    with _backend.precision("float64"):
        values = _backend.to_numpy(_backend.Compiled(moved)(_backend.to_tensor(x, "float64")))
    np.testing.assert_allclose(values, moved(x), rtol=1e-10)


@EVERY
def test_writing_into_the_facts_does_not_change_the_problem(problem):
    for one in (problem, problem.shifted(0)):
        for fact in (one.xmin, one.bounds.lb):
            if fact is not None:
                fact[:] = np.nan
        assert one.bounds.lb[0] == one.low
        assert one.xmin is None or np.isfinite(one.xmin).all()


@pytest.mark.backends
def test_whole_numbers_are_taken_as_floats():
    with _backend.precision("float64"):
        whole = _backend.to_tensor(np.arange(50), "int32")
        values = float(_backend.to_numpy(problems.ackley(whole)))
    assert values == pytest.approx(problems.ackley(np.arange(50.0)), rel=1e-12)


def test_a_wrong_shape_names_what_came_and_what_was_expected():
    with pytest.raises(ValueError, match=r"rastrigin expects shape \(\.\.\., 50\), .* \(2, 49\)"):
        problems.rastrigin(np.zeros((2, 49)))
    with pytest.raises(ValueError, match=r"received \(\)"):
        problems.rastrigin(1.0)
    with pytest.raises(ValueError, match=r"received \(49,\)"), _backend.precision("float64"):
        problems.rastrigin(_backend.to_tensor(np.zeros(49), "float64"))


def test_wrong_dimensions():
    with pytest.raises(ValueError, match="rosenbrock needs dim >= 2, got 1"):
        problems.rosenbrock.with_dim(1)
    with pytest.raises(ValueError, match="dim must be at least 1, got 0"):
        problems.sphere.with_dim(0)
    for wrong in (2.0, "2", True, None):
        with pytest.raises(TypeError, match="dim must be a whole number"):
            problems.sphere.with_dim(wrong)
    for moved in (problems.sphere.shifted(0), problems.sphere.rotated(0)):
        with pytest.raises(ValueError, match="call with_dim before"):
            moved.with_dim(3)


# The spin glass


@pytest.fixture(scope="module")
def glass():
    return SphericalSpinGlass(12, rng=3)


def plain_energy(y, n=12, seed=3):
    couplings = np.random.default_rng(seed).standard_normal((n, n, n))
    return np.einsum("ijk,...i,...j,...k->...", couplings, y, y, y) / n


def onto_sphere(x):
    return np.sqrt(x.shape[-1]) * x / np.linalg.norm(x, axis=-1, keepdims=True)


@pytest.mark.backends
def test_the_glass_has_the_energy_of_its_definition(glass):
    x = in_the_box(glass, (2, 5))
    expected = plain_energy(onto_sphere(x))
    np.testing.assert_allclose(glass(x), expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(glass.energy_per_spin(x), expected / 12, rtol=1e-10, atol=1e-12)
    assert type(glass.energy_per_spin(x[0, 0])) is float


@pytest.mark.backends
@pytest.mark.parametrize("batch", [(), (2, 3)])
@pytest.mark.parametrize("size", [1.0, 0.05])  # outside and inside the regular core
def test_the_glass_has_the_gradient_of_its_values(glass, batch, size):
    x = size * in_the_box(glass, batch, seed=1)
    for function in (glass, glass.energy_per_spin):
        values, slopes = gradient(function, x)
        expected = central_differences(function, x, 1e-5 * size)
        np.testing.assert_allclose(values, function(x), rtol=1e-12)
        np.testing.assert_allclose(slopes, expected, rtol=1e-6, atol=1e-7 * abs(expected).max())


def test_outside_the_core_only_the_direction_counts(glass):
    x = in_the_box(glass, (6,))
    np.testing.assert_allclose(glass(0.3 * x), glass(x), rtol=1e-10)
    for scale in (1e-200, 1e-3, 1e200):
        energies = glass.energy_per_spin(scale * x)
        np.testing.assert_allclose(energies, glass.energy_per_spin(x), rtol=1e-10)


def test_inside_the_core_the_glass_is_the_scaled_cubic(glass):
    x = in_the_box(glass, (6,))
    core = 0.1 * np.sqrt(12 / 3)
    x *= core / np.linalg.norm(x, axis=-1, keepdims=True)
    for fraction in (1.0, 0.5, 0.1):
        np.testing.assert_allclose(glass(fraction * x), fraction**3 * glass(x), rtol=1e-9)
    np.testing.assert_allclose(glass(1.1 * x), glass(x), rtol=1e-9)
    values, slopes = gradient(glass, np.stack([np.zeros(12), 1e-160 * x[0]]))
    assert (values == 0).all()
    assert abs(slopes).max() < 1e-300


@pytest.mark.backends
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_glass_compiles_in_both_precisions_and_twice(glass, dtype):
    x = in_the_box(glass, (4,))
    fresh = SphericalSpinGlass(12, rng=3)  # its first call is a traced one
    with _backend.precision(dtype):
        tensor = _backend.to_tensor(x, dtype)
        for call in (_backend.Compiled(fresh), _backend.Compiled(lambda x: fresh(x)), fresh):
            values = _backend.to_numpy(call(tensor))
            assert values.dtype == dtype
            np.testing.assert_allclose(values, glass(x), rtol=1e-3 if dtype == "float32" else 1e-10)


def test_what_the_glass_knows(glass):
    assert glass.threshold == pytest.approx(-1.63299, abs=5e-6)
    assert glass.ground_state == -1.657
    assert (glass.fmin, glass.fmax, glass.xmin) == (None, None, None)
    assert glass.value_range == (-1.657 * 12, 1.657 * 12)
    assert glass.bounds.lb.tolist() == [-1.0] * 12
    assert repr(glass) == "<problem spherical_spin_glass: dim=12>"


def test_the_glass_depends_on_its_rng_alone(glass):
    x = in_the_box(glass, (3,))
    again = SphericalSpinGlass(12, rng=np.random.default_rng(3))
    np.testing.assert_array_equal(again(x), glass(x))
    assert (SphericalSpinGlass(12, rng=4)(x) != glass(x)).all()
    stored = pickle.dumps(glass)
    assert len(stored) < 1.2 * 8 * 12**3  # the couplings once, without the backend's copy
    np.testing.assert_array_equal(pickle.loads(stored)(x), glass(x))


def test_the_glass_cannot_be_moved_or_resized(glass):
    with pytest.raises(ValueError, match=r"SphericalSpinGlass\(20, rng="):
        glass.with_dim(20)
    with pytest.raises(ValueError, match="cannot be shifted"):
        glass.shifted(0)
    with pytest.raises(ValueError, match="rotated spin glass"):
        glass.rotated(0)


def test_wrong_arguments_of_the_glass():
    with pytest.raises(ValueError, match="n_spins must be at least 2, got 1"):
        SphericalSpinGlass(1)
    with pytest.raises(TypeError, match="n_spins must be a whole number"):
        SphericalSpinGlass(10.0)
    with pytest.raises(ValueError, match="p must be 3, got 4"):
        SphericalSpinGlass(10, p=4)


def test_couplings_that_do_not_fit_are_refused_before_they_are_drawn():
    message = r"the couplings of 100,000 spins.* need at least 14901161\.2 GiB .* lower n_spins"
    with pytest.raises(MemoryError, match=message):
        SphericalSpinGlass(100_000)
