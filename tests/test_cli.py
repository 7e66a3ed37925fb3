"""The command line, as a user calls it: in processes of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers import heed_ctrl_c

import deepopt
from deepopt.cli import _names, main

COMMAND = [sys.executable, "-m", "deepopt.cli"]
# What a test before this one may have set, and a user has not.
# JAX is there in half of the time that TensorFlow takes.
CLEAN = {key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"}
CLEAN |= {"KERAS_BACKEND": os.environ.get("KERAS_BACKEND", "jax")}
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
        (["--scale", "huge", "theory"], "scale must be one of 'quick', 'half', 'full', got 'huge'"),
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


COMMANDS = ("bench", "train", "invert", "minimize", "tune", "list", "completion")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example_and_says_where_files_go(name: str) -> None:
    said = CliRunner().invoke(main, [name, "--help"], terminal_width=100).output
    words = rf"^  \$?(eval \"\$\()?deepopt {name}"
    assert re.search(words, said, re.MULTILINE), said
    assert re.search(r"DIR|No file is written", said), said
    assert "--debug" in said
    assert ("--json" in said) == (name not in ("train", "completion"))
    for option in ("--seed ", "--workers "):
        if f"  {option}" in said:
            assert "[default: " in said.split(f"  {option}")[1].split("  --")[0], option


def test_the_help_begins_with_examples_and_ends_with_exit_codes() -> None:
    said = CliRunner().invoke(main, ["--help"], terminal_width=80).output
    assert sum(line.startswith("  deepopt ") for line in said.splitlines()) == 2
    for code in ("0  ", "1  ", "2  ", "130"):
        assert re.search(rf"^ +{code} ", said, re.MULTILINE), code
    listed = said.split("Commands:")[1].split("\n\n")[0].split("\n")[1:]
    assert sorted(line.split()[0] for line in listed) == sorted(COMMANDS)
    assert "..." not in "".join(listed)


def test_names_that_are_completed_are_those_of_the_tables() -> None:
    from deepopt import problems
    from deepopt._invert import api as _invert
    from deepopt._invert import options as _invert_options
    from deepopt._minimize.methods import METHODS
    from deepopt.bench import SUITES
    from deepopt.generators.training import KINDS

    assert tuple(SUITES) == _names.SUITES
    assert tuple(problems.FUNCTIONS) == _names.PROBLEMS
    assert tuple(METHODS) == _names.METHODS
    assert tuple(_invert.METHODS) == _names.WAYS
    assert tuple(KINDS) == _names.MODELS
    taken = {option.name: option.type for option in main.commands["invert"].params}
    for name, known in (("solver", _invert_options.SOLVERS), ("starts", _invert_options.STARTS)):
        assert taken[name].known == known


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("deepopt be", ["bench"]),
        ("deepopt bench s", ["surfing", "sensing"]),
        ("deepopt minimize ra", ["rastrigin"]),
        ("deepopt minimize sphere --method ", ["homotopy", "gd", "deep"]),
        ("deepopt tune sphere --metric b", ["both"]),
        ("deepopt train w", ["wgan", "wgan-gp"]),
        ("deepopt invert a b --method s", ["surf"]),
        ("deepopt completion f", ["fish"]),
        ("deepopt minimize sphere --maxt", ["--maxtime"]),
    ],
)
def test_what_a_shell_completes(line: str, found: list[str]) -> None:
    count = len(line.split(" ")) - 1
    env = {"COMP_WORDS": line, "COMP_CWORD": str(count), "_DEEPOPT_COMPLETE": "bash_complete"}
    done = CliRunner().invoke(main, prog_name="deepopt", env=env)
    kinds = [one.split(",") for one in done.output.splitlines()]
    assert [word for kind, word in kinds if kind == "plain"] == found
    assert "file" not in dict(kinds)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell(shell: str) -> None:
    done = CliRunner().invoke(main, ["completion", shell])
    assert done.exit_code == 0
    assert f"_DEEPOPT_COMPLETE={shell}_complete" in done.stdout
    assert "deepopt" in done.stdout
    refused = CliRunner().invoke(main, ["completion", "tcsh"])
    assert refused.exit_code == 2
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in refused.stderr


def test_bash_completes_by_the_script(tmp_path: Path) -> None:
    (tmp_path / "deepopt").write_text(
        f"#!{sys.executable}\nfrom deepopt.cli import main\nmain(prog_name='deepopt')\n"
    )
    (tmp_path / "deepopt").chmod(0o755)
    script = (
        "source <(deepopt completion bash); COMP_WORDS=(deepopt bench th); COMP_CWORD=2; "
        '_deepopt_completion deepopt th bench; echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=60,
        env=CLEAN | {"PATH": f"{tmp_path}:{CLEAN['PATH']}", "PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert done.stdout.split() == ["theory"], done.stderr


@pytest.mark.parametrize(
    ("name", "line", "said"),
    [("profile", "raise ValueError('my own')", "ValueError: my own"),
     pytest.param("mine", "open('/nowhere/at/all')", "FileNotFoundError: [Errno 2]",
                  marks=pytest.mark.slow)],
)  # fmt: skip
def test_an_error_is_the_users_own_by_its_place(tmp_path, name, line, said):
    (tmp_path / f"{name}_of_mine").mkdir()
    file = tmp_path / f"{name}_of_mine" / f"{name}.py"
    file.write_text(f"def f(x):\n    {line}\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "deepopt.cli", "minimize", f"{file}:f", "--bounds", "0", "1"],
        capture_output=True, text=True, env=CLEAN, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert f"Error: {said}" in done.stderr
    assert f"({name}.py, line 2)" in done.stderr


def test_an_error_of_the_users_own_is_one_line_with_its_place_and_a_traceback_on_demand(
    tmp_path: Path,
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "import sys\n\ndef f(x):\n    raise ValueError('no such\\nmodel')\n\n"
        "def g(x):\n    print('noise')\n    return float(sum((x - 0.3) ** 2))\n"
    )
    words = ["minimize", f"{file}:f", "--bounds", "0", "1", "--dim", "2"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 1
    assert done.stderr == (
        "Error: ValueError: no such model (mine.py, line 4); --debug shows the traceback\n"
    )
    done = CliRunner().invoke(main, [*words, "--debug"])
    assert done.exit_code == 1
    assert "Traceback (most recent call last)" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("Error: ValueError: no such model")
    done = CliRunner().invoke(main, ["minimize", "sphere", "--method", "depe", "--debug"])
    assert done.exit_code == 2
    assert "Traceback" in done.stderr
    assert "did you mean 'deep'" in done.stderr.splitlines()[-1]
    # One document, whatever the function prints
    words = ["minimize", f"{file}:g", *words[2:], "--option", "maxfev=50", "--option", "disp=True"]
    done = call(*words, "--json", "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert "noise" in done.stderr
    assert document["nfev"] <= 50
    assert document["x"] == pytest.approx([0.3, 0.3], abs=0.2)
    assert json.loads((tmp_path / "out" / "result.json").read_text()) == document


def test_json_of_a_suite_a_study_and_the_lists(tmp_path: Path) -> None:
    small = ["--only", "sphere", "--dim", "2", "--iterations", "20", "--out", str(tmp_path / "b")]
    done = CliRunner().invoke(main, ["bench", *small, "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == json.loads((tmp_path / "b" / "results.json").read_text())
    words = ["sphere", "--dim", "2", "--method", "gd", "--option", "maxiter=5", "--seeds", "1"]
    words += ["--trials", "1", "--out", str(tmp_path / "t"), "--json"]
    done = CliRunner().invoke(main, ["tune", *words])
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert document["options"]["maxiter"] == 5
    assert document.pop("out") == str(tmp_path / "t")
    assert document == json.loads((tmp_path / "t" / "best.json").read_text())
    document = json.loads(CliRunner().invoke(main, ["list", "--json"]).stdout)
    assert {one["name"] for one in document["problems"]} >= {"levy", "spherical_spin_glass"}
    assert set(document["options"]) == {"homotopy", "gd", "deep", "invert"}
    (rate,) = [one for one in document["options"]["gd"] if one["name"] == "learning_rate"]
    assert rate["default"] == "grid"
    refused = CliRunner().invoke(main, ["bench", "quik", "--json"])
    assert (refused.exit_code, refused.stdout) == (2, "")


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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["minimize", "sphere", "--option", "learning_rat=0.1"],
         "homotopy has no option 'learning_rat' (did you mean 'learning_rate'?)"),
        (["tune", "sphere", "--method", "gd", "--option", "maxtimee=1"],
         "gd has no option 'maxtimee' (did you mean 'maxtime'?)"),
        (["minimize", "sphere", "--option", "learning_rate=abc"],
         "learning_rate must be a number, a sequence of them or 'grid', got 'abc'"),
    ],
)  # fmt: skip
def test_an_option_that_is_none_is_an_error(arguments, said):
    done = CliRunner().invoke(main, arguments)
    assert (done.exit_code, done.stderr.strip()) == (2, f"Error: {said}")


def test_options_are_written_as_in_a_shell_and_a_long_point_is_cut():
    arguments = ["minimize", "sphere", "--dim", "60", "--option", "polish=false", "--method", "gd"]
    done = CliRunner().invoke(main, [*arguments, "--option", "maxiter=2"])
    assert done.exit_code == 0, done.stderr
    x = done.stdout.split("x = ")[1].split("\n")[0].split()
    assert (len(x), x[-1]) == (51, "…")


def test_a_function_that_is_finite_nowhere_is_a_failure(tmp_path):
    (tmp_path / "nowhere.py").write_text("def f(x):\n    return float('nan')\n", encoding="utf-8")
    place = f"{tmp_path / 'nowhere.py'}:f"
    limits = ["--bounds", "-1", "1", "--maxfev", "20"]
    done = CliRunner().invoke(main, ["minimize", place, *limits])
    assert done.exit_code == 1
    assert "not finite" in done.output


def test_a_problem_is_completed_and_else_a_file():
    kind = _names.Name(_names.PROBLEMS, files=True)
    found = kind.shell_complete(None, None, "ras")
    assert [(item.value, item.type) for item in found] == [("rastrigin", "plain")]
    assert [item.type for item in kind.shell_complete(None, None, "model")] == ["file"]


def test_the_options_of_one_method_are_listed_alone():
    document = json.loads(CliRunner().invoke(main, ["list", "gd", "--json"]).stdout)
    assert list(document["options"]) == ["gd"]
    shown = CliRunner().invoke(main, ["list", "deep"]).stdout
    assert "n_embeddings" in shown
    assert "rastrigin" not in shown
    wrong = CliRunner().invoke(main, ["list", "adam"])
    assert (wrong.exit_code, wrong.stderr) == (
        2, "Error: method must be one of 'homotopy', 'gd', 'deep', 'invert', got 'adam'\n"
    )  # fmt: skip
