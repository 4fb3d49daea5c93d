"""make refresh as its users meet it: published at once or not at all, refused, taken back, taken over.

What takes longer, kills at random points and readers without pause, is test_faults.py (make test-faults).
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from conftest import Warehouse, server, warm
from engines import MARTS
from publication import MODELS_ALONE, PERSONAL, Publication, look, published_shop, steps

from customer_value.project import PROJECT
from customer_value.publish.duckdb_store import DuckDBStore
from customer_value.publish.journal import Entry
from customer_value.publish.publishing import Mart, Version, withdraw
from customer_value.refresh import file_lock, refresh
from customer_value.refresh.file_lock import LockedError
from customer_value.refresh.run_records import Records, Run

# the tests of this file tell one story, in the order of the file: each goes on from what the one before it left


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Publication, subprocess.CompletedProcess]:
    """Return a home with version 1, and what was said when it was published."""
    return published_shop(tmp_path_factory)


@pytest.fixture(scope="module")
def shop_home(first: tuple[Publication, subprocess.CompletedProcess]) -> Publication:
    """Return the home."""
    return first[0]


def test_a_first_refresh_publishes_all_marts_and_nothing_else(
    first: tuple[Publication, subprocess.CompletedProcess], shop: Warehouse
):
    shop_home, done = first
    before = ["lock", "recover", "load", "compare", "arrival", "build", "check"]
    assert list(steps(done)) == [*before, "report", "publish", "prune"]
    assert steps(done)["check"]["findings"] == []
    assert look(shop_home.published) == 1
    with duckdb.connect(str(shop_home.published), read_only=True) as reader:
        reader.execute(f"attach '{shop.database}' as built (read_only)")
        reader.execute(f"attach '{shop_home.full}' as full_file (read_only)")
        names = "select schema_name || '.' || table_name from duckdb_tables() where database_name = ?"
        readable, full = (
            {name for (name,) in reader.execute(names, [database]).fetchall()}
            for database in ("analytics", "full_file")
        )
        pipeline = {f"marts.pipeline_{name}" for name in ("runs", "run_nodes", "run_measures")}
        assert full == set(MARTS) | pipeline
        assert readable == full - PERSONAL
        tags = reader.execute("select tags from duckdb_databases() where database_name in ('analytics', 'full_file')")
        assert [tag["storage_version"][:6] for (tag,) in tags.fetchall()] == ["v1.2.0", "v1.2.0"]
        reader.execute("use full_file")
        for mart in MARTS:
            lost, new = f"from built.{mart} except all from {mart}", f"from {mart} except all from built.{mart}"
            assert reader.execute(f"select count(*) from ({lost} union all ({new}))").fetchone() == (0,), mart
        comments = """
            select comment from duckdb_columns()
            where database_name in ('analytics', 'full_file') and table_name in ('orders', 'customers')
        """
        assert all(len(comment) > 10 for (comment,) in reader.execute(comments).fetchall())


def test_a_version_says_what_it_was_made_of(shop_home: Publication):
    version = json.loads((shop_home.home / "current" / "version.json").read_text())
    assert (version["number"], version["run_id"], version["as_of_date"]) == (1, 1, "2023-12-31")
    assert version["variables"]["window_months"] == 12
    assert version["row_counts"]["customer_value"] == 12
    assert len(version["invocation_id"]) == 36
    revision = subprocess.run(
        ["git", "-C", str(PROJECT), "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False
    )
    if revision.returncode == 0:
        assert version["git_revision"].rstrip("+") == revision.stdout.strip()
    assert (shop_home.home / "state").stat().st_mode & 0o077 == 0  # raw rows: for the owner alone


def test_a_run_is_remembered_with_its_steps_models_and_tests(shop_home: Publication):
    ((run_id, outcome, checks, failed, seconds),) = shop_home.rows(
        "select run_id, outcome, checks, checks_failed, build_seconds from marts.pipeline_runs"
    )
    assert (run_id, outcome, failed) == (1, "published", 0)
    assert seconds > 1
    ((models, rows, tests, passed),) = shop_home.rows("""
        select
            count(*) filter (node_type = 'model'),
            max(row_count) filter (node_name = 'customer_value_history'),
            count(*) filter (node_type = 'test'),
            count(*) filter (node_type = 'test' and status = 'pass')
        from marts.pipeline_run_nodes
    """)
    assert models > 80
    assert (rows,) == shop_home.rows("select count(*) from marts.customer_value_history")[0]
    assert checks == tests
    assert passed > 200


def test_unchanged_input_publishes_nothing_and_says_so(shop_home: Publication):
    done = shop_home.refresh()
    assert done.returncode == 0
    assert list(steps(done)) == ["lock", "recover", "load", "compare"]
    assert steps(done)["compare"]["unchanged_since"] == 1
    assert shop_home.record()["outcome"] == "unchanged"
    assert look(shop_home.published) == 1


def test_a_second_refresh_is_refused_and_a_killed_one_leaves_nothing_behind(shop_home: Publication):
    shop_home.order(1)
    first = shop_home.start()
    state = shop_home.home / "state"
    while not (state / "work" / "warehouse.duckdb").exists() or shop_home.record()["step"] != "build":
        assert first.poll() is None, first.stderr.read()
        time.sleep(0.2)
    second = shop_home.refresh()
    assert second.returncode == 3
    assert f"another refresh is running: process {first.pid} on " in second.stderr
    assert " UTC. Nothing was done" in second.stderr
    assert shop_home.rollback("1").returncode == 3
    time.sleep(6)
    command = ["ps", "--ppid", str(first.pid), "-o", "pid="]
    children = subprocess.run(command, capture_output=True, text=True, check=True)
    assert children.stdout.strip()
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    assert look(shop_home.published) == 1
    for child in children.stdout.split():  # dbt dies with it
        deadline = time.monotonic() + 20
        while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not Path(f"/proc/{child}").exists()


def shown_by(home: Publication, said: str) -> tuple[str, list[str]]:
    """Return the command that shows the orders that vanished, and the lines that it prints."""
    command = said.split("(vanished_orders)\n")[1].splitlines()[0].split("see it: ")[1]
    done = subprocess.run(
        command.replace("python ", f"{warm().python} ", 1), shell=True, cwd=PROJECT, capture_output=True, text=True,
        env=home.environment(), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return command, done.stdout.splitlines()


def test_a_refresh_without_many_of_the_orders_is_refused_until_it_is_accepted(shop_home: Publication):
    """The first one after the kill, which it tells of; what it built is not published, and the next begins anew."""
    orders = shop_home.files / "orders.csv"
    header, *lines = orders.read_text().splitlines(keepends=True)
    kept = {line.split(",")[0] for line in [*lines[4:5], *lines[9:]]}
    orders.write_text("".join([header, *lines[4:5], *lines[9:]]))  # one of the eight was no sale; the last day stays
    done = shop_home.refresh(**MODELS_ALONE)
    assert "was killed in step build" in steps(done)["lock"]["took_over"]
    assert steps(done)["recover"]["removed"] == "a half-made state/work"
    assert done.returncode == 1, done.stdout + done.stderr
    gone = [order for (order,) in shop_home.rows("select order_id from marts.orders order by 1") if order not in kept]
    said = "7 of 19 orders of version 1 (as of 2023-12-31) did not arrive: 36.8 % (vanished_orders)"
    assert (
        "error: refresh 4 refused at step check: what would be published is not fit to replace what is" in done.stderr
    )
    assert f"stop: {said}" in done.stderr
    assert "--accept-anomalies publishes it this once; limits: var publication_rules" in done.stderr
    assert "still published: version 1, as of 2023-12-31" in done.stderr
    assert shop_home.rows("select count(*) from marts.orders") == [(19,)]
    assert look(shop_home.published) == 1
    _, shown = shown_by(shop_home, done.stderr)
    assert shown[0].startswith("1001  2022-01-10  120.00")
    assert sorted(line.split()[0] for line in shown) == gone
    assert shop_home.record()["arrival"]["sources"]["orders"]["rows"] == 14

    accepted = shop_home.refresh("--accept-anomalies", **MODELS_ALONE)
    assert accepted.returncode == 0, accepted.stderr
    assert shop_home.rows("select count(*) from marts.orders") == [(13,)]
    assert accepted.stderr.startswith("published, with warnings:\n")
    assert f"accepted: {said}" in accepted.stderr
    assert any(finding.startswith(f"accepted: {said}") for finding in shop_home.record()["findings"])
    assert f"stop: {said}" in steps(accepted)["check"]["findings"]
    command, again = shown_by(shop_home, accepted.stderr)
    assert command.startswith(
        f"CUSTOMER_VALUE_DATABASE={shop_home.home}/state/warehouses/000002/warehouse.duckdb python "
    )
    assert again == shown
    assert look(shop_home.published) == 2
    assert shop_home.rows("select run_id, outcome, version from marts.pipeline_runs order by 1") == [
        (1, "published", 1), (2, "unchanged", None), (3, "killed", None), (4, "refused", None), (5, "published", 2),
    ]  # fmt: skip


def test_a_source_that_vanishes_is_refused_before_anything_is_built(shop_home: Publication):
    """Records say what was usual; no orders at all are never accepted."""
    orders = shop_home.files / "orders.csv"
    good = orders.read_text()
    orders.write_text(good.splitlines(keepends=True)[0])
    emptied = shop_home.refresh("--accept-anomalies", "--force")
    refused = shop_home.refresh()
    orders.write_text(good)
    assert emptied.returncode == 1
    assert refused.returncode == 1
    assert "refused at step compare" in refused.stderr
    assert "stop: source orders has no rows; 14 in version 2 (as of 2023-12-31)" in refused.stderr
    assert list(steps(refused))[-1] == "compare"
    assert look(shop_home.published) == 2


def test_a_failed_audit_leaves_what_is_published_and_shows_the_rows(shop_home: Publication):
    orders = shop_home.files / "orders.csv"
    good = orders.read_text()
    header, *lines = good.splitlines(keepends=True)
    early = [re.sub("^((?:[^,]*,){2})[^,]*", r"\g<1>1980-01-01", line) for line in lines]  # before any business began
    orders.write_text("".join([header, *early]))
    done = shop_home.refresh()
    orders.write_text(good)
    assert done.returncode == 1, done.stdout
    assert "error: refresh 8 refused at step build: 1 of " in done.stderr, done.stderr
    assert "not_empty_stg_orders_: 1 row\n" in done.stderr
    assert f"  {len(lines)} of {len(lines)} orders rejected, " in done.stderr
    assert "before_business_began; " in done.stderr
    assert "still published: version 2, as of 2023-12-31" in done.stderr
    assert "next: correct the data or the rule" in done.stderr
    command = next(line for line in done.stderr.splitlines() if "see them: " in line).split("see them: ")[1]
    shown = subprocess.run(
        command, shell=True, cwd=PROJECT, capture_output=True, text=True, check=False,
        env=shop_home.environment() | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )  # fmt: skip
    assert shown.returncode == 0, shown.stdout
    assert look(shop_home.published) == 2
    assert shlex.split(command)[0].startswith("CUSTOMER_VALUE_DATABASE=")


def test_a_rollback_holds_until_there_is_something_new(shop_home: Publication):
    back = shop_home.rollback()
    assert back.returncode == 0
    assert back.stdout.startswith("current: version 1, as of 2023-12-31")
    assert look(shop_home.published) == 1
    listed = shop_home.rollback("--list").stdout.splitlines()
    assert listed[0].startswith("* version 1")
    assert "taken back" in listed[1]
    same = shop_home.refresh()
    assert same.returncode == 0
    assert steps(same)["compare"]["unchanged_since"] == 2  # what was taken back does not come again by itself
    assert "unchanged, with warnings:\n  warning: readers see version 1, as of 2023-12-31" in same.stderr
    assert "--force builds the same input again and publishes it" in same.stderr
    assert look(shop_home.published) == 1
    again = shop_home.rollback("1")
    assert again.stdout.startswith("current: version 1, as of 2023-12-31") and again.stdout.endswith(", as before\n")
    unknown = shop_home.rollback("9")
    assert (unknown.returncode, unknown.stderr) == (2, "error: there is no version 9; published versions: 1, 2\n")
    assert shop_home.rollback("2").returncode == 0
    assert look(shop_home.published) == 2


def test_a_pull_request_builds_what_it_changed_and_what_hangs_on_it(shop_home: Publication, tmp_path: Path):
    """The recipe of models/docs/refreshes.md, on a copy of the project with one changed mart."""
    project = tmp_path / "project"
    ignored = shutil.ignore_patterns(".venv*", "data", "target", "logs", ".git", "uncommitted", "__pycache__")
    shutil.copytree(PROJECT, project, ignore=ignored, symlinks=True)
    changed = project / "models" / "marts" / "portfolio" / "tier_summary.sql"
    changed.write_text(changed.read_text() + "\n-- a change\n")
    warehouse = max((shop_home.home / "state" / "warehouses").glob("*/warehouse.duckdb"))
    shutil.copy(warehouse, tmp_path / "pull_request.duckdb")
    select = ["--select", "state:modified+", "--state", str(shop_home.home / "state" / "manifest")]
    built = subprocess.run(
        [warm().dbt, "build", *select], cwd=project, capture_output=True, text=True, check=False,
        env=shop_home.environment() | {"CUSTOMER_VALUE_DATABASE": str(tmp_path / "pull_request.duckdb")},
    )  # fmt: skip
    assert built.returncode == 0, built.stdout
    assert "1 incremental model" in built.stdout or "1 table model" in built.stdout, built.stdout
    results = json.loads((project / "target" / "run_results.json").read_text())["results"]
    kinds = {result["unique_id"].split(".")[0] for result in results}
    assert kinds - {"exposure", "operation"} == {"model", "test"}
    assert {result["unique_id"].split(".")[-1] for result in results if result["unique_id"].startswith("model.")} == {
        "tier_summary"
    }


def test_old_versions_are_pruned_and_a_reader_keeps_the_one_that_it_has_open(tmp_path: Path):
    store = DuckDBStore(tmp_path / "home", tmp_path / "none.duckdb")
    store.state.mkdir(parents=True)
    numbers = [1, 2, 3, 4]
    reader = None
    for number in numbers:
        store.open_work()
        with duckdb.connect(str(store.database)) as connection:
            connection.execute("create schema if not exists marts")
            connection.execute(f"create or replace table marts.one as select {number} as number")
        version = Version(number, number, "2024-01-01 00:00:00", "2024-01-01", None, None, {}, {})
        store.publish(version, [Mart("one", "", {})])
        if number == 1:
            reader = duckdb.connect(str(store.home / "current" / "analytics.duckdb"), read_only=True)
    assert store.prune(2) == [1, 2]
    assert [version.number for version in store.versions()] == [3, 4]
    assert reader.execute("select number from marts.one").fetchall() == [(1,)]
    assert len(list(store.warehouses.iterdir())) == 2
    store.roll_back(3, "now")
    assert store.prune(1) == []  # the current one and the last one stay


def test_the_lock_of_a_process_that_is_gone_is_free(tmp_path: Path):
    file = tmp_path / "lock"
    code = (
        "import pathlib, sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from customer_value.refresh import file_lock\n"
        "with file_lock.held(pathlib.Path(sys.argv[2])): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(PROJECT / "scripts"), str(file)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(LockedError, match=f"process {holder.pid} on "), file_lock.held(file):
        pass
    holder.kill()
    holder.communicate()
    with file_lock.held(file):
        assert json.loads(file.read_text())["process"] == os.getpid()


def test_what_is_far_from_the_last_runs_is_reported_or_stops(shop: Warehouse, tmp_path: Path):
    """Four remembered runs, with numbers that make each severity; dbt itself then judges the shop's build."""
    copy = Warehouse(tmp_path)
    shutil.copy(shop.database, copy.database)
    store = DuckDBStore(tmp_path / "home", copy.database)
    store.open_work()
    store.database = copy.database
    build = dict(
        (tuple(key), value)
        for *key, value in copy.rows("select measure, subject, measured from intermediate.int_run_measures")
    )
    assert build[("row_count", "orders")] == 19
    past = {
        ("row_count", "orders"): [19, 19, 18, 20],  # median 19: ok
        ("row_count", "customers"): [10, 10, 11, 11],  # median 10.5, now 13: reported
        ("net_revenue", "all"): [5000, 5000, 5000, 1.0],  # median 5000, now 1,145.77: stops
        ("tier_share", "A"): [0.3, 0.33, 0.34, 0.9],
        ("tier_share", "gone"): [0.5, 0.5, 0.5, 0.5],  # usual, and not there: stops
        ("reject_share", "orders"): [0.0, 0.0],  # two of three runs that it takes
    }
    runs = [
        Run(number + 1, "2024-01-01 00:00:00", outcome="published", measures=[
            {"measure": measure, "subject": subject, "measured": values[number]}
            for (measure, subject), values in past.items() if number < len(values)
        ])
        for number in range(4)
    ]  # fmt: skip
    far = [{"measure": "row_count", "subject": "orders", "measured": 1e9}]
    runs.append(Run(5, "2024-01-01 00:00:00", outcome="refused", measures=far))
    # published, and taken back: no more usual than what was refused
    runs += [Run(number, "2024-01-01 00:00:00", outcome="published", version=number, measures=far) for number in (6, 7)]
    runs += [Run(8, "2024-01-01 00:00:00", outcome="rolled_back", version=5)]
    store.write_records(runs)
    tests = ["assert_no_measure_stops_the_refresh", "assert_measures_are_near_the_usual"]
    selection = ["--select", "int_usual_measures", "int_run_anomalies", *tests]
    stopped, said = server().invoke(copy.database, "build", "--no-quiet", *selection)
    assert not stopped["success"]
    assert set(re.findall(r"Got (\d+) results?, configured to (\w+)", said)) == {("2", "fail"), ("3", "warn")}
    found = {
        (measure, subject): (usual, severity)
        for measure, subject, usual, severity in copy.rows(
            "select measure, subject, usual, severity from intermediate.int_run_anomalies"
        )
    }
    assert found[("row_count", "orders")] == (19, "ok")
    assert found[("row_count", "customers")] == (10.5, "report")
    assert found[("net_revenue", "all")] == (5000, "stop")
    assert found[("tier_share", "A")][1] == "ok"
    assert found[("tier_share", "gone")] == (0.5, "stop")
    assert found[("reject_share", "orders")] == (None, None)
    copy.run("build", *selection, variables={"anomalies_accepted": True})

    # one that was taken back and returned to counts again, and what was accepted is the new usual
    runs += [Run(9, "2024-01-01 00:00:00", outcome="rolled_back", version=7)]
    runs += [Run(10, "2024-01-01 00:00:00", outcome="published", version=8, measures=[far[0] | {"severity": "ok"}])]
    store.write_records(runs)
    statement = "select usual from intermediate.int_run_anomalies where measure = 'row_count' and subject = 'orders'"
    copy.run("run", "--select", "int_usual_measures", "int_run_anomalies")
    assert copy.rows(statement) == [(19.5,)]  # of 18, 19, 19, 20, and twice 1e9: not of 6, which is still taken back
    runs[1].measures[0]["severity"] = "stop"
    runs[-1].measures[0]["severity"] = "stop"
    store.write_records(runs)
    copy.run("run", "--select", "int_usual_measures", "int_run_anomalies")
    assert copy.rows(statement) == [(None,)]  # one run of three that it takes


