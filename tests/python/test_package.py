"""integration_tests, a project that installs this one as models/docs/package.md says: built, read, snapshotted."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from argparse import Namespace
from pathlib import Path

import pytest
from conftest import LIMIT, SHOP, Warehouse, warm

from customer_value.project import PROJECT
from customer_value.raw import load_files

PAGE = PROJECT / "models" / "docs" / "package.md"
CONSUMER = PROJECT / "integration_tests"
NAME = "customer_value_warehouse"


def documented_files() -> dict[str, str]:
    """Return {path: text} of the consumer that the page shows: a line of its name before each block."""
    return dict(re.findall(r"^`([\w./]+)`\n\n```\w*\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S))


@pytest.fixture(scope="module")
def consumer(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Return a copy of integration_tests, with the fixture shop to read, and its package installed."""
    warehouse = Warehouse(tmp_path_factory.mktemp("consumer"))
    load_files.load(Namespace(database=warehouse.database, folder=SHOP))
    ignored = shutil.ignore_patterns("dbt_packages", "package-lock.yml", "target", "logs", "*.duckdb*")
    shutil.copytree(CONSUMER, warehouse.folder, ignore=ignored, dirs_exist_ok=True)
    (warehouse.folder / "packages.yml").write_text(f"packages: [{{local: {PROJECT}}}]\n", encoding="utf-8")
    assert dbt(warehouse, "deps").returncode == 0
    return warehouse


def dbt(consumer: Warehouse, *arguments: str) -> subprocess.CompletedProcess:
    """Run dbt in the consumer's own folder."""
    command = [warm().dbt, "--no-use-colors", *arguments]
    environment = os.environ | {"MY_COMPANY_DATABASE": str(consumer.database)}
    return subprocess.run(
        command, cwd=consumer.folder, env=environment, capture_output=True, text=True, check=False, timeout=LIMIT
    )


def test_the_page_shows_the_project_as_it_is():
    shown = documented_files()
    assert set(shown) == {"dbt_project.yml", "packages.yml", "models/tiers.sql", "snapshots/tier_log.yml"}
    for name, text in shown.items():
        file = (CONSUMER / name).read_text(encoding="utf-8")
        words = [[line.split("#")[0].split() for line in lines.splitlines()] for lines in (text, file)]
        assert [line for line in words[0] if line] == [line for line in words[1] if line], name


def test_another_project_builds_it_with_all_its_data_tests(consumer: Warehouse):
    done = dbt(consumer, "build", "--exclude-resource-type", "unit_test")  # which read none of its rows
    assert done.returncode == 0, done.stdout[-5000:]
    assert "WARN=0 ERROR=0 SKIP=0" in done.stdout
    assert consumer.rows("select sum(customers) from analytics.tiers") == [(12,)]
    assert consumer.rows("select count(*) from analytics.tier_log where dbt_valid_to is null") == [(12,)]
    # vars under the package's name hold: the page's window is six months
    assert consumer.rows("select max(as_of_date) from crm.customer_value")[0][0].isoformat() == "2023-12-31"
    expected = """
        select customer_id, counted.frequency from crm.customer_value inner join (
            select customer_id, count(*) as frequency from crm.orders
            where order_date > '2023-06-30' and gross_amount >= 0 group by customer_id
        ) as counted using (customer_id) where customer_value.frequency <> counted.frequency
    """
    assert consumer.rows(expected) == []
    assert consumer.rows("select sum(frequency) < sum(order_count) from crm.customer_value") == [(True,)]
    schemas = consumer.rows("select distinct table_schema from information_schema.tables")
    assert {schema for (schema,) in schemas} == {
        "raw", "operations", "analytics", "crm", "staging", "intermediate", "reference", "oracle",
    }  # fmt: skip


def test_a_broken_contract_stops_another_projects_run_too(consumer: Warehouse):
    consumer.execute("alter table raw.orders rename column ordered_at to placed_at")
    done = dbt(consumer, "build")
    consumer.execute("alter table raw.orders rename column placed_at to ordered_at")
    assert done.returncode != 0
    assert "table raw.orders lacks the column ordered_at (required)" in done.stdout
    assert "table raw.orders has the columns order_id, customer_id, placed_at" in done.stdout
    assert "START sql" not in done.stdout


def test_another_project_may_have_seeds_of_its_own(consumer: Warehouse):
    own = (PROJECT / "seeds" / "reference" / "rfm_segments.csv").read_text().replace("Need Attention", "Sleepy")
    (consumer.folder / "seeds").mkdir()
    (consumer.folder / "seeds" / "rfm_segments.csv").write_text(own)
    project = consumer.folder / "dbt_project.yml"
    before = project.read_text()
    project.write_text(before + f"seeds: {{{NAME}: {{reference: {{rfm_segments: {{+enabled: false}}}}}}}}\n")
    done = dbt(consumer, "build", "--resource-type", "seed", "--resource-type", "model", "--select", "+segment_summary")
    project.write_text(before)
    shutil.rmtree(consumer.folder / "seeds")
    assert done.returncode == 0, done.stdout[-5000:]
    segments = {segment for (segment,) in consumer.rows("select distinct rfm_segment from crm.segment_summary")}
    assert "Sleepy" in segments
    assert "Need Attention" not in segments


@pytest.mark.parametrize(
    ("setting", "folder"), [("", "dbt_packages"), ('packages-install-path: "vendor" # ours\n', "vendor")]
)
def test_the_python_model_finds_its_scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, folder: str):
    spec = importlib.util.spec_from_file_location(
        "fits", PROJECT / "models" / "intermediate" / "clv" / "int_clv_fits.py"
    )
    fits = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fits)
    monkeypatch.chdir(PROJECT)
    assert fits.scripts_folder() == str(PROJECT / "scripts")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dbt_project.yml").write_text("name: other\n" + setting)
    with pytest.raises(FileNotFoundError, match=f"{folder}/{NAME}"):
        fits.scripts_folder()
    (tmp_path / folder).mkdir()
    (tmp_path / folder / NAME).symlink_to(PROJECT)
    assert fits.scripts_folder() == str(tmp_path / folder / NAME / "scripts")
