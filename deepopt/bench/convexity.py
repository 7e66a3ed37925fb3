"""Paper A's protocol in full (Lopez-Paz & Sagun 2018, §3.3).

The shallow optimizer takes 10,000 iterations (the Hamiltonian a tenth), once for each rate of the
grid and each timed as a run of its own; the deep one then gets, for the same rate, the same clock
time from the same x⁰. The best rate of the grid is chosen for each start by the final value.
Beside the functions as given stand shifted ones, and rotated and shifted ones: the minimum of
three of the functions is the centre of the box, where a network with small outputs begins. Beside
plain descent stand momentum and Adam, which the paper says it outperformed.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .._checks import check_choice, check_number
from ..problems import Problem
from ._cells import Cell, Record, backend, finished, run_cells
from ._objectives import GLASS, VARIANTS, make, read_names

GRID = tuple(10.0**-exponent for exponent in range(11))  # §3: 10⁰ … 10⁻¹⁰
METHODS = {"shallow": "gd", "deep": "deep"}
# Variants and descents, what the paper shows first.
STAGES = (*((variant, "gd") for variant in VARIANTS), ("given", "momentum"), ("given", "adam"))
FOREVER = 10**9  # iterations of the deep optimizer, which the clock stops


@dataclasses.dataclass(frozen=True)
class Settings:
    """What the suite runs; see `deepopt.bench.run`."""

    seed: int = 0
    dim: int = 50
    dtype: str = "float64"
    only: str | Sequence[str] | None = None
    iterations: int = 10_000
    starts: int = 10
    glass_starts: int = 3

    def __post_init__(self) -> None:
        check_number("seed", self.seed, whole=True, at_least=0)
        check_choice("dtype", self.dtype, ("float64", "float32"))
        for label in ("dim", "iterations", "starts", "glass_starts"):
            check_number(label, getattr(self, label), whole=True, at_least=1)
        read_names(self.only)


def run(settings: Settings, out: Path, quiet: bool) -> dict[str, Any]:
    """Run what is missing of the problems asked for; report all of the suite that is there."""
    from . import _convexity_report
    from ._report import console_for

    console = console_for(quiet)
    for name in read_names(settings.only):
        make(name, "given", settings.seed, settings.dim)  # a dimension too small is said at once
    run_cells(list(cells(settings)), out / "cells", console)
    everything = cells(dataclasses.replace(settings, only=None))
    return _convexity_report.write(settings, load(everything, out), out, console)


def load(wanted: Iterator[Cell], out: Path) -> list[Record]:
    """Records of the cells that are there, from this process or any other."""
    return finished(wanted, out / "cells")


def cells(settings: Settings) -> Iterator[Cell]:
    """The cells: problem × (variant, descent) × start."""
    names = read_names(settings.only)
    for variant, descent in STAGES:
        for name in names:
            if name == GLASS and variant != "given":
                continue
            for start in range(settings.glass_starts if name == GLASS else settings.starts):
                yield _cell(name, variant, descent, start, settings)


def _cell(name: str, variant: str, descent: str, start: int, settings: Settings) -> Cell:
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
    return Cell(f"{name}-{variant}-{descent}-{start}", parameters, lambda: race(parameters))


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
    from .._minimize import minimize
    from .._result import Status

    begun = time.perf_counter()
    result = minimize(problem, method=method, options=options, rng=rng)
    seconds = time.perf_counter() - begun
    if result.status == Status.INTERRUPTED:
        raise KeyboardInterrupt
    history = {key: list(result.history[key]) for key in ("nit", "time", "fun")}
    history["time"] = [round(at, 6) for at in history["time"]]
    return {
        "fun": result.fun,
        "nit": result.nit,
        "nfev": result.nfev,
        "seconds": seconds,
        "history": history,
    }
