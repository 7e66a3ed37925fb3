"""Keep a run of `deepopt bench`, and bring its tables and figures into docs/; or go on from it.

    python keep.py convexity deepopt-bench/convexity
    python keep.py --back convexity deepopt-bench/convexity
    python keep.py --redraw convexity

The first keeps the results in results/SUITE and the figures in docs/images, and writes the tables
between the marks of the page that they belong to. The second puts the kept cells into the folder of
a run, on another machine say: the same `deepopt bench` runs those that are missing. The third makes
tables and figures anew from what is kept; peers and black-box keep too little for that.
"""

import gzip
import json
import shutil
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import common

HERE = Path(__file__).parent
# Suite, with its dimension where that is a part of it -> its page, and its figures with their names
# in docs/images.
PAGES = {
    "convexity": (
        "reproduction.md",
        {f"{name}.png": f"{name}.png" for name in
         ("figure1", "figure2", "figure2_shifted", "figure2_rotated")},
    ),
    "peers": ("peers.md", {"profiles.png": "peers.png"}),
    "peers-200": ("peers.md", {}),
    "peers-1000": ("peers.md", {}),
    "black-box": ("peers.md", {"profiles.png": "black_box.png"}),
    "surfing": ("surfing.md", {"distances.png": "distances.png"}),
    "surfing-full": ("surfing.md", {}),
    "sensing": ("surfing.md", {"recovery.png": "recovery.png", "images.png": "distortion.png"}),
    "landscape": ("surfing.md", {"landscape.png": "landscape.png"}),
    "theory": ("surfing.md", {f"{name}.png": f"{name}.png" for name in ("ball", "flow", "pieces")}),
}  # fmt: skip


WITHOUT_TRAJECTORIES = ("peers", "peers-200", "peers-1000", "black-box")


def main(suite: str, run: Path) -> None:
    page, figures = PAGES[suite]
    kept = HERE / "results" / suite
    kept.mkdir(parents=True, exist_ok=True)
    tables = {}
    if (run / "table.md").exists():
        shutil.copyfile(run / "table.md", kept / "table.md")
        tables[suite] = kept / "table.md"
    (kept / "results.json.gz").write_bytes(
        gzip.compress((run / "results.json").read_bytes(), mtime=0)
    )
    for name, image in figures.items():
        shutil.copyfile(run / name, common.DOCS / "images" / image)
    if suite == "convexity":
        tables["wider grid"] = HERE / "results" / "wider_grid.md"
    common.insert(page, {mark: at.read_text("utf-8") for mark, at in tables.items()})


def stored(suite: str) -> dict:
    kept = HERE / "results" / suite / "results.json.gz"
    return json.loads(gzip.decompress(kept.read_bytes()))


def back(suite: str, run: Path) -> None:
    from deepopt.bench._cells import put_back

    print(f"{put_back(stored(suite), run / 'cells')} cells put into {run}")


def draw(suite: str, out: Path) -> None:
    """What `deepopt bench` writes, from the stored results."""
    from deepopt.bench._cells import records_of
    from deepopt.bench._settings import KINDS

    results = stored(suite)
    module = import_module(f"deepopt.bench.{results['suite'].replace('-', '_')}")
    module.write(KINDS[results["suite"]](**results["settings"]), records_of(results), out)


def redraw(suite: str) -> None:
    if not (HERE / "results" / suite).exists() or suite in WITHOUT_TRAJECTORIES:
        sys.exit(f"{suite} cannot be drawn anew: too little of it is kept")
    with tempfile.TemporaryDirectory() as folder:
        draw(suite, Path(folder))
        main(suite, Path(folder))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--redraw", suite] if suite in PAGES:
            redraw(suite)
        case ["--back", suite, run] if suite in PAGES:
            back(suite, Path(run))
        case [suite, run] if suite in PAGES:
            main(suite, Path(run))
        case _:
            sys.exit(__doc__)
