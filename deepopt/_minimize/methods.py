"""The methods: a table from a name to its options and its recipe.

Each method's options are a frozen dataclass; a field's metadata says what it means, and
`deepopt list` prints it.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .._engine import Options, Recipe
from .._support.checks import check_number, shown
from .._support.options import option, plain, with_preset
from .._support.ranges import Choice, Fields, Range
from ..descents import Adam, Descent, GradientDescent
from ..reparametrizations import Deep, Direct
from ..schedules import Constant, GaussianSmoothing, Schedule

LONGEST_FROM_PYTHON = 2000  # iterations on a black box, at most
# By benchmarks/tuned.py; what they are worth on other functions stands in docs/tuning.md
TUNED_GD = {
    "learning_rate": 3.1, "descent": "momentum", "decay": 0.95, "patience": 73, "n_starts": 4,
    "starts": "uniform", "output_map": "reflect",
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class PaperOptions(Options):
    """What paper A's two optimizers share."""

    output_map: str = option("sigmoid", "how real numbers become points of the box")
    decay: float | None = option(
        None,
        "factor on the rate after an iteration without improvement: 0.9, for adam 1",
        Range(0.5, 1.0),
    )
    patience: int | None = option(
        None, "iterations without improvement forgiven before each decay: 0", Range(0, 100)
    )
    descent: Descent | str | None = option(
        None,
        'a descent in place of the own one, or "gd", "momentum", "adam", "lbfgs", "lm"',
        Choice((None, "momentum", "adam")),
    )

    def plain_descent(self) -> GradientDescent:
        return GradientDescent(0.9 if self.decay is None else self.decay, self.patience or 0)


@dataclasses.dataclass(frozen=True)
class GdOptions(PaperOptions):
    """The shallow optimizer."""

    n_starts: int = option(50, "points that descend together", Range(1, 200, log=True))
    starts: str = option(
        "network",
        '"network" (where `deep` begins, paper A) or "uniform"',
        Choice(("network", "uniform")),
    )
    preset: str | None = option(None, '"tuned": what suited other functions best (docs/tuning.md)')

    @classmethod
    def presets(cls) -> Mapping[str, Mapping[str, Any]]:
        return {"tuned": TUNED_GD}

    def parts(self) -> Recipe:
        direct = Direct(self.n_starts, self.starts, self.output_map)
        return Recipe(direct, Constant(), self.plain_descent())


@dataclasses.dataclass(frozen=True)
class DeepOptions(PaperOptions):
    """The deep optimizer."""

    n_embeddings: int = option(50, "points, which share one network", Range(1, 200, log=True))
    n_hidden: int = option(
        10, "length of an embedding and of each hidden layer", Range(2, 200, log=True)
    )
    n_layers: int = option(1, "hidden layers", Range(1, 4))
    n_starts: int = option(1, "independent networks, each run with every rate")

    def check(self) -> None:
        super().check()
        check_number("n_starts", self.n_starts, whole=True, at_least=1)

    def parts(self) -> Recipe:
        deep = Deep(self.n_embeddings, self.n_hidden, self.n_layers, self.output_map)
        return Recipe(deep, Constant(), self.plain_descent())

    @property
    def networks(self) -> int:
        return self.n_starts


@dataclasses.dataclass(frozen=True)
class HomotopyOptions(Options):
    """The global search: rounds of the homotopy, local searches and scans."""

    maxiter: int = option(10**5, "iterations of the loop at most, in all rounds")
    learning_rate: float | str | Sequence[float] = option(
        0.1,
        "step of Adam in units of the smoothing σ; a sequence or a grid runs each",
        Range(0.01, 1.0, log=True),
    )
    ftol: float | None = option(
        1e-10, "a round must lower f by more than this part of its range, or it counts as no gain"
    )
    polish: bool = option(True, "SciPy's L-BFGS-B from the best points, in float64")
    n_starts: int = option(
        16,
        "local searches in a batch; points that a black box descends with",
        Range(4, 64, log=True),
    )
    n_paths: int = option(1, "points that follow the homotopy together", Range(1, 8, log=True))
    schedule: Schedule | None = option(
        None, "a schedule in place of the method's own", Fields(GaussianSmoothing)
    )

    def check(self) -> None:
        super().check()
        check_number("n_starts", self.n_starts, whole=True, at_least=1)
        check_number("n_paths", self.n_paths, whole=True, at_least=1)

    def parts(self) -> Recipe:
        descent = Adam(beta1=0.9, beta2=0.99, epsilon=1e-30)
        return Recipe(Direct(self.n_paths, "uniform", "reflect"), GaussianSmoothing(), descent)

    @property
    def searches(self) -> bool:
        return True

    @classmethod
    def only_traced(cls) -> tuple[str, ...]:
        return (
            "schedule",
            "n_paths",
            "learning_rate",
        )  # of homotopy runs, which a black box does not take

    @property
    def searches_black_box(self) -> bool:
        return self.schedule is None and self.descent is None

    def for_black_box(self) -> HomotopyOptions:
        """Those of the search, else of one homotopy run of many points with a polish."""
        if self.searches_black_box:
            return self
        iterations = min(self.maxiter, LONGEST_FROM_PYTHON)
        return dataclasses.replace(self, maxiter=iterations, n_paths=self.n_starts)


class Method(NamedTuple):
    """A row of the table."""

    options: type[Options]
    summary: str


METHODS: dict[str, Method] = {
    "homotopy": Method(
        HomotopyOptions, "Direct × GaussianSmoothing × Adam, scans and local searches around it"
    ),
    "gd": Method(GdOptions, "Direct × Constant × gradient descent (paper A's shallow optimizer)"),
    "deep": Method(DeepOptions, "Deep × Constant × gradient descent (paper A's deep optimizer)"),
}


def find(method: str) -> Method:
    """The row of a name, in any case; ValueError with the nearest names."""
    row = METHODS.get(method.lower())
    if row is not None:
        return row
    near = difflib.get_close_matches(method.lower(), METHODS, n=3, cutoff=0.4) or list(METHODS)
    names = " or ".join(repr(name) for name in near)
    raise ValueError(f"method {shown(method)} is unknown; did you mean {names}?")


def read_options(kind: type[Options], given: Mapping[str, Any]) -> tuple[Options, list[str]]:
    """Checked options of a method, and the names given that it does not have."""
    names = {field.name for field in dataclasses.fields(kind)}
    given = with_preset(given, kind.presets())
    options = kind(**{key: plain(value) for key, value in given.items() if key in names})
    options.check()
    options.recipe()  # its parts check the rest
    return options, [key for key in given if key not in names]
