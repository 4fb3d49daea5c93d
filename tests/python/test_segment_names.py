"""Segments have their names from the seed alone: a company renames one there, and nothing else has to change."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

from conftest import LIMIT, SHOP, Warehouse

from customer_value.project import PROJECT
from customer_value.raw import load_files

DBT_FOLDERS = ["models", "macros", "seeds", "tests", "analyses", "scripts", "profiles"]


def build(warehouse: Warehouse, project: Path, *select: str) -> subprocess.CompletedProcess:
    """Run dbt build in a copy of the project, without unit tests."""
    command = [str(Path(sys.executable).with_name("dbt")), "--no-use-colors", "build"]
    return subprocess.run(
        [*command, "--exclude-resource-type", "unit_test", *select], cwd=project, capture_output=True, text=True,
        check=False, timeout=LIMIT, env=os.environ | {"CUSTOMER_VALUE_DATABASE": str(warehouse.database)},
    )  # fmt: skip


def test_a_renamed_segment_builds_with_all_tests_and_a_name_of_no_segment_does_not(warehouse: Warehouse):
    load_files.load(Namespace(database=warehouse.database, folder=SHOP))
    project = warehouse.folder / "project"
    project.mkdir()
    shutil.copy(PROJECT / "dbt_project.yml", project)
    for name in DBT_FOLDERS:
        shutil.copytree(PROJECT / name, project / name, ignore=shutil.ignore_patterns("python", "__pycache__"))
    seed = project / "seeds" / "reference" / "rfm_segments.csv"
    good = seed.read_text(encoding="utf-8")
    seed.write_text(good.replace("Need Attention", "Wake Up Please"), encoding="utf-8")
    done = build(warehouse, project, "--profiles-dir", "profiles")
    assert done.returncode == 0, done.stdout[-5000:]
    segments = {segment for (segment,) in warehouse.rows("select rfm_segment from marts.segment_summary")}
    assert "Wake Up Please" in segments
    assert "Need Attention" not in segments

    for wrong in ["none", " Lost", ""]:
        seed.write_text(good.replace("Need Attention", wrong), encoding="utf-8")
        done = build(warehouse, project, "--profiles-dir", "profiles", "--select", "rfm_segments")
        assert done.returncode != 0, wrong
        assert "Failure in test rfm_segments_have_scores_and_names_of_their_own" in done.stdout, done.stdout
