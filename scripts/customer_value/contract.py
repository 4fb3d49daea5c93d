"""The input contract: models/staging/_sources.yml and nothing else says which raw columns there are."""

from __future__ import annotations

from dataclasses import dataclass

import yaml

from customer_value.project import PROJECT

CONTRACT_FILE = PROJECT / "models" / "staging" / "_sources.yml"
SCHEMA = "raw"


@dataclass(frozen=True)
class Column:
    """One column of a raw table: its name, SQL type and whether a row is meaningless without it."""

    name: str
    data_type: str
    required: bool


def sources() -> dict[str, list[Column]]:
    """Return {source: [Column, ...]} in the order of the contract file."""
    (raw,) = yaml.safe_load(CONTRACT_FILE.read_text(encoding="utf-8"))["sources"]
    return {
        table["name"]: [
            Column(
                column["name"],
                column["data_type"],
                column.get("config", {}).get("meta", {}).get("required", False),
            )
            for column in table["columns"]
        ]
        for table in raw["tables"]
    }
