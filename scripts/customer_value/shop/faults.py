"""The bad rows of a shop, made from clean ones and counted by the reason for which staging rejects them."""

from __future__ import annotations

import datetime as dt
import itertools
import zlib
from collections import Counter
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from customer_value.shop.draws import CONTRACT, PRECISE, text_schema

Row = dict[str, str | None]
KEYS = {
    "orders": ("order_id",),
    "order_items": ("order_id", "line_number"),
    "customers": ("customer_id",),
    "refunds": ("refund_id",),
    "marketing_touches": ("touch_id",),
    "events": ("event_id",),
    "support_tickets": ("ticket_id",),
    "survey_responses": ("response_id",),
    "referrals": ("referral_id",),
    "exchange_rates": ("currency", "rate_date"),
}
PRIMARY_DATES = {
    "orders": "ordered_at",
    "customers": "created_at",
    "refunds": "refunded_at",
    "marketing_touches": "sent_at",
    "events": "occurred_at",
    "support_tickets": "opened_at",
    "survey_responses": "responded_at",
    "referrals": "referred_at",
    "exchange_rates": "rate_date",
}
BAD_DATES = ["31/12/2023", "2023-02-30", "yesterday", "infinity", "epoch", "2023-13-01"]
BAD_NUMBERS = ["ten", "1_000", "1e3", "1,234.50", "$5"]
NOT_FINITE = ["NaN", "inf", "-Infinity"]
FUTURE = ["2099-01-01 00:00:00", "2031-06-01 12:00:00"]
BEFORE_BUSINESS = ["1989-12-31 23:59:59", "1900-01-01 00:00:00"]
TOO_LARGE = ["10000000.01", "-10000000.01"]
HOLE_DAYS = [f"{dt.date(2023, 3, 12) + dt.timedelta(days)} 12:00:00" for days in range(34)]  # to 2023-04-14
BEFORE_SHOP = "2020-06-01 12:00:00"
# what a row lacks whose own date is moved, so that its other dates are not before it
UNDELIVERED = {"promised_at": None, "shipped_at": None, "delivered_at": None}
WITHOUT_LATER = {"orders": UNDELIVERED, "support_tickets": {"first_responded_at": None, "resolved_at": None}}
# (source, reason): changes that each make a good new row bad, for this reason only
FAULTS: dict[tuple[str, str], list[Row]] = {
    ("orders", "amount_out_of_range"): [{"gross_amount": text} for text in TOO_LARGE]
    + [{"discount_amount": "-1.00"}, {"shipping_amount": "-0.01"}, {"cost_amount": "-5.00"}],
    ("order_items", "amount_out_of_range"): [{"net_amount": text} for text in TOO_LARGE]
    + [{"discount_amount": "-1.00"}, {"cost_amount": "-0.01"}],
    ("refunds", "amount_out_of_range"): [{"amount": "-0.01"}, {"amount": TOO_LARGE[0]}],
    ("marketing_touches", "amount_out_of_range"): [{"cost_amount": "-0.01"}],
    ("support_tickets", "amount_out_of_range"): [{"cost_amount": "-0.01"}],
    ("customers", "amount_out_of_range"): [{"acquisition_cost": "-0.01"}],
    ("events", "amount_out_of_range"): [{"duration_seconds": "-0.001"}],
    ("exchange_rates", "amount_out_of_range"): [{"rate_to_reporting": "0.00000000"}, {"rate_to_reporting": "-1.10"}],
    ("orders", "dates_out_of_order"): [{name: BEFORE_SHOP} for name in UNDELIVERED],
    ("support_tickets", "dates_out_of_order"): [{name: BEFORE_SHOP} for name in WITHOUT_LATER["support_tickets"]],
    ("orders", "unknown_status"): [{"status": "teleported"}],
    ("orders", "unknown_currency"): [{"currency": "XXX"}],
    ("orders", "missing_rate"): [
        {"currency": "GBP", "ordered_at": noon, "updated_at": noon} | UNDELIVERED for noon in HOLE_DAYS
    ],
    ("orders", "guest_order"): [{"customer_id": None, "customer_email": "guest@shop.example"}],
    ("refunds", "unknown_order"): [{"order_id": "o-never-placed"}],
    ("order_items", "unknown_order"): [{"order_id": f"o-never-placed-{number}"} for number in range(2000)],
    ("events", "bot"): [{"is_bot": "true"}],
    ("survey_responses", "unknown_survey_type"): [{"survey_type": "ces", "score": "3"}],
    ("survey_responses", "score_out_of_range"): [
        {"survey_type": kind, "score": score}
        for kind, score in (("nps", "11"), ("csat", "0"), ("nps", "-1"), ("csat", "6"))
    ],
}
# one row of a source with two reasons
TWO_FAULTS: dict[str, tuple[tuple[str, str], Row]] = {
    "orders": (("not_finite", "future_date"), {"gross_amount": "NaN", "ordered_at": FUTURE[0]} | UNDELIVERED),
    "order_items": (("unparseable_number", "amount_out_of_range"), {"quantity": "ten", "cost_amount": "-1.00"}),
    "customers": (("unparseable_date", "unparseable_number"), {"created_at": "yesterday", "acquisition_cost": "ten"}),
    "refunds": (("not_finite", "before_business_began"), {"amount": "inf", "refunded_at": BEFORE_BUSINESS[0]}),
    "marketing_touches": (("amount_out_of_range", "future_date"), {"cost_amount": "-1.00", "sent_at": FUTURE[0]}),
    "events": (("unparseable_boolean", "not_finite"), {"is_bot": "maybe", "duration_seconds": "NaN"}),
    "support_tickets": (("unparseable_date", "not_finite"), {"opened_at": "epoch", "cost_amount": "NaN"}),
    "survey_responses": (("unparseable_number", "future_date"), {"score": "good", "responded_at": FUTURE[1]}),
    "exchange_rates": (("not_finite", "future_date"), {"rate_to_reporting": "inf", "rate_date": FUTURE[0][:10]}),
}


