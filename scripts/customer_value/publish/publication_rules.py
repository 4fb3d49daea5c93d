"""The rules that keep a wrong publication from readers, from the first refresh on: var publication_rules.

A rule holds what was just built against itself, or against the version that readers see, and says in words what it
found. Nothing here needs a history of runs: what is usual by that is judged by int_run_anomalies and the arrival guard.
models/docs/guards.md has the rules as a table.
"""

from __future__ import annotations

import datetime as dt
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from customer_value import contract, project
from customer_value.publish.duckdb_store import DuckDBStore
from customer_value.publish.publishing import Store, Version

SHOWN = 20  # rows that the command prints
SETTLED = 92  # days after its end from which a month hardly changes any more: late returns and corrections are in
TOLD_REASONS = 3  # of a source of which much is rejected, those with the most money
LEAST_ROWS = 5  # fewer rows that are lost or rejected are single mistakes, whatever share of a small shop they are
LEAST_ORDERS = 30  # a month with fewer orders halves by chance
LEAST_SETTLED = 100  # in a month with fewer orders, one corrected order is much
YEAR = 12

# one text for DuckDB and Postgres; {orders} is a relation like marts.orders
MONTHS = (
    "select cast(date_trunc('month', order_date) as date) as order_month, count(*) as orders, "
    "sum(gross_amount) as gross_revenue from {orders} where order_date < '{until}' group by 1 order by 1"
)
CHANGED_MONTHS = (
    "select order_month, sum(orders) as orders, sum(gross) as gross_revenue, sum(orders_before) as orders_before, "
    "sum(gross_before) as gross_revenue_before from ("
    "select cast(date_trunc('month', order_date) as date) as order_month, 1 as orders, gross_amount as gross, "
    "0 as orders_before, 0 as gross_before from marts.orders where order_date < '{until}' union all "
    "select cast(date_trunc('month', order_date) as date), 0, 0, 1, gross_amount "
    "from {published} where order_date < '{until}') as both_versions group by order_month order by order_month"
)
VANISHED = (
    "select order_id, order_date, gross_amount from {published} as published_orders where not exists "
    "(select 1 from staging.stg_orders as arrived where arrived.order_id = published_orders.order_id)"
)
REJECTED = (
    "select judged.source_name, sum(case when is_fault = 1 then row_count else 0 end) as by_fault, "
    "sum(case when is_fault = 0 then row_count else 0 end) as by_policy, max(totals.raw) as raw_rows from ("
    # a row with several reasons counts once; a reason that the seed does not know is a fault
    "select counted.source_name, counted.reject_reasons, counted.row_count, "
    "max(case when coalesce(reasons.kind, 'fault') = 'fault' then 1 else 0 end) as is_fault from ("
    "select source_name, reject_reasons, count(*) as row_count from marts.rejected_rows group by 1, 2) as counted "
    "left join reference.reject_reasons as reasons "
    "on ',' || counted.reject_reasons || ',' like '%,' || reasons.reject_reason || ',%' group by 1, 2, 3) as judged "
    "inner join marts.reconciliation as totals "
    "on judged.source_name = totals.source_name and totals.measure = 'row_count' group by 1 order by 1"
)
REASONS = (
    "select reject_reason, row_count, amount, remedy from marts.reject_summary where source_name = '{source}' "
    "order by coalesce(amount, 0) desc, row_count desc, reject_reason"
)


@dataclass(frozen=True)
class Finding:
    """What a rule found. severity: report or stop. said: in words, with the numbers of both sides, no value of a row.

    query: SELECT that shows it, on what was built; it may name marts of published versions as Store.published() does.
    why: further lines, such as the reasons of rejected rows.
    """

    rule: str
    severity: str
    said: str
    query: str
    why: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n        ".join([f"{self.severity}: {self.said} ({self.rule})", *self.why])

    def look(self, store: Store, target: str) -> str:
        """Return the command that runs the query; {look} in it is what Store.close_work() returns."""
        if isinstance(store, DuckDBStore) and store.VERSION_NAME.search(self.query):  # dbt sees one file alone
            home = shlex.quote(str(store.home))
            return f"{{look}}python scripts/publication_rules.py {shlex.quote(self.query)} --home {home}"
        shown = f"--limit {SHOWN} --output json"  # as a table, dbt cuts each value after twenty characters
        return f'{{look}}dbt show {shown} --inline "{self.query}" --target {target}'


