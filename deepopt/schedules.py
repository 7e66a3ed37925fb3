"""Schedules: which objective is minimised when.

A schedule turns f into f_t, t from 0 to 1: a weighted mean of f over a few points around u
(`GaussianSmoothing`), a mixture with an easier function (`Blend`, `Path`), or f with noise on
the variables (`Temperature`). Its `pace` says how t advances: `Steady` with the iterations, or
`Adaptive`, where a stage lasts until its progress stops. All points are in unit coordinates.

t is one number per run, of shape (runs,), so that runs may be at different stages.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import numpy as np

from ._backend import Tensor, Tensors, normal, ops, uniform
from ._box import Kinds, reflect
from ._checks import check_choice, check_flag, check_number
from ._ranges import Choice, Range, searched


@runtime_checkable
class Pace(Protocol):
    """How t advances; any frozen, hashable object with these will do."""

    def init(self, t: Tensor) -> Tensors:
        """Its memory, tensors (runs,), where the progress is t (runs,)."""

    def advance(
        self, t: Tensor, memory: Tensors, loss: Tensor, steady: Tensor
    ) -> tuple[Tensor, Tensors]:
        """The next t and memory after an iteration.

        `loss` (runs,) is the mean of f_t over the points, on the scale of [0, 1]; `steady` (runs,)
        is where t would be if it advanced with the iterations.
        """


@dataclasses.dataclass(frozen=True)
class Steady:
    """t advances with the iterations.

    Examples
    --------
    >>> Steady()
    Steady()
    """

    def init(self, t: Tensor) -> Tensors:
        return []

    def advance(
        self, t: Tensor, memory: Tensors, loss: Tensor, steady: Tensor
    ) -> tuple[Tensor, Tensors]:
        return steady, memory


@dataclasses.dataclass(frozen=True)
class Adaptive:
    """Stages: t stays until progress on f_t stops, then takes a step of adapted length.

    A predictor-corrector rule. Progress is that of a running mean of f_t. If the value jumps by
    more than `jump` as t steps, the next step is half as long, else half as long again. The last
    stage is f itself. t is never behind the iterations, so that it arrives in time.

    Parameters
    ----------
    step : float, default 0.02
        First step in t, and the longest is ten times it.
    patience : int, default 10
        Iterations without progress that end a stage.
    tolerance : float, default 1e-4
        What counts as progress, as a part of f's range.
    jump : float, default 0.01
        How far the value may jump at a step, as a part of f's range.

    Examples
    --------
    >>> GaussianSmoothing(pace=Adaptive(patience=20)).pace.patience
    20

    References
    ----------
    Allgower & Georg, Numerical Continuation Methods, 1990, chapter 6.
    """

    step: float = 0.02
    patience: int = 10
    tolerance: float = 1e-4
    jump: float = 0.01

    def __post_init__(self) -> None:
        check_number("step", self.step, above=0.0, at_most=1.0)
        check_number("patience", self.patience, at_least=1, whole=True)
        check_number("tolerance", self.tolerance, above=0.0)
        check_number("jump", self.jump, above=0.0)

    def init(self, t: Tensor) -> Tensors:
        infinite = ops.full_like(t, float("inf"))
        zeros = ops.zeros_like(t)
        # step, running mean, its lowest in this stage, iterations since, of this stage
        return [zeros + self.step, infinite, infinite, zeros, zeros]

    def advance(
        self, t: Tensor, memory: Tensors, loss: Tensor, steady: Tensor
    ) -> tuple[Tensor, Tensors]:
        step, mean, lowest, since, age = memory
        first = age == 0
        known = ops.isfinite(mean)
        jumped = ops.logical_and(known, ops.abs(loss - ops.where(known, mean, loss)) > self.jump)
        longer = ops.minimum(1.5 * step, 10.0 * self.step)
        step = ops.where(first, ops.where(jumped, 0.5 * step, longer), step)
        mean = ops.where(first, loss, 0.9 * ops.where(known, mean, loss) + 0.1 * loss)
        improved = mean < lowest - self.tolerance
        lowest = ops.where(improved, mean, lowest)
        since = ops.where(improved, ops.zeros_like(since), since + 1.0)
        over = since >= self.patience
        at = ops.minimum(ops.maximum(ops.where(over, t + step, t), steady), 1.0)
        return at, [
            step,
            mean,
            ops.where(over, ops.full_like(lowest, float("inf")), lowest),
            ops.where(over, ops.zeros_like(since), since),
            ops.where(over, ops.zeros_like(age), age + 1.0),
        ]


class Schedule:
    """f itself at all times; the base of every schedule.

    A schedule of one's own is a frozen, hashable subclass that overrides what it changes.

    Attributes
    ----------
    samples : int
        Evaluations of f per point and iteration.
    pace : Pace
        How t advances.
    """

    pace: Pace = Steady()

    @property
    def samples(self) -> int:
        return 1

    def sample(self, u: Tensor, t: Tensor, seed: Tensor, kinds: Kinds | None) -> Tensor:
        """Points (samples, runs, n, d) around u (runs, n, d); the first is u itself."""
        return ops.expand_dims(u, 0)

    def weights(self, t: Tensor) -> Tensor:
        """Weights (samples,) of their values in f_t."""
        return ops.ones((1,), dtype=t.dtype)

    def rate(self, t: Tensor) -> Tensor:
        """Factor (runs,) on the learning rate."""
        return ops.ones_like(t)

    def temperature(self, t: Tensor) -> Tensor | None:
        """Temperature (runs,) of the noise on the variables, in units of f's range; None for 0."""
        return None

    def arrived(self, t: Tensor) -> Tensor:
        """Whether f_t (runs,) is f itself, so that the loss may be compared with earlier ones."""
        return ops.ones_like(t, dtype="bool")


