"""SciPy's boundary: arguments, bounds, callback and warnings in; an `OptimizeResult` out."""

from __future__ import annotations

import dataclasses
import inspect
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ._backend import on_accelerator, precision
from ._box import Box
from ._checks import check_number
from ._drive import Best, Driver, Limits
from ._loop import NEVER, Group, Program, make_group
from ._methods import Options, Recipe, find, read_options
from ._objective import DIFFERENCES, Jac, Objective
from ._polish import polish
from ._result import Status, make_result
from .problems import Problem
from .reparametrizations import Start

if TYPE_CHECKING:
    from scipy.optimize import Bounds, OptimizeResult

WIDEST_GAP = 500  # iterations between two records of the history
WIDEST_GAP_WATCHED = 50  # … when a callback or a display waits for them
_PASSED_ON = (
    "jac", "hess", "hessp", "bounds", "constraints", "callback", "tol", "rng", "scale",
)  # fmt: skip
PROGRAMS = 16  # compiled loops kept per function


@dataclasses.dataclass(frozen=True)
class _ByHand(Options):
    """Options of a recipe that the user put together."""

    made: Recipe | None = None

    def parts(self) -> Recipe:
        assert self.made is not None
        return self.made


def minimize(
    fun: Callable[..., Any],
    x0: Any = None,
    args: Any = (),
    method: str | Recipe | Callable[..., Any] | None = None,
    jac: Jac = None,
    hess: Any = None,
    hessp: Any = None,
    bounds: Bounds | Sequence[Any] | None = None,
    constraints: Any = (),
    tol: float | None = None,
    callback: Callable[..., Any] | None = None,
    options: Mapping[str, Any] | None = None,
    *,
    scale: Any = None,
    rng: Any = None,
) -> OptimizeResult:
    """Minimise a function of d variables, by SciPy's signature.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args) -> float``. Written in ``keras.ops`` (or the active backend's ops) for x of
        shape (..., d) or (d,), it is traced, differentiated and batched. Anything else is a black
        box called with float64 NumPy arrays of shape (d,), or (N, d) if it takes batches. A
        `deepopt.problems.Problem` brings its own bounds and dimension.
    x0 : array_like, shape (d,), optional
        First start. Not needed where all bounds are finite.
    args : tuple, optional
        Further arguments of `fun` and `jac`.
    method : str, Recipe or callable, default "homotopy"
        "homotopy", "gd" or "deep" (case-insensitive), a `Recipe`, or a callable by SciPy's
        protocol for custom minimizers.
    jac : callable, bool or {"2-point", "3-point", "cs"}, optional
        Gradient of a black box, by SciPy's meaning. A traced function needs none.
    hess, hessp : optional
        Ignored, with a RuntimeWarning.
    bounds : Bounds or sequence of (min, max), optional
        None or an infinity for no bound. No point outside is ever evaluated.
    constraints : optional
        Not supported: ValueError.
    tol : float, optional
        Sets the option `ftol`.
    callback : callable, optional
        ``callback(intermediate_result=OptimizeResult)`` if that is its only parameter's name, else
        ``callback(x)``, with the best point so far, every few iterations (never more than 50
        apart). StopIteration ends the call with status 99.
    options : dict, optional
        See ``deepopt list`` for each method's options and defaults.
    scale : float or array_like, shape (d,), optional
        Working range about x0 of variables without two finite bounds; default max(1, abs(x0)).
    rng : None, int or numpy.random.Generator, optional
        By SPEC 7. The same seed repeats the call exactly.

    Returns
    -------
    OptimizeResult
        SciPy's x (d,), fun, success, status, message, nfev, njev, nit; and population (n, d) and
        population_energies (n,) of the best run, history (a dict of lists nit, nfev, time in
        seconds, fun), method, objective_kind, learning_rate (the one that won), learning_rates
        and fun_per_run. The status is 0 for a tolerance, 1 maxiter, 2 maxfev, 3 maxtime, 4 f was
        nowhere finite, 5 interrupted, 99 the callback stopped.

    Raises
    ------
    ValueError, TypeError
        One sentence that names the argument, what was received and what was expected.

    Notes
    -----
    What comes back is the best point seen. Points count in nfev one by one, also in a batch,
    also those spent on finding out what kind of function `fun` is.

    Examples
    --------
    >>> import deepopt
    >>> from deepopt.problems import rastrigin
    >>> result = deepopt.minimize(rastrigin.with_dim(2), rng=0)
    >>> bool(result.fun < 1e-8)
    True
    """
    started = time.perf_counter()
    args = args if isinstance(args, tuple) else (args,)
    _check_callable(fun, jac, constraints)
    for label, given in (("hess", hess), ("hessp", hessp)):
        if given is not None:
            warnings.warn(f"{label} is not used and was ignored", RuntimeWarning, stacklevel=2)
    if callable(method) and not isinstance(method, Recipe):
        return method(
            fun, x0, args=args, jac=jac, hess=hess, hessp=hessp, bounds=bounds,
            constraints=constraints, callback=callback, **dict(options or {}),
        )  # fmt: skip
    if not isinstance(options, Mapping | None):
        raise TypeError(f"options must be a dict, got {type(options).__name__}")
    name, settings, unknown = _read_method(method, dict(options or {}), tol)
    for key in unknown:
        _warn_unknown(key, name)
    rng = _read_rng(rng)
    if bounds is None and isinstance(fun, Problem):
        bounds = fun.bounds
    box, x0_unit = _read_domain(x0, bounds, scale, fun)
    call = _Call(fun, args, jac, box, x0_unit, name, settings, callback, started)
    with precision(settings.dtype):
        return call.run(rng)


