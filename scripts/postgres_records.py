"""The history of runs on Postgres: a table of the database, one for every HOME that publishes there."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING

import postgres_session
from run_records import SCHEMA, Records, Run

if TYPE_CHECKING:
    from publish_postgres import PostgresStore

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


def as_json(run: Run) -> str:
    """Return a run as JSON that jsonb takes: without NaN and infinities, which become null, and without NUL."""
    written = json.dumps(asdict(run), default=str)
    return json.dumps(json.loads(written, parse_constant=lambda name: None)).replace("\\u0000", "?")
