"""What predicted value costs: scores beside bare SQL, and a fit beside a full build, on a generated shop in DuckDB.

The last day's raw rows are held back, all is built in full (dbt run --full-refresh), the rows arrive, and dbt run
leaves one slice open: that of the last day, the end of a quarter, so also the one date to be fitted. What the models of
purchases and spend ask of each customer is written to a table, from which both sides start. Then, in turn and RUNS
times, each in a process of its own under the same memory limit, as of that date alone:

    empty process                  Python that opens the database and does nothing: part of every line but the build's
    inputs                         the rows of the view int_earlier_raw_tiers, written: what the other lines then read
    scores: bare SQL               scripts/bench/clv.sql: p_alive, expected_purchases_12m and expected_spend
    scores: the view               the same three columns from the view int_clv_scores
    scores: the pairs              compiled SQL of the table int_clv_expectations, which the view reads: every month up
                                   to the farthest horizon, and what the ranges need
    scores: the pairs and the view both, one after the other
    fit: one date                  customer_value/clv on the bins of int_clv_fit_stats, as int_clv_fits does it

Printed are how many customers, pairs and bins there are; medians of CPU seconds (user + system), wall seconds and peak
memory; the CPU seconds as a multiple of the bare SQL's and of the full build's, which runs once; last, the ratios that
have a goal. Exit code 1 when the scores of the view are not those of the bare SQL, customer by customer, to 1e-9 of
each, or when the date cannot be fitted; a goal that is missed is only said.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

import duckdb
from history import RUN_SQL, Cost, Shop, parts

PARTS = parts("clv.sql")
SCORES = ["p_alive", "expected_purchases_12m", "expected_spend"]
EQUAL = "coalesce(abs(a.{0} - b.{0}) <= 1e-9 * abs(b.{0}), a.{0} is null and b.{0} is null)"
# as models/intermediate/clv/int_clv_fits.py does it, without dbt around it
FIT = """
import sys, duckdb
sys.path.append("scripts")
from customer_value.clv import fit_clv
with duckdb.connect(sys.argv[1], read_only=True) as connection:
    connection.execute(f"set enable_progress_bar = false; set memory_limit = '{sys.argv[2]}'")
    dates = connection.execute("from intermediate.int_clv_fit_dates where is_open").fetchall()
    stats = connection.execute("from intermediate.int_clv_fit_stats").df()
