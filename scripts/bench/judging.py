"""What judging costs: staging as dbt builds it, beside the same rows merely cast, on a generated shop in DuckDB.

For every source both statements run in turn, each making a table, RUNS times; the medians of CPU seconds, wall seconds
and their ratios are printed. Peer: a `create table as` that casts the contract's columns and does nothing else.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from customer_value import contract
from customer_value.project import PROJECT
from customer_value.raw import load_files
from customer_value.shop import generate_shop


def measured(connection: duckdb.DuckDBPyConnection, statement: str) -> tuple[float, float]:
    """Run a statement; return (CPU seconds, wall seconds)."""
    before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    connection.execute(statement)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def plain(source: str) -> str:
    """Return the SELECT that casts a source's columns and does nothing else."""
    casts = [f"cast({column.name} as {column.data_type}) as {column.name}" for column in contract.sources()[source]]
    return f"select {', '.join(casts)} from raw.{source}"


def prepare(folder: Path, orders: int, as_text: bool) -> Path:
    """Generate and load a shop and build its staging once; return the database. Raises CalledProcessError with dbt."""
    database = folder / "bench.duckdb"
    generate_shop.write_shop(folder / "shop", orders)
    load_files.load(argparse.Namespace(database=database, folder=folder / "shop"))
    if as_text:
        with duckdb.connect(str(database)) as connection:
            for source, columns in contract.sources().items():
                casts = ", ".join(f"cast({column.name} as varchar) as {column.name}" for column in columns)
                connection.execute(f"create or replace table raw.{source} as select {casts} from raw.{source}")
    environment = os.environ | {"CUSTOMER_VALUE_DATABASE": str(database), "DBT_TARGET_PATH": str(folder / "target")}
    dbt = Path(sys.executable).with_name("dbt")
    command = [str(dbt), "--quiet", "run", "--select", "models/staging"]
    subprocess.run(command, cwd=PROJECT, env=environment, check=True)
    return database


def main() -> None:
    """Parse the arguments, measure, print one line per source and the total."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=1_000_000, help="size of the shop (default: 1000000)")
    parser.add_argument("--runs", type=int, default=3, help="times that each statement runs (default: 3)")
    parser.add_argument("--text", action="store_true", help="all raw columns as text, as from CSV")
    parser.add_argument("--memory", default="6GB", help="DuckDB's memory limit (default: 6GB)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database = prepare(folder, arguments.orders, arguments.text)
        compiled = folder / "target" / "compiled" / "customer_value_warehouse" / "models" / "staging"
        totals = {"judged": 0.0, "plain": 0.0}
        kind_of_columns = "as text" if arguments.text else "typed"
        print(f"{arguments.orders:,} orders, raw columns {kind_of_columns}, medians of {arguments.runs}")
        print(
            f"{'source':<20}{'rows':>12}{'CPU s: judged':>15}{'plain':>8}{'ratio':>7}{'wall s: judged':>16}{'plain':>8}"
        )
        with duckdb.connect(str(database)) as connection:
            connection.execute(f"set TimeZone = 'UTC'; set threads = 2; set memory_limit = '{arguments.memory}'")
            for source in contract.sources():
                statements = {"judged": (compiled / f"stg_{source}.sql").read_text(), "plain": plain(source)}
                taken: dict[str, list[tuple[float, float]]] = {"judged": [], "plain": []}
                for _ in range(arguments.runs):
                    for kind, select in statements.items():
                        taken[kind].append(measured(connection, f"create or replace table main.measured as {select}"))
                ((rows,),) = connection.execute("select count(*) from main.measured").fetchall()
                cpu, wall = (
                    {kind: statistics.median(run[i] for run in runs) for kind, runs in taken.items()} for i in (0, 1)
                )
                for kind in totals:
                    totals[kind] += cpu[kind]
                print(
                    f"{source:<20}{rows:>12,}{cpu['judged']:>15.1f}{cpu['plain']:>8.1f}"
                    f"{cpu['judged'] / cpu['plain']:>7.2f}{wall['judged']:>16.1f}{wall['plain']:>8.1f}",
                    flush=True,
                )
        judged, cast = totals.values()
        print(f"{'all sources':<32}{judged:>15.1f}{cast:>8.1f}{judged / cast:>7.2f}")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"peak memory of the process: {peak:,.0f} MB (DuckDB's limit: {arguments.memory})")


if __name__ == "__main__":
    main()
