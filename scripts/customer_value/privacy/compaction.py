"""A DuckDB file written anew: what was deleted or overwritten in it stays in freed blocks of the old one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from customer_value.publish.version_files import synchronise
from customer_value.quoting import quoted

DRAFT = ".erasing"


@contextmanager
def opened(file: Path, name: str, memory_limit: str, read_only: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a connection to a file under a name, which views in it may use; what does not fit is spilled beside it."""
    spill = file.parent / f"{DRAFT}.tmp"
    settings = {"temp_directory": str(spill), "memory_limit": memory_limit.replace(" ", "")}
    try:
        with duckdb.connect(config=settings) as connection:
            mode = " (read_only)" if read_only else ""
            connection.execute(f'attach {quoted(str(file))} as "{name}"{mode}')
            connection.execute(f'use "{name}"')
            yield connection
    finally:
        shutil.rmtree(spill, ignore_errors=True)


def copy(file: Path, new: Path, name: str, memory_limit: str) -> None:
    """Copy all tables, views and comments of a file into a new one of the same format."""
    new.unlink(missing_ok=True)
    with opened(file, name, memory_limit) as connection:
        (tags,) = connection.execute("select tags from duckdb_databases() where database_name = ?", [name]).fetchone()
        version = tags.get("storage_version", "").rstrip("+")
        options = f" (storage_version {quoted(version)})" if version else ""
        connection.execute(f"attach {quoted(str(new))} as erased_copy{options}")
        connection.execute(f'copy from database "{name}" to erased_copy')
        connection.execute("detach erased_copy")
    synchronise(new)


def compact(file: Path, memory_limit: str) -> None:
    """Write a file anew in its own place, which nobody may have open."""
    new = file.with_name(f"{DRAFT}-new-{file.name}")
    copy(file, new, file.stem, memory_limit)
    new.chmod(file.stat().st_mode & 0o777)
    new.replace(file)
    synchronise(file.parent)
