"""`deepopt.invert` on trained generators: recovered latents and forward passes, beside Adam.

    python inversion.py FOLDER DATA

FOLDER keeps what `deepopt train` makes of the images DATA (an .npz file or a folder): a VAE and a
DCGAN of half width for each of k = 5, 10, 20 and three seeds, and for k = 50 and 100 of one seed,
DCGANs of full width for these, and a stock Keras decoder with other layers. What is there is not
trained again; the rest takes hours. Targets are outputs at fresh latents of the prior; one counts
as recovered if the latent is within 0.01, and as identifiable if every change of the latent by 0.01
changes the image by more than float32 rounds. Forward passes: a gradient counts as two, a Jacobian
of k columns as k. Every case is kept in FOLDER/results.json as it ends, and not measured again; the
tables go to results/inversion and docs/inversion.md.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import common
import numpy as np

MODELS, DIMS, SEEDS = ("vae", "dcgan"), (5, 10, 20), (0, 1, 2)
LARGE = (50, 100)
TARGETS, SOME = 300, 60  # of the default; of Adam and of other settings
NEAR = 0.01
RATES = (0.03, 0.1, 0.3)
ROUNDING = 2.0**-23
STEPS, EVERY, WIDTH = 4000, 40, 0.5


def trained(folder: Path, data: str, model: str, k: int, seed: int, width: float = WIDTH) -> Path:
    """The folder of a training, which runs first if it has to."""
    from deepopt.generators import TrainSettings, train

    settings = TrainSettings(
        model, data=data, latent_dim=k, steps=STEPS, every=EVERY, width=width, seed=seed
    )
    out = folder / f"{model}-{k}-{f's{seed}' if width == WIDTH else 'full'}"
    train(settings, out)
    return out


def foreign(folder: Path, data: str) -> list[Path]:
    """Checkpoints of a decoder with layers that ours do not have, trained and kept by Keras."""
    import keras
    from keras import layers

    from deepopt.generators.images import load_images

    found = sorted((folder / "foreign").glob("*.keras"))
    if len(found) == 10:
        return found
    images = load_images(data)
    keras.utils.set_random_seed(0)
    k = 8
    decoder = keras.Sequential(
        [
            keras.Input((k,)),
            layers.Dense(7 * 7 * 32, activation="elu"),
            layers.LayerNormalization(),
            layers.Reshape((7, 7, 32)),
            layers.UpSampling2D(interpolation="bilinear"),
            layers.Conv2D(32, 3, padding="same", activation="gelu"),
            layers.SpatialDropout2D(0.1),
            layers.UpSampling2D(),
            layers.Conv2D(16, 3, padding="same", activation="silu"),
            layers.Conv2D(1, 3, padding="same", activation="sigmoid"),
        ]
    )
    encoder = keras.Sequential(
        [
            keras.Input(images.shape[1:]),
            layers.Flatten(),
            layers.Dense(256, activation="relu"),
            layers.Dense(k, activation="tanh"),
        ]
    )
    both = keras.Sequential([encoder, decoder])
    both.compile("adam", "binary_crossentropy")

    class Keep(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            decoder.save(folder / "foreign" / f"decoder-{epoch + 1}.keras")

    (folder / "foreign").mkdir(parents=True, exist_ok=True)
    both.fit(images, images, batch_size=64, epochs=10, verbose=0, callbacks=[Keep()])
    return [folder / "foreign" / f"decoder-{epoch + 1}.keras" for epoch in range(10)]


def flattest(source, x: np.ndarray) -> np.ndarray:
    """Smallest singular values (N,) of the last generator's Jacobian at latents (N, k)."""
    from deepopt import _backend
    from deepopt._backend import Compiled, ops, tangents_flow, to_numpy, to_tensor
    from deepopt._objective.generator import Generator, tensors

    k, generator = x.shape[1], Generator(source.model)
    weights = tensors(source.read(len(source) - 1), "float32")

    def flat(x):
        made = generator.outputs(ops.reshape(x, (-1, k)), weights)
        return ops.reshape(made, (*x.shape[:-1], -1))

    flows = tangents_flow(flat, to_tensor(x[None, :16], "float32"))
    jacobian = _backend.jacobian if flows else lambda f, x: _backend.differences(f, x, None)
    slopes = Compiled(lambda x: jacobian(flat, x), xla=False)
    parts = [
        to_numpy(slopes(to_tensor(part[None], "float32")))[0]
        for part in np.array_split(x, max(1, len(x) // 20))
    ]
    return np.linalg.svd(np.concatenate(parts).astype("float64"), compute_uv=False)[:, -1]


def measure(checkpoints, targets: int, method: str = "direct", **options) -> dict:
    """What `deepopt.invert` makes of outputs at fresh latents."""
    import deepopt
    from deepopt import Latent
    from deepopt.generators.sources import open_checkpoints

    source = open_checkpoints(checkpoints)
    x = Latent(prior=source.prior).draw(np.random.default_rng(2026), targets, source.latent_dim)
    y = source.outputs(len(source) - 1, x)
    result = deepopt.invert(source, y, method, options=options, rng=0)
    near = np.linalg.norm(result.x - x, axis=1) < NEAR
    whole = result.cost + result.preparation / targets
    lengths = np.sqrt(np.sum(y.reshape(targets, -1) ** 2, axis=1))
    identifiable = flattest(source, x) * NEAR > ROUNDING * lengths
    return {
        "targets": targets,
        "identifiable": int(identifiable.sum()),
        "recovered_of_these": int((near & identifiable).sum()),
        "recovered": int(near.sum()),
        "wrong": int((result.found & ~near).sum()),
        "unsure": int((~result.found & near).sum()),
        "mean": float(result.cost.mean()),
        "p75": float(np.percentile(result.cost, 75)),
        "worst": int(result.cost.max()),
        "with_preparation": float(np.percentile(whole, 75)),
    }


def cases(folder: Path, data: str):
    """(name, function that measures it) of everything, the main table first."""
    for k in DIMS:
        for model in MODELS:
            for seed in SEEDS:
                yield (
                    f"default {model} {k} {seed}",
                    lambda m=model, k=k, s=seed: measure(trained(folder, data, m, k, s), TARGETS),
                )
    for k in LARGE:
        for model in MODELS:
            # Most of this one's targets are not identifiable, and each of these takes every start
            targets = SOME if (model, k) == ("dcgan", 100) else TARGETS
            yield (
                f"default {model} {k} 0",
                lambda m=model, k=k, n=targets: measure(trained(folder, data, m, k, 0), n),
            )
    for k in LARGE:
        yield (
            f"wide dcgan {k} 0",
            lambda k=k: measure(trained(folder, data, "dcgan", k, 0, width=1.0), TARGETS),
        )
    yield "foreign 8", lambda: measure(foreign(folder, data), TARGETS)
    for k in DIMS:
        for model in MODELS:
            at = folder, data, model, k, 0
            yield (f"few {model} {k}", lambda a=at: measure(trained(*a), SOME))
            yield (f"surf {model} {k}", lambda a=at: measure(trained(*a), SOME, "surf"))
            random = {"starts": "random"}
            yield (f"random {model} {k}", lambda a=at, o=random: measure(trained(*a), SOME, **o))
            for rate in RATES:
                one = {"solver": "adam", "starts": "random", "n_starts": 1, "learning_rate": rate}
                yield (
                    f"adam {model} {k} {rate}",
                    lambda a=at, o=one: measure(trained(*a), SOME, **o),
                )
            yield (
                f"adam10 {model} {k}",
                lambda a=at: measure(
                    trained(*a), SOME, solver="adam", starts="random", n_starts=10,
                    learning_rate=best_rate(kept(a[0]), a[2], a[3]),
                ),
            )  # fmt: skip


def kept(folder: Path) -> dict:
    """The cases that are measured already."""
    path = folder / "results.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def best_rate(results: dict, model: str, k: int) -> float:
    """Adam's rate with the most recovered, then the fewest passes."""

    def merit(rate: float) -> tuple:
        found = results[f"adam {model} {k} {rate}"]
        return found["recovered"], -found["mean"]

    return max(RATES, key=merit)


def share(found: dict) -> str:
    return f"{100 * found['recovered'] / found['targets']:.1f} %"


def in_all(found: dict) -> float:
    """Mean forward passes per target with its share of the preparation."""
    return found["mean"] + found["with_preparation"] - found["p75"]


def row(label: str, found: dict) -> str:
    cells = (
        label, f"{found['recovered']}/{found['targets']}",
        f"{found['recovered_of_these']}/{found['identifiable']}", found["wrong"],
        f"{found['mean']:.0f}",
        f"{found['p75']:.0f}", f"{found['with_preparation']:.0f}", found["worst"],
    )  # fmt: skip
    return "| " + " | ".join(map(str, cells)) + " |"


def main_table(results: dict, names: list[str]) -> str:
    lines = [
        "| generator | recovered | of the identifiable | certified, wrong | mean | 75 % | "
        "… with codebook | worst |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in names:
        if name not in results:
            continue
        words, found = name.split(), results[name]
        if words[0] in ("default", "wide"):
            which = f"seed {words[3]}" if words[0] == "default" else "full width"
            lines.append(row(f"{words[1].upper()}, k = {words[2]}, {which}", found))
        if words[0] == "foreign":
            lines.append(row(f"a stock Keras decoder, k = {words[1]}", found))
    return "\n".join(lines)


def beside_table(results: dict) -> str:
    lines = [
        "| k | generator | default | LM, random starts | surf | Adam | rate | Adam, ten starts |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for k in DIMS:
        for model in MODELS:
            names = f"few {model} {k}", f"random {model} {k}", f"surf {model} {k}"
            if not {*names, f"adam10 {model} {k}"} <= set(results):
                continue
            rate = best_rate(results, model, k)
            found = [results[name] for name in names]
            adam, ten = results[f"adam {model} {k} {rate}"], results[f"adam10 {model} {k}"]
            cells = [f"{share(one)}, {in_all(one):.0f}" for one in (*found, adam, ten)]
            cells.insert(4, str(rate))
            lines.append(f"| {k} | {model.upper()} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    folder, data = Path(sys.argv[1]), sys.argv[2]
    results = kept(folder)
    for name, measured in cases(folder, data):
        if name not in results:
            results[name] = measured()
            text = json.dumps(results, indent=1)
            (folder / "results.json").write_text(text + "\n", encoding="utf-8")
            print(name, results[name], flush=True)
    names = [name for name, _ in cases(folder, data)]
    tables = {"inversion": main_table(results, names), "inversion beside": beside_table(results)}
    common.write("inversion", results, "\n\n".join(tables.values()))
    common.insert("inversion.md", tables)
