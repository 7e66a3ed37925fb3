"""One call of `minimize`, once its arguments are read: starts, loop, polish, result."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np

from .._backend import on_accelerator, precision
from .._engine import Best, Driver, Group, Limits, Where, make_group, records
from .._objective import OutOfTimeError
from .._search import BlackBoxSearch, Minimum, Search, polish
from .._support.files import folder_for
from .._support.interrupts import UsersCode, holding, watched
from .._support.results import Result, Status, make_result, mark_interrupted
from .._support.saving import Saver
from .._support.workers import Calls, calls_by
from ..reparametrizations import Start
from .preparation import Asked, Preparation

WIDEST_GAP = 500  # iterations between two records of the history
WIDEST_GAP_WATCHED = 50  # … when a callback or a display waits for them
POLISH_SHARE = 0.2  # of maxfev
OVER = (Status.CONVERGED, Status.MAXITER, Status.MAXFEV, Status.NOT_FINITE)  # nothing left to do
POLISHED = (Status.MAXITER, Status.CONVERGED, Status.MAXFEV)  # ends of the loop that it follows


class Call(Preparation):
    """Runs what was asked; `run` may be called once."""

    def __init__(self, asked: Asked, calls: Calls | None) -> None:
        super().__init__(asked, calls)
        self._seen = Best(np.empty(0), np.inf, 0)  # what was shown last

    def run(self) -> Result:
        try:
            with self._line:
                try:
                    self._prepare()
                except KeyboardInterrupt:
                    result = self._nothing_but_the_best()
                else:
                    result = self._run() if self._saver is None else self._run_kept(self._saver)
                    with holding():
                        self._keep_programs()
                if result.status == Status.INTERRUPTED and self.objective.best_x is None:
                    raise KeyboardInterrupt
                return result
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
        if status is Status.INTERRUPTED:
            self._settle()
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
        with np.errstate(**self.asked.errstate), UsersCode():
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
        if status is Status.INTERRUPTED:
            self._settle(best)
        x, fun = self._lowest(points)
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
        early = status is Status.MAXTIME and self.log.nit == 0  # before f was looked at in earnest
        if not np.isfinite(fun) and status is not Status.INTERRUPTED and not early:
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

    def _settle(self, best: Best | None = None) -> None:
        """Give the best point the value that the user gets from f, to the last bit.

        `best` is another one that the loop has met.
        """
        objective = self.objective
        if not objective.traceable or objective.nfev >= self.maxfev:
            return
        if best is not None and best.fun < objective.best_f:
            objective.best_x, objective.best_f = self.box.clip(best.x), best.fun
        if objective.best_x is not None:
            with holding():
                objective.best_f = objective.value(objective.best_x)

    def _lowest(self, points: np.ndarray) -> tuple[np.ndarray, float]:
        """The lowest point that is known, and f there; NaN where none has a value."""
        objective = self.objective
        if objective.best_x is not None:
            return objective.best_x, objective.best_f
        return points[0] if self._x0 is None else self._first, np.nan


def run(asked: Asked) -> Result:
    """Run a call, in its precision."""
    with precision(asked.options.dtype, asked.options.precision), contextlib.ExitStack() as scope:
        if asked.options.checkpoint is not None:
            folder = Path(asked.options.checkpoint).parent
            scope.enter_context(folder_for(folder, name="checkpoint"))
        calls = scope.enter_context(calls_by(asked.workers))
        with watched() as watch:
            result = Call(asked, calls).run()
        if watch.pending:
            mark_interrupted(result)
        return result
