"""Whether two commits give the same bits.

    python same_bits.py > one.json        in each of two checkouts, then
    python same_bits.py one.json other.json

Each line of the first is a call, by public names alone, with a digest of all that its result holds
but the seconds. The second names the calls that differ, and exits with 1 if there are any.
"""

import hashlib
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def digest(result) -> str:
    """Of all fields, in the order of their names."""
    import numpy as np

    found = hashlib.sha256()

    def take(value):
        if isinstance(value, dict):
            for key in sorted(value):
                if key != "time":
                    found.update(key.encode())
                    take(value[key])
        elif isinstance(value, str):
            found.update(value.encode())
        elif value is not None:
            array = np.asarray(value)
            found.update(f"{array.dtype}{array.shape}".encode() + array.tobytes())

    take(dict(result))
    return found.hexdigest()[:16]


def calls():
    """Name -> a call."""
    import keras
    import numpy as np
    from keras import ops

    import deepopt
    from deepopt import (
        Adam,
        Blend,
        Deep,
        GaussianSmoothing,
        LevenbergMarquardt,
        Recipe,
        Temperature,
    )
    from deepopt.problems import FUNCTIONS, SphericalSpinGlass, rastrigin

    def rugged(x):
        return float(np.sum((x - 0.3) ** 2) + 0.2 * np.sum(np.sin(7.0 * x)))

    def slope(x):
        return 2.0 * (x - 0.3) + 1.4 * np.cos(7.0 * x)

    def point(x):
        return ops.max(ops.abs(x - 0.3)) + ops.sum(ops.sin(7.0 * x))

    def misfit(x):
        return 0.5 * ops.sum(misfit.residuals(x) ** 2)

    misfit.residuals = lambda x: ops.concatenate([x - 0.3, 0.1 * (x**2 - 0.5)])
    box = [(-2.0, 2.0)] * 4
    for name, problem in FUNCTIONS.items():
        f = problem.with_dim(6).shifted(rng=0).rotated(rng=1)
        yield (
            f"homotopy, {name}",
            lambda f=f: deepopt.minimize(f, rng=0, options={"maxfev": 30_000}),
        )
    for method in ("gd", "deep"):
        for dtype in ("float64", "float32"):
            options = {"maxiter": 60, "dtype": dtype}
            yield (
                f"{method}, {dtype}",
                lambda m=method, o=options: deepopt.minimize(
                    rastrigin.with_dim(5), method=m, rng=2, options=o
                ),
            )
    glass = SphericalSpinGlass(20, rng=0)
    yield "glass", lambda: deepopt.minimize(glass, rng=0, options={"maxfev": 20_000})
    yield (
        "of one point",
        lambda: deepopt.minimize(point, bounds=box, rng=0, options={"maxfev": 20_000}),
    )
    for name, schedule in (
        ("smoothing", GaussianSmoothing(n_samples=4)), ("temperature", Temperature(1.0)),
        ("blend", Blend(lambda x: ops.sum(x**2, axis=-1))),
    ):  # fmt: skip
        recipe = Recipe(Deep(4), schedule, Adam())
        options = {"maxiter": 40, "learning_rate": 0.02}
        yield (
            f"deep × {name}",
            lambda r=recipe, o=options: deepopt.minimize(
                point, bounds=box, method=r, rng=3, options=o
            ),
        )
    recipe = Recipe(deepopt.Direct(4, "uniform"), descent=LevenbergMarquardt())
    yield (
        "residuals",
        lambda: deepopt.minimize(
            misfit, bounds=box, method=recipe, rng=0, options={"maxiter": 20, "learning_rate": 1.0}
        ),
    )
    for name, jac in (("differences", None), ("gradient", slope)):
        for method in ("homotopy", "gd", "deep"):
            yield (
                f"black box, {name}, {method}",
                lambda m=method, j=jac: deepopt.minimize(
                    rugged, bounds=box, jac=j, method=m, rng=0, options={"maxfev": 3_000}
                ),
            )
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(12, "relu"), keras.layers.Dense(12, "relu"), keras.layers.Dense(9)]
    models = []
    for seed in range(3):
        keras.utils.set_random_seed(seed)
        models.append(keras.Sequential([keras.Input((3,)), *[
            layer.__class__.from_config(layer.get_config()) for layer in layers
        ]]))  # fmt: skip
    y = np.asarray(models[-1](np.random.default_rng(0).uniform(-1, 1, (6, 3))))
    for method, options in (
        ("direct", {}), ("direct", {"solver": "adam", "maxiter": 60}), ("surf", {"maxiter": 60}),
        ("projected-surf", {}),
    ):  # fmt: skip
        yield (
            f"invert, {method}, {options}",
            lambda m=method, o=options: deepopt.invert(models, y, m, rng=0, options=o),
        )


def main(*files: str) -> None:
    if not files:
        print(json.dumps({name: digest(call()) for name, call in calls()}, indent=1))
        return
    one, other = (json.loads(Path(file).read_text("utf-8")) for file in files)
    differ = sorted(name for name in one.keys() | other if one.get(name) != other.get(name))
    print("\n".join(differ) or f"{len(one)} calls give the same bits")
    sys.exit(bool(differ))


if __name__ == "__main__":
    main(*sys.argv[1:])
