"""
Backends and GPU
================

All of deepopt is written in Keras' one tensor language. TensorFlow runs it by default; JAX and
PyTorch do when Keras is told so, before it is imported for the first time::

    KERAS_BACKEND=jax python my_script.py

A GPU that the backend sees is used, and nothing in a script changes: runs with several rates, and
the targets of an inversion, then advance in one batch instead of one after the other.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np

import deepopt
from deepopt import plots
from deepopt.problems import ackley

print(keras.backend.backend())
deepopt.show_versions()

# %%
# What a GPU gains grows with the number of points. So does what one gets from a batch on a CPU:
# fifty points in 1,000 variables descend together, in double or in single precision.

problem = ackley.with_dim(1000).shifted(rng=0)
options = {"learning_rate": 1.0, "maxiter": 200}
runs = {
    dtype: deepopt.minimize(problem, method="gd", options=options | {"dtype": dtype}, rng=0)
    for dtype in ("float64", "float32")
}
ax = plots.convergence(
    runs, ax=plt.subplots(layout="constrained")[1], against="time", minimum=problem.fmin
)
print({dtype: float(np.round(run.fun, 3)) for dtype, run in runs.items()})

# %%
# Products of matrices and convolutions in float32 keep all their bits on a GPU too, where a backend
# may round them by default. ``options={"precision": "tf32"}`` allows it that, for speed.
#
# Installing: ``pip install 'deepopt[cuda]'`` brings TensorFlow with CUDA; for JAX its own CUDA
# wheels, ``pip install 'jax[cuda12]'``. Times on an accelerator are in the repository,
# ``benchmarks/``.
