"""The documentation: names, commands, and the code on its pages.

Those marked ``docs`` run the pages' code; the build, `sphinx-build -W docs`, runs the gallery.
"""

import importlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest

import deepopt
from deepopt.cli import main
from deepopt.cli._names import Name

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [
    *(page for page in sorted(DOCS.rglob("*.md")) if "generated" not in page.parts),
    ROOT / "CONTRIBUTING.md",
]


def blocks(page, language):
    """The text of a page's code blocks."""
    return re.findall(
        rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


def name_of(page):
    return str(page.relative_to(ROOT))


def public_names():
    for name in deepopt._MODULES:
        module = importlib.import_module(f"deepopt.{name}")
        yield from ((name, public) for public in module.__all__)
    yield from (("index", name) for name in deepopt.__all__ if name not in deepopt._MODULES)


@pytest.mark.parametrize(("page", "name"), [*public_names()])
def test_every_public_name_stands_in_the_reference(page, name):
    text = (DOCS / "reference" / f"{page}.md").read_text(encoding="utf-8")
    assert re.search(rf"\b{name}\b", text)


def test_every_page_says_which_language_its_code_is_in():
    for page in PAGES:
        fences = re.findall(r"^```(.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        for opening in fences[::2]:
            assert opening in ("python", "sh") or opening.startswith("{"), (page, opening)


def test_no_line_of_a_page_begins_with_the_sign_of_a_comment():
    lost = re.compile(r"^%.*$", re.MULTILINE)  # MyST leaves such lines out, in a paragraph too
    assert {page: lost.findall(page.read_text(encoding="utf-8")) for page in PAGES} == {
        page: [] for page in PAGES
    }


def commands():
    """The lines of pages, of the README and of examples that call deepopt."""
    lines = set()
    for page in [*PAGES, ROOT / "README.md"]:
        lines.update(line for block in blocks(page, "sh") for line in block.splitlines())
    for script in (DOCS / "examples").rglob("*.py"):
        lines.update(re.findall(r"^#\s+(.*)$", script.read_text(encoding="utf-8"), re.MULTILINE))
    said = (line.partition("  #")[0].strip().removesuffix("&") for line in lines)
    return sorted(line for line in said if re.match(r"(\S+=\S+ )?deepopt ", line))


@pytest.mark.parametrize("line", commands())
def test_every_command_of_a_page_is_one(line):
    words = shlex.split(line)
    command, arguments = main, words[words.index("deepopt") + 1 :]
    while isinstance(command, click.Group):
        assert arguments[0] in command.commands, line
        command, arguments = command.commands[arguments[0]], arguments[1:]
    given, _, order = command.make_parser(click.Context(command)).parse_args(list(arguments))
    for parameter in order:
        if isinstance(parameter.type, Name) and parameter.name in given:
            values = np.atleast_1d(given[parameter.name])
            known = set(parameter.type.known)
            assert parameter.type.files or set(values) <= known | {None}, line


def tables():
    for page in PAGES:
        for mark, table in re.findall(
            r"<!-- ([^\n>]+) -->\n(.*?)\n<!-- end -->", page.read_text(encoding="utf-8"), re.DOTALL
        ):
            if table != "Being measured.":
                yield pytest.param(table.strip(), id=f"{page.stem}-{mark}")


@pytest.mark.parametrize("table", [*tables()])
def test_no_table_of_results_is_typed(table):
    stored = (ROOT / "benchmarks" / "results").rglob("*.md")
    assert any(table in path.read_text(encoding="utf-8") for path in stored)


@pytest.mark.docs
@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.stem
)
def test_the_code_of_a_page_runs(page, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", "\n".join(blocks(page, "python"))],
        env=os.environ | {"MPLBACKEND": "agg"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
