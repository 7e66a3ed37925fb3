"""What a search needs of the call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from ._box import Box
from ._drive import Best, Limits, Log, Where
from ._loop import Program
from ._methods import Recipe
from ._objective import Objective
from ._residuals import Residuals


class Parts(Protocol):
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
