""".ci/scenarios.yml: each setting that a company may choose builds green; make test-scenarios."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import GENERATED_ORDERS, PROJECT, SHOP, Warehouse

pytestmark = pytest.mark.scenarios

SCENARIOS = yaml.safe_load((PROJECT / ".ci" / "scenarios.yml").read_text(encoding="utf-8"))
VARS = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]


def name(scenario: dict) -> str:
    """Return the vars as text, which names the test."""
    return ",".join(f"{var}={value}" for var, value in scenario["vars"].items()).replace(" ", "")


def command(script: str, *arguments: object, database: Path | None = None) -> None:
    """Run a script of the project as a user would, on a database."""
    environment = os.environ | ({"CUSTOMER_VALUE_DATABASE": str(database)} if database else {})
    line = [sys.executable, str(PROJECT / "scripts" / script), *map(str, arguments)]
    subprocess.run(line, env=environment, check=True, capture_output=True)


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Warehouse]:
    """Return a warehouse per shop with raw tables and the key of guests, and nothing built."""
    folder = tmp_path_factory.mktemp("generated_shop")
    command("generate_shop.py", folder, "--orders", GENERATED_ORDERS)
    shops = {}
    for shop, files in {"fixture": SHOP, "generated": folder}.items():
        shops[shop] = Warehouse(tmp_path_factory.mktemp(shop))
        command("load_files.py", files, database=shops[shop].database)
        command("set_key.py", database=shops[shop].database)
    return shops


@pytest.mark.parametrize("scenario", SCENARIOS, ids=name)
def test_a_setting_builds_green(loaded: dict[str, Warehouse], tmp_path: Path, scenario: dict):
    warehouse = Warehouse(tmp_path)
    warehouse.database.write_bytes(loaded[scenario.get("shop", "fixture")].database.read_bytes())
    for var, value in scenario["vars"].items():
        if var.startswith("has_") and not value:
            warehouse.execute(f"drop table raw.{var.removeprefix('has_')}")
    warehouse.build(scenario["vars"])
    if "holds" in scenario:
        assert warehouse.rows(scenario["holds"]) == [(True,)]


def test_every_source_and_every_method_has_a_scenario(warehouse: Warehouse):
    settings = [setting for scenario in SCENARIOS for setting in scenario["vars"].items()]
    listed = {(var, value) for var, value in settings if isinstance(value, str)}
    absent = {var for var, value in settings if value is False}
    assert absent >= {var for var in VARS if var.startswith("has_")}
    # check_vars names the legal values of a var that holds none of them
    endings = ("_method", "_model", "_population", "_value", "guest_orders")
    methods = [var for var in VARS if var.endswith(endings)]
    refused = warehouse.dbt("run-operation", "check_vars", variables=dict.fromkeys(methods, "none of them"))
    legal = re.findall(r"var (\w+) must be one of ([^;]+);", " ".join(refused.stdout.split()))
    assert {var for var, _ in legal} == set(methods)
    assert listed >= {(var, value) for var, values in legal for value in values.split(", ")}
