"""Calls with one unsound argument, drawn at random; what `benchmarks/fuzz.py` runs by the thousand.

Every one must end in an error that a user can read, before f is called, or in a sound result.
"""

import datetime
import decimal
import fractions
import functools
import math
import re
import signal
import warnings

import numpy as np
from scipy.optimize import Bounds, OptimizeResult

import deepopt
from deepopt._backend import to_numpy
from deepopt.generators import Architecture, CheckpointError
from deepopt.generators.architectures import initialise
from deepopt.problems import ackley

REFUSALS = (ValueError, TypeError, CheckpointError, OSError, MemoryError)
RAW = re.compile(r"Traceback|/site-packages/|tf\.|Tensor\(|Traced<|\{\{function_node|Stack trace")
LONGEST = 400  # characters of a sentence
SECONDS = 60  # after which a call hangs


class Odd:
    def __repr__(self):
        return "Odd()"


ANYTHING = [
    None, True, False, -1, 0, 1, 2, 3, 1.5, -0.5, 1e-320, 1e308, -1e308, math.nan, math.inf,
    -math.inf, 10**30, -(10**30), "", "x", "gd", "homotopy", "auto", b"gd", "1", "nan", [], [1.0],
    [1.0, 2.0], [[1.0], [2.0]], [1.0, "a"], [None, None], [math.nan, 0.0], [math.inf, 0.0], (),
    (1,), {}, {"a": 1}, {1, 2}, 1j, [1j, 0], Odd(), Odd, ackley, math, np.array([]), np.array(3.0),
    np.array(["a", "b"]), np.array([0.1, 0.2], dtype=object), np.array([None, 1.0]), np.eye(2),
    np.float32(0.5), np.int8(2), np.bool_(True), np.nan, np.datetime64("2026-01-01"),
    datetime.date(2026, 1, 1), decimal.Decimal("0.5"), fractions.Fraction(1, 2), range(2), range(0),
    slice(2), Ellipsis, NotImplemented, iter([0.1, 0.2]), bytearray(b"12"), memoryview(b"12"),
    np.random.default_rng(0), np.ma.array([1.0, 2.0], mask=[0, 1]), np.rec.array([(1.0, 2)]),
    ["0.1", "0.2"], [[0.1, 0.2], [0.3, 0.4]], [10**400, 0], "a" * 5000, ["x"] * 5000,
]  # fmt: skip
BOUNDS = [
    [(0, 1)], [(0, 1)] * 3, [(1, 0), (0, 1)], [(0, 1, 2), (0, 1)], [0, 1], [(0, "b"), (0, 1)],
    [(math.nan, 1), (0, 1)], [(0, math.nan), (0, 1)], [(math.inf, math.inf), (0, 1)],
    [(-math.inf, -math.inf), (0, 1)], [(None, None), (None, None)], [(0.5, 0.5), (0.5, 0.5)],
    [(-1e308, 1e308), (0, 1)], [(0, 5e-324), (0, 1)], [(1e308, 1.1e308), (0, 1)], (0, 1),
    Bounds([0, 0], [1, 1]), Bounds(0, 1), Bounds([1], [0]),
    np.array([[0, 1], [0, 1]]), np.array([[0, 1, 2], [0, 1, 2]]), {"lb": 0, "ub": 1}, {0: 1, 1: 2},
    [(0, 1), None], [(1j, 2), (0, 1)], zip([0, 0], [1, 1], strict=True), [["0", "1"], ["0", "1"]],
    [(0, 1), (0, 1), ()], [(10**400, 10**401), (0, 1)], [(True, False), (0, 1)], "ab", ["ab", "cd"],
]  # fmt: skip
CONSTRAINTS = [[{"type": "eq", "fun": len}], {"type": "ineq"}, [1], "none", lambda x: x]
OPTIONS = [
    "maxiter", "maxfev", "maxtime", "learning_rate", "ftol", "stall", "polish", "dtype", "disp",
    "batched", "checkpoint", "save_every", "schedule", "descent", "n_starts", "starts",
    "output_map", "decay", "patience", "n_embeddings", "n_hidden", "n_layers", "n_paths", "rng",
    "workers", "scale", "no_such_option",
]  # fmt: skip
RETURNED = [
    *ANYTHING, np.ones((2, 2)), np.ones(3), (1.0, 2.0), [[1.0]], (1.0, np.ones(2)), "3.0",
    np.ones(1),
]  # fmt: skip
METHODS = ("gd", "deep", "homotopy")
SMALL = {"maxiter": 2, "maxfev": 120, "learning_rate": 0.1}
ARGUMENTS = {
    "fun": ANYTHING, "x0": ANYTHING, "method": ANYTHING, "jac": ANYTHING,
    "bounds": BOUNDS + ANYTHING, "constraints": CONSTRAINTS + ANYTHING, "tol": ANYTHING,
    "callback": [value for value in ANYTHING if not isinstance(value, type)],
    "options": [*(v for v in ANYTHING if not isinstance(v, dict | None)), {1: 2} | SMALL],
    "scale": ANYTHING, "rng": ANYTHING, "workers": [v for v in ANYTHING if not callable(v)],
    "hess": ANYTHING, "hessp": ANYTHING,
}  # fmt: skip


