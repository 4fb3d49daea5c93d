"""A year of deliveries and refreshes: each refresh ends where a full rebuild would, and what was shown stays on record.

The year of simulated_shop.py is refreshed on a few days that meet every situation, and, marked slow, on each of its
365 days (make test-year). Every refresh is watched as it happens (Year); the tests then look at what was noted.
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
from conftest import Warehouse, server
from refreshes import ALL_THAT_COUNTS, WITHOUT_SIDE_SOURCES, Dbt, all_but, copied, differences, fresh_database
from simulated_shop import CHANCES, DAY, FIRST, LAST, Shop, first_change, is_month_end

LABELS = ["tier", "rfm_segment", "lifecycle_stage"]
MONEY = ["net_revenue", "monetary"]
# what the ledger of restatements compares
COMPARED = [*LABELS, *MONEY, "order_count", "margin", "realised_value"]

# what is built on most of a few days: all that Witness looks at; the other marts catch up at the next checkpoint
HISTORY = ("--select", "+tier_migrations")


def unrestated(mart: str, columns: list[str]) -> str | None:
    """Select what a history that was built in one go has, which has no restatements."""
    if mart.endswith(".restatements"):
        return None
    condition = " where cause <> 'restatement'" if mart.endswith(".tier_migrations") else ""
    return ALL_THAT_COUNTS(mart, columns) + condition


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
    """Which days of the year are refreshed, how, and what is tried on some of them."""

    start: dt.date  # the first load, which builds everything
    days: list[dt.date]
    most_days: tuple[str, ...]  # dbt's arguments that say what is built on days without a checkpoint
    rebuilds: set[dt.date]  # checkpoints: a full rebuild beside it
    full_refreshes: set[dt.date]  # checkpoints: a full refresh of a copy of the same database
    repeats: set[dt.date]  # of the checkpoints: the same run again
    kills: dict[dt.date, tuple[str, str]]  # the run is killed first, at this event of this model
    stops: set[dt.date]  # of the kills: there is no other run that day; the next day's brings more late rows
    in_full: set[dt.date]  # the refresh is itself a full refresh
    definitions: dict[str, object]  # vars that differ, when definitions change

    @property
    def checkpoints(self) -> set[dt.date]:
        """Return the days on which everything is built, and compared."""
        return self.rebuilds | self.full_refreshes


def days_of(text: str) -> list[dt.date]:
    """Return the days of a list such as 23-03-21 23-03-22."""
    return [dt.date.fromisoformat(f"20{day}") for day in text.split()]


WRITTEN = ("NodeFinished", "restatements")  # the ledger is written, and the history not yet replaced
STOPS = dict.fromkeys(days_of("23-07-20 23-07-21"), WRITTEN)

# What each day is for; late rows reach back as far as said, rows of the days since the last refresh included.
#   04-30 a month-end with nothing late; 05-01 an order of the month that was closed the day before
#   05-06 late refunds, a status, a date; two closed slices of many are opened, the others have to be right as they are
#   07-20 and 07-21 merges and an order of somebody else, both runs stopped; 07-22 an amount, and the run that ends
#   10-10 a customer deleted, by a full refresh; 10-11 rows whose change is none; 10-12 a record of another date
#   11-14 and 11-15 the history begins a month earlier, and no longer
#   11-28 late orders, a late refund, a customer deleted; the run is killed with some marts built and others not
# A checkpoint stands before rows that reach so far back that they would replace what it is to find.
FEW_DAYS = Plan(
    start=dt.date(2023, 4, 29),
    days=days_of(
        "23-04-30 23-05-01 23-05-06 23-07-20 23-07-21 23-07-22 23-10-10 23-10-11 23-10-12 23-11-14 23-11-15 23-11-28"
    ),
    most_days=HISTORY,
    rebuilds=set(days_of("23-11-28")),
    full_refreshes=set(days_of("23-05-06")),
    repeats=set(days_of("23-05-06")),
    kills=STOPS | {dt.date(2023, 11, 28): ("NodeStart", "tier_summary")},
    stops=set(STOPS),
    in_full=set(days_of("23-10-10")),
    definitions={"window_months": 6},  # read by models alone, so dbt need not parse anew
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
    start=FIRST,
    days=YEAR,
    most_days=WITHOUT_SIDE_SOURCES,
    rebuilds=MONTH_TURNS | FEW_DAYS.checkpoints | set(KILLS) | {LAST},
    full_refreshes={day for day in YEAR if day.day == 15} | {LAST},
    repeats={day for day in YEAR if day.day in (1, 15)},
    kills=KILLS | STOPS,
    stops=set(STOPS),
    in_full=FEW_DAYS.in_full,
    definitions={"demotion_patience": 1, "window_months": 6},
)


@dataclass(frozen=True)
class Refresh(Look):
    """What was noted of one refresh."""

    day: dt.date
    expected_spine: list[dt.date]
    expected_opened: list[dt.date]


class Year:
    """The year under a plan, with what was noted as it went.

    Rebuilds run beside it, on the other core, if other_dbt is another process.
    """

    def __init__(self, plan: Plan, folder: Path, shop: Shop, dbt: Dbt, other_dbt: Dbt):
        self.plan, self.folder, self.shop, self.dbt, self.other_dbt = plan, folder, shop, dbt, other_dbt
        self.database, self.witness = Warehouse(folder).database, Witness()
        self.refreshes: list[Refresh] = []
        self.left_behind: dict[dt.date, int] = {}  # rows that a stopped run left in the ledger
        # what differs, day by day: from a full rebuild, after a full refresh, after the same run again
        self.rebuilt: dict[dt.date, dict] = {}
        self.refreshed_in_full: dict[dt.date, dict] = {}
        self.repeated: dict[dt.date, dict] = {}
        self.opened_by_repeat: dict[dt.date, list[dt.date]] = {}

    def live(self) -> None:
        """Run it."""
        shop = self.shop
        while shop.today < self.plan.start:
            shop.next_day()
        shop.load(self.database)
        self.dbt.run(self.database, "seed")
        self.dbt.run(self.database)
        self.witness.look(self.database, shop.today)
        before = (shop.inputs(), shop.spine())
        checks: list[Future] = []
        with ThreadPoolExecutor(1) as beside:
            for day in self.plan.days:
                while shop.today < day:
                    shop.next_day()
                shop.deliver(self.database)
                if day in self.plan.kills:
                    self._kill(day)
                if day in self.plan.stops:
                    continue
                after = (shop.inputs(), shop.spine())
                self._refresh(day, changed(*before, *after))
                before = after
                if day in self.plan.checkpoints:
                    check = beside.submit(self._check, day, self.copy(str(day)))
                    if self.other_dbt is self.dbt:
                        check.result()
                    checks.append(check)
                if day in self.plan.repeats:
                    self._repeat(day)
            for check in checks:
                check.result()

    def copy(self, name: str) -> Path:
        """Return a copy of the warehouse as it is."""
        return copied(self.database, self.folder / name)

    def run(self, database: Path, *options: str, variables: dict | None = None) -> None:
        """Run dbt on a database as on a day without a checkpoint."""
        self.dbt.run(database, "run", *options, *self.plan.most_days, variables=variables)

    def _kill(self, day: dt.date) -> None:
        moment, model = self.plan.kills[day]
        select = self.plan.most_days if day in self.plan.stops else ()
        self.dbt.killed(self.database, moment, model, *select)
        if day in self.plan.stops:
            count = "select count(*) from marts.restatements"
            ((rows,),) = Warehouse(self.folder).rows(count)
            self.left_behind[day] = rows - self.refreshes[-1].restatements

    def _refresh(self, day: dt.date, expected_opened: list[dt.date]) -> None:
        if day in self.plan.checkpoints:
            self.dbt.run(self.database)
        else:
            self.run(self.database, *(["--full-refresh"] if day in self.plan.in_full else []))
        look = self.witness.look(self.database, day)
        self.refreshes.append(
            Refresh(**vars(look), day=day, expected_spine=self.shop.spine(), expected_opened=expected_opened)
        )

    def _check(self, day: dt.date, as_it_is: Path) -> None:
        folder = as_it_is.parent / "beside"
        if day in self.plan.rebuilds:
            rebuilt = fresh_database(folder, as_it_is)
            self.other_dbt.run(rebuilt)
            self.rebuilt[day] = differences(as_it_is, rebuilt, unrestated)
        if day in self.plan.full_refreshes:
            refreshed = copied(as_it_is, folder)
            self.other_dbt.run(refreshed, "run", "--full-refresh")
            self.refreshed_in_full[day] = differences(as_it_is, refreshed, all_but("first_seen_on"))
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
    """Yield a year that was lived; of every day, with a second dbt for the checkpoints."""
    folder = tmp_path_factory.mktemp("year")
    with contextlib.ExitStack() as stack:
        other = server()
        if request.param is EVERY_DAY:
            other = stack.enter_context(contextlib.closing(Dbt(folder / "other")))
        lived = Year(request.param, folder, Shop(), server(), other)
        lived.live()
        yield lived


def problems(found: dict) -> dict:
    """Return what a year noted, without the days on which there was nothing."""
    return {day: noted for day, noted in found.items() if noted}


def test_a_refresh_ends_where_a_full_rebuild_does(year: Year):
    """Also one after a run that was killed."""
    assert year.rebuilt.keys() == year.plan.rebuilds
    assert problems(year.rebuilt) == {}


def test_a_full_refresh_of_the_same_database_changes_nothing(year: Year):
    assert year.refreshed_in_full.keys() == year.plan.full_refreshes
    assert problems(year.refreshed_in_full) == {}


def test_a_run_without_new_data_changes_nothing(year: Year):
    assert year.repeated.keys() == year.plan.repeats
    assert problems(year.repeated) == {}
    assert problems(year.opened_by_repeat) == {}


# by hand: the slices that some days open
NOTHING_LATE = days_of("23-03-22 23-04-30 23-10-11 24-03-01")  # 10-11: rows whose change is none
OPENED = {day: [day] for day in NOTHING_LATE} | {
    dt.date(2023, 5, 1): days_of("23-04-30 23-05-01"),
    dt.date(2023, 5, 6): days_of("23-03-31 23-04-30 23-05-06"),
    dt.date(2023, 6, 14): days_of("23-03-31 23-04-30 23-05-31 23-06-14"),
}


def test_a_refresh_opens_the_slices_from_the_first_change_on_and_no_other(year: Year):
    """A full refresh opens all of them, a run after one that was killed what that one left."""
    after_a_stop = {after for day, after in itertools.pairwise(year.plan.days) if day in year.plan.stops}
    others = year.plan.in_full | after_a_stop | year.plan.kills.keys()
    looks = [refresh for refresh in year.refreshes if refresh.day not in others]
    opened = {look.day: look.opened for look in looks}
    assert opened == {look.day: look.expected_opened for look in looks}
    by_hand = {day: slices for day, slices in OPENED.items() if day in opened}
    assert by_hand == {day: opened[day] for day in by_hand}
    assert len(by_hand) >= 4
    assert all(look.opened == look.spine for look in year.refreshes if look.day in year.plan.in_full)


def test_the_former_mid_month_slice_is_gone(year: Year):
    wrong = {r.day: (r.spine, r.expected_spine) for r in year.refreshes if r.spine != r.expected_spine}
    assert wrong == {}


def test_the_ledger_has_what_was_shown_and_what_holds_now_and_nothing_else(year: Year):
    assert problems({refresh.day: refresh.misrecorded for refresh in year.refreshes}) == {}


def test_a_run_that_was_stopped_leaves_no_restatements_to_what_never_stood(year: Year):
    """More late rows arrived before the next run, which was stopped too: the ledger of the one that ended is right."""
    assert year.left_behind.keys() == year.plan.stops
    assert min(year.left_behind.values()) > 20
    ended = {refresh.day: refresh.misrecorded for refresh in year.refreshes}
    assert ended[max(year.plan.stops) + DAY] == []


def test_a_full_refresh_that_meets_late_rows_restates_like_any_other(year: Year):
    for day in year.plan.in_full:
        before, refresh = ([r for r in year.refreshes if r.day <= day])[-2:]
        assert refresh.misrecorded == []
        assert refresh.restatements > before.restatements


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
    *rows, slices = counts
    assert min(rows) > 20, rows
    assert slices > 15
    (causes,) = Warehouse(year.folder).rows("select count(distinct cause) from marts.tier_migrations")
    assert causes == (5,)
    print(f"\n{len(year.refreshes)} refreshes, {len(year.rebuilt)} rebuilds, {len(year.plan.kills)} killed runs")
    print(f"{year.refreshes[-1].restatements} restatement rows; delivered: {dict(year.shop.brought)}")


def test_all_data_tests_pass_on_what_a_year_of_refreshes_left(year: Year):
    year.dbt.run(year.copy("tested"), "test", "--exclude-resource-type", "unit_test")


# --- definitions change


@pytest.fixture(scope="module")
def redefined(year: Year) -> tuple[Path, Look, Witness]:
    """Return a copy that was run under other definitions, what a look at it found, and who looked."""
    database = year.copy("redefined")
    witness = Witness(ledger=database)
    year.run(database, variables=year.plan.definitions)
    assert "customer_value_history" in differences(year.database, database)
    return database, witness.look(database, year.shop.today), witness


def test_changed_definitions_rebuild_all_slices_and_restate_nothing(year: Year, redefined: tuple[Path, Look, Witness]):
    """Without --full-refresh: what was shown before cannot be compared. The ledger stays, no migration counts it."""
    _, look, _ = redefined
    assert look.opened == look.spine == year.shop.spine()
    assert look.restatements == year.refreshes[-1].restatements
    assert (look.misrecorded, look.unreconciled) == ([], [])


def test_definitions_that_return_bring_back_what_was(year: Year, redefined: tuple[Path, Look, Witness]):
    database = copied(redefined[0], year.folder / "returned")
    year.run(database)
    assert differences(year.database, database, all_but("first_seen_on")) == {}


def test_late_rows_under_new_definitions_are_restated_under_them(year: Year, redefined: tuple[Path, Look, Witness]):
    """The slices that they do not open are as the change of definitions left them."""
    database, _, witness = redefined
    shop = copy.deepcopy(year.shop)
    shop.next_day()
    shop.late_order(100)
    shop.deliver(database)
    year.run(database, variables=year.plan.definitions)
    look = witness.look(database, shop.today)
    assert look.restatements > year.refreshes[-1].restatements
    assert (look.misrecorded, look.unreconciled) == ([], [])
    refreshed = copied(database, year.folder / "refreshed")
    year.run(refreshed, "--full-refresh", variables=year.plan.definitions)
    assert differences(database, refreshed, all_but("first_seen_on")) == {}
