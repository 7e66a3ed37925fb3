"""Reparametrizations: where the variables live. Each is a small value: settings in, functions out.

A reparametrization draws the variables of one run on the host (NumPy, so that every backend
starts from the same numbers) and turns the variables of all runs into points in unit coordinates.
"""

from ._base import Reparametrization, Start, starting_points
from ._deep import Deep
from ._direct import Direct
from ._latent import PRIORS, Latent
from ._sphere import Sphere

__all__ = [
    "PRIORS",
    "Deep",
    "Direct",
    "Latent",
    "Reparametrization",
    "Sphere",
    "Start",
    "starting_points",
]
