"""The arrival guard: what stops a load, what only warns, what is remembered. Most cases hand it a profile."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
from argparse import Namespace
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import SHOP, Warehouse, warm

from customer_value.arrival import check_arrival
from customer_value.arrival.check_arrival import CheckError, Finding, Outcome
from customer_value.project import PROJECT
from customer_value.raw import load_files

BOUNDS = [0, 0.01, 0.1, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 100000, 1000000]
DRAWS = np.random.default_rng(7).lognormal(3.5, 1.0, 20_000).round(2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of gx/, without what earlier checks left in it."""
    return shutil.copytree(PROJECT / "gx", tmp_path / "gx", ignore=shutil.ignore_patterns("uncommitted"))


@pytest.fixture
def check(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Return check(), for profiles that are given instead of asked for."""

    def run(*found: dict, **arguments: object) -> Outcome:
        monkeypatch.setattr(check_arrival, "profiles", lambda *_: list(found))
        return check_arrival.check(folder=folder, file=folder.parent / "loads.jsonl", **arguments)

    return run


def orders(rows: int = 10_000, factor: float = 1.0, untypable_dates: int = 0, blank_amounts: int = 0) -> dict:
    """Return a profile of orders: three columns, amounts drawn once and for all."""
    amounts = DRAWS[: rows - blank_amounts] * factor
    profile = {"row_count": float(rows), "newest_at": "2024-06-30 10:00:00"}
    profile |= {"order_id__typed": float(rows), "order_id__untypable": 0.0}
    profile |= {"ordered_at__typed": float(rows - untypable_dates), "ordered_at__untypable": float(untypable_dates)}
    profile |= {"gross_amount__typed": float(len(amounts)), "gross_amount__untypable": 0.0}
    if rows:
        profile |= {f"gross_amount__{name}": float(getattr(amounts, name)()) for name in ("min", "max", "sum")}
    profile |= {f"gross_amount__below_{place}": float((amounts < bound).sum()) for place, bound in enumerate(BOUNDS)}
    types = {"order_id": "varchar", "ordered_at": "timestamp", "gross_amount": "numeric(18, 2)"}
    return {
        "source": "orders",
        "table": "raw.orders",
        "is_there": True,
        "physical": types,
        "additional": [],
        "columns": {name: {"data_type": kind, "required": True, "is_there": True} for name, kind in types.items()},
        "profile": profile,
        "checked_at": "2024-07-10 10:00:00",
    }


def set_thresholds(folder: Path, **of_orders: object) -> None:
    file = folder / "thresholds.yml"
    settings = yaml.safe_load(file.read_text())
    settings["sources"]["orders"] = of_orders
    file.write_text(yaml.safe_dump(settings))


def said(outcome: Outcome) -> set[tuple[str, str, str]]:
    return {(finding.severity, finding.column, finding.check) for finding in outcome.findings}


def loads(folder: Path) -> list[dict]:
    return check_arrival.history(folder.parent / "loads.jsonl")


def test_a_first_load_is_accepted_and_says_that_it_was_compared_with_none(check: Callable[..., Outcome], folder: Path):
    outcome = check(orders())
    assert said(outcome) == set()
    assert "none, so volume and drift were not judged" in outcome.report(folder)
    assert len(loads(folder)) == 1


def test_what_vanished_stops(check: Callable[..., Outcome], folder: Path):
    found = orders()
    found["columns"]["gross_amount"]["is_there"] = False
    outcome = check(found)
    assert said(outcome) == {("stop", "gross_amount", "absent_required")}
    assert outcome.stopped
    found["is_there"], found["profile"] = False, None
    assert said(check(found)) == {("stop", "(table)", "absent_required")}
    assert loads(folder) == []


def test_orders_without_rows_stop_and_other_sources_may_be_empty(check: Callable[..., Outcome]):
    assert said(check(orders(0))) == {("stop", "(table)", "rows")}
    assert said(check(orders(0) | {"source": "refunds"})) == set()


def test_volume_is_judged_against_the_last_loads(check: Callable[..., Outcome], folder: Path):
    for rows in (10_000, 10_100, 10_200):
        assert said(check(orders(rows))) == set()
    assert said(check(orders(7_000))) == {("warn", "(table)", "volume_ratio")}
    halved = check(orders(4_900))
    assert said(halved) == {("stop", "(table)", "volume_ratio")}
    assert halved.findings[0].observed == "0.49"
    # neither the stopped load nor the repeated checks of it count, however often they are made
    for _ in range(3):
        assert check(orders(4_900)).stopped
    assert [load["sources"]["orders"]["rows"] for load in loads(folder)] == [10_000, 10_100, 10_200, 7_000]
    assert not check(orders(4_900), restart_history=True).stopped
    assert [load["sources"]["orders"]["rows"] for load in loads(folder)] == [4_900]


def test_an_unchanged_load_is_neither_counted_twice_nor_compared_with_itself(
    check: Callable[..., Outcome], folder: Path
):
    check(orders(10_000))
    check(orders(14_000))
    again = orders(14_000)
    again["checked_at"], again["profile"]["newest_at"] = "2024-07-11 10:00:00", "2024-07-11 09:00:00"
    outcome = check(again)
    assert [load["sources"]["orders"]["rows"] for load in loads(folder)] == [10_000, 14_000]
    assert outcome.tables["orders"]["volume_ratio"][0] == 1.4


def test_few_rows_are_not_compared(check: Callable[..., Outcome]):
    check(orders(40))
    assert said(check(orders(4))) == set()


def test_cents_instead_of_euros_stop(check: Callable[..., Outcome]):
    check(orders(10_000))
    assert said(check(orders(10_050))) == set()
    assert said(check(orders(10_000, factor=100))) == {("stop", "gross_amount", "drift")}
    assert said(check(orders(10_000, factor=0.01))) == {("stop", "gross_amount", "drift")}
    assert said(check(orders(10_000, factor=2))) == {("warn", "gross_amount", "drift")}


def test_what_cannot_be_read_or_is_empty_warns_and_in_most_rows_stops(check: Callable[..., Outcome]):
    outcome = check(orders(10_000, untypable_dates=1_000))
    assert said(outcome) == {("warn", "ordered_at", "untypable_share")}
    assert not outcome.stopped
    assert outcome.findings[0].observed == "10.0%"
    assert said(check(orders(10_000, untypable_dates=400), restart_history=True)) == set()
    assert said(check(orders(10_000, untypable_dates=5_100))) == {("stop", "ordered_at", "untypable_share")}
    blank = {"blank_amounts": 5_100}
    assert said(check(orders(10_000, **blank), restart_history=True)) == {("stop", "gross_amount", "missing_share")}


def test_freshness_is_off_until_a_company_sets_it(check: Callable[..., Outcome], folder: Path):
    set_thresholds(folder, age_days={"warn": [None, 9], "stop": [None, 11]})
    outcome = check(orders())
    assert said(outcome) == {("warn", "(table)", "age_days")}
    assert outcome.findings[0].observed == "10.0"


def test_a_company_sets_ranges_of_values_and_severities(check: Callable[..., Outcome], folder: Path):
    found = orders() | {"additional": ["note"]}
    assert said(check(found)) == {("warn", "note", "additional")}
    set_thresholds(folder, additional="off", values={"gross_amount": {"warn": [0, 100], "stop": [0, 10_000]}})
    assert said(check(found)) == {("warn", "gross_amount", "maximum")}
    set_thresholds(folder, additional="stop", values={"gross_amount": {"stop": [1000, None]}})
    assert said(check(found)) == {("stop", "note", "additional"), ("stop", "gross_amount", "minimum")}


@pytest.mark.parametrize(
    "setting",
    [{"rwos": "stop"}, {"rows": {"halt": [1, None]}}, {"rows": {"stop": ["many", None]}}, {"additional": "perhaps"}],
)
def test_thresholds_that_cannot_be_used_are_refused(check: Callable[..., Outcome], folder: Path, setting: dict):
    set_thresholds(folder, **setting)
    with pytest.raises(CheckError, match=r"cannot use .*thresholds\.yml"):
        check(orders())
    assert loads(folder) == []


def test_a_history_that_cannot_be_read_is_refused(check: Callable[..., Outcome], folder: Path):
    (folder.parent / "loads.jsonl").write_text('{"half a li')
    with pytest.raises(CheckError, match="restart-history"):
        check(orders())
    assert not check(orders(), restart_history=True).stopped


def test_pages_are_written_committed_files_are_not_and_nothing_is_sent(
    check: Callable[..., Outcome], folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
):
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was tried")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    committed = {file: file.read_bytes() for file in folder.iterdir() if file.is_file()}
    found = orders(untypable_dates=5_100)
    found["physical"]["ordered_at"] = "<b>text</b>"
    outcomes = [check(found), *[check(orders(10_000 + each)) for each in range(7)]]
    assert {file: file.read_bytes() for file in folder.iterdir() if file.is_file()} == committed
    assert {file.name for file in folder.iterdir() if file.is_dir()} <= {"uncommitted", "plugins"}
    for name in ("uncommitted", "plugins"):
        ignored = subprocess.run(["git", "check-ignore", f"gx/{name}/x"], cwd=PROJECT, capture_output=True, check=False)
        assert ignored.returncode == 0, name
    docs = folder / "uncommitted" / "data_docs"
    assert "orders" in (docs / "local_site" / "index.html").read_text()
    assert len(list(docs.glob("local_site/validations/orders/*/*/*.html"))) == check_arrival.KEPT_RESULTS
    check(found)
    page = (docs / "arrival.html").read_text()
    assert not re.search(r"https?:|src=|@import|url\(|<link|<script", page)
    assert "&lt;b&gt;text&lt;/b&gt;" in page
    assert outcomes[0].findings[0].look.replace('"', "&#34;").replace("'", "&#39;") in page
    assert "Exception" not in "".join(capfd.readouterr())


def test_loads_that_the_caller_remembers_are_compared_with_and_no_file_is_written(
    check: Callable[..., Outcome], folder: Path
):
    """As refreshes do; what is far from them can be accepted, and is the first of a new history."""
    past = [check(orders(10_000 + each), loads=[]).load for each in range(3)]
    assert loads(folder) == []
    halved = check(orders(4_900), loads=past)
    assert halved.stopped
    assert "or say --accept-anomalies where" in halved.report(folder, once="--accept-anomalies")
    assert "restarts" not in halved.load
    accepted = check(orders(4_900), loads=past, accept=True)
    assert not accepted.stopped
    assert said(accepted) == {("warn", "(table)", "volume_ratio")}
    assert accepted.load["restarts"]
    assert "restarts" not in check(orders(9_900), loads=past, accept=True).load  # nothing was to be accepted
    assert check(orders(0), loads=past, accept=True).stopped  # no orders at all: that is no comparison
    assert loads(folder) == []
    assert accepted.load["sources"]["orders"]["rows"] == 4_900


@pytest.mark.parametrize(("row_count", "severity"), [(200, set()), (501, {("warn", "customer_id", "unmatched_share")})])
def test_customers_whom_nobody_delivered_are_said_and_warned_of(
    check: Callable[..., Outcome], row_count: int, severity: set
):
    found = orders()
    found["columns"]["customer_id"] = {"data_type": "varchar", "required": True, "is_there": True}
    found["profile"] |= {"customer_id__typed": 10_000.0, "customer_id__untypable": 0.0}
    outcome = check(found | {"unmatched": {"row_count": row_count, "identified": 10_000}})
    assert said(outcome) == severity
    numbers = f"{row_count} of 10,000, {row_count / 1e4:.1%}."
    assert f"Orders whose customer is not in the table of customers: {numbers}" in outcome.report()
    assert "Orders whose customer" not in check(found | {"unmatched": None}).report()  # nobody delivered customers


def test_orders_that_will_be_rejected_in_bulk_are_told_with_money_and_remedy(check: Callable[..., Outcome]):
    found = orders()
    found["columns"]["status"] = {"data_type": "varchar", "required": False, "is_there": True}
    found["profile"] |= {"status__typed": 10_000.0, "status__untypable": 0.0}
    reject = {"reason": "unknown_status", "row_count": 600, "amount": 12345.6, "values": ["closed", "done"]}
    outcome = check(found | {"rejects": {"status": reject}})
    assert said(outcome) == {("warn", "status", "rejected_share")}
    told = "600 of 10,000 orders rejected, 12,345.60 in gross amount as stated, unknown_status: closed, done; Put the"
    assert told in outcome.report()
    outcome = check(found | {"rejects": {"status": reject | {"row_count": 5001}}})
    assert outcome.stopped
    assert "thresholds.yml" not in outcome.report()  # no threshold makes that right


def run(warehouse: Warehouse, folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run the command as a user would."""
    return warehouse.command([warm().python, "scripts/check_arrival.py", "--folder", str(folder), *arguments])


def test_a_good_shop_passes_and_a_broken_one_is_stopped(warehouse: Warehouse, folder: Path):
    load_files.load(Namespace(database=warehouse.database, folder=SHOP))
    good = run(warehouse, folder)
    assert good.returncode == 0, good.stdout + good.stderr
    assert "Accepted; warnings: 1." in good.stdout  # most customers of this shop stand in orders alone
    told = (
        "share of the orders with a customer whose customer is not in the table of customers: 47.6%, expected at most"
    )
    assert f"WARN  orders.customer_id: {told} 5.0%" in good.stdout
    assert "Orders whose customer is not in the table of customers: 10 of 21, 47.6%." in good.stdout
    history = warehouse.folder / "warehouse.arrivals.jsonl"
    before = history.read_text()
    assert json.loads(before)["sources"]["orders"]["rows"] == 21

    warehouse.execute("update raw.orders set ordered_at = '01/02/2023' where rowid < 3")
    warehouse.execute("update raw.refunds set amount = '  ' where rowid < 4")
    warehouse.execute("alter table raw.orders drop gross_amount")
    warehouse.execute("alter table raw.customers add note varchar")
    broken = run(warehouse, folder)
    assert broken.returncode == 1, broken.stdout + broken.stderr
    for line in [
        "STOP  orders.gross_amount: is required and not there: it is in the contract, and raw.orders has no such column"
        "; it has order_id, customer_id, ordered_at, ",
        "STOP  refunds.amount: share of rows where it is null or blank: 66.7%, expected at most 50.0%",
        "WARN  orders.ordered_at: share of rows where it cannot be read as the contract's type: 14.3%, expected",
        "WARN  customers.note: is not in the contract\n",
        "Stopped: nothing was built, and what is published stays as it was.",
    ]:
        assert line in broken.stdout, broken.stdout
    assert history.read_text() == before
    look = re.search(r'orders\.ordered_at(?:.*\n)+? *look: dbt (.*) --inline "(.*)"', broken.stdout)
    shown = warehouse.dbt(*look[1].split(), "--inline", look[2])
    assert "01/02/2023" in shown.stdout, shown.stdout


def test_names_from_the_input_are_escaped_on_all_pages_and_its_values_are_on_none(warehouse: Warehouse, folder: Path):
    """Great Expectations writes what it is given; a browser must not run a column's name, nor a page show who it is."""
    load_files.load(Namespace(database=warehouse.database, folder=SHOP))
    hostile = ["<img src=x onerror=alert(1)>", "$who & 'x'", "<b>{{ 1 }}"]
    for name in hostile:
        warehouse.execute(f'alter table raw.customers add column "{name}" varchar')
    warehouse.execute("""
        update raw.customers set email = 'canary@example.com', full_name = 'Canary', region = 'canary',
        birth_date = '1911-11-11', phone = 'canary', country = 'canary', language = 'canary'
    """)
    warehouse.execute("update raw.orders set channel = 'canary', store_id = 'canary', gross_amount = 'canary'")
    warehouse.execute("alter table raw.customers drop created_at")  # so that no other day is the newest
    result = run(warehouse, folder)
    assert result.returncode == 1, result.stdout + result.stderr
    for name in hostile:
        assert f"WARN  customers.{name}: is not in the contract" in result.stdout
    texts = {
        file: file.read_text() for file in (folder / "uncommitted").rglob("*") if file.suffix in (".html", ".json")
    }
    pages = [file for file in texts if file.name == "arrival.html" or "/local_site/validations/customers/" in str(file)]
    assert len(pages) == 2
    for page in pages:
        assert "&lt;img src=x onerror=alert(1)&gt;" in texts[page], page
    results = [file for file in texts if "/uncommitted/validations/customers/" in str(file)]
    assert any("&lt;img src=x onerror=alert(1)&gt;" in texts[file] for file in results)
    for file, text in texts.items():
        for unescaped in ("<img src=x", "<b>{{"):
            assert unescaped not in text, file
        assert not re.search("canary|1911-11-11", text, re.IGNORECASE), file
    assert not re.search("canary|1911-11-11", result.stdout + result.stderr, re.IGNORECASE)


def test_without_a_database_nothing_can_be_judged(warehouse: Warehouse, folder: Path):
    result = run(warehouse, folder)
    assert result.returncode == 2
    assert "there is no database" in result.stderr
    assert not warehouse.database.exists()


def test_own_names_are_profiled_and_a_vanished_one_is_seen(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch):
    load_files.load(Namespace(database=warehouse.database, folder=SHOP))
    warehouse.execute(
        "create table raw.credits as select refund_id as id, cast(amount as double) * 100 as cents from raw.refunds"
    )
    columns = {"refund_id": "ID", "amount": "cents / 100.0", "order_id": "gone", "refunded_at": "'2024-01-01'"}
    variables = {"source_map": {"refunds": {"table": "credits", "columns": columns}}, "has_events": False}
    for name, value in {"DATABASE": warehouse.database, "ARRIVALS": warehouse.folder / "loads"}.items():
        monkeypatch.setenv(f"CUSTOMER_VALUE_{name}", str(value))
    monkeypatch.setattr(check_arrival, "dbt_program", lambda _: warm().dbt)
    found = check_arrival.profiles("duckdb", datetime(2030, 1, 1, tzinfo=UTC), json.dumps(variables))
    by_source = {item["source"]: item for item in found}
    refunds = by_source["refunds"]
    assert "events" not in by_source
    assert (refunds["table"], refunds["additional"]) == ("raw.credits", [])
    assert [name for name, column in refunds["columns"].items() if not column["is_there"]] == ["order_id"]
    amounts = [float(row[0]) for row in warehouse.rows("select amount from raw.refunds")]
    assert refunds["profile"]["amount__sum"] == pytest.approx(sum(amounts))
    assert refunds["profile"]["newest_at"] == "2024-01-01 00:00:00"
    buckets = np.histogram(amounts, [-1e9, *BOUNDS, 1e9])[0].tolist()
    assert check_arrival.histogram(refunds, "amount") == [*buckets, 0]


def test_findings_are_said_with_their_source_and_column():
    finding = Finding("stop", "orders", "(table)", "rows", "at least 1", "0", "select 1")
    assert str(finding) == "STOP  orders: rows: 0, expected at least 1"
