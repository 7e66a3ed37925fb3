"""What is global: arms that propose points, the minima met, one budget for all.

In comes a `Context` of the call; out go the status, and the minima met in order. `Search` has arms
that are compiled (local searches, scans, homotopy runs), `BlackBoxSearch` those for functions that
are called from Python (local searches, scans, implicit filtering, CMA-ES).
"""

from .black_box import (
    BlackBoxSearch,
    kinds,
)
from .minima import (
    Minimum,
)
from .polishing import (
    polish,
)
from .traced import (
    KINDS,
    Search,
)

__all__ = [
    "KINDS",
    "BlackBoxSearch",
    "Minimum",
    "Search",
    "kinds",
    "polish",
]
