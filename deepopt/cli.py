"""The command line. Everything heavy is imported inside the commands."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from . import __version__

if TYPE_CHECKING:
    from .problems import Problem

INTERRUPTED = 130  # the shell's exit code for Ctrl-C


class _BadInput(click.ClickException):
    """One line on stderr, exit code 2."""

    exit_code = 2


def _plainly(command: Callable[..., None]) -> Callable[..., None]:
    """Turn the package's own errors into one line, and Ctrl-C into what was kept."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except (ValueError, TypeError, OSError, MemoryError) as error:
            raise _BadInput(str(error) or type(error).__name__) from error
        except KeyboardInterrupt as stop:
            click.echo(str(stop) or "Interrupted.", err=True)
            sys.exit(INTERRUPTED)

    return wrapped


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="deepopt")
def main() -> None:
    """A better minimum, sooner: optimization on deep reparametrizations and homotopies."""


@main.command(
    epilog="A finished part is not run again when the command is repeated; Ctrl-C keeps what is "
    "done. Several processes may share a folder, each with its own --only."
)
@click.argument("suite", default="quick", metavar="[SUITE]")
@click.option("--seed", type=int, help="Seed of all draws, or the first of them.  [default: 0]")
@click.option("--only", multiple=True, metavar="NAME", help="Problems; repeat, or use commas.")
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
@click.option("--scale", help="surfing and below: quick, half or full.  [default: quick]")
@click.option("--data", metavar="fashion_mnist|PATH", help="surfing, sensing, landscape: images.")
@click.option(
    "--generators",
    metavar="DIR",
    help="the same: trainings, kept for all suites.  [default: deepopt-bench/generators, or "
    "OUT/generators]",
)
@click.option("--trials", type=int, help="surfing, sensing.  [default: by the scale]")
@click.option("--workers", type=int, help="Processes that share the cores; -1: one per core.")
@click.option("--scheduler", metavar="tcp://HOST:PORT", help="Of a Dask cluster.")
@_plainly
def bench(suite: str, **given: Any) -> None:
    """Run a suite and write its tables, JSON, CSV and figures to DIR.

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
    from .bench import run

    run(suite, **{key: value for key, value in given.items() if value not in (None, ())})


@main.command(
    epilog="Ctrl-C or a kill keeps every finished checkpoint, and the same command continues; more "
    "--steps continue a finished training."
)
@click.argument("model", metavar="{vae,dcgan,wgan,wgan-gp}")
@click.option("--data", required=True, metavar="fashion_mnist|PATH", help="Images to learn from.")
@click.option("--out", required=True, metavar="DIR", help="Folder for the checkpoints.")
@click.option("--latent-dim", type=int, default=5, show_default=True, help="Length of a latent.")
@click.option("--steps", type=int, default=4000, show_default=True, help="Of training.")
@click.option("--every", type=int, default=40, show_default=True, help="Steps per checkpoint.")
@click.option("--width", type=float, default=1.0, show_default=True, help="Factor on all layers.")
@click.option("--batch-size", type=int, default=64, show_default=True, help="Images per step.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of all draws.")
@click.option("--dtype", default="float32", show_default=True, help="On disk; or float16.")
@_plainly
def train(model: str, out: str, **given: Any) -> None:
    """Train a generator and keep its checkpoints in DIR, from before the first step on.

    DIR also gets the losses and, now and then, a grid of samples. PATH is an .npz or .npy file, a
    PNG file or a folder of them; fashion_mnist is downloaded once.
    """
    from .generators import TrainSettings
    from .generators._progress import train_with_progress

    train_with_progress(TrainSettings(model, **given), out)


@main.command(
    epilog="DIR gets latents.npy, reconstructions.npy, result.json, and picture.png with the "
    "targets, what was found, and the way through the checkpoints."
)
@click.argument("checkpoints")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@click.option("--out", default="deepopt-invert", show_default=True, metavar="DIR", help="Folder.")
@click.option(
    "--method", default="direct", show_default=True, help="direct, surf or projected-surf."
)
@click.option("--solver", help="lm, adam or gd.  [default: lm]")
@click.option("--starts", help="codebook, random or zero.  [default: codebook]")
@click.option("--n-starts", type=int, help="Starts per image at most.  [default: 30]")
@click.option("--latent-bounds", type=float, metavar="R", help="Latents stay in [-R, R].")
@click.option("--maxtime", type=float, help="Wall seconds at most.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of all draws.")
@_plainly
def invert(
    checkpoints: str, images: tuple[str, ...], out: str, method: str, seed: int, **given: Any
) -> None:
    """Find the latents behind images: CHECKPOINTS is a folder of `deepopt train`, or Keras files.

    An IMAGE is a .png, .npy or .npz file, with one image or a batch.
    """
    from ._invert_files import invert_files
    from ._result import Status

    options = {"disp": True} | {key: value for key, value in given.items() if value is not None}
    result = invert_files(checkpoints, images, out, method, options=options, rng=seed)
    click.echo(f"latents.npy, reconstructions.npy, result.json, picture.png are in {out}")
    if not result.success.all():
        click.echo(result.message, err=True)
    if (result.status == Status.INTERRUPTED).any():
        sys.exit(INTERRUPTED)


def _of_function(command: Callable[..., None]) -> Callable[..., None]:
    """What `minimize` and `tune` both take."""
    options = (
        click.argument("function", metavar="PROBLEM|FUNCTION"),
        click.option("--dim", type=int, help="Variables of a problem, or of --bounds."),
        click.option(
            "--bounds", nargs=2, type=float, multiple=True, metavar="LOW HIGH",
            help="Of every variable, with --dim; or repeat, once per variable.",
        ),
        click.option("--method", help="See `deepopt list`.  [default: homotopy]"),
        click.option(
            "--option", "option", multiple=True, metavar="NAME=VALUE",
            help="An option of the method; repeat.",
        ),
        click.option("--seed", type=int, default=0, show_default=True, help="Of all draws."),
    )  # fmt: skip
    return functools.reduce(lambda made, option: option(made), reversed(options), command)


@main.command("minimize", epilog="FUNCTION is package.module:name or path/to/file.py:name.")
@_of_function
@click.option("--maxtime", type=float, help="Wall seconds at most, compilation included.")
@click.option("--maxfev", type=int, help="Points evaluated at most.")
@click.option("--out", metavar="FILE", help="Write the result to this file, as JSON.")
@_plainly
def minimize(
    function: str, dim: int | None, bounds: Any, method: str | None, option: Any, seed: int,
    out: str | None, **limits: Any,
) -> None:  # fmt: skip
    """Minimise a problem or a function of your own, and print the minimum.

    \b
    deepopt minimize rastrigin --dim 20
    deepopt minimize model.py:loss --bounds -5 5 --dim 10 --maxtime 60
    """  # noqa: D301
    import contextlib
    import json
    from pathlib import Path

    from ._checks import check_file
    from ._files import folder_for, write_text
    from ._minimize import minimize as minimise
    from ._named import find_function, read_bounds, read_settings
    from ._result import Status
    from .bench._cells import plain

    options = {"disp": True} | read_settings("option", option)
    options |= {key: value for key, value in limits.items() if value is not None}
    f, box = find_function(function, dim), read_bounds(bounds, dim)
    with contextlib.ExitStack() as folders:
        if out is not None:
            check_file("out", out)
            folders.enter_context(folder_for(Path(out).parent))
        result = minimise(f, method=method, bounds=box, options=options, rng=seed)
        if out is not None:
            write_text(Path(out), json.dumps(plain(dict(result)), allow_nan=False) + "\n")
    click.echo(f"x = {' '.join(f'{value:.10g}' for value in result.x)}")
    if result.status == Status.INTERRUPTED:
        sys.exit(INTERRUPTED)


@main.command(
    epilog="FUNCTION is package.module:name or path/to/file.py:name. DIR gets best.json, "
    "trials.csv, and pictures of the study. The same command goes on; Ctrl-C keeps what is "
    "done."
)
@_of_function
@click.option("--trials", type=int, help="More trials.  [default: 50, without --timeout]")
@click.option("--timeout", type=float, help="Wall seconds at most.")
@click.option("--storage", metavar="URL", help="Of Optuna.  [default: the file DIR/study.log]")
@click.option("--study-name", help="[default: of the method and the function]")
@click.option("--metric", default="fun", show_default=True, help="fun, time or both.")
@click.option("--target", type=float, help="time, both: f at or below it.")
@click.option("--seeds", type=int, default=3, show_default=True, help="Runs in a trial.")
@click.option("--workers", type=int, default=1, help="Processes that share the cores; -1: all.")
@click.option("--scheduler", metavar="tcp://HOST:PORT", help="Of a Dask cluster.")
@click.option("--out", default="deepopt-tune", show_default=True, metavar="DIR", help="Folder.")
@_plainly
def tune(
    function: str, dim: int | None, bounds: Any, method: str | None, option: Any, seed: int,
    out: str, workers: int, scheduler: str | None, **given: Any,
) -> None:  # fmt: skip
    """Find the options of a method that suit a problem or a function of your own, by Optuna.

    \b
    deepopt tune rastrigin --dim 20 --method deep --trials 100 --option maxfev=20000
    deepopt tune model.py:loss --bounds -5 5 --dim 10 --timeout 3600 --workers -1
    """  # noqa: D301
    from ._named import read_bounds, read_settings
    from ._tune_files import shown, tune_files

    box = read_bounds(bounds, dim)
    more: dict[str, Any] = {} if box is None else {"bounds": box}
    tuned = tune_files(
        function, out, dim=dim, workers=workers, scheduler=scheduler,
        method=method, options=read_settings("option", option), rng=seed, ranges=None,
        sampler=None, pruner=None, **more, **given,
    )  # fmt: skip
    said = tuned.summary
    click.echo(f"best {said['best']}, the defaults {said['defaults']}; see {out}")
    click.echo(f"options = { ({name: shown(value) for name, value in tuned.options.items()}) }")
    if said["error"]:
        click.echo(f"{said['failed']} trials failed; the last one with {said['error']}", err=True)
    if said["interrupted"]:
        sys.exit(INTERRUPTED)


@main.command("list")
@_plainly
def list_() -> None:
    """Show the problems, the methods, every method's options and those of `invert`."""
    import dataclasses

    from rich.markup import escape
    from rich.table import Table

    from ._invert_options import InvertOptions
    from ._methods import METHODS
    from .bench._report import console_for
    from .problems import FUNCTIONS, SphericalSpinGlass

    console = console_for(quiet=False)
    problems = Table("name", "domain", "minimum", "note", title="Problems, here in 50 variables")
    for problem in (*FUNCTIONS.values(), SphericalSpinGlass(50, rng=0)):
        problems.add_row(*map(escape, _problem_row(problem)))
    console.print(problems)
    methods = Table("name", "reparametrization × schedule × descent", title="Methods")
    for name, method in METHODS.items():
        methods.add_row(name, method.summary)
    console.print(methods)
    kinds = {name: method.options for name, method in METHODS.items()}
    for name, kind in (kinds | {"invert": InvertOptions}).items():
        options = Table("option", "default", "tuned", "meaning", title=f"Options of {name}")
        for field in dataclasses.fields(kind):
            help_text = field.metadata.get("help", "")
            range_ = field.metadata.get("search")
            between = "" if range_ is None else escape(str(range_))
            options.add_row(field.name, escape(repr(field.default)), between, escape(help_text))
        console.print(options)


def _problem_row(problem: Problem) -> list[str]:
    """Name, domain, minimum and what its docstring says first."""
    first = (type(problem).__doc__ or "").split("\n", 1)[0]
    domain = f"[{problem.low:.6g}, {problem.high:.6g}]^{problem.dim}"
    minimum = "unknown" if problem.fmin is None else f"{problem.fmin:.6g}"
    return [problem.name, domain, minimum, first.partition(": ")[2] or first]


if __name__ == "__main__":
    main()
