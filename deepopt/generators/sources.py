"""Checkpoints as one sequence, wherever they come from: this project's folders or Keras's files.

Only weights are read from a checkpoint. An architecture is rebuilt from this project's own config,
is the model that the caller gives, or comes from one `.keras` file in Keras's safe mode, which runs
no code that the file holds.
"""

from __future__ import annotations

import abc
import functools
import json
import os
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import shorten
from typing import Any

import numpy as np

from .._backend import precision, to_numpy, to_tensor
from .._objective import Generator, tensors
from . import checkpoints
from ._names import natural_order
from .architectures import Architecture
from .checkpoints import CheckpointError

Weights = list[np.ndarray]
SUFFIXES = (".keras", ".weights.h5")
WIRING = ("name", "keras_history", "input_layers", "output_layers")  # where layers are named
PROBES, SLACK = 8, 1e-3  # latents on which two networks are compared, and relative difference


class Source(abc.ABC):
    """Checkpoints first to last, θ_0 … θ_T, of one generator; made by `open_checkpoints`.

    ``len(source)`` is their number.

    Attributes
    ----------
    model : keras.Model
        From latents (batch, k) to outputs; its own weights do not matter.
    prior : str
        "uniform" or "normal": how latents are drawn.

    Examples
    --------
    >>> from deepopt.generators import Architecture
    >>> sizes = Architecture("expansive", 3, (40,), hidden=(20,))
    >>> source = open_checkpoints([sizes.generator(), sizes.generator()])
    >>> len(source), source.latent_dim, source.output_shape
    (2, 3, (40,))
    """

    model: Any
    prior: str = "uniform"

    @property
    def latent_dim(self) -> int:
        return int(shapes_of(self.model)[0][-1])

    @property
    def output_shape(self) -> tuple[int, ...]:
        return tuple(shapes_of(self.model)[1][1:])

    @abc.abstractmethod
    def __len__(self) -> int: ...

    @abc.abstractmethod
    def read(self, t: int) -> Weights:
        """θ_t in the order of the model's `weights`."""

    def outputs(self, t: int, latents: np.ndarray) -> np.ndarray:
        """The outputs of the generator at a checkpoint.

        Parameters
        ----------
        t : int
            Which one, from 0; -1 is the last.
        latents : array_like (N, k)

        Returns
        -------
        ndarray (N, ...), float32
            G_{θ_t}(x).

        Raises
        ------
        ValueError
            Where there is no such checkpoint, or latents are of another length.
        """
        if not -len(self) <= t < len(self):
            raise ValueError(f"t must be a checkpoint from 0 to {len(self) - 1}, got {t}")
        if np.ndim(latents) != 2 or np.shape(latents)[1] != self.latent_dim:
            raise ValueError(
                f"latents must be of shape (N, {self.latent_dim}), got {np.shape(latents)}"
            )
        with precision("float32"):
            weights = tensors(self.read(t % len(self)), "float32")
            x = to_tensor(latents, "float32")
            return to_numpy(Generator(self.model).outputs(x, weights))

    def stream(self) -> Iterator[Weights]:
        """θ_0 … θ_{T-1} one after the other; the next is read while this one is in use."""
        networks = len(self) - 1
        with ThreadPoolExecutor(max_workers=1) as reader:
            coming = reader.submit(self.read, 0)
            for t in range(networks):
                weights = coming.result()
                if t + 1 < networks:
                    coming = reader.submit(self.read, t + 1)
                yield weights


class Folder(Source):
    """A folder that `deepopt train` wrote."""

    def __init__(self, folder: Path) -> None:
        sizes, _ = checkpoints.read_config(folder)
        self._paths = checkpoints.steps_of(folder)
        if not self._paths:
            raise CheckpointError(f"{folder} holds no checkpoints")
        self.model, self.prior = _generator_of(sizes), sizes.prior
        self._shapes = [tuple(weight.shape) for weight in self.model.weights]

    def __len__(self) -> int:
        return len(self._paths)

    def read(self, t: int) -> Weights:
        return checkpoints.read_weights(self._paths[t], self._shapes)


