"""A sample of `benchmarks/stale.py`: no call minimises an old form of f.

For functions it is enough that their fingerprints differ, which takes no time; some calls are made,
and all of them where slow tests run.
"""

import contextlib
import sys
from pathlib import Path

import pytest

from deepopt._objective.fingerprints import fingerprint

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import stale_ways

pytestmark = [pytest.mark.backends, pytest.mark.filterwarnings("ignore")]
WAYS = {way.name: way for way in stale_ways.ways()}
SAMPLE = [
    "global", "array, in place", "view whose base changes", "state of __call__", "class attribute",
    "function put into a library's module", "array of another function, equal when it was compiled",
    "state that changes and comes back", "f that counts its calls", "Keras model, trained one step",
]  # fmt: skip


def told_apart(way):
    """Whether the functions of a way have two fingerprints, or none; None where it has calls."""
    with contextlib.closing(way.steps()) as steps:
        first, _ = next(steps)
        if isinstance(first, stale_ways.Call):
            return None
        before, again = fingerprint(first), fingerprint(first)
        last, _ = next(steps)
        after = fingerprint(last)
        next(steps, None)  # what is put back
    assert before == again or before is None
    return before is None or before != after


@pytest.mark.parametrize("name", WAYS)
def test_what_has_changed_is_told_apart(name):
    told = told_apart(WAYS[name])
    assert told or told is None


@pytest.mark.parametrize("name", SAMPLE)
def test_a_call_gives_what_the_changed_function_gives(name):
    assert stale_ways.outcome(WAYS[name]).wrong is None


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in WAYS if name not in SAMPLE])
def test_every_call_gives_what_the_changed_function_gives(name):
    assert stale_ways.outcome(WAYS[name]).wrong is None


def test_a_new_but_equal_function_is_compiled_once():
    def call(weight):
        stale_ways.objective(lambda x: stale_ways.dented(x, weight)).ask()

    with stale_ways.counting() as made:
        call(1.5)
        before = made.programs, made.traces
        for _ in range(5):
            call(1.5)
        assert made.programs == before[0] == 1
        call(2.5)
        assert made.programs == 2
