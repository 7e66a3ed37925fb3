"""What `invert` seeks: targets, the best of each so far, and runs towards them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .._backend import Tensor, Tensors, on_accelerator, to_numpy, to_tensor
from .._domain import Box
from .._engine import Group, Recipe, Stopped, make_group
from .._objective import Context
from .._support.results import Status
from .._support.saving import Saver, State
from ..reparametrizations import Start

if TYPE_CHECKING:
    from .programs import Programs

LANES, COLUMNS = 32, 1024  # runs at once on a CPU; they times their tangents, at most
ON_ACCELERATOR = 16  # times as many of both
BATCH = 256  # latents per pass of the codebook


class Settings(NamedTuple):
    """Of every descent."""

    recipe: Recipe
    rate: float
    maxiter: int  # of a run on the last generator
    found: float  # part of ‖y‖²: f at or below it, and a target needs no further start
    enough: float  # … and a run ends
    rtol: float
    stall: int
    dtype: str


class Found(NamedTuple):
    """The best of each target so far on the last network, and what it took."""

    x: np.ndarray  # (B, k)
    f: np.ndarray  # (B,) inf while unknown
    cost: np.ndarray  # (B,) forward passes
    nit: np.ndarray  # (B,)
    start: np.ndarray  # (B,) index of the start that led there
    status: np.ndarray  # (B,)
    over: np.ndarray  # (B,) bool: it needs no further start, or has none

    @classmethod
    def at(cls, x: np.ndarray, f: np.ndarray) -> Found:
        """Before the first iteration: latents (B, k), and f (B,) where it is known."""
        zeros = np.zeros(len(x), dtype=int)
        status = np.full(len(x), int(Status.NOT_FINITE))
        return cls(
            x.copy(), f.copy(), zeros, zeros.copy(), zeros.copy(), status,
            np.zeros(len(x), dtype=bool),
        )  # fmt: skip


class Targets:
    """Targets (B, m) and what their descents share.

    Parameters
    ----------
    programs : Programs
    settings : Settings
    targets : ndarray (B, m)
    k : int
        Length of a latent.
    matrix : Tensor or None
        Of the measurement (m, n).
    deadline : float
        A time.perf_counter().
    look : callable
        look(found) after every few iterations; returning True stops.
    saver : Saver or None

    Attributes
    ----------
    found : Found
    path : list of ndarray (B, k)
        The minimisers on the networks that `surf` has left behind.
    """

    def __init__(
        self,
        programs: Programs,
        settings: Settings,
        targets: np.ndarray,
        k: int,
        matrix: Tensor | None,
        deadline: float,
        look: Callable[[Found], bool],
        saver: Saver | None,
    ) -> None:
        self._programs, self._settings, self._targets, self._k = programs, settings, targets, k
        self._matrix, self._deadline, self._look = matrix, deadline, look
        self._saver = saver
        lengths = np.sum(targets**2, axis=1)
        self.lengths = np.where(lengths > 0, lengths, 1.0)  # (B,) ‖y‖²
        self._box = Box.make(np.full(k, -np.inf), np.full(k, np.inf))
        larger = ON_ACCELERATOR if on_accelerator() else 1
        most = min(LANES * larger, max(1, COLUMNS * larger // k))
        lanes = 1 << (len(targets) - 1).bit_length()
        self._lanes = min(lanes, 1 << (most.bit_length() - 1))
        self.found = Found.at(np.zeros((len(targets), k)), np.full(len(targets), np.inf))
        self.path: list[np.ndarray] = []

    def begin(self, x: np.ndarray, f: np.ndarray | None = None) -> None:
        """Take latents (B, k) as the best so far, and f (B,) there if it is known."""
        self.found = Found.at(x, np.full(len(x), np.inf) if f is None else f)

    def state(self) -> State:
        """What has been found, and on how many networks before."""
        return {"found": self.found, "path": self.path}

    def restore(self, state: State) -> None:
        self.found, self.path = state["found"], state["path"]

    # Runs on a network

    @property
    def sure(self) -> bool:
        """Whether a low value proves that a target is found."""
        return self._programs.sure

    @property
    def certified(self) -> np.ndarray:
        """f (B,) at or below which a target is found."""
        return self._settings.found * self.lengths

    def _group(
        self, weights: Tensors, points: np.ndarray, wanted: np.ndarray, longest: int
    ) -> Group:
        """Runs (L,) from points (L, k) towards the targets of these indices (L,)."""
        s, targets = self._settings, self._targets[wanted]
        context = Context(weights, self._matrix, to_tensor(targets, s.dtype))
        starts = [Start([point[None]], []) for point in points]
        return make_group(
            s.recipe, self._box, starts, [s.rate] * len(starts), s.dtype,
            value_range=1.0, horizon=longest, ftol=0.0, rtol=s.rtol, stall=s.stall, seed=0,
            longest=longest, target=s.enough * self.lengths[wanted], outputs=targets.shape[1],
            context=context,
        )  # fmt: skip

    def _advance(self, group: Group, iterations: int) -> Group:
        stop = group.state.iteration + to_tensor(iterations, "int32")
        return Group(self._programs.loop.chunk(group.state, group.data, stop), group.data)

    def _check(self) -> None:
        if self._look(self.found):
            raise Stopped(Status.CALLBACK)
        self.check_time()

    def check_time(self) -> None:
        """Raise Stopped once the deadline has passed."""
        if time.perf_counter() > self._deadline:
            raise Stopped(Status.MAXTIME)

    # All targets at once

    def outputs(self, weights: Tensors, latents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """G(x) (N, ...) and A G(x) (N, m) of latents (N, k)."""
        images, measured = [], []
        for first in range(0, len(latents), BATCH):
            part = latents[first : first + BATCH]
            padded = np.resize(part, (min(BATCH, 1 << (len(part) - 1).bit_length()), self._k))
            found = self._programs.outputs(to_tensor(padded, self._settings.dtype), weights)
            images.append(to_numpy(found)[: len(part)])
            measured.append(to_numpy(self._programs.measured(found, self._matrix))[: len(part)])
        return np.concatenate(images), np.concatenate(measured)

    def nearest(
        self, weights: Tensors, latents: np.ndarray, count: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """For each target the latents (B, count, k) whose measurements are nearest, in order.

        And f (B,) at the first of them.
        """
        targets, lengths = self._targets, np.sum(self._targets**2, axis=1, keepdims=True)
        distances = np.full((len(targets), count), np.inf)
        order = np.zeros((len(targets), count), dtype=int)
        for first in range(0, len(latents), BATCH):
            known = self.outputs(weights, latents[first : first + BATCH])[1].astype("float64")
            new = lengths + np.sum(known**2, axis=1) - 2.0 * targets @ known.T
            every = np.concatenate([distances, new], axis=1)
            indices = np.broadcast_to(np.arange(first, first + len(known)), new.shape)
            best = np.argsort(every, axis=1, kind="stable")[:, :count]
            distances = np.take_along_axis(every, best, axis=1)
            order = np.take_along_axis(np.concatenate([order, indices], axis=1), best, axis=1)
        return latents[order], 0.5 * np.maximum(distances[:, 0], 0.0)