class KerasFiles(Source):
    """Files that Keras wrote: `.keras`, or `.weights.h5` of a given model."""

    def __init__(self, paths: Sequence[Path], model: Any = None) -> None:
        self._paths = list(paths)
        self._own = model is None
        self.model = _model_of(self._paths[-1]) if model is None else model
        _check_generator(self.model, "the model")
        outlines = [_outline_of(path) for path in self._paths] if self._own else []
        for path, outline in zip(self._paths, outlines, strict=False):
            known = outline is None or outline == outlines[-1]  # what is damaged is said by `read`
            if not known and not _computes_as(_model_of(path), self.model):
                raise CheckpointError(f"{path} is of another network than {self._paths[-1]}")

    def __len__(self) -> int:
        return len(self._paths)

    def read(self, t: int) -> Weights:
        path, kept = self._paths[t], None if self._own else self.model.get_weights()
        try:
            self.model.load_weights(path)
            found = [np.array(weight) for weight in self.model.get_weights()]
        except FileNotFoundError:
            raise CheckpointError(f"{path} does not exist") from None
        except Exception as error:
            raise CheckpointError(
                f"{path} is damaged or not of this generator ({_reason(error)})"
            ) from error
        finally:
            if kept is not None:  # the caller's model is as it was
                self.model.set_weights(kept)
        checkpoints.check_finite(found, str(path))
        return found


class Models(Source):
    """Keras models, one per checkpoint."""

    def __init__(self, models: Sequence[Any]) -> None:
        self.model = models[-1]
        self._models = models
        shapes = [tuple(weight.shape) for weight in self.model.weights]
        outlines = [_outline_of(model) for model in models]
        for t, model in enumerate(models):
            _check_generator(model, f"model {t}")
            found = [tuple(weight.shape) for weight in model.weights]
            if found != shapes:
                raise ValueError(
                    f"checkpoints must be of one architecture: the weights of model {t} "
                    "differ in shape from those of the last"
                )
            alike = outlines[t] is not None and outlines[t] == outlines[-1]
            if not alike and not _computes_as(model, self.model):
                raise ValueError(
                    f"checkpoints must be of one architecture: model {t} is another network than "
                    "the last"
                )

    def __len__(self) -> int:
        return len(self._models)

    def read(self, t: int) -> Weights:
        found = [np.array(weight) for weight in self._models[t].get_weights()]
        checkpoints.check_finite(found, f"model {t}")
        return found


@functools.lru_cache(maxsize=4)
def _generator_of(sizes: Architecture) -> Any:
    """One model per architecture, so that what is compiled for it serves the next call too."""
    return sizes.generator()


def open_checkpoints(given: Any, model: Any = None) -> Source:
    """The checkpoints of a folder, a list of files, a list of Keras models, or one of these.

    Parameters
    ----------
    given : str, Path, keras.Model or a sequence of them
        A folder of `deepopt train`; a folder or list of `.keras` files, or of `.weights.h5` files
        with `model`, in natural order of their names; Keras models, first to last.
    model : keras.Model, optional
        The architecture of `.weights.h5` files.

    Raises
    ------
    CheckpointError
        For files that are missing, damaged, or not of the generator.
    ValueError, TypeError
        For what is no checkpoint, or models that are no generators of one shape.

    Examples
    --------
    >>> from deepopt.generators import Architecture, open_checkpoints
    >>> generator = Architecture("expansive", 3, (40,), hidden=(20,)).generator()
    >>> source = open_checkpoints(generator)
    >>> len(source), source.outputs(-1, np.zeros((2, 3))).shape
    (1, (2, 40))
    """
    if isinstance(given, Source):
        return given
    if isinstance(given, str | os.PathLike):
        return _of_path(Path(given), model)
    parts = list(given) if isinstance(given, Sequence) else None
    if parts and all(isinstance(part, str | os.PathLike) for part in parts):
        return _of_files(natural_order(Path(part) for part in parts), model)
    import keras  # not before: a path that is wrong is said at once

    parts = [given] if isinstance(given, keras.Model) else parts
    if parts is None:
        raise TypeError(
            "checkpoints must be a folder, a list of files or a list of Keras models, "
            f"got {type(given).__name__}"
        )
    if not parts:
        raise ValueError("checkpoints must hold at least one file or model, got an empty list")
    if all(isinstance(part, keras.Model) for part in parts):
        _check_unused(model, "Keras models")
        return Models(parts)
    kinds = ", ".join(sorted({type(part).__name__ for part in parts}))
    raise TypeError(f"checkpoints must all be files or all be Keras models, got {kinds}")


def _of_path(path: Path, model: Any) -> Source:
    if not path.exists():
        raise CheckpointError(f"{path} does not exist")
    if path.is_file():
        return _of_files([path], model)
    if (path / checkpoints.CONFIG).exists():
        _check_unused(model, "a folder of `deepopt train`")
        return Folder(path)
    found = {suffix: natural_order(path.glob(f"*{suffix}")) for suffix in SUFFIXES}
    kinds = [suffix for suffix, files in found.items() if files]
    if len(kinds) > 1:
        raise ValueError(f"{path} holds both .keras and .weights.h5 files; give a list of files")
    if not kinds:
        raise CheckpointError(
            f"{path} holds no checkpoints: neither {checkpoints.CONFIG} nor .keras or "
            ".weights.h5 files"
        )
    return _of_files(found[kinds[0]], model)


