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
@_plainly
def bench(suite: str, **given: Any) -> None:
    """Run a suite and write its tables, JSON, CSV and figures to DIR.

    \b
    quick      gd and deep on nine objectives from one start: a minute; the default
    convexity  paper A's protocol in full: hours
    peers      deepopt, SciPy, pycma and PyTorch with gradients, in equal wall time: hours
    black-box  the same without gradients, in equal evaluations: an hour
    """  # noqa: D301 - click's mark for lines that stay as they are
    from .bench import run

    run(suite, **{key: value for key, value in given.items() if value not in (None, ())})


@main.command("list")
@_plainly
def list_() -> None:
    """Show the problems, the methods and every method's options."""
    import dataclasses

    from rich.markup import escape
    from rich.table import Table

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
    for name, method in METHODS.items():
        options = Table("option", "default", "meaning", title=f"Options of {name}")
        for field in dataclasses.fields(method.options):
            help_text = field.metadata.get("help", "")
            options.add_row(field.name, escape(repr(field.default)), escape(help_text))
        console.print(options)


def _problem_row(problem: Problem) -> list[str]:
    """Name, domain, minimum and what its docstring says first."""
    first = (type(problem).__doc__ or "").split("\n", 1)[0]
    domain = f"[{problem.low:.6g}, {problem.high:.6g}]^{problem.dim}"
    minimum = "unknown" if problem.fmin is None else f"{problem.fmin:.6g}"
    return [problem.name, domain, minimum, first.partition(": ")[2] or first]


if __name__ == "__main__":
    main()
