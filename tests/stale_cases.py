"""The stale battery: ways in which what a function computes changes between two calls.

A way is a generator. It yields calls of `minimize` or `invert`, each with what must come out, and
changes something before the next: what a closure holds, a class, a file. The functions are valleys
with a dent near their floor. What changes is where the dent is, so that the minimum moves, while f
is the same to the last bit at all points that deepopt looks at before it descends.

What must come out is computed without a program of f: by plain NumPy with a slope by hand, or,
where that is no option, by the same call with nothing kept from earlier ones.

`benchmarks/stale.py` runs all ways on all backends, and the test suite on one.
"""

from __future__ import annotations

import collections
import contextlib
import functools
import importlib
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from keras import config, ops

import deepopt

OLD, NEW = 1.1, 1.5  # where the dent is
MIDDLE, RADIUS, DEPTH = 1.3, 0.6, 0.3
START, BOX = [3.0, 0.5, 2.5], [(-4.0, 4.0)] * 3
OPTIONS = {"maxiter": 20, "maxfev": 90, "n_starts": 1, "learning_rate": 2.0}
CLOSE, APART = 1e-9, 1e-2  # of two results that are one; at least, of two that are not
FOUND = 1e-5  # of ‖y‖², for `invert`
MODULES = (
    "stale_functions", "stale_names", "stale_objects", "stale_values", "stale_outside",
    "stale_models", "stale_libraries", "stale_calls", "stale_generators",
)  # fmt: skip


class Way(NamedTuple):
    """A way in which a function changes."""

    name: str
    calls: Callable[[], Iterator[Any]]
    only: str  # the backend that it belongs to, or ""


WAYS: dict[str, Way] = {}


def way(*given: Callable, only: str = "") -> Any:
    """Enter a generator of calls, by its name, into the battery."""
    if not given:
        return functools.partial(way, only=only)
    name = given[0].__name__.strip("_").replace("_", " ")
    if name in WAYS:
        raise ValueError(f"there are two ways called {name!r}")
    WAYS[name] = Way(name, given[0], only)
    return given[0]


def ways() -> list[Way]:
    """All that the active backend can go."""
    for module in MODULES:
        importlib.import_module(module)
    return [one for one in WAYS.values() if one.only in ("", config.backend())]


# The functions


def dent(x: Any, w: Any) -> Any:
    """A valley around `MIDDLE`, with a dent around w; x (..., d)."""
    near = ops.relu(1.0 - ops.sum(ops.square(ops.subtract(x, w)), axis=-1) / RADIUS**2)
    return ops.sum(ops.square(x - MIDDLE), axis=-1) - DEPTH * ops.square(near)


def valley(where: Callable[[], Any]) -> Callable[[Any], Any]:
    """A function that asks for the place of its dent whenever it is called."""
    return lambda x: dent(x, where())


def plain(x: np.ndarray, w: float) -> float:
    """`dent` in NumPy."""
    near = max(0.0, 1.0 - np.sum((x - w) ** 2) / RADIUS**2)
    return float(np.sum((x - MIDDLE) ** 2) - DEPTH * near**2)


def slope(x: np.ndarray, w: float) -> np.ndarray:
    near = max(0.0, 1.0 - np.sum((x - w) ** 2) / RADIUS**2)
    return 2.0 * (x - MIDDLE) + 4.0 * DEPTH * near * (x - w) / RADIUS**2


def then(f: Any, change: Callable[..., Any], *given: Any) -> Iterator[tuple[Any, float]]:
    """A call, the change, and a call again."""
    yield f, OLD
    change(*given)
    yield f, NEW


def read_then(read: Callable[[], Any], change: Callable[..., Any], *given: Any) -> Iterator[Any]:
    """The same of a valley whose dent is at what `read` gives."""
    return then(valley(read), change, *given)


def number(value: Any) -> float:
    """A tensor of one element as a number."""
    return float(np.asarray(ops.convert_to_numpy(value)).reshape(()))


# The calls


def descend(fun: Any, args: tuple[Any, ...] = (), **given: Any) -> Any:
    """The small call of `minimize` that all ways use."""
    given = {"x0": START, "bounds": BOX, "method": "gd", "rng": 0} | given
    given["options"] = OPTIONS | given.get("options", {})
    return deepopt.minimize(fun, args=args, **given)


