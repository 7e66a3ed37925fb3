"""One trial of a study: the runs that are made with some options, and their results."""

from __future__ import annotations

import abc
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna

from .._objective import BATCHED_BLACK_BOX, BLACK_BOX
from .._support.checks import check_choice, check_number, shown
from .._support.results import Status
from .._support.saving import told
from ..problems import Problem

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult

METRICS = {"fun": ("fun",), "time": ("time",), "both": ("fun", "time")}
LONGEST = 10.0  # seconds of a run whose time counts, where the user sets no maxtime
LIMITS = ("maxtime", "maxfev", "maxiter")
BLACK_BOXES = (BLACK_BOX, BATCHED_BLACK_BOX)
TICKS = 20  # reports of a run to the pruner
PENALTY = 10.0  # times the longest that a run may take, for one that misses the target

Watch = Callable[[float, Mapping[str, float]], None]


class Interrupted(Exception):  # noqa: N818
    """Ctrl-C ended a run."""


class OutOfTime(Exception):  # noqa: N818
    """The study's time was over before a run was."""


def label_of(subject: Any) -> str:
    """What something is called in the name of a study."""
    if isinstance(subject, Problem):
        return repr(subject).removeprefix("<problem ").removesuffix(">").replace("dim=", "")
    named = getattr(subject, "__qualname__", None) or getattr(subject, "name", None)
    return str(named or (subject if isinstance(subject, str | Path) else type(subject).__name__))


