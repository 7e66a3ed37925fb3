"""What the device at hand makes of the compiled loop, and of products that it may round.

    KERAS_BACKEND=jax python accelerator.py                writes results/accelerator.{json,md}
    KERAS_BACKEND=jax python accelerator.py FOLDER DATA    writes results/accelerator_precision.*

The first: absolute times of one iteration, with the name of the device; Rastrigin, `gd` and `deep`,
float32, d = 50 and 50,000, n = 50 and 5,000.

The second: `deepopt.invert` with its defaults under both settings of its option `precision`. The
generator is a DCGAN of full width, k = 10, trained on the images DATA (an .npz file) and kept in
FOLDER; targets are its outputs at fresh latents. It takes a few minutes on a GPU, most of them for
the training; `--targets 4 --steps 4` tries it out on a CPU.
"""

import argparse
import statistics
import time
from pathlib import Path

import common
import numpy as np
from inversion import NEAR

K, TARGETS, STEPS = 10, 300, 4000


def device() -> str:
    from deepopt._backend import name

    if name() == "jax":
        import jax

        return f"jax on {jax.devices()[0].device_kind}"
    if name() == "torch":
        import torch

        return f"torch on {torch.cuda.get_device_name() if torch.cuda.is_available() else 'cpu'}"
    return name()


def loops() -> None:
    """One iteration with few and many points and variables."""
    from deepopt.problems import rastrigin

    results = {"device": device()}
    lines = [f"| on {device()} | d | n | µs per iteration |", "|---|---|---|---|"]
    for method in ("gd", "deep"):
        for d in (50, 50_000):
            for n in (50, 5_000):
                timed = common.loop(rastrigin.with_dim(d), method, "float32", 0.01, n=n)
                iterations = max(3, 20_000_000 // (d * n + 20_000))
                micro = statistics.median(1e6 * timed(iterations) / iterations for _ in range(3))
                results[f"{method} d={d} n={n}"] = micro
                lines.append(f"| {method} | {d:,} | {n:,} | {micro:.0f} |")
    common.write("accelerator", results, "\n".join(lines))


def products(folder: Path, data: str, targets: int, steps: int) -> None:
    """`invert` with products in full and in TF32."""
    import deepopt
    from deepopt import Latent
    from deepopt.generators import TrainSettings, train
    from deepopt.generators.sources import open_checkpoints

    begun = time.perf_counter()
    settings = TrainSettings("dcgan", data, latent_dim=K, steps=steps, every=steps)
    source = open_checkpoints(train(settings, folder / f"dcgan-{K}-full-{steps}"))
    results = {"device": device(), "targets": targets, "training": time.perf_counter() - begun}
    x = Latent(prior=source.prior).draw(np.random.default_rng(2026), targets, K)
    y = source.outputs(-1, x)
    lines = [
        f"| DCGAN of full width, k = {K}, {targets} targets, {device()} | certified | recovered | "
        "passes, 75 % | distance, median | seconds |",
        "|---|---|---|---|---|---|",
    ]
    for precision in ("full", "tf32"):
        begun = time.perf_counter()
        result = deepopt.invert(source, y, options={"precision": precision}, rng=0)
        seconds = time.perf_counter() - begun
        distances = np.linalg.norm(result.x - x, axis=1)
        results[precision] = found = {
            "certified": int(result.found.sum()),
            "recovered": int((distances < NEAR).sum()),
            "p75": float(np.percentile(result.cost, 75)),
            "distance": float(np.median(distances)),
            "seconds": seconds,
        }
        lines.append(
            f'| `precision="{precision}"` | {found["certified"]}/{targets} | '
            f"{found['recovered']}/{targets} | {found['p75']:,.0f} | {found['distance']:.0e} | "
            f"{seconds:.0f} |"
        )
        print(lines[-1], flush=True)
    common.write("accelerator_precision", results, "\n".join(lines))


if __name__ == "__main__":
    reader = argparse.ArgumentParser()
    reader.add_argument("folder", nargs="?", type=lambda text: Path(text).absolute())
    reader.add_argument("data", nargs="?")
    reader.add_argument("--targets", type=int, default=TARGETS)
    reader.add_argument("--steps", type=int, default=STEPS, help="of the training")
    given = reader.parse_args()
    if given.folder is None:
        loops()
    elif given.data is None:
        reader.error("FOLDER needs DATA")
    else:
        products(given.folder, given.data, given.targets, given.steps)
