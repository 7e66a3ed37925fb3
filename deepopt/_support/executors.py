"""Who does work that comes in parts: this process, processes of this machine, a Dask cluster."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from typing import Any

from .checks import check_number, shown

MOST = 1000  # processes
THREADS = (
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)  # fmt: skip
REACHED_WITHIN = 10  # seconds for the first answer of a scheduler


def check_count(workers: Any) -> None:
    """Raise TypeError or ValueError unless this is a number of processes."""
    check_number("workers", workers, whole=True, at_least=-1, at_most=MOST)
    if workers == 0:
        raise ValueError("workers must be a whole number >= 1, or -1 for all cores, got 0")


def check_engine(workers: Any, scheduler: Any) -> None:
    """Raise TypeError or ValueError unless this says who does the work."""
    check_count(workers)
    if scheduler is not None and not isinstance(scheduler, str):
        raise TypeError(f"scheduler must be an address, got {shown(scheduler)}")
    if scheduler is not None and workers != 1:
        raise ValueError("workers and scheduler exclude each other; the cluster has workers")


class Engine:
    """The process itself, one part after the other.

    Attributes
    ----------
    slots : int
        Parts at once.
    """

    slots = 1

    def submit(self, work: Callable[..., Any], *given: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(work(*given))
        except Exception as error:
            future.set_exception(error)
        return future

    def lost(self, error: BaseException) -> bool:
        """Whether this means that a worker was lost; then the engine works again."""
        return False

    def close(self) -> None:
        """Nobody waits for what is still running."""


def _leave_ctrl_c() -> None:
    """In a worker: Ctrl-C is for the process that gives out the work, and ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class Processes(Engine):
    """Processes of this machine, which share its cores."""

    def __init__(self, workers: int) -> None:
        from loky import cpu_count

        self.slots = cpu_count() if workers == -1 else workers
        self._start()

    def _start(self) -> None:
        from loky import ProcessPoolExecutor, cpu_count

        threads = str(max(1, cpu_count() // self.slots))
        self._executor: Executor = ProcessPoolExecutor(
            self.slots, env=dict.fromkeys(THREADS, threads), initializer=_leave_ctrl_c
        )

    def submit(self, work: Callable[..., Any], *given: Any) -> Future[Any]:
        try:
            return self._executor.submit(work, *given)
        except BrokenExecutor as error:  # a worker was lost just now
            future: Future[Any] = Future()
            future.set_exception(error)
            return future

    def lost(self, error: BaseException) -> bool:
        if not isinstance(error, BrokenExecutor):
            return False
        self.close()
        self._start()
        return True

    def close(self) -> None:
        self._executor.shutdown(wait=False, kill_workers=True)  # type: ignore[call-arg]


class Cluster(Engine):
    """The workers of a Dask scheduler, which gives out again what lost workers were doing."""

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise ValueError(
                "scheduler needs the package distributed: pip install 'deepopt[cluster]'"
            ) from None
        try:
            self._client = Client(address, timeout=REACHED_WITHIN)
        except (OSError, ValueError, TypeError) as error:
            kind = OSError if isinstance(error, OSError) else ValueError
            raise kind(
                f'scheduler must be the address of a Dask scheduler, "tcp://host:port", got '
                f"{address!r}, which cannot be reached"
            ) from None
        self._address = address
        self._executor = self._client.get_executor(pure=False)

    @property
    def slots(self) -> int:  # type: ignore[override]
        return max(1, int(sum(self._client.nthreads().values())))

    def submit(self, work: Callable[..., Any], *given: Any) -> Future[Any]:
        return self._executor.submit(work, *given)  # type: ignore[no-any-return]

    def lost(self, error: BaseException) -> bool:
        from distributed import KilledWorker

        if isinstance(error, KilledWorker | CancelledError):
            raise OSError(
                f"scheduler {self._address!r} gave up: its workers were lost again and again, or "
                "it is gone itself"
            ) from error
        return False

    def close(self) -> None:
        self._executor.shutdown(wait=False)
        self._client.close()


@contextlib.contextmanager
def engine(workers: int, scheduler: str | None) -> Iterator[Engine]:
    """Who does the work, in this scope."""
    if scheduler is not None:
        chosen: Engine = Cluster(scheduler)
    else:
        chosen = Engine() if workers == 1 else Processes(workers)
    try:
        yield chosen
    finally:
        chosen.close()
