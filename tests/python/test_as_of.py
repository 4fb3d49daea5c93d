"""Every slice is as of its date: what happened later, the order of the rows and the machine leave no trace in it."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from conftest import Warehouse
from refreshes import ALL_THAT_COUNTS, Dbt, differences, fresh_database, marts

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
# a month-end, and a day within a month; both with an order. The month-end of the generated shop has no rates for GBP.
DATES = {
    "complete_journey": (dt.date(2017, 6, 30), dt.date(2017, 9, 17)),
    "cdnow": (dt.date(1997, 9, 30), dt.date(1998, 2, 11)),
    "dirty_shop": (dt.date(2023, 3, 31), dt.date(2023, 7, 19)),
}


@pytest.fixture(scope="module")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dbt]:
    """Yield a dbt that stays up."""
    with contextlib.closing(Dbt(tmp_path_factory.mktemp("dbt"))) as process:
        yield process


@pytest.fixture(params=DATES)
def data_set(request: pytest.FixtureRequest) -> tuple[str, Warehouse]:
    """Return the name of a data set and its warehouse."""
    return request.param, request.getfixturevalue(request.param)


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


def test_what_happens_after_a_month_end_leaves_no_trace_in_it(
    data_set: tuple[str, Warehouse], dbt: Dbt, tmp_path: Path
):
    """The present history has the month-end, the cut one ends there."""
    name, warehouse = data_set
    month_end, _ = DATES[name]
    cut = fresh_database(tmp_path, warehouse.database)
    deleted = delete_what_came_after(cut, month_end)
    dbt.run(cut)
    assert differences(cut, warehouse.database, until(month_end)) == {}
    assert_shown(cut, month_end)
    assert deleted["orders"] > 500
    if name == "dirty_shop":
        assert min(deleted.values()) > 20, deleted


def test_what_happens_after_a_day_leaves_no_trace_in_what_var_as_of_date_shows_of_it(
    data_set: tuple[str, Warehouse], dbt: Dbt, tmp_path: Path
):
    """Within a month: all data judged as of the day, and the data of the day judged as of their last one.

    Nor in what is shown of orders, which have no as-of dates.
    """
    name, warehouse = data_set
    _, day = DATES[name]
    past = fresh_database(tmp_path / "past", warehouse.database)
    add_late_refunds(past, day)
    cut = fresh_database(tmp_path / "cut", past)
    delete_what_came_after(cut, day)
    dbt.run(past, variables={"as_of_date": str(day)})
    dbt.run(cut)
    assert differences(cut, past, until(dt.date.max)) == {}
    assert differences(cut, past).keys() <= {"customers", "rejected_rows", "reject_summary", "reconciliation"}
    assert_shown(cut, day)


def test_a_past_date_shows_what_the_history_holds_of_it(dirty_shop: Warehouse, dbt: Dbt, tmp_path: Path):
    """On one database: forth, back into a history that is longer, and to the present. None of it restates anything."""
    database = fresh_database(tmp_path, dirty_shop.database)
    for day in (dt.date(2022, 6, 30), dt.date(2024, 2, 29), dt.date(2023, 12, 31)):
        dbt.run(database, variables={"as_of_date": str(day)})
        assert differences(database, dirty_shop.database, until(day)) == {}
        assert_shown(database, day)
    dbt.run(database)
    assert differences(database, dirty_shop.database) == {}
    assert Warehouse(tmp_path).rows("select count(*) from marts.restatements") == [(0,)]


# --- determinism


def shuffle(database: Path, salt: str) -> None:
    """Bring the rows of every raw table into another order, one that the salt decides."""
    with duckdb.connect(str(database)) as connection:
        for source in (*PRIMARY_DATES, "order_items"):
            connection.execute(f"""
                create or replace table raw.{source} as
                select * from raw.{source} as source order by hash(source, '{salt}')
            """)


def profiles(folder: Path, threads: int) -> Path:
    """Write the project's profile with another number of threads, for dbt and for DuckDB; return its folder."""
    text = (PROJECT / "profiles" / "profiles.yml").read_text(encoding="utf-8")
    duckdb_target, rest = text.split("    postgres:\n")
    changed = duckdb_target.replace("threads: 2", f"threads: {threads}")
    changed = changed.replace("settings:\n", f"settings:\n        threads: {threads}\n")
    assert changed.count(f"threads: {threads}") == 2
    folder.mkdir()
    (folder / "profiles.yml").write_text(f"{changed}    postgres:\n{rest}", encoding="utf-8")
    return folder


def digests(database: Path, folder: Path) -> dict[str, str]:
    """Return {mart: SHA-256 of all its rows and columns as CSV, in order}."""
    found = {}
    with duckdb.connect(str(database), read_only=True) as connection:
        for mart in marts(connection, database.stem):
            export = folder / f"{mart}.csv"
            connection.execute(f"copy (from marts.{mart} order by all) to '{export}' (header)")
            found[mart] = hashlib.sha256(export.read_bytes()).hexdigest()
            export.unlink()
    return found


@pytest.mark.parametrize("name", DATES)
def test_neither_the_order_of_the_rows_nor_the_threads_move_a_byte(
    name: str, request: pytest.FixtureRequest, dbt: Dbt, tmp_path: Path
):
    warehouse: Warehouse = request.getfixturevalue(name)
    expected = digests(warehouse.database, tmp_path)
    for threads in (1, 4):
        database = fresh_database(tmp_path / str(threads), warehouse.database)
        shuffle(database, salt=f"salt {threads}")
        dbt.run(database, "run", "--profiles-dir", str(profiles(tmp_path / f"profiles{threads}", threads)))
        assert digests(database, tmp_path) == expected, f"{threads} threads"
