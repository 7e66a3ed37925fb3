"""The projection onto a polytope {N x + o ≥ 0} (Lawson & Hanson 1974, chapter 23)."""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls

from ._network import Array

ROUNDING = 1e-12
TURNS = 30  # of the active set for each constraint, at most


def project(x: Array, normals: Array, offsets: Array) -> Array:
    """The orthogonal projection onto a polytope {N x + o ≥ 0}.

    Parameters
    ----------
    x : ndarray (k,)
    normals : ndarray (rows, k)
        N; of any lengths.
    offsets : ndarray (rows,)
        o.

    Returns
    -------
    ndarray (k,)
        The nearest point, x itself where it lies inside.

    Raises
    ------
    ValueError
        If the polytope is empty.

    Examples
    --------
    >>> project(np.array([3.0, 2.0]), np.array([[-1.0, 0.0]]), np.array([1.0]))  # x_1 ≤ 1
    array([1., 2.])
    """
    if (normals @ x + offsets >= 0).all():
        return x
    found = nearest(x, normals, offsets)
    if found is None:
        raise ValueError("normals and offsets must leave a polytope that is not empty")
    return found


def nearest(x: Array, normals: Array, offsets: Array) -> Array | None:
    """The point of {N x + o ≥ 0} nearest to x (k,); None if that is empty.

    Least-distance programming as in Lawson & Hanson, Solving least squares problems, 1974, ch. 23:
    one non-negative least-squares problem, solved by `scipy.optimize.nnls`.
    """
    gaps = normals @ x + offsets
    unit = max(1.0, -float(gaps.min()))
    system = np.vstack([normals.T, -gaps / unit])
    wanted = np.append(np.zeros(len(x)), 1.0)
    multipliers, _ = nnls(system, wanted, maxiter=TURNS * len(offsets))
    residual = system @ multipliers - wanted
    if residual[-1] > -ROUNDING:
        return None
    found: Array = x - unit * residual[:-1] / residual[-1]
    return found