def scipy_method(method: str | Recipe) -> Callable[..., OptimizeResult]:
    """A callable for ``scipy.optimize.minimize(..., method=...)``.

    Parameters
    ----------
    method : str or Recipe
        As in `deepopt.minimize`.

    Examples
    --------
    >>> import deepopt, scipy.optimize
    >>> result = scipy.optimize.minimize(
    ...     scipy.optimize.rosen, [0.5, 0.5], bounds=[(-2, 2)] * 2,
    ...     jac=scipy.optimize.rosen_der, method=deepopt.scipy_method("gd"),
    ...     options={"maxiter": 10, "n_starts": 2, "learning_rate": 1e-3})
    >>> result.nit
    10
    """
    if isinstance(method, str):
        find(method)

    def run(fun: Callable[..., Any], x0: Any, args: tuple[Any, ...] = (), **given: Any) -> Any:
        passed = {key: given.pop(key) for key in _PASSED_ON if key in given}
        if passed.get("jac") is False:
            passed["jac"] = None
        return minimize(fun, x0, args, method, options=given, **passed)

    return run


class _Call:
    """One call of `minimize`, once its arguments are read."""

    def __init__(
        self,
        fun: Callable[..., Any],
        args: tuple[Any, ...],
        jac: Jac,
        box: Box,
        x0_unit: np.ndarray | None,
        name: str,
        options: Options,
        callback: Callable[..., Any] | None,
        started: float,
    ) -> None:
        self.box, self.x0_unit = box, x0_unit
        self.name, self.options = name, options
        self.started = started
        self.maxfev = NEVER if options.maxfev is None else int(options.maxfev)
        self.reserve = 1 if x0_unit is None else 2  # f at the result, and at x0
        self.deadline = np.inf if options.maxtime is None else started + float(options.maxtime)
        self.callback = None if callback is None else _wrap_callback(callback)
        self.recipe = options.recipe()
        self.objective = Objective(
            fun, jac or None, args, box, options.dtype, options.batched, self.maxfev
        )

    def run(self, rng: np.random.Generator) -> OptimizeResult:
        recipe, options = self.recipe, self.options
        starts = [
            recipe.reparametrization.init(self.box, rng, self.x0_unit if first else None)
            for first in [True] + [False] * (options.networks - 1)
        ]
        runs = [(start, rate) for start in starts for rate in options.rates()]
        groups = self._groups(runs, int(rng.integers(2**31 - 1)))
        limits = Limits(int(options.maxiter), self.maxfev - self.reserve, self.deadline)
        program = self._program()
        driver = Driver(program, self.objective, groups, limits, self._watch, self.started)
        watched = self.callback is not None or options.disp
        status = driver.run(WIDEST_GAP_WATCHED if watched else WIDEST_GAP)
        return self._finish(driver, status, [rate for _, rate in runs])

    def _program(self) -> Program:
        objective, recipe = self.objective, self.recipe
        evaluate = None
        if objective.traceable:
            from ._backend import value_and_grad

            evaluate = value_and_grad(objective.tensor)
        programs = objective.programs
        key = (recipe, self.options.dtype, bool(self.box.closed.all()))
        if key not in programs:
            programs[key] = Program(recipe, evaluate, xla=True)
            while len(programs) > PROGRAMS:
                programs.popitem(last=False)
        programs.move_to_end(key)
        return programs[key]  # type: ignore[no-any-return]

    def _groups(self, runs: list[tuple[Start, float]], seed: int) -> list[Group]:
        """On a CPU runs advance one after the other, which is faster there; else all at once."""
        size = len(runs) if on_accelerator() else 1
        spread = self.objective.range(self.maxfev)
        return [
            make_group(
                self.recipe,
                self.box,
                [start for start, _ in runs[at : at + size]],
                [rate for _, rate in runs[at : at + size]],
                self.options.dtype,
                value_range=spread,
                horizon=self.options.maxiter,
                ftol=self.options.ftol or 0.0,
                stall=None if self.options.ftol is None else self.options.stall,
                seed=seed,
            )
            for at in range(0, len(runs), size)
        ]

    def _watch(self, best: Best, nit: int) -> bool:
        if self.options.disp:
            seconds = time.perf_counter() - self.started
            print(f"{self.name}: iteration {nit}, best {best.fun:.6g}, {seconds:.1f} s")
        if self.callback is None or not np.isfinite(best.fun):
            return False
        return self.callback(self.box.clip(best.x), best.fun, nit, self.objective.nfev)

    def _finish(self, driver: Driver, status: Status, rates: list[float]) -> OptimizeResult:
        """The best point of all, polished if asked, with f there in float64."""
        objective, best = self.objective, driver.best()
        points, energies = self._population(driver, best.run, status)
        if status is not Status.INTERRUPTED:
            x, fun = self._lowest(best, points, energies)
        elif np.isfinite(best.fun):  # f is not called again
            x, fun = self.box.clip(best.x), best.fun
        else:
            x, fun = points[0], np.nan
        gradient = None
        done = status in (Status.MAXITER, Status.CONVERGED)
        if self.options.polish and done and np.isfinite(fun):
            x, fun, gradient, status = polish(
                objective, self.box, x, fun, self.maxfev, self.deadline
            )
        if not np.isfinite(fun) and not np.isfinite(best.fun) and status is not Status.INTERRUPTED:
            status = Status.NOT_FINITE
        fields: dict[str, Any] = {} if gradient is None else {"jac": gradient}
        result = make_result(
            status,
            x=x,
            fun=fun,
            nit=driver.nit,
            nfev=objective.nfev,
            njev=objective.njev,
            population=points,
            population_energies=energies,
            history=driver.history,
            method=self.name,
            objective_kind=objective.kind,
            learning_rate=rates[best.run],
            learning_rates=np.array(rates),
            fun_per_run=driver.best_per_run(),
            **fields,
        )
        if self.options.disp:
            print(f"{self.name}: {result.message} f = {fun:.10g} after {objective.nfev} points")
        return result

    def _population(
        self, driver: Driver, run: int, status: Status
    ) -> tuple[np.ndarray, np.ndarray]:
        """Where the points (n, d) of a run stand, and f there (n,) as far as limits allow."""
        points = self.box.clip(driver.points(run))
        energies = np.full(len(points), np.inf)
        hurried = status is Status.MAXTIME and not self.objective.traceable
        if status is not Status.INTERRUPTED and not hurried:
            affordable = max(0, min(len(points), self.maxfev - self.objective.nfev - self.reserve))
            energies[:affordable] = _finite(self.objective.values(points[:affordable]))
        return points, energies

    def _lowest(
        self, best: Best, points: np.ndarray, energies: np.ndarray
    ) -> tuple[np.ndarray, float]:
        """The lowest of the best point seen, the last population and x0; f there anew."""
        found = np.argmin(energies)
        x = points[found] if energies[found] < best.fun else self.box.clip(best.x)
        if not np.isfinite(x).all():
            x = points[0] if self.x0_unit is None else self.box.from_unit(self.x0_unit)
        fun = self.objective.value(x)
        if self.x0_unit is not None and self.objective.nfev < self.maxfev:
            x0 = self.box.from_unit(self.x0_unit)
            at_x0 = self.objective.value(x0)
            if at_x0 < fun or not np.isfinite(fun):
                return x0, at_x0
        return x, fun


