"""What a build that was refused or killed left in the tables that the next build goes on from, and how it is taken out.

dbt builds in place on Postgres, and three tables keep what earlier builds wrote: the ledger marts.restatements, the
history marts.customer_value_history, which the ledger takes for what was shown, and the days when rejected rows were
first seen. Each other table of slices drops those that do not stand, and makes anew those that it lacks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from psycopg2 import sql

from customer_value.publish.postgres_marks import schema_of
from customer_value.publish.publishing import Version

LEDGER, HISTORY = "restatements", "customer_value_history"
FIRST_SEEN = sql.Identifier("intermediate", "int_first_seen_rejects")


def take_out(cursor: Any, version: Version, content: Callable[[str, str, Any], tuple[int, Any]]) -> str | None:
    """Make ledger and history those of a version, the last that was published; return what was taken out, for people.

    content: (schema, table, cursor) to (rows, hash), as a version's checksums have them. Nothing is done where a table
    of the version is not as it was published: what is gone from it would be taken for never shown.
    """
    said = []
    built, shown = (sql.Identifier(schema, HISTORY) for schema in ("marts", schema_of(version.number)))
    columns = same_columns(cursor, version, HISTORY)
    if columns and differ(cursor, built, shown) and is_whole(cursor, version, HISTORY, content):
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        cursor.execute(sql.SQL("delete from {}").format(built))
        cursor.execute(sql.SQL("insert into {} ({}) select {} from {}").format(built, names, names, shown))
        said.append(f"slices of a build that was not published; the history is that of version {version.number} again")
    built, shown = (sql.Identifier(schema, LEDGER) for schema in ("marts", schema_of(version.number)))
    if columns_of(cursor, "marts", LEDGER) and columns_of(cursor, schema_of(version.number), LEDGER):
        later = sql.SQL("restatement_number > (select coalesce(max(restatement_number), 0) from {})").format(shown)
        cursor.execute(sql.SQL("select count(*) from {} where {}").format(built, later))
        (rows,) = cursor.fetchone()
        if rows and is_whole(cursor, version, LEDGER, content):
            cursor.execute(sql.SQL("delete from {} where {}").format(built, later))
            said.append(f"{rows:,} restatements of it")
    if version.as_of_date and columns_of(cursor, "intermediate", "int_first_seen_rejects"):
        cursor.execute(sql.SQL("delete from {} where first_seen_on > %s").format(FIRST_SEEN), [version.as_of_date])
    return "; ".join(said) or None


def columns_of(cursor: Any, schema: str, table: str) -> dict[str, str]:
    """Return {column: type} of a table, none where it is not there."""
    cursor.execute(
        "select attname, format_type(atttypid, atttypmod) from pg_attribute "
        "where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped",
        [f"{schema}.{table}"],
    )
    return dict(cursor.fetchall())


def same_columns(cursor: Any, version: Version, table: str) -> list[str]:
    """Return the columns of a mart if the version has the same; none after an upgrade, which builds it anew."""
    built, shown = (columns_of(cursor, schema, table) for schema in ("marts", schema_of(version.number)))
    return sorted(built) if built == shown else []


def differ(cursor: Any, one: sql.Identifier, other: sql.Identifier) -> bool:
    """Say whether two histories hold other slices."""
    slices = sql.SQL("select distinct slice_version from {}")
    one_side, other_side = slices.format(one), slices.format(other)
    cursor.execute(
        sql.SQL("select exists (({0}) except ({1})) or exists (({1}) except ({0}))").format(one_side, other_side)
    )
    return cursor.fetchone()[0]


def is_whole(cursor: Any, version: Version, mart: str, content: Callable[[str, str, Any], tuple[int, Any]]) -> bool:
    """Say whether a version's table is as it was published."""
    rows, total = content(schema_of(version.number), mart, cursor)
    if rows != version.row_counts.get(mart):
        return False
    return version.checksums.get(mart, f"{rows}:{total}") == f"{rows}:{total}"
