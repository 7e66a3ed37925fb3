"""A Keras generator and a measurement as one traced function of latents and weights."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from .._backend import Tensor, Tensors, ops, to_numpy, to_tensor, value_and_grad

HALVES = {"float16": 2.0**-10, "bfloat16": 2.0**-7}  # and how finely they resolve


class Context(NamedTuple):
    """What the residuals depend on besides the latents: tensors, so that none compiles anew."""

    weights: Tensors  # θ, in the order of the model's `weights`
    matrix: Tensor | None  # (m, n) of the measurement
    targets: Tensor  # (R, m)


class Generator:
    """x ↦ A G_θ(x), in inference mode, and in float32 where the model's layers compute in less.

    Parameters
    ----------
    model : keras.Model
        From latents (batch, k) to outputs; its own weights do not matter.
    operator : callable, optional
        A traceable function from outputs (batch, ...) to measurements (batch, m), in place of a
        matrix.
    """

    def __init__(self, model: Any, operator: Callable[[Tensor], Tensor] | None = None) -> None:
        self.bind(model, operator)

    def bind(self, model: Any, operator: Callable[[Tensor], Tensor] | None) -> None:
        """From now on trace these, which compute what the former ones did."""
        self.model, self.operator = model, operator
        takes = inspect.signature(model.call).parameters
        self._mode = {"training": False} if "training" in takes else {}
        places = {id(weight): at for at, weight in enumerate(model.weights)}
        self._trainable = [places[id(v)] for v in model.trainable_variables]
        others = model.non_trainable_variables
        self._others: list[int | np.ndarray] = [
            places.get(id(v), np.asarray(v))
            for v in others  # what is no weight: seeds
        ]
        layers = model._flatten_layers()
        self._half = [layer for layer in layers if layer.compute_dtype in HALVES]

    def outputs(self, x: Tensor, weights: Tensors) -> Tensor:
        """G_θ(x) (N, ...) of latents (N, k), in x's type; the model computes in its own."""
        others = [
            weights[other] if isinstance(other, int) else ops.convert_to_tensor(other)
            for other in self._others
        ]
        trainable = [weights[at] for at in self._trainable]
        with self._in_full():
            found = self.model.stateless_call(trainable, others, x, **self._mode)[0]
        return ops.cast(found, x.dtype)

    def called(self, x: np.ndarray) -> np.ndarray:
        """What the user gets by calling the model with latents (N, k), in the end."""
        with self._in_full():
            return to_numpy(self.model(to_tensor(x, "float32"), **self._mode))

    @contextlib.contextmanager
    def _in_full(self) -> Iterator[None]:
        """A scope in which layers of half precision compute in float32."""
        before = [layer.dtype_policy for layer in self._half]
        try:
            for layer in self._half:
                layer.dtype_policy = "float32"
            yield
        finally:
            for layer, policy in zip(self._half, before, strict=True):
                layer.dtype_policy = policy

    def measured(self, outputs: Tensor, matrix: Tensor | None) -> Tensor:
        """A applied to outputs (N, ...): measurements (N, m)."""
        if self.operator is not None:
            outputs = ops.cast(self.operator(outputs), outputs.dtype)
        flat = ops.reshape(outputs, (outputs.shape[0], -1))
        return flat if matrix is None else ops.matmul(flat, ops.transpose(matrix))

    def residuals(self, x: Tensor, context: Context) -> Tensor:
        """A G_θ(x) - y (R, n, m) of latents (R, n, k)."""
        runs, n, k = x.shape
        outputs = self.outputs(ops.reshape(x, (runs * n, k)), context.weights)
        found = self.measured(outputs, context.matrix)
        return ops.reshape(found, (runs, n, -1)) - context.targets[:, None, :]

    def slopes(self, x: Tensor, context: Context) -> tuple[Tensor, Tensor]:
        """½ ‖A G_θ(x) - y‖² (S, R, n) and its gradient, of latents (S, R, n, k)."""

        def loss(at: Tensor) -> Tensor:
            r = self.residuals(at[0], context)
            return 0.5 * ops.sum(r * r, axis=-1)[None]

        return value_and_grad(loss)(x)


def tensors(arrays: list[np.ndarray], dtype: str) -> Tensors:
    """Weights as tensors; those that are no floats stay as they are."""
    made = []
    for array in arrays:
        half = array.dtype.name in HALVES
        wide = array.astype("float32") if half else array
        made.append(to_tensor(wide, dtype if wide.dtype.kind == "f" else wide.dtype.name))
    return made
