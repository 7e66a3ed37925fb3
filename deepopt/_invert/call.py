"""One call of `invert`, once its arguments are read: starts, surf, descents, result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np

from .._backend import Tensors, to_numpy
from .._engine import Recipe, Session, Stopped, stopped_by
from .._objective import tensors
from .._support.interrupts import holding
from .._support.memory import check_memory
from .._support.results import Result, Status
from .._support.saving import State
from .._support.summary import span
from ..linear_pieces import follow, read_network
from ..reparametrizations import Latent
from ..schedules import Constant, Surf
from .arguments import read_starts
from .asked import Asked
from .outcome import result_of
from .programs import Bound
from .search import Inversion
from .starts import Starts, codes_for
from .targets import Found

if TYPE_CHECKING:
    from ..generators.sources import Weights

PER_TARGET, LEAST_CODES, MOST_CODES = 16, 256, 4096  # latents of the codebook
RANGED, OTHER_SCALE = 64, 50.0  # outputs that show the range of y; how far beyond it is absurd


class InvertCall:
    """One call of `invert`; `run` may be called once."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._session = Session(
            asked.options, asked.method, "forward passes", (None, len(asked.targets)),
            asked.started,
        )  # fmt: skip
        self._pieces: list[list[tuple[int, bool]]] = []  # (T, B): searched, and whether all
        self._preparation = RANGED  # forward passes that all targets share

    def run(self) -> Result:
        asked, session = self._asked, self._session
        with session:
            session.open(asked.described(), asked.options, {}, lambda: (Found,))
            with session.keeping():
                return self._run()

    def _run(self) -> Result:
        asked, options, source = self._asked, self._asked.options, self._asked.source
        recipe = Recipe(asked.latent, Constant(), options.descent(asked.k))
        weights = tensors(source.read(len(source) - 1), options.dtype)
        bound = Bound(asked, recipe, weights)
        inversion = Inversion(
            bound.programs, options.settings(recipe), asked.targets, asked.k, asked.matrix,
            self._session.deadline, self._watch, self._session.saver,
        )  # fmt: skip
        self._check_range(inversion, weights)
        status = self._search(inversion, weights)
        with holding():
            result = result_of(
                asked, inversion, weights, status, self._preparation, self._pieces,
                self._session.line,
            )  # fmt: skip
            bound.keep()
        self._session.end(over=status is None)
        return result

    def _search(self, inversion: Inversion, weights: Tensors) -> Status | None:
        """Surf and descend; why that was ended before its time, if it was."""
        asked, kept, linear = self._asked, self._session.kept, self._is_linear
        source, dtype = asked.source, asked.options.dtype
        first = tensors(source.read(0), dtype) if linear else weights
        if kept:
            asked.rng.bit_generator.state = kept["rng"]
        self._drawn = asked.rng.bit_generator.state
        starts = self._starts(inversion, first)
        if kept:
            inversion.restore(kept)
            self._pieces = kept["pieces"]
        try:
            if linear:
                self._project(inversion, first, starts)
            else:
                self._surf(inversion, starts)
                self._begin(inversion, dict)
                inversion.descend(weights, starts)
        except Stopped as stop:
            status: Status = stop.args[0]
            return status
        except KeyboardInterrupt:
            return Status.INTERRUPTED
        return None

    @property
    def _is_linear(self) -> bool:
        return self._asked.method == "projected-surf"

    def _begin(self, inversion: Inversion, state: Callable[[], State]) -> None:
        """A part begins: what the saver has to know of it."""
        own = {"rng": self._drawn, "pieces": self._pieces, "first": False}
        self._session.begin(lambda: own | inversion.state() | state())

    def _surf(self, inversion: Inversion, starts: Starts) -> None:
        """Algorithm 1: through the networks of the training, to where the descents begin."""
        source, options = self._asked.source, self._asked.options
        if self._asked.method != "surf":
            return
        schedule = options.schedule or Surf()
        networks = (tensors(weights, options.dtype) for weights in source.stream())
        inversion.surf(
            networks, schedule.iterations(len(source) - 1), starts.known[:, 0],
            schedule.interpolate, partial(self._begin, inversion), self._session.kept,
        )  # fmt: skip
        starts.known[:, 0] = inversion.path[-1]

    def _project(self, inversion: Inversion, weights: Tensors, starts: Starts) -> None:
        """Algorithm 2, from the minimisers on the first network, with which nothing is over."""
        source = self._asked.source
        if self._session.kept.get("first", True):
            self._begin(inversion, partial(dict, first=True))
            try:
                inversion.descend(weights, starts)
            finally:
                inversion.found.over[:] = False
        last = source.read(len(source) - 1)
        self._follow(inversion, chain(islice(source.stream(), 1, None), [last]))

    def _follow(self, inversion: Inversion, networks: Iterator[Weights]) -> None:
        """From the minimisers on one network to those on the next, to the last."""
        asked, options = self._asked, self._asked.options
        dense = None if asked.matrix is None else to_numpy(asked.matrix).astype("float64")
        followed = len(inversion.path)
        for t, weights in enumerate(networks, 2):
            if t < followed + 2:
                continue
            self._begin(inversion, dict)
            network = read_network(asked.source.model, weights)
            if dense is not None:
                network = network.measured_by(dense)
            steps = []
            for y, x in zip(asked.targets, inversion.found.x, strict=True):
                inversion.check_time()
                steps.append(follow(network, y, x, options.tau, options.max_pieces))
            self._pieces.append([(step.pieces, step.complete) for step in steps])
            passes = (asked.k + 1) * np.array([step.pieces for step in steps])
            inversion.move(steps, passes, last=t == len(asked.source))

    def _starts(self, inversion: Inversion, weights: Tensors) -> Starts:
        """Where the descents begin; the first are the best so far."""
        asked, options, latent = self._asked, self._asked.options, self._asked.latent
        count, k, rng = len(asked.targets), asked.k, asked.rng
        f, most = None, None
        if not isinstance(options.starts, str):
            first = read_starts(options.starts, count, k)
        elif options.starts == "zero":
            first = np.zeros((count, 1, k))
        elif options.starts == "random":
            many = count * options.n_starts
            check_memory(many * k, 8, f"{many:,} random starts of {k} numbers", "n_starts")
            first = latent.draw(rng, many, k).reshape(count, options.n_starts, k)
        else:
            codes = options.n_codes or int(np.clip(PER_TARGET * count, LEAST_CODES, MOST_CODES))
            near, most = min(codes_for(options.n_starts), codes), options.n_starts
            self._preparation += codes
            check_memory(
                (codes + count * near) * k, 8, f"{codes:,} codes of {k} numbers", "n_codes"
            )
            first, f = inversion.nearest(weights, latent.draw(rng, codes, k), near)
        seed = int(rng.integers(2**31))
        starts = Starts(first, most or first.shape[1], latent, seed)
        inversion.begin(starts.known[:, 0], f)
        return starts

    def _check_range(self, inversion: Inversion, weights: Tensors) -> None:
        """Refuse targets of another scale than the generator's (0 to 255 in place of 0 to 1)."""
        asked, y = self._asked, self._asked.targets
        drawn = Latent(prior=asked.latent.prior).draw(np.random.default_rng(0), RANGED, asked.k)
        _, made = inversion.outputs(weights, drawn)
        low, high = float(made.min()), float(made.max())
        beyond = max(OTHER_SCALE * (high - low), 2.0 * max(abs(low), abs(high)))
        if beyond > 0 and not (y.min() >= low - beyond and y.max() <= high + beyond):
            raise ValueError(
                f"y must be in the range of the generator, about {low:.3g} to {high:.3g}, got "
                f"{y.min():.3g} to {y.max():.3g}"
            )

    def _watch(self, found: Found) -> bool:
        """Show how far the targets are; whether the user asks for an end."""
        over, total = int(found.over.sum()), len(found.over)
        words = f"f {span(found.f)}" + (f", {over} of {total} done" if total > 1 else "")
        self._session.line.see(words, int(found.cost.sum()), over)
        if self._asked.callback is None:
            return False
        one = 0 if self._asked.single else slice(None)
        fields = {"x": found.x, "fun": found.f, "nit": found.nit, "cost": found.cost}
        now = Result({key: value[one].copy() for key, value in fields.items()})
        return stopped_by(self._asked.callback, intermediate_result=now)
