"""Credit notes: orders below zero are money, never behaviour; those that name their sale are refunds of it."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from conftest import Warehouse
from inputs import ask_the_dbt_that_stays_up

from customer_value.arrival import check_arrival

HEADER = "order_id,customer_id,ordered_at,gross_amount,discount_amount,cost_amount,currency,status,credited_order_id\n"
START, DAYS = dt.date(2022, 1, 1), 900
CUSTOMERS, RETURNS = 400, 616
AS_OF = "2024-06-30"
VARIABLES = {"as_of_date": AS_OF, "guest_orders": "own_customer"}
MARTS = [
    "customer_value", "customer_value_history", "customer_value_parts", "clv_parameters", "customer_forecasts",
    "tier_thresholds", "tier_migrations", "cohort_retention", "customer_growth", "clv_backtest", "orders",
]  # fmt: skip
BEHAVIOUR = ["customer_value", "clv_parameters", "cohort_retention"]


def test_the_case_and_its_kin_have_their_right_values(credit_notes: Warehouse):
    """Customers a to h are those of the case; h bought at no price."""
    found = credit_notes.rows("""
        select customer_id, order_count, recency_days, net_revenue, monetary, previous_monetary, margin
        from marts.customer_value order by 1
    """)
    expected = {
        "a": (1, 65, "0.00", "0.00", "0.00", "0.00"),
        "b": (1, 38, "50.00", "50.00", "0.00", "15.00"),
        "both": (1, 31, "0.00", "0.00", "0.00", "-12.00"),  # 10 by refund, 20 by credit note, known cost is spent
        "c": (0, None, "-20.00", "-20.00", "0.00", "-6.00"),
        "cancelled": (0, None, "0.00", "0.00", "0.00", "0.00"),  # left out with the order that was no sale
        "credited first": (1, 9, "15.00", "20.00", "-5.00", "4.50"),
        "d": (1, 5, "30.00", "30.00", "0.00", "9.00"),
        "e": (1, 50, "40.00", "40.00", "0.00", "12.00"),
        "euro": (1, 55, "66.00", "66.00", "0.00", "19.80"),  # at the rate of the sale
        "f": (1, 341, "50.00", "50.00", "0.00", "15.00"),
        "g": (1, 8, "0.00", "0.00", "0.00", "0.00"),
        "h": (1, 25, "0.00", "0.00", "0.00", "0.00"),
        "is known": (0, None, "-3.00", "-3.00", "0.00", "-0.90"),
        "named by its sale": (1, 25, "10.00", "10.00", "0.00", "3.00"),  # the credit note names no customer
        "of another": (0, None, "-1.00", "-1.00", "0.00", "-0.30"),
        "of itself": (1, 36, "8.00", "8.00", "0.00", "2.40"),
        "old sale named": (1, 403, "0.00", "0.00", "0.00", "-60.00"),  # in the window of its sale
        "old sale unnamed": (1, 648, "30.00", "-20.00", "50.00", "3.00"),  # on its own date, at its own cost
        "positive": (2, 30, "37.00", "37.00", "0.00", "11.10"),  # what an order at or above zero names says nothing
        "survivor": (1, 34, "20.00", "20.00", "0.00", "6.00"),
        "too early": (1, 32, "10.00", "10.00", "0.00", "3.00"),
    }
    assert found == [(name, *row[:2], *map(Decimal, row[2:])) for name, row in sorted(expected.items())]


def test_who_never_bought_is_a_prospect_without_scores(credit_notes: Warehouse):
    assert credit_notes.rows("""
        select distinct
            lifecycle_stage, tier, rfm_segment, recency_score, frequency_score, monetary_score, first_order_date,
            last_order_date, purchase_days, p_alive, lifetime_value
        from marts.customer_value where customer_id in ('c', 'is known', 'of another')
    """) == [("prospect", *[None] * 7, 0, None, None)]
    cohorts = credit_notes.rows(
        "select cohort_month, customers from marts.cohort_retention where as_of_date = '2024-03-10'"
    )
    assert sum(customers for _, customers in cohorts) == 17
    # before the sale nothing is known of it, and a credit note alone is no first order
    assert credit_notes.rows("""
        select first_order_date, order_count, net_revenue, realised_value from marts.customer_value_history
        where customer_id = 'credited first' and as_of_date = '2023-12-31'
    """) == [(None, 0, Decimal("-5.00"), Decimal("-1.50"))]


def test_the_orders_show_each_credit_note_once(credit_notes: Warehouse):
    """Beside its sale where it names one, else as a row that is no purchase."""
    found = credit_notes.rows("""
        select order_id, is_purchase, refund_amount, net_revenue from marts.orders
        where order_id in ('10', 'C10', '19', 'C19', '5', 'C5', '13', 'C13') order by 1
    """)
    assert found == [
        ("10", True, Decimal("44.00"), Decimal("66.00")),
        ("19", True, Decimal("30.00"), Decimal("0.00")),
        ("5", True, Decimal("0.00"), Decimal("80.00")),
        ("C5", False, Decimal("0.00"), Decimal("-30.00")),
    ]


def test_on_arrival_a_credit_note_that_names_a_sale_is_no_guest(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch):
    """Of three orders without a customer two are bound to be rejected: a sale, and a credit note that names none."""
    rows = "1,a,2024-05-01,10.00,,,,,\n2,,2024-05-01,20.00,,,,,\nC1,,2024-05-02,-4.00,,,,,1\nC,,2024-05-02,-1.00,,,,,\n"
    warehouse.load({"orders": HEADER + rows})
    monkeypatch.setenv("CUSTOMER_VALUE_DATABASE", str(warehouse.database))
    ask_the_dbt_that_stays_up(monkeypatch, warehouse)
    (orders,) = (
        found
        for found in check_arrival.profiles("duckdb", dt.datetime(2030, 1, 1, tzinfo=dt.UTC))
        if found["source"] == "orders"
    )
    assert orders["rejects"]["customer_id"] == {
        "reason": "guest_order", "row_count": 2, "amount": 19.0, "values": [],
    }  # fmt: skip


# --- a generated shop, its returns in three forms


def shop_with_returns() -> tuple[list[tuple], list[tuple]]:
    """Return sales (as in HEADER) and returns (return_id, sale, day, amount), some of no sale, some too early."""
    draw = random.Random(23)
    sales, open_amounts = [], {}
    for number in range(CUSTOMERS):
        customer = f"c{number:03d}" if number % 20 else ""  # guests
        for day in sorted(draw.randrange(DAYS) for _ in range(1 if not customer else draw.choice([1, 1, 2, 3, 5, 9]))):
            gross, discount = draw.randrange(500, 20000), draw.choice([0, 0, 0, 123])
            cost = draw.choice(["", f"{gross // 2 / 100:.2f}"])
            status = draw.choice(["completed"] * 15 + ["cancelled"])
            currency = draw.choice(["USD"] * 5 + ["EUR"])
            sale = (f"s{len(sales):04d}", customer, day, gross, discount, cost, currency, status)
            sales.append(sale)
            open_amounts[sale[0]] = gross - discount
    returns = []
    while len(returns) < RETURNS:
        sale = draw.choice(sales)
        amount = draw.choice([open_amounts[sale[0]], draw.randrange(1, 5000)])
        if 0 < amount <= open_amounts[sale[0]]:
            open_amounts[sale[0]] -= amount
            day = min(sale[2] + draw.choice([-2, 0, 3, 30, 300]), DAYS)
            returns.append((f"r{len(returns):03d}", sale, max(day, 0), amount))
    return sales, returns


def csv(*rows: tuple) -> str:
    """Return rows as lines of a CSV file."""
    return "".join(",".join(map(str, row)) + "\n" for row in rows)


def day_of(number: int) -> dt.date:
    """Return a day of the shop."""
    return START + dt.timedelta(days=number)


def built_as(folder: Path, form: str, marts: list[str]) -> Warehouse:
    """Return the shop with some marts: its returns as refunds, credit notes, unnamed credit notes, or left out."""
    sales, returns = shop_with_returns()
    orders = [
        (key, customer, day_of(day), gross / 100, discount / 100, cost, currency, status, "")
        for key, customer, day, gross, discount, cost, currency, status in sales
    ]
    refunds = []
    for number, (key, sale, day, amount) in enumerate(returns):
        if form == "refunds":
            refunds.append((key, sale[0], day_of(day), amount / 100))
        elif form != "none":
            discount = number % 3 * 50  # given back by the customer, so to say
            named = sale[0] if form == "named" else ""
            amounts = (-(amount + discount) / 100, -discount / 100, -1 if number % 2 else "")
            orders.append((f"n{number:03d}", sale[1], day_of(day), *amounts, sale[6], "", named))
    folder.mkdir()
    warehouse = Warehouse(folder)
    warehouse.load(
        {
            "orders": HEADER + csv(*orders),
            "refunds": "refund_id,order_id,refunded_at,amount\n" + csv(*refunds),
            "exchange_rates": "currency,rate_date,rate_to_reporting\n"
            + csv(*(("EUR", day_of(day), 1.05 + day % 89 / 1000) for day in range(-3, DAYS + 1, 5))),
        }
    )
    warehouse.make(*marts, variables=VARIABLES)
    return warehouse


@pytest.fixture(scope="module")
def unnamed(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Return the shop whose credit notes name no sale."""
    return built_as(tmp_path_factory.mktemp("returns") / "unnamed", "unnamed", BEHAVIOUR)


