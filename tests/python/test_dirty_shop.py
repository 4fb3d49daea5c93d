"""A shop with a counted number of bad rows of every kind: each is found, for its reason, and moves nothing else."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from conftest import Warehouse
from test_generate_shop import LATER

from customer_value import contract
from customer_value.project import PROJECT
from customer_value.shop import faults

COMMON = {"channel", "order_id"}  # columns of tickets and answers that marts have from elsewhere
MARTS = ["customers", "orders", "customer_value", "tier_summary", "segment_summary"]


def test_planted_is_rejected_per_source_and_reason_exactly(dirty_shop: Warehouse):
    planted = list(csv.DictReader((dirty_shop.folder / "shop" / "truth" / "planted.csv").open(encoding="utf-8")))
    expected = {(row["source"], row["reject_reason"]): int(row["rows"]) for row in planted}
    found = dirty_shop.rows("select source_name, reject_reason, row_count from marts.reject_summary")
    assert len(expected) > 80
    assert {(source, reason): rows for source, reason, rows in found} == expected


def test_every_reason_is_planted_and_none_is_unknown(dirty_shop: Warehouse):
    seed = {row["reject_reason"] for row in csv.DictReader((PROJECT / "seeds/reference/reject_reasons.csv").open())}
    found = {reason for (reasons,) in dirty_shop.rows("select distinct reject_reasons from marts.rejected_rows")
             for reason in reasons.split(",")}  # fmt: skip
    assert found == seed


def test_bad_rows_change_no_number(clean_shop: Warehouse, dirty_shop: Warehouse):
    for mart in MARTS:
        query = f"select * from marts.{mart} order by all"
        assert dirty_shop.rows(query) == clean_shop.rows(query), mart
    assert clean_shop.rows("select * from marts.rejected_rows") == []


@pytest.mark.parametrize("source", LATER)
def test_columns_that_came_later_go_through_staging_and_into_their_mart(clean_shop: Warehouse, source: str):
    """Every value, as it is in the file; of marts only customers and orders have them."""
    keys = ", ".join(faults.KEYS[source])
    for column in LATER[source]:
        other = f"""
            from (select {keys}, {column} as given from raw.{source})
            join (select {keys}, {column} as staged from staging.stg_{source}) using ({keys})
            where given is distinct from staged
        """
        assert clean_shop.rows(other) == [], column
        ((values,),) = clean_shop.rows(f"select count(distinct {column}) from staging.stg_{source}")
        assert values > 1, column
    columns = [column for column in LATER[source] if column not in COMMON]
    marts = clean_shop.rows(f"""
        select column_name, table_name from duckdb_columns()
        where schema_name = 'marts' and column_name in ({", ".join(f"'{column}'" for column in columns)})
    """)
    assert set(marts) == {(column, source) for column in columns if source in ("customers", "orders")}


def test_the_marts_of_customers_and_orders_have_the_values_of_the_files(clean_shop: Warehouse):
    names = ", ".join(LATER["customers"])
    wrong = f"""
        (select customer_id, {names} from raw.customers where merged_into_customer_id is null)
        except (select customer_id, {names} from marts.customers)
    """
    assert clean_shop.rows(wrong) == []
    wrong = """
        (select order_id, payment_method, promised_at, shipped_at from raw.orders where status <> 'cancelled')
        except (select order_id, payment_method, promised_at, shipped_at from marts.orders)
    """
    assert clean_shop.rows(wrong) == []


def test_raw_is_accepted_plus_rejected_to_the_cent(clean_shop: Warehouse, dirty_shop: Warehouse):
    for shop in (clean_shop, dirty_shop):
        measures = shop.rows(
            "select source_name, measure, raw, accepted, rejected, difference from marts.reconciliation"
        )
        assert {source for source, *_ in measures} == set(contract.sources())
        assert all(
            difference == 0 and raw == accepted + rejected for _, _, raw, accepted, rejected, difference in measures
        )
    # what is accepted of the dirty shop is the clean shop
    query = "select source_name, measure, accepted from marts.reconciliation order by all"
    assert dirty_shop.rows(query) == clean_shop.rows(query)


@pytest.mark.parametrize("source", list(contract.sources()))
def test_rejected_and_accepted_rows_are_the_raw_rows(dirty_shop: Warehouse, source: str):
    """Every raw row, as text, is found again: as raw_row of the quarantine, or among the accepted rows by its key."""
    columns = [column.name for column in contract.sources()[source]]
    casts = ", ".join(f"cast({column} as varchar) as {column}" for column in columns)
    raw = dirty_shop.rows(f"select {casts} from raw.{source} order by all")
    rejected = [
        tuple(json.loads(row)[column] for column in columns)
        for (row,) in dirty_shop.rows(f"select raw_row from marts.rejected_rows where source_name = '{source}'")
    ]
    assert len(rejected) > 10
    left = list(raw)
    for row in rejected:
        left.remove(row)  # raises where a rejected row is none of the raw rows
    (accepted,) = dirty_shop.rows(f"select count(*) from staging.stg_{source} where reject_reasons = ''")
    assert (len(left),) == accepted


def test_a_row_lost_in_staging_turns_the_reconciliation_red(dirty_shop: Warehouse, warehouse: Warehouse):
    warehouse.database.write_bytes(dirty_shop.database.read_bytes())
    warehouse.execute("delete from staging.stg_orders where order_id = (select min(order_id) from staging.stg_orders)")
    said = warehouse.said("build", "--select", "reconciliation", succeeds=False)
    assert "Failure in test raw_rows_and_amounts_are_accepted_or_rejected" in said


def test_first_seen_is_kept_from_build_to_build(dirty_shop: Warehouse, warehouse: Warehouse):
    warehouse.database.write_bytes(dirty_shop.database.read_bytes())
    query = "select rejected_row_id, first_seen_on from marts.rejected_rows order by 1"
    first = warehouse.rows(query)
    warehouse.execute(
        "insert into raw.orders by name select * exclude (promised_at, shipped_at, delivered_at) "
        "replace ('later' as order_id, '2025-01-05' as ordered_at) "
        "from raw.orders where order_id = 'o0000000001' limit 1"
    )
    warehouse.execute(
        "insert into raw.orders by name select * replace ('worse' as order_id, 'ten' as gross_amount) "
        "from raw.orders where order_id = 'o0000000001' limit 1"
    )
    warehouse.run("run", "--select", "+rejected_rows")
    second = dict(warehouse.rows(query))
    assert len(second) == len(first) + 1
    assert {key: second[key] for key, _ in first} == dict(first)
    assert {str(date) for key, date in second.items() if key not in dict(first)} == {"2025-01-05"}
    selected = ["int_first_seen_rejects", "rejected_rows"]
    warehouse.run("run", "--full-refresh", "--select", *selected)
    assert {str(date) for _, date in warehouse.rows(query)} == {"2025-01-05"}


def test_the_reasons_that_staging_writes_are_those_of_the_seed():
    files = [*(PROJECT / "models" / "staging").glob("*.sql"), *(PROJECT / "macros" / "sources").glob("*.sql")]
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    seed = [row["reject_reason"] for row in csv.DictReader((PROJECT / "seeds/reference/reject_reasons.csv").open())]
    assert [reason for reason in seed if f"'{reason}'" not in text] == []


def test_staging_reads_the_columns_of_the_contract():
    """The lists of columns in staging are the contract's, in its order; has_<source> needs them when it is false."""
    for source, columns in contract.sources().items():
        for file in (PROJECT / "models" / "staging").glob("stg_*.sql"):
            text = Path(file).read_text(encoding="utf-8")
            if f"raw_copies('{source}'" in text or f"raw_copies(\n        '{source}'" in text:
                listed = text.split("set columns = [")[1].split("]")[0]
                assert [name.strip(" '\n") for name in listed.split(",") if name.strip()] == [
                    column.name for column in columns
                ], file
