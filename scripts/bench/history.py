"""What the history costs: dbt's build beside the same table by hand-tuned SQL, on a generated shop in DuckDB.

For each size: generate a shop, load its orders, customers and refunds, build seeds. Then, RUNS times, hold back the raw
rows of the last day, build staging and run in turn, each in a process of its own under the same memory limit:

    hand-tuned         scripts/bench/history.sql, from the staging tables to the history
    whole project      dbt run --full-refresh
    the same columns   dbt run --full-refresh of what customer_value_history needs, without staging and the models of
                       predicted value; then its query, of which the columns that the hand-tuned SQL has are written
    dbt itself         dbt run --select int_as_of_dates

Then the rows arrive that were held back, and dbt run stands beside the refresh by hand, which adds one slice to the
hand-tuned history from the staging tables of that dbt run.

Each run's own figures go to standard error as they come. Printed are medians of CPU seconds (user + system), wall
seconds and peak memory; the CPU seconds as a multiple of the hand-tuned ones and of the full build; the ratios that
have a goal; with several sizes also the exponents of growth, log(CPU ratio) / log(size ratio). Exit code 1 when dbt's
history, the slices of the full build and that of the refresh, is not the hand-tuned one, row for row (doubles to 1e-9);
a goal that is missed is only said.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import ClassVar, NamedTuple

import duckdb

from customer_value import contract
from customer_value.project import PROJECT
from customer_value.raw import load_files
from customer_value.shop import generate_shop

LOADED = {"orders": "ordered_at", "customers": "created_at", "refunds": "refunded_at"}  # source: its time
RUN_SQL = """
import sys, duckdb
with duckdb.connect(sys.argv[1]) as connection:
    connection.execute(f"set enable_progress_bar = false; set memory_limit = '{sys.argv[2]}'")
    connection.execute(sys.argv[3])
"""
NEAR = "coalesce(abs(a.{0} - b.{0}) <= 1e-9 * greatest(1, abs(b.{0})), a.{0} is null and b.{0} is null)"
# A process of its own, and a small one: a child's peak memory counts from that of the process that starts it.
MEASURE = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "w") as file:
    file.write(f"{used.ru_utime + used.ru_stime} {used.ru_maxrss / 1024}")
sys.exit(code)
"""
STAGING = ["run", "--select", "path:models/staging"]
NEEDED = ["run", "--select", "+customer_value_history", "--exclude", "path:models/staging"]
NEEDED += ["customer_value_history", "int_clv_*", "--full-refresh"]  # without predicted value
# of two lines' CPU seconds: what the ratio says, line, beside line, at most
GOALS = [
    ("the full history, beside the hand-tuned one", "full: dbt, the same columns", "full: hand-tuned", 1.5),
    ("a day's refresh, beside the full build", "day: dbt, whole project", "full: dbt, whole project", 0.25),
]


def parts(file: str) -> dict[str, str]:
    """Return the parts of a file of SQL beside this one, by name."""
    text = Path(__file__).with_name(file).read_text(encoding="utf-8")
    return dict(re.findall(r"^-- part: (\w+)\n(.*?)(?=^-- part: |\Z)", text, re.MULTILINE | re.DOTALL))


PARTS = parts("history.sql")


class Cost(NamedTuple):
    """What one process took: seconds, seconds, MB."""

    cpu: float
    wall: float
    peak: float


