"""Schedules: what f_t is, how t advances, and that each leads to where it promises."""

import numpy as np
import pytest
from helpers import advance, box, build, sphere, waves
from keras import ops
from scipy import stats

import deepopt
from deepopt import (
    Adam,
    Adaptive,
    Blend,
    Direct,
    GaussianSmoothing,
    GradientDescent,
    Path,
    Recipe,
    Sphere,
    Temperature,
)
from deepopt._backend import precision, to_numpy, to_tensor
from deepopt.problems import SphericalSpinGlass, levy, rastrigin
from deepopt.problems import sphere as bowl

pytestmark = pytest.mark.backends
ONE = Direct(1, "uniform", "reflect")


def start_at(u, reparametrization=ONE):
    return reparametrization.init(box(), np.random.default_rng(0), np.asarray(u, dtype=float))


@pytest.mark.parametrize("draw", ["random", "lattice"])
def test_draws_are_standard_normal_and_come_in_pairs(draw):
    schedule = GaussianSmoothing(0.05, 0.05, 64, draw=draw)
    with precision("float64"):
        u, t = to_tensor(np.full((2, 3, 4), 0.5), "float64"), to_tensor([0.0, 0.5], "float64")
        drawn = []
        for iteration in range(40):
            seed = to_tensor([7, iteration], "int32")
            sampled = to_numpy(schedule.sample(u, t, seed, None))
            assert sampled.shape == (65, 2, 3, 4)
            np.testing.assert_array_equal(sampled[0], to_numpy(u))
            steps = (sampled[1:] - 0.5) / 0.05
            np.testing.assert_allclose(steps[:32], -steps[32:], atol=1e-9)
            drawn.append(steps[:32].ravel())
    values = np.concatenate(drawn)
    assert stats.kstest(values, "norm").pvalue > 1e-4
    assert values.std() == pytest.approx(1.0, abs=0.03)


def test_a_lattice_is_even_in_every_coordinate():
    """Each of m equal parts of the distribution holds exactly one of the m first samples."""
    schedule = GaussianSmoothing(0.01, 0.01, 32)
    with precision("float64"):
        u, t = to_tensor(np.full((1, 2, 5), 0.5), "float64"), to_tensor([0.0], "float64")
        sampled = to_numpy(schedule.sample(u, t, to_tensor([1, 2], "int32"), None))
    quantiles = stats.norm.cdf((sampled[1:17] - 0.5) / 0.01)
    gaps = np.diff(np.sort(quantiles, axis=0), axis=0)
    np.testing.assert_allclose(gaps, 1 / 16, atol=1e-6)


def test_blend_descends_the_mixture_and_tracks_f():
    """At λ = 1/2 a gradient step on f and g = 0 is half a step on f."""
    easy = lambda x: 0.0 * x[..., 0]  # noqa: E731
    found = {}
    with precision("float64"):
        for name, schedule, rate in [("half", Blend(easy, start=0.5), 1.0), ("whole", None, 0.5)]:
            recipe = Recipe(ONE, schedule or deepopt.Constant(), GradientDescent())
            program, group = build(
                sphere, recipe, [start_at([0.9] * 3)], [rate], schedule=schedule, horizon=10**6
            )
            state = advance(program, group, 2)
            found[name] = to_numpy(state.variables[0]), to_numpy(state.best_f)
    np.testing.assert_allclose(found["half"][0], found["whole"][0], rtol=1e-6)
    np.testing.assert_allclose(found["half"][1], found["whole"][1], rtol=1e-6)


@pytest.mark.parametrize("batched", [True, False])
def test_blend_leads_to_the_minimum_that_the_easy_function_shows(batched):
    """From g's minimiser the path ends in the deep well of f, where f alone ends in another."""
    f = rastrigin.with_dim(3)
    g = bowl.with_dim(3)
    if not batched:  # functions of one point
        f = lambda x: ops.sum(x * x + 10 - 10 * ops.cos(2 * np.pi * x))  # noqa: E731
        g = lambda x: x[0] * x[0] + x[1] * x[1] + x[2] * x[2]  # noqa: E731
    given = {"x0": [3.1, -2.1, 4.2], "bounds": [(-5.12, 5.12)] * 3, "rng": 0}
    options = {"maxiter": 600, "learning_rate": 0.02}
    alone = deepopt.minimize(f, method=Recipe(ONE, descent=Adam()), options=options, **given)
    blended = deepopt.minimize(f, method=Recipe(ONE, Blend(g), Adam()), options=options, **given)
    assert alone.fun > 10
    assert blended.fun < 1e-3


def test_path_follows_a_function_of_t():
    f = lambda x: ops.sum(x**2 + 10 - 10 * ops.cos(2 * np.pi * x), axis=-1)  # noqa: E731
    h = lambda x, s: (  # noqa: E731
        ops.sum(x**2, axis=-1) + s * ops.sum(10 - 10 * ops.cos(2 * np.pi * x), axis=-1)
    )
    given = {"x0": [3.1, -2.1], "bounds": [(-5.12, 5.12)] * 2, "rng": 0}
    recipe = Recipe(ONE, Path(h), Adam())
    options = {"maxiter": 600, "learning_rate": 0.02}
    assert deepopt.minimize(f, method=recipe, options=options, **given).fun < 1e-3