class Month(NamedTuple):
    """What was sold in a month. first_day: its first. gross_revenue in the reporting currency."""

    first_day: dt.date
    orders: int
    gross_revenue: Decimal


class Limits:
    """Var publication_rules: {rule: [share from which it is reported, share from which it stops]}, null for never."""

    def __init__(self, variables: dict[str, Any]) -> None:
        self.rules: dict[str, Any] = variables.get("publication_rules") or {}

    def severity(self, rule: str, lost: float | Decimal, whole: float | Decimal) -> str | None:
        """Return report or stop for what is lost of a whole, from just the limit on; None below it."""
        found = None
        for severity, limit in zip(("report", "stop"), self.rules.get(rule) or (None, None), strict=True):
            # multiplied, not divided: exact in decimals
            if limit is not None and whole > 0 and lost > 0 and Decimal(lost) >= Decimal(str(limit)) * Decimal(whole):
                found = severity
        return found

    def flag(self, rule: str) -> str | None:
        """Return the severity of a rule that has no share: report, stop, or None where it is off."""
        return self.rules.get(rule)


# --- the rules, each a list of findings


def emptied_sources(limits: Limits, last: Version | None, inputs: dict[str, list], variables: dict) -> list[Finding]:
    """Find sources that had rows when the last version was made, and have none now. inputs: as Store.inputs()."""
    severity, findings = limits.flag("emptied_sources"), []
    if not (last and severity):
        return []
    before = last.fingerprint.get("inputs", {})
    for source in contract.sources():
        had, has = rows_of(source, before, last.variables), rows_of(source, inputs, variables)
        if had and not has and variables.get(f"has_{source}", True):
            table = f"{variables['raw_schema']}.{table_of(source, variables)}"
            said = (
                f"source {source} has no rows; {had:,} in {brief(last)}. "
                f"If the company has it no longer, set var has_{source} to false"
            )
            findings.append(Finding("emptied_sources", severity, said, f"select count(*) from {table}"))
    return findings


def table_of(source: str, variables: dict[str, Any]) -> str:
    """Return the raw table that a source is read from."""
    return (variables.get("source_map") or {}).get(source, {}).get("table") or source


def rows_of(source: str, inputs: dict[str, list], variables: dict[str, Any]) -> int:
    """Return how many rows a source had in a load; 0 without its table."""
    name = table_of(source, variables).lower()
    return next((int(found[0]) for table, found in inputs.items() if table.lower() == name), 0)


def earlier_as_of_date(limits: Limits, last: Version | None, as_of_date: str, is_named: bool) -> list[Finding]:
    """Find an as-of date before the last published one. is_named: var as_of_date is set, so that somebody wants it."""
    severity = limits.flag("earlier_as_of_date")
    if not (last and last.as_of_date and severity and as_of_date < str(last.as_of_date)):
        return []
    reason = "var as_of_date names it" if is_named else "the orders end earlier; var as_of_date can name a date"
    said = f"the as-of date falls to {as_of_date}, it is {last.as_of_date} in {brief(last)}: {reason}"
    query = "select max(order_date) as last_order, count(*) as orders from marts.orders"
    return [Finding("earlier_as_of_date", "report" if is_named else severity, said, query)]


