"""Real servers for the tests of storages, started from what the machine has."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

UNPRIVILEGED = ("postgres", "nobody")  # PostgreSQL refuses to run as root
LONGEST = 60  # seconds for a server to answer


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _program(name):
    """A program of PostgreSQL's server, which Debian keeps off the path."""
    folders = [os.environ["PATH"], *map(str, Path("/usr/lib/postgresql").glob("*/bin"))]
    found = shutil.which(name, path=os.pathsep.join(folders))
    if found is None:
        pytest.skip(f"there is no PostgreSQL server here ({name} is not installed)")
    return found


@contextlib.contextmanager
def postgresql():
    """A new PostgreSQL server with an empty database; its URL."""
    pytest.importorskip("psycopg", reason="there is no driver for PostgreSQL here (psycopg)")
    initdb, postgres = _program("initdb"), _program("postgres")
    how, folder = {}, tempfile.mkdtemp()
    if os.geteuid() == 0:
        name = next(
            name for name in UNPRIVILEGED if name in {one.pw_name for one in pwd.getpwall()}
        )
        how = {"user": name}
        os.chown(folder, pwd.getpwnam(name).pw_uid, -1)
    data, port = f"{folder}/data", free_port()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    try:
        made = [initdb, "-D", data, "-A", "trust", "-U", "tester", "--no-sync"]
        subprocess.run(made, check=True, **quiet, **how)
        words = ["-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1", "-k", folder]
        server = subprocess.Popen([postgres, *words], **quiet, **how)
        try:
            _wait_for(port, server)
            yield f"postgresql://tester@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGINT)  # it does not wait for its clients
            server.wait(LONGEST)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


PROXY = """
import optuna, sys
storage = optuna.storages.RDBStorage(sys.argv[1])
optuna.storages.run_grpc_proxy_server(storage, host="127.0.0.1", port=int(sys.argv[2]))
"""


@contextlib.contextmanager
def grpc_proxy(storage):
    """Optuna's proxy in front of a storage; its URL."""
    pytest.importorskip("grpc", reason="there is no grpcio here")
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-c", PROXY, storage, str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait_for(port, server)
        yield f"grpc://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(LONGEST)


def _wait_for(port, server):
    begun = time.perf_counter()
    while time.perf_counter() - begun < LONGEST and server.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError("the server did not start")
