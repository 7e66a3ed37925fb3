"""The contract, over every method and kind of part."""

import pytest

from deepopt import Adam, Deep, Direct, GaussianSmoothing, Momentum, Recipe, Temperature
from deepopt.testing import MethodContract

pytestmark = pytest.mark.backends


class TestHomotopy(MethodContract):
    method = "homotopy"
    options = {"maxiter": 300, "n_starts": 4}


class TestGd(MethodContract):
    method = "gd"
    options = {"maxiter": 25, "n_starts": 4, "learning_rate": [0.3, 0.03]}


class TestDeep(MethodContract):
    method = "deep"
    options = {"maxiter": 25, "n_embeddings": 4, "learning_rate": [0.3, 0.03], "polish": True}


class TestSmoothedAdam(MethodContract):
    method = Recipe(Deep(4), GaussianSmoothing(n_samples=4), Adam())
    options = {"maxiter": 25, "learning_rate": 0.02}


class TestLangevin(MethodContract):
    method = Recipe(Direct(3), Temperature(0.1, 0.001), Momentum())
    options = {"maxiter": 25, "learning_rate": 0.02}
