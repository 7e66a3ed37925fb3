r"""
A spin glass
============

The energy of a spherical spin glass is a random polynomial on a sphere,

.. math:: H(x) = \frac{1}{N} \sum_{ijk} J_{ijk}\, x_i x_j x_k, \qquad |x|^2 = N,

with exponentially many minima. As N grows most descents end near one energy per spin, the
threshold :math:`-E_\infty`; the ground state :math:`-E_0` lies below it. How far below the
threshold does a method come?
"""

import matplotlib.pyplot as plt

import deepopt
from deepopt import plots
from deepopt.problems import SphericalSpinGlass

glass = SphericalSpinGlass(50, p=3, rng=0)
result = deepopt.minimize(glass, options={"maxtime": 5}, rng=0)
print(f"{glass.energy_per_spin(result.x):.4f} per spin; threshold {glass.threshold:.4f}")

# %%
# The population of the default method holds the lowest minima that it has met, and those of
# ``gd`` and ``deep`` where their fifty points stand in the end.

results = {"homotopy": result}
for method in ("deep", "gd"):
    results[method] = deepopt.minimize(glass, method=method, options={"maxtime": 5}, rng=0)
ax = plots.energies(glass, results, ax=plt.subplots(figsize=(7, 3.6), layout="constrained")[1])

# %%
# Fifty spins are few: single glasses lie around the values that hold for many. On 200 spins the
# search takes a minute; :doc:`/homotopy` has ten instances of either size beside descents from
# many starts.