class Staged(Schedule):
    """A schedule that reaches f after a part of the way, its field `fraction`."""

    fraction: float

    def _check_stages(self) -> None:
        check_number("fraction", self.fraction, above=0.0, at_most=1.0)
        if isinstance(self.pace, type) or not isinstance(self.pace, Pace):
            raise TypeError(f"pace must be Steady() or Adaptive(), got {self.pace!r}")

    def progress(self, t: Tensor) -> Tensor:
        """From 0 to 1, where f is reached; of t's shape (runs,)."""
        return ops.minimum(t / self.fraction, 1.0)

    def arrived(self, t: Tensor) -> Tensor:
        return t >= self.fraction


class Eased(Staged, abc.ABC):
    """f mixed with an easier function: f_t = share · f + (1 - share) · easy."""

    function: Callable[..., Any]

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise TypeError(f"function must be callable, got {type(self.function).__name__}")
        self._check_stages()

    @abc.abstractmethod
    def share(self, t: Tensor) -> Tensor:
        """Weight (runs,) of f, in [0, 1]; 1 at t = 1."""

    @abc.abstractmethod
    def easy(self, x: Any, t: Any) -> Any:
        """The easier function at points x in the user's coordinates, as f takes them."""


@dataclasses.dataclass(frozen=True)
class Constant(Schedule):
    """f itself from the first iteration to the last.

    Examples
    --------
    >>> Constant().samples
    1
    """


