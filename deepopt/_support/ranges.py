"""What of a method can be tuned, and between which values: declared beside each option.

An option's field (and that of a part, as of `GaussianSmoothing`) has under the key "search" of
its metadata a `Range`, a `Choice`, or `Fields` of the part that is its value.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from .checks import check_number, shown


class Trial(Protocol):
    """What suggests values, as an `optuna.Trial` does."""

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int: ...
    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float: ...
    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any: ...


class Range(NamedTuple):
    """Numbers from `low` to `high`, whole ones where both are; `log` for equal ratios."""

    low: float
    high: float
    log: bool = False

    def __str__(self) -> str:
        return f"{self.low:g} … {self.high:g}{', log' if self.log else ''}"

    def suggest(self, trial: Trial, name: str) -> Any:
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(name, self.low, self.high, log=self.log)
        return trial.suggest_float(name, self.low, self.high, log=self.log)


class Choice(NamedTuple):
    """One of several values."""

    values: tuple[Any, ...]

    def __str__(self) -> str:
        return ", ".join(map(repr, self.values))

    def suggest(self, trial: Trial, name: str) -> Any:
        return trial.suggest_categorical(name, self.values)


class Fields(NamedTuple):
    """An object of this class, with the fields that it declares as searched."""

    kind: type

    def __str__(self) -> str:
        return f"the fields of {self.kind.__name__}"


class When(NamedTuple):
    """A range that counts only where another option has one of these values."""

    option: str
    values: tuple[Any, ...]
    search: Range | Choice | Fields

    def __str__(self) -> str:
        return str(self.search)


def searched(default: Any, search: Range | Choice) -> Any:
    """A field of a part that can be tuned."""
    return dataclasses.field(default=default, metadata={"search": search})


class Space:
    """The options that are tuned, with their ranges.

    Parameters
    ----------
    kind : dataclass
        The method's options.
    given : dict
        Options that the user fixed; they are not tuned.
    ranges : dict
        The user's own ranges: ``(low, high)``, ``(low, high, "log")``, a list of choices, or None
        for what shall keep its default.

    Raises
    ------
    ValueError, TypeError
        For a name that the method does not have, and a range that holds nothing.
    """

    def __init__(self, kind: type, given: Mapping[str, Any], ranges: Mapping[str, Any]) -> None:
        fields = {field.name: field for field in dataclasses.fields(kind)}
        self._defaults = {name: field.default for name, field in fields.items()} | dict(given)
        self._kinds: dict[str, type] = {}  # option -> class of the part that is its value
        self.ranges: dict[str, Range | Choice] = {}
        self._conditions: dict[str, When] = {}
        for name, field in fields.items():
            if name not in given:
                self._declare(name, field.metadata.get("search"))
        for name, own in ranges.items():
            if name in given:
                raise ValueError(f"ranges names {name!r}, which options fixes at {given[name]!r}")
            self._take(name, own, [*fields, *self.ranges])

    def _declare(self, name: str, search: Any) -> None:
        """Take the range of an option, or those of the fields of a part."""
        if isinstance(search, When):
            self._conditions[name] = search
            search = search.search
        if isinstance(search, Fields):
            self._kinds[name] = search.kind
            for field in dataclasses.fields(search.kind):
                if "search" in field.metadata:
                    self.ranges[f"{name}.{field.name}"] = field.metadata["search"]
        elif search is not None:
            self.ranges[name] = search

    def _take(self, name: str, own: Any, known: Sequence[str]) -> None:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.3) or known
            raise ValueError(
                f"ranges names {shown(name)}, which is no option that can be tuned; did you mean "
                f"{' or '.join(map(repr, near))}?"
            )
        for inner in [one for one in self.ranges if one.startswith(f"{name}.")]:
            del self.ranges[inner]
        if own is None:
            self.ranges.pop(name, None)
        else:
            self.ranges[name] = read_range(f"ranges[{name!r}]", own)

    def suggest(self, trial: Trial, without: Collection[str] = ()) -> dict[str, Any]:
        """Values for a trial, as options of `deepopt.minimize` or `deepopt.invert`.

        Options in `without` keep their defaults.
        """
        flat: dict[str, Any] = {}
        dependent = sorted(self.ranges, key=lambda name: self._condition(name) is not None)
        for name in dependent:
            search = self.ranges[name]
            if name.partition(".")[0] not in without and self._counts(name, flat):
                flat[name] = search.suggest(trial, name)
        return self.built(flat)

    def _condition(self, name: str) -> When | None:
        return self._conditions.get(name.partition(".")[0])

    def _counts(self, name: str, chosen: Mapping[str, Any]) -> bool:
        condition = self._condition(name)
        if condition is None:
            return True
        value = chosen.get(condition.option, self._defaults.get(condition.option))
        return value in condition.values

    def built(self, flat: Mapping[str, Any]) -> dict[str, Any]:
        """Options from the values of a trial by name, "schedule.fraction" among them."""
        options = {name: value for name, value in flat.items() if "." not in name}
        for name, kind in self._kinds.items():
            mark = f"{name}."
            fields = {key.removeprefix(mark): flat[key] for key in flat if key.startswith(mark)}
            if fields:
                options[name] = kind(**fields)
        return options

    def described(self) -> dict[str, list[Any]]:
        """The ranges in JSON's types, to tell one space from another."""
        return {
            name: [repr(value) for value in search.values]
            if isinstance(search, Choice)
            else [search.low, search.high, search.log]
            for name, search in self.ranges.items()
        }


def read_range(label: str, own: Any) -> Range | Choice:
    """A range as a user writes it."""
    if isinstance(own, Range | Choice):
        return own
    if isinstance(own, list):
        if not own:
            raise ValueError(f"{label} must hold at least one choice, got an empty list")
        return Choice(tuple(own))
    if not isinstance(own, tuple) or len(own) not in (2, 3) or own[2:] not in ((), ("log",)):
        raise TypeError(
            f'{label} must be (low, high), (low, high, "log"), a list of choices or None, got '
            f"{shown(own)}"
        )
    low, high = (end.item() if isinstance(end, np.generic) else end for end in own[:2])
    check_number(f"the low end of {label}", low, above=-float("inf"), below=float("inf"))
    check_number(f"the high end of {label}", high, above=-float("inf"), below=float("inf"))
    log = len(own) == 3
    if low > high:
        raise ValueError(f"{label} must not be empty, got low = {low!r} above high = {high!r}")
    if log and low <= 0:
        raise ValueError(f'{label} must be positive for "log", got low = {low!r}')
    return Range(low, high, log)
