"""The global search behind `homotopy`: rounds of arms that share the best point.

- *Polish*: SciPy's L-BFGS-B from the best point.
- *Scan*: the global minimum along every axis, or along learned directions (`scans`).
- *Homotopy*: a run through the schedule's f_t, which follows the minimiser.
- *Restarts*: batches of local searches from the best points, perturbed at all scales (basin
  hopping), from recombinations of two of them, and from uniform points.

First come single local searches, by SciPy on one compiled program: where all of them end in one
minimum, nothing else is compiled. Each round then takes a homotopy run twice as long and twice as
many batches of restarts, but for the arm that has not lowered the best value while the other has.
Rounds go on until the local searches say that next to no minimum is unseen (`stopping`), until the
value has stood for long, or to a limit. What each arm is for, with the measurements that keep it,
is in docs/homotopy.md.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from .._engine import Driver, Recipe, Runs, Stopped, make_group
from .._objective import UNLIMITED
from .._support.results import Status
from ..descents import LBFGS
from ..reparametrizations import Direct, Start
from ..schedules import Constant
from . import scans
from .context import Context
from .minima import SCALES, Met, Minimum, Place
from .search import Plan, Search, Step
from .stopping import NoGain

AGAIN = 2.0  # times the points spent when f was last lowered
MORE = 120_000  # … plus so many, which end the search
NOWHERE = 6000  # points without a value that end it
FIRST_HORIZON = 2000  # iterations of the first homotopy run
LOCAL = 300  # iterations of a batch of restarts
PER_VARIABLE, LONGEST = 2, 3000  # … at most, for each variable and in all, while a crowd goes on
CROWD = 0.25  # of the runs of a batch
LOCAL_STALL = 12  # iterations without progress, which end a local search
LOCAL_STEP = 0.02  # first step of a local search, in unit coordinates
FIRST_BATCHES = 1  # of restarts before the scans
BATCHES = 8  # of the first round
PERTURBED, RECOMBINED = 0.375, 0.25  # of a batch; the rest are uniform points
SHORTEST_HORIZON = 50  # iterations
HOMOTOPY_SHARE, SCAN_SHARE = 0.5, 0.25  # of the points left to spend, at most, for one of them
GAP, GAP_WATCHED = LOCAL, 50  # iterations between two records of the history
CELLS, FINE = 1024, 8  # of a scan; the first one has that many times more
PROFILES = 2**26  # … but no more than this many numbers in its profiles
BATCH, NUMBERS = 1024, 2**22  # points at once, and numbers in them
BLOCKS = 32  # groups of directions, each scanned with the others at rest
SWEEPS = 8  # scans from the best point in a row, at most
LEARNABLE = 2000  # dimensions up to which directions are learned


def kinds_of_traced() -> tuple[type, ...]:
    """The classes whose objects a search holds."""
    return Met, Minimum, Place, NoGain, scans.Axes, scans.Oblique


class TracedSearch(Search):
    """Rounds of compiled arms."""

    _replays = True

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._polished = np.inf  # the value last polished
        self._searches = 1  # local searches that were begun as trials
        self._stood = np.inf  # the value at the last gain
        self._stopping = NoGain(AGAIN, MORE)
        self._directions = {"axes": scans.Axes()}

    def _plan(self) -> Plan:
        """The steps one after the other; it depends on nothing but what they return."""
        yield self._begin
        while (yield self._is_alone):
            yield self._trial
        while not (yield self._is_over):
            yield from self._rounds()
            yield self._restart
        return Status.CONVERGED

    def _rounds(self) -> Generator[Step, Any, None]:
        """Rounds of the compiled arms, until enough is known or the value has stood for long."""
        useful = yield from self._first()
        horizon, batches = FIRST_HORIZON, BATCHES
        while not (yield self._has_stood):
            restarts = yield from self._batches(batches)
            homotopy = yield partial(self._homotopy, horizon)
            if restarts or homotopy:
                yield from self._sweeps(useful)
            horizon *= 1 if restarts and not homotopy else 2
            batches *= 1 if homotopy and not restarts else 2

    def _first(self) -> Generator[Step, Any, list[str]]:
        """A batch of local searches, then scans; the names of directions that were of use."""
        useful = []
        yield from self._batches(FIRST_BATCHES)
        if (yield partial(self._scan_through_centre, "axes", 1)):
            yield partial(self._scan_through_centre, "axes", 1, FINE)
            useful.append("axes")
        learned = yield self._learn
        if learned and (yield partial(self._scan_through_centre, "learned", BLOCKS)):
            useful.append("learned")
        yield from self._sweeps(useful)
        return useful

    def _batches(self, count: int) -> Generator[Step, Any, bool]:
        """Batches of local searches; whether they lowered the best value."""
        before = yield self._lowest
        for _ in range(count):
            yield self._batch_of_searches
            if (yield self._has_stood):
                break
        lowered: bool = yield partial(self._polish_after, before)
        return lowered

    # What is known

    def _is_alone(self) -> bool:
        """Whether all local searches so far ended in one minimum, and more of them may do."""
        evidence = self.evidence
        alone = evidence.minima == 1 and evidence.trials == self._searches
        return self._options.polish and alone and not evidence.content

    def _has_stood(self) -> bool:
        """Whether enough is known, or the value has stood for long."""
        objective = self._objective
        if self._gained(self._stood):
            self._stood = objective.best_f
            self._stopping.gained(objective.nfev)
        if objective.best_x is None and objective.nfev >= NOWHERE:
            return True
        return self.evidence.content or self._stopping.over(objective.nfev)

    def _is_over(self) -> bool:
        """Whether that is the end: what was given is used while the minimum may be one of luck."""
        return self._has_stood() and not self._doubts

    def _restart(self) -> None:
        """Begin anew, in other places: what was met counts, and draws no arm to it any more."""
        if self._doubts:
            self._stopping.gained(self._objective.nfev)
            self.met.minima.clear()

    def _sweeps(self, useful: list[str]) -> Generator[Step, Any, None]:
        """Scans from the best point, along directions that were of use, as long as they help."""
        for directions in useful:
            for _ in range(SWEEPS):
                if not (yield partial(self._scan_through_best, directions)):
                    break

    def _stopped(self, status: Status) -> Status:
        """A last polish where only the iterations have run out."""
        if status is Status.MAXITER:
            try:
                self._polish()
            except Stopped as stop:
                status = stop.args[0]
        return status

    # The arms

    def _begin(self) -> None:
        """From the first start downhill."""
        first = self._box.draw(self._rng, 1)[0] if self._context.u0 is None else self._context.u0
        self._values(first[None])
        if self._context.u0 is not None and self._options.polish:
            self._from_x0()
        self._polish(first, trial=True)

    def _trial(self) -> None:
        """A local search from anywhere."""
        self._searches += 1
        self._polish(self._box.draw(self._rng, 1)[0], trial=True)

    def _lowest(self) -> float:
        return self._objective.best_f

    def _polish_after(self, before: float) -> bool:
        """A polish; whether the best value is lower than before."""
        self._polish()
        return self._gained(before)

    def _homotopy(self, horizon: int) -> bool:
        """The schedule from beginning to end, with every rate; whether that lowered the best."""
        before = self._objective.best_f
        start = self._context.recipe.reparametrization.init(self._box, self._rng, None)
        rates = self._options.rates()
        horizon = self._affordable(horizon, self._context.recipe, len(rates), HOMOTOPY_SHARE)
        if horizon >= SHORTEST_HORIZON:
            self._drive(self._context.recipe, [start] * len(rates), rates, horizon)
            self._polish()
        return self._gained(before)

    def _batch_of_searches(self) -> None:
        """A batch of local searches; those from uniform points are trials."""
        recipe = Recipe(Direct(1, "uniform", "reflect"), Constant(), LBFGS())
        longest = max(LOCAL, min(PER_VARIABLE * self._box.dim, LONGEST))
        points, uniform = self._restart_points(self._options.n_starts)
        starts = [Start([u[None]], []) for u in points]
        horizon = self._affordable(longest, recipe, len(starts), 1.0)
        runs = self._drive(recipe, starts, [LOCAL_STEP] * len(starts), horizon, LOCAL_STALL)
        ends, values, going = runs.best_points(), runs.best_per_run(), runs.going()
        for index in range(uniform, len(points)):
            if not going[index] and np.isfinite(values[index]):
                end = self._box.to_unit(self._box.clip(ends[index]))
                self.met.end(end, float(values[index]), trial=True)

    def _restart_points(self, count: int) -> tuple[np.ndarray, int]:
        """Where local searches begin (count, d): perturbed, recombined and uniform points.

        And the number of the first that is uniform.
        """
        rng, box = self._rng, self._box
        points, end = box.draw(rng, count), 0
        if self.met.minima:
            perturbed, recombined = int(PERTURBED * count + rng.random()), int(RECOMBINED * count)
            spreads = np.exp(rng.uniform(math.log(SCALES[0]), math.log(SCALES[1]), perturbed))
            points[:perturbed] = self.met.perturbed(box, spreads, rng)
            end = perturbed + recombined
            points[perturbed:end] = self.met.recombined(recombined, rng)
        return points, end

    def _learn(self) -> bool:
        """Directions in which f may be a sum, from its Hessian at a random point."""
        d = self._box.dim
        if not 2 <= d <= LEARNABLE or 2 * (d + CELLS) > SCAN_SHARE * self._left:
            return False
        at = self._box.centre + 0.1 * self._rng.standard_normal(d)
        found = scans.learned_directions(self._slopes, self._box, at)
        if found is not None:
            self._directions["learned"] = found
        return found is not None

    def _scan_through_centre(self, name: str, blocks: int, finer: int = 1) -> bool:
        return self._scan_along(self._box.centre, self._directions[name], blocks, finer)

    def _scan_through_best(self, name: str) -> bool:
        return self._scan_along(self._best(), self._directions[name], BLOCKS)

    def _scan_along(
        self, centre: np.ndarray, directions: scans.Axes, blocks: int, finer: int = 1
    ) -> bool:
        """A scan and a polish; whether a point that the scan proposed was the best so far."""
        before = self._objective.best_f
        cells = CELLS * finer // (1 if blocks == 1 else 2)
        cells = min(cells, _power_of_two(PROFILES // self._box.dim))
        if min(blocks, self._box.dim) * (cells + CELLS) > SCAN_SHARE * self._left:
            return False
        moves = scans.scan(
            self._slopes, self._box, centre, directions, self._rng, cells, blocks, self._batch
        )
        if blocks > 1:
            moves = moves._replace(gain=self._gains(moves, centre, directions))
        self._values(scans.combinations(moves, centre, directions, self._box))
        helped = self._gained(before)
        self._polish()
        return helped

    def _gains(self, moves: scans.Moves, centre: np.ndarray, directions: scans.Axes) -> np.ndarray:
        """By how much each move (d,) by itself lowers f."""
        values = [self._values(centre[None])]
        for at in range(0, len(centre), self._batch):
            group = np.arange(at, min(at + self._batch, len(centre)))
            points = scans.singles(moves, centre, directions, self._box, group)
            values.append(self._values(points))
        found = np.concatenate(values)
        found = np.where(np.isfinite(found), found, np.finfo(float).max)
        gains: np.ndarray = found[0] - found[1:]
        return gains

    def _polish(self, start: np.ndarray | None = None, trial: bool = False) -> None:
        """L-BFGS-B from `start`, or else from the best point unless that has been polished."""
        objective = self._objective
        x = objective.best_x if start is None else self._box.from_unit(start)
        done = start is None and not objective.best_f < self._polished
        if not self._options.polish or x is None or done:
            return
        found = self._descended(x, self._scale, UNLIMITED, trial)
        self._keep(found, trial)
        if start is None or found.f <= objective.best_f:
            self.met.gradient, self.met.polished_x = found.gradient, objective.best_x
            self._polished = objective.best_f
        self._context.log.record(0, objective.nfev, objective.best_f)
        if found.status in (Status.MAXFEV, Status.MAXTIME, Status.INTERRUPTED):
            raise Stopped(found.status)
        self._look()

    # What they share

    def _drive(
        self,
        recipe: Recipe,
        starts: list[Start],
        rates: list[float],
        horizon: int,
        stall: int | None = None,
    ) -> Runs:
        """Run the loop, and keep what it found."""
        self._check_limits(0)
        context = self._context
        group = make_group(
            recipe, self._box, starts, rates, self._options.dtype,
            value_range=context.spread, horizon=horizon, ftol=0.0, stall=stall,
            seed=int(self._rng.integers(2**31 - 64)), outputs=context.residuals.size,
        )  # fmt: skip
        limits = context.limits._replace(
            maxiter=min(horizon, context.limits.maxiter - context.log.nit)
        )
        driver = Driver(
            context.program(recipe), self._objective, [group], limits, context.watch, context.log
        )
        gap = GAP_WATCHED if context.watched else GAP
        stops = chain(range(gap, limits.maxiter, gap), [limits.maxiter])
        status = driver.run(stops, None if recipe is self._context.recipe else self._thinned_out)
        context.log.nit += driver.runs.nit
        self._gather(driver.runs.best_points(), driver.runs.best_per_run())
        if recipe is self._context.recipe:
            self.met.fun_per_rate = np.minimum(self.met.fun_per_rate, driver.runs.best_per_run())
        if status not in (Status.MAXITER, Status.CONVERGED, Status.NOT_FINITE):
            raise Stopped(status)
        if context.log.nit >= context.limits.maxiter:
            raise Stopped(Status.MAXITER)
        return driver.runs

    def _thinned_out(self, runs: Runs) -> bool:
        """Whether few of a batch's runs go on."""
        return runs.nit >= LOCAL and bool(runs.going().mean() < CROWD)

    def _gather(self, points: np.ndarray, values: np.ndarray) -> None:
        """Keep the runs' best points, with the values that f itself gives them."""
        order = np.argsort(values)[: max(1, self._left)]
        x = self._box.clip(points[order[np.isfinite(values[order])]])
        if not len(x):
            return
        for point, f in zip(x, self._objective.values(x), strict=True):
            if np.isfinite(f):
                self.met.keep(self._box.to_unit(point), f)

    def _values(self, u: np.ndarray) -> np.ndarray:
        """f (N,) at points (N, d), in batches; the objective notes the lowest."""
        size, parts = self._batch, [np.empty(0)]
        for at in range(0, len(u), size):
            part = u[at : at + size]
            self._check_limits(len(part))
            parts.append(self._objective.values(self._box.from_unit(part)))
        return np.concatenate(parts)

    def _slopes(self, u: np.ndarray) -> np.ndarray:
        """∂f/∂u (N, d) at points (N, d), in batches of one size; 0 where not finite."""
        size, parts = min(len(u), self._batch), []
        for at in range(0, len(u), size):
            part = u[at : at + size]
            self._check_limits(size)
            padded = np.concatenate([part, np.repeat(part[-1:], size - len(part), axis=0)])
            x = self._box.from_unit(padded)
            gradient = self._objective.values_and_gradients(x)[1][: len(part)] * self._box.width
            parts.append(np.where(np.isfinite(gradient), gradient, 0.0))
            self._look()
        return np.concatenate(parts)

    def _affordable(self, horizon: int, recipe: Recipe, runs: int, share: float) -> int:
        """Iterations up to `horizon` that a share of what is left to spend allows."""
        limits = self._context.limits
        each = runs * recipe.reparametrization.n_points * recipe.schedule.samples
        points = share * self._left
        return int(min(horizon, limits.maxiter - self._context.log.nit, max(points // each, 1)))

    @property
    def _batch(self) -> int:
        return min(BATCH, max(64, _power_of_two(NUMBERS // self._box.dim)))

    def _best(self) -> np.ndarray:
        assert self._objective.best_x is not None
        return self._box.to_unit(self._objective.best_x)


def _power_of_two(n: int) -> int:
    """The largest that is at most n, and at least 1."""
    return 1 << max(0, n.bit_length() - 1)
