"""The tables of schema operations on Postgres: made with a comment that marks them, and known again by it.

The schema's name is common, and a company may have tables of its own in it, under these names too: what has no mark is
never written to. Releases before this one set none. What they made is known by its columns, all of them and no other,
and gets its mark the first time that it is met.
"""

from __future__ import annotations

import json
from typing import Any

from customer_value.publish import postgres_marks
from customer_value.publish.publishing import PublishError, in_the_way
from customer_value.refresh.run_records import SCHEMA, Run, tables

MARK = "customer_value records: written by refreshes"
TYPES = {"varchar": "text", "double": "double precision"}  # the contract's names that Postgres writes otherwise
KEPT = {
    "lock": {"only_row": "boolean", "fence": "bigint", "holder": "text"},
    "versions": {"number": "bigint", "is_current": "boolean", "described": "jsonb"},
    "run_records": {"run_id": "bigint", "record": "jsonb"},
}
# what each of their rows says of itself where it is ours
KEYS = {"versions": ("described", ["number", "run_id", "row_counts"]), "run_records": ("record", ["run_id", "outcome"])}


def columns_of(name: str) -> dict[str, str]:
    """Return {column: type as Postgres writes it or takes it} of one of our tables."""
    return KEPT.get(name) or {column: TYPES.get(kind, kind) for column, kind in tables([])[name][0].items()}


def found(cursor: Any, name: str) -> tuple[str, str | None] | None:
    """Return (kind in pg_class, comment) of what has a name in schema operations; None where nothing has."""
    cursor.execute(
        "select c.relkind::text, obj_description(c.oid, 'pg_class') from pg_class as c "
        "join pg_namespace as n on n.oid = c.relnamespace where n.nspname = %s and c.relname = %s",
        [SCHEMA, name],
    )
    return cursor.fetchone()


def is_ours(cursor: Any, name: str) -> bool:
    """Say whether a table is there and is this project's: by its mark, or by all its columns and what its rows say."""
    there = found(cursor, name)
    if there is None or there[0] != "r":
        return False
    return there[1] == MARK or is_of_earlier_release(cursor, name)


def is_of_earlier_release(cursor: Any, name: str) -> bool:
    """Say whether a table has the columns that releases gave it, no other, and rows as they wrote them."""
    cursor.execute(
        "select attname, format_type(atttypid, atttypmod) from pg_attribute "
        "where attrelid = %s::regclass and attnum > 0 and not attisdropped",
        [f"{SCHEMA}.{name}"],
    )
    there, expected = dict(cursor.fetchall()), {}
    for column, kind in columns_of(name).items():
        cursor.execute("select %s::regtype::text", [kind])
        (expected[column],) = cursor.fetchone()
    if there != expected:
        return False
    if name not in KEYS:
        return True
    column, keys = KEYS[name]
    cursor.execute(f"select not exists (select 1 from {SCHEMA}.{name} where not {column} ?& %s)", [keys])
    return cursor.fetchone()[0]


def in_way(cursor: Any) -> list[str]:
    """Return what others have in schema operations under the names of our tables, in words."""
    said = []
    for name in (*KEPT, *tables([])):
        there = found(cursor, name)
        if there and not is_ours(cursor, name):
            said.append(f"{SCHEMA}.{name} ({postgres_marks.KINDS.get(there[0], there[0])})")
    return said


def make(cursor: Any, name: str, definition: str) -> bool:
    """Make one of our tables with its mark; return false where it is there already, and mark it if it lacks the mark.

    definition: of its columns, as create table takes it. Raises PublishError where the name is somebody else's.
    """
    there = found(cursor, name)
    if there and not is_ours(cursor, name):
        raise PublishError(in_the_way([each for each in in_way(cursor) if each.startswith(f"{SCHEMA}.{name} ")]))
    if not there:
        cursor.execute(f"create table {SCHEMA}.{name} ({definition})")
    if not there or there[1] != MARK:
        cursor.execute(f"comment on table {SCHEMA}.{name} is %s", [MARK])
    return not there


def runs_of_tables(cursor: Any) -> list[Run]:
    """Return the runs that a release without operations.run_records left in the tables of the source operations."""
    cursor.execute(f"select exists (select 1 from {SCHEMA}.versions)")
    if not cursor.fetchone()[0]:
        return []
    rows: dict[str, list[dict]] = {}
    for name, (types, _) in tables([]).items():
        rows[name] = []
        if is_ours(cursor, name):
            cursor.execute("select attname from pg_attribute where attrelid = %s::regclass", [f"{SCHEMA}.{name}"])
            there = {column for (column,) in cursor.fetchall()}
            columns = [column for column in types if column in there]
            cursor.execute(f"select {', '.join(columns)} from {SCHEMA}.{name} order by run_id")
            rows[name] = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    runs = {row["run_id"]: Run.of(json.loads(json.dumps(row, default=str))) for row in rows["runs"]}
    for name, field in (("run_nodes", "nodes"), ("run_measures", "measures")):
        for row in rows[name]:
            if row["run_id"] in runs:
                getattr(runs[row.pop("run_id")], field).append(row)
    return list(runs.values())
