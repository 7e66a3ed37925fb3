"""deepopt's default call and its peers on functions of 2 to 10 variables, in equal evaluations.

No solver gets a gradient; every point that it evaluates counts, those of finite differences too.
A run ends when it has come within `TOLERANCE` of the minimum.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..problems import FUNCTIONS
from . import _profiles, _solvers
from ._cells import Cell, Record
from ._meter import Meter, Traced, Untraced
from ._objectives import make, read_names
from ._solvers import BLACK_BOX_SOLVERS, Solver
from .small import DIMS, ROTATED_FROM, SMALL

if TYPE_CHECKING:
    from ._report import Report
    from ._settings import BlackBoxSettings

TOLERANCE = 1e-6  # above the minimum
IN_PLACE = ("schwefel", "michalewicz")  # go lower outside their boxes, so they are not moved
SPREADABLE = (*FUNCTIONS, "griewank", "salomon", "alpine", "schaffer")
TENSORS: dict[str, tuple[int, ...]] = dict.fromkeys(SPREADABLE, DIMS) | {"drop_wave": (2,)}
NAMES = (*TENSORS, *SMALL)


def cells(settings: BlackBoxSettings) -> Iterator[Cell]:
    """The cells: seed × function × dimension × solver."""
    solvers = _solvers.read_solvers(settings.solvers, BLACK_BOX_SOLVERS)
    for seed in range(settings.seed, settings.seed + settings.seeds):
        for name in read_names(settings.only, NAMES):
            for dim in TENSORS[name] if name in TENSORS else SMALL[name].dims:
                for solver in solvers:
                    if dim <= (solver.most or dim):
                        yield _solvers.cell(
                            solver,
                            race,
                            suite="black-box",
                            problem=name,
                            variant=_variant(name, dim),
                            dim=dim,
                            group="black boxes",
                            seed=seed,
                            points=settings.points,
                            tolerance=TOLERANCE,
                        )


def _variant(name: str, dim: int) -> str:
    """How a function is moved; those of a place of their own are not."""
    if name in IN_PLACE or (name in SMALL and not SMALL[name].moves):
        return "given"
    return "rotated" if dim >= ROTATED_FROM else "shifted"


def race(parameters: dict[str, Any], solver: Solver) -> dict[str, Any]:
    """One run of one solver on one function."""
    name, dim, seed = (parameters[key] for key in ("problem", "dim", "seed"))
    evaluator, lower, upper, minimum = _function(name, dim, seed)
    budget = parameters["points"] * (dim + 1)
    meter = Meter(evaluator, lower, upper, points=budget, target=minimum + TOLERANCE)
    _solvers.run(solver, meter, _solvers.stream(solver, seed))
    return meter.summary() | {"minimum": minimum, "tolerance": TOLERANCE}


@functools.lru_cache(maxsize=2)
def _function(name: str, dim: int, seed: int) -> tuple[Untraced, np.ndarray, np.ndarray, float]:
    """What evaluates it, its bounds and its minimum."""
    if name in SMALL:
        small = SMALL[name]
        lower, upper = small.bounds(dim)
        return Untraced(small.moved(dim, seed)), lower, upper, small.minimum
    problem = make(name, _variant(name, dim), seed, dim)
    assert problem.fmin is not None
    traced = Traced(problem)
    alone = Untraced(lambda x: traced.values(x[None])[0])
    return alone, problem.bounds.lb, problem.bounds.ub, problem.fmin


def write(settings: BlackBoxSettings, records: list[Record], out: Path) -> Report:
    """Write the files of the suite from the records that are there."""
    return _profiles.write(
        "black-box", dataclasses.asdict(settings), records, out, BLACK_BOX_SOLVERS,
        _profiles.POINTS,
    )  # fmt: skip
