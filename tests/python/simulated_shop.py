"""A small shop that delivers its tables day by day, with all that reaches a warehouse late: for test_refresh.py.

It opens on OPENED, and from FIRST on each delivery brings the day's orders and, now and then, late rows, changed rows,
deleted rows, merges. What the days bring depends on the seed alone, not on how often the shop is looked at. SCRIPT says
which days bring one thing only, so that a test can tell what came of it.

The shop also says what its history must react to (inputs), from its own rows and the definitions, without any SQL.
"""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pandas as pd

from customer_value.raw import loading

DAY = dt.timedelta(days=1)
OPENED, FIRST, LAST = dt.date(2022, 3, 1), dt.date(2023, 3, 10), dt.date(2024, 3, 9)
BEGINNING = dt.date(1, 1, 1)  # when those are known from whose record has no date
SALES, OTHERS = ("completed", "shipped"), ("cancelled", "pending")
EUR_PER_USD = 1.1  # the rate of every day

# what a day brings beside its own orders: methods of Shop; a day that is not named here brings what chance will
SCRIPT: dict[dt.date, list[tuple]] = {
    dt.date(2023, 3, 22): [],
    dt.date(2023, 4, 30): [],  # a month-end
    dt.date(2023, 5, 1): [("late_order", 1)],  # the month that was closed the day before
    dt.date(2023, 6, 14): [("late_order", 100)],
    dt.date(2023, 7, 20): [("merge",), ("merge",)],
    dt.date(2023, 8, 16): [("change_amount",), ("learn_cost",)],
    dt.date(2023, 9, 5): [("change_status",), ("change_customer",)],
    dt.date(2023, 9, 30): [("late_refund", 40)],
    dt.date(2023, 10, 10): [("delete_only_order",)],  # and with it the customer
    dt.date(2023, 10, 11): [("change_nothing_that_counts",)] * 3,
    dt.date(2023, 10, 12): [("redate_record",)],
    dt.date(2023, 11, 14): [("order_before_all_others",)],  # the history begins a month earlier
    dt.date(2023, 11, 15): [("delete_first_order",)],  # and no longer
    dt.date(2024, 2, 29): [("late_order", 720)],  # in the shop's second week
    dt.date(2024, 3, 1): [],
}
# what chance brings, with its probability per day
CHANCES = {
    ("late_order", 1): 0.06,
    ("late_order", 10): 0.05,
    ("late_order", 60): 0.03,
    ("late_order", 300): 0.01,
    ("late_refund", 5): 0.03,
    ("late_refund", 50): 0.03,
    ("change_amount",): 0.03,
    ("change_status",): 0.03,
    ("change_customer",): 0.02,
    ("change_date",): 0.01,
    ("learn_cost",): 0.02,
    ("delete_order",): 0.03,
    ("delete_only_order",): 0.01,
    ("restore_order",): 0.02,
    ("delete_refund",): 0.01,
    ("merge",): 0.03,
    ("unmerge",): 0.005,
    ("redate_record",): 0.02,
    ("change_nothing_that_counts",): 0.05,
}


@dataclass
class Order:
    """A row of raw.orders; amounts in cents."""

    order_id: str
    customer_id: str
    ordered_at: dt.date
    gross_amount: int
    discount_amount: int | None
    cost_amount: int | None
    currency: str | None
    status: str
    channel: str = "web"


@dataclass
class Refund:
    """A row of raw.refunds; amount in cents."""

    refund_id: str
    order_id: str
    refunded_at: dt.date
    amount: int


@dataclass
class Record:
    """A row of raw.customers."""

    customer_id: str
    created_at: dt.date | None
    region: str
    merged_into_customer_id: str | None = None


@dataclass
class Person:
    """Who stands behind a customer_id, which no table says."""

    customer_id: str
    rate: float  # orders per day
    spend: float  # cents per order
    leaves_on: dt.date


