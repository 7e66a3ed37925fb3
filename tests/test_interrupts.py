"""Ctrl-C: told once, at a safe point, and never lost."""

import contextlib
import importlib
import os
import random
import signal
import sys
import threading
from pathlib import Path

import keras
import pytest

from deepopt._support import interrupts as _interrupts
from deepopt._support.interrupts import UsersCode, check, holding, importing, is_pending, watched

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import interrupts


def ctrl_c():
    """As the terminal does it; the handler has run when this comes back."""
    signal.raise_signal(signal.SIGINT)


@pytest.fixture(autouse=True)
def all_is_put_back():
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert _interrupts._watch is None


# Where it is raised


def test_elsewhere_than_in_the_users_code_it_waits_for_a_safe_point():
    with watched():
        check()
        ctrl_c()
        assert is_pending()
        with pytest.raises(KeyboardInterrupt):
            check()
        assert not is_pending()
        check()


def test_a_second_one_is_raised_at_once():
    with watched():
        ctrl_c()
        with pytest.raises(KeyboardInterrupt):
            ctrl_c()


def test_in_the_users_code_it_is_raised_at_once():
    after = []
    with watched():
        with pytest.raises(KeyboardInterrupt), UsersCode():
            after.append(ctrl_c())
        check()
    assert after == []


def test_one_that_waits_is_raised_before_the_users_code():
    with watched():
        ctrl_c()
        with pytest.raises(KeyboardInterrupt), UsersCode():
            pytest.fail("the user's code ran")


def test_one_that_is_swallowed_in_the_users_code_is_raised_after_it():
    def swallowing():
        try:
            ctrl_c()
        except BaseException:  # as a library's callback does
            return

    with watched(), pytest.raises(KeyboardInterrupt), UsersCode():
        swallowing()


def test_a_scope_that_holds_comes_to_its_end():
    done = False
    with watched():
        with holding():
            ctrl_c()
            assert not is_pending()
            check()
            done = True
        assert is_pending()
        with pytest.raises(KeyboardInterrupt):
            check()
    assert done


def test_a_call_within_a_callback_ends_both():
    def inner():
        with watched():
            ctrl_c()
            check()

    def catching():
        with contextlib.suppress(KeyboardInterrupt):
            inner()

    for callback in (inner, catching):
        with watched(), pytest.raises(KeyboardInterrupt), UsersCode():
            callback()


def test_an_import_ends_between_two_modules():
    def load():
        ctrl_c()
        importlib.import_module("colorsys")

    sys.modules.pop("colorsys", None)
    with pytest.raises(KeyboardInterrupt), importing():
        load()
    assert "colorsys" not in sys.modules
    with pytest.raises(KeyboardInterrupt), importing():
        ctrl_c()  # after the last module


def test_in_another_thread_nothing_is_taken_over():
    raised = []

    def work():
        with watched(), UsersCode():
            check()
            raised.append(signal.getsignal(signal.SIGINT) is signal.default_int_handler)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert raised == [True]
    with watched():
        ctrl_c()
        other = threading.Thread(target=check)  # raises nothing there
        other.start()
        other.join()
        with pytest.raises(KeyboardInterrupt):
            check()


def test_a_users_handler_stays():
    came = []
    before = signal.signal(signal.SIGINT, lambda *_: came.append(True))
    try:
        with watched():
            ctrl_c()
            check()
    finally:
        signal.signal(signal.SIGINT, before)
    assert came == [True]


# Whole processes; `benchmarks/trust.py` counts many more


@pytest.mark.backends
@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT to a process")
@pytest.mark.parametrize("name", interrupts.CALLS)
def test_a_call_ends_soon_and_whole(name):
    after = random.uniform(0.0, interrupts.WITHIN)
    end = interrupts.interrupted(interrupts.CALLS[name], keras.config.backend(), after)
    assert end["how"] in (5, "KeyboardInterrupt"), end
    assert end["finite"], end
    assert end["code"] == 0, end
    assert end["seconds"] < 10.0, end  # two, or a compilation's time, where the machine is idle
