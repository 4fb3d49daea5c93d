"""A person taken out of what was built: staging, intermediate, marts, ledgers, versions; and the search for the rest.

What is left of a row is what a build of the erased raw rows makes of it, down to the key of a rejected row.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from customer_value import contract
from customer_value.privacy.mentions import Column
from customer_value.privacy.personal_rows import (
    BLANKS,
    GONE,
    NOT_FINITE,
    NUMBER,
    PERSONAL,
    TEXT_TYPES,
    TIME,
    TRUTHS,
    Database,
    Person,
    anonymous_email,
    bare,
    email_key,
    is_one_of,
    prepare,
    replaced,
    spellings,
)
from customer_value.quoting import identifier, quoted

# what the project itself works by: it names nobody, and a word that is changed in it would break it
NOT_SEARCHED = {
    f"operations.{name}" for name in ("versions", "lock", "built_relations", "pseudonym_key", "suppressions")
}


def erased_json(source: str, raw_row: str, variables: dict[str, Any], person: Person) -> str:
    """Return the raw row of a rejected row as erase_raw would have left it; where it is another's, the same text."""
    row = json.loads(raw_row)
    value = {name: (str(content).strip(BLANKS) if content is not None else None) for name, content in row.items()}
    email = email_key(value.get("email") or value.get("customer_email") or "")
    ids = [name for name in row if name.endswith("customer_id")]
    guest_id = f"guest:{value.get('order_id')}" if source == "orders" and not value.get("customer_id") else None
    is_guest = guest_id in person.ids and variables.get("guest_orders") != "rejected"
    is_keyless = "customer_id" in row and not value.get("customer_id") and email in person.emails
    if is_keyless or is_guest or any(value[n] in person.ids for n in ids if n != "merged_into_customer_id"):
        for column in contract.sources()[source]:
            row[column.name] = erased_value(column, row.get(column.name), variables)
        if is_guest:
            row["customer_id"] = person.ids[guest_id]
        if is_keyless and source == "orders" and variables.get("guest_orders") == "email":
            row["customer_id"] = person.emails[email]
    for name in ids:
        if value[name] in person.ids:
            row[name] = person.ids[value[name]]
    if source == "orders" and email in person.emails:
        row["customer_email"] = None
    return raw_row if row == json.loads(raw_row) else json.dumps(row, ensure_ascii=False, separators=(",", ":"))


def erased_value(column: contract.Column, content: str | None, variables: dict[str, Any]) -> str | None:
    """Return what becomes of a value in a row of the person: kept, gone, or a word that is as unreadable as it was."""
    plain = (content or "").strip(BLANKS)
    if plain and column.data_type.startswith(("numeric", "integer", "bigint", "double")):
        is_read = re.match(NUMBER, content) or re.sub("[+-]", "", plain.lower()) in NOT_FINITE
    elif plain and column.data_type in ("timestamp", "date"):
        is_read = re.match(TIME, content)
    elif plain and column.data_type == "boolean":
        is_read = plain.lower() in TRUTHS
    else:
        is_read = True
    if not is_read:
        return GONE
    if column.name == "email" and plain:
        for pattern in variables.get("test_email_patterns") or []:
            if re.fullmatch(re.escape(pattern).replace("%", ".*").replace("_", "."), plain.lower(), re.S):
                return bare(pattern)
    return None if column.name in PERSONAL else content


def everything(schema: str, table: str) -> bool:
    """Say that every table is ours, as in a file of ours."""
    return True


def erase_built(
    database: Database,
    schemas: Iterable[str],
    variables: dict[str, Any],
    person: Person,
    is_ours: Callable[[str, str], bool] = everything,
) -> dict[str, int]:
    """Take a person out of tables that dbt built, or of copies of them; return {schema.table: rows changed}."""
    prepare(database, person)
    found: dict[str, int] = {}
    renamed: dict[str, str] = {}
    there = {
        schema: {table: columns for table, columns in tables.items() if is_ours(schema, table)}
        for schema, tables in database.tables(schemas).items()
    }
    for schema, tables in there.items():
        for table, columns in tables.items():
            name, changed = f"{identifier(schema)}.{identifier(table)}", []
            ids = [column for column in columns if column.endswith("customer_id") and columns[column] in TEXT_TYPES]
            if "raw_row" in columns:
                rows, keys = erase_rejected(database, name, table, columns, variables, person)
                changed.append(rows)
                rename(database, name, keys)
                renamed |= keys if schema == "marts" else {}
            if personal := sorted(PERSONAL & set(columns)):
                changed.append(erase_personal(database, name, table, columns, personal, variables))
            for column in ids:
                value = identifier(column)
                changed.append(database.execute(
                    f"update {name} set {value} = {replaced('id', value)} where {is_one_of('id', value)}"
                ))  # fmt: skip
            if max(changed, default=0):
                found[f"{schema}.{table}"] = max(changed)
    for schema, tables in there.items():
        for table, columns in tables.items():
            if "rejected_row_id" in columns and "raw_row" not in columns:  # what is remembered of the same rows
                rename(database, f"{identifier(schema)}.{identifier(table)}", renamed)
    return found


