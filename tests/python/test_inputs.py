"""Invisible blanks around keys and e-mails: one customer, however its id is spelled, built and erased."""

from __future__ import annotations

import re

import duckdb
import psycopg2
import pytest
from conftest import Warehouse
from inputs import judged

from customer_value.engines import postgres_server
from customer_value.privacy import erase, personal_rows
from customer_value.privacy.personal_rows import BLANKS, Database, Person
from customer_value.project import PROJECT

NFD, NFC = "Rene\u0301@x.org", "ren\u00e9@x.org"


def test_blanks_of_every_kind_around_keys_and_emails_make_no_second_customer(warehouse: Warehouse):
    warehouse.load({
        "customers": f"customer_id,email,full_name\nnb01,\u2003{NFC}\u00a0,First\nnb02\ufeff,b@x.org,Second\n",
        "orders": "order_id,customer_id,ordered_at,gross_amount,customer_email\n1,nb01,2024-01-01,10.00,\n"
        '2,nb01\u00a0,2024-01-05,20.00,\n3,"nb01\t",2024-01-09,30.00,\n4,\u200bnb01,2024-01-20,40.00,\n'
        f"5,nb02,2024-01-21,5.00,\n6,,2024-01-21,7.00,{NFD}\u200b\n\u20606\u00ad,,2024-01-21,7.00,{NFC}\n"
        "7,nb 02,2024-01-22,1.00,\n",
        "order_items": "order_id,line_number,product_id,quantity,net_amount\n\u20071,1,tea,1,10.00\n",
        "refunds": "refund_id,order_id,refunded_at,amount\nr1,1\u3000,2024-01-02,1.00\n\ufeffr1,1,2024-01-02,1.00\n",
    })  # fmt: skip
    variables = {"guest_orders": "email"}
    warehouse.execute(
        "create schema operations; create table operations.pseudonym_key as select repeat('a', 64) secret"
    )
    judged(warehouse, variables)
    assert warehouse.rows(
        "select customer_id, count(*), sum(gross_amount) from intermediate.int_orders group by 1 order by 1"
    ) == [("nb 02", 1, 1), ("nb01", 5, 107), ("nb02", 1, 5)]
    assert warehouse.rows(
        "select source_name, row_key, reject_reasons from intermediate.int_rejected_rows order by 1"
    ) == [("orders", "6", "superseded"), ("refunds", "r1", "superseded")]


def test_the_case_of_invisible_blanks_has_four_orders_of_one_customer(warehouse: Warehouse):
    warehouse.load({
        "customers": "customer_id,created_at,full_name\nnb01,2023-12-01,First\nnb02,2023-12-02,Second\n",
        "orders": "order_id,customer_id,ordered_at,gross_amount\n1,nb01,2024-01-01,10.00\n"
        '2,nb01\u00a0,2024-01-05,20.00\n3,"nb01\t",2024-01-09,30.00\n4,\u200bnb01,2024-01-20,40.00\n5,nb02,2024-01-21,5.00\n',
    })  # fmt: skip
    warehouse.run("run", "--select", "+int_orders", "+int_customers")
    assert warehouse.rows(
        "select customer_id, count(*), sum(gross_amount) from intermediate.int_orders group by 1 order by 1"
    ) == [("nb01", 4, 100), ("nb02", 1, 5)]
    assert warehouse.rows("select customer_id from intermediate.int_customers order by 1") == [("nb01",), ("nb02",)]


def check_spellings(database: Database) -> None:
    """Erase nb01 from raw tables that spell it in five ways."""
    spellings = ["nb01", "nb01\u00a0", "nb01\t", "\u200bnb01", "\ufeffnb01\r\n"]
    database.execute("create schema raw")
    database.execute("create table raw.orders (order_id varchar, customer_id varchar, customer_email varchar)")
    database.execute("create table raw.customers (customer_id varchar, email varchar)")
    database.insert("raw.orders", [[str(number), each, NFD + "\u00a0"] for number, each in enumerate(spellings)])
    database.insert("raw.orders", [["9", "nb 01", None], ["10", "", f"\u2060{NFD}"]])
    database.insert("raw.customers", [["nb01\u2007", NFC]])
    person = Person(ids={"nb01": "erased:1"}, emails={NFC: "erased:1"})
    found = personal_rows.erase_raw(database, "raw", {"guest_orders": "email"}, person)
    assert found == {"raw.customers": 1, "raw.orders": 6}
    rows = database.rows("select customer_id, count(*), count(customer_email) from raw.orders group by 1 order by 1")
    assert rows == [("erased:1", 6, 0), ("nb 01", 1, 0)]
    assert database.rows("select customer_id, email from raw.customers") == [("erased:1", None)]


def test_an_erasure_finds_every_spelling_of_an_id_and_an_email_on_duckdb():
    check_spellings(Database(duckdb.connect()))


@pytest.mark.postgres
def test_an_erasure_finds_every_spelling_of_an_id_and_an_email_on_postgres(monkeypatch: pytest.MonkeyPatch):
    with postgres_server.running() as server:
        for name, value in server.items():
            monkeypatch.setenv(name, value)
        connection = psycopg2.connect("")
        try:
            check_spellings(Database(connection))
        finally:
            connection.close()


def test_scripts_cut_off_what_staging_cuts_off():
    macro = (PROJECT / "macros" / "sources" / "blank_characters.sql").read_text(encoding="utf-8")
    literal = re.search(r"return\('(.*)'\)", macro)[1]
    assert set(literal.encode("ascii").decode("unicode_escape")) == set(BLANKS)
    assert erase.refuse.__globals__["BLANKS"] is BLANKS
