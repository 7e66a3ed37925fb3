"""What every reparametrization is, and where its runs begin."""

from __future__ import annotations

import abc
from typing import NamedTuple

import numpy as np

from .._backend import Tensor, Tensors, ops, precision, to_numpy, to_tensor
from .._domain import Box, Kinds


class Start(NamedTuple):
    """The arrays of one run: those that descend and those that stay fixed."""

    variables: list[np.ndarray]
    fixed: list[np.ndarray]


class Reparametrization(abc.ABC):
    """The base of every reparametrization: frozen, hashable values that override these.

    Attributes
    ----------
    pointwise : bool
        Whether the only variable has a row for each point, on which it alone depends.
    """

    pointwise: bool = False

    @property
    @abc.abstractmethod
    def n_points(self) -> int:
        """Points per run."""

    def n_variables(self, dim: int) -> int:
        """Numbers that a run moves, for x of `dim` variables."""
        return self.n_points * dim

    @abc.abstractmethod
    def init(self, box: Box, rng: np.random.Generator, x0: np.ndarray | None) -> Start:
        """Variables of one run; if x0 (d,) in unit coordinates is given, its first point is x0."""

    @abc.abstractmethod
    def points(self, variables: Tensors, fixed: Tensors, kinds: Kinds | None) -> Tensor:
        """Points (runs, n_points, d) in unit coordinates, inside the box."""

    def retract(self, variables: Tensors) -> Tensors:
        """Variables after a step, back where they belong; by default they stay where they are."""
        return variables

    def edges(self, kinds: Kinds | None) -> tuple[Tensor, Tensor] | None:
        """Lowest and highest variables, for a descent that holds them there; None without."""
        return None


def starting_points(reparametrization: Reparametrization, start: Start, box: Box) -> np.ndarray:
    """The points (n_points, d) where a run with these variables begins, in unit coordinates."""
    with precision("float64"):
        variables, fixed = ([to_tensor(a[None], "float64") for a in part] for part in start)
        kinds = Kinds(*(ops.convert_to_tensor(mask) for mask in (box.closed, box.half)))
        points: np.ndarray = to_numpy(reparametrization.points(variables, fixed, kinds))[0]
        return points