def test_blend_and_path_of_black_boxes():
    f = lambda x: float(np.sum(x**2 + 10 - 10 * np.cos(2 * np.pi * x)))  # noqa: E731
    g = lambda x: float(np.sum(x**2))  # noqa: E731
    h = lambda x, s: g(x) + float(s) * (f(x) - g(x))  # noqa: E731
    given = {"x0": [3.1, -2.1], "bounds": [(-5.12, 5.12)] * 2, "rng": 0}
    options = {"maxiter": 600, "learning_rate": 0.02}
    for schedule in (Blend(g), Path(h)):
        result = deepopt.minimize(f, method=Recipe(ONE, schedule, Adam()), options=options, **given)
        assert result.objective_kind == "black box"
        assert result.fun < 0.1


def test_schedules_that_never_reach_f_are_refused():
    class Half(deepopt.schedules.Eased):
        fraction, function = 1.0, print

        def share(self, t):
            return 0.5 * t

        def easy(self, x, t):
            return 0.0 * x[..., 0]

    for schedule, sentence in [
        (Half(), "its share at t = 1 must be 1, got 0.5"),
        (Path(lambda x, s: 3.0 * ops.sum(x, axis=-1)), "its function at s = 1 gives"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            deepopt.minimize(
                lambda x: ops.sum(x, axis=-1) + 1.0,
                bounds=[(0, 1)] * 2,
                method=Recipe(ONE, schedule),
            )


def test_an_easy_function_that_cannot_be_traced_is_refused_in_one_sentence():
    recipe = Recipe(ONE, Blend(lambda x: float(np.sum(np.asarray(x)))))
    with pytest.raises(TypeError, match=r"schedule's function must be written in keras\.ops"):
        deepopt.minimize(sphere, bounds=[(0, 1)] * 3, method=recipe)


def test_langevin_noise_has_the_temperature_s_distribution():
    """On a bowl, at constant temperature, the variance of w is T / curvature."""
    temperature = 2e-4
    schedule = Temperature(temperature, temperature, fraction=1.0)
    recipe = Recipe(Direct(400, "uniform", "reflect"), schedule, GradientDescent(decay=1.0))
    start = recipe.reparametrization.init(box(), np.random.default_rng(0), None)
    start = start._replace(variables=[np.full((400, 3), 0.5)])
    centre = np.array([0.0, 1.0, 0.5])
    f = lambda x: ops.sum((x - centre) ** 2, axis=-1)  # noqa: E731
    with precision("float64"):
        program, group = build(f, recipe, [start], [2.0], horizon=10**6)
        state = advance(program, group, 1500)
        spread = to_numpy(state.variables[0])[0, :, :2].var(axis=0)
    curvature = 2 * 4.0**2 / 4.0 / 400  # width 4, f scaled by its range 4, mean over 400 points
    np.testing.assert_allclose(spread, temperature / curvature, rtol=0.3)


def test_adaptive_stages_arrive_earlier_where_nothing_holds_them_up():
    def t_after(pace, iterations=150):
        schedule = Blend(waves, fraction=0.8, pace=pace)
        recipe = Recipe(ONE, schedule, Adam())
        with precision("float64"):
            program, group = build(
                sphere, recipe, [start_at([0.9] * 3)], [0.02], schedule=schedule, horizon=3000
            )
            return float(to_numpy(advance(program, group, iterations).t)[0])

    steady, adaptive = t_after(deepopt.Steady()), t_after(Adaptive(step=0.05, patience=5))
    assert steady == pytest.approx(150 / 3000)
    assert adaptive > 2 * steady


def test_a_jump_makes_the_next_step_smaller_and_calm_makes_it_longer():
    pace = Adaptive(step=0.1, patience=1, jump=0.5)
    with precision("float64"):
        t, zero = to_tensor([0.0], "float64"), to_tensor([0.0], "float64")
        memory, steps = pace.init(t), []
        for loss in (1.0, 1.0, 1.1, 1.1, 3.0, 3.0):  # two iterations to a stage
            before = t
            t, memory = pace.advance(t, memory, to_tensor([loss], "float64"), zero)
            steps.append(float(to_numpy(t - before)[0]))
    calm, longer, shorter = (step for step in steps if step > 0)
    assert longer == pytest.approx(1.5 * calm)
    assert shorter == pytest.approx(0.5 * longer)


@pytest.mark.parametrize("pace", [deepopt.Steady(), Adaptive()])
def test_smoothing_finds_the_minimum_under_either_pace(pace):
    recipe = Recipe(ONE, GaussianSmoothing(pace=pace), Adam(beta2=0.99, epsilon=1e-30))
    problem = levy.with_dim(5).shifted(rng=2)
    options = {"maxiter": 1500, "learning_rate": 0.1, "polish": True}
    assert deepopt.minimize(problem, method=recipe, options=options, rng=0).fun < 1e-8


def test_the_sphere_is_kept_and_cooling_finds_low_energies():
    glass = SphericalSpinGlass(20, rng=0)
    recipe = Recipe(Sphere(16), Temperature(5e-4, 5e-6), GradientDescent(decay=1.0))
    options = {"maxiter": 1500, "learning_rate": 5.0, "polish": True}
    result = deepopt.minimize(glass, method=recipe, options=options, rng=0)
    np.testing.assert_allclose(np.abs(result.population).max(axis=1), 1.0)
    alone = deepopt.minimize(glass, rng=0)
    assert result.fun <= alone.fun + 0.02 * abs(alone.fun)
    with pytest.raises(ValueError, match="Sphere needs finite bounds"):
        deepopt.minimize(sphere, [0.0, 0.0], method=Recipe(Sphere(2)))
