"""What Python code does and reads, for `_fingerprint`; and which code is a library's."""

from __future__ import annotations

import dis
import functools
import marshal
import sys
import types
from typing import Any, NamedTuple

import xxhash

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
    "fromfile", "fromregex", "genfromtxt", "io_callback", "load", "loadtxt", "memmap",
    "numpy_function", "py_function", "pure_callback", "read_file",
}  # fmt: skip


def is_library(module: Any) -> bool:
    """Whether this names a module of `LIBRARIES` or of the standard library."""
    top = module.split(".")[0] if isinstance(module, str) else ""
    return top in LIBRARIES or (top in sys.stdlib_module_names and top != "__main__")


def is_fixed(function: types.FunctionType) -> bool:
    """Whether it was written in a library; its `__module__` is what somebody said."""
    return is_library(function.__globals__.get("__name__"))


def reads_more(module: str, name: str) -> bool:
    """Whether this function of a library reads more than it is given and what is seen here."""
    top = module.split(".")[0]
    if top in LIBRARIES:
        return name in OUTSIDE
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
