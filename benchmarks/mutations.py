"""Faults planted one at a time, each of which the test suite must notice.

    python mutations.py [WORD]

Copies the project, changes one line, runs the tests named beside it, and says whether any of them
failed. With WORD only the faults whose description holds it. Exits with 1 if one went unnoticed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

LONGEST = 600  # seconds of the tests; a fault that makes them hang is noticed
ROOT = Path(__file__).parents[1]
LOOP, SAVING = "tests/test_loop.py", "tests/test_saving.py"
CONTRACT = "tests/test_contract.py::TestGd"
FAULTS = [
    # what, file, line, in its place, tests
    ("a higher value is taken as best", "_engine/loop.py",
     "better = ops.logical_and(lowest < state.best_f,", "better = ops.logical_and(lowest > -1e9,",
     LOOP),
    ("runs that are done go on", "_engine/loop.py",
     "return ops.where(per_run(live, old), new, old)", "return new", LOOP),
    ("a NaN is taken for a value", "_engine/loop.py",
     "f = ops.where(ops.isfinite(f), f, np.inf)", "f = ops.where(ops.isfinite(f), f, -np.inf)",
     f"{LOOP} {CONTRACT}"),
    ("the bounds are left by a rounding", "_engine/loop.py",
     "return ops.minimum(ops.maximum(x, data.lower), data.upper)", "return x",
     f"{LOOP} {CONTRACT} tests/test_minimize.py"),
    ("the rate falls with every iteration", "_engine/loop.py",
     "rate=ops.where(waited, state.rate * descent.decay, state.rate)",
     "rate=state.rate * descent.decay", LOOP),
    ("a run stalls an iteration late", "_engine/loop.py",
     "over = ops.logical_or(since >= data.stall,", "over = ops.logical_or(since > data.stall,",
     LOOP),
    ("the mean is taken over points without a value", "_engine/loop.py",
     "scale = data.inverse_range / ops.maximum(count, 1.0)",
     "scale = data.inverse_range / f.shape[-1]", LOOP),
    ("a chunk ends the schedule", "_engine/loop.py",
     "iteration=state.iteration + 1,", "iteration=state.iteration + 2,", LOOP),
    ("points go uncounted", "_engine/driver.py",
     "(int(to_numpy(state.nit).sum()) - before) * self._cost",
     "int(to_numpy(state.nit).sum()) * self._cost", "tests/test_minimize.py tests/test_loop.py"),
    ("maxfev is exceeded by one batch", "_engine/driver.py",
     "if allowed < 1:", "if allowed < 0:", CONTRACT),
    ("calls of jac go uncounted", "_objective/black_box.py",
     "self.njev += len(x)\n        return f, gradients", "return f, gradients", CONTRACT),
    ("a saved value is used twice", "_support/saving.py",
     "self._ahead -= 1", "pass", SAVING),
    ("the state of chance is not saved", "_minimize/task.py",
     'self.asked.rng.bit_generator.state = kept["rng"]', "pass", SAVING),
    ("a damaged file is read", "_support/saving.py",
     "if hashlib.sha256(body).digest() != digest:", "if not body:", SAVING),
]  # fmt: skip


def noticed(file: str, line: str, instead: str, tests: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy")
        ignored = shutil.ignore_patterns(".git", "*cache*", "results", "images")
        shutil.copytree(ROOT, copy, ignore=ignored)
        path = copy / "deepopt" / file
        text = path.read_text(encoding="utf-8")
        if text.count(line) != 1:
            sys.exit(f"{file} has {text.count(line)} times: {line}")
        path.write_text(text.replace(line, instead), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
        try:
            done = subprocess.run(
                [*command, *tests.split()], cwd=copy, capture_output=True, check=False,
                env=os.environ | {"PYTHONPATH": str(copy)}, timeout=LONGEST,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return True
    return done.returncode == 1


def main(word: str = "") -> None:
    missed = []
    for what, *fault in FAULTS:
        if word in what:
            found = noticed(*fault)
            print(f"{'noticed' if found else 'MISSED '}  {what}", flush=True)
            missed += [] if found else [what]
    sys.exit(bool(missed))


if __name__ == "__main__":
    main(*sys.argv[1:])
