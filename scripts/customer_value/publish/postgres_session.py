"""The session of a refresh on Postgres: how it connects, the fenced lock that it holds, and how it notices its loss.

The lock is an advisory lock of the session, so that the server gives it back when the session ends, however it ends.
Each holder raises a number, the fence, in operations.lock, and every change checks in its own transaction that the
number still is its own: who lost the lock, without having noticed, changes nothing any more.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection

from customer_value.publish import postgres_operations
from customer_value.publish.publishing import NotNow, PublishError
from customer_value.refresh import run_records
from customer_value.refresh.file_lock import LockedError

LOCK = 7203418810  # any number, the same for every refresh of this project
BUILD = "customer_value build"  # application name of what a refresh starts, with its fence behind it
# what the server or libpq says of a database that will answer later; anything else is a setting that is wrong
PASSING = re.compile(
    "refused|time(d )?out|timeout expired|could not translate host name|no route to host|unreachable|reset by peer|"
    "closed (the connection )?unexpectedly|server running|EOF detected|starting up|shutting down|recovery mode|"
    "not (yet )?accepting connections|too many (clients|connections)|connection slots",
    re.IGNORECASE,
)
# the text of a row, which hashes are taken of, depends on these
SETTINGS = ("DateStyle = 'ISO, YMD'", "IntervalStyle = postgres", "TimeZone = UTC", "extra_float_digits = 1")


class LockLostError(PublishError):
    """The lock is no longer held, so nothing may be changed; the message says why."""


def connect(name: str) -> Connection:
    """Return a connection to the database that PG* names, each statement a transaction of its own.

    Raises NotNow where the server does not answer, psycopg2.OperationalError where it answers and refuses.
    """
    patience = {} if "PGCONNECT_TIMEOUT" in os.environ else {"connect_timeout": 30}
    alive = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
    try:
        connection = psycopg2.connect("", application_name=name, **patience, **alive)
    except psycopg2.OperationalError as error:
        if PASSING.search(str(error)):
            raise NotNow(f"the database does not answer: {str(error).strip()}") from error
        raise
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("; ".join(f"set {setting}" for setting in SETTINGS))
    return connection


class Lock:
    """The lock of a session. fence: the number that this holder raised; rises by 1 with every holder."""

    def __init__(self, connection: Connection, purpose: str) -> None:
        """Take the lock. purpose: refresh or rollback. Raises LockedError at once where another has it."""
        self.connection = connection
        with connection.cursor() as cursor:
            cursor.execute("select pg_try_advisory_lock(%s)", [LOCK])
            if not cursor.fetchone()[0]:
                raise LockedError(holder(cursor))
            cursor.execute(f"create schema if not exists {run_records.SCHEMA}")
            definition = (
                "only_row boolean primary key default true check (only_row), fence bigint not null, holder text"
            )
            postgres_operations.make(cursor, "lock", definition)
            cursor.execute(
                f"insert into {run_records.SCHEMA}.lock as held (fence, holder) values (1, %s) "
                "on conflict (only_row) do update set fence = held.fence + 1, holder = excluded.holder returning fence",
                [f"{purpose} of process {os.getpid()} on {socket.gethostname()}, since {run_records.now()} UTC"],
            )
            (self.fence,) = cursor.fetchone()

    def check(self, cursor: Any) -> None:
        """Keep other holders out until the end of the cursor's transaction; raise LockLostError where one has come."""
        cursor.execute(f"select fence, holder from {run_records.SCHEMA}.lock for update")
        found = cursor.fetchone()
        if found is None or found[0] != self.fence:
            later = found[1] if found else "nobody knows who: operations.lock is empty"
            raise LockLostError(f"the lock was lost, another has taken it since: {later}. Nothing was changed")

    def wait_for_earlier_builds(self, seconds: float) -> None:
        """Wait for what an earlier refresh started and the server still works at; raise NotNow if it goes on."""
        deadline = time.monotonic() + seconds
        statement = (
            "select application_name, pid, date_trunc('second', backend_start) from pg_stat_activity "
            "where datname = current_database() and starts_with(application_name, %s) order by 2"
        )
        with self.connection.cursor() as cursor:
            while True:
                cursor.execute(statement, [BUILD])
                found = cursor.fetchall()
                if not found:
                    return
                if time.monotonic() > deadline:
                    name, process, since = found[0]
                    raise NotNow(
                        f"the server still works at the build of an earlier refresh ({name}, since {since}, "
                        f"connections: {len(found)}); wait, or end them with pg_terminate_backend({process})"
                    )
                time.sleep(0.5)

    @contextlib.contextmanager
    def watched(self, every: float = 1.0) -> Iterator[None]:
        """Stop the processes that the block starts when the lock is lost, and raise why. every: seconds between looks.

        Raises LockLostError, or NotNow where the database does not answer any more.
        """
        lost: list[Exception] = []
        done = threading.Event()
        older = set(children())  # are not of the block

        def look() -> None:
            sent = signal.SIGINT  # dbt then cancels its queries
            while not done.wait(every):
                try:
                    with self.connection.cursor() as cursor:
                        cursor.execute(f"select fence, holder from {run_records.SCHEMA}.lock")
                        found = cursor.fetchone()
                    if found is None or found[0] != self.fence:
                        raise LockLostError(f"the lock was lost, another has taken it since: {found and found[1]}")
                except (psycopg2.Error, LockLostError) as error:
                    lost.append(error)
                    for child in set(children()) - older:
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(child, sent)
                    done.wait(5)
                    sent = signal.SIGKILL

        watcher = threading.Thread(target=look, daemon=True)
        watcher.start()
        try:
            yield
        except Exception as error:
            if lost:
                raise self.explained(lost[0]) from error
            raise
        finally:
            done.set()
            watcher.join()
        if lost:
            raise self.explained(lost[0])

    def explained(self, error: Exception) -> Exception:
        """Return what to raise for an error: why the lock is lost where the connection is, else the error itself."""
        if not self.connection.closed or isinstance(error, LockLostError):
            return error
        try:
            connect("customer_value").close()
        except (NotNow, psycopg2.Error) as absent:
            return NotNow(f"the database was lost during the run: {str(absent).strip()}")
        said = " ".join(str(error).split())
        return LockLostError(f"the server has ended the session that held the lock; nothing may be published: {said}")


def holder(cursor: Any) -> str:
    """Return who holds the lock, for people."""
    cursor.execute(
        "select a.application_name, coalesce(a.client_addr::text, 'this machine'), "
        "date_trunc('second', a.backend_start) from pg_locks as l join pg_stat_activity as a on a.pid = l.pid "
        "where l.locktype = 'advisory' and l.granted and (l.classid::bigint << 32) + l.objid::bigint = %s",
        [LOCK],
    )
    found = cursor.fetchone()
    return "{} from {}, since {}".format(*found) if found else "it has just ended"


def children() -> list[int]:
    """Return the processes that this one has started and that still live (Linux)."""
    found: list[int] = []
    for file in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, file.read_text().split())
    return found
