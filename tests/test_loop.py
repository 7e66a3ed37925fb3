"""The compiled loop against its NumPy twin, and the properties that every run must have."""

import keras
import numpy as np
import pytest
import twin
from helpers import BOUNDS, advance, box, build, sphere, trajectory, waves
from keras import ops

import deepopt
from deepopt import Adam, Constant, Deep, Direct, GaussianSmoothing, GradientDescent, Momentum
from deepopt._backend import precision, to_numpy, to_tensor
from deepopt._engine.recipe import Recipe
from deepopt.reparametrizations import starting_points

pytestmark = pytest.mark.backends

STEPS = {
    "gd": (GradientDescent(), twin.gradient_descent, 0.9),
    "momentum": (Momentum(), twin.momentum, 0.9),
    "adam": (Adam(), twin.adam, 1.0),
}


@pytest.mark.parametrize("descent", STEPS)
@pytest.mark.parametrize("output_map", ["sigmoid", "reflect"])
@pytest.mark.parametrize(
    ("reparametrization", "points"),
    [(Direct(6), twin.direct), (Deep(6, 4, 1), twin.deep), (Deep(5, 3, 3), twin.deep)],
    ids=["direct", "deep", "deep3"],
)
def test_loop_equals_its_numpy_twin(reparametrization, points, output_map, descent):
    import dataclasses

    reparametrization = dataclasses.replace(reparametrization, output_map=output_map)
    rule, step, decay = STEPS[descent]
    start = reparametrization.init(box(), np.random.default_rng(3), None)
    rate = 0.05
    lower, upper = np.array(BOUNDS).T
    expected, _ = twin.run(
        twin.quadratic_waves, points, step, start.variables, rate, 25,
        lower, upper, 4.0, output_map, decay,
    )  # fmt: skip
    recipe = Recipe(reparametrization, Constant(), rule)
    found = trajectory(waves, recipe, start, rate, 25)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    assert (np.diff(found) <= 0).all()


def test_rate_decays_only_without_improvement():
    """With a rate far too large the mean gets worse at times, and the rate falls each time."""
    recipe = Recipe(Direct(4, output_map="reflect"), Constant(), GradientDescent(decay=0.5))
    start = recipe.reparametrization.init(box(), np.random.default_rng(0), None)
    with precision("float64"):
        program, group = build(sphere, recipe, [start], [8.0])
        losses, rates, state = [], [], group.state
        for stop in range(1, 13):
            x = to_numpy(program.points(state.variables, group.data))[0]
            losses.append(((x - 0.3) ** 2).sum(-1).mean())
            state = advance(program, group._replace(state=state), stop)
            rates.append(float(to_numpy(state.rate)[0]))
    expected, rate, lowest = [], 8.0, np.inf
    for loss in losses:
        rate, lowest = (rate, loss) if loss < lowest else (rate * 0.5, lowest)
        expected.append(rate)
    assert rates == pytest.approx(expected)
    assert rates[-1] < 8.0


def test_patience_forgives():
    for patience, expected in [(0, 0.5**6), (1, 0.5**3), (2, 0.5**2)]:
        recipe = Recipe(Direct(2), Constant(), GradientDescent(0.5, patience))
        start = recipe.reparametrization.init(box(), np.random.default_rng(0), None)
        with precision("float64"):
            constant = lambda x: ops.zeros_like(x[..., 0])  # noqa: E731
            program, group = build(constant, recipe, [start], [1.0])
            state = advance(program, group, 7)  # the first sets the mark, six do not improve
            assert to_numpy(state.rate)[0] == pytest.approx(expected)


def test_chunk_lengths_never_change_a_trajectory():
    recipe = Recipe(Deep(6, 4), GaussianSmoothing(n_samples=4), Adam())
    start = recipe.reparametrization.init(box(), np.random.default_rng(1), None)
    with precision("float64"):
        program, group = build(waves, recipe, [start], [0.1])
        whole = keras.tree.flatten(advance(program, group, 40))
        parts = keras.tree.flatten(advance(program, group, 1, 2, 9, 10, 33, 40))
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(to_numpy(a), to_numpy(b))


