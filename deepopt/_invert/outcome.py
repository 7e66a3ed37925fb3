"""From what an inversion has found to its result; f computed anew at the latents returned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._backend import Tensors
from .._support.progress import Line
from .._support.results import Result, Status
from .._support.summary import span
from .asked import Asked
from .search import Inversion


def result_of(
    asked: Asked, inversion: Inversion, weights: Tensors, stopped: Status | None,
    preparation: int, pieces: Sequence[Sequence[tuple[int, bool]]], line: Line,
) -> Result:  # fmt: skip
    """The result for one target, or for a batch of them."""
    found, single = inversion.found, asked.single
    at: Any = 0 if single else slice(None)

    def plain(values: np.ndarray, kind: type) -> Any:
        """Of one target a number, of many their array."""
        return kind(values[0]) if single else values

    x = asked.latent.clip(found.x)
    images, measured = inversion.outputs(weights, x)
    residual = measured.astype("float64") - asked.targets
    fun = 0.5 * np.sum(residual**2, axis=1)
    is_found = (fun <= inversion.certified) & inversion.sure
    status = found.status.copy()
    if stopped is not None:
        status[~found.over] = stopped
    status[is_found] = Status.CONVERGED
    result = Result(
        x=x[at], fun=plain(fun, float), success=plain(status == 0, bool),
        status=plain(status, int), message=_sentence(status), output=images[at],
        residual=residual[at], found=is_found[at], cost=plain(found.cost, int),
        preparation=preparation, nit=plain(found.nit, int), method=asked.method,
    )  # fmt: skip
    if asked.method != "direct":
        result.path = np.array(inversion.path).reshape(-1, *x.shape)[:, at]
    if asked.method == "projected-surf":
        searched = np.array(pieces, dtype=int).reshape(-1, len(x), 2)[:, at]
        result.pieces, result.complete = searched[..., 0], searched[..., 1].astype(bool)
    line.say(
        f"{is_found.sum()} of {len(fun)} found exactly, f {span(fun)}, "
        f"{found.cost.mean():.0f} forward passes each"
    )
    return result


def _sentence(status: np.ndarray) -> str:
    """What to say of all targets: of the worst."""
    return next(one.sentence for one in Status if one == status.max())
