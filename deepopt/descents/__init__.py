"""Descents: how a step is taken. Each is a small pure value: settings in, (init, step) out.

All tensors carry a leading axis of runs. What is descended is the *loss*: the mean over a run's
points of the objective scaled to [0, 1] over its domain, so that a rate means the same on any
function. The rate is multiplied by `decay` each time the loss has not improved for more than
`patience` iterations in a row.
"""

from ._adam import Adam
from ._base import Descent, Seen, per_run
from ._gradient import GradientDescent, Momentum
from ._lbfgs import LBFGS
from ._levenberg_marquardt import LevenbergMarquardt

DESCENTS = {
    "gd": GradientDescent,
    "momentum": Momentum,
    "adam": Adam,
    "lbfgs": LBFGS,
    "lm": LevenbergMarquardt,
}

__all__ = [
    "DESCENTS",
    "LBFGS",
    "Adam",
    "Descent",
    "GradientDescent",
    "LevenbergMarquardt",
    "Momentum",
    "Seen",
    "per_run",
]
