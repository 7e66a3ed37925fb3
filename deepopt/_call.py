"""One call of `minimize`, once its arguments are read: starts, loop, polish, result."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ._backend import name as backend
from ._backend import on_accelerator, precision, to_numpy, to_tensor, value_and_grad
from ._black_box import BlackBoxSearch
from ._black_box import kinds as of_black_box
from ._box import Box
from ._drive import UNLIMITED, Best, Driver, Easy, Limits, Log, Where, records
from ._easier import check_path, outside, traced
from ._elite import Minimum
from ._files import folder_for
from ._loop import Program
from ._memory import check_memory
from ._methods import Options, Recipe
from ._objective import Objective
from ._outside import Jac, OutOfTimeError
from ._polish import polish
from ._progress import Line
from ._residuals import read_residuals
from ._result import Result, Status, make_result
from ._saving import Saver, State, described, digest, told
from ._search import KINDS, Search
from ._slope_check import check_slopes
from ._state import Group, make_group
from ._workers import Calls, Workers, calls_by
from .reparametrizations import Start
from .schedules import Eased

LOOKED_AT = 100  # points of a call that affords a look at the user's gradient
WIDEST_GAP = 500  # iterations between two records of the history
WIDEST_GAP_WATCHED = 50  # … when a callback or a display waits for them
SAMPLED, SAMPLED_OUTSIDE = 32, 4  # points for the range of f; of a black box that is searched
PROGRAMS = 16  # compiled loops kept per function
POLISH_SHARE = 0.2  # of maxfev
MANY = ("n_starts", "n_paths", "n_embeddings", "n_hidden")  # options that ask for memory
OVER = (Status.CONVERGED, Status.MAXITER, Status.MAXFEV, Status.NOT_FINITE)  # nothing left to do
POLISHED = (Status.MAXITER, Status.CONVERGED, Status.MAXFEV)  # ends of the loop that it follows


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


class Call:
    """Runs what was asked; `run` may be called once.

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
            calls, asked.errstate,
        )  # fmt: skip
        self.options = options
        self.log = Log(asked.started)
        self.kept: State = {}
        self._saver: Saver | None = None
        self._seen = Best(np.empty(0), np.inf, 0)  # what was shown last
        searches = options.searches  # until nothing helps: its iterations are no measure
        self._line = Line(
            asked.method, "points", (options.maxfev, None if searches else options.maxiter),
            options.maxtime, asked.started, shown=bool(options.disp),
        )  # fmt: skip

    def _prepare(self) -> None:
        """Find out about f, and what the call is made of."""
        options, objective = self.options, self.objective
        self._foresee()
        objective.recognise(options.batched, self.maxfev)
        self.options = options if objective.traceable else options.outside()
        self.recipe = self.options.recipe()
        self._searches_outside = options.searches_outside and not objective.traceable
        self._saver = self._open_saver()
        self.kept = {} if self._saver is None else self._saver.kept or {}
        self.spread = self.kept.get("spread") or self._range()
        if not self._searches_outside:
            self._check_spread()
        self._check_slopes()
        self._easy = self._easier()
        self._evaluate_x0()
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
        objective, programs = self.objective, self.objective.programs
        key = (recipe, self.options.dtype, bool(self.box.closed.all()))
        if key not in programs:
            evaluate = easy = None
            if objective.traceable:
                slopes = value_and_grad(objective.tensor)
                evaluate = lambda x, _: slopes(x)  # noqa: E731
                if isinstance(recipe.schedule, Eased):
                    easy = traced(recipe.schedule, self.box, self.options.dtype)
            programs[key] = Program(
                recipe,
                evaluate,
                easy,
                xla=True,
                residuals=lambda x, _: objective.residuals(x),
                tangents=self.residuals.tangents,
            )
            while len(programs) > PROGRAMS:
                programs.popitem(last=False)
        programs.move_to_end(key)
        program: Program = programs[key]
        return program

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

    def run(self) -> Result:
        try:
            with self._line:
                try:
                    self._prepare()
                except KeyboardInterrupt:
                    return self._nothing_but_the_best()
                return self._run() if self._saver is None else self._run_kept(self._saver)
        except Exception as error:
            self._attach_best(error)
            raise

    def _run_kept(self, saver: Saver) -> Result:
        with saver.keeping():
            self._go_on()
            result = self._run()
            saver.over = result.status in OVER
        return result

    def _nothing_but_the_best(self) -> Result:
        """The result where the call was interrupted before it began."""
        objective, x, fun = self.objective, self._first, np.nan
        if objective.best_x is not None:
            x, fun = objective.best_x, objective.best_f
        none = np.full(len(self.options.rates()), np.inf)
        return self._result(Status.INTERRUPTED, x, fun, x[None], np.array([fun]), None, none)

    def _attach_best(self, error: Exception) -> None:
        """Nothing is lost with an exception of the user's function or callback."""
        objective, (x, fun, _) = self.objective, self._seen
        if objective.best_x is not None and objective.best_f < fun:
            x, fun = objective.best_x, objective.best_f
        if not np.isfinite(fun):
            return
        best = Result(x=self.box.clip(x), fun=fun, nfev=objective.nfev, njev=objective.njev)
        with contextlib.suppress(AttributeError, TypeError):  # an exception that takes neither
            error.best_so_far = best  # type: ignore[attr-defined]
            error.add_note(
                f"The best point so far, f = {fun:.10g} after {objective.nfev} points, is in this "
                "exception's attribute best_so_far."
            )

    def _run(self) -> Result:
        options, x0, rng = self.options, self._x0, self.asked.rng
        for_result = max(0, self.maxfev - 1)
        self.limits = Limits(int(options.maxiter), for_result, self.deadline)
        if not self.box.width.any():
            return self._stay()
        if options.searches and self.objective.traceable:
            return self._search(Search(self, self.recipe, options, x0, rng))
        if self._searches_outside:
            return self._search(BlackBoxSearch(self, options, x0, rng))
        return self._descend(rng)

    def _stay(self) -> Result:
        """The one point that there is, where all variables are fixed."""
        objective, x, status = self.objective, self._first, Status.CONVERGED
        try:
            if self.asked.x0 is None and objective.best_x is None and objective.nfev < self.maxfev:
                objective.value(x)
        except KeyboardInterrupt:
            status = Status.INTERRUPTED
        except OutOfTimeError:
            status = Status.MAXTIME
        fun = np.nan if objective.best_x is None else objective.best_f
        self.log.record(0, objective.nfev, objective.best_f)
        if status is Status.CONVERGED and self.watch(Best(x, fun, 0), 0):
            status = Status.CALLBACK
        none = np.full(len(self.options.rates()), np.inf)
        return self._result(status, x, fun, x[None], np.array([fun]), None, none)

    def _search(self, search: Search | BlackBoxSearch) -> Result:
        """A global search, whose population is the best minima that it met."""
        objective, box, x, fun = self.objective, self.box, self._first, np.nan
        try:
            status = search.run()
            self._leave(status)
            looks = status is not Status.INTERRUPTED and objective.nfev < self.maxfev
            if objective.best_x is None and looks:
                objective.value(x)
            self._settle()
            if status in OVER:
                self._know_slope(search)
        except KeyboardInterrupt:
            status = Status.INTERRUPTED
        except OutOfTimeError:
            status = Status.MAXTIME
        minima = search.elite.minima or [Minimum(box.to_unit(x), np.inf)]
        if objective.best_x is not None:
            x, fun = objective.best_x, objective.best_f
        points = box.from_unit(np.array([minimum.u for minimum in minima]))
        energies = np.array([minimum.f for minimum in minima])
        gradient = search.gradient if self._is_polished(search) else None
        return self._result(status, x, fun, points, energies, gradient, search.fun_per_rate)

    def _leave(self, status: Status) -> None:
        """After a stop: what is asked from now on is no part of the way that may be gone on."""
        if status not in OVER:
            self.objective.saver = None

    def _is_polished(self, search: Search | BlackBoxSearch) -> bool:
        return np.array_equal(search.polished_x, self.objective.best_x)  # type: ignore[arg-type]

    def _know_slope(self, search: Search | BlackBoxSearch) -> None:
        """The gradient at the best point, where the user gave one and it was not asked there."""
        objective = self.objective
        cheap = not objective.traceable and objective.points_per_gradient == 1
        if cheap and objective.nfev < self.maxfev and not self._is_polished(search):
            search.polished_x = best = objective.best_x
            if best is not None:
                search.gradient = objective.values_and_gradients(best[None])[1][0]

    def _descend(self, rng: np.random.Generator) -> Result:
        """One descent with every rate from every start."""
        options, x0 = self.options, self._x0
        self.begin(dict)
        starts = [
            self.recipe.reparametrization.init(self.box, rng, x0 if index == 0 else None)
            for index in range(options.networks)
        ]
        runs = [(start, rate) for start in starts for rate in options.rates()]
        for_polish = int(POLISH_SHARE * self.maxfev) if options.polish else 0
        limits = self.limits._replace(maxfev=max(0, self.limits.maxfev - for_polish))
        groups = self._groups(runs, limits, int(rng.integers(2**31 - 64)))
        driver = Driver(
            self.program(self.recipe), self.objective, groups, limits, self.watch, self.log,
            self._easy,
        )  # fmt: skip
        widest = WIDEST_GAP_WATCHED if self.watched else WIDEST_GAP
        status = driver.run(records(limits.maxiter, widest))
        return self._finish(driver, status, [rate for _, rate in runs])

    def _groups(self, runs: list[tuple[Start, float]], limits: Limits, seed: int) -> list[Group]:
        """On a CPU runs advance one after the other, which is faster there; else all at once."""
        size = len(runs) if on_accelerator() else 1
        points = self.recipe.reparametrization.n_points * self.recipe.schedule.samples
        each = len(runs) * points * self.objective.points_per_gradient
        return [
            make_group(
                self.recipe,
                self.box,
                [start for start, _ in runs[at : at + size]],
                [rate for _, rate in runs[at : at + size]],
                self.options.dtype,
                value_range=self.spread,
                horizon=min(limits.maxiter, limits.maxfev // each),
                ftol=self.options.ftol or 0.0,
                stall=None if self.options.ftol is None else self.options.stall,
                seed=seed,
                outputs=self.residuals.size,
            )
            for at in range(0, len(runs), size)
        ]

    @property
    def watched(self) -> bool:
        """Whether somebody waits to see the best point every few iterations."""
        return self.asked.callback is not None or bool(self.options.disp)

    def watch(self, best: Best, nit: int, where: Where | None = None) -> bool:
        """Show the best point so far to the user, and `where` points stand; whether to stop."""
        if self.objective.best_x is not None and self.objective.best_f < best.fun:
            best = best._replace(x=self.objective.best_x, fun=self.objective.best_f)
        if not np.isfinite(best.fun):
            return False
        self._seen = best
        x = self.box.clip(best.x)
        self._line.see(f"best {best.fun:.6g}", self.objective.nfev, nit)
        if self.asked.callback is None:
            return False
        points = (lambda: x[None]) if where is None else (lambda: self.box.clip(where()))
        with np.errstate(**self.asked.errstate):
            return self.asked.callback(x, best.fun, nit, self.objective.nfev, points)

    def _finish(self, driver: Driver, status: Status, rates: list[float]) -> Result:
        """The lowest point of all, polished if asked, with f there in float64."""
        self._leave(status)
        best, gradient = driver.best(), None
        points = self.box.clip(driver.points(best.run))
        known = self.box.clip(best.x) if np.isfinite(best.fun) else self._first
        points = np.where(np.isfinite(points).all(axis=-1, keepdims=True), points, known)
        energies = np.full(len(points), np.inf)
        if status is not Status.INTERRUPTED:
            try:
                self._evaluate_last(best, points, energies)
                if self.options.polish and status in POLISHED and self.objective.best_x is not None:
                    polished = polish(
                        self.objective, self.box, self.objective.best_x,
                        self.spread, self.maxfev - 1, self.deadline,
                    )  # fmt: skip
                    gradient, status = polished.gradient, polished.status
                self._settle()
            except KeyboardInterrupt:
                status = Status.INTERRUPTED
            except OutOfTimeError:
                status = Status.MAXTIME
        x, fun = self._lowest(best, points, status)
        self.log.nit = driver.nit
        return self._result(
            status, x, fun, points, energies, gradient, driver.best_per_run(), rates
        )

    def _result(
        self,
        status: Status,
        x: np.ndarray,
        fun: float,
        points: np.ndarray,
        energies: np.ndarray,
        gradient: np.ndarray | None,
        fun_per_run: np.ndarray,
        rates: list[float] | None = None,
    ) -> Result:
        rates = self.options.rates() if rates is None else rates
        if not np.isfinite(fun) and status is not Status.INTERRUPTED:
            status = Status.NOT_FINITE
        result = make_result(
            status,
            x=x,
            fun=fun,
            nit=self.log.nit,
            nfev=self.objective.nfev,
            njev=self.objective.njev,
            population=points,
            population_energies=energies,
            history={key: np.array(column) for key, column in self.log.history.items()},
            method=self.asked.method,
            objective_kind=self.objective.kind,
            learning_rate=rates[int(np.argmin(fun_per_run))],
            learning_rates=np.array(rates),
            fun_per_run=fun_per_run,
        )
        if gradient is not None:
            result.jac = gradient
        self._line.say(f"f = {fun:.10g}, {result.message} {result.nfev} points")
        return result

    def _evaluate_last(self, best: Best, points: np.ndarray, energies: np.ndarray) -> None:
        """f anew at the best point, and where the best run stands, as far as limits allow.

        The objective notes the lowest. `energies` (n,) is filled in.
        """
        objective = self.objective
        if np.isfinite(best.fun) and objective.traceable:
            objective.value(self.box.clip(best.x))
        kept = 1 if objective.best_x is not None else 0  # for `_settle`
        affordable = max(0, min(len(points), self.maxfev - objective.nfev - kept))
        if affordable:
            values = objective.values(points[:affordable])
            energies[:affordable] = np.where(np.isfinite(values), values, np.inf)

    def _settle(self) -> None:
        """Give the best point the value that the user gets from f, to the last bit."""
        objective = self.objective
        if objective.traceable and objective.best_x is not None and objective.nfev < self.maxfev:
            objective.best_f = objective.value(objective.best_x)

    def _lowest(self, best: Best, points: np.ndarray, status: Status) -> tuple[np.ndarray, float]:
        """The lowest point that is known, and f there; NaN where none has a value."""
        objective = self.objective
        if status is Status.INTERRUPTED and best.fun < objective.best_f:  # f is not called again
            return self.box.clip(best.x), best.fun
        if objective.best_x is not None:
            return objective.best_x, objective.best_f
        return points[0] if self._x0 is None else self._first, np.nan


def run(asked: Asked) -> Result:
    """Run a call, in its precision."""
    with precision(asked.options.dtype), contextlib.ExitStack() as scope:
        if asked.options.checkpoint is not None:
            folder = Path(asked.options.checkpoint).parent
            scope.enter_context(folder_for(folder, name="checkpoint"))
        calls = scope.enter_context(calls_by(asked.workers))
        return Call(asked, calls).run()


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
