"""Whose rows are whose, and what becomes of them in an erasure: the same rules for every schema of both engines.

Of a person's rows the amounts, dates and statuses stay, under an anonymous key, so that every total stays to the cent.
What is personal goes: the contract's personal columns, and every column that the contract does not know. What makes a
row rejected stays what it is, so that it stays rejected.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from customer_value import contract
from customer_value.publish.postgres_snapshot import MARK as SNAPSHOT_MARK
from customer_value.quoting import identifier, quoted
from customer_value.raw import loading

PERSONAL = {"email", "phone", "full_name", "birth_date", "region", "country", "language", "segment_attributes"}
PERSONAL |= {"customer_email"}
# what staging cuts off around keys and e-mails (macro blank_characters)
BLANKS = (
    " \t\n\x0b\x0c\r\x85\u00a0\u00ad\u1680\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u202f\u205f\u2060\u2066\u2067\u2068\u2069"
    "\u3000\ufeff"
)
GONE = "erased"  # what an unreadable number or date becomes, which so stays unreadable
TEXT_TYPES = ("VARCHAR", "TEXT", "CHARACTER VARYING")
NOT_BUILT = {"reference", "oracle", "information_schema", "pg_catalog", "pg_toast"}
# what staging reads as numbers and times (macros parsed_number, parsed_timestamp)
NUMBER = "^ *[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+) *$"
DAY = "(0[1-9]|1[0-9]|2[0-8])"
DATE = (
    f"([12][0-9]{{3}}-((0[13578]|1[02])-({DAY}|29|3[01])|(0[469]|11)-({DAY}|29|30)|02-{DAY})"
    "|([12][0-9](0[48]|[2468][048]|[13579][26])|1200|1600|2000|2400|2800)-02-29)"
)
TIME = (
    f"^ *{DATE}([ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{{1,9}})?)?"
    "( ?(Z|UTC|GMT|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?))?)? *$"
)
NOT_FINITE = ("nan", "inf", "infinity")
TRUTHS = ("true", "false", "t", "f", "yes", "no", "y", "n", "1", "0")


class Database:
    """One open connection to DuckDB or Postgres, with the few words in which the two differ."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.engine = "duckdb" if type(connection).__module__.split(".")[0] in ("duckdb", "_duckdb") else "postgres"

    def rows(self, statement: str, values: list | None = None) -> list[tuple]:
        """Return the rows of a query; ? stands for a value."""
        if self.engine == "duckdb":
            return self.connection.execute(statement, values or []).fetchall()
        with self.connection.cursor() as cursor:
            cursor.execute(statement.replace("%", "%%").replace("?", "%s") if values else statement, values or None)
            return cursor.fetchall()

    def execute(self, statement: str, values: list | None = None) -> int:
        """Run a statement; return the rows that it changed."""
        if self.engine == "duckdb":
            result = self.connection.execute(statement, values or []).fetchall()
            return result[0][0] if result and isinstance(result[0][0], int) else 0
        with self.connection.cursor() as cursor:
            cursor.execute(statement.replace("%", "%%").replace("?", "%s") if values else statement, values or None)
            return max(cursor.rowcount, 0)

    def email(self, expression: str) -> str:
        """Return the SQL of an e-mail as it is compared (macro email_key); expression: a text without blanks around."""
        return f"lower({'nfc_normalize' if self.engine == 'duckdb' else 'normalize'}({expression}))"

    def insert(self, table: str, rows: list[list]) -> None:
        """Insert rows of texts."""
        for row in rows:
            self.execute(f"insert into {table} values ({', '.join('?' * len(row))})", row)

    def matches(self, expression: str, pattern: str) -> str:
        """Return the SQL that says whether a text matches a pattern."""
        if self.engine == "duckdb":
            return f"regexp_matches({expression}, {quoted(pattern)})"
        return f"{expression} ~ {quoted(pattern)}"

    def comments(self, schema: str) -> dict[str, str | None]:
        """Return {table: its comment} of a schema, views left out."""
        if self.engine == "duckdb":
            return dict(self.rows(
                "select table_name, comment from duckdb_tables() "
                f"where database_name = current_database() and schema_name = {quoted(schema)}"
            ))  # fmt: skip
        return dict(self.rows(
            "select c.relname, obj_description(c.oid, 'pg_class') from pg_class as c join pg_namespace as n "
            f"on n.oid = c.relnamespace where n.nspname = {quoted(schema)} and c.relkind in ('r', 'p')"
        ))  # fmt: skip

    def own_copies(self, schema: str) -> set[str]:
        """Return the raw tables of a schema that a loader or a snapshot of ours filled, as their comments say."""
        found = self.comments(schema)
        return {table for table, said in found.items() if said == SNAPSHOT_MARK or loading.Origin.from_comment(said)}

    def has(self, table: str) -> bool:
        """Say whether schema.table is there."""
        return table.partition(".")[2] in self.tables([table.partition(".")[0]]).get(table.partition(".")[0], {})

    def tables(self, schemas: Iterable[str] | None = None) -> dict[str, dict[str, dict[str, str]]]:
        """Return {schema: {table: {column: type}}} of all tables, views left out; schemas: only these."""
        here = "current_database()"
        rows = self.rows(
            "select c.table_schema, c.table_name, c.column_name, upper(c.data_type) "
            "from information_schema.columns as c "
            "inner join information_schema.tables as t on t.table_catalog = c.table_catalog "
            "and t.table_schema = c.table_schema and t.table_name = c.table_name "
            f"where c.table_catalog = {here} and t.table_type = 'BASE TABLE' order by 1, 2, c.ordinal_position"
        )
        found: dict[str, dict[str, dict[str, str]]] = {}
        for schema, table, column, kind in rows:
            if schemas is None or schema in schemas:
                found.setdefault(schema, {}).setdefault(table, {})[column] = kind
        return found


