"""`deepopt minimize` and `deepopt tune`, of a problem or of a function of the user's own."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import Any

import click

from ._names import METHODS, PROBLEMS, Name
from ._shared import (
    FAILED,
    INTERRUPTED,
    Command,
    apart,
    as_json,
    free_options,
    given,
    plainly,
    print_json,
    seeded,
    shared,
)

MOST_SHOWN = 50  # numbers of x on a terminal
RESULT = "result.json"  # in the folder of `minimize`


def _of_function(command: Command) -> Command:
    """What `minimize` and `tune` both take."""
    options = (
        click.argument("function", metavar="PROBLEM|FUNCTION", type=Name(PROBLEMS, files=True)),
        click.option("--dim", type=int, help="Variables of a problem, or of --bounds."),
        click.option(
            "--bounds", nargs=2, type=float, multiple=True, metavar="LOW HIGH",
            help="Of every variable, with --dim; or repeat, once per variable.",
        ),
        click.option(
            "--method", type=Name(METHODS), help="See `deepopt list`.  [default: homotopy]"
        ),
        free_options,
        seeded,
    )  # fmt: skip
    return functools.reduce(lambda made, option: option(made), reversed(options), command)


@click.command(
    short_help="Minimise a problem or a function of your own.",
    epilog="FUNCTION is package.module:name or path/to/file.py:name.",
)
@_of_function
@click.option("--maxtime", type=float, help="Wall seconds at most, compilation included.")
@click.option("--maxfev", type=int, help="Points evaluated at most.")
@click.option(
    "--out", metavar="DIR|FILE.json",
    help=f"Write the result to DIR/{RESULT}, or to this file.  [default: nowhere]",
)  # fmt: skip
@as_json
@plainly
def minimize(
    function: str, dim: int | None, bounds: Any, method: str | None, option: Any, seed: int,
    out: str | None, json_: bool, **limits: Any,
) -> None:  # fmt: skip
    """Minimise a problem or a function of your own, and print the minimum.

    \b
    deepopt minimize rastrigin --dim 20
    deepopt minimize model.py:loss --bounds -5 5 --dim 10 --maxtime 60 --out result.json
    """  # noqa: D301 - click's mark for lines that stay as they are
    import contextlib
    import json

    from .._minimize import find
    from .._minimize import minimize as minimise
    from .._support.checks import check_file
    from .._support.files import folder_for, plain, write_text
    from .._support.results import Status
    from .._tune import check_known, find_function, read_bounds, read_settings

    options = read_settings("option", option) | given(limits)
    check_known(options, find(method or "homotopy").options, method or "homotopy")
    options = {"disp": not json_} | options
    with apart(json_):
        f, box = find_function(function, dim), read_bounds(bounds, dim)
        with contextlib.ExitStack() as folders:
            path = None
            if out is not None:
                path = Path(out) if out.endswith(".json") else Path(out, RESULT)
                check_file("out", path)
                folders.enter_context(folder_for(path.parent))
            result = minimise(f, method=method, bounds=box, options=options, rng=seed)
            if path is not None:
                write_text(path, json.dumps(plain(dict(result)), allow_nan=False) + "\n")
    if json_:
        print_json(dict(result))
    else:
        values = [f"{value:.10g}" for value in result.x]
        cut = values if len(values) <= MOST_SHOWN else [*values[:MOST_SHOWN], "…"]
        click.echo(f"x = {' '.join(cut)}")
        if path is not None:
            click.echo(f"the result is in {path}")
    if result.status in (Status.INTERRUPTED, Status.NOT_FINITE):
        sys.exit(INTERRUPTED if result.status == Status.INTERRUPTED else FAILED)


@click.command(
    short_help="Find the options of a method that suit a function.",
    epilog="FUNCTION is package.module:name or path/to/file.py:name. DIR gets best.json, "
    "trials.csv, and pictures of the study. The same command goes on; Ctrl-C keeps what is "
    "done.",
)
@_of_function
@click.option("--trials", type=int, help="More trials.  [default: 50, without --timeout]")
@click.option("--timeout", type=float, help="Wall seconds at most, of all trials.")
@click.option("--storage", metavar="URL", help="Of Optuna.  [default: the file DIR/study.log]")
@click.option("--study-name", help="[default: of the method and the function]")
@click.option(
    "--metric", default="fun", show_default=True, type=Name(("fun", "time", "both")),
    help="fun, time or both.",
)  # fmt: skip
@click.option("--target", type=float, help="time, both: f at or below it.")
@click.option("--seeds", type=int, default=3, show_default=True, help="Runs in a trial.")
@shared
@click.option("--out", default="deepopt-tune", show_default=True, metavar="DIR",
              help="Folder for the results.")  # fmt: skip
@as_json
@plainly
def tune(
    function: str, dim: int | None, bounds: Any, method: str | None, option: Any, seed: int,
    out: str, json_: bool, **settings: Any,
) -> None:  # fmt: skip
    """Find the options of a method that suit a problem or a function of your own, by Optuna.

    \b
    deepopt tune rastrigin --dim 20 --method deep --trials 100 --option maxfev=20000
    deepopt tune model.py:loss --bounds -5 5 --dim 10 --timeout 3600 --workers -1
    """  # noqa: D301
    from .._minimize import find
    from .._support.summary import number
    from .._tune import check_known, described, read_bounds, read_settings, shown, tune_files

    box, options = read_bounds(bounds, dim), read_settings("option", option)
    check_known(options, find(method or "homotopy").options, method or "homotopy")
    more: dict[str, Any] = {} if box is None else {"bounds": box}
    with apart(json_):
        tuned = tune_files(
            function, out, json_, dim=dim, method=method, options=options,
            rng=seed, ranges=None, sampler=None, pruner=None, **more, **settings,
        )  # fmt: skip
    said = tuned.summary
    if json_:
        print_json(described(tuned) | {"out": out})
    else:
        of_defaults = f"the defaults {' and '.join(map(number, said['defaults'] or ['unknown']))}"
        if said["trial"] is None:
            click.echo(f"no trial is better than {of_defaults}; see {out}")
        else:
            best = " and ".join(map(number, said["best"]))
            click.echo(f"trial {said['trial']} is the best, {best}; {of_defaults}; see {out}")
        click.echo(f"options = { ({name: shown(value) for name, value in tuned.options.items()}) }")
    if said["error"]:
        click.echo(f"{said['failed']} trials failed; the last one with {said['error']}", err=True)
    if said["interrupted"]:
        sys.exit(INTERRUPTED)
