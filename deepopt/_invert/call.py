"""One call of `invert`, once its arguments are read: starts, surf, descents, result."""

from __future__ import annotations

import contextlib
import math
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._backend import (
    Compiled,
    Tensor,
    Tensors,
    ops,
    output_shape,
    tangents_flow,
    to_numpy,
    to_tensor,
)
from .._backend import name as backend
from .._engine import Recipe, Stopped
from .._objective import Generator, fingerprint, tensors
from .._support.checks import in_brief, warn
from .._support.files import folder_for
from .._support.interrupts import UsersCode, holding
from .._support.memory import check_memory
from .._support.progress import Line
from .._support.results import Result, Status
from .._support.saving import Saver, State, described, digest
from .._support.summary import span
from ..linear_pieces import follow, read_network
from ..reparametrizations import Latent
from ..schedules import Constant, Surf
from .arguments import read_bounds, read_matrix, read_starts, read_targets
from .generator_checks import check_generator
from .options import InvertOptions
from .search import Inversion
from .starts import Starts, codes_for
from .targets import Found, Programs

if TYPE_CHECKING:
    from ..generators.sources import Source, Weights

PER_TARGET, LEAST_CODES, MOST_CODES = 16, 256, 4096  # latents of the codebook
RANGED, OTHER_SCALE = 64, 50.0  # outputs that show the range of y; how far beyond it is absurd
KEPT = 8  # compiled programs
SALT = 1905  # of the draws
_compiled: OrderedDict[Hashable, Programs] = OrderedDict()