def _finite(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values, np.inf)


# Reading the arguments


def _check_callable(fun: Any, jac: Any, constraints: Any) -> None:
    if not callable(fun):
        raise TypeError(f"fun must be callable, got {type(fun).__name__}")
    if isinstance(jac, str) and jac not in DIFFERENCES:
        raise ValueError(f"jac must be one of {', '.join(map(repr, DIFFERENCES))}, got {jac!r}")
    if not (jac is None or isinstance(jac, bool | str) or callable(jac)):
        raise TypeError(f"jac must be a callable, a bool, a string or None, got {jac!r}")
    if constraints is not None and (not isinstance(constraints, tuple | list) or len(constraints)):
        raise ValueError(
            f"constraints are not supported, got {type(constraints).__name__}; use bounds, or "
            "add a penalty to fun"
        )


def _read_method(
    method: Any, given: dict[str, Any], tol: float | None
) -> tuple[str, Options, list[str]]:
    method = "homotopy" if method is None else method
    if tol is not None:
        check_number("tol", tol, at_least=0.0)
        given = {"ftol": tol} | given
    if isinstance(method, Recipe):
        options, unknown = read_options(_ByHand, given | {"made": method})
        return "recipe", options, unknown
    if not isinstance(method, str):
        raise TypeError(
            f"method must be a name, a Recipe or a callable, got {type(method).__name__}"
        )
    options, unknown = read_options(find(method).options, given)
    return method.lower(), options, unknown


