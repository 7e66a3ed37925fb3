"""Linear pieces of fully connected ReLU networks, and the quadratic on each (paper B, §3).

G(x) = V σ(W_d … σ(W_1 x + b_1) … + b_d) + c is linear on each of many polytopes: where the signs of
all preactivations, the *pattern*, stay the same. So ½ ‖G(x) - y‖² is a convex quadratic there, and
the least of it over the pieces around a point is found by projected gradient descent on one after
the other. This is a step of projected-gradient surfing (Algorithm 2).

>>> import numpy as np
>>> fold = ReluNetwork((np.array([[1.0], [-1.0]]),), (np.zeros(2),), np.ones((1, 2)), np.zeros(1))
>>> near, _ = pieces_near(fold, np.array([0.1]), tau=0.2)  # G(x) = |x|
>>> [piece.slope.item() for piece in near]
[1.0, -1.0]
"""

from ._network import ReluNetwork, read_network
from ._pieces import Piece, pieces_near, slack_rows
from ._polytope import project
from ._step import Step, descend_on, follow

__all__ = [
    "Piece",
    "ReluNetwork",
    "Step",
    "descend_on",
    "follow",
    "pieces_near",
    "project",
    "read_network",
    "slack_rows",
]
