"""From the release before, and from a project with a column less, to this one: make refresh alone, and nothing is lost.

The ledger of restatements is what no rebuild brings back, so it is compared row for row.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import SHOP, Warehouse
from publication import Publication

from customer_value.project import PROJECT

RELEASE = "0253806"  # the commit of release 0.1.0
BEFORE = "0d81de0"  # the last commit before release 0.2.0
TESTS_ASIDE = {"DBT_EXCLUDE_RESOURCE_TYPES": "unit_test test"}  # half of a build, and said nothing here
LEDGER = "select * from marts.restatements order by all"
LATE = "ada,2023-03-20 10:00:00,250.00,,,,completed,,,"


def refreshed(home: Publication, *arguments: str) -> None:
    """Refresh, fail with its words where it fails."""
    done = home.refresh(*arguments, **TESTS_ASIDE)
    assert done.returncode == 0, done.stdout + done.stderr


def checked_out(commit: str, folder: Path) -> Path:
    """Return a folder with the project as of a commit; skip where the clone has no such commit."""
    folder.mkdir()
    archive = subprocess.run(["git", "-C", str(PROJECT), "archive", commit], capture_output=True, check=False)
    if archive.returncode:
        pytest.skip(f"the history of this clone does not reach back to {commit}")
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Publication:
    """Return a home that the release before built and restated once."""
    folder = tmp_path_factory.mktemp("upgrade")
    release = checked_out(RELEASE, folder / "release")
    home = Publication.of_the_shop(folder, release)
    refreshed(home)
    home.order(1, LATE)
    refreshed(home)
    return home


def test_a_refresh_after_an_upgrade_publishes_and_keeps_the_ledger(home: Publication, shop: Warehouse):
    ledger = home.rows(LEDGER)
    assert len(ledger) > 10
    now = Publication(home.folder)
    refreshed(now)
    assert now.rows("select count(*) from marts.pipeline_runs") == [(3,)]
    assert now.rows(LEDGER) == ledger
    columns = (
        "select table_name, column_name, data_type from duckdb_columns() where schema_name = 'marts' {} order by all"
    )
    personal = "and table_name not in ('customers', 'rejected_rows') and table_name not like 'pipeline%'"
    assert now.rows(columns.format(f"and database_name = 'analytics' {personal}")) == shop.rows(
        columns.format(personal)
    )


def edited(project: Path, changes: dict[str, tuple[str, str]]) -> None:
    """Put other text in place of the first such text of files."""
    for name, (here, instead) in changes.items():
        text = (project / name).read_text(encoding="utf-8")
        assert here in text, name
        (project / name).write_text(text.replace(here, instead, 1), encoding="utf-8")


def described(*columns: str) -> tuple[str, str]:
    """Return the edit that describes columns in a mart's YAML."""
    lines = [f"      - {{name: {column}, data_type: string, description: A column more.}}\n" for column in columns]
    return "\n    columns:\n", "\n    columns:\n" + "".join(lines)


@pytest.fixture(scope="module")
def next_release(home: Publication) -> Publication:
    """Return the home under a copy of this project that can be edited."""
    project = home.folder / "next_release"
    ignored = shutil.ignore_patterns(".git", ".venv*", "data", "target", "logs", "__pycache__")
    shutil.copytree(PROJECT, project, ignore=ignored, symlinks=True)
    return Publication(home.folder, project)


def test_columns_more_are_published_by_a_refresh_alone_and_the_ledger_keeps_its_rows(next_release: Publication):
    """A mart has two columns more, and the ledger one of them, which the shown history lacks."""
    edited(
        next_release.project,
        {
            "models/intermediate/value/int_customer_value.sql": (
                "\nselect\n    as",
                "\nselect\n    raw_tier as next_tier, abc_tier as last_tier,\n    as",
            ),
            "models/marts/core/customer_value_history.sql": (
                "\nselect\n",
                "\nselect\n    next_tier,\n    last_tier,\n",
            ),
            "macros/labels/restated_columns.sql": ("'tier': ", "'last_tier': dbt.type_string(), 'tier': "),
            "models/marts/core/customer_value.yml": described("next_tier", "last_tier"),
            "models/marts/core/customer_value_history.yml": described("next_tier", "last_tier"),
            "models/marts/core/restatements.yml": described("last_tier", "shown_last_tier"),
        },
    )
    ledger = next_release.rows(LEDGER)
    next_release.order(2, LATE)
    refreshed(next_release)
    wrong = """
        select count(*) from marts.customer_value_history
        where next_tier is distinct from raw_tier or last_tier is distinct from abc_tier
    """
    assert next_release.rows(wrong) == [(0,)]
    kept = "select * exclude (last_tier, shown_last_tier) from marts.restatements order by all"
    assert next_release.rows(kept) == ledger


def test_one_full_build_takes_a_database_of_the_version_before(warehouse: Warehouse, tmp_path: Path):
    """models/docs/upgrading.md, by dbt alone: the history says what it said, and the ledger is kept."""
    project = checked_out(BEFORE, tmp_path / "before")
    orders = (SHOP / "orders.csv").read_text(encoding="utf-8")

    def built_by_the_version_before(*select: str) -> None:
        place = {"CUSTOMER_VALUE_DATABASE": str(warehouse.database), "DBT_TARGET_PATH": str(tmp_path / "target_before")}
        dbt = str(Path(sys.executable).with_name("dbt"))
        done = subprocess.run(
            [dbt, "build", *select],
            cwd=project,
            env=os.environ | TESTS_ASIDE | place,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout

    warehouse.load({"orders": orders})
    built_by_the_version_before()
    warehouse.load({"orders": f"{orders}n1,{LATE}\n"})
    built_by_the_version_before("--select", "+customer_value_history")  # and with it the ledger
    shown = "select * exclude (slice_version) from marts.{} order by all"
    history, ledger = (warehouse.rows(shown.format(mart)) for mart in ("customer_value_history", "restatements"))
    assert ledger
    warehouse.run("build", "--full-refresh", "--exclude-resource-type", "unit_test")
    assert warehouse.rows(shown.format("customer_value_history")) == history
    assert warehouse.rows(shown.format("restatements")) == ledger
