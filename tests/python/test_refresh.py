"""A year of deliveries and refreshes: each refresh ends where a full rebuild would, and what was shown stays on record.

The year of simulated_shop.py is refreshed on 22 days that meet every situation, and, marked slow, on each of its 365
days (make test-year). Every refresh is watched as it happens (Year); the tests then look at what was noted.
"""

from __future__ import annotations

import contextlib
import copy
import datetime as dt
import itertools
import shutil
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from conftest import Warehouse
from refreshes import ALL_THAT_COUNTS, Dbt, all_but, copied, differences, fresh_database
from simulated_shop import CHANCES, DAY, FIRST, LAST, Shop, first_change, is_month_end

LABELS = ["tier", "rfm_segment", "lifecycle_stage"]
MONEY = ["net_revenue", "monetary"]
# what the ledger of restatements compares
COMPARED = [*LABELS, *MONEY, "order_count", "margin", "realised_value"]

# the history does not look at these sources; on most days they, and the quarantine, are left out to save time
WITHOUT_SIDE_SOURCES = [
    "run", "--exclude", "stg_events+", "stg_marketing_touches+", "stg_support_tickets+", "stg_survey_responses+",
    "stg_referral_links+",
]  # fmt: skip


def unrestated(mart: str, columns: list[str]) -> str | None:
    """Select what a history that was built in one go has, which has no restatements."""
    if mart.endswith(".restatements"):
        return None
    condition = " where cause <> 'restatement'" if mart.endswith(".tier_migrations") else ""
    return ALL_THAT_COUNTS(mart, columns) + condition


def but_the_ledger(mart: str, columns: list[str]) -> str | None:
    """Select all marts but the ledger of restatements."""
    return None if mart.endswith(".restatements") else ALL_THAT_COUNTS(mart, columns)


@dataclass(frozen=True)
class Look:
    """What a look at a warehouse found after a refresh; the last two are empty where all is right."""

    spine: list[dt.date]
    opened: list[dt.date]
    restatements: int
    misrecorded: list[tuple]
    unreconciled: list[tuple]


