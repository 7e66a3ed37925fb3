"""The one loop: any reparametrization × schedule × descent, for many runs at once.

`Program` is the compiled part: from a `State` it takes iterations until told to stop. For a
black box the same two halves of an iteration are compiled and f is called in between. The
host's part, chunks and limits, is in `driver`.

Shapes: R runs (learning rates, seeds), n points per run, S samples per point (the schedule's),
d dimensions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._backend import Compiled, Tensor, Tensors, differences, jacobian, keras, normal, ops, vjp
from ..descents import Seen, per_run
from ..schedules import Eased
from .state import Data, Recipe, State

CHUNK_SECONDS = 0.5  # how long the compiled program may keep Python waiting


def place(u: Tensor, data: Data) -> Tensor:
    """Points (..., d) in the user's coordinates, never outside the bounds."""
    x = data.origin + data.width * u
    return ops.minimum(ops.maximum(x, data.lower), data.upper)


class Program:
    """One iteration of a recipe on an objective, compiled.

    Parameters
    ----------
    recipe
        The three parts.
    evaluate : callable or None
        x (S, R, n, d), context -> (f (S, R, n), ∂f/∂x of x's shape), traced into the program; None
        for a black box, whose values the host brings.
    easy : callable or None
        The same of the schedule's easier function, as easy(x, t).
    xla : bool
        Whether TensorFlow compiles with XLA.
    residuals : callable, optional
        x (R, n, d), context -> r (R, n, m) with f = ½ ‖r‖², for descents that need a Jacobian.
    tangents : bool
        Whether these have forward-mode derivatives; else a Jacobian is made of differences.

    Attributes
    ----------
    seconds : float
        What an iteration of a group took last; 0 while unknown.
    """

    def __init__(
        self,
        recipe: Recipe,
        evaluate: Callable[[Tensor, Any], tuple[Tensor, Tensor]] | None,
        easy: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] | None,
        xla: bool,
        residuals: Callable[[Tensor, Any], Tensor] | None = None,
        tangents: bool = True,
    ) -> None:
        self.recipe = recipe
        self.evaluate = evaluate
        self.easy = easy
        self.residuals = residuals
        self.tangents = tangents
        self.seconds = 0.0
        self.chunk = Compiled(self._chunk, xla)
        self.propose = Compiled(self._propose, xla=False)
        self.absorb = Compiled(self._absorb, xla=False)
        self.points = Compiled(self._points, xla=False)

    def bind(
        self, recipe: Recipe, easy: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] | None
    ) -> None:
        """From now on trace these, which do the same as those that it was made of."""
        self.recipe, self.easy = recipe, easy

    def _points(self, variables: Tensors, data: Data) -> Tensor:
        """The points (R, n, d) of these variables, in the user's coordinates."""
        points = self.recipe.reparametrization.points(variables, data.fixed, data.kinds)
        return place(points, data)

    def _samples(self, state: State, data: Data) -> tuple[Tensor, Callable]:
        """Sampled points (S, R, n, d) in unit coordinates, and their pull-back."""
        seed = ops.stack([data.seed, state.iteration])

        def sampled(variables: Tensors) -> Tensor:
            u = self.recipe.reparametrization.points(variables, data.fixed, data.kinds)
            return self.recipe.schedule.sample(u, state.t, seed, data.kinds)

        return vjp(sampled, state.variables)

    def _chunk(self, state: State, data: Data, stop: Tensor) -> State:
        def going(*flat: Tensor) -> Tensor:
            now = keras.tree.pack_sequence_as(state, flat)
            return ops.logical_and(now.iteration < stop, ops.any(ops.logical_not(now.done)))

        def iterate(*flat: Tensor) -> tuple:
            now = keras.tree.pack_sequence_as(state, flat)
            by = self._by_residuals if self.recipe.descent.needs_jacobian else self._by_gradients
            return tuple(keras.tree.flatten(by(now, data)))

        flat = ops.while_loop(going, iterate, tuple(keras.tree.flatten(state)))
        return keras.tree.pack_sequence_as(state, list(flat))  # type: ignore[no-any-return]

    def _by_gradients(self, state: State, data: Data) -> State:
        u, pull = self._samples(state, data)
        x = place(u, data)
        f, gradient = self.evaluate(x, data.context)  # type: ignore[misc]
        easier = None if self.easy is None else self.easy(x, state.t)
        return self._update(state, data, pull, x, f, gradient, easier)

    def _by_residuals(self, state: State, data: Data) -> State:
        """An iteration from residuals; every point is descended by itself."""
        reparametrization = self.recipe.reparametrization

        def placed(w: Tensor) -> Tensor:
            return place(reparametrization.points([w], data.fixed, data.kinds), data)

        def residuals(w: Tensor) -> Tensor:
            return self.residuals(placed(w), data.context)  # type: ignore[misc]

        edges = reparametrization.edges(data.kinds)

        def slopes(at: Tensor) -> Tensor:
            if self.tangents:
                return jacobian(residuals, at)
            return differences(residuals, at, None if edges is None else edges[1])

        (w,) = state.variables
        r = residuals(w)
        f = 0.5 * ops.sum(r * r, axis=-1)  # (R, n)
        loss, _, count = self._loss(state, data, f[None], None)
        seen = Seen(
            state.variables, loss, [], state.rate, state.nit, r,
            slopes, edges, ops.logical_not(state.done),
        )  # fmt: skip
        return self._advance(state, data, seen, placed(w), f, count)

    def _propose(self, state: State, data: Data) -> Tensor:
        return place(self._samples(state, data)[0], data)

    def _absorb(
        self,
        state: State,
        data: Data,
        f: Tensor,
        gradient: Tensor,
        easier: tuple[Tensor, Tensor] | None,
    ) -> State:
        u, pull = self._samples(state, data)
        return self._update(state, data, pull, place(u, data), f, gradient, easier)

    def _update(
        self,
        state: State,
        data: Data,
        pull: Callable[[Tensor], Tensors],
        x: Tensor,
        f: Tensor,
        gradient: Tensor,
        easier: tuple[Tensor, Tensor] | None,
    ) -> State:
        """The second half of an iteration, from values (S, R, n) and gradients (S, R, n, d).

        A sample whose value is not finite carries no weight, a partial derivative that is not
        counts as 0, and a run without any finite value is done.
        """
        schedule, values = self.recipe.schedule, f[0]
        if easier is not None:
            assert isinstance(schedule, Eased)
            f, gradient = _mixed(schedule.share(state.t), (f, gradient), easier)
        loss, cotangent, count = self._loss(state, data, f, gradient)
        rate = state.rate * schedule.rate(state.t)
        seen = Seen(state.variables, loss, pull(cotangent), rate, state.nit)
        return self._advance(state, data, seen, x[0], values, count)

    def _advance(
        self, state: State, data: Data, seen: Seen, x: Tensor, f: Tensor, count: Tensor
    ) -> State:
        """The descent's step; x (R, n, d) are the points, f (R, n) the values of f itself there.

        `count` (R,) says how many points of a run have a value.
        """
        schedule, descent, loss, rate = (
            self.recipe.schedule, self.recipe.descent, seen.loss, seen.rate,
        )  # fmt: skip
        best_x, best_f = _best(state, x, f)
        valued = count > 0
        # A trial point of a descent by residuals may have no value, if an earlier one had
        sound = ops.logical_or(valued, ops.isfinite(best_f)) if descent.needs_jacobian else valued
        live = ops.logical_and(ops.logical_not(state.done), sound)
        updates, memory = descent.step(seen, state.memory)
        updates = self._with_noise(state, data, rate, updates)
        variables = [w - s for w, s in zip(state.variables, updates, strict=True)]
        variables = self.recipe.reparametrization.retract(variables)

        arrived = schedule.arrived(state.t)
        enough = (1.0 - data.rtol) * state.best_loss - data.ftol
        lower = ops.logical_or(loss < enough, ops.logical_not(arrived))
        improved = ops.logical_and(ops.logical_and(live, valued), lower)
        since = ops.where(improved, ops.zeros_like(state.since), state.since + 1)
        waited = ops.logical_and(since > 0, ops.equal(ops.mod(since, descent.patience + 1), 0))
        steady = ops.cast(state.iteration + 1, loss.dtype) / data.horizon
        t, pace = schedule.pace.advance(state.t, state.pace, loss, steady * ops.ones_like(state.t))

        nit = state.nit + ops.cast(ops.logical_not(state.done), "int32")
        over = ops.logical_or(since >= data.stall, best_f <= data.target)
        over = ops.logical_or(over, nit >= data.longest)

        def keep(new: Tensor, old: Tensor) -> Tensor:
            return ops.where(per_run(live, old), new, old)

        return State(
            iteration=state.iteration + 1,
            variables=list(map(keep, variables, state.variables)),
            memory=list(map(keep, memory, state.memory)),
            rate=ops.where(waited, state.rate * descent.decay, state.rate),
            best_x=best_x,
            best_f=best_f,
            best_loss=ops.where(ops.logical_and(improved, arrived), loss, state.best_loss),
            since=since,
            t=keep(t, state.t),
            pace=list(map(keep, pace, state.pace)),
            nit=nit,
            done=ops.logical_or(ops.logical_not(live), over),
        )

    def _loss(
        self, state: State, data: Data, f: Tensor, gradient: Tensor | None
    ) -> tuple[Tensor, Tensor | None, Tensor]:
        """The loss (R,), its cotangent in unit coordinates, and how many points (R,) count."""
        finite = ops.isfinite(f)
        weights = ops.reshape(self.recipe.schedule.weights(state.t), (-1, 1, 1))
        weights = ops.where(finite, weights, ops.zeros_like(f))
        total = ops.sum(weights, axis=0)  # (R, n), 0 for a point without a value
        weights = weights / ops.where(total > 0, total, 1.0)
        count = ops.sum(ops.cast(total > 0, state.rate.dtype), axis=-1)  # (R,)
        scale = data.inverse_range / ops.maximum(count, 1.0)  # (R,) of the mean over them

        weights = weights * ops.reshape(scale, (1, -1, 1))
        loss = ops.sum(weights * ops.where(finite, f, 0.0), axis=(0, 2))
        if gradient is None:
            return loss, None, count
        gradient = ops.where(ops.isfinite(gradient), gradient, 0.0) * data.width
        return loss, gradient * ops.expand_dims(weights, -1), count

    def _with_noise(self, state: State, data: Data, rate: Tensor, updates: Tensors) -> Tensors:
        """The updates with the schedule's Langevin noise, √(2 α T) ε."""
        temperature = self.recipe.schedule.temperature(state.t)
        if temperature is None:
            return updates
        size = ops.sqrt(2.0 * rate * temperature)
        noisy = []
        for index, update in enumerate(updates):
            seed = ops.stack([data.seed + 1 + index, state.iteration])
            noise = normal(seed, update.shape, update.dtype)
            noisy.append(update + per_run(size, update) * noise)
        return noisy


