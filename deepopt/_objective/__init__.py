"""A user's function as an `Objective`, whatever its kind and library.

In comes any callable; out go values and gradients at points (N, d), counted, the best point noted.
Here kinds are told apart, a traced function is mapped over points and its programs are kept by the
content of all that it can reach, a black box is called point by point, gradients are differenced
and checked; and a Keras generator stands as a function of its latents and weights. Nothing here
knows how a search goes on.
"""

from .black_box import Jac, OutOfTimeError
from .differences import SCHEMES
from .fingerprints import fingerprint
from .generator import Context, Generator, tensors
from .kept import Kept
from .kinds import BATCHED_BLACK_BOX, BLACK_BOX
from .mapping import BATCH, POINT, ROW, SLOW, at, first_form, number, real
from .objective import APART, UNLIMITED, Objective
from .outputs import as_values
from .slope_check import check_slopes
from .traced import Traced

__all__ = [
    "APART", "BATCH", "BATCHED_BLACK_BOX", "BLACK_BOX", "POINT", "ROW", "SCHEMES", "SLOW",
    "UNLIMITED", "Context", "Generator", "Jac", "Kept", "Objective", "OutOfTimeError", "Traced",
    "as_values", "at", "check_slopes", "fingerprint", "first_form", "number", "real", "tensors",
]  # fmt: skip
