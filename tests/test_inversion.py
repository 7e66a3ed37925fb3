"""The search behind `invert` at its edges: boxes, limits, lanes, odd models and operators."""

import keras
import numpy as np
import pytest
from keras import layers
from scipy.sparse import csr_array
from scipy.sparse.linalg import aslinearoperator
from test_invert import K, N, latents, made, near, network, training

import deepopt
from deepopt import Latent, LevenbergMarquardt, Surf
from deepopt._backend import ops, precision, tangents_flow, to_numpy, to_tensor
from deepopt._engine.loop import Program
from deepopt._invert.starts import Starts, codes_for
from deepopt.descents import Seen


def test_any_first_latent_will_do():
    """Targets far from the first outputs are in range: these outputs are all 0."""
    model = keras.Sequential(
        [keras.Input((K,)), layers.Dense(20, "relu", use_bias=False), layers.Dense(N, "tanh")]
    )
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) * (w.ndim > 1) for w in model.get_weights()])
    x = latents(3)
    for starts in ("zero", x + 0.05):
        given = {"starts": starts} if isinstance(starts, str) else {"starts": starts[:, None]}
        result = deepopt.invert(model, made(model, x), options=given, rng=0)
        assert np.isfinite(result.fun).all()
    assert near(result.x, x)


def test_a_generator_of_one_number():
    model = keras.Sequential([keras.Input((1,)), layers.Dense(1, "tanh")])
    result = deepopt.invert(model, made(model, [[0.3]])[0], rng=0)
    assert result.x.shape == (1,)
    assert abs(result.x[0] - 0.3) < 1e-2


# Boxes


def test_a_box_whose_edge_is_no_float32_holds_latents_as_well():
    model, x = network(), latents(12, seed=4)
    outside = made(model, 1.6 * x)
    rounded = float(np.float32(0.7))
    exact, near_by = (
        deepopt.invert(model, outside, options={"latent_bounds": edge}, rng=0)
        for edge in (0.7, rounded)
    )
    assert (np.abs(exact.x) > 0.7 - 1e-6).any()
    np.testing.assert_allclose(exact.fun, near_by.fun, rtol=1e-3, atol=1e-12)


@pytest.mark.parametrize("starts", ["zero", "given", "codebook"])
def test_starts_outside_the_box_move_and_end_inside(starts):
    model, bounds = network(), [(0.1, 0.8)] * K
    x = np.random.default_rng(0).uniform(0.2, 0.7, (4, K))
    begin = np.full((1, K), 2.0) if starts == "given" else starts
    given, y = {"latent_bounds": bounds, "starts": begin}, made(model, x)
    result = deepopt.invert(model, y, options=given, rng=0)
    assert (result.x >= 0.1).all()
    assert (result.x <= 0.8).all()
    assert (result.nit > 1).all()
    if starts == "codebook":
        assert near(result.x, x)
    else:
        corner = np.full((1, K), 0.1 if starts == "zero" else 0.8)
        same = deepopt.invert(model, y, options=given | {"starts": corner}, rng=0)
        np.testing.assert_array_equal(result.x, same.x)
        assert (result.fun < 0.4 * np.sum((made(model, corner) - y) ** 2, axis=1)).all()


# Limits


def stopping(after, kind):
    seen = []

    def callback(intermediate_result):
        seen.append(intermediate_result)
        if len(seen) == after:
            raise kind

    callback.seen = seen
    return callback


@pytest.mark.parametrize(("kind", "status"), [(StopIteration, 99), (KeyboardInterrupt, 5)])
def test_a_surf_that_is_stopped_keeps_its_path_and_the_nearest_latents(kind, status):
    models, callback = training(), stopping(3, kind)
    y = made(models[-1], latents(4))
    result = deepopt.invert(models, y, "surf", callback=callback, rng=0)
    assert (result.status == status).all()
    assert result.path.shape == (3, 4, K)
    assert (np.linalg.norm(result.x, axis=1) > 0).all()
    assert result.fun.max() < 0.5 * np.sum(y**2, axis=1).max()
    np.testing.assert_allclose(callback.seen[0].fun, result.fun, rtol=1e-3)
    late = deepopt.invert(models, y, "surf", options={"maxtime": 1e-6}, rng=0)
    assert (late.status == 3).all()
    assert late.path.shape == (0, 4, K)
    np.testing.assert_allclose(late.x, result.x)


