"""The contract that every method keeps, as a battery that anyone can run on their own.

A method, a schedule, a reparametrization or a descent of one's own is put into a `Recipe` and
tested like the methods of deepopt::

    from deepopt import Recipe
    from deepopt.testing import MethodContract

    class TestMine(MethodContract):  # found and run by pytest
        method = Recipe(MyReparametrization(n_points=8), MySchedule())

or at once, without pytest, by ``MethodContract.check(my_recipe)``. The battery runs on the active
Keras backend; run it once per backend that matters.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ._engine import Recipe

__all__ = ["MethodContract"]

LOWER, UPPER = np.array([-2.0, -1.0, 0.5, -np.inf]), np.array([2.0, 3.0, 0.5, np.inf])
X0 = np.array([1.2, -0.7, 0.5, 0.4])  # the third variable is fixed, the last one free
SLACK, GRACE = 0.1, 0.5  # part of a time limit, or seconds, by which it may be passed
FIELDS = {
    "x", "fun", "success", "status", "message", "nfev", "njev", "nit", "population",
    "population_energies", "history", "method", "objective_kind",
}  # fmt: skip


class Recorded:
    """A NumPy function of one point that remembers where it was asked, and what it said.

    Parameters
    ----------
    function : callable
        x (d,) -> float.

    Attributes
    ----------
    points : list of ndarray (d,)
    values : list of float
    """

    def __init__(self, function: Callable[[np.ndarray], float] | None = None) -> None:
        self._function = rugged if function is None else function
        self.points: list[np.ndarray] = []
        self.values: list[float] = []

    def __call__(self, x: np.ndarray) -> float:
        self.points.append(x.copy())
        self.values.append(float(self._function(x)))
        return self.values[-1]


def rugged(x: np.ndarray) -> float:
    """A bowl with ripples."""
    return float(np.sum((x - 0.3) ** 2) + 0.2 * np.sum(np.sin(7.0 * x)))


def slope(x: np.ndarray) -> np.ndarray:
    """Its gradient."""
    found: np.ndarray = 2.0 * (x - 0.3) + 1.4 * np.cos(7.0 * x)
    return found


def rugged_tensor(x: Any) -> Any:
    """The same, written in keras.ops for x (..., d)."""
    from keras import ops

    return ops.sum((x - 0.3) ** 2, axis=-1) + 0.2 * ops.sum(ops.sin(7.0 * x), axis=-1)


def called(fun: Callable[[Any], Any], x: np.ndarray) -> float:
    """What the user of a traced function gets from it for one point in float64."""
    from ._backend import precision, to_numpy

    with precision("float64"):
        return float(to_numpy(fun(x)))


def claim(holds: Any, sentence: str) -> None:
    """Raise AssertionError with the sentence unless it holds, also under ``python -O``."""
    if not holds:
        raise AssertionError(sentence)


class MethodContract:
    """What every method keeps; a subclass names the method.

    Every claim is a method ``test_…`` that raises AssertionError with a sentence. Objectives are a
    black box with a gradient and a function that is traced, of four variables: two in a box, one
    fixed, one free.

    Attributes
    ----------
    method : str or Recipe
        As `deepopt.minimize` takes it.
    options : dict, default ``{"maxiter": 40}``
        Of the method, for all calls.
    dtypes : tuple of str, default ``("float64", "float32")``

    Examples
    --------
    >>> from deepopt import Adam, Direct, Recipe
    >>> from deepopt.testing import MethodContract
    >>> class TestAdam(MethodContract):
    ...     method = Recipe(Direct(n_starts=3), descent=Adam())
    ...     options = {"maxiter": 10, "learning_rate": 0.05}
    >>> TestAdam().test_the_best_point_is_kept()
    """

    method: ClassVar[str | Recipe]
    options: ClassVar[Mapping[str, Any]] = {"maxiter": 40}
    dtypes: ClassVar[tuple[str, ...]] = ("float64", "float32")

    @classmethod
    def check(cls, method: str | Recipe, options: Mapping[str, Any] | None = None) -> None:
        """Run the whole battery.

        Parameters
        ----------
        method : str or Recipe
        options : dict, optional

        Raises
        ------
        AssertionError
            With the name of the claim that fails, and a sentence.

        Examples
        --------
        >>> MethodContract.check("gd", {"maxiter": 5, "n_starts": 2})  # doctest: +SKIP
        """
        own = {"method": method} | ({} if options is None else {"options": dict(options)})
        contract = type("Contract", (cls,), own)()
        for name in sorted(dir(contract)):
            if name.startswith("test_"):
                try:
                    getattr(contract, name)()
                except AssertionError as error:
                    raise AssertionError(f"{name}: {error}") from error

    # Calls

    def _minimize(self, fun: Any = rugged_tensor, **given: Any) -> Any:
        from . import minimize

        options = dict(self.options) | given.pop("options", {})
        arguments: dict[str, Any] = {
            "x0": X0,
            "bounds": list(zip(LOWER, UPPER, strict=True)),
            "rng": 1,
        }
        arguments |= given
        return minimize(fun, method=self.method, options=options, **arguments)

    def _outside(self, fun: Any = None, **given: Any) -> Any:
        """A call on a black box with its gradient."""
        return self._minimize(Recorded() if fun is None else fun, **{"jac": slope} | given)

    # Claims

    def test_the_result_has_scipys_fields(self) -> None:
        """SciPy's fields and deepopt's own, of their types."""
        for result in (self._minimize(), self._outside()):
            claim(result.keys() >= FIELDS, f"missing: {sorted(FIELDS - result.keys())}")
            claim(result.x.shape == (4,) and result.x.dtype == np.float64, "x is not float64 (d,)")
            claim(isinstance(result.fun, float), f"fun is a {type(result.fun).__name__}")
            claim(result.success is (result.status == 0), "success is not status == 0")
            claim(isinstance(result.message, str), "message is no string")
            lengths = {len(column) for column in result.history.values()}
            claim(len(lengths) == 1, f"the columns of history have lengths {lengths}")

    def test_bounds_are_never_left(self) -> None:
        """No point outside the bounds is evaluated or returned, to the last bit."""
        for dtype in self.dtypes:
            f = Recorded()
            result = self._outside(f, options={"dtype": dtype})
            traced = self._minimize(options={"dtype": dtype})
            points = [*f.points, result.x, traced.x, *result.population, *traced.population]
            inside = (np.array(points) >= LOWER) & (np.array(points) <= UPPER)
            claim(inside.all(), f"{dtype}: a point lies outside the bounds")

    def test_the_best_point_is_kept(self) -> None:
        """What comes back is the lowest value met, the value of f there, and never rises."""
        for dtype in self.dtypes:
            f = Recorded()
            result = self._outside(f, options={"dtype": dtype})
            claim(result.fun == rugged(result.x), f"{dtype}: fun is not f at x")
            claim(result.fun == min(f.values), f"{dtype}: a lower value was met than fun")
            traced = self._minimize(options={"dtype": dtype})
            same = traced.fun == called(rugged_tensor, traced.x)
            claim(same, f"{dtype}: fun is not f at x for a traced function")
            for found in (result, traced):
                claim(found.fun <= rugged(X0), f"{dtype}: fun is above f at x0")
                falls = np.diff(found.history["fun"]) <= 0
                claim(falls.all(), f"{dtype}: the best value in history rises")

    def test_counts_are_exact(self) -> None:
        """nfev and njev are the numbers of points at which f and jac were asked."""
        f, asked = Recorded(), []

        def jac(x: np.ndarray) -> np.ndarray:
            asked.append(x)
            return slope(x)

        result = self._outside(f, jac=jac)
        claim(result.nfev == len(f.values), f"nfev is {result.nfev} after {len(f.values)} calls")
        claim(result.njev == len(asked), f"njev is {result.njev} after {len(asked)} calls")
        grows = np.diff(result.history["nfev"]) > 0
        claim(grows.all(), "nfev in history does not grow")

    def test_the_same_rng_gives_the_same_result(self) -> None:
        """To the last bit, for black boxes and traced functions, in both precisions."""
        for call in (self._minimize, self._outside):
            for dtype in self.dtypes:
                one, two = (call(options={"dtype": dtype}) for _ in range(2))
                claim(np.array_equal(one.x, two.x), f"{dtype}: x differs")
                claim(np.array_equal(one.population, two.population), f"{dtype}: points differ")
                same = (one.njev, one.nit) == (two.njev, two.nit)  # nfev: f may be known by then
                claim(same, f"{dtype}: njev or nit differ")

    def test_stop_iteration_ends_the_call(self) -> None:
        """A callback's StopIteration gives status 99, and the best point so far."""

        def stop(_: Any) -> None:
            raise StopIteration

        for call in (self._minimize, self._outside):
            result = call(callback=stop)
            claim(result.status == 99 and not result.success, f"the status is {result.status}")
            claim(np.isfinite(result.fun), "no value comes back")

    def test_maxfev_is_never_exceeded(self) -> None:
        """Whatever the method asks for at once."""
        for most in (1, 5, 60, 400):
            f = Recorded()
            result = self._outside(f, options={"maxfev": most, "maxiter": 10_000})
            claim(len(f.values) <= most, f"{len(f.values)} calls for maxfev = {most}")
            claim(np.isfinite(result.fun), f"no value comes back for maxfev = {most}")
            traced = self._minimize(options={"maxfev": most, "maxiter": 10_000})
            claim(traced.nfev <= most, f"nfev is {traced.nfev} for maxfev = {most}")

    def test_maxtime_is_kept(self) -> None:
        """But for a tenth of it or half a second, once everything is compiled."""

        def slow(x: np.ndarray) -> float:
            time.sleep(2e-3)
            return rugged(x)

        limit, endless = 0.5, {"maxiter": 10**8}
        for fun, jac in ((slow, slope), (rugged_tensor, None)):
            for _ in range(2):  # the first compiles
                begun = time.perf_counter()
                result = self._minimize(fun, jac=jac, options=endless | {"maxtime": limit})
                took = time.perf_counter() - begun
            claim(took <= max((1 + SLACK) * limit, limit + GRACE), f"{took:.2f} s of {limit} s")
            claim(result.status in (0, 3), f"the status is {result.status}")

    def test_options_are_validated(self) -> None:
        """Unknown ones are warned of, unsound ones refused in one sentence that names them."""
        from scipy.optimize import OptimizeWarning

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            self._minimize(options={"maxiters": 3})
        said = [str(w.message) for w in caught if issubclass(w.category, OptimizeWarning)]
        claim(any("maxiters" in text for text in said), "an unknown option is not warned of")
        for name, value in (
            ("maxiter", 0), ("maxiter", "many"), ("maxfev", -1), ("maxtime", 0.0),
            ("learning_rate", -1.0), ("dtype", "float16"), ("polish", "yes"), ("checkpoint", 3),
        ):  # fmt: skip
            try:
                self._minimize(options={name: value})
            except (TypeError, ValueError) as error:
                claim(name in str(error), f"the error for {name}={value!r} does not name it")
            else:
                claim(False, f"{name}={value!r} was taken")

    def test_nan_harms_nobody(self) -> None:
        """Where f has no value is no minimum, and what has one goes on."""

        def holed(x: np.ndarray) -> float:
            return float("nan") if x[0] < 0.4 else rugged(x)

        def holed_tensor(x: Any) -> Any:
            from keras import ops

            return ops.where(x[..., 0] < 0.4, float("nan"), rugged_tensor(x))

        f = Recorded(holed)
        result = self._outside(f)
        lowest = np.nanmin(f.values)
        claim(result.fun == lowest, f"fun is {result.fun}, the lowest value met {lowest}")
        traced = self._minimize(holed_tensor)
        claim(traced.x[0] >= 0.4 and traced.fun <= rugged(X0), "the holes have spoilt the call")

    def test_nowhere_finite_is_said(self) -> None:
        """An f without any value gives status 4, and NaN."""
        result = self._outside(lambda _: float("nan"))
        claim(result.status == 4 and np.isnan(result.fun), f"the status is {result.status}")

    def test_exceptions_arrive_as_raised(self) -> None:
        """An exception of f is the caller's, with the best point so far attached."""
        calls = []

        def broken(x: np.ndarray) -> float:
            calls.append(x)
            if len(calls) == 30:
                raise LookupError("of the user")
            return rugged(x)

        try:
            self._outside(broken)
        except LookupError as error:
            claim(error.args == ("of the user",), "the exception was changed")
            best: Any = getattr(error, "best_so_far", None)
            claim(best is not None, "the best point so far is not attached")
            claim(best.fun == min(map(rugged, calls[:-1])) == rugged(best.x), "… or not the best")
        else:
            claim(len(calls) < 30, "the exception was swallowed")

    def test_ctrl_c_returns_the_best_so_far(self) -> None:
        """KeyboardInterrupt within f gives status 5, and the best point so far."""
        calls = []

        def interrupted(x: np.ndarray) -> float:
            calls.append(rugged(x))
            if len(calls) == 30:
                raise KeyboardInterrupt
            return calls[-1]

        result = self._outside(interrupted)
        if len(calls) >= 30:
            claim(result.status == 5, f"the status is {result.status}")
            claim(result.fun == min(calls[:29]) == rugged(result.x), "it is not the best")

    def test_a_call_goes_on_from_its_file(self) -> None:
        """After three interruptions to the end of an uninterrupted call, to the last bit."""
        calls = []

        def broken(x: np.ndarray) -> float:
            calls.append(x)
            if len(calls) in (30, 55, 75):
                raise LookupError
            return rugged(x)

        self._goes_on(self._outside(rugged), lambda saved: self._outside(broken, options=saved))

    def test_a_traced_call_goes_on_from_its_file(self) -> None:
        """As above, where the callback interrupts."""
        calls = []

        def broken(shown: Any) -> None:
            calls.append(shown)
            if len(calls) in (2, 4, 6):
                raise LookupError

        for _ in range(2):  # in the first f may yet be unknown, which costs points
            whole = self._minimize(callback=lambda _: None)
        self._goes_on(whole, lambda saved: self._minimize(callback=broken, options=saved))

    def _goes_on(self, whole: Any, call: Callable[[dict[str, Any]], Any]) -> None:
        """Make a call again as long as it is interrupted, and compare what it gives."""
        with tempfile.TemporaryDirectory() as folder:
            saved = {"checkpoint": Path(folder, "call"), "save_every": 1e-3}
            result = None
            while result is None:
                with contextlib.suppress(LookupError):
                    result = call(saved)
            claim(not list(Path(folder).iterdir()), "the file is left after the end")
        for key in ("x", "fun", "nfev", "njev", "nit", "status", "population"):
            claim(np.array_equal(result[key], whole[key]), f"{key} differs")

    def test_inside_scipy(self) -> None:
        """As the method of `scipy.optimize.minimize` it gives what deepopt gives."""
        from scipy.optimize import minimize

        from . import scipy_method

        bounds = list(zip(LOWER, UPPER, strict=True))
        own = self._outside(rugged)
        result = minimize(
            rugged, X0, jac=slope, bounds=bounds, method=scipy_method(self.method),
            options=dict(self.options) | {"rng": 1},
        )  # fmt: skip
        claim(np.array_equal(result.x, own.x) and result.fun == own.fun, "the results differ")
