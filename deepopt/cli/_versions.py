"""What a report of a bug has to say about the machine."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from .. import __version__

NEEDED = (
    "numpy", "scipy", "keras", "tensorflow", "jax", "jaxlib", "torch", "optuna", "cmaes",
    "loky", "distributed", "click", "rich", "matplotlib",
)  # fmt: skip


def show_versions() -> None:
    """Print the versions of deepopt, Python and what deepopt uses, and what runs it.

    The backend and its devices are named once a backend is loaded; nothing is imported for it.

    Examples
    --------
    >>> import deepopt
    >>> deepopt.show_versions()  # doctest: +ELLIPSIS
    deepopt     ...
    """
    rows = {
        "deepopt": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": str(os.cpu_count()),
    }
    for package in NEEDED:
        try:
            rows[package] = version(package)
        except PackageNotFoundError:
            rows[package] = "not installed"
    rows["backend"] = _backend()
    for name, text in rows.items():
        print(f"{name:11} {text}")


def _backend() -> str:
    if "keras" not in sys.modules:
        return f"not loaded yet; KERAS_BACKEND={os.environ.get('KERAS_BACKEND', '')}"
    from .._backend import name, on_accelerator

    return f"{name()} on {'an accelerator' if on_accelerator() else 'the CPU'}"
