"""Options of `invert`, and its presets."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from .._engine import NEVER, CallOptions, Recipe
from .._support.checks import check_choice, check_number, shown, warn_unknown
from .._support.options import option, plain, with_preset
from .._support.ranges import Choice, Fields, Range, When
from ..descents import Adam, Descent, GradientDescent, LevenbergMarquardt
from ..reparametrizations import PRIORS
from ..schedules import Surf
from .targets import Settings

SOLVERS = ("lm", "adam", "gd")
STARTS = ("codebook", "random", "zero")
RATES = {"lm": 1.0, "adam": 0.1, "gd": 0.1}
ITERATIONS = {"lm": 200, "adam": 2000, "gd": 2000}
STALL = {"lm": 4, "adam": 100, "gd": 100}  # and a period at least: a true Jacobian is tried
PROGRESS = 1e-3  # part of f that counts as progress
FOUND = {"lm": 1e-11, "adam": 1e-8, "gd": 1e-8}  # of ‖y‖²: f below which a target is found
ENOUGH = 1e-14  # … and a run ends
MOST = 10**7  # starts of a target, and codes
PAPER = {  # paper B, §4: regular Adam from one random start, T networks before the last
    "solver": "adam", "starts": "random", "n_starts": 1, "learning_rate": 0.01,
    "maxiter": 10_000, "schedule": Surf(budget=1000),
}  # fmt: skip
FINE = 2.0**-23  # how finely a generator resolves, which computes in float32 at least


@dataclasses.dataclass(frozen=True)
class InvertOptions(CallOptions):
    """Options of `deepopt.invert`."""

    solver: str | Descent = option("lm", '"lm", "adam", "gd", or a descent', Choice(("lm", "adam")))
    starts: Any = option("codebook", '"codebook", "random", "zero", or an array of latents')
    n_starts: int = option(
        30, "starts per target at most; the next ones wait for a failure", Range(1, 60, log=True)
    )
    n_codes: int | None = option(
        None, "latents of the codebook; 16 per target, 256 to 4,096", Range(64, 8192, log=True)
    )
    latent_bounds: Any = option(None, "None, r for [-r, r], or (min, max) of each latent")
    prior: str | None = option(None, 'how latents are drawn: "uniform", "normal", or the own')
    schedule: Surf | None = option(
        None,
        "how a surf goes through the networks: a `Surf`",
        When("method", ("surf",), Fields(Surf)),
    )
    tau: float = option(0.01, "projected-surf: preactivations within ±tau may change their sign")
    max_pieces: int = option(256, "projected-surf: linear pieces at most, of each step")
    learning_rate: float | None = option(
        None,
        "of Adam and gd, in units of the latents",
        When("solver", ("adam", "gd"), Range(1e-3, 1.0, log=True)),
    )
    maxiter: int | None = option(None, "iterations of a descent on the last generator")
    stall: int | None = option(
        None,
        "iterations without progress that end a descent; 4 to 16 with k, or 100",
        Range(2, 500, log=True),
    )
    ftol: float | None = option(None, "f of a target that is found, in ‖y‖²; 1e-11, or 1e-8")
    dtype: str = option("float32", "of all but the generator, which computes in its own")
    preset: str | None = option(None, '"paper": the settings of the surfing paper')

    def check(self) -> None:
        super().check()
        if not isinstance(self.solver, Descent):
            check_choice("solver", self.solver, SOLVERS)
        if isinstance(self.starts, str):
            check_choice("starts", self.starts, STARTS)
        check_number("n_starts", self.n_starts, whole=True, at_least=1, at_most=MOST)
        if self.prior is not None:
            check_choice("prior", self.prior, PRIORS)
        if self.schedule is not None and not isinstance(self.schedule, Surf):
            raise TypeError(f"schedule must be a Surf, got {shown(self.schedule)}")
        if self.n_codes is not None:
            check_number("n_codes", self.n_codes, whole=True, at_least=1, at_most=MOST)
        if self.maxiter is not None:
            check_number("maxiter", self.maxiter, whole=True, at_least=1)
        if self.stall is not None:
            check_number("stall", self.stall, whole=True, at_least=1, at_most=MOST)
        if self.learning_rate is not None:
            check_number("learning_rate", self.learning_rate, above=0.0, below=math.inf)
        check_number("tau", self.tau, at_least=0.0, below=math.inf)
        check_number("max_pieces", self.max_pieces, whole=True, at_least=1)
        if self.ftol is not None:
            check_number("ftol", self.ftol, at_least=0.0, below=1.0)

    @property
    def _kind(self) -> str:
        if isinstance(self.solver, str):
            return self.solver
        return "lm" if self.solver.needs_jacobian else "adam"

    def descent(self, k: int) -> Descent:
        if isinstance(self.solver, Descent):
            return self.solver
        if self.solver == "lm":
            return LevenbergMarquardt(period=period(k))
        return Adam() if self.solver == "adam" else GradientDescent(decay=1.0)

    def settings(self, recipe: Recipe) -> Settings:
        """Those of every descent."""
        kind, finest = self._kind, FINE**2
        stall = self.stall or max(STALL[kind], recipe.descent.period)
        found = FOUND[kind] if self.ftol is None else self.ftol
        return Settings(
            recipe, self.learning_rate or RATES[kind], min(self.maxiter or ITERATIONS[kind], NEVER),
            max(found, finest), max(min(ENOUGH, found), finest), PROGRESS,
            stall, self.dtype,
        )  # fmt: skip


def period(k: int) -> int:
    """Iterations between two true Jacobians that measured best for k latents."""
    return int(np.clip(round(1.8 * k**0.5), 2, 16))


def read_options(given: dict[str, Any], method: str) -> InvertOptions:
    """Options from a user's dict: a preset filled in, unknown names warned of, all checked."""
    names = {field.name for field in dataclasses.fields(InvertOptions)}
    for key in [key for key in given if key not in names]:
        warn_unknown(key, f"invert with method {method!r}", names)
        del given[key]
    given = with_preset(given, {"paper": PAPER})
    options = InvertOptions(**{key: plain(value) for key, value in given.items()})
    options.check()
    return options
