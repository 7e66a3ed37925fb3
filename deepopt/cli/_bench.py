"""`deepopt bench`."""

from __future__ import annotations

from typing import Any

import click

from ._names import PROBLEMS, SUITES, Name
from ._shared import apart, as_json, given, plainly, print_json, shared


@click.command(
    short_help="Run a suite of measurements.",
    epilog="A finished part is not run again when the command is repeated; Ctrl-C keeps what is "
    "done. Several processes may share a folder, each with its own --only.",
)
@click.argument("suite", default="quick", metavar="[SUITE]", type=Name(SUITES))
@click.option("--seed", type=int, help="Of all draws, or the first of them.  [default: 0]")
@click.option(
    "--only", multiple=True, metavar="NAME", type=Name(PROBLEMS),
    help="Problems; repeat, or use commas.",
)  # fmt: skip
@click.option("--out", metavar="DIR", help="Folder for results.  [default: deepopt-bench/SUITE]")
@click.option("--dim", type=int, help="Variables.  [default: 50; peers 50, 200 and 1000]")
@click.option("--dtype", help="quick, convexity: float64 or float32.  [default: float64]")
@click.option(
    "--iterations",
    type=int,
    help="quick, convexity: of gd.  [default: 1000; convexity 10000, the glass a tenth]",
)
@click.option("--starts", type=int, help="convexity: starts per function.  [default: 10]")
@click.option("--glass-starts", type=int, help="convexity: starts of the glass.  [default: 3]")
@click.option("--seeds", type=int, help="peers, black-box: how many.  [default: 10]")
@click.option("--solvers", multiple=True, metavar="NAME", help="peers, black-box: who runs.")
@click.option(
    "--seconds", type=float, help="peers: of a run.  [default: 0.1 per variable, from 5 to 60]"
)
@click.option("--points", type=int, help="black-box: of a run, per d + 1.  [default: 1000]")
@click.option(
    "--scale", type=Name(("quick", "half", "full")),
    help="surfing and below: quick, half or full.  [default: quick]",
)  # fmt: skip
@click.option("--data", metavar="fashion_mnist|PATH", help="surfing, sensing, landscape: images.")
@click.option(
    "--generators",
    metavar="DIR",
    help="the same: trainings, kept for all suites.  [default: deepopt-bench/generators, or "
    "OUT/generators]",
)
@click.option("--trials", type=int, help="surfing, sensing.  [default: by the scale]")
@click.option(
    "--report", is_flag=True, help="Write report.html too: one page with all of it, to send on."
)
@shared
@as_json
@plainly
def bench(suite: str, json_: bool, **settings: Any) -> None:
    """Run a suite and write its tables, JSON, CSV and figures to DIR.

    \b
    deepopt bench --report                           the suite quick, a minute, and a page of it
    deepopt bench peers --only rastrigin --dim 50 --seeds 3 --out first

    \b
    quick      gd and deep on nine objectives from one start: a minute; the default
    convexity  paper A's protocol in full: hours
    peers      deepopt, SciPy, pycma and PyTorch with gradients, in equal wall time: hours
    black-box  the same without gradients, in equal evaluations: an hour
    surfing    the latents behind generated images, by surfing and beside it: minutes, or hours
    sensing    compressed sensing of generated and of real images: minutes, or hours
    landscape  the surfaces that surfing crosses: a minute, or ten
    theory     the surfing paper's theorems, measured: a minute, or an hour
    """  # noqa: D301 - click's mark for lines that stay as they are
    from ..bench import run

    with apart(json_):
        results = run(suite, quiet=json_, **given(settings))
    if json_:
        print_json(results)
