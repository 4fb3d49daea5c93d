"""The project on one engine: load, build, and read the marts back in one common form."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO
from unittest import mock

import duckdb
import psycopg2
from conftest import warm
from psycopg2.extensions import cursor as Cursor
from refreshes import Dbt
from spark_servers import Spark

from customer_value.clv import fit_clv
from customer_value.engines.spark_sql import SparkSql
from customer_value.project import PROJECT

LIMIT = 1200  # seconds that a command may take
WATCH_SECONDS = 0.2
FITTED = "+int_clv_fit_stats"  # what scripts/fit_clv.py builds; no mart, and minutes on Spark

# the grain of each mart, and of raw tables: the columns that find a row again on the other engine
MARTS = {
    "marts.customers": ["customer_id"],
    "marts.orders": ["order_id"],
    "marts.customer_value": ["as_of_date", "customer_id"],
    "marts.customer_value_history": ["as_of_date", "customer_id"],
    "marts.tier_thresholds": ["as_of_date"],
    "marts.clv_parameters": ["as_of_date"],
    "marts.customer_forecasts": ["customer_id", "horizon_months"],
    "marts.customer_value_parts": ["customer_id"],
    "marts.clv_backtest": ["as_of_date", "method", "measure", "bucket_type", "bucket"],
    "marts.return_rates": ["as_of_date", "horizon_months", "ratio_from"],
    "marts.label_truth": ["as_of_date", "label_type", "label", "horizon_months"],
    "marts.chance_backtest": ["as_of_date", "horizon_months", "method"],
    "marts.portfolio_summary": ["as_of_date"],
    "marts.report_labels": ["kind", "code"],
    "marts.calendar_days": ["calendar_date"],
    "marts.tier_summary": ["as_of_date", "tier"],
    "marts.segment_summary": ["as_of_date", "rfm_segment"],
    "marts.value_concentration": ["as_of_date", "percentile"],
    "marts.cohort_retention": ["cohort_month", "as_of_date"],
    "marts.customer_growth": ["as_of_date"],
    "marts.tier_periods": ["customer_id", "valid_from"],
    "marts.tier_stability": ["as_of_date", "tier_kind"],
    "marts.tier_migrations": ["as_of_date", "label_type", "from_label", "to_label", "cause"],
    "marts.restatements": ["restatement_number", "as_of_date", "customer_id"],
    "marts.rejected_rows": ["rejected_row_id"],
    "marts.reject_summary": ["source_name", "reject_reason"],
    "marts.reconciliation": ["source_name", "measure"],
}
RAW = {
    "raw.orders": ["order_id"],
    "raw.customers": ["customer_id"],
    "raw.refunds": ["refund_id"],
    "raw.marketing_touches": ["touch_id"],
    "raw.order_items": ["order_id", "line_number"],
    "raw.events": ["event_id"],
    "raw.support_tickets": ["ticket_id"],
    "raw.survey_responses": ["response_id"],
    "raw.referrals": ["referral_id"],
    "raw.exchange_rates": ["currency", "rate_date"],
}

# the schemas that dbt fills, and the record that it did
BUILT = ("staging", "intermediate", "marts", "reference", "oracle", "operations")
# the engines' names of the same class of type; precision and scale of decimals stay
CLASSES = {
    "varchar": "string",
    "text": "string",
    "character varying": "string",
    "double precision": "double",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamp",
}


@dataclass(frozen=True)
class Table:
    """A mart as an engine holds it: columns as (name, class of type), rows as tuples of Python values."""

    columns: list[tuple[str, str]]
    rows: list[tuple]


@dataclass
class Engine:
    """One dbt target with the variables that lead to it and folders of its own for dbt's files.

    resident: a dbt that stays up and runs its commands.
    """

    target: str
    environment: dict[str, str]
    folder: Path
    dbt_program: Path = field(default=Path(sys.executable).with_name("dbt"))
    spark: Spark | None = None
    resident: Dbt | None = None

    def run(self, command: list[str], on_line: Callable[[str], None] | None = None) -> subprocess.CompletedProcess:
        """Run a command with the variables that lead to the engine; its output has both streams.

        on_line: called with each line of the output as it comes. Ends the command, and the test with the end of its
        output, when it takes longer than LIMIT or Spark dies meanwhile.
        """
        with tempfile.TemporaryFile("w+", errors="replace") as output:
            process = subprocess.Popen(
                command,
                cwd=PROJECT,
                env=self.variables,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            deadline, place, reason = time.monotonic() + LIMIT, 0, None
            try:
                while process.poll() is None:
                    time.sleep(WATCH_SECONDS)
                    if on_line:
                        place = follow(output, place, on_line)
                    if reason := self.death() or (f"not done in {LIMIT} s" if time.monotonic() > deadline else None):
                        break
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            output.seek(0)
            said = output.read()
        if reason:
            if self.spark:  # what it still works on would be in the way of the next test
                self.spark.close()
            raise AssertionError(f"{' '.join(command[:6])}: {reason}\n... {said[-3000:]}")
        return subprocess.CompletedProcess(command, process.returncode, said, "")

    def death(self) -> str | None:
        """Return why the engine cannot be used any more, or None while it can."""
        return self.spark.death() if self.spark else None

    @property
    def variables(self) -> dict[str, str]:
        """Return the environment of every command on this engine."""
        return (
            dict(os.environ)
            | self.environment
            | {"DBT_TARGET_PATH": str(self.folder / "target"), "DBT_LOG_PATH": str(self.folder / "logs")}
            | {"DBT_LOG_LEVEL_FILE": "none"}  # a tenth of a build
        )

    def forget(self) -> None:
        """Drop what one company's builds leave for the next: on Postgres all of it."""
        if self.target != "postgres":
            marts = ("marts.customer_value_history", "marts.restatements")
            return self.execute(f"drop table if exists {mart}" for mart in marts)
        with self.connection() as connection, connection.cursor() as cursor:
            cursor.execute(f"drop schema if exists {', '.join(BUILT)} cascade")
        return None

    @contextlib.contextmanager
    def connection(self) -> Iterator[psycopg2.extensions.connection]:
        """Yield a connection to Postgres, closed when it is done with."""
        settings = {key: self.environment[f"PG{key.upper()}"] for key in ("host", "port", "user", "password")}
        connected = psycopg2.connect(dbname=self.environment["PGDATABASE"], **settings)
        with contextlib.closing(connected), connected:
            yield connected

    def execute(self, statements: Iterable[str]) -> None:
        """Run statements on Spark."""
        with SparkSql(LIMIT, self.variables) as sql:
            for statement in statements:
                sql.rows(statement)

    def load(self, data_set: str) -> None:
        """Fill the raw schema with complete_journey, cdnow or a folder of files."""
        script = f"load_{data_set}.py" if data_set in ("complete_journey", "cdnow") else "load_files.py"
        arguments = [] if script != "load_files.py" else [data_set]
        target = "spark" if self.target.startswith("spark") else self.target
        result = self.run([warm().python, f"scripts/{script}", *arguments, "--target", target])
        assert result.returncode == 0, result.stdout + result.stderr

    def dbt(self, *arguments: str, on_line: Callable[[str], None] | None = None) -> subprocess.CompletedProcess:
        """Run dbt on this engine. on_line: called with each line of its output."""
        if self.resident:
            reply, said = self.resident.invoke(self.folder, *arguments, "--no-quiet")
            return subprocess.CompletedProcess(arguments, int(not reply["success"]), f"{said}{reply}", "")
        return self.run([str(self.dbt_program), "--no-use-colors", *arguments, "--target", self.target], on_line)

    def fit(self) -> None:
        """Fit the parameters of predicted value, as before every build where dbt runs no Python."""
        if self.resident:

            def dbt(_: str, __: str | None, *arguments: str) -> str:
                done = self.dbt(*(word for word in arguments if word not in ("--quiet", "--print")))
                assert done.returncode == 0, done.stdout
                return done.stdout

            with mock.patch.object(fit_clv, "dbt", dbt):
                fit_clv.fit(self.target)
            return
        fit = self.run([sys.executable, "scripts/fit_clv.py", "--target", self.target])
        assert fit.returncode == 0, fit.stdout

    def build(self, untested: Sequence[str] = ("unit_test",), select: Sequence[str] = ()) -> None:
        """Fit, run dbt build, print how long it took; fail with the output of what fails.

        untested: kinds of tests that are left out. Unit tests need no second run on an engine.
        select: what is built; all where it is empty. On Spark what the fit has built of it is not built again.
        """
        self.fit()
        started = time.monotonic()
        result = self.dbt("build", *self.selection(untested, select))
        assert result.returncode == 0, result.stdout
        print(f"\ndbt build on {self.target}: {time.monotonic() - started:.0f} s")

    def selection(self, untested: Sequence[str], select: Sequence[str]) -> list[str]:
        """Return dbt's arguments that say what is built after a fit."""
        left_out = ["--exclude-resource-type", *untested] if untested else []
        left_out += ["--exclude", FITTED] if self.target.startswith("spark") else []
        # without the tests that read what is not built
        selected = ["--select", *select, "--indirect-selection", "buildable"] if select else []
        return [*left_out, *selected]

    def built_marts(self) -> dict[str, list[str]]:
        """Return the marts that were built since forget(), with their grain, as MARTS has them."""
        if self.target == "postgres":
            with self.connection() as connection, connection.cursor() as cursor:
                cursor.execute("select 'marts.' || tablename from pg_tables where schemaname = 'marts'")
                built = {mart for (mart,) in cursor.fetchall()}
            return {mart: grain for mart, grain in MARTS.items() if mart in built}
        results = json.loads((self.folder / "target" / "run_results.json").read_text())["results"]
        built = {"marts." + result["unique_id"].split(".")[-1] for result in results if result["status"] == "success"}
        return {mart: grain for mart, grain in MARTS.items() if mart in built}

    def read(self, tables: Iterable[str]) -> dict[str, Table]:
        """Return tables by their names with schema."""
        if self.target == "postgres":
            return {table: self._from_postgres(*table.split(".")) for table in tables}
        with tempfile.TemporaryDirectory() as folder:
            self.execute(
                f"insert overwrite directory '{folder}/{table}' using parquet select * from {table}" for table in tables
            )
            return {table: from_duckdb(f"read_parquet('{folder}/{table}/*.parquet')") for table in tables}

    def _from_postgres(self, schema: str, name: str) -> Table:
        with self.connection() as connection, connection.cursor() as cursor:
            cursor.execute(
                """
                select column_name, data_type, numeric_precision, numeric_scale from information_schema.columns
                where table_schema = %s and table_name = %s order by ordinal_position
                """,
                [schema, name],
            )
            columns = [
                (column, f"decimal({precision},{scale})" if kind == "numeric" else CLASSES.get(kind, kind))
                for column, kind, precision, scale in cursor.fetchall()
            ]
            cursor.execute(f"select * from {schema}.{name}")
            return Table(columns, cursor.fetchall())


