"""Commands that begin warm: what Python scripts and dbt import is imported once, and each command is a fork of that.

A dbt command, and a script that judges what arrived, spend seconds on imports, which say nothing about the project.
The programs `python` and `dbt` in Warm.folder hand their words, environment, folder, umask and standard streams to a
process that has imported all of it, and end as the fork ended that did the work; killed, they take that with them. A
script started so is a process of its own in all other ways, and what it starts as sys.executable, or as the dbt beside
it, is warm too. Run as a script this module is the process that forks (serve).
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

# nothing of the project itself, of which there are clones
IMPORTED = (
    "dbt.cli.main", "dbt.adapters.duckdb", "dbt.adapters.postgres", "great_expectations.expectations", "jinja2",
    "pandas", "pyarrow", "scipy.optimize", "scipy.special",
)  # fmt: skip
HEADER = 8  # bytes that tell how long a request is
PROGRAM = """#!{base} -IS
import json, os, socket, sys
words = [os.path.basename(sys.argv[0]), *sys.argv[1:]]
if words[0] == "python" and words[1:2] and words[1].startswith("-"):  # no script: not worth it
    os.execv({python!r}, [{python!r}, *words[1:]])
umask = os.umask(0)
os.umask(umask)
asked = socket.socket(socket.AF_UNIX)
asked.connect({address!r})
request = json.dumps([words, dict(os.environ), os.getcwd(), umask]).encode()
socket.send_fds(asked, [len(request).to_bytes({header}, "big")], [0, 1, 2])
asked.sendall(request)
code = int(asked.makefile().read() or -9)
if code < 0:
    os.kill(os.getpid(), -code)
sys.exit(code)
"""


class Warm:
    """The process that forks, and the two programs that ask it to."""

    def __init__(self, folder: Path):
        """Start the process and wait until it has imported what commands need."""
        self.folder = folder
        folder.mkdir()
        address = str(folder / "socket")
        texts = {"base": os.path.realpath(sys.executable), "python": sys.executable, "address": address}
        for name in ("python", "dbt"):
            (folder / name).write_text(PROGRAM.format(**texts, header=HEADER))
            (folder / name).chmod(0o755)
        with (folder / "log").open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, __file__, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                env=os.environ | {"GX_ANALYTICS_ENABLED": "false"}, text=True,
            )  # fmt: skip
        assert self.process.stdout.readline() == "ready\n", (folder / "log").read_text()

    @property
    def python(self) -> str:
        """Return the program that runs scripts."""
        return str(self.folder / "python")

    @property
    def dbt(self) -> str:
        """Return dbt."""
        return str(self.folder / "dbt")

    def close(self) -> None:
        """End the process."""
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.process.stdout.close()


def serve(address: str) -> Callable[[], None] | None:
    """Fork for each request until the standard input ends. Return what is to be run in a fork, None in the server."""
    for name in IMPORTED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    asked = socket.socket(socket.AF_UNIX)
    asked.bind(address)
    asked.listen(64)
    ended, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    print("ready", flush=True)
    while True:
        ready = select.select([asked, sys.stdin, ended], [], [])[0]
        if ended in ready:
            os.read(ended, 4096)
            reap()
        if sys.stdin in ready:
            return None
        if asked not in ready:
            continue
        connection, _ = asked.accept()
        if os.fork():
            connection.close()
            continue
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for unneeded in (ended, wakes):
            os.close(unneeded)
        asked.close()
        return handle(connection)


def reap() -> None:
    """Take notice of forks that have ended, so that their CPU seconds count as this process's."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def handle(connection: socket.socket) -> Callable[[], None]:
    """Fork what was asked for and tell how it ended; kill it when nobody waits for it. Returns in that fork alone."""
    header, streams, *_ = socket.recv_fds(connection, HEADER, 3)
    words, environment, folder, umask = json.loads(connection.makefile("rb").read(int.from_bytes(header, "big")))
    runner = os.fork()
    if not runner:
        connection.close()
        for place, stream in enumerate(streams):
            os.dup2(stream, place)
            os.close(stream)
        return lambda: run(words, environment, folder, umask)
    for stream in (0, 1, 2, *streams):  # whoever reads what the runner writes must not wait for this process
        os.close(stream)
    waits = select.poll()
    over = os.pidfd_open(runner)
    waits.register(over, select.POLLIN)
    waits.register(connection, select.POLLIN)
    if over not in {place for place, _ in waits.poll()}:
        os.kill(runner, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(runner, 0)[1])
    try:
        connection.sendall(str(code).encode())
    finally:
        os._exit(0)


def run(words: list[str], environment: dict[str, str], folder: str, umask: int) -> None:
    """Be the program that was asked for."""
    gc.unfreeze()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    os.umask(umask)
    tempfile.tempdir = None  # where TMPDIR is now
    programs = Path(sys.argv[1]).parent
    sys.executable = str(programs / "python")
    if words[0] == "dbt":
        from dbt.cli.main import cli

        sys.path[0], sys.argv = str(programs), [str(programs / "dbt"), *words[1:]]
        cli()
    else:
        sys.path[0], sys.argv = str(Path(words[1]).resolve().parent), words[1:]
        runpy.run_path(words[1], run_name="__main__")


if __name__ == "__main__":
    sys.path[0] = ""  # not the tests' own folder, which is on no command's path
    if command := serve(sys.argv[1]):
        command()
