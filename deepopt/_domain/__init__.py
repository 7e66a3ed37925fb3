"""Where a search may go: bounds, the box, and the maps that keep points inside.

In come what the user says of x (`x0`, `bounds`, `scale`) and a problem's own box; out goes a `Box`,
which every room above takes its points from. It knows nothing of objectives.
"""

from .bounds import read_bounds, read_domain
from .box import OUTPUT_MAPS, Box, Kinds, reflect

__all__ = ["OUTPUT_MAPS", "Box", "Kinds", "read_bounds", "read_domain", "reflect"]
