"""The search behind `invert`: a surf through the checkpoints, and descents on the last of them.

Runs share one compiled loop of a fixed number of *lanes*. On the last generator a lane takes the
next start of a target that is not found yet as soon as its run is over, so that no target waits
for the slowest.
"""

from __future__ import annotations

import copy
import dataclasses
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from .._backend import Tensor, Tensors, keras, ops, to_numpy, to_tensor
from .._engine import Group, numbers, with_numbers
from .._engine import State as LoopState
from .._support.results import Status
from .._support.saving import State
from ..linear_pieces import Step
from .starts import Starts
from .targets import Found, Targets

CHUNK = 4  # iterations between two looks, at least
JUMP = 4.0  # times f that a step between two networks may cost before it is halved
HALVINGS = 3
STRIDE = 64  # iterations on a network of a surf between two looks at the clock


@dataclasses.dataclass
class Lanes:
    """Who descends where, and who waits: pairs of a target and the number of its start."""

    waiting: deque[tuple[int, int]]
    runs: list[tuple[int, int] | None]  # of each lane
    points: np.ndarray  # (L, k) where they began
    wanted: np.ndarray  # (L,) their targets
    before: np.ndarray  # (L,) iterations that are accounted for


class Inversion(Targets):
    """The search for targets; parameters and attributes as those of `Targets`."""

    # On one network

    def descend(self, weights: Tensors, starts: Starts) -> None:
        """Descend from the starts of each target, one after the other until it is found."""
        descent = self._settings.recipe.descent
        period = descent.period
        chunk = period * max(1, CHUNK // period)
        lanes = Lanes(
            deque((target, 0) for target in range(len(self._targets))), [None] * self._lanes,
            np.zeros((self._lanes, self._k)), np.zeros(self._lanes, dtype=int),
            np.zeros(self._lanes, dtype=int),
        )  # fmt: skip
        group: Group | None = None
        stood = None if self._saver is None else self._saver.interrupted()
        if stood is not None:
            self.found, lanes = stood["found"], Lanes(**stood["lanes"])
            lanes.waiting = deque(lanes.waiting)
            new = self._group(weights, lanes.points, lanes.wanted, self._settings.maxiter)
            group = Group(with_numbers(new.state, stood["state"]), new.data)
        while lanes.waiting or any(lanes.runs):
            group = self._filled(weights, starts, lanes, group)
            group = self._advance(group, chunk)
            nit, done = to_numpy(group.state.nit), to_numpy(group.state.done)
            self._account(group.state, lanes.runs, lanes.before)
            for lane, run in enumerate(lanes.runs):
                if run is not None and done[lane]:
                    target, start = run
                    lanes.runs[lane] = None
                    if not self._is_found(target) and start + 1 < starts.count:
                        lanes.waiting.append((target, start + 1))
                    else:
                        self.found.over[target] = True
            lanes.before = nit.copy()
            self._stand(lanes, group)
            self._check()

    def _filled(self, weights: Tensors, starts: Starts, lanes: Lanes, group: Group | None) -> Group:
        """The group with the next starts in the lanes that are free."""
        fresh = np.zeros(self._lanes, dtype=bool)
        for lane in range(self._lanes):
            if lanes.runs[lane] is None and lanes.waiting:
                target, start = lanes.runs[lane] = lanes.waiting.popleft()
                lanes.points[lane] = starts.of(target, start, self.found.x[target])
                lanes.wanted[lane] = target
                fresh[lane] = True
        if group is not None and not fresh.any():
            return group
        lanes.before[fresh] = 0
        idle = np.array([run is None for run in lanes.runs])
        return self._renewed(group, weights, lanes.points, lanes.wanted, fresh, idle)

    def _stand(self, lanes: Lanes, group: Group) -> None:
        """Tell the saver how far the descents are."""
        if self._saver is not None:
            found = Found(*map(np.copy, self.found))
            lanes = Lanes(*map(copy.copy, vars(lanes).values()))
            self._saver.stand(
                lambda: {"found": found, "lanes": vars(lanes), "state": numbers(group.state)}
            )

    def _is_found(self, target: int) -> bool:
        return bool(self.found.f[target] <= self.certified[target])

    def _account(
        self, state: LoopState, runs: list[tuple[int, int] | None], before: np.ndarray
    ) -> None:
        """Count what the lanes have spent since `before` (L,), and keep what is better."""
        nit, done, found = to_numpy(state.nit), to_numpy(state.done), self.found
        best_f, best_x = to_numpy(state.best_f), to_numpy(state.best_x)
        passes = self._settings.recipe.descent.forward_passes
        cost = passes(nit, self._k) - passes(before, self._k)
        for lane, run in enumerate(runs):
            if run is None:
                continue
            target, start = run
            found.cost[target] += cost[lane]
            found.nit[target] += nit[lane] - before[lane]
            if best_f[lane] < found.f[target]:
                found.f[target], found.x[target] = best_f[lane], best_x[lane]
                found.start[target], found.status[target] = start, Status.MAXITER
            converged = done[lane] and nit[lane] < self._settings.maxiter
            if converged and found.start[target] == start and np.isfinite(found.f[target]):
                found.status[target] = Status.CONVERGED

    def _renewed(
        self, group: Group | None, weights: Tensors, points: np.ndarray, wanted: np.ndarray,
        fresh: np.ndarray, idle: np.ndarray,
    ) -> Group:  # fmt: skip
        """The group with new runs in the lanes `fresh`, and none in those that are `idle`."""
        new = self._group(weights, points, wanted, self._settings.maxiter)
        state = new.state if group is None else _replaced(group.state, new.state, fresh)
        return _resting(Group(state, new.data), idle)

    # Through the networks of a training

    def surf(
        self, networks: Iterator[Tensors], iterations: list[int], starts: np.ndarray,
        smooth: bool, begin: Callable[[Callable[[], State]], None], kept: State,
    ) -> None:  # fmt: skip
        """Descend on each network from the minimisers on the last, and keep them in `path`.

        Parameters
        ----------
        networks : iterator of weights
        iterations : list of int
            At most so many on each.
        starts : ndarray (B, k)
        smooth : bool
            Whether a step between two networks that costs too much is halved.
        begin : callable
            Told of every network, with the state in which it begins.
        kept : dict
            That of the network on which the surf was interrupted; empty where it was not.
        """
        points, last, f = starts, None, np.full(len(starts), np.inf)
        points, f = kept.get("points", points), kept.get("f", f)
        everyone, done = np.arange(len(starts)), len(self.path)
        for number, (weights, most) in enumerate(zip(networks, iterations, strict=True)):
            if number < done:
                last = weights if smooth else None
                continue
            begin(partial(dict, points=points, f=f))
            halvings = HALVINGS if smooth else 0
            points, f = self._cross(everyone, last, weights, points, f, most, halvings)
            self.path.append(points)
            last = weights if smooth else None
            self._check()

    def _cross(
        self, rows: np.ndarray, old: Tensors | None, new: Tensors, points: np.ndarray,
        f: np.ndarray, most: int, halvings: int,
    ) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
        """Minimisers (N, k) and values (N,) on `new` of the targets `rows`, from those on `old`.

        A target whose value jumps goes by way of the weights in between.
        """
        ends, values = self._settle(rows, new, points, most)
        jumped = values > JUMP * np.maximum(f, self.certified[rows])
        if old is not None and halvings and jumped.any():
            some, middle = rows[jumped], [_between(a, b) for a, b in zip(old, new, strict=True)]
            near, low = points[jumped], f[jumped]
            near, low = self._cross(some, old, middle, near, low, most, halvings - 1)
            near, low = self._cross(some, middle, new, near, low, most, halvings - 1)
            ends[jumped], values[jumped] = near, low
        return ends, values

    def _settle(
        self, rows: np.ndarray, weights: Tensors, points: np.ndarray, most: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Descend from points (N, k) to the targets `rows`, all for at most so many iterations."""
        ends, values = points.copy(), np.full(len(points), np.inf)
        for first in range(0, len(points), self._lanes):
            part = slice(first, first + self._lanes)
            count = len(rows[part])
            group = self._group(
                weights, np.resize(points[part], (self._lanes, self._k)),
                np.resize(rows[part], self._lanes), most,
            )  # fmt: skip
            group = _resting(group, np.arange(self._lanes) >= count)
            for done in range(0, most, STRIDE):
                group = self._advance(group, min(STRIDE, most - done))
                self.check_time()
                if to_numpy(group.state.done).all():
                    break
            nit = to_numpy(group.state.nit)[:count]
            self.found.cost[rows[part]] += self._settings.recipe.descent.forward_passes(
                nit, self._k
            )
            self.found.nit[rows[part]] += nit
            values[part] = to_numpy(group.state.best_f)[:count]
            better = np.isfinite(values[part])
            ends[part][better] = to_numpy(group.state.best_x)[:count][better]
        return ends, values

    def move(self, steps: Sequence[Step], passes: np.ndarray, last: bool) -> None:
        """Take the points (B) on the next network in place of the last ones, which `path` keeps.

        They have cost so many forward passes (B,). Until the `last` network, `found` is of the one
        that is left behind next.
        """
        found = self.found
        self.path.append(found.x.copy())
        found.x[:], found.f[:] = [step.x for step in steps], [step.fun for step in steps]
        found.cost[:] += passes
        found.status[:], found.over[:] = Status.CONVERGED, last
        self._check()


def _between(old: Tensor, new: Tensor) -> Tensor:
    """Half way between two weights; those that are whole numbers stay."""
    return 0.5 * (old + new) if "float" in keras.backend.standardize_dtype(new.dtype) else new


def _resting(group: Group, lanes: np.ndarray) -> Group:
    """The group without runs in these lanes (L,) bool."""
    done = ops.logical_or(group.state.done, to_tensor(lanes, "bool"))
    return Group(group.state._replace(done=done), group.data)


def _replaced(state: LoopState, fresh: LoopState, rows: np.ndarray) -> LoopState:
    """`state` with the runs `rows` (L,) bool as in `fresh`."""
    mask = to_tensor(rows, "bool")

    def put(old: Tensor, new: Tensor) -> Tensor:
        if len(old.shape) == 0:
            return old
        return ops.where(ops.reshape(mask, (-1,) + (1,) * (len(old.shape) - 1)), new, old)

    return keras.tree.map_structure(put, state, fresh)  # type: ignore[no-any-return]