class InvertCall:
    """One call of `invert`; `run` may be called once."""

    def __init__(
        self, source: Source, y: Any, method: str, operator: Any, options: InvertOptions,
        callback: Callable[..., Any] | None, rng: np.random.Generator, seeded: bool,
        started: float,
    ) -> None:  # fmt: skip
        self._saver: Saver | None = None
        self._kept: State = {}  # what was saved of this call
        self._seeded = seeded  # whether the user gave the generator
        self._source, self._options, self._started = source, options, started
        # A caller who drew latents of his own from the same seed does not meet them in the codebook
        self._rng = np.random.default_rng([SALT, int(rng.integers(2**32))])
        self._callback, self._k = callback, source.latent_dim
        self._shape, self._n = source.output_shape, math.prod(source.output_shape)
        self._method = method if method == "direct" or self._has_networks(method) else "direct"
        function = operator if callable(operator) and not hasattr(operator, "matmat") else None
        is_matrix = operator is not None and function is None
        matrix = read_matrix(operator, self._n) if is_matrix else None
        self._matrix = None if matrix is None else to_tensor(matrix, options.dtype)
        shape = self._shape if matrix is None else (len(matrix),)
        self._generator = Generator(source.model, function)
        if function is not None:
            shape = self._measured_by(function)
        self._targets, self._single = read_targets(y, shape)
        measured = math.prod(shape)
        if measured < self._k:
            raise ValueError(
                f"y must have at least as many numbers as a latent, {self._k}, got {measured}"
            )
        self._latent = Latent(
            read_bounds(options.latent_bounds, self._k), options.prior or source.prior
        )
        if self._method == "projected-surf":
            self._check_linear(function)
        self._pieces: list[list[tuple[int, bool]]] = []  # (T, B): searched, and whether all
        self._line = Line(
            self._method, "forward passes", (None, len(self._targets)), options.maxtime, started,
            shown=bool(options.disp),
        )  # fmt: skip

    def _check_linear(self, function: Callable[..., Any] | None) -> None:
        """Refuse what Algorithm 2 is not made for."""
        if function is not None:
            raise ValueError("operator must be a matrix for 'projected-surf', got a function")
        if self._latent.bounds is not None:
            raise ValueError("latent_bounds must be None for 'projected-surf'")
        read_network(self._source.model, self._source.read(len(self._source) - 1))

    def _has_networks(self, method: str) -> bool:
        if len(self._source) > 1:
            return True
        warn(
            f"there is one checkpoint only, so {method!r} does as 'direct' does",
            RuntimeWarning,
        )
        return False

    def _measured_by(self, function: Callable[..., Any]) -> tuple[int, ...]:
        """The shape of what an operator makes of one output."""
        try:
            shape = output_shape(function, (2, *self._shape), self._options.dtype)
        except Exception as error:
            raise ValueError(
                "operator must be a traceable function of outputs (batch, "
                f"{', '.join(map(str, self._shape))}), but it raised {in_brief(error)}"
            ) from error
        if not shape or shape[0] != 2:
            raise ValueError(
                f"operator must keep the first axis of a batch; of 2 outputs it made {shape}"
            )
        zeros = ops.zeros((2, *self._shape), dtype=self._options.dtype)
        if "complex" in str(getattr(function(zeros), "dtype", "")):
            raise TypeError("operator must give real numbers, got complex ones")
        return shape[1:]

    def run(self) -> Result:
        with self._line, contextlib.ExitStack() as scope:
            if self._options.checkpoint is not None:
                path = Path(self._options.checkpoint)
                scope.enter_context(folder_for(path.parent, name="checkpoint"))
                self._saver = Saver(path, self._options.save_every, self._described(), {}, (Found,))
                scope.enter_context(self._saver.keeping())
                self._kept = self._saver.kept or {}
            return self._run()

    def _run(self) -> Result:
        options, source, kept = self._options, self._source, self._kept
        schedule = options.schedule or Surf()
        recipe = Recipe(self._latent, Constant(), options.descent(self._k))
        deadline = self._started + (np.inf if options.maxtime is None else options.maxtime)
        last = source.read(len(source) - 1)
        weights = tensors(last, options.dtype)
        programs, settings = self._programs(recipe, weights), options.settings(recipe)
        inversion = Inversion(
            programs, settings, self._targets, self._k, self._matrix, deadline, self._watch,
            self._saver,
        )  # fmt: skip
        stopped = None
        self._check_range(inversion, weights)
        linear = self._method == "projected-surf"
        first = tensors(source.read(0), options.dtype) if linear else weights
        if kept:
            self._rng.bit_generator.state = kept["rng"]
        self._drawn = self._rng.bit_generator.state
        starts = self._starts(inversion, first)
        if kept:
            inversion.restore(kept)
            self._pieces = kept["pieces"]
        begin = partial(self._begin, inversion)
        try:
            if linear:
                if kept.get("first", True):
                    begin(partial(dict, first=True))
                    self._descend_first(inversion, first, starts)
                self._follow(inversion, chain(islice(source.stream(), 1, None), [last]))
            else:
                if self._method == "surf":
                    networks = (tensors(w, options.dtype) for w in source.stream())
                    shares = schedule.iterations(len(source) - 1)
                    inversion.surf(
                        networks, shares, starts.known[:, 0], schedule.interpolate, begin, kept
                    )
                    starts.known[:, 0] = inversion.path[-1]
                begin(dict)
                inversion.descend(weights, starts)
        except Stopped as stop:
            stopped = stop.args[0]
        except KeyboardInterrupt:
            stopped = Status.INTERRUPTED
        with holding():
            result = self._result(inversion, weights, stopped)
            self._keep(recipe, programs)
        if self._saver is not None:
            self._saver.over = stopped is None
        return result

    def _begin(self, inversion: Inversion, state: Callable[[], State]) -> None:
        """A part begins: what the saver has to know of it."""
        if self._saver is not None:
            own = {"rng": self._drawn, "pieces": self._pieces, "first": False}
            self._saver.begin(lambda: own | inversion.state() | state())

    def _described(self) -> dict[str, str]:
        """What tells this call from others, under names that a user knows."""
        source, matrix = self._source, self._matrix
        function = self._generator.operator
        weights = source.read(len(source) - 1)
        return {
            "method": self._method, "backend": backend(), "y": digest(self._targets),
            "operator": getattr(function, "__qualname__", repr(function))
            if matrix is None else digest(to_numpy(matrix)),
            "number of checkpoints": str(len(source)), "last checkpoint": digest(*weights),
            **({"rng": digest(repr(self._rng.bit_generator.state))} if self._seeded else {}),
            **described(self._options),
        }  # fmt: skip

    def _descend_first(self, inversion: Inversion, weights: Tensors, starts: Starts) -> None:
        """The minimisers where Algorithm 2 begins; with them nothing is over."""
        try:
            inversion.descend(weights, starts)
        finally:
            inversion.found.over[:] = False

    def _follow(self, inversion: Inversion, networks: Iterator[Weights]) -> None:
        """Algorithm 2: from the minimisers on one network to those on the next, to the last."""
        options, model, matrix = self._options, self._source.model, self._matrix
        dense = None if matrix is None else to_numpy(matrix).astype("float64")
        followed = len(inversion.path)
        for t, weights in enumerate(networks, 2):
            if t < followed + 2:
                continue
            self._begin(inversion, dict)
            network = read_network(model, weights)
            if dense is not None:
                network = network.measured_by(dense)
            steps = []
            for y, x in zip(self._targets, inversion.found.x, strict=True):
                inversion.check_time()
                steps.append(follow(network, y, x, options.tau, options.max_pieces))
            self._pieces.append([(step.pieces, step.complete) for step in steps])
            passes = (self._k + 1) * np.array([step.pieces for step in steps])
            inversion.move(steps, passes, last=t == len(self._source))

    def _programs(self, recipe: Recipe, weights: Tensors) -> Programs:
        """What is compiled for this generator: what is there, else anew."""
        key = self._key = self._content(recipe)
        self._made = Compiled.made
        if key in _compiled:
            programs = _compiled[key]
            _compiled.move_to_end(key)
            programs.bind(self._generator.model, self._generator.operator, recipe)
            return programs
        dtype = self._options.dtype
        sure = check_generator(self._generator, self._latent, self._k, weights, dtype)
        tangents = not recipe.descent.needs_jacobian or self._tangents_flow(weights)
        return Programs(self._generator, recipe, tangents, sure)

    def _content(self, recipe: Recipe) -> Hashable:
        """What two calls share only if one's programs do for the other; None if nobody knows."""
        model, options = self._generator.model, self._options
        found = fingerprint(model, self._generator.operator, recipe, loose=model.weights)
        return None if found is None else (found, backend(), options.dtype, options.precision)

    def _keep(self, recipe: Recipe, programs: Programs) -> None:
        """For calls to come, unless what they were made from has changed meanwhile."""
        if Compiled.made == self._made:  # all of it was there before
            return
        if self._key is not None and self._content(recipe) == self._key:
            _compiled[self._key] = programs
            _compiled.move_to_end(self._key)
        else:
            _compiled.pop(self._key, None)
        while len(_compiled) > KEPT:
            _compiled.popitem(last=False)

    def _tangents_flow(self, weights: Tensors) -> bool:
        """Whether the generator, and what measures it, has forward-mode derivatives."""
        drawn = Latent(prior=self._latent.prior).draw(np.random.default_rng(0), 16, self._k)

        def measured(x: Tensor) -> Tensor:
            return self._generator.measured(self._generator.outputs(x, weights), self._matrix)

        return tangents_flow(measured, to_tensor(drawn, self._options.dtype))

    def _starts(self, inversion: Inversion, weights: Tensors) -> Starts:
        """Where the descents begin; the first are the best so far."""
        options, latent, count, k = self._options, self._latent, len(self._targets), self._k
        f, most = None, None
        if not isinstance(options.starts, str):
            first = read_starts(options.starts, count, k)
        elif options.starts == "zero":
            first = np.zeros((count, 1, k))
        elif options.starts == "random":
            many = count * options.n_starts
            check_memory(many * k, 8, f"{many:,} random starts of {k} numbers", "n_starts")
            drawn = latent.draw(self._rng, count * options.n_starts, k)
            first = drawn.reshape(count, options.n_starts, k)
        else:
            codes = options.n_codes or int(np.clip(PER_TARGET * count, LEAST_CODES, MOST_CODES))
            near, most = min(codes_for(options.n_starts), codes), options.n_starts
            self._preparation += codes
            check_memory(
                (codes + count * near) * k, 8, f"{codes:,} codes of {k} numbers", "n_codes"
            )
            first, f = inversion.nearest(weights, latent.draw(self._rng, codes, k), near)
        seed = int(self._rng.integers(2**31))
        starts = Starts(first, most or first.shape[1], latent, seed)
        inversion.begin(starts.known[:, 0], f)
        return starts

    def _check_range(self, inversion: Inversion, weights: Tensors) -> None:
        """Refuse targets of another scale than the generator's (0 to 255 in place of 0 to 1)."""
        anywhere = Latent(prior=self._latent.prior)
        _, made = inversion.outputs(
            weights, anywhere.draw(np.random.default_rng(0), RANGED, self._k)
        )
        self._preparation = RANGED
        low, high = float(made.min()), float(made.max())
        beyond = max(OTHER_SCALE * (high - low), 2.0 * max(abs(low), abs(high)))
        inside = self._targets.min() >= low - beyond and self._targets.max() <= high + beyond
        if beyond > 0 and not inside:
            raise ValueError(
                f"y must be in the range of the generator, about {low:.3g} to {high:.3g}, got "
                f"{self._targets.min():.3g} to {self._targets.max():.3g}"
            )

    def _watch(self, found: Found) -> bool:
        over, total = int(found.over.sum()), len(found.over)
        words = f"f {span(found.f)}" + (f", {over} of {total} done" if total > 1 else "")
        self._line.see(words, int(found.cost.sum()), over)
        if self._callback is None:
            return False
        one = 0 if self._single else slice(None)
        now = Result(
            x=found.x[one].copy(), fun=found.f[one].copy(), nit=found.nit[one].copy(),
            cost=found.cost[one].copy(),
        )  # fmt: skip
        try:
            with UsersCode():
                self._callback(intermediate_result=now)
        except StopIteration:
            return True
        return False

    def _result(self, inversion: Inversion, weights: Tensors, stopped: Status | None) -> Result:
        found = inversion.found
        x = self._latent.clip(found.x)
        images, measured = inversion.outputs(weights, x)
        residual = measured.astype("float64") - self._targets
        fun = 0.5 * np.sum(residual**2, axis=1)
        is_found = (fun <= inversion.certified) & inversion.sure
        status = found.status.copy()
        if stopped is not None:
            status[~found.over] = stopped
        status[is_found] = Status.CONVERGED
        one = 0 if self._single else slice(None)
        result = Result(
            x=x[one], fun=float(fun[0]) if self._single else fun,
            success=bool(status[0] == 0) if self._single else status == 0,
            status=int(status[0]) if self._single else status,
            message=_sentence(status),
            output=images[one], residual=residual[one], found=is_found[one],
            cost=int(found.cost[0]) if self._single else found.cost,
            preparation=self._preparation, nit=int(found.nit[0]) if self._single else found.nit,
            method=self._method,
        )  # fmt: skip
        at = 0 if self._single else slice(None)
        if self._method != "direct":
            result.path = np.array(inversion.path).reshape(-1, *x.shape)[:, at]
        if self._method == "projected-surf":
            searched = np.array(self._pieces, dtype=int).reshape(-1, len(x), 2)[:, at]
            result.pieces, result.complete = searched[..., 0], searched[..., 1].astype(bool)
        self._line.say(
            f"{is_found.sum()} of {len(fun)} found exactly, f {span(fun)}, "
            f"{found.cost.mean():.0f} forward passes each"
        )
        return result


def _sentence(status: np.ndarray) -> str:
    """What to say of all targets: of the worst."""
    return next(one.sentence for one in Status if one == status.max())
