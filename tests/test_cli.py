"""The command line, as a user calls it: in processes of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers import heed_ctrl_c

import deepopt
from deepopt.cli import main

COMMAND = [sys.executable, "-m", "deepopt.cli"]
# What a test before this one may have set, and a user has not.
CLEAN = {key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"}
HEAVY = ("keras", "tensorflow", "jax", "torch", "scipy", "matplotlib", "optuna", "numpy", "rich")


def call(
    *arguments: str, cwd: Path | None = None, home: Path | None = None
) -> subprocess.CompletedProcess[str]:
    env = CLEAN if home is None else CLEAN | {"HOME": str(home)}
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=120, env=env, cwd=cwd
    )


def test_help_is_light() -> None:
    begun = time.perf_counter()
    done = call("--help")
    assert time.perf_counter() - begun < 2.0  # 0.1 s on an idle machine
    assert done.returncode == 0
    assert "bench" in done.stdout
    assert "list" in done.stdout
    assert done.stderr == ""
    source = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from deepopt.cli import main\n"
        "for words in (['--help'], ['bench', '--help'], ['--version']):\n"
        "    assert CliRunner().invoke(main, words).exit_code == 0\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    loaded = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True)
    assert loaded.stdout.strip() == "[]", loaded.stderr


def test_help_of_bench_has_a_line_for_each_suite() -> None:
    lines = CliRunner().invoke(main, ["bench", "--help"]).output.splitlines()
    for suite in ("quick", "convexity", "peers", "black-box"):
        assert any(line.split()[:1] == [suite] for line in lines), suite


def test_version() -> None:
    done = CliRunner().invoke(main, ["--version"])
    assert done.output.strip() == f"deepopt, version {deepopt.__version__}"


def test_list_shows_problems_methods_and_options() -> None:
    done = call("list")
    assert done.returncode == 0
    assert done.stderr == ""
    for words in ("michalewicz", "[-5.12, 5.12]^50", "-49.6248", "homotopy", "n_embeddings"):
        assert words in done.stdout
    assert "wall seconds from the call" in done.stdout
    assert "'grid'" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["quik"], "suite 'quik' is unknown; did you mean 'quick'?"),
        (["--only", "rastrign"], "problem 'rastrign' is unknown; did you mean 'rastrigin'"),
        (["--starts", "2"], "suite 'quick' has no setting 'starts'"),
        (["convexity", "--iterations", "-1"], "iterations must be at least 1, got -1"),
        (["--dtype", "half"], "dtype must be one of 'float64', 'float32', got 'half'"),
        (["--out", "{file}"], "out must be a folder that can be written to"),
        (["--out", "{file}/below"], "out must be a folder that can be written to"),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, arguments: list[str], words: str) -> None:
    file = tmp_path / "file"
    file.write_text("")
    out = [] if "--out" in arguments else ["--out", str(tmp_path / "out")]
    given = [argument.format(file=file) for argument in arguments]
    done = CliRunner().invoke(main, ["bench", *given, *out])
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert words in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "out").exists()


def test_bad_usage_of_the_command_line_itself() -> None:
    done = call("bench", "--seed", "two")
    assert done.returncode == 2
    assert "'two' is not a valid integer" in done.stderr
    done = call("bench", "--dim", "0")
    assert (done.returncode, done.stderr) == (2, "Error: dim must be at least 1, got 0\n")


def test_ctrl_c_keeps_finished_cells_and_the_command_continues(tmp_path: Path) -> None:
    small = ["bench", "--dim", "2", "--only", "sphere", "--only", "ackley", "--out", str(tmp_path)]
    long = [*small, "--iterations", "20000"]
    process = subprocess.Popen(
        [*COMMAND, *long], stderr=subprocess.PIPE, text=True, env=CLEAN, preexec_fn=heed_ctrl_c
    )
    _wait_for(lambda: len(list(tmp_path.glob("cells/*.json"))) == 1, process)
    (kept,) = tmp_path.glob("cells/*.json")
    before = kept.stat().st_mtime_ns
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.count("\n") == 1
    assert "Traceback" not in said
    assert "of 4 cells are finished and kept" in said
    assert json.loads(kept.read_text())["result"]["nit"] == 20_000
    assert not (tmp_path / "results.json").exists()
    assert kept.stat().st_mtime_ns == before


def _wait_for(condition: object, process: subprocess.Popen[str]) -> None:
    assert callable(condition)
    end = time.perf_counter() + 90
    while not condition():
        assert process.poll() is None
        assert time.perf_counter() < end
        time.sleep(0.05)


def test_the_whole_command(tmp_path: Path) -> None:
    here, home, out = (tmp_path / name for name in ("here", "home", "out"))
    here.mkdir()
    home.mkdir()
    words = [
        "bench",
        "--only",
        "levy,sphere",
        "--dim",
        "2",
        "--iterations",
        "20",
        "--out",
        str(out),
    ]
    done = call(*words, cwd=here, home=home)
    assert done.returncode == 0
    assert done.stderr == ""
    assert "[4/4] sphere-deep" in done.stdout
    assert str(out) in done.stdout
    assert {"results.json", "results.csv", "quick.png"} <= {path.name for path in out.iterdir()}
    assert sorted(tmp_path.iterdir()) == [here, home, out]
    assert not list(here.iterdir())
    own = {".keras", ".cache", ".config"}  # of Keras and matplotlib
    assert {path.name for path in home.iterdir()} <= own
    again = call(*words)
    assert "4 of 4 cells are finished already" in again.stdout
    assert "[4/4]" not in again.stdout
