"""Ways of the stale battery: objects and classes."""

from __future__ import annotations

import dataclasses
import functools
import types
from typing import ClassVar

import numpy as np
from stale_ways import dented, way

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
        weight = property(lambda _: 1.0)

    own = Own()

    def f(x):
        return dented(x, own.weight)

    yield f, 1.0
    Own.weight = property(lambda _: 3.0)
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
    Own.dent = lambda _, x: dented(x, 3.0)
    yield f, 3.0


@way("__call__ replaced on the class")
def _():
    class Own:
        def __call__(self, x):
            return dented(x, 1.0)

    f = Own()
    yield f, 1.0
    Own.__call__ = lambda _, x: dented(x, 3.0)
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
    Own.__float__ = lambda _: 3.0
    yield f, 3.0