class Shop:
    """A generated shop in a database of its own, and the ways to build its history."""

    SETTINGS: ClassVar[dict[str, str]] = {"stage_method": "fixed"}  # vars: the hand-tuned history has no other stages
    KEEPS_FILES = False

    def __init__(self, folder: Path, orders: int, memory: str) -> None:
        self.database, self.memory, self.files = folder / "bench.duckdb", memory, folder / "shop"
        absent = {f"has_{source}": False for source in contract.sources() if source not in LOADED}
        self.vars = json.dumps(absent | {"memory_limit": memory} | self.SETTINGS)
        self.environment = os.environ | {
            "CUSTOMER_VALUE_DATABASE": str(self.database),
            "DBT_TARGET_PATH": str(folder / "target"),
            "DBT_LOG_PATH": str(folder / "logs"),
        }
        self.write_files(orders)
        load_files.load(argparse.Namespace(database=self.database, folder=self.files))
        if not self.KEEPS_FILES:
            shutil.rmtree(self.files)
        self.dbt("seed")

    def write_files(self, orders: int) -> None:
        """Write the shop's files, those of the sources that are loaded."""
        generate_shop.write_shop(self.files, orders)
        for file in self.files.glob("*.parquet"):
            if file.stem not in LOADED:
                file.unlink()

    def run(self, *command: str, is_heard: bool = True) -> Cost:
        """Run a command to its end and return its cost. Raises CalledProcessError when it fails.

        is_heard: False to leave out what it prints.
        """
        started, usage = time.perf_counter(), self.database.with_suffix(".usage")
        measured = [sys.executable, "-c", MEASURE, str(usage), *command]
        stdout = None if is_heard else subprocess.DEVNULL
        subprocess.run(measured, cwd=PROJECT, env=self.environment, check=True, stdout=stdout)
        wall = time.perf_counter() - started
        cpu, peak = map(float, usage.read_text().split())
        return Cost(cpu, wall, peak)

    def dbt(self, *arguments: str) -> Cost:
        """Run a dbt command and return its cost."""
        dbt = Path(sys.executable).with_name("dbt")
        return self.run(str(dbt), "--quiet", *arguments, "--vars", self.vars)

    def same_columns(self) -> Cost:
        """Build the columns of the hand-tuned history, after a build of the whole project; return what it cost."""
        needed = self.dbt(*NEEDED)
        (compiled,) = (self.database.parent / "target" / "compiled").glob("**/customer_value_history.sql")
        with duckdb.connect(str(self.database), read_only=True) as connection:
            names = connection.execute("describe hand_tuned.customer_value_history").fetchall()
        columns = ", ".join(name for name, *_ in names)
        # these columns need no predicted value, but DuckDB joins what a left join asks for all the same: so it is empty
        query = "delete from intermediate.int_clv_expectations;"
        query += f"create or replace table hand_tuned.of_dbt as select {columns} from ({compiled.read_text()})"
        written = self.run(sys.executable, "-c", RUN_SQL, str(self.database), self.memory, query)
        return Cost(needed.cpu + written.cpu, needed.wall + written.wall, max(needed.peak, written.peak))

    def by_hand(self, part: str) -> Cost:
        """Run a part of the hand-tuned SQL and return its cost."""
        statements = PARTS["scoring"] + PARTS["all"] + PARTS[part]
        return self.run(sys.executable, "-c", RUN_SQL, str(self.database), self.memory, statements)

    def hold_back(self) -> None:
        """Move the raw rows of the last day with an order to a schema of their own, and build staging without them."""
        with duckdb.connect(str(self.database)) as connection:
            connection.execute("create schema if not exists held")
            connection.execute("set variable day = (select max(ordered_at)::date from raw.orders)")
            for source, moment in LOADED.items():
                late = f"from raw.{source} where {moment} >= getvariable('day')"
                connection.execute(f"create or replace table held.{source} as {late}")
                connection.execute(f"delete {late}")
        self.dbt(*STAGING)

    def give_back(self) -> None:
        """Let the rows arrive that were held back."""
        with duckdb.connect(str(self.database)) as connection:
            for source in LOADED:
                connection.execute(f"insert into raw.{source} from held.{source}")

    def rows(self) -> int:
        """Return the rows of the history. Exits when dbt's and the hand-tuned one are not the same."""
        ours, theirs = "marts.customer_value_history", "hand_tuned.customer_value_history"
        with duckdb.connect(str(self.database), read_only=True) as connection:
            connection.execute(f"set memory_limit = '{self.memory}'")
            columns = connection.execute(f"describe {theirs}").fetchall()
            equal = " and ".join(
                NEAR.format(name) if kind == "DOUBLE" else f"a.{name} is not distinct from b.{name}"
                for name, kind, *_ in columns
            )
            days = connection.execute(f"select as_of_date from {ours} union select as_of_date from {theirs}").fetchall()
            total = 0
            for (day,) in sorted(days):
                slices = [f"(from {table} where as_of_date = $day)" for table in (ours, theirs)]
                rows, matched, *counts = connection.execute(
                    f"select count(*), count(*) filter ({equal}), (select count(*) from {slices[0]}), "
                    f"(select count(*) from {slices[1]}) "
                    f"from {slices[0]} as a full join {slices[1]} as b using (customer_id)",
                    {"day": day},
                ).fetchone()
                if len({rows, matched, *counts}) > 1:
                    sys.exit(f"as of {day}: {rows - matched:,} of {rows:,} rows are not the hand-tuned ones")
                total += rows
        return total