@dataclasses.dataclass(frozen=True)
class GaussianSmoothing(Staged):
    """f_σ(u) = E f(u + σ ε), ε standard normal, reflected at the bounds, as σ falls.

    σ falls geometrically from `sigma_start` to `sigma_end`, in units of the box, over the
    first `fraction` of the way and stays there. The rate is taken relative to σ, so that
    steps shrink with the scale that is still visible. The mean is over points drawn anew in
    each iteration.

    Parameters
    ----------
    sigma_start, sigma_end : float, default 0.5, 1e-4
        First and last standard deviation, in units of the box's width.
    n_samples : int, default 32
        Evaluations per point and iteration in the mean (even); one more tracks f itself.
    fraction : float, default 0.8
        Part of the way over which σ falls.
    draw : {"lattice", "random"}, default "lattice"
        "lattice" takes ε from a randomly shifted lattice that is evenly spread in each coordinate,
        "random" from independent normal numbers; both come in antithetic pairs u ± σε.
    pace : Steady or Adaptive, default Steady()
        How t advances; `Adaptive` lets σ fall when progress stops.

    Examples
    --------
    >>> GaussianSmoothing(n_samples=8).samples
    9

    References
    ----------
    Mobahi & Fisher, A theoretical analysis of optimization by Gaussian continuation, AAAI 2015.
    Cranley & Patterson, Randomization of number theoretic methods for multiple integration, 1976.
    """

    sigma_start: float = searched(0.5, Range(0.05, 1.0, log=True))
    sigma_end: float = searched(1e-4, Range(1e-6, 1e-2, log=True))
    n_samples: int = searched(32, Choice((4, 8, 16, 32, 64, 128)))
    fraction: float = searched(0.8, Range(0.3, 1.0))
    draw: str = "lattice"
    pace: Pace = Steady()

    def __post_init__(self) -> None:
        check_number("sigma_end", self.sigma_end, above=0.0)
        check_number("sigma_start", self.sigma_start, at_least=self.sigma_end, at_most=100.0)
        check_number("n_samples", self.n_samples, at_least=2, whole=True)
        check_choice("draw", self.draw, ("lattice", "random"))
        self._check_stages()
        if self.n_samples % 2:
            raise ValueError(f"n_samples must be even, got {self.n_samples}")

    @property
    def samples(self) -> int:
        return 1 + self.n_samples

    def rate(self, t: Tensor) -> Tensor:
        """σ at t (runs,)."""
        return _geometric(self.sigma_start, self.sigma_end, self.progress(t))

    def sample(self, u: Tensor, t: Tensor, seed: Tensor, kinds: Kinds | None) -> Tensor:
        half = self.n_samples // 2
        drawn = (_lattice if self.draw == "lattice" else normal)(seed, (half, *u.shape), t.dtype)
        step = ops.reshape(self.rate(t), (-1, 1, 1)) * drawn
        around = reflect(ops.concatenate([u + step, u - step], axis=0), kinds)
        return ops.concatenate([ops.expand_dims(u, 0), around], axis=0)

    def weights(self, t: Tensor) -> Tensor:
        ones = ops.ones((self.n_samples,), dtype=t.dtype) / self.n_samples
        return ops.concatenate([ops.zeros((1,), dtype=t.dtype), ones], axis=0)


@dataclasses.dataclass(frozen=True)
class Blend(Eased):
    """f_t = (1 - λ) g + λ f from an easier g, as λ rises from `start` to 1.

    Parameters
    ----------
    function : callable
        g, a function of x as f is: in keras.ops where f is, else in NumPy. On f's scale.
    start : float, default 0
        First λ, in [0, 1).
    fraction : float, default 0.8
        Part of the way over which λ rises; after it f is minimised itself.
    pace : Steady or Adaptive, default Steady()
        How t advances.

    Examples
    --------
    >>> import deepopt
    >>> from deepopt.problems import rastrigin, sphere
    >>> f, g = rastrigin.with_dim(2), sphere.with_dim(2)
    >>> recipe = deepopt.Recipe(deepopt.Direct(1, "uniform", "reflect"), Blend(g), deepopt.Adam())
    >>> options = {"maxiter": 500, "learning_rate": 0.01}
    >>> result = deepopt.minimize(f, method=recipe, options=options, rng=0)
    >>> bool(result.fun < 1e-3)
    True

    References
    ----------
    Allgower & Georg, Numerical Continuation Methods, 1990, eq. (1.2).
    """

    function: Callable[[Any], Any]
    start: float = 0.0
    fraction: float = 0.8
    pace: Pace = Steady()

    def __post_init__(self) -> None:
        check_number("start", self.start, at_least=0.0, below=1.0)
        super().__post_init__()

    def share(self, t: Tensor) -> Tensor:
        return self.start + (1.0 - self.start) * self.progress(t)

    def easy(self, x: Any, t: Any) -> Any:
        return self.function(x)


@dataclasses.dataclass(frozen=True)
class Path(Eased):
    """f_t by a function of one's own: h(x, s), s from 0 to 1, with h(x, 1) = f(x).

    Parameters
    ----------
    function : callable
        h(x, s). Where f is in keras.ops: x of shape (..., d), s a tensor that broadcasts against
        the values (...). Where f is a black box: x as f takes it, s a float. h(x, 1) must be f.
    fraction : float, default 0.8
        Part of the way over which s rises; after it f is minimised itself.
    pace : Steady or Adaptive, default Steady()
        How t advances.

    Examples
    --------
    >>> from keras import ops
    >>> waves = lambda x, s: ops.sum(x**2 + s * (1 - ops.cos(9 * x)), axis=-1)
    >>> Path(waves).fraction
    0.8
    """

    function: Callable[[Any, Any], Any]
    fraction: float = 0.8
    pace: Pace = Steady()

    def share(self, t: Tensor) -> Tensor:
        return ops.cast(self.arrived(t), t.dtype)

    def easy(self, x: Any, t: Any) -> Any:
        outside = isinstance(t, float)  # beside a black box, which takes no tensors
        return self.function(x, min(t / self.fraction, 1.0) if outside else self.progress(t))


