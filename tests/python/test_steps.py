"""What make build and make refresh say: a line per step, and of a failed build the reasons. A script plays dbt."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from customer_value import dbt, steps

SAID = """
21:00:00  Running with dbt=1.11.16
21:00:01  1 of 4 START sql table model marts.one
21:00:02  1 of 4 OK created sql table model marts.one [OK in 0.10s]
21:00:03  2 of 4 WARN 1 a_test_that_warns [WARN 1 in 0.10s]
21:00:03  3 of 4 FAIL 4 a_test [FAIL 4 in 0.10s]
21:00:04  4 of 4 ERROR creating sql table model marts.two [ERROR in 0.10s]
21:00:05  120 of 120 orders rejected, 6,143.05 of 6,143.05 of the gross amount as stated:
            unknown_currency: EUR; 120 orders, 6,143.05. Set var reporting_currency
"""
ERROR = "Runtime Error in model two\n  Conversion Error: Could not convert string 'Ada' to INT32\n  LINE 3: ada"
RESULTS = [
    {"unique_id": "model.p.one", "status": "success", "message": "OK", "failures": None},
    {"unique_id": "test.p.a_test_that_warns.1", "status": "warn", "message": "Got 1 result", "failures": 1},
    {"unique_id": "test.p.a_test.2", "status": "fail", "message": "Got 4 results", "failures": 4},
    {"unique_id": "model.p.two", "status": "error", "message": ERROR, "failures": None},
]
RUN_RESULTS = json.dumps({"metadata": {"invocation_id": "i"}, "results": RESULTS})
NODES = {
    "test.p.a_test_that_warns.1": {"name": "a_test_that_warns", "path": "a_test_that_warns.sql"},
    "test.p.a_test.2": {"name": "a_test", "path": "a_test.sql"},
    "model.p.two": {"name": "two", "path": "marts/two.sql"},
}


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a target folder, and put a program in dbt's place that fills it: with nothing before results.json is."""
    (tmp_path / "dbt").write_text(
        f"#!/bin/sh\ncat <<'END'\n{SAID.strip()}\nEND\necho \"$@ without $DBT_EXCLUDE_RESOURCE_TYPES\"\n"
        f"cp {tmp_path}/results.json $DBT_TARGET_PATH/run_results.json && exit 1\nexit 2\n"
    )
    (tmp_path / "dbt").chmod(0o755)
    monkeypatch.setattr(dbt, "dbt_program", lambda target: tmp_path / "dbt")
    monkeypatch.delenv("DBT_EXCLUDE_RESOURCE_TYPES", raising=False)
    folder = tmp_path / "target"
    (folder / "compiled" / "p" / "models").mkdir(parents=True)
    for name in ("a_test", "two"):
        (folder / "compiled" / "p" / "models" / f"{name}.sql").touch()
    (folder / "manifest.json").write_text(json.dumps({"nodes": NODES}))
    return folder


def test_a_failed_build_is_told_with_names_rows_reasons_and_compiled_sql(target: Path):
    (target.parent / "results.json").write_text(RUN_RESULTS)
    seen: list[str] = []
    built = dbt.build("duckdb", target, target / "build.log", seen.append, "--full-refresh")
    assert seen == ["1 of 4", "2 of 4", "3 of 4", "4 of 4"]
    assert (built.code, built.counts()) == (1, "1 models, 0 seeds; 0 of 2 checks passed")
    place = os.path.relpath(target / "compiled" / "p" / "models")
    assert built.failures("FILE=x ") == [
        "2 of 4 nodes of dbt build failed:",
        "  a_test: 4 rows",
        "      see them: FILE=x dbt show --select a_test --target duckdb",
        f"      compiled SQL: {place}/a_test.sql",
        "  two: Runtime Error in model two",
        "        Conversion Error: Could not convert string (value left out) to INT32",
        f"      compiled SQL: {place}/two.sql",
        "  120 of 120 orders rejected, 6,143.05 of 6,143.05 of the gross amount as stated:",
        "              unknown_currency: EUR; 120 orders, 6,143.05. Set var reporting_currency",
    ]
    assert built.warnings() == [
        "  a_test_that_warns: 1 row",
        "      see them: dbt show --select a_test_that_warns --target duckdb",
    ]
    assert "build --target duckdb --full-refresh without unit_test\n" in built.said.read_text()


def test_a_build_that_never_began_is_told_by_the_end_of_what_dbt_said(target: Path):
    """And not by what an earlier build has left."""
    (target / "run_results.json").write_text(RUN_RESULTS)
    with pytest.raises(dbt.DbtError, match=r"dbt build ended with 2 before it began: (?s:.*)unknown_currency: EUR"):
        dbt.build("duckdb", target, target / "build.log", lambda text: None)


def test_a_step_is_one_line_with_its_outcome_and_time(capsys: pytest.CaptureFixture):
    with steps.step("[1/2] load") as this:
        this.progress("1 of 2")
        this.outcome = "three rows"
    with pytest.raises(ValueError), steps.step("[2/2] build") as this:
        this.below = ["      why"]
        raise ValueError
    assert capsys.readouterr().out == "[1/2] load three rows, 0.0 s\n[2/2] build failed, 0.0 s\n      why\n"
    assert (steps.took(59.4), steps.took(60), steps.took(160)) == ("59.4 s", "1 min 00 s", "2 min 40 s")