OF_INVERT = {
    "checkpoints": ANYTHING, "y": ANYTHING + RETURNED, "method": ANYTHING,
    "operator": [value for value in ANYTHING if value is not Odd] + [np.eye(12), np.ones((3, 12))],
    "model": ANYTHING, "options": ARGUMENTS["options"][:-1], "callback": ARGUMENTS["callback"],
    "rng": ANYTHING,
}  # fmt: skip
INVERT_OPTIONS = [
    "solver", "starts", "n_starts", "n_codes", "latent_bounds", "prior", "schedule", "tau",
    "max_pieces", "learning_rate", "maxiter", "stall", "maxtime", "ftol", "dtype", "disp",
    "checkpoint", "save_every", "preset", "no_such_option",
]  # fmt: skip
INVERSIONS = ("direct", "surf", "projected-surf")


class Counted:
    """A NumPy function that counts its calls."""

    def __init__(self):
        self.calls = 0

    def __call__(self, x, *args):
        self.calls += 1
        return float(np.sum((np.asarray(x) - 0.3) ** 2))


def calls(count, seed):
    """(a word on it, function, keywords, f) of so many calls; f counts how often it was called."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield _inversion(rng) if rng.random() < 0.3 else _minimisation(rng)


def _drawn(rng, values):
    return values[rng.integers(len(values))]


def _minimisation(rng):
    word = "option" if rng.random() < 0.5 else _drawn(rng, ["returned", "gradient", *ARGUMENTS])
    f, method = Counted(), _drawn(rng, METHODS)
    given = {"fun": f, "method": method, "bounds": [(-1.0, 1.0), (-1.0, 2.0)], "rng": 1}
    given["options"] = dict(SMALL)
    if word == "option":
        name = _drawn(rng, OPTIONS)
        value = given["options"][name] = _drawn(rng, ARGUMENTS.get(name, ANYTHING))
        word = f"option {name}"
    elif word in ("returned", "gradient"):
        value = _drawn(rng, RETURNED)
        says = lambda x, *_, value=value: value  # noqa: E731
        given |= {"fun": says} if word == "returned" else {"jac": says}
    else:
        value = given[word] = _drawn(rng, ARGUMENTS[word])
    return f"{method}, {word}={value!r:.80}", deepopt.minimize, given, f


@functools.cache
def _networks():
    models = [Architecture("expansive", 2, (12,), hidden=(6,)).generator() for _ in range(2)]
    for seed, model in enumerate(models):
        initialise(model, "expansive", np.random.default_rng(seed))
    return models, to_numpy(models[-1](np.array([[0.4, -0.3]], "float32"), training=False))[0]


def _inversion(rng):
    models, y = _networks()
    method = _drawn(rng, INVERSIONS)
    given = {"checkpoints": models, "y": y, "method": method, "rng": 1}
    given["options"] = {"n_codes": 8, "n_starts": 2}
    word = "option" if rng.random() < 0.6 else _drawn(rng, [*OF_INVERT])
    if word == "option":
        name = _drawn(rng, INVERT_OPTIONS)
        value = given["options"][name] = _drawn(rng, ANYTHING)
        word = f"option {name}"
    else:
        value = given[word] = _drawn(rng, OF_INVERT[word])
    return f"invert {method}, {word}={value!r:.80}", deepopt.invert, given, None


def outcome(function, given, f):
    """ "refused", "result" or what is wrong with it, in a sentence."""

    def hangs(*_):
        raise AssertionError(f"it hangs: {SECONDS} s")

    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(SECONDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = function(**given)
    except REFUSALS as error:
        return _refusal(error, f, given)
    except AssertionError as error:
        return str(error)
    except BaseException as error:
        return f"{type(error).__name__}: {str(error)[:200]}"
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    return _result(result, given)


def _refusal(error, f, given):
    text = str(error)
    if RAW.search(text) or "\n" in text or len(text) > LONGEST or not text:
        return f"{type(error).__name__} is no sentence: {text[:300]!r}"
    if f is not None and f.calls and given["fun"] is f and not _claims(given):
        return f"refused after {f.calls} calls of f: {text[:200]}"
    return "refused"


def _claims(given):
    """Whether something is said of f that only a call can tell."""
    return "jac" in given or given["options"].get("batched")


def _result(result, given):
    if not isinstance(result, OptimizeResult):
        return f"a {type(result).__name__} came back"
    if (
        ("fun" in given and result.x.ndim != 1)
        or result.x.dtype != np.float64
        or np.isnan(result.x).any()
    ):
        return f"x is {result.x!r}"
    if "fun" in given and np.isnan(result.fun) != (result.status == 4):
        return f"fun is {result.fun} with status {result.status}"
    return "result"
