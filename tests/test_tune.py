"""Tuning: what is suggested, kept, shared, taken up again and refused."""

import gc
import itertools
import json
import math
import os
import signal
import sqlite3
import subprocess
import sys
import time
import warnings

import numpy as np
import optuna
import pytest
from helpers import sphere
from keras import ops
from servers import grpc_proxy, postgresql

import deepopt
from deepopt import GaussianSmoothing
from deepopt._minimize.methods import METHODS
from deepopt._support.ranges import Choice, Range, Space, read_range
from deepopt.problems import rastrigin
from deepopt.problems import sphere as sphere_problem

BOX = [(-2.0, 2.0)] * 3
SMALL = {"bounds": BOX, "seeds": 1, "options": {"maxiter": 20}}
FEW = {"n_starts": (1, 8), "learning_rate": (1e-3, 1.0, "log")}
pytestmark = pytest.mark.usefixtures("light_processes")


def tune(f=sphere, method="gd", **given):
    return deepopt.tune(f, method, **{"n_trials": 3, "rng": 0, "ranges": FEW} | SMALL | given)


def suggested(study):
    return [tuple(trial.params.values()) for trial in study.trials]


def test_the_best_options_are_ready_for_minimize():
    options, study, summary = tune(n_trials=8)
    assert len(study.trials) == 8
    assert summary["complete"] + summary["pruned"] == 8
    assert summary["best"][0] <= summary["defaults"][0]
    seed = study.user_attrs["seeds"][0]
    again = deepopt.minimize(sphere, bounds=BOX, method="gd", options=options, rng=seed)
    assert [again.fun] == summary["best"]
    best = study.best_trial
    assert summary["best"] == min(best.values, summary["defaults"])
    assert options["maxiter"] == 20


def test_defaults_that_no_trial_beats_come_back():
    options, _, summary = tune(ranges={"learning_rate": (1e-9, 1e-8)}, n_trials=2)
    assert options == {"maxiter": 20}
    assert summary["trial"] is None
    assert summary["best"] == summary["defaults"]


def test_the_same_rng_repeats_the_study_and_one_that_goes_on_repeats_nothing(tmp_path):
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    first, same = tune(), tune()
    assert suggested(first.study) == suggested(same.study)
    assert [t.values for t in first.study.trials] == [t.values for t in same.study.trials]
    kept = tune(storage=storage)
    assert suggested(kept.study) == suggested(first.study)
    more = tune(storage=storage)
    assert len(more.study.trials) == 6
    assert len(set(suggested(more.study))) == 6
    assert more.study.user_attrs["seeds"] == kept.study.user_attrs["seeds"]
    assert suggested(tune(n_trials=6).study) == suggested(more.study)


SELDOM = [pytest.param(name, marks=pytest.mark.slow) for name in ("sqlite", "journal")]


@pytest.fixture(params=[*SELDOM, "postgresql"])
def storage(request, tmp_path):
    """Where a study may lie."""
    if request.param != "postgresql":
        yield f"{request.param}:///{tmp_path / 'study'}"
        return
    with postgresql() as url:
        yield url
        with warnings.catch_warnings():  # of connections that a study opened when it was looked at
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


def test_two_processes_share_a_study(storage):
    script = SCRIPT.format(storage=storage, trials=3)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    first = tune(storage=storage, n_trials=1, study_name="shared")
    both = [subprocess.Popen([sys.executable, "-c", script], env=environment) for _ in range(2)]
    assert [process.wait(120) for process in both] == [0, 0]
    last = tune(storage=storage, n_trials=1, study_name="shared")
    assert len(last.study.trials) == 1 + 2 * 3 + 1
    assert len(set(suggested(last.study))) == 8
    assert last.summary["complete"] + last.summary["pruned"] == 8
    assert first.study.user_attrs["seeds"] == last.study.user_attrs["seeds"]