def rename(database: Database, name: str, keys: dict[str, str]) -> None:
    """Give rejected rows the keys that their erased raw rows make. keys: {old: new}."""
    if keys:
        database.execute("drop table if exists renamed_rows")
        database.execute("create temporary table renamed_rows (old varchar, new varchar)")
        database.insert("renamed_rows", [list(pair) for pair in keys.items()])
        database.execute(
            f"update {name} set rejected_row_id = (select max(new) from renamed_rows where old = rejected_row_id) "
            "where rejected_row_id in (select old from renamed_rows)"
        )


def erase_personal(
    database: Database, name: str, table: str, columns: dict[str, str], personal: list[str], variables: dict[str, Any]
) -> int:
    """Empty the personal columns of the person's rows of a built table; return how many there were."""
    has_id = "customer_id" in columns
    email = next((column for column in personal if column.endswith("email")), None)
    is_by_email = is_one_of("email", database.email(email)) if email else "false"
    is_theirs = is_one_of("id", "customer_id") if has_id else "false"
    sets = [f"{column} = {anonymous_email(column, variables) if column == 'email' else 'null'}" for column in personal]
    is_order = email == "customer_email"
    if is_order and has_id and variables.get("guest_orders") == "email":
        key = replaced("email", database.email(email))
        sets.append(f"customer_id = case when customer_id is null and {is_by_email} then {key} else customer_id end")
    by_email = is_by_email if is_order else f"(customer_id is null and {is_by_email})" if has_id else "false"
    count = database.execute(f"update {name} set {', '.join(sets)} where {is_theirs} or {by_email}")
    if is_order and has_id and "order_id" in columns and variables.get("guest_orders") != "rejected":
        guest = "'guest:' || order_id"
        count += database.execute(
            f"update {name} set customer_id = {replaced('id', guest)} "
            f"where customer_id is null and {is_one_of('id', guest)}"
        )
    return count


def erase_rejected(
    database: Database,
    name: str,
    table: str,
    columns: dict[str, str],
    variables: dict[str, Any],
    person: Person,
) -> tuple[int, dict[str, str]]:
    """Write the raw rows of rejected rows anew; return how many, and {their key: the one that they make now}."""
    is_mart = "source_name" in columns
    telling = " or ".join(
        f"strpos(lower(raw_row), {quoted(json.dumps(each, ensure_ascii=False)[1:-1].lower())}) > 0"
        for each in [*person.ids, *spellings(person.emails)]
    ) or "false"  # fmt: skip
    source_of = "source_name" if is_mart else quoted(table.removeprefix("stg_"))
    changed = 0
    rows = database.rows(f"select distinct {source_of}, raw_row from {name} where raw_row is not null and ({telling})")
    news = {}
    for source, old in rows:
        new = erased_json(source, old, variables, person)
        if new != old:
            news[source, old] = new
    for (source, old), new in news.items():
        condition = f"{source_of} = ? and raw_row = ?"
        changed += database.execute(f"update {name} set raw_row = ? where {condition}", [new, source, old])
    if "row_key" in columns and (is_mart or table == "stg_customers"):
        condition = f"{source_of} = 'customers' and {is_one_of('id', 'row_key')}"
        database.execute(f"update {name} set row_key = {replaced('id', 'row_key')} where {condition}")
    renamed = {}
    if "rejected_row_id" in columns:
        for source, new in {(source, new) for (source, _), new in news.items()}:
            rows = database.rows(
                f"select rejected_row_id from {name} where source_name = ? and raw_row = ? order by reject_reasons, "
                "rejected_row_id", [source, new],
            )  # fmt: skip
            digest = hashlib.md5(new.encode(), usedforsecurity=False).hexdigest()
            renamed |= {old: f"{source}:{digest}:{number}" for number, (old,) in enumerate(rows, 1)}
    return changed, renamed


def erase_texts(database: Database, places: Iterable[str], person: Person) -> None:
    """Overwrite what names a person in other places than rows of the person. places: those that residue names."""
    prepare(database, person)
    for place in places:
        schema, table, name = place.split(".", 2)
        column = Column(database, table, database.tables([schema])[schema][table], name, person)
        database.execute(
            f"update {identifier(schema)}.{identifier(table)} set {column.name} = {column.erased()} "
            f"where {column.names()}"
        )


def residue(
    database: Database, schemas: Iterable[str], person: Person, is_ours: Callable[[str, str], bool] = everything
) -> dict[str, int]:
    """Search all texts of tables for a person; return {schema.table.column: rows}, empty where nothing is left."""
    prepare(database, person)
    left = {}
    for schema, tables in database.tables(schemas).items():
        for table, columns in tables.items():
            found = [Column(database, table, columns, name, person) for name in columns]
            searched = [column for column in found if column.is_searched()]
            if not searched or not is_ours(schema, table) or f"{schema}.{table}" in NOT_SEARCHED:
                continue
            counts = ", ".join(f"count(*) filter (where {column.names()})" for column in searched)
            (rows,) = database.rows(f"select {counts} from {identifier(schema)}.{identifier(table)}")
            left |= {f"{schema}.{table}.{column.column}": n for column, n in zip(searched, rows, strict=True) if n}
    return left
