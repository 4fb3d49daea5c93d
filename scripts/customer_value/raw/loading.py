"""One way for every loader to fill the raw schema."""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import re
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import duckdb

from customer_value import contract
from customer_value.contract import SCHEMA, Column
from customer_value.project import default_database
from customer_value.quoting import quoted

# the modules on which the content of a raw table depends, or whether it may be loaded
LOADERS = ("loading.py", "load_complete_journey.py", "load_cdnow.py", "load_files.py", "delivery_manifest.py")

# kinds of error whose text names files, tables and columns, but no value that was read
OF_NO_VALUE = (duckdb.IOException, duckdb.CatalogException, duckdb.BinderException, duckdb.OutOfMemoryException)

# names that a DuckDB file cannot have, because the project has schemas of these names in it
RESERVED_NAMES = {"raw", "staging", "intermediate", "marts", "reference", "oracle"}


class LoadError(Exception):
    """Input that cannot be loaded; the message says what is wrong and what to do."""


@dataclass(frozen=True)
class Origin:
    """What the raw schema was filled with; kept as the comment of every raw table, so that it travels with the data.

    name: for people. stamp: changes when the input does. loader: changes when the loaders or the contract do.
    """

    name: str
    stamp: str
    loader: str

    @classmethod
    def of(cls, name: str, stamp: str = "") -> Origin:
        """Return the origin of data that the present loaders would load."""
        digest = hashlib.sha256(contract.CONTRACT_FILE.read_bytes())
        for module in LOADERS:
            digest.update(Path(__file__).with_name(module).read_bytes())
        return cls(name, stamp, digest.hexdigest()[:16])

    def comment(self) -> str:
        """Return the text that marks a table as loaded by this project."""
        return json.dumps({"loaded_by": "customer_value"} | asdict(self))

    @classmethod
    def from_comment(cls, comment: str | None) -> Origin | None:
        """Return the origin that a table's comment states, None where it is no such comment."""
        try:
            stated = json.loads(comment or "")
        except ValueError:
            return None
        if not isinstance(stated, dict) or stated.get("loaded_by") != "customer_value":
            return None
        return cls(*(str(stated.get(each.name, "")) for each in fields(cls)))


def check_name(database: Path) -> None:
    """Raise LoadError when the file has the name of a schema in it: DuckDB could not tell the two apart."""
    if database.stem.lower() in RESERVED_NAMES:
        raise LoadError(f"{database.name} has the name of a schema in it; DuckDB needs another, such as shop.duckdb")


def reason(error: duckdb.Error) -> str:
    """Return what DuckDB says on one line, without the kind of error, its advice, and any value that was read."""
    text = re.sub("^[A-Z][A-Za-z ]+ Error: ", "", str(error).splitlines()[0])
    if isinstance(error, OF_NO_VALUE):
        return text
    if line := re.match(r"CSV Error on Line: \d+", text):
        return line[0]
    return re.split(r"[\"'`(:\d]", text)[0].strip() or type(error).__name__


def refuse_foreign(place: str, comments: dict[str, str | None], advice: str) -> None:
    """Raise LoadError where tables or views stand in the place of raw tables and this project did not load them.

    comments: {table of the contract that is there: its comment}. advice: how to name another place.
    """
    foreign = sorted(table for table, comment in comments.items() if Origin.from_comment(comment) is None)
    if foreign:
        raise LoadError(
            f"{place} holds raw tables that this project did not load, so they are left alone: {', '.join(foreign)}. "
            f"Say DATA=raw to build from them, or {advice}"
        )


def replace_raw(
    database: Path,
    origin: Origin,
    selects: dict[str, str],
    prepare: Callable[[duckdb.DuckDBPyConnection], None] | None = None,
) -> dict[str, int]:
    """Replace every table of the raw schema in one transaction.

    database: the DuckDB file, made if missing. origin: what the data are; becomes the comment of each table.
    selects: {table: SELECT that yields some or all of the table's contract columns, by name}. A column that it
    lacks is added as null, a table that is not there is made empty, so that dbt always finds the whole contract.
    prepare: makes temporary tables that the selects share.
    Returns {table: rows}. Raises LoadError when the database is in use, when a table of the contract is there that this
    project did not load, or when a select cannot be read; what the raw schema held before is then still there.
    """
    check_name(database)
    database.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = duckdb.connect(str(database))
    except duckdb.IOException as error:
        raise LoadError(f"cannot open {database} for writing; close what reads it and try again: {error}") from error
    with connection:
        connection.execute("begin")
        table = "the shared tables"
        try:
            advice = "name another file in CUSTOMER_VALUE_DATABASE or with --database"
            refuse_foreign(str(database), raw_comments(connection), advice)
            if prepare:
                prepare(connection)
            connection.execute(f"create schema if not exists {SCHEMA}")
            counts = {}
            for table, columns in contract.sources().items():
                counts[table] = _create_table(connection, table, columns, selects.get(table))
                connection.execute(f"comment on table {SCHEMA}.{table} is {quoted(origin.comment())}")
            connection.execute("commit")
        except duckdb.Error as error:
            connection.execute("rollback")
            raise LoadError(f"{table}: {reason(error)}") from error
        return counts


