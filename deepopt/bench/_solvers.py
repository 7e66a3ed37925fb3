"""Who is measured: deepopt's methods and their peers, each until its budget is spent.

A peer gets the same compiled values and gradients as deepopt, its own defaults where they are
sound on a box of any size, and restarts: none stops while there is time.
"""

from __future__ import annotations

import dataclasses
import functools
import warnings
import zlib
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from ..problems import Problem
from ._cells import Cell, backend, minimise
from ._meter import Meter, Spent, Untraced
from ._objectives import read_names

ENDLESS = 10**9  # iterations; the meter ends the run
# Of L-BFGS-B with gradients: its own tolerances stop short of 1e-8 on narrow valleys.
TO_THE_END = {"ftol": 1e-14, "gtol": 1e-10, "maxiter": 3000, "maxfun": ENDLESS}
PATIENT = 100  # hops of basin-hopping in vain, after which it begins anew
HOP = 0.05  # its first step, and …
SPREAD = 0.3  # CMA-ES' first step, both relative to the box
SEPARABLE = 500  # dimensions from which CMA-ES learns a diagonal only
DIVIDED = 1000  # points of DIRECT's first run; each next one has twice as many
SAMPLED = 64  # points of SHGO's first run, likewise
ADAM_STARTS, ADAM_STEPS = 32, 1000
ADAM_RATES = (0.1, 0.03, 0.01)  # first learning rates of one run after another, in a unit box


@dataclasses.dataclass(frozen=True)
class Solver:
    """A row of the tables.

    Parameters
    ----------
    name : str
        What it is called.
    solve : callable
        solve(meter, rng) evaluates through the meter until it raises `Spent`.
    summary : str
        Its settings, for the notes of the table.
    needs : str, optional
        A package that has to be installed.
    most : int, optional
        Dimensions up to which it is run; above it is not a contestant.
    """

    name: str
    solve: Callable[[Meter, np.random.Generator], None]
    summary: str
    needs: str | None = None
    most: int | None = None

    @property
    def missing(self) -> bool:
        """Whether its package is not installed."""
        return self.needs is not None and find_spec(self.needs) is None


def run(solver: Solver, meter: Meter, rng: np.random.Generator) -> None:
    """One run to its end, without the solver's warnings; linear algebra as in deepopt's calls."""
    from .._backend import precision
    from .._support.threads import one_thread

    with warnings.catch_warnings(), precision("float64"), one_thread():
        warnings.simplefilter("ignore")
        try:
            while True:
                solver.solve(meter, rng)
        except Spent:
            return


