"""Paper B's Table 1 and Figure 2: the latents behind a generator's own images.

Regular Adam on the trained generator comes first: the 75th percentile of the iterations that it
took to come within 0.01 of the truth is what surfing may spend on the generators before the last,
more of them on the early ones. Both begin at the same latents. Every rate of Adam is a row of its
own; deepopt's default call stands beside them.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ._cells import Cell
from ._objectives import read_names
from ._surfing_report import write as write
from ._trained import Trained, inverted, uniform

if TYPE_CHECKING:
    from ..generators.sources import Source
    from ._settings import GeneratorSettings

MODELS, DIMS = ("vae", "dcgan", "wgan", "wgan-gp"), (5, 10, 20)
NAMES = tuple(f"{model}-{k}" for model in MODELS for k in DIMS)
FIRST_LOOK = ("vae-5", "dcgan-5")  # at scale "quick"
RATES = (0.01, 0.1, 0.3)
EVERY = 40  # steps between two checkpoints
TRIALS = {"quick": 30, "half": 300, "full": 300}
NEAR = 0.01  # ‖x̂ - x*‖ of a success
LONGEST, STALL = 30_000, 1000  # iterations on the last generator, and of these without progress
PERCENTILE = 75


def cells(settings: GeneratorSettings) -> Iterator[Cell]:
    """The cells: generator × (its training, Adam and surfing at every rate, the default call)."""
    names = read_names(settings.only, NAMES, "generator")
    if settings.only is None and settings.scale == "quick":
        names = FIRST_LOOK
    for name in names:
        model, _, k = name.rpartition("-")
        trained = Trained(model, int(k), EVERY, settings)
        trials = settings.trials or TRIALS[settings.scale]
        training = trained.cell()
        yield training
        yield _cell(trained, trials, "default", _default, {}, training)
        for rate in RATES:
            more = {"rate": rate, "longest": LONGEST, "stall": STALL}
            adam = _cell(trained, trials, "adam", _adam, more, training)
            yield adam
            yield _cell(trained, trials, "surf", _surf, more, training, adam)


def _cell(
    trained: Trained, trials: int, method: str, work: Any, more: dict[str, Any], *needs: Cell
) -> Cell:
    asked = {"suite": "surfing", "method": method, "trials": trials, **more}
    words = (trained.model, trained.k, method, *([more["rate"]] if "rate" in more else []))
    return Cell(
        "-".join(map(str, words)), asked | trained.parameters,
        functools.partial(work, trained, trials, more.get("rate")), needs,
    )  # fmt: skip


def _default(trained: Trained, trials: int, _rate: None, *_: Any) -> dict[str, Any]:
    source, wanted, _starts = _problem(trained, trials)
    return measure(source, wanted, "direct", trained.settings.seed)


def _adam(trained: Trained, trials: int, rate: float, *_: Any) -> dict[str, Any]:
    return _by_adam(trained, trials, rate, "direct")


def _surf(trained: Trained, trials: int, rate: float, _: Any, adam: Any) -> dict[str, Any]:
    from ..schedules import Surf

    budget = budget_after(adam)
    found = _by_adam(trained, trials, rate, "surf", schedule=Surf(budget=budget))
    return found | {"budget": budget}


def budget_after(adam: Mapping[str, Any]) -> int:
    """Iterations for the networks before the last: what regular Adam took, 75th percentile.

    Until it was near, of the trials that came there; where none did, or none is known, in all.
    """
    reached = [count for count in adam.get("until", ()) if count is not None]
    return max(1, int(np.percentile(reached or adam["iterations"], PERCENTILE)))


def _by_adam(
    trained: Trained, trials: int, rate: float, method: str, **more: Any
) -> dict[str, Any]:
    source, wanted, starts = _problem(trained, trials)
    return measure(
        source, wanted, method, trained.settings.seed, starts=starts[:, None], solver="adam",
        learning_rate=rate, maxiter=LONGEST, stall=STALL, **more,
    )  # fmt: skip


def _problem(trained: Trained, trials: int) -> tuple[Source, np.ndarray, np.ndarray]:
    """The checkpoints, x* and x_init (trials, k)."""
    rng = np.random.default_rng([trained.settings.seed, 1])
    wanted, starts = (uniform(rng, trials, trained.k) for _ in range(2))
    return trained.open(), wanted, starts


def measure(
    source: Source, wanted: np.ndarray, method: str, seed: int, operator: Any = None, **options: Any
) -> dict[str, Any]:
    """What `deepopt.invert` makes of the images of the latents `wanted` (N, k), by trial.

    `until` is the number of iterations until ‖x̂ - x*‖ < 0.01 for good, seen every few iterations,
    and `passes_until` that of forward passes; None where it did not get there.
    """
    count, last = len(wanted), len(source) - 1
    until = np.full((2, count), np.nan)

    def watch(intermediate_result: Any) -> None:
        now = intermediate_result
        near = np.linalg.norm(now.x - wanted, axis=1) < NEAR
        new = near & np.isnan(until[0])
        until[:, new] = now.nit[new], now.cost[new]
        until[:, ~near] = np.nan

    images = source.outputs(last, wanted)
    y = images if operator is None else images.reshape(count, -1) @ operator.T
    result = inverted(
        source, y, method, operator=operator, options=options, callback=watch, rng=seed
    )
    distances = np.linalg.norm(result.x - wanted, axis=1)
    watch(result)
    until[:, distances >= NEAR] = np.nan
    return {
        "distances": distances, "iterations": result.nit, "passes": result.cost,
        "until": until[0], "passes_until": until[1], "found": result.found,
        "preparation": result.preparation / count,
    }  # fmt: skip
