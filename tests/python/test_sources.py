"""A company that lacks a source: the project builds without its table, and what it cannot know is null, not 0."""

from __future__ import annotations

import pytest
from conftest import Warehouse

from customer_value import contract

OPTIONAL = [source for source in contract.sources() if source != "orders"]

# few models read these
FEW = ["events", "marketing_touches", "support_tickets", "survey_responses", "referrals"]

# what a missing source leaves unknown: source -> query that must then yield one null
UNKNOWN = {
    "order_items": "select distinct line_count from marts.orders",
    "customers": "select distinct email from marts.customers",
    "refunds": "select distinct refund_amount from marts.orders",
}


@pytest.mark.parametrize("absent", OPTIONAL)
def test_the_project_builds_without_a_source(clean_shop: Warehouse, warehouse: Warehouse, absent: str):
    warehouse.database.write_bytes(clean_shop.database.read_bytes())
    warehouse.execute(f"drop table raw.{absent}")
    # the other models have the same text with and without it, and stand in the copy already
    warehouse.build({f"has_{absent}": False}, select=["--select", f"stg_{absent}+"] if absent in FEW else [])
    assert warehouse.rows(f"select count(*) from staging.stg_{absent}") == [(0,)]
    types = f"""
        select column_name, data_type from duckdb_columns()
        where schema_name = 'staging' and table_name = 'stg_{absent}' order by column_index
    """
    assert warehouse.rows(types) == clean_shop.rows(types)
    if absent in UNKNOWN:
        assert len(clean_shop.rows(UNKNOWN[absent])) > 1
        assert warehouse.rows(UNKNOWN[absent]) == [(None,)]
    assert warehouse.rows(f"select * from marts.reconciliation where source_name = '{absent}'") == []
    if absent == "exchange_rates":
        assert warehouse.rows(
            "select distinct reject_reason from marts.reject_summary where source_name = 'orders'"
        ) == [("unknown_currency",)]


def test_the_project_builds_from_orders_alone(clean_shop: Warehouse, warehouse: Warehouse):
    warehouse.database.write_bytes(clean_shop.database.read_bytes())
    for source in OPTIONAL:
        warehouse.execute(f"drop table raw.{source}")
    warehouse.build({f"has_{source}": False for source in OPTIONAL})
    assert warehouse.rows("select distinct source_name from marts.reconciliation") == [("orders",)]


def test_a_missing_table_that_no_var_declares_absent_stops_the_run(clean_shop: Warehouse, warehouse: Warehouse):
    warehouse.database.write_bytes(clean_shop.database.read_bytes())
    warehouse.execute("drop table raw.events")
    output = warehouse.refused()
    assert "table raw.events is missing" in output
    assert "set has_<source> to false" in output
