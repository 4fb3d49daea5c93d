"""One's own files: what is taken, and what is refused with which words."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import duckdb
import pytest
from conftest import ONLY_CUSTOMERS, SHOP, Warehouse
from test_generate_shop import LATER

from customer_value import contract
from customer_value.raw import load_files
from customer_value.raw.loading import LoadError

IN_SHOP = {file.stem for file in SHOP.glob("*.csv")}
ORDERS = "order_id,customer_id,ordered_at,gross_amount\n1,ada,2024-05-01,10.00\n"


def load(folder: Path, files: dict[str, str | bytes]) -> Path:
    """Write the files, load them, return the database."""
    for name, content in files.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    database = folder / "warehouse.duckdb"
    load_files.load(Namespace(folder=folder, database=database))
    return database


def rows(database: Path, query: str) -> list[tuple]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.sql(query).fetchall()


def test_the_required_columns_alone_are_enough_and_every_contract_table_is_there(tmp_path: Path):
    database = load(tmp_path, {"orders.csv": ORDERS})
    for table, columns in contract.sources().items():
        names = [row[0] for row in rows(database, f"describe raw.{table}")]
        assert names == [column.name for column in columns]
        assert rows(database, f"select count(*) from raw.{table}") == [(1 if table == "orders" else 0,)]


def test_files_from_before_a_column_was_in_the_contract_load_with_nulls(shop: Warehouse):
    """The files of the shop have none of the columns that came in 0.2.0."""
    for source, columns in LATER.items():
        header = (SHOP / f"{source}.csv").read_text(encoding="utf-8").splitlines()[0] if source in IN_SHOP else ""
        assert not set(columns) & set(header.split(",")), source
        counts = ", ".join(f"count({column})" for column in columns)
        assert set(*shop.rows(f"select {counts} from staging.stg_{source}")) == {0}, source
    assert shop.rows("select count(phone), count(country), count(email_consent) from marts.customers") == [(0, 0, 0)]
    assert shop.rows("select count(promised_at), count(shipped_at), count(payment_method) from marts.orders") == [
        (0, 0, 0)
    ]


def test_parquet_and_csv_give_the_same_marts(shop: Warehouse, warehouse: Warehouse, tmp_path: Path):
    folder = tmp_path / "parquet"
    folder.mkdir()
    for file in SHOP.glob("*.csv"):
        duckdb.sql(f"copy (from read_csv('{file}')) to '{folder / file.stem}.parquet'")
    load_files.load(Namespace(folder=folder, database=warehouse.database))
    warehouse.build(select=(*ONLY_CUSTOMERS, "--select", "+orders", "+customers", "+tier_summary", "+segment_summary"))
    for mart in ["customer_value", "orders", "customers", "tier_summary", "segment_summary"]:
        query = f"select * from marts.{mart} order by all"
        assert warehouse.rows(query) == shop.rows(query), mart


def test_columns_may_come_in_any_order_with_a_byte_order_mark_and_quoted_line_breaks(tmp_path: Path):
    text = '\ufeffgross_amount,ordered_at,channel,customer_id,order_id\n10.00,2024-05-01,"by\nphone, twice",ada,1\n'
    database = load(tmp_path, {"orders.csv": text})
    assert rows(database, "select order_id, customer_id, gross_amount, channel from raw.orders") == [
        ("1", "ada", "10.00", "by\nphone, twice")
    ]


def test_what_a_file_has_beyond_the_contract_is_left_out_and_said(tmp_path: Path, capsys: pytest.CaptureFixture):
    load(tmp_path, {"orders.csv": "order_id,customer_id,ordered_at,gross_amount,mood\n1,ada,2024-05-01,10.00,good\n"})
    assert "orders.csv: not in the contract, left out: mood" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "there is no orders.csv or orders.parquet"),
        ({"orders.csv": ORDERS, "orders.parquet": b"x"}, "two files for orders"),
        ({"orders.csv": ""}, "orders.csv is empty"),
        ({"orders.csv": "order_id,customer_id,ordered_at\n1,a,2024-05-01\n"}, "lacks the required column gross_amount"),
        ({"orders.csv": "order_id,order_id\n1,1\n"}, "names a column twice"),
        ({"orders.csv": ORDERS + "2,bob\n"}, r"4 fields of the first line: line 3 has 2; put a field"),
        ({"orders.csv": ORDERS + "2,bob,2024-05-02,1,2\n"}, "4 fields of the first line: line 3 has 5"),
        ({"orders.csv": ORDERS.encode("utf-16")}, "orders.csv is UTF-16"),
        ({"orders.parquet": b"no parquet"}, "orders.parquet is no whole Parquet file"),
        ({"orders.csv": ORDERS, "refunds.csv": "refund_id,order_id,amount\n"}, "refunds.csv lacks the required column"),
    ],
    ids=lambda value: None if isinstance(value, dict) else value[:40],
)
def test_files_that_cannot_be_loaded_are_refused_and_the_former_tables_stay(
    tmp_path: Path, files: dict[str, str | bytes], message: str
):
    former, folder = tmp_path / "former", tmp_path / "new"
    former.mkdir()
    folder.mkdir()
    database = load(former, {"orders.csv": ORDERS})
    for name, content in files.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(LoadError, match=message):
        load_files.load(Namespace(folder=folder, database=database))
    assert rows(database, "select order_id from raw.orders") == [("1",)]


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(LoadError, match="there is no folder"):
        load_files.load(Namespace(folder=tmp_path / "nowhere", database=tmp_path / "warehouse.duckdb"))


def test_loading_replaces_all_that_was_loaded_before(tmp_path: Path):
    database = load(
        tmp_path, {"orders.csv": ORDERS, "refunds.csv": "refund_id,order_id,refunded_at,amount\nr,1,2024-05-02,1\n"}
    )
    (tmp_path / "refunds.csv").unlink()
    load(tmp_path, {"orders.csv": ORDERS})
    assert rows(database, "select order_id from raw.orders") == [("1",)]
    assert rows(database, "select count(*) from raw.refunds") == [(0,)]
