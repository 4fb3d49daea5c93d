"""Every slice is as of its date: what happened later, the order of the rows and the machine leave no trace in it."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from conftest import Warehouse
from refreshes import ALL_THAT_COUNTS, WITHOUT_SIDE_SOURCES, all_but, differences, fresh_database, marts

from customer_value.project import PROJECT
from customer_value.shop.faults import PRIMARY_DATES

# An order's lines happened with it. Merges have no date and hold for the whole past: so who was merged, and into whom,
# is known from the start.
UNLESS = {
    "customers": """
        and merged_into_customer_id is null
        and customer_id not in (
            select merged_into_customer_id from raw.customers where merged_into_customer_id is not null
        )
    """
}
# days within a month, and a month-end, each with an order. The month-end of the generated shop has no rates for GBP.
DATES = {
    "complete_journey": dt.date(2017, 9, 17),
    "cdnow": dt.date(1998, 2, 11),
    "dirty_shop": dt.date(2023, 3, 31),
}
ALL_SOURCES = "dirty_shop"  # everything is built of it; of the others, which lack them, not what side sources fill


@dataclass(frozen=True)
class Cut:
    """A data set: as it is, with all that came after a day, and without."""

    name: str
    day: dt.date
    present: Path  # built
    whole: Path  # raw tables and seeds: the same, and late refunds, in another order
    cut: Path  # built: of the whole one, what had happened by the day
    deleted: dict[str, int]  # {source: rows that the cut one lacks}

    @property
    def select(self) -> tuple[str, ...]:
        """Return dbt's arguments that say what is built."""
        return () if self.name == ALL_SOURCES else WITHOUT_SIDE_SOURCES

    def run(self, database: Path, threads: int = 2, variables: dict | None = None) -> None:
        """Run dbt on one of the databases."""
        machine = () if threads == 2 else ("--profiles-dir", str(profiles(database.parent, threads)))
        Warehouse(database.parent).run("run", *self.select, *machine, variables=variables)