class Witness:
    """Keeps what each refresh showed, apart from the warehouse, and says what must therefore be on record there."""

    def __init__(self, ledger: Path | None = None):
        """Begin with nothing shown; ledger: the warehouse whose ledger of restatements stands already."""
        self.connection = duckdb.connect()
        columns = f"as_of_date date, customer_id varchar, {', '.join(f'{label} varchar' for label in LABELS)}"
        columns += "".join(f", {name} decimal(18, 2)" for name in COMPARED if name not in LABELS)
        columns += ", slice_version varchar"
        # of closed slices: as they were shown last, and as they were shown first
        self.connection.execute(f"create table shown ({columns})")
        self.connection.execute(f"create table first_shown ({columns})")
        self.connection.execute("create table ledger as select 0 as restatement_number where false")
        if ledger:
            with self._attached(ledger):
                self.connection.execute("create or replace table ledger as from warehouse.marts.restatements")

    @contextlib.contextmanager
    def _attached(self, database: Path) -> Iterator[None]:
        self.connection.execute(f"attach '{database}' as warehouse (read_only)")
        yield
        self.connection.execute("detach warehouse")

    def look(self, database: Path, day: dt.date) -> Look:
        """Look at a warehouse after the refresh of a day."""
        with self._attached(database):
            return self._look(day)

    def _look(self, day: dt.date) -> Look:
        execute, history = self.connection.execute, "warehouse.marts.customer_value_history"
        execute(f"""
            create or replace temp table now as
            select as_of_date, customer_id, {", ".join(COMPARED)}, slice_version from {history}
        """)
        misrecorded = self._misrecorded(day)
        execute("create or replace table ledger as from warehouse.marts.restatements")
        closed = "from now where as_of_date = last_day(as_of_date) and as_of_date < (select max(as_of_date) from now)"
        execute(f"create or replace table shown as {closed}")
        execute("delete from first_shown where as_of_date not in (select as_of_date from now)")
        execute(f"insert into first_shown {closed} and as_of_date not in (select as_of_date from first_shown)")
        return Look(
            spine=self._dates("select distinct as_of_date from now"),
            opened=self._dates("select as_of_date from warehouse.intermediate.int_slices where is_open"),
            restatements=execute("select count(*) from ledger").fetchone()[0],
            misrecorded=misrecorded,
            unreconciled=[row for label_type in LABELS for row in self._unreconciled(label_type)],
        )

    def _dates(self, query: str) -> list[dt.date]:
        return [day for (day,) in self.connection.execute(f"{query} order by 1").fetchall()]

    def _misrecorded(self, day: dt.date) -> list[tuple]:
        """Return rows that the ledger lacks, has but should not, or has lost: (what is wrong, the row)."""
        columns = [f"{side}.{name}" for side in ("shown", "now") for name in COMPARED]
        self.connection.execute(f"""
            create or replace temp table expected as
            with versions as (
                select distinct as_of_date, shown.slice_version as shown_version, now.slice_version
                from shown inner join now using (as_of_date)
            )
            select
                date '{day}' as restated_as_of, as_of_date, customer_id, {", ".join(columns)},
                versions.shown_version, versions.slice_version
            from shown full join now using (as_of_date, customer_id)
            inner join versions using (as_of_date)
            where {" or ".join(f"shown.{name} is distinct from now.{name}" for name in COMPARED)}
        """)
        columns = [f"{side}{name}" for side in ("shown_", "") for name in COMPARED]
        ledger = "warehouse.marts.restatements"
        last_number = "(select coalesce(max(restatement_number), 0) from ledger)"
        written = f"""
            select restated_as_of, as_of_date, customer_id, {", ".join(columns)}, shown_slice_version, slice_version
            from {ledger}
            where restatement_number > {last_number}
        """
        earlier = f"from {ledger} where restatement_number <= {last_number}"
        queries = {
            "missing": f"from expected except all {written}",
            "unexpected": f"{written} except all from expected",
        }
        if self.connection.execute("select count(*) from ledger").fetchone()[0]:
            queries["lost"] = f"from ledger except all {earlier}"
        return [
            (problem, *row)
            for problem, query in queries.items()
            for row in self.connection.execute(f"{query} order by all limit 5").fetchall()
        ]

    def _unreconciled(self, label_type: str) -> list[tuple]:
        """Return periods and labels where opening as first shown + entries - exits is not the closing.

        Who is not known has no opening and no closing, and so must bring no money along and take none away.
        """
        measures = {"customers": "count(*)"} | {amount: f"sum({amount})" for amount in MONEY}
        stocks = ", ".join(f"{total} as {name}" for name, total in measures.items())
        return self.connection.execute(f"""
            with periods as (
                select as_of_date, lag(as_of_date) over (order by as_of_date) as opening_date
                from (select distinct as_of_date from now)
            ),
            opening as (
                select periods.as_of_date, coalesce({label_type}, 'none') as label, {stocks}
                from periods inner join first_shown on periods.opening_date = first_shown.as_of_date
                group by all
            ),
            closing as (
                select as_of_date, coalesce({label_type}, 'none') as label, {stocks} from now group by all
            ),
            flows as (from warehouse.marts.tier_migrations where label_type = '{label_type}'),
            balance as (
                select as_of_date, label, {", ".join(measures)} from opening
                union all select as_of_date, to_label, customers, closing_net_revenue, closing_monetary from flows
                union all select as_of_date, from_label, -customers, -opening_net_revenue, -opening_monetary from flows
                union all select as_of_date, label, {", ".join(f"-{name}" for name in measures)} from closing
            )
            select '{label_type}', as_of_date, label, {", ".join(f"sum({name}) as {name}" for name in measures)}
            from balance
            group by as_of_date, label
            having (customers <> 0 and label <> 'not known') or net_revenue <> 0 or monetary <> 0
            order by all
            limit 5
        """).fetchall()


@dataclass(frozen=True)
class Plan:
    """Which days of the year are refreshed, and what is tried on some of them."""

    days: list[dt.date]
    checkpoints: set[dt.date]  # a full rebuild beside it
    full_refreshes: set[dt.date]  # of the checkpoints: a full refresh of the same database, too
    repeats: set[dt.date]  # of the checkpoints: the same run again
    kills: dict[dt.date, tuple[str, str]]  # the run is killed first, at this event of this model


def days_of(text: str) -> list[dt.date]:
    """Return the days of a list such as 23-03-21 23-03-22."""
    return [dt.date.fromisoformat(f"20{day}") for day in text.split()]


