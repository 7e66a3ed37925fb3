"""Paper B's Figures 3 and 4: compressed sensing with a generator, A G(x) ≈ b for a Gaussian A.

``recovery`` is exact recovery of x* from b = A G(x*) against the number m of measurements.
``images`` is the error per pixel, sqrt(‖G(x̂) - y‖² / n), of real images that no training has seen,
from b = A y. Checkpoints are every 100 steps of training, and k = 20. Beside regular Adam and
surfing stand deepopt's default call, as it is and with the latents in their box [-1, 1]^k, and, for
images, the best of ten restarts of Adam and the Lasso in the basis of the discrete cosine
transform, which knows no generator.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from . import surfing
from ._cells import Cell
from ._objectives import read_names
from ._sensing_report import write as write
from ._trained import Trained, digest, inverted, uniform

if TYPE_CHECKING:
    from ._settings import GeneratorSettings

MODELS, K, EVERY = ("dcgan", "wgan"), 20, 100
PARTS = ("recovery", "images")
NAMES = tuple(f"{part}-{model}" for part in PARTS for model in MODELS)
FIRST_LOOK = ("recovery-dcgan", "images-dcgan")  # at scale "quick"
ROWS = {  # m
    "recovery": {"quick": (40,), "half": (20, 25, 30, 35, 40, 60, 100, 200)},
    "images": {"quick": (40,), "half": (25, 50, 100, 200, 400)},
}
TRIALS = {
    "recovery": {"quick": 6, "half": 200, "full": 200},
    "images": {"quick": 6, "half": 100, "full": 200},
}
DEFAULTS = {"default": {}, "boxed": {"latent_bounds": 1.0}}  # of deepopt's call
BY_ADAM = (20, 30, 40, 60, 200)  # rows of recovery that regular Adam and surfing get too; hours
RATE = {"recovery": 0.01, "images": 0.03}
LONGEST, STALL = {"recovery": 20_000, "images": 5000}, {"recovery": 1000, "images": 300}
RESTARTS = 10
PENALTIES = tuple(10.0**-e for e in np.arange(1.0, 8.1, 0.5))  # of the Lasso, per measurement
CHOSEN_ON = 20  # training images on which its penalty is chosen


def cells(settings: GeneratorSettings) -> Iterator[Cell]:
    """The cells: model × part × m × method, after the model's training."""
    names = read_names(settings.only, NAMES, "part")
    if settings.only is None and settings.scale == "quick":
        names = FIRST_LOOK
    trainings: dict[str, Cell] = {}
    with_lasso: set[int] = set()
    for name in names:
        part, model = name.split("-")
        trained = Trained(model, K, EVERY, settings)
        if model not in trainings:
            trainings[model] = trained.cell()
            yield trainings[model]
        rows = ROWS[part].get(settings.scale, ROWS[part]["half"])
        trials = settings.trials or TRIALS[part][settings.scale]
        for m in rows:
            yield from _of_model(trained, part, m, trials, trainings[model])
            if part == "images" and m not in with_lasso and find_spec("sklearn"):
                with_lasso.add(m)
                yield _lasso_cell(settings, m, trials)


def _of_model(trained: Trained, part: str, m: int, trials: int, training: Cell) -> Iterator[Cell]:
    """Adam, surfing and the default on one problem, and for images Adam with restarts."""
    work = {"recovery": recover, "images": rebuild}[part]
    shared = {"suite": "sensing", "part": part, "rows": m, "trials": trials} | trained.parameters
    if part == "images":
        shared["held_out"] = digest(trained.settings.data, held_out=True)
    by_adam = {"rate": RATE[part], "longest": LONGEST[part], "stall": STALL[part]}

    def cell(method: str, more: dict[str, Any], *needs: Cell) -> Cell:
        return Cell(
            f"{part}-{trained.model}-{m}-{method}", shared | {"method": method} | more,
            functools.partial(work, trained, m, trials, method), (training, *needs),
        )  # fmt: skip

    adam = cell("adam", by_adam)
    for method, more in DEFAULTS.items():
        yield cell(method, more)
    if part == "recovery" and m not in BY_ADAM:
        return
    yield adam
    yield cell("surf", by_adam, adam)
    if part == "images":
        yield cell("restarts", by_adam | {"restarts": RESTARTS})


def gaussian(seed: int, m: int, n: int) -> np.ndarray:
    """A (m, n) with entries N(0, 1/m)."""
    made: np.ndarray = np.random.default_rng([seed, 3, m]).standard_normal((m, n)) / m**0.5
    return made


