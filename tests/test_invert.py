"""`invert`: recoveries, measurements, surfing, limits, files, and what is refused."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers
from scipy.optimize import OptimizeWarning, least_squares
from scipy.sparse.linalg import aslinearoperator

import deepopt
from deepopt import Adam, Latent, LevenbergMarquardt, Surf
from deepopt._backend import jacobian, ops, precision, to_numpy, to_tensor
from deepopt._invert.files import invert_files
from deepopt._invert.programs import _kept
from deepopt._invert.search import Inversion
from deepopt.descents import Seen
from deepopt.generators import Architecture, CheckpointError
from deepopt.generators.architectures import initialise
from deepopt.reparametrizations import Reparametrization

K, N = 3, 40


def network(seed=0, k=K, hidden=(20, 30), n=N):
    """An expansive network of the paper's §3 with weights of its own."""
    model = Architecture("expansive", k, (n,), hidden=hidden).generator()
    initialise(model, "expansive", np.random.default_rng(seed))
    return model


def images(seed=0, k=2):
    """Convolutions, batch norm with statistics, dropout: what an inference mode is for."""
    model = keras.Sequential(
        [
            keras.Input((k,)), layers.Dense(4 * 4 * 3), layers.BatchNormalization(), layers.ReLU(),
            layers.Dropout(0.5), layers.Reshape((4, 4, 3)),
            layers.Conv2DTranspose(1, 4, 2, padding="same", activation="sigmoid"),
        ]
    )  # fmt: skip
    rng = np.random.default_rng(seed)
    model.set_weights([0.2 + rng.random(w.shape) if w.ndim == 1 else rng.normal(size=w.shape)
                       for w in model.get_weights()])  # fmt: skip
    return model


def made(model, x):
    return to_numpy(model(np.asarray(x, "float32"), training=False))


def latents(count=6, k=K, seed=1):
    return np.random.default_rng(seed).uniform(-0.9, 0.9, (count, k))


def near(a, b, slack=1e-2):
    return np.linalg.norm(np.asarray(a) - b, axis=-1).max() < slack


# Recovery


@pytest.mark.backends
@pytest.mark.parametrize("build", [network, images])
def test_latents_come_back(build):
    model = build()
    x = latents(6, model.input_shape[-1])
    result = deepopt.invert(model, made(model, x), rng=0)
    assert near(result.x, x)
    assert result.x.dtype == np.float64
    assert result.found.all()
    assert result.success.all()
    assert (result.status == 0).all()
    assert result.fun.shape == result.cost.shape == result.nit.shape == (6,)
    np.testing.assert_allclose(result.output, made(model, result.x), atol=1e-5)
    half_square = 0.5 * np.sum((result.output - made(model, x)).reshape(6, -1) ** 2, axis=1)
    np.testing.assert_allclose(result.fun, half_square, rtol=1e-3, atol=1e-12)


@pytest.mark.backends
@pytest.mark.parametrize("solver", ["lm", "adam", "gd", LevenbergMarquardt(1), Adam(beta2=0.99)])
def test_every_solver_finds_them(solver):
    model = network()
    x = latents(3)
    options = {"solver": solver, "n_starts": 3}
    result = deepopt.invert(model, made(model, x), options=options, rng=0)
    assert near(result.x, x, 0.05)


def test_single_targets_have_numbers_in_their_result():
    model = images()
    x = latents(1, 2)[0]
    y = made(model, x[None])[0]
    for given in (y, y[..., 0], y.ravel(), y.tolist()):
        result = deepopt.invert(model, given, rng=0)
        assert near(result.x, x)
        assert result.x.shape == (2,)
        assert isinstance(result.fun, float)
        assert isinstance(result.success, bool)
        assert isinstance(result.cost, int)
        assert result.output.shape == (8, 8, 1)
        assert result.residual.shape == (64,)
    batch = deepopt.invert(model, y[None, ..., 0], rng=0)
    assert batch.x.shape == (1, 2)


def test_many_starts_ask_for_no_larger_codebook():
    model, options = network(), {"n_codes": 20, "n_starts": 500, "maxiter": 1}
    y = np.full((1, *model.output_shape[1:]), 0.9)  # none that the generator makes
    asked = deepopt.invert(model, y, rng=0, options=options)
    fewer = deepopt.invert(model, y, rng=0, options=options | {"n_starts": 3})
    assert asked.preparation == fewer.preparation
    assert asked.cost[0] > 10 * fewer.cost[0]


