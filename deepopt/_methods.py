"""The methods: a table from a name to its options and its recipe.

Each method's options are a frozen dataclass; a field's metadata says what it means, and
`deepopt list` prints it.
"""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ._backend import FLOATS, PRODUCTS
from ._checks import check_choice, check_file, check_flag, check_number, shown
from ._ranges import Choice, Fields, Range
from .descents import DESCENTS, Adam, Descent, GradientDescent
from .reparametrizations import Deep, Direct, Reparametrization
from .schedules import Constant, GaussianSmoothing, Schedule

PARTS = {"reparametrization": Reparametrization, "schedule": Schedule, "descent": Descent}
BLACK_BOX_RIDE = 2000  # iterations at most
# By benchmarks/tuned.py; what they are worth on other functions stands in docs/tuning.md
TUNED_GD = {
    "learning_rate": 3.1, "descent": "momentum", "decay": 0.95, "patience": 73, "n_starts": 4,
    "starts": "uniform", "output_map": "reflect",
}  # fmt: skip
GRID = tuple(10.0**-exponent for exponent in range(11))  # paper A, §3: 10⁰ … 10⁻¹⁰


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
            _check_part(label, getattr(self, label))


def option(default: Any, help: str, search: Any = None) -> Any:
    """A field of a method's options, and between which values `deepopt.tune` looks, if it does."""
    more = {} if search is None else {"search": search}
    return dataclasses.field(default=default, metadata={"help": help} | more)


@dataclasses.dataclass(frozen=True)
class Options:
    """Options that every method takes; the defaults are those of a recipe made by hand."""

    maxiter: int = option(10_000, "iterations at most")
    maxfev: int | None = option(None, "points evaluated at most; never exceeded")
    maxtime: float | None = option(None, "wall seconds from the call, compilation included")
    learning_rate: float | str | Sequence[float] = option(
        "grid",
        'one rate, a sequence of rates, or "grid" (10⁰ … 10⁻¹⁰); the best run is returned',
        Range(1e-4, 10.0, log=True),
    )
    ftol: float | None = option(
        None, "a run ends when the mean over its points, scaled to [0, 1], improves by less"
    )
    stall: int = option(100, "… over this many iterations")
    polish: bool = option(False, "finish with SciPy's L-BFGS-B from the best point, in float64")
    dtype: str = option("float64", '"float64" or "float32"')
    precision: str = option(
        "full", '"full", or "tf32": a GPU may round the factors of float32 products, for speed'
    )
    disp: bool | int = option(False, "show progress on a terminal, and print the outcome")
    batched: bool = option(False, "whether f takes points (N, d)")
    traced: bool | None = option(None, "whether f is traced or a black box; None to find out")
    checkpoint: str | os.PathLike[str] | None = option(
        None, "a file: the state is kept there, and the same call goes on from it"
    )
    save_every: float = option(30.0, "seconds between two saves to it")
    schedule: Schedule | None = option(None, "a schedule in place of the method's own")
    descent: Descent | str | None = option(
        None, 'a descent in place of the own one, or "gd", "momentum", "adam", "lbfgs", "lm"'
    )

    def check(self) -> None:
        """Raise TypeError or ValueError naming the first option that is not sound."""
        check_number("maxiter", self.maxiter, whole=True, at_least=1, at_most=2**31 - 2)
        check_number("stall", self.stall, whole=True, at_least=1)
        if self.maxfev is not None:
            check_number("maxfev", self.maxfev, whole=True, at_least=1)
        if self.maxtime is not None:
            check_number("maxtime", self.maxtime, above=0.0)
        if self.ftol is not None:
            check_number("ftol", self.ftol, at_least=0.0)
        check_flag("polish", self.polish)
        check_number("disp", int(self.disp) if isinstance(self.disp, bool) else self.disp)
        check_flag("batched", self.batched)
        if self.traced is not None:
            check_flag("traced", self.traced)
        check_choice("dtype", self.dtype, FLOATS)
        check_choice("precision", self.precision, PRODUCTS)
        if self.checkpoint is not None:
            check_file("checkpoint", self.checkpoint)
        check_number("save_every", self.save_every, above=0.0)
        if isinstance(self.descent, str):
            check_choice("descent", self.descent, DESCENTS)
        elif self.descent is not None:
            _check_part("descent", self.descent)
        if self.schedule is not None:
            _check_part("schedule", self.schedule)
        self.rates()

    def rates(self) -> list[float]:
        """The learning rates, one per run."""
        if isinstance(self.learning_rate, str):
            if self.learning_rate != "grid":
                raise ValueError(
                    "learning_rate must be a number, a sequence of them or 'grid', "
                    f"got {self.learning_rate!r}"
                )
            return list(GRID)
        given: Any = self.learning_rate
        given = given.tolist() if isinstance(given, np.ndarray) else given
        rates = list(given) if isinstance(given, Sequence) else [given]
        if not rates:
            raise ValueError("learning_rate must hold at least one rate, got an empty sequence")
        for rate in rates:
            check_number("learning_rate", rate, above=0.0)
            check_number("learning_rate", rate, below=np.inf)
        return [float(rate) for rate in rates]

    def recipe(self) -> Recipe:
        """The parts, with the user's own schedule and descent in place where given."""
        own = self.parts()
        return Recipe(
            own.reparametrization, self.schedule or own.schedule, self._own_descent() or own.descent
        )

    def _own_descent(self) -> Descent | None:
        """The user's descent; a named one takes the options decay and patience if given."""
        if not isinstance(self.descent, str):
            return self.descent
        plateau = {key: getattr(self, key, None) for key in ("decay", "patience")}
        given = {key: value for key, value in plateau.items() if value is not None}
        kind = DESCENTS[self.descent]
        for key in given:
            if key not in inspect.signature(kind).parameters:
                raise ValueError(f"{key} has no meaning for the descent {self.descent!r}")
        named: Descent = kind(**given)
        return named

    def parts(self) -> Recipe:
        """The method's own parts."""
        return Recipe(Direct())

    @classmethod
    def presets(cls) -> Mapping[str, Mapping[str, Any]]:
        """Options under a name, which the option `preset` chooses."""
        return {}

    @classmethod
    def only_traced(cls) -> tuple[str, ...]:
        """Options that are not tuned where f is a black box."""
        return ()

    @property
    def networks(self) -> int:
        """Independent draws of the variables, each run with every rate."""
        return 1

    @property
    def searches(self) -> bool:
        """Whether the recipe is one part of a global search, where f can be traced."""
        return False

    @property
    def searches_outside(self) -> bool:
        """Whether a black box has a global search of its own."""
        return False

    def outside(self) -> Options:
        """The options for a black box."""
        return self