def test_runs_in_one_batch_do_not_touch_each_other():
    recipe = Recipe(Deep(6, 4))
    rng = np.random.default_rng(2)
    starts = [recipe.reparametrization.init(box(), rng, None) for _ in range(3)]
    rates = [1.0, 0.1, 0.01]
    with precision("float64"):
        program, group = build(waves, recipe, starts, rates)
        together = to_numpy(advance(program, group, 30).best_f)
    alone = [trajectory(waves, recipe, s, r, 30)[-1] for s, r in zip(starts, rates, strict=True)]
    np.testing.assert_allclose(together, alone, rtol=1e-9)


def test_a_diverged_run_is_masked_and_harms_nobody():
    """f is NaN wherever the first run starts; the others go on as if it were not there."""

    def f(x):
        return ops.where(x[..., 0] > 1.5, np.nan, waves(x))

    recipe = Recipe(Direct(3, "uniform"))
    inside = [[0.2, 0.5, 0.6], [0.4, 0.5, 0.1], [0.5, 0.9, 0.2]]
    good = recipe.reparametrization.init(box(), np.random.default_rng(0), None)
    good = good._replace(variables=[np.array(inside)])
    bad = good._replace(variables=[np.add(inside, [8.0, 0.0, 0.0])])  # sigmoid -> 1
    with precision("float64"):
        program, group = build(f, recipe, [bad, good], [0.1, 0.1])
        state = advance(program, group, 20)
        done, best, nit = (to_numpy(t) for t in (state.done, state.best_f, state.nit))
    assert done.tolist() == [True, False]
    assert nit.tolist() == [1, 20]
    assert np.isinf(best[0])
    assert best[1] == trajectory(f, recipe, good, 0.1, 20)[-1]


def test_a_run_that_is_done_stands_still():
    """The first run is at its target at once; the second is not, and has no part in that."""
    recipe = Recipe(Direct(3), Constant(), Adam())
    rng = np.random.default_rng(0)
    starts = [recipe.reparametrization.init(box(), rng, None) for _ in range(2)]
    target = np.array([np.inf, -np.inf])
    with precision("float64"):
        program, group = build(waves, recipe, starts, [0.1, 0.1], target=target)
        before, after = advance(program, group, 1), advance(program, group, 1, 20)
        assert to_numpy(after.nit).tolist() == [1, 20]
        for one, two in zip(
            [*before.variables, *before.memory, before.t],
            [*after.variables, *after.memory, after.t],
            strict=True,
        ):
            first, second = to_numpy(one), to_numpy(two)
            np.testing.assert_array_equal(first[0], second[0])
            assert not np.array_equal(first[1], second[1])


def test_points_without_a_value_have_no_part_in_the_mean():
    """The loss and the step are those of the points that have one, by themselves."""

    def f(x):
        return ops.where(x[..., 0] > 0.9, np.nan, sphere(x))

    recipe = Recipe(Direct(3, "uniform", "reflect"), Constant(), GradientDescent())
    start = recipe.reparametrization.init(box(), np.random.default_rng(0), None)
    valued = np.array([[0.1, 0.5, 0.6], [0.2, 0.5, 0.1]])
    points = np.array([*valued, [0.9, 0.9, 0.2]])
    assert points[2, 0] * np.ptp(BOUNDS[0]) + BOUNDS[0][0] > 0.9
    alone = Recipe(Direct(2, "uniform", "reflect"), Constant(), GradientDescent())
    with precision("float64"):
        program, group = build(f, recipe, [start._replace(variables=[points])], [0.5])
        state = advance(program, group, 1)
        program, group = build(f, alone, [start._replace(variables=[valued])], [0.5])
        expected = advance(program, group, 1)
        loss, moved = to_numpy(state.best_loss), to_numpy(state.variables[0])
        np.testing.assert_allclose(loss, to_numpy(expected.best_loss), rtol=1e-12)
        np.testing.assert_allclose(moved[:, :2], to_numpy(expected.variables[0]), rtol=1e-12)
        np.testing.assert_array_equal(moved[:, 2], points[None, 2])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_no_rounding_leaves_the_box(dtype):
    """f is far lower outside of it; 300 pairs of bounds, of which many round badly."""
    rng = np.random.default_rng(0)
    lower, upper = -(10.0 ** rng.uniform(-3, 3, 300)), 10.0 ** rng.uniform(-3, 3, 300)
    assert (lower + (upper - lower) > upper).any()

    def f(x):
        beyond = ops.logical_or(x > upper.astype(dtype), x < lower.astype(dtype))
        return ops.sum(ops.where(beyond, -1e6, -x), axis=-1)

    options = {"maxiter": 30, "learning_rate": 1e4, "dtype": dtype}
    recipe = Recipe(Direct(2, "uniform", "clip"), Constant(), GradientDescent())
    result = deepopt.minimize(f, method=recipe, bounds=np.c_[lower, upper], rng=0, options=options)
    assert result.fun_per_run.min() > -1e6
    assert (result.x <= upper).all()
    assert (result.x >= lower).all()