def fallen_month(limits: Limits, months: list[Month], published: list[Month] | None = None) -> list[Finding]:
    """Find a last closed month that fell below every month of the year before it.

    months: closed, no gap, oldest first. published: those of the version that readers see; what fell there already was
    accepted then, and is reported until the next month is closed.

    It is held against the least of the up to twelve months before it, the same month a year ago among them, so that
    no season is a fall. Where that says little it is reported at most: while there is no year yet, and where the least
    has under LEAST_ORDERS orders, so that only the same month a year ago is left to compare with.
    """
    known = fallen_month(limits, published) if published else []
    *earlier, last = months or [None]
    window, is_year = earlier[-YEAR:], len(earlier) >= YEAR
    findings = []
    for measure in ("orders", "gross_revenue") if window else ():
        least = min(window, key=lambda month: getattr(month, measure))
        is_telling = least.orders >= LEAST_ORDERS
        usual = least if is_telling else window[0]
        before, now = getattr(usual, measure), getattr(last, measure)
        severity = limits.severity("fallen_month", before - now, before)
        if severity and usual.orders >= LEAST_ORDERS and (is_year or is_telling):
            which = f"the least of the {len(window)} months before it" if is_telling else "the same month a year ago"
            what = f"{measure.replace('_', ' ')} of {last.first_day:%Y-%m}"
            said = f"{what}: {now:,}; {before:,} in {usual.first_day:%Y-%m}, {which}, so {fall(before, now)} less"
            said += "" if is_year else "; there is no year yet to tell a season by"
            if not (is_year and is_telling) or any(each.said.startswith(what) for each in known):
                severity = "report"
            query = MONTHS.format(orders="marts.orders", until=next_month(last.first_day))
            findings.append(Finding("fallen_month", severity, said, query))
    return findings


def lost_in_closed_months(
    limits: Limits, last: Version, before: list[Month], now: list[Month], query: str
) -> list[Finding]:
    """Find gross revenue and orders of closed months that the last version had and this build has not.

    before, now: the months that are closed in both. All together, and each month that settled: that ended SETTLED days
    before the last version's as-of date. A younger one may still lose orders to late returns, and counts in the total.
    """
    findings = []
    built = {month.first_day: month for month in now}
    settled_by = dt.date.fromisoformat(str(last.as_of_date)) - dt.timedelta(SETTLED)
    for measure in ("orders", "gross_revenue"):
        words = measure.replace("_", " ")
        had, has = (sum(getattr(month, measure) for month in side) for side in (before, now))
        is_few = measure == "orders" and had - has < LEAST_ROWS
        severity = None if is_few else limits.severity("closed_months", had - has, had)
        if severity:
            said = f"{words} of closed months: {has:,}; {had:,} in {brief(last)}, so {fall(had, has)} are gone"
            findings.append(Finding("closed_months", severity, said, query))
        fallen = []
        for month in before:
            had = getattr(month, measure)
            has = getattr(built[month.first_day], measure) if month.first_day in built else 0
            is_settled = next_month(month.first_day) <= settled_by and month.orders >= LEAST_SETTLED
            if severity := is_settled and limits.severity("settled_months", had - has, had):
                fallen.append((severity, Decimal(had - has) / Decimal(had), month.first_day, had, has))
        if fallen:
            severity, _, month, had, has = max(fallen)  # stop is after report
            said = (
                f"{words} of {len(fallen)} settled month{'s' if len(fallen) > 1 else ''} fell, the furthest "
                f"{month:%Y-%m}: {has:,}; {had:,} in {brief(last)}, so {fall(had, has)} are gone"
            )
            findings.append(Finding("settled_months", severity, said, query))
    return findings


def vanished_orders(limits: Limits, last: Version, published: int, vanished: int, query: str) -> list[Finding]:
    """Find orders of the last version that did not arrive again: whatever became of them, their ids are not there."""
    severity = limits.severity("vanished_orders", vanished, published) if vanished >= LEAST_ROWS else None
    if not severity:
        return []
    said = f"{vanished:,} of {published:,} orders of {brief(last)} did not arrive: {share(vanished, published)}"
    return [Finding("vanished_orders", severity, said, query)]


