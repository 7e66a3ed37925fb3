"""Ways of the stale battery: numbers, containers, arrays, and what lies outside the program."""

from __future__ import annotations

import array
import collections
import contextvars
import copy
import enum
import functools
import importlib
import os
import sys
import tempfile
import threading
import types
import weakref
from pathlib import Path

import numpy as np
from stale_ways import dented, objective, value, way

WEIGHT = LOOKED_UP = 1.0
IN_CONTEXT = contextvars.ContextVar("IN_CONTEXT", default=1.0)


# Names


@way("closure cell, by nonlocal")
def _():
    weight = 1.0

    def change():
        nonlocal weight
        weight = 3.0

    def f(x):
        return dented(x, weight)

    yield f, 1.0
    change()
    yield f, 3.0


@way("closure cell, by cell_contents")
def _():
    weight = 1.0

    def f(x):
        return dented(x, weight)

    yield f, 1.0
    f.__closure__[0].cell_contents = 3.0
    yield f, 3.0


@way("global")
def _():
    global WEIGHT

    def f(x):
        return dented(x, WEIGHT)

    yield f, 1.0
    WEIGHT = 3.0
    yield f, 3.0
    WEIGHT = 1.0


@way('globals()["w"]')
def _():
    global LOOKED_UP

    def f(x):
        return dented(x, globals()["LOOKED_UP"])

    yield f, 1.0
    LOOKED_UP = 3.0
    yield f, 3.0
    LOOKED_UP = 1.0


@way("attribute of a hand-made module")
def _():
    module = types.ModuleType("hand_made")
    module.weight = 1.0

    def f(x):
        return dented(x, module.weight)

    yield f, 1.0
    module.weight = 3.0
    yield f, 3.0


@way("attribute of a submodule, imported inside f")
def _():
    package, inner = types.ModuleType("made_package"), types.ModuleType("made_package.inner")
    package.inner, inner.weight, package.__path__ = inner, 1.0, []
    sys.modules |= {"made_package": package, "made_package.inner": inner}

    def f(x):
        import made_package.inner

        return dented(x, made_package.inner.weight)

    try:
        yield f, 1.0
        inner.weight = 3.0
        yield f, 3.0
    finally:
        del sys.modules["made_package"], sys.modules["made_package.inner"]


@way("module, reloaded")
def _():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "stale_reloaded.py")
        path.write_text("def weight():\n    return 1.0\n", encoding="utf-8")
        sys.path.insert(0, folder)
        try:
            module = importlib.import_module("stale_reloaded")

            def f(x):
                return dented(x, module.weight())

            yield f, 1.0
            path.write_text("def weight():\n    return 1.0 + 2.0\n", encoding="utf-8")
            importlib.reload(module)
            yield f, 3.0
        finally:
            sys.path.remove(folder)
            sys.modules.pop("stale_reloaded", None)


@way("getattr by name")
def _():
    box = types.SimpleNamespace(weight=1.0)

    def f(x):
        return dented(x, getattr(box, "weight"))  # noqa: B009

    yield f, 1.0
    box.weight = 3.0
    yield f, 3.0


@way("a name of a class, built at run time")
def _():
    class Box:
        weight = 1.0

    def f(x):
        return dented(x, getattr(Box, "".join(["we", "ight"])))

    yield f, 1.0
    Box.weight = 3.0
    yield f, 3.0


@way("a name of a module, built at run time")
def _():
    module = types.ModuleType("hand_made")
    module.weight = 1.0

    def f(x):
        return dented(x, vars(module)["we" + "thgi"[::-1]])

    yield f, 1.0
    module.weight = 3.0
    yield f, 3.0


# Arguments


@way("mutable argument in args")
def _():
    weights = {"dent": 1.0}

    def f(x, weights):
        return dented(x, weights["dent"])

    yield objective(f, args=(weights,)), objective(lambda x: dented(x, 1.0))
    weights["dent"] = 3.0
    yield objective(f, args=(weights,)), objective(lambda x: dented(x, 3.0))


