"""One call of `minimize`: arguments in, search, result out; the table of methods."""

from .api import minimize, scipy_method
from .methods import METHODS, find, read_options

__all__ = ["METHODS", "find", "minimize", "read_options", "scipy_method"]
