"""What each customer is worth as of one day, by pandas: by_pandas.py FOLDER AS_OF OUT.

FOLDER holds orders, customers and refunds as Parquet files; OUT is the Parquet file to write. Money is in cents, floats
that hold whole numbers, NaN for none; days are days since 1970. Definitions: scripts/bench/peers.py.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

SALES = ["completed", "shipped", "partially_refunded", "refunded"]
EPOCH = pd.Timestamp("1970-01-01")


def read(folder: Path, source: str, columns: list[str]) -> pd.DataFrame:
    """Return columns of a source, amounts as cents; as Python's decimals they would be objects."""
    table = pq.read_table(folder / f"{source}.parquet", columns=columns)
    money = [field.name for field in table.schema if pa.types.is_decimal(field.type)]
    for name in money:
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, table.column(name).cast(pa.float64()))
    frame = table.to_pandas()
    frame[money] = (frame[money] * 100).round()
    return frame


def newest(rows: pd.DataFrame, key: str, moment: str) -> pd.DataFrame:
    """Return the newest copy of each row."""
    is_copied = rows.duplicated(key, keep=False)
    return pd.concat([rows[~is_copied], rows[is_copied].sort_values(moment).drop_duplicates(key, keep="last")])


def days(moments: pd.Series) -> pd.Series:
    """Return the days of moments, since 1970."""
    return (moments - EPOCH).dt.days


def survivors(folder: Path) -> pd.Series:
    """Return the surviving customer of each merged one."""
    links = read(folder, "customers", ["customer_id", "merged_into_customer_id"]).dropna()
    links = links.set_index("customer_id")["merged_into_customer_id"]
    while (further := links.map(links)).notna().any():
        links = further.fillna(links)
    return links


def sold(folder: Path, as_of: int) -> pd.DataFrame:
    """Return one row per sale by a day: order_id, customer_id, order_date, net, cost."""
    columns = ["order_id", "customer_id", "ordered_at", "gross_amount", "discount_amount", "cost_amount", "currency"]
    orders = newest(read(folder, "orders", [*columns, "status", "updated_at"]), "order_id", "updated_at")
    orders["order_date"] = days(orders["ordered_at"])
    is_sale = orders["status"].isin(SALES) & (orders["currency"] == "USD") & (orders["order_date"] <= as_of)
    orders = orders[is_sale].copy()
    orders["customer_id"] = orders["customer_id"].map(survivors(folder)).fillna(orders["customer_id"])
    orders["net"] = orders["gross_amount"] - orders["discount_amount"].fillna(0)
    return orders.rename(columns={"cost_amount": "cost"})[["order_id", "customer_id", "order_date", "net", "cost"]]


def entries(folder: Path, as_of: int) -> pd.DataFrame:
    """Return one row per sale and refund: customer_id, order_date, booked_on, n, net, margin."""
    sales = sold(folder, as_of)
    refunds = read(folder, "refunds", ["refund_id", "order_id", "refunded_at", "amount"])
    refunds = newest(refunds, "refund_id", "refunded_at").merge(sales, on="order_id")
    refunds["booked_on"] = np.maximum(days(refunds["refunded_at"]), refunds["order_date"])
    refunds = refunds[refunds["booked_on"] <= as_of]
    refunds = refunds.assign(n=0, net=-refunds["amount"], cost=refunds["cost"] * 0)
    both = pd.concat([sales.assign(n=1, booked_on=sales["order_date"]), refunds])
    estimated = np.sign(both["net"]) * ((3 * both["net"].abs() + 5) // 10)  # 30 %, halves away from zero
    both["margin"] = (both["net"] - both["cost"]).fillna(estimated)
    return both


def midrank(values: pd.Series) -> pd.Series:
    """Return the score of each value, 1 to 5 for the largest; equals have the mean rank."""
    return 1 + np.floor(5 * (values.rank() - 0.5) / len(values)).astype(int)


def abc(values: pd.Series) -> np.ndarray:
    """Return the tier of each value by the share of the total that is strictly ahead of it."""
    counts = values.value_counts().sort_index(ascending=False)
    sums = counts.index.to_numpy().clip(0) * counts.to_numpy()
    shares = values.map(pd.Series((sums.cumsum() - sums) / sums.sum(), index=counts.index))
    return np.select([(values > 0) & (shares < 0.80), (values > 0) & (shares < 0.95)], ["A", "B"], "C")


def main() -> None:
    """Read, compute, write."""
    folder, out = Path(sys.argv[1]), Path(sys.argv[3])
    day = pd.Timestamp(sys.argv[2])
    as_of, window_starts = (day - EPOCH).days, (day - pd.DateOffset(months=12) - EPOCH).days
    rows = entries(folder, as_of)
    is_recent = rows["order_date"] > window_starts
    rows["frequency"], rows["monetary"] = rows["n"] * is_recent, rows["net"] * is_recent
    rows["discounted"] = rows["margin"] * 1.10 ** (-rows["booked_on"] / 365)
    facts = rows.groupby("customer_id", sort=False).agg(
        first_order=("order_date", "min"), last_order=("order_date", "max"), frequency=("frequency", "sum"),
        monetary=("monetary", "sum"), net_revenue=("net", "sum"), discounted=("discounted", "sum"),
    )  # fmt: skip
    active = facts[facts["frequency"] > 0]
    scores = {
        f"{name}_score": midrank(active[column]).reindex(facts.index, fill_value=1)
        for name, column in {"recency": "last_order", "frequency": "frequency", "monetary": "monetary"}.items()
    }
    pd.DataFrame(
        {"recency_days": as_of - facts["last_order"], "frequency": facts["frequency"]}
        | {"monetary": facts["monetary"] / 100, **scores, "net_revenue": facts["net_revenue"] / 100}
        | {"abc_tier": abc(facts["net_revenue"])}
        | {"realised_value": (facts["discounted"] * 1.10 ** (facts["first_order"] / 365)).round() / 100}
    ).reset_index().to_parquet(out, index=False)


if __name__ == "__main__":
    main()
