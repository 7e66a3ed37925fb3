"""Ways of the stale battery: functions, what they carry, objects and classes."""

from __future__ import annotations

import dataclasses
import functools
import operator
import types
from typing import ClassVar

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


# Objects


class Box:
    """What most ways change."""

    kind = 1.0

    def __init__(self, weight=1.0):
        self.weight = weight

    def f(self, x):
        return dented(x, self.weight)

    def __call__(self, x):
        return self.f(x)


@way("bound method")
def _():
    box = Box()
    yield box.f, 1.0
    box.weight = 3.0
    yield box.f, 3.0


@way("state of __call__")
def _():
    box = Box()
    yield box, 1.0
    box.weight = 3.0
    yield box, 3.0


@way("object two attributes away")
def _():
    box = Box()
    box.inner = types.SimpleNamespace(parts=[Box()])

    def f(x):
        return box.inner.parts[0].f(x)

    yield f, 1.0
    box.inner.parts[0].weight = 3.0
    yield f, 3.0


@way("__dict__ replaced")
def _():
    box = Box()
    yield box, 1.0
    box.__dict__ = {"weight": 3.0}
    yield box, 3.0


@way("__class__ replaced")
def _():
    class Heavy(Box):
        def f(self, x):
            return dented(x, 3.0)

    box = Box()
    yield box, 1.0
    box.__class__ = Heavy
    yield box, 3.0


@way("method replaced on the instance")
def _():
    box = Box()
    yield box, 1.0
    box.f = lambda x: dented(x, 3.0)
    yield box, 3.0


@way("__slots__")
def _():
    class Slotted:
        __slots__ = ("weight",)

        def __call__(self, x):
            return dented(x, self.weight)

    box = Slotted()
    box.weight = 1.0
    yield box, 1.0
    box.weight = 3.0
    yield box, 3.0


@way("field of a dataclass")
def _():
    @dataclasses.dataclass
    class Weights:
        dent: float = 1.0

    weights = Weights()

    def f(x):
        return dented(x, weights.dent)

    yield f, 1.0
    weights.dent = 3.0
    yield f, 3.0


@way("field of a frozen dataclass, by force")
def _():
    @dataclasses.dataclass(frozen=True, slots=True)
    class Weights:
        dent: float = 1.0

        def __call__(self, x):
            return dented(x, self.dent)

    f = Weights()
    yield f, 1.0
    object.__setattr__(f, "dent", 3.0)
    yield f, 3.0


@way("property")
def _():
    class Own:
        hidden = [0.5]  # noqa: RUF012

        @property
        def weight(self):
            return 2.0 * self.hidden[0]

    own = Own()

    def f(x):
        return dented(x, own.weight)

    yield f, 1.0
    own.hidden[0] = 1.5
    yield f, 3.0


@way("property replaced")
def _():
    class Own:
        weight = property(lambda self: 1.0)

    own = Own()

    def f(x):
        return dented(x, own.weight)

    yield f, 1.0
    Own.weight = property(lambda self: 3.0)
    yield f, 3.0


@way("cached property, its cache")
def _():
    class Own:
        @functools.cached_property
        def weight(self):
            return 1.0

    own = Own()

    def f(x):
        return dented(x, own.weight)

    yield f, 1.0
    own.__dict__["weight"] = 3.0
    yield f, 3.0


@way("descriptor")
def _():
    class Weight:
        held = 1.0

        def __get__(self, own, kind=None):
            return self.held

    class Own:
        weight = Weight()

    own = Own()

    def f(x):
        return dented(x, own.weight)

    yield f, 1.0
    vars(Own)["weight"].held = 3.0
    yield f, 3.0


def _of_getattr(missing):
    class Own:
        def __init__(self):
            self.held = {"weight": 1.0}

        def __getattr__(self, name):
            if name == "held" or name not in self.held:
                raise missing(name)
            return self.held[name]

    own = Own()

    def f(x):
        return dented(x, own.weight)

    yield f, 1.0
    own.held["weight"] = 3.0
    yield f, 3.0


@way("__getattr__")
def _():
    yield from _of_getattr(AttributeError)


@way("__getattr__ that raises KeyError")
def _():
    yield from _of_getattr(KeyError)


@way("__getitem__ and __len__")
def _():
    class Own:
        size = 1

        def __getitem__(self, at):
            return {0: float(len(self))}[at]

        def __len__(self):
            return self.size

    own = Own()

    def f(x):
        return dented(x, own[0])

    yield f, 1.0
    own.size = 3
    yield f, 3.0


@way("a list of one's own class")
def _():
    class Weights(list):
        factor = 1.0

    weights = Weights([1.0])

    def f(x):
        return dented(x, weights[0] * weights.factor)

    yield f, 1.0
    weights.factor = 3.0
    yield f, 3.0


@way("array of one's own class")
def _():
    class Weights(np.ndarray):
        factor = 1.0

    weights = np.ones(2).view(Weights)

    def f(x):
        return dented(x, float(weights[0]) * weights.factor)

    yield f, 1.0
    weights.factor = 3.0
    yield f, 3.0


# Classes


@way("class attribute")
def _():
    class Own(Box):
        kind = 1.0

    own = Own()

    def f(x):
        return dented(x, own.kind)

    yield f, 1.0
    Own.kind = 3.0
    yield f, 3.0


@way("attribute of a base class")
def _():
    class Base:
        factors: ClassVar = {"dent": 1.0}

    class Middle(Base):
        pass

    class Own(Middle):
        def __call__(self, x):
            return dented(x, self.factors["dent"])

    f = Own()
    yield f, 1.0
    Base.factors = {"dent": 3.0}
    yield f, 3.0


@way("base class replaced")
def _():
    class Light:
        weight = 1.0

    class Heavy:
        weight = 3.0

    class Own(Light):
        def __call__(self, x):
            return dented(x, self.weight)

    f = Own()
    yield f, 1.0
    Own.__bases__ = (Heavy,)
    yield f, 3.0


@way("attribute of a metaclass")
def _():
    class Meta(type):
        weight = 1.0

    class Own(metaclass=Meta):
        pass

    def f(x):
        return dented(x, Own.weight)

    yield f, 1.0
    Meta.weight = 3.0
    yield f, 3.0


@way("method replaced on the class")
def _():
    class Own:
        def __call__(self, x):
            return self.dent(x)

        def dent(self, x):
            return dented(x, 1.0)

    f = Own()
    yield f, 1.0
    Own.dent = lambda self, x: dented(x, 3.0)
    yield f, 3.0


@way("__call__ replaced on the class")
def _():
    class Own:
        def __call__(self, x):
            return dented(x, 1.0)

    f = Own()
    yield f, 1.0
    Own.__call__ = lambda self, x: dented(x, 3.0)
    yield f, 3.0


@way("static method replaced")
def _():
    class Own:
        @staticmethod
        def weight():
            return 1.0

    def f(x):
        return dented(x, Own.weight())

    yield f, 1.0
    Own.weight = staticmethod(lambda: 3.0)
    yield f, 3.0


@way("class method, and what its class holds")
def _():
    class Own:
        held = 1.0

        @classmethod
        def weight(cls):
            return cls.held

    def f(x):
        return dented(x, Own.weight())

    yield f, 1.0
    Own.held = 3.0
    yield f, 3.0


@way("operator of a class replaced")
def _():
    class Own:
        def __float__(self):
            return 1.0

    own = Own()

    def f(x):
        return dented(x, float(own))

    yield f, 1.0
    Own.__float__ = lambda self: 3.0
    yield f, 3.0


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
