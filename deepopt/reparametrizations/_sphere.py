"""Directions on a sphere, for functions that do not depend on the length."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from .._backend import Tensor, Tensors, ops
from .._domain import Box, Kinds
from .._support.checks import check_number
from ._base import Reparametrization, Start


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


def _radius(dim: int) -> float:
    """A typical distance of a point of the box from its centre, in unit coordinates."""
    return math.sqrt(dim / 12.0)
