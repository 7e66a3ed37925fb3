r"""
Compressed sensing
==================

Instead of an image y only m numbers A y are known, far fewer than it has pixels. A generator says
which images are likely: look for the x with :math:`A\,G(x) \approx A\,y`.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import deepopt
from deepopt.generators import TrainSettings, train

folder = Path(tempfile.mkdtemp())
images = (load_digits().images[..., None] / 16).astype("float32")
np.save(folder / "digits.npy", images[:1700])
settings = TrainSettings(
    "vae", folder / "digits.npy", latent_dim=8, steps=1000, every=100, width=0.25
)
train(settings, folder / "vae")

# %%
# Ninety-seven digits that the training has not seen, measured by random numbers: the error per
# pixel falls with m until the generator itself is what limits it. ``latent_bounds`` keeps the
# latents where the training had them, which is what regularises when measurements are few.

unseen = images[1700:].reshape(-1, 64).astype("float64")
rng = np.random.default_rng(0)
counts = [8, 12, 16, 24, 32, 48]
errors, found = [], {}
for m in counts:
    A = rng.normal(size=(m, 64)) / np.sqrt(m)
    options = {"latent_bounds": 2.5, "n_starts": 5}
    result = deepopt.invert(folder / "vae", unseen @ A.T, operator=A, options=options, rng=0)
    found[m] = result.output.reshape(-1, 64)
    errors.append(np.sqrt(np.mean((found[m] - unseen) ** 2, axis=1)))
    print(m, "measurements:", np.median(errors[-1]).round(3))

# %%
from deepopt import plots  # noqa: E402

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
plots.boxes(
    {"default in a box": dict(zip(counts, errors, strict=True))}, ax=left,
    xlabel="measurements m of 64 pixels", ylabel="error per pixel",
)  # fmt: skip
shown = slice(0, 6)
plots.reconstructions(
    unseen[shown].reshape(-1, 8, 8, 1), found[32][shown].reshape(-1, 8, 8, 1),
    [found[m][shown].reshape(-1, 8, 8, 1) for m in (8, 16)], ["m = 8", "m = 16"], ax=right,
)  # fmt: skip

# %%
# The same on Fashion-MNIST with the paper's generators, beside Adam, surfing and the Lasso:
# :doc:`/surfing`.