@dataclass
class Person:
    """One person. ids, emails: {value: the anonymous key in its place}, e-mails in lower case. names: full names."""

    ids: dict[str, str] = field(default_factory=dict)
    emails: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def telling(self) -> list[str]:
        """Return the texts that stand for this person alone wherever they are read, longest first.

        A short number does not, and a name may be another's too.
        """
        ids = [text for text in self.ids if (len(text) >= 4 and re.search(r"[^\W\d]", text)) or len(text) >= 8]
        return sorted({*ids, *spellings(self.emails)}, key=lambda text: (-len(text), text))

    def full_names(self) -> list[str]:
        """Return the names that no other word of a log is."""
        return sorted(text for text in self.names if len(text) >= 8 or (" " in text.strip() and len(text) >= 5))


def email_key(email: str) -> str:
    """Return an e-mail as it is compared."""
    return unicodedata.normalize("NFC", email).lower()


def spellings(texts: Iterable[str]) -> set[str]:
    """Return texts with their accents composed and decomposed."""
    return {unicodedata.normalize(form, each) for each in texts for form in ("NFC", "NFD")}


def text(expression: str) -> str:
    """Return the SQL of a value as staging takes it for a text."""
    value, blanks = f"cast({expression} as varchar)", quoted(BLANKS)
    first, last = f"substr({value}, 1, 1)", f"substr({value}, length({value}), 1)"
    return (  # trimmed only where there is a blank, as macro text_of does
        f"(case when position({first} in {blanks}) = 0 and position({last} in {blanks}) = 0 then {value} "
        f"else trim(both {blanks} from {value}) end)"
    )


@dataclass(frozen=True)
class RawTable:
    """A raw table of a source as var source_map names it. columns: {column: type}.

    own: {contract column: the column that holds it, alone}. used: columns that an unpersonal contract column rests on.
    """

    source: str
    name: str
    columns: dict[str, str]
    own: dict[str, str]
    used: set[str]

    def ids(self) -> dict[str, str]:
        """Return {contract column: column} of the customers' ids in it."""
        return {name: column for name, column in self.own.items() if name.endswith("customer_id")}

    def owners(self) -> list[str]:
        """Return the columns that say whose row it is; a merge's other side has a record of its own."""
        return [column for name, column in self.ids().items() if name != "merged_into_customer_id"]


