"""The manifest that may come with a delivery of files: FOLDER/manifest.json, written by whoever exports them.

    {"orders": {"rows": 104, "totals": {"gross_amount": "12345.67"}}, "refunds": {"rows": 7}}

rows: records of the file. totals: exact sums of columns of the contract, over the values that are numbers as staging
reads them: an optional sign, up to 16 digits and a decimal point; of the decimals twelve count. Both are optional, and
a source that is not named is not checked. A manifest says what was sent, so that a file which was cut on its way is
found before it is loaded.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from customer_value.contract import Column
from customer_value.raw.loading import LoadError

FILE = "manifest.json"
READABLE = "^ *[+-]?([0-9]{1,16}([.][0-9]*)?|[.][0-9]+) *$"
EXAMPLE = '{"orders": {"rows": 104, "totals": {"gross_amount": "12345.67"}}}'


def check(
    folder: Path, selects: dict[str, str], contract: dict[str, list[Column]], query: Callable[[str], list[tuple]]
) -> None:
    """Raise LoadError where the folder has a manifest and the files are not what it says.

    selects: {source: SELECT of its file's columns}. query: runs a query on files. One scan per file that is named.
    """
    file = folder / FILE
    if not file.exists():
        return
    problems = []
    for source, (rows, totals) in read(file, contract).items():
        if source not in selects:
            problems.append(f"there is no file of {source}")
            continue
        there = {row[0] for row in query(f"describe {selects[source]}")}
        measures = [f"sum({number(column)})" if column in there else "null" for column in totals]
        ((counted, *sums),) = query(f"select {', '.join(['count(*)', *measures])} from ({selects[source]})")
        if rows not in (None, counted):
            problems.append(f"{source} should have {rows} rows and has {counted}")
        for (column, said), found in zip(totals.items(), sums, strict=True):
            if said != (found or 0):
                has = f"and does to {plain(found or 0)}" if column in there else "and the file has no such column"
                problems.append(f"{column} of {source} should add up to {plain(said)} {has}")
    if problems:
        raise LoadError(f"{file} and the files differ: {'; '.join(problems)}. Have the delivery sent again")


def number(column: str) -> str:
    """Return the SQL expression of a column's readable numbers, null for the others."""
    text = f"cast({column} as varchar)"
    return f"case when regexp_matches({text}, '{READABLE}') then cast({text} as decimal(38, 12)) end"


def plain(value: Decimal | int) -> str:
    """Return a number without needless zeros and exponents."""
    text = f"{Decimal(value):f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def read(file: Path, contract: dict[str, list[Column]]) -> dict[str, tuple[int | None, dict[str, Decimal]]]:
    """Return {source: (rows or None, {column: total})}. Raises LoadError when it is no manifest."""
    try:
        said = json.loads(file.read_text(encoding="utf-8-sig"), parse_float=Decimal)
    except ValueError as error:  # no JSON, or no UTF-8
        raise LoadError(f"{file} cannot be read as JSON: {error}") from error
    problems = []
    if not isinstance(said, dict):
        problems, said = ["it is no object"], {}
    found = {}
    for source, entry in said.items():
        if source not in contract:
            problems.append(f"{source} is no source of the contract")
            continue
        problems += faults(source, entry, {column.name for column in contract[source]})
        if not problems:
            totals = {column: Decimal(total) for column, total in entry.get("totals", {}).items()}
            found[source] = (entry.get("rows"), totals)
    if problems:
        raise LoadError(f"{file} is no manifest: {'; '.join(problems)}. It has to look like {EXAMPLE}")
    return found


def faults(source: str, entry: Any, columns: set[str]) -> list[str]:
    """Return what is wrong with what a manifest says of a source."""
    if not isinstance(entry, dict) or not entry.keys() <= {"rows", "totals"}:
        return [f"{source} has something else than rows and totals"]
    rows, totals = entry.get("rows", 0), entry.get("totals", {})
    problems = [] if type(rows) is int and rows >= 0 else [f"rows of {source} is no whole number"]
    if not isinstance(totals, dict):
        return [*problems, f"totals of {source} is no object"]
    problems += [f"{source} has no column {column}" for column in totals if column not in columns]
    problems += [
        f"the total of {column} of {source} is no number" for column in totals if not is_number(totals[column])
    ]
    return problems


def is_number(value: object) -> bool:
    """Say whether a manifest's value is a finite number, as text or as a JSON number."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return False
    try:
        return Decimal(value).is_finite()
    except InvalidOperation:
        return False