def _of_files(paths: list[Path], model: Any) -> Source:
    foreign = [path for path in paths if not path.name.endswith(SUFFIXES)]
    if foreign:
        raise ValueError(
            "checkpoints must be .keras or .weights.h5 files, or one folder of `deepopt train`, "
            f"got {foreign[0]}"
        )
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise CheckpointError(f"{missing[0]} is no file that exists")
    if model is None and any(path.name.endswith(".weights.h5") for path in paths):
        raise ValueError(".weights.h5 files need model=, the Keras model whose weights they hold")
    return KerasFiles(paths, model)


def _check_unused(model: Any, beside: str) -> None:
    if model is not None:
        raise ValueError(f"model is of no use beside {beside}, which bring their own architecture")


def _outline_of(given: Any) -> Any:
    """The config of a model or of a `.keras` file, whatever its layers are called; None without."""
    try:
        if isinstance(given, Path):
            with zipfile.ZipFile(given) as archive:
                return _unnamed(json.loads(archive.read("config.json")))
        return _unnamed(json.loads(given.to_json()))
    except Exception:  # subclassed models say nothing, damaged files anything; reading them decides
        return None


def _unnamed(config: dict[str, Any]) -> Any:
    """A Keras config with numbers in place of the layers' names."""
    names: dict[str, str] = {}

    def number(layers: list[Any]) -> None:
        for layer in layers:
            names.setdefault(layer["config"].get("name"), f"layer {len(names)}")
            number(layer["config"].get("layers", []))

    def renamed(part: Any, naming: bool) -> Any:
        if isinstance(part, dict):
            return {key: renamed(item, naming or key in WIRING) for key, item in part.items()}
        if isinstance(part, list):
            return [renamed(item, naming) for item in part]
        return names.get(part, part) if naming and isinstance(part, str) else part

    number([config])
    return renamed(config["config"], False)


def _computes_as(model: Any, other: Any) -> bool:
    """Whether `other` with the weights of `model` computes the same."""
    latents = np.random.default_rng(0).standard_normal((PROBES, *shapes_of(model)[0][1:]))
    x, weights = to_tensor(latents, "float32"), tensors(model.get_weights(), "float32")
    both = model, other
    try:
        with precision("float32"):
            one, two = (to_numpy(Generator(network).outputs(x, weights)) for network in both)
    except Exception:  # whatever Keras says of weights that do not fit
        return False
    if one.shape != two.shape:
        return False
    slack = SLACK * np.nan_to_num(np.abs(one)).max()
    return np.allclose(one, two, SLACK, slack, equal_nan=True)


def _model_of(path: Path) -> Any:
    import keras

    if not zipfile.is_zipfile(path):
        raise CheckpointError(f"{path} is damaged or no .keras file")
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        raise CheckpointError(
            f"{path} is no Keras model that loads safely; give its model= in Python "
            f"({_reason(error)})"
        ) from error


def _reason(error: Exception) -> str:
    """What an error of Keras says, on one line, and not for long."""
    return shorten(str(error), 240, placeholder=" …")


def _check_generator(model: Any, label: str) -> None:
    """A generator takes latents (batch, k) and gives one output per latent."""
    import keras

    if not isinstance(model, keras.Model):
        raise TypeError(f"{label} must be a Keras model, got {type(model).__name__}")
    into, out = shapes_of(model)
    single = isinstance(into, tuple) and isinstance(out, tuple)
    if not single or len(into) != 2 or into[1] is None or None in out[1:]:
        raise ValueError(
            f"{label} is no generator: it must map latents (batch, k) to outputs of a fixed shape, "
            f"but maps {into} to {out}"
        )


def shapes_of(model: Any) -> tuple[Any, Any]:
    """The shapes of a Keras model's inputs and outputs, as far as they are known."""
    import keras

    try:
        return model.input_shape, model.output_shape
    except AttributeError:  # a subclassed model knows what it was built for
        into = (model.get_build_config() or {}).get("input_shape") if model.built else None
    if into is None:
        return None, None
    into = (None, *into[1:])
    return into, getattr(model.compute_output_spec(keras.KerasTensor(into)), "shape", None)
