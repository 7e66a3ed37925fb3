"""`tune`: the options of a method that suit a function, found by an Optuna study."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna

from .._support.checks import check_number, in_brief, read_rng, shown
from .._support.ranges import Space
from .result import Tuned
from .study import (
    LATE,
    Repeatable,
    is_over,
    open_storage,
    quiet,
    release,
    sign,
    take_up_lost,
    told,
    tpe,
)
from .trial import Interrupted, OutOfTime, Task

if TYPE_CHECKING:
    from optuna.study import Study

TRIALS = 50  # where neither n_trials nor timeout is given
SPEC, SEEDS, DEFAULTS, TRACED = "deepopt", "seeds", "defaults", "traced"  # of a study

Callbacks = Sequence[Callable[["Study", optuna.trial.FrozenTrial], None]]


class AllFailedError(ValueError):
    """No trial of a study has come to a value."""


def tune(
    f: Any,
    method: str | None = None,
    *,
    n_trials: int | None = None,
    timeout: float | None = None,
    storage: Any = None,
    study_name: str | None = None,
    sampler: Any = None,
    pruner: Any = None,
    metric: str | Callable[[list[Any]], float] = "fun",
    target: float | None = None,
    seeds: int = 3,
    rng: Any = None,
    callbacks: Callbacks = (),
    options: Mapping[str, Any] | None = None,
    ranges: Mapping[str, Any] | None = None,
    **given: Any,
) -> Tuned:
    """Find the options of a method that suit a function, by Optuna.

    Parameters
    ----------
    f : callable, Problem, a list of these, or checkpoints
        What `deepopt.minimize` takes; of a list the mean counts, each value by its range where
        that is known. With `y`, what `deepopt.invert` takes.
    method : str, optional
        Of `minimize` (default "homotopy"), or of `invert` (default "direct").
    n_trials : int, optional
        How many trials to run, in addition to those of a study that exists; 50 where there is no
        `timeout` either.
    timeout : float, optional
        Wall seconds after which no trial goes on.
    storage : str or optuna.storages.BaseStorage, optional
        "sqlite:///study.db", "journal:///study.log", "postgresql://…" or "grpc://host:port"; by
        default memory. A study that is there goes on, also by several processes at once.
    study_name : str, optional
        By default of the method and the function.
    sampler : optuna.samplers.BaseSampler, optional
        By default TPE with a seed of `rng` and of the trial's number.
    pruner : optuna.pruners.BasePruner, optional
        For the metric "fun": by default trials end early whose first run is worse than the median
        at the same part of its budget.
    metric : {"fun", "time", "both"} or callable, default "fun"
        The best value; the seconds until `target` is reached, where a run that does not reach it
        counts ten times its `maxtime` (by default 10 seconds), and what compiles goes before; both
        at once; or a function of the results of all runs of a trial.
    target : float, optional
        For "time" and "both": f at or below it. By default a problem's own minimum + 1e-8, and of
        `invert` that everything is found.
    seeds : int, default 3
        Runs of each function in a trial; the same seeds in all trials, and the mean counts.
    rng : None, int or numpy.random.Generator, optional
        By SPEC 7. The same seed repeats the study, as far as its values do not hang on the clock.
    callbacks : sequence of callable, optional
        ``callback(study, trial)`` after each trial, as Optuna's.
    options : dict, optional
        Options that stay as they are; the budget of a run among them (`maxfev`, `maxiter`, or
        `maxtime`, which includes compilation; by default maxfev = 50,000).
    ranges : dict, optional
        Ranges of your own by option: ``(low, high)``, ``(low, high, "log")``, a list of choices, or
        None to leave it alone. Every other option of the method that has a range is tuned; see
        ``deepopt list``. An option of the schedule is named "schedule.n_samples".
    **given
        Further arguments of `minimize` (x0, args, jac, bounds, scale) or `invert` (y, operator,
        model).

    Returns
    -------
    Tuned
        (options, study, summary).

    Raises
    ------
    ValueError, TypeError
        One sentence that names the argument, what was received and what was expected; also where
        the study exists with another space or metric, and where every trial has failed.
    OSError
        For a storage that cannot be reached, is locked, or of another version of Optuna.
    Exception
        What `f` raises under the default options, as it is.

    Notes
    -----
    The defaults are measured first, and are what comes back where no trial is better. Ctrl-C
    returns the best so far. A trial that a killed process has left behind is run again: at once by
    the next call on the same host, and by the other workers of a database when its sign of life is
    missed.

    Examples
    --------
    >>> import deepopt
    >>> from deepopt.problems import rastrigin
    >>> tuned = deepopt.tune(rastrigin.with_dim(2), "gd", n_trials=2, seeds=1, rng=0,
    ...                      options={"maxiter": 20})
    >>> tuned.summary["complete"] + tuned.summary["pruned"]
    2
    >>> result = deepopt.minimize(rastrigin.with_dim(2), method="gd", options=tuned.options)

    References
    ----------
    Akiba et al., Optuna: a next-generation hyperparameter optimization framework, KDD 2019.
    """
    started = time.perf_counter()
    check_numbers(n_trials, timeout, seeds)
    if not isinstance(callbacks, Sequence) or not all(map(callable, callbacks)):
        raise TypeError(f"callbacks must be a sequence of callables, got {shown(callbacks)}")
    tuning = Tuning(
        f, method, storage=storage, study_name=study_name, sampler=sampler, pruner=pruner,
        metric=metric, target=target, seeds=seeds, rng=rng, options=options, ranges=ranges, **given,
    )  # fmt: skip
    return tuning.run(n_trials, timeout, callbacks, started)


class Tuning:
    """A study that is open: what `tune` does, in parts.

    Parameters
    ----------
    f, method, storage, study_name, sampler, pruner, metric, target, seeds, rng, options, ranges
        As `tune` takes them.
    **given
        The same.

    Attributes
    ----------
    study : optuna.study.Study
    """

    def __init__(
        self, f: Any, method: Any, *, storage: Any, study_name: Any, sampler: Any, pruner: Any,
        metric: Any, target: Any, seeds: int, rng: Any, options: Any, ranges: Any, **given: Any,
    ) -> None:  # fmt: skip
        self._options, ranges = _read_dicts(options=options, ranges=ranges)
        self._task = _task_kind(given)(f, method, metric, target, self._options, given)
        fixed = {"method": self._task.method} | self._options
        self._space = Space(self._task.options_kind, fixed, ranges)
        if not self._space.ranges:
            raise ValueError("ranges leaves nothing to tune; every option is fixed")
        self._storage = storage
        drawn = read_rng(rng).integers(2**31, size=seeds + 1)
        with told(storage), quiet():
            self._opened = open_storage(storage)
            try:
                self.study = _open(
                    self._task, self._opened, study_name, sampler, pruner, int(drawn[0])
                )
                _agree(self.study, self._task, self._space, [int(seed) for seed in drawn[1:]])
                take_up_lost(self.study)
            finally:
                release(self._opened)

    def run(
        self, n_trials: int | None, timeout: float | None, callbacks: Callbacks, started: float
    ) -> Tuned:
        """The defaults, if they are not known, then trials, until one of the limits."""
        deadline = np.inf if timeout is None else started + timeout
        interrupted = False
        with told(self._storage), quiet(), contextlib.ExitStack() as scope:
            scope.callback(release, self._opened)
            try:
                self._measure_defaults(deadline)
                most = TRIALS if n_trials is None and timeout is None else n_trials
                self._optimise(most, deadline, callbacks)
            except KeyboardInterrupt:
                if DEFAULTS not in self.study.user_attrs:
                    raise
                interrupted = True
            return self.result(interrupted)

    def _optimise(self, most: int | None, deadline: float, callbacks: Callbacks) -> None:
        """Trials until a limit.

        One that was given up for dead while this process only slept is left to those who took it
        up again.
        """
        begun: list[int] = []
        over: list[int] = []

        def perform(trial: optuna.Trial) -> list[float]:
            begun.append(trial.number)
            return self._perform(trial, deadline)

        while (most is None or len(begun) < most) and time.perf_counter() < deadline:
            try:
                self.study.optimize(
                    perform,
                    n_trials=None if most is None else most - len(begun),
                    timeout=None if np.isinf(deadline) else deadline - time.perf_counter(),
                    callbacks=[lambda _, trial: over.append(trial.number), *callbacks],
                    catch=(Exception,),
                )
                return
            except LATE:
                if begun[-1:] == over[-1:] or not is_over(self.study, begun[-1]):
                    raise

    def _measure_defaults(self, deadline: float) -> None:
        if DEFAULTS not in self.study.user_attrs:
            with contextlib.suppress(OutOfTime):
                values = self._values({}, deadline, None)
                self.study.set_user_attr(TRACED, self._task.traced)
                self.study.set_user_attr(DEFAULTS, values)

    def _perform(self, trial: optuna.Trial, deadline: float) -> list[float]:
        """Values are suggested, and every run is made with them."""
        sign(trial)
        try:
            traced = self.study.user_attrs.get(TRACED, True)
            without = () if traced else self._task.only_traced
            return self._values(self._space.suggest(trial, without), deadline, trial)
        except optuna.TrialPruned:
            raise
        except OutOfTime:
            raise optuna.TrialPruned from None
        except Exception as error:
            trial.set_user_attr("error", in_brief(error))
            raise

    def _values(
        self, suggested: Mapping[str, Any], deadline: float, trial: optuna.Trial | None
    ) -> list[float]:
        try:
            return self._task.values(suggested, self.study.user_attrs[SEEDS], deadline, trial)
        except Interrupted:
            raise KeyboardInterrupt from None

    def result(self, interrupted: bool = False) -> Tuned:
        """The best of the trials and of the defaults; ValueError where every trial has failed."""
        states = optuna.trial.TrialState
        trials = self.study.get_trials(deepcopy=False)
        count = {state: sum(trial.state is state for trial in trials) for state in states}
        failed = [trial for trial in trials if trial.state is states.FAIL]
        errors = [trial.user_attrs["error"] for trial in failed if "error" in trial.user_attrs]
        if errors and len(failed) == len(trials):
            raise AllFailedError(f"all {len(trials)} trials failed; the last one with {errors[-1]}")
        defaults = self.study.user_attrs.get(DEFAULTS)
        best = self._task.best(trials, defaults)
        summary = {
            "best": defaults if best is None else best.values,
            "trial": None if best is None else best.number,
            "defaults": defaults,
            "complete": count[states.COMPLETE],
            "pruned": count[states.PRUNED],
            "failed": count[states.FAIL],
            "error": errors[-1] if errors else None,
            "seconds": sum(t.duration.total_seconds() for t in trials if t.duration is not None),
            "interrupted": interrupted,
        }
        found = {} if best is None else self._space.built(best.params)
        return Tuned(self._options | found, self.study, summary)


def check_numbers(n_trials: Any, timeout: Any, seeds: Any) -> None:
    """Raise TypeError or ValueError unless these are counts, and a time."""
    if n_trials is not None:
        check_number("n_trials", n_trials, whole=True, at_least=1)
    if timeout is not None:
        check_number("timeout", timeout, above=0.0)
    check_number("seeds", seeds, whole=True, at_least=1)


def _task_kind(given: Mapping[str, Any]) -> Callable[..., Task]:
    """What is tuned: `invert` where there are targets y, else `minimize`."""
    if "y" in given:
        from .trial_invert import Inverting

        return Inverting
    from .trial_minimize import Minimising

    return Minimising


def _read_dicts(**given: Any) -> list[dict[str, Any]]:
    for label, value in given.items():
        if not isinstance(value, Mapping | None):
            raise TypeError(f"{label} must be a dict, got {type(value).__name__}")
    return [dict(value or {}) for value in given.values()]


def _open(task: Task, storage: Any, name: Any, sampler: Any, pruner: Any, seed: int) -> Study:
    """The study, there or new."""
    if name is not None and (not isinstance(name, str) or not name):
        raise TypeError(f"study_name must be a string, got {shown(name)}")
    for label, value, kind in (
        ("sampler", sampler, optuna.samplers.BaseSampler),
        ("pruner", pruner, optuna.pruners.BasePruner),
    ):
        if value is not None and not isinstance(value, kind):
            raise TypeError(f"{label} must be one of Optuna's, got {shown(value)}")
    if pruner is not None and len(task.directions) > 1:
        raise ValueError('pruner is of no use for metric="both", which Optuna does not prune')
    return optuna.create_study(
        storage=storage,
        study_name=name or (None if storage is None else f"{task.method} {task.label}"),
        directions=task.directions,
        sampler=sampler or Repeatable(tpe, seed),
        pruner=pruner or optuna.pruners.MedianPruner(n_startup_trials=5),
        load_if_exists=True,
    )


def _agree(study: Study, task: Task, space: Space, seeds: list[int]) -> None:
    """Describe a new study; ValueError where one that exists is of something else."""
    spec = task.described | {"ranges": space.described(), "seeds": len(seeds)}
    known = study.user_attrs.get(SPEC)
    trials = study.get_trials(deepcopy=False)
    if not trials and DEFAULTS not in study.user_attrs:
        study.set_user_attr(SEEDS, seeds)
        study.set_user_attr(SPEC, spec)
    elif known is None:
        raise ValueError(f"study_name {study.study_name!r} exists, and is no study of deepopt's")
    elif known != spec:
        other = next(key for key in spec if known.get(key) != spec[key])
        words = {"ranges": "another search space", "seeds": "another number of seeds"}
        raise ValueError(
            f"study_name {study.study_name!r} exists with "
            f"{words.get(other, f'another {other}')}; choose another name"
        )
