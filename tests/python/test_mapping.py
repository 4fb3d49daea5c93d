"""The worked example of models/docs/mapping.md, run as it stands on tables that jafgen makes."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from conftest import Warehouse
from inputs import arrival

from customer_value.arrival import check_arrival
from customer_value.project import PROJECT

TABLES = ["raw_orders", "raw_items", "raw_products", "raw_supplies", "raw_customers"]


def documented_vars(number: int = 1) -> dict:
    """Return the vars of an example in the documentation."""
    text = (PROJECT / "models" / "docs" / "mapping.md").read_text(encoding="utf-8")
    return yaml.safe_load(text.split("```yaml")[number].split("```")[0])


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
    selected = ("--select", "+orders", "+customers", "+reconciliation", "+customer_value")
    jaffle_shop.build(documented_vars(), select=(*selected, "--indirect-selection", "buildable"))
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


def test_mistakes_are_all_named_by_dbt_and_by_the_arrival_guard_before_anything_is_built(
    jaffle_shop: Warehouse, monkeypatch: pytest.MonkeyPatch
):
    """With the user's table and its columns; expressions are tried where all columns are there."""
    variables = documented_vars()
    columns = variables["source_map"]["orders"]["columns"]
    del columns["gross_amount"]
    columns |= {"gros_amount": "subtotal", "ordered_at": "orderd_at"}
    variables["source_map"]["customers"]["table"] = "raw_custmers"
    output = jaffle_shop.said("build", "--no-quiet", variables=variables, succeeds=False)
    assert "var source_map lists the columns of orders without gross_amount (required)" in output
    assert "var source_map gives orders a column gros_amount, which the contract does not have" in output
    assert "table raw.raw_custmers is missing" in output
    told = "var source_map reads ordered_at of orders from orderd_at, a column that table raw.raw_orders does not have"
    assert told in output
    assert "table raw.raw_orders has the columns id, customer, ordered_at, store_id, subtotal" in output
    assert "START" not in output.replace("START hook", "")  # no node was begun
    outcome = arrival(jaffle_shop, monkeypatch, variables)
    assert outcome.stopped
    assert (
        "STOP  orders.ordered_at: is required and not there: var source_map reads it from orderd_at, and "
        "raw.raw_orders has no such column; it has id, customer, ordered_at, store_id, subtotal, tax_paid, order_total"
    ) in outcome.report()
    assert "has_orders" not in outcome.report()

    variables = documented_vars()
    variables["source_map"]["orders"]["columns"]["gross_amount"] = "subtotl / 100.0"
    output = jaffle_shop.said("build", "--no-quiet", variables=variables, succeeds=False)
    assert "var source_map computes gross_amount of orders by subtotl / 100.0, from raw.raw_orders" in output
    assert 'column "subtotl" not found' in output
    assert "START" not in output.replace("START hook", "")
    with pytest.raises(check_arrival.CheckError) as refused:
        arrival(jaffle_shop, monkeypatch, variables)
    assert (
        "var source_map computes gross_amount of orders by subtotl / 100.0, from raw.raw_orders with the columns "
        "id, customer, ordered_at, store_id, subtotal, tax_paid, order_total; the engine does not take it:"
    ) in str(refused.value)
    assert "has_orders" not in str(refused.value)


def test_a_source_that_the_contract_does_not_have_is_named(jaffle_shop: Warehouse):
    variables = json.dumps({"source_map": {"order": {"table": "raw_orders"}}})
    output = jaffle_shop.said("run-operation", "check_vars", "--vars", variables, succeeds=False)
    assert "var source_map names a source order, which the contract does not have" in output


def test_the_documented_mapping_of_gift_cards_counts_what_they_pay_for(warehouse: Warehouse):
    warehouse.load({"orders": "order_id,customer_id,ordered_at,gross_amount\n"})  # the contract's other tables
    for table, text in {
        "shop_orders": "number,customer,placed_at,total,refers_to\n"
        "1,ada,2024-05-01,70.00,\n2,ada,2024-05-02,50.00,\n3,bob,2024-05-03,30.00,\n4,ada,2024-06-01,-20.00,1\n",
        "shop_lines": "number,line,sku,kind,price\n"
        "1,1,pot,tableware,20.00\n1,2,card,gift_card,50.00\n2,1,card,gift_card,50.00\n3,1,mat,textiles,30.00\n"
        "4,1,pot,tableware,-20.00\n",
    }.items():
        file = warehouse.folder / f"{table}.csv"
        file.write_text(text)
        warehouse.execute(f"create table raw.{table} as select * from read_csv('{file}')")
    selected = ("--select", "+customer_value_parts", "+orders", "+reject_summary", "--indirect-selection", "buildable")
    warehouse.build(documented_vars(2), select=selected)
    assert warehouse.rows(
        "select customer_id, order_count, net_revenue, category_count from marts.customer_value "
        "join marts.customer_value_parts using (customer_id) order by 1"
    ) == [("ada", 1, Decimal("0.00"), 1), ("bob", 1, Decimal("30.00"), 1)]
    assert warehouse.rows("select order_id, refund_amount from marts.orders order by 1") == [
        ("1", Decimal("20.00")),
        ("3", Decimal("0.00")),
    ]
    assert warehouse.rows("select * from marts.reject_summary") == []
