"""Copy a raw schema that the loaders filled in DuckDB into Postgres: same tables, types, rows and comments."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import duckdb
import psycopg2
import raw_schema
from raw_schema import SCHEMA, LoadError, engine_type

# DuckDB's type names that Postgres writes otherwise; decimals and the rest are the same text
TYPES = {"DOUBLE": "double precision", "FLOAT": "real", "TINYINT": "smallint", "UTINYINT": "smallint", "BLOB": "bytea"}
SAME = re.compile(
    r"VARCHAR|DECIMAL\(\d+,\d+\)|TIMESTAMP( WITH TIME ZONE)?|DATE|TIME|BIGINT|INTEGER|SMALLINT|BOOLEAN|UUID"
)


def copy(database: Path) -> dict[str, int]:
    """Replace the raw schema of the Postgres that PG* names by the one in a DuckDB file; return {table: rows}.

    One transaction: on an error, which is raised as LoadError, what was there before is still there.
    """
    counts = {}
    try:
        with (
            duckdb.connect(str(database), read_only=True) as source,
            tempfile.TemporaryDirectory() as folder,
            psycopg2.connect("") as target,
            target.cursor() as cursor,
        ):
            cursor.execute(f"create schema if not exists {SCHEMA}")
            for table in raw_schema.contract():
                columns = source.execute(f"describe {SCHEMA}.{table}").fetchall()
                definitions = ", ".join(
                    f"{name} {engine_type(kind, 'Postgres', TYPES, SAME)}" for name, kind, *_ in columns
                )
                # what reads the old table are views of staging, which dbt makes anew
                cursor.execute(f"drop table if exists {SCHEMA}.{table} cascade")
                cursor.execute(f"create table {SCHEMA}.{table} ({definitions})")
                file = Path(folder) / f"{table}.csv"
                source.execute(f"copy {SCHEMA}.{table} to '{file}' (format csv, header false, force_quote *)")
                with file.open("rb") as lines:
                    cursor.copy_expert(f"copy {SCHEMA}.{table} from stdin (format csv)", lines)
                counts[table] = cursor.rowcount
                file.unlink()
                (comment,) = source.execute(
                    "select comment from duckdb_tables() where schema_name = ? and table_name = ?", [SCHEMA, table]
                ).fetchone()
                cursor.execute(f"comment on table {SCHEMA}.{table} is %s", [comment])
            target.commit()
    except psycopg2.Error as error:
        raise LoadError(f"Postgres: {str(error).strip()}") from error
    return counts