def rejections(
    limits: Limits,
    rows: Iterable[tuple[str, int, int, int]],
    reasons: Callable[[str], list[tuple]] = lambda _: [],
) -> list[Finding]:
    """Find sources of which much is rejected. rows: of REJECTED: (source, by fault, by policy alone, all rows).

    reasons: gives the rows of a query of REASONS.
    """
    findings = []
    for source, by_fault, by_policy, total in rows:
        for rule, count, words in (
            ("rejected_by_fault", by_fault, "as faulty"),
            ("rejected_by_policy", by_policy, "by policy"),
        ):
            severity = limits.severity(rule, count, total) if count >= LEAST_ROWS else None
            if severity:
                said = f"{int(count):,} of {int(total):,} rows of {source} are rejected {words}: {share(count, total)}"
                query = REASONS.format(source=source)
                why = []
                for reason, row_count, amount, remedy in reasons(query)[:TOLD_REASONS]:
                    money = "" if amount is None else f", {amount:,.2f} as stated"
                    why.append(f"{reason}: {int(row_count):,} rows{money}. {remedy}")
                findings.append(Finding(rule, severity, said, query, tuple(why)))
    return findings


def check(store: Store, variables: dict[str, Any], last: Version | None, as_of_date: str | None) -> list[Finding]:
    """Return what the rules find in what was built, what stops first.

    last: the version that readers see, or where that is damaged the newest whole one; None where there is none.
    as_of_date: of what was built, None without orders.
    """
    limits = Limits(variables)
    findings = rejections(limits, store.rows(REJECTED), store.rows)
    if as_of_date:
        until = end_of_closed(as_of_date)
        findings += earlier_as_of_date(limits, last, as_of_date, variables.get("as_of_date") is not None)
        published, seen = last and store.published("orders", last), []
        if published and last.as_of_date:
            seen = months(store, published, end_of_closed(str(last.as_of_date)))
            until = min(until, end_of_closed(str(last.as_of_date)))
            before, now = (months(store, relation, until) for relation in (published, "marts.orders"))
            query = CHANGED_MONTHS.format(published=published, until=until)
            findings += lost_in_closed_months(limits, last, before, now, query)
            vanished = VANISHED.format(published=published)
            ((total,),) = store.rows(f"select count(*) from {published}")
            ((missing,),) = store.rows(f"select count(*) from ({vanished}) as vanished")
            findings += vanished_orders(limits, last, total, missing, vanished)
        findings += fallen_month(limits, months(store, "marts.orders", end_of_closed(as_of_date)), seen)
    return sorted(findings, key=lambda finding: finding.severity, reverse=True)


def months(store: Store, orders: str, until: dt.date) -> list[Month]:
    """Return the months of a relation of orders before a first day, from its first one on, those without any as 0."""
    found = {row[0]: Month(*row) for row in store.rows(MONTHS.format(orders=orders, until=until))}
    filled, day = [], min(found, default=until)
    while day < until:
        filled.append(found.get(day, Month(day, 0, Decimal(0))))
        day = next_month(day)
    return filled


def next_month(day: dt.date) -> dt.date:
    """Return the first day of the month after a day's."""
    return (day.replace(day=1) + dt.timedelta(32)).replace(day=1)


def end_of_closed(as_of_date: str) -> dt.date:
    """Return the first day after the closed months, those whose last day is the as-of date or before it."""
    return (dt.date.fromisoformat(as_of_date) + dt.timedelta(1)).replace(day=1)


def brief(version: Version) -> str:
    """Return which version it is, for people."""
    return f"version {version.number} (as of {version.as_of_date})"


def share(part: int, whole: int) -> str:
    """Return a share for people, never rounded up to a limit that it does not reach."""
    return f"{int(Decimal(part) / Decimal(whole) * 1000) / 10:.1f} %"


def fall(had: int | Decimal, has: int | Decimal) -> str:
    """Return how much of something is gone."""
    return share(had - has, had)


def show(query: str, home: Path) -> None:
    """Run the query of a finding on the warehouse, with the versions of a home beside it, and print its first rows."""
    store = DuckDBStore(home.resolve(), project.default_database())
    store.database = project.default_database()
    for row in store.rows(f"select * from ({query}) as shown limit {SHOWN}"):
        print(*row, sep="  ")