def test_targets_do_not_see_each_other():
    model = network()
    y = made(model, latents(20))
    options = {"n_codes": 64, "dtype": "float64"}
    together = deepopt.invert(model, y, rng=3, options=options)
    for i in (0, 7, 19):
        alone = deepopt.invert(model, y[i], rng=3, options=options)
        np.testing.assert_allclose(alone.x, together.x[i], atol=1e-6)
        assert alone.cost == pytest.approx(together.cost[i], rel=0.2)


def test_the_same_rng_repeats_a_call():
    model = network()
    y = made(model, latents(5)) + 0.1
    one, other = (deepopt.invert(model, y, rng=4) for _ in range(2))
    np.testing.assert_array_equal(one.x, other.x)
    assert (deepopt.invert(model, y, rng=5).cost != one.cost).any()


def test_the_cost_counts_passes_and_columns():
    model = network()
    y = made(model, latents(4))
    given = {"solver": LevenbergMarquardt(3), "n_starts": 1}
    result = deepopt.invert(model, y, options=given, rng=0)
    np.testing.assert_array_equal(result.cost, result.nit + K * np.ceil(result.nit / 3))
    assert result.preparation == 64 + 256
    adam = deepopt.invert(model, y, options={"solver": "adam", "starts": "zero", "maxiter": 30})
    np.testing.assert_array_equal(adam.cost, 60)
    assert adam.preparation == 64
    assert (adam.status == 1).all()


def test_a_target_that_no_latent_makes_ends_in_a_minimum_and_takes_every_start():
    model = network()
    y = made(model, latents(2)) + np.random.default_rng(0).normal(size=(2, N))
    result = deepopt.invert(model, y, rng=0)
    assert not result.found.any()
    assert (result.status == 0).all()
    jac, residual = _jacobian_of(model, result.x[0]), result.residual[0]
    slope = np.abs(residual @ jac) / np.linalg.norm(jac, axis=0) / np.linalg.norm(residual)
    assert slope.max() < 0.02


def _jacobian_of(model, x, step=1e-3):
    ahead, behind = (made(model, x + sign * step * np.eye(K)) for sign in (1, -1))
    return ((ahead - behind) / (2 * step)).T


# Levenberg-Marquardt


def test_no_descent_ends_before_a_true_jacobian_is_tried():
    y = np.random.default_rng(2).normal(size=(4, N))
    given = {"solver": LevenbergMarquardt(period=9), "n_starts": 1, "maxiter": 500}
    default, whole, short = (
        deepopt.invert(network(), y, rng=0, options=given | {"stall": stall})
        for stall in (None, 9, 4)
    )
    np.testing.assert_array_equal(default.nit, whole.nit)
    np.testing.assert_array_equal(default.x, whole.x)
    assert (default.nit >= short.nit).all()
    assert default.nit.sum() > short.nit.sum()


@pytest.mark.backends
def test_the_jacobian_is_that_of_differences():
    with precision("float64"):
        weight = to_tensor(np.random.default_rng(0).normal(size=(4, 7)), "float64")

        def function(x):
            return ops.tanh(ops.matmul(x, weight)) + ops.sum(x * x, axis=-1, keepdims=True)

        x = np.random.default_rng(1).normal(size=(2, 3, 4))
        found = to_numpy(jacobian(function, to_tensor(x, "float64")))
        assert found.shape == (2, 3, 7, 4)
        for j in range(4):
            step = 1e-6 * np.eye(4)[j]
            ahead, behind = (to_numpy(function(to_tensor(x + s, "float64"))) for s in (step, -step))
            np.testing.assert_allclose(found[..., j], (ahead - behind) / 2e-6, atol=1e-7)