def _mixed(share: Tensor, hard: tuple, easy: tuple) -> tuple[Tensor, Tensor]:
    """Values and gradients of share · f + (1 - share) · g, runs on the second axis.

    A part without weight does not count, even where it is not finite.
    """

    def mix(f: Tensor, g: Tensor) -> Tensor:
        weight = ops.reshape(share, (1, -1) + (1,) * (len(f.shape) - 2))
        f = ops.where(weight > 0, f, 0.0)
        g = ops.where(weight < 1, g, 0.0)
        return weight * f + (1.0 - weight) * g

    return mix(hard[0], easy[0]), mix(hard[1], easy[1])


def _best(state: State, x: Tensor, f: Tensor) -> tuple[Tensor, Tensor]:
    """Best point (R, d) and value (R,) so far, after points x (R, n, d) with values f (R, n)."""
    runs, n, d = x.shape
    f = ops.where(ops.isfinite(f), f, np.inf)
    row = ops.cast(ops.argmin(f, axis=-1), "int32") + n * ops.arange(runs, dtype="int32")
    candidate = ops.take(ops.reshape(x, (runs * n, d)), row, axis=0)
    lowest = ops.min(f, axis=-1)
    better = ops.logical_and(lowest < state.best_f, ops.logical_not(state.done))
    return (
        ops.where(ops.expand_dims(better, -1), candidate, state.best_x),
        ops.where(better, lowest, state.best_f),
    )
