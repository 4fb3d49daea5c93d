"""An erasure on DuckDB: every file of a HOME is written anew without the person, and takes the old one's place.

A file that is changed in place keeps what was in it in freed blocks. So each is copied, changed, and its tables copied
into a new file with the same format, views, comments and permissions, which is renamed over the old one in one step:
readers find the old one or the new one, never half of one.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from customer_value import report
from customer_value.privacy import compaction, mentions
from customer_value.privacy.compaction import DRAFT, synchronise
from customer_value.privacy.erased_builds import erase_built, erase_texts, residue
from customer_value.privacy.keepers import FileKeeper, has_guest_id
from customer_value.privacy.personal_rows import GONE, NOT_BUILT, Database, Person, erase_raw
from customer_value.privacy.who_is_who import bearers, guest_emails, relatives
from customer_value.publish import version_files
from customer_value.publish.duckdb_store import DuckDBStore
from customer_value.publish.publishing import Version
from customer_value.quoting import quoted
from customer_value.refresh import run_records

# what the store works by; it names nobody
NOT_SEARCHED = {version_files.DESCRIPTION, "publish.journal", "lock", report.DOCUMENTATION}


class Home:
    """All that a HOME holds."""

    def __init__(self, home: Path, store: DuckDBStore, variables: dict[str, Any]) -> None:
        self.home, self.store, self.variables, self.raw = home, store, variables, variables["raw_schema"]
        self.notes: list[str] = []

    def tidy(self) -> None:
        """Remove what an erasure that was killed has left."""
        for left in self.files():
            if left.name.startswith(DRAFT):
                with writable(left.parent):
                    left.unlink()

    def keeper(self) -> FileKeeper:
        """Return the key and the list of this home."""
        return FileKeeper(self.home)

    def files(self) -> list[Path]:
        """Return the files that refreshes made, oldest version first; what else lies in the folder is not ours."""
        found = [file for name in ("state", "versions") for file in (self.home / name).rglob("*")]
        return sorted(file for file in found if file.is_file() and not file.is_symlink())

    def databases(self) -> list[Path]:
        """Return every DuckDB file."""
        return [file for file in self.files() if file.suffix == ".duckdb"]

    def texts(self) -> list[Path]:
        """Return every other file: records, logs, pages. The key, the list and the certificates name nobody."""
        private = self.home / "state" / "privacy"
        others = [file for file in self.files() if file.suffix != ".duckdb" and file.name not in NOT_SEARCHED]
        return [file for file in others if private not in file.parents]

    @contextmanager
    def opened(self, file: Path, name: str, read_only: bool = True) -> Iterator[Database]:
        """Yield a file as the database of a name."""
        with compaction.opened(file, name, self.variables["memory_limit"], read_only) as connection:
            yield Database(connection)

    def schemas(self, database: Database) -> list[str]:
        """Return the schemas that were built."""
        return [schema for schema in database.tables() if schema not in NOT_BUILT | {self.raw}]

    def relatives(self, ids: set[str]) -> tuple[set[str], set[str], set[str], set[str]]:
        """Return what who_is_who.relatives() finds in any file."""
        more: tuple[set[str], set[str], set[str], set[str]] = (set(), set(), set(), set())
        for file in self.databases():
            with self.opened(file, file.stem) as database:
                found = relatives(database, self.raw, self.schemas(database), self.variables, ids)
            for values, others in zip(more, found, strict=True):
                values |= others
        return more

    def guests(self, key: str, guest_id: str) -> set[str]:
        """Return the e-mails whose guest orders have an id."""
        found: set[str] = set()
        for file in self.databases():
            with self.opened(file, file.stem) as database:
                found |= guest_emails(database, self.raw, self.variables, has_guest_id(guest_id, quoted(key)))
        return found

    def bearers(self, emails: set[str]) -> set[tuple[str, str]]:
        """Return (customer_id, e-mail) of the records in the newest build that bear one of these e-mails."""
        for file in sorted(self.store.warehouses.glob("*/warehouse.duckdb"))[-1:]:
            with self.opened(file, file.stem) as database:
                return bearers(database, self.raw, self.variables, emails)
        return set()

    def place(self, file: Path) -> str:
        """Return how a certificate names a file."""
        return str(file.relative_to(self.home))

    def erase(self, person: Person) -> dict[str, int]:
        """Write every file anew without the person; return what was found where."""
        found = {}
        # damage before the erasure stays known: its checksums are not taken anew
        damage = {version.number: self.store.damage(version) for version in self.store.versions()}
        whole = [version for version in self.store.versions() if not damage[version.number]]
        self.note_damage(damage)
        for folder, files in itertools.groupby(self.databases(), lambda file: file.parent):
            for file in files:
                for table, rows in self.rewrite(file, person).items():
                    found[f"{self.place(file)}: {table}"] = rows
            self.redraw(folder, found)
            for version in whole:
                if self.store.folder(version.number) == folder:
                    self.sign(folder, version)
        for file in self.texts():
            if hits := self.hits(file, person):
                found[self.place(file)] = hits
                self.overwrite(file, person)
        return found

    def redraw(self, folder: Path, found: dict[str, int]) -> None:
        """Draw the report of a version anew where its file had the person in it: boards show customers.

        Also where an erasure was killed that had taken the boards away. A report that the boards of today cannot draw
        from an earlier release's marts goes.
        """
        drawn, file = folder / version_files.REPORT, folder / version_files.ANALYTICS
        had_person = any(place.startswith(f"{self.place(file)}: ") for place in found)
        if drawn.exists() and (had_person or not (drawn / report.INDEX).exists()):
            for path in (folder, drawn):
                path.chmod(0o755)
            version = version_files.read(folder)
            variables = self.variables | (version.variables if version else {})
            if not report.redraw(report.file_source(file), drawn, variables["reporting_currency"]):
                self.notes.append(f"{self.place(drawn)} is gone: it could not be drawn anew without the person.")
            version_files.seal(folder)

    def note_damage(self, damage: dict[int, list[str]]) -> None:
        """Note the versions that are not signed anew. damage: {number: what is not as it was published}."""
        for number, said in damage.items():
            if said:
                self.notes.append(
                    f"Version {number} was damaged before and is not signed anew; what is there of it was searched, "
                    f"and what is gone was not: {'; '.join(said)}."
                )

    def rewrite(self, file: Path, person: Person) -> dict[str, int]:
        """Write one file anew without the person; a published file that never had the person in it stays."""
        draft, new = file.with_name(f"{DRAFT}-old-{file.name}"), file.with_name(f"{DRAFT}-new-{file.name}")
        mode, log = file.stat().st_mode & 0o777, file.with_name(f"{file.name}.wal")
        with writable(file.parent):
            shutil.copyfile(file, draft)
            draft.chmod(0o600)
            if log.exists():  # a build that failed half-way
                shutil.copyfile(log, draft.with_name(f"{draft.name}.wal"))
            with self.opened(draft, file.stem, read_only=False) as database:
                schemas = self.schemas(database)
                database.execute("begin")
                found = erase_raw(database, self.raw, self.variables, person)
                found |= erase_built(database, schemas, self.variables, person)
                left = residue(database, [*schemas, self.raw], person)
                erase_texts(database, left, person)
                database.execute("commit")
                found |= {place: rows for place, rows in left.items() if place not in found}
            if found or "state" in file.relative_to(self.home).parts:
                compaction.copy(draft, new, file.stem, self.variables["memory_limit"])
                new.chmod(mode)
                log.unlink(missing_ok=True)
                if file.name == version_files.ANALYTICS:
                    clear_report(file.parent)
                new.replace(file)
            for left_over in (draft, draft.with_name(f"{draft.name}.wal"), new):
                left_over.unlink(missing_ok=True)
            synchronise(file.parent)
        return found

    def sign(self, folder: Path, version: Version) -> None:
        """Take the checksums of a version anew, and what its raw rows were: the warehouses were written before it."""
        before = version.to_json()
        version.checksums = version_files.checksums(folder) if version.checksums else {}
        warehouse = self.store.warehouses / f"{version.number:06}" / "warehouse.duckdb"
        if warehouse.exists():
            built = DuckDBStore(self.home, self.store.source)
            built.database = warehouse
            version.fingerprint["inputs"] = json.loads(json.dumps(built.inputs(self.raw), default=str))
        if version.to_json() != before:
            self.describe(folder, version)

    def describe(self, folder: Path, version: Version) -> None:
        """Replace what is known of a version, its permissions kept."""
        file = folder / "version.json"
        mode = file.stat().st_mode & 0o777
        with writable(folder):
            run_records.write_whole(file, version.to_json())
            file.chmod(mode)

    def pattern(self, person: Person, file: Path) -> re.Pattern[str] | None:
        """Return what finds the person in a file of text. Of numbers it is sure only where people write words."""
        texts = person.telling() if file.suffix in (".log", ".html", ".md", ".txt") else mentions.words(person)
        return mentions.pattern([*texts, *person.full_names()], is_binary=file.suffix == ".msgpack")

    def hits(self, file: Path, person: Person) -> int:
        """Return how often a file of text names the person."""
        pattern = self.pattern(person, file)
        return len(pattern.findall(text_of(file))) if pattern else 0

    def hits_in_bytes(self, file: Path, person: Person) -> int:
        """Return how often the bytes of a database name the person, in freed blocks too.

        Texts lie side by side there, so that what is in another's text cannot be told apart, and is not counted.
        """
        content = file.read_bytes().lower()
        there = [each for each in mentions.words(person) if each.lower().encode() in content]
        if there:
            with self.opened(file, file.stem) as database:
                there = [each for each in there if not mentions.is_within_another(database, each)]
        return sum(content.count(each.lower().encode()) for each in there)

    def overwrite(self, file: Path, person: Person) -> None:
        """Write a file of text anew with a word in the person's place; what is no text, a cache of dbt, goes."""
        mode = file.stat().st_mode & 0o777
        with writable(file.parent):
            if file.suffix in (".msgpack", ".wal"):
                file.unlink()
                return
            draft = file.with_name(f"{DRAFT}-{file.name}")
            draft.write_bytes(encoded(self.pattern(person, file).sub(GONE, text_of(file))))
            draft.chmod(mode)
            synchronise(draft)
            draft.replace(file)

    def residue(self, person: Person) -> dict[str, int]:
        """Search all tables of all files, and the bytes of every file; return where the person still is."""
        left = {}
        for file in self.databases():
            with self.opened(file, file.stem) as database:
                for column, rows in residue(database, [*self.schemas(database), self.raw], person).items():
                    left[f"{self.place(file)}: {column}"] = rows
            if hits := self.hits_in_bytes(file, person):
                left[f"{self.place(file)}: bytes"] = hits
        for file in self.texts():
            if hits := self.hits(file, person):
                left[self.place(file)] = hits
        return left

    def searched(self) -> dict[str, Any]:
        """Return what a search looks through."""
        return {"databases": [self.place(file) for file in self.databases()], "other_files": len(self.texts())}


def clear_report(folder: Path) -> None:
    """Take the boards of a version's report away before its file changes: a PDF cannot be searched for the person.

    So an erasure that is killed before it has drawn them anew leaves none, and the next one sees that they lack.
    """
    drawn = folder / version_files.REPORT
    if drawn.exists():
        drawn.chmod(0o755)
        report.clear(drawn)


def text_of(file: Path) -> str:
    """Return what is in a file, bytes that are no UTF-8 as surrogates."""
    return file.read_bytes().decode("utf-8", "surrogateescape")


def encoded(content: str) -> bytes:
    """Return the bytes that text_of() read."""
    return content.encode("utf-8", "surrogateescape")


@contextmanager
def writable(folder: Path) -> Iterator[None]:
    """Let files of a folder be replaced while the block runs."""
    mode = folder.stat().st_mode & 0o777
    folder.chmod(mode | 0o200)
    try:
        yield
    finally:
        folder.chmod(mode)