def _create_table(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Iterable[Column], select: str | None
) -> int:
    """Create one raw table from its select, or empty without one; return its rows."""
    given = {row[0] for row in connection.execute(f"describe {select}").fetchall()} if select else set()
    outputs = [
        column.name if column.name in given else f"cast(null as {column.data_type}) as {column.name}"
        for column in columns
    ]
    body = f"select {', '.join(outputs)} " + (f"from ({select})" if select else "where false")
    for view in connection.execute(
        "select view_name from duckdb_views() where schema_name = ? and view_name = ?", [SCHEMA, table]
    ).fetchall():
        connection.execute(f"drop view {SCHEMA}.{view[0]}")  # a table cannot replace a view of its name
    connection.execute(f"create or replace table {SCHEMA}.{table} as {body}")
    return connection.execute(f"select count(*) from {SCHEMA}.{table}").fetchone()[0]


def raw_comments(connection: duckdb.DuckDBPyConnection) -> dict[str, str | None]:
    """Return {table of the contract that schema raw holds, as a table or a view: its comment}; case does not count."""
    tables = contract.sources()
    rows = connection.execute(
        """
        select lower(table_name), comment from duckdb_tables()
        where database_name = current_database() and lower(schema_name) = $schema
        union all
        select lower(view_name), comment from duckdb_views()
        where database_name = current_database() and lower(schema_name) = $schema
        """,
        {"schema": SCHEMA},
    ).fetchall()
    return {table: comment for table, comment in rows if table in tables}


def held(database: Path) -> dict[str, Origin | None]:
    """Return {contract table that the raw schema holds: its origin, None where others made it}.

    Raises LoadError when the database cannot be read.
    """
    if not database.exists():
        return {}
    try:
        with duckdb.connect(str(database), read_only=True) as connection:
            return {table: Origin.from_comment(comment) for table, comment in raw_comments(connection).items()}
    except duckdb.Error as error:
        raise LoadError(f"cannot read {database}: {reason(error)}") from error


def engine_type(duckdb_type: str, engine: str, renamed: dict[str, str], same: re.Pattern[str]) -> str:
    """Return an engine's type for a DuckDB type.

    renamed: DuckDB's names that the engine writes otherwise. same: those that both write alike.
    Raises LoadError where there is no plain counterpart.
    """
    if duckdb_type in renamed:
        return renamed[duckdb_type]
    if same.fullmatch(duckdb_type):
        return duckdb_type.lower()
    raise LoadError(f"{engine} has no type for {duckdb_type}; cast it in the file, to varchar for example")


def fill(target: str, load: Callable[[argparse.Namespace], dict[str, int]], arguments: argparse.Namespace) -> dict:
    """Run a loader for an engine and return {table: rows}. Every engine gets what DuckDB read, so all hold the same."""
    if target == "duckdb":
        return load(arguments)
    # here, so that an engine's client is loaded only where it is used
    copier = importlib.import_module(f"customer_value.raw.{target}_copy")
    with tempfile.TemporaryDirectory() as folder:
        arguments.database = Path(folder) / "load.duckdb"
        load(arguments)
        return copier.copy(arguments.database)


def command(description: str, load: Callable[[argparse.Namespace], dict[str, int]], folder: bool = False) -> None:
    """Run a loader as a command: parse its arguments, load, print rows per table; on LoadError exit with 1."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    if folder:
        parser.add_argument("folder", type=Path, help="folder that holds <source>.csv or <source>.parquet")
    parser.add_argument(
        "--database",
        type=Path,
        default=default_database(),
        help="DuckDB file to fill (default: CUSTOMER_VALUE_DATABASE, else data/warehouse.duckdb)",
    )
    parser.add_argument(
        "--target",
        choices=["duckdb", "postgres", "spark"],
        default="duckdb",
        help="engine to fill; postgres is the one that PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE name, "
        "spark the one that SPARK_THRIFT_HOST and SPARK_THRIFT_PORT name",
    )
    arguments = parser.parse_args()
    try:
        counts = fill(arguments.target, load, arguments)
    except LoadError as error:
        raise SystemExit(f"error: {error}") from error
    place = arguments.database if arguments.target == "duckdb" else arguments.target
    print(f"loaded into {place}, schema {SCHEMA}:")
    for table, rows in counts.items():
        print(f"  {table:<18}{rows:>12,} rows")
