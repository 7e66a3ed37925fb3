"""The global search: its parts by themselves, and that together they find known minima."""

import numpy as np
import pytest
import scipy.optimize
from helpers import advance, build
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

import deepopt
from deepopt import LBFGS, Constant, Direct, Recipe
from deepopt._backend import precision, to_numpy
from deepopt._domain.box import Box
from deepopt._engine.driver import Driver
from deepopt._search import scans as _scan
from deepopt._search import traced as _search
from deepopt._support.results import Status
from deepopt.bench.held_out import DropWave, Griewank, LennardJones, Salomon
from deepopt.problems import (
    FUNCTIONS,
    SphericalSpinGlass,
    ackley,
    levy,
    michalewicz,
    rastrigin,
    schwefel,
    styblinski_tang,
)
from deepopt.reparametrizations import Start

UNIT = Box.make(np.zeros(6), np.ones(6))


def additive(rotation, centre):
    """Σ h(z_j), z = Rᵀ(u - c), h(z) = z² - 0.05 cos 40 z: gradient, and where the sum is least."""

    def gradient(u):
        z = (u - centre) @ rotation
        return (2 * z + 2.0 * np.sin(40 * z)) @ rotation.T

    return gradient


def orthogonal(seed, d=6):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((d, d)))[0]


# Scans


@given(st.integers(0, 2**31), st.sampled_from([1, 2, 6]))
@settings(max_examples=25, deadline=None)
def test_a_scan_finds_the_global_minimum_along_every_axis(seed, blocks):
    rng = np.random.default_rng(seed)
    centre = rng.uniform(0.1, 0.9, 6)
    from_ = rng.uniform(0, 1, 6)
    f = additive(np.eye(6), centre)
    moves = _scan.scan(f, UNIT, from_, _scan.Axes(), rng, 512, blocks, 100)
    np.testing.assert_allclose(from_ + moves.length, centre, atol=3e-3)
    z = from_ - centre
    value = z**2 - 0.05 * np.cos(40 * z)
    np.testing.assert_allclose(moves.gain, value + 0.05, atol=2e-2)


@given(st.integers(0, 2**31))
@settings(max_examples=15, deadline=None)
def test_directions_are_learned_and_scanned(seed):
    """f is a sum in rotated axes: the Hessian at one point shows the axes, one scan the minimum."""
    rng = np.random.default_rng(seed)
    centre, rotation = rng.uniform(0.35, 0.65, 6), orthogonal(seed)
    f = additive(rotation, centre)
    directions = _scan.learned_directions(f, UNIT, rng.uniform(0.4, 0.6, 6))
    aligned = np.abs(directions.columns.T @ rotation)
    np.testing.assert_allclose(np.sort(aligned.max(axis=0)), 1.0, atol=1e-2)
    moves = _scan.scan(f, UNIT, np.full(6, 0.5), directions, rng, 512, 6, 512)
    everything = _scan.combinations(moves, np.full(6, 0.5), directions, UNIT)[0]
    np.testing.assert_allclose(everything, centre, atol=2e-2)


def test_a_scan_holds_no_more_points_than_it_may():
    centre, sizes = np.random.default_rng(1).uniform(0.1, 0.9, 6), []
    f = additive(np.eye(6), centre)

    def gradients(u):
        sizes.append(len(u))
        return f(u)

    _scan.scan(gradients, UNIT, centre, _scan.Axes(), np.random.default_rng(0), 250, 2, 100)
    assert sizes == [100, 100, 50] * 2


def test_combinations_stay_inside_and_take_the_best_moves_first():
    moves = _scan.Moves(np.array([0.9, -0.9, 0.2]), np.array([1.0, 3.0, 0.0]))
    box = Box.make(np.zeros(3), np.ones(3))
    points = _scan.combinations(moves, np.full(3, 0.5), _scan.Axes(), box)
    np.testing.assert_allclose(points, [[1.0, 0.0, 0.5], [0.5, 0.0, 0.5]])


def test_no_moves_where_the_gradient_says_nothing():
    moves = _scan.scan(
        np.zeros_like, UNIT, np.full(6, 0.5), _scan.Axes(), np.random.default_rng(0), 64, 2, 64
    )
    assert (moves.gain == 0).all()
    assert _scan.combinations(moves, np.full(6, 0.5), _scan.Axes(), UNIT).shape == (0, 6)


# The batched local search


