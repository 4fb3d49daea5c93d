"""One refresh at a time: a lock that the operating system gives back when its holder dies, however it dies."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import run_records


class LockedError(Exception):
    """Another refresh is running; the message says which, since when and where."""


@contextlib.contextmanager
def held(file: Path) -> Iterator[None]:
    """Hold the lock of a file while the block runs.

    The file says who holds it, for people; what counts is the system's lock on it (flock), which a killed process
    loses at once, so that no lock is ever left behind. Works on one machine: Postgres adds a lock of its own.
    Raises LockedError at once when another process holds it.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+", encoding="utf-8") as content:
        try:
            fcntl.flock(content, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LockedError(describe(file)) from error
        holder = {"process": os.getpid(), "machine": socket.gethostname(), "since": run_records.now() + " UTC"}
        content.truncate(0)
        content.write(json.dumps(holder))
        content.flush()
        try:
            yield
        finally:
            content.truncate(0)


def describe(file: Path) -> str:
    """Return who holds a lock, as its file says."""
    try:
        holder = json.loads(file.read_text(encoding="utf-8"))
        return f"process {holder['process']} on {holder['machine']}, since {holder['since']}"
    except (OSError, ValueError, KeyError):
        return "a process that has not yet said its name"
