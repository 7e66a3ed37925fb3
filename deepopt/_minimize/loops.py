"""The compiled loops of a call: those of former calls where their content is the same."""

from __future__ import annotations

from collections.abc import Hashable

from .._domain import Box
from .._engine import Options, Program, Recipe, Residuals, easier_in_the_loop
from .._objective import Objective, fingerprint
from ..schedules import Eased


class Loops:
    """Loops by recipe, for one function, box and precision."""

    def __init__(
        self, objective: Objective, box: Box, options: Options, residuals: Residuals
    ) -> None:
        self._objective, self._box, self._options = objective, box, options
        self._tangents = residuals.tangents
        self._programs: dict[Recipe, tuple[Hashable, Program]] = {}  # of this call, each with a key

    def program(self, recipe: Recipe) -> Program:
        """The compiled loop for this structure: the one that is there, else a new one."""
        if recipe not in self._programs:
            key = self._content(recipe)
            self._programs[recipe] = key, self._bound(recipe, self._objective.loops.get(key))
        return self._programs[recipe][1]

    def _bound(self, recipe: Recipe, found: Program | None) -> Program:
        """A program of the objects of this call, made anew where none is found."""
        traced, easy = self._objective.traced, None
        if traced is not None and isinstance(recipe.schedule, Eased):
            easy = easier_in_the_loop(recipe.schedule, self._box, self._options.dtype)
        if found is not None:
            found.bind(recipe, easy)
            return found
        if traced is None:
            return Program(recipe, None, None, xla=True)
        slopes, residuals = traced.slopes, traced.residuals
        return Program(
            recipe, lambda x, _: slopes(x), easy, xla=True,
            residuals=lambda x, _: residuals(x), tangents=self._tangents,
        )  # fmt: skip

    def _content(self, recipe: Recipe) -> Hashable:
        """What two calls share only if their programs do the same with f; None if nobody knows."""
        found, options = fingerprint(recipe), self._options
        if found is None:
            return None
        return found, options.dtype, options.precision, bool(self._box.closed.all())

    def keep(self) -> None:
        """For calls to come, unless what they were made from has changed meanwhile."""
        self._objective.keep()
        for recipe, (key, program) in self._programs.items():
            self._objective.loops.keep(key, program, now=self._content(recipe))
