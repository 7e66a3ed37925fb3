"""What a search needs of the call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from .._domain import Box
from .._engine import Best, Limits, Log, Program, Recipe, Residuals, Where
from .._objective import Objective


class Context(Protocol):
    """The call, as a search sees it."""

    objective: Objective
    box: Box
    spread: float
    limits: Limits
    log: Log
    residuals: Residuals
    kept: dict[str, Any]  # what was saved of the search

    def begin(self, state: Callable[[], dict[str, Any]]) -> None: ...
    @property
    def watched(self) -> bool: ...
    def program(self, recipe: Recipe) -> Program: ...
    def watch(self, best: Best, nit: int, where: Where | None = None) -> bool: ...
