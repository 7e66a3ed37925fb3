"""`invert`: checkpoints and measurements in, latents out."""

from __future__ import annotations

import dataclasses
import math
import time
import warnings
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ._backend import (
    FLOATS,
    Tensor,
    Tensors,
    ops,
    output_shape,
    precision,
    tangents_flow,
    to_tensor,
)
from ._checks import check_choice, check_flag, check_number, in_brief, shown
from ._generator import Generator, tensors
from ._inversion import Found, Inversion, Programs, Settings, Stopped
from ._methods import Recipe, option
from ._minimize import TURN, read_rng, warn_unknown
from ._result import Status
from .descents import Adam, Descent, GradientDescent, LevenbergMarquardt
from .reparametrizations import PRIORS, Latent
from .schedules import Constant, Surf

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult

    from .generators.sources import Source

METHODS = ("direct", "surf")
SOLVERS = ("lm", "adam", "gd")
STARTS = ("codebook", "random", "zero")
RATES = {"lm": 1.0, "adam": 0.1, "gd": 0.1}
ITERATIONS = {"lm": 200, "adam": 2000, "gd": 2000}
STALL = {"lm": 4, "adam": 100, "gd": 100}
PROGRESS = 1e-3  # part of f that counts as progress
PER_TARGET, LEAST_CODES, MOST_CODES = 16, 256, 4096
FOUND, ENOUGH = 1e-8, 1e-14  # of |y|²: f below which a target is found, and a run ends
PAPER = {  # paper B, §4: regular Adam from one random start, T networks before the last
    "solver": "adam", "starts": "random", "n_starts": 1, "learning_rate": 0.01,
    "maxiter": 10_000, "schedule": Surf(budget=1000),
}  # fmt: skip
RANGED, OTHER_SCALE = 64, 50.0  # outputs that show the range of y; how far beyond it is absurd
RESOLUTIONS, FINE = {"float16": 2.0**-10, "bfloat16": 2.0**-7}, 2.0**-23  # of a generator
KEPT = 8  # compiled programs
_compiled: OrderedDict[Hashable, Programs] = OrderedDict()


@dataclasses.dataclass(frozen=True)
class InvertOptions:
    """Options of `deepopt.invert`."""

    solver: str | Descent = option("lm", '"lm", "adam", "gd", or a descent')
    starts: Any = option("codebook", '"codebook", "random", "zero", or an array of latents')
    n_starts: int = option(10, "starts per target at most; the next ones wait for a failure")
    n_codes: int | None = option(None, "latents of the codebook; 16 per target, 256 to 4,096")
    latent_bounds: Any = option(None, "None, r for [-r, r], or (min, max) of each latent")
    prior: str | None = option(None, 'how latents are drawn: "uniform", "normal", or the own')
    schedule: Surf | None = option(None, "how a surf goes through the networks: a `Surf`")
    learning_rate: float | None = option(None, "of Adam and gd, in units of the latents")
    maxiter: int | None = option(None, "iterations of a descent on the last generator")
    maxtime: float | None = option(None, "wall seconds from the call, compilation included")
    ftol: float = option(FOUND, "a target is found where f is at most this part of |y|²")
    dtype: str = option("float32", "of all but the generator, which computes in its own")
    disp: bool = option(False, "print the outcome")
    preset: str | None = option(None, '"paper": the settings of the surfing paper')

    def check(self) -> None:
        """Raise TypeError or ValueError naming the first option that is not sound."""
        if not isinstance(self.solver, Descent):
            check_choice("solver", self.solver, SOLVERS)
        if isinstance(self.starts, str):
            check_choice("starts", self.starts, STARTS)
        check_number("n_starts", self.n_starts, whole=True, at_least=1)
        if self.prior is not None:
            check_choice("prior", self.prior, PRIORS)
        if self.schedule is not None and not isinstance(self.schedule, Surf):
            raise TypeError(f"schedule must be a Surf, got {shown(self.schedule)}")
        for label in ("n_codes", "maxiter"):
            if getattr(self, label) is not None:
                check_number(label, getattr(self, label), whole=True, at_least=1)
        for label in ("learning_rate", "maxtime"):
            if getattr(self, label) is not None:
                check_number(label, getattr(self, label), above=0.0)
        check_number("ftol", self.ftol, at_least=0.0)
        check_choice("dtype", self.dtype, FLOATS)
        check_flag("disp", self.disp)

    @property
    def _kind(self) -> str:
        if isinstance(self.solver, str):
            return self.solver
        return "lm" if self.solver.needs_jacobian else "adam"

    def descent(self, k: int) -> Descent:
        if isinstance(self.solver, Descent):
            return self.solver
        if self.solver == "lm":
            return LevenbergMarquardt(period=period(k))
        return Adam() if self.solver == "adam" else GradientDescent(decay=1.0)

    def settings(self, recipe: Recipe, resolution: float) -> Settings:
        """Those of every descent; the generator's numbers are as fine as `resolution`."""
        kind, finest = self._kind, resolution**2
        return Settings(
            recipe, self.learning_rate or RATES[kind], self.maxiter or ITERATIONS[kind],
            max(self.ftol, finest), max(min(ENOUGH, self.ftol), finest), PROGRESS,
            STALL[kind], self.dtype,
        )  # fmt: skip


