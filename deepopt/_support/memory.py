"""Memory that a call is certain to need, said before it is taken."""

from __future__ import annotations

GIB = 2.0**30
LEAST = 2**28  # bytes below which nothing is asked


def check_memory(numbers: float, size: int, what: str, lower: str) -> None:
    """Raise MemoryError in one sentence where so many numbers cannot be held.

    Parameters
    ----------
    numbers : float
        How many are needed at least.
    size : int
        Bytes of one.
    what : str
        What they are.
    lower : str
        The argument or the options that ask for so many.
    """
    needed = numbers * size
    if needed < LEAST:
        return
    from psutil import virtual_memory  # type: ignore[import-untyped]

    free = virtual_memory().available
    if needed > free:
        raise MemoryError(
            f"{what} need at least {needed / GIB:.1f} GiB of memory, {free / GIB:.1f} GiB are "
            f"free; lower {lower}"
        )
