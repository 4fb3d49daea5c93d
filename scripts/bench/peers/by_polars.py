"""What each customer is worth as of one day, by Polars' streaming engine: by_polars.py FOLDER AS_OF OUT.

As by_pandas.py, but that money is whole numbers. All up to one row per customer is one lazy query.
"""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import polars as pl
from polars import col

SALES = ["completed", "shipped", "partially_refunded", "refunded"]


def cents(name: str) -> pl.Expr:
    """Return an amount in cents."""
    return (col(name).cast(pl.Float64) * 100).round().cast(pl.Int64)


def newest(rows: pl.LazyFrame, key: str, moment: str) -> pl.LazyFrame:
    """Return the newest copy of each row; only copied rows are sorted."""
    copied = rows.group_by(key).len().filter(col("len") > 1).select(key)
    last = rows.join(copied, on=key, how="semi").sort(moment).unique(key, keep="last", maintain_order=True)
    return pl.concat([rows.join(copied, on=key, how="anti"), last])


def survivors(folder: Path) -> pl.LazyFrame:
    """Return the surviving customer of each merged one."""
    customers = pl.scan_parquet(folder / "customers.parquet")
    links = customers.select("customer_id", survivor="merged_into_customer_id").drop_nulls().collect()
    step = links.select(survivor="customer_id", further="survivor")
    while True:
        joined = links.join(step, on="survivor", how="left")
        if joined["further"].is_null().all():
            return links.lazy()
        links = joined.select("customer_id", survivor=pl.coalesce("further", "survivor"))


def entries(folder: Path, as_of: dt.date) -> pl.LazyFrame:
    """Return one row per sale and refund: customer_id, order_date, booked_on, n, net, margin."""
    sales = (
        newest(pl.scan_parquet(folder / "orders.parquet"), "order_id", "updated_at")
        .with_columns(order_date=col("ordered_at").dt.date())
        .filter(col("status").is_in(SALES), col("currency") == "USD", col("order_date") <= as_of)
        .join(survivors(folder), on="customer_id", how="left")
        .select(
            "order_id", "order_date", customer_id=pl.coalesce("survivor", "customer_id"),
            net=cents("gross_amount") - cents("discount_amount").fill_null(0), cost=cents("cost_amount"),
        )
    )  # fmt: skip
    refunds = (
        newest(pl.scan_parquet(folder / "refunds.parquet"), "refund_id", "refunded_at")
        .join(sales, on="order_id")
        .with_columns(booked_on=pl.max_horizontal(col("refunded_at").dt.date(), "order_date"))
        .filter(col("booked_on") <= as_of)
    )
    columns = ["customer_id", "order_date", "booked_on", "n", "net", "cost"]
    both = pl.concat([
        sales.with_columns(booked_on="order_date", n=pl.lit(1)).select(columns),
        refunds.with_columns(n=pl.lit(0), net=-cents("amount"), cost=col("cost") * 0).select(columns),
    ])  # fmt: skip
    estimated = col("net").sign() * ((3 * col("net").abs() + 5) // 10)  # 30 %, halves away from zero
    return both.with_columns(margin=pl.coalesce(col("net") - col("cost"), estimated))


def midrank(name: str) -> pl.Expr:
    """Return the score of each value of an active customer, 1 to 5 for the largest; equals have the mean rank."""
    value = pl.when(col("frequency") > 0).then(col(name))
    return (1 + (5 * (value.rank() - 0.5) / value.count()).floor()).fill_null(1).cast(pl.Int32)


def main() -> None:
    """Read, compute, write."""
    folder, as_of, out = Path(sys.argv[1]), dt.date.fromisoformat(sys.argv[2]), Path(sys.argv[3])
    is_recent = col("order_date") > pl.lit(as_of).dt.offset_by("-12mo")
    since = (col("booked_on") - dt.date(2020, 1, 1)).dt.total_days()
    facts = (
        entries(folder, as_of)
        .group_by("customer_id")
        .agg(
            first_order=col("order_date").min(), last_order=col("order_date").max(),
            frequency=(col("n") * is_recent).sum(), monetary=(col("net") * is_recent).sum(),
            net_revenue=col("net").sum(), discounted=(col("margin") * (1.10 ** (-since / 365))).sum(),
        )
        .collect(engine="streaming")
    )  # fmt: skip
    tiers = (
        facts.group_by("net_revenue")
        .len()
        .sort("net_revenue", descending=True)
        .with_columns(positive=col("net_revenue").clip(0) * col("len"))
        .select("net_revenue", share=(col("positive").cum_sum() - col("positive")) / col("positive").sum())
    )
    since_first = (col("first_order") - dt.date(2020, 1, 1)).dt.total_days()
    is_positive = col("net_revenue") > 0
    facts.join(tiers, on="net_revenue").select(
        "customer_id",
        "frequency",
        recency_days=(pl.lit(as_of) - col("last_order")).dt.total_days(),
        monetary=col("monetary") / 100,
        recency_score=midrank("last_order"),
        frequency_score=midrank("frequency"),
        monetary_score=midrank("monetary"),
        net_revenue=col("net_revenue") / 100,
        abc_tier=pl.when(is_positive & (col("share") < 0.80))
        .then(pl.lit("A"))
        .when(is_positive & (col("share") < 0.95))
        .then(pl.lit("B"))
        .otherwise(pl.lit("C")),
        realised_value=(col("discounted") * (1.10 ** (since_first / 365))).round() / 100,
    ).write_parquet(out)


if __name__ == "__main__":
    main()
