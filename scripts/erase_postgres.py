"""An erasure on Postgres: all schemas of this project in one transaction, then vacuum full of what was touched.

Changed are the raw tables that the loaders marked as theirs, the copy of the company's raw tables, what dbt built, the
versions and the schema operations. A company's own raw tables are not: the certificate says so. What stays in the
server's transaction log until it is recycled, and in backups, cannot be reached from here.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import psycopg2
import run_records
from erase_duckdb import Home
from erased_builds import erase_built, erase_texts, residue
from personal_rows import Database, Person, erase_raw, identifier
from postgres_marks import schema_of
from privacy import KEY_TABLE, LIST_TABLE, PrivacyError, TableKeeper, has_guest_id
from publish_postgres import PostgresStore
from raw_schema import PROJECT, Origin, quoted
from who_is_who import bearers, guest_emails, relatives

BUILT = {"staging", "intermediate", "marts"}
SNAPSHOT, SNAPSHOT_MARK = "customer_value_snapshot", "customer_value snapshot"
PATIENCE, TURN = 60, 2  # seconds to wait for readers of a table, in turns


class Server(Home):
    """All that the database of PG* and the HOME beside it hold."""

    def __init__(self, home: Path, store: PostgresStore, variables: dict[str, Any]) -> None:
        super().__init__(home, store, variables)
        self.database = Database(store.connection)
        self.own = {path.stem for path in (PROJECT / "models").rglob("*") if path.suffix in (".sql", ".py")}
        rows = self.database.rows("select nspname from pg_namespace where nspname not like 'pg\\_%' order by 1")
        schemas = {schema for (schema,) in rows}
        self.copies = [schema for schema in schemas & {SNAPSHOT} if self.is_marked(schema)]
        if self.loaded():
            self.copies.append(self.raw)
        elif self.raw in schemas:
            self.notes.append(f"The raw tables in schema {self.raw} are the company's own and were not changed.")
        versions = sorted(schema for schema in schemas if re.fullmatch(r"marts_v\d{6}", schema))
        self.built = [*sorted(BUILT & schemas), *versions, *sorted({run_records.SCHEMA} & schemas)]

    def keeper(self) -> TableKeeper:
        """Return the key and the list of this database."""
        return TableKeeper(self.database)

    def is_marked(self, schema: str) -> bool:
        """Say whether a schema has the comment of a copy that a refresh made."""
        ((text,),) = self.database.rows(f"select obj_description('{schema}'::regnamespace, 'pg_namespace')")
        return bool(text and text.startswith(SNAPSHOT_MARK))

    def loaded(self) -> bool:
        """Say whether all raw tables are marked as the loaders' own."""
        texts = self.database.rows(
            "select obj_description(c.oid, 'pg_class') from pg_class as c join pg_namespace as n "
            f"on n.oid = c.relnamespace where n.nspname = {quoted(self.raw)} and c.relkind in ('r', 'p')"
        )
        return bool(texts) and all(Origin.from_comment(text) for (text,) in texts)

    def relatives(self, ids: set[str]) -> tuple[set[str], set[str], set[str], set[str]]:
        """Return what who_is_who.relatives() finds in the raw tables, whoever's they are, and in what is ours."""
        return relatives(self.database, self.raw, self.built, self.variables, ids, self.is_ours)

    def guests(self, key: str, guest_id: str) -> set[str]:
        """Return the e-mails whose guest orders have an id."""
        return guest_emails(self.database, self.raw, self.variables, has_guest_id(key, guest_id))

    def bearers(self, emails: set[str]) -> set[tuple[str, str]]:
        """Return (customer_id, e-mail) of the raw records that bear one of these e-mails."""
        return bearers(self.database, self.raw, self.variables, emails)

    def erase(self, person: Person) -> dict[str, int]:
        """Change all tables at once, then write those that were touched anew; return what was found where."""
        found: dict[str, int] = {}
        damaged = {version.number for version in self.store.versions() if self.store.damage(version)}
        with self.store.transaction():
            for schema in self.copies:
                found |= erase_raw(self.database, schema, self.variables, person)
            found |= erase_built(self.database, self.built, self.variables, person, self.is_ours)
            left = residue(self.database, [*self.built, *self.copies], person, self.is_ours)
            erase_texts(self.database, left, person)
            found |= {place: rows for place, rows in left.items() if place not in found}
            self.sign(damaged)
        for table in sorted({tuple(place.split(".")[:2]) for place in found}):
            self.vacuum(*table)
        for file in self.texts():
            if hits := self.hits(file, person):
                found[self.place(file)] = hits
                self.overwrite(file, person)
        return found

    def is_ours(self, schema: str, table: str) -> bool:
        """Say whether a table is this project's: a model's by its name, or a record or copy of its own."""
        is_of_a_list = f"{schema}.{table}" in (KEY_TABLE, LIST_TABLE)
        return not is_of_a_list and (schema in (run_records.SCHEMA, *self.copies) or table in self.own)

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
