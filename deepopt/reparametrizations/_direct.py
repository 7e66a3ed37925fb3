"""The points themselves (Lopez-Paz & Sagun 2018, §3.3)."""

from __future__ import annotations

import dataclasses

import numpy as np

from .._backend import Tensor, Tensors, ops
from .._domain import OUTPUT_MAPS, Box, Kinds
from .._support.checks import check_choice, check_number
from ._base import Reparametrization, Start, starting_points
from ._deep import Deep


@dataclasses.dataclass(frozen=True)
class Direct(Reparametrization):
    """x = box(w): the variables are the points themselves (paper A's shallow optimizer).

    Parameters
    ----------
    n_starts : int, default 50
        Points per run.
    starts : {"network", "uniform"}, default "network"
        Where the points begin: where `Deep` with as many embeddings and the same rng begins, so
        that both start from the same x⁰ (paper A, §3.3), or uniformly in the box.
    output_map : {"sigmoid", "tanh", "reflect", "clip"}, default "sigmoid"
        Map onto the box, as in `Deep`.

    Examples
    --------
    >>> Direct(n_starts=16, starts="uniform").n_points
    16
    """

    n_starts: int = 50
    starts: str = "network"
    output_map: str = "sigmoid"
    pointwise = True

    def __post_init__(self) -> None:
        check_number("n_starts", self.n_starts, at_least=1, whole=True)
        check_choice("starts", self.starts, ("network", "uniform"))
        check_choice("output_map", self.output_map, OUTPUT_MAPS)

    @property
    def n_points(self) -> int:
        return self.n_starts

    def init(self, box: Box, rng: np.random.Generator, x0: np.ndarray | None) -> Start:
        if self.starts == "network":
            network = Deep(n_embeddings=self.n_starts, output_map=self.output_map)
            points = starting_points(network, network.init(box, rng, x0), box)
        else:
            points = box.draw(rng, self.n_starts)
            points = points if x0 is None else np.concatenate([x0[None], points[1:]])
        return Start([OUTPUT_MAPS[self.output_map].inverse(points, box)], [])

    def points(self, variables: Tensors, fixed: Tensors, kinds: Kinds | None) -> Tensor:
        return OUTPUT_MAPS[self.output_map].forward(variables[0], kinds)

    def edges(self, kinds: Kinds | None) -> tuple[Tensor, Tensor] | None:
        if self.output_map not in ("reflect", "clip"):
            return None
        if kinds is None:
            return ops.zeros((1,)), ops.ones((1,))
        bounded = ops.logical_or(kinds.closed, kinds.half)
        return ops.where(bounded, 0.0, -np.inf), ops.where(kinds.closed, 1.0, np.inf)
