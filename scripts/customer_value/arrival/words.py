"""What the arrival guard says in words where a number would not do: what is missing, what will be rejected, and why."""

from __future__ import annotations

import csv
import json
import re
from typing import Any

from customer_value import messages
from customer_value.project import PROJECT

TRIED = re.compile(r"^source_map_try (.*)$", re.MULTILINE)


def remedy(reason: str) -> str:
    """Return what to do about a reject reason, by the seed."""
    with (PROJECT / "seeds" / "reference" / "reject_reasons.csv").open(encoding="utf-8") as file:
        return next((row["remedy"] for row in csv.DictReader(file) if row["reject_reason"] == reason), "")


def absent(found: dict[str, Any], column: str | None) -> str:
    """Return what a table lacks.

    found: one dict of check_arrival.profiles(). column: of the contract, None for the table itself.
    """
    table, origin = found["table"], found["columns"].get(column, {}).get("origin")
    if column is None or not found["is_there"]:
        return f"table {table} is not there"
    read = f"var source_map reads it from {origin}" if origin else "it is in the contract"
    return f"{read}, and {table} has no such column; it has {', '.join(found['physical'])}"


def rejected(found: dict[str, Any], column: str) -> str:
    """Return how many orders will be rejected for what a column says, and what to do; empty where none will be."""
    said = found.get("rejects", {}).get(column)
    if not said:
        return ""
    amount = "" if said["amount"] is None else f", {said['amount']:,.2f} in gross amount as stated"
    values = f": {', '.join(said['values'])}" if said["values"] else ""
    rows = f"{said['row_count']:,} of {found['profile']['row_count']:,.0f} orders rejected"
    return f"{rows}{amount}, {said['reason']}{values}; {remedy(said['reason'])}"


def unmatched(found: list[dict[str, Any]]) -> list[str]:
    """Return a line on orders whose customer nobody delivered, where customers were delivered at all."""
    lines = []
    for said in (item["unmatched"] for item in found if item.get("unmatched")):
        share = said["row_count"] / said["identified"] if said["identified"] else 0
        numbers = f"{said['row_count']:,} of {said['identified']:,}, {share:.1%}"
        lines.append(f"Orders whose customer is not in the table of customers: {numbers}.")
    return lines


def refused_expression(output: str) -> str | None:
    """Return what the engine refused of var source_map, from dbt's output; None where that was not it."""
    tried = [json.loads(line) for line in TRIED.findall(output)]
    if not tried or tried[-1] is None:
        return None
    said = re.sub(r"^(arrival_profile|source_map_try) .*\n?", "", output, flags=re.MULTILINE)
    return f"{tried[-1]}; the engine does not take it:\n{messages.without_values(said)[-3000:]}"
