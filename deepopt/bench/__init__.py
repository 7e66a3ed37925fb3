"""The suites behind ``deepopt bench``: cells that are run once, kept, and redrawn at will.

=============  ===============================================================================
suite          what
=============  ===============================================================================
``quick``      nine objectives, `gd` and `deep`, one start, the grid of rates; a minute
``convexity``  paper A's protocol in full: the same clock time for both, every rate on its own
``peers``      deepopt and its peers where f has a gradient, in equal wall time; hours
``black-box``  deepopt and its peers where f has none, in equal evaluations; an hour
``surfing``    paper B's Table 1 and Figure 2, with generators that are trained first
``sensing``    paper B's Figures 3 and 4: compressed sensing with a generator
``landscape``  paper B's Figure 1: the surfaces that surfing crosses
``theory``     paper B's theorems, on networks where everything can be computed
=============  ===============================================================================

A suite is a list of cells, a cell a named unit of work with its parameters. Each finished cell
is a file in ``OUT/cells``; one that is there is not run again, so that repeating a command
continues it, or redraws its tables and figures.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import inspect
from importlib import import_module
from pathlib import Path
from typing import Any

from .._support.checks import check_flag
from .._support.executors import check_engine
from .._support.files import folder_for
from .._support.progress import console_for
from . import _cells, _html, _report, _settings, _sweep

__all__ = ["SUITES", "run"]

SUITES = {
    "quick": "nine objectives, gd and deep, one start: about a minute",
    "convexity": "paper A's protocol in full: hours",
    "peers": "deepopt and its peers, with gradients, in equal wall time: hours",
    "black-box": "deepopt and its peers, without gradients, in equal evaluations: an hour",
    "surfing": "paper B's Table 1 and Figure 2: minutes, or hours",
    "sensing": "paper B's Figures 3 and 4: minutes, or hours",
    "landscape": "paper B's Figure 1: a minute, or ten",
    "theory": "paper B's theorems: minutes, or an hour",
}


def run(suite: str = "quick", out: str | Path | None = None, **settings: Any) -> dict[str, Any]:
    """Run a suite, or what is missing of it, and write its results.

    Parameters
    ----------
    suite : {"quick", "convexity", "peers", "black-box", "surfing",
        "sensing", "landscape", "theory"}
        Which suite.
    out : path, optional
        Folder for the results; default ``deepopt-bench/SUITE``.
    **settings
        All suites: ``seed`` (0), ``only`` (names of problems; default all), ``quiet`` (False),
        ``report`` (False), whether all of it is written to ``OUT/report.html`` too, one page that
        needs nothing else; ``workers`` (1), processes that run cells side by side and share the
        cores, -1 for one per core; ``scheduler`` (None), the address of a Dask scheduler whose
        workers run them.
        quick and convexity: ``dim`` (50), ``dtype`` ("float64"), ``iterations`` (1000 for quick,
        10000 for convexity; the spin glass takes a part of them). convexity: ``starts`` (10),
        ``glass_starts`` (3). peers and black-box: ``seeds`` (10), how many, and ``solvers``
        (names; default all that are installed). peers: ``dim`` (50, 200 and 1000), ``seconds`` of
        a run (a tenth for each variable, from 5 to 60). black-box: ``points`` (1000), evaluations
        for each variable and one more. surfing, sensing, landscape and theory: ``scale`` ("quick",
        "half" or "full"); but for theory ``data`` ("fashion_mnist" or a path) and ``generators``,
        the folder where trainings are kept for all suites (``deepopt-bench/generators``, or
        ``OUT/generators`` where `out` is given). surfing and sensing: ``trials`` (by the scale).

    Returns
    -------
    dict
        What ``OUT/results.json`` holds.

    Raises
    ------
    ValueError, TypeError
        One sentence that names the suite, problem or setting that is not sound.
    OSError
        If `out` cannot be written to; said before anything runs.
    KeyboardInterrupt
        With a sentence that says how many cells are kept.

    Examples
    --------
    >>> import tempfile
    >>> from deepopt import bench
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     results = bench.run("quick", folder, only="sphere", dim=2, iterations=5, quiet=True)
    >>> [row["problem"] for row in results["summary"]]
    ['sphere']
    """
    if suite not in SUITES:
        near = difflib.get_close_matches(str(suite), SUITES, n=1) or list(SUITES)
        raise ValueError(
            f"suite {suite!r} is unknown; did you mean {' or '.join(map(repr, near))}?"
        )
    quiet, report = settings.pop("quiet", False), settings.pop("report", False)
    check_flag("report", report)
    workers, scheduler = settings.pop("workers", 1), settings.pop("scheduler", None)
    check_engine(workers, scheduler)
    kind = _settings.KINDS[suite]
    known = [field.name for field in dataclasses.fields(kind)]
    for key in settings:
        if key not in known:
            raise TypeError(f"suite {suite!r} has no setting {key!r}; it has {', '.join(known)}")
    if "generators" in known and settings.get("generators") is None:
        settings["generators"] = Path(out or "deepopt-bench", "generators")
    checked = kind(**settings)
    checked.check_problems()
    module = import_module(f".{suite.replace('-', '_')}", __name__)
    console = console_for(quiet)
    asked = list(module.cells(checked))
    if not asked:
        raise ValueError(f"nothing is run with these settings: {settings}")
    with contextlib.ExitStack() as folders:
        folder = folders.enter_context(folder_for(out or Path("deepopt-bench", suite), "cells"))
        if isinstance(checked, _settings.GeneratorSettings):
            assert checked.generators is not None
            folders.enter_context(folder_for(checked.generators, name="generators"))
        _sweep.run_cells(asked, folder / "cells", console, workers, scheduler)
        # Those that another command has run stand in the report too.
        everybody: dict[str, Any] = {"only": getattr(module, "NAMES", None), "solvers": None}
        filters = {key: value for key, value in everybody.items() if key in known}
        everything = module.cells(dataclasses.replace(checked, **filters))
        records = _cells.finished(everything, folder / "cells")
        done: _report.Report = module.write(checked, records, folder)
        if report:
            _html.write(folder / _html.PAGE, suite, inspect.getdoc(module) or "", done, records)
            done = dataclasses.replace(done, files=[*done.files, _html.PAGE])
        done.show(console, folder)
        return done.results
