"""Versions on Postgres: a schema of tables each, behind a layer of views that one transaction replaces.

    published.<mart>           what readers query: a view of the current version; grants on it stay when it is replaced
    marts_v000012.<mart>       a version; never written to again
    operations.versions        what is known of each, and which is current
    operations.run_records     the history of runs
    operations.lock            who changed something last, and the number that keeps all earlier ones from it
    customer_value_snapshot    with DATA=raw: the company's tables as the last refresh read them

dbt builds in the schema marts, as everywhere; a build that fails leaves that half-built, and nobody reads it. What is
dropped is proven to be ours (postgres_marks.py), and nothing is dropped with cascade.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import sql

from customer_value.publish import (
    postgres_marks,
    postgres_operations,
    postgres_records,
    postgres_session,
    postgres_snapshot,
    postgres_unpublished,
    roles,
)
from customer_value.publish.postgres_marks import VIEWS, schema_of
from customer_value.publish.postgres_records import PostgresRecords
from customer_value.publish.postgres_session import Lock
from customer_value.publish.publishing import (
    Mart,
    NotNow,
    PublishError,
    Store,
    Version,
    in_the_way,
    superfluous,
    withdraw,
)
from customer_value.quoting import quoted
from customer_value.raw import datasets, loading
from customer_value.raw.loading import LoadError
from customer_value.refresh.run_records import Run

PATIENCE = 60  # seconds to wait for readers that hold a view, in turns of TURN, so that nobody waits behind us for long
TURN = 2
DYING = 10  # seconds in which the connections of a build whose refresh was killed are gone, unless a query goes on


class PostgresStore(Store):
    """Versions in the database that PG* names."""

    def __init__(self, purpose: str = "refresh", lock: bool = True) -> None:
        """Connect and, to change something, take the lock that also keeps out other machines and other homes.

        purpose: refresh or rollback; a refresh also waits until no earlier build goes on. Raises LockedError, NotNow
        where the database does not answer or an earlier build goes on, PublishError where a table is somebody else's.
        """
        self.connection = postgres_session.connect(f"customer_value {purpose}")
        self.lock: Lock | None = None
        if not lock:
            return
        try:
            self.lock = Lock(self.connection, purpose)
            if purpose == "refresh":
                self.lock.wait_for_earlier_builds(DYING)
            with self.transaction() as cursor:
                definition = "number bigint primary key, is_current boolean not null, described jsonb not null"
                postgres_operations.make(cursor, "versions", definition)
                postgres_records.make(cursor)
        except BaseException:
            self.connection.close()
            raise

    @contextmanager
    def transaction(self, isolation: str = "read committed") -> Iterator[Any]:
        """Yield a cursor in a transaction: all of the block, or on an error nothing; nothing without the lock, too."""
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(f"begin isolation level {isolation}")
                try:
                    if isolation == "read committed":
                        self.check(cursor)
                        yield cursor
                    else:  # a look at the lock would be the first read, which is the instant of a snapshot
                        yield cursor
                        self.check(cursor)
                    cursor.execute("commit")
                except BaseException:
                    if not self.connection.closed:
                        cursor.execute("rollback")
                    raise
        except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
            explained = self.explained(error)
            if explained is error:
                raise
            raise explained from error

    def check(self, cursor: Any) -> None:
        """Raise LockLostError, a PublishError, where another has taken the lock since."""
        if self.lock:
            self.lock.check(cursor)

    def explained(self, error: Exception) -> Exception:
        """Return what to raise for an error of the connection."""
        return self.lock.explained(error) if self.lock else error

    def watched(self) -> AbstractContextManager[None]:
        """Look at the lock every second."""
        return self.lock.watched()

    def records(self) -> PostgresRecords:
        """Return the table operations.run_records."""
        return PostgresRecords(self)

    def open_work(self) -> dict[str, str]:
        """Build where dbt builds: a run that is stopped half-way is continued by the next.

        What is built is called by libpq's PGAPPNAME, so that the next refresh knows a build that still goes on.
        """
        return {"PGAPPNAME": f"{postgres_session.BUILD} {self.lock.fence}"}

    def load(self, data: str, variables: dict[str, Any]) -> str:
        """Load as the loaders do with --target postgres, or copy the company's tables as they are at one instant."""
        if data != "raw":
            find_origin, loader = datasets.loader_of(data)
            origin = find_origin()
            try:
                loading.fill("postgres", loader, argparse.Namespace(folder=Path(data)))
            except LoadError:
                self.rows("select 1")  # raises what there is to say where the database is gone
                raise
            return origin.name
        with self.connection.cursor() as cursor:
            tables = postgres_snapshot.present(cursor, variables)
        with self.transaction("repeatable read") as cursor:
            counts = postgres_snapshot.take(cursor, variables, tables)
            roles.shut(cursor, postgres_snapshot.SCHEMA)
        self.built_from = postgres_snapshot.SCHEMA
        return f"schema {variables['raw_schema']}, {sum(counts.values()):,} rows in {len(counts)} tables"

    def inputs(self, schema: str) -> dict[str, list[str]]:
        """Hash the text of every row."""
        tables = self.rows(
            f"select table_name from information_schema.tables where table_schema = {quoted(schema)} order by 1"
        )
        return {table: list(map(str, self.content(schema, table))) for (table,) in tables}

    def content(self, schema: str, relation: str, cursor: Any = None) -> tuple[int, Any]:
        """Return the rows of a table or view and a hash of them, a sum, which does not depend on their order."""
        statement = sql.SQL("select count(*), sum(hashtextextended(t::text, 0)::numeric) from {} as t").format(
            sql.Identifier(schema, relation)
        )
        if cursor is None:
            return self.rows(statement)[0]
        cursor.execute(statement)
        return cursor.fetchone()

    def begin_build(self) -> str | None:
        """Bring the ledger and the history back where the last build was not published, as the warehouse on DuckDB."""
        newest = self.versions()[-1:]  # also one that was taken back: it was shown, and the ledger says so
        if not newest:
            return None
        with self.transaction() as cursor:
            return postgres_unpublished.take_out(cursor, newest[0], self.content)

    def write_records(self, runs: Iterable[Run]) -> None:
        """Fill the tables of the source operations anew."""
        with self.transaction() as cursor:
            postgres_records.write(cursor, runs)

    def rows(self, statement: str | sql.Composable) -> list[tuple]:
        """Return the rows of a query."""
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall()
        except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
            explained = self.explained(error)
            if explained is error:
                raise
            raise explained from error

    def published(self, mart: str, version: Version) -> str | None:
        """Name the table behind the view."""
        return f"{schema_of(version.number)}.{mart}" if mart in version.row_counts else None

    def versions(self) -> list[Version]:
        """Read operations.versions."""
        return [Version.of(row[0]) for row in self.described("order by number")]

    def current(self) -> Version | None:
        """Read operations.versions."""
        found = self.described("where is_current")
        return Version.of(found[0][0]) if found else None

    def shown(self) -> list[Version]:
        """Return the version that the views show: the current one; all where operations.versions does not say which."""
        current = self.current()
        return [current] if current else self.versions()

    def described(self, which: str) -> list[tuple]:
        """Return rows of operations.versions; none where nothing was ever published."""
        is_there = self.rows("select to_regclass('operations.versions') is not null")[0][0]
        return self.rows(f"select described from operations.versions {which}") if is_there else []

    def obstacles(self, marts: Iterable[str]) -> list[str]:
        """Look in the schemas published and operations, and for the schema of the next version."""
        versions = self.versions()
        following = schema_of(versions[-1].number + 1 if versions else 1)
        with self.connection.cursor() as cursor:
            found = postgres_marks.in_the_way(cursor, self.shown(), marts) + postgres_operations.in_way(cursor)
            cursor.execute("select 1 from pg_namespace where nspname = %s", [following])
            is_taken = cursor.fetchone() and following not in postgres_marks.marked(cursor)
        return found + ([f"schema {following}"] if is_taken else [])

    def readers_of_build(self) -> list[str]:
        """Return views of others on the schemas that dbt builds in."""
        with self.connection.cursor() as cursor:
            return postgres_marks.readers_of_build(cursor, postgres_marks.project_names("models"))

    def damage(self, version: Version) -> list[str]:
        """Count and hash each mart, of the current version as readers see it, of others their tables."""
        current, said = self.current(), []
        is_current = current is not None and current.number == version.number
        with self.connection.cursor() as cursor:
            there = postgres_marks.own_views(cursor, [version]) if is_current else tables_in(cursor, version)
        schema = VIEWS if is_current else schema_of(version.number)
        for mart, rows in sorted(version.row_counts.items()):
            if mart not in there:
                said.append(f"{schema}.{mart} is gone or no longer what was published")
                continue
            found, total = self.content(schema, mart)
            if found != rows:
                said.append(f"{schema}.{mart} has {found:,} rows, {rows:,} were published")
            elif version.checksums.get(mart, f"{found}:{total}") != f"{found}:{total}":
                said.append(f"{schema}.{mart} has other values in its {rows:,} rows than were published")
        return said

    def publish(self, version: Version, tables: list[Mart]) -> None:
        """Copy the marts into a schema of their own, then replace all views in one transaction."""
        schema = schema_of(version.number)
        with self.transaction() as cursor:
            cursor.execute(f"create schema {schema}")
            roles.shut(cursor, schema)
            postgres_marks.mark(cursor, version.number, [mart.name for mart in tables])
            for mart in tables:
                cursor.execute(f"create table {schema}.{mart.name} as select * from marts.{mart.name}")
                rows, total = self.content(schema, mart.name, cursor)
                version.row_counts[mart.name], version.checksums[mart.name] = rows, f"{rows}:{total}"
                describe(cursor, "table", f"{schema}.{mart.name}", mart)
        self.show(version, tables, [])

    def show(self, version: Version, tables: list[Mart], taken_back: list[Version]) -> None:
        """Let all views show a version, and note it, in one transaction that never lets readers wait for long."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with self.transaction() as cursor:
                    cursor.execute(f"set local lock_timeout = '{TURN}s'")
                    cursor.execute(f"create schema if not exists {VIEWS}")
                    self.replace_views(cursor, version, tables)
                    roles.grant(cursor, version.row_counts)
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
                    raise NotNow(
                        f"readers kept a view of schema {VIEWS} for more than {PATIENCE} seconds; "
                        "look at pg_stat_activity for who does"
                    ) from error
                time.sleep(TURN)
            except psycopg2.errors.DependentObjectsStillExist as error:
                raise PublishError(
                    "columns of a mart have changed, so that its view has to be made anew, and others depend on it; "
                    f"drop what depends on it, run this again, then make that anew: {postgres_marks.dependants(error)}"
                ) from None

    def replace_views(self, cursor: Any, version: Version, tables: list[Mart]) -> None:
        """Make a view per mart of a version; drop ours of marts that are no more. What others made here stays."""
        shown = self.shown()
        ours = postgres_marks.own_views(cursor, shown)
        obstacles = postgres_marks.in_the_way(cursor, shown, version.row_counts)
        if obstacles:
            raise PublishError(in_the_way(obstacles))
        schema, columns = schema_of(version.number), {}
        for place in (schema, VIEWS):
            cursor.execute(
                "select table_name, array_agg(column_name || ' ' || data_type order by ordinal_position)::text[] "
                "from information_schema.columns where table_schema = %s group by table_name",
                [place],
            )
            columns[place] = dict(cursor.fetchall())
        for name in sorted(ours):
            # only columns at the end can be added to a view that stays, and with it its grants
            shown, new = columns[VIEWS][name], columns[schema].get(name, []) if name in version.row_counts else []
            if new[: len(shown)] != shown:
                cursor.execute(sql.SQL("drop view {}").format(sql.Identifier(VIEWS, name)))
        for name in sorted(version.row_counts):
            cursor.execute(f"create or replace view {VIEWS}.{name} as select * from {schema}.{name}")
        for mart in tables:
            describe(cursor, "view", f"{VIEWS}.{mart.name}", mart)

    def roll_back(self, number: int, now: str) -> Version:
        """Let the views show an earlier version, if it is as it was published."""
        versions = {version.number: version for version in self.versions()}
        if number not in versions:
            numbers = ", ".join(map(str, versions)) or "none"
            raise PublishError(f"there is no version {number}; published versions: {numbers}")
        damage = self.damage(versions[number])
        if damage:
            whole = [str(other) for other, version in versions.items() if other != number and not self.damage(version)]
            raise PublishError(
                f"version {number} is damaged, so it is not shown: {'; '.join(damage)}. "
                f"Whole are: {', '.join(whole) or 'none'}"
            )
        withdraw(versions.values(), number, now)
        self.show(versions[number], [], [version for version in versions.values() if version.number != number])
        return versions[number]

    def recover(self) -> list[str]:
        """Drop the schema of a version that was never shown: it has our mark, and its number is above all known ones.

        Raises PublishError, and drops nothing, where operations.versions cannot be what refreshes left.
        """
        versions = self.versions()
        newest = schema_of(versions[-1].number if versions else 0)
        said = []
        with self.connection.cursor() as cursor:
            left = {schema: made for schema, made in postgres_marks.marked(cursor).items() if schema > newest}
        if versions and not self.current():
            raise PublishError(
                "operations.versions says of no version that readers see it, so nothing is removed; name one: "
                f"make rollback VERSION={versions[-1].number} OPTIONS='--target postgres'"
            )
        if len(left) > 1:  # a killed refresh leaves one, and the next one removes it
            raise PublishError(
                f"operations.versions does not list the versions in schemas {', '.join(left)}: rows of it are lost, so "
                "nothing is removed. Restore the table from a backup, or drop the schemas that nobody needs"
            )
        for schema, made in left.items():
            try:
                with self.transaction() as cursor:
                    cursor.execute(f"set local lock_timeout = '{TURN}s'")
                    postgres_marks.drop(cursor, schema, made)
                said.append(f"schema {schema}, which was never shown")
            except psycopg2.errors.DependentObjectsStillExist as error:
                raise PublishError(
                    f"schema {schema} holds a version that was never shown, and others made something in it or of it: "
                    f"it is left as it is; move that elsewhere, then run this again: {postgres_marks.dependants(error)}"
                ) from None
        return said

    def close_work(self, keep: bool) -> str:
        """Leave the schema marts as it is: the next build goes on from it."""
        return ""

    def prune(self, kept: int) -> list[int]:
        """Drop old versions; one that a reader or something of somebody's own still needs stays for now."""
        removed = []
        versions = {version.number: version for version in self.versions()}
        for number in superfluous(list(versions.values()), self.current(), kept):
            try:
                with self.transaction() as cursor:
                    cursor.execute(f"set local lock_timeout = '{TURN}s'")
                    postgres_marks.drop(cursor, schema_of(number), versions[number].row_counts)
                    cursor.execute("delete from operations.versions where number = %s", [number])
                removed.append(number)
            except (psycopg2.errors.LockNotAvailable, psycopg2.errors.DependentObjectsStillExist):
                continue
        return removed


def tables_in(cursor: Any, version: Version) -> set[str]:
    """Return the tables of a version that are there."""
    cursor.execute("select tablename from pg_tables where schemaname = %s", [schema_of(version.number)])
    return {name for (name,) in cursor.fetchall()}


def describe(cursor: Any, kind: str, name: str, mart: Mart) -> None:
    """Set the comments of a table or view and its columns."""
    cursor.execute(f"comment on {kind} {name} is %s", [mart.description])
    for column, description in mart.columns.items():
        cursor.execute(f"comment on column {name}.{column} is %s", [description])