def test_one_nan_point_does_not_spoil_the_shared_network():
    def f(x):
        return ops.where(x[..., 0] > 0.9, np.nan, sphere(x))

    recipe = Recipe(Deep(30, 6))
    start = recipe.reparametrization.init(box(), np.random.default_rng(0), None)
    with precision("float64"):
        program, group = build(f, recipe, [start], [0.5])
        first = to_numpy(program.points(group.state.variables, group.data))[0]
        assert (first[:, 0] > 0.9).any(), "the test needs a point where f is NaN"
        state = advance(program, group, 200)
        assert not to_numpy(state.done)[0]
        assert all(np.isfinite(to_numpy(w)).all() for w in state.variables)
        assert to_numpy(state.best_f)[0] < 1e-2


def test_stall_ends_a_run():
    recipe = Recipe(Direct(2), Constant(), GradientDescent())
    start = recipe.reparametrization.init(box(), np.random.default_rng(0), None)
    with precision("float64"):
        program, group = build(sphere, recipe, [start], [0.5], ftol=1e-6, stall=5)
        state = advance(program, group, 5000)
        assert to_numpy(state.done)[0]
        assert to_numpy(state.since)[0] == 5
        assert to_numpy(state.nit)[0] < 5000


def test_shallow_and_deep_start_from_the_same_points():
    shallow, deep = Direct(50), Deep(50)
    for x0 in (None, np.array([0.25, 0.5, 0.75])):
        first, second = (
            starting_points(r, r.init(box(), np.random.default_rng(7), x0), box())
            for r in (shallow, deep)
        )
        assert first.shape == (50, 3)
        np.testing.assert_allclose(first, second, atol=1e-12)
        assert np.ptp(first, axis=0).min() > 0.1
        if x0 is not None:
            np.testing.assert_allclose(first[0], x0, atol=1e-12)


@pytest.mark.parametrize("output_map", ["sigmoid", "tanh", "reflect", "clip"])
@pytest.mark.parametrize("kind", [Deep, Direct])
def test_points_never_leave_the_box(kind, output_map):
    reparametrization = kind(output_map=output_map)
    start = reparametrization.init(box(), np.random.default_rng(0), None)
    start = start._replace(variables=[40.0 * w for w in start.variables])
    u = starting_points(reparametrization, start, box())
    assert u.min() >= 0.0
    assert u.max() <= 1.0


def test_deep_is_paper_a_section_3_2():
    """Shapes of §3.2, the fan-in scale, and one network for all points."""
    from deepopt._domain.box import Box

    wide = Box.make(np.zeros(400), np.ones(400))
    start = Deep(50, 10, 2).init(wide, np.random.default_rng(0), None)
    shapes = [w.shape for w in start.variables]
    assert shapes == [(50, 10), (10, 10), (1, 10), (10, 10), (1, 10), (10, 400), (1, 400)]
    assert start.variables[0].std() == pytest.approx(1.0, rel=0.1)
    assert start.variables[5].std() == pytest.approx(1 / np.sqrt(10), rel=0.1)


