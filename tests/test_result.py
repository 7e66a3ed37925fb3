"""Results: SciPy's `OptimizeResult` in all it does, and a card of a few lines where it is shown."""

import copy
import html
import pickle
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import scipy.optimize
from helpers import sphere

import deepopt
from deepopt._support.results import Result, Status, make_result
from deepopt._support.summary import Card, number, point, span
from deepopt.generators import Architecture

BOUNDS = [(-2.0, 2.0)] * 8
OPTIONS = {"maxiter": 30, "learning_rate": 0.1}


@pytest.fixture(scope="module")
def result():
    return deepopt.minimize(sphere, bounds=BOUNDS, method="gd", options=OPTIONS, rng=0)


@pytest.fixture(scope="module")
def batch():
    generator = Architecture("expansive", 3, (40,), hidden=(20,)).generator()
    y = generator(np.array([[0.5, -0.2, 0.1], [0.0, 0.9, -0.3]]))
    return deepopt.invert(generator, y, rng=0)


def test_it_is_scipys_result(result):
    assert isinstance(result, scipy.optimize.OptimizeResult)
    assert isinstance(result, dict)
    assert result["fun"] == result.fun
    assert set(result) == set(dir(result))
    with pytest.raises(AttributeError):
        result.no_such_field  # noqa: B018
    result.mine = 3
    assert result["mine"] == 3
    del result.mine
    assert "mine" not in result


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r))]
)
def test_copies_and_pickles_are_of_the_same_kind(result, again):
    other = again(result)
    assert type(other) is Result
    assert repr(other) == repr(result)
    np.testing.assert_equal(dict(other), dict(result))


def test_it_equals_a_dict_of_the_same():
    made = make_result(Status.MAXITER, fun=1.0)
    sentence = Status.MAXITER.sentence
    assert made == {
        "success": False,
        "status": 1,
        "message": sentence,
        "fun": 1.0,
        "stopped_by": "maxiter",
    }
    assert made != {"fun": 1.0}
    assert dict(**made) == made


def test_it_comes_out_of_scipy_and_out_of_a_callback():
    seen = []
    found = scipy.optimize.minimize(
        sphere, np.ones(3), bounds=BOUNDS[:3], method=deepopt.scipy_method("gd"), options=OPTIONS,
        callback=lambda intermediate_result: seen.append(intermediate_result),
    )  # fmt: skip
    assert type(found) is Result
    assert all(isinstance(now, scipy.optimize.OptimizeResult) for now in seen)
    assert "f  " in repr(seen[0])


def test_the_card_says_what_came_out(result):
    title, *lines = str(result).splitlines()
    assert title == f"gd: {result.message}"
    found = dict(line.split(maxsplit=1) for line in lines)
    assert found["f"] == f"{result.fun:.10g}"
    assert found["x"].startswith(f"[{result.x[0]:.5g} ")
    assert found["x"].endswith(f"{result.x[-1]:.5g}]  8 numbers")
    seconds = result.history["time"][-1]
    assert found["spent"] == f"{result.nfev:,} points, {result.nit:,} iterations, {seconds:.3g} s"
    assert "population" in found["more"] or found["more"].endswith("…")
    assert repr(result) == str(result)
    assert len(lines) == 4
    assert max(map(len, lines)) <= 96


def test_the_card_of_a_batch_has_counts_and_ranges(batch):
    title, *lines = repr(batch).splitlines()
    assert title == f"direct: {batch.message}"
    found = dict(line.split(maxsplit=1) for line in lines)
    assert found["found"] == "2 of 2"
    assert found["f"] == f"{batch.fun.min():.3g} to {batch.fun.max():.3g}"
    assert found["x"] == "2 of 3 numbers"
    assert found["cost"].endswith(" forward passes each")
    worse = Result(batch, found=np.array([True, False]), cost=np.array([10, 1234]))
    assert "found  1 of 2" in repr(worse)
    assert "cost  10 to 1234 forward passes each" in repr(worse)


class _Table(HTMLParser):
    """The texts of cells; every tag that is opened is closed."""

    def __init__(self):
        super().__init__()
        self.open, self.cells = [], []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.cells.append(data)


def test_the_table_of_a_notebook_has_the_same_words_escaped(result, batch):
    odd = Result(method="<b>&", message='"<script>"', fun=1.0)
    for one in (result, batch, odd):
        text = one._repr_html_()
        table = _Table()
        table.feed(text)
        table.close()
        assert not table.open
        for line in repr(one).splitlines()[1:]:
            label, words = line.split(maxsplit=1)
            assert label in table.cells
            assert words in table.cells
        assert "<script" not in text
        assert "<b>" not in text
    assert html.escape('<b>&: "<script>"') in odd._repr_html_()
    # Its colours are the page's, dark or light
    assert set(re.findall(r"(?<![-\w])(?:color|background): (\w+)", text)) == {
        "inherit", "transparent",
    }  # fmt: skip


@pytest.mark.parametrize(
    "changed",
    [{}, {"fun": None}, {"fun": [1.0, "a"]}, {"x": None}, {"history": {}}, {"nit": "many"},
     {"fun": np.nan, "x": np.array(["a"])}, {"cost": None, "found": np.array([True, False])},
     {"fun": 10**400}, {"cost": np.inf, "fun": 1.0}, {"nfev": np.inf}, {3: "three"},
     {"message": np.zeros(2)}, {"fun": np.array([1j, 2])}, {"fun": 1j},
     {"message": "two\nlines"}, {"x": np.zeros((2, 2, 3))}, {"fun": np.array([])}],
)  # fmt: skip
def test_a_card_is_shown_of_whatever_a_user_has_made_of_it(changed):
    shown = repr(Result(changed))
    assert shown
    assert len(shown.splitlines()) <= 1 + len(changed) + 1
    assert Result(changed)._repr_html_().startswith("<table")


def test_numbers_points_and_spans():
    assert number(1 / 3) == "0.3333333333"
    assert number(np.nan) == "nan"
    assert point(range(6)) == "[0 1 2 3 4 5]"
    assert point(range(7)) == "[0 1 2 3 4 … 6]  7 numbers"
    assert span([2.0, 1.0]) == "1 to 2"
    assert span([1.0, 1.0]) == "1"
    words = " ".join(f"word-{i}" for i in range(30))
    lines = Card("t", [("label", words)]).text.splitlines()
    assert " ".join(" ".join(lines[1:]).split()) == f"label {words}"
    assert len(lines) > 2
    assert max(map(len, lines)) <= 96


def test_the_card_of_a_study():
    tuned = deepopt.tune(
        sphere, "gd", n_trials=2, seeds=1, rng=0, bounds=BOUNDS, options={"maxiter": 5},
    )  # fmt: skip
    options, study, summary = tuned  # a tuple still
    lines = repr(tuned).splitlines()
    text = " ".join(repr(tuned).split())
    assert study.study_name in lines[0]
    assert f" best {summary['best'][0]:.10g}, of " in text
    assert f" defaults {summary['defaults'][0]:.10g} " in text
    assert "maxiter=5" in text
    assert all(f"{key}={value!r}" in text for key, value in options.items())
    assert f"{summary['complete']} complete" in text
    assert max(map(len, lines)) <= 96
    assert "maxiter=5" in tuned._repr_html_()
