"""Ways of the stale battery: names and arguments, and what lies outside the program."""

from __future__ import annotations

import contextvars
import copy
import functools
import importlib
import os
import sys
import tempfile
import threading
import types
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
    objective(f, callback=lambda _: weights.__setitem__(0, 3.0)).ask()
    yield f, 3.0