def test_targets_that_are_over_keep_their_status():
    model = network()
    y = np.concatenate([made(model, latents(1)), made(model, latents(1, seed=2)) + 1.0])
    whole = deepopt.invert(model, y, rng=0)
    assert list(whole.status) == [0, 0]
    assert list(whole.found) == [True, False]
    halted = deepopt.invert(model, y, callback=stopping(1, StopIteration), rng=0)
    assert halted.status[1] == 99


def test_stored_values_do_not_change():
    model, callback = network(), stopping(10**6, StopIteration)
    deepopt.invert(model, made(model, latents(4)) + 1.0, callback=callback, rng=0)
    firsts = [seen.fun for seen in callback.seen]
    assert (firsts[0] > firsts[-1]).any()


# Lanes


def test_a_lane_that_rests_asks_for_no_jacobian():
    asked = []

    def slopes(w):
        asked.append(True)
        return ops.ones((2, 1, 4, 3))

    descent = LevenbergMarquardt(3)
    w = ops.ones((2, 1, 3))
    memory = descent.init([w], 4)
    loss, rate = ops.ones((2,)), ops.ones((2,))
    for live, expected in (([False, False], 0), ([False, True], 1)):
        asked.clear()
        seen = Seen(
            [w], loss, [], rate, ops.convert_to_tensor([0, 3]), ops.ones((2, 1, 4)), slopes, None,
            ops.convert_to_tensor(live),
        )  # fmt: skip
        descent.step(seen, memory)
        assert len(asked) == expected


def test_trials_without_a_value_are_stepped_back_from():
    class Broken(layers.Layer):
        def call(self, x):
            return x + ops.where(x[:, :1] > 0.5, float("nan"), 0.0)

    model = keras.Sequential([keras.Input((1,)), Broken(), layers.Activation("tanh")])
    given = {"starts": [[-0.6]], "solver": LevenbergMarquardt(damping=0.05, longest=10.0)}
    result = deepopt.invert(model, np.tanh([0.4]), options=given, rng=0)
    assert result.found
    assert abs(result.x[0] - 0.4) < 1e-2


def test_steps_that_jump_are_halved_for_their_target_alone():
    models = [*training(2), network(9)]
    y = made(models[0], latents(4))
    options = {"schedule": Surf(longest=3, interpolate=True), "starts": latents(1)}
    together = deepopt.invert(models, y, "surf", options=options, rng=0)
    whole = options | {"schedule": Surf(longest=3)}
    plain = deepopt.invert(models, y, "surf", options=whole, rng=0)
    assert np.abs(plain.path[1] - together.path[1]).max() > 1e-3
    for i in range(4):
        alone = deepopt.invert(models, y[i], "surf", options=options, rng=0)
        np.testing.assert_allclose(alone.path, together.path[:, i], atol=1e-3)


@pytest.mark.parametrize("radius", [10.0, 1e3, 1e12])
def test_a_generous_box_harms_nobody(radius):
    model, x = network(), latents(6)
    result = deepopt.invert(model, made(model, x), options={"latent_bounds": radius}, rng=0)
    assert result.found.all()
    assert near(result.x, x)


def test_latents_are_drawn_from_the_prior_and_from_the_box():
    rng = np.random.default_rng(0)
    drawn = Latent(bounds=((-50.0, 0.5), (2.0, 3.0))).draw(rng, 4000, 2)
    inside = np.abs(drawn[:, 0]) <= 1.0
    assert 0.4 < inside.mean() < 0.6
    assert (drawn[:, 0] < -40.0).any()
    assert (drawn[:, 0] <= 0.5).all()
    assert (drawn[:, 1] >= 2.0).all()
    assert np.ptp(drawn[:, 1]) > 0.9
    tight = Latent(bounds=((-0.5, 0.25),)).draw(rng, 4000, 1)
    assert abs(tight.mean() + 0.125) < 0.02