def test_a_step_is_that_of_the_damped_normal_equations():
    rng = np.random.default_rng(0)
    matrix, residual = rng.normal(size=(1, 1, 6, 3)), rng.normal(size=(1, 1, 6))
    with precision("float64"):
        descent = LevenbergMarquardt(damping=0.5, longest=10.0)
        w = to_tensor(np.zeros((1, 1, 3)), "float64")
        memory = descent.init([w], 6)
        one = to_tensor([1.0], "float64")
        zero = to_tensor([0], "int32")
        seen = Seen(
            [w], one, [], one, zero, to_tensor(residual, "float64"),
            lambda _: to_tensor(matrix, "float64"),
        )  # fmt: skip
        (update,), memory = descent.step(seen, memory)
    jac, r = matrix[0, 0], residual[0, 0]
    normal = jac.T @ jac
    damped = normal + 0.5 * normal.diagonal().max() * np.eye(3)
    step = -np.linalg.solve(damped, jac.T @ r)
    np.testing.assert_allclose(-to_numpy(update)[0, 0], step, rtol=1e-10)
    promised = 0.5 * r @ r - 0.5 * np.sum((r + jac @ step) ** 2)
    np.testing.assert_allclose(to_numpy(memory[-1])[0, 0], promised, rtol=1e-10)


@pytest.mark.parametrize("period", [1, 2, 5])
def test_broyden_updates_take_fewer_passes_to_the_same_point(period):
    model = network(k=8, hidden=(40, 60), n=80)
    x = latents(8, 8)
    given = {"solver": LevenbergMarquardt(period), "n_codes": 500}
    result = deepopt.invert(model, made(model, x), options=given, rng=0)
    assert near(result.x, x)
    if period == 5:
        every = deepopt.invert(
            model, made(model, x), options=given | {"solver": LevenbergMarquardt(1)}, rng=0
        )
        assert result.cost.mean() < every.cost.mean()


# A box of latents


@pytest.mark.parametrize("solver", ["lm", "adam"])
def test_latents_keep_to_their_box_and_end_at_its_edge(solver):
    model = network()
    x = np.array([[0.9, -0.1, 0.2]])
    result = deepopt.invert(
        model, made(model, x), options={"latent_bounds": 0.5, "solver": solver}, rng=0
    )
    assert np.abs(result.x).max() <= 0.5
    best = min(
        least_squares(
            lambda z: (made(model, z[None]) - made(model, x)).reshape(-1).astype("float64"),
            start, bounds=(-0.5, 0.5), diff_step=1e-3,
        ).cost for start in np.random.default_rng(0).uniform(-0.4, 0.4, (4, K))
    )  # fmt: skip
    assert result.fun[0] <= best * (1.001 if solver == "lm" else 1.05) + 1e-6


def test_pairs_bound_each_latent():
    model = network()
    bounds = [(-1.0, 0.0), (0.0, 1.0), (-0.2, 0.2)]
    result = deepopt.invert(
        model, made(model, latents(5)), options={"latent_bounds": bounds}, rng=0
    )
    low, high = np.transpose(bounds)
    assert (result.x >= low - 1e-6).all()
    assert (result.x <= high + 1e-6).all()


# Measurements


@pytest.mark.backends
def test_operators_of_every_kind_measure_alike():
    model = network()
    x = latents(4)
    matrix = np.random.default_rng(2).normal(size=(12, N))
    b = made(model, x) @ matrix.T
    with precision("float32"):
        tensor = to_tensor(matrix.T, "float32")
    kinds = (matrix, aslinearoperator(matrix), lambda outputs: ops.matmul(outputs, tensor))
    for operator in kinds:
        result = deepopt.invert(model, b, operator=operator, rng=0)
        assert near(result.x, x)
        assert result.output.shape == (4, N)
        assert result.residual.shape == (4, 12)


# Surfing


def training(count=6):
    """Networks on a straight way from one to another."""
    first, last = network(5), network(0)
    models = []
    for share in np.linspace(0.0, 1.0, count):
        model = network()
        pairs = zip(first.get_weights(), last.get_weights(), strict=True)
        model.set_weights([(1 - share) * a + share * b for a, b in pairs])
        models.append(model)
    return models


@pytest.mark.backends
@pytest.mark.parametrize("solver", ["lm", "adam"])
def test_a_surf_goes_through_every_network_and_compiles_once(solver):
    models = training()
    x = latents(5)
    given = {"solver": solver, "starts": "random", "schedule": Surf(longest=15)}
    result = deepopt.invert(models, made(models[-1], x), "surf", options=given, rng=0)
    assert near(result.x, x, 0.05)
    assert result.method == "surf"
    assert result.path.shape == (5, 5, K)
    moved = np.linalg.norm(np.diff(result.path, axis=0), axis=-1)
    assert (moved.max(axis=1) > 0).all()
    programs = next(reversed(_kept._things.values()))
    if keras.config.backend() != "torch":
        assert programs.loop.chunk.traces == 1


