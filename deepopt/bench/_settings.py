"""What a suite runs, checked; see `deepopt.bench.run`."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

from .._support.checks import check_choice, check_number
from ._objectives import make, read_names

Names = str | Sequence[str] | None
SCALES = ("quick", "half", "full")


@dataclasses.dataclass(frozen=True)
class Settings:
    """What every suite has."""

    seed: int = 0
    only: Names = None

    def __post_init__(self) -> None:
        check_number("seed", self.seed, whole=True, at_least=0)
        self.check()

    def check(self) -> None:
        """Raise ValueError or TypeError where a further field is not sound."""

    def check_problems(self) -> None:
        """Raise ValueError where a problem does not go with the dimension."""


@dataclasses.dataclass(frozen=True)
class PaperSettings(Settings):
    """Suites of the nine objectives of paper A; their other fields are counts, at least 1."""

    dim: int = 50
    dtype: str = "float64"

    def check(self) -> None:
        check_choice("dtype", self.dtype, ("float64", "float32"))
        for field in dataclasses.fields(self):
            if field.name not in ("seed", "dtype", "only"):
                check_number(field.name, getattr(self, field.name), whole=True, at_least=1)
        read_names(self.only)

    def check_problems(self) -> None:
        for name in read_names(self.only):
            make(name, "given", self.seed, self.dim)


@dataclasses.dataclass(frozen=True)
class QuickSettings(PaperSettings):
    """Iterations of every run; the spin glass takes a fifth."""

    iterations: int = 1000


@dataclasses.dataclass(frozen=True)
class ConvexitySettings(PaperSettings):
    """Iterations of the shallow optimizer, the glass a tenth; starts per function."""

    iterations: int = 10_000
    starts: int = 10
    glass_starts: int = 3


@dataclasses.dataclass(frozen=True)
class RaceSettings(Settings):
    """Seeds from `seed` on, and who takes part."""

    seeds: int = 10
    solvers: Names = None

    def check(self) -> None:
        check_number("seeds", self.seeds, whole=True, at_least=1)


@dataclasses.dataclass(frozen=True)
class PeersSettings(RaceSettings):
    """Variables (None: 50, 200 and 1000), and seconds of a run (None: by the dimension)."""

    dim: int | None = None
    seconds: float | None = None

    def check(self) -> None:
        from . import _solvers, peers

        super().check()
        if self.seconds is not None:
            check_number("seconds", self.seconds, above=0, below=math.inf)
        if self.dim is not None:
            check_number("dim", self.dim, whole=True, at_least=2)
        read_names(self.only, peers.NAMES)
        _solvers.read_solvers(self.solvers, _solvers.SOLVERS)


@dataclasses.dataclass(frozen=True)
class BlackBoxSettings(RaceSettings):
    """Points of a run for each variable and one more."""

    points: int = 1000

    def check(self) -> None:
        from . import _solvers, black_box

        super().check()
        check_number("points", self.points, whole=True, at_least=1)
        read_names(self.only, black_box.NAMES)
        _solvers.read_solvers(self.solvers, _solvers.BLACK_BOX_SOLVERS)


@dataclasses.dataclass(frozen=True)
class ScaledSettings(Settings):
    """Suites of paper B: their size."""

    scale: str = "quick"

    def check(self) -> None:
        check_choice("scale", self.scale, SCALES)


@dataclasses.dataclass(frozen=True)
class GeneratorSettings(ScaledSettings):
    """Images to train on, the folder of the trainings, and trials (None: by the scale)."""

    data: str | Path = "fashion_mnist"
    generators: str | Path | None = None
    trials: int | None = None

    def check(self) -> None:
        super().check()
        if self.trials is not None:
            check_number("trials", self.trials, whole=True, at_least=1)
        for label, optional in (("data", False), ("generators", True)):
            given = getattr(self, label)
            if not isinstance(given, str | Path) and not (optional and given is None):
                raise TypeError(f"{label} must be a path, got {given!r}")
            if given == "":
                raise ValueError(f"{label} must be a path, got an empty one")


@dataclasses.dataclass(frozen=True)
class LandscapeSettings(GeneratorSettings):
    """No parts."""

    def check(self) -> None:
        super().check()
        if self.only is not None or self.trials is not None:
            raise ValueError("the suite 'landscape' takes neither only nor trials")


KINDS: dict[str, type[Settings]] = {
    "quick": QuickSettings,
    "convexity": ConvexitySettings,
    "peers": PeersSettings,
    "black-box": BlackBoxSettings,
    "surfing": GeneratorSettings,
    "sensing": GeneratorSettings,
    "landscape": LandscapeSettings,
    "theory": ScaledSettings,
}