def test_a_generator_before_its_training_takes_any_image():
    model = network()
    model.set_weights([1e-6 * w for w in model.get_weights()])
    flat = keras.Sequential([model, layers.Activation("sigmoid")])
    result = deepopt.invert(flat, np.linspace(0.0, 1.0, N), options={"n_starts": 2}, rng=0)
    assert not result.found
    with pytest.raises(ValueError, match="y must be in the range"):
        deepopt.invert(flat, np.linspace(0.0, 255.0, N), rng=0)


def test_latents_of_the_caller_with_the_same_seed_are_not_in_the_codebook():
    model = network()
    x = np.random.default_rng(0).uniform(-1, 1, (2, K))
    assert (deepopt.invert(model, made(model, x), rng=0).cost > K + 2).all()


def test_starts_of_the_caller_stay_as_they_are():
    models, x = training(2), latents(2)
    starts = np.zeros((2, 1, K))
    deepopt.invert(models, made(models[-1], x), "surf", options={"starts": starts}, rng=0)
    assert (starts == 0.0).all()


def test_more_iterations_than_there_are_numbers_for():
    model, x = network(), latents(2)
    assert near(deepopt.invert(model, made(model, x), options={"maxiter": 2**31}, rng=0).x, x)


def test_measurements_of_a_function_come_in_its_shape():
    model, x = network(), latents(2)

    def half(outputs):
        return ops.reshape(outputs[:, ::2], (-1, 4, 5))

    y = to_numpy(half(to_tensor(made(model, x), "float32")))
    for given in (y, y.reshape(2, 20)):
        assert near(deepopt.invert(model, given, operator=half, rng=0).x, x)


# Models


@pytest.mark.backends
def test_layers_without_forward_mode_derivatives_are_inverted_too():
    """TensorFlow's tangents of bilinear resizing are 0, which it does not say."""
    model = keras.Sequential(
        [
            keras.Input((K,)), layers.Dense(3 * 3 * 4, "tanh"), layers.Reshape((3, 3, 4)),
            layers.UpSampling2D(interpolation="bilinear"), layers.Conv2D(1, 3, activation="tanh"),
        ]
    )  # fmt: skip
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    x = latents(5)
    for options in ({}, {"latent_bounds": 1.0, "starts": np.ones((1, K))}):
        result = deepopt.invert(model, made(model, x), options=options, rng=0)
        assert (result.nit > 3).all()
    assert near(deepopt.invert(model, made(model, x), rng=0).x, x)


@pytest.mark.parametrize("seed", range(5))
def test_kinks_are_not_taken_for_missing_derivatives(seed, monkeypatch):
    verdicts = []

    def watched(function, x):
        verdicts.append(tangents_flow(function, x))
        return verdicts[-1]

    monkeypatch.setattr("deepopt._invert.programs.tangents_flow", watched)
    model = network(seed)
    deepopt.invert(model, made(model, latents(1)), options={"n_starts": 1}, rng=0)
    assert verdicts == [True]


BACKEND = keras.config.backend()


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.inner = network()

    def call(self, x):
        return self.inner(x)


def test_a_subclassed_model_is_a_generator_once_it_is_built():
    model = Subclassed()
    with pytest.raises(ValueError, match="no generator"):
        deepopt.invert(model, np.zeros(N))
    x = latents(2)
    y = to_numpy(model(x.astype("float32")))
    assert near(deepopt.invert(model, y, rng=0).x, x)


