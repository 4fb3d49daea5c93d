"""What in a Postgres database is this project's own, proven by marks that it writes, never guessed from a name.

A version's schema has a comment that says so and lists the tables made in it; a view of schema published is ours while
operations.versions lists it for the current version and it reads that version's schema.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg2
from psycopg2 import sql

from customer_value.project import PROJECT
from customer_value.publish.publishing import Version
from customer_value.raw.postgres_copy import built_relations

VIEWS = "published"
MARK = "customer_value version"
BUILT = ("staging", "intermediate", "marts")  # where dbt builds, and drops with cascade
KINDS = {
    "r": "a table", "p": "a table", "v": "a view", "m": "a materialized view", "f": "a foreign table",
    "S": "a sequence", "c": "a type", "i": "an index", "I": "an index",
}  # fmt: skip


def schema_of(number: int) -> str:
    """Return the schema that holds a version."""
    return f"marts_v{number:06}"


def mark(cursor: Any, number: int, tables: Iterable[str]) -> None:
    """Mark the schema of a version as ours, with the tables that are made in it."""
    text = f"{MARK} {number}: {', '.join(sorted(tables))}"
    cursor.execute(sql.SQL("comment on schema {} is %s").format(sql.Identifier(schema_of(number))), [text])


def marked(cursor: Any) -> dict[str, list[str]]:
    """Return {schema: tables made in it} of all schemas whose mark says that they hold the version of their name."""
    cursor.execute(
        "select nspname, obj_description(oid, 'pg_namespace') from pg_namespace "
        "where starts_with(obj_description(oid, 'pg_namespace'), %s) order by 1",
        [f"{MARK} "],
    )
    found = {}
    for schema, text in cursor.fetchall():
        number, _, tables = text.removeprefix(f"{MARK} ").partition(": ")
        if number.isdecimal() and schema == schema_of(int(number)):
            found[schema] = tables.split(", ") if tables else []
    return found


def drop(cursor: Any, schema: str, tables: Iterable[str]) -> None:
    """Drop a version's schema and the tables that were made in it.

    Nothing cascades: what others made in it, or of it, makes this a DependentObjectsStillExist, and all of it stays.
    """
    for table in tables:
        cursor.execute(sql.SQL("drop table if exists {}").format(sql.Identifier(schema, table)))
    cursor.execute(sql.SQL("drop schema if exists {}").format(sql.Identifier(schema)))


def own_views(cursor: Any, shown: Iterable[Version]) -> set[str]:
    """Return the views of schema published that are ours: listed for a version that is shown, and reading its schema.

    shown: the current version; where it is not known which that is, all of them.
    """
    return {view for version in shown for view in views_of(cursor, version)}


def views_of(cursor: Any, version: Version) -> list[str]:
    """Return the views of schema published that have the name of a mart of a version and read its schema."""
    cursor.execute(
        "select distinct c.relname from pg_class as c "
        "join pg_namespace as n on n.oid = c.relnamespace "
        "join pg_rewrite as r on r.ev_class = c.oid "
        "join pg_depend as d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid "
        "and d.refclassid = 'pg_class'::regclass "
        "join pg_class as t on t.oid = d.refobjid join pg_namespace as s on s.oid = t.relnamespace "
        "where n.nspname = %s and c.relkind = 'v' and c.relname = any(%s) and s.nspname = %s",
        [VIEWS, list(version.row_counts), schema_of(version.number)],
    )
    return [name for (name,) in cursor.fetchall()]


def in_the_way(cursor: Any, shown: Iterable[Version], names: Iterable[str]) -> list[str]:
    """Return what others made in schema published under the names of marts, in words. shown: as in own_views()."""
    ours = own_views(cursor, shown)
    cursor.execute(
        "select c.relname, c.relkind::text from pg_class as c join pg_namespace as n on n.oid = c.relnamespace "
        "where n.nspname = %s and c.relname = any(%s) order by 1",
        [VIEWS, list(names)],
    )
    return [f"{VIEWS}.{name} ({KINDS.get(kind, kind)})" for name, kind in cursor.fetchall() if name not in ours]


def dependants(error: psycopg2.Error) -> str:
    """Return in one line what a DependentObjectsStillExist says, with what depends: names of objects, never values."""
    said = [error.diag.message_primary, *(error.diag.message_detail or "").splitlines()]
    return "; ".join(line.strip() for line in said if line and line.strip())


def readers_of_build(cursor: Any, own: Iterable[str]) -> list[str]:
    """Return the views that others made of what dbt builds, directly or through other views: schema.name, sorted.

    own: names of this project's models. Views of models of an earlier release are ours too; operations.built_relations
    lists them. macros/adapters/say_foreign_readers.sql says it in every run of dbt.
    """
    recorded = {f"{schema}.{name}" for schema, name in built_relations(cursor)}
    cursor.execute(
        "with recursive built as ("
        "  select c.oid from pg_class as c join pg_namespace as n on n.oid = c.relnamespace "
        "  where n.nspname = any(%(schemas)s) and c.relname = any(%(own)s) "
        "  union "
        "  select r.ev_class from built join pg_depend as d on d.refclassid = 'pg_class'::regclass "
        "  and d.refobjid = built.oid and d.classid = 'pg_rewrite'::regclass join pg_rewrite as r on r.oid = d.objid"
        ") select n.nspname || '.' || c.relname from built join pg_class as c on c.oid = built.oid "
        "join pg_namespace as n on n.oid = c.relnamespace where c.relkind in ('v', 'm') "
        "and not (n.nspname = any(%(schemas)s) and (c.relname = any(%(own)s) or position('__dbt_' in c.relname) > 0)) "
        "order by 1",
        {"schemas": list(BUILT), "own": list(own)},
    )
    return [name for (name,) in cursor.fetchall() if name not in recorded]


def project_names(*folders: str) -> list[str]:
    """Return the names of the models in folders of the project, which are those of their tables and views."""
    files = (file for folder in folders for file in (PROJECT / folder).rglob("*"))
    return sorted(file.stem for file in files if file.suffix in (".sql", ".py"))
