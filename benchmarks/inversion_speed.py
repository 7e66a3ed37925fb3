"""`deepopt.invert` in wall time beside PyTorch's Adam, and the memory of a long surf.

    python inversion_speed.py FOLDER DATA

FOLDER and DATA as of inversion.py, which has to have run: its trainings of k = 5 and 20 and Adam's
best rates are taken. Every measurement runs in a process of its own on one thread:

- 300 targets: the first call of `deepopt.invert` (compilation included, imports not) and the
  second; beside them regular Adam in PyTorch on the same weights, from one random start, all
  targets in one batch until each is found or 1,000 iterations have passed, and one target at a
  time likewise (10 of them, times thirty).
- A surf through 100 checkpoints of full width: the process' peak memory; its seconds beside those
  of reading the files alone and of the same surf on weights that are in memory already, medians of
  three processes each, one after the other in turns. These may use a second core: for the reader.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import sys
import time
from pathlib import Path

import common
from inversion import best_rate, kept

CORES = os.sched_getaffinity(0)
common.one_thread()

TARGETS, FEW = 300, 10
MOST, FOUND, NEAR = 1000, 1e-8, 0.01
REPEATS = 3
CASES = (("vae", 5), ("dcgan", 5), ("vae", 20), ("dcgan", 20))


def problem(folder: Path, model: str, k: int, count: int, seed: int):
    import numpy as np

    from deepopt import Latent
    from deepopt.generators.sources import open_checkpoints

    source = open_checkpoints(folder / f"{model}-{k}-s0")
    x = Latent(prior=source.prior).draw(np.random.default_rng(seed), count, k)
    return source, x, source.outputs(len(source) - 1, x)


def ours(folder: Path, model: str, k: int) -> dict:
    import numpy as np

    import deepopt

    source, x, y = problem(folder, model, k, TARGETS, 2026)
    seconds = []
    for _ in range(2):
        begun = time.perf_counter()
        result = deepopt.invert(source, y, rng=0)
        seconds.append(time.perf_counter() - begun)
    near = np.linalg.norm(result.x - x, axis=1) < NEAR
    return {"first": seconds[0], "again": seconds[1], "recovered": float(near.mean())}


def in_torch(source):
    """The last generator of a training as a PyTorch module, in inference mode."""
    import numpy as np
    import torch
    from torch import nn

    weights = [torch.tensor(w) for w in source.read(len(source) - 1)]
    sizes = [tuple(w.shape) for w in weights if w.ndim > 1]
    deep, shallow = sizes[2][3], sizes[2][2]

    class Fold(nn.Module):
        def forward(self, x):
            side = round((x.shape[1] / deep) ** 0.5)
            return x.reshape(-1, side, side, deep).permute(0, 3, 1, 2)

    net = nn.Sequential(
        nn.Linear(*sizes[0]), nn.BatchNorm1d(sizes[0][1], eps=1e-5), nn.ReLU(),
        nn.Linear(*sizes[1]), nn.BatchNorm1d(sizes[1][1], eps=1e-5), nn.ReLU(), Fold(),
        nn.ConvTranspose2d(deep, shallow, 4, 2, 1), nn.BatchNorm2d(shallow, eps=1e-5), nn.ReLU(),
        nn.ConvTranspose2d(shallow, 1, 4, 2, 1), nn.Sigmoid(),
    )  # fmt: skip
    at = iter(weights)
    for layer in net:
        if isinstance(layer, nn.Linear):
            values = {"weight": next(at).T, "bias": next(at)}
        elif isinstance(layer, nn.ConvTranspose2d):
            values = {"weight": next(at).permute(3, 2, 0, 1), "bias": next(at)}
        elif isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            names = ("weight", "bias", "running_mean", "running_var")
            values = {name: next(at) for name in names}
        else:
            continue
        for name, value in values.items():
            getattr(layer, name).data.copy_(value)
    net.eval().requires_grad_(False)
    x = np.random.default_rng(0).uniform(-1, 1, (4, sizes[0][0])).astype("float32")
    made = net(torch.tensor(x)).permute(0, 2, 3, 1).numpy()
    assert abs(made - source.outputs(len(source) - 1, x)).max() < 1e-5
    return net


def adam(net, start, target, rate: float):
    """Regular Adam from latents (B, k) until every f is small, or `MOST` iterations."""
    import torch

    x = start.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([x], lr=rate)
    enough = FOUND * (target**2).sum((1, 2, 3))
    for _ in range(MOST):
        optimizer.zero_grad()
        f = 0.5 * ((net(x) - target) ** 2).sum((1, 2, 3))
        if bool((f <= enough).all()):
            break
        f.sum().backward()
        optimizer.step()
    return x.detach()


def beside(folder: Path, model: str, k: int) -> dict:
    import torch

    torch.set_num_threads(1)
    source, x, y = problem(folder, model, k, TARGETS, 2026)
    net = in_torch(source)
    generator = torch.Generator().manual_seed(0)

    def draw(count: int):
        if source.prior == "normal":
            return torch.randn((count, k), generator=generator)
        return 2.0 * torch.rand((count, k), generator=generator) - 1.0

    def recovered(found, wanted) -> float:
        return float(((found - torch.tensor(wanted)).norm(dim=1) < NEAR).double().mean())

    def target(images):
        return torch.tensor(images).permute(0, 3, 1, 2)

    rate = best_rate(kept(folder), model, k)
    begun = time.perf_counter()
    batched = adam(net, draw(TARGETS), target(y), rate)
    middle = time.perf_counter()
    for i in range(FEW):
        adam(net, draw(1), target(y[i : i + 1]), rate)
    end = time.perf_counter()
    return {
        "rate": rate, "batched": middle - begun, "each": (end - middle) * TARGETS / FEW,
        "recovered": recovered(batched, x),
    }  # fmt: skip


def surf(folder: Path, data: str, how: str) -> dict:
    """Seconds and peak memory of a surf, of reading alone, or of a surf on weights in memory."""
    import numpy as np

    import deepopt
    from deepopt.generators import TrainSettings, train
    from deepopt.generators.sources import open_checkpoints

    os.sched_setaffinity(0, CORES)
    out = folder / "vae-10-full"
    settings = TrainSettings("vae", data=data, latent_dim=10, steps=100, every=1)
    train(settings, out)
    if how == "train":
        return {}
    source = open_checkpoints(out)
    x = np.random.default_rng(0).standard_normal((8, 10))
    y = source.outputs(len(source) - 1, x)
    deepopt.invert(source, y, "surf", rng=0, options={"schedule": deepopt.Surf(longest=1)})
    if how == "in memory":
        kept = [source.read(t) for t in range(len(source))]
        source.read = kept.__getitem__
    begun = time.perf_counter()
    if how == "reading":
        for _ in source.stream():
            pass
    else:
        deepopt.invert(source, y, "surf", rng=0)
    seconds = time.perf_counter() - begun
    gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"seconds": seconds, "gib": gib, "checkpoints": len(source)}


def table(results: dict) -> str:
    lines = [
        "| 300 targets | deepopt, first call | again | recovered | Adam, PyTorch, one batch | "
        "one at a time | recovered | rate |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for model, k in CASES:
        a, b = results[f"ours {model} {k}"], results[f"adam {model} {k}"]
        lines.append(
            f"| {model.upper()}, k = {k} | {a['first']:.0f} s | {a['again']:.0f} s | "
            f"{100 * a['recovered']:.1f} % | {b['batched']:.0f} s | {b['each']:.0f} s | "
            f"{100 * b['recovered']:.1f} % | {b['rate']} |"
        )
    return "\n".join(lines)


def stream_table(results: dict) -> str:
    lines = ["| surf through 100 networks of full width, 8 targets | seconds | peak memory |",
             "|---|---|---|"]  # fmt: skip
    for how, label in (
        ("surf", "from the files"), ("in memory", "weights in memory already"),
        ("reading", "reading alone"),
    ):  # fmt: skip
        seconds = statistics.median(one["seconds"] for one in results[how])
        gib = max(one["gib"] for one in results[how])
        lines.append(f"| {label} | {seconds:.1f} | {gib:.2f} GiB |")
    return "\n".join(lines)


if __name__ == "__main__":
    folder, data, words = Path(sys.argv[1]).absolute(), sys.argv[2], sys.argv[3:]
    if words[:1] == ["ours"]:
        print(json.dumps(ours(folder, words[1], int(words[2]))))
    elif words[:1] == ["adam"]:
        print(json.dumps(beside(folder, words[1], int(words[2]))))
    elif words:
        print(json.dumps(surf(folder, data, words[0])))
    else:
        at, results = ("inversion_speed.py", str(folder), data), {}
        for model, k in CASES:
            for who in ("ours", "adam"):
                found = common.in_process(*at, who, model, str(k))
                results[f"{who} {model} {k}"] = found
                print(who, model, k, found, flush=True)
        common.in_process(*at, "train")
        for _ in range(REPEATS):
            for how in ("surf", "in memory", "reading"):
                results.setdefault(how, []).append(common.in_process(*at, how))
                print(how, results[how][-1], flush=True)
        tables = {"inversion speed": table(results), "inversion stream": stream_table(results)}
        common.write("inversion_speed", results, "\n\n".join(tables.values()))
        common.insert("inversion.md", tables)
