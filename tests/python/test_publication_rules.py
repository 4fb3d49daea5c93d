"""The rules that stop a wrong publication: what each stops, just at its limit, and that no healthy shop is stopped.

The cases hand the rules the marts they read as small tables; test_publishing.py has real refreshes.
"""

from __future__ import annotations

import datetime as dt
import random
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import numpy as np
import pytest
import yaml
from conftest import Warehouse

from customer_value.project import PROJECT
from customer_value.publish import publication_rules
from customer_value.publish.postgres_store import PostgresStore
from customer_value.publish.publication_rules import Finding, Limits
from customer_value.publish.publishing import Version, withdraw
from customer_value.raw import load_cdnow, load_complete_journey
from customer_value.refresh import run_records
from customer_value.refresh.run_records import Run
from customer_value.shop import generate_shop

VARIABLES = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
SEED = PROJECT / "seeds" / "reference" / "reject_reasons.csv"


class Shop:
    """A store of tables in memory: raw_orders, all that there ever was; what is built of it; what was published."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.version: Version | None = None
        self.execute(f"""
            create schema staging; create schema marts; create schema reference; create schema before;
            create table raw_orders (order_id varchar, order_date date, gross_amount decimal(18, 2));
            create table marts.orders as from raw_orders;
            create table before.orders as from raw_orders;
            create view staging.stg_orders as from raw_orders;
            create table reference.reject_reasons as from '{SEED}';
            create table marts.rejected_rows (rejected_row_id varchar, source_name varchar, reject_reasons varchar);
            create table marts.reconciliation (source_name varchar, measure varchar, raw decimal(28, 2));
            create view marts.reject_summary as
                select rejected.source_name, reasons.reject_reason, count(*) as row_count, reasons.remedy,
                    if(rejected.source_name in ('orders', 'refunds'), 2.5 * count(*), null) as amount
                from marts.rejected_rows as rejected inner join reference.reject_reasons as reasons
                    on list_contains(string_split(rejected.reject_reasons, ','), reasons.reject_reason)
                group by rejected.source_name, reasons.reject_reason, reasons.remedy;
        """)

    def execute(self, statement: str) -> None:
        """Run a statement."""
        self.connection.execute(statement)

    def rows(self, statement: str) -> list[tuple]:
        """Return the rows of a query."""
        return self.connection.execute(statement).fetchall()

    def published(self, mart: str, version: Version) -> str:
        """Return the name of what was published."""
        assert version is self.version
        return f"before.{mart}"

    def build(self, until: dt.date | str | None = None) -> None:
        """Make the mart of all orders, or of those up to a day."""
        self.execute(
            f"create or replace table marts.orders as from raw_orders where order_date <= '{until or '9999-12-31'}'"
        )

    def as_of(self) -> str | None:
        """Return the last day of what is built."""
        ((day,),) = self.rows("select max(order_date) from marts.orders")
        return day and str(day)

    def publish(self) -> None:
        """Take what is built for what readers see."""
        number = self.version.number + 1 if self.version else 1
        self.version = Version(number, number, "then", self.as_of(), None, None, VARIABLES, {})
        self.execute("create or replace table before.orders as from marts.orders")

    def reject(self, source: str, raw: int, **rows: int) -> None:
        """Let rows of a source be rejected: {reasons, _and_ between them: rows}."""
        self.execute(f"insert into marts.reconciliation values ('{source}', 'row_count', {raw})")
        for reasons, count in rows.items():
            text = reasons.replace("_and_", ",")
            self.execute(f"insert into marts.rejected_rows select uuid(), '{source}', '{text}' from range({count})")

    def check(self, as_of_date: str | None = None, **changes: object) -> dict[str, str]:
        """Return {rule: its worst severity}. as_of_date: named by the var."""
        rules = VARIABLES["publication_rules"] | changes
        variables = VARIABLES | {"publication_rules": rules, "as_of_date": as_of_date}
        self.findings = publication_rules.check(self, variables, self.version, as_of_date or self.as_of())
        for finding in self.findings:
            self.rows(finding.query)
        return {finding.rule: finding.severity for finding in reversed(self.findings)}


def months_of(counts: list[int], amount: float = 10.0, first: str = "2023-01-01") -> str:
    """Return the statement that fills raw_orders: so many orders in each month, spread over its first 28 days."""
    values = ", ".join(f"({month}, {count})" for month, count in enumerate(counts))
    return f"""
        insert into raw_orders
        select
            month || '-' || number,
            cast(date '{first}' + to_months(month) as date) + cast(number % 28 as integer),
            {amount}
        from (values {values}) as months (month, orders), range(1000000) as numbers (number)
        where number < orders
    """


@pytest.fixture
def shop() -> Shop:
    """Return a shop of 26 months with 100 orders each, the last one not closed; 2,500 closed orders are published."""
    made = Shop()
    made.execute(months_of([100] * 26))
    made.build()
    made.publish()
    assert made.as_of() == "2025-02-28"
    made.execute("delete from raw_orders where order_date = '2025-02-28'")  # so that February is open
    made.build()
    made.publish()
    assert made.check() == {}
    return made


def only(findings: dict[str, str]) -> set[str]:
    """Return the rules that stop."""
    return {rule for rule, severity in findings.items() if severity == "stop"}


# --- healthy shops


def raw_of(load: Callable, folder: Path) -> Iterator[str]:
    database = Warehouse(folder).database
    load(Namespace(database=database))
    return (
        "select order_id, cast(ordered_at as date), cast(gross_amount as decimal(18, 2)) "
        "from source.raw.orders", f"attach '{database}' as source (read_only)"
    )  # fmt: skip


def seasonal(season: list[float], base: int, years: int, seed: int) -> str:
    """Return months of a shop with a season: its factors from January on, noise as chance has it."""
    draws = np.random.default_rng(seed)
    return months_of([int(draws.poisson(base * factor)) for factor in season * years])


CHRISTMAS = [0.5, 0.3, 0.4, 0.4, 0.5, 0.5, 0.4, 0.4, 0.6, 1.0, 3.5, 6.0]
BEACH = [0.0, 0.0, 0.1, 0.4, 1.0, 2.0, 3.0, 2.5, 0.8, 0.1, 0.0, 0.0]
TWO_PEAKS = [1.0, 0.4, 0.4, 1.6, 0.5, 0.4, 0.4, 0.5, 1.0, 0.6, 2.0, 3.0]


def fill(shop: Shop, name: str, folder: Path) -> None:
    """Give a shop all orders of one of the data sets."""
    loaders = {"complete_journey": load_complete_journey.load, "cdnow": load_cdnow.load}
    if name in loaders:
        query, attach = raw_of(loaders[name], folder)
        shop.execute(attach)
        shop.execute(f"insert into raw_orders {query}")
    elif name.startswith("generated"):
        generate_shop.write_shop(folder, 10_000)
        kept = "true"
        if name == "generated with a season":
            factors = ", ".join(str(factor) for factor in CHRISTMAS)
            kept = f"hash(order_id) % 1000 < 1000 * [{factors}][month(ordered_at)] / 6"
        shop.execute(
            "insert into raw_orders select order_id, cast(ordered_at as date), gross_amount "
            f"from '{folder}/orders.parquet' where {kept}"
        )
    else:
        season = {"christmas": CHRISTMAS, "beach": BEACH, "two peaks": TWO_PEAKS}[name]
        for seed, base in enumerate((8, 60, 400)):
            shop.execute(seasonal(season, base, 4, seed).replace("month || '-'", f"'{seed}-' || month || '-'"))


@pytest.mark.parametrize(
    "name",
    ["complete_journey", "cdnow", "generated", "generated with a season", "christmas", "beach", "two peaks"],
)
def test_no_rule_stops_a_healthy_shop(name: str, tmp_path: Path):
    """A refresh at each month-end, and on the 9th and 20th of each month, from the first month on."""
    shop = Shop()
    fill(shop, name, tmp_path)
    ((first, last),) = shop.rows("select min(order_date), max(order_date) from raw_orders")
    days, said = [], []
    month = first.replace(day=1)
    while month <= last:
        days += [
            month + dt.timedelta(8),
            month + dt.timedelta(19),
            publication_rules.next_month(month) - dt.timedelta(1),
        ]
        month = publication_rules.next_month(month)
    days = [day for day in days if day >= first]
    for day in days:
        shop.build(day)
        found = shop.check()
        said += [f"{day}: {finding}" for finding in shop.findings]
        assert only(found) == set(), said
        shop.publish()
    print(f"\n{name}: {len(days)} refreshes, {len(said)} reported", *said, sep="\n  ")
    assert len(days) > 30
    assert len(said) <= len(days) / 4  # or nobody reads it
    # and the same shop, damaged, is stopped
    shop.execute("delete from raw_orders where hash(order_id) % 2 = 0")
    shop.build()
    assert only(shop.check()) >= {"vanished_orders", "closed_months"}


def test_a_fifth_of_guest_orders_warns_and_a_fifth_of_faults_stops(shop: Shop):
    """The lines of rejected orders follow them, as order_rejected; both are policy."""
    shop.reject("orders", 1000, guest_order=195, test_customer=5)
    shop.reject("order_items", 3000, order_rejected=600)
    shop.reject("events", 1000, bot=199)
    assert shop.check() == {"rejected_by_policy": "report"}
    assert [finding.said for finding in shop.findings] == [
        "600 of 3,000 rows of order_items are rejected by policy: 20.0 %",
        "200 of 1,000 rows of orders are rejected by policy: 20.0 %",
    ]
    shop.reject("refunds", 1000, unknown_order=150, not_finite=50)
    assert shop.check()["rejected_by_fault"] == "stop"
    assert shop.findings[0].said == "200 of 1,000 rows of refunds are rejected as faulty: 20.0 %"
    assert str(shop.findings[0]).splitlines()[1:] == [
        "        unknown_order: 150 rows, 375.00 as stated. Load the order; refunds and lines need it",
        "        not_finite: 50 rows, 125.00 as stated. Find the division that made it at its origin; export null where"
        " unknown",
    ]


@pytest.mark.parametrize(
    ("raw", "rows", "severity"),
    [
        (1000, {"unparseable_number": 200}, "stop"),
        (1000, {"unparseable_number": 199}, "report"),
        (1000, {"unparseable_number": 50}, "report"),
        (1000, {"unparseable_number": 49}, None),
        (1000, {"unparseable_number": 100, "guest_order_and_missing_value": 100}, "stop"),  # once, as a fault
        (1000, {"unparseable_number": 100, "guest_order_and_test_customer": 99}, "report"),
        (1000, {"unparseable_number_and_not_finite": 150}, "report"),  # two reasons, one row
        (1000, {"a_reason_of_ones_own": 200}, "stop"),
        (4, {"missing_key": 4}, None),  # four rows are single mistakes
        (5, {"missing_key": 5}, "stop"),
    ],
)
def test_a_rejected_row_counts_once_as_a_fault_if_any_reason_is_one(
    shop: Shop, raw: int, rows: dict[str, int], severity: str | None
):
    shop.reject("order_items", raw, **rows)
    assert shop.check(rejected_by_policy=None) == ({"rejected_by_fault": severity} if severity else {})


# --- what was seen, and each fault at its limit


def test_half_of_all_orders_deleted_is_stopped_by_the_second_run(shop: Shop):
    shop.execute("delete from raw_orders where hash(order_id) % 2 = 0")
    shop.build()
    found = shop.check()
    assert only(found) == {"vanished_orders", "closed_months", "settled_months"}
    said = " ".join(finding.said for finding in shop.findings)
    assert "in version 2 (as of 2025-02-27)" in said
    assert "2,500" in said


def test_revenue_down_44_percent_is_stopped_although_all_orders_are_there(shop: Shop):
    shop.execute("update raw_orders set gross_amount = 5.6")
    shop.build()
    assert only(shop.check()) == {"closed_months", "settled_months"}
    assert "gross revenue of closed months: 14,000.00; 25,000.00 in version 2" in shop.findings[-1].said + " ".join(
        finding.said for finding in shop.findings
    )


def test_an_extract_that_ends_nine_months_early_is_stopped_unless_the_var_names_the_date(shop: Shop):
    shop.build("2024-05-31")
    assert shop.check() == {"earlier_as_of_date": "stop"}
    assert "falls to 2024-05-28, it is 2025-02-27 in version 2" in shop.findings[0].said
    assert shop.check(as_of_date="2024-05-31") == {"earlier_as_of_date": "report"}
    shop.build("2025-02-26")
    assert shop.check() == {"earlier_as_of_date": "stop"}  # a day is enough
    shop.build()
    assert shop.check() == {}
    # and where the rows themselves are gone, but for one straggler that keeps the date
    shop.execute("delete from raw_orders where order_date > '2024-05-31' and order_date < '2025-02-27'")
    shop.build()
    assert only(shop.check()) >= {"closed_months", "vanished_orders"}


@pytest.mark.parametrize(("deleted", "severity"), [(11, None), (13, "report"), (124, "report"), (130, "stop")])
def test_vanished_orders(shop: Shop, deleted: int, severity: str | None):
    """Of 2,596 published orders .5 % are 12.98 and 5 % are 129.8."""
    shop.execute(
        f"delete from raw_orders where order_id in (select order_id from raw_orders order by 1 limit {deleted})"
    )
    shop.build()
    assert shop.check(settled_months=None, closed_months=None).get("vanished_orders") == severity


def test_vanished_orders_at_the_limit_and_in_a_tiny_shop():
    for orders, deleted, severity in [(1000, 50, "stop"), (1000, 49, "report"), (1000, 5, "report"), (1001, 5, None),
                                      (100, 5, "stop"), (19, 4, None), (19, 5, "stop")]:  # fmt: skip
        shop = Shop()
        shop.execute(months_of([orders]))
        shop.build()
        shop.publish()
        shop.execute(f"delete from raw_orders where order_id in (select order_id from raw_orders limit {deleted})")
        shop.build()
        found = shop.check(earlier_as_of_date=None, closed_months=None)
        assert found.get("vanished_orders") == severity, (orders, deleted)


def test_orders_that_are_rejected_or_are_no_sales_any_more_did_not_vanish(shop: Shop):
    """They are in staging, whatever was judged of them."""
    shop.execute("create table marts.kept as from raw_orders where hash(order_id) % 20 > 0")
    shop.execute("create or replace table marts.orders as from marts.kept")
    assert shop.check() == {"closed_months": "report", "settled_months": "stop"}
    shop.execute("drop view staging.stg_orders; create view staging.stg_orders as from marts.kept")
    assert shop.check()["vanished_orders"] in ("report", "stop")


@pytest.mark.parametrize(("closed", "severity"), [(2451, None), (2450, "report"), (2251, "report"), (2250, "stop")])
def test_closed_months_against_the_last_version(shop: Shop, closed: int, severity: str | None):
    """Of 2,500 orders with 25,000.00 gross, 2 % and 10 % and one less; the open month has no say."""
    shop.execute(f"""
        create or replace table marts.orders as
        (from raw_orders where order_date < '2025-02-01' order by hash(order_id) limit {closed})
        union all (from raw_orders where order_date = '2025-02-27')
    """)
    assert shop.check(settled_months=None).get("closed_months") == severity


def test_the_open_month_and_months_that_are_closed_in_one_alone_have_no_say(shop: Shop):
    shop.execute("delete from raw_orders where order_date between '2025-02-01' and '2025-02-26'")
    shop.execute("insert into raw_orders values ('new', '2025-03-01', 1)")  # February is closed now, but was not
    shop.build()
    found = shop.check(fallen_month=None, vanished_orders=None)
    assert found == {}


def test_a_settled_month_that_is_lost_stops_and_a_young_one_is_only_part_of_the_total(shop: Shop):
    whole = "create or replace table marts.orders as from raw_orders where order_date not between '{}' and '{}'"
    shop.execute(whole.format("2023-05-01", "2023-05-03"))  # 12 of 100
    assert shop.check() == {"settled_months": "stop"}
    assert "orders of 1 settled month fell, the furthest 2023-05: 88; 100 in version 2" in shop.findings[0].said
    shop.execute(whole.format("2025-01-01", "2025-01-03"))
    assert shop.check() == {}
    shop.execute("update before.orders set gross_amount = 8 where order_date < '2023-02-01'")
    shop.build()
    assert shop.check() == {}  # more is no loss


def closed(counts: list[int], amount: float = 10.0) -> Shop:
    """Return a shop whose last month is closed."""
    made = Shop()
    made.execute(months_of(counts, amount))
    made.execute("insert into raw_orders values ('end', (select max(order_date) + 10 from raw_orders), 0)")
    made.build()
    return made


@pytest.mark.parametrize(
    ("counts", "severity"),
    [
        ([100] * 12 + [50], "stop"),  # just half
        ([100] * 12 + [51], None),
        ([40] + [100] * 11 + [50], None),  # above half of the same month a year ago, or of the least
        ([100] + [40] + [100] * 10 + [21], None),
        ([100] + [40] + [100] * 10 + [20], "stop"),
        ([100] * 11 + [50], "report"),  # no year yet
        ([100] * 2 + [0], "report"),
        ([29] * 12 + [1], None),  # few orders halve by chance
        ([100] * 6 + [0] + [100] * 5 + [1], "report"),  # least is an empty month: the same month a year ago is left
        ([100] * 6 + [0] + [100] * 5 + [51], None),
        ([0] + [100] * 6 + [0] + [100] * 5 + [0], "report"),
        ([100] * 30 + [0], "stop"),  # nothing at all, under a later as-of date
        ([100], None),
        ([100, 100, 0, 100] + [100] * 8 + [100, 50], "report"),
    ],
)
def test_the_last_full_month_against_its_year(counts: list[int], severity: str | None):
    shop = closed(counts)
    end = dt.date(2023, 1, 1)
    for _ in counts:
        end = publication_rules.next_month(end)
    shop.execute("delete from raw_orders where order_id = 'end'")
    shop.build()
    found = shop.check(as_of_date=str(end + dt.timedelta(5)))
    assert found == ({"fallen_month": severity} if severity else {})


def test_the_last_full_month_is_judged_by_gross_revenue_too():
    shop = closed([100] * 13)
    shop.execute("update raw_orders set gross_amount = 5 where order_date >= '2024-01-01'")
    shop.build()
    assert shop.check(as_of_date="2024-01-31") == {"fallen_month": "stop"}
    assert shop.findings[0].said == (
        "gross revenue of 2024-01: 500.00; 1,000.00 in 2023-01, the least of the 12 months before it, so 50.0 % less"
    )
    assert shop.check(as_of_date="2024-01-30") == {}  # not over yet


def test_a_fallen_month_that_was_accepted_does_not_stop_again():
    shop = closed([100] * 13 + [40, 40])
    shop.build("2024-02-29")
    assert shop.check(as_of_date="2024-02-29") == {"fallen_month": "stop"}
    shop.publish()
    shop.version.as_of_date = "2024-02-29"
    shop.build("2024-03-10")
    assert shop.check(as_of_date="2024-03-10") == {"fallen_month": "report"}
    shop.build("2024-03-31")
    shop.execute("delete from marts.orders where order_date = '2024-03-09'")
    assert shop.check(as_of_date="2024-03-31") == {}  # the least of the year is 40 by now
    shop.execute("delete from marts.orders where order_date > '2024-03-08'")
    assert shop.check(as_of_date="2024-03-31") == {"fallen_month": "stop"}


def test_a_rule_that_is_null_is_off_and_a_first_run_is_held_against_itself_alone(shop: Shop):
    shop.execute("delete from raw_orders where hash(order_id) % 2 = 0")
    shop.build("2024-05-31")
    off = dict.fromkeys(VARIABLES["publication_rules"])
    assert only(shop.check())
    assert shop.check(**off) == {}
    shop.version = None
    assert shop.check() == {}


def test_a_source_that_had_rows_and_has_none_is_found_under_its_own_name():
    version = Version(3, 3, "then", "2024-12-31", None, None, VARIABLES, {
        "inputs": {"orders": ["100", "x"], "refunds": ["7", "x"], "CREDITS": ["8", "x"], "payroll": ["9", "x"]}
    })  # fmt: skip
    limits = Limits(VARIABLES)

    def found(inputs: dict, **changes: object) -> list[Finding]:
        inputs = {name: [str(rows), "y"] for name, rows in inputs.items()}
        return publication_rules.emptied_sources(limits, version, inputs, VARIABLES | changes)

    assert found({"orders": 1, "refunds": 1}) == []
    (finding,) = found({"orders": 100, "refunds": 0})
    assert finding.severity == "stop"
    assert "source refunds has no rows; 7 in version 3 (as of 2024-12-31)" in finding.said
    assert [each.query for each in found({})] == ["select count(*) from raw.orders", "select count(*) from raw.refunds"]
    assert found({"orders": 100}, has_refunds=False) == []
    credits_ = {"source_map": {"refunds": {"table": "credits"}}}
    assert found({"orders": 100, "Credits": 1}, **credits_) == []  # read from another table now
    version.variables = VARIABLES | credits_
    assert found({"orders": 100, "refunds": 7}) == []
    (finding,) = found({"orders": 100})
    assert "8 in version 3" in finding.said  # which it was read from then
    (finding,) = found({"orders": 100, "refunds": 7}, **credits_)
    assert "8 in version 3" in finding.said
    assert publication_rules.emptied_sources(limits, None, {}, VARIABLES) == []
    version.fingerprint = {}
    assert found({}) == []


@pytest.mark.usefixtures("postgres_environment")
def test_postgres_reads_the_same_queries():
    store = PostgresStore(0, lock=False)
    version = Version(7, 7, "then", "2024-01-28", None, None, VARIABLES, {}, row_counts={"orders": 1200})
    assert (store.published("orders", version), store.published("customers", version)) == (
        "marts_v000007.orders",
        None,
    )
    with store.transaction() as cursor:
        cursor.execute("""
            create schema marts; create schema marts_v000007; create schema staging; create schema reference;
            create table marts_v000007.orders as
            select
                month || '-' || number as order_id,
                cast(date '2023-01-01' + month * interval '1 month' as date) + number % 28 as order_date,
                cast(10 as numeric(18, 2)) as gross_amount
            from generate_series(0, 12) as months (month), generate_series(1, 100) as numbers (number);
            create table marts.orders as
            select * from marts_v000007.orders where order_id not like '%-1_' or order_date > '2024-01-27';
            create table staging.stg_orders as select * from marts.orders;
            create table marts.rejected_rows as
            select 'refunds' as source_name, 'unknown_order' as reject_reasons from generate_series(1, 20);
            create table marts.reconciliation as
            select 'refunds' as source_name, 'row_count' as measure, cast(100 as numeric(28, 2)) as raw;
            create table reference.reject_reasons as select 'unknown_order' as reject_reason, 'fault' as kind;
            create table marts.reject_summary as
            select
                'refunds' as source_name, 'unknown_order' as reject_reason, 20 as row_count,
                cast(45.5 as numeric(18, 2)) as amount, 'send the orders too' as remedy
        """)
        cursor.execute("create schema operations")
        cursor.execute("create table operations.versions (number bigint, is_current boolean, described jsonb)")
        cursor.execute("insert into operations.versions values (7, true, %s)", [version.to_json()])
    findings = publication_rules.check(store, VARIABLES, store.current(), "2024-02-05")
    said = {finding.rule: (finding.severity, finding.said) for finding in findings}
    assert said["rejected_by_fault"] == ("stop", "20 of 100 rows of refunds are rejected as faulty: 20.0 %")
    whys = {finding.rule: finding.why for finding in findings}
    assert whys["rejected_by_fault"] == ("unknown_order: 20 rows, 45.50 as stated. send the orders too",)
    assert said["vanished_orders"][1] == "130 of 1,300 orders of version 7 (as of 2024-01-28) did not arrive: 10.0 %"
    assert said["closed_months"] == (
        "stop",
        "gross revenue of closed months: 10,800.00; 12,000.00 in version 7 (as of 2024-01-28), so 10.0 % are gone",
    )
    shown = store.rows(next(finding.query for finding in findings if finding.rule == "closed_months"))
    assert [int(value) for value in shown[0][1:]] == [90, 900, 100, 1000]
    assert " --target postgres" in findings[0].look(store, "postgres")
    store.connection.close()


# --- loads that count as usual


def test_what_was_taken_back_is_derived_from_the_records_as_versions_mark_it():
    draws = random.Random(20)
    for _ in range(200):
        versions, runs, current = [], [], 0
        for run_id in range(1, draws.randrange(3, 14)):
            if not versions or draws.random() < 0.55:
                versions.append(Version(len(versions) + 1, run_id, "then", None, None, None, {}, {}))
                current = len(versions)
                runs.append(Run(run_id, "then", outcome="published", version=current, arrival={"load": current}))
            elif draws.random() < 0.2:
                runs.append(Run(run_id, "then", outcome="refused", arrival={"load": "refused"}))
            else:
                current = draws.randrange(1, len(versions) + 1)
                withdraw(versions, current, "now")
                runs.append(Run(run_id, "now", outcome="rolled_back", version=current))
        marked = {version.number for version in versions if version.withdrawn_at}
        assert run_records.taken_back(runs) == marked
        kept = [version.number for version in versions if not version.withdrawn_at]
        assert [load["load"] for load in run_records.usual_arrivals(runs, set())] == kept
        assert run_records.usual_arrivals(runs, {*kept}) == []


def test_a_load_that_was_accepted_is_the_new_usual():
    runs = [
        Run(
            number,
            "then",
            outcome="published",
            version=number,
            arrival={"load": number} | ({"restarts": True} if number in (2, 4) else {}),
        )
        for number in range(1, 6)
    ]
    assert [load["load"] for load in run_records.usual_arrivals(runs, set())] == [4, 5]
    assert [load["load"] for load in run_records.usual_arrivals(runs, {4})] == [2, 3, 5]
