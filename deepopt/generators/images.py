"""Images from disk: NumPy archives, arrays, folders of PNG files, or Fashion-MNIST."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from ._names import natural_order

FASHION_MNIST = "fashion_mnist"
KEYS = ("x_train", "images", "x")  # of an archive, in this order
HELD_OUT = ("x_test",)


def load_images(source: str | Path) -> np.ndarray:
    """Images (n, height, width, channels), float32 in [0, 1].

    Parameters
    ----------
    source : str or Path
        "fashion_mnist" (the training images, which Keras downloads once), an `.npz` archive with
        an array named x_train, images or x, an `.npy` array, one PNG file, or a folder of them in
        natural order of their names. Integers are divided by 255, unless all are 0 or 1.

    Raises
    ------
    FileNotFoundError, ValueError
        In one sentence, where there are no such images.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/grey.npy", np.full((2, 8, 8), 51, "uint8"))
    ...     images = load_images(f"{folder}/grey.npy")
    >>> images.shape, round(float(images.max()), 3)
    ((2, 8, 8, 1), 0.2)
    """
    if str(source) == FASHION_MNIST:
        return as_images(_download()[0], FASHION_MNIST)
    path = Path(source)
    if not path.exists():
        raise FileNotFoundError(
            f"data {str(source)!r} is neither {FASHION_MNIST!r} nor a file or folder that exists"
        )
    if path.is_dir():
        files = natural_order(file for file in path.iterdir() if _suffix(file) == ".png")
        if not files:
            raise ValueError(f"the folder {path} has no .png files")
        return _stacked(files)
    if _suffix(path) == ".png":
        return _stacked([path])
    if _suffix(path) not in (".npy", ".npz"):
        raise ValueError(f"data must be .npz, .npy, .png or a folder of .png files, got {path}")
    return as_images(_read_array(path), str(path))


def load_held_out(source: str | Path) -> np.ndarray:
    """Images like those of `load_images` that no training takes, on the same scale.

    Parameters
    ----------
    source : str or Path
        "fashion_mnist" (its test images), or an `.npz` archive with an array named x_test.

    Raises
    ------
    FileNotFoundError, ValueError
        In one sentence, where there are none.
    """
    if str(source) == FASHION_MNIST:
        return as_images(_download()[1], FASHION_MNIST)
    if _suffix(Path(source)) != ".npz":
        raise ValueError(
            f"data must hold images to keep apart: {FASHION_MNIST} or an .npz archive with an "
            f"array named {HELD_OUT[0]}, got {source}"
        )
    return as_images(_read_array(Path(source), HELD_OUT), f"{HELD_OUT[0]} of {source}")


def digest_of(images: np.ndarray) -> str:
    """What tells these images from others."""
    return hashlib.sha256(images.tobytes()).hexdigest()[:16]


def as_images(array: np.ndarray, label: str) -> np.ndarray:
    """An array (n, height, width) or (n, height, width, channels) as float32 in [0, 1]."""
    array = np.asarray(array)
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4 or not array.size or array.dtype.kind not in "uif":
        raise ValueError(
            f"images must be numbers of shape (n, height, width) or (n, height, width, channels); "
            f"{label} holds {array.dtype} of shape {array.shape}"
        )
    images = array.astype("float32") / _white(array)
    if not np.isfinite(images).all():
        raise ValueError(f"images must be finite; those of {label} are not all finite")
    if images.min() < 0 or images.max() > 1:
        raise ValueError(
            f"images must lie in [0, 1], or [0, 255] as integers; those of {label} reach from "
            f"{images.min():g} to {images.max():g}"
        )
    return images


def read_arrays(path: Path) -> np.ndarray:
    """The numbers of a PNG, `.npy` or `.npz` file, on the scale of `load_images`."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist")
    if _suffix(path) == ".png":
        return _stacked([path])
    if _suffix(path) not in (".npy", ".npz"):
        raise ValueError(f"images must be .png, .npy or .npz files, got {path}")
    array = _read_array(path)
    if array.dtype.kind not in "uif":
        raise ValueError(f"images must be numbers, {path} holds {array.dtype}")
    return array / _white(array)


def _white(array: np.ndarray) -> float:
    """What stands for white: 255 in integers, unless they are masks of 0 and 1."""
    is_mask = array.size > 0 and array.min() >= 0 and array.max() == 1
    return 1.0 if array.dtype.kind == "f" or is_mask else 255.0


def _suffix(path: Path) -> str:
    return path.suffix.lower()


def _download() -> tuple[np.ndarray, np.ndarray]:
    import keras

    try:
        (images, _), (held_out, _) = keras.datasets.fashion_mnist.load_data()
    except Exception as error:
        raise OSError(
            f"Fashion-MNIST could not be downloaded ({type(error).__name__}); "
            "give --data a file or folder of images instead"
        ) from error
    return np.asarray(images), np.asarray(held_out)


def _stacked(files: list[Path]) -> np.ndarray:
    from matplotlib.image import imread

    images: list[np.ndarray] = []
    for file in files:
        try:
            image = np.asarray(imread(file), dtype="float32")
        except Exception as error:
            raise ValueError(f"{file} is not a readable PNG file") from error
        image = image[..., None] if image.ndim == 2 else image[..., :3]
        if image.shape[-1] == 3 and np.ptp(image, axis=-1).max() == 0:
            image = image[..., :1]
        if images and image.shape != images[0].shape:
            raise ValueError(
                f"images must be of one shape: {file} is {image.shape}, {files[0]} is "
                f"{images[0].shape}"
            )
        images.append(image)
    return np.stack(images)


def _read_array(path: Path, keys: tuple[str, ...] = KEYS) -> np.ndarray:
    """The array of a file; of an archive the first of these names, or its only one."""
    try:
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            if not isinstance(loaded, np.lib.npyio.NpzFile):
                return np.asarray(loaded)
            found = list(loaded)
            alone = found if len(found) == 1 and keys is KEYS else []
            names = [key for key in keys if key in found] or alone
            array = np.asarray(loaded[names[0]]) if names else np.empty(0)
    except Exception as error:  # zipfile's and NumPy's, of many types
        raise ValueError(f"{path} is not a readable NumPy file") from error
    if not names:
        raise ValueError(
            f"{path} holds {', '.join(found) or 'nothing'}; expected an array named "
            f"{' or '.join(keys)}"
        )
    return array
