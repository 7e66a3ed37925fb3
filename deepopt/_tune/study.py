"""The Optuna study behind `tune`: its storage, what it suggests, and workers that are lost."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
import optuna
import psutil  # type: ignore[import-untyped]

from .._support.checks import shown

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study
    from optuna.trial import FrozenTrial

HEARTBEAT = 30  # seconds between two signs of life of a worker, in a database
LONGEST_WAIT = 10  # seconds for a proxy's first answer
KNOWN = '"sqlite:///…", "postgresql://…", "journal:///…" or "grpc://host:port"'
RETRIES = 3  # of a trial whose worker was lost
LATE = (ValueError, optuna.exceptions.UpdateFinishedTrialError)
WORKER = "worker"  # a trial's attribute: host, process and when that began


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Optuna without its own lines: `tune` shows progress and says what failed."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)


# Storage


def open_storage(storage: Any) -> Any:
    """A storage of Optuna's from what a user gives; None for memory.

    Parameters
    ----------
    storage : None, str or optuna.storages.BaseStorage
        "sqlite:///…", "postgresql://…" or another database of SQLAlchemy's; "journal:///…", a file
        that processes of one host append to; "grpc://host:port", a proxy of Optuna's. As in
        SQLAlchemy's URLs a fourth slash begins an absolute path.
    """
    from optuna.storages import BaseStorage

    if storage is None or isinstance(storage, BaseStorage):
        return storage
    if not isinstance(storage, str):
        raise TypeError(f"storage must be a URL or a storage of Optuna's, got {shown(storage)}")
    scheme, _, place = storage.partition("://")
    opened = {"journal": _journal, "grpc": _proxy}.get(scheme, _database)
    if not place or (scheme == "journal" and (place[0] != "/" or place == "/")):
        raise ValueError(f"storage must be {KNOWN}, got {storage!r}")
    with told(storage):
        return opened(storage)


def _journal(url: str) -> Any:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    path = Path(url.removeprefix("journal:///"))
    try:
        with path.open("ab+") as file:
            file.seek(0)
            first = file.read(1)
        if first not in (b"", b"{"):
            raise OSError(f"storage {url!r} cannot be used: {path} is no journal of Optuna's")
        return JournalStorage(JournalFileBackend(str(path)))
    except OSError as error:
        if error.strerror is None:
            raise
        raise OSError(f"storage {url!r} cannot be used: {error.strerror}") from None


def _proxy(url: str) -> Any:
    parts = urlsplit(url)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:  # no number
        host = port = None
    if not host or not port:
        raise ValueError(f"storage must be {KNOWN}, got {url!r}")
    try:
        import grpc
    except ImportError:
        raise ValueError(f"storage {url!r} needs the package grpcio") from None
    from optuna.storages import GrpcStorageProxy

    proxy = GrpcStorageProxy(host=host, port=port)
    try:
        proxy.wait_server_ready(timeout=LONGEST_WAIT)
    except (grpc.FutureTimeoutError, OSError):
        raise OSError(f"storage {url!r} does not answer") from None
    return proxy


def _database(url: str) -> Any:
    from optuna.storages import RDBStorage
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    try:
        return RDBStorage(
            url, heartbeat_interval=HEARTBEAT, grace_period=3 * HEARTBEAT,
            heartbeat_stale_trial_callback=retry,
        )  # fmt: skip
    except (ArgumentError, NoSuchModuleError):
        raise ValueError(f"storage must be {KNOWN}, got {url!r}") from None
    except ImportError as error:
        raise ValueError(f"storage {url!r} needs a driver: {_first_line(error)}") from None


def release(storage: Any) -> None:
    """Give back the connections to a database; a study opens new ones where it is used again."""
    if isinstance(storage, optuna.storages.RDBStorage):
        storage.remove_session()
        storage.engine.dispose()


@contextlib.contextmanager
def told(storage: Any) -> Iterator[None]:
    """What a storage raises, as an OSError of one sentence."""
    from sqlalchemy.exc import SQLAlchemyError

    proxies = sys.modules.get("grpc")
    silent = () if proxies is None else (proxies.RpcError,)
    try:
        yield
    except silent as error:
        reason = error.details() if hasattr(error, "details") else _first_line(error)
        raise OSError(f"storage {shown(storage)} does not answer: {reason}") from None
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        reason = getattr(error.__cause__ or error, "orig", None) or error.__cause__ or error
        raise OSError(f"storage {shown(storage)} cannot be used: {_first_line(reason)}") from None
    except RuntimeError as error:
        if "optuna storage upgrade" not in str(error) and "table schema" not in str(error):
            raise
        raise OSError(
            f"storage {shown(storage)} is of another version of Optuna: {_first_line(error)}"
        ) from None


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


# Workers that are lost


def sign(trial: optuna.Trial) -> None:
    """Say who runs a trial."""
    trial.set_user_attr(WORKER, [socket.gethostname(), os.getpid(), _born(os.getpid())])


def _born(pid: int) -> float:
    return float(round(psutil.Process(pid).create_time(), 2))


def retry(study: Study, trial: FrozenTrial) -> None:
    """Put a trial whose worker was lost back into the queue, a few times."""
    trial.user_attrs.pop(WORKER, None)
    with quiet():
        optuna.storages.RetryHeartbeatStaleTrialCallback(max_retry=RETRIES)(study, trial)


def take_up_lost(study: Study) -> None:
    """Queue the trials anew that processes of this host have left behind.

    Those of other hosts fall silent in a database, and are queued by Optuna's heartbeat.
    """
    for trial in study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
        host, pid, born = trial.user_attrs.get(WORKER, (None, 0, 0.0))
        if host == socket.gethostname() and not _lives(pid, born):
            with contextlib.suppress(*LATE):  # another process was there first
                study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
                retry(study, trial)


def is_over(study: Study, number: int) -> bool:
    """Whether the trial of this number has an end."""
    return any(
        trial.number == number and trial.state.is_finished()
        for trial in study.get_trials(deepcopy=False)
    )


def _lives(pid: int, born: float) -> bool:
    try:
        return abs(_born(pid) - born) < 1.0
    except psutil.NoSuchProcess:
        return False


# What is suggested


class Repeatable(optuna.samplers.BaseSampler):  # type: ignore[misc]
    """A sampler made anew for every trial, with a seed of the trial's number.

    So the same rng repeats a study, one that goes on repeats no suggestion, and processes that
    share one make different ones.

    Parameters
    ----------
    make : callable
        seed -> sampler.
    seed : int
    """

    def __init__(self, make: Callable[[int], optuna.samplers.BaseSampler], seed: int) -> None:
        self._make, self._seed = make, seed
        self._own = make(seed)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        seeds = np.random.SeedSequence([self._seed, trial.number])
        self._own = self._make(int(seeds.generate_state(1)[0]))
        self._own.before_trial(study, trial)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return dict(self._own.infer_relative_search_space(study, trial))

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return dict(self._own.sample_relative(study, trial, search_space))

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:  # fmt: skip
        return self._own.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: Any, values: Any) -> None:
        self._own.after_trial(study, trial, state, values)


def tpe(seed: int) -> optuna.samplers.BaseSampler:
    with quiet():
        return optuna.samplers.TPESampler(seed=seed)
