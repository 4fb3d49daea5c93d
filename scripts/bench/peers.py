"""What each customer is worth as of the last day, on a generated shop: this project beside what people would use else.

Everyone reads the same Parquet files of orders, customers and refunds, of which every thousandth row has an older copy
with another amount, and writes a Parquet file. make bench-peers gives each peer an environment of its own:

    DuckDB, hand-tuned     scripts/bench/peers.sql, in the project's own DuckDB
    pandas, Polars         by_pandas.py, by_polars.py in scripts/bench/peers: the same columns
    openretailscience      by_openretailscience.py: RFM scores, Heavy/Medium/Light, the summary of repeat purchases
    lifetimes              by_lifetimes.py: the summary, a BG/NBD fit, the purchases expected in 12 months
    project: ...           scripts/load_files.py, dbt run of what is named with all that it needs, and its columns
                           written; the history up to the day before stands, as on any day but the first. Set to BG/NBD
    project: first build   dbt run of that history, once

The columns: recency, frequency and monetary (12 months), the three scores, net revenue, ABC tier and discounted
realised value of each customer with a sale (models/overview.md). Sales in other currencies are left out, since there
are no rates; a merged customer is the surviving one; of several copies of a row the newest counts.

Each way runs RUNS times, in turn, each step in a process of its own. Each run's own figures go to standard error as
they come. Printed are medians of CPU seconds (user + system), wall seconds and peak memory, and the CPU seconds as a
multiple of those of the hand-tuned SQL. Exit code 1 where definitions agree and results do not: a measure, score or
tier of a customer, money beyond a cent, BG/NBD parameters and expectations beyond the limits below. openretailscience
has definitions of its own: what differs is printed, and checked is that its scores are the fifths of equal measures.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import duckdb
from history import LOADED, RUN_SQL, Cost, Shop, parts

from customer_value.project import PROJECT
from customer_value.shop import draws

PARTS, SCORING = parts("peers.sql"), parts("history.sql")["scoring"]
HAND = "DuckDB, hand-tuned"
# by column how far numbers may be apart, 0: not at all; what is discounted is rounded once, in doubles or in decimals
HALF_CENT, CENT = 0.005, 0.011
COLUMNS = dict.fromkeys(
    ["recency_days", "frequency", "recency_score", "frequency_score", "monetary_score", "abc_tier"], 0
)
COLUMNS |= {"monetary": HALF_CENT, "net_revenue": HALF_CENT, "realised_value": CENT}
SUMMARY = dict.fromkeys(["frequency", "recency", "T"], 0)
# relative; purchases of a year, where fits of 213,038 customers ended 2.5e-4 apart and gave 5.2e-4 purchases at most
PARAMETERS, EXPECTATION = 1e-3, 1e-3
MEASURES = {"recency": "recency_days desc", "frequency": "frequency", "monetary": "monetary"}


class PeersShop(Shop):
    """A generated shop as files, the project's history up to the day before the last, and the ways to go on."""

    SETTINGS: ClassVar[dict[str, str]] = {"clv_model": "bg_nbd"}  # the model that people fit with lifetimes
    KEEPS_FILES = True

    def __init__(self, folder: Path, orders: int, memory: str) -> None:
        self.out, self.day = folder / "out", f"{draws.LAST_DAY}"
        super().__init__(folder, orders, memory)
        self.before = self.database.with_name("before.duckdb")
        self.out.mkdir()
        self.hold_back()
        self.first_build = self.dbt("run", "--full-refresh", "--select", "+customer_value")
        with duckdb.connect(str(self.database), read_only=True) as connection:
            (self.dates,) = connection.execute("select count(*) from intermediate.int_as_of_dates").fetchone()
        shutil.copyfile(self.database, self.before)

    def write_files(self, orders: int) -> None:
        """Write the shop's files as DuckDB does, which all can read, with older copies of orders and refunds."""
        super().write_files(orders)
        changed = {
            "orders": ("order_id", "updated_at", "gross_amount"),
            "refunds": ("refund_id", "refunded_at", "amount"),
        }
        for source in LOADED:
            file, written = self.files / f"{source}.parquet", self.files / f"{source}.written"
            rows = f"from '{file}'"
            if source in changed:
                key, moment, amount = changed[source]
                older = f"* replace ({moment} - interval 1 day as {moment}, {amount} + 1 as {amount})"
                rows += f" union all select {older} from '{file}' where right({key}, 3) = '007'"
            duckdb.execute(f"copy ({rows}) to '{written}' (format parquet, compression zstd)")
            written.replace(file)

    def sql(self, statements: str) -> Cost:
        """Run SQL on the project's database in a process of its own and return its cost."""
        return self.run(sys.executable, "-c", RUN_SQL, str(self.database), self.memory, statements)

    def by_hand(self) -> Cost:
        """Run the hand-tuned SQL in a database in memory and return its cost."""
        variables = f"set variable folder = '{self.files}'; set variable as_of = '{self.day}';"
        result = PARTS["result"].replace("OUT", str(self.file("hand")))
        statements = f"{variables} {SCORING} {PARTS['sales']} {result}"
        return self.run(sys.executable, "-c", RUN_SQL, ":memory:", self.memory, statements)

    def by_peer(self, name: str, out: Path, *arguments: str) -> Cost:
        """Run a peer in its environment and return its cost."""
        python = PROJECT / ".venv-peers" / name / "bin" / "python"
        script = Path(__file__).parent / "peers" / f"by_{name}.py"
        return self.run(str(python), str(script), str(self.files), self.day, str(out), *arguments)

    def by_project(self, model: str, **queries: str) -> Cost:
        """Load the files, run a model with all that it needs, write queries as files of their names."""
        shutil.copyfile(self.before, self.database)
        writing = "".join(f"copy ({query}) to '{self.file(name)}' (format parquet);" for name, query in queries.items())
        costs = [
            self.run(sys.executable, "scripts/load_files.py", str(self.files), is_heard=False),
            self.dbt("run", "--select", f"+{model}"),
            self.sql(writing),
        ]
        cpu, wall, peak = zip(*costs, strict=True)
        return Cost(sum(cpu), sum(wall), max(peak))

    def file(self, name: str) -> Path:
        """Return the file of a result."""
        return self.out / f"{name}.parquet"

    def ways(self) -> dict[str, Callable[[], Cost]]:
        """Return the ways by the name of their line, in order of running."""
        columns = f"select customer_id, {', '.join(COLUMNS)} from"
        forecast = (
            'select customer_id, gap_count as frequency, gap_days as recency, age_days as "T", expected_purchases_12m '
            "from intermediate.int_clv_scores where order_count > 0"
        )
        fit = f"select r, alpha, a, b from intermediate.int_clv_parameters where as_of_date = '{self.day}'"
        return {
            HAND: self.by_hand,
            "pandas": lambda: self.by_peer("pandas", self.file("pandas")),
            "Polars, streaming": lambda: self.by_peer("polars", self.file("polars")),
            "openretailscience": lambda: self.by_peer("openretailscience", self.out, self.memory, PARTS["sales"]),
            "lifetimes: fit and expectation": lambda: self.by_peer("lifetimes", self.out),
            "project: the same columns": lambda: self.by_project(
                "int_raw_tiers", project_columns=f"{columns} intermediate.int_raw_tiers where order_count > 0"
            ),
            "project: fit and expectation": lambda: self.by_project(
                "int_clv_scores", project_forecast=forecast, project_parameters=fit
            ),
            "project: customer_value": lambda: self.by_project(
                "customer_value", project_mart=f"{columns} marts.customer_value where order_count > 0"
            ),
            "project: dbt itself": lambda: self.dbt("run", "--select", "int_as_of_dates"),
        }


