"""Adam (Kingma & Ba 2015, Algorithm 1)."""

from __future__ import annotations

import dataclasses

from .._backend import Tensor, Tensors, ops
from .._support.checks import check_number
from ._base import Descent, Seen, check_plateau, per_run


@dataclasses.dataclass(frozen=True)
class Adam(Descent):
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
        check_plateau(self.decay, self.patience)

    def init(self, variables: Tensors, outputs: int) -> Tensors:
        return [ops.zeros_like(w) for w in (*variables, *variables)]

    def step(self, seen: Seen, memory: Tensors) -> tuple[Tensors, Tensors]:
        gradients, rate = seen.gradients, seen.rate
        half = len(gradients)
        t = ops.cast(seen.iteration + 1, rate.dtype)  # (runs,)
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
            per_run(rate, m) * m / (ops.sqrt(v * per_run(correction, v)) + self.epsilon)
            for m, v in zip(first, second, strict=True)
        ]
        return updates, first + second


def _like(value: float, tensor: Tensor) -> Tensor:
    """`value` in the tensor's type, with all its digits (ops.cast goes by way of float32)."""
    return ops.convert_to_tensor(value, dtype=tensor.dtype)