def period(k: int) -> int:
    """Iterations between two true Jacobians that measured best for k latents."""
    return int(np.clip(round(1.8 * k**0.5), 2, 16))


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

    Minimises f(x) = ½ |A G(x) - y|², for all targets at once.

    Parameters
    ----------
    checkpoints : str, Path, keras.Model or a sequence of them
        A folder of `deepopt train`; a folder or list of `.keras` files, or of `.weights.h5` files
        with `model`, taken in natural order of their names; Keras models, first to last. The last
        one is inverted.
    y : array_like
        One target, of the generator's output shape or flat, or a batch of them along the first
        axis; with `operator` measurements (m,) or (B, m).
    method : {"direct", "surf"}, default "direct"
        "direct" descends on the last generator alone. "surf" first rides the minimiser through the
        generators of the training (paper B, Algorithm 1).
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
        ``callback(intermediate_result=OptimizeResult)`` with the best latents so far, every few
        iterations. StopIteration ends the call with status 99.
    rng : None, int or numpy.random.Generator, optional
        By SPEC 7.

    Returns
    -------
    OptimizeResult
        For one target x (k,), fun, success, status and cost as numbers; for B targets (B, k) and
        (B,); nit, the message (of the worst target) and method. `success` says that a descent
        ended by itself, perhaps in a minimum above 0; `found` that f is at most `ftol` |y|², or the
        rounding of a generator in half precision. `output` is G(x), `residual` A G(x) - y. `cost`
        counts the forward passes per target (a gradient as two, a Jacobian as k) but for the one
        that makes `output`; `preparation` those that all share: the codebook, and a look at the
        range of outputs. `path` (T, k) or (T, B, k), of a surf, holds the minimisers on the
        networks before the last, as far as it went.

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
    from .generators.sources import open_checkpoints

    started = time.perf_counter()
    check_choice("method", method.lower() if isinstance(method, str) else method, METHODS)
    if not isinstance(options, Mapping | None):
        raise TypeError(f"options must be a dict, got {type(options).__name__}")
    settings = _read_options(dict(options or {}), method)
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be callable, got {type(callback).__name__}")
    generator = read_rng(rng)
    with TURN:
        source = open_checkpoints(checkpoints, model)
        with precision(settings.dtype):
            return _Call(
                source, y, method.lower(), operator, settings, callback, generator, started
            ).run()


def _read_options(given: dict[str, Any], method: str) -> InvertOptions:
    names = {field.name for field in dataclasses.fields(InvertOptions)}
    for key in [key for key in given if key not in names]:
        warn_unknown(key, f"invert with method {method!r}", stacklevel=4)
        del given[key]
    if given.get("preset") is not None:
        check_choice("preset", given["preset"], ("paper",))
        given = PAPER | given
    options = InvertOptions(**given)
    options.check()
    return options