(row,) = fit_clv.fits(dates, stats, sys.argv[3], int(sys.argv[4]))
sys.exit(0 if row["is_usable"] else row["note"])
"""
MODEL, MINIMUM = "pareto_nbd", 50  # the project's defaults; the SQL is written for that model
FULL, FITTED = "full build: dbt, whole project", "fit: one date"
BARE, BOTH = "scores: bare SQL", "scores: the pairs and the view"
SCORES_GOAL, FIT_GOAL = 2, 0.5  # at most so many times the bare SQL; under so much of the full build


class ScoredShop(Shop):
    """A generated shop of which one slice is open, and the ways to score and to fit it."""

    def __init__(self, folder: Path, orders: int, memory: str) -> None:
        super().__init__(folder, orders, memory)
        self.hold_back()
        self.full_build = self.dbt("run", "--full-refresh")
        self.give_back()
        self.dbt("run")
        (compiled,) = (folder / "target" / "compiled").glob("**/int_clv_expectations.sql")
        self.pairs = f"create or replace table scored.pairs as {compiled.read_text(encoding='utf-8')}"
        self.sql("create schema scored;" + PARTS["parameters"])
        self.inputs = self.sql(PARTS["inputs"])
        self.sql(PARTS["from_inputs"])

    def sql(self, statements: str) -> Cost:
        """Run SQL in a process of its own and return its cost."""
        return self.run(sys.executable, "-c", RUN_SQL, str(self.database), self.memory, statements)

    def fit(self) -> Cost:
        """Fit the date that is open and return the cost. Raises CalledProcessError when the fit is of no use."""
        return self.run(sys.executable, "-c", FIT, str(self.database), self.memory, MODEL, str(MINIMUM))

    def counts(self) -> dict[str, int]:
        """Return how much there is to score and to fit. Exits when the two ways to score do not agree."""
        equal = " and ".join(EQUAL.format(column) for column in SCORES)
        with duckdb.connect(str(self.database), read_only=True) as connection:
            rows, matched, *both = connection.execute(
                f"select count(*), count(*) filter ({equal}), (select count(*) from scored.bare), "
                "(select count(*) from scored.project) "
                "from scored.project as a full join scored.bare as b using (customer_id)"
            ).fetchone()
            if len({rows, matched, *both}) > 1:
                sys.exit(f"{rows - matched:,} of {rows:,} customers are not scored as by the bare SQL")
            (pairs,) = connection.execute("select count(*) from scored.pairs").fetchone()
            bins = connection.execute(
                "select measure, count(*) from intermediate.int_clv_fit_stats group by measure"
            ).fetchall()
        return {"customers": rows, "pairs": pairs} | {f"bins of {measure}": count for measure, count in sorted(bins)}


def measure(shop: ScoredShop, runs: int) -> dict[str, Cost]:
    """Return what each way costs, medians by the line's name."""
    taken: dict[str, list[Cost]] = {FULL: [shop.full_build], "inputs": [shop.inputs]}
    ways = {
        "empty process": "select 1",
        BARE: PARTS["bare"],
        "scores: the pairs": shop.pairs,
        "scores: the view": PARTS["project"],
        BOTH: f"{shop.pairs};{PARTS['project']}",
    }
    for _ in range(runs):
        costs = {name: shop.sql(statements) for name, statements in ways.items()} | {FITTED: shop.fit()}
        for name, cost in costs.items():
            taken.setdefault(name, []).append(cost)
    return {name: Cost(*map(statistics.median, zip(*costs, strict=True))) for name, costs in taken.items()}


def main() -> None:
    """Parse the arguments, measure, print a line per way and the two ratios that have a goal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--orders", type=int, default=3_800_000, help="size of the shop (default: 3800000, 810,000 customers)"
    )
    parser.add_argument("--runs", type=int, default=3, help="times that each way runs (default: 3)")
    parser.add_argument("--memory", default="4GB", help="DuckDB's memory limit (default: 4GB)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        shop = ScoredShop(Path(name), arguments.orders, arguments.memory)
        measured, counts = measure(shop, arguments.runs), shop.counts()
    print(f"\n{arguments.orders:,} orders, medians of {arguments.runs}, limit {arguments.memory}")
    print(", ".join(f"{count:,} {name}" for name, count in counts.items()))
    print(f"{'':<34}{'CPU s':>8}{'wall s':>8}{'peak MB':>9}{'x bare':>8}{'x full':>8}")
    for name, cost in sorted(measured.items()):
        print(
            f"{name:<34}{cost.cpu:>8.2f}{cost.wall:>8.2f}{cost.peak:>9,.0f}{cost.cpu / measured[BARE].cpu:>8.2f}"
            f"{cost.cpu / measured[FULL].cpu:>8.3f}"
        )
    scoring, fitting = (measured[a].cpu / measured[b].cpu for a, b in ((BOTH, BARE), (FITTED, FULL)))
    for what, ratio, goal, is_met in (
        ("scores, the pairs and the view, beside bare SQL", scoring, f"at most {SCORES_GOAL}", scoring <= SCORES_GOAL),
        ("a fit beside the full build", fitting, f"under {FIT_GOAL}", fitting < FIT_GOAL),
    ):
        print(f"{what}: {ratio:.2f} times the CPU seconds, goal {goal}: {'met' if is_met else 'missed'}")


if __name__ == "__main__":
    main()
