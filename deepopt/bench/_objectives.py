"""The nine objectives of paper A, by name, and what makes their values comparable."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..problems import FUNCTIONS, Problem, SphericalSpinGlass
from .held_out import HELD_OUT

GLASS = SphericalSpinGlass.name
NAMES = (*FUNCTIONS, GLASS)
VARIANTS = ("given", "shifted", "rotated")  # rotated: and then shifted


def read_names(
    only: str | Sequence[str] | None, known: Sequence[str] = NAMES, what: str = "problem"
) -> tuple[str, ...]:
    """Known names from a sequence of names or of comma-separated lists; None is all of them.

    Raises ValueError with the nearest names where one is unknown.
    """
    parts: list[str] = [only] if isinstance(only, str) else list(only or ())
    if not all(isinstance(part, str) for part in parts):
        raise TypeError(f"a {what} is named by a string, got {only!r}")
    given = [name.strip() for part in parts for name in part.split(",") if name.strip()]
    table = {name.lower(): name for name in known}
    for name in given:
        if name.lower() not in table:
            close = difflib.get_close_matches(name.lower(), table, n=2, cutoff=0.5)
            near = [table[key] for key in close] or list(known)
            words = " or ".join(map(repr, near)) if len(near) < 3 else ", ".join(near)
            raise ValueError(f"{what} {name!r} is unknown; did you mean {words}?")
    asked = {table[name.lower()] for name in given}
    return tuple(name for name in known if name in asked) if given else tuple(known)


@functools.lru_cache(maxsize=32)
def make(name: str, variant: str, seed: int, dim: int) -> Problem:
    """A problem; one and the same object per process, since it keeps its compiled loops."""
    if name == GLASS:
        return SphericalSpinGlass(dim, rng=seed)
    problem = HELD_OUT[name](dim) if name in HELD_OUT else FUNCTIONS[name].with_dim(dim)
    if variant == "rotated":
        problem = problem.rotated(np.random.default_rng([seed, 2]))
    if variant != "given":
        problem = problem.shifted(np.random.default_rng([seed, 1]))
    return problem


class Scale(NamedTuple):
    """How a value of f is reported: (f - reference) / unit."""

    reference: float
    unit: float  # N for the glass, else 1
    span: float | None  # the range of f over the domain, for the paper's scaling to [0, 1]
    meaning: str

    def error(self, fun: float | None) -> float | None:
        """f above the reference, or energy per spin; None for None."""
        return None if fun is None else (fun - self.reference) / self.unit


def scale(problem: Problem, best_seen: float | None) -> Scale:
    """Energy per spin for the glass, else f above the minimum, or above the best value seen."""
    if isinstance(problem, SphericalSpinGlass):
        return Scale(0.0, problem.dim, None, "energy per spin")
    known = problem.value_range
    span = None if known is None else known[1] - known[0]
    if problem.fmin is not None:
        return Scale(problem.fmin, 1.0, span, "f above its minimum")
    return Scale(best_seen or 0.0, 1.0, span, "f above the best value seen in this suite")
