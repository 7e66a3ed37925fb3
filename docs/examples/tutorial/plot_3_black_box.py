"""
A black box
===========

Many objectives are no tensors: a simulation, a fit in SciPy, a program of somebody else's. deepopt
takes any function of a NumPy array, with a gradient or without. Here a pendulum with friction is
simulated by :func:`scipy.integrate.solve_ivp`, and its constants are found from what was measured.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.integrate import solve_ivp

import deepopt

times = np.linspace(0.0, 40.0, 120)


def swing(length, friction, angle):
    """The angles of a pendulum at the times above."""

    def slope(_, state):
        return state[1], -9.81 / length * np.sin(state[0]) - friction * state[1]

    return solve_ivp(slope, (0.0, 40.0), (angle, 0.0), t_eval=times, rtol=1e-6).y[0]


truth = np.array([1.7, 0.02, 1.2])
measured = swing(*truth) + 0.02 * np.random.default_rng(0).normal(size=len(times))


def misfit(x):
    """The mean squared error of a pendulum with these constants."""
    return np.mean((swing(*x) - measured) ** 2)


# %%
# The misfit has many valleys: a pendulum of the wrong length is in step for a while. Given bounds
# and no start the default call searches all of the box. A thousand simulations are enough.

bounds = [(0.3, 4.0), (0.0, 1.0), (0.1, 2.5)]
result = deepopt.minimize(misfit, bounds=bounds, options={"maxfev": 1000}, rng=0)
print(result.objective_kind, result.x.round(3), f"{result.fun:.2g}")

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
left.plot(times, measured, "o", markersize=3, label="measured")
left.plot(times, swing(*result.x), label="found")
left.set(xlabel="seconds", ylabel="angle (radians)")
left.legend()
lengths = np.linspace(0.3, 4.0, 300)
along = [misfit((length, *result.x[1:])) for length in lengths]
right.plot(lengths, along)
right.set(xlabel="length (metres)", ylabel="misfit (radians²)")
right.axvline(result.x[0], color="0.5", linestyle=":")

# %%
# A slow simulation is shared among processes by ``workers=-1``, which changes no result, and a
# long call is kept in a file by ``options={"checkpoint": "fit.npz"}``: see :doc:`/howto/resume`.
# For gradients pass ``jac``; without them the search counts every point that it asks for in
# ``result.nfev``.
