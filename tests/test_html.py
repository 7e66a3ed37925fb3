"""`deepopt bench --report`: one page of valid HTML that needs nothing else."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from deepopt import bench
from deepopt.bench import _html
from deepopt.bench._report import Report, Table
from deepopt.cli import main

VOID = {"meta", "img", "br", "link", "hr"}
SMALL = ["--only", "sphere,spherical_spin_glass", "--dim", "3", "--iterations", "20"]


class Page(HTMLParser):
    """Tables and pictures of a page; every tag that is opened is closed, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.pictures: list[dict[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        elif tag == "img":
            self.pictures.append(dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th"):
            self.tables[-1][-1][-1] += data
        elif self.open and self.open[-1] != "style":
            self.texts.append(data)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that is full, and then reported."""
    folder: Path = tmp_path_factory.mktemp("out")
    words = ["bench", *SMALL, "--out", str(folder)]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert not (folder / "report.html").exists()
    before = {path: path.stat().st_mtime_ns for path in folder.glob("cells/*")}
    done = CliRunner().invoke(main, [*words, "--report"])
    assert done.exit_code == 0, done.output
    assert "report.html are in" in done.output
    assert {path: path.stat().st_mtime_ns for path in folder.glob("cells/*")} == before
    return folder


def test_the_page_has_the_tables_the_notes_and_the_environment(out: Path) -> None:
    text = (out / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.texts.count("deepopt bench quick") == 2  # the title, and the heading
    assert any(words.startswith("A first look: the nine objectives") for words in page.texts)
    results, environment, settings = page.tables
    assert [row[0] for row in results] == ["problem", "sphere", "spherical_spin_glass"]
    assert {len(row) for row in results} == {7}
    known = dict(environment)
    assert {"deepopt", "keras", "numpy", "system", "cpus"} <= set(known)
    assert known["cells"] == "4"
    assert float(known["seconds of all cells"]) > 0
    assert ["dim", "3"] in settings
    assert "Seconds are those of the whole grid, compilation included." in page.texts


def test_the_page_needs_nothing_else_and_knows_the_dark(out: Path) -> None:
    text = (out / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert text.startswith("<!DOCTYPE html>\n<html lang=")
    assert not {"script", "link", "iframe"} & set(page.tags)
    assert not re.search(r"https?:|url\(|@import", text)
    (picture,) = page.pictures
    assert picture["alt"]
    kind, _, data = str(picture["src"]).partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(data, validate=True) == (out / "quick.png").read_bytes()
    assert "prefers-color-scheme: dark" in text
    names = re.findall(r"(--\w+): #", text.split("@media (prefers-color-scheme: dark)")[0])
    dark = text.split("@media (prefers-color-scheme: dark)")[1].split("}")[0]
    assert all(name in dark for name in names)


def test_whatever_the_words_they_are_words(tmp_path: Path) -> None:
    results = {"environments": [{"cpus": 1}, {"cpus": None}], "settings": {"<seed>": 0}}
    tables = [Table("a < b & c", ["<i>", "$x"], [["</td>", '"&amp;"']])]
    records = [{"environment": {"cpus": 1}, "seconds": None}]
    report = Report(results, ["results.json (<all>)"], tables, ["<script>alert(1)</script>"])
    path = tmp_path / "page.html"
    _html.write(path, "quick", "What `f` is.\n\nAnd ``how``, $1 <b>.", report, records)
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert page.tables[0] == [["<i>", "$x"], ["</td>", '"&amp;"']]
    assert page.tables[1][0] == ["property", "environment 1", "environment 2"]
    assert page.tables[1][1] == ["cpus", "1", "-"]
    assert "<script>alert(1)</script>" in page.texts
    assert "<script" not in text
    assert "What <code>f</code> is." in text
    assert "And <code>how</code>, $1 &lt;b&gt;." in text


def test_report_is_a_flag() -> None:
    with pytest.raises(TypeError, match="report must be True or False, got 'yes'"):
        bench.run("quick", report="yes")