@dataclass
class Shop:
    """The shop as its systems have it at the end of a day."""

    seed: int = 20230310
    today: dt.date = OPENED - DAY
    orders: dict[str, Order] = field(default_factory=dict)
    refunds: dict[str, Refund] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    deleted: list[Order] = field(default_factory=list)
    brought: Counter = field(default_factory=Counter)  # what the deliveries brought so far, by kind

    def __post_init__(self):
        self.random = random.Random(self.seed)
        while self.today < FIRST:
            self.next_day()
        self.brought.clear()

    def next_day(self) -> None:
        """Live a day: its orders, then what it brings late or changes."""
        self.today += DAY
        self._trade()
        if self.today <= FIRST:
            return
        if self.today in SCRIPT:
            events = SCRIPT[self.today]
        else:
            events = [event for event, chance in CHANCES.items() if self.random.random() < chance]
        for kind, *arguments in events:
            if getattr(self, kind)(*arguments):
                self.brought[kind] += 1

    # --- the day's own business

    def _trade(self) -> None:
        chance = self.random
        if self.today == OPENED or chance.random() < 0.3:
            self._arrive(orders=True)
        if chance.random() < 0.03:
            self._arrive(orders=False)
        buyers = [p.customer_id for p in self.people.values() if p.leaves_on > self.today and chance.random() < p.rate]
        # the day is the last one that the orders reach, so there is one
        buyers = buyers or [self._customer()]
        for customer_id in buyers:
            order = self._order(customer_id, self.today)
            if chance.random() < 0.05:
                self._refund(order, self.today, chance.choice([0.1, 0.5, 1.2]))
        for order in list(self.orders.values()):
            age = (self.today - order.ordered_at).days
            if order.status == "pending" and age > 3:
                order.status = "cancelled"  # neither is a sale
            if age < 30 and chance.random() < 0.002:
                self._refund(order, self.today, chance.choice([0.3, 0.9]))
        self.brought["day"] += 1

    def _arrive(self, orders: bool) -> None:
        number, chance = len(self.people), self.random
        customer_id = f"c{number:04d}"
        self.people[customer_id] = Person(
            customer_id,
            rate=min(chance.gammavariate(1.2, 0.04), 0.3) if orders else 0,
            spend=chance.lognormvariate(8.5, 0.6),
            leaves_on=self.today + chance.expovariate(1 / 250) * DAY,
        )
        if chance.random() < 0.85 or not orders:
            created_at = self.today - chance.choice([0, 0, 0, 20]) * DAY
            undated = chance.random() < 0.08
            self.records[customer_id] = Record(customer_id, None if undated else created_at, "north")
        if orders:
            self._order(customer_id, self.today)

    def _order(self, customer_id: str, ordered_at: dt.date, status: str | None = None) -> Order:
        chance = self.random
        spend = self.people[customer_id].spend if customer_id in self.people else 5_000
        gross = max(round(spend * chance.gammavariate(4, 0.25)), 100)
        order = Order(
            order_id=f"o{len(self.orders) + len(self.deleted):05d}",
            customer_id=customer_id,
            ordered_at=ordered_at,
            gross_amount=gross,
            discount_amount=gross // 10 if chance.random() < 0.1 else None,
            cost_amount=gross * 6 // 10 if chance.random() < 0.8 else None,
            currency="EUR" if chance.random() < 0.05 else None,
            status=status or chance.choices([*SALES, *OTHERS], [88, 6, 3, 3])[0],
        )
        self.orders[order.order_id] = order
        return order

    def _refund(self, order: Order, refunded_at: dt.date, share: float) -> bool:
        """Give back a share of an order; more than it was worth is a mistake that staging sets aside."""
        amount = round(order.gross_amount * share)
        refund_id = f"r{self.brought['refund']:05d}-{self.today:%y%m%d}"
        self.brought["refund"] += 1
        self.refunds[refund_id] = Refund(refund_id, order.order_id, refunded_at, amount)
        return True

    # --- what comes late or is changed; each says whether it could be done

    def late_order(self, days: int) -> bool:
        """Bring an order of some days ago, of anybody, now and then of somebody new."""
        customer_id = self._customer() if self.random.random() < 0.8 else f"late{len(self.orders)}"
        status = "completed" if self.today in SCRIPT else None
        return bool(self._order(customer_id, max(self.today - days * DAY, OPENED), status))

    def late_refund(self, days: int) -> bool:
        """Bring a refund of some days ago."""
        refunded_at = self.today - days * DAY
        returned = {refund.order_id for refund in self.refunds.values()}
        orders = [o for o in self.orders.values() if o.ordered_at <= refunded_at and o.status in SALES]
        order = self.random.choice([o for o in orders if o.order_id not in returned][-60:])
        return self._refund(order, refunded_at, 0.5)

    def change_amount(self) -> bool:
        """Change what an order was worth."""
        order = self._some_order()
        order.gross_amount = max(order.gross_amount * self.random.choice([5, 8, 15, 30]) // 10, 100)
        order.discount_amount = None
        return True

    def change_status(self) -> bool:
        """Let a sale be none, or the other way round."""
        order = self._some_order()
        order.status = "cancelled" if order.status in SALES else "completed"
        return True

    def change_customer(self) -> bool:
        """Let an order be somebody else's."""
        order = self._some_order()
        order.customer_id = self.random.choice([c for c in self.people if c != order.customer_id])
        return True

    def change_date(self) -> bool:
        """Let an order be of another day."""
        order = self._some_order()
        order.ordered_at = max(order.ordered_at - self.random.randint(1, 40) * DAY, OPENED)
        return True

    def learn_cost(self) -> bool:
        """Let a cost be known that was estimated."""
        orders = [order for order in self.orders.values() if order.cost_amount is None]
        order = self.random.choice(orders)
        order.cost_amount = order.gross_amount // 2
        return True

    def delete_order(self) -> bool:
        """Delete an order; its refunds stay, and are then refunds of an unknown order."""
        order = self._some_order()
        self.deleted.append(self.orders.pop(order.order_id))
        return True

    def delete_only_order(self) -> bool:
        """Delete the only order of somebody without a record."""
        counts = Counter(order.customer_id for order in self.orders.values())
        targets = {record.merged_into_customer_id for record in self.records.values()}
        orders = [
            order
            for order in self.orders.values()
            if counts[order.customer_id] == 1
            and order.customer_id not in self.records
            and order.customer_id not in targets
            and order.ordered_at < self.today
        ]
        if not orders:
            return False
        order = self.random.choice(orders)
        self.deleted.append(self.orders.pop(order.order_id))
        return True

    def restore_order(self) -> bool:
        """Bring a deleted order back as it was."""
        if not self.deleted:
            return False
        order = self.deleted.pop(self.random.randrange(len(self.deleted)))
        self.orders[order.order_id] = order
        return True

    def delete_refund(self) -> bool:
        """Delete a refund."""
        del self.refunds[self.random.choice(list(self.refunds))]
        return True

    def merge(self) -> bool:
        """Merge a customer with a record into another one, who may be merged already."""
        free = [record for record in self.records.values() if not record.merged_into_customer_id]
        record = self.random.choice(free)
        others = [c for c in self.people if self.survivor(c) != record.customer_id]
        record.merged_into_customer_id = self.random.choice(others)
        return True

    def unmerge(self) -> bool:
        """Take a merge back."""
        merged = [record for record in self.records.values() if record.merged_into_customer_id]
        if not merged:
            return False
        self.random.choice(merged).merged_into_customer_id = None
        return True

    def redate_record(self) -> bool:
        """Let a customer be known from another day on."""
        record = self.random.choice(
            [r for r in self.records.values() if not r.merged_into_customer_id and r.created_at]
        )
        record.created_at -= self.random.randint(20, 60) * DAY
        return True

    def change_nothing_that_counts(self) -> bool:
        """Change a channel, a region, and a status that counts as a sale into another that does."""
        self._some_order().channel = "store"
        self.random.choice(list(self.records.values())).region = "south"
        self.random.choice([o for o in self.orders.values() if o.status in SALES]).status = "shipped"
        return True

    def order_before_all_others(self) -> bool:
        """Bring an order of the month before the first one; no sale, and of somebody known from the start."""
        customer_id = next(
            r.customer_id for r in self.records.values() if not r.created_at and not r.merged_into_customer_id
        )
        return bool(self._order(customer_id, OPENED - 10 * DAY, "cancelled"))

    def delete_first_order(self) -> bool:
        """Delete the order that is the first of all."""
        order = min(self.orders.values(), key=lambda order: order.ordered_at)
        self.deleted.append(self.orders.pop(order.order_id))
        return True

    def _customer(self) -> str:
        alive = [p.customer_id for p in self.people.values() if p.leaves_on > self.today and p.rate]
        return self.random.choice(alive or [c for c, p in self.people.items() if p.rate])

    def _some_order(self) -> Order:
        """Return an order, more likely a recent one; not of today, which would be no late change."""
        orders = [order for order in self.orders.values() if order.ordered_at < self.today]
        return self.random.choice(orders[-self.random.choice([30, 200, len(orders)]) :])

    # --- what the warehouse gets, and what has to come of it

    def deliver(self, database: Path) -> None:
        """Bring the raw tables of a database to the shop's state."""
        rows = {"orders": self.orders, "refunds": self.refunds, "customers": self.records}
        with duckdb.connect(str(database)) as connection:
            connection.execute("begin")
            for source, by_key in rows.items():
                frame = pd.DataFrame([vars(row) for row in by_key.values()], dtype=object)
                connection.register("frame", frame.where(frame.notna(), None))
                columns = ", ".join(
                    f"cast({name} as decimal(18, 0)) / 100 as {name}" if name.endswith("amount") else name
                    for name in frame
                )
                connection.execute(f"delete from raw.{source}")
                connection.execute(f"insert into raw.{source} by name select {columns} from frame")
                connection.unregister("frame")
            connection.execute("commit")

    def load(self, database: Path) -> None:
        """Make a database with the raw tables; the euro has one rate on every day that an order may have."""
        days = (LAST - OPENED).days + 60
        rates = f"""
            select 'EUR' as currency, date '{OPENED}' - 30 + cast(day as integer) as rate_date,
                {EUR_PER_USD} as rate_to_reporting
            from range({days}) as days(day)
        """
        loading.replace_raw(database, loading.Origin.of("simulated shop"), {"exchange_rates": rates})
        self.deliver(database)

    def survivor(self, customer_id: str) -> str:
        """Return the customer that this one was merged into in the end."""
        while customer_id in self.records and self.records[customer_id].merged_into_customer_id:
            customer_id = self.records[customer_id].merged_into_customer_id
        return customer_id

    def inputs(self) -> Counter:
        """Return all that the history rests on, {(day from which it counts, what it is): how often}."""
        found: Counter = Counter()
        known: dict[str, list[dt.date]] = {}
        for order in self.orders.values():
            customer_id = self.survivor(order.customer_id)
            known.setdefault(customer_id, []).append(order.ordered_at)
            if order.status in SALES:
                sale = (
                    customer_id,
                    order.ordered_at,
                    order.gross_amount,
                    order.discount_amount,
                    order.cost_amount,
                    order.currency,
                )
                found[(order.ordered_at, sale)] += 1
        given_back: Counter = Counter()
        for refund in sorted(self.refunds.values(), key=lambda refund: (refund.refunded_at, refund.refund_id)):
            order = self.orders.get(refund.order_id)
            if not order:
                continue
            given_back[order.order_id] += refund.amount
            if order.status in SALES and given_back[order.order_id] <= order.gross_amount - (
                order.discount_amount or 0
            ):
                booked_on = max(refund.refunded_at, order.ordered_at)
                what = (self.survivor(order.customer_id), order.ordered_at, refund.amount, order.cost_amount is None)
                found[(booked_on, what)] += 1
        for record in self.records.values():
            known.setdefault(self.survivor(record.customer_id), []).append(record.created_at or BEGINNING)
        for customer_id, days in known.items():
            found[(min(days), customer_id)] += 1
        return found

    def spine(self) -> list[dt.date]:
        """Return the as-of dates: every month-end since the month of the first order, and today."""
        day = min(order.ordered_at for order in self.orders.values())
        days = [day + number * DAY for number in range((self.today - day).days + 1)]
        return [day for day in days if is_month_end(day) or day == self.today]


def is_month_end(day: dt.date) -> bool:
    """Return whether a day is the last one of its month."""
    return (day + DAY).day == 1


def first_change(before: Counter, after: Counter) -> dt.date | None:
    """Return the first day on which two states of a shop differ in what counts."""
    return min((day for day, _ in ((before - after) + (after - before))), default=None)
