"""When a search ends: the estimates by hand, the minima that come back, what a budget is for."""

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given
from hypothesis import strategies as st
from keras import ops

import deepopt
from deepopt._search.minima import PLACES, Met
from deepopt._search.stopping import OFTEN, Evidence, NoGain


def evidence(trials, minima, lowest=OFTEN):
    return Evidence(trials, minima, lowest, minima)


@pytest.mark.parametrize(("minima", "enough"), [(1, 8), (2, 17), (3, 30)])
def test_how_many_trials_are_enough_is_what_boender_and_rinnooy_kan_say(minima, enough):
    """w (n - 1) / (n - w - 2) < w + 1/2, solved by hand."""
    assert not evidence(enough - 1, minima).content
    assert evidence(enough, minima).content
    assert not evidence(enough, minima, lowest=OFTEN - 1).content


@given(st.integers(0, 5000), st.integers(1, 40))
def test_confidence_is_a_share_that_grows_with_trials(trials, minima):
    share = evidence(trials, minima).confidence
    assert 0.0 <= share <= evidence(trials + 1, minima).confidence <= 1.0
    if evidence(trials, minima).content:
        assert share > 0.8


def test_confidence_by_hand():
    assert evidence(8, 1).confidence == pytest.approx(1 - 2 / 56)
    assert evidence(12, 3).confidence == pytest.approx(1 - 12 / 132)
    assert evidence(1, 1).confidence == 0.0


def test_it_is_told_in_words():
    assert (
        str(Evidence(12, 3, 9, 3)) == "the lowest of 3 minima was reached by 9 of 12 local searches"
    )
    assert str(Evidence(8, 1, 8, 1)) == "8 of 8 local searches ended in one minimum"
    assert str(Evidence(8, 1, 8, 4)) == "8 of 8 local searches ended in 4 minima of one value"


def test_without_gain_it_ends_at_a_multiple_of_what_was_spent_at_the_last():
    stopping = NoGain(2.0, 100)
    assert not stopping.over(99)
    assert stopping.over(100)
    stopping.gained(80)
    assert not stopping.over(259)
    assert stopping.over(260)


def test_places_are_told_apart_in_x_and_levels_by_value():
    met = Met()
    for u, f in ([0.1, 0.1], 1.0), ([0.9, 0.1], 1.0), ([0.1, 0.1002], 1.0), ([0.5, 0.5], 2.0):
        met.end(np.array(u), f, trial=True, fell=10.0)
    assert sorted(place.hits for place in met.places) == [1, 1, 2]
    assert met.levels(spread=100.0) == [(1.0, 3), (2.0, 1)]
    met.end(np.array([0.3, 0.3]), 0.5, trial=False)
    assert met.levels(spread=100.0)[0] == (0.5, 0)
    assert met.trials == 4
    assert met.levels(100.0, best=0.1)[:2] == [(0.1, 0), (0.5, 0)]  # below where a search ended


def test_no_more_places_are_kept_than_said():
    met, rng = Met(), np.random.default_rng(0)
    for f in range(PLACES + 20):
        met.end(rng.random(30), float(-f), trial=True)
    assert len(met.places) == PLACES
    assert met.places[0].f == -(PLACES + 19)


def test_a_bowl_is_recognised_and_a_ripple_is_not():
    met = Met()
    met.end(np.zeros(2), 0.0, trial=True)
    q = np.array([[3.0, 1.0], [1.0, 0.5]])
    u = np.array([0.1, -0.05])
    assert met.recognised(u, 0.5 * u @ q @ u, q @ u) is met.places[0]
    assert met.recognised(u, 0.5 * u @ q @ u + 1.0, q @ u) is None  # another minimum, higher
    assert met.recognised(u + 0.5, 1.0, q @ u) is None  # too far away


# The search


