"""The metrics of models/semantic: each saved query gives what its mart says, to the cent, on DuckDB and on Postgres.

MetricFlow writes the SQL, in this process, which spares each query the start of mf; the databases run it. The data are
the generated shop with bad rows; Postgres has a copy of its marts, which test_parity.py shows to be what it builds.
"""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb
import psycopg2
import pytest
from conftest import Warehouse, postgres_database
from dbt_metricflow.cli.dbt_connectors.dbt_config_accessor import parse_manifest_from_dbt_generated_manifest
from engines import to_postgres
from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
from metricflow.protocols.sql_client import SqlEngine
from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
from metricflow.sql.render.postgres import PostgresSQLSqlPlanRenderer
from metricflow.validation.data_warehouse_model_validator import DataWarehouseModelValidator
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

from customer_value.project import PROJECT
from customer_value.publish.duckdb_store import copy_marts
from customer_value.publish.publishing import Mart

RELATIVE, HALF_CENT = 1e-9, Decimal("0.005")
LAST = "where as_of_date = (select max(as_of_date) from marts.{mart})"
PORTFOLIO = """
    known_customers, customers, active_customers, repeat_customers, repeat_rate, tier_a_customers,
    tier_a_customer_share, tier_a_net_revenue_share, window_orders, monetary, average_order_value, window_margin,
    orders, net_revenue, margin, realised_value, residual_value_12m, residual_value_36m, lifetime_value, revenue_at_risk
"""
SUMMARY = "customers as known_customers, monetary, net_revenue, margin, realised_value"
GROWTH = """
    opening_customers, new_customers, resurrected_customers, churned_customers, relabelled_customers, closing_customers,
    churn_rate, annual_churn_rate
"""
MONTH = "cast(date_trunc('month', {day}) as date) as metric_time__month"
# {saved query: what its mart says, as SQL of DuckDB and Postgres}; columns as MetricFlow names them
MARTS_SAY = {
    "portfolio_by_month": f"select {MONTH.format(day='as_of_date')}, {PORTFOLIO} from marts.portfolio_summary",
    "portfolio_by_tier": f"select tier as customer_as_of__tier, {SUMMARY} from marts.tier_summary "
    + LAST.format(mart="tier_summary"),
    "portfolio_by_segment": "select as_of_date as metric_time__day, rfm_segment as customer_as_of__rfm_segment, "
    f"{SUMMARY} from marts.segment_summary",
    "growth_by_month": f"select {MONTH.format(day='as_of_date')}, {GROWTH} from marts.customer_growth",
    "retention_by_cohort": """
        select
            cohort_month as cohort__cohort_month__month, months_since as cohort__months_since,
            customers as cohort_customers, active_share, retained_share, margin_per_customer
        from marts.cohort_retention
    """,
    "concentration_by_month": f"""
        select {MONTH.format(day="as_of_date")}, gini, value_share as top_20_value_share
        from marts.value_concentration where percentile = 20
    """,
    "orders_by_month": f"""
        select
            {MONTH.format(day="order_date")},
            sum(cast(is_purchase as integer)) as purchases,
            count(distinct case when is_purchase then customer_id end) as purchasing_customers,
            cast(sum(net_revenue) as numeric(18, 2)) as order_net_revenue,
            cast(sum(margin) as numeric(18, 2)) as order_margin,
            cast(sum(margin) as double precision) / cast(nullif(sum(net_revenue), 0) as double precision)
                as order_margin_rate
        from marts.orders group by 1
    """,
    "orders_by_tier": f"""
        select
            {MONTH.format(day="orders.order_date")},
            coalesce(customer_value.tier, 'none') as customer__tier,
            sum(cast(orders.is_purchase as integer)) as purchases,
            cast(sum(orders.net_revenue) as numeric(18, 2)) as order_net_revenue,
            cast(sum(orders.margin) as numeric(18, 2)) as order_margin
        from marts.orders left join marts.customer_value on orders.customer_id = customer_value.customer_id
        group by 1, 2
    """,
    "forecast_error": """
        select
            as_of_date as metric_time__day,
            max(case when method = 'model' then customers end) as forecast_customers,
            max(case when method = 'model' then forecast_total end) as forecast_spend,
            max(case when method = 'model' then actual_total end) as actual_spend,
            max(case when method = 'model' then bias end) as forecast_bias,
            max(case when method = 'model' then mae end) as forecast_mae,
            max(case when method = 'last_period' then mae end) as last_period_mae
        from marts.clv_backtest where measure = 'spend' and bucket_type = 'all' group by 1
    """,
    "forecast_by_decile": """
        select
            bucket as forecast__decile, customers as forecast_customers, forecast_total as forecast_spend,
            actual_total as actual_spend, bias as forecast_bias
        from marts.clv_backtest
        where
            method = 'model' and measure = 'spend' and bucket_type = 'decile'
            and as_of_date = (select max(as_of_date) from marts.clv_backtest where method = 'model')
    """,
    "rejects_by_source": """
        select
            source_name as source__source_name, raw as raw_row_count, rejected as rejected_row_count,
            cast(rejected as double precision) / cast(nullif(raw, 0) as double precision) as reject_share
        from marts.reconciliation where measure = 'row_count'
    """,
    "rejects_by_reason": """
        select
            source_name as reject__source_name, reject_reason as reject__reject_reason, severity as reject__severity,
            row_count as rejections, amount as rejected_amount
        from marts.reject_summary
    """,
}


