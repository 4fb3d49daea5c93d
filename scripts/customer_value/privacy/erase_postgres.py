"""An erasure on Postgres: all schemas of this project in one transaction, then vacuum full of what was touched.

Changed are the raw tables that the loaders marked as theirs, the copy of the company's raw tables, what dbt has noted
as built (operations.built_relations), the marts of versions and the records of runs. A company's own raw tables are
not: the certificate says so. What stays in the server's transaction log until it is recycled, and in backups, cannot be
reached from here.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import psycopg2

from customer_value import report
from customer_value.contract import SCHEMA
from customer_value.privacy.erase_duckdb import Home
from customer_value.privacy.erased_builds import erase_built, erase_texts, residue
from customer_value.privacy.keepers import KEY_SQL, PrivacyError, TableKeeper, has_guest_id
from customer_value.privacy.personal_rows import NOT_BUILT, Database, Person, erase_raw
from customer_value.privacy.who_is_who import bearers, guest_emails, relatives
from customer_value.publish.postgres_marks import schema_of
from customer_value.publish.postgres_store import PostgresStore
from customer_value.quoting import identifier
from customer_value.refresh import run_records

SNAPSHOT, RELATIONS = "customer_value_snapshot", f"{run_records.SCHEMA}.built_relations"
# of its own tables in schema operations those that hold words; the others say how the store works, and name nobody
OPERATIONS = ("runs", "run_nodes", "run_measures", "run_records")
PATIENCE, TURN = 60, 2  # seconds to wait for readers of a table, in turns


class Server(Home):
    """All that the database of PG* and the HOME beside it hold."""

    def __init__(self, home: Path, store: PostgresStore, variables: dict[str, Any]) -> None:
        super().__init__(home, store, variables)
        self.database = Database(store.connection)
        rows = self.database.rows("select nspname from pg_namespace where nspname not like 'pg\\_%' order by 1")
        schemas = {schema for (schema,) in rows}
        self.own = self.recorded()
        self.raw_own = {schema: self.database.own_copies(schema) for schema in {SNAPSHOT, self.raw, SCHEMA} & schemas}
        self.copies = sorted(schema for schema, tables in self.raw_own.items() if tables)
        for schema in sorted(self.raw_own):
            if others := sorted(set(self.database.comments(schema)) - self.raw_own[schema]):
                self.notes.append(
                    f"These tables of schema {schema} are the company's own and were not changed: {', '.join(others)}."
                )
        self.built = sorted({schema for schema, _ in self.own} & schemas - NOT_BUILT - set(self.raw_own))

    def recorded(self) -> set[tuple[str, str]]:
        """Return (schema, table) of what this project has made, by what it has written down of it."""
        found = {(run_records.SCHEMA, table) for table in OPERATIONS}
        if self.database.has(RELATIONS):
            found |= set(self.database.rows(f"select lower(relation_schema), lower(relation_name) from {RELATIONS}"))
        for version in self.store.versions():
            found |= {(schema_of(version.number), mart) for mart in version.row_counts}
        return found

    def keeper(self) -> TableKeeper:
        """Return the key and the list of this database."""
        return TableKeeper(self.database)

    def relatives(self, ids: set[str]) -> tuple[set[str], set[str], set[str], set[str]]:
        """Return what who_is_who.relatives() finds in the raw tables, whoever's they are, and in what is ours."""
        return relatives(self.database, self.raw, self.built, self.variables, ids, self.is_ours)

    def guests(self, _: str, guest_id: str) -> set[str]:
        """Return the e-mails whose guest orders have an id. The key stays out of statements, which a server may log."""
        kept = KEY_SQL if self.keeper().has_key() else "''"  # a dry run before the first key
        return guest_emails(self.database, self.raw, self.variables, has_guest_id(guest_id, kept))

    def bearers(self, emails: set[str]) -> set[tuple[str, str]]:
        """Return (customer_id, e-mail) of the raw records that bear one of these e-mails."""
        return bearers(self.database, self.raw, self.variables, emails)

    def erase(self, person: Person) -> dict[str, int]:
        """Change all tables at once, then write those that were touched anew; return what was found where."""
        found: dict[str, int] = {}
        damage = {version.number: self.store.damage(version) for version in self.store.versions()}
        self.note_damage(damage)
        with self.store.transaction():
            for schema in self.copies:
                found |= erase_raw(self.database, schema, self.variables, person, self.raw_own[schema])
            found |= erase_built(self.database, self.built, self.variables, person, self.is_ours)
            left = residue(self.database, [*self.built, *self.copies], person, self.is_ours)
            erase_texts(self.database, left, person)
            found |= {place: rows for place, rows in left.items() if place not in found}
            self.sign({number for number, said in damage.items() if said})
            drawn = (self.home / "report").resolve()
            if found and drawn.is_dir():  # before it is committed: an erasure that is killed then leaves no board
                report.clear(drawn)
        for table in sorted({tuple(place.split(".")[:2]) for place in found}):
            self.vacuum(*table)
        current = self.store.current()
        currency = (self.variables | (current.variables if current else {}))["reporting_currency"]
        is_to_draw = drawn.is_dir() and not (drawn / report.INDEX).exists()
        if is_to_draw and not report.redraw(report.postgres_source(), drawn, currency):
            self.notes.append("The report is gone: it could not be drawn anew without the person.")
        for file in self.texts():
            if hits := self.hits(file, person):
                found[self.place(file)] = hits
                self.overwrite(file, person)
        return found

    def is_ours(self, schema: str, table: str) -> bool:
        """Say whether a table is this project's: as it has written down, or as the comment of a raw table says."""
        return (schema, table) in self.own or table in self.raw_own.get(schema, ())

    def sign(self, damaged: set[int]) -> None:
        """Take the checksums of every version anew, in the caller's transaction; damage before it stays known."""
        for version in self.store.versions():
            if version.number in damaged:
                continue
            for mart in version.checksums:
                version.checksums[mart] = "{}:{}".format(*self.store.content(schema_of(version.number), mart))
            if version.checksums:
                self.database.execute(
                    "update operations.versions set described = ? where number = ?", [version.to_json(), version.number]
                )

    def vacuum(self, schema: str, table: str) -> None:
        """Write a table anew without its dead rows; readers wait for it no longer than it takes."""
        deadline = time.monotonic() + PATIENCE
        self.database.execute(f"set lock_timeout = '{TURN}s'")
        try:
            while True:
                try:
                    self.database.execute(f"vacuum (full, analyze) {identifier(schema)}.{identifier(table)}")
                    return
                except psycopg2.errors.LockNotAvailable as error:
                    if time.monotonic() > deadline:
                        raise PrivacyError(
                            f"readers hold {schema}.{table}, so that dead rows stay in its file: "
                            f"vacuum full {schema}.{table} when they are gone"
                        ) from error
                    time.sleep(TURN)
        finally:
            self.database.execute("reset lock_timeout")

    def residue(self, person: Person) -> dict[str, int]:
        """Search all tables and the bytes of the HOME's files; return where the person still is."""
        left = residue(self.database, [*self.built, *self.copies], person, self.is_ours)
        for file in self.texts():
            if hits := self.hits(file, person):
                left[self.place(file)] = hits
        return left

    def searched(self) -> dict[str, Any]:
        """Return what a search looks through."""
        return {"schemas": sorted([*self.built, *self.copies]), "other_files": len(self.texts())}
