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
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ._backend import Tensor, Tensors, ops
from ._checks import check_number


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
    """

    decay: float = 1.0
    patience: int = 0
    needs_jacobian: bool = False

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

    def init(self, variables: Tensors, outputs: int) -> Tensors:
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

    def init(self, variables: Tensors, outputs: int) -> Tensors:
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


@dataclasses.dataclass(frozen=True)
class LevenbergMarquardt(Descent):
    """Gauss-Newton steps on the residuals, damped until they lower f; every point by itself.

    w ← w - (JᵀJ + λ I)⁻¹ Jᵀ r. Every iteration evaluates the residuals r at one trial point, which
    is accepted if f = ½ |r|² is lower there. λ follows the ratio of what f gained to what the
    linear model promised. Between two true Jacobians, each of which takes k forward passes, J
    follows the residuals by Broyden's update. Variables at an edge that the step would leave are
    held (an active set).

    Parameters
    ----------
    period : int, default 1
        Iterations from one true Jacobian to the next.
    damping : float, default 1e-3
        First λ, as a part of the largest entry on the diagonal of JᵀJ.
    longest : float, default 1.0
        Longest step, as a part of √k.

    Notes
    -----
    For the objectives of `deepopt.invert`, and functions with a method `residuals`. The rate is not
    used. An iteration costs one forward pass, and k more where the Jacobian is computed. The
    memory takes m (k + 1) numbers per point.

    Examples
    --------
    >>> LevenbergMarquardt(period=4).damping
    0.001

    References
    ----------
    Madsen, Nielsen & Tingleff, Methods for non-linear least squares problems, 2004, algorithms
    3.16 and 3.31.
    """

    period: int = 1
    damping: float = 1e-3
    longest: float = 1.0
    needs_jacobian = True

    def __post_init__(self) -> None:
        check_number("period", self.period, at_least=1, whole=True)
        check_number("damping", self.damping, above=0.0)
        check_number("longest", self.longest, above=0.0)

    def init(self, variables: Tensors, outputs: int) -> Tensors:
        (w,) = variables
        number = ops.zeros_like(w[..., 0])
        residual = ops.stack([number] * outputs, axis=-1)
        matrix = ops.expand_dims(residual, -1) * ops.expand_dims(w, -2) * 0.0
        # base, residuals and f there, J, λ, its growth when a step fails, what the model promised
        infinite = ops.full_like(number, float("inf"))
        return [w, residual, infinite, matrix, number, number + 2.0, number]

    def step(self, seen: Seen, memory: Tensors) -> tuple[Tensors, Tensors]:
        base, residual, f, matrix, damping, growth, promised = memory
        (w,), r, slopes = seen.variables, seen.residuals, seen.jacobian
        assert r is not None
        assert slopes is not None
        new = 0.5 * ops.sum(r * r, axis=-1)
        new = ops.where(ops.isfinite(new), new, float("inf"))
        first = ops.isinf(f)
        accepted = ops.logical_or(first, new < f)

        moved = w - base
        length = ops.sum(moved * moved, axis=-1)
        known = ops.logical_and(ops.isfinite(new), ops.logical_and(length > 0, ops.isfinite(f)))
        missed = r - residual - _times(matrix, moved)
        missed = missed / ops.where(known, length, 1.0)[..., None]
        broyden = matrix + ops.expand_dims(missed, -1) * ops.expand_dims(moved, -2)
        matrix = ops.where(known[..., None, None], broyden, matrix)

        gain = (f - new) / ops.where(promised > 0, promised, 1.0)
        easier = ops.maximum(1.0 / 3.0, 1.0 - (2.0 * gain - 1.0) ** 3)
        harder = ops.where(ops.isfinite(new), growth, FARTHER * growth)
        damping = damping * ops.where(accepted, ops.where(first, 1.0, easier), harder)
        growth = ops.where(accepted, ops.full_like(growth, 2.0), ops.minimum(2.0 * growth, 1e6))
        base = ops.where(accepted[..., None], w, base)
        residual = ops.where(accepted[..., None], r, residual)
        f = ops.where(accepted, new, f)

        fresh = ops.equal(ops.mod(seen.iteration, self.period), 0)
        if seen.live is not None:
            fresh = ops.logical_and(fresh, seen.live)
        matrix = ops.cond(
            ops.any(fresh),
            lambda: ops.where(per_run(fresh, matrix), _finite(slopes(base)), matrix),
            lambda: matrix,
        )
        step, damping, promised = self._solve(base, residual, matrix, damping, seen.edges)
        return [w - (base + step)], [base, residual, f, matrix, damping, growth, promised]

    def forward_passes(self, iterations: np.ndarray, k: int) -> np.ndarray:
        jacobians = np.ceil(iterations / self.period).astype(int)
        return np.asarray(iterations + k * jacobians)

    def _solve(
        self, base: Tensor, residual: Tensor, matrix: Tensor, damping: Tensor, edges: tuple | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The damped step (R, n, k), λ (R, n) and what the linear model promises (R, n).

        In float64: JᵀJ squares the condition of J.
        """
        jac, r = (ops.cast(tensor, "float64") for tensor in (matrix, _finite(residual)))
        transposed = ops.swapaxes(jac, -1, -2)
        normal, gradient = ops.matmul(transposed, jac), _times(transposed, r)
        sound = ops.all(ops.isfinite(normal), axis=(-2, -1))
        normal = ops.where(sound[..., None, None], normal, 0.0)
        gradient = ops.where(sound[..., None], gradient, 0.0)
        largest = ops.max(ops.diagonal(normal, axis1=-2, axis2=-1), axis=-1)
        size = ops.cast(damping, "float64")
        size = ops.where(size > 0, size, self.damping * largest)
        size = ops.maximum(size, LEAST_DAMPING * largest + TINY)
        size = ops.minimum(size, MOST_DAMPING * (largest + TINY))

        free = ops.ones_like(gradient)
        if edges is not None:
            at = ops.cast(base, "float64")
            rounded = (ops.cast(edge, base.dtype) for edge in edges)  # as the variables are
            lowest, highest = (ops.cast(edge, "float64") for edge in rounded)
            low = ops.logical_and(at <= lowest, gradient > 0)
            high = ops.logical_and(at >= highest, gradient < 0)
            free = ops.where(ops.logical_or(low, high), 0.0 * free, free)
        k = base.shape[-1]
        identity = ops.eye(k, dtype="float64")
        damped = (
            normal * free[..., :, None] * free[..., None, :]
            + identity * (1.0 - free + size[..., None])[..., None, :]
        )
        root = ops.linalg.cholesky(damped)
        inner = ops.linalg.solve_triangular(root, (free * gradient)[..., None], lower=True)
        step = -ops.linalg.solve_triangular(ops.swapaxes(root, -1, -2), inner, lower=False)[..., 0]
        length = ops.sqrt(ops.sum(step * step, axis=-1, keepdims=True))
        cap = self.longest * math.sqrt(k)
        step = step * (cap / ops.maximum(length, cap))
        if edges is not None:
            step = ops.minimum(ops.maximum(at + step, lowest), highest) - at
        promised = -_dot(step, gradient + 0.5 * _times(normal, step))
        return tuple(ops.cast(tensor, base.dtype) for tensor in (step, size, promised))


LEAST_DAMPING, MOST_DAMPING, TINY = 1e-10, 1e30, 1e-30
FARTHER = 100.0  # times the growth of λ where a trial has no value


def _times(matrix: Tensor, vector: Tensor) -> Tensor:
    """matrix (..., m, k) times vector (..., k)."""
    return ops.matmul(matrix, vector[..., None])[..., 0]


def _finite(tensor: Tensor) -> Tensor:
    return ops.where(ops.isfinite(tensor), tensor, ops.zeros_like(tensor))


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


DESCENTS = {
    "gd": GradientDescent,
    "momentum": Momentum,
    "adam": Adam,
    "lbfgs": LBFGS,
    "lm": LevenbergMarquardt,
}
