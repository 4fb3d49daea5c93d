"""Copy a raw schema that the loaders filled in DuckDB into Postgres: same tables, types, rows and comments.

A table that is there already is refilled, so that grants and other people's views of it stay; it is made anew only
where its columns have changed. Nothing is dropped that this project did not make: what it made says so, a raw table in
its comment, a relation that dbt built in operations.built_relations (macros/quality/claim_relations.sql).
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import psycopg2

from customer_value import contract
from customer_value.contract import SCHEMA
from customer_value.raw import loading
from customer_value.raw.loading import LoadError, engine_type

# DuckDB's type names that Postgres writes otherwise; decimals and the rest are the same text. By hand, because sqlglot
# lets through what Postgres lacks (HUGEINT as INT128, UTINYINT as it is) instead of refusing it
TYPES = {"DOUBLE": "double precision", "FLOAT": "real", "TINYINT": "smallint", "UTINYINT": "smallint", "BLOB": "bytea"}
SAME = re.compile(
    r"VARCHAR|DECIMAL\(\d+,\d+\)|TIMESTAMP( WITH TIME ZONE)?|DATE|TIME|BIGINT|INTEGER|SMALLINT|BOOLEAN|UUID"
)
BUILT = "operations.built_relations"

# whatever stands in schema raw by a name; a comment of the loaders on anything but a table proves nothing
RELATIONS = """
    select c.relname, case when c.relkind = 'r' then obj_description(c.oid, 'pg_class') end
    from pg_class as c
    where c.relnamespace = to_regnamespace(%s) and c.relname = any(%s)
"""
COLUMNS = """
    select attname::text, format_type(atttypid, atttypmod)
    from pg_attribute
    where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped
    order by attnum
"""
# views that read tables, and views that read these
DEPENDANTS = """
    with recursive relations as (
        select unnest(%(tables)s::regclass[])::oid as oid
        union
        select r.ev_class
        from relations
        inner join pg_depend as d on d.refclassid = 'pg_class'::regclass and d.refobjid = relations.oid
        inner join pg_rewrite as r on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
    )
    select n.nspname::text, c.relname::text, c.relkind = 'v'
    from relations
    inner join pg_class as c on relations.oid = c.oid
    inner join pg_namespace as n on c.relnamespace = n.oid
    where c.oid <> all(%(tables)s::regclass[])
    order by n.nspname, c.relname
"""


def copy(database: Path) -> dict[str, int]:
    """Replace the raw schema of the Postgres that PG* names by the one in a DuckDB file; return {table: rows}.

    One transaction: on an error, which is raised as LoadError, what was there before is still there. Raises LoadError
    also where a raw table, or a view of one that has to be made anew, is not this project's.
    """
    counts = {}
    try:
        with (
            duckdb.connect(str(database), read_only=True) as source,
            tempfile.TemporaryDirectory() as folder,
            psycopg2.connect("") as target,
            target.cursor() as cursor,
        ):
            make_tables(cursor, source)
            for table in contract.sources():
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
        raise LoadError(f"Postgres: {reason(error)}") from error
    return counts


def make_tables(cursor: Any, source: duckdb.DuckDBPyConnection) -> None:
    """Leave empty tables of the contract in schema raw, with the columns that they have in the DuckDB file.

    Raises LoadError before anything is changed, where that would touch what others made.
    """
    cursor.execute(RELATIONS, [SCHEMA, list(contract.sources())])
    there = dict(cursor.fetchall())
    loading.refuse_foreign(f"the database {place(cursor)}", there, "name another database in PGDATABASE")
    definitions = {}
    for table in contract.sources():
        columns = source.execute(f"describe {SCHEMA}.{table}").fetchall()
        definitions[table] = ", ".join(
            f"{name} {engine_type(kind, 'Postgres', TYPES, SAME)}" for name, kind, *_ in columns
        )
    stays = {table for table in there if columns_of(cursor, table) == defined(cursor, definitions[table])}
    drop(cursor, sorted(there.keys() - stays))
    cursor.execute(f"create schema if not exists {SCHEMA}")
    for table, definition in definitions.items():
        if table in stays:
            cursor.execute(f"truncate {SCHEMA}.{table}")
        else:
            cursor.execute(f"create table {SCHEMA}.{table} ({definition})")


def place(cursor: Any) -> str:
    """Return the name of the database."""
    cursor.execute("select current_database()")
    return cursor.fetchone()[0]


def columns_of(cursor: Any, table: str, schema: str = SCHEMA) -> list[tuple[str, str]]:
    """Return a table's columns as (name, type)."""
    cursor.execute(COLUMNS, [f"{schema}.{table}"])
    return cursor.fetchall()


def defined(cursor: Any, definition: str) -> list[tuple[str, str]]:
    """Return the columns of a definition, types as Postgres itself writes them."""
    cursor.execute(f"create temporary table defined_columns ({definition})")
    found = columns_of(cursor, "defined_columns", "pg_temp")
    cursor.execute("drop table pg_temp.defined_columns")
    return found


def built_relations(cursor: Any) -> set[tuple[str, str]]:
    """Return what dbt has noted as built in this database, by this release or an earlier one: (schema, name)."""
    cursor.execute("select to_regclass(%s)", [BUILT])
    if not cursor.fetchone()[0]:
        return set()
    cursor.execute(f"select relation_schema, relation_name from {BUILT}")
    return set(cursor.fetchall())


def drop(cursor: Any, tables: list[str]) -> None:
    """Drop raw tables with the views that dbt built of them. Raises LoadError where others have views of them."""
    if not tables:
        return
    cursor.execute(DEPENDANTS, {"tables": [f"{SCHEMA}.{table}" for table in tables]})
    views = cursor.fetchall()
    own = built_relations(cursor)
    foreign = [f"{schema}.{name}" for schema, name, is_view in views if not is_view or (schema, name) not in own]
    if foreign:
        raise LoadError(
            f"columns of the raw tables {', '.join(tables)} have changed, so they have to be made anew, and nothing "
            f"shows that this project made what reads them: {', '.join(foreign)}. Drop or move that, then load again. "
            "(Views that an earlier release built are recorded as this project's by: dbt run-operation "
            "adopt_relations --target postgres)"
        )
    if views:
        cursor.execute("drop view " + ", ".join(f'"{schema}"."{name}"' for schema, name, _ in views))
    cursor.execute("drop table " + ", ".join(f"{SCHEMA}.{table}" for table in tables))


def reason(error: psycopg2.Error) -> str:
    """Return what Postgres says on one line, without values: they are in DETAIL, CONTEXT and the quotes of class 22."""
    said = error.diag.message_primary or (str(error).strip().splitlines() or [type(error).__name__])[0]
    if (error.pgcode or "").startswith("22"):
        said = re.split(r'[":]', said)[0].strip()
    if error.pgcode == "2BP01":  # what depends on a table is named in the detail, by its name
        said += f": {error.diag.message_detail}"
    return " ".join(said.split())