def rows_of_one_side(one: Warehouse, other: Warehouse, select: str) -> list[tuple]:
    """Return the rows of a query that only one of two warehouses has."""
    with duckdb.connect() as connection:
        for name, warehouse in (("one", one), ("other", other)):
            connection.execute(f"attach '{warehouse.database}' as {name} (read_only)")
        sides = [select.format(marts=f"{name}.marts") for name in ("one", "other")]
        both = f"(({sides[0]}) except all ({sides[1]})) union all (({sides[1]}) except all ({sides[0]}))"
        return connection.execute(both).fetchall()


def test_the_same_returns_as_refunds_or_as_credit_notes_give_the_same_rows(tmp_path: Path):
    refunds, named = (built_as(tmp_path / form, form, MARTS) for form in ("refunds", "named"))
    ((customers, returned),) = named.rows("select count(*), sum(order_count) from marts.customer_value")
    assert (customers, returned) == refunds.rows("select count(*), sum(order_count) from marts.customer_value")[0]
    assert customers == CUSTOMERS
    assert named.rows("select count(*) from intermediate.int_credit_notes where credited_order_id is not null") == [
        (RETURNS,)
    ]
    for mart in MARTS:
        assert rows_of_one_side(refunds, named, f"select * from {{marts}}.{mart}") == [], mart
    assert named.rows("select max(fitted_as_of) is not null from marts.clv_parameters") == [(True,)]