def measure(shop: Shop, runs: int) -> tuple[dict[str, Cost], int]:
    """Return what each way to build the history costs, medians by the line's name, and the rows of the history."""
    taken: dict[str, list[Cost]] = {}

    def note(name: str, cost: Cost) -> None:
        taken.setdefault(name, []).append(cost)
        print(f"{name:<44}{cost.cpu:>8.1f}{cost.wall:>8.1f}{cost.peak:>9,.0f}", file=sys.stderr, flush=True)

    for _ in range(runs):
        shop.hold_back()
        note("full: hand-tuned", shop.by_hand("full"))
        note("full: dbt, whole project", shop.dbt("run", "--full-refresh"))
        note("full: dbt, the same columns", shop.same_columns())
        note("full: dbt itself", shop.dbt("run", "--select", "int_as_of_dates"))
        shop.give_back()
        note("day: dbt, whole project", shop.dbt("run"))
        note("day: hand-tuned", shop.by_hand("refresh"))
        rows = shop.rows()
    return {name: Cost(*map(statistics.median, zip(*costs, strict=True))) for name, costs in taken.items()}, rows


def main() -> None:
    """Parse the arguments, measure each size, print a line per way and the exponents of growth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=1_000_000, help="size of the shop (default: 1000000)")
    parser.add_argument("--sizes", type=int, nargs="+", help="several sizes instead, smallest first")
    parser.add_argument("--runs", type=int, default=3, help="times that each way runs (default: 3)")
    parser.add_argument("--memory", default="4GB", help="DuckDB's memory limit (default: 4GB)")
    arguments = parser.parse_args()
    sizes, costs = arguments.sizes or [arguments.orders], []
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            measured, rows = measure(Shop(Path(name), size, arguments.memory), arguments.runs)
        costs.append(measured)
        print(f"\n{size:,} orders, {rows:,} rows of history, medians of {arguments.runs}, limit {arguments.memory}")
        print(f"{'':<44}{'CPU s':>8}{'wall s':>8}{'peak MB':>9}{'x hand':>8}{'x full':>8}")
        for name, cost in sorted(measured.items()):
            kind, _, way = name.partition(": ")
            by_hand, full = measured[f"{kind}: hand-tuned"], measured.get(f"full: {way}", cost)
            print(
                f"{name:<44}{cost.cpu:>8.1f}{cost.wall:>8.1f}{cost.peak:>9,.0f}{cost.cpu / by_hand.cpu:>8.2f}"
                f"{cost.cpu / full.cpu:>8.2f}",
                flush=True,
            )
        for what, line, beside, goal in GOALS:
            ratio = measured[line].cpu / measured[beside].cpu
            verdict = "met" if ratio <= goal else "missed"
            print(f"{what}: {ratio:.2f} times the CPU seconds, goal at most {goal}: {verdict}")
    for (smaller, before), (larger, after) in pairwise(zip(sizes, costs, strict=True)):
        print(f"\nexponents of growth from {smaller:,} to {larger:,} orders")
        for name in sorted(after):
            print(f"{name:<44}{math.log(after[name].cpu / before[name].cpu) / math.log(larger / smaller):>8.2f}")


if __name__ == "__main__":
    main()