@dataclasses.dataclass(frozen=True)
class Temperature(Staged):
    """Langevin noise that cools: w ← w - α ∇f + √(2 α T) ε, as T falls.

    T falls geometrically from `start` to `end` over the first `fraction` of the way and is 0
    after it. With plain gradient descent and small rates α the variables are distributed as
    exp(-L / T), L the mean over the run's points of f scaled to [0, 1]: each of n points of a
    `Direct` feels n T.

    Parameters
    ----------
    start, end : float, default 1e-2, 1e-5
        First and last temperature, as parts of f's range.
    fraction : float, default 0.8
        Part of the way over which T falls; after it there is no noise.
    pace : Steady or Adaptive, default Steady()
        How t advances.

    Examples
    --------
    >>> Temperature(start=0.1).end
    1e-05

    References
    ----------
    Gelfand & Mitter, Recursive stochastic algorithms for global optimization in R^d, 1991.
    """

    start: float = 1e-2
    end: float = 1e-5
    fraction: float = 0.8
    pace: Pace = Steady()

    def __post_init__(self) -> None:
        check_number("end", self.end, above=0.0)
        check_number("start", self.start, at_least=self.end)
        self._check_stages()

    def temperature(self, t: Tensor) -> Tensor:
        falling = _geometric(self.start, self.end, self.progress(t))
        return ops.where(self.arrived(t), 0.0, falling)


def _geometric(start: float, end: float, progress: Tensor) -> Tensor:
    """start · (end / start)^progress."""
    ratio = ops.convert_to_tensor(end / start, dtype=progress.dtype)
    return start * ops.power(ratio, progress)


def _lattice(seed: Tensor, shape: tuple[int, ...], dtype: Any) -> Tensor:
    """Standard normal numbers (m, ...) that are evenly spread along the first axis."""
    m = shape[0]
    drawn = uniform(seed, (2, *shape[1:]), dtype)
    step = 2.0 * ops.floor(0.5 * m * drawn[0]) + 1.0  # odd: a permutation where m is a power of 2
    index = ops.reshape(ops.arange(m, dtype=dtype), (m,) + (1,) * (len(shape) - 1))
    spread = step * index / m + drawn[1]
    spread = spread - ops.floor(spread)
    inside = ops.minimum(ops.maximum(2.0 * spread - 1.0, -1.0 + 1e-7), 1.0 - 1e-7)
    return 1.4142135623730951 * ops.erfinv(inside)


@dataclasses.dataclass(frozen=True)
class Surf(Schedule):
    """Through the training of a generator: f_t(x) = ½ |A G_{θ_t}(x) - y|², θ_0 … θ_T its weights.

    Each network is descended from the minimiser of the one before. For `deepopt.invert`, whose host
    brings the weights as tensors, so that no stage compiles anew.

    Parameters
    ----------
    longest : int, default 20
        Iterations on each network before the last, at most.
    budget : int, optional
        A fixed number of iterations over all networks before the last in place of descents to
        convergence, shared out so that an early network gets more: the shares fall linearly.
    interpolate : bool, default False
        Whether a step between two networks that makes the residual jump is halved, by weights in
        between (those of batch norm too), up to three times.

    Examples
    --------
    >>> Surf(budget=10).iterations(4)
    [4, 3, 2, 1]

    References
    ----------
    Song, Fan & Lafferty, Surfing: iterative optimization over incrementally trained deep networks,
    2019, Algorithm 1.
    """

    longest: int = searched(20, Range(1, 200, log=True))
    budget: int | None = None
    interpolate: bool = searched(False, Choice((False, True)))

    def __post_init__(self) -> None:
        check_number("longest", self.longest, at_least=1, whole=True)
        if self.budget is not None:
            check_number("budget", self.budget, at_least=1, whole=True)
        check_flag("interpolate", self.interpolate)

    def iterations(self, networks: int) -> list[int]:
        """How many iterations each of the networks before the last gets, at most."""
        if self.budget is None:
            return [self.longest] * networks
        shares = np.arange(networks, 0, -1)
        ends = self.budget * np.cumsum(shares) // shares.sum()
        return [int(n) for n in np.diff(ends, prepend=0)]
