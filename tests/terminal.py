"""A terminal for tests: a process in a real pseudo-terminal, and what a person sees of it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from helpers import heed_ctrl_c

HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"  # the cursor
TOKENS = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|(\r)|(\n)|([^\x1b\r\n]+)")


class Session(NamedTuple):
    """What came of a process in a terminal."""

    code: int
    raw: str

    @property
    def screen(self) -> list[str]:
        """The lines that stay on the screen, without those that are empty."""
        lines, row, column = [""], 0, 0
        for count, command, start, down, text in TOKENS.findall(self.raw):
            if text:
                lines[row] = lines[row].ljust(column)
                lines[row] = lines[row][:column] + text + lines[row][column + len(text) :]
                column += len(text)
            elif start:
                column = 0
            elif down:
                row += 1
                lines += [""] * (row + 1 - len(lines))
            elif command == "A":
                row = max(0, row - int(count or 1))
            elif command == "K":
                lines[row] = "" if count == "2" else lines[row][:column]
        return [line.rstrip() for line in lines if line.strip()]

    @property
    def drawings(self) -> list[str]:
        """What the live line said, one after the other."""
        plain = re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "\n", re.sub(r"\x1b\[[\d;]*m", "", self.raw))
        return re.split(r"[\r\n]+", plain)

    @property
    def is_restored(self) -> bool:
        """Whether the cursor is to be seen."""
        return self.raw.rfind(SHOW) >= self.raw.rfind(HIDE)


def in_terminal(
    words: Sequence[str], interrupt: Callable[[str], bool] | None = None, columns: int = 120,
    seconds: float = 120.0, **more: str,
) -> Session:  # fmt: skip
    """Run Python with these words in a terminal; Ctrl-C once `interrupt` of its output holds."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
    env = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS")}
    env |= {"TERM": "xterm-256color"} | more
    process = subprocess.Popen(
        [sys.executable, *words], stdin=follower, stdout=follower, stderr=follower, env=env,
        start_new_session=True, preexec_fn=heed_ctrl_c,
    )  # fmt: skip
    os.close(follower)
    raw, end = b"", time.perf_counter() + seconds
    try:
        while time.perf_counter() < end:
            try:
                part = os.read(leader, 65536)
            except OSError:  # EIO: the other end is closed
                break
            if not part:
                break
            raw += part
            if interrupt is not None and interrupt(raw.decode(errors="replace")):
                interrupt = None
                process.send_signal(signal.SIGINT)
        code = process.wait(timeout=seconds)
    finally:
        os.close(leader)
        if process.poll() is None:
            process.kill()
    return Session(code, raw.decode(errors="replace"))