class _Bowl(Untraced):
    has_slopes = True

    def __init__(self) -> None:
        super().__init__(lambda x: float(x @ x))

    def slopes(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.sum(x * x, axis=1), 2.0 * x


@functools.cache
def load(solver: Solver) -> None:
    """A short run outside any clock: packages are imported, what they set up is set up."""
    run(solver, Meter(_Bowl(), -np.ones(2), np.ones(2), points=200), np.random.default_rng(0))


def cell(
    solver: Solver, race: Callable[[dict[str, Any], Solver], dict[str, Any]], **asked: Any
) -> Cell:
    """The cell of one run, whose key holds what was asked and the solver's settings."""
    asked |= {"solver": solver.name, "settings": solver.summary, "backend": backend()}
    words = [asked[key] for key in ("problem", "variant", "dim", "seed", "solver")]
    name = "-".join(map(str, words)).replace(" ", "-")
    return Cell(name, asked, functools.partial(race, asked, solver))


def stream(solver: Solver, seed: int) -> np.random.Generator:
    """The draws of a run; those of the problem come from elsewhere."""
    return np.random.default_rng([seed, 3, zlib.crc32(solver.name.encode())])


def read_solvers(given: str | Sequence[str] | None, known: Sequence[Solver]) -> list[Solver]:
    """Solvers by name, from names or comma-separated lists; None is all that are installed.

    Raises ValueError for a name that is unknown, or whose package is missing.
    """
    table = {solver.name: solver for solver in known}
    names = read_names(given, tuple(table), "solver")
    missing = [table[name] for name in names if table[name].missing]
    if given and missing:
        raise ValueError(
            f"solver {missing[0].name!r} needs the package {missing[0].needs}, which is not "
            "installed; pip install 'deepopt[bench]' brings it"
        )
    return [table[name] for name in names if not table[name].missing]


# SciPy


def _local(meter: Meter, x0: np.ndarray) -> Any:
    """L-BFGS-B, with gradients where there are any."""
    from scipy.optimize import Bounds, minimize

    bounds = Bounds(meter.lower, meter.upper)
    x0 = np.clip(x0, meter.lower, meter.upper)
    if meter.has_slopes:
        return minimize(
            meter.slope, x0, jac=True, method="L-BFGS-B", bounds=bounds, options=TO_THE_END
        )
    return minimize(meter.value, x0, method="L-BFGS-B", bounds=bounds)


def _as_method(meter: Meter) -> Callable[..., Any]:
    """The same in the form that `scipy.optimize.minimize` takes as its method."""

    def method(_fun: Any, x0: np.ndarray, *_args: Any, **_kwargs: Any) -> Any:
        return _local(meter, x0)

    return method


def _bounds(meter: Meter) -> list[tuple[float, float]]:
    return list(zip(meter.lower, meter.upper, strict=True))


def multistart(meter: Meter, rng: np.random.Generator) -> None:
    _local(meter, meter.draw(rng))


def dual_annealing(meter: Meter, rng: np.random.Generator) -> None:
    from scipy.optimize import dual_annealing as anneal

    local = {"method": _as_method(meter)} if meter.has_slopes else None
    anneal(
        meter.value, _bounds(meter), maxiter=ENDLESS, maxfun=ENDLESS, minimizer_kwargs=local,
        rng=rng,
    )  # fmt: skip


def basin_hopping(meter: Meter, rng: np.random.Generator) -> None:
    from scipy.optimize import basinhopping

    basinhopping(
        meter.value, meter.draw(rng), niter=ENDLESS, niter_success=PATIENT, rng=rng,
        stepsize=HOP * float(np.mean(meter.upper - meter.lower)),
        minimizer_kwargs={"method": _as_method(meter)},
    )  # fmt: skip


def differential_evolution(meter: Meter, rng: np.random.Generator) -> None:
    from scipy.optimize import differential_evolution as evolve

    batched = {"vectorized": True, "updating": "deferred"}  # faster by the clock, not by points
    found = evolve(
        (lambda x: meter.values(x.T)) if meter.has_slopes else meter.value, _bounds(meter),
        maxiter=ENDLESS, polish=False, rng=rng, **(batched if meter.has_slopes else {}),
    )  # fmt: skip
    _local(meter, found.x)


def _remembering(function: Callable[[np.ndarray], Any]) -> Callable[[np.ndarray], Any]:
    """Evaluates no point twice: longer runs of these two begin with the points of shorter ones."""
    known: dict[bytes, Any] = {}

    def call(x: np.ndarray) -> Any:
        key = np.asarray(x, dtype=float).tobytes()
        if key not in known:
            known[key] = function(x)
        return known[key]

    return call


def direct(meter: Meter, _rng: np.random.Generator) -> None:
    from scipy.optimize import direct as divide

    points, value = DIVIDED, _remembering(meter.value)
    while True:
        found = divide(  # whose memory grows with maxiter
            value, _bounds(meter), maxfun=points, maxiter=points, vol_tol=0.0, len_tol=0.0
        )
        _local(meter, found.x)
        points *= 2


def shgo(meter: Meter, _rng: np.random.Generator) -> None:
    from scipy.optimize import shgo as homology

    points, local = SAMPLED, {}
    value = _remembering(meter.value)
    if meter.has_slopes:
        slope = _remembering(meter.slope)
        value = lambda x: slope(x)[0]  # noqa: E731
        local = {"method": "SLSQP", "jac": lambda x: slope(x)[1]}
    while True:
        homology(
            value, _bounds(meter), n=points, sampling_method="sobol",
            minimizer_kwargs=local or None,
        )  # fmt: skip
        points *= 2


# Others


def cma_es(meter: Meter, rng: np.random.Generator) -> None:
    import cma  # type: ignore[import-untyped]

    options = {
        "bounds": [meter.lower, meter.upper],
        "CMA_stds": meter.upper - meter.lower,
        "CMA_diagonal": len(meter.lower) >= SEPARABLE,
        "seed": int(rng.integers(1, 2**31)),
        "verbose": -9,
        "verb_log": 0,
    }
    cma.fmin2(
        meter.value, lambda: meter.draw(rng), SPREAD, options, restarts=9, bipop=True,
        parallel_objective=lambda points: list(meter.values(np.array(points))),
    )  # fmt: skip


def adam(meter: Meter, rng: np.random.Generator) -> None:
    """A loop as one writes it by hand, in unit coordinates, its gradients compiled."""
    import importlib

    torch = importlib.import_module("torch")
    width = meter.upper - meter.lower
    for rate in ADAM_RATES:
        u = torch.tensor(rng.random((ADAM_STARTS, len(width))), requires_grad=True)
        optimizer = torch.optim.Adam([u], lr=rate)
        decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, ADAM_STEPS)
        for _ in range(ADAM_STEPS):
            f, gradients = meter.slopes(meter.lower + width * u.detach().numpy())
            u.grad = torch.tensor(gradients * width)
            optimizer.step()
            decay.step()
            u.data.clamp_(0.0, 1.0)
        _local(meter, meter.lower + width * u.detach().numpy()[int(np.argmin(f))])


