"""The roles of readers on Postgres: made or mended, and what they can read checked."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import closing
from typing import Any

import psycopg2
from psycopg2 import sql

from customer_value.publish import postgres_session, publishing
from customer_value.publish.postgres_marks import BUILT, VIEWS, marked, own_views
from customer_value.publish.postgres_snapshot import SCHEMA as SNAPSHOT
from customer_value.publish.publishing import NotNow, Version
from customer_value.refresh.run_records import SCHEMA as OPERATIONS

READER, FULL = "customer_value_reader", "customer_value_full"
NOTHING_YET = "nothing yet; the first refresh grants it"
ADVICE = (
    "They have that through PUBLIC, that is every role, or through a role that they are members of; to take it away is "
    "not this project's business. To end it: revoke all on schema ... from public; revoke all on all tables in schema "
    "... from public; then run this again"
)


def present(cursor: Any) -> list[str]:
    """Return which of the two roles there are."""
    cursor.execute("select rolname from pg_roles where rolname = any(%s) order by 1", [[READER, FULL]])
    return [role for (role,) in cursor.fetchall()]


def grant(cursor: Any, names: Iterable[str]) -> dict[str, list[str]]:
    """Give the roles that there are the views of marts; return {role: views}. A mart that this project does not know
    may hold anything: the reader does not get it.
    """
    marts, found = set(names), {}
    readable = {READER: marts & set(publishing.impersonal_marts()), FULL: marts}
    for role in present(cursor):
        to = sql.Identifier(role)
        cursor.execute(sql.SQL("grant usage on schema {} to {}").format(sql.Identifier(VIEWS), to))
        for mart in sorted(marts):
            view, found[role] = sql.Identifier(VIEWS, mart), sorted(readable[role])
            change = "grant select on {} to {}" if mart in readable[role] else "revoke all on {} from {}"
            cursor.execute(sql.SQL(change).format(view, to))
    return found


def shut(cursor: Any, schema: str) -> None:
    """Take a schema that was just made away from all but its owner, whatever default privileges give."""
    for role in [sql.SQL("public"), *map(sql.Identifier, present(cursor))]:
        cursor.execute(sql.SQL("revoke all on schema {} from {}").format(sql.Identifier(schema), role))


def take_away(cursor: Any) -> list[str]:
    """Take the rights of the two roles on everything but the views of schema published; return what they had.

    Rights that another role has given stay: leaks() then names what can be read.
    """
    cursor.execute(
        "select 'schema', n.nspname, null, r.rolname from pg_namespace as n "
        "cross join lateral aclexplode(n.nspacl) as a join pg_roles as r on r.oid = a.grantee "
        "where r.rolname = any(%(roles)s) and n.nspname <> %(views)s "
        "union select 'table', n.nspname, c.relname, r.rolname from pg_class as c "
        "join pg_namespace as n on n.oid = c.relnamespace left join pg_attribute as t on t.attrelid = c.oid "
        "cross join lateral (select * from aclexplode(c.relacl) union all select * from aclexplode(t.attacl)) as a "
        "join pg_roles as r on r.oid = a.grantee "
        "where r.rolname = any(%(roles)s) and n.nspname <> %(views)s and c.relkind in ('r', 'p', 'v', 'm', 'f') "
        "order by 1, 2, 3",
        {"roles": [READER, FULL], "views": VIEWS},
    )
    said = []
    for kind, schema, relation, role in cursor.fetchall():
        name = sql.Identifier(schema, relation) if relation else sql.Identifier(schema)
        statement = sql.SQL("revoke all on {} {} from {}").format(sql.SQL(kind), name, sql.Identifier(role))
        cursor.execute("savepoint one")
        try:
            cursor.execute(statement)
            said.append(f"{kind} {'.'.join(filter(None, (schema, relation)))} from {role}")
        except psycopg2.errors.InsufficientPrivilege:
            cursor.execute("rollback to savepoint one")
    return said


def leaks(cursor: Any, role: str, forbidden: Iterable[str], raw_schema: str) -> list[str]:
    """Return what a role can read and must not, of what this project makes and reads: schema.relation, sorted."""
    schemas = [*BUILT, OPERATIONS, SNAPSHOT, raw_schema, *marked(cursor)]
    cursor.execute(
        "select n.nspname || '.' || c.relname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace "
        "where c.relkind in ('r', 'p', 'v', 'm', 'f') and has_schema_privilege(%(role)s, n.oid, 'usage') "
        "and (has_table_privilege(%(role)s, c.oid, 'select') or has_any_column_privilege(%(role)s, c.oid, 'select')) "
        "and (n.nspname = any(%(schemas)s) or n.nspname ~ '^marts_v[0-9]+$' "
        "or n.nspname = %(views)s and c.relname = any(%(forbidden)s)) order by 1",
        {"role": role, "schemas": schemas, "views": VIEWS, "forbidden": list(forbidden)},
    )
    return [name for (name,) in cursor.fetchall()]


def make(cursor: Any, raw_schema: str) -> tuple[list[str], list[str]]:
    """Make and check both roles inside the cursor's transaction; return what was done and what leaks, in words."""
    done = []
    for role in (READER, FULL):
        if role not in present(cursor):
            cursor.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
            done.append(f"made role {role}")
    done += [f"took away: {what}" for what in take_away(cursor)]
    cursor.execute("select to_regclass('operations.versions') is not null")
    found = None
    if cursor.fetchone()[0]:
        cursor.execute("select described from operations.versions where is_current")
        found = cursor.fetchone()
    current = Version.of(found[0]) if found else None
    views = own_views(cursor, [current] if current else [])
    granted = grant(cursor, views) if views else {}
    for role in (READER, FULL):
        done.append(f"{role} reads, in schema {VIEWS}: {', '.join(granted.get(role, [])) or NOTHING_YET}")
    left_out = sorted(views - set(granted.get(READER, [])))
    if left_out:
        done.append(f"{READER} does not read: {', '.join(left_out)} (personal data)")
    still = [f"{READER} can read {name}" for name in leaks(cursor, READER, left_out, raw_schema)]
    still += [f"{FULL} can read {name}" for name in leaks(cursor, FULL, [], raw_schema)]
    return done, still


def run(raw_schema: str) -> int:
    """Make the roles, say what each may read; return the exit code. raw_schema: of the company's tables."""
    try:
        with closing(postgres_session.connect("customer_value roles")) as connection:
            connection.autocommit = False
            with connection, connection.cursor() as cursor:
                done, still = make(cursor, raw_schema)
    except NotNow as error:
        print(f"error: {error} (PGHOST, PGPORT say where it is). Run it again later", file=sys.stderr)
        return 4
    except psycopg2.errors.InsufficientPrivilege as error:
        print(
            f"error: {str(error).strip()}. To make roles takes CREATEROLE, to grant views their owner: have an "
            f"administrator say: create role {READER} nologin; create role {FULL} nologin; then run this as the user "
            "that refreshes",
            file=sys.stderr,
        )
        return 2
    except psycopg2.Error as error:
        print(f"error: {str(error).strip()}", file=sys.stderr)
        return 2
    print("\n".join(done))
    print(f"To let somebody read: grant {READER} to ...;")
    if still:
        print("error: " + "\n       ".join([*still, ADVICE]), file=sys.stderr)
        return 1
    return 0
