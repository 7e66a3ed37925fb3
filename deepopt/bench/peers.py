"""deepopt's methods and their peers on functions with gradients, in equal wall time.

Each run has the same seconds, in which compilation does not count. A peer's ends when it has come
within `TOLERANCE` of the known minimum; deepopt's call ends by itself, and what counts is when it
got there. Whoever ends without it begins anew. A seed draws the shift, the rotation and the
couplings of a problem; the search draws from a stream of its own. The problems of `held_out` stand
in the same tables.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _profiles, _solvers
from ._cells import Cell, Record
from ._meter import Meter, Traced
from ._objectives import GLASS, VARIANTS, make, read_names
from ._solvers import OURS, SOLVERS, Solver
from .held_out import FIXED, HELD_OUT, TOLERANCES

if TYPE_CHECKING:
    from ..problems import Problem
    from ._report import Report
    from ._settings import PeersSettings

TOLERANCE = 1e-8  # above the known minimum
NAMES = (*read_names(None), *HELD_OUT)
DIMS = (50, 200, 1000)
LARGEST_GLASS = 300  # spins: a glass has N^3 couplings
PER_VARIABLE, LEAST, MOST = 0.1, 5.0, 60.0  # seconds of a run
COMPILING = 20.0  # seconds more for a first call
WARMED = {"gd": {"maxiter": 2}, "deep": {"maxiter": 2}}  # what compiles all of a method


def seconds_of(dim: int) -> float:
    """A run's seconds: a tenth for each variable, at least 5 and at most 60."""
    return min(max(PER_VARIABLE * dim, LEAST), MOST)


def cells(settings: PeersSettings) -> Iterator[Cell]:
    """The cells: dimension × seed × variant × problem × solver."""
    solvers = _solvers.read_solvers(settings.solvers, SOLVERS)
    asked = read_names(settings.only, NAMES)
    for dim in DIMS if settings.dim is None else (settings.dim,):
        for seed in range(settings.seed, settings.seed + settings.seeds):
            for name, variant, d in _instances(dim):
                for solver in solvers:
                    if name in asked and d <= (solver.most or d):
                        yield _cell(name, variant, d, dim, seed, solver, settings)


def _instances(dim: int) -> Iterator[tuple[str, str, int]]:
    """Problem, variant and dimension; those of a dimension of their own are run beside 50."""
    for variant in reversed(VARIANTS):
        for name in NAMES:
            if name == GLASS:
                if variant == "given" and dim <= LARGEST_GLASS:
                    yield name, variant, dim
            elif name in FIXED:
                moved, dims = FIXED[name]
                if variant == moved and dim == DIMS[0]:
                    yield from ((name, variant, d) for d in dims)
            elif name not in HELD_OUT or variant == "rotated":
                yield name, variant, dim


def _cell(
    name: str, variant: str, d: int, group: int, seed: int, solver: Solver, settings: PeersSettings
) -> Cell:
    return _solvers.cell(
        solver,
        race,
        suite="peers",
        problem=name,
        variant=variant,
        dim=d,
        group=f"{variant}, d = {group}" if d == group else "of their own dimension",
        seed=seed,
        seconds=float(settings.seconds or seconds_of(d)),
        tolerance=TOLERANCES.get(name, TOLERANCE),
    )


def race(parameters: dict[str, Any], solver: Solver) -> dict[str, Any]:
    """One run of one solver on one problem."""
    name, d, seed = (parameters[key] for key in ("problem", "dim", "seed"))
    problem = make(name, parameters["variant"], seed, d)
    tolerance = parameters["tolerance"]
    target = -math.inf if problem.fmin is None else problem.fmin + tolerance
    cold = None
    if solver in OURS:
        limit = WARMED.get(solver.name, {"maxtime": parameters["seconds"] + COMPILING})
        begun = time.perf_counter()
        _solvers.warm(solver.name, problem, target, limit, _solvers.stream(solver, seed))
        cold = time.perf_counter() - begun
    else:
        _solvers.load(solver)
    meter = Meter(
        _traced(problem), problem.bounds.lb, problem.bounds.ub, parameters["seconds"], math.inf,
        target,
    )  # fmt: skip
    _solvers.run(solver, meter, _solvers.stream(solver, seed))
    return meter.summary() | {"minimum": problem.fmin, "tolerance": tolerance, "cold": cold}


@functools.lru_cache(maxsize=2)
def _traced(problem: Problem) -> Traced:
    """Compiled once for all the peers on a problem."""
    return Traced(problem)


def write(settings: PeersSettings, records: list[Record], out: Path) -> Report:
    """Write the files of the suite from the records that are there."""
    return _profiles.write(
        "peers", dataclasses.asdict(settings), records, out, SOLVERS, _profiles.SECONDS
    )
