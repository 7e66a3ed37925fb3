"""Ways of the stale battery: functions, and what they carry; problems."""

from __future__ import annotations

import functools
import operator
import types

import numpy as np
from stale_ways import dented, objective, value, way, written

FACTORS = types.SimpleNamespace(near=1.0)

# Functions


@way("default argument, mutated")
def _():
    def f(x, weights=[1.0]):  # noqa: B006
        return dented(x, weights[0])

    yield f, 1.0
    f.__defaults__[0][0] = 3.0
    yield f, 3.0


@way("__defaults__ replaced")
def _():
    def f(x, weight=1.0):
        return dented(x, weight)

    yield f, 1.0
    f.__defaults__ = (3.0,)
    yield f, 3.0


@way("keyword default")
def _():
    def f(x, *, weight=1.0):
        return dented(x, weight)

    yield f, 1.0
    f.__kwdefaults__["weight"] = 3.0
    yield f, 3.0


@way("__code__ replaced")
def _():
    def f(x):
        return dented(x, 1.0)

    def other(x):
        return dented(x, 3.0)

    yield f, 1.0
    f.__code__ = other.__code__
    yield f, 3.0


@way("attribute of f")
def _():
    def f(x):
        return dented(x, f.weight)

    f.weight = 1.0
    yield f, 1.0
    f.weight = 3.0
    yield f, 3.0


@way("functools.partial, its args")
def _():
    def dent(weights, x):
        return dented(x, weights[0])

    weights = [1.0]
    f = functools.partial(dent, weights)
    yield f, 1.0
    weights[0] = 3.0
    yield f, 3.0


@way("functools.partial, its keywords")
def _():
    yield functools.partial(dented, weight=1.0), 1.0
    yield functools.partial(dented, weight=3.0), 3.0


@way("functools.partial, .keywords mutated")
def _():
    f = functools.partial(dented, weight=1.0)
    yield f, 1.0
    f.keywords["weight"] = 3.0
    yield f, 3.0


@way("partial of a partial")
def _():
    def dent(weights, factor, x):
        return dented(x, factor * weights["dent"])

    inner = functools.partial(dent, {"dent": 0.5})
    inner.named = True  # so that the two stay two
    f = functools.partial(inner, 2.0)
    yield f, 1.0
    inner.args[0]["dent"] = 1.5
    yield f, 3.0


@way("lambda of the same code, another closure")
def _():
    def made(weight):
        return lambda x: dented(x, weight)

    yield made(1.0), 1.0
    yield made(3.0), 3.0


@way("twin from text, same code, other constants")
def _():
    text = "def twin(x): return dented(x, {})"
    yield written(text.format(1.0), dented=dented), 1.0
    yield written(text.format(3.0), dented=dented), 3.0


@way("f from text, its space changed")
def _():
    space = {"dented": dented, "weight": 1.0, "__name__": "written"}
    exec("def f(x): return dented(x, weight)", space)
    yield space["f"], 1.0
    space["weight"] = 3.0
    yield space["f"], 3.0


@way("helper two calls away, replaced")
def _():
    space = {"dented": dented, "__name__": "written"}
    exec(
        "def weight(): return 1.0\ndef middle(x): return dented(x, weight())\n"
        "def f(x): return middle(x)",
        space,
    )
    yield space["f"], 1.0
    exec("def weight(): return 3.0", space)
    yield space["f"], 3.0


@way("decorator with state")
def _():
    def weighted(f):
        state = {"weight": 1.0}

        @functools.wraps(f)
        def wrapper(x):
            return f(x, state["weight"])

        wrapper.heavier = lambda: state.update(weight=3.0)
        return wrapper

    @weighted
    def f(x, weight):
        return dented(x, weight)

    yield f, 1.0
    f.heavier()
    yield f, 3.0


@way("composed of a list of functions")
def _():
    terms = [lambda x: dented(x, 0.0), lambda x: dented(x, 1.0) - dented(x, 0.0)]

    def f(x):
        return sum(term(x) for term in terms)

    yield f, 1.0
    terms[1] = lambda x: dented(x, 3.0) - dented(x, 0.0)
    yield f, 3.0


@way("attrgetter and itemgetter")
def _():
    weight = operator.attrgetter("near")

    def f(x):
        return dented(x, weight(FACTORS))

    yield f, 1.0
    FACTORS.near = 3.0
    yield f, 3.0
    FACTORS.near = 1.0


# Problems


@way("own Problem, an attribute")
def _():
    from deepopt.problems import Problem

    class Dented(Problem):
        name, low, high = "dented", -2.0, 2.0
        weight = 1.0

        def _function(self, x):
            return dented(x, self.weight)

    problem = Dented(2)
    yield objective(problem), 1.0
    problem.weight = 3.0
    yield objective(problem), 3.0


@way("own Problem, what it says of itself")
def _():
    from deepopt.problems import Problem

    class Dented(Problem):
        name, low, high = "dented", -2.0, 2.0
        top = 40.0

        def _function(self, x):
            return dented(x, 1.0)

        def _minimum(self):
            return 0.0

        def _maximum(self):
            return self.top

        def _minimiser(self):
            return np.full(2, 0.8)

    twin = written(
        "class Twin(Problem):\n    name, low, high = 'twin', -2.0, 2.0\n"
        "    def __init__(self, top):\n        super().__init__(2)\n        self._top = top\n"
        "    def _function(self, x): return dented(x, 1.0)\n"
        "    def _minimum(self): return 0.0\n    def _maximum(self): return self._top\n"
        "    def _minimiser(self): return np.full(2, 0.8)\n",
        name="Twin", Problem=Problem, dented=dented,
    )  # fmt: skip
    problem = Dented(2)
    yield objective(problem), objective(twin(40.0))
    problem.top = 10.0
    yield objective(problem), objective(twin(10.0))


@way("problem built anew, shifted elsewhere")
def _():
    from deepopt import ops
    from deepopt.problems import sphere

    def at(anchor):
        return objective(lambda x: ops.sum((x - anchor) ** 2, axis=-1), bounds=[(-5, 5)] * 2)

    for seed in (0, 1):
        problem = sphere.with_dim(2).shifted(seed)
        anchor = problem.minimizer if hasattr(problem, "minimizer") else problem._anchor
        f = objective(lambda x, p=problem: p(x), bounds=[(-5, 5)] * 2)
        yield f, at(anchor)


@way("black box of an object with state")
def _():
    class Own:
        weight = 1.0

        def __call__(self, x):
            return value(np.array(x, dtype=float), self.weight)

    f = Own()
    options = {"maxiter": 10, "traced": False}
    for weight in (1.0, 3.0):
        f.weight = weight
        twin = objective(lambda x, w=weight: value(np.array(x, dtype=float), w), options=options)
        yield objective(f, options=options), twin
