"""What is found out before the first step: the kind of f, its range, what a call is made of."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .._backend import name as backend
from .._backend import to_numpy, to_tensor
from .._domain import Box
from .._engine import (
    Easy,
    Log,
    Options,
    Program,
    Recipe,
    Where,
    check_path,
    in_the_loop,
    outside,
    read_residuals,
)
from .._objective import UNLIMITED, Jac, Objective, OutOfTimeError, check_slopes, fingerprint
from .._search import KINDS
from .._search import kinds as of_black_box
from .._support.memory import check_memory
from .._support.progress import Line
from .._support.saving import Saver, State, described, digest, told
from .._support.workers import Calls, Workers
from ..schedules import Eased

LOOKED_AT = 100  # points of a call that affords a look at the user's gradient
SAMPLED, SAMPLED_OUTSIDE = 32, 4  # points for the range of f; of a black box that is searched
PROGRAMS = 16  # compiled loops kept per function
MANY = ("n_starts", "n_paths", "n_embeddings", "n_hidden")  # options that ask for memory


class Asked(NamedTuple):
    """What a user asked for."""

    fun: Callable[..., Any]
    args: tuple[Any, ...]
    jac: Jac
    box: Box
    x0: np.ndarray | None  # (d,)
    method: str
    options: Options
    callback: Callable[[np.ndarray, float, int, int, Where], bool] | None
    started: float  # time.perf_counter()
    rng: np.random.Generator
    seeded: bool  # whether the user gave that
    workers: Workers
    errstate: Mapping[str, Any]  # NumPy's, within f and callback


class Preparation:
    """What was asked, made ready; the base of a `Call`.

    Attributes
    ----------
    kept : dict
        What was saved of this call; empty where nothing was.
    """

    def __init__(self, asked: Asked, calls: Calls | None) -> None:
        options = asked.options
        self.asked, self.box = asked, asked.box
        self.maxfev = UNLIMITED if options.maxfev is None else int(options.maxfev)
        limit = np.inf if options.maxtime is None else float(options.maxtime)
        self.deadline = asked.started + limit
        self.objective = Objective(
            asked.fun, asked.jac, asked.args, asked.box, options.dtype, self.deadline,
            calls, asked.errstate, options.precision,
        )  # fmt: skip
        self.options = options
        self.log = Log(asked.started)
        self.kept: State = {}
        self._saver: Saver | None = None
        self._programs: dict[Recipe, tuple[Hashable, Program]] = {}  # of this call, each with a key
        searches = options.searches  # until nothing helps: its iterations are no measure
        self._line = Line(
            asked.method, "points", (options.maxfev, None if searches else options.maxiter),
            options.maxtime, asked.started, shown=bool(options.disp),
        )  # fmt: skip

    def _prepare(self) -> None:
        """Find out about f, and what the call is made of."""
        options, objective = self.options, self.objective
        self._foresee()
        objective.recognise(options.batched, self.maxfev, options.traced)
        self.options = options if objective.traceable else options.outside()
        self.recipe = self.options.recipe()
        self._searches_outside = options.searches_outside and not objective.traceable
        self._saver = self._open_saver()
        self.kept = {} if self._saver is None else self._saver.kept or {}
        self._evaluate_x0()
        self.spread = self.kept.get("spread") or self._range()
        if not self._searches_outside:
            self._check_spread()
        self._check_slopes()
        self._easy = self._easier()
        self.residuals = read_residuals(objective, self.recipe, options.dtype, self.box)

    @property
    def _x0(self) -> np.ndarray | None:
        """In unit coordinates."""
        return None if self.asked.x0 is None else self.box.to_unit(self.asked.x0)

    @property
    def _first(self) -> np.ndarray:
        """x0, or else the centre."""
        return self.box.from_unit(self.box.centre) if self.asked.x0 is None else self.asked.x0

    def _evaluate_x0(self) -> None:
        """f at x0 to its last bits, which unit coordinates may change."""
        if self.asked.x0 is not None and not self.kept and self.objective.nfev < self.maxfev:
            with contextlib.suppress(OutOfTimeError):  # the descent will say so
                self.objective.value(self.asked.x0)

    def _open_saver(self) -> Saver | None:
        asked, options = self.asked, self.options
        if options.checkpoint is None:
            return None
        shared = {
            "call": self, "options": options, "recipe": self.recipe, "box": self.box,
            "objective": self.objective, "rng": asked.rng,
        }  # fmt: skip
        kinds = KINDS if self.objective.traceable else of_black_box()
        return Saver(Path(options.checkpoint), options.save_every, _described(asked), shared, kinds)

    def begin(self, state: Callable[[], State]) -> None:
        """A part begins: what the saver has to know of it beside the call's own state."""
        if self._saver is None:
            return

        def whole() -> State:
            return state() | {
                "rng": self.asked.rng.bit_generator.state, "objective": self.objective.state(),
                "log": self.log.state(), "spread": self.spread,
            }  # fmt: skip

        self._saver.begin(whole, bridged=not self.objective.traceable)

    def _go_on(self) -> None:
        """Stand where the saved call stood; from now on it is kept."""
        self.objective.saver = self._saver
        if self.kept:
            self.asked.rng.bit_generator.state = self.kept["rng"]
            self.objective.restore(self.kept["objective"])
            self.log.restore(self.kept["log"])
            self._line.say(f"{self.asked.method}: goes on from {self.options.checkpoint}")

    def _check_slopes(self) -> None:
        """Look at the user's own gradient, where there are points for that."""
        own = callable(self.asked.jac) or self.asked.jac is True
        if own and self.maxfev >= LOOKED_AT and not self.kept:
            with contextlib.suppress(OutOfTimeError):  # the descent will say so
                check_slopes(self.objective, self.box)

    def _foresee(self) -> None:
        """MemoryError where the points or the variables alone are too many."""
        options, d = self.options, self.box.dim
        where, samples = options.recipe().reparametrization, options.recipe().schedule.samples
        runs = options.networks * len(options.rates())
        points = where.n_points * max(runs, samples)
        points = max(points, getattr(options, "n_starts", 0))
        asked = [name for name in MANY if hasattr(options, name)]
        asked += ["the samples of the schedule"] if samples > 1 else []
        lower = " or ".join(asked) or "the points of the recipe"
        size = np.dtype(options.dtype).itemsize
        check_memory(points * d, size, f"{points:,} points of {d:,} variables", lower)
        numbers = runs * where.n_variables(d)
        check_memory(numbers, size, f"{numbers:,} variables in {runs} runs", lower)

    def _range(self) -> float:
        sampled = SAMPLED_OUTSIDE if self._searches_outside else SAMPLED
        return self.objective.range(self.maxfev, sampled)

    def _check_spread(self) -> None:
        inverse = np.asarray(1.0 / self.spread, dtype=self.options.dtype)
        if not np.isfinite(inverse) or inverse == 0:
            raise ValueError(
                f"fun must have a range that {self.options.dtype} can hold, got {self.spread:g}; "
                "rescale it, or set the option dtype to 'float64'"
            )

    def program(self, recipe: Recipe) -> Program:
        """The compiled loop for this structure: the one that is there, else a new one."""
        if recipe not in self._programs:
            key = self._content(recipe)
            found = None if key is None else self.objective.loops.get(key)
            self._programs[recipe] = key, self._bound(recipe, found)
        return self._programs[recipe][1]

    def _bound(self, recipe: Recipe, found: Program | None) -> Program:
        """A program of the objects of this call, made anew where none is found."""
        traced, options, easy = self.objective.traced, self.options, None
        if traced is not None and isinstance(recipe.schedule, Eased):
            easy = in_the_loop(recipe.schedule, self.box, options.dtype)
        if found is not None:
            found.bind(recipe, easy)
            return found
        if traced is None:
            return Program(recipe, None, None, xla=True)
        slopes, residuals = traced.slopes, traced.residuals
        return Program(
            recipe, lambda x, _: slopes(x), easy, xla=True,
            residuals=lambda x, _: residuals(x), tangents=self.residuals.tangents,
        )  # fmt: skip

    def _content(self, recipe: Recipe) -> Hashable:
        """What two calls share only if their programs do the same with f; None if nobody knows."""
        found, options = fingerprint(recipe), self.options
        if found is None:
            return None
        return found, options.dtype, options.precision, bool(self.box.closed.all())

    def _keep_programs(self) -> None:
        """For calls to come, unless what they were made from has changed meanwhile."""
        self.objective.keep()
        loops = self.objective.loops
        for recipe, (key, program) in self._programs.items():
            if key is not None and self._content(recipe) == key:
                loops[key] = program
                loops.move_to_end(key)
            else:
                loops.pop(key, None)
        while len(loops) > PROGRAMS:
            loops.popitem(last=False)

    def _easier(self) -> Easy | None:
        """The schedule's easier function beside a black box; ValueError if it never ends at f."""
        schedule = self.recipe.schedule
        if not isinstance(schedule, Eased):
            return None
        last = float(to_numpy(schedule.share(to_tensor([1.0], self.options.dtype)))[0])
        if last != 1.0:
            raise ValueError(f"schedule must end at f: its share at t = 1 must be 1, got {last:g}")
        centre, options = self.box.from_unit(self.box.centre), self.options
        with np.errstate(**self.asked.errstate):
            with contextlib.suppress(OutOfTimeError):  # the descent will say so
                check_path(schedule, self.objective, centre)
            if self.objective.traceable:
                return None
            return outside(schedule, self.box, options.dtype, options.batched, self.deadline)


def _described(asked: Asked) -> dict[str, str]:
    """What tells a call from others, under names that a user knows."""
    box, x0 = asked.box, asked.x0
    return {
        "fun": getattr(asked.fun, "__qualname__", told(asked.fun)), "args": told(asked.args),
        "jac": told(asked.jac), "method": asked.method, "backend": backend(),
        "bounds": digest(box.lower, box.upper), "scale": digest(box.origin, box.width),
        "x0": "none" if x0 is None else digest(x0),
        **({"rng": digest(repr(asked.rng.bit_generator.state))} if asked.seeded else {}),
        **described(asked.options),
    }  # fmt: skip