def test_a_budget_is_shared_out_with_more_for_early_networks():
    shares = Surf(budget=1000).iterations(100)
    assert sum(shares) == 1000
    assert shares[0] >= shares[50] >= shares[99]
    assert shares[0] > shares[99]
    models = training()
    given = {"preset": "paper", "schedule": Surf(budget=30), "maxiter": 7}
    result = deepopt.invert(models, made(models[-1], latents(3)), "surf", options=given, rng=0)
    np.testing.assert_array_equal(result.cost, 2 * (30 + 7))


def test_the_best_is_that_of_the_last_network_alone():
    models = training(3)
    x = latents(1)
    y = made(models[0], x)  # the first network makes it exactly, the last one does not
    options = {"starts": x, "schedule": Surf(longest=3), "n_starts": 1}
    result = deepopt.invert(models, y, "surf", options=options, rng=0)
    again = 0.5 * np.sum((made(models[-1], result.x) - y) ** 2, axis=1)
    np.testing.assert_allclose(result.fun, again, rtol=1e-4)
    assert result.fun[0] > 1e-3
    assert near(result.path[0], x, 1e-3)


def test_steps_that_jump_are_halved(monkeypatch):
    networks = []
    settle = Inversion._settle

    def watched(self, rows, weights, points, most):
        networks.append(to_numpy(weights[0]))
        return settle(self, rows, weights, points, most)

    monkeypatch.setattr(Inversion, "_settle", watched)
    models = [*training(2), network(9)]
    y = made(models[0], latents(4))
    for interpolate in (False, True):
        networks.clear()
        given = {"schedule": Surf(longest=30, interpolate=interpolate), "starts": latents(1)}
        deepopt.invert(models, y, "surf", options=given, rng=0)
        assert (len(networks) > 2) == interpolate
    first, last = (models[i].get_weights()[0] for i in (0, 1))
    middle = 0.5 * (first + last)
    assert min(np.abs(w - middle).max() for w in networks) < 1e-6


def test_one_checkpoint_is_no_surf():
    model = network()
    with pytest.warns(RuntimeWarning, match="one checkpoint only"):
        result = deepopt.invert(model, made(model, latents(2)), "surf", rng=0)
    assert result.method == "direct"
    assert "path" not in result


# Limits


def test_a_callback_may_stop():
    seen = []

    def callback(intermediate_result):
        seen.append(intermediate_result.fun.copy())
        if len(seen) == 2:
            raise StopIteration

    model = network()
    y = made(model, latents(4)) + 1.0
    result = deepopt.invert(model, y, callback=callback, rng=0)
    assert (result.status == 99).all()
    assert (result.fun <= seen[0] * 1.0001).all()


def test_ctrl_c_and_the_clock_keep_the_best():
    def callback(intermediate_result):
        raise KeyboardInterrupt

    model = network()
    y = made(model, latents(4)) + 1.0
    stopped = deepopt.invert(model, y, callback=callback, rng=0)
    assert (stopped.status == 5).all()
    assert np.isfinite(stopped.fun).all()
    late = deepopt.invert(model, y, options={"maxtime": 1e-6}, rng=0)
    assert (late.status == 3).all()
    assert np.isfinite(late.fun).all()


class Nowhere(layers.Layer):
    """Outputs that are no numbers."""

    def call(self, x):
        return x + float("nan")


def test_outputs_that_are_not_finite_make_no_answer():
    model = keras.Sequential([network(), Nowhere()])
    result = deepopt.invert(model, np.zeros((2, N)), rng=0)
    assert (result.status == 4).all()
    assert not result.success.any()


def test_weights_that_are_not_finite_are_refused(tmp_path):
    model = network()
    y = made(model, latents(2))
    model.set_weights([np.full(w.shape, np.nan) for w in model.get_weights()])
    model.save(tmp_path / "a.keras")
    for given, label in ((model, "model 0"), (tmp_path / "a.keras", "a.keras")):
        with pytest.raises(CheckpointError, match=f"{label} has weights that are not finite"):
            deepopt.invert(given, y, rng=0)


