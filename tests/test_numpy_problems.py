"""Problems as NumPy authors write them: every one is taken as it is, and nothing is said."""

import cmath
import functools
import itertools
import math
import statistics
import warnings

import numpy as np
import pytest
import scipy.integrate
import scipy.interpolate
import scipy.linalg
import scipy.optimize
import scipy.special
import scipy.stats

import deepopt

RNG = np.random.default_rng(5)
T = np.linspace(0.0, 1.0, 20)
DATA = 1.3 * np.exp(-2.0 * T) + 0.2 + 0.01 * RNG.normal(size=20)
A = RNG.normal(size=(5, 3))
B = A @ [0.5, -0.4, 0.2]
SAMPLE = RNG.normal(0.4, 0.7, size=50)


def unpacked(x):
    a, b, c = x
    return (a - 1) ** 2 + 100 * (b - a**2) ** 2 + abs(c)


def loop(x):
    total = 0.0
    for i in range(len(x) - 1):
        total += 100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2
    return total


def enumerated(x):
    return sum((i + 1) * v * v for i, v in enumerate(x))


def mathematics(x):
    return math.sin(x[0]) ** 2 + math.exp(x[1]) + math.fabs(x[2])


def residuals(x):
    r = A.dot(x) - B
    return 0.5 * r.dot(r)


def curve_fit(p):
    model = p[0] * np.exp(-abs(p[1]) * T) + p[2]
    return ((model - DATA) ** 2).mean()


def likelihood(p):
    mu, log_sigma, _ = p
    return -scipy.stats.norm.logpdf(SAMPLE, mu, np.exp(log_sigma)).sum()


def branches(x):
    if x[0] > 0.5:
        return float(x[0] ** 2 + x[1])
    if x[1] < 0:
        return float(-x[1])
    return float(np.max(np.abs(x)))


def trying(x):
    try:
        return 1.0 / math.sqrt(x[0]) + x[1] ** 2
    except (ValueError, ZeroDivisionError):
        return 1e3


def ode(p):
    def field(y, t):
        return [p[0] * y[0] - y[0] * y[1], p[1] * y[0] * y[1] - y[1]]

    y = scipy.integrate.odeint(field, [1.0, 0.5], T)
    return float(((y[:, 0] - DATA) ** 2).sum()) + 0.1 * p[2] ** 2


def in_place(x):
    x -= 0.3
    x *= x
    return x.sum()


def sorting(x):
    x.sort()
    return x[-1] - x[0] + (x[1] - 0.2) ** 2


def matrix(x):
    m = np.diag(x) + 0.1 * np.ones((3, 3))
    return np.linalg.norm(m @ m - np.eye(3))


def eigenvalue(x):
    m = np.array([[2.0, x[0], x[1]], [x[0], 1.0, x[2]], [x[1], x[2], 3.0]])
    return np.linalg.eigvalsh(m)[-1]


def roots(x):
    return float(np.abs(np.roots([1.0, x[0], x[1], x[2]])).max())


def complex_inside(x):
    return abs(cmath.exp(1j * x[0]) - complex(x[1], x[2])) ** 2


def fourier(x):
    return np.abs(np.fft.rfft(x, 8))[1:].sum()


def interpolated(x):
    return float(scipy.interpolate.CubicSpline([0, 1, 2, 3], [*x, 0.0])(1.5)) ** 2


def special(x):
    return scipy.special.gammaln(np.abs(x) + 0.5).sum()


def where(x):
    return np.where(x > 0, x**2, -x).sum()


def rounded(x):
    return np.round(3 * x).sum() ** 2 + np.sum(np.abs(x))


def lists(x):
    return statistics.fmean([v**2 for v in x.tolist()])


def one_in_an_array(x):
    return np.array([np.sum(x**2)])


def one_in_a_matrix(x):
    return np.sum(x**2).reshape(1, 1)


def half_precision(x):
    return np.float32(np.sum(x**2))


def whole_number(x):
    return int(np.sum(np.abs(10 * x)))


def yes_or_no(x):
    return bool(np.sum(x) > 0)


def noisy(x):
    return np.sum(x**2) + 1e-3 * np.random.default_rng(abs(hash(x.tobytes()))).normal()


def asserting(x):
    assert x.ndim == 1
    assert x.dtype == np.float64
    assert x.flags.writeable
    return np.prod(1 + x**2)


def nested_sums(x):
    return sum((a - b) ** 2 + 1.0 / (0.1 + (a - b) ** 2) for a, b in itertools.combinations(x, 2))


def einsum(x):
    return np.einsum("i,ij,j->", x, A.T @ A, x)


def polynomial(x):
    return np.polyval(x, 1.7) ** 2 + np.linalg.norm(x, 1)


def cumulative(x):
    return np.cumsum(x).max() - np.diff(x).min()


def statistic(x):
    return -float(np.corrcoef(x, [1.0, 2.0, 4.0])[0, 1]) if np.ptp(x) else 0.0


def inner_search(x):
    found = scipy.optimize.minimize_scalar(lambda t: (t - x[0]) ** 2 + t**4)
    return found.fun + x[1] ** 2 + x[2] ** 2


@functools.lru_cache
def cached(x):
    return sum(v**2 for v in x)


def through_a_cache(x):
    return cached(tuple(x))


class Simulator:
    def __init__(self):
        self.calls = 0

    def run(self, x):
        self.calls += 1
        return float(x @ x) + math.sin(x[0])


def shifted(x, a, *, power=2):
    return np.sum(np.abs(x - a) ** power)


PROBLEMS = [
    unpacked, loop, enumerated, mathematics, residuals, curve_fit, likelihood, branches, trying,
    ode, in_place, sorting, matrix, eigenvalue, roots, complex_inside, fourier, interpolated,
    special, where, rounded, lists, one_in_an_array, one_in_a_matrix, half_precision, whole_number,
    yes_or_no, noisy, asserting, nested_sums, einsum, polynomial, cumulative, statistic,
    inner_search, through_a_cache, Simulator().run, functools.partial(shifted, a=0.3, power=1.5),
    lambda x: x[0] ** 2 + np.cos(x[1]) + x[2] ** 2, np.vectorize(loop, signature="(n)->()"),
    np.linalg.norm, np.sum, max, scipy.optimize.rosen,
]  # fmt: skip


def test_there_are_enough_of_them():
    assert len(PROBLEMS) >= 30


@pytest.mark.backends
@pytest.mark.parametrize("f", PROBLEMS, ids=lambda f: getattr(f, "__name__", type(f).__name__))
def test_a_problem_is_taken_as_it_is(f):
    bounds = [(-2.0, 2.0), (-1.0, 1.5), (0.0, 1.0)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = deepopt.minimize(f, bounds=bounds, rng=0, options={"maxfev": 150})
    assert result.status in (0, 2)
    value = np.asarray(f(result.x.copy()), dtype=float).reshape(())
    np.testing.assert_allclose(result.fun, value, rtol=1e-12, atol=1e-12)
    below = [
        float(np.asarray(f(np.array(x))).reshape(())) for x in ([1.1, 0.9, 0.7], [-1.3, -0.6, 0.9])
    ]
    assert result.fun <= min(below) + 1e-9
    assert result.nfev <= 150