def test_a_run_that_was_killed_after_it_had_published_counts_as_published(tmp_path: Path):
    store = DuckDBStore(tmp_path, tmp_path)
    records = Records(tmp_path / "state" / "runs")
    for number in (1, 2, 3):
        folder = store.folder(number)
        folder.mkdir(parents=True)
        version = Version(number, number, "then", None, None, None, {}, {})
        (folder / "version.json").write_text(version.to_json())
        records.save(Run(number, "then", step="publish"))
    store.turn_to(2)
    store.journal.write(Entry(3, 2))
    refresh.settle(records, store)
    outcomes = [(run.outcome, run.version) for run in records.all()]
    assert outcomes == [("published", 1), ("published", 2), ("killed", None)]
    assert store.recover() == ["version 3, which was never current"]


def test_a_rollback_that_was_killed_before_it_turned_the_link_leaves_no_mark(tmp_path: Path):
    store = DuckDBStore(tmp_path, tmp_path)
    store.state.mkdir()
    for number in (1, 2, 3):
        store.folder(number).mkdir(parents=True)
        duckdb.connect(str(store.folder(number) / "analytics.duckdb")).close()
    versions = [Version(number, number, "then", None, None, None, {}, {}) for number in (1, 2, 3)]
    store.write(versions)
    store.turn_to(3)
    withdraw(versions, 1, "now")
    store.write(versions)  # and there it was killed, one of a release that kept no journal
    assert store.recover() == ["marks of a rollback that was not carried out"]
    assert [version.withdrawn_at for version in store.versions()] == [None, None, None]
    assert store.roll_back(2, "later").number == 2
    assert [version.withdrawn_at for version in store.versions()] == [None, None, "later"]
    assert store.recover() == []