@way("array in args, in place")
def _():
    weights = np.ones(3)

    def f(x, weights):
        return dented(x, weights[1])

    yield objective(f, args=(weights,)), objective(lambda x: dented(x, 1.0))
    weights[1] = 3.0
    yield objective(f, args=(weights,)), objective(lambda x: dented(x, 3.0))


@way("args replaced")
def _():
    def f(x, weight):
        return dented(x, weight)

    yield objective(f, args=(1.0,)), objective(lambda x: dented(x, 1.0))
    yield objective(f, args=(3.0,)), objective(lambda x: dented(x, 3.0))


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


# Outside


@way("environment variable")
def _():
    os.environ["STALE_WEIGHT"] = "1.0"

    def f(x):
        return dented(x, float(os.environ["STALE_WEIGHT"]))

    try:
        yield f, 1.0
        os.environ["STALE_WEIGHT"] = "3.0"
        yield f, 3.0
    finally:
        del os.environ["STALE_WEIGHT"]


@way("NumPy's own state of chance")
def _():
    before = np.random.get_state()  # noqa: NPY002

    def f(x):
        return dented(x, float(np.random.get_state()[1][0]))  # noqa: NPY002

    try:
        np.random.seed(1)  # noqa: NPY002
        yield f, 1.0
        np.random.seed(3)  # noqa: NPY002
        yield f, 3.0
    finally:
        np.random.set_state(before)  # noqa: NPY002


@way("a Generator of one's own")
def _():
    rng = np.random.default_rng(0)

    def f(x):
        return dented(x, copy.deepcopy(rng).random())

    yield f, copy.deepcopy(rng).random()
    rng.random()
    yield f, copy.deepcopy(rng).random()


@way("context variable")
def _():
    def f(x):
        return dented(x, IN_CONTEXT.get())

    yield f, 1.0
    token = IN_CONTEXT.set(3.0)
    yield f, 3.0
    IN_CONTEXT.reset(token)


@way("threading.local")
def _():
    local = threading.local()
    local.weight = 1.0

    def f(x):
        return dented(x, local.weight)

    yield f, 1.0
    local.weight = 3.0
    yield f, 3.0


@way("file that f reads")
def _():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "weight.txt")
        path.write_text("1.0", encoding="utf-8")

        def f(x):
            return dented(x, float(path.read_text(encoding="utf-8")))

        yield f, 1.0
        path.write_text("3.0", encoding="utf-8")
        yield f, 3.0


@way("file that f reads by NumPy")
def _():
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "weight.npy"))
        np.save(path, np.ones(1))

        def f(x):
            return dented(x, np.load(path)[0])

        yield f, 1.0
        np.save(path, np.full(1, 3.0))
        yield f, 3.0


@way("cache of a helper, cleared")
def _():
    weights = {"dent": 1.0}

    @functools.lru_cache
    def weight():
        return weights["dent"]

    def f(x):
        return dented(x, weight())

    yield f, 1.0
    weights["dent"] = 3.0
    weight.cache_clear()
    yield f, 3.0


@way("black box in NumPy")
def _():
    weights = np.ones(1)

    def f(x):
        return value(np.asarray(x), float(weights[0]))

    def slope(x):
        near = np.exp(-200.0 * np.sum((x - 0.8) ** 2))
        return 2.0 * (x - 0.3) + 400.0 * weights[0] * near * (x - 0.8)

    yield objective(f, jac=slope), 1.0
    weights[0] = 3.0
    yield objective(f, jac=slope), 3.0


@way("f that counts its calls")
def _():
    box = types.SimpleNamespace(calls=0, weight=1.0)

    def f(x):
        box.calls += 1
        return dented(x, box.weight)

    yield f, 1.0
    box.weight = 3.0
    yield f, 3.0


@way("changed by a callback, during a call")
def _():
    weights = [1.0]

    def f(x):
        return dented(x, weights[0])

    yield f, 1.0
    objective(f, callback=lambda xk: weights.__setitem__(0, 3.0)).ask()
    yield f, 3.0
