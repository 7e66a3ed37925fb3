"""SciPy's boundary: arguments, bounds, callback and warnings in; an `OptimizeResult` out."""

from __future__ import annotations

import dataclasses
import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._domain import read_domain
from .._engine import Options, Recipe, stopped_by
from .._objective import SCHEMES, Jac
from .._support.checks import check_number, read_rng, shown, warn, warn_unknown
from .._support.workers import Workers, check_workers
from ..problems import Problem
from .asked import Asked
from .call import run
from .methods import find, read_options

if TYPE_CHECKING:
    from scipy.optimize import Bounds, OptimizeResult

    from .._engine import Where

_PASSED_ON = (
    "jac", "hess", "hessp", "bounds", "constraints", "callback", "tol", "rng",
)  # fmt: skip


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
    workers: Workers = 1,
) -> OptimizeResult:
    """Minimise a function of d variables, by SciPy's signature.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args) -> float``, a function of one point x (d,). Written in ``keras.ops`` (or the
        active backend's ops) it is traced, differentiated and mapped over points. Anything else is
        a black box called with float64 NumPy arrays of shape (d,). The options `traced` and
        `batched` say which of the two it is, and whether it takes (N, d). A
        `deepopt.problems.Problem` brings its own bounds and dimension. With an attribute
        ``residuals(x, *args)``, from (d,) to (m,), of which it is half the sum of squares, it can
        be descended by `LevenbergMarquardt`.
    x0 : array_like, shape (d,), optional
        First start, within the bounds. Not needed where all bounds are finite.
    args : tuple, optional
        Further arguments of `fun` and `jac`.
    method : str, Recipe or callable, default "homotopy"
        "homotopy", "gd" or "deep" (case-insensitive), a `Recipe`, or a callable by SciPy's
        protocol for custom minimizers, which gets `rng`, `scale` and `workers`, where they are
        given, among its options.
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
        apart). The former has x, fun, nit, nfev and population (n, d), where the points of the best
        run stand now. StopIteration ends the call with status 99.
    options : dict, optional
        See ``deepopt list`` for each method's options and defaults.
    scale : float or array_like, shape (d,), optional
        Working range about x0 of variables without two finite bounds; default max(1, abs(x0)).
        Options of the names scale, rng and workers do the same, where SciPy passes no other
        keywords on.
    rng : None, int or numpy.random.Generator, optional
        By SPEC 7. The same seed repeats the call exactly.
    workers : int or map-like callable, default 1
        Processes that call a black box of one point side by side, -1 for one per core; or a map
        of your own, ``workers(fun, points) -> values``. They change no result. Of no use for a
        function that is traced or takes batches.

    Returns
    -------
    OptimizeResult
        SciPy's x (d,), fun, success, status, message, nfev, njev, nit; stopped_by, why it ended in
        a word or two ("minima met", "no gain", "tolerance", "maxfev", …); population (n, d) and
        population_energies (n,), where the best run stands or, for "homotopy", the distinct minima
        that it met, the lowest first, with population_hits (n,), how many of its local searches
        from independent starts ended in each, and confidence, the expected share of such searches
        that would end in a minimum already met; history (a dict of arrays nit, nfev, time in
        seconds, fun), method, objective_kind, learning_rate (the one that won), learning_rates
        and fun_per_run. The status is 0 where the search ended by itself, 1 maxiter, 2 maxfev,
        3 maxtime, 4 f was nowhere finite, 5 interrupted, 99 the callback stopped.

    Raises
    ------
    ValueError, TypeError
        One sentence that names the argument, what was received and what was expected.
    MemoryError
        Before anything is taken, where the points or the variables alone do not fit.
    CheckpointError
        Where the file of the option `checkpoint` is damaged, of another call or none of ours.
    Exception
        What `fun`, `jac` or `callback` raises, as it is; its attribute ``best_so_far`` holds the
        best point, where there was one.

    Notes
    -----
    With the option `checkpoint` (a file name) a call that ends before its time, by Ctrl-C, a time
    limit, a kill or an exception, goes on when it is made again, to the result that it would have
    come to.

    A program that was compiled for a function is used again by a later call only if all that the
    function can reach has equal content: code, closure, globals, attributes, arrays, models.

    What comes back is the best point seen, and `fun` is f there, to the last bit. Points count in
    nfev one by one, also in a batch, also those spent on finding out what kind of function `fun`
    is. A NaN or an infinity is no value: such a point carries no weight, and a run ends only when
    none of its points has one.

    A search ends by itself when its local searches say that next to no minimum is unseen, by the
    estimates of Boender & Rinnooy Kan (1987), or when the value has stood for long. Where `maxfev`
    or `maxtime` is given and the lowest minimum may have been met by luck, it begins anew in other
    places and uses what it was given. With x0, no call ends higher than SciPy's L-BFGS-B from it.

    A function of NumPy or plain Python loads no tensor library. One of operators alone, such as
    ``(x**2).sum()``, is a black box in up to 20 variables while none is loaded, and traced
    otherwise; the option `traced` says which.

    Calls from several threads take turns, since Keras holds its precision globally: `fun` must not
    wait for a call in another thread.

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
    if not isinstance(options, Mapping | None):
        raise TypeError(f"options must be a dict, got {type(options).__name__}")
    options = dict(options or {})
    if callable(method) and not isinstance(method, Recipe | type):
        return _by_scipy(
            fun, x0, args, method, jac, hess, hessp, bounds, constraints, tol, callback,
            _given(rng=rng, scale=scale, workers=None if workers == 1 else workers) | options,
        )  # fmt: skip
    _check_arguments(fun, jac, constraints, callback)
    jac = bool(jac) if isinstance(jac, np.bool_) else jac
    for label, given in (("hess", hess), ("hessp", hessp)):
        if given is not None:
            warn(f"{label} is not used and was ignored", RuntimeWarning)
    rng, scale = options.pop("rng", rng), options.pop("scale", scale)
    workers = options.pop("workers", workers)
    check_workers(workers)
    name, settings, unknown = _read_method(method, options, tol)
    for key in unknown:
        warn_unknown(key, name, vars(settings))
    generator = read_rng(rng)
    if bounds is None and isinstance(fun, Problem):
        bounds = fun.bounds
    with np.errstate(all="ignore"):
        box, start = read_domain(x0, bounds, scale, fun)
    watch = None if callback is None else _wrap_callback(callback)
    asked = Asked(
        fun, args, jac or None, box, start, name, settings, watch, started, generator,
        rng is not None, workers, np.geterr(),
    )  # fmt: skip
    return run(asked)


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

    def method_of_scipy(
        fun: Callable[..., Any], x0: Any, args: tuple[Any, ...] = (), **given: Any
    ) -> Any:
        passed = {key: given.pop(key) for key in _PASSED_ON if key in given}
        if passed.get("jac") is False:
            passed["jac"] = None
        return minimize(fun, x0, args, method, options=given, **passed)

    return method_of_scipy


def _by_scipy(
    fun: Any, x0: Any, args: Any, method: Any, jac: Any, hess: Any, hessp: Any, bounds: Any,
    constraints: Any, tol: Any, callback: Any, options: dict[str, Any],
) -> Any:  # fmt: skip
    """SciPy's protocol for a callable as the method."""
    from scipy.optimize import minimize as by_scipy

    if x0 is None:
        raise ValueError("x0 is missing; it is needed where method is a callable")
    return by_scipy(
        fun, x0, args, method, jac, hess, hessp, bounds, constraints, tol, callback, options
    )


