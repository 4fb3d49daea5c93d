"""Versions on Postgres: a schema of tables each, behind a layer of views that one transaction replaces.

    published.<mart>        what readers query: a view of the current version; grants on it stay when it is replaced
    marts_v000012.<mart>    a version; never written to again
    operations.versions     what is known of each, and which is current

dbt builds in the schema marts, as everywhere; a build that fails leaves that half-built, and nobody reads it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import build
import psycopg2
import psycopg2.extras
import raw_schema
import run_records
from psycopg2.extensions import connection as Connection
from publishing import Mart, PublishError, Store, Version, superfluous, withdraw
from refresh_lock import LockedError
from run_records import Run

LOCK = 7203418810  # any number, the same for every refresh of this project
VIEWS = "published"
PATIENCE = 60  # seconds to wait for readers that hold a view, in turns of TURN, so that nobody waits behind us for long
TURN = 2
TYPES = {"varchar": "text", "double": "double precision"}


class PostgresStore(Store):
    """Versions in the database that PG* names."""

    def __init__(self, run_id: int, lock: bool = True) -> None:
        """Connect and, to change something, take the lock that also keeps out other machines. Raises LockedError."""
        self.connection: Connection = psycopg2.connect("", application_name=f"customer_value refresh {run_id}")
        self.connection.autocommit = True
        if lock and not self.rows(f"select pg_try_advisory_lock({LOCK})")[0][0]:
            holder = self.rows(
                "select a.application_name, coalesce(a.client_addr::text, 'this machine'), "
                "date_trunc('second', a.backend_start) from pg_locks as l "
                "join pg_stat_activity as a on a.pid = l.pid where l.locktype = 'advisory' and l.granted "
                f"and (l.classid::bigint << 32) + l.objid::bigint = {LOCK}"
            )
            raise LockedError("{} from {}, since {}".format(*holder[0]) if holder else "it has just ended")
        with self.transaction() as cursor:
            cursor.execute(f"create schema if not exists {run_records.SCHEMA}")
            cursor.execute(
                f"create table if not exists {run_records.SCHEMA}.versions "
                "(number bigint primary key, is_current boolean not null, described jsonb not null)"
            )

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """Yield a cursor in a transaction: all of the block, or on an error nothing."""
        with self.connection.cursor() as cursor:
            cursor.execute("begin")
            try:
                yield cursor
                cursor.execute("commit")
            except BaseException:
                if not self.connection.closed:
                    cursor.execute("rollback")
                raise

    def open_work(self) -> dict[str, str]:
        """Build where dbt builds: a run that is stopped half-way is continued by the next."""
        return {}

    def load(self, data: str, variables: dict[str, Any]) -> str:
        """Load as the loaders do with --target postgres; they replace the raw schema in one transaction."""
        if data == "raw":
            return f"schema {variables['raw_schema']}"
        find_origin, loader = build.loader_of(data)
        origin = find_origin()
        raw_schema.fill("postgres", loader, argparse.Namespace(folder=Path(data)))
        return origin.name

    def inputs(self, schema: str) -> dict[str, list[str]]:
        """Hash the text of every row; sums do not depend on their order."""
        tables = self.rows(
            "select table_name from information_schema.tables "
            f"where table_schema = {raw_schema.quoted(schema)} order by 1"
        )
        found = {}
        for (table,) in tables:
            ((rows, total),) = self.rows(
                f'select count(*), sum(hashtextextended(t::text, 0)::numeric) from {schema}."{table}" as t'
            )
            found[table] = [str(rows), str(total)]
        return found

    def write_records(self, runs: Iterable[Run]) -> None:
        """Fill the tables anew; they stay, because marts are views of them, unless their columns changed."""
        with self.transaction() as cursor:
            for name, (types, rows) in run_records.tables(runs).items():
                table = f"{run_records.SCHEMA}.{name}"
                cursor.execute(
                    "select column_name from information_schema.columns "
                    "where table_schema = %s and table_name = %s order by ordinal_position",
                    [run_records.SCHEMA, name],
                )
                if [column for (column,) in cursor.fetchall()] != list(types):
                    columns = ", ".join(f"{column} {TYPES.get(kind, kind)}" for column, kind in types.items())
                    cursor.execute(f"drop table if exists {table} cascade")
                    cursor.execute(f"create table {table} ({columns})")
                cursor.execute(f"delete from {table}")
                psycopg2.extras.execute_values(cursor, f"insert into {table} values %s", rows)

    def rows(self, statement: str) -> list[tuple]:
        """Return the rows of a query."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    def versions(self) -> list[Version]:
        """Read operations.versions."""
        return [Version.of(row[0]) for row in self.rows("select described from operations.versions order by number")]

    def current(self) -> Version | None:
        """Read operations.versions."""
        found = self.rows("select described from operations.versions where is_current")
        return Version.of(found[0][0]) if found else None

    def publish(self, version: Version, tables: list[Mart]) -> None:
        """Copy the marts into a schema of their own, then replace all views in one transaction."""
        schema = schema_of(version.number)
        with self.transaction() as cursor:
            cursor.execute(f"create schema {schema}")
            for mart in tables:
                cursor.execute(f"create table {schema}.{mart.name} as select * from marts.{mart.name}")
                version.row_counts[mart.name] = cursor.rowcount
                describe(cursor, "table", f"{schema}.{mart.name}", mart)
        self.show(version, tables, [])

    def show(self, version: Version, tables: list[Mart], taken_back: list[Version]) -> None:
        """Let all views show a version, and note it, in one transaction that never lets readers wait for long."""
        schema, deadline = schema_of(version.number), time.monotonic() + PATIENCE
        while True:
            try:
                with self.transaction() as cursor:
                    cursor.execute(f"set local lock_timeout = '{TURN}s'")
                    cursor.execute(f"create schema if not exists {VIEWS}")
                    self.replace_views(cursor, schema, tables)
                    cursor.execute("update operations.versions set is_current = false where is_current")
                    for each in [version, *taken_back]:
                        cursor.execute(
                            "insert into operations.versions values (%s, %s, %s) "
                            "on conflict (number) do update set is_current = excluded.is_current, "
                            "described = excluded.described",
                            [each.number, each is version, each.to_json()],
                        )
                return
            except psycopg2.errors.LockNotAvailable as error:
                if time.monotonic() > deadline:
                    raise PublishError(
                        f"readers kept a view of schema {VIEWS} for more than {PATIENCE} seconds; "
                        "look at pg_stat_activity, and run it again"
                    ) from error
                time.sleep(TURN)
            except psycopg2.errors.DependentObjectsStillExist as error:
                raise PublishError(f"columns of a mart have changed and others depend on it: {error}") from error

    def replace_views(self, cursor: Any, schema: str, tables: list[Mart]) -> None:
        """Make a view per table of a schema; drop those of marts that are no more."""
        columns = {}
        for place in (schema, VIEWS):
            cursor.execute(
                "select table_name, array_agg(column_name || ' ' || data_type order by ordinal_position)::text[] "
                "from information_schema.columns where table_schema = %s group by table_name",
                [place],
            )
            columns[place] = dict(cursor.fetchall())
        for name, shown in sorted(columns[VIEWS].items()):
            # only columns at the end can be added to a view that stays, and with it its grants
            if columns[schema].get(name, [])[: len(shown)] != shown:
                cursor.execute(f"drop view {VIEWS}.{name}")
        for name in sorted(columns[schema]):
            cursor.execute(f"create or replace view {VIEWS}.{name} as select * from {schema}.{name}")
        for mart in tables:
            describe(cursor, "view", f"{VIEWS}.{mart.name}", mart)

    def roll_back(self, number: int, now: str) -> Version:
        """Let the views show an earlier version."""
        versions = {version.number: version for version in self.versions()}
        if number not in versions:
            raise PublishError(f"there is no version {number}; there are {', '.join(map(str, versions)) or 'none'}")
        withdraw(versions.values(), number, now)
        self.show(versions[number], [], [version for version in versions.values() if version.number != number])
        return versions[number]

    def recover(self) -> list[str]:
        """Drop the schemas of versions that were never shown."""
        known = {schema_of(version.number) for version in self.versions()}
        found = self.rows(r"select nspname from pg_namespace where nspname ~ '^marts_v[0-9]{6}$'")
        left = sorted(schema for (schema,) in found if schema not in known)
        for schema in left:
            with self.transaction() as cursor:
                drop(cursor, schema)
        return [f"schema {schema}, which was never shown" for schema in left]

    def close_work(self, keep: bool) -> str:
        """Leave the schema marts as it is: the next build goes on from it."""
        return ""

    def prune(self, kept: int) -> list[int]:
        """Drop old versions; one that a reader or somebody's own view still needs stays for now."""
        removed = []
        for number in superfluous(self.versions(), self.current(), kept):
            try:
                with self.transaction() as cursor:
                    cursor.execute(f"set local lock_timeout = '{TURN}s'")
                    drop(cursor, schema_of(number))
                    cursor.execute("delete from operations.versions where number = %s", [number])
                removed.append(number)
            except (psycopg2.errors.LockNotAvailable, psycopg2.errors.DependentObjectsStillExist):
                continue
        return removed


def schema_of(number: int) -> str:
    """Return the schema that holds a version."""
    return f"marts_v{number:06}"


def drop(cursor: Any, schema: str) -> None:
    """Drop a version's schema and its tables, but nothing that others made of them."""
    cursor.execute("select tablename from pg_tables where schemaname = %s", [schema])
    for (table,) in cursor.fetchall():
        cursor.execute(f"drop table {schema}.{table}")
    cursor.execute(f"drop schema {schema}")


def describe(cursor: Any, kind: str, name: str, mart: Mart) -> None:
    """Set the comments of a table or view and its columns."""
    cursor.execute(f"comment on {kind} {name} is %s", [mart.description])
    for column, description in mart.columns.items():
        cursor.execute(f"comment on column {name}.{column} is %s", [description])
