"""What every way of inverting keeps: all methods and solvers, in both precisions."""

import pickle
import threading
import time

import keras
import numpy as np
import pytest
from test_invert import latents, made, network

import deepopt
from deepopt import Surf

SURF = Surf(budget=30)
WAYS = {
    "direct, lm": ("direct", {}),
    "direct, adam": ("direct", {"solver": "adam", "starts": "random", "n_starts": 3}),
    "direct, gd": ("direct", {"solver": "gd", "starts": "zero", "learning_rate": 0.01}),
    "surf, lm": ("surf", {"schedule": SURF}),
    "surf, adam": ("surf", {"solver": "adam", "schedule": SURF}),
    "projected-surf": ("projected-surf", {"max_pieces": 8}),
}

pytestmark = pytest.mark.backends
every_way = pytest.mark.parametrize("way", WAYS)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


@pytest.fixture(scope="module")
def flow():
    """Three networks, one becoming the other, and outputs of the last."""
    first, last = network(0), network(1)
    between = keras.models.clone_model(last)
    pairs = zip(first.get_weights(), last.get_weights(), strict=True)
    between.set_weights([0.5 * (one + other) for one, other in pairs])
    return [first, between, last], made(last, latents(3))


def call(flow, way, dtype="float32", **given):
    method, options = WAYS[way]
    options = {"maxiter": 60, "n_codes": 64, "dtype": dtype} | options | given.pop("options", {})
    models, y = flow
    return deepopt.invert(models, given.pop("y", y), method, options=options, rng=1, **given)


@every_way
@every_dtype
def test_fun_is_that_of_the_latents_which_come_back(flow, way, dtype):
    result = call(flow, way, dtype)
    y = flow[1]
    output = made(flow[0][-1], result.x)
    np.testing.assert_allclose(result.output, output, atol=1e-5)
    np.testing.assert_allclose(result.residual, output - y, atol=1e-5)
    expected = 0.5 * ((output - y) ** 2).sum(axis=-1)
    np.testing.assert_allclose(result.fun, expected, rtol=1e-2, atol=1e-9)
    assert (result.success == (result.status == 0)).all()
    assert (result.cost > 0).all()
    assert result.x.shape == (3, 3)
    assert result.fun.shape == result.status.shape == result.found.shape == (3,)


@every_way
def test_the_same_rng_gives_the_same_result(flow, way):
    one, two = call(flow, way), call(flow, way)
    for key in one.keys() - {"message", "method"}:
        np.testing.assert_array_equal(one[key], two[key], err_msg=key)


@every_way
def test_callbacks_see_the_best_fall_and_may_stop(flow, way):
    seen = []

    def watch(intermediate_result):
        seen.append(intermediate_result)

    result = call(flow, way, callback=watch)
    assert len(seen) > 0
    assert (result.fun <= seen[-1].fun * (1 + 1e-4) + 1e-9).all()

    def stop(intermediate_result):
        raise StopIteration

    stopped = call(flow, way, callback=stop)
    assert (stopped.status == 99).any()
    assert not stopped.success.all()
    assert np.isfinite(stopped.fun).all()


@every_way
def test_ctrl_c_and_the_clock_return_the_best_so_far(flow, way):
    def interrupt(intermediate_result):
        raise KeyboardInterrupt

    stopped = call(flow, way, callback=interrupt)
    assert (stopped.status == 5).any()
    begun = time.perf_counter()
    late = call(flow, way, options={"maxtime": 1e-3, "maxiter": 10**6, "ftol": 0.0})
    assert time.perf_counter() - begun < 0.6
    assert (late.status == 3).any()
    for result in (stopped, late):
        assert np.isfinite(result.fun).all()
        assert result.x.shape == (3, 3)


@every_way
def test_latents_keep_to_their_bounds(flow, way):
    if way == "projected-surf":
        with pytest.raises(ValueError, match="latent_bounds must be None for 'projected-surf'"):
            call(flow, way, options={"latent_bounds": 0.5})
        return
    result = call(flow, way, options={"latent_bounds": 0.3})
    assert np.abs(result.x).max() <= 0.3


@every_way
def test_one_target_alone_is_that_of_the_batch(flow, way):
    """Shapes lose their first axis, and a target out of reach harms no other."""
    y = flow[1]
    alone = call(flow, way, y=y[0])
    assert alone.x.shape == (3,)
    assert isinstance(alone.fun, float)
    spoilt = call(flow, way, y=np.array([y[0], y[1], 5.0 * y[2]]))
    assert np.isfinite(spoilt.fun).all()
    assert spoilt.fun[0] <= max(10 * call(flow, way).fun[0], 1e-6)


@every_way
def test_results_pickle(flow, way):
    result = call(flow, way)
    twin = pickle.loads(pickle.dumps(result))
    assert twin.keys() == result.keys()
    np.testing.assert_array_equal(twin.x, result.x)


def test_two_threads_take_turns(flow):
    alone, found = call(flow, "direct, lm"), {}

    def run(name):
        found[name] = call(flow, "direct, lm")

    threads = [threading.Thread(target=run, args=(name,)) for name in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in range(2):
        np.testing.assert_array_equal(found[name].x, alone.x)
