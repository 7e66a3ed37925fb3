"""`deepopt train`: a training that is seen."""

from __future__ import annotations

from pathlib import Path

from .._support.progress import Line
from ..generators import TrainSettings, checkpoints, train
from ..generators.training import SHOWN


def train_with_progress(settings: TrainSettings, out: str | Path) -> None:
    """`train`, with its losses on the way; Ctrl-C and a full disk end in a sentence."""
    with Line(settings.model, "steps", (settings.steps,)) as line:

        def show(step: int, losses: dict[str, float]) -> None:
            words = ", ".join(f"{name} {value:.4g}" for name, value in losses.items())
            line.see(words, step)
            if step % (SHOWN * settings.every) == 0:
                line.log(f"step {step} of {settings.steps}: {words}")

        try:
            folder = train(settings, out, show)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"Interrupted: {_kept(out)}") from None
        except OSError as error:
            if not checkpoints.steps_of(Path(out)) or isinstance(error, FileNotFoundError):
                raise
            raise OSError(f"{error}; {_kept(out)}") from error
        line.say(f"{len(checkpoints.steps_of(folder))} checkpoints in {folder}")


def _kept(out: str | Path) -> str:
    count = len(checkpoints.steps_of(Path(out)))
    return f"{count} checkpoints are kept in {out}; the same command continues"
