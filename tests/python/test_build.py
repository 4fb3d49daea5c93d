"""scripts/build.py, the main job behind make build: what it does, what it leaves out, what it refuses."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import SHOP, Warehouse

from customer_value import contract, summary
from customer_value.project import PROJECT
from customer_value.raw import datasets, load_files, loading
from customer_value.raw.loading import LoadError
from customer_value.shop import generate_shop


def make_build(warehouse: Warehouse, data: str, untested: str = "unit_test test") -> subprocess.CompletedProcess:
    """Run the script on a database and a target folder of its own.

    untested: kinds of tests that are left out; those of models say little about what is looked at here, and take most
    of the time.
    """
    return subprocess.run(
        [sys.executable, str(PROJECT / "scripts" / "build.py"), data, "--database", str(warehouse.database)],
        env=os.environ | {"DBT_EXCLUDE_RESOURCE_TYPES": untested, "DBT_TARGET_PATH": str(warehouse.folder / "target")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_second_run_does_no_needless_work_and_a_changed_file_is_loaded_again(warehouse: Warehouse, tmp_path: Path):
    files = tmp_path / "files"
    shutil.copytree(SHOP, files)
    first = make_build(warehouse, str(files))
    assert first.returncode == 0, first.stdout + first.stderr
    assert f"[1/4] load    files in {files}: " in first.stdout
    assert "Completed successfully" in (warehouse.folder / "target" / "build.log").read_text()
    assert re.search(
        r"^\[3/4\] build   \d+ models, \d+ seeds; 0 of 0 checks passed \(.*build\.log\), [\d.]+", first.stdout, re.M
    )
    before_the_summary = first.stdout.split("[4/4]")[0].splitlines()
    assert len([line for line in before_the_summary if not line.startswith("      ")]) == 3, first.stdout
    assert summary.render(warehouse.database) in first.stdout

    second = make_build(warehouse, str(files))
    assert f"[1/4] load    files in {files}: already there, " in second.stdout
    assert "[2/4] arrival nothing has changed since the last build, " in second.stdout
    assert "[3/4] build   nothing has changed since the last one, " in second.stdout
    assert second.stdout.split("[4/4]")[1] == first.stdout.split("[4/4]")[1]

    with (files / "orders.csv").open("a") as orders:
        orders.write("2001,new,2024-01-01 08:00:00,10.00,,,,,,,\n")
    third = make_build(warehouse, str(files))
    assert " rows of 4 sources, " in third.stdout
    assert "As of 2024-01-01" in third.stdout


@pytest.mark.parametrize("comment", ["null", "'orders of the shop'"])
def test_tables_that_others_loaded_are_built_from_but_never_replaced(warehouse: Warehouse, comment: str):
    warehouse.load({"orders": "order_id,customer_id,ordered_at,gross_amount\n1,ada,2024-05-01,10.00\n"})
    warehouse.execute(f"comment on table raw.refunds is {comment}")
    refused = make_build(warehouse, "complete_journey")
    assert refused.returncode == 1
    assert "did not load, so they are left alone: refunds." in refused.stderr
    assert warehouse.rows("select count(*) from raw.orders") == [(1,)]
    if comment == "null":
        allowed = make_build(warehouse, "raw")
        assert allowed.returncode == 0, allowed.stdout
        assert "As of 2024-05-01: 1 customers" in allowed.stdout


def test_nothing_to_build_from_and_a_failing_build_end_with_an_error(warehouse: Warehouse):
    nothing = make_build(warehouse, "raw")
    assert nothing.returncode == 2
    assert "there is no database" in nothing.stderr
    warehouse.load({"orders": "order_id,customer_id,ordered_at,gross_amount\n1,ada,2024-05-01,20000000.00\n"})
    failing = make_build(warehouse, "raw", untested="unit_test")
    assert failing.returncode == 1
    assert "[3/4] build   failed, " in failing.stdout
    assert "error: 1 of " in failing.stderr
    assert "  not_empty_stg_orders_: 1 row\n      see them: dbt show --select not_empty_stg_orders_ " in failing.stderr
    (compiled,) = re.findall("compiled SQL: (.*)", failing.stderr)
    assert "stg_orders" in Path(compiled).read_text()
    assert "1 of 1 orders rejected, 20,000,000.00 of 20,000,000.00 of the gross amount as stated:" in failing.stderr
    assert "  amount_out_of_range; 1 order, 20,000,000.00. Correct the amount at its origin" in failing.stderr
    assert re.search("all that dbt said: .*build.log", failing.stderr)
    assert "[4/4]" not in failing.stdout
    warehouse.execute("drop table raw.refunds")
    missing = make_build(warehouse, "raw")
    assert missing.returncode == 1
    assert "STOP  refunds" in missing.stdout
    assert "[3/4]" not in missing.stdout


def euros(count: int = 120) -> str:
    """Return orders in EUR, as a shop sends them whose reporting currency was never set."""
    rows = "".join(f"{n},c{n % 12},2024-{n % 12 + 1:02}-15,{10 + n}.50,EUR\n" for n in range(count))
    return "order_id,customer_id,ordered_at,gross_amount,currency\n" + rows


def test_orders_in_a_currency_without_rates_end_the_run_early_with_the_reason(warehouse: Warehouse):
    warehouse.load({"orders": euros()})
    stopped = make_build(warehouse, "raw")
    assert stopped.returncode == 1
    reason = "120 of 120 orders rejected, 8,400.00 in gross amount as stated, unknown_currency: EUR; "
    assert reason + "Set var reporting_currency or deliver exchange_rates" in stopped.stdout, stopped.stdout
    assert "[3/4]" not in stopped.stdout
    output = warehouse.refused()  # plain dbt build, which asks no guard
    assert "120 of 120 orders rejected, 8,400.00 of 8,400.00 of the gross amount as stated:" in output
    assert (
        "  unknown_currency: EUR; 120 orders, 8,400.00. Set var reporting_currency or deliver exchange_rates" in output
    )
    warehouse.load({"exchange_rates": "currency,rate_date,rate_to_reporting\nEUR,2024-01-01,1.10\n"})
    assert "rejected" not in make_build(warehouse, "raw").stdout.split("[3/4]")[0]


def test_the_summary_names_what_is_rejected_by_money_whatever_its_severity(warehouse: Warehouse):
    orders = "1,ada,2024-05-01,10.00\n2,bo,2024-05-02,20.00\n3,,2024-05-03,70.00\n" + ",cy,2024-05-04,1.00\n" * 2
    warehouse.load({
        "orders": "order_id,customer_id,ordered_at,gross_amount\n" + orders,
        "order_items": "order_id,line_number,product_id,quantity,net_amount\n3,1,tea,1,70.00\n",  # follows the guest
    })  # fmt: skip
    warehouse.build()
    said = summary.render(warehouse.database).splitlines()
    guests = (
        "  orders: guest_order 1, 70.00 as stated (68.6% of the gross amount). Set var guest_orders to own_customer"
    )
    assert said[3].startswith(guests), said
    assert said[4].startswith("  orders: missing_key 2, 2.00 as stated (2.0% of the gross amount). Find out why"), said


def test_a_database_named_as_a_schema_is_refused(tmp_path: Path):
    with pytest.raises(LoadError, match=r"marts\.duckdb has the name of a schema"):
        datasets.load("raw", tmp_path / "marts.duckdb")


def test_a_change_of_the_contract_loads_again(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    warehouse.load({"orders": "order_id,customer_id,ordered_at,gross_amount\n1,ada,2024-05-01,10.00\n"})
    loaded = loading.held(warehouse.database)
    assert len(set(loaded.values())) == 1
    assert loaded["orders"] == load_files.origin(warehouse.folder / "files")
    changed = tmp_path / "_sources.yml"
    changed.write_text(contract.CONTRACT_FILE.read_text() + "\n# changed\n")
    monkeypatch.setattr(contract, "CONTRACT_FILE", changed)
    assert loaded["orders"] != load_files.origin(warehouse.folder / "files")


def test_the_summary_says_what_was_left_out(shop: Warehouse):
    assert "Left out, no sale by status: cancelled 2; 55.00 in all" in summary.render(shop.database)


def test_the_shop_of_faults_is_built_and_says_what_is_wrong(warehouse: Warehouse, tmp_path: Path):
    generate_shop.write_shop(tmp_path / "dirty", 10_000, dirty=True)
    result = make_build(warehouse, str(tmp_path / "dirty"))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "      Accepted; warnings:" in result.stdout
    ((rejected,),) = warehouse.rows("select count(*) from marts.rejected_rows")
    assert f"of which rejected: {rejected:,}" in result.stdout
    assert "marts.reject_summary" in result.stdout


def test_what_is_not_fit_stops_before_dbt_and_leaves_the_marts(warehouse: Warehouse, tmp_path: Path):
    files = tmp_path / "files"
    shutil.copytree(SHOP, files)
    assert make_build(warehouse, str(files)).returncode == 0
    (files / "orders.csv").write_text("order_id,customer_id,ordered_at,gross_amount\n" + "1,ada,someday,10\n" * 3)
    stopped = make_build(warehouse, str(files))
    assert stopped.returncode == 1
    assert "STOP  orders.ordered_at: share of rows where it cannot be read" in stopped.stdout
    assert "error: what arrived is not fit to be built from" in stopped.stderr
    assert "[3/4]" not in stopped.stdout
    assert warehouse.rows("select count(*) from marts.customer_value") == [(12,)]
