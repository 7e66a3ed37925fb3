"""What holds for every sound call, whatever its bounds, dimension, precision and objective."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import deepopt

KNOWN = {0, 1, 2, 3, 4}

numbers = st.one_of(
    st.floats(-10, 10), st.floats(-1e6, 1e6), st.sampled_from([0.0, 1e-12, -1e-300, 1e15, -1e150])
)


def finite(f):
    """f where it is a number, without NumPy's warnings of what is none."""

    def quiet(x):
        with np.errstate(all="ignore"):
            return float(f(x))

    return quiet


OBJECTIVES = {
    "bowl": finite(lambda x: np.sum((x - 0.3) ** 2)),
    "ripples": finite(lambda x: np.sum(np.abs(x)) + np.sum(np.cos(7.0 * x))),
    "steep": finite(lambda x: np.exp(np.minimum(np.abs(x), 600.0)).sum()),
    "constant": finite(lambda x: 5.0),
    "steps": finite(lambda x: np.floor(x).sum()),
    "holes": finite(lambda x: np.nan if x[0] > 0.5 else np.sum(x**2)),
    "cliffs": finite(lambda x: -np.inf if x[-1] < -0.9 else np.sum(x)),
    "tiny": finite(lambda x: 1e-200 * np.sum(x**2)),
    "huge": finite(lambda x: 1e200 * np.sum(np.tanh(x))),
    "never": finite(lambda x: np.inf),
}


@st.composite
def boxes(draw, dims):
    """Bounds (d, 2) and an x0 within: closed, half-open, free and fixed variables."""
    lower, upper, x0 = [], [], []
    for _ in range(draw(dims)):
        one, other = sorted(draw(st.tuples(numbers, numbers)))
        kind = draw(st.sampled_from(["closed", "closed", "below", "above", "free", "fixed"]))
        lower.append(-np.inf if kind in ("above", "free") else one)
        upper.append(one if kind == "fixed" else np.inf if kind in ("below", "free") else other)
        share = draw(st.sampled_from([0.0, 0.3, 1.0]))
        inside = one + share * (other - one) if kind == "closed" else one
        x0.append(float(np.clip(inside, lower[-1], upper[-1])))
    return np.c_[lower, upper], np.array(x0)


def check(box, name, method, options, jac, seed):
    bounds, x0 = box
    calls, seen = [], []

    def f(x):
        calls.append(1)  # also those that only find out what f is
        assert x.shape == x0.shape
        assert x.dtype == np.float64
        assert (x >= bounds[:, 0]).all()
        assert (x <= bounds[:, 1]).all()
        seen.append(OBJECTIVES[name](x))
        return seen[-1]

    try:
        result = deepopt.minimize(
            f, x0, method=method, bounds=bounds, jac=jac, rng=seed, options=options
        )
    except ValueError as error:
        if method == "homotopy" or "range that float32 can hold" not in str(error):
            raise
        return
    assert result.nfev == len(calls) <= options["maxfev"]
    assert result.status in KNOWN
    assert result.success is (result.status == 0)
    assert (result.x >= bounds[:, 0]).all()
    assert (result.x <= bounds[:, 1]).all()
    met = [value for value in seen if np.isfinite(value)]
    if not met:
        assert result.status == 4
        assert np.isnan(result.fun)
        return
    assert result.status != 4
    assert result.fun == min(met) == OBJECTIVES[name](result.x)
    falls = np.diff(result.history["fun"][np.isfinite(result.history["fun"])])
    assert (falls <= 0).all()
    inside = (result.population >= bounds[:, 0]) & (result.population <= bounds[:, 1])
    assert inside.all()


objectives = st.sampled_from(sorted(OBJECTIVES))
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@settings(unhurried, max_examples=150)
@given(
    box=boxes(st.integers(1, 7)), name=objectives, maxfev=st.integers(1, 400),
    jac=st.sampled_from([None, "2-point", "3-point"]), seed=st.integers(0, 2**32),
    more=st.fixed_dictionaries(
        {},
        optional={
            "polish": st.booleans(), "ftol": st.sampled_from([None, 0.0, 1e-3]),
            "maxiter": st.integers(1, 50), "n_starts": st.integers(1, 5),
            "dtype": st.sampled_from(["float64", "float32"]),
        },
    ),
)  # fmt: skip
def test_a_search_keeps_to_its_promises(box, name, maxfev, jac, seed, more):
    check(box, name, "homotopy", {"batched": False, "maxfev": maxfev} | more, jac, seed)


@settings(unhurried, max_examples=60)
@given(
    box=boxes(st.just(3)), name=objectives, maxfev=st.integers(1, 120),
    method=st.sampled_from(["gd", "deep"]), jac=st.sampled_from(["2-point", "3-point"]),
    rate=st.sampled_from([1e-12, 0.1, 1e3, 1e30]), seed=st.integers(0, 2**32),
    polish=st.booleans(), dtype=st.sampled_from(["float64", "float32"]),
)  # fmt: skip
def test_a_descent_keeps_to_its_promises(box, name, maxfev, method, jac, rate, seed, polish, dtype):
    points = {"gd": "n_starts", "deep": "n_embeddings"}[method]
    options = {
        "maxfev": maxfev, "learning_rate": rate, "polish": polish, "dtype": dtype, points: 2,
        "batched": False,
    }  # fmt: skip
    check(box, name, method, options, jac, seed)
