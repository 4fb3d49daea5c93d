"""Purchases that lifetimes expects of each customer after one day: by_lifetimes.py FOLDER AS_OF OUT.

From the sales that by_pandas.py reads: summary_data_from_transaction_data, a BG/NBD fit, and the purchases expected in
365 days. OUT gets two Parquet files: customers (frequency, recency, T, expected_purchases_12m) and parameters.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from by_pandas import EPOCH, sold
from lifetimes import BetaGeoFitter
from lifetimes.utils import summary_data_from_transaction_data


def main() -> None:
    """Read, fit, write."""
    folder, day, out = Path(sys.argv[1]), pd.Timestamp(sys.argv[2]), Path(sys.argv[3])
    sales = sold(folder, (day - EPOCH).days)
    sales["order_date"] = pd.to_datetime(sales["order_date"], unit="D")
    customers = summary_data_from_transaction_data(
        sales, "customer_id", "order_date", observation_period_end=day, freq="D"
    )
    model = BetaGeoFitter().fit(customers["frequency"], customers["recency"], customers["T"])
    customers["expected_purchases_12m"] = model.conditional_expected_number_of_purchases_up_to_time(
        365, customers["frequency"], customers["recency"], customers["T"]
    )
    customers.reset_index().to_parquet(out / "customers.parquet", index=False)
    model.params_.to_frame().T.to_parquet(out / "parameters.parquet", index=False)


if __name__ == "__main__":
    main()
