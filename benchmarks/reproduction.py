"""Bring the tables and figures of a `deepopt bench convexity` run into docs/reproduction.md.

    python reproduction.py deepopt-bench/convexity

keeps the run's results in results/convexity, its figures in docs/images, and writes its table and
that of wider_grid.py between the marks in docs/reproduction.md.
"""

import gzip
import shutil
import sys
from pathlib import Path

import common

HERE = Path(__file__).parent
FIGURES = ("figure1.png", "figure2.png", "figure2_shifted.png", "figure2_rotated.png")


def main(run: Path) -> None:
    kept = HERE / "results" / "convexity"
    kept.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(run / "table.md", kept / "table.md")
    (kept / "results.json.gz").write_bytes(gzip.compress((run / "results.json").read_bytes()))
    for name in FIGURES:
        shutil.copyfile(run / name, common.DOCS / "images" / name)
    tables = {"convexity": kept / "table.md", "wider grid": HERE / "results" / "wider_grid.md"}
    common.insert("reproduction.md", {mark: at.read_text("utf-8") for mark, at in tables.items()})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
