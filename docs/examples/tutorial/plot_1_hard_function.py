"""
A hard function
===============

Rastrigin's function is a bowl with ripples: in 50 variables it has about :math:`11^{50}` minima,
and one of them is the lowest. Here its minimum is moved away from the centre, and its axes are
turned, so that no variable can be solved for by itself. The default call finds the minimum.
"""

import matplotlib.pyplot as plt
import numpy as np
import scipy.optimize

import deepopt
from deepopt import plots
from deepopt.problems import rastrigin

f = rastrigin.shifted(rng=1).rotated(rng=2)  # it knows its dimension, its box and its minimum
result = deepopt.minimize(f, rng=0)
result

# %%
# The result is SciPy's ``OptimizeResult``. Beside ``x`` and ``fun`` it holds the best minima that
# the search has met, and its history.

print(f"f = {result.fun:.2g} after {result.nfev} points; {len(result.population)} minima kept")
print("the distance to the minimum:", np.linalg.norm(result.x - f.xmin).round(9))

# %%
# Beside it stand the two optimizers of the paper that deepopt began with, gradient descent with a
# grid of rates on the points (``gd``) and on the weights of a small network that makes the points
# (``deep``). A name stands for a combination of a *reparametrization*, a *schedule* and a
# *descent*.

limits = {"maxfev": 400_000}
runs = {
    method: [deepopt.minimize(f, method=method, options=limits, rng=seed) for seed in range(3)]
    for method in ("homotopy", "deep", "gd")
}
ax = plots.convergence(runs, ax=plt.subplots(layout="constrained")[1], minimum=f.fmin)
ax.set_title("Rastrigin's function, shifted and rotated, 50 variables")

# %%
# A function of your own
# ----------------------
#
# It is written in ``keras.ops`` for points ``x`` of shape (..., d). Then deepopt differentiates
# it, evaluates points in batches, and compiles all of it into one program.

from keras import ops  # noqa: E402


def crate(x):
    """The mean height of a sine landscape, and a wall around it."""
    return ops.sum(ops.sin(3 * x) + 0.1 * x**2, axis=-1)


result = deepopt.minimize(crate, bounds=[(-10, 10)] * 20, rng=0)
print(f"{result.fun:.6f}", result.message, result.objective_kind)

# %%
# SciPy's users need not change their call: every method is one of
# :func:`scipy.optimize.minimize` too.

x0 = np.full(20, 3.0)
options = {"maxiter": 300, "learning_rate": 0.1, "n_starts": 8}
same = scipy.optimize.minimize(
    crate, x0, bounds=[(-10, 10)] * 20, method=deepopt.scipy_method("gd"), options=options
)
print(f"{same.fun:.6f}", same.nit, "iterations")

# %%
# What a homotopy does
# --------------------
#
# In two variables it can be seen. The function is blurred so far that one valley is left; the
# minimiser of that is followed while the blur fades. ``callback`` is told where the points stand.

from deepopt import Adam, Direct, GaussianSmoothing, Recipe  # noqa: E402

f = rastrigin.with_dim(2).shifted(rng=3)
way = []
deepopt.minimize(
    f,
    method=Recipe(
        Direct(1, "uniform", "reflect"), GaussianSmoothing(), Adam(beta2=0.99, epsilon=1e-30)
    ),
    options={"maxiter": 400, "learning_rate": 0.1},
    callback=lambda intermediate_result: way.append(intermediate_result.population[0]),
    rng=5,
)
figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
for ax, sigma in zip(axes, (0.3, 0.1, 0.0), strict=True):
    plots.landscape(f, ax=ax, sigma=sigma, path=way)
    ax.set_title(f"blurred by {sigma:g} of the box" if sigma else "the function, and the way")
