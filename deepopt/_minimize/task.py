"""What a call has to do, once it is known what f is: `prepare` finds that out."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable

import numpy as np

from .._backend import to_numpy, to_tensor
from .._domain import Box
from .._engine import (
    Best,
    Easy,
    Limits,
    Log,
    Options,
    Program,
    Recipe,
    Residuals,
    Session,
    Where,
    check_path,
    easier_outside,
    read_residuals,
)
from .._objective import APART, UNLIMITED, Objective, OutOfTimeError, check_slopes
from .._search import kinds_of_black_box, kinds_of_traced
from .._support.memory import check_memory
from .._support.results import Status
from .._support.saving import State
from ..schedules import Eased
from .asked import Asked
from .loops import Loops
from .shown import Shown

LOOKED_AT = 100  # points of a call that affords a look at the user's gradient
SAMPLED, SAMPLED_OF_BLACK_BOX = 32, 4  # points for the range of f; where a black box is searched
OVER = (Status.CONVERGED, Status.MAXITER, Status.MAXFEV, Status.NOT_FINITE)  # nothing left to do
MANY = ("n_starts", "n_paths", "n_embeddings", "n_hidden")  # options that ask for memory


@dataclasses.dataclass(frozen=True)
class Task:
    """A call that is ready to begin; what a search sees of it is a `Context`."""

    asked: Asked
    session: Session
    objective: Objective
    log: Log
    shown: Shown
    options: Options  # as they are for this kind of function
    recipe: Recipe
    spread: float  # max f - min f over the box, as far as it is known
    easy: Easy | None  # the schedule's easier function beside a black box
    residuals: Residuals
    limits: Limits
    loops: Loops

    @property
    def box(self) -> Box:
        return self.asked.box

    @property
    def u0(self) -> np.ndarray | None:
        return self.asked.u0

    @property
    def rng(self) -> np.random.Generator:
        return self.asked.rng

    @property
    def kept(self) -> State:
        """What was saved of the search."""
        return self.session.kept

    @property
    def watched(self) -> bool:
        return self.asked.watched

    @property
    def maxfev(self) -> int:
        """Points at most, with the one for f at the point that is returned."""
        return _maxfev(self.options)

    def program(self, recipe: Recipe) -> Program:
        return self.loops.program(recipe)

    def watch(self, best: Best, nit: int, where: Where | None = None) -> bool:
        return self.shown.watch(best, nit, where)

    def begin(self, state: Callable[[], State]) -> None:
        """A part begins: what the saver has to know of it beside the call's own state."""

        def whole() -> State:
            return state() | {
                "rng": self.asked.rng.bit_generator.state, "objective": self.objective.state(),
                "log": self.log.state(), "spread": self.spread,
            }  # fmt: skip

        self.session.begin(whole, bridged=not self.objective.traceable)

    def go_on(self) -> None:
        """Stand where the saved call stood; from now on it is kept."""
        self.objective.saver, kept = self.session.saver, self.kept
        if kept:
            self.asked.rng.bit_generator.state = kept["rng"]
            self.objective.restore(kept["objective"])
            self.log.restore(kept["log"])
            self.session.line.say(f"{self.asked.method}: goes on from {self.options.checkpoint}")

    def leave(self, status: Status) -> None:
        """After a stop: what is asked from now on is no part of the way that may be gone on."""
        if status not in OVER:
            self.objective.saver = None


