"""One call of `minimize`: arguments in, search, result out; the table of methods."""

from .methods import (
    METHODS,
    find,
    read_options,
)
from .minimize import (
    minimize,
    scipy_method,
)

__all__ = [
    "METHODS",
    "find",
    "minimize",
    "read_options",
    "scipy_method",
]
