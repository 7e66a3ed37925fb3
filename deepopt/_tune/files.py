"""`deepopt tune`: a study from the command line, its progress, and its files."""

from __future__ import annotations

import csv
import dataclasses
import functools
import io
import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._support.executors import Engine, check_engine, engine
from .._support.files import folder_for, write_text
from .._support.progress import Line
from .api import TRIALS, AllFailedError, Tuning, check_numbers
from .named import find_function
from .result import Tuned
from .study import quiet

if TYPE_CHECKING:
    from optuna.study import Study

LOOK = 0.5  # seconds between two looks at a study that other processes work on
LOSSES = 3  # workers that may be lost


@dataclasses.dataclass(frozen=True)
class Asked:
    """A study as the command line asks for it; other processes are sent it."""

    function: str
    dim: int | None
    given: Mapping[str, Any]  # what `Tuning` takes beside the function

    def open(self) -> Tuning:
        return Tuning(find_function(self.function, self.dim), **self.given)


def tune_files(
    function: str, out: str, silent: bool = False, *, dim: int | None = None,
    trials: int | None = None, timeout: float | None = None, storage: str | None = None,
    workers: int = 1, scheduler: str | None = None, **given: Any,
) -> Tuned:  # fmt: skip
    """Tune and write ``best.json``, ``trials.csv`` and the study's pictures to the folder `out`.

    Parameters
    ----------
    function : str
        A problem, or the name of a function; see `find_function`.
    out : str
    silent : bool, default False
        Whether nothing is printed.
    dim, trials, timeout
        Variables of a problem; trials and seconds at most.
    storage : str, optional
        By default the file ``study.log`` in `out`, so that the same command goes on.
    workers, scheduler
        Who runs the trials.
    **given
        As `Tuning` takes it.
    """
    started = time.perf_counter()
    check_numbers(trials, timeout, given["seeds"])
    check_engine(workers, scheduler)
    trials = TRIALS if trials is None and timeout is None else trials
    find_function(function, dim)  # before a folder is made
    with folder_for(out) as folder:
        place = storage or f"journal:///{folder.resolve() / 'study.log'}"
        asked = Asked(function, dim, given | {"storage": place})
        tuning = asked.open()
        before = len(tuning.study.get_trials(deepcopy=False))
        goal = None if trials is None else before + trials
        with quiet(), Line("tune", "trials", (goal,), timeout, started, not silent) as line:
            if before:
                line.say(f"{tuning.study.study_name}: {before} trials are there already")
            look = _looking(line, tuning.study, goal)
            if workers == 1 and scheduler is None:
                tuned = tuning.run(trials, timeout, [lambda *_: look()], started)
            else:
                tuned = _shared(asked, tuning, goal, timeout, workers, scheduler, look)
        write(tuned, folder)
    return tuned


def _shared(
    asked: Asked, tuning: Tuning, goal: int | None, timeout: float | None, workers: int,
    scheduler: str | None, look: Callable[[], None],
) -> Tuned:  # fmt: skip
    """The study by several processes: the defaults and a trial first, then shares of the rest."""
    deadline = None if timeout is None else time.time() + timeout
    interrupted = False
    with engine(workers, scheduler) as chosen:
        try:
            _wait({chosen.submit(_work, asked, 1, deadline)}, chosen, look)
            for _ in range(LOSSES + 1):
                left = None if goal is None else goal - _finished(tuning.study)
                over = deadline is not None and time.time() >= deadline
                if over or (left is not None and left < 1):
                    break
                shares = _shares(left, chosen.slots)
                lost = _wait(
                    {chosen.submit(_work, asked, share, deadline) for share in shares},
                    chosen, look,
                )  # fmt: skip
                if goal is None and not lost:
                    break
        except KeyboardInterrupt:
            interrupted = True
    tuned = tuning.result(interrupted)
    if goal is not None and not interrupted and (deadline is None or time.time() < deadline):
        missing = goal - _finished(tuning.study)
        if missing > 0:
            raise OSError(f"workers were lost again and again; {missing} trials are missing")
    return tuned


def _finished(study: Study) -> int:
    return sum(trial.state.is_finished() for trial in study.get_trials(deepcopy=False))