FEW_DAYS = Plan(
    days=days_of(
        "23-03-21 23-03-22 23-04-29 23-04-30 23-05-01 23-06-13 23-06-14 23-07-20 23-08-16 23-09-05 23-09-30 23-10-10 "
        "23-10-11 23-10-12 23-11-14 23-11-15 23-11-28 23-12-05 24-02-28 24-02-29 24-03-01 24-03-09"
    ),
    checkpoints=set(days_of("23-04-30 23-05-01 23-07-20 23-08-16 23-09-05 23-11-15 24-02-29 24-03-09")),
    full_refreshes=set(days_of("23-05-01 23-11-15 24-03-09")),
    repeats=set(days_of("23-05-01 24-02-29")),
    kills={
        dt.date(2023, 7, 20): ("NodeFinished", "restatements"),
        dt.date(2023, 8, 16): ("NodeFinished", "customer_value_history"),
        dt.date(2023, 9, 5): ("NodeStart", "tier_summary"),
    },
)

YEAR = [FIRST + number * DAY for number in range(1, (LAST - FIRST).days + 1)]
# every fifteenth day: one model after the other, right after it or when it has just begun
KILLED_MODELS = [
    "int_slices", "int_customer_totals", "int_clv_parameters", "int_label_thresholds", "restatements",
    "customer_value_history", "clv_backtest", "customer_forecasts", "value_concentration", "tier_migrations",
    "tier_summary", "cohort_retention",
]  # fmt: skip
KILLS = dict(zip(YEAR[9::15], itertools.product(("NodeFinished", "NodeStart"), KILLED_MODELS), strict=True))
MONTH_TURNS = {day for day in YEAR if is_month_end(day) or day.day in (1, 15)}
EVERY_DAY = Plan(
    days=YEAR,
    checkpoints=MONTH_TURNS | FEW_DAYS.checkpoints | set(KILLS),
    full_refreshes={day for day in YEAR if day.day == 15} | {LAST},
    repeats={day for day in YEAR if day.day in (1, 15)},
    kills=KILLS,
)


@dataclass(frozen=True)
class Refresh(Look):
    """What was noted of one refresh."""

    day: dt.date
    expected_spine: list[dt.date]
    expected_opened: list[dt.date]


class Year:
    """The year under a plan, with what was noted as it went; rebuilds run beside it, on the other core."""

    def __init__(self, plan: Plan, folder: Path, shop: Shop, dbts: tuple[Dbt, Dbt]):
        self.plan, self.folder, self.shop, (self.dbt, self.other_dbt) = plan, folder, shop, dbts
        self.database, self.witness = Warehouse(folder).database, Witness()
        self.refreshes: list[Refresh] = []
        # what differs, day by day: from a full rebuild, after a full refresh, after the same run again
        self.rebuilt: dict[dt.date, dict] = {}
        self.refreshed_in_full: dict[dt.date, dict] = {}
        self.repeated: dict[dt.date, dict] = {}
        self.opened_by_repeat: dict[dt.date, list[dt.date]] = {}

    def live(self) -> None:
        """Run it."""
        shop = self.shop
        shop.load(self.database)
        self.dbt.run(self.database, "seed")
        self.dbt.run(self.database)
        self.witness.look(self.database, shop.today)
        before = (shop.inputs(), shop.spine())
        with ThreadPoolExecutor(1) as beside:
            rebuilds: list[Future] = []
            for day in self.plan.days:
                while shop.today < day:
                    shop.next_day()
                shop.deliver(self.database)
                after = (shop.inputs(), shop.spine())
                self._refresh(day, changed(*before, *after))
                before = after
                if day in self.plan.checkpoints:
                    as_it_is = self.copy(str(day))
                    rebuilds.append(beside.submit(self._rebuild, day, as_it_is))
                if day in self.plan.repeats:
                    self._repeat(day)
            for rebuild in rebuilds:
                rebuild.result()

    def copy(self, name: str) -> Path:
        """Return a copy of the warehouse as it is."""
        return copied(self.database, self.folder / name)

    def _refresh(self, day: dt.date, expected_opened: list[dt.date]) -> None:
        if day in self.plan.kills:
            self.dbt.killed(self.database, *self.plan.kills[day])
        self.dbt.run(self.database, *([] if day in self.plan.checkpoints else WITHOUT_SIDE_SOURCES))
        look = self.witness.look(self.database, day)
        self.refreshes.append(
            Refresh(**vars(look), day=day, expected_spine=self.shop.spine(), expected_opened=expected_opened)
        )

    def _rebuild(self, day: dt.date, as_it_is: Path) -> None:
        rebuilt = fresh_database(as_it_is.parent / "rebuilt", as_it_is)
        self.other_dbt.run(rebuilt)
        self.rebuilt[day] = differences(as_it_is, rebuilt, unrestated)
        if day in self.plan.full_refreshes:
            copied(as_it_is, rebuilt.parent)
            self.other_dbt.run(rebuilt, "run", "--full-refresh")
            self.refreshed_in_full[day] = differences(as_it_is, rebuilt, all_but("first_seen_on"))
        shutil.rmtree(as_it_is.parent)

    def _repeat(self, day: dt.date) -> None:
        as_it_is = self.copy("repeated")
        self.dbt.run(self.database)
        self.repeated[day] = differences(as_it_is, self.database, all_but())
        self.opened_by_repeat[day] = Warehouse(self.folder).rows(
            "select as_of_date from intermediate.int_slices where is_open"
        )


