"""Trials of `invert`, on a set of targets."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._invert import METHODS, InvertOptions, invert, read_options
from .._support.checks import check_choice
from .._support.saving import told
from ..generators.sources import open_checkpoints
from .trial import Task, Watch, label_of

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult


class Inverting(Task):
    """`deepopt.invert` on a set of targets."""

    def __init__(
        self, f: Any, method: Any, metric: Any, target: Any, options: Mapping[str, Any],
        given: Mapping[str, Any],
    ) -> None:  # fmt: skip
        super().__init__(metric, target, options)
        for name in given:
            if name not in ("y", "operator", "model"):
                raise TypeError(f"tune got an argument that invert does not take: {name!r}")
        self.method = (method or "direct").lower() if isinstance(method, str | None) else method
        check_choice("method", self.method, METHODS)
        self.options_kind, self.label = InvertOptions, label_of(f)
        read_options(dict(self._options), self.method)
        self._given = dict(given)
        self._source = open_checkpoints(f, self._given.pop("model", None))
        self._y = self._given.pop("y")

    @property
    def subjects(self) -> Sequence[Any]:
        return [self._y]

    @property
    def _function(self) -> str:
        return told((self.label, np.asarray(self._y)))

    def run(
        self, subject: Any, options: Mapping[str, Any], seed: int, watch: Watch
    ) -> OptimizeResult:
        def look(intermediate_result: Any) -> None:
            watch(intermediate_result.fun, {})

        begun = time.perf_counter()
        result = invert(
            self._source, subject, self.method, options=options, rng=seed, callback=look,
            **self._given,
        )  # fmt: skip
        result.seconds = time.perf_counter() - begun
        return result

    def fun(self, subject: Any, value: Any) -> float:
        """The mean of f over the targets, each as a part of ½ ‖y‖²."""
        f = np.atleast_1d(np.asarray(value, dtype=float))
        lengths = 0.5 * np.sum(np.reshape(subject, (len(f), -1)) ** 2.0, axis=1)
        return float(np.mean(f / np.where(lengths > 0, lengths, 1.0)))

    def reached(self, subject: Any, result: OptimizeResult) -> float | None:
        there = result.found if self._target is None else result.fun <= self._target
        return float(result.seconds) if np.all(there) else None
