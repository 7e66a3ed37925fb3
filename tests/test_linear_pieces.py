"""Linear pieces against sampling, projections against their definition, Algorithm 2 on flows."""

import dataclasses
import warnings

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers
from scipy.optimize import minimize

import deepopt
from deepopt.bench._flows import random_network
from deepopt.generators import Architecture
from deepopt.generators.architectures import initialise
from deepopt.linear_pieces import (
    ReluNetwork,
    descend_on,
    follow,
    pieces_near,
    project,
    read_network,
    slack_rows,
)

K, HIDDEN, N = 2, (8, 12), 20


def network(seed=0, k=K, hidden=HIDDEN, n=N):
    return random_network(np.random.default_rng(seed), k, hidden, n)


def shifted(net, by):
    """x ↦ G(x - by)."""
    first = net.biases[0] - net.weights[0] @ by
    return ReluNetwork(net.weights, (first, *net.biases[1:]), net.last, net.shift)


def pattern(net, x):
    """The signs of all preactivations at x (..., k), flat (..., rows)."""
    return np.concatenate(net.preactivations(x), axis=-1) > 0


def rows_in_slack(net, x, tau):
    return np.abs(np.concatenate(net.preactivations(x))) <= tau


# Pieces


@pytest.mark.parametrize("seed", range(4))
def test_the_pieces_are_those_that_sampling_finds(seed):
    net, tau = network(seed), 0.25
    x = 0.5 * np.random.default_rng(seed).standard_normal(K)
    found, complete = pieces_near(net, x, tau, most=10_000)
    assert complete
    known = {tuple(np.concatenate(piece.signs)) for piece in found}
    assert len(known) == len(found) > 1
    everywhere = x + np.stack(np.meshgrid(*[np.linspace(-4, 4, 801)] * K), axis=-1).reshape(-1, K)
    patterns = pattern(net, everywhere)
    same = (patterns == pattern(net, x))[:, ~rows_in_slack(net, x, tau)].all(axis=1)
    sampled = set(map(tuple, patterns[same]))
    assert sampled <= known
    assert len(sampled) > 0.7 * len(known)  # the others are small, or far away
    for piece in found:
        assert (pattern(net, piece.inside) == np.concatenate(piece.signs)).all()


def test_on_a_piece_the_network_is_what_the_piece_says():
    net, rng = network(1, k=3, hidden=(10, 15)), np.random.default_rng(1)
    found, _ = pieces_near(net, rng.standard_normal(3), 0.1)
    for piece in found:
        at = piece.inside + 1e-10 * rng.standard_normal(3)
        assert piece.holds(at)
        np.testing.assert_allclose(net.outputs(at), piece.slope @ at + piece.intercept, atol=1e-12)
        np.testing.assert_allclose(np.linalg.norm(piece.normals, axis=1), 1.0)


def test_the_piece_at_x_comes_first_and_is_all_there_is_without_slack():
    net, x = network(2), np.array([0.3, -0.7])
    (alone,), complete = pieces_near(net, x, 0.0)
    assert complete
    assert alone.holds(x)
    found, _ = pieces_near(net, x, 0.5)
    assert (np.concatenate(found[0].signs) == pattern(net, x)).all()


def test_a_cap_keeps_the_pieces_that_are_nearest_to_change():
    net, x, tau = network(3), np.array([0.3, -0.7]), 0.4
    every, _ = pieces_near(net, x, tau)
    some, complete = pieces_near(net, x, tau, most=5)
    assert len(some) == 5 < len(every)
    assert not complete
    sizes = np.abs(np.concatenate(net.preactivations(x)))
    costs = [sizes[np.concatenate(piece.signs) != pattern(net, x)].sum() for piece in every]
    assert costs == sorted(costs)
    assert [piece.signs[0].tolist() for piece in some] == [p.signs[0].tolist() for p in every[:5]]


@pytest.mark.parametrize(("k", "hidden"), [(3, (20, 40)), (5, (20, 40)), (3, (50, 100))])
def test_where_all_neurons_are_at_their_threshold_the_cap_is_filled(k, hidden):
    net = network(0, k, hidden, 2 * hidden[-1])
    net = dataclasses.replace(net, biases=tuple(np.zeros_like(b) for b in net.biases))
    found, complete = pieces_near(net, np.zeros(k), 0.01, most=64)
    assert len(found) == 64
    assert not complete
    assert len({np.concatenate(piece.signs).tobytes() for piece in found}) == 64


