"""L-BFGS (Nocedal & Wright 2006, algorithms 7.4 and 3.1)."""

from __future__ import annotations

import dataclasses
import math

from .._backend import Tensor, Tensors, ops
from .._support.checks import check_number
from ._base import Descent, Seen, dot, per_run

ARMIJO = 1e-4
CURVATURE = 1e-12  # least s · y / y · y of a pair that is kept


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
        curvature = dot(moved, turned)
        least = CURVATURE * dot(turned, turned)
        fits = ops.logical_and(accepted, ops.logical_and(curvature > least, seen.iteration > 0))
        fits = ops.logical_and(fits, ops.logical_not(first))
        s, y = _pushed(s, moved, fits), _pushed(y, turned, fits)
        reciprocal = 1.0 / ops.where(fits, curvature, 1.0)
        rho = _pushed(rho, reciprocal, fits)

        newton = -_two_loops(g, s, y, rho)
        largest = ops.max(ops.abs(g), axis=-1)
        steepest = -per_run(seen.rate / ops.where(largest > 0, largest, 1.0), g) * g
        downhill = ops.logical_and(dot(newton, g) < 0, ops.any(rho > 0, axis=-1))
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
        slope = ops.where(accepted, dot(new, g), slope)
        loss = ops.where(accepted, seen.loss, loss)
        gradient = ops.where(accepted[:, None], g, gradient)
        updates = _split(x - (base + length[:, None] * direction), seen.variables)
        return updates, [base, loss, gradient, direction, length, slope, s, y, rho]


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
        alpha = rho[:, i] * dot(s[:, i], q)
        q = q - alpha[:, None] * y[:, i]
        alphas.append(alpha)
    last = dot(y[:, -1], y[:, -1])
    scale = ops.where(rho[:, -1] > 0, dot(s[:, -1], y[:, -1]) / ops.where(last > 0, last, 1.0), 1.0)
    q = scale[:, None] * q
    for i in range(history):
        beta = rho[:, i] * dot(y[:, i], q)
        q = q + (alphas[history - 1 - i] - beta)[:, None] * s[:, i]
    return q
