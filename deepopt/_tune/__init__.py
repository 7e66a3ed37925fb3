"""Optuna over the options of a method, for functions and for `invert`."""

from .api import tune
from .files import described, shown, tune_files
from .named import check_known, find_function, read_bounds, read_settings

__all__ = [
    "check_known",
    "described",
    "find_function",
    "read_bounds",
    "read_settings",
    "shown",
    "tune",
    "tune_files",
]
