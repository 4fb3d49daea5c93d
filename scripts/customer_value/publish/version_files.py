"""The files of a version on DuckDB: who may open them, their checksums, what of them is damaged, how they go.

    analytics.duckdb   0444   all marts but those with personal data: what readers open
    full.duckdb        0400   all marts, for the owner alone
    report/            0444   its files, where the report was drawn: index.html first
    version.json       0444   what is known of the version; folders have mode 0555

A version of a release that wrote one file has all marts in analytics.duckdb, and no checksums.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb

from customer_value.publish.publishing import Version
from customer_value.refresh import run_records

ANALYTICS, FULL, DESCRIPTION, REPORT = "analytics.duckdb", "full.duckdb", "version.json", "report"
MODES = {ANALYTICS: 0o444, FULL: 0o400, DESCRIPTION: 0o444}


def read(folder: Path) -> Version | None:
    """Return what is known of the version in a folder; None where there is none, or its description is damaged."""
    try:
        return Version.of(json.loads((folder / DESCRIPTION).read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError, AttributeError):
        return None


def write(folder: Path, version: Version) -> None:
    """Replace what is known of the version in a folder."""
    folder.chmod(0o755)
    run_records.write_whole(folder / DESCRIPTION, version.to_json(), MODES[DESCRIPTION])
    folder.chmod(0o555)


def seal(folder: Path, is_shown: bool = True) -> None:
    """Let nobody write to a version, and readers read what is theirs, whatever the umask was.

    is_shown: false takes the file of a release that wrote one alone, personal data in it, from readers.
    """
    modes = MODES | ({} if is_shown or (folder / FULL).exists() else {ANALYTICS: 0o400})
    drawn = [(file, 0o444) for file in report_files(folder)]
    folders = [(path, 0o555) for path in (folder / REPORT, folder)]
    for path, mode in [*((folder / name, mode) for name, mode in modes.items()), *drawn, *folders]:
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mode & 0o777 != mode:
                path.chmod(mode)


def report_files(folder: Path) -> list[Path]:
    """Return the files of a version's report; none where it has none."""
    return sorted((folder / REPORT).glob("*"))


def checksums(folder: Path) -> dict[str, str]:
    """Return {file that readers open, from the version's folder on: sha256 of its content}."""
    names = [ANALYTICS, FULL, *(str(file.relative_to(folder)) for file in report_files(folder))]
    return {name: checksum(folder / name) for name in names}


def checksum(file: Path) -> str:
    """Return the sha256 of a file's content."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def damage(folder: Path, version: Version) -> list[str]:
    """Return what of a version's files is not as it was published, in words; empty where all is.

    Without checksums, of an older release, the file has to open and to hold the rows that were counted.
    """
    found = []
    for name in version.checksums or [ANALYTICS]:
        file = folder / name
        if not file.is_file():
            found.append(f"{name} is gone")
            continue
        if file.with_name(f"{file.name}.wal").exists():  # what is in it would be read as part of the file
            found.append(f"{name}.wal has been written beside it")
        try:
            if version.checksums and checksum(file) != version.checksums[name]:
                found.append(f"{name} is not the file that was published: its checksum differs")
        except OSError as error:
            found.append(f"{name} cannot be read: {error.strerror}")
    return found or ([] if version.checksums else list(miscounted(folder / ANALYTICS, version.row_counts)))


def miscounted(file: Path, row_counts: dict[str, int]) -> Iterator[str]:
    """Yield what is wrong with a file of which only {mart: rows} is known."""
    try:
        with duckdb.connect(str(file), read_only=True) as connection:
            for mart, rows in row_counts.items():
                (found,) = connection.execute(f'select count(*) from marts."{mart}"').fetchone()
                if found != rows:
                    yield f"{file.name} has {found:,} rows of {mart}, {rows:,} were published"
    except duckdb.Error as error:
        yield f"{file.name} cannot be read: {str(error).splitlines()[0]}"


def remove(folder: Path) -> None:
    """Remove a folder in a way that leaves no half of it under its name."""
    grave = folder.with_name(f".removed-{folder.name}")
    delete(grave)
    folder.rename(grave)
    delete(grave)


def delete(folder: Path) -> None:
    """Delete a folder where there is one, also when it is sealed."""
    if folder.exists():
        for path, _, _ in os.walk(folder):
            Path(path).chmod(0o700)
        shutil.rmtree(folder)


def synchronise(path: Path) -> None:
    """Have the disk keep a file, or the names in a directory."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
