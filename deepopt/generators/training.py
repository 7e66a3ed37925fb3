"""Training: a VAE, a DCGAN, a WGAN with clipped weights and one with a gradient penalty.

A kind of training is a few *turns*, each of which takes a step of Adam on the loss of one or two
networks. What step t draws depends on the seed and t alone, so a training that was stopped goes on
exactly as it would have.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .. import _backend
from .._backend import Compiled, Tensor, Tensors, ops
from ..descents import Adam, Seen
from . import architectures
from .architectures import Architecture

CRITIC_RATE, RATE = 2e-4, 1e-3
ADAM = Adam(beta1=0.5)
CLIP = 0.01  # of a WGAN's critic
SHOWN = 10  # checkpoints between two grids of samples


class Draws(NamedTuple):
    """What a turn draws."""

    images: Tensor  # (batch, height, width, channels)
    latents: Tensor  # (batch, k)
    mix: Tensor  # (batch, 1, 1, 1) in [0, 1)


class Network:
    """A Keras model with its weights as tensors, in training mode."""

    def __init__(self, model: Any, trainable: Tensors, state: Tensors) -> None:
        self._model, self._trainable, self.state = model, trainable, state

    def __call__(self, x: Tensor) -> Tensor:
        y, self.state = self._model.stateless_call(self._trainable, self.state, x, training=True)
        return y


Networks = dict[str, Network]


@dataclasses.dataclass(frozen=True)
class Turn:
    """One step of Adam.

    Parameters
    ----------
    networks : tuple of str
        Whose weights it changes.
    loss : callable
        loss(networks, draws) -> ().
    rate : float
    repeat : int
        How often it is taken in a step.
    clip : float, optional
        Weights are clipped to [-clip, clip] afterwards.
    """

    networks: tuple[str, ...]
    loss: Callable[[Networks, Draws], Tensor]
    rate: float
    repeat: int = 1
    clip: float | None = None


def _evidence(networks: Networks, draws: Draws) -> Tensor:
    """The negative evidence lower bound, Bernoulli pixels (Kingma & Welling 2014)."""
    mean, log_variance = ops.split(networks["critic"](draws.images), 2, axis=-1)
    latents = mean + ops.exp(0.5 * log_variance) * draws.latents
    image = networks["generator"](latents)
    pixels = ops.binary_crossentropy(draws.images, image)
    divergence = 0.5 * (mean**2 + ops.exp(log_variance) - log_variance - 1.0)
    return ops.mean(ops.sum(pixels, axis=(1, 2, 3)) + ops.sum(divergence, axis=-1))


def _judged(networks: Networks, draws: Draws) -> tuple[Tensor, Tensor, Tensor]:
    """The critic's scores of real and of generated images, and these images."""
    fake = networks["generator"](draws.latents)
    return networks["critic"](draws.images), networks["critic"](fake), fake


def _tell_apart(networks: Networks, draws: Draws) -> Tensor:
    real, fake, _ = _judged(networks, draws)
    return ops.mean(ops.softplus(-real)) + ops.mean(ops.softplus(fake))


def _pass_for_real(networks: Networks, draws: Draws) -> Tensor:
    return ops.mean(ops.softplus(-networks["critic"](networks["generator"](draws.latents))))


def _distance(networks: Networks, draws: Draws) -> Tensor:
    real, fake, _ = _judged(networks, draws)
    return ops.mean(fake) - ops.mean(real)


def _come_near(networks: Networks, draws: Draws) -> Tensor:
    return -ops.mean(networks["critic"](networks["generator"](draws.latents)))


def _penalised(weight: float) -> Callable[[Networks, Draws], Tensor]:
    def loss(networks: Networks, draws: Draws) -> Tensor:
        real, fake, images = _judged(networks, draws)
        between = draws.mix * draws.images + (1.0 - draws.mix) * images
        scores, back = _backend.vjp(lambda xs: networks["critic"](xs[0]), [between])
        slope = back(ops.ones_like(scores))[0]
        norm = ops.sqrt(ops.sum(slope**2, axis=(1, 2, 3)) + 1e-12)
        return ops.mean(fake) - ops.mean(real) + weight * ops.mean((norm - 1.0) ** 2)

    return loss


