"""Ways of the stale battery: containers and arrays."""

from __future__ import annotations

import array
import collections
import copy
import enum
import weakref

import numpy as np
from stale_ways import dented, way

# Containers


@way("list")
def _():
    weights = [0.5, 0.5]

    def f(x):
        return dented(x, sum(weights))

    yield f, 1.0
    weights.append(2.0)
    yield f, 3.0


@way("dict")
def _():
    weights = {"dent": {"deep": 1.0}}

    def f(x):
        return dented(x, weights["dent"]["deep"])

    yield f, 1.0
    weights["dent"]["deep"] = 3.0
    yield f, 3.0


@way("order of a dict")
def _():
    weights = collections.OrderedDict(a=1.0, b=3.0)

    def f(x):
        return dented(x, next(iter(weights.values())))

    yield f, 1.0
    weights.move_to_end("a")
    yield f, 3.0


@way("set")
def _():
    weights = {1.0}

    def f(x):
        return dented(x, max(weights))

    yield f, 1.0
    weights.add(3.0)
    yield f, 3.0


@way("deque")
def _():
    weights = collections.deque([1.0, 3.0])

    def f(x):
        return dented(x, weights[0])

    yield f, 1.0
    weights.rotate()
    yield f, 3.0


@way("namedtuple, replaced")
def _():
    made = collections.namedtuple("Weights", "dent bowl")(1.0, 0.3)

    def f(x):
        return dented(x, made.dent)

    yield f, 1.0
    made = made._replace(dent=3.0)
    yield f, 3.0


@way("enum, another member")
def _():
    class Weight(enum.Enum):
        LIGHT, HEAVY = 1.0, 3.0

    weight = Weight.LIGHT

    def f(x):
        return dented(x, weight.value)

    yield f, 1.0
    weight = Weight.HEAVY
    yield f, 3.0


@way("enum, its value")
def _():
    class Weight(enum.Enum):
        LIGHT = 1.0

    def f(x):
        return dented(x, Weight.LIGHT.value)

    yield f, 1.0
    Weight.LIGHT._value_ = 3.0
    yield f, 3.0


@way("iterator")
def _():
    weights = iter([1.0, 3.0])

    def f(x):
        return dented(x, next(copy.copy(weights)))

    yield f, 1.0
    next(weights)
    yield f, 3.0


@way("generator object")
def _():
    def steady(weight):
        while True:
            weight = (yield weight) or weight

    weights = steady(1.0)
    next(weights)

    def f(x):
        return dented(x, next(weights))

    yield f, 1.0
    weights.send(3.0)
    yield f, 3.0


@way("weak reference")
def _():
    class Box:
        pass

    box = Box()
    box.weight, reference = 1.0, weakref.ref(box)

    def f(x):
        return dented(x, reference().weight)

    yield f, 1.0
    box.weight = 3.0
    yield f, 3.0


@way("weak dictionary")
def _():
    class Box:
        weight = 1.0

    box, boxes = Box(), weakref.WeakValueDictionary()
    boxes["a"] = box

    def f(x):
        return dented(x, boxes["a"].weight)

    yield f, 1.0
    box.weight = 3.0
    yield f, 3.0


# Arrays


@way("array, in place")
def _():
    weights = np.ones(3)

    def f(x):
        return dented(x, weights[2])

    yield f, 1.0
    weights[2] = 3.0
    yield f, 3.0


@way("array, replaced")
def _():
    weights = np.ones(3)

    def f(x):
        return dented(x, weights[2])

    yield f, 1.0
    weights = np.full(3, 3.0)
    yield f, 3.0


@way("one number of a million")
def _():
    weights = np.ones(10**6)

    def f(x):
        return dented(x, weights[654321])

    yield f, 1.0
    weights[654321] = 3.0
    yield f, 3.0


@way("view whose base changes")
def _():
    base = np.ones((3, 4))
    view = np.broadcast_to(base.T[::-1][1:3], (2, 2, 3))

    def f(x):
        return dented(x, view[0, 1, 2])

    yield f, 1.0
    base[:] = 3.0
    yield f, 3.0


@way("object array")
def _():
    weights = np.array([{"dent": 1.0}, None], dtype=object)

    def f(x):
        return dented(x, weights[0]["dent"])

    yield f, 1.0
    weights[0]["dent"] = 3.0
    yield f, 3.0


@way("structured array")
def _():
    weights = np.array([(1.0, 2)], dtype=[("dent", float), ("count", int)])

    def f(x):
        return dented(x, weights["dent"][0])

    yield f, 1.0
    weights["dent"] = 3.0
    yield f, 3.0


@way("masked array, its mask")
def _():
    weights = np.ma.array([1.0, 3.0], mask=[False, True])

    def f(x):
        return dented(x, float(weights.max()))

    yield f, 1.0
    weights.mask = np.ma.nomask
    yield f, 3.0


@way("array.array and memoryview")
def _():
    weights = array.array("d", [1.0])
    view = memoryview(weights)

    def f(x):
        return dented(x, view[0])

    yield f, 1.0
    weights[0] = 3.0
    yield f, 3.0


@way("data frame of pandas", needs="pandas")
def _():
    import pandas

    frame = pandas.DataFrame({"dent": [1.0], "bowl": [0.3]})

    def f(x):
        return dented(x, frame["dent"].iloc[0])

    yield f, 1.0
    frame.loc[0, "dent"] = 3.0
    yield f, 3.0


@way("sparse matrix of SciPy")
def _():
    from scipy import sparse

    matrix = sparse.csr_array(np.eye(3))

    def f(x):
        return dented(x, (matrix @ np.ones(3))[1])

    yield f, 1.0
    matrix.data[1] = 3.0
    yield f, 3.0


@way("spline of SciPy")
def _():
    from scipy.interpolate import CubicSpline

    spline = CubicSpline([0.0, 1.0, 2.0], [1.0, 1.0, 1.0])

    def f(x):
        return dented(x, float(spline(0.0)))

    yield f, 1.0
    spline.c[:] *= 3.0
    yield f, 3.0
