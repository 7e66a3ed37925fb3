"""The idea: a method is a reparametrization × a schedule × a descent."""

from __future__ import annotations

import dataclasses
from typing import Any

from .._support.checks import shown
from ..descents import Descent, GradientDescent
from ..reparametrizations import Reparametrization
from ..schedules import Constant, Schedule

PARTS = {"reparametrization": Reparametrization, "schedule": Schedule, "descent": Descent}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A method put together by hand: pass it as ``method=`` to `deepopt.minimize`.

    Parameters
    ----------
    reparametrization : Reparametrization
        Where the variables live: `Direct`, `Deep` or your own.
    schedule : Schedule, default `Constant`
        Which objective is minimised when.
    descent : Descent, default `GradientDescent`
        How a step is taken.

    Examples
    --------
    >>> from deepopt import Adam, Deep, Recipe
    >>> Recipe(Deep(n_embeddings=10), descent=Adam()).descent.beta1
    0.9
    """

    reparametrization: Reparametrization
    schedule: Schedule = Constant()
    descent: Descent = GradientDescent()

    def __post_init__(self) -> None:
        for label in PARTS:
            check_part(label, getattr(self, label))


def check_part(label: str, value: Any) -> None:
    if isinstance(value, type):
        raise TypeError(f"{label} must be an object, got a class; did you mean {value.__name__}()?")
    if not isinstance(value, PARTS[label]):
        raise TypeError(f"{label} must be a {PARTS[label].__name__}, got {shown(value)}")
    try:
        hash(value)
    except TypeError:
        raise TypeError(
            f"{label} must be hashable, as a frozen dataclass is, got {value!r}"
        ) from None
