"""deepopt: a better minimum, faster, in one call you already know.

Every method is a *reparametrization* (where the variables live) × a *schedule* (which objective
is minimised when) × a *descent* (how a step is taken), run by one compiled, batched loop::

    x = g(w)                      Direct | Deep | Sphere
    f_0, f_1, …, f_T = f          Constant | GaussianSmoothing | Blend | Path | Temperature
    w ← update(w, ∇_w f_t(g(w)))  GradientDescent | Momentum | Adam | LBFGS

The named methods are rows of that table:

============  ===========  ===================  ==================================
method        where        when                 how
============  ===========  ===================  ==================================
``homotopy``  Direct       GaussianSmoothing    Adam, in a global search (the default)
``gd``        Direct       Constant             gradient descent over a rate grid
``deep``      Deep         Constant             the same
============  ===========  ===================  ==================================

>>> import deepopt
>>> from deepopt.problems import rastrigin
>>> result = deepopt.minimize(rastrigin.with_dim(2), rng=0)
>>> bool(result.fun < 1e-8)
True
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._backend import ops
    from ._engine import Recipe
    from ._invert.api import invert
    from ._minimize.api import minimize, scipy_method
    from ._support.files import CheckpointError
    from ._tune.api import tune
    from .cli._versions import show_versions
    from .descents import LBFGS, Adam, GradientDescent, LevenbergMarquardt, Momentum
    from .reparametrizations import Deep, Direct, Latent, Sphere
    from .schedules import (
        Adaptive,
        Blend,
        Constant,
        GaussianSmoothing,
        Path,
        Steady,
        Surf,
        Temperature,
    )

__version__ = "0.1.0"

_HOME = {
    "CheckpointError": "_support.files",
    "invert": "_invert",
    "minimize": "_minimize",
    "ops": "_backend",
    "scipy_method": "_minimize",
    "show_versions": "cli._versions",
    "tune": "_tune",
    "Recipe": "_engine",
    "Direct": "reparametrizations",
    "Sphere": "reparametrizations",
    "Deep": "reparametrizations",
    "Adaptive": "schedules",
    "Blend": "schedules",
    "Constant": "schedules",
    "GaussianSmoothing": "schedules",
    "Path": "schedules",
    "Steady": "schedules",
    "Temperature": "schedules",
    "GradientDescent": "descents",
    "Momentum": "descents",
    "Adam": "descents",
    "LBFGS": "descents",
    "LevenbergMarquardt": "descents",
    "Latent": "reparametrizations",
    "Surf": "schedules",
}
_MODULES = ("bench", "generators", "linear_pieces", "plots", "problems", "testing")
__all__ = [
    "LBFGS",
    "Adam",
    "Adaptive",
    "Blend",
    "CheckpointError",
    "Constant",
    "Deep",
    "Direct",
    "GaussianSmoothing",
    "GradientDescent",
    "Latent",
    "LevenbergMarquardt",
    "Momentum",
    "Path",
    "Recipe",
    "Sphere",
    "Steady",
    "Surf",
    "Temperature",
    "bench",
    "generators",
    "invert",
    "linear_pieces",
    "minimize",
    "ops",
    "plots",
    "problems",
    "scipy_method",
    "show_versions",
    "testing",
    "tune",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used: a bare import loads no backend."""
    if name in _MODULES or name in _HOME:
        from ._support.interrupts import importing

        with importing():
            module = import_module(f".{_HOME.get(name, name)}", __name__)
            value = module if name in _MODULES else getattr(module, name)
            value = value.module() if name == "ops" else value  # Keras' own
        globals()[name] = value
        return value
    raise AttributeError(f"module 'deepopt' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