def test_half_precision_is_evaluated_in_float32():
    model = keras.Sequential(
        [
            keras.Input((K,)), layers.Dense(60, "tanh", dtype="mixed_float16"),
            layers.Dense(N, dtype="mixed_float16"),
        ]
    )  # fmt: skip
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    if model.compute_dtype != "float16":
        model = keras.Sequential([keras.Input((K,)), model], name="half")
        model.dtype_policy = keras.DTypePolicy("mixed_float16")
    x = latents(3)
    policies = [layer.dtype_policy.name for layer in model.layers]
    result = deepopt.invert(model, made(model, x), rng=0)
    assert not result.found.any()  # y itself was rounded
    assert near(result.x, x, 0.05)
    assert [layer.dtype_policy.name for layer in model.layers] == policies
    again = deepopt.invert(model, result.output, rng=0)
    assert again.found.all()
    assert near(again.x, result.x, 1e-3)


class Rounding(layers.Layer):
    def call(self, x):
        return ops.cast(ops.cast(x, "bfloat16"), x.dtype)


class Noisy(layers.Layer):
    def __init__(self, **given):
        super().__init__(**given)
        self.seeds = keras.random.SeedGenerator(1)

    def call(self, x):
        return x + 0.01 * keras.random.normal(ops.shape(x), seed=self.seeds)


class Centred(layers.Layer):
    def call(self, x):
        return x - ops.mean(x, axis=0)


def with_layer(layer):
    model = keras.Sequential(
        [keras.Input((K,)), layers.Dense(20, "tanh"), layer, layers.Dense(N, "sigmoid")]
    )
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return model


def test_a_generator_that_rounds_by_itself_proves_nothing():
    model = with_layer(Rounding())
    with pytest.warns(RuntimeWarning, match="rounds to half precision by itself"):
        result = deepopt.invert(model, made(model, latents(3)), rng=0)
    assert not result.found.any()


def test_a_random_generator_is_told_of_with_its_layer():
    model = with_layer(Noisy(name="grain"))
    y = made(model, latents(3))
    state = model.layers[1].seeds.state.numpy() if BACKEND == "tensorflow" else None
    with pytest.warns(RuntimeWarning, match=r"random, .* differ: its layer 'grain' \(Noisy\)"):
        result = deepopt.invert(model, y, rng=0)
    assert not result.found.any()
    if state is not None:
        np.testing.assert_array_equal(model.layers[1].seeds.state.numpy(), state)


def test_a_generator_whose_rows_meet_is_refused():
    model = with_layer(Centred())
    with pytest.raises(ValueError, match=r"model .* must make each output from its own latent"):
        deepopt.invert(model, np.full((2, N), 0.5), rng=0)


def test_an_operator_whose_rows_meet_is_refused():
    model = network()
    with pytest.raises(ValueError, match="operator must measure each output by itself"):
        deepopt.invert(model, np.zeros((2, N)), operator=lambda out: out - ops.max(out), rng=0)


def test_what_is_compiled_is_kept_for_equal_content_alone(monkeypatch):
    model, mask, x = network(), np.ones(N, "float32"), latents(3)
    y = made(model, x)
    builds = []
    real = Program.__init__
    monkeypatch.setattr(
        Program, "__init__", lambda self, *a, **k: (builds.append(1), real(self, *a, **k))[1]
    )

    def inverted(y):
        return deepopt.invert(model, y, operator=lambda out: out * mask, rng=0)

    assert inverted(y).found.all()
    assert inverted(y).found.all()
    assert len(builds) == 1
    mask[::2] = 0.5
    result = inverted(y * mask)
    assert result.found.all()
    assert near(result.x, x, 0.05)
    assert len(builds) == 2
    model.set_weights([0.5 * w for w in model.get_weights()])
    result = inverted(made(model, x) * mask)
    assert result.found.all()
    assert len(builds) == 2  # weights are arguments


def test_keras_s_own_precision_stays():
    before = keras.config.dtype_policy().name
    model = network()
    deepopt.invert(model, made(model, latents(1)), options={"dtype": "float64"}, rng=0)
    assert keras.config.dtype_policy().name == before
    assert keras.config.floatx() == "float32"


# Operators


