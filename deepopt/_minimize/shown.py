"""What the user sees of a call while it runs: the callback, and the line of progress."""

from __future__ import annotations

import numpy as np

from .._engine import Best, Where
from .._objective import Objective
from .._support.progress import Line
from .asked import Asked


class Shown:
    """Shows the best point so far.

    Attributes
    ----------
    last : Best
        What was shown last.
    """

    def __init__(self, asked: Asked, objective: Objective, line: Line) -> None:
        self._asked, self._objective, self._line = asked, objective, line
        self.last = Best(np.empty(0), np.inf, 0)

    def watch(self, best: Best, nit: int, where: Where | None = None) -> bool:
        """Show `best`, or a better point, and `where` points stand; whether to stop."""
        objective, box, callback = self._objective, self._asked.box, self._asked.callback
        if objective.best_x is not None and objective.best_f < best.fun:
            best = best._replace(x=objective.best_x, fun=objective.best_f)
        if not np.isfinite(best.fun):
            return False
        self.last = best
        x = box.clip(best.x)
        self._line.see(f"best {best.fun:.6g}", objective.nfev, nit)
        if callback is None:
            return False
        points = (lambda: x[None]) if where is None else (lambda: box.clip(where()))
        with np.errstate(**self._asked.errstate):
            return callback(x, best.fun, nit, objective.nfev, points)