def test_a_study_behind_a_proxy(tmp_path):
    behind = f"sqlite:///{tmp_path / 'study.db'}"
    tune(storage=behind, n_trials=1, study_name="shared")
    with grpc_proxy(behind) as url:
        assert len(tune(storage=url, n_trials=2, study_name="shared").study.trials) == 3


def test_a_proxy_that_is_not_there_is_said(monkeypatch):
    pytest.importorskip("grpc")
    monkeypatch.setattr("deepopt._tune.study.LONGEST_WAIT", 0.5)
    with pytest.raises(OSError, match=r"storage 'grpc://127.+' does not answer"):
        tune(storage="grpc://127.0.0.1:1")


SCRIPT = """
import deepopt
from keras import ops

def sphere(x):
    return ops.sum((x - 0.3) ** 2, axis=-1)

deepopt.tune(
    sphere, "gd", n_trials={trials}, rng=0, storage="{storage}", study_name="shared", seeds=1,
    ranges={{"n_starts": (1, 8), "learning_rate": (1e-3, 1.0, "log")}},
    bounds=[(-2.0, 2.0)] * 3, options={{"maxiter": 20}},
)
"""
KILLED = """
import os, signal
import deepopt, numpy as np

def slow(x):
    import pathlib
    if pathlib.Path("{folder}", "go").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    return float(np.sum((np.asarray(x) - 0.3) ** 2))

def after(study, trial):
    import pathlib
    pathlib.Path("{folder}", "go").touch()

deepopt.tune(
    slow, "gd", n_trials=4, rng=0, storage="{storage}", study_name="shared", seeds=1,
    ranges={{"n_starts": (1, 8), "learning_rate": (1e-3, 1.0, "log")}},
    bounds=[(-2.0, 2.0)] * 3, options={{"maxiter": 20}}, callbacks=[after],
)
"""


def test_a_killed_workers_trial_is_taken_up_again(tmp_path, storage):
    script = KILLED.format(storage=storage, folder=tmp_path)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL

    def slow(x):
        return float(np.sum((np.asarray(x) - 0.3) ** 2))

    tuned = tune(slow, storage=storage, study_name="shared", n_trials=2)
    lost, first, again = tuned.study.trials[1], tuned.study.trials[0], tuned.study.trials[2]
    assert first.state.name == "COMPLETE"
    assert lost.state.name == "FAIL"
    assert again.params == lost.params  # the one that was lost
    assert again.state.is_finished()
    assert len(tuned.study.trials) == 4
    assert suggested(tuned.study)[3] not in suggested(tuned.study)[:3]


def test_a_trial_that_was_given_up_for_dead_is_left_to_others(tmp_path):
    url = f"sqlite:///{tmp_path / 'study.db'}"
    told, calls = [], itertools.count()

    def sleepy(x):
        if not told and next(calls) % 25 == 0:
            study = optuna.load_study(study_name="sleepy", storage=url)
            for trial in study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
                if trial.number == 1:  # as a heartbeat that another process missed
                    told.append(trial.number)
                    study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        return float(np.sum(x**2))

    tuned = deepopt.tune(
        sleepy, "gd", n_trials=4, seeds=1, rng=0, storage=url, study_name="sleepy", x0=np.ones(2),
        options={"maxiter": 2, "n_starts": 20}, bounds=[(-2, 2)] * 2,
    )  # fmt: skip
    assert told == [1]
    states = [trial.state.name for trial in tuned.study.trials]
    assert states == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]


def test_a_callback_that_raises_ends_the_study():
    def stop(*_):
        raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        tune(n_trials=3, callbacks=[stop])


def test_a_trial_without_hope_is_pruned():
    pruner = optuna.pruners.ThresholdPruner(upper=-1.0)  # of a function that is never below 0
    tuned = tune(pruner=pruner, n_trials=2)
    assert tuned.summary["pruned"] == 2
    assert tuned.options == {"maxiter": 20}
    steps = [[*trial.intermediate_values] for trial in tuned.study.trials]
    assert all(len(each) >= 1 and max(each) < 20 for each in steps)


