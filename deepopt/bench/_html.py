"""A suite's report as one page that needs nothing else: tables, notes, pictures, environment."""

from __future__ import annotations

import base64
import html
import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

from .._support.files import write_text
from ._cells import Record
from ._report import Report, Table

PAGE = "report.html"  # in the folder of the results
UNKNOWN = "-"

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #59636e; --paper: #ffffff;
  --line: #d1d9e0; --shade: #f6f8fa; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --soft: #9198a1; --paper: #0d1117; --line: #3d444d; --shade: #151b23; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 0.5rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 0.75rem; padding-top: 0.75rem;
  border-top: 1px solid var(--line); }
p { max-width: 46rem; margin: 0 0 0.75rem; }
.lede { font-size: 1.1rem; color: var(--soft); }
.wide { overflow-x: auto; margin: 0 0 1.5rem; }
table { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: 0 0 0.4rem; }
th, td { padding: 0.3rem 0.75rem; border-bottom: 1px solid var(--line); text-align: right;
  white-space: nowrap; }
th { font-weight: 600; }
thead th { background: var(--shade); }
tbody th { font-weight: 400; }
.word { text-align: left; }
ul { max-width: 60rem; padding-left: 1.2rem; color: var(--soft); font-size: 0.9rem; }
figure { margin: 0 0 2rem; }
img { display: block; max-width: 100%; height: auto; background: #ffffff; padding: 0.5rem;
  border: 1px solid var(--line); border-radius: 6px; }
figcaption { color: var(--soft); font-size: 0.875rem; margin-top: 0.4rem; }
code { font-family: ui-monospace, monospace; font-size: 0.92em; }
@media print { :root { --ink: #000; --soft: #333; --paper: #fff; --shade: #fff; } }
"""
LAYOUT = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>$style</style>
</head>
<body>
<main>
<h1>$title</h1>
$about
$sections
</main>
</body>
</html>
""")


def write(path: Path, suite: str, measured: str, report: Report, records: Sequence[Record]) -> None:
    """Write the page of a suite from what it has reported.

    Parameters
    ----------
    path : Path
        The page; the pictures that the report names stand beside it.
    suite : str
    measured : str
        What the suite measures: paragraphs, the first of them a summary.
    report : Report
    records : sequence of dict
        The cells behind it.
    """
    lede, *more = measured.split("\n\n")
    pictures = [path.parent / name for name in report.files if name.endswith(".png")]
    sections = {
        "Results": "\n".join([*map(_table, report.tables), _list(report.notes)]),
        "Pictures": "\n".join(map(_picture, pictures)),
        "How it was measured": "\n".join(f"<p>{_words(part)}</p>" for part in more),
        "Where it ran": "\n".join(map(_table, _facts(report.results, records))),
    }
    page = LAYOUT.substitute(
        title=html.escape(f"deepopt bench {suite}"),
        style=STYLE,
        about=f'<p class="lede">{_words(lede)}</p>' if lede else "",
        sections="\n".join(
            f"<section>\n<h2>{heading}</h2>\n{body}\n</section>"
            for heading, body in sections.items()
            if body.strip()
        ),
    )
    write_text(path, page)


def _words(text: str) -> str:
    """Prose with its `names` as code."""
    joined = html.escape(" ".join(text.split()))
    return re.sub(r"(`+)([^`]+)\1", r"<code>\2</code>", joined)


def _table(table: Table) -> str:
    head = _row(table.columns, table.words, head=True)
    body = "\n".join(_row(row, table.words) for row in table.rows)
    return (
        f'<div class="wide">\n<table>\n<caption>{html.escape(table.title)}</caption>\n'
        f"<thead>\n{head}\n</thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )


def _row(cells: Iterable[str], words: int, head: bool = False) -> str:
    made = []
    for index, cell in enumerate(cells):
        kind = "th" if head or index == 0 else "td"
        scope = "" if kind == "td" else f' scope="{"col" if head else "row"}"'
        side = ' class="word"' if index < words else ""
        made.append(f"<{kind}{scope}{side}>{html.escape(cell)}</{kind}>")
    return f"<tr>{''.join(made)}</tr>"


def _list(notes: Sequence[str]) -> str:
    items = "\n".join(f"<li>{html.escape(note)}</li>" for note in notes)
    return f"<ul>\n{items}\n</ul>" if notes else ""


def _picture(path: Path) -> str:
    data = path.read_bytes()
    width, height = struct.unpack(">II", data[16:24])  # of a PNG's first part
    name = html.escape(path.name)
    return (
        f'<figure>\n<img alt="The picture {name}" width="{width}" height="{height}" '
        f'src="data:image/png;base64,{base64.b64encode(data).decode()}">\n'
        f"<figcaption>{name}</figcaption>\n</figure>"
    )


def _facts(results: Mapping[str, Any], records: Sequence[Record]) -> Iterable[Table]:
    """The machines and versions, a column for each that took part, and the settings."""
    known = results["environments"]
    if known:
        keys = dict.fromkeys(key for one in known for key in one)
        rows = [[key.replace("_", " "), *(_text(one.get(key)) for one in known)] for key in keys]
        parts = [[one for one in records if one["environment"] == place] for place in known]
        seconds = [sum(one.get("seconds") or 0.0 for one in part) for part in parts]
        rows.append(["cells", *(str(len(part)) for part in parts)])
        rows.append(["seconds of all cells", *(f"{total:.1f}" for total in seconds)])
        names = [f"environment {i + 1}" for i in range(len(known))]
        columns = ["property", *(names if len(known) > 1 else ["value"])]
        yield Table("Environment", columns, rows, words=len(columns))
    settings = [[key, _text(value)] for key, value in results["settings"].items()]
    yield Table("Settings", ["setting", "value"], settings, words=2)


def _text(value: Any) -> str:
    return UNKNOWN if value is None else str(value)