class Task(abc.ABC):
    """What is tuned.

    Parameters
    ----------
    f, method, metric, target, options, given
        As `tune` takes them; `options` are those that stay.

    Attributes
    ----------
    method, label : str
        Of the method, and of what it works on.
    options_kind : dataclass
        The method's options.
    directions : list of str
        One per value of a trial.
    traced : bool
        False once a run has met a black box.
    """

    method: str
    label: str
    options_kind: type
    _given: Mapping[str, Any]

    def __init__(self, metric: Any, target: Any, options: Mapping[str, Any]) -> None:
        if not callable(metric):
            check_choice("metric", metric, METRICS)
        if target is not None:
            check_number("target", target)
        self.traced = True
        self._metric, self._target = metric, target
        self._options = dict(options)
        if self._options.get("checkpoint") is not None:
            raise ValueError("options must not hold a checkpoint; a study is kept by its storage")
        timed = "time" in METRICS.get(self.metric_name, ())
        if timed and self._options.get("maxtime") is None:
            self._options["maxtime"] = LONGEST

    @property
    def metric_name(self) -> str:
        return self._metric if isinstance(self._metric, str) else "own"

    @property
    def directions(self) -> list[str]:
        return ["minimize"] * len(METRICS.get(self.metric_name, ("own",)))

    @property
    def described(self) -> dict[str, str]:
        """What tells it from others, in words that are the same in every process."""
        options = {name: self._options[name] for name in sorted(self._options)}
        return {
            "method": self.method, "metric": self.metric_name, "function": self._function,
            "target": told(self._target), "options": told(options), "arguments": told(self._given),
        }  # fmt: skip

    @property
    def only_traced(self) -> tuple[str, ...]:
        """Options that are not tuned where f is a black box."""
        return ()

    @property
    @abc.abstractmethod
    def _function(self) -> str:
        """What is tuned for, told from others as far as that can be."""

    @property
    @abc.abstractmethod
    def subjects(self) -> Sequence[Any]:
        """What every trial runs on, with every seed."""

    @abc.abstractmethod
    def run(
        self, subject: Any, options: Mapping[str, Any], seed: int, watch: Watch
    ) -> OptimizeResult:
        """One run; `watch` is told of f and of what of the budget is used."""

    @abc.abstractmethod
    def fun(self, subject: Any, value: Any) -> float:
        """A best value, made comparable with those on other subjects."""

    @abc.abstractmethod
    def reached(self, subject: Any, result: OptimizeResult) -> float | None:
        """Seconds of a run until the target, None where it did not get there."""

    def values(
        self, suggested: Mapping[str, Any], seeds: Sequence[int], deadline: float,
        trial: optuna.Trial | None,
    ) -> list[float]:  # fmt: skip
        """The metric of these options over all subjects and seeds.

        Raises
        ------
        optuna.TrialPruned
            Where the study sees no hope in it.
        Interrupted, OutOfTime
        """
        results: list[OptimizeResult] = []
        funs: list[float] = []
        times: list[float] = []
        for subject in self.subjects:
            if "time" in METRICS.get(self.metric_name, ()):  # what is compiled then is not compared
                self._one(subject, suggested, seeds[0], deadline, None)
            for seed in seeds:
                reports = _Reports(trial if not results and self._metric == "fun" else None)
                result = self._one(subject, suggested, seed, deadline, reports)
                reached = self.reached(subject, result)
                results.append(result)
                funs.append(self.fun(subject, result.fun))
                missed = PENALTY * (self._options.get("maxtime") or LONGEST)
                times.append(missed if reached is None else reached)
        if callable(self._metric):
            return [_number(self._metric(results))]
        means = {"fun": float(np.mean(funs)), "time": float(np.mean(times))}
        return [means[name] for name in METRICS[self._metric]]

    def _one(
        self, subject: Any, suggested: Mapping[str, Any], seed: int, deadline: float,
        reports: _Reports | None,
    ) -> OptimizeResult:  # fmt: skip
        """One run, ended by the deadline at the latest."""
        options, begun = self._options | dict(suggested), time.perf_counter()
        if begun >= deadline:
            raise OutOfTime
        if np.isfinite(deadline):
            options["maxtime"] = min(options.get("maxtime") or np.inf, deadline - begun)
        limits = {name: options[name] for name in LIMITS if options.get(name) is not None}

        def watch(fun: Any, used: Mapping[str, float]) -> None:
            now = {"maxtime": time.perf_counter() - begun, **used}
            parts = [now[name] / limit for name, limit in limits.items() if name in now]
            if reports is not None and parts:
                reports.tell(self.fun(subject, fun), max(parts))

        result = self.run(subject, options, seed, watch)
        self.traced = self.traced and result.get("objective_kind") not in BLACK_BOXES
        if np.any(result.status == Status.INTERRUPTED):
            raise Interrupted
        if time.perf_counter() >= deadline and np.any(result.status == Status.MAXTIME):
            raise OutOfTime
        if reports is not None and reports.pruned:
            raise optuna.TrialPruned
        return result

    def best(
        self, trials: Sequence[optuna.trial.FrozenTrial], defaults: Sequence[float] | None
    ) -> optuna.trial.FrozenTrial | None:
        """The best trial; None where the defaults are, or nothing is known.

        Of two values the smallest sum counts, each as a part of its spread over the trials that
        no other is better than in both.
        """
        done = [one for one in trials if one.state is optuna.trial.TrialState.COMPLETE]
        candidates = [None, *done] if defaults is not None else done
        known = [*([defaults] if defaults is not None else []), *(one.values for one in done)]
        if not known:
            return None
        values = np.array(known, dtype=float)
        values[~np.isfinite(values).all(axis=1)] = np.inf
        if values.shape[1] > 1 and np.isfinite(values).any():
            better = (values[:, None] <= values).all(-1) & (values[:, None] < values).any(-1)
            front = np.flatnonzero(~better.any(axis=0))
            spread = np.ptp(values[front], axis=0)
            parts = (values - values[front].min(axis=0)) / np.where(spread > 0, spread, 1.0)
            total = np.full(len(values), np.inf)
            total[front] = parts[front].sum(axis=1)
        else:
            total = values[:, 0]
        return candidates[int(np.argmin(total))]


def _number(value: Any) -> float:
    """What a metric of the user's gave; ValueError where that is no number."""
    if np.ndim(value) == 0 and np.asarray(value).dtype.kind in "biuf" and not np.isnan(value):
        return float(value)
    raise ValueError(f"metric must return a number, got {shown(value)}")


class _Reports:
    """Tells a trial of the best value of its first run, at fixed parts of the budget.

    Of the first alone, since Optuna compares the best of all reports of a trial.
    """

    def __init__(self, trial: optuna.Trial | None) -> None:
        self._trial = trial
        self._next = 1
        self.pruned = False

    def tell(self, fun: float, part: float) -> None:
        """Raises StopIteration where the trial is pruned."""
        reached = min(int(part * TICKS), TICKS - 1)
        if self._trial is None or reached < self._next or not np.isfinite(fun):
            return
        for tick in range(self._next, reached + 1):
            self._trial.report(fun, tick)
        self._next = reached + 1
        if self._trial.should_prune():
            self.pruned = True
            raise StopIteration