@dataclass
class Client:
    """What MetricFlow asks of a database: its dialect, and whether it takes a query. ask: returns columns and rows."""

    sql_engine_type: SqlEngine
    sql_plan_renderer: object
    ask: Callable[[str], tuple[list[str], list[tuple]]]

    def dry_run(self, stmt: str, sql_bind_parameter_set: object = None) -> None:
        """Let the database plan a query."""
        self.ask(f"explain {stmt}")


@dataclass
class Metrics:
    """The metrics of a semantic manifest on a database."""

    manifest: str
    client: Client

    def __post_init__(self) -> None:
        self.parsed = parse_manifest_from_dbt_generated_manifest(manifest_json_string=self.manifest)
        self.engine = MetricFlowEngine(SemanticManifestLookup(self.parsed), self.client)

    def ask(
        self, saved_query: str | None = None, *metrics: str, by: str | None = None
    ) -> tuple[list[str], list[tuple]]:
        """Return columns and rows of a saved query, or of metrics."""
        request = MetricFlowQueryRequest.create(
            saved_query_name=saved_query, metric_names=metrics or None, group_by_names=[by] if by else None
        )
        return self.client.ask(self.engine.explain(mf_request=request).sql_statement.sql)

    def difference(self, saved_query: str) -> tuple[int, float]:
        """Return the rows of a saved query, and how far it is from its mart; fail if they are not the same."""
        return compare(saved_query, *self.ask(saved_query), *self.client.ask(MARTS_SAY[saved_query]))


def plain(value: object) -> object:
    """Return a value without what engines write differently: midnight of a day is the day."""
    return value.date() if isinstance(value, dt.datetime) else value


def distance(got: object, expected: object) -> float | None:
    """Return how far a number is from the mart's, relative to it; None if they are not the same.

    An exact number has to be the same, a double the same to 1e-9, or to the cent that the mart rounds to.
    """
    if got is None or expected is None or isinstance(expected, str | dt.date):
        return 0.0 if got == expected else None
    if not isinstance(got, float) and not isinstance(expected, float):
        return 0.0 if Decimal(got) == Decimal(expected) else None
    if isinstance(expected, Decimal):
        return 0.0 if abs(Decimal(got) - expected) <= HALF_CENT + Decimal("1e-9") else None
    apart = abs(float(got) - expected) / max(abs(expected), abs(float(got)), 1e-300) if got != expected else 0.0
    return apart if apart <= RELATIVE or abs(float(got) - expected) < 1e-12 else None


def compare(
    name: str, columns: list[str], rows: list[tuple], mart_columns: list[str], mart_rows: list[tuple]
) -> tuple[int, float]:
    """Return the number of rows and the largest relative difference; fail where two values differ."""
    assert sorted(columns) == sorted(mart_columns), name
    order = [mart_columns.index(column) for column in columns]
    keys = len([column for column in columns if "__" in column])
    got = {tuple(map(plain, row[:keys])): tuple(map(plain, row[keys:])) for row in rows}
    sorted_rows = [tuple(plain(row[place]) for place in order) for row in mart_rows]
    expected = {row[:keys]: row[keys:] for row in sorted_rows}
    assert len(got) == len(rows), f"{name}: a key twice"
    assert got.keys() == expected.keys(), f"{name}: rows of one side only"
    largest = 0.0
    for key, values in expected.items():
        for column, one, two in zip(columns[keys:], got[key], values, strict=True):
            apart = distance(one, two)
            assert apart is not None, f"{name} {key} {column}: {one!r}, the mart says {two!r}"
            largest = max(largest, apart)
    return len(rows), largest


@pytest.fixture(scope="module")
def manifest(dirty_shop: Warehouse) -> str:
    """Return the semantic manifest that dbt parse leaves."""
    parsed = dirty_shop.dbt("parse")
    assert parsed.returncode == 0, parsed.stdout
    return (dirty_shop.folder / "target" / "semantic_manifest.json").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def database(dirty_shop: Warehouse) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a connection to this process's copy of the generated shop."""
    with duckdb.connect(str(dirty_shop.database)) as connection:
        yield connection


