"""Black boxes: two of the arms by themselves, all together, limits and broken functions."""

import time

import numpy as np
import pytest
from scipy.optimize import minimize, rosen, rosen_der

import deepopt
from deepopt._domain.box import Box
from deepopt._search import black_box as _black_box
from deepopt._search.cma_es import Evolution
from deepopt._search.implicit_filtering import TURNS, Filtering
from deepopt._search.minima import SIZE, Met


def solve(f, d=4, low=-2.0, high=2.0, **given):
    return deepopt.minimize(f, bounds=[(low, high)] * d, **({"rng": 0} | given))


def point_by_point(f):
    """f as a function that takes one NumPy point and nothing else."""

    def only(x):
        if type(x) is not np.ndarray or x.ndim != 1:
            raise TypeError("one NumPy point")
        return f(x)

    return only


def unit_box(d):
    return Box.make(np.zeros(d), np.ones(d))


def evolve(f, box, seed, points, spread=1.0):
    """The lowest value that evolution finds within so many points, and its populations."""
    run = Evolution(box, np.random.default_rng(seed))
    best, populations = np.inf, []
    while sum(populations) < points:
        u = run.ask()
        assert (u[:, box.closed] >= 0).all()
        assert (u[:, box.closed] <= 1).all()
        values = f(u)
        run.tell(values, spread)
        best = np.fmin(best, np.fmin.reduce(values))
        populations.append(len(u))
    return best, populations


@pytest.mark.parametrize("d", [2, 10])
def test_evolution_converges_on_an_ellipsoid_of_condition_a_million(d):
    rotation = np.linalg.qr(np.random.default_rng(d).standard_normal((d, d)))[0]
    scales = 10.0 ** (6 * np.arange(d) / max(d - 1, 1))
    f = lambda u: (((u - 0.4) @ rotation) ** 2 * scales).sum(axis=1)  # noqa: E731
    assert evolve(f, unit_box(d), 0, 1000 * d)[0] < 1e-9


def test_evolution_does_not_depend_on_the_scale_of_f():
    f = lambda u: ((u - 0.4) ** 2).sum(axis=1)  # noqa: E731
    small = lambda u: 1e-30 * f(u)  # noqa: E731
    known = evolve(f, unit_box(3), 0, 900)
    best, populations = evolve(small, unit_box(3), 0, 900, 1e-30)
    assert best == pytest.approx(1e-30 * known[0], rel=1e-6)
    assert populations == known[1]


@pytest.mark.parametrize("fixed", [1, 2])
def test_evolution_is_for_two_free_variables_and_more(fixed, monkeypatch):
    monkeypatch.setattr(_black_box, "Evolution", lambda box, rng: pytest.fail("was asked"))
    f = point_by_point(lambda x: float(np.floor(50 * abs(x[0])) + np.sin(40 * x[0])))
    bounds = [(-2, 2)] * (2 - fixed) + [(1, 1)] * fixed
    result = deepopt.minimize(f, bounds=bounds, rng=0, options={"maxfev": 2000})
    assert result.nfev > 3 * 3 * _black_box.WAIT or fixed == 2


def test_evolution_survives_values_that_are_not_finite():
    f = lambda u: np.where(u[:, 0] > 0.7, np.nan, ((u - 0.6) ** 2).sum(axis=1))  # noqa: E731
    assert evolve(f, unit_box(3), 1, 2000)[0] < 1e-9
    broken = lambda u: np.where(u[:, 0] > 0.7, np.inf, np.full(len(u), np.nan))  # noqa: E731
    evolve(broken, unit_box(3), 1, 2000)


def test_evolution_leaves_fixed_variables_alone():
    box = Box.make(np.array([0.0, 2.0, 0.0]), np.array([1.0, 2.0, 1.0]))

    def f(u):
        assert (u[:, 1] == 0).all()
        return ((u[:, [0, 2]] - 0.3) ** 2).sum(axis=1)

    assert evolve(f, box, 0, 1000)[0] < 1e-9


def test_restarts_spend_alike_on_large_and_small_populations():
    f = lambda u: np.sum(u > 0.5, axis=1).astype(float)  # noqa: E731 - a run is soon over
    _, populations = evolve(f, unit_box(5), 0, 100_000)
    assert populations[0] == 8
    assert max(populations) >= 8 * 2**4
    large = sum(size for size in populations if size > 64)
    assert 0.3 < large / sum(populations) < 0.7