def changed(
    inputs_before: Counter, spine_before: list[dt.date], inputs: Counter, spine: list[dt.date]
) -> list[dt.date]:
    """Return the slices that a refresh has to open.

    All from the first one that is new, or rests on changed rows, or has another slice or none before it.
    """
    first = first_change(inputs_before, inputs) or dt.date.max
    before = set(itertools.pairwise([None, *spine_before]))
    opened = [
        day for opening, day in itertools.pairwise([None, *spine]) if day >= first or (opening, day) not in before
    ]
    return [day for day in spine if day >= opened[0]]


@pytest.fixture(
    scope="module",
    params=[pytest.param(FEW_DAYS, id="few_days"), pytest.param(EVERY_DAY, id="every_day", marks=pytest.mark.slow)],
)
def year(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    """Yield a year that was lived."""
    folder = tmp_path_factory.mktemp("year")
    with contextlib.closing(Dbt(folder / "dbt")) as one, contextlib.closing(Dbt(folder / "other")) as two:
        lived = Year(request.param, folder, Shop(), (one, two))
        lived.live()
        yield lived


def problems(found: dict) -> dict:
    """Return what a year noted, without the days on which there was nothing."""
    return {day: noted for day, noted in found.items() if noted}


def test_a_refresh_ends_where_a_full_rebuild_does(year: Year):
    """Also one after a run that was killed."""
    assert year.rebuilt.keys() == year.plan.checkpoints
    assert problems(year.rebuilt) == {}


def test_a_full_refresh_of_the_same_database_changes_nothing(year: Year):
    assert year.refreshed_in_full.keys() == year.plan.full_refreshes
    assert problems(year.refreshed_in_full) == {}


def test_a_run_without_new_data_changes_nothing(year: Year):
    assert year.repeated.keys() == year.plan.repeats
    assert problems(year.repeated) == {}
    assert problems(year.opened_by_repeat) == {}


def test_a_refresh_opens_the_slices_from_the_first_change_on_and_no_other(year: Year):
    wrong = {
        refresh.day: (refresh.opened, refresh.expected_opened)
        for refresh in year.refreshes
        if refresh.opened != refresh.expected_opened and refresh.day not in year.plan.kills
    }
    assert wrong == {}
    opened = {refresh.day: refresh.opened for refresh in year.refreshes}
    # by hand: nothing late, a month-end with nothing late, an order of the day before, and rows whose change is none
    for day in days_of("23-03-22 23-04-30 23-10-11 24-03-01"):
        assert opened[day] == [day]
    assert opened[dt.date(2023, 5, 1)] == days_of("23-04-30 23-05-01")
    assert opened[dt.date(2023, 6, 14)] == days_of("23-03-31 23-04-30 23-05-31 23-06-14")


def test_the_former_mid_month_slice_is_gone(year: Year):
    wrong = {r.day: (r.spine, r.expected_spine) for r in year.refreshes if r.spine != r.expected_spine}
    assert wrong == {}


def test_the_ledger_has_what_was_shown_and_what_holds_now_and_nothing_else(year: Year):
    assert problems({refresh.day: refresh.misrecorded for refresh in year.refreshes}) == {}


def test_migrations_lead_from_the_opening_as_it_was_shown_to_the_closing(year: Year):
    assert problems({refresh.day: refresh.unreconciled for refresh in year.refreshes}) == {}


def test_restatements_are_numbered_from_one_without_gaps(year: Year):
    (numbers,) = Warehouse(year.folder).rows(
        """
        select min(restatement_number), max(restatement_number), count(distinct restatement_number)
        from marts.restatements
        """
    )
    assert numbers[0] == 1
    assert numbers[1] == numbers[2] <= len(year.refreshes)


def test_the_year_holds_what_the_comparison_is_to_find(year: Year):
    """Of everything that can come late; and in the ledger customers who came, who went, and every column."""
    assert {kind for kind, *_ in CHANCES} <= year.shop.brought.keys()
    (counts,) = Warehouse(year.folder).rows(f"""
        select
            count(*) filter (shown_lifecycle_stage is null),
            count(*) filter (lifecycle_stage is null),
            {", ".join(f"count(*) filter ({name} is distinct from shown_{name})" for name in COMPARED)},
            count(distinct as_of_date)
        from marts.restatements
    """)
    assert min(counts) > 20, counts
    (causes,) = Warehouse(year.folder).rows("select count(distinct cause) from marts.tier_migrations")
    assert causes == (5,)
    print(f"\n{len(year.refreshes)} refreshes, {len(year.rebuilt)} rebuilds, {len(year.plan.kills)} killed runs")
    print(f"{year.refreshes[-1].restatements} restatement rows; delivered: {dict(year.shop.brought)}")


def test_all_data_tests_pass_on_what_a_year_of_refreshes_left(year: Year):
    year.dbt.run(year.copy("tested"), "test", "--exclude-resource-type", "unit_test")


def test_a_full_refresh_that_meets_late_rows_restates_like_any_other(year: Year):
    database, shop = year.copy("late_and_full"), copy.deepcopy(year.shop)
    witness = Witness(ledger=database)
    witness.look(database, shop.today)
    shop.next_day()
    shop.late_order(100)
    shop.deliver(database)
    year.dbt.run(database, "run", "--full-refresh")
    look = witness.look(database, shop.today)
    assert look.opened == look.spine
    assert look.misrecorded == []
    assert look.restatements > year.refreshes[-1].restatements


def test_a_run_that_was_stopped_leaves_no_restatements_to_what_never_stood(year: Year):
    """More late rows arrive before the next run; the first of it that meets them is stopped too."""
    database, shop = year.copy("stopped"), copy.deepcopy(year.shop)
    witness = Witness(ledger=database)
    witness.look(database, shop.today)
    shop.next_day()
    for days_late in (100, 70):
        shop.late_order(days_late)
        shop.deliver(database)
        year.dbt.run(database, "run", "--select", "+restatements")
    shop.late_order(40)
    shop.deliver(database)
    year.dbt.run(database, "run")
    look = witness.look(database, shop.today)
    assert look.misrecorded == []
    assert look.restatements > year.refreshes[-1].restatements


# --- definitions change


def test_changed_definitions_rebuild_all_slices_and_restate_nothing(year: Year):
    """Without --full-refresh. What was shown before cannot be compared; what is shown from now on can."""
    variables, shop = {"demotion_patience": 1, "window_months": 6}, copy.deepcopy(year.shop)
    database = year.copy("defined")
    rebuilt = database.parent / "rebuilt" / database.name
    witness = Witness(ledger=database)

    def refresh() -> Look:
        with ThreadPoolExecutor(1) as beside:
            fresh_database(rebuilt.parent, database)
            rebuild = beside.submit(year.other_dbt.run, rebuilt, variables=variables)
            year.dbt.run(database, variables=variables)
            rebuild.result()
        return witness.look(database, shop.today)

    look = refresh()
    assert look.opened == look.spine == shop.spine()
    # the ledger is as it was, and none of it counts in the migrations
    assert look.restatements == year.refreshes[-1].restatements
    assert (look.misrecorded, look.unreconciled) == ([], [])
    assert differences(database, rebuilt, but_the_ledger) == {}

    # late rows under the new definitions are restated under them
    shop.next_day()
    shop.late_order(100)
    shop.merge()
    shop.deliver(database)
    look = refresh()
    assert look.restatements > year.refreshes[-1].restatements
    assert (look.misrecorded, look.unreconciled) == ([], [])
    assert differences(database, rebuilt, unrestated) == {}


def test_definitions_that_return_bring_back_what_was(year: Year):
    database = year.copy("returned")
    year.dbt.run(database, variables={"abc_cutoff_a": 0.7})
    assert "customer_value" in differences(year.database, database)
    year.dbt.run(database)
    assert differences(year.database, database, all_but("first_seen_on")) == {}
