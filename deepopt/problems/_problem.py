"""What every test problem shares: how it is called, what it knows, how it is moved.

Shifts and rotations compose into one affine map, so a problem moved many times is still
base(R (x - anchor) + origin): `origin` is the base function's minimiser, `anchor` where it
has been moved to, and R the product of all rotations.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._support.checks import check_number

if TYPE_CHECKING:
    from typing import Self

    from scipy.optimize import Bounds

    from .._backend import Tensor

Vector = NDArray[np.float64]
Seed = int | np.random.Generator | None

MIDDLE = (0.1, 0.9)  # a shift puts the minimiser into the middle 80% of the box


class Problem:
    """A function on the box [low, high]^d, with what is known of its range and its minimum.

    A problem is called like a function. A tensor of the active backend is evaluated in its own
    dtype and can be traced, differentiated and batched; anything else (an array, a list) is
    evaluated in float64 and gives NumPy back.

    Problems never change: `with_dim`, `shifted` and `rotated` return new ones. Two problems are
    equal only if they are the same object.

    Parameters
    ----------
    dim : int, default 50
        d, the number of variables.

    Attributes
    ----------
    name : str
        What the function is called; the same after a shift or a rotation.
    low, high : float
        Bounds of every variable.

    Raises
    ------
    TypeError
        If `dim` is not a whole number.
    ValueError
        If `dim` is smaller than the function allows.

    Notes
    -----
    A subclass sets `name`, `low`, `high` and defines ``_function(x)``. It may define
    ``_minimiser()``, ``_minimum()`` and ``_maximum()``, the facts for the function as it stands
    (None where unknown), raise ``_min_dim``, and set ``_shift_keeps_minimum`` or
    ``_rotation_keeps_minimum`` to False where the function goes lower outside its box.

    Examples
    --------
    >>> from keras import ops
    >>> from deepopt.problems import Problem
    >>> class Bowl(Problem):
    ...     name, low, high = "bowl", -2.0, 4.0
    ...     def _function(self, x):
    ...         return ops.sum(ops.square(x), axis=-1)
    >>> bowl = Bowl(dim=2)
    >>> bowl
    <problem bowl: dim=2>
    >>> bowl([[1.0, 2.0], [3.0, 4.0]])
    array([ 5., 25.])
    """

    name: str
    low: float
    high: float
    _min_dim = 1
    _shift_keeps_minimum = True
    _rotation_keeps_minimum = True

    def __init__(self, dim: int = 50) -> None:
        check_number("dim", dim, whole=True, at_least=1)
        if dim < self._min_dim:
            raise ValueError(f"{self.name} needs dim >= {self._min_dim}, got {dim}")
        self._dim = int(dim)
        self._anchor: Vector | None = None  # (d,), None until a shift
        self._rotation: Vector | None = None  # (d, d), acts on rows; None until a rotation

    # What a subclass says of the function before any shift or rotation.

    def _function(self, x: Tensor) -> Tensor:
        """Values (...) at the points x (..., d)."""
        raise NotImplementedError(f"{type(self).__name__} must define _function")

    def _minimiser(self) -> Vector | None:
        return None

    def _minimum(self) -> float | None:
        return None

    def _maximum(self) -> float | None:
        return None

    # Calling.

    def __call__(self, x: Any) -> Any:
        """Evaluate the function.

        Parameters
        ----------
        x : tensor or array_like, shape (..., dim)
            Points, with any leading axes.

        Returns
        -------
        tensor, float or ndarray, shape (...)
            A tensor for a tensor; else a float for one point and an ndarray for a batch.

        Raises
        ------
        ValueError
            If the last axis of `x` is not `dim` long.
        """
        return self._apply(self._moved_function, x)

    def _apply(self, function: Callable[[Tensor], Tensor], x: Any) -> Any:
        """Call `function` on x as a tensor, and give back what kind of thing came in."""
        from .._backend import is_tensor, precision, to_numpy, to_tensor

        if is_tensor(x):
            self._check_shape(x.shape)
            return function(_floating(x))
        array = np.asarray(x, dtype=np.float64)
        self._check_shape(array.shape)
        with precision("float64"):
            values = to_numpy(function(to_tensor(array, "float64")))
        return values if values.ndim else float(values)

    def _check_shape(self, shape: Any) -> None:
        received = tuple(shape)
        if not received or received[-1] not in (self.dim, None):
            raise ValueError(f"{self.name} expects shape (..., {self.dim}), received {received}")

    def _moved_function(self, x: Tensor) -> Tensor:
        if not self._transformed:
            return self._function(x)
        from keras import ops

        offset = x - constant(self._place(), x)
        if self._rotation is not None:
            offset = ops.matmul(offset, constant(self._rotation, x))
        return self._function(offset + constant(self._origin(), x))

    # What is known.

    @property
    def dim(self) -> int:
        """The number of variables d."""
        return self._dim

    @property
    def bounds(self) -> Bounds:
        """The box as `scipy.optimize.Bounds`, with arrays of length d."""
        from scipy.optimize import Bounds

        return Bounds(np.full(self.dim, self.low), np.full(self.dim, self.high))

    @property
    def fmin(self) -> float | None:
        """The smallest value over the box, or None where unknown."""
        return self._minimum() if self._minimum_is_kept else None

    @property
    def fmax(self) -> float | None:
        """The largest value over the box; None where unknown, as after a shift or rotation."""
        return None if self._transformed else self._maximum()

    @property
    def xmin(self) -> Vector | None:
        """A point (d,) where `fmin` is taken, or None where unknown."""
        known = self._minimum_is_kept and self._minimiser() is not None
        return self._place().copy() if known else None

    @property
    def value_range(self) -> tuple[float, float] | None:
        """(low, high) of the values, to scale them onto [0, 1]; None where either is unknown."""
        low, high = self.fmin, self.fmax
        return None if low is None or high is None else (low, high)

    @property
    def _transformed(self) -> bool:
        return self._anchor is not None or self._rotation is not None

    @property
    def _minimum_is_kept(self) -> bool:
        shift_is_fine = self._anchor is None or self._shift_keeps_minimum
        rotation_is_fine = self._rotation is None or self._rotation_keeps_minimum
        return shift_is_fine and rotation_is_fine

    def _origin(self) -> Vector:
        """The fixed point of a rotation before any shift: the minimiser, else the centre."""
        minimiser = self._minimiser()
        return np.full(self.dim, (self.low + self.high) / 2) if minimiser is None else minimiser

    def _place(self) -> Vector:
        """Where `_origin` has been moved to."""
        return self._origin() if self._anchor is None else self._anchor

    # Other problems from this one.

    def with_dim(self, dim: int) -> Self:
        """Return the same function of `dim` variables.

        Raises
        ------
        TypeError
            If `dim` is not a whole number.
        ValueError
            If `dim` is too small, or the problem has been shifted or rotated already.

        Examples
        --------
        >>> from deepopt.problems import sphere
        >>> sphere.with_dim(3)([1.0, 2.0, 3.0])
        14.0
        """
        if self._transformed:
            raise ValueError(f"call with_dim before shifted or rotated, got {self!r}")
        return type(self)(dim)

    def shifted(self, rng: Seed = None) -> Self:
        """Return f(x - s), with the minimiser at a random point of the box.

        Parameters
        ----------
        rng : None, int or numpy.random.Generator
            Draws the new minimiser, uniform in the middle 80% of the box.

        Returns
        -------
        Problem
            `fmax` is None; `fmin` and `xmin` are None where f is lower outside its box.

        Examples
        --------
        >>> from deepopt.problems import ackley
        >>> moved = ackley.with_dim(2).shifted(rng=0)
        >>> moved.xmin.round(3)
        array([  7.181, -12.07 ])
        >>> moved(moved.xmin)
        0.0
        """
        uniform = np.random.default_rng(rng).uniform(*MIDDLE, self.dim)
        return self._with(_anchor=self.low + (self.high - self.low) * uniform)

    def rotated(self, rng: Seed = None) -> Self:
        """Return f(R (x - xmin) + xmin), R a random orthogonal matrix.

        The matrix is drawn from Haar's measure, so it may also mirror. Where the minimiser is
        not known, the centre of the box takes its part, and moves with a shift.

        Parameters
        ----------
        rng : None, int or numpy.random.Generator
            Draws R.

        Returns
        -------
        Problem
            `fmax`, `fmin` and `xmin` are known as after a shift.

        Examples
        --------
        >>> from deepopt.problems import sphere
        >>> round(sphere.with_dim(2).rotated(rng=0)([3.0, 4.0]), 12)
        25.0
        """
        drawn = _haar(self.dim, np.random.default_rng(rng))
        return self._with(_rotation=drawn if self._rotation is None else drawn @ self._rotation)

    def _with(self, **changes: Any) -> Self:
        twin = copy.copy(self)
        vars(twin).update(changes)
        return twin

    def __repr__(self) -> str:
        moves = {"shifted": self._anchor, "rotated": self._rotation}
        done = [f"dim={self.dim}", *(move for move, by in moves.items() if by is not None)]
        return f"<problem {self.name}: {', '.join(done)}>"


def constant(array: Vector, like: Tensor) -> Tensor:
    """`array` as a tensor of the dtype of `like`."""
    from keras import ops

    return ops.convert_to_tensor(array, dtype=like.dtype)


def _floating(x: Tensor) -> Tensor:
    """The tensor itself, or as floats where it holds integers."""
    import keras

    floats = keras.backend.is_float_dtype(x.dtype)
    return x if floats else keras.ops.cast(x, keras.config.floatx())


def _haar(d: int, rng: np.random.Generator) -> Vector:
    """A random orthogonal (d, d) matrix; fixing the signs of R's diagonal makes it Haar's."""
    q, r = np.linalg.qr(rng.standard_normal((d, d)))
    return np.asarray(q * np.sign(np.diag(r)))