def differences(what: str, ours: str, theirs: str, limits: dict[str, float]) -> list[str]:
    """Return a sentence per column in which a customer differs, or one about customers that only one side has.

    ours, theirs: SQL that can stand after FROM, a row per customer_id. limits: per column how far numbers may be apart;
    0: they, or texts, are equal. A null or NaN equals no number.
    """
    equal = {}
    for column, limit in limits.items():
        a, b = f'a."{column}"', f'b."{column}"'
        near = f"coalesce(abs({a}::double - {b}::double) <= {limit}, false)" if limit else f"coalesce({a} = {b}, false)"
        equal[column] = f"({near} or ({a} is null and {b} is null))"
    counts = ", ".join(f"count(*) filter (not {condition})" for condition in equal.values())
    both = f"from {ours} as a inner join {theirs} as b using (customer_id)"
    sides = [f"(select count(*) from {side})" for side in (ours, theirs)]
    joined, left, right, *wrong = one(f"select count(*), {', '.join(sides)}, {counts} {both}")
    if not joined == left == right > 0:
        return [f"{what}: {left:,} customers beside {right:,}, of whom {joined:,} are on both sides"]
    found = []
    for (column, condition), count in zip(equal.items(), wrong, strict=True):
        if count:
            example = f'select customer_id, a."{column}", b."{column}" {both} where not {condition} order by 1 limit 1'
            customer, a, b = one(example)
            found.append(f"{what}: {column} of {count:,} of {joined:,} customers, such as {customer}: {a} beside {b}")
    return found


def one(query: str) -> tuple:
    """Return the one row of a query."""
    return duckdb.execute(query).fetchone()


def fifths(hand: str) -> str:
    """Return SQL of openretailscience's scores, 0 to 4, made of the hand-tuned measures."""
    scores = (
        f"ntile(5) over (order by {order}, customer_id) - 1 as {name[0]}_score" for name, order in MEASURES.items()
    )
    return f"(select *, {', '.join(scores)} from {hand} where frequency > 0)"


