"""A fully connected ReLU network in float64, and the reading of one from a Keras model."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DISJOINT = "its layers do not follow one another"


@dataclasses.dataclass(frozen=True)
class ReluNetwork:
    """A fully connected ReLU network in float64.

    Parameters
    ----------
    weights : tuple of ndarray (n_i, n_{i-1})
        W_1 … W_d; n_0 = k.
    biases : tuple of ndarray (n_i,)
    last : ndarray (n, n_d)
        V.
    shift : ndarray (n,)
        c; 0 in the paper.

    Examples
    --------
    >>> weights = np.array([[1.0], [-1.0]])
    >>> fold = ReluNetwork((weights,), (np.zeros(2),), np.ones((1, 2)), np.zeros(1))
    >>> fold.outputs(np.array([[-3.0], [2.0]])).ravel()  # G(x) = abs(x)
    array([3., 2.])

    References
    ----------
    Song, Fan & Lafferty, Surfing: iterative optimization over incrementally trained deep networks,
    2019, §3.
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    last: Array
    shift: Array

    @property
    def latent_dim(self) -> int:
        return int((*self.weights, self.last)[0].shape[1])

    def preactivations(self, x: Array) -> list[Array]:
        """W_i x_{i-1} + b_i of latents (..., k): (..., n_i) for each hidden layer."""
        found = []
        for weight, bias in zip(self.weights, self.biases, strict=True):
            found.append(x @ weight.T + bias)
            x = np.maximum(found[-1], 0.0)
        return found

    def outputs(self, x: Array) -> Array:
        """G(x) (..., n) of latents (..., k)."""
        found = self.preactivations(x)
        hidden = np.maximum(found[-1], 0.0) if found else x
        made: Array = hidden @ self.last.T + self.shift
        return made

    def slope(self, x: Array, direction: Array) -> Array:
        """The derivative of G at latents (..., k) along directions (..., k): (..., n).

        It is one-sided: that of t ↦ G(x + t direction) at t = 0 from above.
        """
        for weight, bias in zip(self.weights, self.biases, strict=True):
            z, moved = x @ weight.T + bias, direction @ weight.T
            passes = (z > 0) | ((z == 0) & (moved > 0))
            x, direction = np.maximum(z, 0.0), np.where(passes, moved, 0.0)
        made: Array = direction @ self.last.T
        return made

    def measured_by(self, matrix: Array) -> ReluNetwork:
        """x ↦ A G(x)."""
        return dataclasses.replace(self, last=matrix @ self.last, shift=matrix @ self.shift)

    def fun(self, x: Array, y: Array) -> Array:
        """½ ‖G(x) - y‖² (...) of latents (..., k)."""
        made: Array = 0.5 * np.sum((self.outputs(x) - y) ** 2, axis=-1)
        return made


def read_network(model: Any, weights: list[NDArray[Any]]) -> ReluNetwork:
    """The fully connected ReLU network that a Keras model is, with these weights.

    Parameters
    ----------
    model : keras.Model
        Dense layers with ReLU between them, one after the other.
    weights : list of ndarray
        In the order of its `weights`.

    Returns
    -------
    network : ReluNetwork

    Raises
    ------
    ValueError
        In one sentence, for any other model.

    Examples
    --------
    >>> from deepopt.generators import Architecture
    >>> model = Architecture("expansive", 3, (40,), hidden=(20,)).generator()
    >>> network = read_network(model, model.get_weights())
    >>> network.latent_dim, network.last.shape
    (3, (40, 20))
    """
    from keras import activations, layers

    values = {id(v): np.asarray(w, "float64") for v, w in zip(model.weights, weights, strict=True)}
    folded: list[tuple[Array, Array]] = []
    pending: tuple[Array, Array] | None = None
    for layer in model.layers:
        relu = isinstance(layer, layers.ReLU) and not (layer.negative_slope or layer.threshold)
        relu = relu and layer.max_value is None
        if isinstance(layer, layers.Dense):
            kernel = values[id(layer.kernel)].T
            bias = values[id(layer.bias)] if layer.use_bias else np.zeros(len(kernel))
            before = len(pending[0]) if pending else len(folded[-1][0]) if folded else None
            if kernel.shape[1] != (before or kernel.shape[1]):
                raise _refusal(DISJOINT)
            if pending is not None:
                kernel, bias = kernel @ pending[0], kernel @ pending[1] + bias
            pending = kernel, bias
        activation = getattr(layer, "activation", activations.linear)
        if isinstance(layer, layers.Dense | layers.Activation):
            relu = activation is activations.relu
            known = relu or activation is activations.linear
        else:
            silent = layers.InputLayer | layers.Dropout | layers.Flatten | layers.Reshape
            known = relu or isinstance(layer, silent)
        if not known or (relu and pending is None):
            raise _refusal(f"it has the layer {layer.name!r} ({_described(layer)})")
        if relu and pending is not None:
            folded.append(pending)
            pending = None
    if pending is None:
        raise _refusal("its last layer is not linear")
    network = ReluNetwork(tuple(w for w, _ in folded), tuple(b for _, b in folded), *pending)
    _check_same(network, model, weights)
    return network


def _described(layer: Any) -> str:
    activation = getattr(getattr(layer, "activation", None), "__name__", None)
    return type(layer).__name__ + (f", {activation}" if activation else "")


def _refusal(why: str) -> ValueError:
    return ValueError(
        "linear pieces need a fully connected ReLU network, Dense layers with ReLU between them "
        f"and a linear last one, but the model is another: {why}"
    )


def _check_same(network: ReluNetwork, model: Any, weights: list[NDArray[Any]]) -> None:
    """Refuse a model whose layers do not follow one another."""
    from .._backend import precision, to_numpy, to_tensor
    from .._objective import Generator, tensors

    k = model.input_shape[-1]
    x = np.random.default_rng(0).standard_normal((8, k))
    with precision("float32"):
        made = Generator(model).outputs(to_tensor(x, "float32"), tensors(weights, "float32"))
    expected = to_numpy(made).reshape(len(x), -1)
    if network.latent_dim != k or network.last.shape[0] != expected.shape[1]:
        raise _refusal(DISJOINT)
    if np.abs(network.outputs(x) - expected).max() > 1e-3 * (1.0 + np.abs(expected).max()):
        raise _refusal(DISJOINT)
