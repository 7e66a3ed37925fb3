"""Gradient descent (paper A, §3), and with momentum (Polyak 1964)."""

from __future__ import annotations

import dataclasses

from .._backend import Tensors, ops
from .._support.checks import check_number
from ._base import Descent, Seen, check_plateau, per_run


@dataclasses.dataclass(frozen=True)
class GradientDescent(Descent):
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
        check_plateau(self.decay, self.patience)

    def step(self, seen: Seen, memory: Tensors) -> tuple[Tensors, Tensors]:
        return [per_run(seen.rate, g) * g for g in seen.gradients], memory


@dataclasses.dataclass(frozen=True)
class Momentum(Descent):
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
        check_plateau(self.decay, self.patience)

    def init(self, variables: Tensors, outputs: int) -> Tensors:
        return [ops.zeros_like(w) for w in variables]

    def step(self, seen: Seen, memory: Tensors) -> tuple[Tensors, Tensors]:
        velocity = [self.momentum * v + g for v, g in zip(memory, seen.gradients, strict=True)]
        return [per_run(seen.rate, v) * v for v in velocity], velocity