def test_slack_rows_are_those_near_zero():
    net, x = network(4), np.array([0.5, 0.5])
    rows = slack_rows(net, x, 0.1)
    flat = np.concatenate([rows[0], rows[1] + HIDDEN[0]])
    assert flat.tolist() == np.flatnonzero(rows_in_slack(net, x, 0.1)).tolist()


@pytest.mark.parametrize(("argument", "value"), [("tau", -1.0), ("tau", "a"), ("most", 0)])
def test_bad_slack_and_caps_are_named(argument, value):
    with pytest.raises((ValueError, TypeError), match=argument):
        pieces_near(network(), np.zeros(K), **({"tau": 0.1} | {argument: value}))


# Projection and descent


@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 12))
@settings(max_examples=80, deadline=None)
def test_a_projection_is_feasible_and_no_feasible_point_is_nearer(seed, k, rows):
    rng = np.random.default_rng(seed)
    normals, inside = rng.standard_normal((rows, k)), rng.standard_normal(k)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    offsets = rng.random(rows) - normals @ inside  # holds a point inside
    x = 3.0 * rng.standard_normal(k)
    nearest = project(x, normals, offsets)
    assert (normals @ nearest + offsets).min() > -1e-8
    others = inside + rng.standard_normal((200, k))
    others = others[(others @ normals.T + offsets >= 0).all(axis=1)]
    # Variational inequality: (x - p)·(z - p) ≤ 0 for every feasible z
    assert ((others - nearest) @ (x - nearest) <= 1e-6).all()
    if (normals @ x + offsets >= 0).all():
        assert (nearest == x).all()


