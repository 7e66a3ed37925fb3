"""Reparametrizations: where the variables live. Each is a small value: settings in, functions out.

A reparametrization draws the variables of one run on the host (NumPy, so that every backend
starts from the same numbers) and turns the variables of all runs into points in unit coordinates.
"""

from __future__ import annotations

import abc
import dataclasses
import math
from typing import Any, NamedTuple

import numpy as np

from ._backend import Tensor, Tensors, ops, precision, to_numpy, to_tensor
from ._domain import OUTPUT_MAPS, Box, Kinds, reflect
from ._support.checks import check_choice, check_number

MOST_LAYERS = 1000


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


@dataclasses.dataclass(frozen=True)
class Sphere(Reparametrization):
    """Directions from the centre of the box: for an f that does not depend on the length.

    The variables keep to a sphere, so that noise and steps have the same size everywhere on it;
    a point is where its direction meets the boundary of the box.

    Parameters
    ----------
    n_starts : int, default 16
        Points per run, drawn uniformly on the sphere.

    Raises
    ------
    ValueError
        When a run begins, if a bound is infinite.

    Examples
    --------
    >>> import deepopt
    >>> from deepopt.problems import SphericalSpinGlass
    >>> recipe = deepopt.Recipe(deepopt.Sphere(16), deepopt.Temperature(1e-4, 1e-6))
    >>> glass = SphericalSpinGlass(10, rng=0)
    >>> options = {"maxiter": 300, "learning_rate": 10.0, "polish": True}
    >>> result = deepopt.minimize(glass, method=recipe, options=options, rng=0)
    >>> bool(glass.energy_per_spin(result.x) < -1.5)
    True

    References
    ----------
    Auffinger, Ben Arous & Cerny, Random matrices and complexity of spin glasses, 2013.
    """

    n_starts: int = 16
    pointwise = True

    def __post_init__(self) -> None:
        check_number("n_starts", self.n_starts, at_least=1, whole=True)

    @property
    def n_points(self) -> int:
        return self.n_starts

    def init(self, box: Box, rng: np.random.Generator, x0: np.ndarray | None) -> Start:
        if not box.closed.all():
            raise ValueError("Sphere needs finite bounds on every variable")
        directions = rng.standard_normal((self.n_starts, box.dim))
        if x0 is not None and (x0 != 0.5).any():
            directions[0] = x0 - 0.5
        lengths = np.linalg.norm(directions, axis=1, keepdims=True)
        return Start([directions * _radius(box.dim) / lengths], [])

    def points(self, variables: Tensors, fixed: Tensors, kinds: Kinds | None) -> Tensor:
        w = variables[0]
        largest = ops.max(ops.abs(ops.stop_gradient(w)), axis=-1, keepdims=True)
        return 0.5 + 0.5 * w / largest

    def retract(self, variables: Tensors) -> Tensors:
        w = variables[0]
        length = ops.sqrt(ops.sum(w * w, axis=-1, keepdims=True))
        return [w * (_radius(w.shape[-1]) / length)]


@dataclasses.dataclass(frozen=True)
class Latent(Reparametrization):
    """The latents of a generator: one point per run, in the latents' own units.

    Parameters
    ----------
    bounds : tuple of (float, float), optional
        A box, a pair for each latent: points are mirrored at it, and a descent that can holds the
        latents at its edges. Without it a latent may be anywhere.
    prior : {"uniform", "normal"}, default "uniform"
        How the first latents are drawn: U(-1, 1), or in a box one half of them where U(-1, 1) and
        the box overlap and the other half all over it; N(0, 1), clipped to the box.

    Examples
    --------
    >>> Latent(bounds=((-1.0, 1.0), (-1.0, 1.0))).n_points
    1
    """

    bounds: tuple[tuple[float, float], ...] | None = None
    prior: str = "uniform"
    pointwise = True

    def __post_init__(self) -> None:
        check_choice("prior", self.prior, PRIORS)
        for low, high in self.bounds or ():
            check_number("bounds", low, below=high)

    @property
    def n_points(self) -> int:
        return 1

    def init(self, box: Box, rng: np.random.Generator, x0: np.ndarray | None) -> Start:
        return Start([self.draw(rng, 1, box.dim) if x0 is None else x0[None]], [])

    def draw(self, rng: np.random.Generator, n: int, k: int) -> np.ndarray:
        """Latents (n, k) from the prior."""
        if self.prior == "normal":
            return self.clip(rng.standard_normal((n, k)))
        low, high = self._range()
        drawn: np.ndarray = rng.uniform(low, high, (n, k))
        if self.bounds is not None:
            low, high = np.transpose(self.bounds)
            drawn[1::2] = rng.uniform(low, high, drawn[1::2].shape)
        return drawn

    @property
    def spread(self) -> float | np.ndarray:
        """Standard deviation of the prior: () or (k,)."""
        if self.prior == "normal":
            return 1.0
        low, high = self._range()
        return (high - low) / 12.0**0.5  # type: ignore[no-any-return]

    def _range(self) -> Any:
        """Lowest and highest of a uniform prior: the part of the box where it lies, if any does."""
        if self.bounds is None:
            return -1.0, 1.0
        low, high = np.transpose(self.bounds)
        inside = (low < 1.0) & (high > -1.0)
        return np.where(inside, np.maximum(low, -1.0), low), np.where(
            inside, np.minimum(high, 1.0), high
        )

    def clip(self, x: np.ndarray) -> np.ndarray:
        """Latents (..., k) inside the box."""
        return x if self.bounds is None else np.clip(x, *np.transpose(self.bounds))

    def points(self, variables: Tensors, fixed: Tensors, kinds: Kinds | None) -> Tensor:
        (w,) = variables
        edges = self._edges(w.dtype)
        if edges is None:
            return w
        low, high = edges
        mirrored = low + (high - low) * reflect((w - low) / (high - low))
        inside = ops.logical_and(w >= low, w <= high)
        return ops.where(inside, w, mirrored)  # to the last bit, however wide the box is

    def edges(self, kinds: Kinds | None) -> tuple[Tensor, Tensor] | None:
        return self._edges("float64")

    def _edges(self, dtype: Any) -> tuple[Tensor, Tensor] | None:
        if self.bounds is None:
            return None
        low, high = np.transpose(self.bounds)
        return to_tensor(low, dtype), to_tensor(high, dtype)


PRIORS = ("uniform", "normal")


def _radius(dim: int) -> float:
    """A typical distance of a point of the box from its centre, in unit coordinates."""
    return math.sqrt(dim / 12.0)
