"""Ways of the stale battery: schedules, descents and residuals."""

from __future__ import annotations

import dataclasses

from stale_ways import dented, known, objective, way, written

import deepopt
from deepopt import Constant, Direct, GradientDescent, LevenbergMarquardt, Recipe, ops

# Parts of a method

frozen = dataclasses.dataclass(frozen=True)


def by_recipe(where=None, schedule=None, descent=None):
    """A short descent of `bowl` by these parts, which does not arrive."""
    where = where or Direct(2, "uniform", "reflect")
    recipe = Recipe(where, schedule or Constant(), descent or GradientDescent())
    return objective(bowl, method=recipe, options={"n_starts": None, "learning_rate": 2e-4})


def bowl(x):
    return dented(x, 1.0)


EASY = "def twin(x): return {weight} * ops.sum(ops.square(x + 1.0), axis=-1)"
PATH = """
def twin(x, s):
    return dented(x, 1.0) + (1.0 - s) * {weight} * ops.sum(ops.square(x + 1.0), axis=-1)
"""


@way("easier function of a Blend")
def _():
    weights = [1.0]

    def twin(weight):
        return by_recipe(schedule=deepopt.Blend(written(EASY.format(weight=weight))))

    schedule = deepopt.Blend(lambda x: weights[0] * ops.sum((x + 1.0) ** 2, axis=-1))
    yield by_recipe(schedule=schedule), twin(1.0)
    weights[0] = -2.0
    yield by_recipe(schedule=schedule), twin(-2.0)


@way("function of a Path")
def _():
    weights = [1.0]

    def along(x, s):
        return dented(x, 1.0) + (1.0 - s) * weights[0] * ops.sum((x + 1.0) ** 2, axis=-1)

    def twin(weight):
        return by_recipe(schedule=deepopt.Path(written(PATH.format(weight=weight), dented=dented)))

    schedule = deepopt.Path(along)
    yield by_recipe(schedule=schedule), twin(1.0)
    weights[0] = -2.0
    yield by_recipe(schedule=schedule), twin(-2.0)


@way("schedule of one's own, what it reads")
def _():
    from deepopt.schedules import Schedule

    factors = {"rate": 1.0}

    @frozen
    class Slower(Schedule):
        def rate(self, t):
            return factors["rate"] * ops.ones_like(t)

    def twin(factor):
        text = f"class Twin(Schedule):\n    def rate(self, t): return ops.ones_like(t) * {factor}"
        return by_recipe(schedule=frozen(written(text, "Twin", Schedule=Schedule))())

    yield by_recipe(schedule=Slower()), twin(1.0)
    factors["rate"] = 0.25
    yield by_recipe(schedule=Slower()), twin(0.25)


@way("descent of one's own, a method of its class replaced")
def _():
    @frozen
    class Slower(GradientDescent):
        def factor(self):
            return 1.0

        def step(self, seen, memory):
            return super().step(seen._replace(rate=self.factor() * seen.rate), memory)

    def twin(factor):
        text = (
            "class Twin(GradientDescent):\n    def step(self, seen, memory):\n"
            f"        seen = seen._replace(rate=seen.rate * {factor})\n"
            "        return GradientDescent.step(self, seen, memory)"
        )
        return by_recipe(descent=frozen(written(text, "Twin", GradientDescent=GradientDescent))())

    yield by_recipe(descent=Slower()), twin(1.0)
    Slower.factor = lambda _: 0.25
    yield by_recipe(descent=Slower()), twin(0.25)


@way("reparametrization of one's own, what it reads")
def _():
    shift = [0.0]

    @frozen
    class Shifted(Direct):
        def points(self, variables, fixed, kinds):
            return super().points(variables, fixed, kinds) + shift[0]

    def twin(by):
        text = (
            "class Twin(Direct):\n    def points(self, variables, fixed, kinds):\n"
            f"        return Direct.points(self, variables, fixed, kinds) + {by}"
        )
        kind = frozen(written(text, "Twin", Direct=Direct))
        return by_recipe(kind(2, "uniform", "reflect"))

    yield by_recipe(Shifted(2, "uniform", "reflect")), twin(0.0)
    shift[0] = 0.01
    yield by_recipe(Shifted(2, "uniform", "reflect")), twin(0.01)


def fitted(f):
    """A fit by Levenberg-Marquardt, which arrives."""
    recipe = Recipe(Direct(2, "uniform", "reflect"), descent=LevenbergMarquardt())
    options = {"n_starts": None, "learning_rate": 1.0, "maxiter": 20}
    return objective(f, 1e-7, x0=None, method=recipe, options=options)


@way("residuals of an object, its state")
def _():
    class Fit:
        weight = 1.0

        def residuals(self, x):
            return ops.concatenate([x - 0.3 * self.weight, 0.1 * (x - 0.3 * self.weight) ** 2], -1)

        def __call__(self, x):
            return 0.5 * ops.sum(self.residuals(x) ** 2, axis=-1)

    fit = Fit()
    yield fitted(fit), known([0.3, 0.3])
    fit.weight = 3.0
    yield fitted(fit), known([0.9, 0.9])


@way("residuals of a function, replaced")
def _():
    def residuals_to(target):
        return lambda x: x - target

    def f(x):
        return 0.5 * ops.sum(f.residuals(x) ** 2, axis=-1)

    f.residuals = residuals_to(0.3)
    yield fitted(f), known([0.3, 0.3])
    f.residuals = residuals_to(0.9)
    yield fitted(f), known([0.9, 0.9])
