"""Versions on DuckDB: a directory each, holding files with the marts alone, behind one symlink.

    HOME/current -> versions/000012     readers open HOME/current/analytics.duckdb, schema marts
    HOME/versions/000012/               what version_files.py says; never written to again
    HOME/state/                         the warehouses that versions were built in, the place to build in, records:
                                        raw rows, so for the owner alone
    HOME/state/publish.journal          the publish or rollback that has begun and not ended

A reader that has a version open keeps it, also when it is removed; replacing a file on one path would not do, because
a process that has the old one open would get it again.

Nothing is removed unless it is known which version is current. The link says so. Where it does not, or leads to a
version with newer ones after it that neither the journal nor a rollback explains, people have to name one.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from customer_value.publish import company_file, publishing, version_files
from customer_value.publish.journal import Entry, Journal
from customer_value.publish.publishing import (
    Mart,
    PublishError,
    Store,
    Version,
    rollback_command,
    superfluous,
    withdraw,
)
from customer_value.publish.version_files import ANALYTICS, FULL, synchronise
from customer_value.quoting import identifier, quoted
from customer_value.raw import datasets, loading
from customer_value.refresh import run_records
from customer_value.refresh.run_records import Records, Run

STORAGE = "v1.2.0"  # the oldest format that DuckDB 2.0 writes; clients since 1.2 read it, and BI tools embed old ones
WAREHOUSES_KEPT = 2  # the ledger of restatements is in them alone, and no rebuild restores it


class DuckDBStore(Store):
    """Versions in a folder of one machine."""

    VERSION_NAME = re.compile(r"\bmarts_v(\d{6})\.marts\.")  # how a statement names a version's file

    def __init__(self, home: Path, source: Path) -> None:
        """home: HOME as above. source: the company's DuckDB file, which DATA=raw is read from."""
        self.home, self.source, self.state = home, source, home / "state"
        self.link, self.numbered = home / "current", home / "versions"
        self.work, self.failed = self.state / "work", self.state / "failed"
        self.warehouses = self.state / "warehouses"
        self.database = self.work / "warehouse.duckdb"
        self.journal = Journal(self.state / "publish.journal")
        self.drawn = self.state / "report"  # the report of what is being built, where it was drawn

    def open_work(self) -> dict[str, str]:
        """Copy the warehouse of the last version, so that what fails here spoils nothing."""
        publishing.open_home(self.home)
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(mode=0o700)
        for file in self.kept_warehouses()[-1:]:
            copy_file(file, self.database)
        return {"CUSTOMER_VALUE_DATABASE": str(self.database)}

    def load(self, data: str, variables: dict[str, Any]) -> str:
        """Load as make build does, or copy the raw tables of the company's file in one snapshot."""
        if data != "raw":
            datasets.load(data, self.database)
            origins = {origin.name for origin in loading.held(self.database).values() if origin}
            return ", ".join(sorted(origins))
        return company_file.copy(self.source, self.database, variables)

    def inputs(self, schema: str) -> dict[str, list[str]]:
        """Hash every row; sums and exclusive ors do not depend on their order."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            tables = connection.execute(
                "select table_name from information_schema.tables where table_schema = ? order by 1", [schema]
            ).fetchall()
            found = {}
            for (table,) in tables:
                statement = (
                    "select count(*), bit_xor(hash(t)), sum(hash(t)) "
                    f"from {identifier(schema)}.{identifier(table)} as t"
                )
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

    def records(self) -> Records:
        """Return the files of state/runs."""
        return Records(self.state / "runs")

    def rows(self, statement: str) -> list[tuple]:
        """Read the warehouse that is being built, with the files of the versions that the statement names."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            for number in set(self.VERSION_NAME.findall(statement)):
                file = self.folder(int(number)) / ANALYTICS
                connection.execute(f"attach {quoted(str(file))} as marts_v{number} (read_only)")
            return connection.execute(statement).fetchall()

    def published(self, mart: str, version: Version) -> str | None:
        """Name it in the file of its version, which rows() attaches."""
        return f"marts_v{version.number:06}.marts.{mart}" if mart in version.row_counts else None

    def versions(self) -> list[Version]:
        """Read every version.json; folders without one that can be read are left alone, and are no versions."""
        found = (version_files.read(folder) for folder in self.folders())
        return [version for version in found if version]

    def folders(self) -> list[Path]:
        """Return the directories of versions, oldest first, whatever is in them."""
        return sorted(folder for folder in self.numbered.glob("[0-9]*") if folder.name.isdigit() and folder.is_dir())

    def folder(self, number: int) -> Path:
        """Return the directory of a version."""
        return self.numbered / f"{number:06}"

    def current(self) -> Version | None:
        """Follow the link; None where it is not there, is no link, or leads to anything but a version of this home."""
        try:
            folder = self.link.resolve() if self.link.is_symlink() else None
        except RuntimeError:  # links in a circle
            return None
        version = folder and version_files.read(folder)
        return version if version and folder == self.folder(version.number).resolve() else None

    def seen(self) -> list[Version]:
        """Return all versions but the one that the journal says was about to be shown."""
        begun, current = self.journal.read(), self.current()
        unseen = begun.number if begun and begun.marks is None else None
        if current and current.number == unseen:
            unseen = None
        return [version for version in self.versions() if version.number != unseen]

    def next_number(self) -> int:
        """Return a number that neither a version nor a warehouse has."""
        names = [folder.name for folder in (*self.folders(), *self.warehouses.glob("[0-9]*"))]
        return max((int(name) for name in names if name.isdigit()), default=0) + 1

    def damage(self, version: Version) -> list[str]:
        """Hold the files of a version against its checksums."""
        return version_files.damage(self.folder(version.number), version)

    def kept_warehouses(self) -> list[Path]:
        """Return the files that versions were built in, oldest first."""
        return sorted(self.warehouses.glob("[0-9]*/warehouse.duckdb"))

    def publish(self, version: Version, tables: list[Mart]) -> None:
        """Write the files beside the others, keep the warehouse, give both their names, turn the link."""
        draft = self.numbered / ".draft"
        version_files.delete(draft)
        if not self.numbered.exists():
            self.numbered.mkdir()
            self.numbered.chmod(0o755)
        draft.mkdir()
        version.row_counts = self.write_marts(draft, tables)
        if self.drawn.exists():
            self.drawn.rename(draft / version_files.REPORT)
        version.checksums = version_files.checksums(draft)
        version_files.write(draft, version)
        version_files.seal(draft)
        files = [*(draft / name for name in version_files.MODES), *version_files.report_files(draft)]
        for path in (*files, draft):
            synchronise(path)
        kept = self.warehouses / f"{version.number:06}"
        kept.parent.mkdir(exist_ok=True, mode=0o700)
        current = self.current()
        self.begin(Entry(version.number, current and current.number))
        self.work.rename(kept)
        draft.rename(self.folder(version.number))
        synchronise(self.numbered)
        self.turn_to(version.number)
        self.journal.clear()

    def begin(self, entry: Entry) -> None:
        """Write the journal, and have the disk keep it."""
        self.journal.write(entry)
        synchronise(self.state)

    def write_marts(self, folder: Path, tables: list[Mart]) -> dict[str, int]:
        """Copy the marts to the two files of a version; return {mart: rows}.

        The first gets those without personal data. The second begins as its copy, which costs less than writing all
        twice, and gets the others. So nothing personal was ever in the first, not even in blocks that were freed.
        """
        analytics, full = folder / ANALYTICS, folder / FULL
        personal = [mart for mart in tables if mart.is_personal]
        with duckdb.connect(str(self.database)) as connection:
            connection.execute("checkpoint")
            counts = copy_marts(connection, analytics, [mart for mart in tables if not mart.is_personal])
            copy_file(analytics, full)
            counts |= copy_marts(connection, full, personal)
            counts |= recount(connection, full, tables)
        for file in (analytics, full, self.database):
            if file.with_name(file.name + ".wal").exists():
                raise PublishError(f"{file} is not complete: it still has a write-ahead log")
        return counts

    def turn_to(self, number: int) -> None:
        """Make a version current: rename(2) puts the new link in place of the old one, with nothing in between."""
        link = self.home / "current.new"
        link.unlink(missing_ok=True)
        link.symlink_to(self.folder(number).relative_to(self.home))
        link.replace(self.link)
        synchronise(self.home)

    def roll_back(self, number: int, now: str) -> Version:
        """Note the marks as they are, mark what is taken back, then turn the link: killed in between, it is undone."""
        self.settle_journal()
        if in_the_way := self.in_the_way():
            raise PublishError(in_the_way)
        versions = {version.number: version for version in self.versions()}
        if number not in versions:
            raise PublishError(f"there is no version {number}; published versions: {told(versions) or 'none'}")
        if found := self.damage(versions[number]):
            whole = [each for each in versions.values() if each.number != number and not self.damage(each)]
            raise PublishError(
                f"version {number} is damaged: {'; '.join(found)}. Nothing was changed. "
                f"Whole are: {told(version.number for version in whole) or 'no others'}"
            )
        current, marks = self.current(), {each.number: each.withdrawn_at for each in versions.values()}
        self.begin(Entry(number, current and current.number, {str(each): mark for each, mark in marks.items()}))
        withdraw(versions.values(), number, now)
        self.write(version for version in versions.values() if version.withdrawn_at != marks[version.number])
        version_files.seal(self.folder(number))
        self.turn_to(number)
        self.journal.clear()
        return versions[number]

    def write(self, versions: Iterable[Version]) -> None:
        """Write what is known of versions anew."""
        for version in versions:
            version_files.write(self.folder(version.number), version)

    def recover(self) -> list[str]:
        """Undo what the journal says was begun and not shown, then remove drafts and the place to build in."""
        removed = self.settle_journal()
        if unknown := self.unknown():
            raise PublishError(unknown)
        current = self.current()
        if current and current.withdrawn_at:  # a rollback of a release without a journal was killed
            half_done = [version for version in self.versions() if version.withdrawn_at == current.withdrawn_at]
            for version in half_done:
                version.withdrawn_at = None
            self.write(half_done)
            removed.append("marks of a rollback that was not carried out")
        for left in (self.numbered / ".draft", self.work, self.drawn, self.home / "current.new"):
            if left.is_symlink():
                left.unlink()
            elif left.exists():
                removed.append(f"a half-made {left.relative_to(self.home)}")
                version_files.delete(left)
        for grave in (*self.numbered.glob(".removed-*"), *self.warehouses.glob(".removed-*")):
            version_files.delete(grave)
        for folder in self.folders():
            if version := version_files.read(folder):
                version_files.seal(folder, self.is_for_readers(version))
            else:
                removed.append(f"not {folder.relative_to(self.home)}, whose version.json cannot be read")
        return removed

    def settle_journal(self) -> list[str]:
        """Finish what was begun where the link is turned, undo it where it is not; return what was undone.

        Where the link is neither as it was nor as it was to be, nothing is done.
        """
        begun, current = self.journal.read(), self.current()
        if begun is None:
            return []
        undone = []
        if not current or current.number != begun.number:
            if (current and current.number) != begun.previous:
                return []
            if begun.marks is not None:
                undone = ["marks of a rollback that was not carried out"]
                self.write_marks(begun.marks)
            elif not current and (os.path.lexists(self.link) or set(self.folders()) - {self.folder(begun.number)}):
                return []
            else:
                undone = self.remove_unseen(begun.number)
        self.journal.clear()
        return undone

    def write_marks(self, marks: dict[str, str | None]) -> None:
        """Give versions the marks that they had."""
        versions = [version for version in self.versions() if str(version.number) in marks]
        changed = [version for version in versions if version.withdrawn_at != marks[str(version.number)]]
        for version in changed:
            version.withdrawn_at = marks[str(version.number)]
        self.write(changed)

    def remove_unseen(self, number: int) -> list[str]:
        """Remove a version that readers never saw, and the warehouse that it was built in."""
        folder, warehouse = self.folder(number), self.warehouses / f"{number:06}"
        removed = [f"version {number}, which was never current"] if folder.exists() else []
        for left in (folder, warehouse):
            if left.exists():
                version_files.remove(left)
        return removed

    def unknown(self) -> str:
        """Say why it is not known which version is current, and what to do; empty where it is known."""
        versions = {version.number: version for version in self.versions()}
        current, in_the_way = self.current(), self.in_the_way()
        if current:
            newer = [each for each in versions.values() if each.number > current.number and not each.withdrawn_at]
            if not newer:
                return ""
            names = told(version.number for version in newer)
            why = (
                f"{self.link} leads to version {current.number}, and no rollback took back what came after it "
                f"({names}): somebody turned the link by hand"
            )
        elif not os.path.lexists(self.link) and not self.folders():
            return ""  # nothing is published, or all of it was moved away: the last warehouse is built on
        elif in_the_way:
            why = in_the_way
        elif self.link.is_symlink():
            why = f"{self.link} leads to {self.link.readlink()}, and no version can be read there"
        else:
            why = f"there is no link {self.link}"
        if versions:
            newest = current.number if current else max(versions)
            return (
                f"{why}. Nothing was removed. There are versions {told(versions)}; name the one that readers shall "
                f"see, such as: {rollback_command(self.home, newest)}"
            )
        steps = [move_away(self.link)] if in_the_way else [f"rm {shlex.quote(str(self.link))}"] * self.link.is_symlink()
        steps += [move_away(self.numbered)] * self.numbered.exists()
        return (
            f"{why}. Nothing was removed. No version can be read in {self.numbered}: restore it from a backup; without "
            f"one, to publish anew from the last warehouse: {' && '.join(steps)}"
        )

    def in_the_way(self) -> str:
        """Say what is in the place of the link; empty where nothing is."""
        if self.link.is_symlink() or not os.path.lexists(self.link):
            return ""
        kind = "folder" if self.link.is_dir() else "file"
        return f"{self.link} is a {kind}, no link; move it away first: {move_away(self.link)}"

    def is_for_readers(self, version: Version) -> bool:
        """Tell whether readers may open a version: not where personal data is in it, unless they see it already."""
        current = self.current()
        return FULL in version.checksums or bool(current and current.number == version.number)

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
        """Remove old versions, and every warehouse but the last two."""
        removed = superfluous(self.versions(), self.current(), kept)
        for number in removed:
            version_files.remove(self.folder(number))
        for warehouse in self.kept_warehouses()[:-WAREHOUSES_KEPT]:
            version_files.remove(warehouse.parent)
        for version in self.versions():
            version_files.seal(self.folder(version.number), self.is_for_readers(version))
        return removed


