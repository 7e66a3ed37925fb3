"""What a command names: a problem, or a function of the user's own."""

from __future__ import annotations

import ast
import dataclasses
import difflib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from .._support.checks import in_brief, nearest
from ..problems import FUNCTIONS, Problem

CONSTANTS = {"true": "True", "false": "False", "none": "None"}  # as a shell would write them
FORMS = "a problem, package.module:name or path/to/file.py:name"


def find_function(name: str, dim: int | None) -> Callable[..., Any]:
    """The problem, in `dim` variables, or the function of that name.

    Raises
    ------
    ValueError, TypeError
        Where there is none, where its module fails to import, and where it cannot be called.
    """
    if name in FUNCTIONS:
        return FUNCTIONS[name] if dim is None else FUNCTIONS[name].with_dim(dim)
    place, colon, attribute = name.rpartition(":")
    if not colon or not place or not attribute:
        near = difflib.get_close_matches(name, FUNCTIONS, n=2)
        hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise ValueError(f"function must be {FORMS}, got {name!r}{hint}")
    module = _module(place, name)
    found: Any = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            public = [one for one in vars(module) if not one.startswith("_")]
            near = difflib.get_close_matches(attribute, public, n=2)
            hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
            raise ValueError(f"function {name!r}: {place} has no name {attribute!r}{hint}")
        found = getattr(found, part)
    if not callable(found):
        raise TypeError(f"function {name!r} must be callable, got {type(found).__name__}")
    if isinstance(found, Problem) and dim is not None:
        return found.with_dim(dim)
    return found  # type: ignore[no-any-return]


def _module(place: str, name: str) -> ModuleType:
    try:
        if place.endswith(".py"):
            return _from_file(Path(place), name)
        if "" not in sys.path:
            sys.path.insert(0, "")  # the folder where the command runs
        return importlib.import_module(place)
    except ModuleNotFoundError as error:
        if error.name is not None and (place == error.name or place.startswith(f"{error.name}.")):
            raise ValueError(f"function {name!r}: there is no module {error.name!r}") from None
        raise ValueError(f"function {name!r} cannot be imported: {in_brief(error)}") from error
    except Exception as error:
        if isinstance(error, ValueError) and str(error).startswith("function "):
            raise
        raise ValueError(f"function {name!r} cannot be imported: {in_brief(error)}") from error


def _from_file(path: Path, name: str) -> ModuleType:
    if not path.is_file():
        raise ValueError(f"function {name!r}: there is no file {path}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    there = getattr(sys.modules.get(path.stem), "__file__", None)
    if path.stem in sys.modules and (there is None or Path(there).resolve() != path.resolve()):
        raise ValueError(
            f"function {name!r}: there is another module {path.stem!r}; rename the file"
        )
    sys.modules[path.stem] = module  # other processes find it there
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)  # for what lies beside it, as when a script runs
    spec.loader.exec_module(module)
    return module


def read_bounds(
    pairs: Sequence[tuple[float, float]], dim: int | None
) -> list[tuple[float, float]] | None:
    """Bounds from the command line: a pair for each variable, or one for all `dim` of them."""
    if len(pairs) == 1 and dim is not None:
        return [*pairs] * dim
    if dim is not None and pairs and len(pairs) != dim:
        raise ValueError(f"bounds must be one pair, or one per variable ({dim}), got {len(pairs)}")
    return [*pairs] or None


def check_known(given: Mapping[str, Any], kind: type, label: str) -> None:
    """Raise ValueError for an option that this dataclass of options does not have."""
    known = [field.name for field in dataclasses.fields(kind)]
    for name in given:
        if name not in known:
            raise ValueError(f"{label} has no option {name!r}{nearest(name, known)}")


def read_settings(label: str, words: Sequence[str]) -> dict[str, Any]:
    """Options from words like ``name=value``; values as Python writes them, else text."""
    found = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name:
            raise ValueError(f"{label} must be name=value, got {word!r}")
        try:
            found[name] = ast.literal_eval(CONSTANTS.get(text, text))
        except (ValueError, SyntaxError):
            found[name] = text
    return found