def _warn_unknown(key: str, method: str) -> None:
    from scipy.optimize import OptimizeWarning

    warnings.warn(f"{method} has no option {key!r}; it was ignored", OptimizeWarning, stacklevel=3)


def _read_domain(x0: Any, bounds: Any, scale: Any, fun: Any) -> tuple[Box, np.ndarray | None]:
    """The box, and x0 in its unit coordinates."""
    start = None if x0 is None else _vector("x0", x0)
    if bounds is None and start is None:
        raise ValueError("x0 is missing; without bounds it is needed")
    dim = fun.dim if isinstance(fun, Problem) else None if start is None else len(start)
    lower, upper = _read_bounds(bounds, dim)
    if start is not None and len(start) != len(lower):
        raise ValueError(f"x0 must have {len(lower)} entries, got {len(start)}")
    if start is None:
        if not np.isfinite(upper - lower).all():
            raise ValueError("x0 is missing; it is needed where a bound is infinite")
        return Box.make(lower, upper), None
    if not np.isfinite(start).all():
        at = int(np.argmin(np.isfinite(start)))
        raise ValueError(f"x0 must be finite, got {start[at]} at index {at}")
    outside = (start < lower) | (start > upper)
    if outside.any():
        at = int(np.argmax(outside))
        raise ValueError(
            f"x0 must lie within bounds, got {start[at]:g} at index {at} "
            f"for bounds [{lower[at]:g}, {upper[at]:g}]"
        )
    box = Box.make(lower, upper, start, _read_scale(scale, start))
    return box, box.to_unit(start)