def client_of_duckdb(connection: duckdb.DuckDBPyConnection) -> Client:
    """Return DuckDB as MetricFlow sees it."""

    def ask(statement: str) -> tuple[list[str], list[tuple]]:
        found = connection.execute(statement)
        return [column[0] for column in found.description], found.fetchall()

    return Client(SqlEngine.DUCKDB, DuckDbSqlPlanRenderer(), ask)


@pytest.fixture(scope="module")
def on_duckdb(manifest: str, database: duckdb.DuckDBPyConnection) -> Metrics:
    """Return the metrics on DuckDB."""
    return Metrics(manifest, client_of_duckdb(database))


@pytest.fixture(scope="module")
def on_postgres(
    manifest: str, database: duckdb.DuckDBPyConnection, postgres_variables: dict[str, str], tmp_path_factory
) -> Iterator[Metrics]:
    """Yield the metrics on a Postgres server with a copy of the marts that they read."""
    read = sorted(set(re.findall(r'marts\W+(\w+)\\"', manifest)) | set(re.findall(r"marts\.(\w+)", str(MARTS_SAY))))
    file = tmp_path_factory.mktemp("copies") / "mart.csv"
    with postgres_database(postgres_variables, "metrics") as variables:
        settings = {name: variables[f"PG{name.upper()}"] for name in ("host", "port", "user", "password")}
        with contextlib.closing(psycopg2.connect(dbname="metrics", **settings)) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute("create schema marts")
            for mart in read:
                to_postgres(database, cursor, mart, "marts", file)

            def ask(statement: str) -> tuple[list[str], list[tuple]]:
                cursor.execute(statement)
                return [column.name for column in cursor.description], cursor.fetchall()

            here = manifest.replace('\\"warehouse\\".', '\\"metrics\\".')
            yield Metrics(here, Client(SqlEngine.POSTGRES, PostgresSQLSqlPlanRenderer(), ask))


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def metrics(request: pytest.FixtureRequest) -> Metrics:
    """Return the metrics on each engine."""
    return request.getfixturevalue(f"on_{request.param}")


def test_each_saved_query_equals_its_mart(metrics: Metrics):
    engine = metrics.client.sql_engine_type.value
    assert {query.name for query in metrics.parsed.saved_queries} == set(MARTS_SAY)
    print(f"\n{engine:<26}{'metrics':>8}{'rows':>8}{'largest difference':>22}")
    for query in metrics.parsed.saved_queries:
        rows, largest = metrics.difference(query.name)
        assert rows, f"{query.name} has no row: nothing was compared"
        print(f"{query.name:<26}{len(query.query_params.metrics):>8}{rows:>8,}{largest:>22.1e}")


def test_each_metric_is_in_a_saved_query_or_part_of_one_that_is(on_duckdb: Metrics):
    """So that each formula is compared with a mart; and each says what it is."""
    metrics = {metric.name: metric for metric in on_duckdb.parsed.metrics}
    compared = {name for query in on_duckdb.parsed.saved_queries for name in query.query_params.metrics}
    compared |= {part.name for name in compared for part in metrics[name].input_metrics}
    assert set(metrics) == compared
    for metric in metrics.values():
        assert metric.label not in (None, metric.name), metric.name
        assert len(metric.description) > 20 and "from measure" not in metric.description, metric.name


def test_a_date_is_never_added_to_another(metrics: Metrics):
    """Without a date the last one counts, by year the last one of the year."""
    shown = ("customers", "net_revenue", "repeat_rate", "gini")
    says = "select {0} from marts.portfolio_summary inner join marts.value_concentration using (as_of_date) "
    says += "where percentile = 20 and as_of_date in (select max(as_of_date) from marts.portfolio_summary{1})"
    values = "portfolio_summary.customers, net_revenue, repeat_rate, gini"
    compare("last", *metrics.ask(None, *shown), *metrics.client.ask(says.format(values, "")))
    year = f"cast(date_trunc('year', as_of_date) as date) as metric_time__year, {values}"
    yearly = says.format(year, " group by date_trunc('year', as_of_date)")
    compare("by year", *metrics.ask(None, *shown, by="metric_time__year"), *metrics.client.ask(yearly))


def test_orders_of_all_days_are_the_customers_value_to_date(metrics: Metrics):
    """The same money by the day of the order and as of the last date."""
    purchases, net_revenue, margin = metrics.ask(None, "purchases", "order_net_revenue", "order_margin")[1][0]
    assert metrics.ask(None, "orders", "net_revenue", "margin")[1][0] == (purchases, net_revenue, margin)


