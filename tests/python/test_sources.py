"""A company that lacks a source: the project builds without its table, and what it cannot know is null, not 0."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest
from conftest import GENERATED_ORDERS, SHOP, Warehouse

from customer_value import contract
from customer_value.raw import load_files
from customer_value.shop import generate_shop

OPTIONAL = [source for source in contract.sources() if source != "orders"]

# two halves that are absent in turn, so that each source is absent while what is read beside it is there: amounts and
# their rates, customers and what is known of them, both costs of customer_value_parts
HALVES = [
    {"order_items", "refunds", "marketing_touches", "events", "survey_responses", "referrals"},
    {"customers", "exchange_rates", "support_tickets"},
]

# what a missing source leaves unknown: source -> query that must then yield one null
UNKNOWN = {
    "order_items": "select distinct line_count from marts.orders",
    "customers": "select distinct email from marts.customers",
    "refunds": "select distinct refund_amount from marts.orders",
}
PARTS = """
    select count(contact_count) = count(*), count(referred_count) = count(*) from marts.customer_value_parts
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small generated shop that has all ten sources, as files."""
    folder = tmp_path_factory.mktemp("all_sources")
    generate_shop.write_shop(folder, GENERATED_ORDERS)
    return folder


def loaded_without(sources: set[str], folder: Path, warehouse: Warehouse) -> dict[str, bool]:
    """Load a shop and drop the tables of some sources; return the vars that say so."""
    load_files.load(Namespace(database=warehouse.database, folder=folder))
    for source in sources:
        warehouse.execute(f"drop table raw.{source}")
    return {f"has_{source}": False for source in sources}


def check_without(sources: set[str], shop: Warehouse, warehouse: Warehouse) -> None:
    """Fail where an absent source is reconciled, or its staging is not an empty table of the contract's types."""
    assert {source for (source,) in warehouse.rows("select distinct source_name from marts.reconciliation")} == (
        set(contract.sources()) - sources
    )
    for source in sources:
        assert warehouse.rows(f"select count(*) from staging.stg_{source}") == [(0,)], source
        types = f"""
            select column_name, data_type from duckdb_columns()
            where schema_name = 'staging' and table_name = 'stg_{source}' order by column_index
        """
        assert warehouse.rows(types) == shop.rows(types), source


@pytest.mark.parametrize("absent", HALVES, ids=["without order_items", "without customers"])
def test_the_project_builds_without_half_of_its_sources(
    files: Path, shop: Warehouse, warehouse: Warehouse, absent: set[str]
):
    variables = loaded_without(absent, files, warehouse)
    warehouse.build(variables)
    check_without(absent, shop, warehouse)
    for source, query in UNKNOWN.items():
        found = warehouse.rows(query)
        assert found == [(None,)] if source in absent else len(found) > 1, source
    # contacts are counted where one of their two sources is there
    assert warehouse.rows(PARTS) == [(True, "referrals" not in absent)]
    if "exchange_rates" in absent:
        assert warehouse.rows(
            "select distinct reject_reason from marts.reject_summary where source_name = 'orders'"
        ) == [("unknown_currency",)]


def test_every_source_is_absent_in_one_half():
    assert sorted([*HALVES[0], *HALVES[1]]) == sorted(OPTIONAL)


def test_the_project_builds_from_orders_alone(shop: Warehouse, warehouse: Warehouse):
    """All models; the data tests are those of the halves."""
    variables = loaded_without(set(OPTIONAL), SHOP, warehouse)
    warehouse.run("build", "--exclude-resource-type", "test", "unit_test", variables=variables)
    check_without(set(OPTIONAL), shop, warehouse)
    assert warehouse.rows(PARTS) == [(False, False)]


def test_a_missing_table_that_no_var_declares_absent_stops_the_run(warehouse: Warehouse):
    loaded_without({"events"}, SHOP, warehouse)
    output = warehouse.said("build", succeeds=False)
    assert "table raw.events is missing" in output
    assert "set has_<source> to false" in output
