"""`deepopt list` and `deepopt completion`."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from ._names import METHODS, SHELLS, Name
from ._shared import as_json, plainly, print_json

if TYPE_CHECKING:
    from ..problems import Problem


@click.command("list", short_help="Show the problems, the methods and all options.")
@click.argument("method", default=None, required=False, metavar="[METHOD]",
                type=Name((*METHODS, "invert")))  # fmt: skip
@as_json
@plainly
def list_(method: str | None, json_: bool) -> None:
    """Show the problems, the methods, and the options of one METHOD or of all and of `invert`.

    No file is written.

    \b
    deepopt list
    deepopt list homotopy
    deepopt list --json | python -m json.tool
    """  # noqa: D301 - click's mark for lines that stay as they are
    from .._invert import InvertOptions
    from .._minimize import METHODS as TABLE
    from .._support.checks import check_choice
    from ..problems import FUNCTIONS, SphericalSpinGlass

    problems = [_problem(one) for one in (*FUNCTIONS.values(), SphericalSpinGlass(50, rng=0))]
    methods = {name: row.summary for name, row in TABLE.items()}
    kinds = {name: row.options for name, row in TABLE.items()}
    options = {name: _options(kind) for name, kind in (kinds | {"invert": InvertOptions}).items()}
    if method is not None:
        check_choice("method", method, options)
        problems, methods, options = [], {}, {method: options[method]}
    if json_:
        print_json({"problems": problems, "methods": methods, "options": options})
    else:
        _show(problems, methods, options)


def _problem(problem: Problem) -> dict[str, Any]:
    """Name, domain, minimum and what its docstring says first."""
    first = (type(problem).__doc__ or "").split("\n", 1)[0]
    return {
        "name": problem.name, "low": problem.low, "high": problem.high, "dim": problem.dim,
        "minimum": problem.fmin, "note": first.partition(": ")[2] or first,
    }  # fmt: skip


def _options(kind: Any) -> list[dict[str, Any]]:
    """Each with its default, where `tune` looks, and what it means."""
    found = []
    for field in dataclasses.fields(kind):
        default, search = field.default, field.metadata.get("search")
        told = default is None or isinstance(default, bool | int | float | str)
        found.append({
            "name": field.name, "default": default if told else repr(default),
            "tuned": None if search is None else str(search),
            "meaning": field.metadata.get("help", ""),
        })  # fmt: skip
    return found


def _show(
    problems: list[dict[str, Any]], methods: dict[str, str], options: dict[str, list[Any]]
) -> None:
    from rich.markup import escape
    from rich.table import Table

    from .._support.progress import console_for

    console = console_for(quiet=False)
    table = Table("name", "domain", "minimum", "note", title="Problems, here in 50 variables")
    for one in problems:
        domain = f"[{one['low']:.6g}, {one['high']:.6g}]^{one['dim']}"
        minimum = "unknown" if one["minimum"] is None else f"{one['minimum']:.6g}"
        table.add_row(*map(escape, (one["name"], domain, minimum, one["note"])))
    if problems:
        console.print(table)
    table = Table("name", "reparametrization × schedule × descent", title="Methods")
    for name, summary in methods.items():
        table.add_row(name, summary)
    if methods:
        console.print(table)
    for name, fields in options.items():
        table = Table("option", "default", "tuned", "meaning", title=f"Options of {name}")
        for field in fields:
            words = (field["name"], repr(field["default"]), field["tuned"] or "", field["meaning"])
            table.add_row(*map(escape, words))
        console.print(table)


@click.command(short_help="Print what makes a shell complete this command.")
@click.argument("shell", type=click.Choice(SHELLS))
@plainly
def completion(shell: str) -> None:
    """Print the script that makes a shell complete `deepopt`: commands, options and names.

    No file is written. Put the line of your shell where it reads its settings:

    \b
    eval "$(deepopt completion bash)"        in ~/.bashrc
    eval "$(deepopt completion zsh)"         in ~/.zshrc
    deepopt completion fish | source         in ~/.config/fish/config.fish
    """  # noqa: D301
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    root = click.get_current_context().find_root().command
    click.echo(kind(root, {}, "deepopt", "_DEEPOPT_COMPLETE").source())
