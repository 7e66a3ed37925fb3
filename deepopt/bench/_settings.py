"""What a suite runs, checked; see `deepopt.bench.run`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from .._checks import check_choice, check_number
from ._objectives import read_names


@dataclasses.dataclass(frozen=True)
class Settings:
    """What every suite has; other fields of a suite are counts, at least 1."""

    seed: int = 0
    dim: int = 50
    dtype: str = "float64"
    only: str | Sequence[str] | None = None

    def __post_init__(self) -> None:
        check_number("seed", self.seed, whole=True, at_least=0)
        check_choice("dtype", self.dtype, ("float64", "float32"))
        for field in dataclasses.fields(self):
            if field.name not in ("seed", "dtype", "only"):
                check_number(field.name, getattr(self, field.name), whole=True, at_least=1)
        read_names(self.only)


@dataclasses.dataclass(frozen=True)
class QuickSettings(Settings):
    """Iterations of every run; the spin glass takes a fifth."""

    iterations: int = 1000


@dataclasses.dataclass(frozen=True)
class ConvexitySettings(Settings):
    """Iterations of the shallow optimizer, the glass a tenth; starts per function."""

    iterations: int = 10_000
    starts: int = 10
    glass_starts: int = 3


KINDS: dict[str, type[Settings]] = {"quick": QuickSettings, "convexity": ConvexitySettings}
