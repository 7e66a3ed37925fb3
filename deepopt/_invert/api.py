"""`invert`: checkpoints and measurements in, latents out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .._backend import precision
from .._engine import run
from .._support.checks import check_choice, read_rng
from .asked import read
from .call import InvertCall
from .options import read_options

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult

    from .._support.results import Result

METHODS = ("direct", "surf", "projected-surf")


def invert(
    checkpoints: Any,
    y: Any,
    method: str = "direct",
    *,
    operator: Any = None,
    model: Any = None,
    options: Mapping[str, Any] | None = None,
    callback: Callable[..., Any] | None = None,
    rng: Any = None,
) -> OptimizeResult:
    """Find the latents whose outputs are y: x with G(x) ≈ y, or A G(x) ≈ y.

    Minimises f(x) = ½ ‖A G(x) - y‖², for all targets at once.

    Parameters
    ----------
    checkpoints : str, Path, keras.Model or a sequence of them
        A folder of `deepopt train`; a folder or list of `.keras` files, or of `.weights.h5` files
        with `model`, taken in natural order of their names; Keras models, first to last. The last
        one is inverted.
    y : array_like
        One target, of the generator's output shape or flat, or a batch of them along the first
        axis; with `operator` measurements (m,) or (B, m).
    method : {"direct", "surf", "projected-surf"}, default "direct"
        "direct" descends on the last generator alone. "surf" first follows the minimiser through
        the generators of the training (paper B, Algorithm 1). "projected-surf", for fully connected
        ReLU networks, goes from one generator to the next by the best of the linear pieces around
        the last minimiser (Algorithm 2); only the first one is descended by the `solver`.
    operator : array_like, LinearOperator or callable, optional
        The measurement A: a matrix (m, n) for n numbers in an output, or a traceable function of
        outputs (batch, ...).
    model : keras.Model, optional
        The architecture of `.weights.h5` files; nothing else needs it.
    options : dict, optional
        solver ("lm", "adam", "gd" or a descent), starts, n_starts, latent_bounds and others; see
        ``deepopt list`` for all of them. By default up to 200 iterations of "lm", or 2,000 of
        the others at the rate 0.1.
    callback : callable, optional
        ``callback(intermediate_result=OptimizeResult)`` every few iterations, with the best
        latents so far as x and with fun, nit and cost, shaped as in the result. StopIteration ends
        the call with status 99.
    rng : None, int or numpy.random.Generator, optional
        By SPEC 7.

    Returns
    -------
    OptimizeResult
        For one target x (k,), fun, success, status and cost as numbers; for B targets (B, k) and
        (B,); nit, the message (of the worst target) and method. `success` says that a descent
        ended by itself, perhaps in a minimum above 0; `found` that f is at most `ftol` ‖y‖² (by
        default 1e-11 for "lm" and 1e-8 for the others), computed from the x that is returned. A
        generator in half precision is evaluated in float32; one that is random, or rounds to half
        precision by itself, proves nothing, so that its targets are never `found`, and a
        RuntimeWarning says so. `output` is G(x), `residual` A G(x) - y. `cost` counts the forward
        passes per target (a gradient as two, a Jacobian as k) but for the one that makes `output`;
        `preparation` those that all share: the codebook, and a look at the range of outputs. `path`
        (T, k) or (T, B, k), of a surf, holds the minimisers on the networks before the last, as far
        as it went. Of a projected one, `pieces` (T,) or (T, B) says how many were searched on each
        network after the first, at k + 1 forward passes each, and `complete` whether these were
        all: False where `max_pieces` left some out.

    Raises
    ------
    CheckpointError
        For files that are missing, damaged, or not of the generator.
    ValueError, TypeError
        One sentence that names the argument, what was received and what was expected.

    Examples
    --------
    >>> import deepopt, numpy as np
    >>> from deepopt.generators import Architecture
    >>> generator = Architecture("expansive", 3, (40,), hidden=(20,)).generator()
    >>> y = np.asarray(generator(np.array([[0.5, -0.2, 0.1]])))[0]
    >>> result = deepopt.invert(generator, y, rng=0)
    >>> bool(result.success)
    True

    References
    ----------
    Song, Fan & Lafferty, Surfing: iterative optimization over incrementally trained deep networks,
    2019.
    """
    from ..generators.sources import open_checkpoints

    started = time.perf_counter()
    check_choice("method", method.lower() if isinstance(method, str) else method, METHODS)
    if not isinstance(options, Mapping | None):
        raise TypeError(f"options must be a dict, got {type(options).__name__}")
    settings = read_options(dict(options or {}), method)
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be callable, got {type(callback).__name__}")
    generator = read_rng(rng)

    def body() -> Result:
        source = open_checkpoints(checkpoints, model)
        with precision(settings.dtype, settings.precision):
            asked = read(
                source, y, method.lower(), operator, settings, callback, generator,
                rng is not None, started,
            )  # fmt: skip
            return InvertCall(asked).run()

    return run(settings, body)
