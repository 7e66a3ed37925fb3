"""Sweeps over several processes: nothing is lost, and nothing runs twice."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers import heed_ctrl_c

from deepopt import bench
from deepopt._support.executors import check_engine, engine
from deepopt._support.progress import console_for
from deepopt._tune.files import tune_files
from deepopt.bench._cells import Cell
from deepopt.bench._sweep import run_cells

QUIET = console_for(quiet=True)
SMALL = {"only": "sphere,levy", "dim": 3, "iterations": 20, "quiet": True}


pytestmark = pytest.mark.usefixtures("light_processes")


def noting(folder, name, needs=(), work=None):
    """A cell that writes down each time that it runs; a function within one, so that it travels."""

    def run(*needed, folder=str(folder), name=name, work=work):
        import pathlib

        if work is not None:
            work()
        with pathlib.Path(folder, "ran").open("a") as file:
            file.write(f"{name}\n")
        return {"value": 1 + sum(one["value"] for one in needed)}

    return Cell(name, {"name": name}, run, needs)


def ran(folder):
    return sorted(Path(folder, "ran").read_text().split())


def killed_once(folder, others):
    """Kills its process, the first time, as soon as so many other cells are finished."""

    def work(folder=str(folder), others=others):
        import os
        import pathlib
        import signal
        import time

        mark = pathlib.Path(folder, "mark")
        while len([*pathlib.Path(folder).glob("[acd].*.json")]) < others:
            time.sleep(0.01)
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    return work


def test_a_killed_workers_cell_runs_again_and_no_other_does(tmp_path):
    lost = noting(tmp_path, "b", work=killed_once(tmp_path, 3))
    cells = [noting(tmp_path, "a"), lost, noting(tmp_path, "c"), noting(tmp_path, "d")]
    run_cells(cells, tmp_path, QUIET, workers=2)
    assert ran(tmp_path) == ["a", "b", "c", "d"]
    run_cells(cells, tmp_path, QUIET, workers=2)
    assert ran(tmp_path) == ["a", "b", "c", "d"]


def test_a_cell_that_kills_every_worker_is_given_up_in_a_sentence(tmp_path):
    def work():
        import os
        import signal

        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(OSError, match="4 workers were lost while they ran cells like bad"):
        run_cells([noting(tmp_path, "bad", work=work)], tmp_path, QUIET, workers=2)


def test_workers_leave_ctrl_c_to_their_parent():
    with engine(2, None) as processes:
        kept = processes.submit(signal.getsignal, signal.SIGINT).result(60)
    assert kept is signal.SIG_IGN


@pytest.mark.parametrize("workers", [1, 2])
def test_cells_wait_for_what_they_need(tmp_path, workers):
    first = noting(tmp_path, "first")
    second = noting(tmp_path, "second", (first,))
    third = noting(tmp_path, "third", (first, second))
    run_cells([third, second], tmp_path, QUIET, workers=workers)
    assert sorted(ran(tmp_path)) == ["first", "second", "third"]
    assert '"value":4' in third.path(tmp_path).read_text()


def test_an_exception_of_a_cell_arrives_as_it_is(tmp_path):
    def work():
        raise ZeroDivisionError("of the cell")

    with pytest.raises(ZeroDivisionError, match="of the cell"):
        run_cells([noting(tmp_path, "bad", work=work)], tmp_path, QUIET, workers=2)


def results(out, **how):
    records = bench.run("quick", out, **SMALL, **how)["cells"]
    kept = ("fun", "history", "rate", "nit", "nfev")
    found = {one["cell"]: {key: one["result"][key] for key in kept} for one in records}
    for one in found.values():
        one["history"].pop("time")
    return found


@pytest.mark.slow
def test_two_processes_and_a_cluster_give_what_one_process_gives(tmp_path):
    distributed = pytest.importorskip("distributed")
    alone = results(tmp_path / "alone")
    assert results(tmp_path / "processes", workers=2) == alone
    quiet = {"dashboard_address": None, "silence_logs": 50}
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, **quiet) as cluster:
        address = cluster.scheduler_address
        assert results(tmp_path / "cluster", scheduler=address) == alone
        lost = [noting(tmp_path, "b", work=killed_once(tmp_path, 1)), noting(tmp_path, "a")]
        run_cells(lost, tmp_path, QUIET, scheduler=address)
        assert ran(tmp_path) == ["a", "b"]
        tuned = tune_files(
            "sphere", str(tmp_path / "tuned"), True, dim=2, trials=3, scheduler=address,
            method="gd", options={"maxiter": 10}, seeds=1, metric="fun", target=None, rng=0,
            ranges=None, sampler=None, pruner=None, study_name=None,
        )  # fmt: skip
        assert len(tuned.study.trials) == 3


@pytest.mark.parametrize(
    ("workers", "scheduler", "kind", "said"),
    [
        (0, None, ValueError, "workers must be a whole number >= 1, or -1"),
        (1.5, None, TypeError, "workers must be a whole number"),
        (2, "tcp://127.0.0.1:1", ValueError, "workers and scheduler exclude each other"),
        (1, 3, TypeError, "scheduler must be an address, got 3"),
    ],
)
def test_who_does_the_work_is_checked(workers, scheduler, kind, said):
    with pytest.raises(kind, match=said):
        check_engine(workers, scheduler)


def test_a_scheduler_that_is_not_there_is_said(tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("deepopt._support.executors.REACHED_WITHIN", 1)
    with pytest.raises(OSError, match="scheduler must be the address of a Dask scheduler"):
        bench.run("quick", tmp_path / "out", scheduler="tcp://127.0.0.1:1", **SMALL)


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_finished_and_the_command_continues(tmp_path):
    command = [
        sys.executable, "-m", "deepopt.cli", "bench", "quick", "--only", "sphere,levy,ackley",
        "--dim", "3", "--iterations", "10000", "--workers", "2", "--out", str(tmp_path / "out"),
    ]  # fmt: skip
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True, preexec_fn=heed_ctrl_c,
    )  # fmt: skip
    cells, begun = tmp_path / "out" / "cells", time.perf_counter()
    while time.perf_counter() - begun < 120 and len([*cells.glob("*.json")]) < 2:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "the same command continues" in said
    assert "Traceback" not in said
    before = {path: path.stat().st_mtime_ns for path in cells.glob("*.json")}
    assert len(before) >= 2
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"{len(before)} of 6 cells are finished already" in done.stdout
    assert all(path.stat().st_mtime_ns == when for path, when in before.items())
