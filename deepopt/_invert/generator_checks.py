"""What a generator and an operator must be for a value to prove anything, tried on a few latents.

- A row of a batch comes from its own latent alone: whatever stands in the other rows, NaN,
  infinities or other numbers, leaves it as it is to the last bit.
- Two equal calls of the model agree; else a layer is random.
- A small step changes the outputs in proportion; else something rounds to half precision.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .._backend import Tensors, to_numpy, to_tensor
from .._objective import Generator
from .._support.checks import warn
from ..reparametrizations import Latent

ROWS = 4  # latents that are looked at
AGREES = 1e-6  # relative difference of two equal calls
STEP, LARGER = 2.0**-14, 2.0**8  # of latents, relative; half precision has at most 11 bits
UNEVEN = 2.0  # times more or less than in proportion
NOISE, SHOWN = 2.0**-20, 2.0**-16  # of the outputs: what float32 does to them; what it can show

Rows = Callable[[np.ndarray], np.ndarray]


def check_generator(
    generator: Generator, latent: Latent, k: int, weights: Tensors, dtype: str
) -> bool:
    """Whether a low value proves that a latent is found; a warning where it does not.

    Raises
    ------
    ValueError
        Where rows of a batch meet, in the model or in the operator.
    """
    model, rng = generator.model, np.random.default_rng(0)
    x = Latent(prior=latent.prior).draw(rng, ROWS, k)

    def outputs(at: np.ndarray) -> np.ndarray:
        return np.asarray(to_numpy(generator.outputs(to_tensor(at, dtype), weights)))

    made = outputs(x)
    if not _rows_apart(outputs, x):
        raise ValueError(
            f"model {model.name!r} must make each output from its own latent, but a row of a batch "
            "changes with the other rows"
        )
    if generator.operator is not None:

        def measured(at: np.ndarray) -> np.ndarray:
            return np.asarray(to_numpy(generator.measured(to_tensor(at, dtype), None)))

        if not _rows_apart(measured, made):
            raise ValueError(
                "operator must measure each output by itself, but a row of what it makes of a "
                "batch changes with the other rows"
            )
    return _repeats(generator, x) and _resolves(outputs, x, made)


def _rows_apart(function: Rows, x: np.ndarray) -> bool:
    whole = function(x)
    for index in (0, ROWS - 1):
        for others in (np.nan, np.inf, -np.inf, 0.0, np.roll(x, 1, axis=0)):
            poisoned = np.array(np.broadcast_to(others, x.shape), dtype=x.dtype)
            poisoned[index] = x[index]
            if not np.array_equal(function(poisoned)[index], whole[index], equal_nan=True):
                return False
    return True


def _resolves(outputs: Rows, x: np.ndarray, made: np.ndarray) -> bool:
    """Whether a small step of the latents changes the outputs in proportion to a larger one.

    Rounding makes stairs: most small steps change nothing, or by one stair too much. A change that
    drowns in what float32 itself rounds off tells nothing.
    """
    near, far = (
        np.linalg.norm((outputs(x * (1.0 + step)) - made).reshape(ROWS, -1), axis=1)
        for step in (STEP, LARGER * STEP)
    )
    with np.errstate(all="ignore"):
        size = np.linalg.norm(made.reshape(ROWS, -1), axis=1)
        none = (near == 0) & (far > SHOWN * size)
        ratios, off = near * LARGER / far, np.abs(near - far / LARGER)
        uneven = ~((ratios > 1.0 / UNEVEN) & (ratios < UNEVEN)) & (off > NOISE * size)
    if (none | uneven).mean() <= 0.5:
        return True
    warn(
        "the model rounds to half precision by itself, so that no latents can be told from their "
        "neighbours and none is said to be found",
        RuntimeWarning,
    )
    return False


def _repeats(generator: Generator, x: np.ndarray) -> bool:
    """Whether two equal calls of the model agree; what they change of it is put back."""
    variables = generator.model.non_trainable_variables
    before = [np.array(to_numpy(variable.value)) for variable in variables]

    def put_back() -> None:
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)

    try:
        if _agree(generator.called(x), generator.called(x)):
            return True
        put_back()
        layer = _random_layer(generator, x)
    finally:
        put_back()
    named = "" if layer is None else f": its layer {layer.name!r} ({type(layer).__name__})"
    warn(
        f"the model is random, two equal calls of it differ{named}; what is inverted is one draw, "
        "and no latents are said to be found",
        RuntimeWarning,
    )
    return False


def _agree(one: np.ndarray, two: np.ndarray) -> bool:
    one, two = (part.astype("float64") for part in (one, two))
    size = float(np.abs(np.nan_to_num(one)).max(initial=1e-30))
    return bool(np.allclose(one, two, 0.0, AGREES * size, equal_nan=True))


def _random_layer(generator: Generator, x: np.ndarray) -> Any:
    """The first layer whose outputs differ in two equal calls where its inputs do not."""
    layers = list(generator.model._flatten_layers(include_self=False))
    leaves = [one for one in layers if not one._flatten_layers(include_self=False)]
    seen: list[tuple[Any, Any, Any]] = []

    def noting(layer: Any, call: Callable[..., Any], *args: Any, **given: Any) -> Any:
        out = call(*args, **given)
        seen.append((layer, _numbers((args, given)), _numbers(out)))
        return out

    for layer in leaves:
        vars(layer)["call"] = functools.partial(noting, layer, layer.call)
    try:
        generator.called(x)
        first, half = seen.copy(), len(seen)
        generator.called(x)
    finally:
        for layer in leaves:
            vars(layer).pop("call", None)
    for (layer, inputs, outputs), (_, again, others) in zip(first, seen[half:], strict=False):
        if all(map(_agree, inputs, again)) and not all(map(_agree, outputs, others)):
            return layer
    return None


def _numbers(nested: Any) -> list[np.ndarray]:
    """The tensors in arguments or results, as arrays."""
    import keras

    return [
        np.asarray(to_numpy(leaf))
        for leaf in keras.tree.flatten(nested)
        if keras.ops.is_tensor(leaf)
    ]