def _read_rng(rng: Any) -> np.random.Generator:
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError):
        raise TypeError(
            f"rng must be None, a whole number >= 0 or a numpy Generator, got {rng!r}"[:200]
        ) from None


def _vector(label: str, value: Any) -> np.ndarray:
    try:
        array = np.asarray(value)
        if array.dtype.kind == "c":
            raise TypeError
        array = array.astype("float64").ravel()
    except (TypeError, ValueError):
        raise TypeError(f"{label} must be real numbers, got {value!r}"[:200]) from None
    if not array.size:
        raise ValueError(f"{label} must have at least one entry, got none")
    return array


def _read_scale(scale: Any, x0: np.ndarray) -> np.ndarray:
    if scale is None:
        return np.asarray(np.maximum(1.0, np.abs(x0)))
    values = np.asarray(scale, dtype="float64")
    if values.ndim > 1 or values.size not in (1, len(x0)) or not (values > 0).all():
        raise ValueError(f"scale must be a positive number or {len(x0)} of them, got {scale!r}")
    return np.broadcast_to(values, x0.shape)


def _read_bounds(bounds: Any, dim: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper bounds (d,), infinite where there is none."""
    if bounds is None:
        assert dim is not None
        return np.full(dim, -np.inf), np.full(dim, np.inf)
    lower, upper = _bound_arrays(bounds)
    if dim is not None:
        if hasattr(bounds, "lb") and lower.size == 1:
            lower, upper = np.repeat(lower, dim), np.repeat(upper, dim)
        if len(lower) != dim:
            raise ValueError(f"bounds must have {dim} entries, one per variable, got {len(lower)}")
    if np.isnan(lower).any() or np.isnan(upper).any():
        raise ValueError("bounds must not hold NaN; use None or an infinity for no bound")
    inverted = lower > upper
    if inverted.any():
        at = int(np.argmax(inverted))
        raise ValueError(
            f"bounds must have lower <= upper, got ({lower[at]:g}, {upper[at]:g}) at index {at}"
        )
    empty = (lower == upper) & ~np.isfinite(lower)
    if empty.any():
        at = int(np.argmax(empty))
        raise ValueError(
            f"bounds must enclose a real number, got {lower[at]:g} twice at index {at}"
        )
    return lower, upper


def _bound_arrays(bounds: Any) -> tuple[np.ndarray, np.ndarray]:
    if hasattr(bounds, "lb") and hasattr(bounds, "ub"):
        lower, upper = np.broadcast_arrays(
            np.atleast_1d(np.asarray(bounds.lb, "float64")),
            np.atleast_1d(np.asarray(bounds.ub, "float64")),
        )
        return lower.ravel(), upper.ravel()
    try:
        pairs = [(low, high) for low, high in bounds]
        lower = np.array([-np.inf if low is None else float(low) for low, _ in pairs])
        upper = np.array([np.inf if high is None else float(high) for _, high in pairs])
    except (TypeError, ValueError):
        raise ValueError(
            f"bounds must be a Bounds object or (min, max) pairs, got {bounds!r}"[:200]
        ) from None
    if not pairs:
        raise ValueError("bounds must have one (min, max) pair per variable, got none")
    return lower, upper


def _wrap_callback(callback: Callable[..., Any]) -> Callable[..., bool]:
    """(x, fun, nit, nfev) -> whether to stop, by either of SciPy's two protocols."""
    try:
        names = list(inspect.signature(callback).parameters)
    except (TypeError, ValueError):
        names = []

    def call(x: np.ndarray, fun: float, nit: int, nfev: int) -> bool:
        from scipy.optimize import OptimizeResult

        try:
            if names == ["intermediate_result"]:
                now = OptimizeResult(x=x.copy(), fun=fun, nit=nit, nfev=nfev)
                callback(intermediate_result=now)
            else:
                callback(x.copy())
        except StopIteration:
            return True
        return False

    return call