def _shares(trials: int | None, slots: int) -> list[int | None]:
    if trials is None:
        return [None] * slots
    slots = min(slots, trials)
    return [(trials + slot) // slots for slot in range(slots)]


def _work(asked: Asked, trials: int | None, deadline: float | None) -> None:
    """In a worker: so many trials, until the deadline (a time.time())."""
    timeout = None if deadline is None else max(deadline - time.time(), 1e-3)
    tuning = asked.open()
    with suppress(AllFailedError):  # so far; the study says so in the end
        tuning.run(trials, timeout, (), time.perf_counter())


def _wait(running: set[Future[None]], chosen: Engine, look: Callable[[], None]) -> bool:
    """Until all is done; whether a worker was lost, with all that the others were doing."""
    while running:
        done, running = wait(running, timeout=LOOK, return_when=FIRST_COMPLETED)
        look()
        for future in done:
            error = future.exception()
            if error is not None:
                if chosen.lost(error):
                    return True
                raise error
    return False


# What is seen of it


def counts(study: Study) -> dict[str, int]:
    """How many trials are complete, running, pruned and failed."""
    states = [trial.state.name for trial in study.get_trials(deepcopy=False)]
    return {
        word: states.count(state)
        for word, state in (
            ("complete", "COMPLETE"), ("running", "RUNNING"), ("pruned", "PRUNED"),
            ("failed", "FAIL"),
        )
    }  # fmt: skip


def _line(study: Study) -> str:
    found = counts(study)
    words = ", ".join(f"{count} {word}" for word, count in found.items() if count)
    with suppress(ValueError, RuntimeError):  # nothing complete, or several values
        return f"best {study.best_value:.6g}; {words}"
    return words or "the defaults"


def _looking(line: Line, study: Study, goal: int | None) -> Callable[[], None]:
    """look(): shows the best value so far and the trials."""
    said = 0

    def look() -> None:
        nonlocal said
        done, words = _finished(study), _line(study)
        line.see(words, done)
        if done > said:
            said = done
            line.log(f"[{done}{'' if goal is None else f'/{goal}'}] {words}")

    line.see(_line(study), _finished(study))
    return look


# Files


def write(tuned: Tuned, folder: Path) -> None:
    """The best options, a line per trial, and three pictures of the study."""
    write_text(folder / "best.json", json.dumps(described(tuned), indent=1, default=str) + "\n")
    with quiet():
        frame = tuned.study.get_trials(deepcopy=False)
        write_trials(frame, folder / "trials.csv")
        _draw(tuned, folder)


def described(tuned: Tuned) -> dict[str, Any]:
    """What ``best.json`` holds."""
    options = {key: shown(value) for key, value in tuned.options.items()}
    return {"options": options, "summary": tuned.summary, "study": tuned.study.study_name}


def shown(value: Any) -> Any:
    """An option in JSON's types; a part by its name and fields."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {"part": type(value).__name__} | {
            field.name: shown(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    return value


def write_trials(trials: Any, path: Path) -> None:
    names = sorted({name for trial in trials for name in trial.params})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["number", "state", "values", "seconds", *names])
    for trial in trials:
        seconds = "" if trial.duration is None else round(trial.duration.total_seconds(), 3)
        values = " ".join(f"{value:.10g}" for value in trial.values or ())
        row = [trial.number, trial.state.name.lower(), values, seconds]
        writer.writerow([*row, *(trial.params.get(name, "") for name in names)])
    write_text(path, text.getvalue())


def _draw(tuned: Tuned, folder: Path) -> None:
    """history.png, importances.png and slices.png, as Optuna draws them."""
    import matplotlib as mpl
    import numpy as np
    from optuna.importance import PedAnovaImportanceEvaluator
    from optuna.visualization import matplotlib as pictures

    from ..plots import save

    study, done = tuned.study, counts(tuned.study)["complete"]
    single = len(study.directions) == 1
    targets = {} if single else {"target": lambda trial: trial.values[0], "target_name": "fun"}
    drawn: dict[str, Callable[[], Any]] = {
        "history.png": functools.partial(pictures.plot_optimization_history, study, **targets),
        "slices.png": functools.partial(pictures.plot_slice, study, **targets),
        "importances.png": functools.partial(
            pictures.plot_param_importances, study, evaluator=PedAnovaImportanceEvaluator(),
            **targets,
        ),
    }  # fmt: skip
    with mpl.rc_context():
        for name, draw in drawn.items():
            if done < (1 if name == "history.png" else 2):
                continue
            with suppress(ValueError, RuntimeError):  # too few trials to tell
                save(np.ravel(draw())[0], folder / name)