@dataclasses.dataclass(frozen=True)
class Kind:
    """A row of the table of trainings."""

    turns: tuple[Turn, ...]
    prior: str
    batch_norm: bool = True  # in the critic

    @property
    def names(self) -> list[str]:
        """Of the losses of a step."""
        return ["loss"] if len(self.turns) == 1 else [turn.networks[0] for turn in self.turns]

    def critic(self, sizes: Architecture) -> Any:
        outputs = 2 * sizes.latent_dim if len(self.turns) == 1 else 1
        return architectures.critic(sizes, outputs, self.batch_norm)


KINDS = {
    "vae": Kind((Turn(("critic", "generator"), _evidence, RATE),), "normal"),
    "dcgan": Kind(
        (Turn(("critic",), _tell_apart, CRITIC_RATE), Turn(("generator",), _pass_for_real, RATE)),
        "uniform",
    ),
    "wgan": Kind(
        (
            Turn(("critic",), _distance, CRITIC_RATE, clip=CLIP),
            Turn(("generator",), _come_near, RATE),
        ),
        "uniform",
    ),
    "wgan-gp": Kind(
        (
            Turn(("critic",), _penalised(10.0), RATE),  # a slower one leaves the clothes blurred
            Turn(("generator",), _come_near, 0.5 * RATE),
        ),
        "uniform",
        batch_norm=False,
    ),
}