def raw_tables(database: Database, schema: str, variables: dict[str, Any]) -> Iterator[RawTable]:
    """Yield the raw tables that are there. Raises ValueError where an id is worked out."""
    there = database.tables([schema]).get(schema, {})
    for source, expected in contract.sources().items():
        mapping = (variables.get("source_map") or {}).get(source) or {}
        name = mapping.get("table") or source
        columns = next((found for table, found in there.items() if table.lower() == name.lower()), None)
        if columns is None or not variables.get(f"has_{source}", True):
            continue
        lower = {column.lower(): column for column in columns}
        own, used = {}, set()
        for column in expected:
            given = mapping.get("columns")
            expression = str(given.get(column.name) or "") if given else column.name
            plain = re.fullmatch(
                r'\s*(?:cast\(\s*)?"?(\w+)"?(?:\s+as\s+(?:text|varchar|string)\s*\))?\s*', expression, re.I
            )
            if plain and plain[1].lower() in lower:
                own[column.name] = lower[plain[1].lower()]
            elif column.name.endswith("customer_id") and expression and given:
                raise ValueError(
                    f"var source_map works out {source}.{column.name}, so that nobody can be erased: map it to a column"
                )
            if column.name not in PERSONAL:
                used |= {lower[word] for word in re.findall(r"\w+", expression.lower()) if word in lower}
        yield RawTable(source, next(table for table in there if table.lower() == name.lower()), columns, own, used)


def prepare(database: Database, person: Person) -> None:
    """Write a person down where the statements of this connection read it: the temporary table erased_values."""
    database.execute("drop table if exists erased_values")
    database.execute("create temporary table erased_values (kind varchar, original varchar, replacement varchar)")
    rows = [["id", value, key] for value, key in person.ids.items()]
    database.insert("erased_values", rows + [["email", value, key] for value, key in person.emails.items()])


def is_one_of(kind: str, expression: str) -> str:
    """Return the SQL that says whether a text is one of the person's."""
    return f"{expression} in (select original from erased_values where kind = {quoted(kind)})"


def replaced(kind: str, expression: str) -> str:
    """Return the SQL of the anonymous key that stands for a text of the person."""
    return f"(select max(replacement) from erased_values where kind = {quoted(kind)} and original = {expression})"


def anonymous_email(column: str, variables: dict[str, Any]) -> str:
    """Return the SQL of what becomes of an e-mail: null; of a test the bare pattern, so that it stays a test."""
    patterns = variables.get("test_email_patterns") or []
    cases = [f"when lower({text(column)}) like {quoted(pattern)} then {quoted(bare(pattern))}" for pattern in patterns]
    return f"case {' '.join(cases)} end" if cases else "null"


def bare(pattern: str) -> str:
    """Return the shortest text that a pattern of SQL like matches."""
    return pattern.replace("%", "").replace("_", "x")


def unreadable(database: Database, column: str, data_type: str) -> str | None:
    """Return the SQL that says whether a text is none of a contract type, as staging sees it; None for texts."""
    value = f"cast({column} as varchar)"
    finite = f"replace(replace(lower({text(column)}), '-', ''), '+', '') not in ({', '.join(map(quoted, NOT_FINITE))})"
    if data_type.startswith(("numeric", "integer", "bigint", "double")):
        return f"not {database.matches(value, NUMBER)} and {finite} and {text(column)} <> ''"
    if data_type in ("timestamp", "date"):
        return f"not {database.matches(value, TIME)} and {text(column)} <> ''"
    if data_type == "boolean":
        return f"lower({text(column)}) not in ({', '.join(map(quoted, TRUTHS))}) and {text(column)} <> ''"
    return None


