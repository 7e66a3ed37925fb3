"""
A sweep on a cluster
====================

A benchmark suite or a study is made of cells, units of work that are kept as they finish. They run
in this process, in several processes (``--workers 4``), or on a Dask cluster (``--scheduler
tcp://host:8786``), and a worker that is lost costs no more than the cell that it was running.
"""

import tempfile

import matplotlib.pyplot as plt
from dask.distributed import LocalCluster

from deepopt import bench

with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
    results = bench.run(
        "quick", tempfile.mkdtemp(), scheduler=cluster.scheduler_address, dim=10, iterations=200,
        only=("ackley", "levy", "rosenbrock"),
    )  # fmt: skip

# %%
# The folder holds a table, a figure and ``results.json``, whose content came back too. The same
# call runs nothing again; one with more problems runs those that are missing.

figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
names = [row["problem"] for row in results["summary"]]
for place, method in ((-0.2, "shallow"), (0.2, "deep")):
    ax.bar([i + place for i in range(len(names))], [row[method] for row in results["summary"]],
           width=0.4, label=method)  # fmt: skip
ax.set_xticks(range(len(names)), names)
ax.set_ylabel("lowest f, scaled")
ax.legend()

# %%
# On several hosts a scheduler and workers are started by Dask's own commands:
#
# .. code-block:: text
#
#     dask scheduler &
#     dask worker tcp://head:8786 --nworkers 4 --nthreads 1 &
#     deepopt bench convexity --scheduler tcp://head:8786
#     deepopt tune model.py:loss --bounds -5 5 --dim 10 --trials 500 --scheduler tcp://head:8786
