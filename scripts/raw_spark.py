"""Copy a raw schema that the loaders filled in DuckDB into Spark: same tables, types, rows and comments, in Iceberg.

DuckDB writes Parquet, and dbt makes tables of it on its own connection (variable SPARK_TARGET: spark or spark_session).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

import duckdb
import raw_schema
from raw_schema import PROJECT, SCHEMA, LoadError, engine_type, quoted

# DuckDB's type names that Spark writes otherwise; decimals and the rest are the same text
TYPES = {"VARCHAR": "string", "TIMESTAMP WITH TIME ZONE": "timestamp", "FLOAT": "float", "BLOB": "binary"}
SAME = re.compile(r"DECIMAL\(\d+,\d+\)|TIMESTAMP|DATE|BIGINT|INTEGER|SMALLINT|TINYINT|DOUBLE|BOOLEAN")


def copy(database: Path) -> dict[str, int]:
    """Replace the raw schema of Spark by the one in a DuckDB file; return {table: rows}.

    The tables are replaced one after the other: Spark has no transaction over several. Raises LoadError with dbt's
    message, and before anything is replaced where a raw table is not this project's: its comment says whose it is.
    """
    counts, statements = {}, [f"create schema if not exists {SCHEMA}"]
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(str(database), read_only=True) as source:
        for table in raw_schema.contract():
            columns = source.execute(f"describe {SCHEMA}.{table}").fetchall()
            casts = ", ".join(
                f"cast({name} as {engine_type(kind, 'Spark', TYPES, SAME)}) as {name}" for name, kind, *_ in columns
            )
            file = Path(folder) / f"{table}.parquet"
            (counts[table],) = source.execute(f"copy {SCHEMA}.{table} to {quoted(str(file))}").fetchone()
            (comment,) = source.execute(
                "select comment from duckdb_tables() where schema_name = ? and table_name = ?", [SCHEMA, table]
            ).fetchone()
            statements += [
                # not create or replace: the metastore refuses columns that come with another type
                f"drop table if exists {SCHEMA}.{table}",
                f"create table {SCHEMA}.{table} using iceberg as select {casts} from parquet.`{file}`",
                f"comment on table {SCHEMA}.{table} is {quoted(comment or '')}",
            ]
        dbt = PROJECT / ".venv-spark" / "bin" / "dbt"
        finished = subprocess.run(
            [str(dbt), "run-operation", "replace_raw_tables", "--target", os.environ.get("SPARK_TARGET", "spark"),
             "--args", json.dumps({"schema": SCHEMA, "tables": list(counts), "statements": statements})],
            cwd=PROJECT, capture_output=True, text=True, check=False,
        )  # fmt: skip
    comments = re.search(r"^raw tables: (\{.*\})$", finished.stdout, re.MULTILINE)
    raw_schema.refuse_foreign("Spark", json.loads(comments[1]) if comments else {}, "name another metastore")
    if finished.returncode:
        # Spark quotes the value that it could not cast
        raise LoadError("Spark: " + re.sub(r"The value '.*' of", "A value of", finished.stdout.strip()))
    return counts
