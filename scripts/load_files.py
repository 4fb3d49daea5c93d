"""Fill the raw schema with one's own files: FOLDER/<source>.csv or FOLDER/<source>.parquet.

<source> is orders (required), order_items, customers, refunds or marketing_touches; the columns are those of
models/staging/_sources.yml, in any order, of which only the required ones must be there. CSV: UTF-8, comma,
a header line; an empty field is null. All values arrive as they are; staging casts them.
What the raw schema held before is replaced, all at once or, on an error, not at all.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import duckdb
import raw_schema
from raw_schema import Column, LoadError, Origin, quoted


def origin(folder: Path) -> Origin:
    """Return the folder and a stamp of its files, which changes when one of them does."""
    stamps = [f"{file.name}:{file.stat().st_size}:{file.stat().st_mtime_ns}" for file in source_files(folder).values()]
    return Origin.of(f"files in {folder.resolve()}", ", ".join(stamps))


def source_files(folder: Path) -> dict[str, Path]:
    """Return {source: file}. Raises LoadError for no folder, no orders, or two files for one source."""
    if not folder.is_dir():
        raise LoadError(f"there is no folder {folder}")
    found: dict[str, Path] = {}
    for source in raw_schema.contract():
        files = [folder / f"{source}.{ending}" for ending in ("csv", "parquet")]
        files = [file for file in files if file.is_file()]
        if len(files) > 1:
            raise LoadError(f"two files for {source} in {folder}: keep one of {', '.join(file.name for file in files)}")
        if files:
            found[source] = files[0]
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() in (".csv", ".parquet") and file not in found.values():
            print(f"{file.name}: not the name of a source, left out (names: {', '.join(raw_schema.contract())})")
    if "orders" not in found:
        present = ", ".join(sorted(file.name for file in folder.iterdir())) or "nothing"
        raise LoadError(f"there is no orders.csv or orders.parquet in {folder}; it holds {present}")
    return found


def header(file: Path) -> list[str]:
    """Return the column names of a CSV or Parquet file. Raises LoadError when it cannot be read."""
    try:
        if file.suffix == ".parquet":
            names = duckdb.sql(f"select * from read_parquet({quoted(str(file))})").columns
        else:
            with file.open(encoding="utf-8-sig", newline="") as lines:
                names = [name.strip() for name in next(csv.reader(lines), [])]
    except (duckdb.Error, UnicodeDecodeError) as error:
        raise LoadError(f"{file} cannot be read: {error}") from error
    if len(set(names)) < len(names):
        raise LoadError(f"{file} names a column twice: {', '.join(names)}")
    return names


def select(file: Path, columns: list[Column]) -> str:
    """Return the SELECT that reads the contract's columns of a file. Raises LoadError when a required one is missing.

    CSV columns are read as text by the names of the header line, never guessed.
    """
    names = header(file)
    missing = [column.name for column in columns if column.required and column.name not in names]
    if missing:
        raise LoadError(f"{file} lacks the required column {', '.join(missing)}; it has {', '.join(names) or 'none'}")
    known = [column.name for column in columns]
    ignored = [name for name in names if name not in known]
    if ignored:
        print(f"{file.name}: not in the contract, left out: {', '.join(ignored)}")
    wanted = ", ".join(name for name in names if name in known)
    if file.suffix == ".parquet":
        return f"select {wanted} from read_parquet({quoted(str(file))})"
    types = ", ".join(f"{quoted(name)}: 'varchar'" for name in names)
    return (
        f"select {wanted} from read_csv({quoted(str(file))}, header = true, auto_detect = false, delim = ',', "
        f"quote = '\"', escape = '\"', nullstr = '', strict_mode = true, columns = {{{types}}})"
    )


def load(arguments: argparse.Namespace) -> dict[str, int]:
    """Fill arguments.database from arguments.folder; return {table: rows}. Raises LoadError as named above."""
    columns = raw_schema.contract()
    files = source_files(arguments.folder)
    selects = {source: select(file, columns[source]) for source, file in files.items()}
    return raw_schema.replace_raw(arguments.database, origin(arguments.folder), selects)


if __name__ == "__main__":
    raw_schema.main(__doc__, load, folder=True)