@pytest.mark.parametrize("distance", [1e2, 1e4, 1e6])
def test_a_projection_from_afar_is_as_exact(distance):
    rng = np.random.default_rng(0)
    normals = rng.standard_normal((8, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    offsets = rng.random(8)
    x = distance * np.array([0.6, -0.64, 0.48])
    nearest = project(x, normals, offsets)
    assert (normals @ nearest + offsets).min() > -1e-13 * distance


def test_a_piece_too_thin_to_keep_leaves_x_where_it_is():
    thin = ReluNetwork(
        (np.ones((2, 1)),), (np.array([0.0, -1e-9]),), np.array([[1.0, 1.0]]), np.zeros(1)
    )
    step = follow(thin, np.ones(1), np.array([5e-10]), tau=0.0)
    assert step.pieces == 0
    assert step.x == 5e-10


def test_an_empty_polytope_is_refused():
    with pytest.raises(ValueError, match="not empty"):
        project(np.zeros(1), np.array([[1.0], [-1.0]]), np.array([-1.0, -1.0]))


@pytest.mark.parametrize("seed", range(5))
def test_the_minimiser_on_a_piece_is_scipys(seed):
    net, rng = network(seed, k=3, hidden=(10, 12)), np.random.default_rng(seed)
    y, x = rng.standard_normal(N), rng.standard_normal(3)
    for piece in pieces_near(net, x, 0.1)[0][:6]:
        found = descend_on(piece, y, x)

        def f(at, piece=piece):
            return 0.5 * np.sum((piece.slope @ at + piece.intercept - y) ** 2)

        inside = {"type": "ineq", "fun": lambda at, p=piece: p.normals @ at + p.offsets}
        known = minimize(f, piece.inside, method="SLSQP", constraints=inside,
                         options={"ftol": 1e-14, "maxiter": 1000})  # fmt: skip
        assert piece.holds(found, within=1e-8)
        assert f(found) <= known.fun + 1e-8


@pytest.mark.parametrize("flatness", [1e2, 1e4])
def test_a_descent_that_takes_all_of_its_steps_says_so(flatness):
    slope = np.diag([1.0, 1.0 / flatness])
    net = ReluNetwork((np.eye(2),), (np.full(2, 5.0),), slope, -5.0 * slope.sum(axis=1))
    (piece,), _ = pieces_near(net, np.zeros(2), tau=0.0)  # G(x) = slope x, for x > -5
    y = slope @ np.ones(2)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = descend_on(piece, y, np.zeros(2))
    assert bool(told) == (np.abs(found - 1.0).max() > 1e-6)
    assert [str(one.message).split(";")[0] for one in told] == [
        "descent on a linear piece took all of its 10,000 steps"
    ] * (flatness == 1e4)
    assert all(one.filename == __file__ for one in told)
    assert net.fun(found, y) < 1e-8


# Algorithm 2


def test_a_step_finds_the_minimiser_that_moved_to_another_piece():
    net = network(5)
    x, y = np.array([0.4, 0.6]), network(5).outputs(np.array([0.4, 0.6]))
    by = np.array([0.4, -0.3])
    moved = shifted(net, by)
    assert (pattern(moved, x) != pattern(net, x)).any()
    step = follow(moved, y, x, tau=0.5)
    np.testing.assert_allclose(step.x, x + by, atol=1e-8)
    assert step.fun < 1e-15
    assert step.complete
    blind = follow(moved, y, x, tau=0.0)
    assert blind.pieces == 1
    assert blind.fun > 1e-6


def keras_network(seed=0, k=K, hidden=(20, 30), n=40):
    model = Architecture("expansive", k, (n,), hidden=hidden).generator()
    initialise(model, "expansive", np.random.default_rng(seed))
    return model


def flow(steps=6, by=(0.3, -0.2), seed=0):
    """Keras models x ↦ G(x - s by), s from 0 to 1."""
    models = []
    for s in np.linspace(0.0, 1.0, steps):
        model = keras_network(seed)
        kernel, bias, *others = model.get_weights()
        model.set_weights([kernel, bias - s * np.array(by) @ kernel, *others])
        models.append(model)
    return models, np.array(by)


def made(model, x):
    return np.asarray(model(np.asarray(x, "float32")))


@pytest.mark.backends
def test_projected_surfing_rides_a_flow_from_the_first_minimiser_to_the_last():
    models, by = flow()
    x = np.random.default_rng(3).uniform(-0.9, 0.9, (4, K))
    y = made(models[0], x)
    result = deepopt.invert(models, y, "projected-surf", options={"tau": 0.05}, rng=0)
    np.testing.assert_allclose(result.x, x + by, atol=1e-4)
    assert result.found.all()
    assert result.method == "projected-surf"
    assert result.path.shape == (5, 4, K)
    for t, at in enumerate(result.path):
        np.testing.assert_allclose(at, x + t / 5 * by, atol=1e-4)
    assert result.pieces.shape == (5, 4)
    assert (result.pieces >= 1).all()
    assert result.complete.shape == (5, 4)
    assert result.complete.all()
    alone = deepopt.invert(models, y[0], "projected-surf", options={"tau": 0.05}, rng=0)
    assert alone.path.shape == (5, K)
    assert alone.pieces.shape == alone.complete.shape == (5,)
    np.testing.assert_allclose(alone.x, result.x[0], atol=1e-4)


def test_a_cap_that_leaves_pieces_out_is_told():
    models, _ = flow()
    y = made(models[0], np.array([[0.2, 0.5]]))
    wide = {"tau": 1.0, "max_pieces": 3}
    result = deepopt.invert(models, y, "projected-surf", options=wide, rng=0)
    assert (result.pieces == 3).all()
    assert not result.complete.any()


def test_projected_surfing_takes_measurements_and_counts_its_pieces():
    models, by = flow()
    matrix = np.random.default_rng(0).standard_normal((10, 40)) / 10**0.5
    x = np.array([[0.2, 0.5]])
    asked = {"options": {"tau": 0.05, "n_starts": 1}, "operator": matrix, "rng": 0}
    y = made(models[0], x) @ matrix.T
    result = deepopt.invert(models, y, "projected-surf", **asked)
    np.testing.assert_allclose(result.x, x + by, atol=1e-4)
    first = deepopt.invert(models[0], y, **asked)
    assert result.cost[0] == first.cost[0] + (K + 1) * result.pieces.sum()


def test_a_callback_after_the_last_network_ends_nothing():
    models, _ = flow(3)
    y, seen = made(models[0], [[0.2, 0.5]]) + 0.1, []  # which no latent makes

    def callback(intermediate_result):
        seen.append(intermediate_result.x)

    given = {"method": "projected-surf", "options": {"tau": 0.05, "n_starts": 1}, "rng": 0}
    deepopt.invert(models, y, callback=callback, **given)
    calls = len(seen)

    def at_the_end(intermediate_result):
        callback(intermediate_result)
        if len(seen) == 2 * calls:
            raise StopIteration

    result = deepopt.invert(models, y, callback=at_the_end, **given)
    assert not result.found.any()
    assert result.status.tolist() == [0]


def test_a_callback_may_end_projected_surfing_on_its_way():
    models, _ = flow()
    y = made(models[0], [[0.2, 0.5]])
    for most in (1, 4):
        seen = []

        def callback(intermediate_result, seen=seen, most=most):
            seen.append(intermediate_result.x)
            if len(seen) == most:
                raise StopIteration

        result = deepopt.invert(models, y, "projected-surf", callback=callback, rng=0)
        assert result.status.tolist() == [99]
        assert not result.success.any()
        assert len(result.path) == len(result.pieces) < 5


# Networks


def dense(*parts, k=K):
    return keras.Sequential([keras.Input((k,)), *parts])


FOLDED = {
    "activation": dense(layers.Dense(5, activation="relu"), layers.Dense(7)),
    "a layer": dense(layers.Dense(5), layers.ReLU(), layers.Dense(7, use_bias=False)),
    "activation layer": dense(layers.Dense(5), layers.Activation("relu"), layers.Dense(7)),
    "two linear": dense(
        layers.Dense(4),
        layers.Dense(5, activation="relu"),
        layers.Dense(6),
        layers.Dropout(0.5),
        layers.Dense(8),
        layers.Reshape((2, 4)),
    ),
    "linear": dense(layers.Dense(4)),
}


@pytest.mark.backends
@pytest.mark.parametrize("name", FOLDED)
def test_keras_networks_are_read(name):
    model, rng = FOLDED[name], np.random.default_rng(0)
    weights = [rng.standard_normal(w.shape) for w in model.get_weights()]
    model.set_weights(weights)
    x = rng.standard_normal((5, K))
    expected = np.asarray(model(x.astype("float32"))).reshape(5, -1)
    net = read_network(model, weights)
    np.testing.assert_allclose(net.outputs(x), expected, atol=1e-4)
    ahead, step = rng.standard_normal((5, K)), 1e-7
    along = (net.outputs(x + step * ahead) - net.outputs(x)) / step
    np.testing.assert_allclose(net.slope(x, ahead), along, atol=1e-5)


def skipping():
    x = keras.Input((K,))
    hidden = layers.Dense(K, activation="relu")(x)
    return keras.Model(x, layers.Dense(5)(layers.Add()([x, hidden])))


def joined():
    x = keras.Input((K,))
    return keras.Model(x, layers.Concatenate()([layers.Dense(5)(x), layers.Dense(7)(x)]))


@pytest.mark.parametrize(
    ("model", "word"),
    [
        (joined(), "follow one another"),
        (dense(layers.Dense(6), layers.Reshape((2, 3)), layers.Dense(4)), "follow one another"),
        (dense(layers.Dense(5, activation="sigmoid")), "sigmoid"),
        (dense(layers.Dense(5), layers.ReLU(max_value=6.0), layers.Dense(4)), "ReLU"),
        (dense(layers.Dense(5), layers.LeakyReLU(), layers.Dense(4)), "LeakyReLU"),
        (dense(layers.Dense(5), layers.BatchNormalization()), "BatchNormalization"),
        (dense(layers.Dense(5, activation="relu")), "last layer"),
        (skipping(), "Add"),
        (Architecture("infogan", K, (8, 8, 1), width=0.01).generator(), "BatchNormalization"),
    ],
)  # fmt: skip
def test_other_networks_are_refused_in_one_sentence(model, word):
    with pytest.raises(ValueError, match=word) as caught:
        read_network(model, model.get_weights())
    assert "\n" not in str(caught.value)
    assert "fully connected ReLU network" in str(caught.value)


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"operator": lambda images: images[:, :10]}, "operator must be a matrix"),
        ({"options": {"latent_bounds": 1.0}}, "latent_bounds must be None"),
        ({"options": {"tau": -1.0}}, "tau"),
        ({"options": {"max_pieces": 0}}, "max_pieces"),
    ],
)
def test_what_projected_surfing_is_not_made_for(more, word):
    models, _ = flow(2)
    y = np.zeros(10 if "operator" in more else 40)
    with pytest.raises(ValueError, match=word):
        deepopt.invert(models, y, "projected-surf", **more)


def test_one_network_is_descended_directly():
    model = keras_network()
    with pytest.warns(RuntimeWarning, match="'projected-surf' does as 'direct'"):
        result = deepopt.invert(model, made(model, [[0.1, 0.2]]), "projected-surf", rng=0)
    assert result.method == "direct"
