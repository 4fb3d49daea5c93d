"""One refresh at a time: a lock that the operating system gives back when its holder dies, however it dies."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

from customer_value.refresh import run_records

# how the kinds of file systems begin that several machines may have mounted, so that flock may hold on one alone
SHARED = ("nfs", "cifs", "smb", "fuse", "9p", "ceph", "gluster", "lustre", "gpfs", "beegfs", "afs", "ocfs", "gfs")


class LockedError(Exception):
    """Another refresh is running; the message says which, since when and where."""


@contextlib.contextmanager
def held(file: Path) -> Iterator[None]:
    """Hold the lock of a file while the block runs.

    The file says who holds it, for people; what counts is the system's lock on it (flock), which a killed process
    loses at once, so that no lock is ever left behind. It holds for the processes of one machine; Postgres adds a lock
    of its own, which holds for all. Raises LockedError at once when another process holds it, OSError with what to do
    on a file system without locks.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+", encoding="utf-8") as content:
        try:
            fcntl.flock(content, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LockedError(describe(file)) from error
        except OSError as error:  # ENOLCK, EOPNOTSUPP
            raise OSError(
                f"{file} cannot be locked ({error.strerror}): its file system, {file_system(file)}, keeps none: two "
                "refreshes could run at once. Have HOME on a disk of this machine (--home, CUSTOMER_VALUE_PUBLISHED)"
            ) from error
        holder = {"process": os.getpid(), "machine": socket.gethostname(), "since": run_records.now() + " UTC"}
        content.truncate(0)
        content.write(json.dumps(holder))
        content.flush()
        try:
            yield
        finally:
            content.truncate(0)


def file_system(file: Path, mounts: Path = Path("/proc/mounts")) -> str:
    """Return the kind of file system that a file is on, as mounts (Linux) names it; unknown where there is no such."""
    path, found = file.resolve(), {Path("/"): "unknown"}
    with contextlib.suppress(OSError):
        for line in mounts.read_text(encoding="utf-8").splitlines():
            _, place, kind, *_ = line.split()
            found[Path(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), place))] = kind
    return found[max((place for place in found if path.is_relative_to(place)), key=lambda place: len(place.parts))]


def doubt(file: Path, mounts: Path = Path("/proc/mounts")) -> str | None:
    """Return what to know about a lock on a file system that machines share; None on a disk of this machine."""
    kind = file_system(file, mounts)
    if not kind.startswith(SHARED):
        return None
    return (
        f"HOME is on {kind}, which machines share: there the lock may not hold for another machine. Refresh from one "
        "machine only, or publish on Postgres, whose lock holds for all"
    )


def describe(file: Path) -> str:
    """Return who holds a lock, as its file says."""
    try:
        holder = json.loads(file.read_text(encoding="utf-8"))
        return f"process {holder['process']} on {holder['machine']}, since {holder['since']}"
    except (OSError, ValueError, KeyError):
        return "a process that has not yet said its name"