def test_credit_notes_that_name_no_sale_change_money_and_nothing_else(unnamed: Warehouse, tmp_path: Path):
    none = built_as(tmp_path / "none", "none", BEHAVIOUR)
    behaviour = """
        select
            as_of_date, customer_id, recency_days, frequency, recency_score, frequency_score, first_order_date,
            last_order_date, order_count, purchase_days, expected_gap_days, overdue_ratio, p_alive,
            expected_purchases_12m
        from {marts}.customer_value_history where order_count > 0
    """
    fits = "select * exclude (slice_version) from {marts}.clv_parameters"
    cohorts = "select as_of_date, cohort_month, customers, active_customers from {marts}.cohort_retention"
    for select in (behaviour, fits, cohorts):
        assert rows_of_one_side(none, unnamed, select) == []
    assert none.rows("select max(fitted_as_of) is not null from marts.clv_parameters") == [(True,)]
    before, after = (each.rows("select sum(net_revenue) from marts.customer_value")[0][0] for each in (none, unnamed))
    credited = "select sum(net_revenue) from intermediate.int_ledger where entry_type = 'credit_note'"
    assert after - before == unnamed.rows(credited)[0][0] < -10_000


def test_a_credit_note_that_names_no_sale_counts_in_the_window_of_its_own_date(unnamed: Warehouse):
    assert unnamed.rows("""
        with booked as (
            select customer_id, sum(net_revenue) as monetary from intermediate.int_ledger
            where order_date > '2023-06-30' group by 1
        )
        select count(*) from marts.customer_value left join booked using (customer_id)
        where customer_value.monetary <> coalesce(booked.monetary, 0)
    """) == [(0,)]
    assert unnamed.rows("select count(*) from intermediate.int_ledger where order_date <> booked_on") == [(0,)]
