"""
Inverting a generator
=====================

A generator G makes an image from a few numbers, its latent x. To invert it is to find the x behind
an image, which is a hard non-convex problem. Here a variational autoencoder learns handwritten
digits for fifteen seconds; then its own images are given back to it, and real ones.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import deepopt
from deepopt import plots
from deepopt.generators import TrainSettings, train

folder = Path(tempfile.mkdtemp())
images = (load_digits().images[..., None] / 16).astype("float32")  # 1,797 of 8 x 8 pixels
np.save(folder / "digits.npy", images)
settings = TrainSettings(
    "vae", folder / "digits.npy", latent_dim=16, steps=1500, every=150, width=0.25
)
train(settings, folder / "vae")

# %%
# :func:`deepopt.invert` takes the folder of that training. The latents of images that the
# generator has made are found exactly: ``found`` is a certificate, f is 0 to rounding. ``cost``
# counts forward passes of the generator; a step of Adam takes two.

latents = np.random.default_rng(0).uniform(-1, 1, (100, 16))
made = deepopt.generators.open_checkpoints(folder / "vae").outputs(-1, latents)
result = deepopt.invert(folder / "vae", made, rng=0)
print(f"{result.found.mean():.0%} found, {np.median(result.cost):.0f} forward passes")
print("the largest error of a latent:", np.abs(result.x - latents).max().round(5))

# %%
# A photograph, or here a real digit, is no output of the generator; the nearest output comes
# back, and ``found`` is False. *Surfing* follows the minimiser through the checkpoints of the
# training, where the landscape forms slowly; its way can be seen.

real = images[-6:]
surfed = deepopt.invert(folder / "vae", real, method="surf", rng=0)
source = deepopt.generators.open_checkpoints(folder / "vae")
times = [1, 2, 4, 9]
frames = [source.outputs(t, surfed.path[t]) for t in times]
figure, ax = plt.subplots(figsize=(5, 5), layout="constrained")
ax = plots.reconstructions(real, surfed.output, frames, times, ax=ax)

# %%
# Where there is no training at hand, any Keras model will do in place of the folder, or a list of
# files: see :doc:`/howto/generators`. What it recovers of larger generators, and at what cost
# beside Adam: :doc:`/inversion`.
