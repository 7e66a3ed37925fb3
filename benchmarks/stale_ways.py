"""How the stale battery asks: a way, its calls, and what a call must give.

A way is a generator. It yields a function with what is known of it, changes something that the
function can reach, and yields again. The first one is called twice, so that a compiled program is
kept; the second must then give what the changed function gives, and no longer what it gave before.

The functions have a dent of radius 0.1 whose weight is what changes: at points drawn at random in
the box nothing shows. They are compared with a twin, made from text, that holds the weight as a
number in its code.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import keras
import numpy as np

import deepopt
from deepopt import ops

START = [0.77, 0.81]
CALL = {
    "bounds": [(-2.0, 2.0)] * 2, "method": "gd", "rng": 0,
    "options": {"maxiter": 40, "n_starts": 2, "learning_rate": 0.002, "polish": False},
}  # fmt: skip
SLACK, CHANGE = 1e-9, 1e-6  # of x and f; of what has changed
TWIN = """
def twin(x):
    near = ops.exp(ops.sum(ops.square(x - 0.8), axis=-1) * -200.0)
    return ops.sum(ops.square(0.3 - x), axis=-1) - near * {weight!r}
"""


def dented(x: Any, weight: Any) -> Any:
    """A bowl with a dent of this weight, a number or a tensor of one element."""
    near = ops.exp(-200.0 * ops.sum((x - 0.8) ** 2, axis=-1))
    return ops.sum((x - 0.3) ** 2, axis=-1) - one(weight, x) * near


def one(number: Any, x: Any) -> Any:
    """A number as it is; a tensor of one element as a number of x's type."""
    if isinstance(number, int | float | np.number):
        return float(number)
    return ops.reshape(ops.cast(ops.convert_to_tensor(number), x.dtype), ())


def value(x: np.ndarray, weight: float) -> float:
    """`dented` in NumPy."""
    near = np.exp(-200.0 * np.sum((x - 0.8) ** 2))
    return float(np.sum((x - 0.3) ** 2) - weight * near)


def written(text: str, name: str = "twin", **space: Any) -> Any:
    """What a text defines, in a space of its own."""
    space = {"__name__": "written", "ops": ops, "np": np} | space
    exec(text, space)
    return space[name]


class Call:
    """A call, by itself.

    Parameters
    ----------
    ask : callable
        Makes the call; its result has x, and fun where that is known.
    slack : float
        By how much x may differ from what is known.
    """

    def __init__(self, ask: Callable[[], Any], slack: float = SLACK) -> None:
        self.ask, self.slack = ask, slack


def objective(f: Any, slack: float = SLACK, **more: Any) -> Call:
    """The battery's call of `minimize`, with further arguments."""
    if "x0" not in more:
        more["x0"] = START
    options = CALL["options"] | more.get("options", {})
    more["options"] = {key: given for key, given in options.items() if given is not None}
    return Call(lambda: deepopt.minimize(f, **CALL | more), slack)


def known(x: Any, fun: float | None = None) -> Call:
    """What a call must give, from elsewhere."""
    return Call(lambda: SimpleNamespace(x=np.asarray(x), fun=fun))


@functools.cache
def of_twin(weight: float) -> Any:
    return objective(written(TWIN.format(weight=weight))).ask()


class Way(NamedTuple):
    """One way in which a function can change."""

    name: str
    steps: Callable[[], Iterator[tuple[Any, Any]]]
    backend: str | None  # the only one where it is there
    needs: str | None  # a package


WAYS: dict[str, Way] = {}


def way(name: str, backend: str | None = None, needs: str | None = None) -> Callable:
    """Enter a generator of (function or `Call`, weight or `Call` that must give the same)."""

    def enter(steps: Callable) -> Callable:
        if name in WAYS:
            raise ValueError(f"there are two ways called {name!r}")
        WAYS[name] = Way(name, steps, backend, needs)
        return steps

    return enter


def ways() -> list[Way]:
    """All that this backend, and this machine, can go."""
    for file in sorted(Path(__file__).parent.glob("stale_ways_*.py")):
        importlib.import_module(file.stem)
    return [
        one for one in WAYS.values()
        if one.backend in (None, keras.config.backend())
        and (one.needs is None or importlib.util.find_spec(one.needs) is not None)
    ]  # fmt: skip


class Outcome(NamedTuple):
    """What came of a way: whether a program was in play, and what was wrong."""

    kept: bool
    wrong: str | None


def outcome(found: Way) -> Outcome:
    """Go one way."""
    with contextlib.closing(found.steps()) as steps:
        first, at_first = next(steps)
        with counting() as made:
            old = _asked(first)
            made.programs = 0
            again = _asked(first)
            kept = made.programs == 0
        wrong = _differs(old, at_first, first) or _differs(again, at_first, first)
        if wrong:
            return Outcome(kept, f"before the change: {wrong}")
        then, at_last = next(steps)
        new = _asked(then)
        wrong = _differs(new, at_last, then)
        if wrong is None and np.max(np.abs(new.x - old.x)) < CHANGE:
            wrong = f"x has not changed, {old.x}"
        next(steps, None)  # what is put back
    return Outcome(kept, wrong)


def _asked(of: Any) -> Any:
    return (of if isinstance(of, Call) else objective(of)).ask()


def _differs(result: Any, truth: Any, of: Any) -> str | None:
    """In what a result is not what is known."""
    slack = of.slack if isinstance(of, Call) else SLACK
    if isinstance(truth, Call):
        expected = truth.ask()
        slack = max(slack, truth.slack)
        fun = expected.fun
    else:
        expected, fun = of_twin(float(truth)), value(result.x, float(truth))
    if not np.allclose(result.x, expected.x, rtol=0, atol=slack):
        return f"x is {result.x}, must be {expected.x}"
    if fun is not None and not np.allclose(result.fun, fun, rtol=slack, atol=slack):
        return f"f is {result.fun}, must be {fun}"
    return None


class Made:
    """How many programs were made, and how often they were traced."""

    def __init__(self) -> None:
        self.programs, self.compiled = 0, []

    @property
    def traces(self) -> int:
        return sum(compiled.traces for compiled in self.compiled)


@contextlib.contextmanager
def counting() -> Iterator[Made]:
    """Count what is compiled meanwhile."""
    from deepopt._backend import Compiled
    from deepopt._engine.loop import Program

    made, real_program, real_compiled = Made(), Program.__init__, Compiled.__init__

    def program(self: Any, *given: Any, **more: Any) -> None:
        made.programs += 1
        real_program(self, *given, **more)

    def compiled(self: Any, *given: Any, **more: Any) -> None:
        made.compiled.append(self)
        real_compiled(self, *given, **more)

    Program.__init__, Compiled.__init__ = program, compiled
    try:
        yield made
    finally:
        Program.__init__, Compiled.__init__ = real_program, real_compiled