# What is refused


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"y": np.zeros(7)}, ValueError, r"y must have shape \(40,\).*got \(7,\)"),
        ({"y": np.full(N, np.nan)}, ValueError, "y must be finite"),
        ({"y": np.full(N, 1e6)}, ValueError, "y must be in the range of the generator"),
        ({"y": "shoe"}, TypeError, "y must be an array of numbers"),
        ({"y": None}, TypeError, "y must be an array of numbers, got None"),
        ({"y": {"a": 1}}, TypeError, "y must be an array of numbers"),
        ({"y": ["1"] * N}, TypeError, "y must be an array of numbers"),
        ({"y": np.zeros(N, "M8[s]")}, TypeError, "y must be an array of numbers"),
        ({"operator": np.ones((0, N)), "y": []}, ValueError, "operator must have at least one row"),
        ({"y": np.zeros(N, complex)}, TypeError, "y must be real"),
        ({"method": "surfing"}, ValueError, "method must be one of 'direct', 'surf'"),
        ({"operator": np.zeros((5, 9))}, ValueError, r"operator must be of shape \(m, 40\)"),
        ({"operator": np.full((40, 40), np.inf)}, ValueError, "operator must be finite"),
        ({"operator": "blur"}, TypeError, "operator must be a matrix"),
        ({"operator": lambda z: 1 / 0}, ValueError, "operator must be a traceable function"),
        ({"operator": lambda z: z[0]}, ValueError, "operator must keep the first axis"),
        ({"operator": np.ones((2, N)), "y": np.ones(2)}, ValueError, "at least as many numbers"),
        ({"checkpoints": keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten()])},
         ValueError, "no generator"),
        ({"checkpoints": "nowhere"}, CheckpointError, "nowhere does not exist"),
        ({"checkpoints": []}, ValueError, "at least one"),
        ({"checkpoints": 5}, TypeError, "checkpoints must be"),
        ({"callback": 3}, TypeError, "callback must be callable"),
        ({"options": [1]}, TypeError, "options must be a dict"),
        ({"rng": "x"}, TypeError, "rng must be"),
    ],
)  # fmt: skip
def test_bad_arguments_end_in_one_sentence(change, kind, words):
    given = {"checkpoints": network(), "y": np.zeros(N)} | change
    with pytest.raises(kind, match=words) as caught:
        deepopt.invert(given.pop("checkpoints"), given.pop("y"), **given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"solver": "newton"}, ValueError, "solver must be one of"),
        ({"starts": "best"}, ValueError, "starts must be one of"),
        ({"starts": np.zeros((2, 9))}, ValueError, r"starts must be latents \(S, 3\)"),
        ({"starts": [[np.nan] * 3]}, ValueError, "starts must be finite"),
        ({"n_starts": 0}, ValueError, "n_starts must be at least 1"),
        ({"n_codes": 1.5}, TypeError, "n_codes must be a whole number"),
        ({"n_codes": 10**30}, ValueError, "n_codes must be at least 1 and at most 1e\\+07"),
        ({"latent_bounds": -1.0}, ValueError, "latent_bounds must be"),
        ({"latent_bounds": [(0, 1)]}, ValueError, "latent_bounds must be"),
        ({"latent_bounds": "tight"}, TypeError, "latent_bounds must be"),
        ({"latent_bounds": True}, TypeError, "latent_bounds must be"),
        ({"latent_bounds": 1e40}, ValueError, r"latent_bounds must be .* within ±1e\+30"),
        ({"learning_rate": np.inf}, ValueError, "learning_rate must be above 0 and below inf"),
        ({"ftol": np.inf}, ValueError, "ftol must be at least 0 and below 1"),
        ({"prior": "cauchy"}, ValueError, "prior must be one of"),
        ({"schedule": 5}, TypeError, "schedule must be a Surf"),
        ({"maxtime": 0}, ValueError, "maxtime must be above 0"),
        ({"dtype": "int8"}, ValueError, "dtype must be one of"),
        ({"preset": "mine"}, ValueError, "preset must be one of 'paper'"),
    ],
)  # fmt: skip
def test_bad_options_end_in_one_sentence(options, kind, words):
    with pytest.raises(kind, match=words):
        deepopt.invert(network(), np.zeros(N), options=options)


def test_unknown_options_are_told():
    model = network()
    with pytest.warns(OptimizeWarning, match="no option 'n_start'"):
        deepopt.invert(model, made(model, latents(1)), options={"n_start": 3}, rng=0)


