"""Options as fields of a dataclass: each with its default, its help and the range to tune it in."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from .checks import check_choice


def option(default: Any, help: str, search: Any = None) -> Any:
    """A field of a method's options, and between which values `deepopt.tune` looks, if it does."""
    more = {} if search is None else {"search": search}
    return dataclasses.field(default=default, metadata={"help": help} | more)


def plain(value: Any) -> Any:
    """A number of NumPy's, which may be of few bits, as Python's own."""
    return value.item() if isinstance(value, np.generic) else value


def with_preset(
    given: Mapping[str, Any], presets: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """The options with those of the preset that they name, where they say nothing else."""
    preset = given.get("preset")
    if preset is None or not presets:
        return dict(given)
    check_choice("preset", preset, presets)
    return {**presets[preset], **given}
