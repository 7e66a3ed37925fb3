"""What a search needs of the call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from .._domain import Box
from .._engine import Best, Limits, Log, Program, Recipe, Residuals, Where
from .._objective import Objective


class Context(Protocol):
    """The call, as a search sees it."""

    @property
    def objective(self) -> Objective: ...
    @property
    def box(self) -> Box: ...
    @property
    def u0(self) -> np.ndarray | None: ...  # the first start (d,), in unit coordinates
    @property
    def spread(self) -> float: ...  # the range of f over the box
    @property
    def limits(self) -> Limits: ...
    @property
    def options(self) -> Any: ...  # of the method
    @property
    def recipe(self) -> Recipe: ...  # of the homotopy runs
    @property
    def rng(self) -> np.random.Generator: ...
    @property
    def log(self) -> Log: ...
    @property
    def residuals(self) -> Residuals: ...
    @property
    def kept(self) -> dict[str, Any]: ...  # what was saved of the search
    @property
    def watched(self) -> bool: ...
    def begin(self, state: Callable[[], dict[str, Any]]) -> None: ...
    def program(self, recipe: Recipe) -> Program: ...
    def watch(self, best: Best, nit: int, where: Where | None = None) -> bool: ...
