"""Argument checks that raise one clear sentence: the argument, what came, what was expected."""

from __future__ import annotations

import difflib
import numbers
import operator
import os
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

NO_NUMBERS = (str, bytes, type(None))
WITHIN = {"deepopt", "scipy", "contextlib"}  # packages whose frames are not the user's


def shown(value: Any) -> str:
    """`value` as it stands in an error: on one line, and not for long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else text[:77] + "..."


def warn(words: str, kind: type[Warning]) -> None:
    """Warn of the user's line from which it was called, also by way of SciPy."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] in WITHIN:
        frame, level = frame.f_back, level + 1
    warnings.warn(words, kind, stacklevel=level)


def warn_unknown(key: str, method: str, known: Iterable[str]) -> None:
    """Warn of an option that the method, which has those known, does not have."""
    from scipy.optimize import OptimizeWarning

    near = nearest(key, known)
    warn(f"{method} has no option {key!r}; it was ignored{near}", OptimizeWarning)


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint, in brackets, for a word that is nearly one of those known; else nothing."""
    near = difflib.get_close_matches(str(word).lower(), [*known], n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def check_number(
    label: str,
    value: Any,
    *,
    whole: bool = False,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
) -> None:
    """Raise TypeError or ValueError unless `value` is a number within the given limits."""
    kind = numbers.Integral if whole else numbers.Real
    if isinstance(value, bool | np.bool_) or not isinstance(value, kind):
        expected = "a whole number" if whole else "a number"
        raise TypeError(f"{label} must be {expected}, got {shown(value)}")
    limits = [
        (at_least, "at least", operator.ge),
        (above, "above", operator.gt),
        (at_most, "at most", operator.le),
        (below, "below", operator.lt),
    ]
    try:
        number = float(value)
    except OverflowError:
        number = np.inf
    sound = [limit is None or holds(number, limit) for limit, _, holds in limits]
    if np.isnan(number) or not all(sound):
        expected = " and ".join(f"{words} {x:g}" for x, words, _ in limits if x is not None)
        raise ValueError(f"{label} must be {expected or 'a number'}, got {shown(value)}")


def check_choice(label: str, value: Any, choices: Any) -> None:
    """Raise ValueError unless `value` is one of the strings in `choices`."""
    if not isinstance(value, str) or value not in choices:
        expected = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"{label} must be one of {expected}, got {shown(value)}")


def check_flag(label: str, value: Any) -> None:
    """Raise TypeError unless `value` is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{label} must be True or False, got {shown(value)}")


def numbers_of(value: Any) -> np.ndarray:
    """`value` as an array of numbers; TypeError or ValueError where NumPy would make some up."""
    parts = value if isinstance(value, list | tuple) else ()
    if np.ma.is_masked(value) or any(part is np.ma.masked for part in parts):
        raise TypeError
    array = np.asarray(value)
    if array.dtype.kind not in "biufcO":
        raise TypeError
    if array.dtype.kind == "O" and any(isinstance(part, NO_NUMBERS) for part in array.flat):
        raise TypeError
    return array


def check_file(label: str, value: Any) -> None:
    """Raise TypeError or ValueError unless `value` is the path of a file, there or not."""
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"{label} must be a path, got {shown(value)}")
    path = os.fspath(value)
    try:
        sound = bool(path) and (Path(path).is_file() or not Path(path).exists())
    except (OSError, ValueError):  # a name too long, or with a null
        sound = False
    if not sound:
        raise ValueError(f"{label} must be the path of a file, got {path!r}")


def read_rng(rng: Any) -> np.random.Generator:
    """A generator from what SPEC 7 takes, TypeError for anything else."""
    try:
        if isinstance(rng, bool | np.bool_):
            raise TypeError
        return np.random.default_rng(rng)
    except (TypeError, ValueError):
        raise TypeError(
            f"rng must be None, a whole number >= 0 or a numpy Generator, got {shown(rng)}"
        ) from None


def in_brief(error: BaseException) -> str:
    """The kind of an error and the beginning of what it says."""
    first = next(iter(str(error).splitlines()), "")
    return f"{type(error).__name__}: {first[:120]}"
