"""Paper A's protocol in full (Lopez-Paz & Sagun 2018, §3.3).

The shallow optimizer takes 10,000 iterations (the Hamiltonian a tenth), once for each rate of the
grid and each timed as a run of its own; the deep one then gets, for the same rate, the same clock
time from the same x⁰. The best rate of the grid is chosen for each start by the final value.
Beside the functions as given stand shifted ones, and rotated and shifted ones: the minimum of
three of the functions is the centre of the box, where a network with small outputs begins. Beside
plain descent stand momentum and Adam, which the paper says it outperformed.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..problems import Problem
from ._cells import Cell, Record, backend, minimise
from ._objectives import GLASS, VARIANTS, make, read_names

if TYPE_CHECKING:
    from ._report import Report
    from ._settings import ConvexitySettings

GRID = tuple(10.0**-exponent for exponent in range(11))  # §3: 10⁰ … 10⁻¹⁰
METHODS = {"shallow": "gd", "deep": "deep"}
# Variants and descents, what the paper shows first.
STAGES = (*((variant, "gd") for variant in VARIANTS), ("given", "momentum"), ("given", "adam"))
FOREVER = 10**9  # iterations of the deep optimizer, which the clock stops


def cells(settings: ConvexitySettings) -> Iterator[Cell]:
    """The cells: problem × (variant, descent) × start."""
    names = read_names(settings.only)
    for variant, descent in STAGES:
        for name in names:
            if name == GLASS and variant != "given":
                continue
            for start in range(settings.glass_starts if name == GLASS else settings.starts):
                yield _cell(name, variant, descent, start, settings)


def write(settings: ConvexitySettings, records: list[Record], out: Path) -> Report:
    """Write the files of the suite from the records that are there."""
    from . import _convexity_report

    return _convexity_report.write(settings, records, out)


def _cell(name: str, variant: str, descent: str, start: int, settings: ConvexitySettings) -> Cell:
    iterations = settings.iterations
    parameters = {
        "suite": "convexity",
        "problem": name,
        "variant": variant,
        "descent": descent,
        "start": start,
        "seed": settings.seed,
        "dim": settings.dim,
        "dtype": settings.dtype,
        "iterations": max(1, iterations // 10) if name == GLASS else iterations,
        "backend": backend(),
    }
    work = functools.partial(race, parameters)
    return Cell(f"{name}-{variant}-{descent}-{start}", parameters, work)


def race(parameters: dict[str, Any]) -> dict[str, Any]:
    """Shallow and then deep for the same time, for each rate, from one x⁰."""
    keys = ("problem", "variant", "seed", "dim")
    problem = make(*(parameters[key] for key in keys))
    rng = 1000 * parameters["seed"] + parameters["start"]
    common = {"dtype": parameters["dtype"], "descent": parameters["descent"]}
    for method in METHODS.values():  # compile outside the time
        _timed(problem, method, rng, common | {"learning_rate": 1.0, "maxiter": 2})
    runs = []
    for rate in GRID:
        ask = common | {"learning_rate": rate}
        shallow = _timed(problem, "gd", rng, ask | {"maxiter": parameters["iterations"]})
        ask = ask | {"maxiter": FOREVER, "maxtime": shallow["seconds"]}
        deep = _timed(problem, "deep", rng, ask)
        runs += [
            {"method": "shallow", "rate": rate} | shallow,
            {"method": "deep", "rate": rate} | deep,
        ]
    return {"runs": runs}


def _timed(problem: Problem, method: str, rng: int, options: dict[str, Any]) -> dict[str, Any]:
    begun = time.perf_counter()
    result = minimise(problem, method=method, options=options, rng=rng)
    seconds = time.perf_counter() - begun
    history = {key: list(result.history[key]) for key in ("nit", "time", "fun")}
    history["time"] = [round(at, 6) for at in history["time"]]
    return {
        "fun": result.fun,
        "nit": result.nit,
        "nfev": result.nfev,
        "seconds": seconds,
        "history": history,
    }