def _check_part(label: str, value: Any) -> None:
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
        1e-10, "a round must lower f by more than this part of its range, or it was in vain"
    )
    polish: bool = option(True, "SciPy's L-BFGS-B from the best points, in float64")
    n_starts: int = option(
        16, "local searches in a batch; for a black box, points that ride", Range(4, 64, log=True)
    )
    n_paths: int = option(1, "points that ride the homotopy together", Range(1, 8, log=True))
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
        )  # of the ride, which a black box does not take

    @property
    def searches_outside(self) -> bool:
        return self.schedule is None and self.descent is None

    def outside(self) -> HomotopyOptions:
        """Those of the search, else of one ride of many points, which SciPy's polish ends."""
        if self.searches_outside:
            return self
        iterations = min(self.maxiter, BLACK_BOX_RIDE)
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


def plain(value: Any) -> Any:
    """A number of NumPy's, which may be of few bits, as Python's own."""
    return value.item() if isinstance(value, np.generic) else value


def with_preset(
    given: Mapping[str, Any], presets: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """The options with those of the preset that they name, where they say nothing else."""
    preset = given.get("preset")
    if preset is None or not presets:
        return dict(given)
    check_choice("preset", preset, presets)
    return {**presets[preset], **given}


def read_options(kind: type[Options], given: Mapping[str, Any]) -> tuple[Options, list[str]]:
    """Checked options of a method, and the names given that it does not have."""
    names = {field.name for field in dataclasses.fields(kind)}
    given = with_preset(given, kind.presets())
    options = kind(**{key: plain(value) for key, value in given.items() if key in names})
    options.check()
    options.recipe()  # its parts check the rest
    return options, [key for key in given if key not in names]
