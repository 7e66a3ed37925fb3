"""Images: a montage of reconstructions, and a grid of samples as one file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from numpy.typing import NDArray

from .._support.checks import check_number, numbers_of, shown
from ._axes import axes_for, ink

GAP = 0.06  # between images, of their longer side
FLAT = 4  # a strip is a picture of so many times its height


def reconstructions(
    targets: Any,
    outputs: Any,
    frames: Sequence[Any] = (),
    times: Sequence[int | str] = (),
    *,
    ax: Axes | None = None,
) -> Axes:
    """A row per target: the target, what was found on the way, and what was found.

    Parameters
    ----------
    targets, outputs : array_like (B, height, width[, channels]) or (B, n)
        Images in [0, 1], grey or in colour (3 or 4 channels); flat outputs are shown as strips of
        n pixels, from the lowest value of all in black to the highest in white.
    frames : sequence of array_like, each like `targets`
        Outputs on the way.
    times : sequence of int or str
        The checkpoint of each of the frames, or what stands above it.
    ax : Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    Axes
        With one image, the montage, in a faint frame.

    Raises
    ------
    TypeError, ValueError
        If the arrays are not of one shape, or there are not as many times as frames.

    Examples
    --------
    >>> import numpy as np
    >>> from deepopt.plots import reconstructions
    >>> y = np.random.default_rng(0).uniform(size=(2, 8, 8))
    >>> ax = reconstructions(y, 0.9 * y, frames=[0 * y], times=[0])
    >>> [tick.get_text() for tick in ax.get_xticklabels()]
    ['target', 't = 0', 'found']
    """
    if len(frames) != len(times):
        raise ValueError(f"times must be as many as frames, {len(frames)}, got {len(times)}")
    heads = ["target", *(t if isinstance(t, str) else f"t = {t}" for t in times), "found"]
    labels = ["targets", *(f"frames[{i}]" for i in range(len(frames))), "outputs"]
    columns = [pixels_of(name, part)
               for name, part in zip(labels, (targets, *frames, outputs), strict=True)]  # fmt: skip
    for name, part in zip(labels, columns, strict=True):
        if part.shape != columns[0].shape:
            raise ValueError(
                f"{name} must have the shape of targets, {columns[0].shape}, got {part.shape}"
            )
    colours = shades(np.stack(columns))  # (columns, B, height, width, 4)
    count, rows, height, width = colours.shape[:4]
    ax = axes_for(ax, (0.2 + 1.1 * count * min(1.0, width / height),
                       0.4 + 1.1 * rows * min(1.0, height / width)))  # fmt: skip
    gap = max(1, round(GAP * max(height, width)))
    montage = np.empty((rows * (height + gap) + gap, count * (width + gap) + gap, 4))
    montage[:] = to_rgba(ink(ax), 0.15)
    for column, images in enumerate(colours):
        for row, image in enumerate(images):
            top, left = gap + row * (height + gap), gap + column * (width + gap)
            montage[top : top + height, left : left + width] = image
    ax.imshow(montage, interpolation="nearest")
    ax.set_xticks(gap + (width - 1) / 2 + np.arange(count) * (width + gap), heads)
    ax.set_yticks([])
    ax.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    ax.spines[:].set_visible(False)
    return ax


def pixels_of(label: str, value: Any) -> NDArray[Any]:
    """As floats (B, height, width, channels), or (B, n)."""
    try:
        pixels = numbers_of(value).astype(float)
    except (TypeError, ValueError):
        raise TypeError(f"{label} must be real numbers, got {shown(value)}") from None
    if pixels.ndim == 3:
        pixels = pixels[..., None]
    if pixels.ndim not in (2, 4) or pixels.size == 0:
        raise ValueError(
            f"{label} must have shape (B, height, width[, channels]) or (B, n), got {pixels.shape}"
        )
    if pixels.ndim == 4 and pixels.shape[-1] not in (1, 3, 4):
        raise ValueError(f"{label} must have 1, 3 or 4 channels, got {pixels.shape[-1]}")
    return pixels


def shades(pixels: NDArray[Any]) -> NDArray[Any]:
    """Red, green, blue and opacity of images (..., height, width, channels) or flat (..., n)."""
    if pixels.ndim == 3:
        known = pixels[np.isfinite(pixels)]
        low, span = (known.min(), float(np.ptp(known)) or 1.0) if known.size else (0.0, 1.0)
        high = max(1, pixels.shape[-1] // FLAT)
        pixels = np.repeat(((pixels - low) / span)[..., None, :, None], high, axis=-3)
    pixels = np.nan_to_num(pixels.clip(0.0, 1.0))
    if pixels.shape[-1] == 4:
        return pixels
    pixels = np.broadcast_to(pixels, (*pixels.shape[:-1], 3))
    return np.concatenate([pixels, np.ones_like(pixels[..., :1])], axis=-1)


def image_grid(path: str | Path, images: NDArray[Any], columns: int) -> None:
    """Write images as one PNG, row by row, a pixel for a pixel.

    Parameters
    ----------
    path : path
        A ``.png`` file.
    images : ndarray (n, height, width, channels)
        In [0, 1]; grey with one channel, else the first three are red, green and blue.
    columns : int
        Images in a row.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from deepopt.plots import image_grid
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     image_grid(f"{folder}/grid.png", np.zeros((6, 28, 28, 1)), columns=3)
    """
    from matplotlib.image import imsave

    check_number("columns", columns, whole=True, at_least=1)
    if np.ndim(images) != 4 or np.shape(images)[-1] not in (1, 3, 4) or not np.size(images):
        raise ValueError(
            f"images must have shape (n, height, width, 1, 3 or 4), got {np.shape(images)}"
        )
    count, height, width, channels = images.shape
    rows = math.ceil(count / columns)
    grid = np.ones((rows * columns, height, width, channels))
    grid[:count] = images
    grid = grid.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    picture = grid.reshape(rows * height, columns * width, channels)
    imsave(path, np.repeat(picture, 3, axis=-1) if channels == 1 else picture[..., :3])
