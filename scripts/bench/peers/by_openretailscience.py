"""What openretailscience says of each customer as of one day: by_openretailscience.py FOLDER AS_OF OUT MEMORY SQL.

It takes transactions, not the files of a shop: SQL, the part "sales" of scripts/bench/peers.sql, makes them in the
DuckDB that it runs on. OUT gets three Parquet files: rfm (RFMSegmentation with fifths, of the window of 12 months), hml
(HMLSegmentation of the spend to date), summary (CLVStats in days, of the sales).
"""

from __future__ import annotations

import sys
from pathlib import Path

import ibis
from openretailscience.experimental.clv import CLVStats
from openretailscience.segmentation.hml import HMLSegmentation
from openretailscience.segmentation.rfm import RFMSegmentation

COLUMNS = "customer_id, order_date as transaction_date, order_id as transaction_id, net as unit_spend"


def main() -> None:
    """Read, segment, write."""
    folder, as_of, out, memory, sql = sys.argv[1:]
    connection = ibis.duckdb.connect(memory_limit=memory)
    connection.raw_sql(f"set variable folder = '{folder}'; set variable as_of = '{as_of}'; {sql}")
    # a refund is of the day of its order, as in the project: spend falls, the number of orders does not
    both = f"select {COLUMNS} from sales union all select {COLUMNS} from refunds"
    connection.raw_sql(f"create temp view transactions as {both}")
    recent = connection.sql(f"from transactions where transaction_date > date '{as_of}' - interval 12 month")
    fifths = {"r_segments": 5, "f_segments": 5, "m_segments": 5}
    tables = {
        "rfm": RFMSegmentation(recent, current_date=as_of, **fifths).table,
        "hml": HMLSegmentation(connection.sql("from transactions")).table,
        "summary": CLVStats(
            connection.sql(f"select {COLUMNS} from sales"), period="day", observation_period_end=as_of
        ).table,
    }
    for name, table in tables.items():
        connection.to_parquet(table, Path(out) / f"{name}.parquet")


if __name__ == "__main__":
    main()
