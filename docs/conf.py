"""Sphinx: SciPy's conventions, MyST for the pages, and a gallery whose examples run."""

import dataclasses
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import deepopt

project = "deepopt"
author = "the founders of deepopt"
copyright = "2026, the founders of deepopt"  # noqa: A001 - Sphinx's name
version = release = deepopt.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_click",
    "sphinx_gallery.gen_gallery",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "examples"]
default_role = "autolink"
nitpicky = False

# The reference
autosummary_generate = True
autodoc_typehints = "none"  # numpydoc has the types
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

# The pages
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3

# The gallery
sphinx_gallery_conf = {
    "examples_dirs": ["examples/tutorial", "examples/theory"],
    "gallery_dirs": ["tutorial", "theory"],
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "plot_gallery": "True",
    "show_memory": False,
    "show_signature": False,
    "download_all_examples": False,
    "remove_config_comments": True,
    "min_reported_time": 0,
}

# What it looks like
html_theme = "pydata_sphinx_theme"
html_title = "deepopt"
html_static_path = ["_static"]
html_css_files = ["deepopt.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "navbar_align": "left",
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}


def write_options(_) -> None:
    """Every option of every method, from where it is declared, as reference/options.md."""
    from deepopt._invert.options import InvertOptions
    from deepopt._minimize.methods import METHODS

    kinds = {name: method.options for name, method in METHODS.items()}
    lines = ["# Options", "", "What `options={…}` takes; `deepopt list` shows the same.", ""]
    for name, kind in (kinds | {"invert": InvertOptions}).items():
        lines += [f"## {name}", "", "| option | default | meaning | `tune` looks at |"]
        lines += ["| --- | --- | --- | --- |"]
        for field in dataclasses.fields(kind):
            searched = str(field.metadata.get("search", ""))
            row = [f"`{field.name}`", f"`{field.default!r}`", field.metadata["help"], searched]
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
        lines.append("")
    page = Path(__file__).parent / "reference" / "options.md"
    page.write_text("\n".join(lines), encoding="utf-8")


def setup(app) -> None:
    app.connect("config-inited", lambda app, _: write_options(app))
