"""Paper B's theorems on networks where everything can be computed.

``ball`` (Theorem 3.1): on a random expansive network G_0, f_0(x) = ½ ‖A G_0(x) - A y‖² descends
towards the origin from everywhere outside a ball. How large is that ball, against 1 + ‖y‖, the
expansion n_i / n_{i-1} and the measurements m? And if y is G_0(x*)?

``flow`` (Theorem 3.3): Algorithm 2 along a network in motion whose global minimiser is found
apart, with steps below and above the bound δ < τ / (L max(M, 1)^(d+1)), and on flows whose
minimiser jumps.

``pieces``: how many linear pieces there are around a point, against the slack τ.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..linear_pieces import ReluNetwork, follow, pieces_near, slack_rows
from . import _flows
from ._cells import Cell
from ._objectives import read_names
from ._theory_report import FARTHEST
from ._theory_report import write as write

if TYPE_CHECKING:
    from ._settings import ScaledSettings

Array = NDArray[np.float64]

NAMES = ("ball", "flow", "pieces")
LARGEST = 1024  # neurons of a layer
DIRECTIONS, RADII = 128, 64  # rays from the origin, and points on each, …
RANGE = (1e-3, FARTHEST)  # … times 1 + ‖y‖
CLIMBS, CANDIDATES = 12, 16  # turns of the worst ray, and rays tried in each
HIDDEN, OUTPUTS = (12, 24), 40  # of the networks in motion
TAU = 0.05
MULTIPLES = (0.5, 0.9, 3.0, 10.0, 30.0, 100.0)  # of the bound on δ
ENOUGH = 400  # steps where there is no bound
ON_IT = 1e-5  # ‖x_t - x*‖ of a minimiser that is followed
SLACKS = (0.001, 0.003, 0.01, 0.03, 0.1)
NEIGHBOURS = 1024  # pieces that are counted, at most
POINTS, DRAWN = 10, 3  # around which they are, of so many networks of a size at most


class Size(NamedTuple):
    """How much is run."""

    seeds: int
    dims: tuple[int, ...]
    expansions: tuple[int, ...]
    flows: int


SIZES = {
    "quick": Size(2, (4,), (2, 4, 8, 16), 1),
    "half": Size(10, (2, 4, 8), (2, 4, 8, 16, 32, 64, 128, 256), 10),
    "full": Size(30, (2, 4, 8, 16), (2, 4, 8, 16, 32, 64, 128, 256, 512), 30),
}
CONSTANTS: dict[str, list[Any]] = {  # what else the results of a part depend on
    "ball": [DIRECTIONS, RADII, RANGE, CLIMBS, CANDIDATES],
    "flow": [
        HIDDEN, OUTPUTS, TAU, MULTIPLES, ENOUGH, ON_IT, _flows.GRID, _flows.REACH, _flows.REFINED,
        _flows.TIMES, _flows.PART,
    ],
    "pieces": [SLACKS, NEIGHBOURS, POINTS],
}  # fmt: skip
DEPTHS = (1, 2)
NORMS = (0.1, 1.0, 10.0)  # ‖y‖
ROWS = (1, 2, 4, 8, 16, 32)  # m / k
EXPANDED = 8  # where m varies
NETWORKS = ((2, (20,)), (2, (20, 40)), (5, (50,)), (5, (50, 100)), (10, (100, 200)))


def cells(settings: ScaledSettings) -> Iterator[Cell]:
    """The cells: those of the balls, the flows and the pieces."""
    asked, size = read_names(settings.only, NAMES, "part"), SIZES[settings.scale]
    parts = {"ball": _balls(size), "flow": _moving(size), "pieces": _counted(size)}
    works: dict[str, Callable[..., dict[str, Any]]]
    works = {"ball": ball, "flow": follow_flow, "pieces": count_pieces}
    for part in asked:
        for given in parts[part]:
            given["seed"] += settings.seed
            parameters = {"suite": "theory", "part": part, **given, "constants": CONSTANTS[part]}
            name = "-".join(str(value) for value in (part, *given.values())).replace(" ", "")
            yield Cell(name, parameters, functools.partial(works[part], **given))


def _balls(size: Size) -> Iterator[dict[str, Any]]:
    for seed in range(size.seeds):
        for k in size.dims:
            for depth in DEPTHS:
                for expansion in size.expansions:
                    if k * expansion**depth > LARGEST:
                        continue
                    case = {"k": k, "depth": depth, "expansion": expansion}
                    for norm in NORMS if expansion == EXPANDED else (1.0,):
                        yield case | {"y": "any", "norm": norm, "rows": None, "seed": seed}
                    yield case | {"y": "made", "norm": None, "rows": None, "seed": seed}
                    for rows in ROWS if expansion == EXPANDED else ():
                        yield case | {"y": "any", "norm": 1.0, "rows": rows * k, "seed": seed}


def _moving(size: Size) -> Iterator[dict[str, Any]]:
    for kind in _flows.FLOWS:
        for seed in range(size.flows):
            yield {"kind": kind, "seed": seed}


def _counted(size: Size) -> Iterator[dict[str, Any]]:
    for seed in range(min(size.seeds, DRAWN)):
        for k, hidden in NETWORKS:
            yield {"k": k, "hidden": list(hidden), "seed": seed}


# Theorem 3.1


def ball(
    k: int, depth: int, expansion: int, y: str, norm: float | None, rows: int | None, seed: int
) -> dict[str, Any]:
    """The radius of the smallest ball found outside which f_0 descends towards the origin.

    Parameters
    ----------
    k, depth, expansion : int
        Sizes k, k e, …, k e^d; the last one is also n.
    y : {"any", "made"}
        A vector of its own, of length `norm`, or G_0(x*) with ‖x*‖ = 1.
    norm : float or None
    rows : int or None
        m of a Gaussian A; None for A = I.
    seed : int
    """
    rng = np.random.default_rng([seed, k, depth, expansion])
    hidden = tuple(k * expansion**i for i in range(1, depth + 1))
    net = _flows.random_network(rng, k, hidden, hidden[-1])
    if y == "made":
        target = net.outputs(_on_sphere(rng, 1, k)[0])
    else:
        target = float(norm or 0.0) * _on_sphere(rng, 1, hidden[-1])[0]
    length = float(np.linalg.norm(target))
    if rows is not None:
        matrix = rng.standard_normal((rows, hidden[-1])) / rows**0.5
        net, target = net.measured_by(matrix), matrix @ target
    radius = remaining_radius(net, target, 1.0 + length, rng)
    return {"radius": radius, "length": length, "relative": radius / (1.0 + length)}


def _on_sphere(rng: np.random.Generator, count: int, k: int) -> Array:
    drawn = rng.standard_normal((count, k))
    made: Array = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return made


def remaining_radius(net: ReluNetwork, y: Array, scale: float, rng: np.random.Generator) -> float:
    """The largest ‖x‖ found where D_{-x/‖x‖} f(x) ≥ 0 (equation 2 fails), from below.

    Many rays from the origin first, then rays around the worst one.
    """
    radii = scale * np.geomspace(*RANGE, RADII)

    def reach(rays: Array, radii: Array) -> Array:
        """Of each ray (N, k) the last radius at which f does not descend towards the origin."""
        x = (rays[:, None, :] * radii[:, None]).reshape(-1, net.latent_dim)
        inward = np.repeat(-rays, len(radii), axis=0)
        slope = np.sum((net.outputs(x) - y) * net.slope(x, inward), axis=-1)
        uphill = slope.reshape(len(rays), -1) >= 0
        last = len(radii) - 1 - np.argmax(uphill[:, ::-1], axis=1)
        found: Array = np.where(uphill.any(axis=1), radii[last], 0.0)
        return found

    rays = _on_sphere(rng, DIRECTIONS, net.latent_dim)
    found = reach(rays, radii)
    best, radius = rays[int(np.argmax(found))], float(found.max())
    for turn in range(CLIMBS):
        nearby = best + 0.5 ** (1 + turn / 2) * _on_sphere(rng, CANDIDATES, net.latent_dim)
        nearby /= np.linalg.norm(nearby, axis=1, keepdims=True)
        found = reach(nearby, radii)
        if found.max() > radius:
            best, radius = nearby[int(np.argmax(found))], float(found.max())
    if radius == radii[-1]:
        return radius
    finer = radius * np.geomspace(1.0, radii[1] / radii[0], RADII)
    return max(radius, float(reach(best[None], finer)[0]))


# Theorem 3.3


def follow_flow(kind: str, seed: int) -> dict[str, Any]:
    """Algorithm 2 along a flow, with steps of several lengths, beside the global minimiser."""
    rng = np.random.default_rng([seed, list(_flows.FLOWS).index(kind)])
    flow = _flows.FLOWS[kind](rng, HIDDEN, OUTPUTS)
    way = _flows.way(flow)
    bound = TAU / (way.lipschitz * max(way.largest, 1.0) ** (len(HIDDEN) + 1))
    counts: dict[int, float | None]
    if way.jumps:
        counts = {ENOUGH: None}
    else:  # as a flow has an end, a large part of the bound may be out of reach
        wanted = {part: math.ceil(1.0 / (part * bound)) for part in MULTIPLES}
        counts = {count: part for part, count in wanted.items() if count > 1}
    surfs = [
        {"multiple": part, "ratio": None if part is None else 1.0 / (count * bound)}
        | _surfed(flow, way, count)
        for count, part in counts.items()
    ]
    return {
        "lipschitz": way.lipschitz, "largest": way.largest, "jumps": way.jumps, "bound": bound,
        "patterns": patterns_along(flow, way),
        "times": way.times, "minimisers": way.points, "surfs": surfs,
    }  # fmt: skip


def patterns_along(flow: _flows.Flow, way: _flows.Way) -> int:
    """On how many linear pieces the global minimiser is seen."""
    moments = zip(way.times, way.points, strict=True)
    return len({(np.concatenate(flow.at(s).preactivations(x)) > 0).tobytes() for s, x in moments})


def _surfed(flow: _flows.Flow, way: _flows.Way, count: int) -> dict[str, Any]:
    """Where `count` steps of Algorithm 2 lead, and how far that is from the global minimiser."""
    x, found, pieces, complete = way.points[0], [way.points[0]], [], True
    for t in range(1, count + 1):
        step = follow(flow.at(t / count), flow.y, x, TAU)
        x = step.x
        found.append(x)
        pieces.append(step.pieces)
        complete = complete and step.complete
    looked = np.unique(np.linspace(0, count, min(count, 50) + 1).astype(int))
    wanted = np.array([_flows.minimiser(flow.at(t / count), flow.y) for t in looked])
    distances = np.linalg.norm(np.array(found)[looked] - wanted, axis=1)
    end = flow.at(1.0)
    return {
        "steps": count, "times": looked / count, "distances": distances,
        "followed": float(np.mean(distances <= ON_IT)), "at_the_end": bool(distances[-1] <= ON_IT),
        "excess": float(end.fun(x, flow.y) - end.fun(wanted[-1], flow.y)),
        "pieces_mean": float(np.mean(pieces)), "pieces_most": int(np.max(pieces)),
        "complete": complete,
    }  # fmt: skip


# The pieces


def count_pieces(k: int, hidden: list[int], seed: int) -> dict[str, Any]:
    """Pieces and rows of S(x, θ, τ) around points x ~ N(0, I), for each slack τ."""
    rng = np.random.default_rng([seed, k, *hidden])
    net = _flows.random_network(rng, k, tuple(hidden), 2 * hidden[-1])
    points = rng.standard_normal((POINTS, k))
    found: list[dict[str, Any]] = []
    for tau in SLACKS:
        if found and not any(found[-1]["complete"]):  # there are more of them still
            counts, complete = [NEIGHBOURS] * POINTS, [False] * POINTS
        else:
            around = [pieces_near(net, x, tau, NEIGHBOURS) for x in points]
            counts, complete = [len(one) for one, _ in around], [every for _, every in around]
        rows = [sum(map(len, slack_rows(net, x, tau))) for x in points]
        found.append({"tau": tau, "rows": rows, "pieces": counts, "complete": complete})
    return {"slacks": found}