def filtered(f, d, seed, directions=None, box=None):
    """A descent from coarse to fine that is over, and all points that it asked for."""
    box = box or unit_box(d)
    start = box.draw(np.random.default_rng(seed), 1)[0]
    begun = float(f(start[None])[0])
    run = Filtering(box, start, begun, np.eye(d) if directions is None else directions)
    asked, over = [], False
    with np.errstate(invalid="raise", over="raise", divide="raise"):
        while not over:
            asked.append(run.ask())
            assert np.isfinite(asked[-1]).all()
            over = run.tell(f(asked[-1]))
    points = np.concatenate(asked)
    assert (points[:, box.closed] >= 0).all()
    assert (points[:, box.closed] <= 1).all()
    assert run.f <= begun
    assert run.f == f(run.u[None])[0]
    return run, asked


def test_filtering_descends_a_funnel_through_its_ripples():
    ends, nearby = [], []
    for seed in range(6):
        turn = np.linalg.qr(np.random.default_rng(seed).standard_normal((6, 6)))[0]

        def rippled(u, turn=turn):
            z = (u - 0.6) @ turn
            return (z**2 - 0.02 * np.cos(40 * z) + 0.02).sum(axis=-1)

        run, asked = filtered(rippled, 6, seed, np.linalg.qr(turn + 0.3)[0])
        assert len(asked) <= 2 * TURNS
        ends.append(run.f)
        nearby.append(minimize(rippled, np.random.default_rng(seed).random(6)).fun)
    assert sum(ends) < 0.4 * sum(nearby)


@pytest.mark.parametrize("d", [1, 3])
def test_filtering_goes_to_the_minimum_of_oblique_parabolas_at_once(d):
    bowls, near = np.array([1.0, 3.0, 0.2])[:d], np.full(d, 0.5)
    directions = np.linalg.qr(np.random.default_rng(0).standard_normal((d, d)))[0]
    f = lambda x: (((x - 0.45) @ directions.T) ** 2 * bowls).sum(axis=1)  # noqa: E731
    run = Filtering(unit_box(d), near, float(f(near[None])[0]), directions)
    assert len(run.ask()) == 2 * d
    run.tell(f(run.ask()))
    np.testing.assert_allclose(run.ask(), [[0.45] * d], atol=1e-12)
    run.tell(f(run.ask()))
    np.testing.assert_allclose(run.u, 0.45, atol=1e-12)


def test_filtering_needs_no_bounds():
    box = Box.make(np.array([-np.inf, 0.0]), np.array([np.inf, np.inf]), np.array([3.0, 2.0]))
    run, _ = filtered(lambda u: ((u - 2.5) ** 2).sum(axis=1), 2, 0, box=box)
    np.testing.assert_allclose(run.u, 2.5, atol=1e-6)


def test_filtering_leaves_fixed_variables_alone(monkeypatch):
    asked = []
    ask = Filtering.ask
    monkeypatch.setattr(Filtering, "ask", lambda run: asked.append(ask(run)) or asked[-1])
    bounds = [(0.5, 0.5), (-1, 1), (0.2, 0.2), (-1, 1)]
    f = point_by_point(lambda x: float(np.sum((x - 0.3) ** 2)))
    deepopt.minimize(f, bounds=bounds, rng=0, options={"maxfev": 300, "polish": False})
    assert {len(points) for points in asked} == {4, 1}
    stencils = [points for points in asked if len(points) == 4]
    assert all(np.ptp(points[:, [0, 2]], axis=0).max() == 0 for points in stencils)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e308, -1e308])
def test_filtering_survives_values_without_measure(value):
    f = lambda u: np.where(u[:, 0] > 0.6, value, ((u - 0.5) ** 2).sum(axis=1))  # noqa: E731
    begun = [seed for seed in range(8) if np.random.default_rng(seed).random(3)[0] < 0.6]
    assert len(begun) >= 3
    if value != -1e308:
        assert max(filtered(f, 3, seed)[0].f for seed in begun) < 1e-4
    else:
        assert min(filtered(f, 3, seed)[0].f for seed in begun) == value