def _options(
    part: str, method: str, count: int, seed: int, *needs: Any
) -> tuple[str, dict[str, Any]]:
    """Method and options of `deepopt.invert`; of the needed results the last is Adam's."""
    from ..schedules import Surf

    if method in DEFAULTS:
        return "direct", DEFAULTS[method]
    drawn = uniform(np.random.default_rng([seed, 4]), RESTARTS * count, K)
    starts = drawn.reshape(RESTARTS, count, K).swapaxes(0, 1)
    options: dict[str, Any] = {
        "solver": "adam", "learning_rate": RATE[part],
        "maxiter": LONGEST[part], "stall": STALL[part],
        "starts": starts[:, :1],
    }  # fmt: skip
    if method == "restarts":
        return "direct", options | {"starts": starts}
    if method == "adam":
        return "direct", options
    return "surf", options | {"schedule": Surf(budget=surfing.budget_after(needs[-1]))}


def recover(trained: Trained, m: int, trials: int, method: str, *needs: Any) -> dict[str, Any]:
    """Whether x* comes back from A G(x*), by trial."""
    source, seed = trained.open(), trained.settings.seed
    wanted = uniform(np.random.default_rng([seed, 1]), trials, K)
    way, options = _options("recovery", method, trials, seed, *needs)
    matrix = gaussian(seed, m, int(np.prod(source.output_shape)))
    return surfing.measure(source, wanted, way, seed, operator=matrix, **options)


def rebuild(trained: Trained, m: int, trials: int, method: str, *needs: Any) -> dict[str, Any]:
    """The error per pixel of held-out images from A y."""
    source, seed = trained.open(), trained.settings.seed
    images = held_out(trained.settings.data, trials)
    way, options = _options("images", method, len(images), seed, *needs)
    matrix = gaussian(seed, m, images.shape[1])
    result = inverted(source, images @ matrix.T, way, operator=matrix, options=options, rng=seed)
    return {
        "errors": per_pixel(result.output.reshape(images.shape), images), "fun": result.fun,
        "iterations": result.nit, "passes": result.cost,
    }  # fmt: skip


def held_out(data: Any, count: int) -> np.ndarray:
    """The first images (N, n) that no training has seen."""
    from ..generators.images import load_held_out

    images = load_held_out(data)
    if len(images) < count:
        raise ValueError(f"trials must be at most the {len(images)} images kept apart, got {count}")
    images = images[:count]
    return images.reshape(len(images), -1).astype("float64")


def per_pixel(found: np.ndarray, images: np.ndarray) -> np.ndarray:
    """sqrt(‖G(x̂) - y‖² / n) of outputs and images (N, n)."""
    made: np.ndarray = np.sqrt(np.mean((found - images) ** 2, axis=1))
    return made


# The Lasso


def _lasso_cell(settings: GeneratorSettings, m: int, trials: int) -> Cell:
    parameters = {
        "suite": "sensing", "part": "images", "rows": m, "trials": trials, "method": "lasso",
        "seed": settings.seed, "penalties": list(PENALTIES), "images": digest(settings.data),
        "held_out": digest(settings.data, held_out=True),
    }  # fmt: skip
    work = functools.partial(lasso, settings, m, trials)
    return Cell(f"images-lasso-{m}", parameters, work)


def lasso(settings: GeneratorSettings, m: int, trials: int) -> dict[str, Any]:
    """The error per pixel of scikit-learn's Lasso in the basis of the discrete cosine transform.

    Its penalty is the best one on images of the training.
    """
    from ..generators import load_images

    images, known = held_out(settings.data, trials), load_images(settings.data)[:CHOSEN_ON]
    shape = known.shape[1:]
    matrix = gaussian(settings.seed, m, images.shape[1])
    known = known.reshape(len(known), -1).astype("float64")
    errors = [
        per_pixel(sparse(known @ matrix.T, matrix, shape, one), known).mean() for one in PENALTIES
    ]
    best = PENALTIES[int(np.argmin(errors))]
    found = sparse(images @ matrix.T, matrix, shape, best)
    return {"errors": per_pixel(found, images), "penalty": best}


def sparse(
    measured: np.ndarray, matrix: np.ndarray, shape: tuple[int, ...], penalty: float
) -> np.ndarray:
    """Images (N, n) in [0, 1] with few cosines and these measurements (N, m)."""
    import warnings

    from scipy.fft import dctn, idctn
    from sklearn.exceptions import ConvergenceWarning  # type: ignore[import-untyped]
    from sklearn.linear_model import Lasso  # type: ignore[import-untyped]

    in_cosines = dctn(matrix.reshape(-1, *shape), axes=(1, 2), norm="ortho")
    model = Lasso(alpha=penalty, fit_intercept=False, max_iter=2000, tol=1e-4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # at the smallest penalties
        found = model.fit(in_cosines.reshape(len(matrix), -1), measured.T).coef_
    images = idctn(np.reshape(found, (-1, *shape)), axes=(1, 2), norm="ortho")
    made: np.ndarray = np.clip(images, 0.0, 1.0).reshape(len(measured), -1)
    return made
