"""What dbt users rely on: docs, contracts, access, selection by state; and rules that no linter knows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from conftest import Warehouse

from customer_value import summary
from customer_value.project import PROJECT

NAME = "customer_value"


@pytest.fixture(scope="module")
def artifacts(shop: Warehouse) -> tuple[dict, dict]:
    """Return (manifest, catalog) of dbt docs generate."""
    result = shop.dbt("docs", "generate")
    assert result.returncode == 0, result.stdout
    target = shop.folder / "target"
    return tuple(json.loads((target / f"{name}.json").read_text()) for name in ("manifest", "catalog"))


def own(nodes: dict, *types: str) -> Iterator[dict]:
    return (node for node in nodes.values() if node["package_name"] == NAME and node["resource_type"] in types)


def test_every_model_seed_and_source_column_is_described(artifacts: tuple[dict, dict]):
    manifest, catalog = artifacts
    undescribed = []
    sources = [node for node in own(manifest["sources"], "source") if node["source_name"] == "raw"]
    relations = [*own(manifest["nodes"], "model", "seed"), *sources]  # those of operations are there after a refresh
    for node in relations:
        found = (catalog["nodes"] | catalog["sources"])[node["unique_id"]]["columns"]
        described = {name for name, column in node["columns"].items() if column["description"].strip()}
        undescribed += [f"{node['name']}.{name}" for name in set(found) ^ described]
        if not node["description"].strip():
            undescribed.append(node["name"])
    assert len(relations) > 30
    assert undescribed == []


def test_every_macro_is_described_with_all_its_arguments(artifacts: tuple[dict, dict]):
    macros = [macro for macro in own(artifacts[0]["macros"], "macro") if not macro["name"].startswith("test_")]
    assert len(macros) > 10
    for macro in macros:
        assert macro["description"].strip(), macro["name"]
        signature = re.search(r"{%-?\s*macro\s+\w+\((.*?)\)\s*-?%}", macro["macro_sql"], re.DOTALL).group(1)
        arguments = [argument.split("=")[0].strip() for argument in signature.split(",") if argument.strip()]
        assert [argument["name"] for argument in macro["arguments"]] == arguments, macro["name"]
        assert all(argument["type"] and argument["description"] for argument in macro["arguments"]), macro["name"]


def test_names_of_unit_tests_are_no_longer_than_a_relation_on_postgres(artifacts: tuple[dict, dict]):
    """Postgres makes a table of a unit test's name, of 63 characters at most."""
    names = [test["name"] for test in artifacts[0]["unit_tests"].values()]
    assert len(names) > 50
    assert [name for name in names if len(name) > 63] == []


def test_marts_are_public_under_contract_and_all_else_is_private(artifacts: tuple[dict, dict]):
    for model in own(artifacts[0]["nodes"], "model"):
        is_mart = model["schema"] == "marts"
        assert model["config"]["access"] == ("public" if is_mart else "private"), model["name"]
        assert model["config"]["group"] == NAME
        assert model["contract"]["enforced"] == is_mart, model["name"]


def test_customer_value_begins_with_the_columns_that_others_rely_on(shop: Warehouse):
    columns = [row[0] for row in shop.rows("describe marts.customer_value")]
    assert columns[:19] == [
        "as_of_date", "customer_id", "tier", "raw_tier", "abc_tier", "rfm_segment", "recency_score",
        "frequency_score", "monetary_score", "lifecycle_stage", "recency_days", "frequency", "monetary",
        "first_order_date", "last_order_date", "order_count", "net_revenue", "margin", "realised_value",
    ]  # fmt: skip


def test_results_depend_on_no_clock_and_no_chance_and_files_are_small():
    pattern = re.compile(
        r"current_timestamp|current_date|now\(\)|random\(|run_started_at|\bqualify\b|group by all", re.I
    )
    for file in [*(PROJECT / "models").rglob("*.sql"), *(PROJECT / "macros").rglob("*.sql")]:
        text = file.read_text(encoding="utf-8")
        assert not pattern.search(text), file
        assert len(text.splitlines()) <= 130, file


def test_macros_with_mathematics_are_pure():
    for folder in ["value", "scoring", "lifecycle", "clv"]:
        for file in (PROJECT / "macros" / folder).glob("*.sql"):
            text = re.sub(r"{#.*?#}", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
            assert not re.search(r"\b(var|ref|source|run_query)\(", text), file
            assert f"macro {file.stem}(" in text, f"{file}: one macro per file, named as the file"


def test_every_var_that_defines_something_opens_the_history():
    """A changed var must not leave slices of the old definition standing beside those of the new one."""
    only_about_the_run = {
        "as_of_date", "data_end_date", "max_silent_days", "memory_limit", "raw_schema", "versions_kept", "runs_kept",
        "anomaly_runs", "anomaly_min_runs", "anomaly_thresholds", "anomalies_accepted", "publication_rules",
    }  # fmt: skip
    declared = set(yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"])
    macro = (PROJECT / "macros" / "history" / "definitions_key.sql").read_text(encoding="utf-8")
    named = set(re.findall(r"'(\w+)'", macro[macro.index("set names") : macro.index("] -%}")]))
    assert named == declared - only_about_the_run


def test_plain_commands_work_from_the_root(shop: Warehouse):
    shown = shop.dbt("show", "--select", "marts.customer_value", "--limit", "2")
    assert shown.returncode == 0
    assert "abc_tier" in shown.stdout
    selected = shop.dbt("ls", "--quiet", "--select", "+tier_summary", "--resource-type", "model")
    assert f"{NAME}.marts.customer_value" in selected.stdout


def test_an_unchanged_project_has_nothing_modified(shop: Warehouse, artifacts: tuple[dict, dict], tmp_path: Path):
    (tmp_path / "manifest.json").write_text(json.dumps(artifacts[0]), encoding="utf-8")
    listed = shop.dbt("ls", "--quiet", "--select", "state:modified", "--state", str(tmp_path))
    assert listed.returncode == 0
    assert listed.stdout.strip() in ("", "No nodes selected!")


def test_the_readmes_sample_is_what_the_build_prints(complete_journey: Warehouse):
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert summary.render(complete_journey.database) in readme
