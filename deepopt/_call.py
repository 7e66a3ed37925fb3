"""One call of `minimize`, once its arguments are read: starts, loop, polish, result."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ._backend import on_accelerator, precision, value_and_grad
from ._box import Box
from ._drive import UNLIMITED, Best, Driver, Limits
from ._loop import Group, Program, make_group
from ._methods import Options
from ._objective import Jac, Objective, OutOfTimeError
from ._polish import polish
from ._result import Status, make_result
from .reparametrizations import Start

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult

WIDEST_GAP = 500  # iterations between two records of the history
WIDEST_GAP_WATCHED = 50  # … when a callback or a display waits for them
PROGRAMS = 16  # compiled loops kept per function
POLISH_SHARE = 0.2  # of maxfev
POLISHED = (Status.MAXITER, Status.CONVERGED, Status.MAXFEV)  # ends of the loop that it follows


class StaleProgramError(Exception):
    """A remembered program computes something else than the function does now."""


class Asked(NamedTuple):
    """What a user asked for."""

    fun: Callable[..., Any]
    args: tuple[Any, ...]
    jac: Jac
    box: Box
    x0: np.ndarray | None  # (d,) in unit coordinates
    method: str
    options: Options
    callback: Callable[[np.ndarray, float, int, int], bool] | None
    started: float  # time.perf_counter()


class Call:
    """Runs what was asked; `run` may be called once."""

    def __init__(self, asked: Asked) -> None:
        options = asked.options
        self.asked, self.options, self.box = asked, options, asked.box
        self.maxfev = UNLIMITED if options.maxfev is None else int(options.maxfev)
        limit = np.inf if options.maxtime is None else float(options.maxtime)
        self.deadline = asked.started + limit
        self.recipe = options.recipe()
        self.objective = Objective(
            asked.fun, asked.jac, asked.args, asked.box, options.dtype, options.batched,
            self.maxfev, self.deadline,
        )  # fmt: skip
        self.spread = self.objective.range(self.maxfev)
        self._check_spread()
        self._program, self._unchecked = self._find_program()

    def _check_spread(self) -> None:
        with np.errstate(over="ignore", under="ignore"):
            inverse = np.asarray(1.0 / self.spread, dtype=self.options.dtype)
        if not np.isfinite(inverse) or inverse == 0:
            raise ValueError(
                f"fun must have a range that {self.options.dtype} can hold, got {self.spread:g}; "
                "rescale it, or set the option dtype to 'float64'"
            )

    def _find_program(self) -> tuple[Program, bool]:
        """The compiled loop for this structure, and whether it was there before."""
        programs = self.objective.programs
        key = (self.recipe, self.options.dtype, bool(self.box.closed.all()))
        known = key in programs
        if not known:
            traced = self.objective.traceable
            evaluate = value_and_grad(self.objective.tensor) if traced else None
            programs[key] = Program(self.recipe, evaluate, xla=True)
            while len(programs) > PROGRAMS:
                programs.popitem(last=False)
        programs.move_to_end(key)
        return programs[key], known and self.objective.traceable

    def run(self, rng: np.random.Generator) -> OptimizeResult:
        options, x0 = self.options, self.asked.x0
        starts = [
            self.recipe.reparametrization.init(self.box, rng, x0 if index == 0 else None)
            for index in range(options.networks)
        ]
        runs = [(start, rate) for start in starts for rate in options.rates()]
        reserve = 1 if x0 is None else 2  # f at the result, and at x0
        for_polish = int(POLISH_SHARE * self.maxfev) if options.polish else 0
        limits = Limits(
            int(options.maxiter), max(0, self.maxfev - reserve - for_polish), self.deadline
        )
        groups = self._groups(runs, limits, int(rng.integers(2**31 - 1)))
        driver = Driver(
            self._program, self.objective, groups, limits, self._watch, self.asked.started
        )
        watched = self.asked.callback is not None or options.disp
        status = driver.run(WIDEST_GAP_WATCHED if watched else WIDEST_GAP)
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
            )
            for at in range(0, len(runs), size)
        ]

    def _watch(self, best: Best, nit: int) -> bool:
        if not np.isfinite(best.fun):
            return False
        x = self.box.clip(best.x)
        if self._unchecked:
            self._check_program(x, best.fun)
        if self.options.disp:
            seconds = time.perf_counter() - self.asked.started
            print(f"{self.asked.method}: iteration {nit}, best {best.fun:.6g}, {seconds:.1f} s")
        if self.asked.callback is None:
            return False
        return self.asked.callback(x, best.fun, nit, self.objective.nfev)

    def _check_program(self, x: np.ndarray, fun: float) -> None:
        """Whether a remembered program still gives f's values."""
        self._unchecked = False
        if self.objective.nfev >= self.maxfev - 2:
            return
        slack = 1e-6 if self.options.dtype == "float64" else 1e-2
        if abs(self.objective.value(x) - fun) > slack * (self.spread + abs(fun)):
            self.objective.forget()
            raise StaleProgramError

    def _finish(self, driver: Driver, status: Status, rates: list[float]) -> OptimizeResult:
        """The lowest point of all, polished if asked, with f there in float64."""
        best, gradient = driver.best(), None
        points = self.box.clip(driver.points(best.run))
        energies = np.full(len(points), np.inf)
        if status is not Status.INTERRUPTED:
            try:
                self._evaluate_last(best, points, energies)
                if self.options.polish and status in POLISHED and self.objective.best_x is not None:
                    gradient, status = polish(
                        self.objective, self.box, self.objective.best_x,
                        self.spread, self.maxfev - 1, self.deadline,
                    )  # fmt: skip
                self._settle()
            except KeyboardInterrupt:
                status = Status.INTERRUPTED
            except OutOfTimeError:
                status = Status.MAXTIME
        x, fun = self._lowest(best, points, status)
        if not np.isfinite(fun) and status is not Status.INTERRUPTED:
            status = Status.NOT_FINITE
        result = make_result(
            status,
            x=x,
            fun=fun,
            nit=driver.nit,
            nfev=self.objective.nfev,
            njev=self.objective.njev,
            population=points,
            population_energies=energies,
            history={key: np.array(column) for key, column in driver.history.items()},
            method=self.asked.method,
            objective_kind=self.objective.kind,
            learning_rate=rates[best.run],
            learning_rates=np.array(rates),
            fun_per_run=driver.best_per_run(),
        )
        if gradient is not None:
            result.jac = gradient
        if self.options.disp:
            print(f"{self.asked.method}: {result.message} f = {fun:.10g} ({result.nfev} points)")
        return result

    def _evaluate_last(self, best: Best, points: np.ndarray, energies: np.ndarray) -> None:
        """f anew at the best point, at x0, and where the best run stands, as far as limits allow.

        The objective notes the lowest. `energies` (n,) is filled in.
        """
        objective = self.objective
        if np.isfinite(best.fun) and objective.traceable:
            objective.value(self.box.clip(best.x))
        if self.asked.x0 is not None and objective.nfev < self.maxfev:
            objective.value(self.box.from_unit(self.asked.x0))
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
        x0 = self.asked.x0
        return points[0] if x0 is None else self.box.from_unit(x0), np.nan


def run(asked: Asked, rng: np.random.Generator) -> OptimizeResult:
    """Run a call; again from the start if a remembered program turns out to be stale."""
    with precision(asked.options.dtype):
        state = rng.bit_generator.state
        try:
            return Call(asked).run(rng)
        except StaleProgramError:
            rng.bit_generator.state = state
            return Call(asked).run(rng)
