"""Surfing (Song, Fan & Lafferty 2019, Algorithm 1): through the training of a generator."""

from __future__ import annotations

import dataclasses

import numpy as np

from .._support.checks import check_flag, check_number
from .._support.ranges import Choice, Range, searched
from ._base import Schedule


@dataclasses.dataclass(frozen=True)
class Surf(Schedule):
    """Through the training of a generator: f_t(x) = ½ ‖A G_{θ_t}(x) - y‖², θ_0 … θ_T its weights.

    Each network is descended from the minimiser of the one before. For `deepopt.invert`, whose host
    brings the weights as tensors, so that no stage compiles anew.

    Parameters
    ----------
    longest : int, default 20
        Iterations on each network before the last, at most.
    budget : int, optional
        A fixed number of iterations over all networks before the last in place of descents to
        convergence, shared out so that an early network gets more: the shares fall linearly.
    interpolate : bool, default False
        Whether a step between two networks that makes the residual jump is halved, by weights in
        between (those of batch norm too), up to three times.

    Examples
    --------
    >>> Surf(budget=10).iterations(4)
    [4, 3, 2, 1]

    References
    ----------
    Song, Fan & Lafferty, Surfing: iterative optimization over incrementally trained deep networks,
    2019, Algorithm 1.
    """

    longest: int = searched(20, Range(1, 200, log=True))
    budget: int | None = None
    interpolate: bool = searched(False, Choice((False, True)))

    def __post_init__(self) -> None:
        check_number("longest", self.longest, at_least=1, whole=True)
        if self.budget is not None:
            check_number("budget", self.budget, at_least=1, whole=True)
        check_flag("interpolate", self.interpolate)

    def iterations(self, networks: int) -> list[int]:
        """How many iterations each of the networks before the last gets, at most."""
        if self.budget is None:
            return [self.longest] * networks
        shares = np.arange(networks, 0, -1)
        ends = self.budget * np.cumsum(shares) // shares.sum()
        return [int(n) for n in np.diff(ends, prepend=0)]
