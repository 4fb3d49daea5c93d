"""Where longer texts name a person: in Python, in DuckDB and in Postgres by the same rule.

An id or e-mail counts only where it stands by itself: cust_1 is not in cust_12, nor jo@x.org in mojo@x.org or
jo@x.org.uk. A column of ids or e-mails holds one value, which counts as a whole or not at all. A number alone can be
an amount, a date or a key of something else, so it counts in words of people only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from customer_value.privacy.personal_rows import GONE, TEXT_TYPES, Database, Person, is_one_of, replaced, text
from customer_value.quoting import identifier, quoted

BEFORE, AFTER = r"(?:(?<![\w@.+-])|(?<=\\[nrt]))", r"(?![\w@+-]|\.\w)"  # \n and so on end a word in JSON
# a Postgres of locale C knows no letter beyond ASCII by itself: those of Latin, Greek, Cyrillic
LETTERS = r"\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0370-\u052f"
# RE2 cannot look around, so that it takes the neighbours with it
TAKEN_BEFORE = r"(^|[^\p{L}\p{N}_@.+-]|\\[nrt])"
TAKEN_AFTER = r"($|[^\p{L}\p{N}_@.+-]|\.$|\.[^\p{L}\p{N}_])"
WORDY = "[^0-9.,:+ -]"  # what a text has that is no number and no date


def spelled(texts: Iterable[str], is_json: bool = False) -> str:
    """Return the pattern of any of some texts, longest first. is_json: also as JSON writes them."""
    forms = set(texts)
    if is_json:
        forms |= {json.dumps(each, ensure_ascii=is_ascii)[1:-1] for each in forms for is_ascii in (True, False)}
    return "|".join(re.escape(each) for each in sorted(forms, key=lambda each: (-len(each), each)))


def pattern(texts: Iterable[str], is_binary: bool = False) -> re.Pattern[str] | None:
    """Return what finds any of some texts in a file that is read as a text; None without one.

    is_binary: what stands beside a text in it may be its length, so that it counts wherever it is.
    """
    found = spelled(texts, is_json=True)
    before, after = ("", "") if is_binary else (BEFORE, AFTER)
    return re.compile(f"{before}(?:{found}){after}", re.IGNORECASE) if found else None


def words(person: Person) -> list[str]:
    """Return the texts that stand for a person and are no numbers."""
    return [each for each in person.telling() if re.search(r"[^\W\d]", each)]


def on_postgres(sought: str) -> str:
    """Return the pattern of texts that stand by themselves, in Postgres' words."""
    return f"{BEFORE}(?:{sought}){AFTER}".replace(r"\w", rf"\w{LETTERS}", 1).replace(r"[\w@+-]", rf"[\w{LETTERS}@+-]")


class Column:
    """A column of a table, in which a person is looked for. value, name: its SQL as a text, and as what is set."""

    def __init__(self, database: Database, table: str, columns: dict[str, str], column: str, person: Person) -> None:
        self.database, self.table, self.columns, self.column, self.person = database, table, columns, column, person
        self.name = identifier(column)
        self.kind = columns[column]
        self.value = f"cast({self.name} as varchar)"

    def is_searched(self) -> bool:
        """Say whether it holds texts."""
        return self.kind in TEXT_TYPES or self.kind in ("JSON", "JSONB")

    def exact(self) -> str | None:
        """Return the SQL that says where its value is the person's; None for a column of longer texts."""
        column = self.column.lower()
        if column.endswith("customer_id"):
            return is_one_of("id", text(self.name))
        if column.endswith("email"):
            return is_one_of("email", self.database.email(text(self.name)))
        if column == "row_key":  # of customers it is their id, of other sources a key of their own
            if "source_name" in self.columns:
                return f"(source_name = 'customers' and {is_one_of('id', text(self.name))})"
            return is_one_of("id", text(self.name)) if self.table == "stg_customers" else "false"
        return None

    def sought(self) -> str:
        """Return the pattern of the texts that are sought in a column of longer texts; empty without one."""
        is_keyed = self.column.lower().endswith(("_id", "_key"))
        is_json = self.kind in ("JSON", "JSONB") or self.column == "raw_row"
        texts = words(self.person) if is_keyed or is_json else self.person.telling()
        return spelled(texts, is_json=True)

    def names(self) -> str:
        """Return the SQL that says where it names the person."""
        if exact := self.exact():
            return exact
        if not (sought := self.sought()):
            return "false"
        if self.database.engine == "duckdb":
            whole = f"{TAKEN_BEFORE}(?:{sought}){TAKEN_AFTER}"
            found = f"regexp_matches({self.value}, {quoted(whole)}, 'i')"
        else:
            found = f"{self.value} ~* {quoted(on_postgres(sought))}"
        return f"({found} and {self.database.matches(self.value, WORDY)})"

    def erased(self) -> str:
        """Return the SQL of what becomes of a value that names the person."""
        if self.exact():
            if self.column.lower().endswith("email"):
                return "null"
            return replaced("id", text(self.name))
        new = self.value
        if self.database.engine == "duckdb":
            whole = f"{TAKEN_BEFORE}(?:{self.sought()}){TAKEN_AFTER}"
            kept = rf"\1{GONE}\2"
            for _ in range(2):  # of two neighbours the first pass takes one
                new = f"regexp_replace({new}, {quoted(whole)}, {quoted(kept)}, 'gi')"
        else:
            new = f"regexp_replace({new}, {quoted(on_postgres(self.sought()))}, {quoted(GONE)}, 'gi')"
        return f"cast({new} as {self.kind})"


def is_within_another(database: Database, sought: str) -> bool:
    """Say whether a text is part of any text, name or comment of a DuckDB file, whoever's it is."""
    lower = quoted(sought.lower())
    for schema, tables in database.tables().items():
        for table, columns in tables.items():
            looks = [
                f"strpos(lower(cast({identifier(column)} as varchar)), {lower}) > 0"
                for column, kind in columns.items()
                if kind in (*TEXT_TYPES, "JSON")
            ]
            if looks:
                name = f"{identifier(schema)}.{identifier(table)}"
                ((is_there,),) = database.rows(f"select coalesce(bool_or({' or '.join(looks)}), false) from {name}")
                if is_there:
                    return True
    return bool(database.rows(
        "select 1 from (select sql || coalesce(comment, '') as said from duckdb_views() union all "
        "select sql || coalesce(comment, '') from duckdb_tables() union all select comment from duckdb_columns()) "
        f"where strpos(lower(said), {lower}) > 0 limit 1"
    ))  # fmt: skip
