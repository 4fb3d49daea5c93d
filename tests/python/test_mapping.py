"""The worked example of models/docs/mapping.md, run as it stands on tables that jafgen makes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import Warehouse
from raw_schema import PROJECT

TABLES = ["raw_orders", "raw_items", "raw_products", "raw_supplies", "raw_customers"]


def documented_vars() -> dict:
    """Return the vars of the example in the documentation."""
    text = (PROJECT / "models" / "docs" / "mapping.md").read_text(encoding="utf-8")
    return yaml.safe_load(text.split("```yaml")[1].split("```")[0])


@pytest.fixture(scope="module")
def jaffle_shop(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Return a year of a jaffle shop, its own tables in the schema raw."""
    warehouse = Warehouse(tmp_path_factory.mktemp("jaffle"))
    subprocess.run([str(Path(sys.executable).with_name("jafgen")), "1"], cwd=warehouse.folder, check=True)
    warehouse.execute("create schema raw")
    for table in TABLES:
        file = warehouse.folder / "jaffle-data" / f"{table}.csv"
        warehouse.execute(f"create table raw.{table} as select * from read_csv('{file}')")
    return warehouse


def test_the_documented_mapping_builds_a_jaffle_shop(jaffle_shop: Warehouse):
    jaffle_shop.build(documented_vars())
    assert jaffle_shop.rows("select count(*), count(distinct customer_id), sum(net_revenue) from marts.orders") == (
        jaffle_shop.rows(
            "select count(*), count(distinct customer), cast(sum(subtotal) / 100.0 as decimal(18, 2)) "
            "from raw.raw_orders"
        )
    )
    assert jaffle_shop.rows(
        "select source_name, sum(raw) from marts.reconciliation where measure = 'row_count' group by 1 order by 1"
    ) == (
        jaffle_shop.rows(
            """
            select 'customers', count(*) from raw.raw_customers
            union all select 'order_items', count(*) from raw.raw_items
            union all select 'orders', count(*) from raw.raw_orders order by 1
            """
        )
    )
    # every line is costed by its supplies, so no margin is an estimate where an order has lines
    assert jaffle_shop.rows("select count(*) from marts.orders where line_count > 0 and margin_is_estimated") == [(0,)]
    assert jaffle_shop.rows("select count(*) from marts.customers where full_name is null") == [(0,)]
    assert jaffle_shop.rows("select distinct refund_amount from marts.orders") == [(None,)]


def test_mistakes_in_the_mapping_are_all_named(jaffle_shop: Warehouse):
    variables = documented_vars()
    del variables["source_map"]["orders"]["columns"]["gross_amount"]
    variables["source_map"]["orders"]["columns"]["gros_amount"] = "subtotal"
    variables["source_map"]["customers"]["table"] = "raw_custmers"
    output = jaffle_shop.refused(variables=variables)
    assert "var source_map lists the columns of orders without gross_amount (required)" in output
    assert "var source_map gives orders a column gros_amount, which the contract does not have" in output
    assert "table raw.raw_custmers is missing" in output
    output = jaffle_shop.refused(variables=documented_vars() | {"source_map": {"order": {"table": "raw_orders"}}})
    assert "var source_map names a source order, which the contract does not have" in output
