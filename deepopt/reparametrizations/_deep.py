"""Points from one small network (Lopez-Paz & Sagun 2018, §3.2)."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from .._backend import Tensor, Tensors, ops
from .._domain import OUTPUT_MAPS, Box, Kinds
from .._support.checks import check_choice, check_number
from ._base import Reparametrization, Start

MOST_LAYERS = 1000


@dataclasses.dataclass(frozen=True)
class Deep(Reparametrization):
    """x = box(W_out relu(… relu(W_1 z_i + b_1) …) + b_out): paper A's deep reparametrization.

    n trainable embeddings z_i pass through one shared network [Linear → ReLU] × n_layers →
    Linear, whose output is mapped onto the box (§3.2). At the start z ~ N(0, 1), and the
    weights and biases of each layer ~ N(0, 1/fan_in).

    Parameters
    ----------
    n_embeddings : int, default 50
        n, the points that share one network.
    n_hidden : int, default 10
        n_h, the length of an embedding and of every hidden layer.
    n_layers : int, default 1
        n_l, the hidden layers (0 is a linear network).
    output_map : {"sigmoid", "tanh", "reflect", "clip"}, default "sigmoid"
        Map of the network's output y onto the box, y = 0 to its centre. "sigmoid" is 1/(1 + e^-y).
        "tanh" is the paper's public code: tanh(a y) with a = 1.7159 / max(abs(y)) at the start.
        "reflect" is the identity inside and mirrored at the bounds, "clip" cut off there.

    Notes
    -----
    A run holds n n_h + n_l n_h (n_h + 1) + d (n_h + 1) variables. The embeddings can only reach
    the points that one network can tell apart, which is the method's idea.

    If x0 is given, the output bias is shifted so that the first point is x0; "sigmoid" and "tanh",
    which never reach a bound, come within a thousandth of the box of it.

    Examples
    --------
    >>> Deep(n_embeddings=20, n_layers=2).n_points
    20

    References
    ----------
    Lopez-Paz & Sagun, Easing non-convex optimization with neural networks, 2018, eq. (2), §3.2.
    """

    n_embeddings: int = 50
    n_hidden: int = 10
    n_layers: int = 1
    output_map: str = "sigmoid"

    def __post_init__(self) -> None:
        check_number("n_embeddings", self.n_embeddings, at_least=1, whole=True)
        check_number("n_hidden", self.n_hidden, at_least=1, whole=True)
        check_number("n_layers", self.n_layers, at_least=0, at_most=MOST_LAYERS, whole=True)
        check_choice("output_map", self.output_map, OUTPUT_MAPS)

    @property
    def n_points(self) -> int:
        return self.n_embeddings

    def n_variables(self, dim: int) -> int:
        n, n_h, n_l = self.n_embeddings, self.n_hidden, self.n_layers
        return n * n_h + n_l * n_h * (n_h + 1) + dim * (n_h + 1)

    def init(self, box: Box, rng: np.random.Generator, x0: np.ndarray | None) -> Start:
        embeddings = rng.standard_normal((self.n_embeddings, self.n_hidden))
        layers: list[np.ndarray] = []
        for width in [self.n_hidden] * self.n_layers + [box.dim]:
            layers.append(rng.standard_normal((self.n_hidden, width)) / np.sqrt(self.n_hidden))
            layers.append(rng.standard_normal((1, width)) / np.sqrt(self.n_hidden))
        outputs = _forward(np, embeddings, layers)
        scale = 1.7159 / np.abs(outputs).max() if self.output_map == "tanh" else 1.0
        inverse = OUTPUT_MAPS[self.output_map].inverse
        target = inverse(np.where(box.closed, 0.5, 0.0) if x0 is None else x0, box)
        shift = target / scale - (0.0 if x0 is None else outputs[0])
        layers[-1] = layers[-1] + shift
        return Start([embeddings, *layers], [np.asarray(scale)])

    def points(self, variables: Tensors, fixed: Tensors, kinds: Kinds | None) -> Tensor:
        outputs = _forward(ops, variables[0], variables[1:])
        if self.output_map == "tanh":
            outputs = ops.reshape(fixed[0], (-1, 1, 1)) * outputs
        return OUTPUT_MAPS[self.output_map].forward(outputs, kinds)


def _forward(xp: Any, inputs: Any, layers: list[Any]) -> Any:
    """The network of §3.2 on (..., n, n_h); `xp` is numpy or keras.ops."""
    hidden = inputs
    for weight, bias in zip(layers[:-2:2], layers[1:-2:2], strict=True):
        hidden = xp.maximum(xp.matmul(hidden, weight) + bias, 0.0)
    return xp.matmul(hidden, layers[-2]) + layers[-1]
