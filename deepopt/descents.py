"""Descents: how a step is taken. Each is a small pure value: settings in, (init, step) out.

All tensors carry a leading axis of runs. What is descended is the *loss*: the mean over a run's
points of the objective scaled to [0, 1] over its domain, so that a rate means the same on any
function. The rate is multiplied by `decay` each time the loss has not improved for more than
`patience` iterations in a row.
"""

from __future__ import annotations

import abc
import dataclasses
import math
from typing import NamedTuple

from ._backend import Tensor, Tensors, ops
from ._checks import check_number


class Seen(NamedTuple):
    """What a descent is shown in an iteration."""

    variables: Tensors  # each (runs, ...)
    loss: Tensor  # (runs,) at these variables
    gradients: Tensors  # of the loss, each of its variable's shape
    rate: Tensor  # (runs,) the current rate
    iteration: Tensor  # () from 0


class Descent(abc.ABC):
    """The base of every descent: frozen, hashable values that override these.

    Attributes
    ----------
    decay : float
        Factor on the rate after each `patience` + 1 iterations without improvement.
    patience : int
    """

    decay: float = 1.0
    patience: int = 0

    def init(self, variables: Tensors) -> Tensors:
        """The descent's memory: tensors whose leading axis is the runs."""
        return []

    @abc.abstractmethod
    def step(self, seen: Seen, memory: Tensors) -> tuple[Tensors, Tensors]:
        """What to subtract from the variables, and the new memory."""


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
        _check_plateau(self.decay, self.patience)

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
        _check_plateau(self.decay, self.patience)

    def init(self, variables: Tensors) -> Tensors:
        return [ops.zeros_like(w) for w in variables]

    def step(self, seen: Seen, memory: Tensors) -> tuple[Tensors, Tensors]:
        velocity = [self.momentum * v + g for v, g in zip(memory, seen.gradients, strict=True)]
        return [per_run(seen.rate, v) * v for v in velocity], velocity


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
        _check_plateau(self.decay, self.patience)

    def init(self, variables: Tensors) -> Tensors:
        return [ops.zeros_like(w) for w in (*variables, *variables)]

    def step(self, seen: Seen, memory: Tensors) -> tuple[Tensors, Tensors]:
        gradients, rate = seen.gradients, seen.rate
        half = len(gradients)
        t = ops.cast(seen.iteration + 1, rate.dtype)
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


