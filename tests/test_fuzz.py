"""A sample of the calls that `benchmarks/fuzz.py` makes by the thousand."""

import bad_calls
import pytest


@pytest.mark.backends
@pytest.mark.parametrize("seed", [100, 101])
def test_no_argument_is_taken_for_what_it_is_not(seed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a checkpoint may be asked for anywhere
    wrong = {}
    for word, *call in bad_calls.calls(150, seed):
        came = bad_calls.outcome(*call)
        if came not in ("refused", "result"):
            wrong[word] = came
    assert not wrong
