"""Which slices a mart builds anew: those that its own definitions or its own rows changed, and no other mart's.

The tests follow one another on one copy of the project and one warehouse, as nights do.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import LIMIT, PARSED, Warehouse, current, server

from customer_value.project import PROJECT

IGNORED = shutil.ignore_patterns(".git", ".venv*", "data", "target", "logs", "__pycache__")
KEPT = [
    "customer_value_history", "tier_thresholds", "clv_parameters", "tier_summary", "segment_summary",
    "value_concentration", "tier_migrations", "cohort_retention", "return_rates", "clv_backtest", "label_truth",
]  # fmt: skip
ADDED = ["headcount", "satisfaction"]  # by the tests
# an order of ada's that arrives nine months after its day
LATE_ORDER = """
    insert into raw.orders (order_id, customer_id, ordered_at, gross_amount, status)
    values ('late', 'ada', '2023-03-20 10:00:00', '250.00', 'completed')
"""


@dataclass(frozen=True)
class Edited:
    """A copy of the project that may be edited, on a warehouse of its own."""

    project: Path
    warehouse: Warehouse

    def write(self, files: dict[str, str]) -> None:
        """Write files that the project does not have."""
        for name, text in files.items():
            (self.project / name).parent.mkdir(exist_ok=True)
            (self.project / name).write_text(text, encoding="utf-8")

    def edit(self, model: str) -> None:
        """Change the file of a model, and nothing of what it says."""
        (file,) = (self.project / "models").rglob(f"{model}.sql")
        with file.open("a", encoding="utf-8") as text:
            text.write("-- edited\n")

    def dbt(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run dbt in the copy."""
        return subprocess.run(
            [str(Path(sys.executable).with_name("dbt")), "--no-use-colors", *arguments],
            cwd=self.project,
            env=os.environ
            | {
                "CUSTOMER_VALUE_DATABASE": str(current(self.warehouse.folder) / self.warehouse.database.name),
                "DBT_TARGET_PATH": str(self.warehouse.folder / "target"),
                "DBT_LOG_PATH": str(self.warehouse.folder / "logs"),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT,
        )

    def build(self) -> None:
        """Build what keeps slices, with the tests that say whether it does; fail with dbt's words."""
        models = [f"+{mart}" for mart in [*KEPT, *ADDED]]
        tests = [f"holds_its_slices_{mart}*" for mart in [*KEPT, *ADDED]]
        no_others = ["--indirect-selection", "empty", "--exclude-resource-type", "seed"]
        done = self.dbt("build", "--select", *models, *tests, *no_others)
        assert done.returncode == 0, done.stdout[-5000:]
        for mart in ADDED:
            assert f"PASS holds_its_slices_{mart}" in done.stdout, done.stdout[-5000:]

    def versions(self, mart: str) -> set[tuple]:
        """Return {(as-of date, version)} of the slices that a mart holds."""
        return set(self.warehouse.rows(f"select distinct as_of_date, slice_version from marts.{mart}"))

    def opened(self) -> list[tuple]:
        """Return the dates that the last build opened."""
        return self.warehouse.rows("select as_of_date from intermediate.int_slices where is_open order by 1")


@pytest.fixture(scope="module")
def edited(shop: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Edited:
    """Return a copy of the project on a copy of the fixture shop, built."""
    folder = tmp_path_factory.mktemp("edited")
    shutil.copytree(PROJECT, folder / "project", ignore=IGNORED, symlinks=True)
    shutil.copy(shop.database, folder)
    server()  # it has parsed, and the copy is the same but for what is edited
    (folder / "target").mkdir()
    shutil.copy(PARSED, folder / "target")
    return Edited(folder / "project", Warehouse(folder))


NEW_MART = """
{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ drop_outdated_slices() }}') }}
select as_of_date, count(*) as customers, {{ own_slice_version() }} as slice_version
from {{ ref('customer_value_history') }}
where {{ is_missing_slice() }}
group by as_of_date, slice_version
"""
NEW_MART_YAML = """
models:
  - name: headcount
    config:
      meta: {slices: all}
    data_tests: [holds_its_slices]
"""


SATISFACTION = """
{{ config(
    materialized='incremental', incremental_strategy='append',
    pre_hook="{{ drop_outdated_slices(slices='int_survey_slices') }}"
) }}
with slices as (
    select * from {{ ref('int_survey_slices') }}
    where {{ is_missing_slice(slices='int_survey_slices') }}
),
answers as (select * from {{ ref('stg_survey_responses') }} where reject_reasons = '')
select
    slices.as_of_date,
    count(answers.response_id) as answers,
    {{ own_slice_version('slices.slice_version') }} as slice_version
from slices
left join answers on cast(answers.responded_at as date) <= slices.as_of_date
group by slices.as_of_date, slices.slice_version
"""
SATISFACTION_YAML = """
models:
  - name: int_survey_slices
    config: {group: portfolio}
  - name: satisfaction
    config:
      group: portfolio
      meta: {slices: all}
    data_tests:
      - holds_its_slices:
          arguments: {slices: int_survey_slices}
"""
LATE_ANSWER = """
    insert into raw.survey_responses (response_id, customer_id, responded_at, survey_type, score)
    values ('late', 'ada', '2023-06-20 10:00:00', 'nps', '9')
"""


def survey_slices() -> dict[str, str]:
    """Return {file: text} of the model that the page on refreshes shows."""
    page = (PROJECT / "models" / "docs" / "refreshes.md").read_text(encoding="utf-8")
    shown = r"```sql\n-- (models/intermediate/satisfaction/int_survey_slices.sql\n.*?)```"
    (found,) = re.findall(shown, page, re.DOTALL)
    name, text = found.split("\n", 1)
    return {name: text}


def test_marts_that_are_new_or_edited_build_nothing_but_themselves(edited: Edited):
    """One below the history that is new, one that is edited, one with slices of its own."""
    before = {mart: edited.versions(mart) for mart in KEPT}
    edited.write({"models/marts/headcount.sql": NEW_MART, "models/marts/headcount.yml": NEW_MART_YAML})
    edited.write(survey_slices())
    edited.write({"models/marts/satisfaction.sql": SATISFACTION, "models/marts/satisfaction.yml": SATISFACTION_YAML})
    edited.edit("value_concentration")
    edited.build()
    assert edited.opened() == []
    after = {mart: edited.versions(mart) for mart in KEPT}
    assert [mart for mart in KEPT if before[mart] != after[mart]] == ["value_concentration"]
    assert not before["value_concentration"] & after["value_concentration"]
    assert len(edited.versions("headcount")) == len(after["value_concentration"]) == len(after["tier_thresholds"])
    assert len(edited.versions("satisfaction")) == 24


def test_a_late_answer_opens_the_marts_of_answers_and_no_others(edited: Edited):
    kept = {mart: edited.versions(mart) for mart in [*KEPT, *ADDED]}
    edited.warehouse.execute(LATE_ANSWER)
    edited.build()
    assert edited.opened() == []
    assert [mart for mart, versions in kept.items() if versions != edited.versions(mart)] == ["satisfaction"]
    anew = {day.isoformat() for day, _ in edited.versions("satisfaction") - kept["satisfaction"]}
    assert (min(anew), len(anew)) == ("2023-06-30", 7)
    counts = "select count(*), min(answers), max(answers) from marts.satisfaction"
    assert edited.warehouse.rows(counts) == [(24, 0, 1)]
    assert edited.warehouse.rows("select count(*) from marts.restatements") == [(0,)]


def test_late_rows_of_the_night_of_an_edit_are_restated_as_on_any_other(edited: Edited):
    before = edited.versions("customer_value_history")
    edited.warehouse.execute(LATE_ORDER)
    edited.edit("tier_summary")
    edited.build()
    opened = [day for (day,) in edited.opened()]
    assert (opened[0].isoformat(), len(opened)) == ("2023-03-31", 10)
    assert len(before & edited.versions("customer_value_history")) == 14
    assert edited.warehouse.rows("select count(*) > 0 from marts.restatements") == [(True,)]


def test_an_edited_model_of_which_the_history_is_made_builds_all_of_it_anew(edited: Edited):
    before = {mart: edited.versions(mart) for mart in KEPT}
    edited.edit("int_customer_facts")
    edited.build()
    assert len(edited.opened()) == 24
    assert [mart for mart in KEPT if before[mart] & edited.versions(mart)] == []
    # nothing is compared with slices of another definition; of an edit that changes no value, restatements have no row
    assert edited.warehouse.rows("select count(*) from intermediate.int_shown_slices") == [(0,)]