def test_the_elite_keeps_distinct_minima_in_order():
    elite, rng = Met(), np.random.default_rng(0)
    for f in (3.0, 1.0, 2.0, 1.0 + 1e-12, 0.5):
        elite.keep(rng.random(3), f)
    elite.keep(elite.minima[0].u + 1e-6, 0.4)
    assert [m.f for m in elite.minima] == [0.4, 1.0, 2.0, 3.0]
    for f in rng.random(40):
        elite.keep(rng.random(3), f)
    assert len(elite.minima) == SIZE
    assert elite.scale(1e9) == elite.minima[-1].f - elite.minima[0].f
    assert elite.scale(1e-9) == 1e-9
    recombined = elite.recombined(20, rng)
    assert np.isin(recombined, np.array([m.u for m in elite.minima])).all()


def rastrigin(x):
    return float(np.sum(x * x + 10 - 10 * np.cos(2 * np.pi * x)))


def camel(x):
    return float(
        (4 - 2.1 * x[0] ** 2 + x[0] ** 4 / 3) * x[0] ** 2
        + x[0] * x[1]
        + (-4 + 4 * x[1] ** 2) * x[1] ** 2
    )


def kinks(x):
    return float(np.abs(x - 0.3).max() + 0.1 * np.abs(x - 0.3).sum())


@pytest.mark.parametrize(
    ("f", "d", "least"),
    [(rosen, 4, 0.0), (camel, 2, -1.0316284535), (rastrigin, 5, 0.0), (kinks, 3, 0.0)],
    ids=["rosen", "camel", "rastrigin", "kinks"],
)
def test_known_minima_of_black_boxes(f, d, least):
    result = solve(point_by_point(f), d, -2.1, 2.3)
    assert result.objective_kind == "black box"
    assert result.fun == pytest.approx(least, abs=1e-7)
    assert result.fun == f(result.x)
    assert result.success
    assert (np.diff(result.history["fun"]) <= 0).all()
    assert (np.diff(result.history["nfev"]) > 0).all()


def test_a_batched_black_box_finds_the_same():
    batch = lambda x: np.sum(np.square(np.asarray(x) - 0.3), axis=-1)  # noqa: E731
    result = solve(batch, options={"batched": True})
    assert result.objective_kind == "batched black box"
    assert solve(batch).objective_kind == "black box"
    np.testing.assert_allclose(result.x, 0.3, atol=1e-6)


def test_a_given_gradient_is_used():
    result = solve(point_by_point(rosen), 10, jac=rosen_der)
    assert result.fun < 1e-9
    assert result.njev > 0
    np.testing.assert_allclose(result.jac, rosen_der(result.x), atol=1e-12)


@pytest.mark.parametrize("maxfev", [1, 3, 40, 500, 2001])
def test_maxfev_is_never_exceeded_and_nearly_used(maxfev):
    calls = []

    def f(x):
        calls.append(1)
        return rastrigin(x - 0.1)

    result = solve(point_by_point(f), 3, options={"maxfev": maxfev})
    assert len(calls) <= result.nfev <= maxfev  # a probe that f refuses counts too
    assert result.nfev >= maxfev - 2
    assert result.status == 2
    assert np.isfinite(result.fun)


def test_other_limits_and_the_callback():
    slow = point_by_point(lambda x: time.sleep(0.002) or rastrigin(x))
    begun = time.perf_counter()
    assert solve(slow, options={"maxtime": 0.4}).status == 3
    assert time.perf_counter() - begun < 1.5
    assert solve(point_by_point(rastrigin), options={"maxiter": 7}).nit == 7

    def stop(intermediate_result):
        raise StopIteration

    assert solve(point_by_point(rastrigin), callback=stop).status == 99


def test_exceptions_of_f_arrive_as_they_were_raised():
    for kind in (ZeroDivisionError, StopIteration):
        calls = []

        def f(x, kind=kind, calls=calls):
            calls.append(1)
            if len(calls) > 400:
                raise kind("mine")
            return rastrigin(x)

        with pytest.raises(kind, match="mine"):
            solve(point_by_point(f))


def test_a_small_black_box_begins_at_once():
    solve(point_by_point(rastrigin), 2, options={"maxfev": 50})  # a warm process
    begun = time.perf_counter()
    first = []

    def f(x):
        first.append(time.perf_counter() - begun)
        return rastrigin(x)

    solve(point_by_point(f), 2, options={"maxfev": 50})
    assert first[0] < 0.3