class _Call:
    """One call of `invert`; `run` may be called once."""

    def __init__(
        self, source: Source, y: Any, method: str, operator: Any, options: InvertOptions,
        callback: Callable[..., Any] | None, rng: np.random.Generator, started: float,
    ) -> None:  # fmt: skip
        self._source, self._options, self._rng, self._started = source, options, rng, started
        self._callback, self._k = callback, source.latent_dim
        self._shape, self._n = source.output_shape, math.prod(source.output_shape)
        self._surfs = method == "surf" and self._has_networks()
        function = operator if callable(operator) and not hasattr(operator, "matmat") else None
        matrix = None if function is not None or operator is None else _matrix(operator, self._n)
        self._matrix = None if matrix is None else to_tensor(matrix, options.dtype)
        measured = self._n if matrix is None else len(matrix)
        self._generator = Generator(source.model, function)
        if function is not None:
            measured = self._measured_by(function)
        plain = operator is None
        self._targets, self._single = _read_targets(y, self._shape if plain else (measured,))
        if measured < self._k:
            raise ValueError(
                f"y must have at least as many numbers as a latent, {self._k}, got {measured}"
            )
        self._latent = Latent(
            _bounds(options.latent_bounds, self._k), options.prior or source.prior
        )

    def _has_networks(self) -> bool:
        if len(self._source) > 1:
            return True
        warnings.warn(
            "there is one checkpoint only, so 'surf' does as 'direct' does",
            RuntimeWarning, stacklevel=4,
        )  # fmt: skip
        return False

    def _measured_by(self, function: Callable[..., Any]) -> int:
        try:
            shape = output_shape(function, (2, *self._shape), self._options.dtype)
        except Exception as error:
            raise ValueError(
                "operator must be a traceable function of outputs (batch, "
                f"{', '.join(map(str, self._shape))}), but it raised {in_brief(error)}"
            ) from error
        if not shape or shape[0] != 2:
            raise ValueError(
                f"operator must keep the first axis of a batch; of 2 outputs it made {shape}"
            )
        zeros = ops.zeros((2, *self._shape), dtype=self._options.dtype)
        if "complex" in str(getattr(function(zeros), "dtype", "")):
            raise TypeError("operator must give real numbers, got complex ones")
        return math.prod(shape[1:])

    def run(self) -> OptimizeResult:
        options, source = self._options, self._source
        schedule = options.schedule or Surf()
        recipe = Recipe(self._latent, Constant(), options.descent(self._k))
        deadline = self._started + (np.inf if options.maxtime is None else options.maxtime)
        resolution = RESOLUTIONS.get(source.model.compute_dtype, FINE)
        weights = tensors(source.read(len(source) - 1), options.dtype)
        programs, settings = self._programs(recipe, weights), options.settings(recipe, resolution)
        inversion = Inversion(
            programs, settings, self._targets, self._k, self._matrix, deadline, self._watch
        )
        stopped = None
        self._check_range(inversion, weights)
        starts = self._starts(inversion, weights)
        try:
            if self._surfs:
                networks = (tensors(w, options.dtype) for w in source.stream())
                shares = schedule.iterations(len(source) - 1)
                inversion.ride(networks, shares, starts[:, 0], schedule.interpolate)
                starts = np.concatenate([inversion.path[-1][:, None], starts[:, 1:]], axis=1)
            inversion.descend(weights, starts)
        except Stopped as stop:
            stopped = stop.args[0]
        except KeyboardInterrupt:
            stopped = Status.INTERRUPTED
        return self._result(inversion, weights, stopped)

    def _programs(self, recipe: Recipe, weights: Tensors) -> Programs:
        """What is compiled for this generator: what is there, else anew."""
        key = (id(self._source.model), recipe, self._options.dtype, self._generator.operator)
        if key not in _compiled:
            tangents = not recipe.descent.needs_jacobian or self._tangents_flow(weights)
            # It keeps the model, and so its id
            _compiled[key] = Programs(self._generator, recipe, tangents)
            while len(_compiled) > KEPT:
                _compiled.popitem(last=False)
        _compiled.move_to_end(key)
        return _compiled[key]

    def _tangents_flow(self, weights: Tensors) -> bool:
        """Whether the generator, and what measures it, has forward-mode derivatives."""
        drawn = Latent(prior=self._latent.prior).draw(np.random.default_rng(0), 16, self._k)

        def measured(x: Tensor) -> Tensor:
            return self._generator.measured(self._generator.outputs(x, weights), self._matrix)

        return tangents_flow(measured, to_tensor(drawn, self._options.dtype))

    def _starts(self, inversion: Inversion, weights: Tensors) -> np.ndarray:
        """Where the descents begin (B, S, k), inside the box; the first are the best so far."""
        options, count, k = self._options, len(self._targets), self._k
        f = None
        if not isinstance(options.starts, str):
            starts = _read_starts(options.starts, count, k)
        elif options.starts == "zero":
            starts = np.zeros((count, 1, k))
        elif options.starts == "random":
            drawn = self._latent.draw(self._rng, count * options.n_starts, k)
            starts = drawn.reshape(count, options.n_starts, k)
        else:
            codes = options.n_codes or int(np.clip(PER_TARGET * count, LEAST_CODES, MOST_CODES))
            codes = max(codes, options.n_starts)
            self._preparation += codes
            drawn = self._latent.draw(self._rng, codes, k)
            starts, f = inversion.nearest(weights, drawn, options.n_starts)
        starts = self._clip(starts)
        inversion.begin(starts[:, 0], f)
        return starts

    def _clip(self, x: np.ndarray) -> np.ndarray:
        """Latents (..., k) inside the box."""
        bounds = self._latent.bounds
        return x if bounds is None else np.clip(x, *np.transpose(bounds))

    def _check_range(self, inversion: Inversion, weights: Tensors) -> None:
        """Refuse targets of another scale than the generator's (0 to 255 in place of 0 to 1)."""
        anywhere = Latent(prior=self._latent.prior)
        _, made = inversion.outputs(
            weights, anywhere.draw(np.random.default_rng(0), RANGED, self._k)
        )
        self._preparation = RANGED
        low, high = float(made.min()), float(made.max())
        beyond = OTHER_SCALE * (high - low)
        inside = self._targets.min() >= low - beyond and self._targets.max() <= high + beyond
        if beyond > 0 and not inside:
            raise ValueError(
                f"y must be in the range of the generator, about {low:.3g} to {high:.3g}, got "
                f"{self._targets.min():.3g} to {self._targets.max():.3g}"
            )

    def _watch(self, found: Found) -> bool:
        if self._callback is None:
            return False
        from scipy.optimize import OptimizeResult

        one = 0 if self._single else slice(None)
        now = OptimizeResult(
            x=found.x[one].copy(), fun=found.f[one].copy(), nit=int(found.nit.max())
        )
        try:
            self._callback(intermediate_result=now)
        except StopIteration:
            return True
        return False

    def _result(
        self, inversion: Inversion, weights: Tensors, stopped: Status | None
    ) -> OptimizeResult:
        from scipy.optimize import OptimizeResult

        found = inversion.found
        x = self._clip(found.x)
        images, measured = inversion.outputs(weights, x)
        residual = measured.astype("float64") - self._targets
        fun = 0.5 * np.sum(residual**2, axis=1)
        is_found = fun <= inversion.certified
        status = found.status.copy()
        if stopped is not None:
            status[~found.over] = stopped
        status[is_found] = Status.CONVERGED
        one = 0 if self._single else slice(None)
        result = OptimizeResult(
            x=x[one], fun=float(fun[0]) if self._single else fun,
            success=bool(status[0] == 0) if self._single else status == 0,
            status=int(status[0]) if self._single else status,
            message=_sentence(status),
            output=images[one], residual=residual[one], found=is_found[one],
            cost=int(found.cost[0]) if self._single else found.cost,
            preparation=self._preparation, nit=int(found.nit[0]) if self._single else found.nit,
            method="surf" if self._surfs else "direct",
        )  # fmt: skip
        if self._surfs:
            path = np.array(inversion.path).reshape(-1, *x.shape)
            result.path = path[:, 0] if self._single else path
        if self._options.disp:
            print(
                f"{result.method}: {is_found.sum()} of {len(fun)} found, {found.cost.mean():.0f} "
                f"forward passes each"
            )
        return result