@functools.cache
def reference(w: float, pull: float = 1.0, maxiter: int = OPTIONS["maxiter"]) -> Any:
    """The same descent of a black box; `pull` is a factor on its slope."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a slope that is no slope
        return descend(
            lambda x: plain(x, w), jac=lambda x: pull * slope(x, w), options={"maxiter": maxiter}
        )


class Call:
    """A call of `minimize` with a function whose dent is at w.

    Parameters
    ----------
    fun : callable
    w : float
    args : tuple
    slack : float
        Of the result, where the dent is placed in float32.
    pull : float
        Factor on the slope that the function says it has.
    kind : str
        What it must be taken for.
    given
        Further arguments of `minimize`.
    """

    def __init__(
        self, fun: Any, w: float, args: tuple[Any, ...] = (), slack: float = CLOSE,
        pull: float = 1.0, kind: str = "traced", **given: Any,
    ) -> None:  # fmt: skip
        self.fun, self.w, self.args, self.kind, self.given = fun, float(w), args, kind, given
        self.slack, self.pull = slack, pull

    def made(self) -> Any:
        return descend(self.fun, self.args, **self.given)

    def expected(self) -> Any:
        iterations = self.given.get("options", {}).get("maxiter", OPTIONS["maxiter"])
        return reference(self.w, self.pull, iterations)

    def is_like(self, result: Any, other: Any) -> bool:
        """Whether two results are one."""
        return bool(np.abs(result.x - other.x).max() <= self.slack)

    def fault(self, result: Any) -> str:
        """What is wrong with a result, or ""."""
        if result.objective_kind != self.kind:
            return f"taken for a {result.objective_kind}"
        expected = self.expected()
        if not self.is_like(result, expected):
            return f"x is {result.x} where it must be {expected.x}"
        value = plain(result.x, self.w)
        return "" if abs(result.fun - value) <= self.slack else f"f is {value}, not {result.fun}"


class Anew(Call):
    """A call whose result must be that of the same call when nothing is kept."""

    def __init__(self, fun: Any, args: tuple[Any, ...] = (), **given: Any) -> None:
        super().__init__(fun, np.nan, args, **given)

    @functools.cached_property
    def _expected(self) -> Any:
        with nothing_kept(), Counted() as counted:
            result = self.made()
        if not counted.programs:
            raise AssertionError("something is kept that `nothing_kept` does not know")
        return result

    def expected(self) -> Any:
        return self._expected

    def fault(self, result: Any) -> str:
        expected = self.expected()
        if not self.is_like(result, expected):
            return f"x is {result.x} where it must be {expected.x}"
        apart = abs(result.fun - expected.fun)
        return "" if apart <= self.slack else f"f is {expected.fun}, not {result.fun}"


class Inverse:
    """A call of `invert` for an output of the generator as it is now, which must be met.

    Parameters
    ----------
    generator
        One or several models.
    measure : callable
        Outputs (N, ...) to measurements (N, m), in NumPy.
    given
        Further arguments of `invert`.
    """

    LATENT = np.array([[0.3, -0.5]])

    def __init__(self, generator: Any, measure: Callable | None = None, **given: Any) -> None:
        self._generator, self._measure, self._given = generator, measure, given
        self._y = self._measured(self.LATENT)

    def _measured(self, x: np.ndarray) -> np.ndarray:
        last = self._generator[-1] if isinstance(self._generator, list) else self._generator
        out = np.asarray(ops.convert_to_numpy(last(x.astype("float32"), training=False)))
        out = out.reshape(len(x), -1).astype("float64")
        return out if self._measure is None else self._measure(out)

    def made(self) -> Any:
        given = {"rng": 0} | self._given
        options = {"solver": "lm", "n_starts": 3, "n_codes": 64, "maxiter": 60}
        given["options"] = options | given.get("options", {})
        return deepopt.invert(self._generator, self._y, **given)

    def is_like(self, result: Any, other: Any) -> bool:
        return bool(np.abs(result.x - other.x).max() <= APART)

    def fault(self, result: Any) -> str:
        size = float(np.sum(self._y**2))
        value = 0.5 * float(np.sum((self._measured(np.atleast_2d(result.x)) - self._y) ** 2))
        said = float(np.sum(result.fun))
        if value > FOUND * size:
            return f"f is {value:.3g} at the latents that came back"
        return "" if abs(value - said) <= FOUND * size else f"f is {value}, not {said}"


def outcome(one: Way) -> str:
    """ "fresh" where every call gave what it must; else what went wrong.

    "stale" says that a call gave what an earlier one had given.
    """
    before: list[Any] = []
    w = None
    for position, call in enumerate(one.calls(), 1):
        call = call if hasattr(call, "made") else Call(*call)
        result = call.made()
        fault = call.fault(result)
        if fault and any(call.is_like(result, other) for other in before):
            return f"stale in call {position}: {fault}"
        if fault:
            return f"wrong in call {position}: {fault}"
        if isinstance(call, Call):
            if before and call.w != w and call.is_like(result, before[-1]):
                return f"nothing has changed before call {position}"
            w = call.w
        before.append(result)
    return "fresh" if len(before) > 1 else "too few calls"


# What deepopt keeps


@contextlib.contextmanager
def nothing_kept() -> Iterator[None]:
    """As if no call had been made before; in the end all that was kept is there again."""
    places = [
        held
        for name, module in list(sys.modules.items()) if name.startswith("deepopt.")
        for held in list(vars(module).values()) if type(held) is collections.OrderedDict
    ]  # fmt: skip
    kept = [list(place.items()) for place in places]
    for place in places:
        place.clear()
    try:
        yield
    finally:
        for place, items in zip(places, kept, strict=True):
            place.clear()
            place.update(items)


class Counted:
    """Counts, within a `with`, the programs that are made and the traces of what they hold.

    On PyTorch nothing is compiled, and a trace is a run.
    """

    def __enter__(self) -> Counted:
        from deepopt._backend import Compiled
        from deepopt._loop import Program

        self.programs, self._compiled = 0, []
        self._real = [(kind, kind.__init__) for kind in (Program, Compiled)]
        made, compiled = Program.__init__, Compiled.__init__

        def made_and_counted(program: Any, *given: Any, **more: Any) -> None:
            self.programs += 1
            made(program, *given, **more)

        def compiled_and_counted(one: Any, *given: Any, **more: Any) -> None:
            self._compiled.append(one)
            compiled(one, *given, **more)

        Program.__init__, Compiled.__init__ = made_and_counted, compiled_and_counted
        return self

    @property
    def traces(self) -> int:
        return sum(one.traces for one in self._compiled)

    def __exit__(self, *_: object) -> None:
        for kind, real in self._real:
            kind.__init__ = real
