"""The company's raw tables on Postgres, copied as they were at one instant, so that a whole refresh reads the same.

Only tables of the contract, under their own names, in a schema of our own that a comment marks. What dbt, the arrival
guard and the fit read afterwards is the copy: var raw_schema names it.
"""

from __future__ import annotations

from typing import Any

import psycopg2
from psycopg2 import sql

from customer_value import contract
from customer_value.publish import postgres_marks
from customer_value.publish.publishing import NotNow, PublishError
from customer_value.raw.loading import LoadError

SCHEMA = "customer_value_snapshot"
MARK = "customer_value snapshot: the raw tables as the last refresh read them"
LOCKABLE = "rpv"  # kinds of pg_class that lock table takes: tables, partitioned tables, views
PATIENCE = 30  # seconds to wait for who replaces a raw table


def sources(variables: dict[str, Any]) -> dict[str, str]:
    """Return {source: the company's table} of the sources that the vars leave on."""
    mapped = variables.get("source_map") or {}
    return {
        source: (mapped.get(source) or {}).get("table") or source
        for source in contract.sources()
        if variables.get(f"has_{source}", True)
    }


def take(cursor: Any, variables: dict[str, Any], tables: dict[str, str]) -> dict[str, int]:
    """Copy the company's tables; return {table: rows}. tables: of present(), asked before this transaction.

    The cursor is in a new transaction, repeatable read. Its instant is that of the first read, which comes after every
    table is locked as readers lock it: so none is emptied or replaced between the first read and the last. A source
    that is not there is left out; the arrival guard names it. Raises LoadError without any table, PublishError where
    the schema is another's or others' views read it, NotNow where a table is being replaced.
    """
    schema = variables["raw_schema"]
    if schema == SCHEMA:
        raise LoadError(f"var raw_schema names {SCHEMA}, which is the copy: name the schema of your own tables")
    if not tables:
        raise LoadError(f"there is no table of a source in schema {schema}; vars raw_schema and source_map name yours")
    try:
        cursor.execute(f"set local lock_timeout = '{PATIENCE}s'")
        for table, kind in tables.items():
            if kind in LOCKABLE:
                cursor.execute(sql.SQL("lock table {} in access share mode").format(sql.Identifier(schema, table)))
        prepare(cursor)
    except (psycopg2.errors.LockNotAvailable, psycopg2.errors.UndefinedTable) as error:
        raise NotNow(f"a raw table is being replaced: {str(error).strip()}") from error
    counts = {}
    for table in tables:
        copy, original = sql.Identifier(SCHEMA, table), sql.Identifier(schema, table)
        cursor.execute(sql.SQL("create unlogged table {} as select * from {}").format(copy, original))
        counts[table] = cursor.rowcount
        cursor.execute(sql.SQL("comment on table {} is %s").format(copy), [MARK])
    for table in tables:  # a new table has no statistics, and the planner would take it for small
        cursor.execute(sql.SQL("analyze {}").format(sql.Identifier(SCHEMA, table)))
    return counts


def prepare(cursor: Any) -> None:
    """Make the schema, or drop the copies that the last snapshot left in it."""
    cursor.execute("select obj_description(oid, 'pg_namespace') from pg_namespace where nspname = %s", [SCHEMA])
    found = cursor.fetchone()
    if found is None:
        cursor.execute(f"create schema {SCHEMA}")
        cursor.execute(f"comment on schema {SCHEMA} is %s", [MARK])
    elif found[0] != MARK:
        raise PublishError(
            f"schema {SCHEMA} is there and lacks the comment of this project, so it is somebody else's and is left "
            f"alone; give it another name: alter schema {SCHEMA} rename to ..."
        )
    cursor.execute(
        "select c.relname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace "
        "where n.nspname = %s and obj_description(c.oid, 'pg_class') = %s",
        [SCHEMA, MARK],
    )
    try:
        for (table,) in cursor.fetchall():
            cursor.execute(sql.SQL("drop table {}").format(sql.Identifier(SCHEMA, table)))
    except psycopg2.errors.DependentObjectsStillExist as error:
        raise PublishError(
            f"others read the copy of the raw tables in schema {SCHEMA}, which each refresh makes anew; let them read "
            f"the raw tables: {postgres_marks.dependants(error)}"
        ) from None


def present(cursor: Any, variables: dict[str, Any]) -> dict[str, str]:
    """Return {the company's table: its kind in pg_class} of the sources that are there."""
    cursor.execute(
        "select c.relname, c.relkind::text from pg_class as c join pg_namespace as n on n.oid = c.relnamespace "
        "where n.nspname = %s and c.relname = any(%s) and c.relkind in ('r', 'p', 'v', 'm', 'f') order by 1",
        [variables["raw_schema"], sorted(set(sources(variables).values()))],
    )
    return dict(cursor.fetchall())
