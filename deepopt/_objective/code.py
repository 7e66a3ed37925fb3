"""What Python code does and reads, for `fingerprints`; and which code is a library's."""

from __future__ import annotations

import dis
import functools
import marshal
import sys
import sysconfig
import types
from typing import Any, NamedTuple

import xxhash

# Whose functions and classes are taken to stay as they are, as those of the standard library
LIBRARIES = {"deepopt", "jax", "jaxlib", "keras", "ml_dtypes", "numpy", "scipy", "tensorflow",
             "torch"}  # fmt: skip
# Of the standard library; functions of its other modules may read what nobody sees here
PURE = {
    "__future__", "_abc", "_collections", "_functools", "_operator", "abc", "builtins", "cmath",
    "collections", "contextlib", "copy", "copyreg", "dataclasses", "enum", "fractions",
    "functools", "itertools", "logging", "math", "numbers", "operator", "re", "statistics",
    "string", "types", "typing", "warnings",
}  # fmt: skip
BUILTINS = {
    "__import__", "breakpoint", "compile", "eval", "exec", "globals", "id", "input", "locals",
    "open",
}  # fmt: skip
# Of libraries: they read files, or call Python whenever the program runs
OUTSIDE = {
    "fromfile", "fromregex", "genfromtxt", "io_callback", "memmap", "numpy_function",
    "open_memmap", "pure_callback", "py_function",
}  # fmt: skip
READING = ("load", "read_")  # how names of functions that read files begin
FILES = {"io", "file_io", "gfile"}  # packages and modules that are about files
HOME = tuple(sysconfig.get_path(name) for name in ("stdlib", "platstdlib"))
PACKAGES = ("site-packages", "dist-packages")  # within it, what is not of it


def is_library(space: dict[str, Any]) -> bool:
    """Whether a module's dict is that of a module of `LIBRARIES` or of the standard library.

    A user's module may bear the name of one.
    """
    name = space.get("__name__")
    top = name.split(".")[0] if isinstance(name, str) else ""
    if top in LIBRARIES:
        return True
    if top not in sys.stdlib_module_names or top == "__main__":
        return False
    origin = getattr(space.get("__spec__"), "origin", None)
    if isinstance(origin, str) and origin.startswith(HOME):
        return not any(package in origin for package in PACKAGES)
    return origin in ("built-in", "frozen")


def is_fixed(function: types.FunctionType) -> bool:
    """Whether it was written in a library; its `__module__` is what somebody said."""
    return is_library(function.__globals__)


def reads_more(module: str, name: str) -> bool:
    """Whether this function of a library reads more than it is given and what is seen here."""
    top, *below = module.split(".")
    if top in LIBRARIES:
        return name in OUTSIDE or name.startswith(READING) or not FILES.isdisjoint(below)
    return top not in PURE or (top == "builtins" and name in BUILTINS)


class Read(NamedTuple):
    """What code reads by name, the functions inside it too."""

    of_module: tuple[str, ...]  # globals
    names: frozenset[str]  # attributes, and texts that could name one
    imported: tuple[tuple[str, int], ...]  # modules, with their level


@functools.lru_cache(maxsize=4096)
def read(code: types.CodeType) -> Read:
    """What `code` reads."""
    of_module: set[str] = set()
    names: set[str] = set(code.co_names)
    imported: set[tuple[str, int]] = set()
    before: tuple[Any, Any] = (None, None)
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            of_module.add(step.argval)
        elif step.opname == "IMPORT_NAME":
            imported.add((step.argval, before[0] if isinstance(before[0], int) else 0))
        before = (before[1], step.argval)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            inner = read(constant)
            of_module.update(inner.of_module)
            names |= inner.names
            imported.update(inner.imported)
        parts = constant if isinstance(constant, tuple) else (constant,)
        names.update(part for part in parts if isinstance(part, str))
    return Read(tuple(sorted(of_module)), frozenset(names), tuple(sorted(imported)))


@functools.lru_cache(maxsize=4096)
def digest(code: types.CodeType) -> bytes:
    """What `code` does, wherever it stands."""
    constants = tuple(
        digest(constant) if isinstance(constant, types.CodeType) else marshal.dumps(constant, 2)
        for constant in code.co_consts
    )
    rest = (
        code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars,
        code.co_flags, code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount,
        code.co_exceptiontable,
    )  # fmt: skip
    return xxhash.xxh3_128_digest(marshal.dumps((constants, rest), 2))
