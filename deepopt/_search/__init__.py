"""What is global: arms that propose points, the minima met, one budget for all, when to stop.

In comes a `Context` of the call; out go the status, and the minima met in order. A `Search` runs a
plan, whose steps are turns of arms. `TracedSearch` has arms that are compiled (local searches,
scans, homotopy runs), `BlackBoxSearch` those for functions that are called from Python (local
searches, scans, implicit filtering, CMA-ES).
"""

from .black_box import BlackBoxSearch, kinds_of_black_box
from .minima import Minimum
from .polishing import polish
from .search import Search
from .traced import TracedSearch, kinds_of_traced

__all__ = [
    "BlackBoxSearch", "Minimum", "Search", "TracedSearch", "kinds_of_black_box", "kinds_of_traced",
    "polish",
]  # fmt: skip
