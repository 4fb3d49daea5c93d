"""A Postgres server of a command's own, on 127.0.0.1, with its files in a temporary folder."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

BINARIES = Path("/usr/lib/postgresql")
SYSTEM_USER = "postgres"


def binaries() -> Path:
    """Return the folder of the newest installed server's programs, installing one where there is none.

    Raises RuntimeError when there is none and it cannot be installed.
    """
    for attempt in range(2):
        found = sorted(BINARIES.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
        if found:
            return found[-1].parent
        if attempt or os.geteuid() != 0 or not shutil.which("apt-get"):
            break
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "postgresql"], check=True)
    raise RuntimeError("no Postgres server found; install Debian's package postgresql")


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(command: list[object], folder: Path) -> subprocess.CompletedProcess:
    """Run one of the server's programs in a folder, as a user that Postgres accepts: it refuses to run as root."""
    account = {"user": SYSTEM_USER, "group": SYSTEM_USER, "extra_groups": []} if os.geteuid() == 0 else {}
    return subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, cwd=folder, check=False, **account
    )


@contextlib.contextmanager
def running() -> Iterator[dict[str, str]]:
    """Start a server, yield the variables that lead to it, stop it. Raises RuntimeError when it does not start."""
    programs = binaries()
    folder = Path(tempfile.mkdtemp(prefix="customer-value-postgres-"))
    try:
        password, port = secrets.token_urlsafe(16), free_port()
        secret = folder / "password"
        secret.write_text(password)
        if os.geteuid() == 0:
            for path in (folder, secret):
                shutil.chown(path, SYSTEM_USER, SYSTEM_USER)
        data, log = folder / "data", folder / "log"
        initdb = [programs / "initdb", "-D", data, "-U", "owner", "--pwfile", secret, "--auth", "scram-sha-256"]
        options = [
            f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}",
            "-c fsync=off -c max_wal_size=4GB",  # the files live no longer than the command
        ]
        start = [programs / "pg_ctl", "-D", data, "-l", log, "-w", "-o", " ".join(options), "start"]
        for command in ([*initdb, "--encoding", "UTF8", "--locale", "C"], start):
            finished = run(command, folder)
            if finished.returncode:
                detail = log.read_text() if log.exists() else ""
                raise RuntimeError(f"Postgres did not start: {finished.stderr or finished.stdout}{detail}")
        try:
            yield {
                "PGHOST": "127.0.0.1",
                "PGPORT": str(port),
                "PGUSER": "owner",
                "PGPASSWORD": password,
                "PGDATABASE": "postgres",
            }
        finally:
            run([programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"], folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_beside(command: list[str]) -> int:
    """Run a command beside a server of its own; return its exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server is stopped then too
    with running() as variables:
        return subprocess.run(command, env=os.environ | variables, check=False).returncode
