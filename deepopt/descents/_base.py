"""What every descent is: settings in, (init, step) out."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .._backend import Tensor, Tensors, ops
from .._support.checks import check_number


class Seen(NamedTuple):
    """What a descent is shown in an iteration."""

    variables: Tensors  # each (runs, ...)
    loss: Tensor  # (runs,) at these variables
    gradients: Tensors  # of the loss, each of its variable's shape
    rate: Tensor  # (runs,) the current rate
    iteration: Tensor  # (runs,) from 0
    residuals: Tensor | None = None  # (runs, n, m) of each of the n points
    jacobian: Callable[[Tensor], Tensor] | None = None  # variables (runs, n, k) -> (runs, n, m, k)
    edges: tuple[Tensor, Tensor] | None = None  # lowest and highest variables that are allowed
    live: Tensor | None = None  # (runs,) bool: those that are not done


class Descent(abc.ABC):
    """The base of every descent: frozen, hashable values that override these.

    Attributes
    ----------
    decay : float
        Factor on the rate after each `patience` + 1 iterations without improvement.
    patience : int
    needs_jacobian : bool
        Whether it descends residuals by their Jacobian, each point by itself, or else the loss by
        its gradients.
    period : int
        Iterations from one true Jacobian to the next.
    """

    decay: float = 1.0
    patience: int = 0
    needs_jacobian: bool = False
    period: int = 1

    def init(self, variables: Tensors, outputs: int) -> Tensors:
        """The descent's memory: tensors whose leading axis is the runs.

        `outputs` is the number m of residuals, where it needs them.
        """
        return []

    @abc.abstractmethod
    def step(self, seen: Seen, memory: Tensors) -> tuple[Tensors, Tensors]:
        """What to subtract from the variables, and the new memory."""

    def forward_passes(self, iterations: np.ndarray, k: int) -> np.ndarray:
        """What so many iterations from the first cost; a gradient as much as two passes."""
        return 2 * iterations


def per_run(values: Tensor, like: Tensor) -> Tensor:
    """`values` (runs,) shaped to broadcast against `like` (runs, ...)."""
    return ops.reshape(values, (-1,) + (1,) * (len(like.shape) - 1))


def check_plateau(decay: float, patience: int) -> None:
    check_number("decay", decay, above=0.0, at_most=1.0)
    check_number("patience", patience, at_least=0, whole=True)


def dot(a: Tensor, b: Tensor) -> Tensor:
    return ops.sum(a * b, axis=-1)
