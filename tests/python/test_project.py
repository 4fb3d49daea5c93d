"""What dbt users rely on: docs, contracts, access, selection by state; and rules that no linter knows."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from conftest import Warehouse
from refreshes import PARSED_ALIKE, changes_of_parse, is_read_at_parse

import draw_rooms
from customer_value import summary
from customer_value.project import PROJECT

NAME = "customer_value_warehouse"


@pytest.fixture(scope="module")
def artifacts(shop: Warehouse) -> tuple[dict, dict]:
    """Return (manifest, catalog) of dbt docs generate."""
    result = shop.dbt("docs", "generate")
    assert result.returncode == 0, result.stdout
    target = shop.folder / "target"
    return tuple(json.loads((target / f"{name}.json").read_text()) for name in ("manifest", "catalog"))


def own(nodes: dict, *types: str) -> Iterator[dict]:
    return (node for node in nodes.values() if node["package_name"] == NAME and node["resource_type"] in types)


def test_every_column_is_described_where_it_is_born(artifacts: tuple[dict, dict]):
    """Marts, staging, seeds and sources describe all of their columns, intermediate models those that no parent has."""
    manifest, catalog = artifacts
    wrong = []
    columns = {key: set(node["columns"]) for key, node in (catalog["nodes"] | catalog["sources"]).items()}
    sources = [node for node in own(manifest["sources"], "source") if node["source_name"] == "raw"]
    relations = [*own(manifest["nodes"], "model", "seed"), *sources]  # those of operations are there after a refresh
    for node in relations:
        found, parents = columns[node["unique_id"]], manifest["parent_map"].get(node["unique_id"], [])
        carried = set().union(*(columns.get(parent, set()) for parent in parents))
        described = {name for name, column in node["columns"].items() if column["description"].strip()}
        needed = found - carried if node["path"].startswith("intermediate/") else found
        wrong += [f"{node['name']}.{name}" for name in (needed - described) | (set(node["columns"]) - found)]
        if not node["description"].strip():
            wrong.append(node["name"])
    assert len(relations) > 30
    assert wrong == []


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


def test_marts_are_public_and_other_models_private_where_their_group_alone_reads_them(artifacts: tuple[dict, dict]):
    manifest, _ = artifacts
    foreign = set()  # what is read from outside of its group: tests and analyses of no model have none
    for node in own(manifest["nodes"], "model", "test", "analysis"):
        parents = (manifest["nodes"].get(parent) for parent in manifest["parent_map"].get(node["unique_id"], []))
        foreign |= {
            parent["name"] for parent in parents if parent and parent["config"].get("group") != node.get("group")
        }
    by_other_vars = set()  # what models name that read it, or are there, with other vars alone
    off = [node for nodes in manifest["disabled"].values() for node in nodes if node["resource_type"] == "model"]
    for node in [*own(manifest["nodes"], "model"), *off]:
        named = re.findall(r"['\"](\w+)['\"]", node["raw_code"])
        by_other_vars |= {(name, node["config"]["group"]) for name in named}
    for model in own(manifest["nodes"], "model"):
        is_mart = model["schema"] == "marts"
        expected = "public" if is_mart else "protected" if model["name"] in foreign else "private"
        found = model["config"]["access"]
        named_elsewhere = any(name == model["name"] and group != model["group"] for name, group in by_other_vars)
        assert found == expected or (found == "protected" and named_elsewhere), model["name"]
        assert model["config"]["group"], f"{model['name']}: give its folder a group in dbt_project.yml"
        assert model["contract"]["enforced"] == is_mart, model["name"]


def test_a_room_reads_itself_and_those_above_it(artifacts: tuple[dict, dict]):
    """The order is that of ROOMS in scripts/draw_rooms.py; a new room has its place there."""
    place = {room: number for number, room in enumerate(draw_rooms.ROOMS)}
    rooms = {draw_rooms.room_of(model) for model in own(artifacts[0]["nodes"], "model")}
    assert rooms == set(place)
    upwards = [
        f"{reader['path']} reads {read['path']}"
        for reader, read in draw_rooms.edges(artifacts[0])
        if place[draw_rooms.room_of(read)] > place[draw_rooms.room_of(reader)]
    ]
    assert upwards == []


def test_the_picture_shows_the_rooms_as_they_are(artifacts: tuple[dict, dict]):
    """Draw it again with: dbt parse && python scripts/draw_rooms.py."""
    assert draw_rooms.PICTURE.read_text(encoding="utf-8") == draw_rooms.drawing(artifacts[0])


def test_selectors_are_core_and_each_group(artifacts: tuple[dict, dict], shop: Warehouse):
    models = {model["name"]: model for model in own(artifacts[0]["nodes"], "model")}
    selectors = yaml.safe_load((PROJECT / "selectors.yml").read_text(encoding="utf-8"))["selectors"]
    groups = {group["name"] for group in artifacts[0]["groups"].values()}
    assert {selector["name"] for selector in selectors} == groups == {model["group"] for model in models.values()}
    selected = {}
    for name in ("core", "tiers"):
        listed = shop.said("ls", "--selector", name, "--resource-type", "model", "--output", "name")
        selected[name] = set(listed.split())
    assert selected["tiers"] == {name for name, model in models.items() if model["group"] == "tiers"}
    assert {name for name, model in models.items() if model["group"] == "core"} <= selected["core"]
    assert "tier_summary" not in selected["core"]


def test_nothing_above_the_history_reads_a_mart(artifacts: tuple[dict, dict]):
    """A layer reads itself and those before it; what comes after customer_value_history may read marts as well."""
    layers = ["staging", "intermediate", "marts"]
    models = {model["unique_id"]: model for model in own(artifacts[0]["nodes"], "model")}
    below = {key for key, model in models.items() if model["name"] == "customer_value_history"}
    while more := {key for key, model in models.items() if below & set(model["depends_on"]["nodes"])} - below:
        below |= more
    upward = [
        f"{model['name']} reads {models[parent]['name']}"
        for key, model in models.items()
        for parent in model["depends_on"]["nodes"]
        if parent in models
        and layers.index(models[parent]["schema"]) > layers.index(model["schema"])
        and not (model["schema"] == "intermediate" and key in below)
    ]
    assert len(below) > 20
    assert upward == []


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
        assert len(text.splitlines()) <= (100 if file.is_relative_to(PROJECT / "models") else 110), file


def test_macros_with_mathematics_are_pure():
    at_work = {"adapters", "slices", "quality", "sources"}  # what asks the project or the engine; all others calculate
    folders = [folder for folder in (PROJECT / "macros").iterdir() if folder.is_dir() and folder.name not in at_work]
    assert len(folders) > 3
    for folder in folders:
        for file in folder.glob("*.sql"):
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
    mapping = (PROJECT / "macros" / "quality" / "project_vars.sql").read_text(encoding="utf-8")
    listed = re.split(r"^        '(\w+)': ", mapping[mapping.index("return({") :], flags=re.MULTILINE)[1:]
    rules = dict(zip(listed[::2], listed[1::2], strict=True))
    assert set(rules) == declared
    assert {name for name, rule in rules.items() if "'defines': none" in rule} == only_about_the_run


def test_vars_that_only_text_reads_leave_what_is_parsed_as_it_is(artifacts: tuple[dict, dict], shop: Warehouse):
    """So that the tests need not parse the project anew for them (refreshes.READ_AT_PARSE, PARSED_ALIKE)."""
    others = {
        "p_order_method": "model", "clv_method": "auto", "stage_method": "fixed", "reporting_currency": "EUR",
        "business_start_date": "2001-01-01", "data_end_date": "2024-01-31", "as_of_date": "2024-01-31",
        "source_time_zone": "Asia/Tokyo", "reporting_time_zone": "Asia/Tokyo", "memory_limit": "3GB",
    }  # fmt: skip
    declared = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
    for var, value in declared.items():
        if isinstance(value, bool):
            others[var] = not value
        elif isinstance(value, int | float):
            others[var] = value + 1 if isinstance(value, int) else value / 2
        elif isinstance(value, list):
            others[var] = value[:-1] or ["x"]
        elif isinstance(value, dict):
            others[var] = dict(list(value.items())[:-1])
    others = {var: value for var, value in others.items() if not is_read_at_parse(var)}
    assert {var for var in declared if not is_read_at_parse(var)} == set(others)
    others |= {var: values[-1] for var, values in PARSED_ALIKE.items()}
    others["source_map"] = {"orders": {"columns": {"order_id": "number", "customer_id": "upper(buyer)"}}}
    assert not changes_of_parse(others)
    assert shop.dbt("parse", variables=others).returncode == 0
    changed = json.loads((shop.folder / "target" / "manifest.json").read_text())
    for kind in ("nodes", "sources", "unit_tests", "disabled"):
        left, right = ({key: parsed(node) for key, node in side[kind].items()} for side in (artifacts[0], changed))
        different = {key for key in left if left[key] != right.get(key)}
        assert left.keys() ^ right.keys() == set(), kind
        assert different == set(), kind


def parsed(node: dict | list[dict]) -> object:
    """Return what dbt keeps of a node when it has parsed it, or of nodes that are disabled."""
    if isinstance(node, list):
        return [parsed(each) for each in node]
    kept = ("config", "columns", "refs", "sources", "test_metadata", "relation_name", "group")
    return {key: node.get(key) for key in kept} | {"reads": sorted(node.get("depends_on", {}).get("nodes", []))}


def test_every_list_of_sources_has_all_of_them():
    """Models name sources before dbt has a graph to ask, and a var has_... also those that are switched off."""
    contract = yaml.safe_load((PROJECT / "models" / "staging" / "_sources.yml").read_text(encoding="utf-8"))
    (raw,) = (source for source in contract["sources"] if source["name"] == "raw")
    sources = {table["name"] for table in raw["tables"]}
    assert len(sources) == 10
    for name in ("int_rejected_rows", "reconciliation"):
        (model,) = (PROJECT / "models").rglob(f"{name}.sql")
        listed = re.findall(r"^    '(\w+)': ", model.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(listed) == sources, name
    declared = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
    assert {name.removeprefix("has_") for name in declared if name.startswith("has_")} == sources - {"orders"}


def test_every_model_that_keeps_slices_says_which_and_is_tested_for_them(artifacts: tuple[dict, dict]):
    nodes = artifacts[0]["nodes"]
    keeps = {model["name"] for model in own(nodes, "model") if "drop_outdated_slices" in model["raw_code"]}
    says = {model["name"]: model["config"]["meta"].get("slices") for model in own(nodes, "model")}
    assert len(keeps) > 10
    assert {name for name in keeps if says[name] not in ("all", "some", "latest", "holdout")} == set()
    tested = {
        nodes[test["attached_node"]]["name"]
        for test in own(nodes, "test")
        if test.get("test_metadata", {}).get("name") == "holds_its_slices"
    }
    marts = {model["name"] for model in own(nodes, "model") if model["schema"] == "marts"}
    several = {name for name, slices in says.items() if slices not in (None, "latest")}
    assert several & marts <= tested <= several


def test_plain_commands_work_from_the_root(shop: Warehouse):
    shown = shop.dbt("show", "--select", "customer_value", "--limit", "2")
    assert shown.returncode == 0
    assert "abc_tier" in shown.stdout
    selected = shop.said("ls", "--select", "+tier_summary", "--resource-type", "model").split()
    assert f"{NAME}.marts.core.customer_value_history" in selected


def test_the_project_and_its_best_mart_have_names_of_their_own(shop: Warehouse):
    selected = shop.said("ls", "--select", "customer_value", "--resource-type", "model")
    assert selected.split() == [f"{NAME}.marts.core.customer_value"]


def test_the_projects_name_is_written_where_it_has_to_be():
    """dbt_project.yml, the macro project_name, and what dbt wants in writing: dispatch."""
    dispatch = re.compile(rf"adapter\.dispatch\('\w+', '{NAME}'\)")
    for file in [*(PROJECT / "macros").rglob("*.sql"), *(PROJECT / "models").rglob("*.sql")]:
        if file.stem != "project_name":
            assert NAME not in dispatch.sub("", file.read_text(encoding="utf-8")), file


def test_dbt_show_prints_rows_of_every_mart_that_adds_what_is_missing(shop: Warehouse, artifacts: tuple[dict, dict]):
    """Which is nothing after a build."""
    models = own(artifacts[0]["nodes"], "model")
    kept = [model["name"] for model in models if model["schema"] == "marts" and "is_missing" in model["raw_code"]]
    filled = [name for name in kept if shop.rows(f"select 1 from marts.{name} limit 1")]
    assert {"customer_value_history", "tier_summary", "label_truth"} <= set(filled)
    for mart in [*filled, "customer_value"]:  # dbt prints one model per command
        shown = shop.said("show", "--output", "json", "--limit", "1", "--select", mart)
        assert len(json.loads(shown)["show"]) == 1, mart


def test_an_empty_build_passes_and_spares_what_is_kept(shop: Warehouse, warehouse: Warehouse):
    warehouse.load({"orders": "order_id,customer_id,ordered_at,gross_amount\n1,a,2024-01-01,1.00\n"})
    without_rows = ("--empty", "--exclude-resource-type", "unit_test")
    warehouse.run("build", *without_rows)
    warehouse.run("run", "--empty", "--select", "config.materialized:incremental")  # again, on what is kept
    assert warehouse.rows("select count(*) from marts.customer_value_history") == [(0,)]

    shutil.copy(shop.database, warehouse.database)
    refused = warehouse.said("build", *without_rows, succeeds=False)
    assert "would take the rows out of tables that are kept from run to run" in refused
    assert "- marts.customer_value_history\n" in refused
    for mart in ("customer_value_history", "customer_value", "orders"):
        count = f"select count(*) from marts.{mart}"
        assert warehouse.rows(count) == shop.rows(count)


def test_an_unchanged_project_has_nothing_modified(shop: Warehouse, artifacts: tuple[dict, dict], tmp_path: Path):
    (tmp_path / "manifest.json").write_text(json.dumps(artifacts[0]), encoding="utf-8")
    listed = shop.said("ls", "--select", "state:modified", "--state", str(tmp_path))
    assert listed.strip() in ("", "No nodes selected!")


def test_the_readmes_sample_is_what_the_build_prints(complete_journey: Warehouse):
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert summary.render(complete_journey.database) in readme