class Training:
    """Networks, Adam's memory and the step they are at.

    Parameters
    ----------
    kind : Kind
    sizes : Architecture
        Of the generator.
    images : ndarray (n, height, width, channels)
        float32 in [0, 1].
    batch_size : int
    seed : int

    Attributes
    ----------
    step : int
        Steps taken.
    sizes : Architecture
    """

    def __init__(
        self, kind: Kind, sizes: Architecture, images: np.ndarray, batch_size: int, seed: int
    ) -> None:
        self._kind, self.sizes, self._images = kind, sizes, images
        self._batch, self._seed, self.step = min(batch_size, len(images)), seed, 0
        rng = np.random.default_rng([seed, 0])
        self._models = {"generator": sizes.generator(), "critic": kind.critic(sizes)}
        for model in self._models.values():
            architectures.initialise(model, sizes.kind, rng)
        self._weights = {name: _split(model) for name, model in self._models.items()}
        self._memories = [self._fresh_memory(turn) for turn in kind.turns]
        self._programs = [Compiled(self._turn(turn), xla=False) for turn in kind.turns]

    def advance(self) -> list[float]:
        """One step: every turn; their losses."""
        losses = []
        for index, turn in enumerate(self._kind.turns):
            for repeat in range(turn.repeat):
                draws = self._draw(index, repeat)
                count = _backend.to_tensor(self.step * turn.repeat + repeat, "int32")
                changed, self._memories[index], loss = self._programs[index](
                    self._weights, self._memories[index], count, draws
                )
                self._weights |= changed
            losses.append(float(_backend.to_numpy(loss)))
        self.step += 1
        return losses

    def arrays(self) -> dict[str, list[np.ndarray]]:
        """All that a training goes on from, by name."""
        found = {}
        for name, (trainable, state) in self._weights.items():
            found[f"{name}/trainable"] = [_backend.to_numpy(w) for w in trainable]
            found[f"{name}/state"] = [_backend.to_numpy(w) for w in state]
        for index, memory in enumerate(self._memories):
            found[f"adam/{index}"] = [_backend.to_numpy(m) for m in memory]
        return found

    def restore(self, arrays: dict[str, list[np.ndarray]], step: int) -> None:
        """Go on from what `arrays` gave after `step` steps."""
        now = self.arrays()
        shapes = {name: [a.shape for a in arrays.get(name, [])] for name in now}
        if shapes != {name: [a.shape for a in parts] for name, parts in now.items()}:
            raise ValueError("the saved state is not of these networks")
        tensors = {name: _tensors(arrays.get(name, [])) for name in now}
        for name in self._weights:
            self._weights[name] = (tensors[f"{name}/trainable"], tensors[f"{name}/state"])
        self._memories = [tensors[f"adam/{i}"] for i in range(len(self._memories))]
        self.step = step

    def generator_weights(self) -> list[np.ndarray]:
        """In the order of the Keras model's `weights`."""
        model, (trainable, state) = self._models["generator"], self._weights["generator"]
        variables = [*model.trainable_variables, *model.non_trainable_variables]
        values = zip(variables, [*trainable, *state], strict=True)
        found = {id(variable): _backend.to_numpy(value) for variable, value in values}
        return [found[id(variable)] for variable in model.weights]

    def images(self, latents: np.ndarray) -> np.ndarray:
        """What the generator makes of latents (n, k), as it is used after training."""
        trainable, state = self._weights["generator"]
        made, _ = self._models["generator"].stateless_call(
            trainable, state, _backend.to_tensor(latents, "float32"), training=False
        )
        return _backend.to_numpy(made)

    def _fresh_memory(self, turn: Turn) -> Tensors:
        return ADAM.init([w for name in turn.networks for w in self._weights[name][0]], 0)

    def _draw(self, turn: int, repeat: int) -> Draws:
        """Images in a new order every epoch, latents and mixing weights of the step."""
        taken = self._kind.turns[turn].repeat * self.step + repeat
        per_epoch = len(self._images) // self._batch
        epoch, at = divmod(taken, per_epoch)
        order = np.random.default_rng([self._seed, 1, epoch]).permutation(len(self._images))
        rng = np.random.default_rng([self._seed, 2, self.step, turn, repeat])
        images = self._images[order[at * self._batch : (at + 1) * self._batch]]
        mix = rng.random((self._batch, 1, 1, 1), dtype="float32")
        return Draws(*map(_backend.to_argument, (images, self.sizes.draw(rng, self._batch), mix)))

    def _turn(self, turn: Turn) -> Callable[..., Any]:
        """The step of a turn as a pure function of tensors."""

        def step(weights: Any, memory: Tensors, count: Tensor, draws: Draws) -> Any:
            sizes = [len(weights[name][0]) for name in turn.networks]

            def loss(variables: Tensors) -> tuple[Tensor, Any]:
                networks, at = {}, 0
                for name, (trainable, state) in weights.items():
                    if name not in turn.networks:
                        networks[name] = Network(self._models[name], trainable, state)
                for name, size in zip(turn.networks, sizes, strict=True):
                    own, state = variables[at : at + size], weights[name][1]
                    networks[name], at = Network(self._models[name], own, state), at + size
                value = turn.loss(networks, draws)
                return value, [networks[name].state for name in turn.networks]

            variables = [w for name in turn.networks for w in weights[name][0]]
            value, states, gradients = _backend.loss_and_gradients(loss, variables)
            rate = ops.convert_to_tensor([turn.rate], "float32")
            seen = Seen(variables, value[None], gradients, rate, count[None])
            updates, memory = ADAM.step(seen, memory)
            variables = [w - u for w, u in zip(variables, updates, strict=True)]
            if turn.clip is not None:
                variables = [ops.clip(w, -turn.clip, turn.clip) for w in variables]
            changed, at = {}, 0
            for name, size, state in zip(turn.networks, sizes, states, strict=True):
                changed[name], at = (variables[at : at + size], state), at + size
            return changed, memory, value

        return step


def _split(model: Any) -> tuple[Tensors, Tensors]:
    """A model's weights as tensors: trainable ones and the rest."""
    return (
        _tensors([np.asarray(v) for v in model.trainable_variables]),
        _tensors([np.asarray(v) for v in model.non_trainable_variables]),
    )


def _tensors(arrays: list[np.ndarray]) -> Tensors:
    return [_backend.to_tensor(array, "float32") for array in arrays]
