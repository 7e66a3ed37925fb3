"""Names that a shell completes; whoever they are meant for says what is wrong with others.

They stand here so that completion loads nothing; the tests compare them with the tables.
"""

from __future__ import annotations

from collections.abc import Sequence

import click
from click.shell_completion import CompletionItem

SUITES = (
    "quick", "convexity", "peers", "black-box", "surfing", "sensing", "landscape", "theory",
)  # fmt: skip
PROBLEMS = (
    "ackley", "levy", "rastrigin", "schwefel", "sphere", "rosenbrock", "styblinski_tang",
    "michalewicz",
)  # fmt: skip
METHODS = ("homotopy", "gd", "deep")
WAYS = ("direct", "surf", "projected-surf")  # of `invert`
MODELS = ("vae", "dcgan", "wgan", "wgan-gp")
SHELLS = ("bash", "zsh", "fish")


class Name(click.ParamType):
    """Some word, of which these are known.

    Parameters
    ----------
    known : sequence of str
    files : bool, default False
        Whether it may name a file too.
    """

    name = "name"

    def __init__(self, known: Sequence[str], files: bool = False) -> None:
        self.known, self.files = known, files

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The names that begin like this, and files where they are meant."""
        found = [CompletionItem(name) for name in self.known if name.startswith(incomplete)]
        if self.files and not found:  # bash forgets the names before a file
            return [CompletionItem(incomplete, type="file")]
        return found
