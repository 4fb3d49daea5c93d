"""customer_value recomputed from the definitions, customer by customer, without any of the project's SQL.

Amounts are integer cents here, shares are fractions, ranks come from scipy: nothing rounds unless the definition does.
"""

from __future__ import annotations

import collections
import datetime as dt
import itertools
import math
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import yaml
from dateutil.relativedelta import relativedelta
from raw_schema import PROJECT
from scipy.stats import rankdata

VARS = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]

SEGMENTS = {
    tuple(row[:3]): row[3]
    for row in pd.read_csv(PROJECT / "seeds" / "reference" / "rfm_segments.csv").itertuples(index=False, name=None)
}


def cents(amount: object) -> int | None:
    """Return an amount in cents, None for a missing one."""
    if amount is None or amount != amount:  # NaN is not itself
        return None
    return int((Decimal(str(amount)) * 100).to_integral_value(ROUND_HALF_UP))


def estimated_margin(revenue_cents: int, rate: float) -> int:
    """Return net revenue * rate in cents, halves away from zero."""
    return int((Decimal(revenue_cents) * Decimal(str(rate))).to_integral_value(ROUND_HALF_UP))


def midrank_scores(values: np.ndarray) -> np.ndarray:
    """Return scores 1 to 5 of values, larger is better: 1 + floor(5 (r - 0.5) / n), r the mean rank."""
    ranks = rankdata(values, method="average")
    return np.array([1 + math.floor(Fraction(5 * (2 * Fraction(r) - 1), 2 * len(values))) for r in ranks])


def ntile_scores(values: np.ndarray, customer_ids: list[str]) -> np.ndarray:
    """Return scores 1 to 5 of equal-sized groups, ties broken by customer_id."""
    order = sorted(range(len(values)), key=lambda i: (values[i], customer_ids[i]))
    scores = np.zeros(len(values), dtype=int)
    for score, group in enumerate(np.array_split(np.array(order, dtype=int), 5), start=1):
        scores[group] = score
    return scores


def cutoff_scores(values: np.ndarray, thresholds: list[float], higher_is_better: bool) -> np.ndarray:
    """Return 1 plus the number of thresholds reached."""
    if higher_is_better:
        return np.array([1 + sum(value >= threshold for threshold in thresholds) for value in values])
    return np.array([1 + sum(value <= threshold for threshold in thresholds) for value in values])


def abc_tiers(values: list[int], cutoff_a: float, cutoff_b: float) -> tuple[list[float | None], list[str]]:
    """Return (cumulative shares, tiers) of values in cents; a share counts what is strictly ahead."""
    counts = collections.Counter(values)
    total = sum(value * count for value, count in counts.items() if value > 0)
    ahead, running = {}, 0
    for value in sorted(counts, reverse=True):
        ahead[value] = running
        running += max(value, 0) * counts[value]

    def tier(value: int) -> str:
        if value <= 0:
            return "C"
        share = Fraction(ahead[value], total)
        return "A" if share < Fraction(str(cutoff_a)) else "B" if share < Fraction(str(cutoff_b)) else "C"

    return [ahead[value] / total if total else None for value in values], [tier(value) for value in values]


def lifecycle_stage(row: dict, settings: dict) -> str:
    """Return the first stage that holds."""
    overdue = row["overdue_ratio"]
    if row["order_count"] == 0:
        return "prospect"
    if overdue is not None:
        if overdue >= settings["churned_overdue_ratio"] and row["recency_days"] > settings["churned_min_recency_days"]:
            return "churned"
        if overdue >= settings["decline_overdue_ratio"]:
            return "decline"
    previous = row["previous_monetary"]
    if previous > 0 and row["monetary"] < Fraction(str(settings["decline_revenue_ratio"])) * previous:
        return "decline"
    if row["order_count"] >= settings["stability_min_orders"]:
        return "stability"
    return "formation" if row["order_count"] >= settings["formation_min_orders"] else "exploration"


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
            (rate["currency"], pd.Timestamp(rate["rate_date"]).date()): Decimal(str(rate["rate_to_reporting"]))
            for rate in raw.get("exchange_rates", pd.DataFrame()).to_dict("records")
        }

    def of(self, currency: object, date: dt.date) -> Decimal:
        """Return the rate; KeyError where there is none: an order without a rate is rejected, not converted."""
        if not isinstance(currency, str) or currency.strip().upper() == self.reporting:
            return Decimal(1)
        for age in range(self.max_age + 1):
            rate = self.rates.get((currency, date - dt.timedelta(days=age)))
            if rate is not None:
                return rate
        raise KeyError((currency, date))


