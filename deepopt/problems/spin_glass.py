"""The spherical 3-spin glass: a random cubic on a sphere, with many minima at one known level.

Source: A. Auffinger, G. Ben Arous, J. Černý, "Random matrices and complexity of spin glasses",
Communications on Pure and Applied Mathematics 66 (2013) 165-201.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from .._support.checks import check_number
from .._support.memory import check_memory
from ._problem import Problem, Seed, Vector

if TYPE_CHECKING:
    from .._backend import Tensor

CORE = 0.1  # radius of the regular core, in units of sqrt(N / 3), a typical ‖x‖ in the box


class SphericalSpinGlass(Problem):
    """Energy of the spherical 3-spin glass, a function of the direction of x in [-1, 1]^N.

    H_N(y) = 1/N sum_ijk J_ijk y_i y_j y_k on the sphere ‖y‖ = sqrt(N), with independent
    J_ijk ~ N(0, 1). The value at x is H_N at y = sqrt(N) x / max(‖x‖, r0), r0 = 0.1 sqrt(N / 3):
    outside the ball of radius r0 only the direction of x counts; inside it the value is the cubic
    itself, which is 0 with gradient 0 at the origin and adds no minimum.

    Parameters
    ----------
    n_spins : int
        N, at least 2; the problem's `dim`.
    p : int, default 3
        Spins per coupling; only 3.
    rng : None, int or numpy.random.Generator
        Draws J = ``rng.standard_normal((N, N, N))``.

    Attributes
    ----------
    threshold : float
        -2 sqrt((p - 1) / p) = -1.63299, the energy per spin above which, as N grows, critical
        points are saddles, and below which most are minima.
    ground_state : float
        -1.65700, the energy per spin of the lowest minimum as N grows; at small N an instance
        is off by some ±0.05.

    Raises
    ------
    TypeError
        If `n_spins` is not a whole number.
    ValueError
        If `n_spins` < 2 or `p` is not 3.
    MemoryError
        If 16 N^3 bytes are not available, said before they are taken.

    Notes
    -----
    J is averaged over its cyclic orders once and held as 8 N^3 bytes of float64 (64 MB at N = 200,
    8 GB at N = 1000). Making it takes 16 N^3 bytes for a moment, and the backend keeps a copy in
    each dtype used. Evaluating B points takes B N^2 numbers more.

    So averaged, T(y) = (y ⊗ y) J / N gives both the energy y·T and its gradient 3 T, and is
    computed once, outside differentiation. First derivatives are exact; second derivatives are
    not provided, and differentiating twice gives wrong numbers.

    `fmin`, `fmax` and `xmin` are None. `value_range` is ± the ground state as N grows, and an
    instance of few spins may leave it a little.

    Examples
    --------
    >>> import numpy as np
    >>> from deepopt.problems import SphericalSpinGlass
    >>> glass = SphericalSpinGlass(20, rng=0)
    >>> x = np.linspace(-1.0, 1.0, 20)
    >>> round(glass.energy_per_spin(x) - glass(x) / 20, 12)
    0.0
    """

    name, low, high = "spherical_spin_glass", -1.0, 1.0
    threshold = -2.0 * math.sqrt(2.0 / 3.0)
    ground_state = -1.65700

    def __init__(self, n_spins: int, p: int = 3, rng: Seed = None) -> None:
        check_number("n_spins", n_spins, whole=True, at_least=2)
        if p != 3:
            raise ValueError(f"p must be 3, got {p!r}")
        super().__init__(n_spins)
        self._couplings = _draw_couplings(self.dim, np.random.default_rng(rng))
        self._tensors: dict[str, Tensor] = {}  # the couplings on the backend, by dtype

    @property
    def value_range(self) -> tuple[float, float]:
        """± the ground state's energy as N grows, in units of H_N."""
        return self.ground_state * self.dim, -self.ground_state * self.dim

    def energy_per_spin(self, x: Any) -> Any:
        """H_N / N at the point of the sphere in the direction of x.

        Parameters
        ----------
        x : tensor or array_like, shape (..., N)
            Points of any length but 0, where the result is NaN.

        Returns
        -------
        tensor, float or ndarray, shape (...)
            As H_N itself comes back.

        Raises
        ------
        ValueError
            If the last axis of `x` is not N long.
        """
        return self._apply(self._energy_per_spin, x)

    def _energy_per_spin(self, x: Tensor) -> Tensor:
        from keras import ops

        largest = ops.max(ops.abs(x), axis=-1, keepdims=True)
        direction = x / ops.stop_gradient(largest)  # squares can no longer under- or overflow
        radius = ops.sqrt(ops.sum(ops.square(direction), axis=-1, keepdims=True))
        return self._energy(math.sqrt(self.dim) * direction / radius) / self.dim

    def _function(self, x: Tensor) -> Tensor:
        from keras import ops

        square = ops.sum(ops.square(x), axis=-1, keepdims=True)
        radius = ops.sqrt(ops.maximum(square, CORE**2 * self.dim / 3.0))
        return self._energy(math.sqrt(self.dim) * x / radius)

    def _energy(self, y: Tensor) -> Tensor:
        """H_N at y (..., N), with gradient 3 T from the contraction T that gave the value."""
        from keras import ops

        still = ops.stop_gradient(y)
        pairs = still[..., :, None] * still[..., None, :]  # (..., N, N)
        pairs = ops.reshape(pairs, (*ops.shape(y)[:-1], self.dim**2))
        field = ops.stop_gradient(ops.matmul(pairs, self._couplings_like(y)))  # T, (..., N)
        return 3.0 * ops.sum(y * field, axis=-1) - 2.0 * ops.sum(still * field, axis=-1)

    def _couplings_like(self, y: Tensor) -> Tensor:
        import keras

        from .._backend import to_tensor_outside_traces

        dtype = keras.backend.standardize_dtype(y.dtype)
        if dtype not in self._tensors:
            self._tensors[dtype] = to_tensor_outside_traces(self._couplings, dtype)
        return self._tensors[dtype]

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_tensors": {}}

    def with_dim(self, dim: int) -> NoReturn:
        """Raise ValueError: another size has other couplings."""
        raise ValueError(f"a glass of {dim} spins is another one: SphericalSpinGlass({dim}, rng=…)")

    def shifted(self, rng: Seed = None) -> NoReturn:
        """Raise ValueError: a sphere cannot be shifted."""
        raise ValueError("a spherical spin glass cannot be shifted: it lives on a sphere")

    def rotated(self, rng: Seed = None) -> NoReturn:
        """Raise ValueError: a rotated glass is a glass with other couplings."""
        raise ValueError("a rotated spin glass is as random as another one: draw that instead")


def _draw_couplings(n: int, rng: np.random.Generator) -> Vector:
    """J / N averaged over the cyclic orders of its axes, as a matrix (N^2, N)."""
    check_memory(2 * n**3, 8, f"the couplings of {n:,} spins, while they are drawn,", "n_spins")
    drawn = rng.standard_normal((n, n, n))
    couplings = drawn + drawn.transpose(1, 2, 0)
    couplings += drawn.transpose(2, 0, 1)
    couplings /= 3.0 * n
    return couplings.reshape(n * n, n)