def copy_marts(connection: duckdb.DuckDBPyConnection, file: Path, tables: list[Mart]) -> dict[str, int]:
    """Copy marts, with what they and their columns mean, to a file, which is made where it is not there.

    Returns {mart: rows}, read back from the file itself: what is not in it must not become current.
    """
    connection.execute(f"attach {quoted(str(file))} as published (storage_version '{STORAGE}')")
    connection.execute("create schema if not exists published.marts")
    for mart in tables:
        target = f"published.marts.{mart.name}"
        connection.execute(f"create table {target} as select * from marts.{mart.name}")
        connection.execute(f"comment on table {target} is {quoted(mart.description)}")
        for column, description in mart.columns.items():
            connection.execute(f"comment on column {target}.{column} is {quoted(description)}")
    connection.execute("detach published")
    return recount(connection, file, tables)


def recount(connection: duckdb.DuckDBPyConnection, file: Path, tables: list[Mart]) -> dict[str, int]:
    """Return {mart: rows} of a file; PublishError where they are not those of the warehouse."""
    counts = {}
    connection.execute(f"attach {quoted(str(file))} as published (read_only)")
    for mart in tables:
        counts[mart.name], built = connection.execute(
            f"select (select count(*) from published.marts.{mart.name}), (select count(*) from marts.{mart.name})"
        ).fetchone()
        if counts[mart.name] != built:
            raise PublishError(f"{mart.name} has {built} rows, its copy {counts[mart.name]}")
    connection.execute("detach published")
    return counts


def copy_file(source: Path, target: Path) -> None:
    """Copy a file; at once and without room of its own where the file system shares blocks."""
    command = ["cp", "--reflink=auto", str(source), str(target)]
    copied = subprocess.run(command, capture_output=True, text=True, check=False)
    if copied.returncode:
        raise OSError(copied.stderr.strip())


def move_away(path: Path) -> str:
    """Return the command that gives a path a name beside it that nothing has yet."""
    number = 1
    while os.path.lexists(free := path.with_name(f"{path.name}.away{number}")):
        number += 1
    return f"mv {shlex.quote(str(path))} {shlex.quote(str(free))}"


def told(numbers: Iterable[int]) -> str:
    """Return numbers for people."""
    return ", ".join(map(str, numbers))