def prepare(asked: Asked, session: Session, objective: Objective, log: Log, shown: Shown) -> Task:
    """Find out about f, and what the call is made of."""
    options, maxfev = asked.options, _maxfev(asked.options)
    _foresee(options, asked.box.dim)
    if not objective.is_of_arrays(options.batched, maxfev, options.traced, asked.x0):
        session.compute()
        objective.recognise(options.batched, maxfev, options.traced)
    traceable = objective.traceable
    if not traceable:
        options = options.for_black_box()
    recipe = options.recipe()
    searched = asked.options.searches_black_box and not traceable
    if not searched:
        session.compute()
    shared = {"options": options, "recipe": recipe, "box": asked.box, "rng": asked.rng}
    kinds = kinds_of_traced if traceable else kinds_of_black_box
    session.open(asked.described(not searched), asked.options, shared, kinds)
    if not session.kept:
        _evaluate_x0(asked, objective, maxfev)
    sample = (SAMPLED_OF_BLACK_BOX, APART) if searched else (SAMPLED, 0)
    spread = session.kept.get("spread") or objective.range(maxfev, *sample)
    if not searched:
        _check_spread(spread, options.dtype)
    if maxfev >= LOOKED_AT and not session.kept:
        _check_slopes(asked, objective)
    easy = _easier(asked, recipe, objective, session.deadline)
    residuals = read_residuals(objective, recipe, options.dtype, asked.box)
    limits = Limits(int(options.maxiter), max(0, maxfev - 1), session.deadline)
    loops = Loops(objective, asked.box, options, residuals)
    return Task(
        asked, session, objective, log, shown, options, recipe, spread, easy, residuals, limits,
        loops,
    )  # fmt: skip


def _maxfev(options: Options) -> int:
    return UNLIMITED if options.maxfev is None else int(options.maxfev)


def _foresee(options: Options, d: int) -> None:
    """MemoryError where the points or the variables alone are too many."""
    recipe = options.recipe()
    where, samples = recipe.reparametrization, recipe.schedule.samples
    runs = options.networks * len(options.rates())
    points = max(where.n_points * max(runs, samples), getattr(options, "n_starts", 0))
    asked = [name for name in MANY if hasattr(options, name)]
    asked += ["the samples of the schedule"] if samples > 1 else []
    lower = " or ".join(asked) or "the points of the recipe"
    size = np.dtype(options.dtype).itemsize
    check_memory(points * d, size, f"{points:,} points of {d:,} variables", lower)
    numbers = runs * where.n_variables(d)
    check_memory(numbers, size, f"{numbers:,} variables in {runs} runs", lower)


def _evaluate_x0(asked: Asked, objective: Objective, maxfev: int) -> None:
    """f at x0 to its last bits, which unit coordinates may change."""
    known = np.array_equal(objective.best_x, asked.x0)  # type: ignore[arg-type]
    if asked.x0 is not None and not known and objective.nfev < maxfev:
        with contextlib.suppress(OutOfTimeError):  # the descent will say so
            objective.value(asked.x0)


def _check_spread(spread: float, dtype: str) -> None:
    inverse = np.asarray(1.0 / spread, dtype=dtype)
    if not np.isfinite(inverse) or inverse == 0:
        raise ValueError(
            f"fun must have a range that {dtype} can hold, got {spread:g}; "
            "rescale it, or set the option dtype to 'float64'"
        )


def _check_slopes(asked: Asked, objective: Objective) -> None:
    """Look at the user's own gradient, if there is one."""
    if callable(asked.jac) or asked.jac is True:
        with contextlib.suppress(OutOfTimeError):  # the descent will say so
            check_slopes(objective, asked.box)


def _easier(asked: Asked, recipe: Recipe, objective: Objective, deadline: float) -> Easy | None:
    """The schedule's easier function beside a black box; ValueError if it never ends at f."""
    schedule, options = recipe.schedule, asked.options
    if not isinstance(schedule, Eased):
        return None
    last = float(to_numpy(schedule.share(to_tensor([1.0], options.dtype)))[0])
    if last != 1.0:
        raise ValueError(f"schedule must end at f: its share at t = 1 must be 1, got {last:g}")
    centre = asked.box.from_unit(asked.box.centre)
    with np.errstate(**asked.errstate):
        with contextlib.suppress(OutOfTimeError):  # the descent will say so
            check_path(schedule, objective, centre)
        if objective.traceable:
            return None
        return easier_outside(schedule, asked.box, options.dtype, options.batched, deadline)
