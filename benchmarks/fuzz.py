"""Thousands of calls with one unsound argument each: refused in a sentence, or a sound result.

    python fuzz.py [COUNT [SEED]]

The calls are those of tests/bad_calls.py, of which the test suite runs a sample. Writes
results/fuzz.json: how many were refused, how many came to a result, and all that went wrong.
"""

import collections
import os
import sys
import tempfile
import time
from pathlib import Path

import common

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))


def main(count: int, seed: int) -> None:
    common.one_thread()
    import bad_calls

    os.chdir(tempfile.mkdtemp())  # a checkpoint may be asked for anywhere
    begun, outcomes, wrong = time.perf_counter(), collections.Counter(), []
    for word, *call in bad_calls.calls(count, seed):
        came = bad_calls.outcome(*call)
        known = came in ("refused", "result")
        outcomes[came if known else "wrong"] += 1
        if not known:
            wrong.append(f"{word}: {came}")
            print(wrong[-1], flush=True)
    results = {
        "calls": count, "seed": seed, "seconds": round(time.perf_counter() - begun, 1),
        "outcomes": dict(outcomes), "wrong": wrong,
    }  # fmt: skip
    lines = [f"| {key} | {outcomes[key]} |" for key in ("refused", "result", "wrong")]
    table = "\n".join(["| outcome | calls |", "| --- | --- |", *lines])
    common.write("fuzz", results, table)
    common.insert("trust.md", {"fuzz": table})


if __name__ == "__main__":
    main(*map(int, sys.argv[1:] + ["2500", "0"][len(sys.argv) - 1 :]))
