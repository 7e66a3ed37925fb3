"""What is compiled for a generator: that of former calls where their content is the same."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

from .._backend import Compiled, Tensor, Tensors, on_accelerator, tangents_flow, to_tensor
from .._backend import name as backend
from .._engine import Program, Recipe
from .._objective import Generator, Kept, fingerprint
from ..reparametrizations import Latent
from .asked import Asked
from .generator_checks import check_generator

KEPT = 8  # generators whose programs are kept


class Programs:
    """What is compiled for a generator, a measurement and a recipe.

    Without `tangents` Jacobians are differences. `sure` is whether a value can prove anything: the
    generator gives the same numbers again, and does not round them to half precision itself.
    """

    def __init__(
        self, generator: Generator, recipe: Recipe, tangents: bool, sure: bool = True
    ) -> None:
        self._generator, self.sure = generator, sure
        on_cpu = backend() == "tensorflow" and not on_accelerator()
        self.loop = Program(  # XLA halves the speed of convolutions on a CPU
            recipe,
            generator.slopes,
            None,
            xla=not on_cpu,
            residuals=generator.residuals,
            tangents=tangents,
        )
        self.outputs = Compiled(generator.outputs, xla=not on_cpu)
        self.measured = Compiled(generator.measured, xla=not on_cpu)

    def bind(self, model: Any, operator: Callable[..., Any] | None, recipe: Recipe) -> None:
        """From now on trace these, which compute what the former ones did."""
        self._generator.bind(model, operator)
        self.loop.bind(recipe, None)


_kept: Kept[Programs] = Kept(KEPT)


class Bound:
    """The programs of a call; those that are there, else made anew.

    Attributes
    ----------
    programs : Programs
    """

    def __init__(self, asked: Asked, recipe: Recipe, weights: Tensors) -> None:
        self._asked, self._recipe = asked, recipe
        self._key, self._made = self._content(), Compiled.made
        found, generator, options = _kept.get(self._key), asked.generator, asked.options
        if found is not None:
            found.bind(generator.model, generator.operator, recipe)
        else:
            sure = check_generator(generator, asked.latent, asked.k, weights, options.dtype)
            tangents = not recipe.descent.needs_jacobian or self._tangents_flow(weights)
            found = Programs(generator, recipe, tangents, sure)
        self.programs = found

    def _content(self) -> Hashable:
        """What two calls share only if one's programs do for the other; None if nobody knows."""
        generator, options = self._asked.generator, self._asked.options
        model = generator.model
        found = fingerprint(model, generator.operator, self._recipe, loose=model.weights)
        return None if found is None else (found, backend(), options.dtype, options.precision)

    def keep(self) -> None:
        """For calls to come, unless what they were made from has changed meanwhile."""
        if Compiled.made != self._made:  # else all of it was there before
            _kept.keep(self._key, self.programs, now=self._content())

    def _tangents_flow(self, weights: Tensors) -> bool:
        """Whether the generator, and what measures it, has forward-mode derivatives."""
        asked = self._asked
        drawn = Latent(prior=asked.latent.prior).draw(np.random.default_rng(0), 16, asked.k)

        def measured(x: Tensor) -> Tensor:
            return asked.generator.measured(asked.generator.outputs(x, weights), asked.matrix)

        return tangents_flow(measured, to_tensor(drawn, asked.options.dtype))
