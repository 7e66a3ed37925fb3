"""Paces: how the progress t of a schedule advances."""

from __future__ import annotations

import dataclasses
from typing import Protocol, runtime_checkable

from .._backend import Tensor, Tensors, ops
from .._support.checks import check_number


@runtime_checkable
class Pace(Protocol):
    """How t advances; any frozen, hashable object with these will do."""

    def init(self, t: Tensor) -> Tensors:
        """Its memory, tensors (runs,), where the progress is t (runs,)."""

    def advance(
        self, t: Tensor, memory: Tensors, loss: Tensor, steady: Tensor
    ) -> tuple[Tensor, Tensors]:
        """The next t and memory after an iteration.

        `loss` (runs,) is the mean of f_t over the points, on the scale of [0, 1]; `steady` (runs,)
        is where t would be if it advanced with the iterations.
        """


@dataclasses.dataclass(frozen=True)
class Steady:
    """t advances with the iterations.

    Examples
    --------
    >>> Steady()
    Steady()
    """

    def init(self, t: Tensor) -> Tensors:
        return []

    def advance(
        self, t: Tensor, memory: Tensors, loss: Tensor, steady: Tensor
    ) -> tuple[Tensor, Tensors]:
        return steady, memory


@dataclasses.dataclass(frozen=True)
class Adaptive:
    """Stages: t stays until progress on f_t stops, then takes a step of adapted length.

    A predictor-corrector rule. Progress is that of a running mean of f_t. If the value jumps by
    more than `jump` as t steps, the next step is half as long, else half as long again. The last
    stage is f itself. t is never behind the iterations, so that it arrives in time.

    Parameters
    ----------
    step : float, default 0.02
        First step in t, and the longest is ten times it.
    patience : int, default 10
        Iterations without progress that end a stage.
    tolerance : float, default 1e-4
        What counts as progress, as a part of f's range.
    jump : float, default 0.01
        How far the value may jump at a step, as a part of f's range.

    Examples
    --------
    >>> from deepopt import GaussianSmoothing
    >>> GaussianSmoothing(pace=Adaptive(patience=20)).pace.patience
    20

    References
    ----------
    Allgower & Georg, Numerical Continuation Methods, 1990, chapter 6.
    """

    step: float = 0.02
    patience: int = 10
    tolerance: float = 1e-4
    jump: float = 0.01

    def __post_init__(self) -> None:
        check_number("step", self.step, above=0.0, at_most=1.0)
        check_number("patience", self.patience, at_least=1, whole=True)
        check_number("tolerance", self.tolerance, above=0.0)
        check_number("jump", self.jump, above=0.0)

    def init(self, t: Tensor) -> Tensors:
        infinite = ops.full_like(t, float("inf"))
        zeros = ops.zeros_like(t)
        # step, running mean, its lowest in this stage, iterations since, of this stage
        return [zeros + self.step, infinite, infinite, zeros, zeros]

    def advance(
        self, t: Tensor, memory: Tensors, loss: Tensor, steady: Tensor
    ) -> tuple[Tensor, Tensors]:
        step, mean, lowest, since, age = memory
        first = age == 0
        known = ops.isfinite(mean)
        jumped = ops.logical_and(known, ops.abs(loss - ops.where(known, mean, loss)) > self.jump)
        longer = ops.minimum(1.5 * step, 10.0 * self.step)
        step = ops.where(first, ops.where(jumped, 0.5 * step, longer), step)
        mean = ops.where(first, loss, 0.9 * ops.where(known, mean, loss) + 0.1 * loss)
        improved = mean < lowest - self.tolerance
        lowest = ops.where(improved, mean, lowest)
        since = ops.where(improved, ops.zeros_like(since), since + 1.0)
        over = since >= self.patience
        at = ops.minimum(ops.maximum(ops.where(over, t + step, t), steady), 1.0)
        return at, [
            step,
            mean,
            ops.where(over, ops.full_like(lowest, float("inf")), lowest),
            ops.where(over, ops.zeros_like(since), since),
            ops.where(over, ops.zeros_like(age), age + 1.0),
        ]