def _sentence(status: np.ndarray) -> str:
    """What to say of all targets: of the worst."""
    return next(one.sentence for one in Status if one == status.max())


def _matrix(operator: Any, n: int) -> np.ndarray:
    """A as a dense matrix (m, n)."""
    shape: tuple[int, ...] = getattr(operator, "shape", ())
    if hasattr(operator, "matmat"):
        fits = len(shape) == 2 and shape[1] == n
        operator = operator.matmat(np.eye(n)) if fits else np.empty((0, 0))
    elif hasattr(operator, "toarray"):
        operator = operator.toarray()
    if np.iscomplexobj(operator):
        raise TypeError("operator must be real, got complex numbers")
    try:
        matrix = np.asarray(operator, dtype="float64")
    except (TypeError, ValueError):
        raise TypeError(
            "operator must be a matrix, a LinearOperator or a traceable function, got "
            f"{type(operator).__name__}"
        ) from None
    if matrix.ndim != 2 or matrix.shape[1] != n:
        raise ValueError(
            f"operator must be of shape (m, {n}) for outputs of {n} numbers, "
            f"got {shape or matrix.shape}"
        )
    if not np.isfinite(matrix).all():
        raise ValueError("operator must be finite, got NaN or infinity")
    return matrix


def _read_targets(y: Any, shape: tuple[int, ...]) -> tuple[np.ndarray, bool]:
    """Targets (B, m), and whether y is a single one."""
    try:
        array = np.asarray(y)
        if array.dtype.kind == "c":
            raise TypeError("y must be real, got complex numbers")
        values = array.astype("float64")
    except ValueError:
        raise TypeError(f"y must be an array of numbers, got {type(y).__name__}") from None
    if not fits(values.shape, shape):
        raise ValueError(
            f"y must have shape {shape} or ({math.prod(shape)},), or be a batch of them, "
            f"got {values.shape}"
        )
    if not np.isfinite(values).all():
        raise ValueError("y must be finite, got NaN or infinity")
    return values.reshape(-1, math.prod(shape)), _is_one(values.shape, shape)


