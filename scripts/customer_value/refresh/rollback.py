"""A rollback: an earlier published version is made the current one; nothing is built."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

import psycopg2

from customer_value import messages, report
from customer_value.project import default_database
from customer_value.publish import publishing
from customer_value.publish.duckdb_store import DuckDBStore
from customer_value.publish.postgres_store import PostgresStore
from customer_value.publish.publishing import NotNow, PublishError, Store, Version
from customer_value.publish.spark_store import SparkStore
from customer_value.refresh import file_lock, refresh, run_records
from customer_value.refresh.file_lock import LockedError
from customer_value.refresh.run_records import Records, Run


def go_back(store: Store, records: Records, number: int | None) -> str:
    """Make a version current, by default the one before the current that was never taken back; return what was done."""
    refresh.settle(records, store)
    current, versions = store.current(), store.seen()
    if number is None:
        if versions and not current:
            numbers = ", ".join(str(version.number) for version in versions)
            raise PublishError(f"no version is known to be current; name one of {numbers}: make rollback VERSION=n")
        earlier = [
            version.number
            for version in versions
            if current and version.number < current.number and not version.withdrawn_at
        ]
        if not earlier:
            raise PublishError("there is no earlier version to go back to")
        number = earlier[-1]
    now = run_records.now()
    version = store.roll_back(number, now)
    run = Run(records.next_id(), now, now, "rolled_back", "rollback", version=number)
    run.message = f"from version {current.number if current else 'none'} to {version}"
    run.as_of_date = version.as_of_date
    records.save(run)
    if current and current.number == version.number:
        return f"current: {version}, as before"
    return f"current: {version}; before: {current or 'not known'}"


def draw(home: Path, version: Version) -> None:
    """Draw the report anew from what readers see now; say so where that fails, and take the later one away."""
    folder = home / "state" / "report"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        report.render(report.postgres_source(), folder, version.variables.get("reporting_currency", "USD"))
    except (report.ReportError, OSError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        print(f"warning: the report could not be drawn, and there is none: {messages.told(error)}", file=sys.stderr)
    report.show(folder, home, version.number)


def listed(store: Store) -> str:
    """Return the versions, one per line, the current one marked."""
    current = store.current()
    lines = [
        f"{'*' if current and version.number == current.number else ' '} {version}" for version in store.versions()
    ]
    return "\n".join(lines) or "nothing is published yet"


def run(arguments: argparse.Namespace) -> int:
    """List the versions or go back to one; return the exit code. arguments: version, list, target, home."""
    home = arguments.home.resolve()

    def store(lock: bool) -> Store:
        if arguments.target == "duckdb":
            return DuckDBStore(home, default_database())
        return SparkStore(home) if arguments.target == "spark" else PostgresStore("rollback", lock=lock)

    try:
        if arguments.list:
            print(listed(store(lock=False)))
            return 0
        os.umask(0o077)
        publishing.open_home(home)
        with file_lock.held(home / "state" / "lock"):
            opened = store(lock=True)
            print(go_back(opened, opened.records(), arguments.version))
            if arguments.target == "postgres" and (home / "report").exists():  # on DuckDB it is in the version
                draw(home, opened.current())
            return 0
    except LockedError as error:
        print(f"error: a refresh is running: {error}. Nothing was changed", file=sys.stderr)
        return 3
    except NotNow as error:
        print(f"error: {error}. Nothing was changed; it may pass by itself: run it again later", file=sys.stderr)
        return 4
    except (PublishError, OSError, ValueError, psycopg2.Error) as error:
        print(f"error: {messages.told(error)}", file=sys.stderr)
        return 2
