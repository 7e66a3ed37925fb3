"""The networks: the InfoGAN generator with its critic and encoder, and expansive ReLU networks.

The sizes are those of the collection that paper B's experiments most likely used (InfoGAN's, Chen
et al. 2016): dense 1024 → dense 7·7·128 → transposed convolution 64 → transposed convolution to the
image, batch norm and ReLU between them, a sigmoid at the end. `width` multiplies every hidden size.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._support.checks import check_choice, check_number
from ..reparametrizations import PRIORS, Latent

KINDS = ("infogan", "expansive")
DENSE, DEEP, SHALLOW = 1024, 128, 64  # sizes at width 1
SHRUNK = 4  # two strides of 2
MOMENTUM, EPSILON = 0.9, 1e-5  # of batch norm
SPREAD = 0.02  # of the first weights
LEAK = 0.2


@dataclasses.dataclass(frozen=True)
class Architecture:
    """What a generator is built from; kept beside its checkpoints as JSON.

    Parameters
    ----------
    kind : {"infogan", "expansive"}
    latent_dim : int
        k, the length of a latent x.
    output_shape : tuple of int
        Of one image, (height, width, channels), or (n,) for an expansive network.
    width : float, default 1.0
        Factor on every hidden size of an infogan.
    hidden : tuple of int, default ()
        Hidden sizes of an expansive network.
    prior : {"uniform", "normal"}, default "uniform"
        How latents are drawn: U(-1, 1)^k or N(0, 1)^k.

    Examples
    --------
    >>> Architecture("infogan", 5, (28, 28, 1), width=0.5).scaled(128)
    64
    """

    kind: str
    latent_dim: int
    output_shape: tuple[int, ...]
    width: float = 1.0
    hidden: tuple[int, ...] = ()
    prior: str = "uniform"

    def __post_init__(self) -> None:
        check_choice("kind", self.kind, KINDS)
        check_choice("prior", self.prior, PRIORS)
        check_number("latent_dim", self.latent_dim, whole=True, at_least=1)
        check_number("width", self.width, above=0.0)
        for name in ("output_shape", "hidden"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
            for size in getattr(self, name):
                check_number(name, size, whole=True, at_least=1)
        if self.kind == "infogan":
            _check_image_shape(self.output_shape)
        elif len(self.output_shape) != 1:
            raise ValueError(
                f"output_shape must be (n,) for an expansive network, got {self.output_shape}"
            )

    def scaled(self, size: int) -> int:
        """A hidden size times `width`, at least 1."""
        return max(1, round(self.width * size))

    def generator(self) -> Any:
        """A new Keras model from latents (batch, k) to outputs (batch, ...) of `output_shape`."""
        return _infogan(self) if self.kind == "infogan" else _expansive(self)

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Latents (count, k) from the prior, float32."""
        return Latent(prior=self.prior).draw(rng, count, self.latent_dim).astype("float32")


def _check_image_shape(shape: Sequence[int]) -> None:
    if len(shape) != 3 or shape[0] % SHRUNK or shape[1] % SHRUNK:
        raise ValueError(
            "output_shape must be (height, width, channels) with height and width multiples of "
            f"{SHRUNK}, got {tuple(shape)}"
        )


def initialise(model: Any, kind: str, rng: np.random.Generator) -> None:
    """Draw the first weights, the same on every backend.

    Those of convolutions and dense layers are N(0, 0.02²), biases 0. In an expansive network both
    are N(0, 1/n), where n is the size of the layer they lead to (paper B, §3).
    """
    drawn = []
    for variable in model.weights:
        value = np.asarray(variable)
        if kind == "expansive":
            value = value.shape[-1] ** -0.5 * rng.standard_normal(value.shape)
        elif variable.name == "kernel":
            value = SPREAD * rng.standard_normal(value.shape)
        drawn.append(value)
    model.set_weights(drawn)


def _norm() -> Any:
    from keras import layers

    return layers.BatchNormalization(momentum=MOMENTUM, epsilon=EPSILON)


def _infogan(sizes: Architecture) -> Any:
    import keras
    from keras import layers

    height, width, channels = sizes.output_shape
    small = (height // SHRUNK, width // SHRUNK, sizes.scaled(DEEP))
    up = {"kernel_size": 4, "strides": 2, "padding": "same"}
    return keras.Sequential(
        [
            keras.Input((sizes.latent_dim,)),
            layers.Dense(sizes.scaled(DENSE)),
            _norm(),
            layers.ReLU(),
            layers.Dense(int(np.prod(small))),
            _norm(),
            layers.ReLU(),
            layers.Reshape(small),
            layers.Conv2DTranspose(sizes.scaled(SHALLOW), **up),
            _norm(),
            layers.ReLU(),
            layers.Conv2DTranspose(channels, activation="sigmoid", **up),
        ],
        name="generator",
    )


def critic(sizes: Architecture, outputs: int, batch_norm: bool = True) -> Any:
    """A new Keras model from images to `outputs` numbers: discriminator, critic or encoder."""
    import keras
    from keras import layers

    down = {"kernel_size": 4, "strides": 2, "padding": "same"}
    return keras.Sequential(
        [
            keras.Input(sizes.output_shape),
            layers.Conv2D(sizes.scaled(SHALLOW), **down),
            layers.LeakyReLU(LEAK),
            layers.Conv2D(sizes.scaled(DEEP), **down),
            *([_norm()] if batch_norm else []),
            layers.LeakyReLU(LEAK),
            layers.Flatten(),
            layers.Dense(sizes.scaled(DENSE)),
            *([_norm()] if batch_norm else []),
            layers.LeakyReLU(LEAK),
            layers.Dense(outputs),
        ],
        name="critic",
    )


def _expansive(sizes: Architecture) -> Any:
    """G(x) = V σ(W_d … σ(W_1 x + b_1) … + b_d), as in paper B, §3."""
    import keras
    from keras import layers

    (n,) = sizes.output_shape
    hidden = [layers.Dense(size, activation="relu") for size in sizes.hidden]
    last = layers.Dense(n, use_bias=False)
    return keras.Sequential([keras.Input((sizes.latent_dim,)), *hidden, last], name="generator")