@pytest.mark.backends
def test_lbfgs_converges_where_scipy_s_does():
    def f(x):
        return ops.sum(
            100.0 * (x[..., 1:] - x[..., :-1] ** 2) ** 2 + (1.0 - x[..., :-1]) ** 2, axis=-1
        )

    recipe = Recipe(Direct(1, "uniform", "reflect"), Constant(), LBFGS())
    rng = np.random.default_rng(0)
    starts = [Start([rng.uniform(0.2, 0.8, (1, 3))], []) for _ in range(7)]
    with precision("float64"):
        program, group = build(f, recipe, starts, [0.02] * 7, stall=20)
        state = advance(program, group, 400)
        best, x, nit = (to_numpy(t) for t in (state.best_f, state.best_x, state.nit))
    for row, start in enumerate(starts):
        begin = np.array([-2.0, -1.0, 0.0]) + np.array([4.0, 4.0, 1.0]) * start.variables[0][0]
        bounds = [(-2, 2), (-1, 3), (0, 1)]
        peer = scipy.optimize.minimize(
            scipy.optimize.rosen, begin, jac=scipy.optimize.rosen_der, bounds=bounds
        )
        assert best[row] <= peer.fun + 1e-6
        np.testing.assert_allclose(x[row], peer.x, atol=1e-3)
    assert (nit < 400).all()


@pytest.mark.backends
def test_lbfgs_is_exact_on_a_quadratic_and_never_accepts_a_rise():
    scales = np.array([1.0, 30.0, 900.0])
    f = lambda x: ops.sum(scales * (x - 0.3) ** 2, axis=-1)  # noqa: E731
    recipe = Recipe(Direct(1, "uniform", "reflect"), Constant(), LBFGS())
    with precision("float64"):
        program, group = build(f, recipe, [Start([np.full((1, 3), 0.9)], [])], [0.02])
        accepted = []
        for stop in range(1, 60):
            state = advance(program, group, stop)
            accepted.append(float(to_numpy(state.memory[1])[0]))
    assert (np.diff(accepted) <= 0).all()
    assert accepted[-1] < 1e-12


# Together


FOUND_ELSEWHERE = {  # rotated, or with other searches
    "ackley", "levy", "michalewicz", "rastrigin", "rosenbrock", "sphere", "styblinski_tang",
}  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] * (name in FOUND_ELSEWHERE))
        for name in FUNCTIONS
    ],
)
def test_known_minima_in_ten_dimensions(name):
    problem = FUNCTIONS[name].with_dim(10)
    if name not in ("schwefel", "michalewicz"):
        problem = problem.shifted(rng=11)
    result = deepopt.minimize(problem, rng=0)
    assert result.success
    least = -9.66015 if name == "michalewicz" else problem.fmin
    assert result.fun <= least + (1e-3 if name == "michalewicz" else 1e-8)
    assert problem(result.x) == pytest.approx(result.fun, abs=1e-12)


@pytest.mark.backends
@pytest.mark.parametrize(
    "problem",
    [
        ackley,
        rastrigin,
        pytest.param(levy, marks=pytest.mark.slow),
        pytest.param(styblinski_tang, marks=pytest.mark.slow),
    ],
    ids=lambda p: p.name,
)
def test_known_minima_rotated(problem):
    moved = problem.with_dim(10).shifted(rng=12).rotated(rng=13)
    assert deepopt.minimize(moved, rng=1).fun == pytest.approx(moved.fmin, abs=1e-8)


@pytest.mark.parametrize(
    "problem",
    [
        Griewank(10),
        LennardJones(21),
        pytest.param(Salomon(10), marks=pytest.mark.slow),
        pytest.param(DropWave(), marks=pytest.mark.slow),
    ],
    ids=lambda p: p.name,
)
def test_known_minima_of_problems_held_out(problem):
    if not isinstance(problem, LennardJones):
        problem = problem.shifted(rng=14)
    assert deepopt.minimize(problem, rng=0).fun == pytest.approx(problem.fmin, abs=1e-5)


def test_two_seeds_agree_on_a_glass():
    glass = SphericalSpinGlass(20, rng=5)
    first, second = (deepopt.minimize(glass, rng=seed).fun for seed in (0, 1))
    assert first == pytest.approx(second, abs=1e-6)


