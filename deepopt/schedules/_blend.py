"""Mixtures with an easier function (Allgower & Georg 1990), given or on a path of one's own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from .._backend import Tensor, ops
from .._support.checks import check_number
from ._base import Eased
from ._paces import Pace, Steady


@dataclasses.dataclass(frozen=True)
class Blend(Eased):
    """f_t = (1 - λ) g + λ f from an easier g, as λ rises from `start` to 1.

    Parameters
    ----------
    function : callable
        g, a function of x as f is: in keras.ops where f is, else in NumPy. On f's scale.
    start : float, default 0
        First λ, in [0, 1).
    fraction : float, default 0.8
        Part of the way over which λ rises; after it f is minimised itself.
    pace : Steady or Adaptive, default Steady()
        How t advances.

    Examples
    --------
    >>> import deepopt
    >>> from deepopt.problems import rastrigin, sphere
    >>> f, g = rastrigin.with_dim(2), sphere.with_dim(2)
    >>> recipe = deepopt.Recipe(deepopt.Direct(1, "uniform", "reflect"), Blend(g), deepopt.Adam())
    >>> options = {"maxiter": 500, "learning_rate": 0.01}
    >>> result = deepopt.minimize(f, method=recipe, options=options, rng=0)
    >>> bool(result.fun < 1e-3)
    True

    References
    ----------
    Allgower & Georg, Numerical Continuation Methods, 1990, eq. (1.2).
    """

    function: Callable[[Any], Any]
    start: float = 0.0
    fraction: float = 0.8
    pace: Pace = Steady()

    def __post_init__(self) -> None:
        check_number("start", self.start, at_least=0.0, below=1.0)
        super().__post_init__()

    def share(self, t: Tensor) -> Tensor:
        return self.start + (1.0 - self.start) * self.progress(t)

    def easy(self, x: Any, t: Any) -> Any:
        return self.function(x)


@dataclasses.dataclass(frozen=True)
class Path(Eased):
    """f_t by a function of one's own: h(x, s), s from 0 to 1, with h(x, 1) = f(x).

    Parameters
    ----------
    function : callable
        h(x, s). Where f is in keras.ops: x of shape (..., d), s a tensor that broadcasts against
        the values (...). Where f is a black box: x as f takes it, s a float. h(x, 1) must be f.
    fraction : float, default 0.8
        Part of the way over which s rises; after it f is minimised itself.
    pace : Steady or Adaptive, default Steady()
        How t advances.

    Examples
    --------
    >>> from keras import ops
    >>> waves = lambda x, s: ops.sum(x**2 + s * (1 - ops.cos(9 * x)), axis=-1)
    >>> Path(waves).fraction
    0.8
    """

    function: Callable[[Any, Any], Any]
    fraction: float = 0.8
    pace: Pace = Steady()

    def share(self, t: Tensor) -> Tensor:
        return ops.cast(self.arrived(t), t.dtype)

    def easy(self, x: Any, t: Any) -> Any:
        outside = isinstance(t, float)  # beside a black box, which takes no tensors
        return self.function(x, min(t / self.fraction, 1.0) if outside else self.progress(t))
