"""Write a synthetic shop to Parquet: the sources of the input contract, and the truth behind every customer.

FOLDER/<source>.parquet         what the shop's systems would deliver, columns and types as in the contract
FOLDER/truth/customers.parquet  per customer what no system knows: purchase_rate (orders per year), dropout_date (at
                                most 2100-12-31), spend_mean (USD per order, net of discounts), satisfaction (0 to 1),
                                order_count (of any status), is_alive_at_end
FOLDER/truth/planted.csv        with --dirty: source, reject_reason, rows; how many bad rows were planted

Model: Pareto/NBD (Schmittlein, Morrison & Colombo 1987). A customer orders on arrival and then as a Poisson process
with a Gamma(r, alpha) rate until a lifetime ends that is exponential with a Gamma(s, beta) rate. Spend is Gamma-Gamma
(Fader & Hardie 2013): Gamma(p, v) per order, so around the customer's own mean p / v, with v from Gamma(q, gamma).
Customers come in chunks, each with a random stream of its own: the files depend only on N, the seed and the versions of
numpy and pyarrow, and memory does not grow with N. The last customer is cut to fewer orders, so that there are N.

--dirty writes the same rows with every column as text, and bad rows at the end of each file: of every code of the seed
reject_reasons at least max(3, N // 100000). A bad row has one reason, but for one row of each source but referrals,
which has two. None changes what becomes of a clean row. Files that an earlier run left in FOLDER are replaced.

Below, arrays have one dimension: one value per customer, order or row as the name says. Amounts are integer cents in
the currency of the order, times integer seconds since 1970 in UTC.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from customer_value.shop import generate_shop


def main() -> None:
    """Parse the arguments, write the shop."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder to fill; made if missing")
    parser.add_argument(
        "--orders",
        type=int,
        required=True,
        help=f"how many, {generate_shop.LEAST_ORDERS:,} to {generate_shop.MOST_ORDERS:,}",
    )
    parser.add_argument("--seed", type=int, default=1, help="another seed makes another shop (default: 1)")
    parser.add_argument("--dirty", action="store_true", help="columns as text, bad rows added")
    arguments = parser.parse_args()
    generate_shop.run(arguments.folder, arguments.orders, arguments.seed, arguments.dirty)


if __name__ == "__main__":
    main()
