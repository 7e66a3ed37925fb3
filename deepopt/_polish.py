"""The last stage on the host: SciPy's L-BFGS-B in float64 from the best point."""

from __future__ import annotations

import time

import numpy as np

from ._box import Box
from ._loop import NEVER
from ._objective import Objective
from ._result import Status


class _LimitReached(Exception):  # noqa: N818
    """A limit was reached; carries the status."""


def polish(
    objective: Objective, box: Box, x: np.ndarray, fun: float, maxfev: int, deadline: float
) -> tuple[np.ndarray, float, np.ndarray | None, Status]:
    """The lowest point met by L-BFGS-B from x (d,), f and its gradient there, and why it ended."""
    from scipy.optimize import Bounds, minimize

    best: tuple[np.ndarray, float, np.ndarray | None] = (x, fun, None)

    def evaluate(point: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal best
        if objective.nfev + objective.points_per_gradient > maxfev:
            raise _LimitReached(Status.MAXFEV)
        if time.perf_counter() > deadline:
            raise _LimitReached(Status.MAXTIME)
        inside = box.clip(point)
        f, gradient = objective.values_and_gradients(inside[None])
        value, slope = float(f[0]), gradient[0]
        if not np.isfinite(value):
            return np.inf, np.zeros_like(slope)
        if value < best[1] or (value == best[1] and best[2] is None):
            best = (inside, value, slope)
        return value, np.where(np.isfinite(slope), slope, 0.0)

    bounds = Bounds(box.lower, box.upper)
    settings = {"maxiter": 15_000, "maxfun": NEVER, "ftol": 1e-15, "gtol": 1e-10, "maxls": 50}
    try:
        minimize(evaluate, x, jac=True, bounds=bounds, method="L-BFGS-B", options=settings)
        status = Status.CONVERGED
    except _LimitReached as stop:
        status = stop.args[0]
    except KeyboardInterrupt:
        status = Status.INTERRUPTED
    return *best, status
