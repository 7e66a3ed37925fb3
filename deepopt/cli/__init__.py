"""The command line. Everything heavy is imported inside the commands."""

from __future__ import annotations

import click

from .. import __version__
from ._bench import bench
from ._functions import minimize, tune
from ._generators import invert, train
from ._lists import completion, list_

EXITS = """\b
Exit codes
  0    done, also where a limit ended it
  1    an error in a function of yours, which may be finite nowhere, or in deepopt itself
  2    bad input, or a file that cannot be read or written
  130  Ctrl-C; what was done is kept

An error is one line; --debug behind any command shows its traceback. Completion of a shell:
`deepopt completion --help`.
"""


@click.group(epilog=EXITS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="deepopt")
def main() -> None:
    """A better minimum, faster: optimization on deep reparametrizations and homotopies.

    \b
    deepopt minimize rastrigin --dim 20          the minimum of a problem, or of model.py:loss
    deepopt bench quick --out first-look         nine hard functions in a minute
    """  # noqa: D301 - click's mark for lines that stay as they are


for command in (bench, train, invert, minimize, tune, list_, completion):
    main.add_command(command)
