"""Ctrl-C at random moments: how each call ends, and how soon.

A part of `trust.py`. For a NumPy black box, a traced function and `invert`, on TensorFlow and on
JAX, processes are sent SIGINT at a moment drawn from the first seconds of the call. A call must end
with status 5 and the best point so far, or with KeyboardInterrupt where nothing was evaluated; the
process must not crash. Seconds are those until the call has ended.
"""

import json
import os
import random
import signal
import statistics
import subprocess
import sys
import time

COUNT, WITHIN = 10, 5.0  # of each call; seconds in which the signal comes
CALLS = {
    "NumPy": """
q, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(30, 30)))
def f(x):
    z = (x - 0.3) @ q
    return float(np.sum(z * z - 10 * np.cos(2 * np.pi * z) + 10))
def call():
    return deepopt.minimize(f, bounds=[(-5, 5)] * 30, rng=0, options={"maxtime": 30})
""",
    "traced": """
from deepopt import ops
q, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(100, 100)))
def f(x):
    z = ops.matmul(x - 0.3, ops.cast(q, x.dtype))
    return ops.sum(z * z - 10 * ops.cos(2 * np.pi * z) + 10)
def call():
    return deepopt.minimize(f, bounds=[(-5, 5)] * 100, rng=0, options={"maxtime": 30})
""",
    "invert": """
import keras
keras.utils.set_random_seed(0)
wide = [keras.layers.Dense(64, "tanh") for _ in range(2)]
model = keras.Sequential([keras.Input((6,)), *wide, keras.layers.Dense(20)])
y = np.random.default_rng(0).normal(size=(300, 20))
def call():
    return deepopt.invert(model, y, rng=0, options={"maxtime": 30, "maxiter": 100000})
""",
}
PROCESS = """
import json, os, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, range(os.cpu_count()))
import numpy as np, deepopt
{call}
deepopt.minimize, deepopt.invert
print("ready", flush=True)
try:
    result = call()
    said = [int(np.max(result.status)), bool(np.isfinite(result.fun).all())]
except KeyboardInterrupt:
    said = ["KeyboardInterrupt", True]
print(json.dumps([*said, time.time()]), flush=True)
"""


def interrupted(call: str, backend: str, after: float) -> dict:
    """How one process ends that is interrupted so many seconds after the call began."""
    threads = {"XLA_FLAGS"} | {name for name in os.environ if name.endswith("_THREADS")}
    env = {name: said for name, said in os.environ.items() if name not in threads}
    process = subprocess.Popen(
        [sys.executable, "-c", PROCESS.format(call=call)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env=env | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(after)
    sent = time.time()
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=120)
    ended = time.time() - sent
    how, finite, at = json.loads(out.splitlines()[-1]) if out.strip() else ("nothing", False, sent)
    return {
        "after": round(after, 2), "how": how, "finite": finite, "seconds": round(at - sent, 2),
        "process": round(ended, 2), "code": process.returncode,
    }  # fmt: skip


def measure() -> dict:
    """Call and backend -> how many were lost or crashed, and the seconds until a call had ended."""
    rng, found = random.Random(1), {}
    for backend in ("tensorflow", "jax"):
        for name, call in CALLS.items():
            runs = [interrupted(call, backend, rng.uniform(0.0, WITHIN)) for _ in range(COUNT)]
            assert all(run["seconds"] >= 0.0 for run in runs), "a call had ended before"
            ended = [run["how"] in (5, "KeyboardInterrupt") and run["finite"] for run in runs]
            seconds = [run["seconds"] for run in runs]
            found[f"{name}, {backend}"] = {
                "interrupts": COUNT,
                "lost": COUNT - sum(ended),
                "crashed": sum(run["code"] != 0 for run in runs),
                "median": round(statistics.median(seconds), 2),
                "longest": max(seconds),
                "runs": runs,
            }
            print(name, backend, found[f"{name}, {backend}"], flush=True)
    return found