def openretailscience(shop: PeersShop) -> tuple[list[str], list[str]]:
    """Return where openretailscience is wrong by its own definitions, and how they differ from the project's."""
    names = ("hand", "rfm", "hml", "summary", "customers")
    hand, rfm, hml, summary, theirs = (f"'{shop.file(name)}'" for name in names)
    limits = {"recency_days": 0, "frequency": 0, "monetary": HALF_CENT, "r_score": 0, "f_score": 0, "m_score": 0}
    found = differences("openretailscience", rfm, fifths(hand), limits)
    found += differences("openretailscience beside lifetimes", summary, theirs, SUMMARY)
    others = ", ".join(f"avg(({name[0]}_score + 1 <> {name}_score)::int)" for name in MEASURES)
    active, *shares = one(f"select count(*), {others} from {fifths(hand)}")
    dormant, in_a, heavy = one(
        f"select count(*) filter (frequency = 0), count(*) filter (abc_tier = 'A'), "
        f"(select count(*) from {hml} where segment_name = 'Heavy') from {hand}"
    )
    by_measure = ", ".join(f"{share:.1%} by {name}" for name, share in zip(MEASURES, shares, strict=True))
    return found, [
        f"its fifths are the project's scores but for {by_measure} of {active:,} customers: ntile parts customers with "
        "the same value by their ids, mean ranks keep them together",
        f"it leaves out {dormant:,} customers without an order in the window, which the project scores 1, 1, 1",
        f"Heavy are {heavy:,} customers, the first fifth of them by spend; tier A are {in_a:,}, the first to hold four "
        "fifths of the revenue",
        "it has no discounted value and no forecast of its own, and current_date does not leave out what came later",
    ]


def lifetimes(shop: PeersShop) -> tuple[list[str], list[str]]:
    """Return where the project's fit is not that of lifetimes, and how near they are."""
    theirs, ours = (f"'{shop.file(name)}'" for name in ("customers", "project_forecast"))
    found = differences("project, summary", ours, theirs, SUMMARY)
    found += differences("project, forecast", ours, theirs, {"expected_purchases_12m": EXPECTATION})
    fits = [one(f"select r, alpha, a, b from '{shop.file(name)}'") for name in ("project_parameters", "parameters")]
    apart = max(abs(a / b - 1) for a, b in zip(*fits, strict=True))
    said = " beside ".join(f"({', '.join(f'{value:.5g}' for value in fit)})" for fit in fits)
    said = f"BG/NBD r, alpha, a, b of the project beside lifetimes: {said}, at most {apart:.1e} apart"
    if apart > PARAMETERS:
        found.append(said)
    (furthest,) = one(
        "select max(abs(a.expected_purchases_12m - b.expected_purchases_12m)) "
        f"from {ours} as a inner join {theirs} as b using (customer_id)"
    )
    return found, [said, f"purchases expected in 12 months are at most {furthest:.1e} apart"]


def check(shop: PeersShop) -> tuple[list[str], list[str]]:
    """Return what is wrong, and what differs by definition."""
    found = []
    for name in ("pandas", "polars", "project_columns", "project_mart"):
        found += differences(name, f"'{shop.file(name)}'", f"'{shop.file('hand')}'", COLUMNS)
    (wrong, notes), (wrong_too, more) = openretailscience(shop), lifetimes(shop)
    return found + wrong + wrong_too, notes + more


def measure(shop: PeersShop, runs: int) -> dict[str, Cost]:
    """Return what each way costs, medians by the line's name. Exits where results differ that must not."""
    first = f"project: first build, {shop.dates} dates"
    taken: dict[str, list[Cost]] = {}

    def note(name: str, cost: Cost) -> None:
        taken.setdefault(name, []).append(cost)
        print(f"{name:<40}{cost.cpu:>8.1f}{cost.wall:>8.1f}{cost.peak:>9,.0f}", file=sys.stderr, flush=True)

    note(first, shop.first_build)
    for _ in range(runs):
        for name, way in shop.ways().items():
            note(name, way())
        found, _ = check(shop)
        if found:
            sys.exit("\n".join(found))
    return {name: Cost(*map(statistics.median, zip(*costs, strict=True))) for name, costs in taken.items()}


def main() -> None:
    """Parse the arguments, measure, print a line per way and what differs by definition."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=1_000_000, help="size of the shop (default: 1000000)")
    parser.add_argument("--runs", type=int, default=3, help="times that each way runs (default: 3)")
    parser.add_argument("--memory", default="4GB", help="DuckDB's memory limit (default: 4GB)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        shop = PeersShop(Path(name), arguments.orders, arguments.memory)
        measured = measure(shop, arguments.runs)
        (customers,) = one(f"select count(*) from '{shop.file('hand')}'")
        _, notes = check(shop)
    sizes = f"{arguments.orders:,} orders, {customers:,} customers with a sale"
    print(f"\n{sizes}, medians of {arguments.runs}, limit {arguments.memory}")
    print(f"{'':<40}{'CPU s':>8}{'wall s':>8}{'peak MB':>9}{'x hand':>8}")
    for name, cost in measured.items():
        ratio = cost.cpu / measured[HAND].cpu
        print(f"{name:<40}{cost.cpu:>8.1f}{cost.wall:>8.1f}{cost.peak:>9,.0f}{ratio:>8.1f}")
    print("the same customer by customer: all measures, scores, tiers and values, where definitions agree")
    for note in notes:
        print(f"- {note}")


if __name__ == "__main__":
    main()
