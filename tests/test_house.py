"""The house itself: light imports, a quiet start, documented names, examples that run."""

import ast
import doctest
import graphlib
import importlib
import importlib.util
import inspect
import os
import pkgutil
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

import deepopt

ROOT = Path(__file__).parent.parent
LONGEST = 400  # lines of a file
LONGER = {  # and why
    "_backend.py": "the only file that knows a backend, so that all of them stand side by side"
}
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


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_a_call_leaves_kerass_settings_as_they_were(backend):
    code = (
        "import deepopt, numpy as np; from deepopt import ops;"
        "f = lambda x: ops.sum(x**2);"
        "box = {'bounds': [(-1, 1)] * 2, 'rng': 0, 'options': {'maxfev': 200}};"
        "deepopt.minimize(f, **box); deepopt.minimize(lambda x: float(np.sum(x**2)), **box);"
        "import keras;"
        "print(keras.config.floatx(), keras.config.dtype_policy().name, keras.config.epsilon())"
    )
    done = run(code, KERAS_BACKEND=backend)
    assert done.stdout.split() == ["float32", "float32", "1e-07"], done.stderr


def modules():
    for found in pkgutil.walk_packages(deepopt.__path__, "deepopt."):
        yield importlib.import_module(found.name)


@pytest.mark.backends
@pytest.mark.parametrize("module", [deepopt, *modules()], ids=lambda m: m.__name__)
def test_examples_run(module):
    outcome = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert outcome.failed == 0


def public_things():
    """The functions and classes that users can name, each once."""
    found = {name: getattr(deepopt, name) for name in deepopt.__all__}
    for module in [found.pop(name) for name in deepopt._MODULES]:
        found |= {f"{module.__name__}.{name}": getattr(module, name) for name in module.__all__}
    things = {id(thing): (name, thing) for name, thing in reversed(found.items())}
    return [pytest.param(thing, id=name) for name, thing in things.values() if callable(thing)]


@pytest.mark.parametrize("thing", public_things())
def test_public_names_are_documented(thing):
    text = inspect.getdoc(thing)
    assert text
    if not isinstance(thing, type | types.FunctionType):
        return  # a ready-made problem: its class says what it is
    assert ">>> " in text, "it has no example"
    exception = isinstance(thing, type) and issubclass(thing, Exception)
    for parameter in () if exception else inspect.signature(thing).parameters:
        said = re.search(r"^Parameters\n-+\n(.*?)(^\w+\n-+\n|\Z)", text, re.DOTALL | re.MULTILINE)
        line = rf"^[\w,* ]*\b{parameter}\b[\w,* ]*( : .+)?$"  # numpydoc: "name : type" or "a, b"
        assert said, "its parameters are not described"
        assert re.search(line, said[1], re.MULTILINE), parameter


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


def test_a_backend_that_is_not_there_is_said():
    code = (
        "import sys; sys.modules['jax'] = None; import deepopt;"
        "from deepopt.problems import ackley; deepopt.minimize(ackley)"
    )
    done = run(code, KERAS_BACKEND="jax")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "ImportError: the Keras backend 'jax' is not installed; install jax, or set KERAS_BACKEND "
        "to another one"
    )


def test_show_versions_imports_nothing():
    done = run("import sys, deepopt; deepopt.show_versions(); print('keras' in sys.modules)")
    assert done.returncode == 0, done.stderr
    *rows, loaded = done.stdout.splitlines()
    assert loaded == "False"
    found = dict(row.split(maxsplit=1) for row in rows)
    assert found["deepopt"] == deepopt.__version__
    assert found["tensorflow"].startswith("2.")
    assert found["backend"].startswith("not loaded yet")


def test_no_file_is_long_without_a_reason():
    long = {
        path.relative_to(ROOT / "deepopt").as_posix()
        for path in (ROOT / "deepopt").rglob("*.py")
        if len(path.read_text(encoding="utf-8").splitlines()) > LONGEST
    }
    assert long == set(LONGER)


def design(heading):
    """The rows of the table under a heading of docs/design.md: cells as text."""
    page = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    section = page.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line[1:-1].split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def rooms():
    """The files and folders of deepopt/, without an ending."""
    paths = [path for path in (ROOT / "deepopt").iterdir() if path.name != "__pycache__"]
    return {path.stem for path in paths if path.is_dir() or path.suffix == ".py"}


def imports():
    """Each module of deepopt, and the modules that it imports, at its top or inside functions."""
    paths = {}
    for path in (ROOT / "deepopt").rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        paths[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return {name: set(imported(name, path, paths)) for name, path in paths.items()}


def imported(name, path, modules):
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    waiting = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
        elif isinstance(node, ast.ImportFrom):
            dots = "." * node.level
            source = importlib.util.resolve_name(f"{dots}{node.module or ''}", package)
            for found in (alias.name for alias in node.names):
                if source == "deepopt" and found in deepopt._HOME:  # fetched when it is used
                    yield f"deepopt.{deepopt._HOME[found]}"
                elif source.split(".")[0] == "deepopt":
                    yield f"{source}.{found}" if f"{source}.{found}" in modules else source
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("deepopt"))
        else:
            waiting += ast.iter_child_nodes(node)


def room(module):
    return module.split(".")[1] if "." in module else "__init__"


def floors():
    """Room -> its floor and the rooms that it may import from, by docs/design.md."""
    return {
        name.strip("`"): (int(floor), set(re.findall(r"`(\w+)`", below)))
        for floor, name, _, below in design("The rooms")
    }


def test_every_room_has_its_row():
    assert set(floors()) == rooms()
    assert len(rooms()) <= 20
    assert {floor for floor, _ in floors().values()} == set(range(1, 11))


def test_arrows_run_one_way():
    table, arrows = floors(), {name: set() for name in rooms()}
    for module, targets in imports().items():
        arrows[room(module)] |= {room(target) for target in targets} - {room(module)}
    assert arrows == {name: below for name, (_, below) in table.items()}  # all there is, no more
    for name, (floor, below) in table.items():
        assert all(table[other][0] < floor for other in below), name


def test_nobody_reaches_into_another_room():
    for module, targets in imports().items():
        for target in targets:
            _, here, *inside = target.split(".") if "." in target else (None, "__init__")
            if inside and here != room(module):
                opens = here == "_support" or not here.startswith("_")
                assert opens, f"{module} imports {target}"
                assert not inside[0].startswith("_"), f"{module} imports {target}"


def test_the_three_parts_know_nothing_of_one_another():
    parts = {"reparametrizations", "schedules", "descents"}
    for module, targets in imports().items():
        if room(module) in parts:
            assert not {room(target) for target in targets} & (parts - {room(module)}), module


def test_no_two_modules_import_each_other():
    list(graphlib.TopologicalSorter(imports()).static_order())
