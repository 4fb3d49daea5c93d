"""customer_value_history recomputed from the definitions and the raw tables, without any of the project's SQL.

Amounts are integer cents here, days integers since 1970, shares fractions, ranks come from scipy: nothing rounds unless
the definition does.
"""

from __future__ import annotations

import collections
import datetime as dt
import functools
from collections.abc import Callable, Iterator
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import yaml
from dateutil.relativedelta import relativedelta
from scipy.stats import rankdata
from stage_oracle import COLUMNS, Stages

from customer_value.project import PROJECT

if TYPE_CHECKING:
    from conftest import Warehouse

VARS = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
REFERENCE = PROJECT / "seeds" / "reference"

SEGMENTS = {
    tuple(row[:3]): row[3] for row in pd.read_csv(REFERENCE / "rfm_segments.csv").itertuples(index=False, name=None)
}
MEASURES = {"recency": "recency_days", "frequency": "frequency", "monetary": "monetary"}
NEVER = np.iinfo(np.int64).max  # a day that does not come

# the columns of customer_value_history, by how they are compared
DATES = ["as_of_date", "first_order_date", "last_order_date", "last_activity_date"]
TEXTS = [
    "tier", "raw_tier", "abc_tier", "rfm_segment", "lifecycle_stage",
    "opening_tier", "opening_raw_tier", "opening_rfm_segment", "opening_lifecycle_stage",
]  # fmt: skip
NUMBERS = [
    "recency_score", "frequency_score", "monetary_score", "recency_days", "frequency", "order_count", "purchase_days",
]  # fmt: skip
TRUTHS = ["margin_is_estimated", "is_reactivated"]
MONEY = [
    "monetary", "previous_monetary", "window_margin", "net_revenue", "margin", "realised_value",
    "opening_net_revenue", "opening_monetary",
]  # fmt: skip
DOUBLES = ["overdue_ratio", "expected_gap_days"]
# what depends on fitted parameters is recomputed in test_clv_models.py and test_order_chances.py
FORECASTS = [
    "p_alive", "lifetime_value", "lifetime_value_low", "lifetime_value_high", "revenue_at_risk", "acquisition_cost",
    "expected_spend", "expected_next_order_date", "clv_state", "spend_state",
    *(f"{name}_{months}m" for name in ("expected_purchases", "residual_value") for months in (3, 6, 12, 24, 36)),
    "p_order_3m", "p_order_6m", "p_order_12m", "p_order_state", "churn_risk",
]  # fmt: skip
# the columns of tier_thresholds, with what one of its units is here
THRESHOLDS = {"customers": 1, "abc_value_a": 100, "abc_value_b": 100, "population_mean_gap_days": 1}
THRESHOLDS |= dict.fromkeys(COLUMNS, 1)
SPLITS = [f"{name}_score_{score}_customer_id" for name in MEASURES for score in range(2, 6)]
THRESHOLDS |= {f"{name}_score_{score}": 100 if name == "monetary" else 1 for name in MEASURES for score in range(2, 6)}


def cents(amount: object) -> int | None:
    """Return an amount in cents, None for a missing one."""
    if amount is None or amount != amount:  # NaN is not itself
        return None
    return int((Decimal(str(amount)) * 100).to_integral_value(ROUND_HALF_UP))


def days_of(times: pd.Series) -> list[int | None]:
    """Return the days of times, counted from 1970, None for a missing one."""
    days = (pd.to_datetime(times, format="ISO8601") - pd.Timestamp(0)).dt.days
    return [None if pd.isna(day) else int(day) for day in days]


def day_of(date: dt.date) -> int:
    """Return a date's day, counted from 1970."""
    return (date - dt.date(1970, 1, 1)).days


def date_of(day: int) -> dt.date:
    """Return the date of a day counted from 1970."""
    return dt.date(1970, 1, 1) + dt.timedelta(days=int(day))


