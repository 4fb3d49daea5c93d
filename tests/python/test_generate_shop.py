"""The synthetic shop: exactly repeatable, true to its model, clean where it says so and dirty where it counts."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
import yaml

from customer_value import contract
from customer_value.project import PROJECT
from customer_value.shop import draws, faults, generate_shop, truths

ORDERS = 20_000
VARS = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
REASONS = PROJECT / "seeds" / "reference" / "reject_reasons.csv"
PERIOD = "timestamp '2021-01-01' and timestamp '2024-12-31 23:59:59'"


class Shop:
    """A shop on disk and its Parquet files as views."""

    def __init__(self, folder: Path, **arguments):
        self.folder = folder
        self.counts = generate_shop.write_shop(folder, **{"orders": ORDERS, "seed": 7} | arguments)
        self.connection = duckdb.connect()
        for source in contract.sources():
            self.connection.execute(f"create view {source} as from '{folder}/{source}.parquet'")
        self.connection.execute(f"create view truth as from '{folder}/truth/customers.parquet'")

    def rows(self, query: str) -> list[tuple]:
        """Return a query's rows."""
        return self.connection.execute(query).fetchall()

    def value(self, query: str) -> object:
        """Return the one value of a query."""
        ((value,),) = self.rows(query)
        return value

    def planted(self) -> dict[tuple[str, str], int]:
        """Return {(source, reason): rows} of the dirty shop."""
        with (self.folder / "truth" / "planted.csv").open(encoding="utf-8") as file:
            return {(row["source"], row["reject_reason"]): int(row["rows"]) for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Return a clean shop."""
    return Shop(tmp_path_factory.mktemp("clean"))


@pytest.fixture(scope="module")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Return the same shop with bad rows."""
    return Shop(tmp_path_factory.mktemp("dirty"), dirty=True)


def digests(folder: Path) -> dict[str, str]:
    """Return {file: digest of its bytes}."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


# --- repeatable


@pytest.mark.parametrize("is_dirty", [False, True])
def test_the_same_arguments_write_the_same_bytes(clean: Shop, dirty: Shop, tmp_path: Path, is_dirty: bool):
    generate_shop.write_shop(tmp_path, ORDERS, seed=7, dirty=is_dirty)
    assert digests(tmp_path) == digests(dirty.folder if is_dirty else clean.folder)


def test_many_chunks_are_as_repeatable_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(draws, "CUSTOMERS_PER_CHUNK", 300)
    first = Shop(tmp_path / "first", dirty=True)
    Shop(tmp_path / "second", dirty=True)
    assert digests(tmp_path / "first") == digests(tmp_path / "second")
    for source, keys in faults.KEYS.items():
        if source != "exchange_rates":
            ids = f"select {', '.join(keys)} from {source} where {keys[0]} not like 'x%' and {keys[0]} <> ''"
            copies = first.value(f"select count(*) - count(distinct t) from ({ids}) as t")
            own_order = 0 if source != "order_items" else 200  # planted lines of clean orders
            assert copies <= first.planted()[source, "superseded"] + own_order, source


def test_another_seed_makes_another_shop(clean: Shop, tmp_path: Path):
    generate_shop.write_shop(tmp_path, ORDERS, seed=8)
    same = {file for file, digest in digests(tmp_path).items() if digest == digests(clean.folder)[file]}
    assert not same


@pytest.mark.parametrize("orders", [10_000, 12_345])
def test_there_are_exactly_as_many_orders_as_asked_for(tmp_path: Path, orders: int):
    shop = Shop(tmp_path, orders=orders)
    assert shop.counts["orders"] == orders
    assert shop.value("select count(distinct order_id) from orders") == orders


# --- the clean shop


def test_columns_and_types_are_those_of_the_contract(clean: Shop):
    for source, columns in contract.sources().items():
        found = [(name, kind.lower()) for name, kind, *_ in clean.rows(f"describe {source}")]
        assert found == [
            (column.name, column.data_type.replace("numeric", "decimal").replace(", ", ",")) for column in columns
        ], source


def test_keys_and_required_columns_are_filled_and_keys_unique(clean: Shop):
    for source, columns in contract.sources().items():
        for column in columns:
            if column.required:
                assert clean.value(f"select count(*) from {source} where {column.name} is null") == 0
        keys = ", ".join(faults.KEYS[source])
        assert clean.rows(f"select {keys} from {source} group by all having count(*) > 1") == []


def test_every_date_is_in_the_trading_period(clean: Shop):
    for source, columns in contract.sources().items():
        for column in columns:
            if column.data_type == "timestamp" and column.name != "promised_at":  # a promise may end later
                outside = f"select count(*) from {source} where {column.name} not between {PERIOD}"
                assert clean.value(outside) == 0, (source, column.name)


def test_orders_are_sound(clean: Shop):
    bad = """
        gross_amount <= 0 or gross_amount < discount_amount or discount_amount < 0 or shipping_amount < 0
        or cost_amount < 0 or customer_email is not null or delivered_at < ordered_at or updated_at < ordered_at
        or gross_amount > 10000000
    """
    assert clean.rows(f"select * from orders where {bad}") == []
    known = {*VARS["sale_statuses"], *VARS["other_statuses"]}
    assert {status for (status,) in clean.rows("select distinct status from orders")} <= known


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        ("currency = 'EUR'", 0.06),
        ("currency = 'GBP'", 0.029),
        ("status = 'cancelled'", 0.03),
        ("discount_amount > 0", 0.10),
        ("cost_amount is not null", 0.95),
        ("order_id in (select order_id from order_items)", 0.98),
        ("order_id in (select order_id from refunds)", 0.039),
    ],
)
def test_shares_of_orders_are_those_asked_for(clean: Shop, share: str, expected: float):
    found = clean.value(f"select avg(case when {share} then 1 else 0 end) from orders")
    assert found == pytest.approx(expected, abs=4 * (expected * (1 - expected) / ORDERS) ** 0.5)


def test_lines_sum_to_their_order(clean: Shop):
    wrong = """
        select order_id from order_items join orders using (order_id)
        group by order_id, gross_amount, orders.discount_amount
        having sum(net_amount) <> gross_amount - coalesce(orders.discount_amount, 0)
            or max(line_number) <> count(*) or count(*) > 3 or min(net_amount) <= 0
    """
    assert clean.rows(wrong) == []
    assert clean.rows("from order_items anti join orders using (order_id)") == []


def test_refunds_are_at_most_their_order_and_agree_with_its_status(clean: Shop):
    returned = """
        select order_id, status, gross_amount - coalesce(discount_amount, 0) as net, ordered_at,
            coalesce(sum(amount), 0) as returned, min(amount) as least, min(refunded_at) as first_at, count(amount) as n
        from orders left join refunds using (order_id) group by all
    """
    wrong = """
        returned > net or least <= 0 or first_at < ordered_at or (returned = net) <> (status = 'refunded')
        or (returned > 0 and returned < net) <> (status = 'partially_refunded')
    """
    assert clean.rows(f"from ({returned}) where {wrong}") == []
    assert clean.value(f"select count(*) from ({returned}) where n = 2") > 0
    assert clean.rows("from refunds anti join orders using (order_id)") == []


def assert_rates_are_in_force(shop: Shop):
    """Fail where an order or refund in a foreign currency has no rate of the last seven days."""
    for booked, source in (("ordered_at", "orders"), ("refunded_at", "refunds join orders using (order_id)")):
        stale = f"""
            select count(*) from {source} where currency <> 'USD' and not exists (
                select 1 from exchange_rates as r
                where r.currency = orders.currency and cast({booked} as date) - r.rate_date between 0 and 7
            )
        """
        assert shop.value(stale) == 0, source


def test_every_order_and_refund_in_a_foreign_currency_has_a_rate(
    clean: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert_rates_are_in_force(clean)
    monkeypatch.setattr(draws, "CURRENCY_SHARES", [0, 0, 1])  # many refunds in the hole of the GBP rates
    assert_rates_are_in_force(Shop(tmp_path))


def test_rates_are_of_working_days_and_gbp_has_a_hole(clean: Shop):
    assert clean.value("select count(*) from exchange_rates where isodow(rate_date) > 5 or rate_to_reporting <= 0") == 0
    hole = "rate_date between date '2023-03-01' and date '2023-04-15'"
    assert clean.rows(f"select distinct currency from exchange_rates where {hole}") == [("EUR",)]
    hole = "ordered_at >= timestamp '2023-03-01' and ordered_at < timestamp '2023-04-23'"
    assert clean.value(f"select count(*) from orders where currency = 'GBP' and {hole}") == 0


def test_merges_end_and_reach_three_steps(clean: Shop):
    steps = """
        with recursive walk as (
            select customer_id as start, merged_into_customer_id as reached, 1 as steps
            from customers where merged_into_customer_id is not null
            union all
            select start, merged_into_customer_id, steps + 1 from walk join customers on customer_id = reached
            where merged_into_customer_id is not null and steps < 10
        )
        select max(steps), count(distinct start) from walk
    """
    ((longest, merged),) = clean.rows(steps)
    assert longest == 3
    assert merged == pytest.approx(0.005 * clean.counts["customers"], rel=0.4)
    assert clean.rows("from customers where merged_into_customer_id not in (select customer_id from customers)") == []
    assert clean.rows("from customers anti join orders using (customer_id)") == []


def test_referrers_came_before_those_they_referred(clean: Shop):
    late = """
        from referrals as f join truth as a on a.customer_id = referrer_customer_id
        join truth as b on b.customer_id = referred_customer_id
        where a.first_order_at >= b.first_order_at or f.referred_at > b.first_order_at
    """
    assert clean.rows(late) == []
    assert clean.rows("select referred_customer_id from referrals group by 1 having count(*) > 1") == []
    assert clean.counts["referrals"] == pytest.approx(0.05 * clean.counts["truth/customers"], rel=0.25)


def test_records_surveys_and_events_are_sound(clean: Shop):
    assert (
        clean.value("select count(*) from customers join truth using (customer_id) where created_at > first_order_at")
        == 0
    )
    assert clean.value("select count(*) from customers where email ilike '%test%'") == 0
    assert clean.rows("select survey_type, min(score), max(score) from survey_responses group by 1 order by 1") == [
        ("csat", 1, 5),
        ("nps", clean.value("select min(score) from survey_responses where survey_type = 'nps'"), 10),
    ]
    assert clean.value("select min(score) from survey_responses") >= 0
    assert clean.value("select count(*) from events where is_bot") == 0
    for source in ("marketing_touches", "events", "support_tickets", "survey_responses"):
        assert clean.rows(f"from {source} anti join orders using (customer_id)") == []


# --- the truth


def test_truth_agrees_with_the_orders(clean: Shop):
    facts = """
        select customer_id, count(*) as order_count, min(ordered_at) as first_order_at, max(ordered_at) as last_order_at
        from orders group by 1
    """
    wrong = f"""
        from truth full join ({facts}) as facts using (customer_id)
        where truth.order_count is distinct from facts.order_count
            or truth.first_order_at is distinct from facts.first_order_at
            or cast(last_order_at as date) > dropout_date
            or is_alive_at_end <> (dropout_date > date '2024-12-31')
    """
    assert clean.rows(wrong) == []


def test_orders_and_lifetimes_follow_the_model(clean: Shop):
    # repeat orders per year of life and trade, over all customers, estimate r / alpha
    active = "least(dropout_date, date '2025-01-01') - cast(first_order_at as date)"
    rate = clean.value(f"select sum(order_count - 1) / (sum({active}) / 365) from truth")
    expected = draws.RATE_SHAPE / draws.RATE_SCALE
    assert rate == pytest.approx(expected, rel=0.06)
    assert clean.value("select avg(purchase_rate) from truth") == pytest.approx(expected, rel=0.06)
    # a lifetime beyond t has the chance (beta / (beta + t)) ** s
    for years in (0.5, 1, 2, 5):
        expected = (draws.DROPOUT_SCALE / (draws.DROPOUT_SCALE + years)) ** draws.DROPOUT_SHAPE
        lifetime = "(dropout_date - cast(first_order_at as date))"
        found = clean.value(f"select avg(case when {lifetime} > {365 * years} then 1 else 0 end) from truth")
        assert found == pytest.approx(expected, abs=0.03)


def test_spend_follows_the_model(clean: Shop):
    spend = """
        select customer_id, spend_mean, count(*) as n,
            avg((gross_amount - coalesce(discount_amount, 0)) / spend_mean) as ratio
        from orders join truth using (customer_id) where currency = 'USD' group by all
    """
    assert clean.value(f"select avg(ratio) from ({spend})") == pytest.approx(1, abs=0.03)
    heavy = clean.rows(f"select n, ratio from ({spend}) where n >= 20")
    assert len(heavy) > 50
    for count, ratio in heavy:  # an order's spend has the relative deviation 1 / sqrt(p)
        assert abs(ratio - 1) < 5 / (draws.SPEND_SHAPE * count) ** 0.5
    mean = draws.SPEND_SHAPE * draws.MEAN_SCALE / (draws.MEAN_SHAPE - 1)
    assert clean.value("select avg(spend_mean) from truth") == pytest.approx(mean, rel=0.06)
    in_usd = """
        select avg((gross_amount - coalesce(discount_amount, 0)) * rate_to_reporting / spend_mean)
        from orders asof join exchange_rates as r on r.currency = orders.currency and r.rate_date <= ordered_at
        join truth using (customer_id)
    """
    assert clean.value(in_usd) == pytest.approx(1, abs=0.05)


def test_the_satisfied_score_higher_and_complain_less(clean: Shop):
    answers = "(from survey_responses where survey_type = 'nps')"
    score = f"select corr(score, satisfaction) from {answers} join truth using (customer_id)"
    assert clean.value(score) > 0.5
    complaint = "select corr(is_complaint::int, satisfaction) from support_tickets join truth using (customer_id)"
    assert clean.value(complaint) < -0.1


# --- the columns that came later


def test_promises_and_shipping_are_sound(clean: Shop):
    wrong = """
        promised_at is null or promised_at < ordered_at or shipped_at < ordered_at or shipped_at > delivered_at
        or (shipped_at is null) <> (status = 'cancelled') or payment_method is null
    """
    assert clean.rows(f"from orders where {wrong}") == []
    late = clean.value("select avg(case when delivered_at > promised_at then 1 else 0 end) from orders")
    assert late == pytest.approx(draws.LATE, abs=0.01)
    assert clean.value("select count(distinct payment_method) from orders") == 3


def test_contacts_and_consents_are_sound(clean: Shop):
    wrong = """
        (email_consent is null) <> (consent_updated_at is null) or country is null or language is null
        or consent_updated_at < created_at or (sms_consent is not null and (phone is null or email_consent is null))
        or (unsubscribed_at is not null and (email_consent or unsubscribed_at <> consent_updated_at))
    """
    assert clean.rows(f"from customers where {wrong}") == []
    assert clean.value("select count(phone) - count(distinct phone) from customers") == 0
    for column, share in [("phone", 0.7), ("email_consent", 0.9), ("sms_consent", 0.63), ("unsubscribed_at", 0.135)]:
        assert clean.value(f"select count({column}) / count(*) from customers") == pytest.approx(share, abs=0.03), (
            column
        )
    agrees = clean.rows("select avg(email_consent::int), avg(sms_consent::int) from customers")
    assert agrees[0] == pytest.approx((0.7, 0.3), abs=0.04)


def test_a_product_has_one_brand_and_each_category_the_companys_own(clean: Shop):
    products = (
        "select product_id from order_items group by 1 having count(distinct brand) > 1 or count(brand) < count(*)"
    )
    assert clean.rows(products) == []
    own = "select distinct brand, is_private_label from order_items where is_private_label or brand = 'own'"
    assert clean.rows(own) == [("own", True)]
    brands = "select distinct count(distinct brand) from order_items group by category"
    assert clean.rows(brands) == [(len(draws.BRANDS),)]


def test_tickets_are_answered_before_they_are_resolved(clean: Shop):
    wrong = """
        first_responded_at < opened_at or first_responded_at > resolved_at or channel is null
        or (was_reopened is null) <> (resolved_at is null) or (first_responded_at is null and resolved_at is not null)
    """
    assert clean.rows(f"from support_tickets where {wrong}") == []
    reopened = clean.value("select avg(was_reopened::int) from support_tickets")
    assert reopened == pytest.approx(draws.REOPENED, abs=0.03)


def test_an_answer_is_about_a_ticket_just_resolved_or_about_an_order(clean: Shop):
    assert clean.rows("from survey_responses where (order_id is null) = (ticket_id is null)") == []
    of_others = """
        from survey_responses as a
        left join orders as o using (order_id) left join support_tickets as t using (ticket_id)
        where a.customer_id <> coalesce(o.customer_id, t.customer_id) or coalesce(o.customer_id, t.customer_id) is null
            or responded_at < coalesce(o.ordered_at, t.resolved_at) or responded_at > t.resolved_at + interval 30 day
    """
    assert clean.rows(of_others) == []
    assert clean.value("select count(ticket_id) from survey_responses") > 20
    missed = """
        select count(*) from survey_responses as a join support_tickets as t using (customer_id)
        where a.order_id is not null and responded_at between resolved_at and resolved_at + interval 30 day
    """
    assert clean.value(missed) == 0


# --- what is true beyond the model

# columns of the contract that came later; their values are drawn after all others, from streams of their own
LATER = {
    "orders": ["payment_method", "promised_at", "shipped_at"],
    "order_items": ["brand", "is_private_label"],
    "customers": [
        "phone", "country", "language", "email_consent", "sms_consent", "consent_updated_at", "unsubscribed_at",
    ],
    "support_tickets": ["first_responded_at", "channel", "was_reopened"],
    "survey_responses": ["order_id", "ticket_id"],
}  # fmt: skip
# The values of the other columns in a shop without truths, as they were before there were any. The bench, the
# pages and the oracle seeds rest on them; another numpy may draw others, and then these change too.
BEFORE = {
    "orders": "a2885ba30114", "order_items": "458c1665513f", "customers": "9dea486fa104", "refunds": "220d87a486c4",
    "marketing_touches": "9cb7fb696879", "events": "1555e6a90170", "support_tickets": "401013f1f873",
    "survey_responses": "19b45c28e07e", "referrals": "b9368549ff49", "exchange_rates": "7c40012a1d74",
}  # fmt: skip


def digest(shop: Shop, source: str) -> str:
    """Return a digest of the values in a source's older columns, as text and in any order of the rows."""
    columns = [column.name for column in contract.sources()[source] if column.name not in LATER.get(source, [])]
    texts = ", ".join(f"coalesce(cast({column} as varchar), '-')" for column in columns)
    row = f"md5(concat_ws('|', {texts}))"
    return shop.value(f"select md5(string_agg({row}, '' order by {row})) from {source}")[:12]


@pytest.fixture(scope="module")
def untrue(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Return the clean shop without any truth beyond the model."""
    return Shop(tmp_path_factory.mktemp("untrue"), effects=truths.NONE)


def test_what_came_later_leaves_the_values_of_before_as_they_were(untrue: Shop):
    assert {source: digest(untrue, source) for source in contract.sources()} == BEFORE


def test_truths_choose_who_and_leave_orders_and_what_they_bring_alone(clean: Shop, untrue: Shop):
    changed = set()
    for source in [*contract.sources(), "truth"]:
        names = [name for name, *_ in clean.rows(f"describe {source}")]
        one, other = (shop.rows(f"select columns(*)::varchar from {source}") for shop in (clean, untrue))
        if len(one) != len(other):
            changed.add((source, "rows"))
            continue
        columns = zip(names, zip(*one, strict=True), zip(*other, strict=True), strict=True)
        changed |= {(source, name) for name, here, there in columns if here != there}
    assert changed == {
        ("orders", "gross_amount"), ("orders", "discount_amount"), ("order_items", "discount_amount"),
        ("support_tickets", "is_complaint"), ("survey_responses", "score"), ("referrals", "rows"),
        ("truth", "satisfaction"),
    }  # fmt: skip
    net = "select order_id, gross_amount - coalesce(discount_amount, 0) from orders"
    assert clean.rows(net) == untrue.rows(net)
    of_all = "select avg(satisfaction), stddev(satisfaction), avg(patience), stddev(patience) from truth"
    assert clean.rows(of_all)[0] == pytest.approx(untrue.rows(of_all)[0], abs=0.01)  # of a whole chunk exactly


def effect(one: pd.Series, other: pd.Series) -> float:
    """Return how many standard errors the mean of one group is above that of the other."""
    return (one.mean() - other.mean()) / (one.var() / len(one) + other.var() / len(other)) ** 0.5


def read(folder: Path, source: str) -> pd.DataFrame:
    return pd.read_parquet(folder / f"{source}.parquet")


def churn_effect(folder: Path) -> float:
    """Those whose first answer is low leave within a year more often than those whose first answer is high."""
    answers = read(folder, "survey_responses").sort_values("responded_at").drop_duplicates("customer_id")
    answers = answers[answers["responded_at"] < "2024-01-01"].merge(read(folder, "truth/customers"), on="customer_id")
    share = np.where(answers["survey_type"] == "nps", answers["score"] / 10, (answers["score"] - 1) / 4)
    until = answers["responded_at"] + pd.Timedelta(days=365)
    has_left = (pd.to_datetime(answers["dropout_date"]) < until).astype(float)
    return effect(has_left[share < 0.6], has_left[share >= 0.8])


def is_known_to_be_late(answers: pd.DataFrame) -> pd.Series:
    """Say which answers are about an order whose promise has ended before they came, and before the order did."""
    arrived = answers["delivered_at"].fillna(pd.Timestamp("2100-01-01"))
    is_late = (arrived > answers["promised_at"]) & (answers["responded_at"] > answers["promised_at"])
    return is_late & (answers["status"] != "cancelled")


def lateness_effect(folder: Path) -> float:
    """Answers about an order that was late by then are lower than about the others."""
    answers = read(folder, "survey_responses").merge(read(folder, "orders"), on="order_id")
    share = answers["score"].where(answers["survey_type"] == "nps", (answers["score"] - 1) * 2.5)
    is_late = is_known_to_be_late(answers)
    return effect(share[~is_late], share[is_late])


def first_orders(folder: Path) -> pd.DataFrame:
    """Return the first order of each customer, with the truth about them and their days until the last order."""
    orders = read(folder, "orders").sort_values("ordered_at", kind="stable")
    firsts = orders.drop_duplicates("customer_id").merge(read(folder, "truth/customers"), on="customer_id")
    firsts = firsts.merge(orders.groupby("customer_id")["ordered_at"].max().rename("last_order_at"), on="customer_id")
    firsts["net"] = firsts["gross_amount"].astype(float) - firsts["discount_amount"].fillna(0).astype(float)
    return firsts.assign(active_days=(firsts["last_order_at"] - firsts["ordered_at"]).dt.days.astype(float))


def discount_effect(folder: Path) -> float:
    """Customers won with a discount have fewer days between their first and last order."""
    firsts = first_orders(folder)
    is_discounted = firsts["discount_amount"].notna()
    return effect(firsts["active_days"][~is_discounted], firsts["active_days"][is_discounted])


def referral_effect(folder: Path) -> float:
    """Referred customers order more often, for more, for longer: the smallest of the three differences."""
    firsts = first_orders(folder)
    is_referred = firsts["customer_id"].isin(read(folder, "referrals")["referred_customer_id"])
    measures = [firsts["order_count"].astype(float), firsts["net"], firsts["active_days"]]
    return min(effect(measure[is_referred], measure[~is_referred]) for measure in measures)


EFFECTS = {
    "churn": churn_effect, "lateness": lateness_effect, "discounts": discount_effect, "referrals": referral_effect,
}  # fmt: skip


@pytest.mark.parametrize("truth", EFFECTS)
def test_a_truth_is_found_in_the_files_and_not_where_it_is_off(tmp_path: Path, truth: str):
    """The others stay on, so that each is shown to be its own."""
    generate_shop.write_shop(tmp_path / "on", 2 * ORDERS, seed=7)
    off = dataclasses.replace(truths.ALL, **{truth: 0.0})
    generate_shop.write_shop(tmp_path / "off", 2 * ORDERS, seed=7, effects=off)
    assert EFFECTS[truth](tmp_path / "on") > 4
    assert abs(EFFECTS[truth](tmp_path / "off")) < 2.6


def test_only_who_answers_about_an_order_that_is_late_scores_lower(clean: Shop, tmp_path: Path):
    on_time = Shop(tmp_path, effects=dataclasses.replace(truths.ALL, lateness=0.0))
    answers = read(clean.folder, "survey_responses").merge(read(clean.folder, "orders"), on="order_id", how="left")
    answers["less"] = read(tmp_path, "survey_responses")["score"] - answers["score"]
    is_late = is_known_to_be_late(answers)
    assert set(answers["less"][~is_late]) == {0}
    assert set(answers["less"][is_late]) <= {0, 1, 2}
    assert answers["less"][is_late & (answers["survey_type"] == "nps") & (answers["score"] > 0)].eq(2).mean() > 0.9
    assert on_time.counts == clean.counts


def test_satisfaction_and_lifetime_have_the_correlation_that_is_asked_for():
    draw = np.random.default_rng(1)
    drawn, lifetime = draw.beta(6, 3, 20_000), draw.exponential(1, 20_000)
    for correlation in (0.0, 0.6, 0.9):
        dealt = truths.dealt_by_lifetime(drawn, lifetime, correlation)
        assert (np.sort(dealt) == np.sort(drawn)).all()
        found = np.corrcoef(truths.normal_scores(dealt), truths.normal_scores(lifetime))[0, 1]
        assert found == pytest.approx(correlation, abs=0.02)
    assert truths.tilt(truths.shares(lifetime), 2.0).mean() == pytest.approx(1, abs=0.001)
    assert set(truths.tilt(truths.shares(lifetime), 0.0)) == {1.0}


def test_the_command_turns_truths_off(tmp_path: Path, untrue: Shop):
    script = PROJECT / "scripts" / "generate_shop.py"
    without = ["--without", "churn", "lateness", "discounts", "referrals"]
    arguments = [tmp_path / "shop", "--orders", str(ORDERS), "--seed", "7", *without]
    subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True, check=True)
    assert digests(tmp_path / "shop") == digests(untrue.folder)


# --- the dirty shop


def test_a_dirty_shop_is_the_clean_one_and_the_planted_rows(clean: Shop, dirty: Shop):
    dirty.connection.execute(f"set file_search_path = '{clean.folder}'")
    for source, columns in contract.sources().items():
        names = ", ".join(f"cast({column.name} as varchar) as {column.name}" for column in columns)
        clean_rows = f"select {names} from '{clean.folder}/{source}.parquet'"
        assert dirty.value(f"select count(*) from ({clean_rows} except all from {source})") == 0, source
        planted = sum(rows for (where, _), rows in dirty.planted().items() if where == source)
        with_two_reasons = source in faults.TWO_FAULTS
        assert dirty.counts[source] - clean.counts[source] == planted - with_two_reasons, source
        assert {kind for _, kind, *_ in dirty.rows(f"describe {source}")} == {"VARCHAR"}
    assert digests(clean.folder)["truth/customers.parquet"] == digests(dirty.folder)["truth/customers.parquet"]


def test_every_reject_reason_is_planted_at_least_three_times(dirty: Shop):
    with REASONS.open(encoding="utf-8") as file:
        known = {row["reject_reason"] for row in csv.DictReader(file)}
    assert {reason for _, reason in dirty.planted()} == known
    assert min(dirty.planted().values()) >= 3


@pytest.mark.parametrize(
    ("source", "reason", "query"),
    [
        ("orders", "guest_order", "select count(*) from orders where customer_id is null"),
        ("orders", "unknown_status", "select count(*) from orders where status = 'teleported'"),
        (
            "orders",
            "dates_out_of_order",
            f"select count(*) from orders where '{faults.BEFORE_SHOP}' in (promised_at, shipped_at, delivered_at)",
        ),
        (
            "support_tickets",
            "dates_out_of_order",
            f"select count(*) from support_tickets where '{faults.BEFORE_SHOP}' in (first_responded_at, resolved_at)",
        ),
        ("orders", "unknown_currency", "select count(*) from orders where currency = 'XXX'"),
        (
            "orders",
            "missing_rate",
            """
            select count(*) from orders where currency = 'GBP' and ordered_at between '2023-03-09' and '2023-04-16'
            """,
        ),
        ("events", "bot", "select count(*) from events where is_bot = 'true'"),
        ("events", "missing_key", "select count(*) from events where coalesce(event_id, '') = ''"),
        (
            "customers",
            "merged_into_itself",
            "select count(*) from customers where merged_into_customer_id = customer_id",
        ),
        ("customers", "test_customer", "select count(*) from customers where email like '%test@shop.example'"),
        (
            "customers",
            "merge_loop",
            """
            select count(*) from customers as a
            join customers as b on b.customer_id = a.merged_into_customer_id and b.customer_id <> a.customer_id
            left join customers as c on c.customer_id = b.merged_into_customer_id
            where a.customer_id in (b.merged_into_customer_id, c.merged_into_customer_id)
            """,
        ),
        (
            "referrals",
            "self_referral",
            "select count(*) from referrals where referrer_customer_id = referred_customer_id",
        ),
        (
            "referrals",
            "already_referred",
            """
            select coalesce(sum(n - 1), 0) from (
                select count(*) as n, count(distinct referrer_customer_id) as referrers from referrals
                where try_cast(referred_at as timestamp) between '2021-01-01' and '2024-12-31'
                group by referred_customer_id having referrers > 1
            )
            """,
        ),
        (
            "order_items",
            "unknown_order",
            "select count(*) from (from order_items where order_id <> '') anti join orders using (order_id)",
        ),
        (
            "refunds",
            "order_rejected",
            "select count(*) from refunds semi join (from orders where status = 'teleported') using (order_id)",
        ),
        (
            "refunds",
            "refund_above_order",
            r"""
            select count(distinct refund_id) from refunds join orders using (order_id)
            where regexp_full_match(amount, '\d+\.\d\d') and amount <> '10000000.01'
                and try_cast(amount as decimal(18, 2)) > try_cast(gross_amount as decimal(18, 2))
                    - coalesce(try_cast(discount_amount as decimal(18, 2)), 0)
                    + try_cast(shipping_amount as decimal(18, 2))
                and refund_id like 'x%'
            """,
        ),
    ],
)  # fmt: skip
def test_planted_counts_are_what_the_files_hold(dirty: Shop, source: str, reason: str, query: str):
    assert dirty.value(query) == dirty.planted()[source, reason]


def test_every_spelling_of_a_bad_value_is_planted(dirty: Shop):
    held = {
        text
        for source, columns in contract.sources().items()
        for column in columns
        if column.data_type != "varchar"
        for (text,) in dirty.rows(f"select distinct {column.name} from {source}")
    }
    assert held >= {*faults.BAD_DATES, *faults.BAD_NUMBERS, *faults.NOT_FINITE, "4.5", "good"}


def test_planted_rows_leave_clean_orders_alone(dirty: Shop):
    # each rejected refund and line has an order of its own that has no other
    shared = """
        select order_id from (from refunds where refund_id like 'x%') join (select distinct order_id from orders)
        using (order_id) where order_id not like 'x%' group by 1 having count(*) > 1
    """
    assert dirty.rows(shared) == []
    refunded = """
        select count(*) from refunds as bad join refunds as good using (order_id)
        where bad.refund_id like 'x%' and good.refund_id not like 'x%' and good.refund_id <> ''
    """
    assert dirty.value(refunded) == 0
    # planted lines carry no discount of the order's own lines: their orders come without any
    lines = """
        select order_id, count(*) as n, count(distinct product_id) as products from order_items
        where order_id in (
            select order_id from (from order_items where try_cast(net_amount as decimal(18, 2)) is null)
        ) group by 1
    """
    assert {n for _, n, _ in dirty.rows(lines)} == {1}


# --- arguments


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"orders": 9_999}, "--orders must be from 10,000 to 100,000,000, not 9,999"),
        ({"orders": 100_000_001}, "not 100,000,001"),
        ({"orders": 10_000, "seed": -1}, "--seed must be 0 or more, not -1"),
    ],
)
def test_bad_arguments_are_refused(tmp_path: Path, arguments: dict, words: str):
    with pytest.raises(generate_shop.ShopError, match=words):
        generate_shop.write_shop(tmp_path / "shop", **arguments)
    assert not (tmp_path / "shop").exists()


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path: Path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(generate_shop.ShopError, match=r"holds other files \(thesis.txt\)"):
        generate_shop.write_shop(tmp_path, 10_000)
    with pytest.raises(generate_shop.ShopError, match="is a file"):
        generate_shop.write_shop(tmp_path / "thesis.txt", 10_000)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_the_command_replaces_an_older_shop_and_prints_rows(tmp_path: Path):
    script = PROJECT / "scripts" / "generate_shop.py"
    generate_shop.write_shop(tmp_path, 10_000, dirty=True)
    output = subprocess.run(
        [sys.executable, script, tmp_path, "--orders", "10000"], capture_output=True, text=True, check=True
    ).stdout
    assert "orders                   10,000 rows" in output
    assert "seconds" in output
    assert not (tmp_path / "truth" / "planted.csv").exists()
    refused = subprocess.run([sys.executable, script, tmp_path, "--orders", "5"], capture_output=True, text=True)
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: --orders must be")
