"""The clean shop: customers drawn from known distributions, and what their shop's systems deliver of them."""

from __future__ import annotations

import datetime as dt
import itertools
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customer_value import contract
from customer_value.shop import truths
from customer_value.shop.truths import Truths

# --- the model
DAY = 86_400  # seconds
YEAR = 365 * DAY  # seconds
FIRST_DAY, LAST_DAY = dt.date(2021, 1, 1), dt.date(2024, 12, 31)  # the shop trades from one to the other
ARRIVAL_YEARS = 3  # new customers come evenly over so many years
RATE_SHAPE, RATE_SCALE = 0.9, 0.35  # r, alpha (years): mean 2.6 repeat orders per year
DROPOUT_SHAPE, DROPOUT_SCALE = 1.4, 2.0  # s, beta (years): mean dropout rate 0.7 per year
SPEND_SHAPE, MEAN_SHAPE, MEAN_SCALE = 6.0, 4.0, 30.0  # p, q, gamma (USD): mean spend p * gamma / (q - 1) = 60 USD
SATISFACTION = (6.0, 3.0)  # parameters of the Beta distribution, mean 2/3
LATEST_DROPOUT = dt.date(2100, 12, 31)  # lifetimes have a heavy tail; later dates are cut to this one

# --- shares and sizes
CUSTOMERS_PER_CHUNK = 50_000  # drawn at a time; about 190,000 orders and 300 MB
CURRENCIES = ["USD", "EUR", "GBP"]  # the first one is the reporting currency
CURRENCY_SHARES = [0.91, 0.06, 0.03]  # of orders
START_RATES, DAILY_DRIFT = [1.20, 1.35], 0.004  # first rates of EUR and GBP to USD; sigma of their daily log change
NO_GBP_RATES = (dt.date(2023, 3, 1), dt.date(2023, 4, 15))  # a hole in the rates; no clean GBP order until 7 days later
LEAST_NET = 100  # cents; no order is smaller
DISCOUNTED, SHIPPED, COST_KNOWN, WITH_LINES = 0.10, 0.60, 0.95, 0.98  # shares of orders
CANCELLED, REFUNDED = 0.03, 0.04  # share of orders; share of completed orders
FULL_REFUND, SPLIT_REFUND = 0.6, 0.15  # shares of refunded orders: all of the money back; in two parts
LINE_SHARES = [0.5, 0.3, 0.2]  # share of orders with 1, 2 and 3 lines
RECORDED, MERGED, REFERRED = 0.97, 0.005, 0.05  # shares of customers with a record, of records, of customers
CHAIN_SHARES = [0.6, 0.3, 0.1]  # share of merge chains of length 1, 2 and 3
EVENTS_PER_ORDER, TICKETS_PER_ORDER, SURVEYS_PER_ORDER = 2, 0.05, 0.05  # and one marketing touch
CHANNELS, SOURCES = ["web", "app", "store"], ["search", "social", "e-mail", "partner", "direct"]
REGIONS = ["north", "south", "east", "west"]
ATTRIBUTES = [f'{{"age_band": "{band}"}}' for band in ("18-29", "30-44", "45-59", "60+")]
EVENT_TYPES = ["visit", "search", "product_view", "add_to_cart"]
DEPARTMENTS = ["home", "garden", "sport", "kitchen"]
CATEGORIES = [f"{department} {kind}" for department in DEPARTMENTS for kind in ("basics", "deals", "premium")]
BRANDS = ["own", "acme", "birch", "cedar", "delta"]  # of each category; the first is the company's own
PRODUCTS, CAMPAIGNS, STORES = 240, 40, 25  # sizes of the catalogue
LATE = 0.15  # share of orders that arrive after the promised time
PAYMENTS, PAYMENT_SHARES = ["card", "wallet", "invoice"], [0.55, 0.3, 0.15]
WITH_PHONE, COUNTRIES, COUNTRY_SHARES = 0.7, ["NL", "DE", "FR"], [0.6, 0.3, 0.1]  # shares of records
LANGUAGES, IN_ENGLISH = ["nl", "de", "fr", "en"], 0.1  # of the countries, and English anywhere
ASKED, EMAIL_CONSENT, SMS_CONSENT, UNSUBSCRIBED = 0.9, 0.7, 0.3, 0.5  # of records; of those asked; of those against
TICKET_CHANNELS, TICKET_CHANNEL_SHARES, REOPENED = ["e-mail", "call", "chat"], [0.5, 0.3, 0.2], 0.08
ABOUT_TICKET = 30 * DAY  # an answer so soon after a ticket was resolved is about the ticket

