"""Figures: functions that draw on matplotlib axes and return them.

>>> import deepopt
>>> from deepopt.plots import convergence, save
>>> from deepopt.problems import rastrigin
>>> f = rastrigin.with_dim(2)
>>> ax = convergence(deepopt.minimize(f, rng=0), minimum=f.fmin)
>>> ax.set_title("Rastrigin")
Text(0.5, 1.0, 'Rastrigin')
>>> save(ax, "rastrigin.png")  # doctest: +SKIP

===================  ============================================================================
function             what it draws
===================  ============================================================================
`convergence`        the best value so far of one or many runs, against points or seconds
`data_profile`       the share of instances that each solver has solved, against what it spent
`distances`          the distribution of distances to the truth
`boxes`, `curves`    box plots side by side; lines with marks
`landscape`          a function of two variables, blurred at will, and a path across it
`surface`            a surface over two latents in 3-d, with a path below it
`reconstructions`    targets, what was found on the way, and what was found
`energies`           the energies per spin of what was found on a spin glass
`panels`             any of these side by side, with one legend and a caption
`surfaces`           a row of surfaces per target
`styles`             how curves of some names look
`save`               a figure as PNG
`image_grid`         images as one PNG
===================  ============================================================================

Each takes ``ax=`` and makes a new figure without it; none uses `matplotlib.pyplot` or changes a
setting, so that a style is the caller's (``with matplotlib.style.context("dark_background")``).
Colours can be read on white and on black, and curves differ in dash or mark, not in hue alone.
"""

from ._axes import save
from ._convergence import convergence
from ._glass import energies
from ._images import image_grid, reconstructions
from ._landscape import landscape, surface
from ._panels import panels, surfaces
from ._profiles import boxes, curves, data_profile, distances
from ._style import styles

__all__ = [
    "boxes",
    "convergence",
    "curves",
    "data_profile",
    "distances",
    "energies",
    "image_grid",
    "landscape",
    "panels",
    "reconstructions",
    "save",
    "styles",
    "surface",
    "surfaces",
]
