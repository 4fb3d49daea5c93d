"""SQL that every engine reads: no one-engine words outside macros/adapters, and a parse by other dialects."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import sqlglot
import yaml
from conftest import SHARED, Warehouse

from customer_value.project import PROJECT

# what one of DuckDB, Postgres and Spark cannot read or reads otherwise -> what to write instead
ONE_ENGINE = {
    r"::": "cast()",
    r"\b(try_cast|safe_cast)\b": "a macro in macros/adapters",
    r"\bqualify\b": "a subquery with row_number",
    r"\b(group|order) by all\b": "the columns",
    r"\bdistinct on\b": "row_number",
    r"\bselect \* (exclude|replace)\b": "the columns",
    r"\b(any_value|max_by|min_by|arg_max|arg_min|median|count_if|list_agg|string_agg|array_agg)\s*\(": "plain SQL",
    r"\b(generate_series|range|unnest|explode)\s*\(": "dbt.date_spine or a join",
    r"\b(strftime|strptime|date_diff|datediff|date_add|date_sub|to_date|to_timestamp|epoch)\s*\(": "dbt.datediff",
    r"\binterval\b": "dbt.dateadd",
    r"\bdate_trunc\s*\(": "dbt.date_trunc, cast to date",
    r"\bas (float|real|double|text|varchar|string)\b": "type_double(), dbt.type_string()",
    r"\bas (numeric|decimal)\s*\)": "precision and scale",
    r"\^|\*\*": "power()",
    r"\bconcat\s*\(": "dbt.concat",
    r"\blog\s*\(": "ln()",
    r"\b(ifnull|nvl|isnull|iff|if)\s*\(": "coalesce, case",
    r"\bwith recursive\b": "dbt.date_spine",
    r"\bilike\b": "lower() like",
}

DIALECTS = ["snowflake", "bigquery", "redshift", "trino", "databricks", "postgres", "spark", "duckdb"]


def sql_files() -> list[Path]:
    folders = [PROJECT / "models", PROJECT / "macros", PROJECT / "tests", PROJECT / "analyses"]
    files = [file for folder in folders for file in folder.rglob("*.sql")]
    return [file for file in files if "adapters" not in file.parts]


def violations(text: str) -> list[str]:
    """Return what in an SQL file only one engine reads; comments and Jinja calls of dbt's own macros do not count."""
    text = re.sub(r"{#.*?#}", "", text, flags=re.DOTALL)
    text = re.sub(r"--.*", "", text)
    months = re.findall(r"\bdbt\.datediff\([^{}]*'month'\)", text)  # one more on Spark, from 31 August to 30 September
    text = re.sub(r"\bdbt\.\w+\(", "(", text)
    text = re.sub(r"{%.*?%}", "", text, flags=re.DOTALL)
    return [f"{each!r}: write months_between()" for each in months] + [
        f"{match.group(0)!r}: write {instead}"
        for pattern, instead in ONE_ENGINE.items()
        for match in re.finditer(pattern, text, re.IGNORECASE)
    ]


def test_no_model_macro_or_test_speaks_the_sql_of_one_engine():
    found = {str(file.relative_to(PROJECT)): violations(file.read_text(encoding="utf-8")) for file in sql_files()}
    assert len(found) > 50
    assert {file: what for file, what in found.items() if what} == {}


@pytest.mark.parametrize(
    "sql",
    [
        "select a::int", "select cast(a as numeric)", "select cast(a as float)", "select a ^ 2", "select concat(a, b)",
        "select * from t qualify x = 1", "select a from t group by all", "select max_by(a, b) from t",
        "select date_trunc('month', a)", "select a + interval '1 day'", "select log(a)",
        "select {{ dbt.datediff('a', 'b', 'month') }}",
    ],
)  # fmt: skip
def test_the_rules_catch_what_they_are_for(sql: str):
    assert violations(sql)


@pytest.fixture(scope="module")
def trees(shop: Warehouse) -> dict[str, sqlglot.Expression]:
    """Return {model: what sqlglot reads in the SQL that dbt compiled for DuckDB}."""
    compiled = SHARED / "server" / "target" / "compiled"
    shutil.rmtree(compiled, ignore_errors=True)  # of other builds
    shop.run("compile", "--select", "resource_type:model", "--indirect-selection", "empty")
    files = (compiled / "customer_value_warehouse" / "models").rglob("*.sql")
    return {file.stem: sqlglot.parse_one(file.read_text(encoding="utf-8"), read="duckdb") for file in files}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_model_is_transpiled_and_parsed_by_other_dialects(trees: dict[str, sqlglot.Expression], dialect: str):
    written = {file.stem for file in (PROJECT / "models").rglob("*.sql")}
    for_lifetime_value = {"int_ranked_values", "int_lifetime_value_ranks"}  # off, but for this value of var abc_value
    assert set(trees) == written - for_lifetime_value
    for model, tree in trees.items():
        generator = sqlglot.Dialect.get_or_raise(dialect).generator(unsupported_level=sqlglot.ErrorLevel.IGNORE)
        transpiled = generator.generate(tree)  # of a copy
        # where null keys would sort plays no part: no window here orders by a key that can be null
        assert [message for message in generator.unsupported_messages if "NULLS" not in message] == [], model
        assert sqlglot.parse_one(transpiled, read=dialect, error_level=sqlglot.ErrorLevel.RAISE), model


def test_unit_test_names_fit_into_postgres_identifiers():
    names = [
        test["name"]
        for file in (PROJECT / "models").rglob("*.yml")
        for test in yaml.safe_load(file.read_text(encoding="utf-8")).get("unit_tests", [])
    ]
    assert len(names) > 100
    assert [name for name in names if len(name) > 63] == []
