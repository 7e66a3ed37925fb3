"""Cost per iteration and peak memory as d grows, beside a floor from operations and bytes.

Rastrigin and Styblinski-Tang (a polynomial), n = 50, float32, one thread, d = 50 … 50,000; each
size in a process of its own, so that its peak memory is its own. The floor of `deep` is what the
machine needs at its own best speeds, measured in the same process: three products of (50, 10) and
(10, d) matrices at the speed of a large product, for Rastrigin one sine and one cosine of 50 d
random numbers in its range, and five passes over 50 d numbers (the outputs written and read, their
gradients written and read twice). `gd` has no products.

XLA's sine and cosine on a CPU take branches that depend on the number: the few thousand of d = 50
repeat from one iteration to the next and are predicted, more are not. So Rastrigin costs more per
number above d = 50, in a loop written by hand as well (results/loop_speed.md has it at d = 50).

    python scaling.py            writes results/scaling.{json,md}
"""

import json
import resource
import statistics
import sys
import time

import common

SIZES = (50, 500, 5_000, 50_000)
N, HIDDEN = 50, 10


def measure(name: str, method: str, d: int) -> dict:
    common.one_thread()
    import deepopt._backend  # noqa: F401
    from deepopt.problems import FUNCTIONS

    problem = FUNCTIONS[name].with_dim(d)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    timed = common.loop(problem, method, "float32", 0.01)
    iterations = max(3, 1_000_000 // (4 * d + 1000))
    micro = statistics.median(1e6 * timed(iterations) / iterations for _ in range(5))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"micro": micro, "mib": peak - before, "floor": floor(name, method, d)}


def floor(name: str, method: str, d: int) -> float:
    """Microseconds that the counted operations and bytes of an iteration need at best."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    def best(function, *arguments) -> float:
        run = jax.jit(function)
        run(*arguments).block_until_ready()
        times = []
        for _ in range(7):
            begun = time.perf_counter()
            run(*arguments).block_until_ready()
            times.append(time.perf_counter() - begun)
        return min(times)

    big = jnp.ones((512, 512), "float32")
    flops = 2 * 512**3 / best(jnp.matmul, big, big)
    drawn = np.random.default_rng(0).uniform(-32.0, 32.0, 2_000_000)
    many = jnp.asarray(drawn, dtype="float32")
    trigonometry = best(lambda x: jnp.sin(x) + jnp.cos(x), many) / many.size
    waves = trigonometry if name == "rastrigin" else 0.0
    bandwidth = 8 * many.size / best(lambda x: x + 1.0, many)
    products = 3 * 2 * N * HIDDEN * d / flops if method == "deep" else 0.0
    return 1e6 * (products + N * d * waves + 5 * 4 * N * d / bandwidth)


def main() -> None:
    backends = sys.argv[1:] or ["tensorflow", "jax"]
    results = {
        f"{backend} {name} {method} {d}": common.in_process(
            __file__, name, method, str(d), backend=backend
        )
        for backend in backends
        for name in ("rastrigin", "styblinski_tang")
        for method in ("gd", "deep")
        for d in SIZES
    }
    lines = [
        "| backend | function | method | d | µs per iteration | × the size before | floor µs | "
        "× floor | peak MiB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    before = None
    for key, found in results.items():
        backend, name, method, d = key.split()
        growth = "" if int(d) == SIZES[0] else f"{found['micro'] / before:.1f}"
        before = found["micro"]
        lines.append(
            f"| {backend} | {name} | {method} | {int(d):,} | {found['micro']:.0f} | {growth} | "
            f"{found['floor']:.0f} | {found['micro'] / found['floor']:.1f} | {found['mib']:.0f} |"
        )
    common.write("scaling", results, "\n".join(lines))


if __name__ == "__main__":
    if len(sys.argv) > 3:
        print(json.dumps(measure(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
    else:
        main()
