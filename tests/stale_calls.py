"""Ways in which all else changes that a call is made of: schedules, descents, residuals, problems."""

import numpy as np
from keras import ops
from stale_cases import DEPTH, MIDDLE, NEW, OLD, RADIUS, START, Anew, Call, dent, plain, slope, way

from deepopt import Adam, Blend, Constant, Direct, LevenbergMarquardt, Path, Recipe
from deepopt.descents import GradientDescent
from deepopt.problems import Problem, SphericalSpinGlass, rastrigin

ONE = Direct(1, "uniform", "reflect")
FAST = {"learning_rate": 0.1, "maxiter": 30}


# Black boxes and other methods


@way
def a_black_box():
    held = [OLD]

    def f(x):
        return plain(x, held[0])

    def gradient(x):
        return slope(x, held[0])

    for w in (OLD, NEW):
        held[0] = w
        yield Call(f, w, kind="black box", jac=gradient)


@way
def a_black_box_under_the_default_method():
    held, options = [OLD], {"maxfev": 600, "n_starts": 2}
    for w in (OLD, NEW):
        held[0] = w
        yield Anew(
            lambda x: plain(x, held[0]), method="homotopy", options=options, kind="black box",
            x0=[1.6, 1.0, 1.2],
        )  # fmt: skip


@way
def the_default_method():
    held, options = [OLD], {"maxfev": 2000, "n_starts": 4, "learning_rate": 0.1}
    for w in (OLD, NEW):
        held[0] = w
        yield Anew(lambda x: dent(x, held[0]), method="homotopy", options=options)


@way
def the_deep_method():
    held, options = [OLD], {"n_embeddings": 4, "learning_rate": 1.0, "maxiter": 60, "maxfev": 400}
    for w in (OLD, NEW):
        held[0] = w
        yield Anew(lambda x: dent(x, held[0]), method="deep", options={**options, "n_starts": 1})


@way
def a_minimum_that_is_filled_after_it_was_found():
    """Deflation: the next call must find another one."""
    found = []

    def f(x):
        value = dent(x, OLD)
        for place in found:
            value = value + ops.relu(1.0 - ops.sum(ops.square(x - place), axis=-1) / RADIUS**2)
        return value

    first = Anew(f)
    yield first
    found.append(first.expected().x)
    yield Anew(f)


# Schedules, descents and reparametrizations of one's own


def blended(g):
    return Recipe(ONE, Blend(g), GradientDescent())


@way
def what_the_easier_function_of_a_blend_reads():
    held = [OLD]
    recipe = blended(lambda x: dent(x, held[0]))
    for w in (OLD, NEW):
        held[0] = w
        yield Anew(lambda x: ops.sum(ops.square(x), axis=-1), method=recipe, options={"maxiter": 9})


@way
def what_the_easier_function_of_a_black_box_reads():
    held = [OLD]
    recipe = blended(lambda x: plain(x, held[0]))
    for w in (OLD, NEW):
        held[0] = w
        yield Anew(
            lambda x: float(np.sum(np.asarray(x) ** 2)), jac=lambda x: 2.0 * x, method=recipe,
            options={"maxiter": 9}, kind="black box",
        )  # fmt: skip


@way
def what_a_path_reads_on_its_way():
    held = [OLD]

    def path(x, s):
        away = ops.sum(ops.square(x - held[0]), axis=-1)
        return ops.sum(ops.square(x), axis=-1) + (1.0 - s) * away

    recipe = Recipe(ONE, Path(path), GradientDescent())
    for w in (OLD, NEW):
        held[0] = w
        yield Anew(lambda x: ops.sum(ops.square(x), axis=-1), method=recipe, options={"maxiter": 9})


class Turning(GradientDescent):
    """A descent that multiplies its steps by what a list holds."""

    factor = [1.0]

    def step(self, seen, memory):
        updates, memory = super().step(seen, memory)
        return [self.factor[0] * update for update in updates], memory


@way
def what_a_descent_of_ones_own_reads():
    recipe = Recipe(ONE, Constant(), Turning())
    for factor in (1.0, 0.3):
        Turning.factor[0] = factor
        yield Anew(lambda x: dent(x, OLD), method=recipe, options={"maxiter": 6})


@way
def what_a_descent_reads_beside_a_black_box():
    recipe = Recipe(ONE, Constant(), Turning())
    for factor in (1.0, 0.3):
        Turning.factor[0] = factor
        yield Anew(
            lambda x: plain(x, OLD), jac=lambda x: slope(x, OLD), method=recipe,
            options={"maxiter": 6}, kind="black box",
        )  # fmt: skip


@way
def what_a_reparametrization_of_ones_own_reads():
    turn = [1.0]

    class Turned(Direct):
        def points(self, variables, fixed, kinds):
            return super().points([turn[0] * variables[0]], fixed, kinds)

    recipe = Recipe(Turned(1, "uniform", "reflect"), Constant(), GradientDescent())
    for factor in (1.0, 0.5):
        turn[0] = factor
        yield Anew(lambda x: dent(x, OLD), method=recipe, options={"maxiter": 6})


@way
def what_a_schedule_of_ones_own_reads():
    factor = [1.0]

    class Slowing(Constant):
        def rate(self, t):
            return factor[0] * ops.ones_like(t)

    recipe = Recipe(ONE, Slowing(), Adam())
    for factor[0] in (1.0, 0.2):
        yield Anew(lambda x: dent(x, OLD), method=recipe, options={"maxiter": 6})


# Residuals


class Fit:
    """½ ‖r‖² with residuals that the dent shows in near their zero alone."""

    def __init__(self, w):
        self.w = w

    def residuals(self, x):
        away = ops.sum(ops.square(x - self.w), axis=-1, keepdims=True) / RADIUS**2
        return ops.concatenate([x - MIDDLE, 2.0 - DEPTH * ops.square(ops.relu(1.0 - away))], -1)

    def __call__(self, x):
        return 0.5 * ops.sum(ops.square(self.residuals(x)), axis=-1)


LEAST = {"method": Recipe(ONE, descent=LevenbergMarquardt()), "options": FAST}


@way
def an_object_with_residuals():
    f = Fit(OLD)
    yield Anew(f, **LEAST)
    f.w = NEW
    yield Anew(f, **LEAST)


@way
def residuals_that_are_replaced():
    def f(x):
        return 0.5 * ops.sum(ops.square(f.residuals(x)), axis=-1)

    for w in (OLD, NEW):
        f.residuals = Fit(w).residuals
        yield Anew(f, **LEAST)


# Problems


class Valley(Problem):
    name, low, high = "valley", -4.0, 4.0

    def __init__(self, w):
        super().__init__(3)
        self.w = w

    def _function(self, x):
        return dent(x, self.w)


@way
def an_attribute_of_a_problem_of_ones_own():
    f = Valley(OLD)
    yield Call(f, OLD, bounds=None)
    f.w = NEW
    yield Call(f, NEW, bounds=None)


@way
def a_problem_of_ones_own_built_anew():
    for w in (OLD, NEW):
        yield Call(Valley(w), w, bounds=None)


@way
def a_problem_that_is_shifted_elsewhere():
    for seed in (0, 1):
        yield Anew(rastrigin.with_dim(3).shifted(seed), bounds=None)


@way
def a_problem_that_is_rotated_otherwise():
    for seed in (0, 1):
        yield Anew(rastrigin.with_dim(3).rotated(seed), bounds=None)


@way
def a_spin_glass_of_other_couplings():
    for seed in (0, 1):
        yield Anew(SphericalSpinGlass(3, rng=seed), bounds=None, x0=np.array(START) / 4)
