"""What the tests of inputs share: the page about mapping, staging alone, the arrival guard in a folder of its own."""

from __future__ import annotations

import shutil

import pytest
from conftest import Warehouse

from customer_value.arrival import check_arrival
from customer_value.project import PROJECT

MAPPING = (PROJECT / "models" / "docs" / "mapping.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return the blocks of a language on the page about mapping."""
    return [block.split("```")[0] for block in MAPPING.split(f"```{language}\n")[1:]]


def judged(warehouse: Warehouse, variables: dict | None = None) -> None:
    """Build staging and what customers are made of, without tests."""
    result = warehouse.dbt("run", "--select", "+int_orders", "+int_rejected_rows", variables=variables)
    assert result.returncode == 0, result.stdout


def arrival(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> check_arrival.Outcome:
    """Let the arrival guard judge a warehouse; return what it found."""
    folder = warehouse.folder / "gx"
    shutil.copytree(PROJECT / "gx", folder, ignore=shutil.ignore_patterns("uncommitted"), dirs_exist_ok=True)
    monkeypatch.setenv("CUSTOMER_VALUE_DATABASE", str(warehouse.database))
    return check_arrival.check(folder=folder, file=warehouse.folder / "loads.jsonl")
