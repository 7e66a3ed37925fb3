"""Saving and going on: the trajectory of a call that was never interrupted, and nothing lost."""

import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from test_invert import latents, made, network

import deepopt
from deepopt import Adam, Deep, GaussianSmoothing, Recipe, Surf
from deepopt._support.saving import Saver, read, told, write
from deepopt.generators import CheckpointError
from deepopt.problems import rastrigin

BOX = [(-2.0, 2.0), (-1.0, 3.0), (0.0, 1.0)]
TRACED = rastrigin.with_dim(3).shifted(rng=3)


class Killed(BaseException):
    """As if the process were gone."""


def rugged(x):
    return float(np.sum((x - 0.3) ** 2) + 0.2 * np.sum(np.sin(7.0 * x)))


def slope(x):
    return 2.0 * (x - 0.3) + 1.4 * np.cos(7.0 * x)


def pair(x):
    return rugged(x), slope(x)


@pytest.fixture
def killed(monkeypatch):
    """killed(n, call): end a call as SIGKILL right after its n-th save would; whether it came."""
    real = Saver.save

    def run(saves, call):
        left = [saves]

        def save(self):
            if left[0] > 0:
                real(self)
                left[0] -= 1
                if not left[0]:
                    raise Killed

        monkeypatch.setattr(Saver, "save", save)
        monkeypatch.setattr("deepopt._support.saving.SHARE", 1e9)
        try:
            call()
        except Killed:
            return True
        finally:
            monkeypatch.setattr(Saver, "save", real)
        return False

    return run


def same(one, other):
    """Whether two results are alike to the last bit, but for the seconds."""
    assert one.keys() == other.keys()
    for key in one.keys() - {"history"}:
        np.testing.assert_array_equal(one[key], other[key], err_msg=key)
    for key in one.get("history", {}).keys() - {"time"}:
        np.testing.assert_array_equal(one.history[key], other.history[key], err_msg=key)


def options(**more):
    return {"save_every": 1e-6} | more


CALLS = {  # fun, keywords
    "homotopy": (TRACED, {"options": {"maxfev": 60_000, "n_starts": 4}}),
    "gd": (TRACED, {"method": "gd", "options": {"maxiter": 40, "n_starts": 4}}),
    "deep": (TRACED, {"method": "deep", "options": {"maxiter": 40, "n_embeddings": 4,
                                                    "polish": True}}),
    "langevin": (TRACED, {"method": "gd", "options": {
        "maxiter": 40, "n_starts": 3, "learning_rate": [0.01, 0.02],
        "schedule": deepopt.Temperature(0.1, 0.01), "descent": "adam"}}),
    "recipe": (TRACED, {"method": Recipe(Deep(4), GaussianSmoothing(), Adam()),
                        "options": {"maxiter": 40, "learning_rate": 0.01, "dtype": "float32"}}),
    "black box": (rugged, {"bounds": BOX, "options": {"maxfev": 1500}}),
    "black box, gradient": (rugged, {"bounds": BOX, "jac": slope, "options": {"maxfev": 1500}}),
    "black box, gd": (pair, {"bounds": BOX, "jac": True, "method": "gd",
                             "options": {"maxiter": 12, "n_starts": 3}}),
    "black box, deep": (rugged, {"bounds": BOX, "jac": "3-point", "method": "deep",
                                 "options": {"maxiter": 4, "n_embeddings": 2, "polish": True}}),
    "black box, homotopy": (rugged, {"bounds": BOX, "jac": slope, "options": {
        "maxiter": 12, "descent": "adam", "n_starts": 3}}),
}  # fmt: skip


RARE = {"langevin", "recipe", "black box, gradient", "black box, homotopy"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in RARE)) for name in CALLS]
)
def test_a_killed_call_goes_on_to_the_same_end(name, killed, tmp_path):
    fun, given = CALLS[name]
    whole = deepopt.minimize(fun, rng=1, **given)
    path = tmp_path / "run.ckpt"
    asked = given | {"options": given["options"] | options(checkpoint=path)}

    def call():
        return deepopt.minimize(fun, rng=1, **asked)

    for saves in (1, 3, 5):  # and killed again on its way
        assert killed(saves, call)
        assert path.exists()
    killed(40, call)
    if not path.exists():  # it was over before
        assert killed(9, call)
    result = call()
    same(result, whole)
    assert not path.exists()