@pytest.mark.parametrize("value", [np.nan, pytest.param(np.inf, marks=pytest.mark.slow)])
def test_a_function_that_is_finite_almost_nowhere(value):
    f = lambda x: float(np.sum(x)) if x[0] > 1.5 else value  # noqa: E731
    result = solve(point_by_point(f), 2)
    assert result.x[0] >= 1.5
    assert result.fun == pytest.approx(-0.5, abs=1e-2)
    nowhere = solve(point_by_point(lambda _: value), 2, options={"maxfev": 300})
    assert nowhere.status == 4


def test_one_dimension_fixed_half_open_and_free_variables():
    assert solve(point_by_point(lambda x: (x[0] - 0.3) ** 2), 1).fun < 1e-12
    f = point_by_point(lambda x: float(np.sum((x - 0.25) ** 2)))
    bounds = [(-1, 1), (0.5, 0.5), (0, None), (None, 2), (None, None)]
    result = deepopt.minimize(f, [0.5, 0.5, 1.0, 0.0, 3.0], bounds=bounds, rng=0)
    np.testing.assert_allclose(result.x, [0.25, 0.5, 0.25, 0.25, 0.25], atol=1e-5)


def test_the_bottom_of_a_narrow_valley_is_reached_by_central_differences():
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((5, 5)))[0]

    def discus(x):
        z = turn @ (x - 0.3)
        return 1e6 * z[0] ** 2 + np.sum(z[1:] ** 2)

    assert solve(discus, d=5, low=-5.0, high=5.0, options={"maxfev": 600}).fun < 1e-8


@pytest.mark.parametrize("seed", range(3))
def test_rugged_funnels_are_descended_with_few_points(seed):
    shift = np.random.default_rng(seed).uniform(-10, 10, 5)

    def ackley(x):
        z = x - shift
        waves = np.exp(np.mean(np.cos(2 * np.pi * z)))
        return float(20 + np.e - 20 * np.exp(-0.2 * np.sqrt(np.mean(z * z))) - waves)

    f = point_by_point(ackley)
    assert solve(f, 5, -32.0, 32.0, rng=seed, options={"maxfev": 300 * 6}).fun < 1e-5


@pytest.mark.parametrize("d", [300, 301])
def test_above_300_variables_no_arm_keeps_a_matrix(d, monkeypatch):
    asked = []
    monkeypatch.setattr(_black_box, "WAIT", 0)
    for kind in (Filtering, Evolution):
        monkeypatch.setattr(
            kind, "ask", lambda run: asked.append(type(run)) or np.full((1, d), 0.5)
        )
        monkeypatch.setattr(kind, "tell", lambda run, values, *spread: None)
    f = point_by_point(lambda x: float(np.sum(x * x)))
    assert solve(f, d, options={"maxfev": 4000, "polish": False}).status == 2
    assert set(asked) == ({Filtering, Evolution} if d == 300 else set())


def test_arms_spend_by_their_shares_and_none_holds_the_others_up(monkeypatch):
    spent, turns = {}, {}
    arms = {
        "_search_locally": "local", "_scan_next": "scans", "_filter": "filtering",
        "_evolve": "evolution",
    }  # fmt: skip
    for method, arm in arms.items():
        turn = getattr(_black_box.BlackBoxSearch, method)

        def counted(search, turn=turn, arm=arm):
            before = search._objective.nfev
            turn(search)
            points = search._objective.nfev - before
            spent[arm] = spent.get(arm, 0) + points
            turns[arm] = max(turns.get(arm, 0), points)

        monkeypatch.setattr(_black_box.BlackBoxSearch, method, counted)
    f = point_by_point(lambda x: float(np.sum(x * x - 10 * np.cos(9 * x))))
    solve(f, 3, options={"maxfev": 12_000})
    wait = _black_box.WAIT * 4
    for arm, share in _black_box.SHARES.items():
        late = wait if arm == "evolution" else 0
        assert spent[arm] / share + late == pytest.approx(spent["scans"], rel=0.25)
    assert turns["evolution"] < 0.2 * spent["evolution"]


def test_given_gradients_leave_little_to_the_arms_without():
    result = solve(rosen, 100, -2.0, 2.1, jac=rosen_der, options={"maxfev": 3000})
    assert result.fun < 1e-10


def test_maxiter_is_what_the_caller_said():
    f = point_by_point(lambda x: float(np.sum(np.floor(20 * x) ** 2) + np.sum(np.sin(50 * x))))
    result = solve(f, 3, options={"maxiter": 3500, "maxfev": 10**6})
    assert result.status == 0 or result.nit == 3500
    assert solve(f, 3, options={"maxiter": 7}).nit == 7
