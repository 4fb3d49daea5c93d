"""Who is who in raw tables and builds: which ids, e-mails and guest orders are one person's, and who is on a list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from customer_value.privacy.personal_rows import Database, Person, is_one_of, prepare, raw_tables, text
from customer_value.quoting import identifier, quoted


def customer_tables(
    database: Database,
    raw_schema_name: str,
    schemas: Iterable[str],
    variables: dict[str, Any],
    is_ours: Callable[[str, str], bool] | None = None,
) -> Iterator[tuple[str, list[str]]]:
    """Yield the tables of customers' records, as SQL, with the expressions of id, e-mail, merged into and full name."""
    wanted = ("customer_id", "email", "merged_into_customer_id", "full_name")
    for table in raw_tables(database, raw_schema_name, variables):
        if table.source == "customers":
            name = f"{identifier(raw_schema_name)}.{identifier(table.name)}"
            yield name, [nullable(table.own.get(each)) for each in wanted]
    for schema, tables in database.tables(schemas).items():
        for table, columns in tables.items():
            if table in ("stg_customers", "customers") and (is_ours is None or is_ours(schema, table)):
                name = f"{identifier(schema)}.{identifier(table)}"
                yield name, [nullable(each if each in columns else None) for each in wanted]


def nullable(column: str | None) -> str:
    """Return the SQL of a column as a text that is never empty; null without a column."""
    return f"nullif({text(identifier(column))}, '')" if column else "cast(null as varchar)"


def relatives(
    database: Database,
    raw_schema_name: str,
    schemas: Iterable[str],
    variables: dict[str, Any],
    ids: Iterable[str],
    is_ours: Callable[[str, str], bool] | None = None,
) -> tuple[set[str], set[str], set[str], set[str]]:
    """Return the ids that are merged with these, and the e-mails, in lower case, and full names of their records.

    A merge is followed only to a customer with a record in the same table: what else stands there, such as - or none,
    stands for nobody, and would make one person of all that it stands for. The last of the sets has these.
    """
    prepare(database, Person(ids=dict.fromkeys(ids, "")))
    more: tuple[set[str], set[str], set[str], set[str]] = (set(), set(), set(), set())
    tables = customer_tables(database, raw_schema_name, schemas, variables, is_ours)
    for name, (id_, email, merged, full_name) in tables:
        has_record = f"{merged} in (select {id_} from {name} where {id_} is not null)"
        for customer, address, survivor, called, is_known in database.rows(
            f"select distinct {id_}, {database.email(email)}, {merged}, {full_name}, coalesce({has_record}, false) "
            f"from {name} where {is_one_of('id', id_)} or ({is_one_of('id', merged)} and {has_record})"
        ):
            more[0].update(each for each in (customer, survivor if is_known else None) if each)
            more[1].update({address} if address and "@" in address else ())
            more[2].update({called} if called else ())
            more[3].update({survivor} if survivor and not is_known else ())
    return more


def bearers(
    database: Database, raw_schema_name: str, variables: dict[str, Any], emails: Iterable[str]
) -> set[tuple[str, str]]:
    """Return (customer_id, e-mail) of the raw records that bear one of these e-mails."""
    prepare(database, Person(emails=dict.fromkeys(emails, "")))
    found: set[tuple[str, str]] = set()
    for name, (id_, email, *_) in customer_tables(database, raw_schema_name, [], variables):
        lower = database.email(email)
        found |= set(database.rows(
            f"select distinct {id_}, {lower} from {name} where {id_} is not null and {is_one_of('email', lower)}"
        ))  # fmt: skip
    return found


def guest_emails(
    database: Database, raw_schema_name: str, variables: dict[str, Any], is_wanted: Callable[[str], str]
) -> set[str]:
    """Return the e-mails of orders without a customer for which a condition holds. is_wanted: its SQL for an e-mail."""
    found: set[str] = set()
    for table in raw_tables(database, raw_schema_name, variables):
        if table.source == "orders" and "customer_email" in table.own:
            customer, email = nullable(table.own["customer_id"]), database.email(nullable(table.own["customer_email"]))
            name = f"{identifier(raw_schema_name)}.{identifier(table.name)}"
            is_guest = f"{customer} is null and {is_wanted(email)}"
            found |= {each for (each,) in database.rows(f"select distinct {email} from {name} where {is_guest}")}
    return found


def newcomers(database: Database, schema: str, variables: dict[str, Any], person: Person) -> set[str]:
    """Return the ids whose raw record bears an e-mail of the person, or is merged into one of the person's ids."""
    prepare(database, person)
    found: set[str] = set()
    for name, (id_, email, merged, _) in customer_tables(database, schema, [], variables):
        is_theirs = f"{is_one_of('email', database.email(email))} or {is_one_of('id', merged)}"
        found |= {each for (each,) in database.rows(
            f"select distinct {id_} from {name} where {id_} is not null and ({is_theirs})"
        )}  # fmt: skip
    return found


def identities(
    database: Database, schema: str, variables: dict[str, Any], listed: dict[tuple[str, str], str], hash_sql: Any
) -> Person:
    """Return who of a list is in a raw schema. listed: {(kind, hash): anonymous key}. hash_sql: of keepers.py."""
    database.execute("drop table if exists listed_hashes")
    database.execute("create temporary table listed_hashes (kind varchar, hash varchar)")
    database.insert("listed_hashes", [list(pair) for pair in listed])
    person = Person()
    for table in raw_tables(database, schema, variables):
        name = f"{identifier(schema)}.{identifier(table.name)}"
        wanted = [("customer_id", text(identifier(column))) for column in table.ids().values()]
        email = table.own.get("email") or table.own.get("customer_email")
        wanted += [("email", database.email(text(identifier(email))))] if email else []
        if table.source == "orders":
            wanted.append(("customer_id", f"'guest:' || {text(identifier(table.own['order_id']))}"))
        for kind, expression in wanted:
            rows = database.rows(
                f"select v.value, l.hash from (select distinct {expression} as value from {name}) as v "
                f"inner join listed_hashes as l on l.kind = {quoted(kind)} and l.hash = {hash_sql(kind, 'v.value')}"
            )
            values = person.ids if kind == "customer_id" else person.emails
            values |= {value: listed[kind, hashed] for value, hashed in rows}
    return person