@pytest.mark.backends
def test_points_never_leave_a_box_of_every_kind():
    """Closed, fixed, half-open and free variables; outside f is so low that a stray would show."""
    lower = np.array([-1.0, 0.5, 0.0, -np.inf, -np.inf])
    upper = np.array([1.0, 0.5, np.inf, 2.0, np.inf])

    def f(x):
        inside = ops.all(ops.logical_and(x >= lower, x <= upper), axis=-1)
        return ops.where(inside, ops.sum((x - 0.25) ** 2, axis=-1), -1e6)

    bounds = scipy.optimize.Bounds(lower, upper)
    result = deepopt.minimize(f, [0.5, 0.5, 1.0, 0.0, 3.0], bounds=bounds, rng=0)
    np.testing.assert_allclose(result.x, [0.25, 0.5, 0.25, 0.25, 0.25], atol=1e-6)
    assert result.fun > -1.0


def test_a_discontinuous_objective_has_a_sound_result():
    steps = lambda x: ops.sum(ops.floor(4.0 * ops.abs(x)), axis=-1)  # noqa: E731
    result = deepopt.minimize(steps, bounds=[(-1, 1)] * 4, options={"maxiter": 3000}, rng=0)
    assert result.fun == 0.0


def test_the_search_stops_by_itself_and_says_why():
    constant = deepopt.minimize(lambda x: 0.0 * x[..., 0] + 3.0, bounds=[(0, 1)] * 3, rng=0)
    assert (constant.fun, constant.status) == (3.0, 0)
    problem = schwefel.with_dim(10).rotated(rng=0)
    for options, status in [({"maxiter": 300}, 1), ({"maxfev": 5000}, 2), ({"maxtime": 0.3}, 3)]:
        result = deepopt.minimize(problem, options=options, rng=0)
        assert result.status == status
        assert result.nit <= options.get("maxiter", 10**9)
        assert result.nfev <= options.get("maxfev", 10**9)
        assert result.fun == pytest.approx(problem(result.x))


def test_the_elite_is_distinct_and_sorted():
    result = deepopt.minimize(rastrigin.with_dim(5).shifted(rng=2), rng=0)
    energies = result.population_energies
    assert (np.diff(energies) >= 0).all()
    assert 1 < len(energies) <= 100
    assert result.fun <= energies[0]
    assert result.population_hits.shape == energies.shape
    assert result.population_hits.sum() > 0


def test_any_schedule_and_descent_ride_in_the_search():
    problem = michalewicz.with_dim(5)
    bowl = lambda x: ops.sum((x - 1.5) ** 2, axis=-1)  # noqa: E731
    for options in (
        {"schedule": deepopt.Blend(bowl)},
        {"schedule": deepopt.Temperature(1e-3, 1e-6), "descent": "gd"},
        {"schedule": deepopt.GaussianSmoothing(pace=deepopt.Adaptive())},
    ):
        result = deepopt.minimize(problem, options={"maxiter": 6000} | options, rng=0)
        assert result.fun == pytest.approx(-4.687658, abs=1e-4)


def test_where_f_is_finite_only_in_a_corner_the_search_goes_on_after_its_first_hops():
    def f(x):
        inside = ops.all(x < -0.4, axis=-1)
        return ops.where(inside, ops.sum((x + 0.7) ** 2, axis=-1), float("nan"))

    found = [deepopt.minimize(f, bounds=[(-1, 1)] * 4, rng=seed).fun for seed in range(2)]
    assert all(fun < 1e-6 for fun in found)


def test_a_function_without_any_finite_value_costs_few_points():
    f = lambda x: ops.sum(x, axis=-1) * float("nan")  # noqa: E731
    result = deepopt.minimize(f, bounds=[(-1, 1)] * 3, rng=0)
    assert result.status == 4
    assert result.nfev < 10_000


def test_a_batch_of_hops_goes_on_while_a_crowd_of_its_runs_does(monkeypatch):
    monkeypatch.setattr(_search, "LOCAL", 20)
    monkeypatch.setattr(_search, "GAP", 20)
    batches, run = [], Driver.run

    def watched(driver, *given):
        status = run(driver, *given)
        free = driver._limits.maxiter == 80 and status is not Status.MAXFEV
        if free and isinstance(driver._program.recipe.descent, LBFGS):
            batches.append((driver.runs.nit, driver.runs.going().mean()))
        return status

    monkeypatch.setattr(Driver, "run", watched)
    options = {"maxfev": 30_000, "polish": False}
    deepopt.minimize(FUNCTIONS["rosenbrock"].with_dim(40), rng=0, options=options)
    assert batches[0][0] == 80  # two iterations for each variable
    batches.clear()
    deepopt.minimize(rastrigin.with_dim(40).shifted(rng=0), rng=0, options=options)
    left = [share for nit, share in batches if 20 <= nit < 80]
    assert left
    assert max(left) < 0.25
    assert max(left) > 0
