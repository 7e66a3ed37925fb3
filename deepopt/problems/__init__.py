"""Test problems that know their box, their range and their minimum.

The eight classic functions are ready in 50 dimensions, called like functions, and come in
other dimensions, shifted and rotated::

    rastrigin(x)                                     # x (..., 50) -> (...)
    rastrigin.with_dim(1000).shifted(0).rotated(1)

`SphericalSpinGlass` draws a random landscape with many minima at one known level.
"""

from ._problem import Problem
from .functions import (
    FUNCTIONS,
    ackley,
    levy,
    michalewicz,
    rastrigin,
    rosenbrock,
    schwefel,
    sphere,
    styblinski_tang,
)
from .spin_glass import SphericalSpinGlass

__all__ = [
    "FUNCTIONS",
    "Problem",
    "SphericalSpinGlass",
    "ackley",
    "levy",
    "michalewicz",
    "rastrigin",
    "rosenbrock",
    "schwefel",
    "sphere",
    "styblinski_tang",
]