def test_an_unseeded_call_goes_on_too(killed, tmp_path):
    path = tmp_path / "run.ckpt"
    asked = {"method": "deep", "options": options(checkpoint=path, maxiter=30, n_embeddings=4)}
    assert killed(5, lambda: deepopt.minimize(TRACED, **asked))
    result = deepopt.minimize(TRACED, **asked)
    assert result.nit == 30


INVERSIONS = {
    "direct": {"options": {"n_starts": 4, "n_codes": 16, "solver": "adam", "maxiter": 60}},
    "lm": {"options": {"n_starts": 4, "n_codes": 16, "dtype": "float64"}},
    "surf": {"method": "surf", "options": {
        "solver": "adam", "maxiter": 40, "n_codes": 16, "n_starts": 2,
        "schedule": Surf(budget=40)}},
    "projected-surf": {"method": "projected-surf", "options": {"n_starts": 2, "n_codes": 16}},
}  # fmt: skip


@pytest.mark.parametrize("name", INVERSIONS)
def test_a_killed_inversion_goes_on_to_the_same_end(name, killed, tmp_path):
    models = [network(seed) for seed in range(4)]
    y = made(models[-1], latents(5)) + 0.01
    given = INVERSIONS[name]
    whole = deepopt.invert(models, y, rng=1, **given)
    path = tmp_path / "run.ckpt"
    asked = given | {"options": given["options"] | options(checkpoint=path)}

    def call():
        return deepopt.invert(models, y, rng=1, **asked)

    assert sum(killed(saves, call) for saves in (1, 4, 3)) == 3
    result = call()
    same(result, whole)
    assert not path.exists()


SCRIPT = """
import os, signal, sys
import numpy as np
import deepopt
import deepopt._support.saving
deepopt._support.saving.SHARE = 1.0
calls = 0
def f(x):
    global calls
    calls += 1
    if calls == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return float(np.sum((x - 0.3) ** 2) + 0.2 * np.sum(np.sin(7.0 * x)))
result = deepopt.minimize(
    f, bounds=[(-2.0, 2.0)] * 3, rng=1,
    options={"checkpoint": sys.argv[1], "save_every": 0.02, "maxfev": 3000},
)
print(calls, result.x.tobytes().hex(), result.fun.hex(), result.nfev, result.nit)
"""