@dataclasses.dataclass(frozen=True)
class LBFGS(Descent):
    """Limited-memory BFGS, each run with a backtracking line search of its own.

    Every iteration tries one point per run: it is accepted by Armijo's condition and gives the
    next direction, or the step is shortened. All variables of a run form one vector. For losses
    without noise.

    Parameters
    ----------
    history : int, default 6
        Pairs of steps and gradient differences that are kept.
    longest : float, default 0.5
        Longest step of any variable.

    Notes
    -----
    The rate is the length of the first step, in the largest of its entries. The memory takes
    2 · history + 3 copies of the variables.

    Examples
    --------
    >>> LBFGS(history=10).longest
    0.5

    References
    ----------
    Nocedal & Wright, Numerical Optimization, 2006, algorithms 7.4 and 3.1.
    """

    history: int = 6
    longest: float = 0.5

    def __post_init__(self) -> None:
        check_number("history", self.history, at_least=1, whole=True)
        check_number("longest", self.longest, above=0.0)

    def init(self, variables: Tensors) -> Tensors:
        x = _vectors(variables)
        zero = ops.zeros_like(x)
        pairs = ops.stack([zero] * self.history, axis=1)  # (runs, history, P)
        number = zero[:, 0]
        # base, its loss, gradient, direction; step and slope along it; pairs, 1 / (s · y)
        return [
            x, ops.full_like(number, float("inf")), zero, zero,
            number, number, pairs, pairs, pairs[:, :, 0],
        ]  # fmt: skip

    def step(self, seen: Seen, memory: Tensors) -> tuple[Tensors, Tensors]:
        base, loss, gradient, direction, length, slope, s, y, rho = memory
        x, g = _vectors(seen.variables), _vectors(seen.gradients)
        first = ops.isinf(loss)
        enough = seen.loss <= loss + ARMIJO * length * slope
        accepted = ops.logical_or(first, enough)

        moved, turned = x - base, g - gradient
        curvature = _dot(moved, turned)
        least = CURVATURE * _dot(turned, turned)
        fits = ops.logical_and(accepted, ops.logical_and(curvature > least, seen.iteration > 0))
        fits = ops.logical_and(fits, ops.logical_not(first))
        s, y = _pushed(s, moved, fits), _pushed(y, turned, fits)
        reciprocal = 1.0 / ops.where(fits, curvature, 1.0)
        rho = _pushed(rho, reciprocal, fits)

        newton = -_two_loops(g, s, y, rho)
        largest = ops.max(ops.abs(g), axis=-1)
        steepest = -per_run(seen.rate / ops.where(largest > 0, largest, 1.0), g) * g
        downhill = ops.logical_and(_dot(newton, g) < 0, ops.any(rho > 0, axis=-1))
        new = ops.where(downhill[:, None], newton, steepest)
        longest = ops.max(ops.abs(new), axis=-1)
        new = new * (self.longest / ops.maximum(longest, self.longest))[:, None]

        bend = seen.loss - loss - length * slope
        parabola = -0.5 * length * slope / ops.where(bend > 0, bend, 1.0)
        finite = ops.isfinite(parabola)
        shorter = length * ops.minimum(ops.maximum(ops.where(finite, parabola, 0.1), 0.1), 0.5)

        base = ops.where(accepted[:, None], x, base)
        direction = ops.where(accepted[:, None], new, direction)
        length = ops.where(accepted, ops.ones_like(length), shorter)
        slope = ops.where(accepted, _dot(new, g), slope)
        loss = ops.where(accepted, seen.loss, loss)
        gradient = ops.where(accepted[:, None], g, gradient)
        updates = _split(x - (base + length[:, None] * direction), seen.variables)
        return updates, [base, loss, gradient, direction, length, slope, s, y, rho]


ARMIJO = 1e-4
CURVATURE = 1e-12  # least s · y / y · y of a pair that is kept


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return ops.sum(a * b, axis=-1)


def _vectors(variables: Tensors) -> Tensor:
    """All variables of each run as one vector (runs, P)."""
    flat = [ops.reshape(w, (w.shape[0], -1)) for w in variables]
    return flat[0] if len(flat) == 1 else ops.concatenate(flat, axis=-1)


def _split(vectors: Tensor, like: Tensors) -> Tensors:
    """The inverse of `_vectors`."""
    parts, at = [], 0
    for w in like:
        size = math.prod(w.shape[1:])
        parts.append(ops.reshape(vectors[:, at : at + size], w.shape))
        at += size
    return parts


def _pushed(kept: Tensor, new: Tensor, fits: Tensor) -> Tensor:
    """`kept` (runs, history, ...) with `new` as the last where it fits, the oldest dropped."""
    moved = ops.concatenate([kept[:, 1:], ops.expand_dims(new, 1)], axis=1)
    return ops.where(per_run(fits, kept), moved, kept)


def _two_loops(g: Tensor, s: Tensor, y: Tensor, rho: Tensor) -> Tensor:
    """The inverse Hessian's approximation times g (runs, P); a pair with ρ = 0 does not count."""
    q, alphas = g, []
    history = s.shape[1]
    for i in reversed(range(history)):
        alpha = rho[:, i] * _dot(s[:, i], q)
        q = q - alpha[:, None] * y[:, i]
        alphas.append(alpha)
    last = _dot(y[:, -1], y[:, -1])
    scale = ops.where(
        rho[:, -1] > 0, _dot(s[:, -1], y[:, -1]) / ops.where(last > 0, last, 1.0), 1.0
    )
    q = scale[:, None] * q
    for i in range(history):
        beta = rho[:, i] * _dot(y[:, i], q)
        q = q + (alphas[history - 1 - i] - beta)[:, None] * s[:, i]
    return q


DESCENTS = {"gd": GradientDescent, "momentum": Momentum, "adam": Adam, "lbfgs": LBFGS}