def follow(output: TextIO, place: int, on_line: Callable[[str], None]) -> int:
    """Call on_line with each whole line of a growing file after a place; return the place after them."""
    output.seek(place)
    while (line := output.readline()).endswith("\n"):
        on_line(line)
        place = output.tell()
    return place


def from_duckdb(relation: str, database: Path | None = None) -> Table:
    """Return what DuckDB reads from a relation: a table of a database file, or Parquet files."""
    with duckdb.connect(str(database) if database else ":memory:", read_only=database is not None) as connection:
        connection.execute("set TimeZone = 'UTC'")
        columns = [(name, kind.lower()) for name, kind, *_ in connection.sql(f"describe from {relation}").fetchall()]
        outputs = [
            f"cast({name} as timestamp) as {name}" if kind.startswith("timestamp") else name for name, kind in columns
        ]
        rows = connection.sql(f"select {', '.join(outputs)} from {relation}").fetchall()
    return Table([(name, CLASSES.get(kind, kind)) for name, kind in columns], rows)


POSTGRES_TYPES = {"double": "double precision", "varchar": "text"}  # Postgres' names of DuckDB's types


def to_postgres(database: duckdb.DuckDBPyConnection, cursor: Cursor, mart: str, schema: str, file: Path) -> None:
    """Copy a mart from DuckDB into a schema of Postgres. file: where its rows are on the way."""
    described = database.execute(f"describe marts.{mart}").fetchall()
    columns = ", ".join(f"{name} {POSTGRES_TYPES.get(kind.lower(), kind)}" for name, kind, *_ in described)
    cursor.execute(f"create table {schema}.{mart} ({columns})")
    database.execute(f"copy marts.{mart} to '{file}' (format csv, header false, nullstr '\\N')")
    with file.open(encoding="utf-8") as text:
        cursor.copy_expert(f"copy {schema}.{mart} from stdin (format csv, null '\\N')", text)