def test_time_and_both_need_a_target_and_have_one_of_a_problem():
    problem = sphere_problem.with_dim(3)
    timed = tune(problem, metric="time", n_trials=2, bounds=None)
    assert all(trial.value > 0 for trial in timed.study.trials)
    both = tune(problem, metric="both", n_trials=3, bounds=None)
    assert len(both.study.directions) == 2
    assert len(both.summary["best"]) == 2
    with pytest.raises(ValueError, match="target is missing; metric 'time' needs it"):
        tune(metric="time")
    reached = tune(metric="time", target=100.0, n_trials=1)
    missed = tune(metric="time", target=-1.0, n_trials=1)
    assert reached.study.trials[0].value < 10.0
    assert missed.study.trials[0].value == 100.0  # ten times the longest, however soon it gave up


def test_a_trial_that_the_clock_cuts_short_has_no_value():
    def slow(x):
        time.sleep(0.02)
        return float(np.sum(np.asarray(x) ** 2))

    given = {"ranges": {"learning_rate": (0.01, 0.1)}, "options": {"maxfev": 50, "n_starts": 2}}
    tuned = tune(slow, n_trials=None, timeout=3.5, **given)
    assert tuned.summary["complete"] >= 1
    last = tuned.study.trials[-1]
    assert last.state.name == "PRUNED"
    none = tune(slow, n_trials=None, timeout=0.2, **given)
    assert none.options == given["options"]
    assert none.summary["defaults"] is None


def test_a_metric_of_ones_own_sees_all_results():
    seen = []

    def worst(results):
        seen.append(len(results))
        return max(result.fun for result in results)

    tuned = tune(metric=worst, seeds=2, n_trials=1)
    assert seen == [2, 2]
    assert np.isfinite(tuned.study.trials[0].value)


def test_several_functions_count_by_their_range():
    problems = [rastrigin.with_dim(2), sphere_problem.with_dim(2)]
    tuned = tune(problems, bounds=None, n_trials=2)
    assert 0 <= tuned.summary["best"][0] < 1
    assert tuned.study.study_name


def test_a_schedule_is_tuned_by_its_fields():
    ranges = {"schedule.n_samples": [4, 8], "n_starts": None, "n_paths": None}
    tuned = tune(
        rastrigin.with_dim(2), "homotopy", bounds=None, ranges=ranges, n_trials=2,
        options={"maxfev": 3000},
    )  # fmt: skip
    assert {"schedule.n_samples", "schedule.fraction"} <= set(tuned.study.trials[0].params)
    assert "n_starts" not in tuned.study.trials[0].params
    space = Space(METHODS["homotopy"].options, {}, ranges)
    built = space.built(tuned.study.trials[0].params)
    assert isinstance(built["schedule"], GaussianSmoothing)
    assert built["schedule"].n_samples in (4, 8)


def test_the_search_of_a_black_box_keeps_its_own_schedule():
    f = lambda x: float(np.sum(np.asarray(x) ** 2))  # noqa: E731
    tuned = tune(f, "homotopy", ranges={}, n_trials=1, options={"maxfev": 200})
    assert set(tuned.study.trials[0].params) == {"n_starts"}


def test_inversion_is_tuned_on_targets():
    from deepopt.generators import Architecture

    generator = Architecture("expansive", 3, (40,), hidden=(20,)).generator()
    y = np.asarray(generator(np.array([[0.5, -0.2, 0.1], [0.0, 0.9, -0.3]])))
    tuned = deepopt.tune(
        generator, "direct", y=y, n_trials=2, seeds=1, rng=0, options={"n_codes": 16},
        ranges={"solver": ["lm"]},
    )  # fmt: skip
    assert tuned.summary["best"][0] < 1e-6
    assert "learning_rate" not in tuned.study.trials[0].params  # it means nothing to "lm"
    result = deepopt.invert(generator, y, options=tuned.options, rng=0)
    assert result.success.all()
    by_adam = deepopt.tune(
        generator, "direct", y=y, n_trials=1, seeds=1, rng=0,
        options={"n_codes": 16, "maxiter": 5}, ranges={"solver": ["adam"]},
    )  # fmt: skip
    assert "learning_rate" in by_adam.study.trials[0].params


