"""Descents: how a step is taken. Each is a small pure value: settings in, (init, step) out.

All tensors carry a leading axis of runs. `gradients` are those of the mean over a run's
points of the objective scaled to [0, 1] over its domain, so that a rate means the same on any
function. The rate is multiplied by `decay` each time that mean has not improved for more than
`patience` iterations in a row.
"""

from __future__ import annotations

import dataclasses
from typing import Protocol

from ._backend import Tensor, Tensors, ops
from ._checks import check_number


class Descent(Protocol):
    """What the loop asks of a descent; any frozen, hashable object with these will do."""

    @property
    def decay(self) -> float: ...
    @property
    def patience(self) -> int: ...

    def init(self, variables: Tensors) -> Tensors:
        """The descent's memory: tensors whose leading axis is the runs."""

    def step(
        self, gradients: Tensors, memory: Tensors, rate: Tensor, iteration: Tensor
    ) -> tuple[Tensors, Tensors]:
        """What to subtract from the variables, and the new memory.

        `rate` (runs,) is the current rate of each run, `iteration` a scalar from 0.
        """


def per_run(values: Tensor, like: Tensor) -> Tensor:
    """`values` (runs,) shaped to broadcast against `like` (runs, ...)."""
    return ops.reshape(values, (-1,) + (1,) * (len(like.shape) - 1))


def _like(value: float, tensor: Tensor) -> Tensor:
    """`value` in the tensor's type, with all its digits (ops.cast goes by way of float32)."""
    return ops.convert_to_tensor(value, dtype=tensor.dtype)


def _check_plateau(decay: float, patience: int) -> None:
    check_number("decay", decay, above=0.0, at_most=1.0)
    check_number("patience", patience, at_least=0, whole=True)


@dataclasses.dataclass(frozen=True)
class GradientDescent:
    """w ← w - α ∇ (paper A, §3: vanilla gradient descent, α ← 0.9 α without improvement).

    Parameters
    ----------
    decay : float, default 0.9
        Factor on the rate after an iteration without improvement (the paper's public code: 0.99).
    patience : int, default 0
        Iterations without improvement that are forgiven before each decay (public code: 1).

    Examples
    --------
    >>> GradientDescent(decay=0.99, patience=1)
    GradientDescent(decay=0.99, patience=1)

    References
    ----------
    Lopez-Paz & Sagun, Easing non-convex optimization with neural networks, 2018, §3.
    """

    decay: float = 0.9
    patience: int = 0

    def __post_init__(self) -> None:
        _check_plateau(self.decay, self.patience)

    def init(self, variables: Tensors) -> Tensors:
        return []

    def step(
        self, gradients: Tensors, memory: Tensors, rate: Tensor, iteration: Tensor
    ) -> tuple[Tensors, Tensors]:
        return [per_run(rate, g) * g for g in gradients], memory


@dataclasses.dataclass(frozen=True)
class Momentum:
    """v ← μ v + ∇, w ← w - α v (Polyak's heavy ball, as in PyTorch's SGD).

    Parameters
    ----------
    momentum : float, default 0.9
        μ, in [0, 1).
    decay, patience
        As in `GradientDescent`.

    Examples
    --------
    >>> Momentum(momentum=0.5).decay
    0.9

    References
    ----------
    Polyak, Some methods of speeding up the convergence of iteration methods, 1964.
    """

    momentum: float = 0.9
    decay: float = 0.9
    patience: int = 0

    def __post_init__(self) -> None:
        check_number("momentum", self.momentum, at_least=0.0, below=1.0)
        _check_plateau(self.decay, self.patience)

    def init(self, variables: Tensors) -> Tensors:
        return [ops.zeros_like(w) for w in variables]

    def step(
        self, gradients: Tensors, memory: Tensors, rate: Tensor, iteration: Tensor
    ) -> tuple[Tensors, Tensors]:
        velocity = [self.momentum * v + g for v, g in zip(memory, gradients, strict=True)]
        return [per_run(rate, v) * v for v in velocity], velocity


@dataclasses.dataclass(frozen=True)
class Adam:
    """Adam (Kingma & Ba 2015, Algorithm 1), its rate constant unless `decay` is below 1.

    Parameters
    ----------
    beta1, beta2 : float, default 0.9, 0.999
        Decay rates of the two moment estimates, in [0, 1).
    epsilon : float, default 1e-8
        Added to the root of the second moment.
    decay : float, default 1.0
        As in `GradientDescent`; 1 keeps the rate.
    patience : int, default 0
        As in `GradientDescent`.

    Examples
    --------
    >>> Adam(beta2=0.99).epsilon
    1e-08

    References
    ----------
    Kingma & Ba, Adam: a method for stochastic optimization, ICLR 2015.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    decay: float = 1.0
    patience: int = 0

    def __post_init__(self) -> None:
        check_number("beta1", self.beta1, at_least=0.0, below=1.0)
        check_number("beta2", self.beta2, at_least=0.0, below=1.0)
        check_number("epsilon", self.epsilon, above=0.0)
        _check_plateau(self.decay, self.patience)

    def init(self, variables: Tensors) -> Tensors:
        return [ops.zeros_like(w) for w in (*variables, *variables)]

    def step(
        self, gradients: Tensors, memory: Tensors, rate: Tensor, iteration: Tensor
    ) -> tuple[Tensors, Tensors]:
        half = len(gradients)
        t = ops.cast(iteration + 1, rate.dtype)
        first = [
            self.beta1 * m + (1 - self.beta1) * g
            for m, g in zip(memory[:half], gradients, strict=True)
        ]
        second = [
            self.beta2 * v + (1 - self.beta2) * g * g
            for v, g in zip(memory[half:], gradients, strict=True)
        ]
        rate = rate / (1.0 - ops.power(_like(self.beta1, rate), t))
        correction = 1.0 / (1.0 - ops.power(_like(self.beta2, rate), t))
        updates = [
            per_run(rate, m) * m / (ops.sqrt(v * correction) + self.epsilon)
            for m, v in zip(first, second, strict=True)
        ]
        return updates, first + second


DESCENTS = {"gd": GradientDescent, "momentum": Momentum, "adam": Adam}
