"""Ways in which what a function finds by name changes: globals, builtins, modules."""

import builtins
import contextlib
import importlib
import os
import sys
import tempfile
import types
from pathlib import Path

from stale_cases import NEW, OLD, dent, valley, way

PLACE = OLD
HELPED = types.SimpleNamespace(times=1.0)


@contextlib.contextmanager
def importable():
    """A folder from which modules can be imported."""
    modules, path = set(sys.modules), [*sys.path]
    with tempfile.TemporaryDirectory() as folder:
        sys.path.insert(0, folder)
        try:
            yield Path(folder)
        finally:
            sys.path[:] = path
            for name in set(sys.modules) - modules:
                if (getattr(sys.modules[name], "__file__", None) or "").startswith(folder):
                    del sys.modules[name]


def module(name, source):
    """A module made by hand."""
    made = types.ModuleType(name)
    exec(source, vars(made))
    return made


@way
def a_global():
    global PLACE
    PLACE = OLD

    def f(x):
        return dent(x, PLACE)

    yield f, OLD
    PLACE = NEW
    yield f, NEW


@way
def a_global_by_a_text():
    global PLACE
    PLACE = OLD
    f = valley(lambda: globals()["PLACE"])
    yield f, OLD
    PLACE = NEW
    yield f, NEW


@way
def a_global_of_a_helper_by_its_globals():
    global PLACE
    PLACE = OLD
    f = valley(lambda: valley_of_this_module.__globals__["PLACE"])
    yield f, OLD
    PLACE = NEW
    yield f, NEW


def valley_of_this_module():
    return PLACE


def _first():
    return _second()


def _second():
    return HELPED.times


@way
def a_helper_two_calls_away():
    global _second
    real, f = _second, valley(lambda: OLD * _first())
    yield f, OLD
    _second = lambda: NEW / OLD  # noqa: E731
    yield f, NEW
    _second = real


@way
def a_function_among_the_builtins():
    global PLACE
    PLACE = OLD
    builtins.place_of_the_dent = lambda: PLACE
    f = valley(lambda: place_of_the_dent())  # noqa: F821
    yield f, OLD
    PLACE = NEW
    yield f, NEW
    del builtins.place_of_the_dent


# Modules


@way
def an_attribute_of_a_module():
    settings = module("settings", f"w = {OLD}")
    f = valley(lambda: settings.w)
    yield f, OLD
    settings.w = NEW
    yield f, NEW


@way
def an_attribute_of_a_submodule():
    package = module("package", "")
    package.inner = module("package.inner", f"w = {OLD}")
    f = valley(lambda: package.inner.w)
    yield f, OLD
    package.inner.w = NEW
    yield f, NEW


@way
def a_global_of_a_module_that_its_function_reads():
    settings = module("settings", f"w = {OLD}\ndef place():\n    return w")
    f = valley(settings.place)
    yield f, OLD
    settings.w = NEW
    yield f, NEW


@way
def the_getattr_of_a_module():
    settings = module("lazy", f"table = {{'w': {OLD}}}\ndef __getattr__(name): return table[name]")
    f = valley(lambda: settings.w)
    yield f, OLD
    settings.table["w"] = NEW
    yield f, NEW


@way
def an_attribute_of_a_module_between_underscores():
    settings = module("settings", f"__place__ = {OLD}")
    f = valley(lambda: settings.__place__)
    yield f, OLD
    settings.__place__ = NEW
    yield f, NEW


@way
def a_module_that_is_loaded_again():
    with importable() as folder:
        file = folder / "stale_reloaded.py"
        file.write_text(f"w = {OLD}\n")
        import stale_reloaded

        f = valley(lambda: stale_reloaded.w)
        yield f, OLD
        file.write_text(f"w = {NEW}  # of another size, which tells Python that it has changed\n")
        importlib.reload(stale_reloaded)
        yield f, NEW


@way
def a_module_imported_inside_the_function():
    with importable() as folder:
        (folder / "stale_inside.py").write_text(f"w = {OLD}\n")

        def f(x):
            from stale_inside import w

            return dent(x, w)

        yield f, OLD
        sys.modules["stale_inside"].w = NEW
        yield f, NEW


@way
def a_module_imported_by_a_name():
    with importable() as folder:
        (folder / "stale_named.py").write_text(f"w = {OLD}\n")
        f = valley(lambda: importlib.import_module("_".join(["stale", "named"])).w)
        yield f, OLD
        sys.modules["stale_named"].w = NEW
        yield f, NEW


@way
def an_own_module_of_the_name_of_a_library():
    statistics = module("statistics", f"w = {OLD}\ndef place(): return w")
    f = valley(lambda: statistics.place())
    yield f, OLD
    statistics.w = NEW
    yield f, NEW


@way
def a_function_put_into_a_library():
    os.place_of_the_dent = lambda: OLD
    f = valley(lambda: os.place_of_the_dent())
    yield f, OLD
    os.place_of_the_dent = lambda: NEW
    yield f, NEW
    del os.place_of_the_dent
