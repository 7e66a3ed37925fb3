"""The idea: a `Recipe` = reparametrization × schedule × descent, run by one compiled loop.

In come a recipe, its options and an `Objective`; out goes the best point of many runs that advance
together. One iteration and a chunk of them are a `Program`, the numbers of the runs a `State`; the
`Driver` enters Python between chunks for limits, callbacks and saving. Residuals and the easier
objectives of a schedule are prepared here.
"""

from .driver import (
    Best,
    Driver,
    Easy,
    Limits,
    Log,
    Stopped,
    Where,
    records,
)
from .easier_objective import (
    check_path,
    in_the_loop,
    outside,
)
from .loop import (
    Program,
)
from .options import (
    Options,
)
from .recipe import (
    Recipe,
)
from .residuals import (
    Residuals,
    read_residuals,
)
from .state import (
    NEVER,
    Group,
    State,
    make_group,
    numbers,
    with_numbers,
)

__all__ = [
    "NEVER",
    "Best",
    "Driver",
    "Easy",
    "Group",
    "Limits",
    "Log",
    "Options",
    "Program",
    "Recipe",
    "Residuals",
    "State",
    "Stopped",
    "Where",
    "check_path",
    "in_the_loop",
    "make_group",
    "numbers",
    "outside",
    "read_residuals",
    "records",
    "with_numbers",
]
