"""Cost of one iteration of the deep loop, beside JAX written by hand and PyTorch eager.

Rastrigin, n = 50, n_h = 10, n_l = 1, d = 50, one rate, one thread; each backend in a process of
its own, all contestants of a process measured in turn, medians of seven rounds.

    python loop_speed.py            writes results/loop_speed.{json,md}
"""

import json
import statistics
import sys
import time

import common

ROUNDS, ITERATIONS, RATE = 7, 3000, 0.01


def measure() -> dict:
    """Microseconds per iteration of every contestant on the backend of this process."""
    common.one_thread()
    import peers_loop
    import torch

    from deepopt.problems import rastrigin

    torch.set_num_threads(1)
    low, high = rastrigin.value_range
    start = peers_loop.start(50, 10, 50, 0)
    found = {}
    for dtype in ("float32", "float64"):
        contestants = {
            "deepopt": (common.loop(rastrigin, "deep", dtype, RATE), ITERATIONS),
            "JAX by hand": (peers_loop.jax_loop(start, high - low, RATE, dtype), ITERATIONS),
            "PyTorch eager": (peers_loop.torch_loop(start, high - low, RATE, dtype), 300),
        }
        rounds = {name: [] for name in contestants}
        for _ in range(ROUNDS):
            for name, (timed, n) in contestants.items():
                rounds[name].append(1e6 * timed(n) / n)
        found[dtype] = {name: statistics.median(values) for name, values in rounds.items()}
    batch = common.loop(rastrigin, "deep", "float32", RATE, runs=11)
    found["11 runs in one batch, per run"] = statistics.median(
        1e6 * batch(1000) / 11000 for _ in range(3)
    )
    return found


def grid() -> dict:
    """Seconds of the paper's whole rate grid, the compilation included and without it."""
    common.one_thread()
    import deepopt
    from deepopt.problems import rastrigin

    found = {}
    for method in ("gd", "deep"):
        for call in ("first", "second"):
            begun = time.perf_counter()
            options = {"dtype": "float32"}
            deepopt.minimize(rastrigin, method=method, options=options, rng=0)
            found[f"{method}, {call} call"] = time.perf_counter() - begun
    return found


def main() -> None:
    results = {
        backend: {
            "loop": common.in_process(__file__, "measure", backend=backend),
            "grid": common.in_process(__file__, "grid", backend=backend),
        }
        for backend in ("tensorflow", "jax")
    }
    lines = [
        "| backend | type | deepopt µs | JAX by hand µs | PyTorch eager µs | deepopt / JAX | "
        "PyTorch / deepopt |",
        "|---|---|---|---|---|---|---|",
    ]
    for backend, found in results.items():
        for dtype in ("float32", "float64"):
            ours, jax, torch = found["loop"][dtype].values()
            lines.append(
                f"| {backend} | {dtype} | {ours:.1f} | {jax:.1f} | {torch:.0f} | "
                f"{ours / jax:.2f} | {torch / ours:.1f} |"
            )
    lines += [
        "",
        "| the grid: 11 rates × 10,000 iterations, float32, one core | seconds |",
        "|---|---|",
    ]
    for backend, found in results.items():
        lines += [f"| {backend}, {name} | {s:.1f} |" for name, s in found["grid"].items()]
    common.write("loop_speed", results, "\n".join(lines))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps({"measure": measure, "grid": grid}[sys.argv[1]]()))
    else:
        main()
