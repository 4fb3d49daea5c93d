"""Texts and names as DuckDB and Postgres read them in a statement; Spark's are in engines/spark_sql.py."""

from __future__ import annotations


def quoted(text: str) -> str:
    """Return text as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return a name as an SQL identifier, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'
