"""The contract, over every method and kind of part."""

import numpy as np
import pytest

import deepopt
from deepopt import Adam, Deep, Direct, GaussianSmoothing, Momentum, Recipe, Temperature
from deepopt.testing import MethodContract, rugged_tensor


@pytest.mark.backends
class TestHomotopy(MethodContract):
    method = "homotopy"
    options = {"maxiter": 300, "n_starts": 4}


@pytest.mark.backends
class TestGd(MethodContract):
    method = "gd"
    options = {"maxiter": 25, "n_starts": 4, "learning_rate": [0.3, 0.03]}


@pytest.mark.backends
class TestDeep(MethodContract):
    method = "deep"
    options = {"maxiter": 25, "n_embeddings": 4, "learning_rate": [0.3, 0.03], "polish": True}


@pytest.mark.slow
class TestSmoothedAdam(MethodContract):
    method = Recipe(Deep(4), GaussianSmoothing(n_samples=4), Adam())
    options = {"maxiter": 25, "learning_rate": 0.02}


@pytest.mark.slow
class TestLangevin(MethodContract):
    method = Recipe(Direct(3), Temperature(0.1, 0.001), Momentum())
    options = {"maxiter": 25, "learning_rate": 0.02}


def test_another_seed_gives_another_result():
    one, two = (
        deepopt.minimize(rugged_tensor, bounds=[(-2, 2)] * 4, method="gd", rng=rng,
                         options={"maxiter": 3, "n_starts": 2}) for rng in (1, 2)
    )  # fmt: skip
    assert not (one.population == two.population).any()


class Forgetful(Direct):
    """A reparametrization that begins anywhere, whatever the seed of the call."""

    def init(self, box, rng, x0):
        return super().init(box, np.random.default_rng(), x0)


def test_the_contract_notices_a_part_that_breaks_it():
    recipe, options = Recipe(Forgetful(3)), {"maxiter": 3, "learning_rate": 0.02}

    class Contract(MethodContract):
        method = recipe

    Contract.options = options
    with pytest.raises(AssertionError, match="differ"):
        Contract().test_the_same_rng_gives_the_same_result()
    with pytest.raises(AssertionError, match=r"^test_\w+: "):
        MethodContract.check(recipe, options)
