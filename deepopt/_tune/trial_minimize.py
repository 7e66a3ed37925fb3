"""Trials of `minimize`, on one function or several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._minimize import find, minimize, read_options
from .._support.checks import shown
from .._support.saving import told
from ..problems import Problem
from .trial import LIMITS, Task, Watch, label_of

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult

BUDGET = {"maxfev": 50_000}  # of a run of `minimize`, where the user sets none
NEAR = 1e-8  # above a known minimum


class Minimising(Task):
    """`deepopt.minimize` on one function or several."""

    def __init__(
        self, f: Any, method: Any, metric: Any, target: Any, options: Mapping[str, Any],
        given: Mapping[str, Any],
    ) -> None:  # fmt: skip
        super().__init__(metric, target, options)
        self._subjects = list(f) if isinstance(f, list | tuple) else [f]
        if not self._subjects:
            raise ValueError("f must hold at least one function, got an empty list")
        for one in self._subjects:
            if not callable(one):
                raise TypeError(f"f must be callable, got {type(one).__name__}")
        for name in given:
            if name not in ("x0", "args", "jac", "bounds", "scale"):
                raise TypeError(f"tune got an argument that minimize does not take: {name!r}")
        if not isinstance(method, str | None):
            raise TypeError(f"method must be the name of one, got {shown(method)}")
        self.method = (method or "homotopy").lower()
        self.options_kind = find(self.method).options
        self.label = " ".join(label_of(one) for one in self._subjects)
        self._given = dict(given)
        if all(options.get(name) is None for name in LIMITS):
            self._options |= BUDGET
        read_options(self.options_kind, self._options)
        if metric in ("time", "both"):
            for one in self._subjects:
                if self._aim(one) is None:
                    raise ValueError(
                        f"target is missing; metric {metric!r} needs it where no minimum is known"
                    )

    @property
    def subjects(self) -> Sequence[Any]:
        return self._subjects

    @property
    def only_traced(self) -> tuple[str, ...]:
        return find(self.method).options.only_traced()

    @property
    def _function(self) -> str:
        return told([_function_of(one) for one in self._subjects])

    def _range(self, f: Any) -> tuple[float, float] | None:
        """The lowest and the highest value of a problem that knows them."""
        known = f.value_range if isinstance(f, Problem) else None
        return None if known is None else (float(known[0]), float(known[1]))

    def _aim(self, f: Any) -> float | None:
        if self._target is not None:
            return float(self._target)
        if not isinstance(f, Problem) or f.fmin is None:
            return None
        return float(f.fmin) + NEAR

    def run(
        self, subject: Any, options: Mapping[str, Any], seed: int, watch: Watch
    ) -> OptimizeResult:
        aim = self._aim(subject) if self.metric_name == "time" else None

        def look(intermediate_result: Any) -> None:
            now = intermediate_result
            watch(now.fun, {"maxfev": now.nfev, "maxiter": now.nit})
            if aim is not None and now.fun <= aim:
                raise StopIteration

        return minimize(
            subject, method=self.method, options=options, rng=seed, callback=look, **self._given
        )

    def fun(self, subject: Any, value: Any) -> float:
        known = self._range(subject) if len(self._subjects) > 1 else None
        if known is None:
            return float(value)
        low, high = known
        return (float(value) - low) / (high - low)

    def reached(self, subject: Any, result: OptimizeResult) -> float | None:
        aim = self._aim(subject)
        if aim is None or not result.fun <= aim:
            return None
        hits = np.flatnonzero(result.history["fun"] <= aim)
        return float(result.history["time"][hits[0] if len(hits) else -1])


def _function_of(f: Any) -> str:
    """What tells functions apart: a problem's value at some point; of a lambda its code."""
    if isinstance(f, Problem):
        point = np.random.default_rng(0).uniform(f.low, f.high, f.dim)
        return f"{f!r} {float(f(point)):.6g}"
    code = getattr(f, "__code__", None)
    if code is not None and f.__name__ == "<lambda>":
        return told((code.co_code, code.co_consts))
    return str(getattr(f, "__name__", told(f)))
