"""Shapes of real files: ids that pandas wrote as 17850.0, one row per line of an order."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import duckdb
import pytest
import yaml
from conftest import Warehouse
from inputs import MAPPING, arrival, blocks

from customer_value.raw import load_files

ORDERS = "order_id,customer_id,ordered_at,gross_amount,store_id\n"


@pytest.mark.parametrize(
    ("ids", "loaded", "words"),
    [
        (["17850.0", "", "13047.0"], ["17850", None, "13047"], "customer_id ends in .0 in all its 2 values"),
        (
            ["17850.0", "17850", "1.0"],
            ["17850.0", "17850", "1.0"],
            "warning: customer_id has ids that are there with .0 and without it: 1.",
        ),
        (["17850.0", "A1.0", "2"], ["17850.0", "A1.0", "2"], ""),
        (["17850", "", "2"], ["17850", None, "2"], ""),
    ],
)
def test_ids_that_pandas_wrote_lose_their_point_zero_or_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture, ids: list[str], loaded: list[str | None], words: str
):
    lines = [f"{number},{each},2024-01-0{number},10.0,1.5\n" for number, each in enumerate(ids, 1)]
    (tmp_path / "orders.csv").write_text(ORDERS + "".join(lines))
    database = tmp_path / "shop.duckdb"
    load_files.load(Namespace(folder=tmp_path, database=database))
    said = capsys.readouterr().out
    assert words in said if words else ".0" not in said
    with duckdb.connect(str(database), read_only=True) as connection:
        found = connection.sql(
            "select customer_id, gross_amount, store_id from raw.orders order by order_id"
        ).fetchall()
    assert found == [(each, "10.0", "1.5") for each in loaded]


def test_ids_that_end_in_point_zero_in_one_table_alone_are_said_on_arrival(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
):
    warehouse.load({
        "orders": ORDERS + "1,17850,2024-01-01,10,\n2,13047,2024-01-02,10,\n",
        "customers": "customer_id\n17850\n13047\n",
    })  # fmt: skip
    assert arrival(warehouse, monkeypatch).findings == []
    warehouse.execute("update raw.orders set customer_id = customer_id || '.0'")
    outcome = arrival(warehouse, monkeypatch)
    assert {(each.severity, each.source, each.column, each.check) for each in outcome.findings} == {
        ("warn", "orders", "customer_id", "point_zero"),
        ("warn", "orders", "customer_id", "unmatched_share"),
    }
    assert "17850" not in outcome.report()
    warehouse.execute("update raw.customers set customer_id = customer_id || '.0'")
    assert arrival(warehouse, monkeypatch).findings == []


def test_a_folder_of_lines_alone_is_refused_and_the_recipe_named(tmp_path: Path):
    (tmp_path / "order_items.csv").write_text("order_id,line_number,product_id,quantity,net_amount\n1,1,a,1,2.00\n")
    with pytest.raises(load_files.LoadError, match=r"see models/docs/mapping\.md, One row per line"):
        load_files.load(Namespace(folder=tmp_path, database=tmp_path / "shop.duckdb"))
    assert "\n## One row per line\n" in MAPPING


RETAIL = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,85123A,WHITE HANGING HEART,6,12/1/2010 8:26,2.55,17850.0,United Kingdom
536365,71053,WHITE METAL LANTERN,6,12/1/2010 8:27,3.39,17850.0,United Kingdom
536366,22633,HAND WARMER,6,12/1/2010 8:28,1.85,13047.0,United Kingdom
C536379,D,Discount,-1,12/2/2010 9:41,27.5,17850.0,United Kingdom
536544,21773,DECORATIVE ROSE,1,1/3/2011 14:32,2.51,,United Kingdom
536367,22745,POPPY'S PLAYHOUSE,3,1/3/2011 8:34,2.1,13047.0,United Kingdom
536367,22745,POPPY'S PLAYHOUSE,3,1/3/2011 8:34,2.1,13047.0,United Kingdom
"""


def test_the_recipe_for_one_row_per_line_builds_a_shop(warehouse: Warehouse):
    file = warehouse.folder / "online_retail.csv"
    file.write_text(RETAIL)
    (recipe,) = blocks("sql")
    warehouse.execute(recipe.replace("online_retail.csv", str(file)))
    (variables,) = (yaml.safe_load(block) for block in blocks("yaml") if "has_customers" in block)
    warehouse.make("orders", "rejected_rows", variables=variables)
    assert warehouse.rows(
        "select order_id, customer_id, cast(order_date as varchar), cast(net_revenue as double), line_count "
        "from marts.orders order by 1"
    ) == [
        ("536365", "17850", "2010-12-01", 35.64, 2), ("536366", "13047", "2010-12-01", 11.10, 1),
        ("536367", "13047", "2011-01-03", 12.60, 2), ("C536379", "17850", "2010-12-02", -27.50, 1),
    ]  # fmt: skip
    assert warehouse.rows("select source_name, reject_reasons from marts.rejected_rows order by 1") == [
        ("order_items", "order_rejected"), ("orders", "guest_order"),
    ]  # fmt: skip
