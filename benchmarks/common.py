"""What the benchmarks share: one thread, the compiled loop by itself, and files of results."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
DOCS = Path(__file__).parents[1] / "docs"


def one_thread() -> None:
    """Hold this process to one core and one thread; call before a backend is imported."""
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = "1"
    os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["TF_NUM_INTEROP_THREADS"] = "1"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def loop(problem, method: str, dtype: str, rate: float, runs: int = 1, n: int = 50):
    """deepopt's compiled loop alone; returns iterations -> seconds.

    Parameters
    ----------
    problem : Problem
    method : {"gd", "deep"}
    dtype : {"float64", "float32"}
    rate : float
        The learning rate of every run.
    runs : int
        Runs in one batch.
    n : int
        Points per run.
    """
    import time

    import numpy as np

    from deepopt._backend import precision, to_numpy, to_tensor, value_and_grad
    from deepopt._domain.box import Box
    from deepopt._engine.loop import Program
    from deepopt._engine.state import make_group
    from deepopt._minimize.methods import find

    size = {"gd": "n_starts", "deep": "n_embeddings"}[method]
    recipe = find(method).options(dtype=dtype, **{size: n}).recipe()
    box = Box.make(problem.bounds.lb, problem.bounds.ub)
    low, high = problem.value_range
    with precision(dtype):
        start = recipe.reparametrization.init(box, np.random.default_rng(0), None)
        program = Program(recipe, lambda x, _: value_and_grad(problem)(x), None, xla=True)
        state, data = make_group(
            recipe, box, [start] * runs, [rate] * runs, dtype,
            value_range=high - low, horizon=1, ftol=0.0, stall=None, seed=0,
        )  # fmt: skip

    def timed(iterations: int) -> float:
        with precision(dtype):
            stop = to_tensor(iterations, "int32")
            begun = time.perf_counter()
            to_numpy(program.chunk(state, data, stop).best_f)
            return time.perf_counter() - begun

    timed(2)
    return timed


def in_process(script: str, *arguments: str, backend: str = "tensorflow") -> dict:
    """Run a script of this folder in a process of its own; its last line is JSON."""
    done = subprocess.run(
        [sys.executable, script, *arguments],
        cwd=Path(__file__).parent,
        env=os.environ | {"KERAS_BACKEND": backend},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


def insert(page: str, tables: dict[str, str]) -> None:
    """Put tables between the marks ``<!-- MARK -->`` and ``<!-- end -->`` of a page in docs/."""
    path = DOCS / page
    text = path.read_text(encoding="utf-8")
    for mark, table in tables.items():
        if f"<!-- {mark} -->" not in text:
            raise ValueError(f"docs/{page} has no mark {mark!r}")
        pattern = rf"(<!-- {mark} -->\n).*?(<!-- end -->)"
        text = re.sub(
            pattern, lambda m, t=table: f"{m[1]}{t.strip()}\n{m[2]}", text, flags=re.DOTALL
        )
    path.write_text(text, encoding="utf-8")


def write(name: str, results: dict, table: str) -> None:
    """Keep results as JSON and as a Markdown table, and print the table."""
    import keras
    import numpy

    versions = {"python": platform.python_version(), "numpy": numpy.__version__}
    for package in ("tensorflow", "jax", "torch"):
        if package in sys.modules:
            versions[package] = sys.modules[package].__version__
    where = {"machine": platform.machine(), "cores": os.cpu_count(), "keras": keras.__version__}
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps({"environment": where | versions, "results": results}, indent=1)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    (RESULTS / f"{name}.md").write_text(table + "\n", encoding="utf-8")
    print(table)
