"""One call of `invert`: latents behind a generator's outputs. Arguments in, search, result out."""

from .api import METHODS, invert
from .files import invert_files, summary
from .options import InvertOptions, read_options

__all__ = ["METHODS", "InvertOptions", "invert", "invert_files", "read_options", "summary"]