def test_every_method_declares_ranges_that_hold_sound_options():
    for name, method in METHODS.items():
        space = Space(method.options, {}, {})
        assert space.ranges, name
        for seed in range(5):
            study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
            options = space.suggest(study.ask())
            checked = method.options(**options)
            checked.check()
            checked.recipe()


def test_callbacks_and_a_timeout():
    seen = []
    begun = time.perf_counter()
    tuned = tune(
        n_trials=None, timeout=2.0, callbacks=[lambda study, trial: seen.append(trial.number)]
    )
    assert 2.0 <= time.perf_counter() - begun < 8.0
    assert seen == [trial.number for trial in tuned.study.trials]
    assert len(seen) > 1


def test_ctrl_c_returns_the_best_so_far():
    def f(x):
        if len(seen) == 2:
            raise KeyboardInterrupt
        return ops.sum(x**2, axis=-1) if not isinstance(x, np.ndarray) else float(np.sum(x**2))

    seen = []

    def count(study, trial):
        seen.append(trial)

    tuned = tune(f, n_trials=10, callbacks=[count], options={"maxiter": 20, "batched": False})
    assert tuned.summary["interrupted"]
    assert tuned.summary["complete"] + tuned.summary["pruned"] == 2


def test_an_exception_of_f_arrives_as_it_was_raised():
    def broken(x):
        raise ZeroDivisionError("of f")

    with pytest.raises(ZeroDivisionError, match="of f"):
        tune(broken)


