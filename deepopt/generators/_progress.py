"""What `deepopt train` shows: a progress bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from pathlib import Path

from . import checkpoints
from ._train import SHOWN, TrainSettings, train


def train_with_progress(settings: TrainSettings, out: str | Path) -> None:
    """`train`, with its losses on the way; Ctrl-C and a full disk end in a sentence."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console()
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    progress = Progress(
        *columns, TextColumn("{task.fields[losses]}"), console=console,
        disable=not console.is_terminal,
    )  # fmt: skip
    with progress:
        task = progress.add_task(settings.model, total=settings.steps, losses="")

        def show(step: int, losses: dict[str, float]) -> None:
            words = ", ".join(f"{name} {value:.4g}" for name, value in losses.items())
            progress.update(task, completed=step, losses=words)
            if not console.is_terminal and step % (SHOWN * settings.every) == 0:
                console.print(f"step {step} of {settings.steps}: {words}", highlight=False)

        try:
            folder = train(settings, out, show)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"Interrupted: {_kept(out)}") from None
        except OSError as error:
            if not checkpoints.steps_of(Path(out)) or isinstance(error, FileNotFoundError):
                raise
            raise OSError(f"{error}; {_kept(out)}") from error
    count = len(checkpoints.steps_of(folder))
    console.print(f"{count} checkpoints in {folder}", highlight=False, soft_wrap=True)


def _kept(out: str | Path) -> str:
    count = len(checkpoints.steps_of(Path(out)))
    return f"{count} checkpoints are kept in {out}; the same command continues"