@pytest.mark.usefixtures("light_processes")
def test_a_process_killed_by_the_system_goes_on(tmp_path):
    def run(path, at):
        command = [sys.executable, "-c", SCRIPT, str(tmp_path / path), str(at)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    whole = run("one", 0)
    assert whole.returncode == 0, whole.stderr
    assert run("two", 2000).returncode == -signal.SIGKILL
    result = run("two", 0)
    calls, *found = result.stdout.split()
    assert found == whole.stdout.split()[1:]
    assert int(calls) < 2500  # the rest were in the file


def test_no_value_of_a_slow_black_box_is_asked_for_twice(killed, tmp_path):
    seen = []

    def f(x):
        seen.append(x.tobytes())
        return rugged(x)

    asked = {"bounds": BOX, "options": options(checkpoint=tmp_path / "c", maxfev=800)}
    assert killed(500, lambda: deepopt.minimize(f, rng=1, **asked))
    assert len(seen) > 400
    result = deepopt.minimize(f, rng=1, **asked)
    assert len(seen) <= result.nfev + 20  # what kind of function f is, anew


@pytest.mark.parametrize("method", ["homotopy", "gd"])
def test_an_exception_of_f_a_limit_and_a_callback_leave_a_file(method, tmp_path):
    path = tmp_path / "run.ckpt"
    calls = []

    def broken(x):
        calls.append(1)
        if len(calls) == 200:
            raise RuntimeError("the simulator broke down")
        return rugged(x)

    asked = {"bounds": BOX, "jac": slope, "method": method}
    asked["options"] = {"checkpoint": path, "maxiter": 100}
    whole = deepopt.minimize(
        rugged, rng=1, **asked | {"options": asked["options"] | {"checkpoint": tmp_path / "o"}}
    )
    with pytest.raises(RuntimeError, match="broke down"):
        deepopt.minimize(broken, rng=1, **asked)
    assert path.exists()

    def stop(x):
        raise StopIteration

    broken.__qualname__ = "rugged"
    with pytest.raises(CheckpointError, match="of another call: its fun is"):
        deepopt.minimize(rugged, rng=1, **asked)
    broken.__qualname__ = test_an_exception_of_f_a_limit_and_a_callback_leave_a_file.__name__ + (
        ".<locals>.broken"
    )
    assert deepopt.minimize(broken, rng=1, callback=stop, **asked).status == 99
    assert path.exists()
    short = asked | {"options": asked["options"] | {"maxtime": 1e-9}}
    assert deepopt.minimize(broken, rng=1, **short).status == 3
    assert path.exists()
    result = deepopt.minimize(broken, rng=1, **asked)
    same(result, whole)
    assert not path.exists()


@pytest.mark.parametrize("method", ["homotopy", "gd"])
@pytest.mark.parametrize("jac", [slope, None])
def test_what_is_asked_after_a_stop_is_no_part_of_the_way(method, jac, tmp_path):
    """The values of the last points, of x0, and the gradient at the best."""
    asked = {"bounds": BOX, "jac": jac, "method": method, "x0": [0.5, 0.5, 0.5]}
    short = {"maxfev": 2000, "n_starts": 3, "maxiter": 40 if method == "gd" else 10**5}
    whole = deepopt.minimize(rugged, rng=1, options=short, **asked)
    path = tmp_path / "run.ckpt"

    def stop(intermediate_result):
        if intermediate_result.nit >= 4:
            raise StopIteration

    kept = {"options": short | {"checkpoint": path}} | asked
    stopped = deepopt.minimize(rugged, rng=1, callback=stop, **kept)
    assert stopped.status == 99
    assert path.exists()
    same(deepopt.minimize(rugged, rng=1, **kept), whole)


NAMED = """
import functools
import numpy as np
from deepopt._support.saving import told

class Model:
    def gradient_of_the_value_at_a_point_that_is_given(self, x):
        return x

def easier(x):
    return x

by_hand = functools.partial(easier, {"a": easier})
print(told([Model().gradient_of_the_value_at_a_point_that_is_given, by_hand]))
print(told(np.array([Model(), None, easier], dtype=object)))
"""


def test_a_call_is_told_alike_in_every_process():
    """No address of an object is part of that, in front or beyond what is shown."""
    command = [sys.executable, "-c", NAMED]
    one, two = (subprocess.run(command, capture_output=True, check=True).stdout for _ in range(2))
    assert one == two


def test_what_differs_is_never_told_alike():
    numbers = np.arange(5000.0)
    other = numbers.copy()
    other[2500] += 1e-9
    for first, second in (
        (numbers, other), ({"w": numbers}, {"w": other}), ([numbers], (numbers,)),
        ("1", 1), ((1, 2), [1, 2]), ("a" * 300, "a" * 299 + "b"), (1.0, 1),
        (numbers.astype("float32"), numbers), (numbers.reshape(2, -1), numbers),
    ):  # fmt: skip
        assert told(first) != told(second)
        assert len(told(first)) < 100


# The file


@pytest.fixture
def interrupted(killed, tmp_path):
    """A file of a call that was killed, and how to call again with other arguments."""
    path = tmp_path / "run.ckpt"

    def call(fun=TRACED, rng=1, **more):
        given = {"maxiter": 20, "n_starts": 3, "checkpoint": path, "save_every": 1e-6}
        given |= more.pop("options", {})
        return deepopt.minimize(fun, rng=rng, options=given, **{"method": "gd"} | more)

    assert killed(4, call)
    return path, call


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ({"method": "deep", "options": {"n_embeddings": 3}}, "its method is 'gd', got 'deep'"),
        ({"rng": 2}, "its rng is"),
        ({"options": {"maxiter": 21}}, "its option maxiter is '20', got '21'"),
        ({"x0": [0.1, 0.2, 0.3]}, "its x0 is 'none'"),
        ({"bounds": BOX}, "its bounds is"),
        ({"fun": rastrigin.with_dim(3)}, "its fun is"),
    ],
)
def test_a_file_of_another_call_is_refused_and_left_alone(other, sentence, interrupted):
    path, call = interrupted
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match="is of another call: " + re.escape(sentence)):
        call(**other)
    assert path.read_bytes() == before