def test_trials_that_fail_are_counted_and_all_of_them_are_an_error():
    def touchy(x):
        if calls["allowed"]:
            return float(np.sum(np.asarray(x) ** 2))
        raise RuntimeError("no more")

    calls = {"allowed": True}

    def stop(study, trial):
        calls["allowed"] = False

    tuned = tune(touchy, n_trials=3, callbacks=[stop])
    assert tuned.summary["failed"] == 2
    assert tuned.summary["error"] == "RuntimeError: no more"
    for metric in (lambda results: math.nan, lambda results: np.ones(2)):
        calls["allowed"] = True
        with pytest.raises(ValueError, match="metric must return a number, got"):
            tune(touchy, n_trials=2, metric=metric)
    calls["allowed"] = True
    ranges = {"output_map": ["no such map"]}
    with pytest.raises(ValueError, match="all 2 trials failed; the last one with ValueError: outp"):
        tune(touchy, n_trials=2, ranges=ranges)


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        ({"n_trials": 0}, ValueError, "n_trials must be at least 1, got 0"),
        ({"n_trials": 1.5}, TypeError, "n_trials must be a whole number"),
        ({"timeout": -1.0}, ValueError, "timeout must be above 0"),
        ({"seeds": 0}, ValueError, "seeds must be at least 1"),
        ({"metric": "best"}, ValueError, "metric must be one of 'fun', 'time', 'both'"),
        ({"target": "low"}, TypeError, "target must be a number"),
        ({"storage": 3}, TypeError, "storage must be a URL or a storage of Optuna's, got 3"),
        ({"storage": "study.db"}, ValueError, "storage must be \"sqlite:///…\""),
        ({"storage": "mysq://x/y"}, ValueError, "storage must be \"sqlite:///…\""),
        ({"storage": "grpc://host"}, ValueError, "storage must be \"sqlite:///…\""),
        ({"storage": "sqlite:////no/such/folder/s.db"}, OSError, "cannot be used: unable to open"),
        ({"study_name": 3}, TypeError, "study_name must be a string, got 3"),
        ({"sampler": "tpe"}, TypeError, "sampler must be one of Optuna's, got 'tpe'"),
        ({"pruner": "median"}, TypeError, "pruner must be one of Optuna's"),
        ({"callbacks": 3}, TypeError, "callbacks must be a sequence of callables"),
        ({"options": 3}, TypeError, "options must be a dict, got int"),
        ({"ranges": [1]}, TypeError, "ranges must be a dict, got list"),
        ({"ranges": {"n_start": (1, 2)}}, ValueError, "did you mean 'n_starts'"),
        ({"options": {"maxtime": "1s"}}, TypeError, "maxtime must be a number, got '1s'"),
        ({"options": {"checkpoint": "c"}}, ValueError, "options must not hold a checkpoint"),
        ({"storage": "journal:////no/such/s.log"}, OSError, "cannot be used: No such file"),
        ({"ranges": {"maxiter": (3, 20)}}, ValueError, "which options fixes at 20"),
        ({"ranges": {"n_starts": (3, 2)}}, ValueError, "must not be empty, got low = 3 above"),
        ({"ranges": {"n_starts": []}}, ValueError, "must hold at least one choice"),
        ({"ranges": {"n_starts": "all"}}, TypeError, "ranges\\['n_starts'\\] must be \\(low, high"),
        ({"ranges": {"n_starts": (0, 2, "log")}}, ValueError, "must be positive for \"log\""),
        ({"f": 3}, TypeError, "f must be callable, got int"),
        ({"f": []}, ValueError, "f must hold at least one function"),
        ({"method": "dep"}, ValueError, "method 'dep' is unknown; did you mean 'deep'"),
        ({"fun": sphere}, TypeError, "an argument that minimize does not take: 'fun'"),
        ({"rng": "seed"}, TypeError, "rng must be None"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence(given, kind, said):
    with pytest.raises(kind, match=said) as caught:
        tune(**given)
    assert "\n" not in str(caught.value)


def test_a_study_of_something_else_is_refused(tmp_path):
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    tune(storage=storage, study_name="mine", n_trials=1)
    with pytest.raises(ValueError, match="study_name 'mine' exists with another search space"):
        tune(storage=storage, study_name="mine", ranges={"n_starts": (1, 9)})
    with pytest.raises(ValueError, match="study_name 'mine' exists with another method"):
        tune(method="deep", storage=storage, study_name="mine", ranges={"n_layers": (1, 2)})
    for other, given in (
        ("function", {"f": lambda x: ops.sum(x**4, axis=-1)}),
        ("options", {"options": {"maxiter": 21}}), ("arguments", {"bounds": [(-1.0, 2.0)] * 3}),
        ("number of seeds", {"seeds": 2}), ("metric", {"metric": "time", "target": 1.0}),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=f"study_name 'mine' exists with another {other}"):
            tune(storage=storage, study_name="mine", **given)
    optuna.create_study(storage=storage, study_name="other").add_trial(
        optuna.trial.create_trial(value=1.0)
    )
    with pytest.raises(ValueError, match="'other' exists, and is no study of deepopt's"):
        tune(storage=storage, study_name="other")


def test_a_locked_a_foreign_and_an_older_database_are_said(tmp_path):
    path = tmp_path / "study.db"
    storage = f"sqlite:///{path}"
    tune(storage=storage, n_trials=1)
    with sqlite3.connect(path) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(OSError, match="cannot be used: database is locked"):
            tune(storage=storage, n_trials=1)
        connection.rollback()
        connection.execute("UPDATE version_info SET schema_version = 1")
        connection.execute("UPDATE alembic_version SET version_num = 'v0.9.0.a'")
    connection.close()
    with pytest.raises(OSError, match="is of another version of Optuna"):
        tune(storage=storage, n_trials=1)
    path.write_text("notes " * 1000)
    with pytest.raises(OSError, match="is no journal of Optuna's"):
        tune(storage=f"journal:///{path}", n_trials=1)
    with pytest.raises(OSError, match="cannot be used: file is not a database"):
        tune(storage=storage, n_trials=1)


def test_ranges():
    assert read_range("r", (1, 5)) == Range(1, 5)
    assert read_range("r", (np.int64(1), np.int8(5))) == Range(1, 5)
    assert read_range("r", (1.0, 5, "log")) == Range(1.0, 5, True)
    assert read_range("r", [None, "adam"]) == Choice((None, "adam"))


# The command


def command(*words, cwd, check=True):
    return subprocess.run(
        [sys.executable, "-m", "deepopt.cli", *map(str, words)], cwd=cwd, check=check, text=True,
        capture_output=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip


MINE = """
from keras import ops

def loss(x):
    return ops.sum((x - 0.3) ** 2, axis=-1)

depth = 3
"""
OWN = ("--bounds", -2, 2, "--dim", 3, "--method", "gd", "--option", "maxiter=20")


def test_the_command_tunes_a_function_of_ones_own_and_goes_on(tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    words = ("tune", "mine.py:loss", *OWN, "--seeds", 1, "--out", "out", "--trials", 4)
    done = command(*words, "--workers", 2, cwd=tmp_path)
    assert "[4/4] best" in done.stdout
    kept = {path.name for path in (tmp_path / "out").iterdir()}
    pictures = {"history.png", "slices.png", "importances.png"}
    assert kept >= {"best.json", "trials.csv", "study.log"} | pictures
    assert len((tmp_path / "out" / "trials.csv").read_text().splitlines()) == 5
    done = command(*words, cwd=tmp_path)
    assert "4 trials are there already" in done.stdout
    assert "[8/8] best" in done.stdout
    best = json.loads((tmp_path / "out" / "best.json").read_text())
    assert best["options"]["maxiter"] == 20
    assert best["summary"]["complete"] + best["summary"]["pruned"] == 8
    assert math.isfinite(best["summary"]["best"][0])


def test_the_command_minimizes_a_function_of_ones_own(tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    done = command("minimize", "mine.py:loss", *OWN, "--out", "r.json", cwd=tmp_path)
    assert done.stdout.startswith("f = ")
    result = json.loads((tmp_path / "r.json").read_text())
    assert result["nit"] == 20
    assert f"f = {result['fun']:.10g}" in done.stdout
    done = command("minimize", "mine:loss", *OWN, cwd=tmp_path)  # as a module
    assert f"f = {result['fun']:.10g}" in done.stdout


TWICE = ("--bounds", "0", "1", "--bounds", "0", "1")


def test_the_command_refuses_in_one_line(tmp_path):
    from click.testing import CliRunner

    from deepopt.cli import main

    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "broken.py").write_text("1 / 0\n")
    mine, broken = tmp_path / "mine.py", tmp_path / "broken.py"
    for words, said in (
        (("minimize", "rastrign"), "did you mean 'rastrigin'?"),
        (("minimize", f"{mine}:lss"), "has no name 'lss'; did you mean 'loss'?"),
        (("minimize", f"{mine}:depth"), "must be callable, got int"),
        (("minimize", f"{broken}:f"), "cannot be imported: ZeroDivisionError: division by zero"),
        (("minimize", "nowhere.py:f"), "there is no file nowhere.py"),
        (("minimize", "no_such_package.x:f"), "there is no module 'no_such_package'"),
        (("tune", f"{mine}:loss", "--workers", "2", "--out", str(tmp_path / "p")), "x0 is missing"),
        (("minimize", "sphere", "--out", f"{mine}/r.json"), "out must be"),
        (("minimize", "sphere", "--option", "maxiter"), "option must be name=value, got 'maxiter'"),
        (
            ("minimize", "sphere", "--dim", "3", *("--bounds 0 1 " * 2).split()),
            "bounds must be one",
        ),
        (("tune", "sphere", "--trials", "0", "--out", str(tmp_path / "o")), "must be at least 1"),
        (("tune", "sphere", "--workers", "0", "--out", str(tmp_path / "o")), "workers must be a"),
    ):
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 2, done.output
        assert said in done.output
        assert done.output.count("\n") == 1
    assert not (tmp_path / "o").exists()
    command("tune", f"{mine}:loss", *OWN, "--trials", 1, "--out", "p", cwd=tmp_path)  # corrected
