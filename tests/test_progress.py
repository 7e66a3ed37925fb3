"""Progress: one live line in a terminal, which it leaves as it was; elsewhere a log or nothing."""

import re
import subprocess
import sys

import pytest
from terminal import HIDE, in_terminal

from deepopt._support.progress import Line, Seen, _clock

WORK = """
import time
from deepopt._support.progress import Line
with Line("work", "points", (400,)) as line:
    for i in range(5):
        line.see(f"best {10.0 - i:g}", 100 * i)
        line.log(f"logged {i}")
        time.sleep(0.25)
    %s
    line.say("the end")
print("after")
"""


def test_a_terminal_sees_one_live_line_that_goes():
    done = in_terminal(["-c", WORK % ""])
    assert done.code == 0
    assert done.screen == ["the end", "after"]
    assert done.is_restored
    assert HIDE in done.raw
    line = next(line for line in done.drawings if "300/400 points" in line)
    assert line.startswith("work ")
    for words in (r"best 7 ", r"points, \d+/s", r"0:00, 0:00 left"):
        assert re.search(words, line), line
    assert "logged" not in done.raw


def test_a_pipe_gets_the_log_and_no_live_line(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", WORK % "import sys; assert 'rich' not in sys.modules"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [*(f"logged {i}" for i in range(5)), "the end", "after"]
    assert done.stderr == ""


@pytest.mark.parametrize("setting", [{"TERM": "dumb"}, {"TERM": "xterm", "NO_COLOR": "1"}])
def test_plain_terminals(setting):
    done = in_terminal(["-c", WORK % ""], **setting)
    assert done.screen[-2:] == ["the end", "after"]
    assert (HIDE in done.raw) == (setting["TERM"] != "dumb")
    assert "\x1b[3" not in done.raw  # no colour


def test_colour_that_is_forced_makes_no_terminal_of_a_pipe():
    done = subprocess.run(
        [sys.executable, "-c", WORK % ""], capture_output=True, text=True, timeout=60,
        env={"FORCE_COLOR": "1", "PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert "\x1b" not in done.stdout
    assert "logged 4" in done.stdout


def test_an_exception_leaves_the_terminal_as_it_was():
    done = in_terminal(["-c", WORK % "raise RuntimeError('boom')"])
    assert done.code == 1
    assert done.is_restored
    assert done.screen[0].startswith("Traceback")
    assert done.screen[-1] == "RuntimeError: boom"


def test_ctrl_c_leaves_the_terminal_as_it_was():
    done = in_terminal(["-c", WORK % ""], interrupt=lambda raw: "200/400" in raw)
    assert done.code != 0
    assert done.is_restored
    assert done.screen[-1] == "KeyboardInterrupt"
    assert "400/400" not in done.raw


def test_on_a_narrow_terminal_it_is_one_line_still():
    done = in_terminal(["-c", WORK % ""], columns=30)
    assert done.screen == ["the end", "after"]
    assert "…" in done.raw


def test_prints_and_inner_lines_stand_above():
    code = """
from deepopt._support.progress import Line
import time
with Line("outer", "cells", (2,)) as line:
    with Line("inner", "points") as inner:
        inner.see("below", 1)
        inner.say("from within")
        print("[bold]mine[/bold]")
    line.see("still there", 1)
    time.sleep(0.5)
with Line("next", "cells") as line:
    time.sleep(0.3)
"""
    done = in_terminal(["-c", code])
    assert done.screen == ["from within", "[bold]mine[/bold]"]
    assert any("outer" in line and "still there" in line for line in done.drawings)
    assert any(line.startswith("next") for line in done.drawings)
    assert not any("below" in line for line in done.drawings)


def test_what_is_not_shown_is_silent(capsys):
    with Line("work", "points", shown=False) as line:
        line.see("best", 1)
        line.log("logged")
        line.say("said")
    assert capsys.readouterr() == ("", "")


def test_rates_and_times():
    line = Line("work", "points", (1000, 10), seconds=60.0, started=100.0)
    assert line._counted() == ""
    assert line._times(101.0) == "0:01, 0:59 left"
    assert line._share(115.0) == 0.25  # the clock alone
    line._first, line._last = Seen(102.0, 100, 0.1), Seen(104.0, 300, 0.3)
    assert line._counted() == "300/1,000 points, 100/s"
    assert line._times(104.0) == "0:04, 0:07 left"  # 0.7 at 0.1 each second
    assert line._times(106.0) == "0:06, 0:05 left"
    line._last = Seen(1002.0, 101, 0.101)
    assert line._counted() == "101/1,000 points, 900 s each"
    assert line._times(1002.0).endswith("0:00 left")  # the limit of 60 s comes first
    line = Line("work", "points", (None,), started=0.0)
    line._first = line._last = Seen(1.0, 5, None)
    assert (line._counted(), line._times(3661.0)) == ("5 points", "1:01:01")
    assert _clock(59.9) == "0:59"


def test_limits_that_are_none_or_infinite_tell_nothing():
    code = """
import math
from deepopt._support.progress import Line
with Line("work", "points", (math.inf, None, 0, 4)) as line:
    line.see("a", 1, 1, 1, 2)
    assert line._share(0.0) == 0.5
    line.see("a", 1)
    assert line._share(0.0) is None
with Line("work", "points", seconds=math.inf) as line:
    line.see("a", 1)
    line.see("a", 2)
    assert line._left(0.0) is None
"""
    assert in_terminal(["-c", code]).code == 0


CALL = """
import numpy as np, time, deepopt
def f(x):
    time.sleep(0.002)
    return float(np.sum(x ** 2))
result = deepopt.minimize(f, [1.0] * 3, bounds=[(-2, 2)] * 3, rng=0, options=dict(
    disp=True, maxtime=3.0, batched=False))
"""


def test_disp_in_a_terminal_is_live_and_ends_in_the_outcome():
    done = in_terminal(["-c", CALL])
    assert done.code == 0, done.raw
    (outcome,) = done.screen
    assert re.fullmatch(r"f = [-\d.e]+, [\w ]+\. \d+ points", outcome)
    live = [line for line in done.drawings if "best " in line]
    assert any(re.search(r"points, [\d,.]+/s +0:0\d, 0:0\d left", line) for line in live), live
    assert live[-1].startswith("homotopy ")
    assert done.is_restored


def test_ctrl_c_on_the_command_line_brings_the_best_so_far(tmp_path):
    (tmp_path / "slow.py").write_text(
        "import time, numpy as np\ndef f(x):\n    time.sleep(0.01)\n    return float(np.sum(x**2))"
    )
    done = in_terminal(
        ["-m", "deepopt.cli", "minimize", f"{tmp_path}/slow.py:f", "--bounds", "-2", "2", "--dim",
         "2", "--option", "ftol=0"],
        interrupt=lambda raw: "best " in raw,
    )  # fmt: skip
    assert done.code == 130, done.raw
    assert done.is_restored
    outcome, x = [line.removeprefix("^C") for line in done.screen]
    assert "Interrupted; the best point so far is returned." in outcome
    assert x.startswith("x = ")


def test_the_sweep_of_a_suite_in_a_terminal(tmp_path):
    code = f"""
import time
from pathlib import Path
from deepopt.bench._cells import Cell
from deepopt._support.progress import console_for
from deepopt.bench._sweep import run_cells
def work():
    time.sleep(0.6)
    return {{}}
cells = [Cell(f"cell-{{i}}", {{"i": i}}, work) for i in range(3)]
run_cells(cells, Path({str(tmp_path)!r}), console_for(quiet=False))
"""
    done = in_terminal(["-c", code])
    assert done.code == 0, done.raw
    assert done.screen == []
    line = next(line for line in done.drawings if "cell-1" in line)
    assert re.search(r"^bench .* 2/3 cells, .* left", line), line
