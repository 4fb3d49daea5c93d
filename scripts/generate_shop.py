"""Write a synthetic shop to Parquet: the sources of the input contract, and the truth behind every customer.

FOLDER/<source>.parquet         what the shop's systems would deliver, columns and types as in the contract
FOLDER/truth/customers.parquet  per customer what no system knows: purchase_rate (orders per year), dropout_date (at
                                most 2100-12-31), spend_mean (USD per order, net of discounts), satisfaction (0 to 1),
                                order_count (of any status), is_alive_at_end, patience (below, 0 to 1)
FOLDER/truth/planted.csv        with --dirty: source, reject_reason, rows; how many bad rows were planted

Model: Pareto/NBD (Schmittlein, Morrison & Colombo 1987). A customer orders on arrival and then as a Poisson process
with a Gamma(r, alpha) rate until a lifetime ends that is exponential with a Gamma(s, beta) rate. Spend is Gamma-Gamma
(Fader & Hardie 2013): Gamma(p, v) per order, so around the customer's own mean p / v, with v from Gamma(q, gamma).
Customers come in chunks, each with a random stream of its own: the files depend only on N, the seed and the versions of
numpy and pyarrow, and memory does not grow with N. The last customer is cut to fewer orders, so that there are N.

Four things are true beyond that model, for marts to find (customer_value/shop/truths.py). Lifetimes, orders and net
amounts are as drawn; what is chosen is who has which of the rest, so that the pairs are distributed as if one had
caused the other. --without turns any off; without all four the values are those from before there were any:

churn      satisfaction drives churn: the drawn satisfactions are dealt out so that satisfaction and lifetime have a
           Gaussian copula with correlation 0.6. Answers and complaints follow satisfaction. Refunds and the number of
           tickets follow patience, the satisfaction as first drawn, which has no part in churn
lateness   late deliveries lower satisfaction: 15 % of orders arrive after promised_at, and an answer about one that was
           late by then is lower by a fifth of the scale (two points of nps)
discounts  discounts attract short-lived customers: the chance of a discount on the first order is 2 u times the usual
           one, u being the rank of the lifetime, 1 for the shortest and 0 for the longest
referrals  referrals bring better customers: the chance of being referred is 3 v^2 times the usual one, v being the rank
           of order rate, mean spend and lifetime together, 0 to 1

--dirty writes the same rows with every column as text, and bad rows at the end of each file: of every code of the seed
reject_reasons at least max(3, N // 100000). A bad row has one reason, but for one row of each source but referrals,
which has two. None changes what becomes of a clean row. Files that an earlier run left in FOLDER are replaced.

Below, arrays have one dimension: one value per customer, order or row as the name says. Amounts are integer cents in
the currency of the order, times integer seconds since 1970 in UTC.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace
from pathlib import Path

from customer_value.shop import generate_shop, truths


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
    parser.add_argument("--without", nargs="+", choices=list(asdict(truths.ALL)), default=[], help="truths to turn off")
    arguments = parser.parse_args()
    effects = replace(truths.ALL, **dict.fromkeys(arguments.without, 0.0))
    generate_shop.run(arguments.folder, arguments.orders, arguments.seed, arguments.dirty, effects)


if __name__ == "__main__":
    main()