def test_limits_of_time_and_display_may_change(interrupted, capsys):
    path, call = interrupted
    call(options={"maxtime": 1e3, "disp": True, "save_every": 5.0})
    assert f"goes on from {path}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "content", [b"", b"x", b"PK\3\4" + bytes(100), None], ids=["empty", "short", "zip", "cut"]
)
def test_a_damaged_or_foreign_file_is_refused_and_left_alone(content, interrupted):
    path, call = interrupted
    content = path.read_bytes()[:-7] if content is None else content
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=re.escape(f"{path} is damaged, or no checkpoint")):
        call()
    assert path.read_bytes() == content


def test_every_flipped_byte_is_noticed(interrupted):
    path, _ = interrupted
    content = path.read_bytes()
    for at in np.random.default_rng(0).integers(len(content), size=20):
        path.write_bytes(content[:at] + bytes([content[at] ^ 0x40]) + content[at + 1 :])
        with pytest.raises(CheckpointError, match="is damaged"):
            read(path)


def test_another_format_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr("deepopt._support.saving.FORMAT", 99)
    write(tmp_path / "c", {}, {"part": None})
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match="is of format 99, expected 1"):
        read(tmp_path / "c")


def test_nothing_in_a_file_is_code(tmp_path):
    """An archive with pickled objects is refused, whatever its checksum says."""
    import hashlib
    import io

    packed = io.BytesIO()
    np.savez(packed, text=np.array([print], dtype=object))
    path = tmp_path / "c"
    path.write_bytes(hashlib.sha256(packed.getvalue()).digest() + packed.getvalue())
    with pytest.raises(CheckpointError, match="is damaged, or no checkpoint"):
        read(path)


@pytest.mark.parametrize(
    ("given", "kind", "sentence"),
    [
        ({"checkpoint": 3}, TypeError, "checkpoint must be a path, got 3"),
        ({"checkpoint": ""}, ValueError, "checkpoint must be the path of a file, got ''"),
        ({"checkpoint": "/"}, ValueError, "checkpoint must be the path of a file, got '/'"),
        ({"checkpoint": "/dev/null/x"}, OSError, "checkpoint must be a folder that can be written"),
        ({"checkpoint": "c", "save_every": 0}, ValueError, "save_every must be above 0, got 0"),
        ({"checkpoint": "c", "save_every": "1"}, TypeError, "save_every must be a number"),
    ],
)
def test_what_is_refused(given, kind, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = network()
    for call in (
        lambda: deepopt.minimize(TRACED, method="gd", options=given),
        lambda: deepopt.invert(model, made(model, latents(1)), options=given),
    ):
        with pytest.raises(kind, match=re.escape(sentence)):
            call()
    assert not list(tmp_path.iterdir())


def test_folders_are_made_and_vanish_with_the_file(tmp_path):
    path = tmp_path / "a" / "b" / "run.ckpt"
    deepopt.minimize(TRACED, method="gd", options={"checkpoint": path, "maxiter": 3})
    assert not list(tmp_path.iterdir())


def test_saves_are_rare_enough(tmp_path, monkeypatch):
    """Whatever the interval, saving takes a small share of the time."""
    real, spent = Saver.save, []

    def save(self):
        before = time.perf_counter()
        real(self)
        spent.append(time.perf_counter() - before)

    monkeypatch.setattr(Saver, "save", save)
    saver = Saver(tmp_path / "c", 1e-9, {}, {}, ())
    saver.begin(lambda: {"x": np.zeros(2_000)})
    began = time.perf_counter()
    while time.perf_counter() - began < 2.0:
        saver.stand(lambda: {"x": np.zeros(2_000)})
        time.sleep(1e-3)
    assert len(spent) > 1
    assert sum(spent[:-1]) < 0.02  # each is paid off before the next
