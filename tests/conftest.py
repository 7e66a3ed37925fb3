"""What all tests share: XLA's older code generator, and modules that end with their test.

Most of the suite's time goes into XLA; the older generator takes half of that.
"""

import os
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

if version("tensorflow").startswith("2.21."):  # XLA ends the process at a flag it does not know
    flags = os.environ.get("XLA_FLAGS", "")
    os.environ["XLA_FLAGS"] = f"{flags} --xla_cpu_use_fusion_emitters=false".strip()


@pytest.fixture(autouse=True)
def no_module_of_a_test_outlives_it(tmp_path_factory: pytest.TempPathFactory):
    """A function's file is imported by its name, which another test may give to its own file."""
    modules, path = set(sys.modules), [*sys.path]
    yield
    sys.path[:] = path
    root = tmp_path_factory.getbasetemp()
    for name in set(sys.modules) - modules:
        file = getattr(sys.modules[name], "__file__", None)
        if file and Path(file).is_relative_to(root):
            del sys.modules[name]


@pytest.fixture
def light_processes(monkeypatch: pytest.MonkeyPatch):
    """New processes have JAX, which is there in half of the time that TensorFlow takes."""
    monkeypatch.setenv("KERAS_BACKEND", "jax")