def test_tanh_is_the_public_code():
    start = Deep(output_map="tanh").init(box(), np.random.default_rng(0), None)
    u = starting_points(Deep(output_map="tanh"), start, box())
    assert np.abs(2 * u - 1).max() == pytest.approx(np.tanh(1.7159), abs=1e-9)


def test_second_call_does_not_trace_again(monkeypatch):
    from deepopt import _backend

    traces = 0
    original = _backend.Compiled._trace

    def counted(self, *args):
        nonlocal traces
        traces += 1
        return original(self, *args)

    if keras.config.backend() == "torch":
        pytest.skip("PyTorch traces nothing")
    monkeypatch.setattr(_backend.Compiled, "_trace", counted)
    f = lambda x: ops.sum((x - 0.1) ** 2, axis=-1)  # noqa: E731
    options = {"maxiter": 20, "learning_rate": [0.1, 0.01]}
    deepopt.minimize(f, bounds=BOUNDS, method="deep", options=options, rng=0)
    assert traces > 0
    traces = 0
    deepopt.minimize(f, bounds=BOUNDS, method="deep", options=options, rng=1)
    more = options | {"maxiter": 35, "learning_rate": [0.5, 0.05]}
    deepopt.minimize(f, bounds=BOUNDS, method="deep", options=more, rng=2)
    assert traces == 0


def test_a_function_that_has_changed_is_traced_anew():
    class Movable:
        centre = 0.0

        def __call__(self, x):
            return ops.sum((x - self.centre) ** 2, axis=-1)

    f = Movable()
    for centre in (0.2, 0.7):
        f.centre = centre
        result = deepopt.minimize(f, bounds=BOUNDS, options={"maxiter": 100}, rng=0)
        np.testing.assert_allclose(result.x, centre, atol=1e-6)


GOLDEN = {
    "gd": [7.34, 4.9478920107, 1.809376093, 0.6622753531, 0.3990478955, 0.3407506732],
    "momentum": [7.34, 0.6447682832, 0.4692811411, 0.4692811411, 0.4692811411, 0.4692811411],
    "adam": [7.34, 1.2704059221, 0.3145957352, 0.3145957352, 0.3145957352, 0.1001360443],
}


@pytest.mark.parametrize("descent", STEPS)
def test_golden_trajectories(descent):
    """Pinned numbers: a change of a rule, of the starts or of the scaling shows here."""
    recipe = Recipe(Direct(1, "uniform"), Constant(), STEPS[descent][0])
    start = recipe.reparametrization.init(box(), np.random.default_rng(0), np.array([0.9] * 3))
    found = trajectory(sphere, recipe, start, 0.3, 31)[::6]
    np.testing.assert_allclose(found, GOLDEN[descent], rtol=1e-8)


def test_smoothing_is_the_mean_over_its_samples():
    """f_σ of a quadratic is f + σ² Σ width² inside the box; the samples come close to it."""
    schedule = GaussianSmoothing(sigma_start=0.01, sigma_end=0.01, n_samples=4096)
    with precision("float64"):
        u = ops.convert_to_tensor(np.full((1, 1, 3), 0.5), dtype="float64")
        t, seed = to_tensor([0.0], "float64"), ops.convert_to_tensor([1, 2], dtype="int32")
        samples = schedule.sample(u, t, seed, None)
        weights = schedule.weights(t)
        values = ops.sum((samples - 0.2) ** 2, axis=-1)[:, 0, 0]
        mean = float(to_numpy(ops.sum(weights * values)))
        assert to_numpy(samples[0]).tolist() == to_numpy(u).tolist()
    assert schedule.samples == 4097
    assert mean == pytest.approx(3 * 0.09 + 3 * 0.01**2, rel=1e-4)


def test_smoothing_falls_from_first_to_last_sigma():
    schedule = GaussianSmoothing(sigma_start=0.4, sigma_end=1e-3, fraction=0.5)
    with precision("float64"):
        at = to_numpy(schedule.rate(to_tensor([0, 0.25, 0.5, 1], "float64")))
    assert at == pytest.approx([0.4, 0.02, 1e-3, 1e-3])
