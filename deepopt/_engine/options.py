"""Options that every method takes."""

from __future__ import annotations

import dataclasses
import inspect
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .._backend import FLOATS, PRODUCTS
from .._support.checks import check_choice, check_file, check_flag, check_number
from .._support.options import option
from .._support.ranges import Range
from ..descents import DESCENTS, Descent
from ..reparametrizations import Direct
from ..schedules import Schedule
from .recipe import Recipe, check_part

GRID = tuple(10.0**-exponent for exponent in range(11))  # paper A, §3: 10⁰ … 10⁻¹⁰


@dataclasses.dataclass(frozen=True)
class CallOptions:
    """Options of any call, of `minimize` and of `invert`."""

    maxtime: float | None = option(None, "wall seconds from the call, compilation included")
    dtype: str = option("float64", '"float64" or "float32"')
    precision: str = option(
        "full", '"full", or "tf32": a GPU may round the factors of float32 products, for speed'
    )
    disp: bool | int = option(False, "show progress on a terminal, and print the outcome")
    checkpoint: str | os.PathLike[str] | None = option(
        None, "a file: the state is kept there, and the same call goes on from it"
    )
    save_every: float = option(30.0, "seconds between two saves to it")

    def check(self) -> None:
        """Raise TypeError or ValueError naming the first option that is not sound."""
        if self.maxtime is not None:
            check_number("maxtime", self.maxtime, above=0.0)
        check_choice("dtype", self.dtype, FLOATS)
        check_choice("precision", self.precision, PRODUCTS)
        check_number("disp", int(self.disp) if isinstance(self.disp, bool) else self.disp)
        if self.checkpoint is not None:
            check_file("checkpoint", self.checkpoint)
        check_number("save_every", self.save_every, above=0.0)


@dataclasses.dataclass(frozen=True)
class Options(CallOptions):
    """Options that every method takes; the defaults are those of a recipe made by hand."""

    maxiter: int = option(10_000, "iterations at most")
    maxfev: int | None = option(None, "points evaluated at most; never exceeded")
    learning_rate: float | str | Sequence[float] = option(
        "grid",
        'one rate, a sequence of rates, or "grid" (10⁰ … 10⁻¹⁰); the best run is returned',
        Range(1e-4, 10.0, log=True),
    )
    ftol: float | None = option(
        None, "a run ends when the mean over its points, scaled to [0, 1], improves by less"
    )
    stall: int = option(100, "… over this many iterations")
    polish: bool = option(False, "finish with SciPy's L-BFGS-B from the best point, in float64")
    batched: bool = option(False, "whether f takes points (N, d)")
    traced: bool | None = option(None, "whether f is traced or a black box; None to find out")
    schedule: Schedule | None = option(None, "a schedule in place of the method's own")
    descent: Descent | str | None = option(
        None, 'a descent in place of the own one, or "gd", "momentum", "adam", "lbfgs", "lm"'
    )

    def check(self) -> None:
        super().check()
        check_number("maxiter", self.maxiter, whole=True, at_least=1, at_most=2**31 - 2)
        check_number("stall", self.stall, whole=True, at_least=1)
        if self.maxfev is not None:
            check_number("maxfev", self.maxfev, whole=True, at_least=1)
        if self.ftol is not None:
            check_number("ftol", self.ftol, at_least=0.0)
        check_flag("polish", self.polish)
        check_flag("batched", self.batched)
        if self.traced is not None:
            check_flag("traced", self.traced)
        if isinstance(self.descent, str):
            check_choice("descent", self.descent, DESCENTS)
        elif self.descent is not None:
            check_part("descent", self.descent)
        if self.schedule is not None:
            check_part("schedule", self.schedule)
        self.rates()

    def rates(self) -> list[float]:
        """The learning rates, one per run."""
        if isinstance(self.learning_rate, str):
            if self.learning_rate != "grid":
                raise ValueError(
                    "learning_rate must be a number, a sequence of them or 'grid', "
                    f"got {self.learning_rate!r}"
                )
            return list(GRID)
        given: Any = self.learning_rate
        given = given.tolist() if isinstance(given, np.ndarray) else given
        rates = list(given) if isinstance(given, Sequence) else [given]
        if not rates:
            raise ValueError("learning_rate must hold at least one rate, got an empty sequence")
        for rate in rates:
            check_number("learning_rate", rate, above=0.0)
            check_number("learning_rate", rate, below=np.inf)
        return [float(rate) for rate in rates]

    def recipe(self) -> Recipe:
        """The parts, with the user's own schedule and descent in place where given."""
        own = self.parts()
        return Recipe(
            own.reparametrization, self.schedule or own.schedule, self._own_descent() or own.descent
        )

    def _own_descent(self) -> Descent | None:
        """The user's descent; a named one takes the options decay and patience if given."""
        if not isinstance(self.descent, str):
            return self.descent
        plateau = {key: getattr(self, key, None) for key in ("decay", "patience")}
        given = {key: value for key, value in plateau.items() if value is not None}
        kind = DESCENTS[self.descent]
        for key in given:
            if key not in inspect.signature(kind).parameters:
                raise ValueError(f"{key} has no meaning for the descent {self.descent!r}")
        named: Descent = kind(**given)
        return named

    def parts(self) -> Recipe:
        """The method's own parts."""
        return Recipe(Direct())

    @classmethod
    def presets(cls) -> Mapping[str, Mapping[str, Any]]:
        """Options under a name, which the option `preset` chooses."""
        return {}

    @classmethod
    def only_traced(cls) -> tuple[str, ...]:
        """Options that are not tuned where f is a black box."""
        return ()

    @property
    def networks(self) -> int:
        """Independent draws of the variables, each run with every rate."""
        return 1

    @property
    def searches(self) -> bool:
        """Whether the recipe is one part of a global search, where f can be traced."""
        return False

    @property
    def searches_black_box(self) -> bool:
        """Whether a black box has a global search of its own."""
        return False

    def for_black_box(self) -> Options:
        """The options where f is a black box."""
        return self
