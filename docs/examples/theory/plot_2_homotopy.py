r"""
Schedules: homotopies
=====================

A homotopy minimises :math:`f_0, f_1, …, f_T = f` in turn, each from the minimiser of the last. It
pays where :math:`f_0` is easy and the minimisers move little from one to the next. Blurring makes
a function easy,

.. math:: f_\sigma(x) = \mathrm{E}\, f(x + \sigma \varepsilon), \qquad \varepsilon \sim N(0, I).

For Rastrigin's function it can be written down. A cosine shrinks, and nothing else happens:

.. math:: f_\sigma(x) = \sum_i x_i^2 + \sigma^2 - 10\, e^{-2 \pi^2 \sigma^2} \cos 2 \pi x_i + 10 .

It is convex where :math:`2 + 40 \pi^2 e^{-2 \pi^2 \sigma^2} \cos(\cdot) \ge 0` everywhere, that is
for :math:`\sigma \ge \sqrt{\ln(20 \pi^2) / 2 \pi^2} \approx 0.52`, a twentieth of the box.
"""

import matplotlib.pyplot as plt
import numpy as np

import deepopt
from deepopt import plots
from deepopt.problems import ackley, rastrigin

convex = np.sqrt(np.log(20 * np.pi**2) / (2 * np.pi**2))
x = np.linspace(-3, 3, 601)


def blurred(sigma):
    """Rastrigin's function of one variable, blurred."""
    return x**2 + sigma**2 - 10 * np.exp(-2 * np.pi**2 * sigma**2) * np.cos(2 * np.pi * x) + 10


curves = {f"$\\sigma$ = {s:.2f}": (x, blurred(s)) for s in (0.0, 0.15, 0.25, convex)}
ax = plots.curves(
    curves,
    ax=plt.subplots(figsize=(7, 3.8), layout="constrained")[1],
    xlabel="x",
    ylabel="$f_\\sigma$",
    log=(),
)
assert (np.diff(blurred(convex), 2) > -1e-9).all()  # convex, as computed
assert (np.diff(blurred(0.9 * convex), 2) < 0).any()

# %%
# In many variables the mean over :math:`\varepsilon` is taken over a few points
# (:class:`deepopt.GaussianSmoothing`), drawn anew in each iteration, so that its errors average
# out on the way. The steps of the descent shrink with :math:`\sigma`: what is not visible yet
# cannot be overstepped.
#
# When it fails
# -------------
#
# Nothing says that the minimiser of the blurred function leads to the lowest minimum. A narrow
# valley, however deep, is blurred away; the path ends in the broad one. The homotopy finds the
# minimum of Ackley's function, which is the bottom of a wide funnel, and of nothing that has
# none, like a Lennard-Jones cluster.


def two_valleys(point):
    """A broad valley on the left, and a narrow one, which is deeper, on the right."""
    from keras import ops

    broad = ops.exp(-ops.sum((point + 1.0) ** 2, axis=-1) / 0.8)
    narrow = ops.exp(-ops.sum((point - 1.0) ** 2, axis=-1) / 0.02)
    return -broad - 1.5 * narrow


path_alone = deepopt.Recipe(
    deepopt.Direct(1, "uniform", "reflect"),
    deepopt.GaussianSmoothing(),
    deepopt.Adam(beta2=0.99, epsilon=1e-30),
)
way = []
path = deepopt.minimize(
    two_valleys,
    bounds=[(-2, 2)] * 2,
    method=path_alone,
    options={"maxiter": 400, "learning_rate": 0.1},
    callback=lambda intermediate_result: way.append(intermediate_result.population[0]),
    rng=0,
)
search = deepopt.minimize(two_valleys, bounds=[(-2, 2)] * 2, rng=0)
print(f"one run ends at {path.population_energies[0]:.3f}, the default call at {search.fun:.3f}")
figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for ax, sigma in zip(axes, (0.25, 0.0), strict=True):
    plots.landscape(two_valleys, ax=ax, bounds=[(-2, 2)] * 2, sigma=sigma, path=way)
    ax.set_title(f"blurred by {sigma:g} of the box" if sigma else "the function, and the way")

# %%
# This is why the default method is more than a homotopy: scans of all directions at once, batches
# of local searches from near and far, and homotopy runs, in rounds that share the best points. What
# each of these arms is for is measured in :doc:`/homotopy`.

results = {}
for name, options in (("one run", {"maxiter": 2000, "learning_rate": 0.1}), ("default", {})):
    method = path_alone if name == "one run" else None
    for f in (ackley, rastrigin):
        shifted = f.with_dim(20).shifted(rng=1)
        results[name, f.name] = deepopt.minimize(shifted, method=method, options=options, rng=0).fun
for (name, function), fun in results.items():
    print(f"{function:10} {name:10} {fun:.2g}")
