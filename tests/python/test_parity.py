"""One SQL text, one answer: every mart of every data set, DuckDB beside Postgres and Spark.

Same columns, types by class, rows both ways; keys, integers, dates, text and money exactly; doubles to 1e-9 relative.
The tests marked spark and cluster start Spark, the latter a real cluster, and take long: make test-spark. Those marked
large bring the real data sets to Postgres, make test-postgres, and more data sets to the cluster.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from conftest import CREDIT_NOTES, SHOP, Warehouse, postgres_database, server
from engines import MARTS, RAW, Engine, Table, from_duckdb
from refreshes import Dbt
from spark_servers import SparkKeeper

from customer_value.engines.spark_sql import SparkError, SparkSql
from customer_value.project import PROJECT

TOLERANCE = 1e-9
OWN = {"slice_version", "shown_slice_version"}  # each engine hashes rows its own way
# a CSV loads as text; these come typed from the packages (the lines are too many to hold in memory twice)
TYPED_RAW = {table: grain for table, grain in RAW.items() if table != "raw.order_items"}
SPARK = PROJECT / ".venv-spark" / "bin"
# what judges raw rows, and all that a row of customer_value rests on: two thirds of the models. The rest of them
# runs on Spark in the refresh of the fixture shop
CORE = ("+customer_value", "+reconciliation", "+reject_summary")


def difference(mart: str, grain: list[str], left: Table, right: Table, built_before: dt.date | None = None) -> float:
    """Return the largest relative difference of doubles; fail on anything else that differs.

    built_before: the date as of which right was built before, too: what is rejected may have been seen then.
    """
    assert left.columns == right.columns, mart
    names = [name for name, _ in left.columns]
    key = [names.index(name) for name in grain]
    by_key = [{tuple(row[i] for i in key): row for row in table.rows} for table in (left, right)]
    assert len(by_key[0]) == len(left.rows), f"{mart}: key is not unique"
    assert by_key[0].keys() == by_key[1].keys(), f"{mart}: rows of one side only"
    assert len(left.rows) == len(right.rows), mart
    largest = 0.0
    for row_key, row in by_key[0].items():
        other = by_key[1][row_key]
        if row == other:
            continue
        for (name, kind), one, two in zip(left.columns, row, other, strict=True):
            if name in OWN:
                continue
            if kind == "double" and one is not None and two is not None:
                largest = max(largest, abs(one - two) / max(abs(one), abs(two), 1e-300) if one != two else 0.0)
            elif not (name == "first_seen_on" and built_before and two == built_before):
                assert one == two, f"{mart} {row_key} {name}: {one!r} is not {two!r}"
    assert largest <= TOLERANCE, f"{mart}: doubles differ by {largest:.1e}"
    return largest


def compare(
    engine: Engine,
    reference: Warehouse,
    title: str,
    tables: dict[str, list[str]] = MARTS,
    built_before: dt.date | None = None,
    schema: str = "marts",
) -> None:
    """Compare tables and print how far they differ; pytest shows it with -s, and on failure.

    schema: where the engine has the marts.
    """
    print(f"\n{title}\n{'table':<24}{'rows':>10}{'largest difference':>22}")
    names = {name.replace("marts.", f"{schema}."): name for name in tables}
    for place, table in engine.read(names).items():
        name = names[place]
        largest = difference(name, tables[name], from_duckdb(name, reference.database), table, built_before)
        print(f"{name:<24}{len(table.rows):>10,}{largest:>22.1e}")


def test_the_harness_knows_every_mart(shop: Warehouse):
    marts = shop.rows("select 'marts.' || table_name from duckdb_tables() where schema_name = 'marts'")
    assert {mart for (mart,) in marts} == set(MARTS)


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory, postgres_variables: dict[str, str]) -> Iterator[Engine]:
    """Yield a real Postgres server, with a database and a dbt of this file, which stays up."""
    server()  # first, so that what dbt parses for DuckDB is what other commands find
    folder = tmp_path_factory.mktemp("postgres")
    with postgres_database(postgres_variables, "parity") as variables:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in (variables | {"DBT_TARGET": "postgres"}).items():
                patch.setenv(name, value)
            resident = Dbt(folder / "resident")
        with contextlib.closing(resident):
            yield Engine("postgres", variables, folder, resident=resident)


def spark_engine(keeper: SparkKeeper) -> Engine:
    """Return Spark as an engine, one that lives."""
    spark = keeper.get()
    return Engine(spark.variables["SPARK_TARGET"], spark.variables, keeper.folder, SPARK / "dbt", spark)


@pytest.fixture
def spark_cluster(spark_keeper: SparkKeeper) -> Engine:
    """Return a cluster that lives: that of the last test, or a new one."""
    return spark_engine(spark_keeper)


def same_answer(
    engine: Engine,
    reference: Warehouse,
    data_set: str,
    untested: Sequence[str] = ("unit_test",),
    two_steps: bool = False,
    select: Sequence[str] = (),
) -> None:
    """Load a data set into an engine, build it there, compare marts and raw tables with DuckDB's.

    untested: kinds of tests that the build leaves out.
    select: what is built and compared; all where it is empty.
    two_steps: build as of a date in the past first, then add to it; DuckDB built everything at once.
    """
    folders = {"shop": str(SHOP), "credit_notes": str(CREDIT_NOTES), "dirty_shop": str(reference.folder / "shop")}
    engine.load(folders.get(data_set, data_set))
    engine.forget()
    halfway = None
    if two_steps:  # a slice within a month, which the next build drops, and most of the history
        (halfway,) = reference.rows("select max(as_of_date) - 45 from marts.customer_value")[0]
        without_tests = ("build", "--exclude-resource-type", "unit_test", "test")
        result = engine.dbt(*without_tests, "--vars", json.dumps({"as_of_date": str(halfway)}))
        assert result.returncode == 0, result.stdout
    engine.build(untested, select)
    marts = engine.built_marts()
    assert "marts.customer_value" in marts if select else marts == MARTS
    compare(engine, reference, f"{engine.target}, {data_set}", marts, built_before=halfway)
    if data_set != "dirty_shop":  # its keys are not unique, and its quarantine holds the raw rows themselves
        raw = RAW if data_set in ("shop", "credit_notes") else TYPED_RAW
        compare(engine, reference, f"{engine.target}, {data_set}, as loaded", raw)


@pytest.mark.postgres
def test_dbt_replaces_nothing_of_others_on_postgres(postgres: Engine):
    def execute(statement: str) -> list[tuple]:
        with postgres.connection() as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    postgres.load(str(SHOP))
    execute("create schema staging; create table staging.stg_trading_period as select 7 as mine")
    refused = postgres.dbt("run", "--select", "stg_trading_period", "stg_orders")
    assert refused.returncode
    assert re.search(r"- staging\.stg_trading_period\s+Rename them", refused.stdout), refused.stdout
    assert execute("select mine from staging.stg_trading_period") == [(7,)]
    assert execute("select to_regclass('operations.built_relations'), to_regclass('staging.stg_orders')") == [
        (None, None)
    ]
    assert postgres.dbt("run-operation", "adopt_relations").returncode == 0
    for _ in range(2):
        allowed = postgres.dbt("run", "--select", "stg_trading_period")
        assert allowed.returncode == 0, allowed.stdout
    assert execute("select relation_name from operations.built_relations") == [("stg_trading_period",)]
    postgres.forget()


LARGE = [pytest.param(data_set, marks=pytest.mark.large) for data_set in ("complete_journey", "cdnow")]


@pytest.mark.postgres
@pytest.mark.parametrize("data_set", ["credit_notes", "dirty_shop", *LARGE])
def test_postgres_gives_duckdbs_answer(request: pytest.FixtureRequest, postgres: Engine, data_set: str):
    """Without tests: DuckDB ran them on the marts that it is compared with.

    The fixture shop, with all of them, is in test_trust_postgres.py: what refreshes publish is compared there.
    """
    reference = request.getfixturevalue(data_set)
    same_answer(postgres, reference, data_set, ("unit_test", "test"), two_steps=data_set == "credit_notes")


@pytest.mark.postgres
@pytest.mark.large
def test_a_late_fit_reaches_all_marts_and_a_full_refresh_keeps_the_earlier_ones(postgres: Engine):
    """Where Python does not run within the build: scripts/fit_clv.py, as of a date in the past, too late, and anew."""

    def built(*arguments: str, fit: bool, full: bool = False) -> tuple[Table, list[list], set[str]]:
        options = [*arguments, "--full-refresh"] if full else [*arguments]
        if fit:
            result = postgres.run([sys.executable, "scripts/fit_clv.py", "--target", "postgres", *options])
            assert result.returncode == 0, result.stdout + result.stderr
        for command in (
            ["build", "--exclude-resource-type", "test", "unit_test", *options],
            ["test", "--select", "clv_parameters", *arguments],
        ):
            result = postgres.dbt(*command)
            assert result.returncode == 0, result.stdout
        tables = postgres.read(["marts.clv_parameters", "marts.customer_forecasts"])
        parameters, forecasts = tables.values()
        names = [name for name, _ in forecasts.columns]
        shown = [[row[place] for place, name in enumerate(names) if name != "slice_version"] for row in forecasts.rows]
        return parameters, sorted(shown, key=str), {row[names.index("clv_state")] for row in forecasts.rows}

    postgres.load("cdnow")
    postgres.forget()
    _, _, states = built("--vars", "as_of_date: 1998-05-15", fit=True)
    assert states == {"modelled"}
    parameters, _, states = built(fit=False)
    assert states == {"modelled, parameters carried forward"}
    assert "awaiting fit" in {value for row in parameters.rows for value in row}
    parameters, forecasts, states = built(fit=True)
    assert states == {"modelled"}
    again, forecasts_again, states = built(fit=True, full=True)
    assert states == {"modelled"}
    assert forecasts_again == forecasts
    assert sorted(again.rows, key=str) == sorted(parameters.rows, key=str)


@pytest.mark.postgres
def test_docs_are_generated_on_postgres(postgres: Engine):
    assert (
        postgres.dbt("docs", "generate", "--no-compile", "--write-json").returncode == 0
    )  # the builds compiled all there is
    assert '"customer_value"' in (postgres.folder / "resident" / "target" / "catalog.json").read_text()


@pytest.mark.cluster
def test_a_server_that_dies_ends_the_command_at_once_and_the_next_one_gets_a_new_cluster(spark_keeper: SparkKeeper):
    engine = spark_engine(spark_keeper)
    server = int(engine.environment["SPARK_THRIFT_PID"])
    notices_nothing = [sys.executable, "-c", "import time; print('begun', flush=True); time.sleep(600)"]
    started = time.monotonic()
    with pytest.raises(AssertionError, match=r"Spark ended with 70: error: the Spark thrift-server died with -9:\n"):
        engine.run(notices_nothing, on_line=lambda line: os.killpg(server, signal.SIGKILL))
    assert time.monotonic() - started < 30
    with pytest.raises(SparkError), SparkSql(60, engine.variables) as sql:
        sql.rows("select 1")
    with SparkSql(60, spark_engine(spark_keeper).variables) as sql:
        assert sql.rows("select 1") == [(1,)]


@pytest.mark.cluster
def test_a_refresh_on_a_cluster_publishes_duckdbs_answer(spark_cluster: Engine, shop: Warehouse, tmp_path: Path):
    """All data tests, which a refresh runs, and what readers query; unit tests do not run here."""
    refresh = [sys.executable, "scripts/refresh.py", str(SHOP), "--target", "spark", "--home", str(tmp_path)]
    done = spark_cluster.run(refresh)
    assert done.returncode == 0, done.stdout
    print("", *(line for line in done.stdout.splitlines() if line.startswith("{")), sep="\n")
    turns = [
        f"select max(made_current_at) as moment from {mart.replace('marts.', 'published.')}.history" for mart in MARTS
    ]
    with SparkSql(60, spark_cluster.variables) as sql:
        ((first, last),) = sql.rows(f"select min(moment), max(moment) from ({' union all '.join(turns)})")
    print(f"{len(MARTS)} tables turned within {(last - first).total_seconds():.1f} s")
    compare(spark_cluster, shop, "spark, shop, published by a refresh", schema="published")
    compare(spark_cluster, shop, "spark, shop, as loaded", RAW)
    done = spark_cluster.run(refresh)
    assert done.returncode == 0, done.stdout
    assert '"step": "compare", "outcome": "done"' in done.stdout
    assert '"unchanged_since": 1' in done.stdout


@pytest.mark.cluster
@pytest.mark.large
@pytest.mark.parametrize("data_set", ["dirty_shop", "complete_journey", "cdnow"])
def test_a_spark_cluster_gives_duckdbs_answer(request: pytest.FixtureRequest, spark_cluster: Engine, data_set: str):
    # no tests: DuckDB ran them on the marts that these are compared with
    same_answer(spark_cluster, request.getfixturevalue(data_set), data_set, ("unit_test", "test"))


def alive_in_group(group: int) -> int:
    """Return how many processes of a process group run; one that has ended but was not waited for does not."""
    alive = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, process_group = stat.read_text().rpartition(")")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        alive += int(process_group) == group and state != "Z"
    return alive


@pytest.mark.cluster
def test_a_worker_that_dies_in_the_middle_changes_no_answer(spark_cluster: Engine, cdnow: Warehouse):
    """CDNOW's answer too. Last on its cluster, which has one worker afterwards; dbt goes on, or is run again."""
    spark_cluster.load("cdnow")
    spark_cluster.forget()
    spark_cluster.fit()
    worker = int(spark_cluster.environment["SPARK_WORKER_PIDS"].split(",")[0])
    assert alive_in_group(worker) >= 2, "the worker and its executor"
    killed_before = []

    def kill(line: str) -> None:
        if "START sql table model intermediate.int_return_facts" in line:  # all marts are still to come
            os.killpg(worker, signal.SIGKILL)  # and its executor
            killed_before.append(line)

    untested = ("unit_test", "test")
    done = spark_cluster.dbt("build", *spark_cluster.selection(untested, CORE), on_line=kill)
    assert killed_before, done.stdout[-3000:]
    assert alive_in_group(worker) == 0
    last = done.stdout.splitlines()[-12:]
    is_clean = done.returncode == 0 or any("Completed with" in line for line in last)
    assert is_clean, "dbt neither finished nor failed cleanly:\n" + "\n".join(last)
    print(f"\nworker killed in int_return_facts; dbt ended with exit code {done.returncode}: {last[-1].strip()}")
    if done.returncode:
        spark_cluster.build(untested, CORE)
    marts = spark_cluster.built_marts()
    assert "marts.customer_value" in marts
    compare(spark_cluster, cdnow, "spark cluster with one worker left, cdnow", marts)
    compare(spark_cluster, cdnow, "spark cluster with one worker left, cdnow, as loaded", TYPED_RAW)
