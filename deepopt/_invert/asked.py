"""What a user asked of `invert`, read and checked."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .._backend import Tensor, ops, output_shape, to_numpy, to_tensor
from .._backend import name as backend
from .._objective import Generator
from .._support.checks import in_brief, warn
from .._support.saving import digest
from ..linear_pieces import read_network
from ..reparametrizations import Latent
from .arguments import read_bounds, read_matrix, read_targets
from .options import InvertOptions

if TYPE_CHECKING:
    from ..generators.sources import Source

SALT = 1905  # of the draws


class Asked(NamedTuple):
    """The arguments of a call."""

    source: Source
    targets: np.ndarray  # (B, m)
    single: bool  # whether y was one of them
    method: str
    matrix: Tensor | None  # (m, n) of the measurement
    generator: Generator
    latent: Latent
    options: InvertOptions
    callback: Callable[..., Any] | None
    rng: np.random.Generator
    seeded: bool  # whether the user gave that
    started: float  # time.perf_counter()

    @property
    def k(self) -> int:
        return self.source.latent_dim

    def described(self) -> dict[str, str]:
        """What, beside the options, tells this call from others, under names that a user knows."""
        source, matrix, function = self.source, self.matrix, self.generator.operator
        weights = source.read(len(source) - 1)
        return {
            "method": self.method, "backend": backend(), "y": digest(self.targets),
            "operator": getattr(function, "__qualname__", repr(function))
            if matrix is None else digest(to_numpy(matrix)),
            "number of checkpoints": str(len(source)), "last checkpoint": digest(*weights),
            **({"rng": digest(repr(self.rng.bit_generator.state))} if self.seeded else {}),
        }  # fmt: skip


def read(
    source: Source, y: Any, method: str, operator: Any, options: InvertOptions,
    callback: Callable[..., Any] | None, rng: np.random.Generator, seeded: bool, started: float,
) -> Asked:  # fmt: skip
    """The arguments, checked against the generator and against one another."""
    # A caller who drew latents of his own from the same seed does not meet them in the codebook
    rng = np.random.default_rng([SALT, int(rng.integers(2**32))])
    k, n = source.latent_dim, math.prod(source.output_shape)
    method = method if method == "direct" or _has_networks(source, method) else "direct"
    function = operator if callable(operator) and not hasattr(operator, "matmat") else None
    matrix = None
    shape = source.output_shape
    if function is not None:
        shape = _measured_by(function, shape, options.dtype)
    elif operator is not None:
        dense = read_matrix(operator, n)
        matrix, shape = to_tensor(dense, options.dtype), (len(dense),)
    targets, single = read_targets(y, shape)
    if math.prod(shape) < k:
        raise ValueError(
            f"y must have at least as many numbers as a latent, {k}, got {math.prod(shape)}"
        )
    latent = Latent(read_bounds(options.latent_bounds, k), options.prior or source.prior)
    if method == "projected-surf":
        _check_linear(source, function, latent)
    return Asked(
        source, targets, single, method, matrix, Generator(source.model, function), latent,
        options, callback, rng, seeded, started,
    )  # fmt: skip


def _has_networks(source: Source, method: str) -> bool:
    if len(source) > 1:
        return True
    warn(f"there is one checkpoint only, so {method!r} does as 'direct' does", RuntimeWarning)
    return False


def _check_linear(source: Source, function: Callable[..., Any] | None, latent: Latent) -> None:
    """Refuse what Algorithm 2 is not made for."""
    if function is not None:
        raise ValueError("operator must be a matrix for 'projected-surf', got a function")
    if latent.bounds is not None:
        raise ValueError("latent_bounds must be None for 'projected-surf'")
    read_network(source.model, source.read(len(source) - 1))


def _measured_by(
    function: Callable[..., Any], shape: tuple[int, ...], dtype: str
) -> tuple[int, ...]:
    """The shape of what an operator makes of one output of this shape."""
    try:
        found = output_shape(function, (2, *shape), dtype)
    except Exception as error:
        raise ValueError(
            "operator must be a traceable function of outputs (batch, "
            f"{', '.join(map(str, shape))}), but it raised {in_brief(error)}"
        ) from error
    if not found or found[0] != 2:
        raise ValueError(
            f"operator must keep the first axis of a batch; of 2 outputs it made {found}"
        )
    zeros = ops.zeros((2, *shape), dtype=dtype)
    if "complex" in str(getattr(function(zeros), "dtype", "")):
        raise TypeError("operator must give real numbers, got complex ones")
    return found[1:]