def across(columns: list[str], texts: list[str | None]) -> list[Row]:
    """Return a change of one column for every pair; all the columns come first."""
    pairs = range(len(columns) * len(texts))
    return [{columns[i % len(columns)]: texts[(i % len(columns) + i // len(columns)) % len(texts)]} for i in pairs]


def value_faults(source: str) -> dict[str, list[Row]]:
    """Return {reason: changes} of the reasons that come from the types and keys of a source's columns."""
    of_type: dict[str, list[str]] = {"date": [], "number": [], "boolean": [], "varchar": []}
    kinds = {"timestamp": "date", "integer": "number"} | dict.fromkeys([*PRECISE, "numeric(18, 8)"], "number")
    for name, column in CONTRACT[source].items():
        of_type[kinds.get(column.data_type, column.data_type)].append(name)
    keys, primary = KEYS[source], [PRIMARY_DATES[source]] if source in PRIMARY_DATES else []
    cut = 10 if source == "exchange_rates" else None  # rate_date is a date, the others are timestamps
    values = [name for name, column in CONTRACT[source].items() if column.required and name not in keys]
    found = {
        "missing_key": [{key: None} for key in keys] + [{key: ""} for key in keys if key in of_type["varchar"]],
        "missing_value": [{name: None} for name in values if (source, name) != ("orders", "customer_id")],
        "unparseable_date": across(of_type["date"], BAD_DATES),
        "unparseable_number": across(of_type["number"], ["4.5", "good"] * (source == "survey_responses") + BAD_NUMBERS),
        "unparseable_boolean": across(of_type["boolean"], ["maybe"]),
        "not_finite": across(of_type["number"], NOT_FINITE),
        "future_date": [
            change | WITHOUT_LATER.get(source, {}) for change in across(primary, [text[:cut] for text in FUTURE])
        ],
        "before_business_began": across(primary, [text[:cut] for text in BEFORE_BUSINESS]),
    }
    return {reason: changes for reason, changes in found.items() if changes}


def earlier(text: str, hours: int) -> str:
    """Return the time so many hours before a time, both as text."""
    return str(dt.datetime.fromisoformat(text) - dt.timedelta(hours=hours))


class Planter:
    """Makes the bad rows of a shop from clean rows that it has seen, and counts them.

    rows: {source: bad rows}. planted: {(source, reason): rows}, a row with two reasons counting for both.
    """

    def __init__(self, orders: int):
        self.base = max(3, orders // 100_000)
        self.rows: dict[str, list[Row]] = {source: [] for source in CONTRACT}
        self.planted: Counter[tuple[str, str]] = Counter()
        self._seen: dict[str, list[Row]] = {name: [] for name in [*CONTRACT, "orders without lines"]}
        self._new = itertools.count(1)

    def see(self, tables: dict[str, pa.Table]) -> None:
        """Keep some clean rows of a part of the shop (columns as text) to make bad ones from."""
        seen = {source: rows for source, rows in tables.items() if source in CONTRACT and self._wanted(source)}
        if "orders" in tables and (self._wanted("orders") or self._wanted("orders without lines")):
            orders = tables["orders"]
            plain = pc.and_(pc.equal(orders["status"], "completed"), pc.equal(orders["currency"], "USD"))
            lined = pc.is_in(orders["order_id"], tables["order_items"]["order_id"])
            seen["orders"] = orders.filter(plain)  # completed is without refunds
            seen["orders without lines"] = orders.filter(pc.and_not(plain, lined))
        for name, rows in seen.items():
            self._seen[name] += rows.slice(0, self._wanted(name)).to_pylist()

    def _wanted(self, name: str) -> int:
        """Return how many more rows of this kind are of use."""
        return 15 * (self.base + 10) - len(self._seen[name])

    def _count(self, source: str, reason: str, kinds: int = 0) -> int:
        """Return how many rows to plant: five kinds of a fault if there are, and a few more or less by reason.

        Of exchange rates there are few to plant among, so their counts do not grow with the shop.
        """
        base = 3 if source == "exchange_rates" else self.base
        return max(base, min(kinds, 5)) + zlib.crc32(f"{source} {reason}".encode()) % 5

    def _plant(self, source: str, reasons: tuple[str, ...], row: Row) -> None:
        self.rows[source].append(row)
        self.planted.update((source, reason) for reason in reasons)

    def _fresh(self, source: str) -> Row:
        """Return a good row that the shop does not have: a copy of a clean one with a key, and an order, of its own."""
        number = next(self._new)
        row = dict(next(self._clean[source])) | {KEYS[source][0]: f"x{number}"}
        match source:
            case "order_items":
                row |= {"order_id": next(self._lineless)["order_id"], "line_number": "1"}
            case "refunds":
                order = next(self._refundless)
                row |= {"order_id": order["order_id"], "refunded_at": order["ordered_at"], "amount": "1.00"}
            case "customers":
                row |= {"email": f"x{number}@shop.example", "merged_into_customer_id": None}
            case "referrals":
                row |= {"referrer_customer_id": f"x{number}-a", "referred_customer_id": f"x{number}-b"}
            case "exchange_rates":  # a currency of its own: QBA, QBB, ...
                place = 26 + len(self.rows[source])
                row |= {"currency": f"Q{chr(65 + place // 26)}{chr(65 + place % 26)}"}
        return row

    def plant(self) -> dict[str, pa.Table]:
        """Return all bad rows. Call it once, when the whole shop has been seen."""
        self._clean = {source: itertools.cycle(rows) for source, rows in self._seen.items()}
        self._lineless, self._refundless = iter(self._seen["orders without lines"]), iter(self._seen["orders"])
        for source in CONTRACT:
            faults = value_faults(source) | {
                reason: rows for (where, reason), rows in FAULTS.items() if where == source
            }
            for reason, changes in faults.items():
                for number in range(self._count(source, reason, kinds=len(changes))):
                    self._plant(source, (reason,), self._fresh(source) | changes[number % len(changes)])
            if source in TWO_FAULTS:
                reasons, change = TWO_FAULTS[source]
                self._plant(source, reasons, self._fresh(source) | change)
            self._plant_superseded(source)
        self._plant_of_orders()
        self._plant_test_customers()
        self._plant_loops("customers", "merge_loop", "customer_id", "merged_into_customer_id")
        self._plant_loops("referrals", "referral_loop", "referred_customer_id", "referrer_customer_id")
        self._plant_already_referred()
        return {source: pa.Table.from_pylist(rows, schema=text_schema(source)) for source, rows in self.rows.items()}

    def _plant_superseded(self, source: str) -> None:
        """Plant older copies of clean rows; the two sources without a date that tells get exact copies."""
        for number in range(1, self._count(source, "superseded") + 1):
            row = dict(next(self._clean[source]))
            if source == "orders":
                row |= {"updated_at": earlier(row["updated_at"], number), "shipping_amount": "1.23"}
                row["gross_amount"] = str(Decimal(row["gross_amount"]) + number)
            elif source not in ("order_items", "exchange_rates"):
                row[PRIMARY_DATES[source]] = earlier(row[PRIMARY_DATES[source]], number)
            self._plant(source, ("superseded",), row)
        if source == "orders":
            self._plant(source, ("superseded",), dict(next(self._clean[source])))
            row = next(self._clean[source])
            for hours in (1, 2):  # with the clean row a triple
                self._plant(source, ("superseded",), row | {"updated_at": earlier(row["updated_at"], hours)})

    def _plant_of_orders(self) -> None:
        """Plant refunds and lines that are wrong because of their order."""
        rejected = itertools.cycle([row["order_id"] for row in self.rows["orders"] if row["status"] == "teleported"])
        for source in ("refunds", "order_items"):
            for number in range(self._count(source, "order_rejected")):
                row = self._fresh(source) | {"order_id": next(rejected)}
                row |= {"line_number": str(number + 1)} if source == "order_items" else {}
                self._plant(source, ("order_rejected",), row)
        for _ in range(self._count("refunds", "refund_above_order")):
            order, row = next(self._refundless), self._fresh("refunds")
            paid = Decimal(order["gross_amount"]) + Decimal(order["shipping_amount"])  # no less than was paid
            row |= {"order_id": order["order_id"], "refunded_at": order["ordered_at"], "amount": str(2 * paid)}
            self._plant("refunds", ("refund_above_order",), row)
        for _ in range(self._count("order_items", "lines_do_not_add_up")):
            order, row = next(self._lineless), self._fresh("order_items")
            net = Decimal(order["gross_amount"]) - Decimal(order["discount_amount"] or 0)
            for line in ("1", "2"):  # twice the order's amount
                change = {"order_id": order["order_id"], "line_number": line, "net_amount": str(net)}
                self._plant("order_items", ("lines_do_not_add_up",), row | change)

    def _plant_test_customers(self) -> None:
        """Plant test customers, what they did, and customers that are merged into themselves."""
        tests = []
        for number in range(self._count("customers", "test_customer")):
            email = "test@shop.example" if number % 2 else "someone+test@shop.example"
            row = self._fresh("customers") | {"email": email}
            tests.append(row["customer_id"])
            self._plant("customers", ("test_customer",), row)
        for source in ("orders", "marketing_touches", "events", "support_tickets", "survey_responses", "referrals"):
            for number in range(self._count(source, "test_customer")):
                column = "customer_id" if source != "referrals" else "referrer_customer_id"
                if source == "referrals" and number % 2 and number < len(tests):  # nobody is referred twice
                    column = "referred_customer_id"
                self._plant(source, ("test_customer",), self._fresh(source) | {column: tests[number % len(tests)]})
        for _ in range(self._count("customers", "merged_into_itself")):
            row = self._fresh("customers")
            self._plant("customers", ("merged_into_itself",), row | {"merged_into_customer_id": row["customer_id"]})
        for _ in range(self._count("referrals", "self_referral")):
            row = self._fresh("referrals")
            row["referrer_customer_id"] = row["referred_customer_id"]
            self._plant("referrals", ("self_referral",), row)

    def _plant_loops(self, source: str, reason: str, member: str, leads_to: str) -> None:
        """Plant as many loops of two and of three as it takes for the count."""
        for _ in range(0, self._count(source, reason), 5):
            for size in (2, 3):
                rows = [self._fresh(source) for _ in range(size)]
                for row, following in zip(rows, rows[1:] + rows[:1], strict=True):
                    self._plant(source, (reason,), row | {leads_to: following[member]})

    def _plant_already_referred(self) -> None:
        """Plant second referrals by a customer who came before the first one, so that no loop comes of it."""
        seen = sorted(self._seen["referrals"], key=lambda row: (row["referred_at"], row["referral_id"]))
        pairs = (pair for pair in itertools.pairwise(seen) if len({row["referrer_customer_id"] for row in pair}) == 2)
        for before, row in itertools.islice(pairs, self._count("referrals", "already_referred")):
            row = row | {"referral_id": f"x{next(self._new)}", "referred_at": earlier(row["referred_at"], -720)}
            row["referrer_customer_id"] = before["referrer_customer_id"]
            self._plant("referrals", ("already_referred",), row)
