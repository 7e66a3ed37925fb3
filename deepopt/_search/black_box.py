"""The search behind `homotopy` where f is a black box: four arms that share the points.

- *Local* searches, SciPy's L-BFGS-B with the given gradient or differences: from the first start,
  then from around the best minima at all scales, and from anywhere.
- *Scans* of one variable after another from the best point: a grid and SciPy's bounded search in
  its best cell, with ever finer grids.
- *Filtering*: descent along differences from coarse to fine (`implicit_filtering`), which sees a
  funnel through its ripples.
- *Evolution*: CMA-ES with restarts (`cma_es`), which comes later than the others and then
  spends more than all of them.

The arm that has spent the fewest points for its share goes next. The search ends when it has gone
on for as long again, and some more, without lowering the best value. Nothing is compiled. What each
arm is for is measured in docs/homotopy.md.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from .._engine import Stopped
from .._support.results import Status
from .._support.threads import one_thread
from . import scans
from .cma_es import Evolution
from .context import Context
from .implicit_filtering import Filtering
from .minima import SCALES, Met, Minimum, Place
from .polishing import Polished
from .search import Plan, Search
from .stopping import FEW, NoGain

SHARES = {"local": 1, "scans": 1, "filtering": 1, "evolution": 5}  # of the points
LOCAL = 200  # gradients of a local search in one turn
FINEST_SCALE = 1e-10  # of the values' scale, on which the last digits are told apart
LOOKS = 4  # chords along which f is looked at
DRAWN = 4  # points of which the lowest begins a descent
GRID, FINER, FINEST = 8, 1.5, 200  # points of a scan's first grid, and how they grow
REFINED = 12  # points in the best cell
AGAIN = 1.3  # times the points spent when f was last lowered
MORE = 1000  # … plus this many for each dimension and one more, which end the search
WAIT = 100  # points for each dimension and one more, by which evolution comes later
MATRICES = 300  # dimensions up to which there are arms that work with d × d matrices


def kinds_of_black_box() -> tuple[type, ...]:
    """The classes whose objects a search holds."""
    from cmaes import CMA  # type: ignore[import-untyped]

    return Met, Minimum, Place, Evolution, Filtering, NoGain, CMA


class BlackBoxSearch(Search):
    """Turns of arms that share the points."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        known = self._objective.best_x
        lowest = self._box.centre if known is None else self._box.to_unit(known)
        self._spent: dict[str, float] = {}  # points of each arm, for its share
        self._stopping = NoGain(AGAIN, MORE * (self._box.dim + 1))
        self._stopping.gained(self._objective.nfev)
        self._lowest = np.inf  # the value at the last gain
        self._searches = 1  # local searches that were begun as trials
        self._is_convex = False  # as far as a few points between others say
        self._anew(lowest if context.u0 is None else context.u0)

    def _anew(self, start: np.ndarray | None) -> None:
        """Forget where the arms stand, but not what was met."""
        self._start, self._trial = start, True  # of the local search that is next
        self._waiting: list[int] = []  # variables to scan before the grid becomes finer
        self._grid = GRID / FINER
        self._filtering: Filtering | None = None
        self._oblique = False  # whether its directions are random
        self._evolution: Evolution | None = None

    def run(self) -> Status:
        with one_thread():
            return super().run()

    def _plan(self) -> Plan:
        """Turns of arms until enough is known, or the value has stood for long."""
        objective, log = self._objective, self._context.log
        arms = self._arms()
        for name in arms:
            late = WAIT * (self._box.dim + 1) if name == "evolution" else 0
            self._spent.setdefault(name, float(late))
        while not self.evidence.content:
            if self._stopping.over(objective.nfev):
                if not self._doubts:
                    break
                yield self._restart
            turn = self._next()
            yield partial(self._take, turn, arms[turn])
            if log.nit >= self._context.limits.maxiter:
                return Status.MAXITER
        return Status.NOT_FINITE if objective.best_x is None else Status.CONVERGED

    def _next(self) -> str:
        """The arm that has spent the least for its share; local searches while they settle it."""
        if "local" in self._spent and self._start is None and self._settles:
            return "local"
        return min(self._spent, key=self._spent.__getitem__)

    @property
    def _settles(self) -> bool:
        """Whether trials end in the same few minima again and again, so that more will do."""
        evidence = self.evidence
        n, w = evidence.trials, evidence.distinct
        begun = 1 if self._is_convex and w == 1 else w + 2
        return begun <= n and 2 * n > self._searches and w <= FEW

    def _restart(self) -> None:
        """Begin anew, in other places: what was met counts, and draws no arm to it any more."""
        self._stopping.gained(self._objective.nfev)
        self._lowest = self._objective.best_f
        self.met.minima.clear()
        self._anew(None)

    def _take(self, turn: str, arm: Callable[[], None]) -> None:
        """A turn of an arm, and what it has spent and gained."""
        objective, log = self._objective, self._context.log
        before = objective.nfev
        arm()
        self._spent[turn] += max(objective.nfev - before, 1) / SHARES[turn]
        log.nit += 1
        log.record(0, objective.nfev, objective.best_f)
        if self._gained(self._lowest):
            self._lowest = objective.best_f
            self._stopping.gained(objective.nfev)
        self._look()

    def _arms(self) -> dict[str, Callable[[], None]]:
        """Those that have a share and that this call affords: a turn of each."""
        arms = {
            "local": self._search_locally,
            "scans": self._scan_next,
            "filtering": self._filter,
            "evolution": self._evolve,
        }
        absent = {name for name, share in SHARES.items() if not share}
        if not self._options.polish:
            absent.add("local")
        if self._box.dim > MATRICES:
            absent |= {"filtering", "evolution"}
        if np.count_nonzero(self._box.width) < 2:
            absent.add("evolution")
        return {name: turn for name, turn in arms.items() if name not in absent}

    # The arms: one turn of each

    def _search_locally(self) -> None:
        """Go on where the last search was cut short, else from near a minimum or anywhere."""
        perturbed = not self._settles and self._rng.random() < 0.5
        if self._start is None and self.met.minima and perturbed:
            spread = np.exp(self._rng.uniform(*np.log(SCALES)))
            self._start = self.met.perturbed(self._box, np.array([spread]), self._rng)[0]
            self._trial = False
        if self._context.u0 is not None and not self.met.minima and self._searches == 1:
            self._from_x0()
        if self._start is None:
            self._start, self._trial = self._drawn(1 if self._settles else DRAWN)[0], True
            self._searches += 1
        self._start = self._descend(self._start, self._trial)
        if self._searches == 1 and self._start is None:
            self._look_between()

    def _look_between(self) -> None:
        """Whether f lies below its chords from the first minimum to a few points."""
        best = self._objective.best_x
        if best is None:
            return
        self._is_convex = True
        for end in self._box.draw(self._rng, LOOKS):
            pair = np.array([0.5 * (end + self._box.to_unit(best)), end])
            middle, far = self._values(pair)
            self._is_convex &= bool(middle <= 0.5 * (far + self._objective.best_f))
            if not self._is_convex:
                break

    def _scan_next(self) -> None:
        if not self._waiting:
            self._waiting = list(self._rng.permutation(self._box.dim))
            self._grid = min(FINER * self._grid, FINEST)
        self._scan_one(self._waiting.pop(), int(self._grid))

    def _filter(self) -> None:
        """A stencil, or what it points to; a local search from where a descent ends."""
        if self._filtering is None:
            u, f = self._drawn()
            if not np.isfinite(f):
                return
            self._filtering = Filtering(self._box, u, f, self._directions())
        if self._filtering.tell(self._values(self._filtering.ask())):
            end, self._filtering = self._filtering.u, None
            if self._options.polish:
                self._searches += 1
                cut_short = self._descend(end, trial=True)
                if self._start is None:
                    self._start, self._trial = cut_short, True

    def _evolve(self) -> None:
        self._evolution = self._evolution or Evolution(self._box, self._rng)
        values = self._values(self._evolution.ask())
        end = self._evolution.tell(values, self._context.spread)
        if end is not None and np.isfinite(end[1]):  # a run from anywhere, as the trials are
            self._searches += 1
            self.met.end(*end, trial=True)

    # What they do

    def _directions(self) -> np.ndarray:
        """Orthonormal rows (m, d): random ones and the axes in turn, without fixed variables."""
        free = np.flatnonzero(self._box.width)
        self._oblique = not self._oblique
        directions = np.zeros((len(free), self._box.dim))
        directions[:, free] = np.eye(len(free))
        if self._oblique:
            normal = self._rng.standard_normal((len(free), len(free)))
            directions[:, free] = np.linalg.qr(normal)[0]
        return directions

    def _drawn(self, count: int = DRAWN) -> tuple[np.ndarray, float]:
        """The lowest of a few random points (d,), and its value; of one alone NaN."""
        drawn = self._box.draw(self._rng, count)
        if count == 1:
            return drawn[0], np.nan
        values = self._values(drawn)
        lowest = int(np.argmin(np.where(np.isfinite(values), values, np.inf)))
        return drawn[lowest], float(values[lowest])

    def _descend(self, start: np.ndarray, trial: bool = False) -> np.ndarray | None:
        """A local search; where it stood if it was cut short.

        One that ends lower than any before, or perhaps on its way to one of the first minima, goes
        on with central differences: forward ones are too coarse for the bottom of a narrow valley.
        """
        objective = self._objective
        before, known = objective.best_f, len(self.met.minima)
        found = self._polish(start, trial=trial)
        few = trial and len(self.met.places) < FEW
        lower = objective.best_f < before or (few and self.met.is_doubtful(found.u, found.f))
        if objective.forward and found.status is not Status.MAXFEV and lower:
            first = found.first
            with objective.central():
                finest = max(abs(objective.best_f), FINEST_SCALE * self._scale)
                found = self._polish(found.u, finest, trial)._replace(first=first)
        self._keep(found, trial)
        if objective.best_f < before or not known:
            self.met.gradient, self.met.polished_x = found.gradient, objective.best_x
        return found.u if found.status is Status.MAXFEV else None

    def _polish(self, start: np.ndarray, finest: float = np.inf, trial: bool = False) -> Polished:
        """L-BFGS-B for one turn; values are told apart on a scale of `finest` at most."""
        each, scale = self._objective.points_per_gradient, self._scale
        if each > self._left:
            self._values(start[None])
        start = self._box.from_unit(start)
        found = self._descended(start, min(scale, finest) or scale, LOCAL * each, trial)
        if found.status in (Status.MAXTIME, Status.INTERRUPTED):
            raise Stopped(found.status)
        return found

    def _scan_one(self, index: int, points: int) -> None:
        """The lowest point along one variable through the best point."""
        from scipy.optimize import minimize_scalar

        box, best = self._box, self._objective.best_x
        base = box.draw(self._rng, 1)[0] if best is None else box.to_unit(best)
        lower, upper = (float(edge[index]) for edge in scans.edges(box, base))
        cell = (upper - lower) / points
        grid = lower + cell * (np.arange(points) + self._rng.random())
        line = np.repeat(base[None], points, axis=0)
        line[:, index] = grid
        values = self._values(line)
        at = grid[int(np.argmin(np.where(np.isfinite(values), values, np.inf)))]

        def along(t: float) -> float:
            base[index] = t
            value = float(self._values(base[None])[0])
            return value if np.isfinite(value) else np.finfo(float).max

        cell = max(cell, 1e-300)
        bounds = (max(lower, at - cell), max(lower, at - cell) + min(2 * cell, upper - lower))
        if bounds[1] > bounds[0]:
            settings = {"maxiter": REFINED, "xatol": 1e-7}
            minimize_scalar(along, bounds=bounds, method="bounded", options=settings)

    def _values(self, u: np.ndarray) -> np.ndarray:
        """f (N,) at points (N, d), as far as the limits allow."""
        if 0 < self._left < len(u):
            self._objective.values(self._box.from_unit(u[: self._left]))
        self._check_limits(len(u))
        return self._objective.values(self._box.from_unit(u))
