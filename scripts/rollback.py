"""Go back to an earlier published version at once, or list them. Nothing is built; readers see it from then on.

Versions after it stay until they are pruned, marked as taken back. The next refresh publishes nothing while its input
is that of the version taken back, unless it is given --force; new input is published as always.

exit codes: 0 done; 2 there is no such version, it is damaged, or it could not be made current; 3 a refresh is running;
4 not now: the database does not answer, or readers hold a view; run it again later
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import messages
import psycopg2
import publishing
import raw_schema
import refresh
import refresh_lock
import run_records
from publish_duckdb import DuckDBStore
from publish_postgres import PostgresStore
from publish_spark import SparkStore
from publishing import NotNow, PublishError, Store
from refresh_lock import LockedError
from run_records import Records, Run


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


def listed(store: Store) -> str:
    """Return the versions, one per line, the current one marked."""
    current = store.current()
    lines = [
        f"{'*' if current and version.number == current.number else ' '} {version}" for version in store.versions()
    ]
    return "\n".join(lines) or "nothing is published yet"


def main() -> None:
    """Parse the arguments, go back or list."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("version", nargs="?", type=int, metavar="VERSION", help="its number; default: the one before")
    parser.add_argument("--list", action="store_true", help="list the versions, the current one with *")
    parser.add_argument("--target", choices=["duckdb", "postgres", "spark"], default="duckdb")
    parser.add_argument("--home", type=Path, default=refresh.default_home())
    arguments = parser.parse_args()
    home = arguments.home.resolve()

    def store(lock: bool) -> Store:
        if arguments.target == "duckdb":
            return DuckDBStore(home, raw_schema.default_database())
        return SparkStore(home) if arguments.target == "spark" else PostgresStore("rollback", lock=lock)

    try:
        if arguments.list:
            print(listed(store(lock=False)))
            return
        os.umask(0o077)
        publishing.open_home(home)
        with refresh_lock.held(home / "state" / "lock"):
            opened = store(lock=True)
            print(go_back(opened, opened.records(), arguments.version))
    except LockedError as error:
        print(f"error: a refresh is running: {error}. Nothing was changed", file=sys.stderr)
        sys.exit(3)
    except NotNow as error:
        print(f"error: {error}. Nothing was changed; it may pass by itself: run it again later", file=sys.stderr)
        sys.exit(4)
    except (PublishError, OSError, ValueError, psycopg2.Error) as error:
        print(f"error: {messages.told(error)}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