@pytest.mark.parametrize("build", [lambda: Surf(longest=0), lambda: Surf(budget=0.5),
                                   lambda: Surf(interpolate=1), lambda: LevenbergMarquardt(0),
                                   lambda: Latent(prior="x")])  # fmt: skip
def test_bad_parts_are_refused(build):
    with pytest.raises((ValueError, TypeError)):
        build()


def test_latent_is_a_reparametrization():
    assert issubclass(Latent, Reparametrization)


# The command line


def test_the_command_writes_latents_reconstructions_and_a_picture(tmp_path):
    model = images()
    x = latents(3, 2)
    y = made(model, x)
    model.save(tmp_path / "generator.keras")
    np.save(tmp_path / "two.npy", y[:2, ..., 0])
    np.savez(tmp_path / "one.npz", images=y[2:])
    out = tmp_path / "out"
    done = subprocess.run(
        [sys.executable, "-m", "deepopt.cli", "invert", str(tmp_path / "generator.keras"),
         str(tmp_path / "two.npy"), str(tmp_path / "one.npz"), "--out", str(out)],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "3 of 3 found" in done.stdout
    assert f"result.json, picture.png are in {out}" in done.stdout
    from click.testing import CliRunner

    from deepopt.cli import main

    words = [str(tmp_path / name) for name in ("generator.keras", "two.npy")]
    again = tmp_path / "again"
    printed = CliRunner().invoke(
        main, ["invert", *words, "--json", "--option", "maxiter=50", "--out", str(again)]
    )
    document = json.loads(printed.stdout)
    assert document.pop("out") == str(again)
    assert document == json.loads((again / "result.json").read_text())
    assert len(document["targets"]) == 2
    assert near(np.load(out / "latents.npy"), x)
    assert np.load(out / "reconstructions.npy").shape == (3, 8, 8, 1)
    assert len(json.loads((out / "result.json").read_text())["targets"]) == 3
    assert (out / "picture.png").stat().st_size > 1000


def test_the_command_refuses_in_one_line(tmp_path):
    images().save(tmp_path / "generator.keras")
    done = subprocess.run(
        [sys.executable, "-m", "deepopt.cli", "invert", str(tmp_path / "generator.keras"),
         str(tmp_path / "none.png"), "--out", str(tmp_path / "out")],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 2
    assert "does not exist" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_that_was_made_for_nothing_goes_again(tmp_path):
    images().save(tmp_path / "generator.keras")
    np.save(tmp_path / "one.npy", np.zeros((8, 8)))
    given = str(tmp_path / "generator.keras"), [str(tmp_path / "one.npy")]
    with pytest.raises(ValueError, match="solver must be"):
        invert_files(*given, str(tmp_path / "a" / "b"), "direct", options={"solver": "lbfgs"})
    assert not (tmp_path / "a").exists()
    with pytest.raises(OSError, match=r"out must be a folder that can be written to, got .*one"):
        invert_files(*given, str(tmp_path / "one.npy"), "direct")


@pytest.mark.parametrize("shape", [(3, 7), (8, 8, 3), (16, 8), (0, 8, 8)])
def test_files_of_another_shape_are_named(tmp_path, shape):
    images().save(tmp_path / "generator.keras")
    np.save(tmp_path / "wrong.npy", np.zeros(shape))
    files = [str(tmp_path / "wrong.npy")]
    with pytest.raises(ValueError, match=r"wrong.npy has an array of shape .* \(8, 8, 1\)"):
        invert_files(str(tmp_path / "generator.keras"), files, str(tmp_path / "out"), "direct")


def test_a_surf_of_files_that_is_cut_short_is_written_too(tmp_path):
    for step in range(3):
        images(step).save(tmp_path / f"{step}.keras")
    np.save(tmp_path / "one.npy", made(images(2), latents(1, 2)))
    for maxtime, frames in ((1e-6, 0), (100.0, 2)):
        out, options = tmp_path / f"{frames}", {"maxtime": maxtime}
        files = [str(tmp_path / "one.npy")]
        result = invert_files(str(tmp_path), files, str(out), "surf", options=options, rng=0)
        assert len(result.path) == frames
        assert (out / "picture.png").stat().st_size > 1000
        assert json.loads((out / "result.json").read_text())["message"] == result.message
