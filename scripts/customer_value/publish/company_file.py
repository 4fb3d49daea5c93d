"""DATA=raw on DuckDB: copy the tables of the contract from the company's own file, and run none of its code.

A file can hold more than rows. A view reads whatever the process that opens it may read (read_text, httpfs), and a name
can be a piece of SQL. So external access is off and locked before anything of the file is looked at, every name is
quoted, and what the project does not read is not copied. Views over the file's own tables work, macros with them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from customer_value import contract
from customer_value.publish.publishing import NotNow, PublishError
from customer_value.quoting import identifier, quoted
from customer_value.raw.loading import LoadError, Origin

# neither extensions that a file asks for nor Python's own variables are part of it
CLOSED = [
    "set autoinstall_known_extensions = false",
    "set autoload_known_extensions = false",
    "set python_enable_replacements = false",
    "set enable_external_access = false",
    "set lock_configuration = true",
]


def copy(source: Path, database: Path, variables: dict[str, Any]) -> str:
    """Replace the raw schema of a database by the tables of the contract in the company's file, in one snapshot.

    variables: dbt's vars raw_schema, source_map, has_<source>. Returns what was copied, for people.
    Raises NotNow where the file is not there or somebody writes to it, LoadError where it cannot be read, PublishError
    where the vars cannot be used, duckdb.Error where memory or disk is full.
    """
    if not source.exists():
        raise NotNow(f"there is no database {source}; name yours in CUSTOMER_VALUE_DATABASE")
    schema, names = variables["raw_schema"], wanted(variables)
    origin = Origin.of(f"schema {schema} of {source.name}")
    with duckdb.connect(str(database)) as connection:
        attach(connection, source)
        connection.execute("begin")
        connection.execute(f"drop schema if exists {identifier(schema)} cascade")
        connection.execute(f"create schema {identifier(schema)}")
        tables = connection.execute(
            "select table_name from information_schema.tables "
            "where table_catalog = 'company' and lower(table_schema) = lower(?) order by 1",
            [schema],
        ).fetchall()
        copied = [table for (table,) in tables if table.lower() in names]
        for table in copied:
            place = f"{identifier(schema)}.{identifier(table)}"
            try:
                connection.execute(f"create table {place} as select * from company.{place}")
                connection.execute(f"comment on table {place} is {quoted(origin.comment())}")
            except duckdb.OutOfMemoryException:
                raise
            except duckdb.Error as error:
                if "No space left" in str(error):
                    raise
                raise LoadError(f"{schema}.{table} of {source} cannot be read: {reason(error)}") from error
        connection.execute("commit")
    if not copied:
        raise LoadError(
            f"{source} has no table of the contract in schema {schema}; vars raw_schema and source_map name others"
        )
    return origin.name


def attach(connection: duckdb.DuckDBPyConnection, source: Path) -> None:
    """Open the company's file to read as the database company, then close everything else to the connection."""
    try:
        # with the type, or the first bytes of the file would choose an extension to be fetched from the web
        connection.execute(f"attach {quoted(str(source))} as company (type duckdb, read_only)")
    except duckdb.Error as error:
        if "Could not set lock" in str(error):
            raise NotNow(f"{source} is being written to: {error}") from error
        raise LoadError(f"cannot read {source}: {error}") from error
    for statement in CLOSED:
        connection.execute(statement)


def reason(error: duckdb.Error) -> str:
    """Return why a table cannot be read, without values of its rows."""
    if isinstance(error, duckdb.PermissionException):
        return "it is a view of something outside of that file, which DATA=raw does not open; make it a table there"
    if isinstance(error, duckdb.BinderException | duckdb.CatalogException | duckdb.IOException):
        return str(error).strip().splitlines()[0]
    return f"{type(error).__name__}; a query of it in that file shows more"


def wanted(variables: dict[str, Any]) -> set[str]:
    """Return the names, in lower case, of the tables that the project reads.

    They are those of the contract, under the names that var source_map gives them, without sources that has_<source>
    switches off; and the tables that expressions of var source_map look things up in.
    """
    mapping, names = variables["source_map"], set()
    if not isinstance(mapping, dict) or not all(isinstance(mapped, dict) for mapped in mapping.values()):
        raise PublishError(f"var source_map must be {{source: {{table: ..., columns: {{...}}}}}}; it is {mapping}")
    for source in contract.sources():
        if variables.get(f"has_{source}", True):
            mapped = mapping.get(source, {})
            names.add(mapped.get("table", source))
            for expression in (mapped.get("columns") or {}).values():
                names |= set(tables_of(str(expression)))
    return {name.lower() for name in names}


def tables_of(expression: str) -> Iterator[str]:
    """Yield the tables that subqueries of an SQL expression read; none where it cannot be parsed, as dbt will say."""
    with duckdb.connect() as connection:
        (parsed,) = connection.execute("select json_serialize_sql(?)", [f"select {expression}"]).fetchone()
    pending = [json.loads(parsed)]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            if node.get("type") == "BASE_TABLE":
                yield node["table_name"]
            pending += node.values()
        elif isinstance(node, list):
            pending += node