def erase_raw(
    database: Database, schema: str, variables: dict[str, Any], person: Person, only: set[str] | None = None
) -> dict[str, int]:
    """Take a person out of raw tables; return {schema.table: rows that were the person's}. only: the tables of ours."""
    prepare(database, person)
    found = {}
    for table in raw_tables(database, schema, variables):
        name = f"{identifier(schema)}.{identifier(table.name)}"
        types = {column.name: column.data_type for column in contract.sources()[table.source]}
        if not table.ids() or (only is not None and table.name not in only):
            continue
        email = table.own.get("email") or table.own.get("customer_email")
        has_no_id = f"coalesce({text(identifier(table.own.get('customer_id', 'customer_id')))}, '') = ''"
        keyless = own_guest = guest_id = "false"
        if email:
            keyless = f"({has_no_id} and {is_one_of('email', database.email(text(identifier(email))))})"
        if table.source == "orders" and variables.get("guest_orders") != "rejected":
            guest_id = f"'guest:' || {text(identifier(table.own['order_id']))}"
            own_guest = f"({has_no_id} and {is_one_of('id', guest_id)})"
        is_theirs = " or ".join(
            [*(is_one_of("id", text(identifier(column))) for column in table.owners()), keyless, own_guest]
        )
        (rows,) = database.rows(
            f"select count(*) from {name} where {is_theirs} or "
            + " or ".join(is_one_of("id", text(identifier(column))) for column in table.ids().values())
        )[0]
        (mentions,) = (
            database.rows(
                f"select count(*) from {name} where {is_one_of('email', database.email(text(identifier(email))))}"
            )[0]
            if table.source == "orders" and email
            else (0,)
        )
        if rows or mentions:
            found[f"{schema}.{table.name}"] = max(rows, mentions)
            for column in table.ids().values():
                if table.columns[column] not in TEXT_TYPES:  # an anonymous key is no number
                    database.execute(f"alter table {name} alter column {identifier(column)} type varchar")
            guests = variables.get("guest_orders") == "email" and table.source == "orders" and email
            change_raw_rows(database, table, name, is_theirs, types, variables, email, keyless if guests else None)
            if own_guest != "false":
                column = identifier(table.own["customer_id"])
                database.execute(f"update {name} set {column} = {replaced('id', guest_id)} where {own_guest}")
            for column in table.ids().values():
                value = text(identifier(column))
                database.execute(
                    f"update {name} set {identifier(column)} = {replaced('id', value)} where {is_one_of('id', value)}"
                )
    return found


def change_raw_rows(
    database: Database,
    table: RawTable,
    name: str,
    is_theirs: str,
    types: dict[str, str],
    variables: dict[str, Any],
    email: str | None,
    guests: str | None,
) -> None:
    """Empty what is personal in the rows of a person. guests: says which orders without an id are theirs by e-mail."""
    changes = {}
    for column, kind in table.columns.items():
        is_text = kind in TEXT_TYPES
        meant = next((each for each, own in table.own.items() if own == column), None)
        bad = unreadable(database, identifier(column), types.get(meant, "")) if meant and is_text else None
        kept = identifier(column) if column in table.used else "null"
        if column == table.own.get("email") and kept == "null":
            kept = anonymous_email(identifier(column), variables)
        if bad:
            changes[column] = f"case when {bad} then {quoted(GONE)} {'else ' + kept if kept != 'null' else ''} end"
        elif kept != identifier(column):
            changes[column] = kept
    if guests:
        key = replaced("email", database.email(text(identifier(email))))
        own_id = table.own["customer_id"]
        changes[own_id] = f"case when {guests} then {key} else {identifier(own_id)} end"
    if changes:
        sets = ", ".join(f"{identifier(column)} = {value}" for column, value in changes.items())
        database.execute(f"update {name} set {sets} where {is_theirs}")
    if table.source == "orders" and email and email not in table.used:  # the address in the order of another
        is_mentioned = is_one_of("email", database.email(text(identifier(email))))
        database.execute(f"update {name} set {identifier(email)} = null where {is_mentioned}")