def test_operators_may_be_sparse_or_in_another_precision():
    model, x = network(), latents(3)
    matrix = np.random.default_rng(2).normal(size=(12, N))
    matrix[np.abs(matrix) < 0.5] = 0.0
    with precision("float64"):
        tensor = to_tensor(matrix.T, "float64")
    b = made(model, x) @ matrix.T
    for operator in (csr_array(matrix), lambda z: ops.matmul(ops.cast(z, "float64"), tensor)):
        result = deepopt.invert(model, b, operator=operator, rng=0)
        assert near(result.x, x)
        assert to_numpy(result.residual).shape == (3, 12)


@pytest.mark.parametrize(("operator", "kind", "words"), [
    (aslinearoperator(np.ones((5, 9))), ValueError, r"of shape \(m, 40\) .* got \(5, 9\)"),
    (np.ones((5, N), complex), TypeError, "operator must be real"),
    (lambda z: ops.cast(z, "complex64"), TypeError, "operator must give real numbers"),
])  # fmt: skip
def test_operators_that_do_not_fit_are_refused(operator, kind, words):
    with pytest.raises(kind, match=words):
        deepopt.invert(network(), np.zeros(N), operator=operator)


# Starts


class Rugged(keras.layers.Layer):
    """Outputs with a hundred minima of f around the one that is 0."""

    def call(self, x):
        return ops.concatenate([0.1 * x, 2.0 * ops.sin(12.0 * x)], axis=-1)


def test_moves_leave_minima_that_the_nearest_codes_end_in():
    model = keras.Sequential([keras.Input((2,)), Rugged()])
    x = np.random.default_rng(1).uniform(-1, 1, (20, 2))
    options = {"n_codes": 3, "n_starts": 3}
    few, many = (
        deepopt.invert(model, made(model, x), options=options | more, rng=0)
        for more in ({}, {"n_starts": 200})
    )
    assert few.found.sum() < 10
    assert many.found.all()
    assert near(many.x, x)


def test_moves_start_around_the_best_inside_the_box_and_depend_on_their_number_alone():
    latent = Latent(bounds=((-1.0, 1.0), (0.0, 0.3), (-2.0, 2.0)))
    starts = Starts(np.full((2, 1, 3), 5.0), 2000, latent, seed=1)
    np.testing.assert_array_equal(starts.of(1, 0, np.zeros(3)), [1.0, 0.3, 2.0])
    best = np.array([0.2, 0.1, -0.4])
    moves = np.array([starts.of(1, number, best) for number in range(1, 2000)])
    assert (moves >= [-1.0, 0.0, -2.0]).all()
    assert (moves <= [1.0, 0.3, 2.0]).all()
    moved = np.median(np.abs(moves - best), axis=0) / latent.spread
    assert (moved > 0.1).all()
    assert (moved < 0.4).all()
    again = Starts(np.zeros((2, 1, 3)), 2000, latent, seed=1)
    np.testing.assert_array_equal(again.of(1, 7, best), moves[6])
    assert (again.of(0, 7, best) != moves[6]).any()


def test_moves_and_codes_take_turns():
    count = 9
    codes = np.arange(codes_for(count), dtype=float)[None, :, None]
    starts = Starts(codes, count, Latent(), seed=1)
    taken = [starts.of(0, number, np.array([-50.0])).item() for number in range(count)]
    assert taken[:3] == [0, 1, 2]
    assert taken[4::2] == [3, 4, 5]
    assert all(place < -40 for place in taken[3::2])  # around the best
    assert [codes_for(n) for n in (1, 3, 4, 5, 30)] == [1, 3, 3, 4, 16]
    given = Starts(np.zeros((1, 7, 1)), 7, Latent(), seed=1)
    assert [given.of(0, number, np.array([-50.0])).item() for number in range(7)] == [0] * 7


def test_a_step_into_a_region_without_values_is_shortened_at_once():
    class Log(keras.layers.Layer):
        def call(self, x):
            return ops.log(x)

    model = keras.Sequential([keras.Input((1,)), Log()])
    result = deepopt.invert(model, np.log([1e-6]), options={"starts": [[1.0]]}, rng=0)
    assert result.found
    assert abs(result.x[0] - 1e-6) < 1e-9