def himmelblau(x):
    return float((x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2)


def two_wells(x):
    """Two minima: the lower one near (-1, …, -1) has a quarter of the space at d = 2."""
    return float(np.sum((x**2 - 1) ** 2 + 0.3 * x))


def test_the_minima_of_one_value_all_come_back():
    result = deepopt.minimize(himmelblau, bounds=[(-5, 5)] * 2, rng=0)
    assert result.status == 0
    found = np.round(result.population[: np.sum(result.population_energies < 1e-9)], 3)
    known = {(3.0, 2.0), (-2.805, 3.131), (-3.779, -3.283), (3.584, -1.848)}
    assert {tuple(point) for point in found} == known
    assert result.population_hits.sum() >= 8
    assert 0.9 < result.confidence < 1.0
    assert result.stopped_by == "minima met"
    assert "minima of one value" in result.message


@pytest.mark.parametrize("d", [1, 2, 4])
def test_a_smooth_convex_black_box_costs_sixty_gradients(d):
    calls = []

    def f(x):
        calls.append(1)
        return float(np.log(np.sum(np.exp(x - 0.2)) + np.sum(np.exp(-x))))

    result = deepopt.minimize(f, bounds=[(-3, 4)] * d, rng=0)
    assert result.nfev == len(calls) <= 60 * (d + 1)
    assert result.stopped_by == "minima met"
    assert result.fun == pytest.approx(scipy.optimize.minimize(f, np.zeros(d)).fun, abs=1e-9)


def test_a_parabola_of_one_variable_is_soon_done():
    for f in (lambda x: (x[0] - 1) ** 2, lambda x: ops.square(x[0] - 1)):
        result = deepopt.minimize(f, bounds=[(-4, 4)], rng=0)
        assert result.fun < 1e-12
        assert result.nfev <= 1000
        assert result.status == 0


def test_a_unimodal_function_takes_at_most_twenty_local_searches():
    def f(x):
        return ops.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    result = deepopt.minimize(f, bounds=[(-2, 2)] * 3, rng=0)
    assert result.fun < 1e-10
    assert result.population_hits.sum() <= 20
    assert result.nit == 0  # no loop was compiled


def test_a_budget_is_used_while_the_minimum_may_be_one_of_luck():
    def f(x):  # hundreds of minima, the lowest in a pit a hundredth wide
        pit = -5.0 * np.exp(-np.sum((x - 0.123) ** 2) / 2e-4)
        return float(np.sum(x**2) + np.sum(1 - np.cos(30 * x)) + pit)

    free = deepopt.minimize(f, bounds=[(-1, 1)] * 2, rng=0)
    given = deepopt.minimize(f, bounds=[(-1, 1)] * 2, rng=0, options={"maxfev": 20_000})
    assert given.nfev <= 20_000
    assert given.status == 0 or given.nfev > 19_000
    assert given.fun <= free.fun


def test_gains_that_are_next_to_nothing_renew_nothing():
    """A valley so flat that every search gains a little more."""

    def f(x):
        return 0.1 + float((x[0] - x[1] ** 2) ** 2 + 1e-9 * np.abs(x[1] - 0.7) ** 3)

    result = deepopt.minimize(f, bounds=[(-2, 2)] * 2, rng=0)
    assert result.status == 0
    assert result.nfev < 20_000
    assert result.fun == pytest.approx(0.1, abs=1e-8)


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_from_x0_no_call_ends_higher_than_scipys_search_from_there(traced, seed):
    rng = np.random.default_rng(seed)
    a, x0 = rng.standard_normal((6, 3)), rng.uniform(-2, 2, 3)

    def f(x):
        return float(np.sum(np.sin(a @ x) ** 2) + 0.1 * np.sum(np.exp(0.5 * x) - x))

    def g(x):
        return ops.sum(ops.sin(ops.matmul(a, x)) ** 2) + 0.1 * ops.sum(ops.exp(0.5 * x) - x)

    box = [(-3.0, 3.0)] * 3
    peer = scipy.optimize.minimize(f, x0, bounds=box, method="L-BFGS-B")
    options = {"maxfev": peer.nfev + 40}
    result = deepopt.minimize(g if traced else f, x0, bounds=box, rng=0, options=options)
    assert result.objective_kind == ("traced" if traced else "black box")
    assert result.fun <= peer.fun + 1e-9


def test_a_limit_says_what_was_known():
    result = deepopt.minimize(two_wells, bounds=[(-2, 2)] * 3, rng=0, options={"maxfev": 600})
    assert result.stopped_by == "maxfev"
    assert result.message.startswith("The maximum number of function evaluations was reached. ")
    assert "local searches" in result.message


def test_without_any_value_a_time_limit_is_not_used_up():
    f = lambda x: float("nan") * float(np.sum(x))  # noqa: E731
    result = deepopt.minimize(f, bounds=[(-1, 1)] * 2, rng=0, options={"maxtime": 60})
    assert result.status == 4
    assert result.nfev < 10_000
