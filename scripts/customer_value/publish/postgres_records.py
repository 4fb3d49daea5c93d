"""The history of runs on Postgres: one table for every HOME, and the tables of the source operations made of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import psycopg2
import psycopg2.extras
from psycopg2 import sql

from customer_value.publish import postgres_marks, postgres_operations, postgres_session
from customer_value.publish.publishing import PublishError
from customer_value.refresh.run_records import SCHEMA, Records, Run, tables

if TYPE_CHECKING:
    from customer_value.publish.postgres_store import PostgresStore

SAVE = f"insert into {SCHEMA}.run_records values (%s, %s) on conflict (run_id) do update set record = excluded.record"


class PostgresRecords(Records):
    """The records of operations.run_records, one row per run."""

    def __init__(self, store: PostgresStore) -> None:
        self.store = store

    def all(self) -> list[Run]:
        """Return the runs, oldest first."""
        return [Run.of(row[0]) for row in self.store.rows(f"select record from {SCHEMA}.run_records order by run_id")]

    def next_id(self) -> int:
        """Return a number above those of all runs, also of those that published before there was this table."""
        statement = (
            f"select greatest((select max(run_id) from {SCHEMA}.run_records), "
            f"(select max((described ->> 'run_id')::bigint) from {SCHEMA}.versions), 0)"
        )
        return self.store.rows(statement)[0][0] + 1

    def save(self, run: Run) -> None:
        """Write a run's record; by a connection of its own where the store has lost its own."""
        values = [run.run_id, as_json(run)]
        if not self.store.connection.closed:
            with self.store.connection.cursor() as cursor:
                cursor.execute(SAVE, values)
        else:
            with (
                closing(postgres_session.connect("customer_value record")) as connection,
                connection.cursor() as cursor,
            ):
                cursor.execute(SAVE, values)

    def prune(self, kept: int) -> None:
        """Forget all but the last runs."""
        with self.store.transaction() as cursor:
            cursor.execute(
                f"delete from {SCHEMA}.run_records where run_id not in "
                f"(select run_id from {SCHEMA}.run_records order by run_id desc limit %s)",
                [kept],
            )


def make(cursor: Any) -> None:
    """Make operations.run_records; where an earlier release kept the history otherwise, with the runs that it left."""
    if postgres_operations.make(cursor, "run_records", "run_id bigint primary key, record jsonb not null"):
        for run in postgres_operations.runs_of_tables(cursor):
            cursor.execute(SAVE, [run.run_id, as_json(run)])


def as_json(run: Run) -> str:
    """Return a run as JSON that jsonb takes: without NaN and infinities, which become null, and without NUL."""
    written = json.dumps(asdict(run), default=str)
    return json.dumps(json.loads(written, parse_constant=lambda name: None)).replace("\\u0000", "?")


def write(cursor: Any, runs: Iterable[Run]) -> None:
    """Fill the tables of the source operations; they stay, because marts are views of them. Missing columns are added.

    Raises PublishError where a table is somebody else's, or the type of a column has changed and others read it.
    """
    for name, (_, rows) in tables(runs).items():
        columns = postgres_operations.columns_of(name)
        table = f"{SCHEMA}.{name}"
        postgres_operations.make(cursor, name, "")
        cursor.execute(
            "select attname, format_type(atttypid, atttypmod) from pg_attribute "
            "where attrelid = %s::regclass and attnum > 0 and not attisdropped",
            [table],
        )
        there = dict(cursor.fetchall())
        for column, kind in columns.items():
            if column not in there:
                cursor.execute(f"alter table {table} add column {column} {kind}")
                continue
            cursor.execute("select %s::regtype::text", [kind])
            if cursor.fetchone()[0] != there[column]:
                retype(cursor, table, column, kind)
        cursor.execute(f"delete from {table}")
        statement = f"insert into {table} ({', '.join(columns)}) values %s"
        psycopg2.extras.execute_values(cursor, statement, rows)


def retype(cursor: Any, table: str, column: str, kind: str) -> None:
    """Give a column of a table of records its new type; the build makes the marts that are views of it anew."""
    name, own = table.split(".")[1], postgres_marks.project_names("models")
    try:
        cursor.execute(
            "select distinct n.nspname, c.relname from pg_depend as d "
            "join pg_rewrite as r on r.oid = d.objid join pg_class as c on c.oid = r.ev_class "
            "join pg_namespace as n on n.oid = c.relnamespace "
            "where d.refclassid = 'pg_class'::regclass and d.refobjid = %s::regclass "
            "and d.classid = 'pg_rewrite'::regclass and n.nspname = any(%s) and c.relname = any(%s)",
            [table, list(postgres_marks.BUILT), own],
        )
        for view in cursor.fetchall():
            cursor.execute(sql.SQL("drop view {}").format(sql.Identifier(*view)))
        cursor.execute(f"delete from {table}")
        cursor.execute(f"alter table {table} drop column {column}")
        cursor.execute(f"alter table {table} add column {column} {kind}")
    except psycopg2.errors.DependentObjectsStillExist as error:
        raise PublishError(
            f"column {column} of operations.{name} has another type in this release, and others read it, so it is "
            f"left as it is; drop or move what reads it, then run it again: {postgres_marks.dependants(error)}"
        ) from None