# --- files
PRECISE = {"numeric(18, 2)": pa.decimal64(18, 2), "numeric(18, 3)": pa.decimal64(18, 3)}
TYPES = PRECISE | {"numeric(18, 8)": pa.decimal64(18, 8), "varchar": pa.string(), "timestamp": pa.timestamp("s")}
TYPES |= {"date": pa.date32(), "integer": pa.int32(), "boolean": pa.bool_()}
CONTRACT = {source: {column.name: column for column in columns} for source, columns in contract.sources().items()}
SCHEMAS = {
    source: pa.schema([(name, TYPES[column.data_type]) for name, column in columns.items()])
    for source, columns in CONTRACT.items()
}
SCHEMAS["truth/customers"] = pa.schema(
    {"customer_id": pa.string(), "first_order_at": pa.timestamp("s"), "purchase_rate": pa.float64()}
    | {"dropout_date": pa.date32(), "spend_mean": pa.float64(), "satisfaction": pa.float64()}
    | {"order_count": pa.int64(), "is_alive_at_end": pa.bool_(), "patience": pa.float64()}
)
DIGITS = np.array([f"{number:05d}".encode() for number in range(100_000)]).view(np.uint8).reshape(-1, 5)


def seconds(day: dt.date) -> int:
    """Return the start of a day in seconds since 1970."""
    return (day - dt.date(1970, 1, 1)).days * DAY


START, END = seconds(FIRST_DAY), seconds(LAST_DAY) + DAY - 1


def stream(seed: int, *number: int) -> np.random.Generator:
    """Return the random stream of a chunk of customers; number 0 is that of the exchange rates.

    A chunk's second stream (number, 1) is for the columns that came to the contract later: whatever is drawn there, the
    values of the older columns stay.
    """
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=number)))


# --- columns


