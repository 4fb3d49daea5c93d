"""Versions on Spark: branches of Iceberg tables, which readers see one table after the other.

    published.<mart>                         what readers query: the branch main
    published.<mart>, branch version_000012  the mart in a version; never written to again
    operations.versions                      what is known of each version, and which is current

A version is written to branches, which nobody reads, and compared with what was built. Only when all marts are right
is it noted as current, and main of each table set to its branch, metadata alone. Iceberg has no transaction over
several tables: each turns at once, and from the first to the last of them readers of several see two versions. A
refresh that is killed in between is carried through by the next one, or by a rollback. What readers never see is a
build: dbt builds in the schema marts, as everywhere.

One HOME per cluster: the lock and the history of runs are files in it.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from customer_value.engines.spark_sql import SparkAbsentError, SparkError, SparkSql, literal
from customer_value.privacy import keepers
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
from customer_value.raw import datasets, loading, spark_copy
from customer_value.raw.loading import LoadError
from customer_value.refresh import run_records
from customer_value.refresh.run_records import Records, Run

READ = "published"  # the schema that readers query
VERSIONS = f"{run_records.SCHEMA}.versions"
MARK = "customer_value.mart"  # property of the tables that this project made
# every commit writes a file of metadata with all snapshots in it; the last few are enough
PROPERTIES = {
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "20",
}
COMMENT = 256  # characters that Hive's metastore keeps of a column's comment; it refuses longer ones
BRANCH = re.compile(r"version_(\d{6,})")


class SparkStore(Store):
    """Versions in the catalog of the Spark that profiles.yml leads to. All but records() raise NotNow without it."""

    def __init__(self, home: Path, sql: SparkSql | None = None) -> None:
        """home: HOME, with the history of runs and the list of who was erased. sql: a connection, else a new one."""
        self.home, self.sql = home, sql or SparkSql()
        self.kept_out = 0  # rows of the last load in which somebody was found who is on the list

    def records(self) -> Records:
        """Return the history in HOME."""
        return Records(self.home / "state" / "runs")

    def open_work(self) -> dict[str, str]:
        """Build where dbt builds: a run that is stopped half-way is continued by the next."""
        return {"SPARK_TARGET": "spark"}

    def load(self, data: str, variables: dict[str, Any]) -> str:
        """Load as the loaders do with --target spark: one table after the other, Spark has no transaction over them.

        Who was erased from HOME is kept out on the way. Raises LoadError where that cannot be.
        """
        keeper = keepers.FileKeeper(self.home)
        if data == "raw":
            if keeper.suppressions():
                raise LoadError(
                    f"somebody was erased from {self.home}, and tables of Spark that are read as they are would bring "
                    "them back; load files (DATA=path/to/folder), from which a refresh keeps them out"
                )
            return f"schema {variables['raw_schema']}"
        find_origin, loader = datasets.loader_of(data)
        origin = find_origin()

        def load_and_keep_out(arguments: argparse.Namespace) -> dict[str, int]:
            counts = loader(arguments)
            self.kept_out = keepers.keep_out(arguments.database, keeper, variables)
            return counts

        loading.fill("spark", load_and_keep_out, argparse.Namespace(folder=Path(data)))
        return origin.name

    def after_load(self, variables: dict[str, Any]) -> int:
        """Have the models find the key of HOME where they need it; return how many rows load() kept somebody out of."""
        if variables.get("guest_orders") == "email":
            key, table = keepers.FileKeeper(self.home).key(), keepers.KEY_TABLE
            self.rows(f"create schema if not exists {run_records.SCHEMA}")
            self.rows(f"create table if not exists {table} (secret string) using iceberg")
            if self.rows(f"select secret from {table}") != [(key,)]:
                try:
                    self.rows(f"insert overwrite {table} values ('{key}')")
                except PublishError:
                    raise PublishError(f"the key could not be written to {table}") from None  # Spark may quote it
        return self.kept_out

    def inputs(self, schema: str) -> dict[str, list[str]]:
        """Hash every row; sums do not depend on their order."""
        return {table: list(self.content(f"{schema}.{table}")) for table in self.tables(schema)}

    def write_records(self, runs: Iterable[Run]) -> None:
        """Make the tables anew, from Parquet that DuckDB writes; many rows at once.

        Raises PublishError where one is there that this project did not make; nothing is replaced then.
        """
        self.rows(f"create schema if not exists {run_records.SCHEMA}")
        names = set(run_records.tables([])) & set(self.tables(run_records.SCHEMA))
        if foreign := sorted(name for name in names if not self.is_ours(name, run_records.SCHEMA)):
            raise PublishError(in_the_way([f"the table {run_records.SCHEMA}.{name}" for name in foreign]))
        with tempfile.TemporaryDirectory() as folder, duckdb.connect() as source:
            for name, (types, rows) in run_records.tables(runs).items():
                lines, file = Path(folder) / f"{name}.json", Path(folder) / f"{name}.parquet"
                lines.write_text("\n".join(json.dumps(dict(zip(types, row, strict=True))) for row in rows))
                struct = ", ".join(f"{column}: '{data_type}'" for column, data_type in types.items())
                source.execute(
                    f"create table {name} as select {', '.join(types)} from "
                    f"read_json('{lines}', format = 'newline_delimited', columns = {{{struct}}})"
                )
                casts = spark_copy.casts(source, name)
                source.execute(f"copy {name} to '{file}'")
                self.rows(f"drop table if exists {run_records.SCHEMA}.{name} purge")
                self.rows(
                    f"create table {run_records.SCHEMA}.{name} using iceberg tblproperties ({properties(name)}) "
                    f"as select {casts} from parquet.`{file}`"
                )

    def rows(self, statement: str) -> list[tuple]:
        """Return the rows of a query."""
        try:
            return self.sql.rows(statement)
        except SparkAbsentError as error:
            raise NotNow(f"Spark does not answer: {error}") from error
        except SparkError as error:
            raise PublishError(f"Spark says: {error}") from error

    def published(self, mart: str, version: Version) -> str | None:
        """Name the branch."""
        return at(mart, version.number) if mart in version.row_counts else None

    def versions(self) -> list[Version]:
        """Read operations.versions."""
        return [version for version, _ in self.noted()]

    def current(self) -> Version | None:
        """Read operations.versions."""
        return next((version for version, is_current in self.noted() if is_current), None)

    def noted(self) -> list[tuple[Version, bool]]:
        """Return the versions with whether they are current, oldest first."""
        if "versions" not in self.tables(run_records.SCHEMA):
            return []
        found = self.rows(f"select described, is_current from {VERSIONS} order by number")
        return [(Version.of(json.loads(described)), is_current) for described, is_current in found]

    def note(self, versions: Iterable[Version], current: int | None) -> None:
        """Replace operations.versions, in one commit."""
        lines = [f"({each.number}, {each.number == current}, {literal(each.to_json())})" for each in versions]
        self.rows(f"create schema if not exists {run_records.SCHEMA}")
        self.rows(
            f"create table if not exists {VERSIONS} (number bigint, is_current boolean, described string) "
            f"using iceberg tblproperties ({properties()})"
        )
        self.rows(f"insert overwrite {VERSIONS} values {', '.join(lines)}")

    def tables(self, schema: str) -> list[str]:
        """Return the tables of a schema, none where it is not there."""
        if (schema,) not in self.rows("show schemas"):
            return []
        return [table for _, table, *_ in self.rows(f"show tables in {schema}")]

    def content(self, relation: str) -> tuple[str, str]:
        """Return rows and a hash of them in any order, as text."""
        ((rows, total),) = self.rows(
            f"select count(*), coalesce(sum(cast(xxhash64(*) as decimal(38, 0))), 0) from {relation}"
        )
        return str(rows), str(total)

    def columns(self, relation: str) -> dict[str, str]:
        """Return {column: type}."""
        found: dict[str, str] = {}
        for name, data_type, *_ in self.rows(f"describe {relation}"):
            if not name or name.startswith("#"):  # what follows is about partitions
                break
            found[name] = data_type
        return found

    def refs(self) -> dict[str, dict[str, int]]:
        """Return {published table of this project: {branch: its snapshot}}."""
        tables = [table for table in self.tables(READ) if self.is_ours(table)]
        found: dict[str, dict[str, int]] = {table: {} for table in tables}
        each = [f"select '{table}', name, snapshot_id from {READ}.{table}.refs" for table in tables]
        for table, name, snapshot in self.rows(" union all ".join(each)) if each else []:
            found[table][name] = snapshot
        return found

    def is_ours(self, table: str, schema: str = READ) -> bool:
        """Say whether this project made a table, by default of the schema that readers query."""
        marks = dict(self.rows(f"show tblproperties {schema}.{table}"))
        return marks.get(MARK) == table

    def obstacles(self, marts: Iterable[str]) -> list[str]:
        """Return what others made where marts of these names would be published, in words."""
        wanted = set(marts)
        return [f"{READ}.{table}" for table in self.tables(READ) if table in wanted and not self.is_ours(table)]

    def publish(self, version: Version, tables: list[Mart]) -> None:
        """Write all marts to branches, compare each with what was built, note the version, turn all tables."""
        if others := self.obstacles(mart.name for mart in tables):
            raise PublishError(in_the_way(others))
        self.rows(f"create schema if not exists {READ}")
        there = self.tables(READ)
        columns = {mart.name: self.make_room(mart, mart.name in there) for mart in tables}
        for mart in tables:
            self.write(mart.name, ", ".join(columns[mart.name]), version)
        self.note([*self.versions(), version], version.number)
        for mart in tables:
            self.rows(
                f"call spark_catalog.system.fast_forward('{READ}.{mart.name}', 'main', '{branch(version.number)}')"
            )

    def make_room(self, mart: Mart, is_there: bool) -> list[str]:
        """Make the table of a mart, empty, or add new columns to it; return its columns in their order.

        Raises PublishError where columns have changed otherwise.
        """
        built, name = self.columns(f"marts.{mart.name}"), f"{READ}.{mart.name}"
        if not is_there:
            self.rows(
                f"create table {name} ({', '.join(defined(mart, built))}) using iceberg "
                f"comment {literal(mart.description)} tblproperties ({properties(mart.name)})"
            )
            return list(built)
        shown = self.columns(name)
        changed = [column for column, data_type in shown.items() if built.get(column) != data_type]
        if changed:
            raise PublishError(
                f"columns of {mart.name} are gone or have another type: {', '.join(changed)}. All branches of a table "
                "share its columns, so readers would lose them before the new rows are there. When they can miss the "
                f"table for some minutes: drop table {name}, then run this again; its earlier versions go with it"
            )
        new = {column: data_type for column, data_type in built.items() if column not in shown}
        if new:
            self.rows(f"alter table {name} add columns ({', '.join(defined(mart, new))})")
        return [*shown, *new]

    def write(self, mart: str, columns: str, version: Version) -> None:
        """Write a mart to the version's branch, note rows and hash. Raises PublishError where they are not as built."""
        name = f"{READ}.{mart}"
        self.rows(f"alter table {name} create or replace branch {branch(version.number)}")
        self.rows(f"insert overwrite {name}.branch_{branch(version.number)} select {columns} from marts.{mart}")
        built, written = (
            self.content(f"(select {columns} from {relation})")
            for relation in (f"marts.{mart}", at(mart, version.number))
        )
        if built != written:
            raise PublishError(f"{mart} was built with {built[0]} rows, its copy has {written[0]}, or others")
        version.row_counts[mart], version.checksums[mart] = int(written[0]), written[1]

    def damage(self, version: Version) -> list[str]:
        """Return what is not as it was published, in words: rows of a branch, or a main that shows something else."""
        current, refs = self.current(), self.refs()
        is_current = current is not None and current.number == version.number
        shown_otherwise = [
            f"{READ}.{mart} shows something else"
            for mart in version.row_counts
            if is_current and branch(version.number) in refs.get(mart, {}) and not is_shown(refs[mart], version)
        ]
        return self.lost(version) + shown_otherwise

    def lost(self, version: Version) -> list[str]:
        """Return what of a version cannot be shown as it was published, in words.

        Columns that were added since are null in it, which changes no hash: xxhash64 passes over nulls.
        """
        found, refs = [], self.refs()
        for mart, rows in version.row_counts.items():
            if branch(version.number) not in refs.get(mart, {}):
                found.append(f"{READ}.{mart} has no branch {branch(version.number)}")
            elif self.content(at(mart, version.number)) != (str(rows), version.checksums[mart]):
                found.append(f"the rows of {READ}.{mart} are not those that were published")
        return found

    def show(self, version: Version) -> list[str]:
        """Set main of all tables of a version to it where it is not yet; return these. Raises PublishError."""
        refs, name = self.refs(), branch(version.number)
        if gone := [mart for mart in version.row_counts if name not in refs.get(mart, {})]:
            raise PublishError(
                f"version {version.number} is not whole: {', '.join(gone)} lost the branch {name}; go back to another "
                "version (make rollback VERSION=...), or drop what is left of the tables in schema published"
            )
        turned = [mart for mart in version.row_counts if not is_shown(refs[mart], version)]
        for mart in turned:
            self.rows(f"call spark_catalog.system.set_current_snapshot(table => '{READ}.{mart}', ref => '{name}')")
        return turned

    def roll_back(self, number: int, now: str) -> Version:
        """Note it, then turn all tables: killed in between, the next run turns the rest."""
        versions = {version.number: version for version in self.versions()}
        if number not in versions:
            numbers = ", ".join(map(str, versions)) or "none"
            raise PublishError(f"there is no version {number}; published versions: {numbers}")
        if lost := self.lost(versions[number]):
            raise PublishError(f"version {number} is damaged: {'; '.join(lost)}")
        withdraw(versions.values(), number, now)
        self.note(versions.values(), number)
        self.show(versions[number])
        return versions[number]

    def recover(self) -> list[str]:
        """Turn the tables that a killed publish or rollback did not come to; drop branches that were never shown.

        Raises PublishError, and changes nothing, where no version is noted as current, or where branches are there that
        a killed publish cannot have left: operations.versions is not what refreshes wrote then.
        """
        current, done = self.current(), []
        if current is None and (versions := self.versions()):
            raise PublishError(
                f"none of the versions {', '.join(str(each.number) for each in versions)} is noted as current in "
                f"{VERSIONS}, so nothing was removed; name one: make rollback VERSION=... OPTIONS='--target spark'"
            )
        if current and (turned := self.show(current)):
            done.append(f"version {current.number} is shown by all tables now: {', '.join(turned)}")
        for table, name in self.unseen():
            self.rows(f"alter table {READ}.{table} drop branch {name}")
            done.append(f"branch {name} of {READ}.{table}, which was never shown")
        return done

    def unseen(self) -> list[tuple[str, str]]:
        """Return (table, branch) of the version that a killed publish has begun and not noted."""
        known, refs = {version.number for version in self.versions()}, self.refs()
        found = [
            (table, name)
            for table, snapshots in refs.items()
            for name in snapshots
            if (match := BRANCH.fullmatch(name)) and int(match[1]) not in known
        ]
        numbers = {int(BRANCH.fullmatch(name)[1]) for _, name in found}
        # the main of a table is empty until its first version is shown
        was_shown = not known and any(self.rows(f"select 1 from {READ}.{table} limit 1") for table, _ in found)
        if len(numbers) > 1 or was_shown or any(number < max(known, default=0) for number in numbers):
            raise PublishError(
                f"{VERSIONS} does not know the versions {', '.join(map(str, sorted(numbers)))}, of which there are "
                f"branches in schema {READ}, so nothing was removed: it is not as refreshes left it. Bring it back, as "
                "by rollback_to_snapshot"
            )
        return found

    def close_work(self, keep: bool) -> str:
        """Leave the schema marts as it is: the next build goes on from it."""
        return ""

    def prune(self, kept: int) -> list[int]:
        """Drop the branches of old versions, and what no branch and no reader of the last days needs any more."""
        current, versions = self.current(), self.versions()
        removed = superfluous(versions, current, kept)
        if removed:  # the branches first: one that nothing notes would look like an unfinished publish
            old = {branch(number) for number in removed}
            for table, snapshots in self.refs().items():
                for name in old & set(snapshots):
                    self.rows(f"alter table {READ}.{table} drop branch {name}")
                # Iceberg keeps what is younger than history.expire.max-snapshot-age-ms, 5 days, for those who read it
                self.rows(f"call spark_catalog.system.expire_snapshots('{READ}.{table}')")
            self.note([each for each in versions if each.number not in removed], current and current.number)
        return removed


def branch(number: int) -> str:
    """Return the branch of a version, the same in all tables."""
    return f"version_{number:06}"


def at(mart: str, number: int) -> str:
    """Return what selects a mart in a version."""
    return f"{READ}.{mart} version as of '{branch(number)}'"


def is_shown(snapshots: dict[str, int], version: Version) -> bool:
    """Say whether a table shows a version. snapshots: {branch: its snapshot}."""
    return snapshots.get("main") == snapshots[branch(version.number)]


def defined(mart: Mart, columns: dict[str, str]) -> list[str]:
    """Return the definitions of columns with what they mean. columns: {column: type}."""
    said = {name: shortened(mart.columns.get(name, "")) for name in columns}
    return [f"{name} {kind} comment {literal(said[name])}" for name, kind in columns.items()]


def shortened(text: str) -> str:
    """Return a column's comment as Hive's metastore takes it."""
    return text if len(text) <= COMMENT else text[: COMMENT - 4] + " ..."


def properties(mart: str | None = None) -> str:
    """Return the properties of a table that this project makes, for tblproperties."""
    marks = PROPERTIES | ({MARK: mart} if mart else {})
    return ", ".join(f"'{name}' = '{value}'" for name, value in marks.items())
