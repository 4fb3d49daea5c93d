"""Copy a raw schema that the loaders filled in DuckDB into Spark: same tables, types, rows and comments, in Iceberg.

DuckDB writes Parquet, and Spark makes tables of it: its workers have to see the loader's temporary folder (TMPDIR).
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import duckdb

from customer_value import contract
from customer_value.contract import SCHEMA
from customer_value.engines.spark_sql import SparkError, SparkSql, literal
from customer_value.quoting import quoted
from customer_value.raw import loading
from customer_value.raw.loading import LoadError, engine_type

# DuckDB's type names that Spark writes otherwise; decimals and the rest are the same text. By hand, because sqlglot
# makes TIMESTAMP_NTZ of TIMESTAMP, TIMESTAMP of TIME and BOOLEAN of BIT
TYPES = {"VARCHAR": "string", "TIMESTAMP WITH TIME ZONE": "timestamp", "FLOAT": "float", "BLOB": "binary"}
SAME = re.compile(r"DECIMAL\(\d+,\d+\)|TIMESTAMP|DATE|BIGINT|INTEGER|SMALLINT|TINYINT|DOUBLE|BOOLEAN")


def copy(database: Path) -> dict[str, int]:
    """Replace the raw schema of Spark by the one in a DuckDB file; return {table: rows}.

    The tables are replaced one after the other: Spark has no transaction over several. Raises LoadError with Spark's
    message, or when a table is there that no loader of this project has filled: nothing is replaced then.
    """
    counts, statements = {}, [f"create schema if not exists {SCHEMA}"]
    with (
        tempfile.TemporaryDirectory() as folder,
        duckdb.connect(str(database), read_only=True) as source,
        SparkSql() as sql,
    ):
        for table in contract.sources():
            file, name = Path(folder) / f"{table}.parquet", f"{SCHEMA}.{table}"
            (counts[table],) = source.execute(f"copy {name} to {quoted(str(file))}").fetchone()
            (comment,) = source.execute(
                "select comment from duckdb_tables() where schema_name = ? and table_name = ?", [SCHEMA, table]
            ).fetchone()
            statements += [
                # not create or replace: the metastore refuses columns that come with another type
                f"drop table if exists {name} purge",
                f"create table {name} using iceberg as select {casts(source, name)} from parquet.`{file}`",
                f"comment on table {name} is {literal(comment or '')}",
            ]
        try:
            loading.refuse_foreign("Spark", comments(sql), "name another metastore")
            for statement in statements:
                sql.rows(statement)
        except SparkError as error:
            # Spark quotes the value that it could not cast
            raise LoadError("Spark: " + re.sub(r"The value '.*' of", "A value of", str(error))) from error
    return counts


def comments(sql: SparkSql) -> dict[str, str | None]:
    """Return {table of the contract that is there: its comment}, by which the loaders know their own."""
    if (SCHEMA,) not in sql.rows("show schemas"):
        return {}
    there = {table for _, table, *_ in sql.rows(f"show tables in {SCHEMA}")} & set(contract.sources())
    return {table: comment_of(sql, f"{SCHEMA}.{table}") for table in sorted(there)}


def comment_of(sql: SparkSql, table: str) -> str | None:
    """Return a table's comment. It stands among the details, after the columns; properties do not show it."""
    lines = [row[:2] for row in sql.rows(f"describe table extended {table}")]
    details = [name for name, _ in lines].index("# Detailed Table Information")
    return dict(lines[details:]).get("Comment")


def casts(source: duckdb.DuckDBPyConnection, table: str) -> str:
    """Return what selects the columns of a DuckDB table, written to Parquet, in Spark's types. Raises LoadError."""
    columns = source.execute(f"describe {table}").fetchall()
    return ", ".join(
        f"cast({name} as {engine_type(kind, 'Spark', TYPES, SAME)}) as {name}" for name, kind, *_ in columns
    )
