"""Versions on DuckDB: a directory each, holding one file with the marts alone, behind one symlink.

    HOME/current -> versions/000012     readers open HOME/current/analytics.duckdb, schema marts
    HOME/versions/000012/               analytics.duckdb, version.json; never written to again
    HOME/state/                         the warehouses that versions were built in, the place to build in, records:
                                        raw rows, so for the owner alone

A reader that has a version open keeps it, also when it is removed; replacing a file on one path would not do, because
a process that has the old one open would get it again.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import build
import duckdb
import raw_schema
import run_records
from publishing import Mart, PublishError, Store, Version, superfluous, withdraw
from raw_schema import LoadError, quoted
from run_records import Run

FILE = "analytics.duckdb"
STORAGE = "v1.2.0"  # the oldest format that DuckDB 2.0 writes; clients since 1.2 read it, and BI tools embed old ones


class DuckDBStore(Store):
    """Versions in a folder of one machine."""

    def __init__(self, home: Path, source: Path) -> None:
        """home: HOME as above. source: the company's DuckDB file, which DATA=raw is read from."""
        self.home, self.source, self.state = home, source, home / "state"
        self.work, self.failed = self.state / "work", self.state / "failed"
        self.warehouses = self.state / "warehouses"
        self.database = self.work / "warehouse.duckdb"

    def open_work(self) -> dict[str, str]:
        """Copy the warehouse of the last version, so that what fails here spoils nothing."""
        self.state.mkdir(parents=True, exist_ok=True)
        self.state.chmod(0o700)
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir()
        last = sorted(self.warehouses.glob("*/warehouse.duckdb"))[-1:]
        for file in last:
            copied = subprocess.run(
                ["cp", "--reflink=auto", str(file), str(self.database)], capture_output=True, text=True, check=False
            )
            if copied.returncode:
                raise OSError(copied.stderr.strip())
        return {"CUSTOMER_VALUE_DATABASE": str(self.database)}

    def load(self, data: str, variables: dict[str, Any]) -> str:
        """Load as make build does, or copy the raw tables of the company's file in one snapshot."""
        if data != "raw":
            build.load(data, self.database, say=lambda line: None)
            origins = {origin.name for origin in raw_schema.held(self.database).values() if origin}
            return ", ".join(sorted(origins))
        schema = variables["raw_schema"]
        if not self.source.exists():
            raise LoadError(f"there is no database {self.source}; name yours in CUSTOMER_VALUE_DATABASE")
        try:
            with duckdb.connect(str(self.database)) as connection:
                connection.execute(f"attach {quoted(str(self.source))} as company (read_only)")
                connection.execute("begin")
                connection.execute(f"drop schema if exists {schema} cascade")
                connection.execute(f"create schema {schema}")
                found = connection.execute(
                    "select table_name from information_schema.tables "
                    "where table_catalog = 'company' and table_schema = ? order by 1",
                    [schema],
                ).fetchall()
                for (table,) in found:
                    connection.execute(f'create table {schema}."{table}" as select * from company.{schema}."{table}"')
                connection.execute("commit")
        except duckdb.Error as error:
            raise LoadError(f"cannot read {self.source}: {error}") from error
        if not found:
            raise LoadError(f"{self.source} has no tables in schema {schema}; var raw_schema names another")
        return f"schema {schema} of {self.source.name}"

    def inputs(self, schema: str) -> dict[str, list[str]]:
        """Hash every row; sums and exclusive ors do not depend on their order."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            tables = connection.execute(
                "select table_name from information_schema.tables where table_schema = ? order by 1", [schema]
            ).fetchall()
            found = {}
            for (table,) in tables:
                statement = f'select count(*), bit_xor(hash(t)), sum(hash(t)) from {schema}."{table}" as t'
                found[table] = [str(value) for value in connection.execute(statement).fetchone()]
            return found

    def write_records(self, runs: Iterable[Run]) -> None:
        """Make the tables anew."""
        with duckdb.connect(str(self.database)) as connection:
            connection.execute(f"create schema if not exists {run_records.SCHEMA}")
            for name, (types, rows) in run_records.tables(runs).items():
                table = f"{run_records.SCHEMA}.{name}"
                columns = ", ".join(f"{column} {data_type}" for column, data_type in types.items())
                connection.execute(f"create or replace table {table} ({columns})")
                if rows:
                    file = self.work / f"{name}.json"  # many rows at once; single inserts take milliseconds each
                    file.write_text("\n".join(json.dumps(dict(zip(types, row, strict=True))) for row in rows))
                    struct = ", ".join(f"{column}: {quoted(data_type)}" for column, data_type in types.items())
                    connection.execute(
                        f"insert into {table} select {', '.join(types)} from "
                        f"read_json({quoted(str(file))}, format = 'newline_delimited', columns = {{{struct}}})"
                    )
                    file.unlink()

    def rows(self, statement: str) -> list[tuple]:
        """Read the warehouse that is being built."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(statement).fetchall()

    def versions(self) -> list[Version]:
        """Read every version.json."""
        files = sorted((self.home / "versions").glob("[0-9]*/version.json"))
        return [Version.of(json.loads(file.read_text(encoding="utf-8"))) for file in files]

    def current(self) -> Version | None:
        """Follow the link."""
        file = self.home / "current" / "version.json"
        return Version.of(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else None

    def folder(self, number: int) -> Path:
        """Return the directory of a version."""
        return self.home / "versions" / f"{number:06}"

    def publish(self, version: Version, tables: list[Mart]) -> None:
        """Write the file beside the others, keep the warehouse, give both their names, turn the link."""
        draft = self.home / "versions" / ".draft"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        version.row_counts = self.write_marts(draft / FILE, tables)
        run_records.write_whole(draft / "version.json", version.to_json())
        synchronise(draft / FILE)
        synchronise(draft)
        kept = self.warehouses / f"{version.number:06}"
        kept.parent.mkdir(exist_ok=True)
        self.work.rename(kept)
        draft.rename(self.folder(version.number))
        synchronise(self.home / "versions")
        self.turn_to(version.number)

    def write_marts(self, file: Path, tables: list[Mart]) -> dict[str, int]:
        """Copy the marts, with what they and their columns mean, to a file; return {mart: rows}."""
        counts = {}
        with duckdb.connect(str(self.database)) as connection:
            connection.execute("checkpoint")
            connection.execute(f"attach {quoted(str(file))} as published (storage_version '{STORAGE}')")
            connection.execute("create schema published.marts")
            for mart in tables:
                target = f"published.marts.{mart.name}"
                connection.execute(f"create table {target} as select * from marts.{mart.name}")
                connection.execute(f"comment on table {target} is {quoted(mart.description)}")
                for column, description in mart.columns.items():
                    connection.execute(f"comment on column {target}.{column} is {quoted(description)}")
            connection.execute("detach published")
            # read back from the file itself: what is not in it must not become current
            connection.execute(f"attach {quoted(str(file))} as published (read_only)")
            for mart in tables:
                counts[mart.name], built = connection.execute(
                    f"select (select count(*) from published.marts.{mart.name}), "
                    f"(select count(*) from marts.{mart.name})"
                ).fetchone()
                if counts[mart.name] != built:
                    raise PublishError(f"{mart.name} has {built} rows, its copy {counts[mart.name]}")
        for wal in (file, self.database):
            if wal.with_name(wal.name + ".wal").exists():
                raise PublishError(f"{wal} is not complete: it still has a write-ahead log")
        return counts

    def turn_to(self, number: int) -> None:
        """Make a version current: rename(2) puts the new link in place of the old one, with nothing in between."""
        link = self.home / "current.new"
        link.unlink(missing_ok=True)
        link.symlink_to(self.folder(number).relative_to(self.home))
        link.replace(self.home / "current")
        synchronise(self.home)

    def roll_back(self, number: int, now: str) -> Version:
        """Mark what is taken back, then turn the link: killed in between, recover() still knows what was published."""
        versions = {version.number: version for version in self.versions()}
        if number not in versions:
            raise PublishError(f"there is no version {number}; there are {', '.join(map(str, versions)) or 'none'}")
        withdraw(versions.values(), number, now)
        self.write(versions.values())
        self.turn_to(number)
        return versions[number]

    def write(self, versions: Iterable[Version]) -> None:
        """Write what is known of versions anew."""
        for version in versions:
            run_records.write_whole(self.folder(version.number) / "version.json", version.to_json())

    def recover(self) -> list[str]:
        """Remove drafts, the place to build in, and versions that were complete but never current."""
        removed = []
        current = self.current()
        for version in self.versions():
            is_newer = version.number > (current.number if current else 0)
            if is_newer and not version.withdrawn_at:
                removed.append(f"version {version.number}, which was never current")
                shutil.rmtree(self.folder(version.number))
        if current and current.withdrawn_at:  # a rollback was killed before it turned the link
            half_done = [version for version in self.versions() if version.withdrawn_at == current.withdrawn_at]
            for version in half_done:
                version.withdrawn_at = None
            self.write(half_done)
            removed.append("marks of a rollback that was not carried out")
        for left in (self.home / "versions" / ".draft", self.work, self.home / "current.new"):
            if left.is_symlink():
                left.unlink()
            elif left.exists():
                removed.append(f"a half-made {left.relative_to(self.home)}")
                shutil.rmtree(left)
        numbers = {version.number for version in self.versions()}
        for warehouse in self.warehouses.glob("*"):
            if int(warehouse.name) > max(numbers, default=0):
                shutil.rmtree(warehouse)
        return removed

    def close_work(self, keep: bool) -> str:
        """Keep the last failed build, and only that."""
        if not self.work.exists():
            return ""
        if not keep:
            shutil.rmtree(self.work)
            return ""
        shutil.rmtree(self.failed, ignore_errors=True)
        self.work.rename(self.failed)
        return f"CUSTOMER_VALUE_DATABASE={shlex.quote(str(self.failed / self.database.name))}"

    def prune(self, kept: int) -> list[int]:
        """Remove old versions, and every warehouse but the last."""
        removed = superfluous(self.versions(), self.current(), kept)
        for number in removed:
            shutil.rmtree(self.folder(number))
        for warehouse in sorted(self.warehouses.glob("*"))[:-1]:
            shutil.rmtree(warehouse)
        return removed


def synchronise(path: Path) -> None:
    """Have the disk keep a file, or the names in a directory."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
