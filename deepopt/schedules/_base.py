"""What every schedule is, and those of a kind: staged, eased by another function."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable
from typing import Any

from .._backend import Tensor, ops
from .._domain import Kinds
from .._support.checks import check_number
from ._paces import Pace, Steady


class Schedule:
    """f itself at all times; the base of every schedule.

    A schedule of one's own is a frozen, hashable subclass that overrides what it changes.

    Attributes
    ----------
    samples : int
        Evaluations of f per point and iteration.
    pace : Pace
        How t advances.
    """

    pace: Pace = Steady()

    @property
    def samples(self) -> int:
        return 1

    def sample(self, u: Tensor, t: Tensor, seed: Tensor, kinds: Kinds | None) -> Tensor:
        """Points (samples, runs, n, d) around u (runs, n, d); the first is u itself."""
        return ops.expand_dims(u, 0)

    def weights(self, t: Tensor) -> Tensor:
        """Weights (samples,) of their values in f_t."""
        return ops.ones((1,), dtype=t.dtype)

    def rate(self, t: Tensor) -> Tensor:
        """Factor (runs,) on the learning rate."""
        return ops.ones_like(t)

    def temperature(self, t: Tensor) -> Tensor | None:
        """Temperature (runs,) of the noise on the variables, in units of f's range; None for 0."""
        return None

    def arrived(self, t: Tensor) -> Tensor:
        """Whether f_t (runs,) is f itself, so that the loss may be compared with earlier ones."""
        return ops.ones_like(t, dtype="bool")


@dataclasses.dataclass(frozen=True)
class Constant(Schedule):
    """f itself from the first iteration to the last.

    Examples
    --------
    >>> Constant().samples
    1
    """


class Staged(Schedule):
    """A schedule that reaches f after a part of the way, its field `fraction`."""

    fraction: float

    def _check_stages(self) -> None:
        check_number("fraction", self.fraction, above=0.0, at_most=1.0)
        if isinstance(self.pace, type) or not isinstance(self.pace, Pace):
            raise TypeError(f"pace must be Steady() or Adaptive(), got {self.pace!r}")

    def progress(self, t: Tensor) -> Tensor:
        """From 0 to 1, where f is reached; of t's shape (runs,)."""
        return ops.minimum(t / self.fraction, 1.0)

    def arrived(self, t: Tensor) -> Tensor:
        return t >= self.fraction


class Eased(Staged, abc.ABC):
    """f mixed with an easier function: f_t = share · f + (1 - share) · easy."""

    function: Callable[..., Any]

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise TypeError(f"function must be callable, got {type(self.function).__name__}")
        self._check_stages()

    @abc.abstractmethod
    def share(self, t: Tensor) -> Tensor:
        """Weight (runs,) of f, in [0, 1]; 1 at t = 1."""

    @abc.abstractmethod
    def easy(self, x: Any, t: Any) -> Any:
        """The easier function at points x in the user's coordinates, as f takes them."""


def geometric(start: float, end: float, progress: Tensor) -> Tensor:
    """start · (end / start)^progress."""
    ratio = ops.convert_to_tensor(end / start, dtype=progress.dtype)
    return start * ops.power(ratio, progress)