def ids(prefix: str, numbers: np.ndarray, suffix: str = "") -> pa.Array:
    """Return prefix + ten digits + suffix for each number below 1e10; all have the same width, which is fast."""
    head, tail = prefix.encode(), suffix.encode()
    width = len(head) + 10 + len(tail)
    letters = np.empty((len(numbers), width), dtype=np.uint8)
    letters[:, : len(head)] = np.frombuffer(head, dtype=np.uint8)
    letters[:, len(head) : len(head) + 5] = DIGITS[numbers // 100_000]
    letters[:, len(head) + 5 : len(head) + 10] = DIGITS[numbers % 100_000]
    letters[:, len(head) + 10 :] = np.frombuffer(tail, dtype=np.uint8)
    offsets = np.arange(len(numbers) + 1, dtype=np.int32) * np.int32(width)
    return pa.Array.from_buffers(
        pa.string(), len(numbers), [None, pa.py_buffer(offsets), pa.py_buffer(letters.ravel())]
    )


def labels(values: list[str], places: np.ndarray, known: np.ndarray | None = None) -> pa.Array:
    """Return values[place] for each place; null where not known."""
    return pa.array(values).take(pa.array(places, mask=None if known is None else ~known))


def amounts(units: np.ndarray, known: np.ndarray | None = None) -> pa.Array:
    """Return the integers behind a decimal column (cents of amounts); null where not known."""
    return pa.array(units.astype(np.int64), mask=None if known is None else ~known)


def table(source: str, **columns: pa.Array | np.ndarray) -> pa.Table:
    """Return a table of the source's schema. Integers become decimals, dates or times by their type; absent is null."""
    schema, rows = SCHEMAS[source], len(next(iter(columns.values())))
    arrays = []
    for field in schema:
        column = columns.pop(field.name, None)
        if column is None:
            arrays.append(pa.nulls(rows, field.type))
            continue
        array = column if isinstance(column, pa.Array) else pa.array(column)
        if pa.types.is_decimal(field.type):
            array = pa.Array.from_buffers(field.type, rows, array.buffers())  # the same 64 bits
        elif pa.types.is_date(field.type):
            array = array.cast(pa.int32())
        arrays.append(array.cast(field.type))
    if columns:
        raise KeyError(f"{source} has no columns {sorted(columns)}")
    return pa.Table.from_arrays(arrays, schema=schema)


# --- the clean shop


def exchange_rates(seed: int) -> tuple[pa.Table, np.ndarray]:
    """Return the source exchange_rates and the rate in force (currency x day since FIRST_DAY; units of 1e-8 USD)."""
    days = np.arange(np.datetime64(FIRST_DAY) - 7, np.datetime64(LAST_DAY) + 1)
    working = np.is_busday(days)
    changes = stream(seed, 0).normal(0, DAILY_DRIFT, (2, len(days))) * working  # rates stand still at weekends
    rates = np.rint(np.array(START_RATES)[:, None] * np.exp(changes.cumsum(axis=1)) * 1e8).astype(np.int64)
    hole = (days >= np.datetime64(NO_GBP_RATES[0])) & (days <= np.datetime64(NO_GBP_RATES[1]))
    currency, day = np.nonzero(np.array([working, working & ~hole]))
    source = table(
        "exchange_rates",
        currency=labels(CURRENCIES[1:], currency),
        rate_date=days[day].astype(np.int64),
        rate_to_reporting=rates[currency, day],
    )
    return source, np.vstack([np.full(len(days), 10**8), rates])[:, 7:]


@dataclass
class Customers:
    """A chunk of customers, one value per customer, and the random streams that the rest of them comes from."""

    chunk: int
    first_order: int  # number of the chunk's first order
    truths: Truths
    draw: np.random.Generator
    more: np.random.Generator  # the second one
    arrived_at: np.ndarray
    dropout_at: np.ndarray  # float
    purchase_rate: np.ndarray
    spend_mean: np.ndarray
    satisfaction: np.ndarray
    patience: np.ndarray  # the impatient return more and ask more often; satisfaction itself where it drives no churn
    brevity: np.ndarray  # rank of the lifetime, 0 to 1 for the shortest
    worth: np.ndarray  # rank of what the customer is worth, 0 to 1
    order_count: np.ndarray

    @property
    def number(self) -> np.ndarray:
        """Return the number in each customer_id."""
        return self.chunk * CUSTOMERS_PER_CHUNK + np.arange(len(self.arrived_at))

    def keys(self, prefix: str, rows: int) -> pa.Array:
        """Return keys for the chunk's rows of one source; no other chunk has them."""
        return ids(prefix, self.chunk * 10_000_000 + np.arange(rows))


def draw_customers(seed: int, chunk: int, first_order: int, orders: int, effects: Truths) -> Customers:
    """Return the next chunk of customers, cut so that no more than orders come from it."""
    draw, size = stream(seed, chunk + 1), CUSTOMERS_PER_CHUNK
    arrived_at = START + draw.integers(0, ARRIVAL_YEARS * YEAR, size)
    purchase_rate = draw.gamma(RATE_SHAPE, 1 / RATE_SCALE, size)
    dropout_rate = np.maximum(draw.gamma(DROPOUT_SHAPE, 1 / DROPOUT_SCALE, size), 1e-9)
    dropout_at = np.minimum(arrived_at + draw.exponential(1, size) / dropout_rate * YEAR, seconds(LATEST_DROPOUT))
    spend_mean = SPEND_SHAPE / draw.gamma(MEAN_SHAPE, 1 / MEAN_SCALE, size)
    patience = draw.beta(*SATISFACTION, size)
    lifetime = dropout_at - arrived_at
    satisfaction = truths.dealt_by_lifetime(patience, lifetime, effects.churn)
    brevity, worth = truths.shares(-lifetime), truths.worth(purchase_rate, spend_mean, lifetime)
    active_years = (np.minimum(dropout_at, END) - arrived_at) / YEAR
    order_count = 1 + draw.poisson(purchase_rate * active_years)
    total = order_count.cumsum()
    kept = min(np.searchsorted(total, orders) + 1, size)
    order_count[kept - 1] -= max(total[kept - 1] - orders, 0)
    drawn = (arrived_at, dropout_at, purchase_rate, spend_mean, satisfaction, patience, brevity, worth, order_count)
    more = stream(seed, chunk + 1, 1)
    return Customers(chunk, first_order, effects, draw, more, *(values[:kept] for values in drawn))


@dataclass
class Orders:
    """The orders of a chunk, one value per order, in the order of customer and time."""

    customer: np.ndarray  # place of the customer in the chunk
    number: np.ndarray  # number in the order_id
    ordered_at: np.ndarray
    currency: np.ndarray  # place in CURRENCIES
    net: np.ndarray
    discount: np.ndarray

    @property
    def id(self) -> pa.Array:
        """Return each order_id."""
        return ids("o", self.number)


def draw_orders(customers: Customers, rates: np.ndarray) -> Orders:
    """Return the chunk's orders: one on arrival, the others anywhere before dropout or the end."""
    draw = customers.draw
    customer = np.repeat(np.arange(len(customers.order_count)), customers.order_count)
    arrived_at = customers.arrived_at[customer]
    is_first = np.diff(customer, prepend=-1) > 0
    span = np.minimum(customers.dropout_at, END)[customer] - arrived_at
    since_arrival = np.where(is_first, 0, (draw.random(len(customer)) * span).astype(np.int64))
    ordered_at = arrived_at + np.sort(customer * 2**31 + since_arrival) % 2**31  # by customer, then time
    day = (ordered_at - START) // DAY
    currency = np.searchsorted(np.cumsum(CURRENCY_SHARES), draw.random(len(customer)), side="right")
    currency[(currency == 2) & in_gbp_hole(ordered_at)] = 0
    spend = draw.gamma(SPEND_SHAPE, 1 / SPEND_SHAPE, len(customer)) * customers.spend_mean[customer]
    net = np.maximum(np.rint(spend * 1e10 / rates[currency, day]).astype(np.int64), LEAST_NET)
    first_chance = DISCOUNTED * truths.tilt(customers.brevity[customer], customers.truths.discounts)
    share = draw.uniform(0.05, 0.3, len(customer))
    share *= draw.random(len(customer)) < np.where(is_first, first_chance, DISCOUNTED)
    discount = np.rint(net * share / (1 - share)).astype(np.int64)
    return Orders(customer, customers.first_order + np.arange(len(customer)), ordered_at, currency, net, discount)


def in_gbp_hole(times: np.ndarray) -> np.ndarray:
    """Return whether GBP has no rate at a time that is at most seven days old."""
    return (times >= seconds(NO_GBP_RATES[0])) & (times < seconds(NO_GBP_RATES[1]) + 8 * DAY)


def make_refunds(
    customers: Customers, orders: Orders, completed: np.ndarray
) -> tuple[pa.Table, np.ndarray, np.ndarray]:
    """Return the source refunds, and per order the amount given back and the time of the last refund (0: none)."""
    draw = customers.draw
    lift = 1 + SATISFACTION[0] / sum(SATISFACTION) - customers.patience[orders.customer]  # the impatient return more
    (order,) = np.nonzero(completed & (draw.random(len(completed)) < REFUNDED * lift))
    share = np.where(draw.random(len(order)) < FULL_REFUND, 1, draw.uniform(0.1, 0.9, len(order)))
    amount = (orders.net[order] * share).astype(np.int64)
    part = (amount * draw.uniform(0.3, 0.7, len(order)) * (draw.random(len(order)) < SPLIT_REFUND)).astype(np.int64)
    refunded_at = np.minimum(orders.ordered_at[order] + draw.exponential(10 * DAY, len(order)).astype(np.int64), END)
    # a refund of a GBP order waits until there are rates again
    refunded_at += 53 * DAY * ((orders.currency[order] == 2) & in_gbp_hole(refunded_at))
    again_at = np.minimum(refunded_at + 2 * DAY * (part > 0), END)
    again_at += 53 * DAY * ((orders.currency[order] == 2) & in_gbp_hole(again_at))
    returned, last_at = np.zeros_like(orders.net), np.zeros_like(orders.net)
    returned[order], last_at[order] = amount, again_at
    (split,) = np.nonzero(part)
    source = table(
        "refunds",
        refund_id=customers.keys("r", len(order) + len(split)),
        order_id=ids("o", orders.number[np.append(order, order[split])]),
        refunded_at=np.append(refunded_at, again_at[split]),
        amount=np.append(amount - part, part[split]),
    )
    return source, returned, last_at


@dataclass
class Deliveries:
    """How the orders of a chunk are promised, sent and delivered, one value per order."""

    is_cancelled: np.ndarray
    promised_at: np.ndarray
    shipped_at: np.ndarray
    delivered_at: np.ndarray  # also where the order is cancelled, or comes after the end
    is_delivered: np.ndarray  # by the end
    is_late: np.ndarray


def draw_deliveries(customers: Customers, orders: Orders) -> Deliveries:
    """Return the deliveries of the chunk: of those that are late, the promise ends before the delivery."""
    draw, more, rows = customers.draw, customers.more, len(orders.net)
    is_cancelled = draw.random(rows) < CANCELLED
    delivered_at = orders.ordered_at + draw.integers(DAY, 7 * DAY, rows)
    days, is_late = delivered_at - orders.ordered_at, ~is_cancelled & (more.random(rows) < LATE)
    until = np.where(is_late, days * more.uniform(0.4, 0.9, rows), days + more.uniform(0, 2 * DAY, rows))
    shipped_at = np.minimum(orders.ordered_at + (days * more.uniform(0.1, 0.6, rows)).astype(np.int64), END)
    is_delivered = ~is_cancelled & (delivered_at <= END)
    promised_at = orders.ordered_at + until.astype(np.int64)
    return Deliveries(is_cancelled, promised_at, shipped_at, delivered_at, is_delivered, is_late)


def make_orders(customers: Customers, orders: Orders, deliveries: Deliveries) -> dict[str, pa.Table]:
    """Return the sources orders and refunds."""
    draw, rows = customers.draw, len(orders.net)
    is_cancelled, is_delivered, delivered_at = (
        deliveries.is_cancelled,
        deliveries.is_delivered,
        deliveries.delivered_at,
    )
    refunds, returned, refunded_at = make_refunds(customers, orders, is_delivered)
    status = np.select([is_cancelled, ~is_delivered, returned == 0, returned < orders.net], [0, 1, 2, 3], 4)
    channel = draw.integers(0, len(CHANNELS), rows)
    source = table(
        "orders",
        order_id=orders.id,
        customer_id=ids("c", customers.number[orders.customer]),
        ordered_at=orders.ordered_at,
        gross_amount=orders.net + orders.discount,
        discount_amount=amounts(orders.discount, orders.discount > 0),
        shipping_amount=draw.choice([395, 495, 795], rows) * (draw.random(rows) < SHIPPED),
        cost_amount=amounts(orders.net * draw.uniform(0.5, 0.7, rows), draw.random(rows) < COST_KNOWN),
        currency=labels(CURRENCIES, orders.currency),
        status=labels(["cancelled", "shipped", "completed", "partially_refunded", "refunded"], status),
        channel=labels(CHANNELS, channel),
        store_id=labels([f"s{number}" for number in range(STORES)], draw.integers(0, STORES, rows), channel == 2),
        campaign_id=labels(campaigns(), draw.integers(0, CAMPAIGNS, rows), draw.random(rows) < 0.3),
        payment_method=labels(PAYMENTS, customers.more.choice(len(PAYMENTS), rows, p=PAYMENT_SHARES)),
        promised_at=deliveries.promised_at,
        shipped_at=amounts(deliveries.shipped_at, ~is_cancelled),
        delivered_at=amounts(delivered_at, is_delivered),
        updated_at=np.maximum(np.where(is_delivered, delivered_at, orders.ordered_at), refunded_at),
    )
    return {"orders": source, "refunds": refunds}


def campaigns() -> list[str]:
    """Return every campaign_id."""
    return [f"k{number}" for number in range(CAMPAIGNS)]


def products() -> list[str]:
    """Return every product_id."""
    return [f"p{number}" for number in range(PRODUCTS)]


def make_order_items(customers: Customers, orders: Orders) -> pa.Table:
    """Return the source order_items; the lines of an order sum to its net amount to the cent."""
    draw = customers.draw
    (order,) = np.nonzero(draw.random(len(orders.net)) < WITH_LINES)
    lines = 1 + np.searchsorted(np.cumsum(LINE_SHARES), draw.random(len(order)), side="right")
    net = orders.net[order]
    first = np.where(lines > 1, net * draw.uniform(0.2, 0.8, len(order)), net).astype(np.int64)
    second = np.where(lines > 2, (net - first) * draw.uniform(0.2, 0.8, len(order)), net - first).astype(np.int64)
    is_line = np.arange(3) < lines[:, None]
    line_net = np.stack([first, second, net - first - second], axis=1)[is_line]
    order, line = np.repeat(order, lines), np.nonzero(is_line)[1]
    discount = orders.discount[order] * line_net // orders.net[order]
    product, rows = draw.integers(0, PRODUCTS, len(order)), len(order)
    category, brand = product % len(CATEGORIES), product // len(CATEGORIES) % len(BRANDS)
    return table(
        "order_items",
        order_id=ids("o", orders.number[order]),
        line_number=line + 1,
        product_id=labels(products(), product),
        quantity=draw.integers(1, 5, rows) * 1000,
        net_amount=line_net,
        category=labels(CATEGORIES, category),
        department=labels(DEPARTMENTS, category // 3),
        brand=labels(BRANDS, brand),
        is_private_label=brand == 0,
        discount_amount=amounts(discount, discount > 0),
        cost_amount=amounts(line_net * draw.uniform(0.5, 0.7, rows), draw.random(rows) < COST_KNOWN),
    )


def make_customers(customers: Customers) -> dict[str, pa.Table]:
    """Return the sources customers and referrals and the truth. Nobody in a merge chain takes part in a referral."""
    draw, number, size = customers.draw, customers.number, len(customers.number)
    (recorded,) = np.nonzero(draw.random(size) < RECORDED)
    rows = len(recorded)
    # chains are runs of a shuffled list: each customer but the last of its run is merged into the next one
    lengths = draw.choice([1, 2, 3], 1 + int(rows * MERGED / 1.5), p=CHAIN_SHARES)
    lengths = lengths[(lengths + 1).cumsum() <= rows]
    runs = draw.permutation(rows)[: (lengths + 1).sum()]
    merged = np.delete(np.arange(len(runs)), (lengths + 1).cumsum() - 1)
    merged_into = np.full(rows, -1)
    merged_into[runs[merged]] = recorded[runs[merged + 1]]
    known_at = customers.arrived_at - draw.exponential(10 * DAY, size).astype(np.int64) * (draw.random(size) < 0.3)
    created_at = np.maximum(known_at, START)[recorded]
    record = table(
        "customers",
        customer_id=ids("c", number[recorded]),
        created_at=created_at,
        email=ids("c", number[recorded], "@shop.example"),
        full_name=ids("Customer ", number[recorded]),
        birth_date=draw.integers(-11_000, 13_000, rows),  # days since 1970: 1939 to 2005
        region=labels(REGIONS, draw.integers(0, len(REGIONS), rows)),
        segment_attributes=labels(ATTRIBUTES, draw.integers(0, len(ATTRIBUTES), rows), draw.random(rows) < 0.8),
        acquisition_channel=labels(SOURCES, draw.integers(0, len(SOURCES), rows)),
        acquisition_cost=amounts(draw.gamma(4, 300, rows), draw.random(rows) < 0.9),
        merged_into_customer_id=pc.if_else(
            pa.array(merged_into >= 0), ids("c", number[merged_into]), pa.scalar(None, pa.string())
        ),
        **make_contacts_of_records(customers.more, number[recorded], created_at),
    )
    by_arrival = np.argsort(np.delete(customers.arrived_at, recorded[runs]), kind="stable")
    by_arrival = np.delete(np.arange(size), recorded[runs])[by_arrival]
    referrer = by_arrival[(draw.random(len(by_arrival)) * np.arange(len(by_arrival))).astype(np.int64)]
    chance = REFERRED * truths.tilt(customers.worth[by_arrival], customers.truths.referrals)
    is_referral = draw.random(len(by_arrival)) < chance
    is_referral &= customers.arrived_at[referrer] < customers.arrived_at[by_arrival]
    referrals = table(
        "referrals",
        referral_id=customers.keys("f", int(is_referral.sum())),
        referrer_customer_id=ids("c", number[referrer[is_referral]]),
        referred_customer_id=ids("c", number[by_arrival[is_referral]]),
        referred_at=customers.arrived_at[by_arrival[is_referral]],
    )
    truth = table(
        "truth/customers",
        customer_id=ids("c", number),
        first_order_at=customers.arrived_at,
        purchase_rate=customers.purchase_rate,
        dropout_date=(customers.dropout_at // DAY).astype(np.int32),
        spend_mean=customers.spend_mean,
        satisfaction=customers.satisfaction,
        order_count=customers.order_count,
        is_alive_at_end=customers.dropout_at > END,
        patience=customers.patience,
    )
    return {"customers": record, "referrals": referrals, "truth/customers": truth}


def make_contacts_of_records(
    more: np.random.Generator, number: np.ndarray, created_at: np.ndarray
) -> dict[str, pa.Array]:
    """Return the columns of the source customers that say how to reach them, and what they agreed to."""
    rows = len(number)
    has_phone = more.random(rows) < WITH_PHONE
    country = more.choice(len(COUNTRIES), rows, p=COUNTRY_SHARES)
    language = np.where(more.random(rows) < IN_ENGLISH, len(COUNTRIES), country)
    is_asked, agrees = more.random(rows) < ASKED, more.random(rows) < EMAIL_CONSENT
    answered_at = created_at + (more.random(rows) ** 3 * (END - created_at)).astype(np.int64)  # most of them early
    has_left = is_asked & ~agrees & (more.random(rows) < UNSUBSCRIBED)
    return {
        "phone": pc.if_else(pa.array(has_phone), ids("+99 ", number), pa.scalar(None, pa.string())),
        "country": labels(COUNTRIES, country),
        "language": labels(LANGUAGES, language),
        "email_consent": pa.array(agrees, mask=~is_asked),
        "sms_consent": pa.array(more.random(rows) < SMS_CONSENT, mask=~(is_asked & has_phone)),
        "consent_updated_at": amounts(answered_at, is_asked),
        "unsubscribed_at": amounts(answered_at, has_left),
    }


def make_contacts(customers: Customers, orders: Orders) -> dict[str, pa.Table]:
    """Return marketing_touches and events; touches reach customers until the end, events are theirs while alive."""
    draw, rows = customers.draw, len(orders.net)
    arrived_at, active_until = (
        customers.arrived_at[orders.customer],
        np.minimum(customers.dropout_at, END)[orders.customer],
    )
    sent_at = arrived_at + (draw.random(rows) * (END - arrived_at)).astype(np.int64)
    responded_at = sent_at + draw.integers(60, 3 * DAY, rows)
    responded = (draw.random(rows) < 0.15) & (responded_at <= active_until)
    touches = table(
        "marketing_touches",
        touch_id=customers.keys("t", rows),
        customer_id=ids("c", customers.number[orders.customer]),
        sent_at=sent_at,
        campaign_id=labels(campaigns(), draw.integers(0, CAMPAIGNS, rows)),
        channel=labels(["e-mail", "letter", "call"], draw.choice(3, rows, p=[0.8, 0.15, 0.05])),
        cost_amount=amounts(draw.integers(1, 150, rows), draw.random(rows) < 0.9),
        responded_at=amounts(responded_at, responded),
    )
    # of every order's events one is shortly before it, the others are visits at any time of the customer's life
    order = np.repeat(np.arange(rows), EVENTS_PER_ORDER)
    visit_at = arrived_at[order] + (draw.random(len(order)) * (active_until - arrived_at)[order]).astype(np.int64)
    before_order_at = np.maximum(orders.ordered_at[order] - draw.integers(30, 3600, len(order)), START)
    event_type = draw.choice(4, len(order), p=[0.4, 0.1, 0.35, 0.15])
    events = table(
        "events",
        event_id=customers.keys("e", len(order)),
        customer_id=ids("c", customers.number[orders.customer[order]]),
        occurred_at=np.where(np.arange(len(order)) % EVENTS_PER_ORDER == 0, before_order_at, visit_at),
        event_type=labels(EVENT_TYPES, event_type),
        duration_seconds=amounts(draw.exponential(90_000, len(order)), draw.random(len(order)) < 0.9),
        product_id=labels(products(), draw.integers(0, PRODUCTS, len(order)), event_type >= 2),
        is_bot=pa.array(np.zeros(len(order), bool), mask=draw.random(len(order)) < 0.3),
    )
    return {"marketing_touches": touches, "events": events}


@dataclass
class Tickets:
    """The tickets of a chunk. customer, resolved_at: of each resolved one, the place of its customer and the time."""

    source: pa.Table  # support_tickets
    resolved: np.ndarray  # place of the row in the source
    customer: np.ndarray
    resolved_at: np.ndarray

    def answered(self, customer: np.ndarray, responded_at: np.ndarray) -> pa.Array:
        """Return, per answer, the ticket of the same customer that was resolved last; null after ABOUT_TICKET."""
        if not len(self.resolved):
            return pa.nulls(len(customer), pa.string())
        keys = self.customer * 2**32 + self.resolved_at
        by_time = np.argsort(keys, kind="stable")
        last = by_time[np.searchsorted(keys[by_time], customer * 2**32 + responded_at, side="right") - 1]
        since = responded_at - self.resolved_at[last]
        is_about = (self.customer[last] == customer) & (since >= 0) & (since <= ABOUT_TICKET)
        return self.source["ticket_id"].combine_chunks().take(pa.array(self.resolved[last], mask=~is_about))


def make_tickets(customers: Customers, orders: Orders) -> Tickets:
    """Return the tickets; the impatient ask more often, the less satisfied complain more."""
    draw, more = customers.draw, customers.more
    impatience = 1 + SATISFACTION[0] / sum(SATISFACTION) - customers.patience[orders.customer]
    (order,) = np.nonzero(draw.random(len(impatience)) < TICKETS_PER_ORDER * impatience)
    rows, customer = len(order), orders.customer[order]
    opened_at = np.minimum(orders.ordered_at[order] + draw.integers(3600, 20 * DAY, rows), END)
    resolved_at = opened_at + draw.exponential(2 * DAY, rows).astype(np.int64)
    is_resolved = (resolved_at <= END) & (draw.random(rows) < 0.95)
    answered_in = np.minimum(more.exponential(DAY / 6, rows), 0.9 * (resolved_at - opened_at)).astype(np.int64)
    source = table(
        "support_tickets",
        ticket_id=customers.keys("h", rows),
        customer_id=ids("c", customers.number[customer]),
        opened_at=opened_at,
        first_responded_at=amounts(opened_at + answered_in, opened_at + answered_in <= END),
        resolved_at=amounts(resolved_at, is_resolved),
        is_complaint=pa.array(
            draw.random(rows) < 0.9 - 0.8 * customers.satisfaction[customer], mask=draw.random(rows) < 0.02
        ),
        channel=labels(TICKET_CHANNELS, more.choice(len(TICKET_CHANNELS), rows, p=TICKET_CHANNEL_SHARES)),
        was_reopened=pa.array(more.random(rows) < REOPENED, mask=~is_resolved),
        cost_amount=amounts(draw.gamma(3, 200, rows), draw.random(rows) < 0.9),
    )
    (resolved,) = np.nonzero(is_resolved)
    return Tickets(source, resolved, customer[resolved], resolved_at[resolved])


def make_answers(customers: Customers, orders: Orders, deliveries: Deliveries, tickets: Tickets) -> pa.Table:
    """Return the source survey_responses: about a ticket that has just been resolved, else about an order.

    The less satisfied score lower; so does who has waited for the order for longer than was promised (Truths.lateness).
    """
    draw = customers.draw
    (order,) = np.nonzero(draw.random(len(orders.net)) < SURVEYS_PER_ORDER)
    rows, customer = len(order), orders.customer[order]
    is_csat = draw.integers(0, 2, rows)
    felt = customers.satisfaction[customer] + draw.normal(0, 0.15, rows)
    responded_at = np.minimum(orders.ordered_at[order] + draw.integers(DAY, 15 * DAY, rows), END)
    ticket_id = tickets.answered(customer, responded_at)
    is_about_order = ticket_id.is_null().to_numpy(zero_copy_only=False)
    has_waited = is_about_order & deliveries.is_late[order] & (responded_at > deliveries.promised_at[order])
    felt = np.clip(felt - customers.truths.lateness * has_waited, 0, 1)
    return table(
        "survey_responses",
        response_id=customers.keys("a", rows),
        customer_id=ids("c", customers.number[customer]),
        responded_at=responded_at,
        survey_type=labels(["nps", "csat"], is_csat),
        score=np.where(is_csat, 1 + np.rint(felt * 4), np.rint(felt * 10)).astype(np.int32),
        order_id=pc.if_else(pa.array(is_about_order), ids("o", orders.number[order]), pa.scalar(None, pa.string())),
        ticket_id=ticket_id,
    )


def make_chunk(customers: Customers, rates: np.ndarray, as_text: bool) -> dict[str, pa.Table]:
    """Return {source: table} of a chunk of customers, with as_text every column of the sources as text."""
    orders = draw_orders(customers, rates)
    deliveries = draw_deliveries(customers, orders)
    tables = make_orders(customers, orders, deliveries) | {"order_items": make_order_items(customers, orders)}
    tables |= make_customers(customers) | make_contacts(customers, orders)
    tickets = make_tickets(customers, orders)
    answers = make_answers(customers, orders, deliveries, tickets)
    tables |= {"support_tickets": tickets.source, "survey_responses": answers}
    return {source: text_of(source, rows) if as_text else rows for source, rows in tables.items()}


def text_of(source: str, rows: pa.Table) -> pa.Table:
    """Return a source's rows with every column as text; the truth as it is."""
    return rows.cast(text_schema(source))


def text_schema(source: str) -> pa.Schema:
    """Return the schema of a source in a dirty shop."""
    schema = SCHEMAS[source]
    return schema if source not in CONTRACT else pa.schema([(name, pa.string()) for name in schema.names])


def clean_shop(
    orders: int, seed: int, as_text: bool = False, effects: Truths = truths.ALL
) -> Iterator[dict[str, pa.Table]]:
    """Yield the shop in parts, each {source: table}; two chunks are made at a time, in threads."""
    source, rates = exchange_rates(seed)
    yield {"exchange_rates": text_of("exchange_rates", source) if as_text else source}
    drawn, pending = 0, deque()
    with ThreadPoolExecutor(2) as pool:
        for chunk in itertools.count():
            if drawn < orders:
                customers = draw_customers(seed, chunk, drawn, orders - drawn, effects)
                drawn += int(customers.order_count.sum())
                pending.append(pool.submit(make_chunk, customers, rates, as_text))
            if len(pending) == 3 or drawn >= orders:
                yield pending.popleft().result()
            if not pending:
                return
