"""scripts/build.py, the main job behind make build: what it does, what it leaves out, what it refuses."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import SHOP, Warehouse, current
from inputs import arrival, ask_the_dbt_that_stays_up

from customer_value import build, contract, summary
from customer_value.project import PROJECT
from customer_value.raw import datasets, load_files, loading
from customer_value.raw.loading import LoadError

ONE_ORDER = "order_id,customer_id,ordered_at,gross_amount\n1,ada,2024-05-01,{amount}\n"


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the script's dbt leaves what it parsed, for the next run of the script."""
    return tmp_path_factory.mktemp("parsed") / "partial_parse.msgpack"


def make_build(
    warehouse: Warehouse, parsed: Path, data: str, untested: str = "unit_test test"
) -> subprocess.CompletedProcess:
    """Run the script as a user does, on a database and a target folder of its own.

    untested: kinds of tests that are left out; those of models say little about what is looked at here, and take most
    of the time.
    """
    target = warehouse.folder / "target"
    if parsed.exists() and not target.exists():
        target.mkdir()
        shutil.copy(parsed, target)
    done = subprocess.run(
        [sys.executable, str(PROJECT / "scripts" / "build.py"), data],
        env=os.environ
        | {
            "CUSTOMER_VALUE_DATABASE": str(current(warehouse.folder) / warehouse.database.name),
            "DBT_EXCLUDE_RESOURCE_TYPES": untested,
            "DBT_TARGET_PATH": str(target),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if (target / parsed.name).exists():
        shutil.copy(target / parsed.name, parsed)
    return done


class Reached(Exception):
    """The job came as far as dbt's build."""


def reached(*_: object) -> None:
    """Stand in for dbt's build where what comes before it is looked at."""
    raise Reached


@pytest.fixture
def build_here(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> Callable[..., subprocess.CompletedProcess]:
    """Return the same job in this process, with the dbt that stays up: (data, what stands in for dbt's build)."""
    monkeypatch.setenv("CUSTOMER_VALUE_DATABASE", "")  # the job sets it
    monkeypatch.setattr(build, "TARGET", warehouse.folder / "target")
    monkeypatch.setattr(build, "STATE_FILE", warehouse.folder / "target" / "build_state.json")
    ask_the_dbt_that_stays_up(monkeypatch, warehouse)

    def run(data: str, dbt_build: Callable[..., dict[str, int]] = reached) -> subprocess.CompletedProcess:
        monkeypatch.setattr(build, "dbt_build", dbt_build)
        capsys.readouterr()
        code = 0
        try:
            build.run(data, warehouse.database)
        except SystemExit as end:
            code = end.code
        said = capsys.readouterr()
        is_message = isinstance(code, str)
        return subprocess.CompletedProcess(
            data, int(is_message) or code, said.out, said.err + (code if is_message else "")
        )

    return run


def test_a_second_run_does_no_needless_work_and_a_changed_file_is_loaded_again(
    warehouse: Warehouse, tmp_path: Path, parsed: Path, build_here: Callable[..., subprocess.CompletedProcess]
):
    files = tmp_path / "shop"
    shutil.copytree(SHOP, files)
    first = make_build(warehouse, parsed, str(files))
    assert first.returncode == 0, first.stdout + first.stderr
    assert f"[1/4] load    files in {files}: " in first.stdout
    assert "Completed successfully" in (warehouse.folder / "target" / "build.log").read_text()
    assert re.search(
        r"^\[3/4\] build   \d+ models, \d+ seeds; 0 of 0 checks passed \(.*build\.log\), [\d.]+", first.stdout, re.M
    )
    before_the_summary = first.stdout.split("[4/4]")[0].splitlines()
    assert len([line for line in before_the_summary if not line.startswith("      ")]) == 3, first.stdout
    assert summary.render(warehouse.database) in first.stdout
    assert "Left out, no sale by status: cancelled 2; 55.00 in all" in first.stdout

    second = make_build(warehouse, parsed, str(files))
    assert f"[1/4] load    files in {files}: already there, " in second.stdout
    assert "[2/4] arrival nothing has changed since the last build, " in second.stdout
    assert "[3/4] build   nothing has changed since the last one, " in second.stdout
    assert second.stdout.split("[4/4]")[1] == first.stdout.split("[4/4]")[1]

    # a sale, and what is rejected, which is named by money whatever its severity; a line follows its guest order
    with (files / "orders.csv").open("a") as orders:
        orders.write("2001,new,2024-01-01 08:00:00,10.00,,,,,,,\n2002,,2024-01-01 08:00:00,8000.00,,,,,,,\n")
        orders.write(",cy,2024-01-01 08:00:00,303.09,,,,,,,\n" * 2)
    with (files / "order_items.csv").open("a") as lines:
        lines.write("2002,1,tea,1,8000.00,,,\n")

    def by_the_dbt_that_stays_up(*_: object) -> dict[str, int]:
        warehouse.run("run")
        return {"passed": 0, "checks": 0}

    third = build_here(str(files), by_the_dbt_that_stays_up)
    assert third.returncode == 0, third.stdout + third.stderr
    assert " rows of 4 sources, " in third.stdout
    assert "      Accepted; warnings:" in third.stdout
    said = third.stdout.split("[4/4]")[1]
    assert "As of 2024-01-01" in said
    ((rejected,),) = warehouse.rows("select count(*) from marts.rejected_rows")
    assert f"of which rejected: {rejected:,}\n" in said
    reasons = said.split("of which rejected")[1].splitlines()[1:]
    assert reasons[0].startswith(
        "  orders: guest_order 1, 8,000.00 as stated (80.0% of the gross amount). Set var guest_orders to own_customer"
    ), said
    missing = "  orders: missing_key 2, 606.18 as stated (6.1% of the gross amount). Find out why"
    assert reasons[1].startswith(missing), said
    assert "marts.reject_summary" in said

    customers = warehouse.rows("select count(*) from marts.customer_value")
    (files / "orders.csv").write_text("order_id,customer_id,ordered_at,gross_amount\n" + "1,ada,someday,10\n" * 3)
    stopped = build_here(str(files))
    assert stopped.returncode == 1
    assert "STOP  orders.ordered_at: share of rows where it cannot be read" in stopped.stdout
    assert "error: what arrived is not fit to be built from" in stopped.stderr
    assert "[3/4]" not in stopped.stdout
    assert warehouse.rows("select count(*) from marts.customer_value") == customers


@pytest.mark.parametrize("comment", ["null", "'orders of the shop'"])
def test_tables_that_others_loaded_are_built_from_but_never_replaced(
    warehouse: Warehouse, build_here: Callable[..., subprocess.CompletedProcess], comment: str
):
    warehouse.load({"orders": ONE_ORDER.format(amount="10.00")})
    warehouse.execute(f"comment on table raw.refunds is {comment}")
    refused = build_here("complete_journey")
    assert refused.returncode == 1
    assert "did not load, so they are left alone: refunds." in refused.stderr
    assert warehouse.rows("select count(*) from raw.orders") == [(1,)]
    if comment == "null":
        with pytest.raises(Reached):
            build_here("raw")


def test_nothing_to_build_from_and_a_failing_build_end_with_an_error(
    warehouse: Warehouse, parsed: Path, build_here: Callable[..., subprocess.CompletedProcess]
):
    nothing = build_here("raw")
    assert nothing.returncode == 2
    assert "there is no database" in nothing.stderr
    warehouse.load({"orders": ONE_ORDER.format(amount="20000000.00")})
    failing = make_build(warehouse, parsed, "raw", untested="unit_test")
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
    missing = build_here("raw")
    assert missing.returncode == 1
    assert "STOP  refunds" in missing.stdout
    assert "[3/4]" not in missing.stdout


def euros(count: int = 120) -> str:
    """Return orders in EUR, as a shop sends them whose reporting currency was never set."""
    rows = "".join(f"{n},c{n % 12},2024-{n % 12 + 1:02}-15,{10 + n}.50,EUR\n" for n in range(count))
    return "order_id,customer_id,ordered_at,gross_amount,currency\n" + rows


def test_orders_in_a_currency_without_rates_end_the_run_early_with_the_reason(
    warehouse: Warehouse, build_here: Callable[..., subprocess.CompletedProcess], capsys: pytest.CaptureFixture
):
    warehouse.load({"orders": euros()})
    stopped = build_here("raw")
    assert stopped.returncode == 1
    reason = "120 of 120 orders rejected, 8,400.00 in gross amount as stated, unknown_currency: EUR; "
    assert reason + "Set var reporting_currency or deliver exchange_rates" in stopped.stdout, stopped.stdout
    assert "[3/4]" not in stopped.stdout
    # dbt build, which asks no guard
    untested = ("--exclude-resource-type", "unit_test")
    output = warehouse.said(
        "build", "--no-quiet", "--select", "+stg_orders", "reject_reasons", *untested, succeeds=False
    )
    assert "120 of 120 orders rejected, 8,400.00 of 8,400.00 of the gross amount as stated:" in output
    assert (
        "  unknown_currency: EUR; 120 orders, 8,400.00. Set var reporting_currency or deliver exchange_rates" in output
    )
    warehouse.load({"exchange_rates": "currency,rate_date,rate_to_reporting\nEUR,2024-01-01,1.10\n"})
    with pytest.raises(Reached):
        build_here("raw")
    assert "rejected" not in capsys.readouterr().out.split("[3/4]")[0]


def test_a_database_named_as_a_schema_is_refused(tmp_path: Path):
    with pytest.raises(LoadError, match=r"marts\.duckdb has the name of a schema"):
        datasets.load("raw", tmp_path / "marts.duckdb")


def test_a_change_of_the_contract_loads_again(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    warehouse.load({"orders": ONE_ORDER.format(amount="10.00")})
    loaded = loading.held(warehouse.database)
    assert len(set(loaded.values())) == 1
    assert loaded["orders"] == load_files.origin(warehouse.folder / "files")
    changed = tmp_path / "_sources.yml"
    changed.write_text(contract.CONTRACT_FILE.read_text() + "\n# changed\n")
    monkeypatch.setattr(contract, "CONTRACT_FILE", changed)
    assert loaded["orders"] != load_files.origin(warehouse.folder / "files")


def test_the_shop_of_faults_is_accepted_and_the_summary_says_what_is_wrong(
    dirty_shop: Warehouse, monkeypatch: pytest.MonkeyPatch
):
    outcome = arrival(dirty_shop, monkeypatch)
    assert not outcome.stopped, outcome.report()
    assert "Accepted; warnings:" in outcome.report()
    said = summary.render(dirty_shop.database)
    ((rejected,),) = dirty_shop.rows("select count(*) from marts.rejected_rows")
    assert f"of which rejected: {rejected:,}" in said
    assert "marts.reject_summary" in said