def dates(days: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return days as dates, None where not known."""
    return np.array([date_of(day) if yes else None for day, yes in zip(days, known, strict=True)], dtype=object)


# --- the single judgements


def estimated_margin(revenue_cents: int, rate: float) -> int:
    """Return net revenue * rate in cents, halves away from zero."""
    return int((Decimal(revenue_cents) * Decimal(str(rate))).to_integral_value(ROUND_HALF_UP))


def midrank_scores(values: np.ndarray) -> np.ndarray:
    """Return scores 1 to 5 of values, larger is better: 1 + floor(5 (r - 0.5) / n), r the mean rank."""
    twice_ranks = np.rint(2 * rankdata(values, method="average")).astype(np.int64)
    return 1 + 5 * (twice_ranks - 1) // (2 * len(values))


def ntile_scores(values: np.ndarray) -> np.ndarray:
    """Return scores 1 to 5 of equal-sized groups; values in the order of customer_id, which breaks ties."""
    scores = np.zeros(len(values), dtype=np.int64)
    for score, group in enumerate(np.array_split(np.argsort(values, kind="stable"), 5), start=1):
        scores[group] = score
    return scores


def cutoff_scores(values: np.ndarray, thresholds: list[float]) -> np.ndarray:
    """Return 1 plus the number of thresholds reached, larger is better."""
    return 1 + sum((values >= threshold).astype(np.int64) for threshold in thresholds)


def score_methods(measure: str) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Return the values of var rfm_method, each with the function that scores the values of a measure."""
    return {
        "midrank": midrank_scores,
        "ntile": ntile_scores,
        "cutoffs": functools.partial(cutoff_scores, thresholds=_cutoffs(measure)),
    }


def abc_tiers(values: np.ndarray, cutoff_a: float, cutoff_b: float) -> np.ndarray:
    """Return the tiers of values in cents; a share counts what is strictly ahead."""
    counts = collections.Counter(values.tolist())
    total = sum(value * count for value, count in counts.items() if value > 0)
    tiers, ahead = {}, 0
    for value in sorted(counts, reverse=True):
        share = Fraction(ahead, total) if total > 0 else None
        if value <= 0:
            tiers[value] = "C"
        else:
            tiers[value] = "A" if share < Fraction(str(cutoff_a)) else "B" if share < Fraction(str(cutoff_b)) else "C"
        ahead += max(value, 0) * counts[value]
    return np.array([tiers[value] for value in values.tolist()], dtype=object)


def raw_tier(abc_tier: str, frequency_score: int) -> str:
    """Return the raw tier: the ABC tier, held back or lifted by the frequency score."""
    if abc_tier == "A":
        return "A" if frequency_score >= 3 else "B"
    if abc_tier == "B":
        return "B" if frequency_score >= 2 else "C"
    return "B" if frequency_score >= 4 else "C"


def lifecycle_stage(row: dict, settings: dict, learned: dict) -> str:
    """Return the first stage that holds; row: a customer's facts; learned: thresholds, None is reached by nobody."""
    churned, decline, fallen = (
        learned[name] for name in ("churned_overdue_ratio", "decline_overdue_ratio", "decline_revenue_ratio")
    )
    overdue = row["overdue_ratio"]  # NaN, no rhythm known, is never overdue
    if row["order_count"] == 0:
        return "prospect"
    if churned is not None and overdue >= churned and row["recency_days"] > settings["churned_min_recency_days"]:
        return "churned"
    if decline is not None and overdue >= decline:
        return "decline"
    previous = row["previous_monetary"]
    if fallen is not None and previous > 0 and row["monetary"] < Fraction(str(fallen)) * previous:
        return "decline"
    if row["order_count"] >= settings["stability_min_orders"]:
        return "stability"
    return "formation" if row["order_count"] >= settings["formation_min_orders"] else "exploration"


# --- what was sold


def survivors(raw: dict[str, pd.DataFrame]) -> dict[str, str]:
    """Return {customer_id: who is left after all merges} of merged customers."""
    merges = {
        str(record["customer_id"]): str(record["merged_into_customer_id"])
        for record in raw["customers"].to_dict("records")
        if isinstance(record.get("merged_into_customer_id"), str)
    }

    def last(customer: str) -> str:
        return last(merges[customer]) if customer in merges else customer

    return {customer: last(customer) for customer in merges}


class Rates:
    """Exchange rates to the reporting currency, by day; a day without one takes the last of the days before."""

    def __init__(self, raw: dict[str, pd.DataFrame], settings: dict):
        self.reporting, self.max_age = settings["reporting_currency"], settings["exchange_rate_max_age_days"]
        self.rates = {
            (rate["currency"], day): Decimal(str(rate["rate_to_reporting"]))
            for rate, day in _with_days(raw["exchange_rates"], "rate_date")
        }

    def of(self, currency: object, order_day: int) -> Decimal:
        """Return the rate; KeyError where there is none: an order without a rate is rejected, not converted."""
        if not isinstance(currency, str) or currency.strip().upper() == self.reporting:
            return Decimal(1)
        for age in range(self.max_age + 1):
            rate = self.rates.get((currency, order_day - age))
            if rate is not None:
                return rate
        raise KeyError((currency, order_day))


def converted(amount_cents: int | None, rate: Decimal) -> int | None:
    """Return cents of the reporting currency, halves away from zero."""
    return None if amount_cents is None else int((amount_cents * rate).to_integral_value(ROUND_HALF_UP))


def costs_of_lines(raw: dict[str, pd.DataFrame]) -> dict[str, int]:
    """Return {order_id: cost in cents} of the orders whose lines all have a cost."""
    lines, costs = raw["order_items"][["order_id", "cost_amount"]], collections.Counter()
    for order, cost in lines.dropna(subset="cost_amount").itertuples(index=False, name=None):
        costs[str(order)] += cents(cost)
    if costs:
        for order in lines.loc[lines["cost_amount"].isna(), "order_id"]:
            costs.pop(str(order), None)
    return dict(costs)


def credited_orders(raw: dict[str, pd.DataFrame]) -> dict[str, dict]:
    """Return {order_id: the order that it credits} of orders below zero: another one of their customer, if any."""
    merged = survivors(raw)
    by_id = {str(order["order_id"]): order for order in raw["orders"].to_dict("records")}

    def customer(order: dict) -> str:
        return merged.get(str(order["customer_id"]), str(order["customer_id"]))

    found = {}
    for order_id, order in by_id.items():
        named = by_id.get(str(order["credited_order_id"]), order)
        is_theirs = pd.isna(order["customer_id"]) or customer(order) == customer(named)
        if cents(order["gross_amount"]) < 0 <= cents(named["gross_amount"]) and is_theirs:
            found[order_id] = named
    return found


def read_entries(raw: dict[str, pd.DataFrame], settings: dict) -> pd.DataFrame:
    """Return one row per sale, per refund of a sale and per credit note.

    customer_id, is_sale (and no credit note), order_day (of the sale, for its refunds too), booked_on (the day that it
    counts from), revenue, margin (both in cents, of a refund negative), is_estimated (the cost of the sale is unknown).
    """
    rates, merged, line_costs = Rates(raw, settings), survivors(raw), costs_of_lines(raw)
    estimate = settings["default_margin_rate"]
    credited, sales, entries = credited_orders(raw), {}, []
    given_back = list(_with_days(raw["refunds"], "refunded_at"))
    for order, ordered in _with_days(raw["orders"], "ordered_at"):
        status, customer = order["status"], str(order["customer_id"])
        if isinstance(status, str) and status.strip().lower() not in settings["sale_statuses"]:
            continue
        if str(order["order_id"]) in credited:
            sale = credited[str(order["order_id"])]
            if str(order["currency"]) != str(sale["currency"]):
                raise NotImplementedError("a credit note in another currency than its sale")
            amount = Decimal(-cents(order["gross_amount"]) + (cents(order["discount_amount"]) or 0)) / 100
            given_back.append(({"order_id": sale["order_id"], "amount": amount}, ordered))
            continue
        stated = cents(order["cost_amount"])
        rate = rates.of(order["currency"], ordered)
        cost = converted(line_costs.get(str(order["order_id"])) if stated is None else stated, rate)
        discount = converted(cents(order["discount_amount"]) or 0, rate)
        revenue = converted(cents(order["gross_amount"]), rate) - discount
        margin = estimated_margin(revenue, estimate) if cost is None else revenue - cost
        customer = merged.get(customer, customer)
        is_sale = cents(order["gross_amount"]) >= 0
        if is_sale:
            sales[str(order["order_id"])] = (customer, ordered, rate, cost is None)
        entries.append((customer, is_sale, ordered, ordered, revenue, margin, cost is None))
    for refund, refunded in given_back:
        if str(refund["order_id"]) not in sales:
            continue
        customer, ordered, rate, is_estimated = sales[str(refund["order_id"])]
        revenue = -converted(cents(refund["amount"]), rate)
        margin = estimated_margin(revenue, estimate) if is_estimated else revenue
        booked = max(refunded, ordered)  # money cannot come back before it came in
        entries.append((customer, False, ordered, booked, revenue, margin, is_estimated))
    columns = ["customer_id", "is_sale", "order_day", "booked_on", "revenue", "margin", "is_estimated"]
    return pd.DataFrame(entries, columns=columns).astype({"customer_id": object})


def known_from(raw: dict[str, pd.DataFrame]) -> dict[str, int]:
    """Return {customer_id: day from which the customer is known}, by customer_id; undated records from the start."""
    merged, credited = survivors(raw), credited_orders(raw)
    firsts = collections.defaultdict(lambda: NEVER)
    for source, column in [("orders", "ordered_at"), ("customers", "created_at")]:
        for record, day in _with_days(raw[source], column):
            if source == "orders" and str(record["order_id"]) in credited:
                continue
            customer = merged.get(str(record["customer_id"]), str(record["customer_id"]))
            firsts[customer] = min(firsts[customer], -NEVER if day is None else day)
    return dict(sorted(firsts.items()))


def _with_days(rows: pd.DataFrame, column: str) -> Iterator[tuple[dict, int | None]]:
    """Return each row, and the day of its column."""
    return zip(rows.to_dict("records"), days_of(rows[column]), strict=True)


# --- the history


class History:
    """What customer_value_history and tier_thresholds must hold.

    raw: {source: DataFrame} of orders, order_items, customers, refunds and exchange_rates; good rows alone.
    variables: vars that differ from dbt_project.yml.
    """

    def __init__(self, raw: dict[str, pd.DataFrame], variables: dict | None = None):
        self.settings = settings = VARS | (variables or {})
        known = known_from(raw)
        self.customers = np.array(list(known), dtype=object)  # all arrays below are in this order
        self.known_from = np.array(list(known.values()), dtype=np.int64)
        self.entries = read_entries(raw, settings)
        self.entries["customer"] = self.entries["customer_id"].map({c: i for i, c in enumerate(known)}).astype(np.int64)
        # one row per customer and day with a sale, and the days since the one before
        days = self.entries.loc[self.entries["is_sale"], ["customer", "order_day"]].drop_duplicates()
        self.days = days.sort_values(["customer", "order_day"], ignore_index=True)
        self.days["gap"] = self.days.groupby("customer")["order_day"].diff()
        first_sales = self.days.drop_duplicates("customer").set_index("customer")["order_day"]
        days_since = self.entries["booked_on"] - self.entries["customer"].map(first_sales)
        years = days_since.clip(lower=0).fillna(0) / 365  # what comes before the first sale counts as it is
        self.entries["discounted"] = self.entries["margin"] * (1 + settings["annual_discount_rate"]) ** -years
        order_days = days_of(raw["orders"]["ordered_at"])  # of any status
        self.first_order_date, self.last_order_date = date_of(min(order_days)), date_of(max(order_days))
        self._slices: dict[dt.date, pd.DataFrame] = {}
        self._measured: dict[dt.date, pd.DataFrame] = {}
        self.stages = Stages(self)
        self._abc_values: dict[dt.date, list[int]] = {}  # least value that is A, and A or B

    @functools.cached_property
    def spine(self) -> list[dt.date]:
        """Every month-end from the month of the first order to the as-of date, and the as-of date."""
        named = self.settings["as_of_date"]
        current = dt.date.fromisoformat(named) if named else self.last_order_date
        spine, end = [], month_end(self.first_order_date)
        while end <= current:
            spine.append(end)
            end = month_end(end + dt.timedelta(days=1))
        return spine if current in spine else [*spine, current]

    def slice(self, as_of: dt.date) -> pd.DataFrame:
        """Return all that customer_value_history says of a date of the spine, indexed by customer_id."""
        place = self.spine.index(as_of)
        slice_ = self._alone(as_of).assign(tier=self._tier(place))
        known = slice_.index
        if place == 0:
            opening, opening_tier = pd.DataFrame(index=known[:0], columns=slice_.columns), pd.Series(dtype=object)
        else:
            opening, opening_tier = self._alone(self.spine[place - 1]), self._tier(place - 1)
        slice_["opening_tier"] = opening_tier.reindex(known)
        for column in ("raw_tier", "rfm_segment", "lifecycle_stage", "net_revenue", "monetary"):
            slice_[f"opening_{column}"] = opening[column].reindex(known)
        was_churned = slice_["opening_lifecycle_stage"] == "churned"
        bought = slice_["order_count"] > (opening["order_count"].reindex(known) if place else 0)
        return slice_.assign(is_reactivated=was_churned & (slice_["lifecycle_stage"] != "churned") & bought)

    def thresholds(self, as_of: dt.date) -> dict[str, float | None]:
        """Return the row of tier_thresholds; amounts in cents, None where nobody earns it.

        Columns <measure>_score_<n>_customer_id: the first of those at the threshold who earns it, None where all do.
        """
        slice_ = self._alone(as_of)
        buyers = slice_[slice_["order_count"] > 0]
        days = self.days[self.days["order_day"] <= day_of(as_of)]

        def worst(column: str, earns: pd.Series) -> float | None:
            values = buyers.loc[earns, column].astype(float)
            return None if values.empty else values.max() if column == "recency_days" else values.min()

        row = {"customers": len(buyers), "population_mean_gap_days": _mean_gap(days)}
        for name, column in MEASURES.items():
            for score in range(2, 6):
                earns = buyers[f"{name}_score"] >= score
                row[f"{name}_score_{score}"] = threshold = worst(column, earns)
                tied = earns[self._is_ranked(buyers) & (buyers[column] == threshold)]
                row[f"{name}_score_{score}_customer_id"] = None if tied.all() else min(tied.index[tied])
        if self.settings["rfm_method"] == "cutoffs":  # the business's own, whether or not anybody earns them
            row |= {f"{name}_score_{i}": abs(t) for name in MEASURES for i, t in enumerate(_cutoffs(name), start=2)}
        value = self._ranked_value
        row["abc_value_a"] = worst(value, buyers["abc_tier"] == "A")
        row["abc_value_b"] = worst(value, buyers["abc_tier"].isin(["A", "B"]))
        return row | self.stages.thresholds(as_of)

    @property
    def _ranked_value(self) -> str:
        columns = {"revenue": "net_revenue", "window_revenue": "monetary"}  # the others are columns of that name
        return columns.get(self.settings["abc_value"], self.settings["abc_value"])

    def _is_ranked(self, buyers: pd.DataFrame) -> pd.Series:
        """Return who is scored by rank; by cutoffs everybody is scored alike."""
        active_only = self.settings["rfm_population"] == "active" and self.settings["rfm_method"] != "cutoffs"
        return buyers["frequency"] > 0 if active_only else buyers["frequency"] >= 0

    def _held_tier(self, last_order: dt.date, as_of: dt.date, value: int) -> str:
        """Return the ABC tier of a value without a purchase in the window, at the thresholds held against it.

        They are the highest of the month-ends from the last one that saw the month of the last order in its window.
        """
        since = month_end(last_order.replace(day=1) + relativedelta(months=self.settings["window_months"] - 1))
        tiers = []
        for date in [*(end for end in self.spine if since <= end < as_of and end == month_end(end)), as_of]:
            if date not in self._abc_values:
                self._alone(date)
            value_a, value_b = self._abc_values[date]
            tiers.append("A" if value >= value_a else "B" if value >= value_b else "C")
        return max(tiers)

    def _tier(self, place: int) -> pd.Series:
        """Return the published tier: the best raw tier of the date and of the month-ends that patience looks at."""
        as_of, patience = self.spine[place], self.settings["demotion_patience"]
        ends = [date for date in self.spine[: place + 1] if date == month_end(date)]
        customers = self._alone(as_of).index
        best = np.full(len(customers), "none", dtype=object)  # comes after A, B and C
        for date in {as_of, *ends[-patience:]}:
            best = np.minimum(best, self._alone(date)["raw_tier"].reindex(customers).fillna("none").to_numpy(object))
        return pd.Series(np.where(best == "none", None, best), index=customers, dtype=object)

    def _alone(self, as_of: dt.date) -> pd.DataFrame:
        """Return what a date's slice says without a look at other dates, computed once."""
        if as_of not in self._slices:
            facts = self.measured(as_of).copy()
            self._judge(facts, as_of)
            self._slices[as_of] = facts[facts["is_known"]].set_index("customer_id")
        return self._slices[as_of]

    def measured(self, as_of: dt.date) -> pd.DataFrame:
        """Return one row per customer, known yet or not: the facts and the own rhythm, computed once."""
        if as_of not in self._measured:
            facts, weight = self._facts(as_of), self.settings["expected_gap_prior_weight"]
            mean_gap = _mean_gap(self.days[self.days["order_day"] <= day_of(as_of)])
            gaps = np.maximum(facts["purchase_days"] - 1, 0)
            expected = np.full(len(facts), np.nan)
            if mean_gap is not None:
                counts = ((facts["order_count"] > 0) & (gaps + weight > 0)).to_numpy()
                expected[counts] = ((facts["gap_days"] + weight * mean_gap) / (gaps + weight))[counts]
            facts["expected_gap_days"] = expected
            facts["overdue_ratio"] = facts["recency_days"] / facts["expected_gap_days"]
            self._measured[as_of] = facts
        return self._measured[as_of]

    def _facts(self, as_of: dt.date) -> pd.DataFrame:
        """Return one row per customer, known yet or not, with the sums of what was known on the date."""
        today, months, count = day_of(as_of), self.settings["window_months"], len(self.customers)
        window, previous = (
            day_of(as_of - relativedelta(months=months)),
            day_of(as_of - relativedelta(months=2 * months)),
        )
        entries = self.entries[self.entries["booked_on"] <= today]
        sales = entries[entries["is_sale"]]
        days = self.days[self.days["order_day"] <= today]

        def total(rows: pd.DataFrame, column: str) -> np.ndarray:
            sums = np.zeros(count, dtype=rows[column].dtype)
            np.add.at(sums, rows["customer"].to_numpy(), rows[column].to_numpy())
            return sums

        def number(rows: pd.DataFrame) -> np.ndarray:
            return np.bincount(rows["customer"], minlength=count)

        def latest(rows: pd.DataFrame, column: str) -> np.ndarray:
            found = np.full(count, -NEVER)
            np.maximum.at(found, rows["customer"].to_numpy(), rows[column].to_numpy())
            return found

        orders, last = number(sales), latest(sales, "order_day")
        has_order = orders > 0
        first = np.full(count, NEVER)
        np.minimum.at(first, sales["customer"].to_numpy(), sales["order_day"].to_numpy())
        value = total(entries, "discounted")
        before = (entries["order_day"] <= window) & (entries["order_day"] > previous)
        return pd.DataFrame(
            {
                "customer_id": self.customers,
                "as_of_date": as_of,
                "is_known": self.known_from <= today,
                "order_count": orders,
                "purchase_days": number(days),
                "gap_days": total(days.dropna(subset="gap"), "gap"),
                "first_order_date": dates(first, has_order),
                "last_order_date": dates(last, has_order),
                "last_activity_date": dates(latest(entries, "booked_on"), number(entries) > 0),
                "recency_days": np.where(has_order, today - np.where(has_order, last, 0), np.nan),
                "frequency": number(sales[sales["order_day"] > window]),
                "monetary": total(entries[entries["order_day"] > window], "revenue"),
                "previous_monetary": total(entries[before], "revenue"),
                "window_margin": total(entries[entries["order_day"] > window], "margin"),
                "net_revenue": total(entries, "revenue"),
                "margin": total(entries, "margin"),
                "realised_value": np.copysign(np.floor(np.abs(value) + 0.5), value),
                "margin_is_estimated": number(entries[entries["is_estimated"]]) > 0,
            }
        )

    def _judge(self, facts: pd.DataFrame, as_of: dt.date) -> None:
        """Add to the facts what is judged: stage, scores, segment, tiers of this date alone."""
        settings, learned = self.settings, self.stages.thresholds(as_of)
        has_order = (facts["order_count"] > 0).to_numpy()
        facts["lifecycle_stage"] = [lifecycle_stage(row, settings, learned) for row in facts.to_dict("records")]

        buyers = facts[has_order]
        judged = pd.DataFrame(index=buyers.index)
        is_ranked = self._is_ranked(buyers).to_numpy()
        for name, column in MEASURES.items():
            values = buyers[column].to_numpy() * (-1 if name == "recency" else 1)
            judged[f"{name}_score"] = 1
            if is_ranked.any():
                judged.loc[is_ranked, f"{name}_score"] = score_methods(name)[settings["rfm_method"]](values[is_ranked])
        values = buyers[self._ranked_value].to_numpy()
        judged["abc_tier"] = abc_tiers(values, settings["abc_cutoff_a"], settings["abc_cutoff_b"])
        self._abc_values[as_of] = [
            values[judged["abc_tier"] <= tier].min(initial=NEVER) if values.size else NEVER for tier in "AB"
        ]
        held = [
            self._held_tier(row["last_order_date"], as_of, row[self._ranked_value])
            if row["frequency"] == 0 and settings["rfm_population"] == "active"
            else tier
            for row, tier in zip(buyers.to_dict("records"), judged["abc_tier"], strict=True)
        ]
        scores = judged[[f"{name}_score" for name in MEASURES]].itertuples(index=False, name=None)
        judged["rfm_segment"] = [SEGMENTS[row] for row in scores]
        judged["raw_tier"] = [raw_tier(abc, score) for abc, score in zip(held, judged["frequency_score"], strict=True)]
        for column in judged:
            facts[column] = judged[column].astype(object).reindex(facts.index)


def month_end(date: dt.date) -> dt.date:
    """Return the last day of a date's month."""
    return date + relativedelta(day=31)


def _mean_gap(days: pd.DataFrame) -> float | None:
    """Return the mean of all gaps of all customers, None where nobody bought on two days."""
    gaps = days["gap"].dropna()
    return None if gaps.empty else int(gaps.sum()) / len(gaps)


@functools.cache
def _cutoffs(measure: str) -> list[float]:
    """Return the thresholds of the seed, larger is better: days negative, amounts in cents."""
    cutoffs = pd.read_csv(REFERENCE / "rfm_cutoffs.csv", index_col="measure").loc[MEASURES[measure]]
    return [float(value) * {"recency": -1, "frequency": 1, "monetary": 100}[measure] for value in cutoffs]


# --- beside what was built


@functools.cache
def of_warehouse(warehouse: Warehouse) -> History:
    """Return the history of a warehouse's raw tables at the default vars; computed once per data set."""
    return History(raw_tables(warehouse))


def raw_tables(warehouse: Warehouse) -> dict[str, pd.DataFrame]:
    """Return the raw tables that History takes."""
    columns = dict.fromkeys(["orders", "customers", "refunds", "exchange_rates"], "*")
    columns["order_items"] = "order_id, cost_amount"
    return {table: warehouse.query(f"select {names} from raw.{table}") for table, names in columns.items()}


def compare(published: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Fail with the first rows that differ, for every column of customer_value_history but slice_version."""
    columns = {"customer_id", "slice_version", *DATES, *TEXTS, *NUMBERS, *TRUTHS, *MONEY, *DOUBLES, *FORECASTS}
    assert set(published.columns) == columns, set(published.columns) ^ columns
    assert published["slice_version"].nunique() == 1
    published = published.set_index("customer_id").sort_index()
    others = set(published.index) ^ set(expected.index)
    assert list(published.index) == list(expected.index), f"customers of one side alone: {sorted(others)[:5]}"

    def check(column: str, actual: pd.Series, wanted: pd.Series) -> None:
        wrong = ~((actual == wanted) | (actual.isna() & wanted.isna()))  # missing agrees with missing only
        shown = pd.DataFrame({"as_of_date": expected["as_of_date"], "published": actual, "expected": wanted})[wrong]
        assert shown.empty, f"{column}: {len(shown)} of {len(wrong)} customers differ\n{shown.head()}"

    for column in DATES:
        days = published[column].map(lambda value: None if pd.isna(value) else pd.Timestamp(value).date())
        check(column, days.astype(object), expected[column].astype(object))
    for column in TEXTS:
        check(column, published[column].astype(object), expected[column].astype(object))
    for column in NUMBERS:
        check(column, published[column].astype(float), expected[column].astype(float))
    for column in TRUTHS:
        check(column, published[column].astype(object), expected[column].astype(bool).astype(object))
    for column in MONEY:
        check(column, (published[column].astype(float) * 100).round(), expected[column].astype(float))
    for column in DOUBLES:
        actual, wanted = published[column].astype(float), expected[column].astype(float)
        close = np.isclose(actual, wanted, rtol=1e-9, atol=0)
        check(column, actual.mask(close, wanted), wanted)


def compare_history(warehouse: Warehouse, history: History) -> None:
    """Fail where customer_value_history has other dates than the spine, or any of its rows is not the oracle's."""
    published = dict(list(warehouse.query("select * from marts.customer_value_history").groupby("as_of_date")))
    dates = sorted(date.date() for date in published)
    assert dates == history.spine, f"dates of one side alone: {sorted(set(dates) ^ set(history.spine))}"
    for date, slice_ in published.items():
        compare(slice_, history.slice(date.date()))


def compare_thresholds(warehouse: Warehouse, history: History) -> None:
    """Fail where tier_thresholds has other dates than the spine, or any of its figures is not the oracle's."""
    published = warehouse.query("select * from marts.tier_thresholds").set_index("as_of_date").sort_index()
    others = {"slice_version", "stage_state", *SPLITS}
    assert set(published.columns) == {*THRESHOLDS, *others}, set(published.columns) ^ set(THRESHOLDS)
    dates = [date.date() for date in published.index]
    assert dates == history.spine, f"dates of one side alone: {sorted(set(dates) ^ set(history.spine))}"
    expected = pd.DataFrame([history.thresholds(date) for date in history.spine], index=published.index)
    for column, unit in THRESHOLDS.items():
        pd.testing.assert_series_equal(
            published[column].astype(float) * unit, expected[column].astype(float), rtol=1e-9, atol=0, check_names=False
        )
    for column in (*SPLITS, "stage_state"):
        names, wanted = ([None if pd.isna(name) else name for name in side[column]] for side in (published, expected))
        assert names == wanted, column
