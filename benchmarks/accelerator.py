"""Cost of one iteration on the device at hand, for few and many points and variables.

Rastrigin, `gd` and `deep`, float32, d = 50 and 50,000, n = 50 and 5,000; absolute times, with the
name of the device.

    KERAS_BACKEND=jax python accelerator.py            writes results/accelerator.{json,md}
"""

import statistics

import common


def main() -> None:
    from deepopt._backend import name
    from deepopt.problems import rastrigin

    device = name()
    if device == "jax":
        import jax

        device = f"jax on {jax.devices()[0].device_kind}"
    results = {"device": device}
    lines = [f"| on {device} | d | n | µs per iteration |", "|---|---|---|---|"]
    for method in ("gd", "deep"):
        for d in (50, 50_000):
            for n in (50, 5_000):
                timed = common.loop(rastrigin.with_dim(d), method, "float32", 0.01, n=n)
                iterations = max(3, 20_000_000 // (d * n + 20_000))
                micro = statistics.median(1e6 * timed(iterations) / iterations for _ in range(3))
                results[f"{method} d={d} n={n}"] = micro
                lines.append(f"| {method} | {d:,} | {n:,} | {micro:.0f} |")
    common.write("accelerator", results, "\n".join(lines))


if __name__ == "__main__":
    main()
