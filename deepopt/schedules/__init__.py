"""Schedules: which objective is minimised when.

A schedule turns f into f_t, t from 0 to 1: a weighted mean of f over a few points around u
(`GaussianSmoothing`), a mixture with an easier function (`Blend`, `Path`), or f with noise on
the variables (`Temperature`). Its `pace` says how t advances: `Steady` with the iterations, or
`Adaptive`, where a stage lasts until its progress stops. All points are in unit coordinates.

t is one number per run, of shape (runs,), so that runs may be at different stages. Those of one's
own draw with `normal` and `uniform` (seed, shape, dtype).
"""

from .._backend import normal, uniform
from ._base import Constant, Eased, Schedule, Staged
from ._blend import Blend, Path
from ._paces import Adaptive, Pace, Steady
from ._smoothing import GaussianSmoothing
from ._surf import Surf
from ._temperature import Temperature

__all__ = [
    "Adaptive",
    "Blend",
    "Constant",
    "Eased",
    "GaussianSmoothing",
    "Pace",
    "Path",
    "Schedule",
    "Staged",
    "Steady",
    "Surf",
    "Temperature",
    "normal",
    "uniform",
]
