"""Natural order: numbers inside names count as numbers, so that 2 comes before 10."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path


def natural_order(paths: Iterable[Path]) -> list[Path]:
    """The paths sorted by name, their digits as numbers."""
    return sorted(paths, key=lambda path: _parts(str(path)))


def _parts(name: str) -> list[tuple[int, int | str]]:
    pieces = re.split(r"(\d+)", name)
    return [(0, int(piece)) if piece.isdigit() else (1, piece) for piece in pieces]
