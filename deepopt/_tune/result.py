"""What `tune` returns, and how it prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .._support.summary import Card, assigned, number

if TYPE_CHECKING:
    from optuna.study import Study


class Tuned(NamedTuple):
    """What `deepopt.tune` returns.

    Attributes
    ----------
    options : dict
        The best options found, ready for ``deepopt.minimize(..., options=)`` (or `invert`), those
        that were given among them. Where no trial was better than the defaults, these alone.
    study : optuna.study.Study
        With every trial.
    summary : dict
        best (its values), trial (its number; None for the defaults), defaults (theirs; None where
        there was no time for them), complete,
        pruned and failed (how many), error (of the last that failed), seconds (of all trials) and
        interrupted.
    """

    options: dict[str, Any]
    study: Study
    summary: dict[str, Any]

    def __repr__(self) -> str:
        return self._card().text

    def _repr_html_(self) -> str:
        return self._card().html

    def _card(self) -> Card:
        said = self.summary
        best, defaults = (_values(said[key]) for key in ("best", "defaults"))
        of = "the defaults" if said["trial"] is None else f"trial {said['trial']}"
        counted = [
            f"{said[word]} {word}" for word in ("complete", "pruned", "failed") if said[word]
        ]
        rows = [
            ("best", f"{best}, of {of}"), ("defaults", defaults),
            ("options", assigned(self.options)),
            ("trials", ", ".join([*counted, f"{said['seconds']:.3g} s"])),
        ]  # fmt: skip
        rows += [("error", said["error"])] if said["error"] else []
        return Card(f"study {self.study.study_name!r}", rows)


def _values(values: Sequence[float] | None) -> str:
    return "unknown" if values is None else ", ".join(map(number, values))
