"""Levenberg-Marquardt (Madsen, Nielsen & Tingleff 2004, algorithms 3.16 and 3.31)."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from .._backend import Tensor, Tensors, ops
from .._support.checks import check_number
from ._base import Descent, Seen, dot, per_run

LEAST_DAMPING, MOST_DAMPING, TINY = 1e-10, 1e30, 1e-30
FARTHER = 100.0  # times the growth of λ where a trial has no value


@dataclasses.dataclass(frozen=True)
class LevenbergMarquardt(Descent):
    """Gauss-Newton steps on the residuals, damped until they lower f; every point by itself.

    w ← w - (JᵀJ + λ I)⁻¹ Jᵀ r. Every iteration evaluates the residuals r at one trial point, which
    is accepted if f = ½ ‖r‖² is lower there. λ follows the ratio of what f gained to what the
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
        promised = -dot(step, gradient + 0.5 * _times(normal, step))
        return tuple(ops.cast(tensor, base.dtype) for tensor in (step, size, promised))


def _times(matrix: Tensor, vector: Tensor) -> Tensor:
    """matrix (..., m, k) times vector (..., k)."""
    return ops.matmul(matrix, vector[..., None])[..., 0]


def _finite(tensor: Tensor) -> Tensor:
    return ops.where(ops.isfinite(tensor), tensor, ops.zeros_like(tensor))