def _given(**keywords: Any) -> dict[str, Any]:
    return {key: value for key, value in keywords.items() if value is not None}


# Reading the arguments


def _check_arguments(fun: Any, jac: Any, constraints: Any, callback: Any) -> None:
    if not callable(fun):
        raise TypeError(f"fun must be callable, got {type(fun).__name__}")
    if isinstance(jac, str) and jac not in SCHEMES:
        raise ValueError(f"jac must be one of {', '.join(map(repr, SCHEMES))}, got {shown(jac)}")
    if not (jac is None or isinstance(jac, bool | np.bool_ | str) or callable(jac)):
        raise TypeError(f"jac must be a callable, a bool, a string or None, got {shown(jac)}")
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be callable, got {type(callback).__name__}")
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
            "method must be a name, a Recipe or a callable, got "
            + (f"the class {method.__name__}" if isinstance(method, type) else shown(method))
        )
    options, unknown = read_options(find(method).options, given)
    return method.lower(), options, unknown


def _wrap_callback(callback: Callable[..., Any]) -> Callable[..., bool]:
    """(x, fun, nit, nfev, where) -> whether to stop, by either of SciPy's two protocols."""
    try:
        names = list(inspect.signature(callback).parameters)
    except (TypeError, ValueError):
        names = []

    def call(x: np.ndarray, fun: float, nit: int, nfev: int, where: Where) -> bool:
        from .._support.results import Result

        if names == ["intermediate_result"]:
            now = Result(x=x.copy(), fun=fun, nit=nit, nfev=nfev, population=where())
            return stopped_by(callback, intermediate_result=now)
        return stopped_by(callback, x.copy())

    return call