@pytest.fixture(scope="module", params=DATES)
def cut(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Cut:
    """Return a data set that was cut and built: what several tests compare."""
    name, day = request.param, DATES[request.param]
    present = request.getfixturevalue(name).database
    whole = fresh_database(tmp_path_factory.mktemp("whole"), present)
    add_late_refunds(whole, day)
    shuffle(whole)
    cut = fresh_database(tmp_path_factory.mktemp("cut"), whole)
    made = Cut(name, day, present, whole, cut, delete_what_came_after(cut, day))
    # nor do the threads move a byte
    made.run(cut, threads=4 if name == "cdnow" else 2)
    return made


def add_late_refunds(database: Path, day: dt.date) -> None:
    """Give back the whole of some orders on the next day: too much where some was given back before."""
    with duckdb.connect(str(database)) as connection:
        connection.execute(f"""
            insert into raw.refunds (refund_id, order_id, refunded_at, amount)
            select 'late ' || order_id, order_id, '{day + dt.timedelta(days=1)}', gross_amount
            from raw.orders
            where try_cast(cast(ordered_at as varchar) as timestamp) < date '{day}'
            order by order_id not in (select order_id from raw.refunds where order_id is not null), order_id
            limit 1000
        """)


def delete_what_came_after(database: Path, day: dt.date) -> dict[str, int]:
    """Delete all raw rows that happened after a day; return {source: rows deleted}."""
    deleted = {}
    with duckdb.connect(str(database)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for source, column in PRIMARY_DATES.items():
            (deleted[source],) = connection.execute(f"""
                delete from raw.{source}
                where cast(try_cast(cast({column} as varchar) as timestamptz) as date) > date '{day}'
                {UNLESS.get(source, "")}
            """).fetchone()
        (deleted["order_items"],) = connection.execute("""
            delete from raw.order_items
            where order_id not in (select order_id from raw.orders where order_id is not null)
        """).fetchone()
    return deleted


def until(day: dt.date) -> Callable[[str, list[str]], str | None]:
    """Return what selects of each mart that has dates what it says up to a day."""

    def select(mart: str, columns: list[str]) -> str | None:
        if mart.endswith((".restatements", ".customer_value", ".customer_forecasts", ".customer_value_parts")):
            return None  # the ledger is of builds, not of dates; the others are of the latest slice alone
        if mart.endswith(".tier_periods"):  # a spell that ends later has not ended
            ends = f"case when valid_to <= date '{day}' then valid_to end as valid_to"
            return f"select customer_id, tier, valid_from, tier_before, {ends} from {mart} where valid_from <= '{day}'"
        if mart.endswith(".clv_backtest"):  # a forecast is held against what came: known once its holdout is over
            ended = f"last_day(as_of_date + to_months(holdout_months)) <= date '{day}'"
            return f"{ALL_THAT_COUNTS(mart, columns)} where {ended}"
        if mart.endswith(".label_truth"):  # so is a label, against what came within its horizon
            return f"{ALL_THAT_COUNTS(mart, columns)} where horizon_ends_on <= date '{day}'"
        if mart.endswith(".chance_backtest"):
            return f"{ALL_THAT_COUNTS(mart, columns)} where ends_on <= date '{day}'"
        return ALL_THAT_COUNTS(mart, columns) + f" where as_of_date <= '{day}'" if "as_of_date" in columns else None

    return select


def assert_shown(database: Path, day: dt.date) -> None:
    """Check that what a build shows as now is its own slice of a day, and that there are slices before it."""
    now = Warehouse(database.parent).rows("from marts.customer_value order by all")
    assert now == Warehouse(database.parent).rows(
        f"from marts.customer_value_history where as_of_date = '{day}' order by all"
    )
    assert len(now) > 500
    (dates,) = Warehouse(database.parent).rows("select count(distinct as_of_date) from marts.customer_value_history")
    assert dates[0] > 5


def test_what_happens_after_a_date_leaves_no_trace_in_the_slices_up_to_it(cut: Cut):
    """The present history goes on, the cut one ends there. Nor does the order of the rows, or one thread more.

    Within a month, the cut one has a slice of the day itself, which is compared below.
    """
    last = cut.day if cut.name == ALL_SOURCES else cut.day.replace(day=1) - dt.timedelta(days=1)
    assert differences(cut.cut, cut.present, until(last), is_left_in_part=True) == {}
    assert_shown(cut.cut, cut.day)
    assert cut.deleted["orders"] > 500
    if cut.name == ALL_SOURCES:
        assert min(cut.deleted.values()) > 20, cut.deleted


@pytest.mark.parametrize("cut", ["complete_journey", ALL_SOURCES], indirect=True)
def test_what_happens_after_a_day_leaves_no_trace_in_what_var_as_of_date_shows_of_it(cut: Cut):
    """All data judged as of the day, and the data of the day judged as of their last one.

    Nor in what is shown of orders, which have no as-of dates.
    """
    cut.run(cut.whole, threads=1, variables={"as_of_date": str(cut.day)})
    assert differences(cut.cut, cut.whole, until(dt.date.max)) == {}
    assert differences(cut.cut, cut.whole).keys() <= {"customers", "rejected_rows", "reject_summary", "reconciliation"}


@pytest.mark.parametrize("cut", [ALL_SOURCES], indirect=True)
def test_a_past_date_shows_what_the_history_holds_of_it(cut: Cut, tmp_path: Path):
    """On one database: from a past date back to an earlier one, and forth to the present. None of it restates anything.

    In the end it is the present to the byte, though its rows had another order and one thread worked at it.
    """
    database, day = cut.whole, dt.date(2022, 6, 30)
    Warehouse(database.parent).execute("delete from raw.refunds where starts_with(refund_id, 'late ')")
    cut.run(database, threads=1, variables={"as_of_date": str(day)})
    assert differences(database, cut.present, until(day)) == {}
    assert_shown(database, day)
    cut.run(database, threads=1)
    assert digests(database, tmp_path) == digests(cut.present, tmp_path)
    assert Warehouse(database.parent).rows("select count(*) from marts.restatements") == [(0,)]


# --- determinism


def shuffle(database: Path) -> None:
    """Bring the rows of every raw table into another order."""
    with duckdb.connect(str(database)) as connection:
        for source in (*PRIMARY_DATES, "order_items"):
            connection.execute(f"""
                create or replace table raw.{source} as
                select * from raw.{source} as source order by hash(source, 'salt')
            """)


def profiles(folder: Path, threads: int) -> Path:
    """Write the project's profile with another number of threads, for dbt and for DuckDB; return its folder."""
    folder = folder / f"profiles{threads}"
    text = (PROJECT / "profiles" / "profiles.yml").read_text(encoding="utf-8")
    duckdb_target, rest = text.split("    postgres:\n")
    changed = duckdb_target.replace("threads: 2", f"threads: {threads}")
    changed = changed.replace("settings:\n", f"settings:\n        threads: {threads}\n")
    assert changed.count(f"threads: {threads}") == 2
    folder.mkdir(exist_ok=True)
    (folder / "profiles.yml").write_text(f"{changed}    postgres:\n{rest}", encoding="utf-8")
    return folder


def digests(database: Path, folder: Path) -> dict[str, str]:
    """Return {mart: SHA-256 of its rows as CSV, in order}, without the day a bad row was first seen on."""
    found = {}
    with duckdb.connect(str(database), read_only=True) as connection:
        for mart, columns in marts(connection, database.stem).items():
            export = folder / f"{mart}.csv"
            rows = all_but("first_seen_on")(f"marts.{mart}", columns)
            connection.execute(f"copy ({rows} order by all) to '{export}' (header)")
            found[mart] = hashlib.sha256(export.read_bytes()).hexdigest()
            export.unlink()
    return found
