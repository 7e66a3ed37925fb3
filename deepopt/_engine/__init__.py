"""The idea: a `Recipe` = reparametrization × schedule × descent, run by one compiled loop.

In come a recipe, its options and an `Objective`; out goes the best point of many runs that advance
together. One iteration and a chunk of them are a `Program`, the numbers of the runs a `State`; the
`Driver` enters Python between chunks for limits, callbacks and saving; a `Session` is what any call
has around it. Residuals and the easier
objectives of a schedule are prepared here.
"""

from .black_box_step import Easy
from .driver import Driver, Limits, Stopped, Where
from .easier_objective import check_path, easier_in_the_loop, easier_outside
from .history import Log, records
from .loop import Program
from .options import CallOptions, Options
from .recipe import Recipe
from .residuals import Residuals, read_residuals
from .runs import Best, Runs
from .session import Session, run, stopped_by
from .state import NEVER, Group, State, make_group, numbers, with_numbers

__all__ = [
    "NEVER", "Best", "CallOptions", "Driver", "Easy", "Group", "Limits", "Log", "Options",
    "Program", "Recipe", "Residuals", "Runs", "Session", "State", "Stopped", "Where",
    "check_path", "easier_in_the_loop", "easier_outside", "make_group", "numbers",
    "read_residuals", "records", "run", "stopped_by", "with_numbers",
]  # fmt: skip
