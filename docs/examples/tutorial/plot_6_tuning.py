"""
Tuning
======

Every option of a method declares the range in which it is worth trying (``deepopt list`` shows
them). :func:`deepopt.tune` lets Optuna search there, and gives back options that are ready for
:func:`deepopt.minimize`. The defaults are the first trial, and come back where nothing is better.
"""

import matplotlib.pyplot as plt

import deepopt
from deepopt import plots
from deepopt.problems import levy

problem = levy.with_dim(20)
training = [problem.shifted(rng=1), problem.shifted(rng=2).rotated(rng=3)]
limits = {"maxfev": 20_000}
tuned = deepopt.tune(training, method="gd", n_trials=12, seeds=2, options=limits, rng=0)
tuned

# %%
print(tuned.options)

# %%
# What was good for some functions need not be good for others. So it is judged on one that the
# study has not seen, and with other seeds.

judge = problem.shifted(rng=7).rotated(rng=8)
runs = {
    name: [deepopt.minimize(judge, method="gd", options=options, rng=10 + i) for i in range(3)]
    for name, options in (("defaults", limits), ("tuned", tuned.options))
}
ax = plots.convergence(runs, ax=plt.subplots(layout="constrained")[1], minimum=judge.fmin)
ax.set_title("Levy's function, an instance that the study has not seen")

# %%
# ``tuned.study`` is Optuna's, with all its plots. With ``storage="sqlite:///study.db"`` a study
# goes on where it was left, and several processes share it: :doc:`/tuning`.
