"""The house itself: light imports, a quiet start, documented names, examples that run."""

import doctest
import importlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import deepopt

ROOT = Path(__file__).parent.parent
HEAVY = {"keras", "tensorflow", "jax", "torch", "scipy", "optuna", "matplotlib", "h5py"}


def run(code, **environment):
    """A fresh Python without the settings of this process."""
    clean = {
        k: v for k, v in os.environ.items() if k not in ("TF_CPP_MIN_LOG_LEVEL", "KERAS_BACKEND")
    }
    return subprocess.run(
        [sys.executable, "-c", code],
        env=clean | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_bare_import_is_light():
    for line in ("import deepopt", "import deepopt.problems", "import deepopt.cli"):
        done = run(f"import sys; {line}; print(*(set(sys.modules) & {HEAVY}))")
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == "", line


def test_bare_import_is_fast():
    code = "import time; t = time.perf_counter(); import deepopt; print(time.perf_counter() - t)"
    assert min(float(run(code).stdout) for _ in range(3)) < 0.5


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_first_minimize_prints_nothing_and_loads_one_backend(backend):
    code = (
        "import sys, deepopt; from deepopt.problems import ackley;"
        "r = deepopt.minimize(ackley.with_dim(2), method='gd', options={'maxiter': 3});"
        "print(sorted({'tensorflow', 'jax', 'torch'} & set(sys.modules)))"
    )
    done = run(code, KERAS_BACKEND=backend)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    if backend != "tensorflow":
        assert done.stdout.strip() == f"['{backend}']"


def modules():
    for found in pkgutil.walk_packages(deepopt.__path__, "deepopt."):
        yield importlib.import_module(found.name)


@pytest.mark.parametrize("module", [deepopt, *modules()], ids=lambda m: m.__name__)
def test_examples_run(module):
    outcome = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert outcome.failed == 0


@pytest.mark.parametrize("name", sorted(set(deepopt.__all__) - set(deepopt._MODULES)))
def test_public_names_are_documented(name):
    thing = getattr(deepopt, name)
    assert inspect.getdoc(thing)
    assert "Examples\n-" in inspect.getdoc(thing), f"{name} has no example"
    exception = isinstance(thing, type) and issubclass(thing, Exception)
    for parameter in () if exception else inspect.signature(thing).parameters:
        line = rf"^[\w,* ]*\b{parameter}\b[\w, ]*( : .+|$)"  # numpydoc: "name : type" or "a, b"
        assert re.search(line, inspect.getdoc(thing), re.MULTILINE), parameter


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="has no attribute 'minimise'"):
        deepopt.minimise  # noqa: B018
    assert set(deepopt.__all__) <= set(dir(deepopt))


def test_the_readme_has_exactly_two_set_up_commands():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line.startswith("pip install")]
    assert commands == ["pip install . && deepopt bench", "pip install '.[test]' && pytest -n 2"]


def test_the_readme_examples_run():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    done = run(code)
    assert done.returncode == 0, done.stderr


def test_versions_agree():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{deepopt.__version__}"' in project


def test_only_one_file_knows_a_backend():
    for path in (ROOT / "deepopt").rglob("*.py"):
        if path.name != "_backend.py":
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"^\s*(import|from) (tensorflow|jax|torch)", text, re.M), path


def test_show_versions_imports_nothing():
    done = run("import sys, deepopt; deepopt.show_versions(); print('keras' in sys.modules)")
    assert done.returncode == 0, done.stderr
    *rows, loaded = done.stdout.splitlines()
    assert loaded == "False"
    found = dict(row.split(maxsplit=1) for row in rows)
    assert found["deepopt"] == deepopt.__version__
    assert found["tensorflow"].startswith("2.")
    assert found["backend"].startswith("not loaded yet")
