"""What the tests of inputs share: the page about mapping, staging alone, the arrival guard in a folder of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
from types import SimpleNamespace

import pytest
from conftest import Warehouse, server

from customer_value.arrival import check_arrival
from customer_value.project import PROJECT

MAPPING = (PROJECT / "models" / "docs" / "mapping.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return the blocks of a language on the page about mapping."""
    return [block.split("```")[0] for block in MAPPING.split(f"```{language}\n")[1:]]


def judged(warehouse: Warehouse, variables: dict | None = None) -> None:
    """Build staging and what customers are made of, without tests."""
    warehouse.run("run", "--select", "+int_orders", "+int_rejected_rows", variables=variables)


def ask_the_dbt_that_stays_up(monkeypatch: pytest.MonkeyPatch, warehouse: Warehouse) -> None:
    """Let the arrival guard have its profiles from the dbt that stays up, in place of one that it starts."""

    def run(command: list, **_: object) -> subprocess.CompletedProcess:
        asked = [str(part) for part in command[command.index("run-operation") :]]
        variables = None
        if "--vars" in asked:
            place = asked.index("--vars")
            variables = json.loads(asked[place + 1])
            del asked[place : place + 2]
        reply, said = server().invoke(warehouse.database, *asked, variables=variables)
        return subprocess.CompletedProcess(command, int(not reply["success"]), said, reply.get("exception", ""))

    monkeypatch.setattr(check_arrival, "subprocess", SimpleNamespace(run=run))


def arrival(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, variables: dict | None = None
) -> check_arrival.Outcome:
    """Let the arrival guard judge a warehouse; return what it found."""
    folder = warehouse.folder / "gx"
    shutil.copytree(PROJECT / "gx", folder, ignore=shutil.ignore_patterns("uncommitted"), dirs_exist_ok=True)
    monkeypatch.setenv("CUSTOMER_VALUE_DATABASE", str(warehouse.database))
    ask_the_dbt_that_stays_up(monkeypatch, warehouse)
    given = json.dumps(variables) if variables else None
    return check_arrival.check(folder=folder, file=warehouse.folder / "loads.jsonl", variables=given)
