"""What a user asked of `minimize`, read and checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from .._backend import name as backend
from .._domain import Box
from .._engine import Options, Where
from .._objective import Jac
from .._support.saving import digest, told
from .._support.workers import Workers


class Asked(NamedTuple):
    """The arguments of a call."""

    fun: Callable[..., Any]
    args: tuple[Any, ...]
    jac: Jac
    box: Box
    x0: np.ndarray | None  # (d,)
    method: str
    options: Options
    callback: Callable[[np.ndarray, float, int, int, Where], bool] | None
    started: float  # time.perf_counter()
    rng: np.random.Generator
    seeded: bool  # whether the user gave that
    workers: Workers
    errstate: Mapping[str, Any]  # NumPy's, within f and callback

    @property
    def u0(self) -> np.ndarray | None:
        """x0 in unit coordinates."""
        return None if self.x0 is None else self.box.to_unit(self.x0)

    @property
    def first(self) -> np.ndarray:
        """x0, or else the centre."""
        return self.box.from_unit(self.box.centre) if self.x0 is None else self.x0

    @property
    def watched(self) -> bool:
        """Whether somebody waits to see the best point every few iterations."""
        return self.callback is not None or bool(self.options.disp)

    def described(self, tensors: bool) -> dict[str, str]:
        """What, beside the options, tells this call from others, under names that a user knows.

        `tensors` says whether it has any, and so a backend.
        """
        box, x0 = self.box, self.x0
        return {
            "fun": getattr(self.fun, "__qualname__", told(self.fun)), "args": told(self.args),
            "jac": told(self.jac), "method": self.method,
            "backend": backend() if tensors else "none",
            "bounds": digest(box.lower, box.upper), "scale": digest(box.origin, box.width),
            "x0": "none" if x0 is None else digest(x0),
            **({"rng": digest(repr(self.rng.bit_generator.state))} if self.seeded else {}),
        }  # fmt: skip
