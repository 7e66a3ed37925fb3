"""A call that is interrupted again and again ends as the one that never was, to the last bit."""

import numpy as np
import pytest
from kills import Doom, Gone, Killed, interrupted, same, whole
from test_invert import latents, made, network
from test_residuals import LM, Fit

import deepopt
from deepopt import Adam, Deep, GaussianSmoothing, Recipe, Surf
from deepopt.problems import rastrigin

BOX = [(-2.0, 2.0), (-1.0, 3.0), (0.0, 1.0)]
TRACED = rastrigin.with_dim(3).shifted(rng=3)
SMOOTHED = Recipe(Deep(4), GaussianSmoothing(n_samples=4), Adam())

pytestmark = pytest.mark.backends


@pytest.fixture(autouse=True)
def evolution_comes_early(monkeypatch):
    """So that a short call has a state of every arm."""
    monkeypatch.setattr("deepopt._search.black_box.WAIT", 5)


def rugged(x):
    return float(np.sum((x - 0.3) ** 2) + 0.2 * np.sum(np.sin(7.0 * x)))


def slope(x):
    return 2.0 * (x - 0.3) + 1.4 * np.cos(7.0 * x)


METHODS = {
    "homotopy": {"options": {"maxfev": 1500}},
    "gd": {"method": "gd", "options": {"maxiter": 15, "n_starts": 3}},
    "deep": {"method": "deep", "options": {"maxiter": 8, "n_embeddings": 3, "polish": True}},
    "smoothed": {"method": SMOOTHED, "options": {"maxiter": 6, "learning_rate": 0.02}},
}  # fmt: skip
COMPILED = {
    "homotopy": (TRACED, [], {"options": {"maxfev": 60_000, "n_starts": 4}}),
    "gd": (TRACED, [], {"method": "gd", "options": {"maxiter": 60, "n_starts": 4}}),
    "deep": (TRACED, [], {"method": "deep", "options": {
        "maxiter": 60, "n_embeddings": 4, "polish": True}}),
    "smoothed": (TRACED, [], {"method": SMOOTHED, "options": {
        "maxiter": 60, "learning_rate": 0.02, "dtype": "float32"}}),
    "residuals": (Fit(), [(0.0, 5.0)] * 4, {"method": LM, "options": {
        "maxiter": 40, "learning_rate": 1.0}}),
}  # fmt: skip
INVERSIONS = {
    "direct": ("direct", {"n_starts": 4, "n_codes": 16, "dtype": "float64"}),
    "surf": ("surf", {"solver": "adam", "maxiter": 40, "n_codes": 16, "n_starts": 2,
                      "schedule": Surf(budget=40)}),
    "projected-surf": ("projected-surf", {"n_starts": 2, "n_codes": 16}),
}  # fmt: skip


def outside(name, jac):
    """A call of a black box, where each call of the user's functions is a moment."""
    given = METHODS[name]

    def call(doom, kept):
        return deepopt.minimize(
            doom.of(rugged), jac=doom.of(slope) if jac else None, bounds=BOX, rng=1,
            **given | {"options": given["options"] | kept},
        )  # fmt: skip

    return call


def traced(name):
    """A call of a traced function, where each call of the callback is a moment."""
    fun, bounds, given = COMPILED[name]

    def call(doom, kept):
        return deepopt.minimize(
            fun, bounds=bounds or None, rng=1, callback=doom.watch,
            **given | {"options": given["options"] | kept},
        )  # fmt: skip

    return call


def inversion(name):
    """A call of `invert` with several checkpoints, where each call of the callback is a moment."""
    method, options = INVERSIONS[name]
    models = [network(seed) for seed in range(4)]
    y = made(models[-1], latents(5)) + 0.01

    def call(doom, kept):
        return deepopt.invert(models, y, method, options=options | kept, callback=doom.watch, rng=1)

    return call


def by_lines(call):
    """The same call, where each line of deepopt is a moment, and nothing else."""

    def traced_by_line(doom, kept):
        silent = Doom()
        silent.points = doom.points
        with doom.lines():
            return call(silent, kept)

    return traced_by_line


def check(call, path, rounds, errors=(Killed, KeyboardInterrupt)):
    """`rounds` times three interruptions in a row."""
    whole_result, never = whole(call)
    for seed in range(rounds):
        result = interrupted(call, never, path, np.random.default_rng(seed), errors)
        same(result, whole_result)


@pytest.mark.parametrize("jac", [True, False], ids=["gradient", "differences"])
@pytest.mark.parametrize("name", METHODS)
def test_a_black_box(name, jac, tmp_path):
    check(outside(name, jac), tmp_path / "run.ckpt", 2)


@pytest.mark.parametrize("name", COMPILED)
def test_a_traced_function(name, tmp_path):
    check(traced(name), tmp_path / "run.ckpt", 2)


@pytest.mark.parametrize("name", INVERSIONS)
def test_an_inversion(name, tmp_path):
    check(inversion(name), tmp_path / "run.ckpt", 2)


ANYWHERE = {"black box": outside("homotopy", False), "traced": traced("gd"),
            "invert": inversion("direct")}  # fmt: skip


@pytest.mark.parametrize("name", ANYWHERE)
def test_an_end_at_any_line_of_ours(name, tmp_path):
    check(by_lines(ANYWHERE[name]), tmp_path / "run.ckpt", 3, (Gone,))