BREAKS = {
    # a formula: what is replaced in the semantic manifest, and the saved query that sees it
    "repeat from three orders on": ("order_count > 1", "order_count > 2", "portfolio_by_month"),
    "the first date, not the last": ('"window_choice": "max"', '"window_choice": "min"', "portfolio_by_tier"),
    "revenue without discounts": ('"expr": "net_revenue"', '"expr": "gross_amount"', "orders_by_month"),
    "lost customers are new": ('"expr": "new_customers"', '"expr": "churned_customers"', "growth_by_month"),
    "kept customers are active": ('"expr": "retained_customers"', '"expr": "active_customers"', "retention_by_cohort"),
    "errors of another measure": ("measure = 'spend'", "measure = 'purchases'", "forecast_error"),
    # a mart: a statement, in the middle of the history
    "a cent more": "update marts.portfolio_summary set margin = margin + 0.01 where as_of_date = '2023-06-30'",
    "a cent less in a tier": "update marts.tier_summary set monetary = monetary - 0.01 where tier = 'B'",
    "a customer less": "delete from marts.customer_value_history where as_of_date = '2023-06-30' and tier = 'A' "
    "and net_revenue = (select max(net_revenue) from marts.customer_value_history where as_of_date = '2023-06-30')",
    "another rate": "update marts.customer_growth set churn_rate = churn_rate + 0.001 where as_of_date = '2023-06-30'",
    "another cohort": "update marts.cohort_retention set active_share = active_share / 2 where months_since = 1",
    "another error": "update marts.clv_backtest set mae = mae * 1.001 where bucket_type = 'all' and method = 'model'",
}


@pytest.mark.parametrize("case", BREAKS)
def test_a_broken_formula_and_a_broken_mart_are_found(
    case: str, on_duckdb: Metrics, manifest: str, database: duckdb.DuckDBPyConnection
):
    done = BREAKS[case]
    if isinstance(done, tuple):
        before, after, query = done
        assert before in manifest
        broken = Metrics(manifest.replace(before, after), on_duckdb.client)
        with pytest.raises(AssertionError, match=query):
            broken.difference(query)
        return
    database.execute("begin")
    try:
        (changed,) = database.execute(done).fetchone()
        assert changed
        with pytest.raises(AssertionError, match=r"the mart says|rows of one side"):
            for query in MARTS_SAY:
                on_duckdb.difference(query)
    finally:
        database.execute("rollback")


def test_configs_are_valid_against_postgres(on_postgres: Metrics):
    validator = DataWarehouseModelValidator(on_postgres.client)
    for validate in (
        validator.validate_semantic_models,
        validator.validate_dimensions,
        validator.validate_entities,
        validator.validate_simple_metrics,
        validator.validate_metrics,
    ):
        found = validate(on_postgres.parsed, None)
        assert not found.has_blocking_issues, found.errors


def test_mf_itself_validates_and_answers_on_what_is_published(
    dirty_shop: Warehouse, database: duckdb.DuckDBPyConnection, manifest: str, tmp_path: Path
):
    """What models/docs/bi_tools.md tells an analyst to do."""
    published = tmp_path / "current" / "analytics.duckdb"
    published.parent.mkdir()
    read = set(re.findall(r'marts\W+(\w+)\\"', manifest))
    copy_marts(database, published, [Mart(name, name, {}) for name in read])
    published.chmod(0o444)
    home = tmp_path / "project"  # mf looks for its manifest in the project's folder
    (home / "target").mkdir(parents=True)
    for each in PROJECT.iterdir():
        if each.name not in ("target", "logs"):
            (home / each.name).symlink_to(each)
    here = manifest.replace('\\"warehouse\\".', '\\"analytics\\".')
    (home / "target" / "semantic_manifest.json").write_text(here, encoding="utf-8")
    environment = os.environ | {
        "DBT_TARGET": "published",
        "CUSTOMER_VALUE_PUBLISHED": str(tmp_path),
        "DBT_LOG_PATH": str(tmp_path / "logs"),
        "HTTPS_PROXY": "http://127.0.0.1:9",  # mf looks on the package index for a newer version of itself
    }

    def mf(*arguments: str) -> str:
        done = subprocess.run(
            [str(Path(sys.executable).with_name("mf")), *arguments],
            cwd=home, env=environment, capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    said = mf("validate-configs")
    assert (said.count("Successfully validated"), said.count("Breaking issues")) == (6, 0), said
    mf("query", "--saved-query", "rejects_by_source", "--csv", str(tmp_path / "answer.csv"))
    with (tmp_path / "answer.csv").open(encoding="utf-8") as answer:
        got = {row["source__source_name"]: float(row["reject_share"]) for row in csv.DictReader(answer)}
    expected = database.execute(MARTS_SAY["rejects_by_source"]).fetchall()
    assert got == pytest.approx({row[0]: row[3] for row in expected}, rel=1e-9)
