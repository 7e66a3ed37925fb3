"""Ctrl-C at random moments: how each call ends, and how soon.

    python interrupts.py [COUNT]

For a NumPy black box, a traced function and `invert`, on TensorFlow and on JAX, COUNT processes each
(10 by default) are sent SIGINT at a moment drawn from the first seconds of the call. A call must
end with status 5 and the best point so far, or with KeyboardInterrupt where nothing was evaluated;
the process must not crash. Seconds are those until the call has ended, and until the process has.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time

import common

WITHIN = 5.0  # seconds of a call in which the signal comes
CALLS = {
    "NumPy": """
def f(x):
    return float(np.sum(x * x - 10 * np.cos(2 * np.pi * x) + 10))
def call():
    return deepopt.minimize(f, bounds=[(-5, 5)] * 30, rng=0, options={"maxtime": 30})
""",
    "traced": """
from deepopt import ops
q, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(10, 10)))
def f(x):
    z = ops.matmul(x - 0.3, ops.cast(q, x.dtype))
    return ops.sum(z * z - 10 * ops.cos(2 * np.pi * z) + 10)
def call():
    return deepopt.minimize(f, bounds=[(-5, 5)] * 10, rng=0, options={"maxtime": 30})
""",
    "invert": """
import keras
keras.utils.set_random_seed(0)
wide = [keras.layers.Dense(64, "tanh") for _ in range(2)]
model = keras.Sequential([keras.Input((6,)), *wide, keras.layers.Dense(20)])
y = np.random.default_rng(0).normal(size=(30, 20))
def call():
    return deepopt.invert(model, y, rng=0, options={"maxtime": 30, "maxiter": 100000})
""",
}
PROCESS = """
import json, signal, sys, time
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
    process = subprocess.Popen(
        [sys.executable, "-c", PROCESS.format(call=call)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env=os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"},
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


def main(count: int = 10) -> None:
    rng, results, lines = random.Random(1), {}, []
    lines += ["| call | backend | interrupts | status 5 | KeyboardInterrupt | lost | crashed |"
              " seconds, median | longest |", "|---|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for backend in ("tensorflow", "jax"):
        for name, call in CALLS.items():
            runs = [interrupted(call, backend, rng.uniform(0.0, WITHIN)) for _ in range(count)]
            results[f"{name}, {backend}"] = runs
            ends = [run["how"] for run in runs]
            fine = [run["how"] in (5, "KeyboardInterrupt") and run["finite"] for run in runs]
            crashed = sum(run["code"] != 0 for run in runs)
            seconds = sorted(run["seconds"] for run in runs)
            lines.append(
                f"| {name} | {backend} | {count} | {ends.count(5)} | "
                f"{ends.count('KeyboardInterrupt')} | {count - sum(fine)} | {crashed} | "
                f"{seconds[count // 2]} | {seconds[-1]} |"
            )
            print(lines[-1], flush=True)
    common.write("interrupts", results, "\n".join(lines))
    common.insert("trust.md", {"interrupts": "\n".join(lines)})


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