def converted(amount_cents: int | None, rate: Decimal) -> int | None:
    """Return cents of the reporting currency, halves away from zero."""
    return None if amount_cents is None else int((amount_cents * rate).to_integral_value(ROUND_HALF_UP))


def read_sales(raw: dict[str, pd.DataFrame], settings: dict) -> dict[str, dict]:
    """Return {order_id: sale} of the raw orders whose status counts; amounts in cents, cost None when unknown."""
    rates, merged = Rates(raw, settings), survivors(raw)
    line_costs = collections.defaultdict(list)
    for line in raw["order_items"].to_dict("records"):
        line_costs[str(line["order_id"])].append(cents(line["cost_amount"]))
    sales = {}
    for order in raw["orders"].to_dict("records"):
        status = order["status"]
        if isinstance(status, str) and status.strip().lower() not in settings["sale_statuses"]:
            continue
        cost = cents(order["cost_amount"])
        lines = line_costs.get(str(order["order_id"]), [None])
        if cost is None and None not in lines:
            cost = sum(lines)
        date = pd.Timestamp(order["ordered_at"]).date()
        rate = rates.of(order["currency"], date)
        discount = converted(cents(order["discount_amount"]) or 0, rate)
        sales[str(order["order_id"])] = {
            "customer_id": merged.get(str(order["customer_id"]), str(order["customer_id"])),
            "date": date,
            "revenue": converted(cents(order["gross_amount"]), rate) - discount,
            "cost": converted(cost, rate),
            "rate": rate,
            "refunds": [],
        }
    for refund in raw["refunds"].to_dict("records"):
        sale = sales.get(str(refund["order_id"]))
        if sale:
            date = max(pd.Timestamp(refund["refunded_at"]).date(), sale["date"])
            sale["refunds"].append((date, converted(cents(refund["amount"]), sale["rate"])))
    return sales


def facts_of(sales: list[dict], as_of: dt.date, settings: dict) -> dict:
    """Return one customer's facts as of a date from that customer's sales; amounts in cents."""
    months = settings["window_months"]
    window, previous = as_of - relativedelta(months=months), as_of - relativedelta(months=2 * months)
    rate, known = settings["default_margin_rate"], [sale for sale in sales if sale["date"] <= as_of]
    row = collections.Counter(order_count=0, frequency=0, monetary=0, previous_monetary=0, net_revenue=0, margin=0)
    if not known:
        return dict(row) | {"realised_value": 0, "margin_is_estimated": False}
    dates = sorted({sale["date"] for sale in known})
    flows = []  # (date, margin)
    for sale in known:
        refunds = [(date, amount) for date, amount in sale["refunds"] if date <= as_of]
        revenue = sale["revenue"] - sum(amount for _, amount in refunds)
        row["order_count"] += 1
        row["net_revenue"] += revenue
        if sale["date"] > window:
            row["frequency"] += 1
            row["monetary"] += revenue
        elif sale["date"] > previous:
            row["previous_monetary"] += revenue
        if sale["cost"] is None:
            flows.append((sale["date"], estimated_margin(sale["revenue"], rate)))
            flows += [(date, estimated_margin(-amount, rate)) for date, amount in refunds]
        else:
            flows.append((sale["date"], sale["revenue"] - sale["cost"]))
            flows += [(date, -amount) for date, amount in refunds]
    growth = 1 + settings["annual_discount_rate"]
    value = math.fsum(margin * growth ** (-(date - dates[0]).days / 365) for date, margin in flows)
    return dict(row) | {
        "first_order_date": dates[0],
        "last_order_date": dates[-1],
        "recency_days": (as_of - dates[-1]).days,
        "gap_days": sum((b - a).days for a, b in itertools.pairwise(dates)),
        "gap_count": len(dates) - 1,
        "margin": sum(margin for _, margin in flows),
        "margin_is_estimated": any(sale["cost"] is None for sale in known),
        "realised_value": math.copysign(math.floor(abs(value) + 0.5), value),
    }