def fits(found: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether an array is one output of this shape, or a batch of them."""
    return _is_one(found, shape) or (found[:1] > (0,) and _is_one(found[1:], shape))


def _is_one(found: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether an array is one output: of its shape, flat, or without axes of length 1."""
    plain = tuple(length for length in shape if length != 1) or (1,)
    return found in (shape, (math.prod(shape),), plain)


def _read_starts(given: Any, targets: int, k: int) -> np.ndarray:
    """Given latents (S, k), the same for all, or (B, S, k)."""
    try:
        starts = np.asarray(given, dtype="float64")
    except (TypeError, ValueError):
        raise TypeError(f"starts must be a name or latents, got {shown(given)}") from None
    if starts.ndim == 1:
        starts = starts[None]
    if starts.ndim == 2:
        starts = np.repeat(starts[None], targets, axis=0)
    if starts.ndim != 3 or starts.shape[0] != targets or starts.shape[2] != k or not starts.size:
        raise ValueError(
            f"starts must be latents (S, {k}) or ({targets}, S, {k}), got shape {np.shape(given)}"
        )
    if not np.isfinite(starts).all():
        raise ValueError("starts must be finite, got NaN or infinity")
    return starts


def _bounds(given: Any, k: int) -> tuple[tuple[float, float], ...] | None:
    """A box of the latents, from None, a number r, or pairs."""
    if given is None:
        return None
    expected = f"latent_bounds must be None, a number r > 0 or {k} pairs (min, max)"
    try:
        pairs = np.asarray(given, dtype="float64")
    except (TypeError, ValueError):
        raise TypeError(f"{expected}, got {shown(given)}") from None
    if pairs.ndim == 0:
        pairs = np.array([[-pairs, pairs]] * k)
    if pairs.shape != (k, 2) or not np.isfinite(pairs).all() or (pairs[:, 0] >= pairs[:, 1]).any():
        raise ValueError(f"{expected}, got {shown(given)}")
    return tuple((float(low), float(high)) for low, high in pairs)