# deepopt


def ours(method: str) -> Callable[[Meter, np.random.Generator], None]:
    """A method with its default options; the first call's draws are those of `warm`."""

    def solve(meter: Meter, rng: np.random.Generator) -> None:
        meter.check()
        begun, (seconds, points) = meter.seconds, meter.left
        if meter.problem is not None:
            limit = {"maxtime": seconds}
            meter.absorb(minimise(meter.problem, method=method, options=limit, rng=rng), begun)
        else:
            limit = {"maxfev": int(points)}
            minimise(meter.value, bounds=_bounds(meter), method=method, options=limit, rng=rng)

    return solve


def warm(method: str, problem: Problem, target: float, limit: dict[str, float], rng: Any) -> None:
    """A first call, which compiles; it ends at the target."""

    def stop(intermediate_result: Any) -> None:
        if intermediate_result.fun <= target:
            raise StopIteration

    minimise(problem, method=method, options=limit, rng=rng, callback=stop)


_HOMOTOPY = Solver("homotopy", ours("homotopy"), "deepopt's default call, anew when it stops")
_DEEP = Solver("deep", ours("deep"), "deepopt's, as in paper A: the grid of rates, no polish")
_GD = Solver("gd", ours("gd"), "the same without the network")
_DUAL = Solver("dual annealing", dual_annealing, "SciPy's defaults, restarts")
_HOPPING = Solver(
    "basin-hopping",
    basin_hopping,
    f"SciPy's, first step {HOP} of the box, anew after {PATIENT} hops in vain",
)
_MULTISTART = Solver(
    "L-BFGS-B", multistart, "SciPy's to ftol 1e-14 with gradients, from uniform starts"
)
_CMA = Solver(
    "CMA-ES",
    cma_es,
    f"pycma, BIPOP restarts, step {SPREAD} of the box, diagonal from d = {SEPARABLE}",
    "cma",
)
_DE = Solver(
    "differential evolution",
    differential_evolution,
    "SciPy's defaults, in batches where the clock counts",
    most=100,
)
_DIRECT = Solver(
    "DIRECT", direct, "SciPy's, ever longer, no point twice, L-BFGS-B at the end", most=100
)
_SHGO = Solver("SHGO", shgo, "SciPy's, ever more Sobol points, none twice", most=5)
_ADAM = Solver(
    "Adam",
    adam,
    f"PyTorch's, {ADAM_STARTS} starts, {ADAM_STEPS} steps with cosine decay, L-BFGS-B at the end",
    "torch",
)
OURS = (_HOMOTOPY, _DEEP, _GD)
SOLVERS = (*OURS, _DUAL, _HOPPING, _MULTISTART, _ADAM, _CMA, _DE, _DIRECT, _SHGO)
BLACK_BOX_SOLVERS = (
    _HOMOTOPY,
    _DUAL, _CMA, _DE, _DIRECT, _SHGO, _HOPPING, _MULTISTART,
)  # fmt: skip
