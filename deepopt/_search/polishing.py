"""The last stage on the host: SciPy's L-BFGS-B in float64 from the best point."""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np

from .._domain import Box
from .._objective import Objective, OutOfTimeError
from .._support.results import Status
from .._support.threads import one_thread
from .minima import Met, Place

ITERATIONS = 3000
GRADIENT = 1e-11  # tolerance on the projected gradient, in unit coordinates and of f's range
NEARLY = 1e-6  # … that still counts where rounding ends the search


NOISE = 1e-14  # relative gain below which differences tell nothing


class Polished(NamedTuple):
    """The result of a polish."""

    u: np.ndarray  # (d,) the lowest point that it met, in unit coordinates
    f: float  # the value there; infinite where none was finite
    gradient: np.ndarray | None  # of f at the objective's best point, where that is known
    status: Status  # why it ended
    first: float  # the value at the start


class _LimitReached(Exception):  # noqa: N818
    """A limit was reached; carries the status."""


class _Recognised(Exception):  # noqa: N818
    """The search goes to a minimum that is known; carries its place."""


def polish(
    objective: Objective, box: Box, x: np.ndarray, spread: float, maxfev: int, deadline: float,
    met: Met | None = None, by_default: bool = False,
) -> Polished:  # fmt: skip
    """Descend by L-BFGS-B from x (d,); the objective notes the lowest point on the way.

    The search is in unit coordinates and on f divided by `spread`, its range, so that the
    tolerance means the same on any scale.

    Stops early at `maxfev` points of the objective or at `deadline`, a time.perf_counter(), and,
    where `met` is given, once two values in a row say that it goes to a minimum that is known.
    `by_default`: in the user's coordinates, on f itself, with SciPy's own settings.
    """
    from scipy.optimize import Bounds, minimize

    gradients: dict[bytes, np.ndarray] = {}
    lowest, at = np.inf, box.to_unit(x)
    first = np.nan
    before: Place | None = None

    def evaluate(u: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal lowest, at, before, first
        if objective.nfev + objective.points_per_gradient > maxfev:
            raise _LimitReached(Status.MAXFEV)
        if time.perf_counter() > deadline:
            raise _LimitReached(Status.MAXTIME)
        point = box.clip(u) if by_default else box.from_unit(u)
        f, gradient = objective.values_and_gradients(point[None])
        value, slope = float(f[0]), gradient[0] * (1.0 if by_default else box.width / spread)
        slope = np.where(np.isfinite(slope), slope, 0.0)
        first = value if np.isnan(first) else first
        if not np.isfinite(value):
            return np.inf, np.zeros_like(slope)
        if value < lowest:
            lowest, at = value, box.to_unit(point) if by_default else u.copy()
        if value <= objective.best_f:
            gradients.clear()
            gradients[point.tobytes()] = gradient[0]
        if met is not None:
            place = met.recognised(u, value, slope * spread)
            there = met.arrived(u, value, first)
            if there is not None or (place is not None and place is before):
                raise _Recognised(there or place)
            before = place
        return value / spread, slope

    lower = np.where(box.closed | box.half, 0.0, -np.inf)
    bounds = Bounds(lower, np.where(box.closed, 1.0, np.inf))
    ftol = 0.0 if objective.points_per_gradient == 1 else NOISE
    settings = {"maxiter": ITERATIONS, "maxfun": 10**9, "ftol": ftol, "gtol": GRADIENT, "maxls": 50}
    start = np.clip(box.to_unit(x), bounds.lb, bounds.ub)
    if by_default:
        bounds, settings, start = Bounds(box.lower, box.upper), {}, x
    try:
        with one_thread():
            found = minimize(
                evaluate, start, jac=True, bounds=bounds, method="L-BFGS-B", options=settings
            )
        status = _read(found.status, found.x, np.asarray(found.jac), bounds)
    except _LimitReached as stop:
        status = stop.args[0]
    except _Recognised as known:
        at, lowest, _ = known.args[0]
        status = Status.CONVERGED
    except OutOfTimeError:
        status = Status.MAXTIME
    except KeyboardInterrupt:
        status = Status.INTERRUPTED
    best = objective.best_x
    gradient = None if best is None else gradients.get(best.tobytes())
    return Polished(at, lowest, gradient, status, first)


def _read(status: int, u: np.ndarray, slope: np.ndarray, bounds: object) -> Status:
    """SciPy's status 0 and, where only rounding stopped the line search, 2 as converged."""
    blocked = ((u <= bounds.lb) & (slope > 0)) | ((u >= bounds.ub) & (slope < 0))  # type: ignore[attr-defined]
    small = np.abs(np.where(blocked, 0.0, slope)).max(initial=0.0) < NEARLY
    return Status.CONVERGED if status == 0 or (status == 2 and small) else Status.MAXITER