def customer_value(
    raw: dict[str, pd.DataFrame], as_of: dt.date | None = None, variables: dict | None = None
) -> pd.DataFrame:
    """Return customer_value as the design defines it, indexed by customer_id; amounts in cents.

    raw: {source: DataFrame} of orders, order_items, customers, refunds and, if any, exchange_rates; clean.
    as_of: None for the last day of the orders.
    variables: vars that differ from dbt_project.yml. The scores of all three methods stand in <measure>_<method>.
    """
    settings, merged = VARS | (variables or {}), survivors(raw)
    orders = raw["orders"]
    as_of = as_of or max(pd.to_datetime(orders["ordered_at"])).date()
    by_customer = collections.defaultdict(list)
    for sale in read_sales(raw, settings).values():
        by_customer[sale["customer_id"]].append(sale)
    known_from = collections.defaultdict(lambda: dt.date.max)
    for customer, ordered_at in zip(
        orders["customer_id"].astype(str), pd.to_datetime(orders["ordered_at"]), strict=True
    ):
        customer = merged.get(customer, customer)
        known_from[customer] = min(known_from[customer], ordered_at.date())
    for record in raw["customers"].to_dict("records"):
        customer, created = str(record["customer_id"]), record["created_at"]
        customer = merged.get(customer, customer)
        if not pd.isna(created):
            known_from[customer] = min(known_from[customer], pd.Timestamp(created).date())
        else:  # an undated record is known from the start
            known_from[customer] = dt.date.min
    customers = sorted(customer for customer, date in known_from.items() if date <= as_of)
    rows = [{"customer_id": customer} | facts_of(by_customer[customer], as_of, settings) for customer in customers]

    buyers = [row for row in rows if row["order_count"] > 0]
    gap_days, gap_count = (sum(row[name] for row in buyers) for name in ("gap_days", "gap_count"))
    weight = settings["expected_gap_prior_weight"]
    for row in rows:
        row["expected_gap_days"] = row["overdue_ratio"] = None
        if row["order_count"] and gap_count:
            row["expected_gap_days"] = (row["gap_days"] + weight * gap_days / gap_count) / (row["gap_count"] + weight)
            row["overdue_ratio"] = row["recency_days"] / row["expected_gap_days"]
        row["lifecycle_stage"] = lifecycle_stage(row, settings)
    _score(buyers)
    column = {"revenue": "net_revenue", "margin": "margin"}[settings["abc_value"]]
    shares, tiers = abc_tiers([row[column] for row in buyers], settings["abc_cutoff_a"], settings["abc_cutoff_b"])
    for row, share, tier in zip(buyers, shares, tiers, strict=True):
        row["cumulative_share"], row["abc_tier"] = share, tier
        scores = tuple(row[f"{measure}_{settings['rfm_method']}"] for measure in ("recency", "frequency", "monetary"))
        row["rfm_segment"] = SEGMENTS[scores]
        row["tier"] = row["raw_tier"] = raw_tier(tier, scores[1])
    return pd.DataFrame(rows).assign(as_of_date=as_of).set_index("customer_id")


def _score(buyers: list[dict]) -> None:
    """Add the scores of all three methods to the rows of customers with an order."""
    ids = [row["customer_id"] for row in buyers]
    cutoffs = pd.read_csv(PROJECT / "seeds" / "reference" / "rfm_cutoffs.csv", index_col="measure")
    for name, measure, sign in [("recency", "recency_days", -1), ("frequency",) * 2 + (1,), ("monetary",) * 2 + (1,)]:
        values = np.array([row[measure] for row in buyers], dtype=float)
        unit = 100 if measure == "monetary" else 1
        thresholds = [float(value) * unit for value in cutoffs.loc[measure]]
        methods = {
            "midrank": midrank_scores(sign * values),
            "ntile": ntile_scores(sign * values, ids),
            "cutoffs": cutoff_scores(values, thresholds, higher_is_better=sign > 0),
        }
        for method, scores in methods.items():
            for row, score in zip(buyers, scores, strict=True):
                row[f"{name}_{method}"] = int(score)


def raw_tier(abc_tier: str, frequency_score: int) -> str:
    """Return the raw tier: the ABC tier, held back or lifted by the frequency score."""
    if abc_tier == "A":
        return "A" if frequency_score >= 3 else "B"
    if abc_tier == "B":
        return "B" if frequency_score >= 2 else "C"
    return "B" if frequency_score >= 4 else "C"
