"""Refreshes killed, starved and raced: no reader sees an error or a mix, nothing published is lost, the next one works.

Tens of minutes long, so make test-faults runs it, which prints what was survived.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import psycopg2
import pytest
from engines import MARTS
from publication import QUESTIONS, VERSION, Publication, look, steps

from customer_value.project import PROJECT

pytestmark = pytest.mark.faults

KILLS = 20
READERS = 20
REFRESHES = 20
STEPS = ["recover", "load", "compare", "arrival", "build", "check", "report", "publish", "prune"]


@pytest.fixture
def home(tmp_path: Path) -> Publication:
    """Return a home with version 1 of the shop."""
    made = Publication.of_the_shop(tmp_path)
    done = made.refresh()
    assert done.returncode == 0, done.stderr
    return made


def kill_group_of(process: subprocess.Popen) -> None:
    """Kill the refresh itself; what it started has to die by itself."""
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


def assert_as_rebuilt(home: Publication, folder: Path) -> None:
    """Hold what is published against a refresh from nothing in another home, row for row."""
    fresh = Publication(folder)
    shutil.copytree(home.files, fresh.files)
    assert fresh.refresh().returncode == 0
    with duckdb.connect(str(home.full), read_only=True) as reader:
        reader.execute(f"attach '{fresh.full}' as fresh (read_only)")
        for mart in MARTS:
            # the ledger of restatements, and when a bad row was first seen, are memories: from nothing there are none
            if mart not in ("marts.restatements", "marts.rejected_rows", "marts.reject_summary"):
                lost, new = f"from fresh.{mart} except all from {mart}", f"from {mart} except all from fresh.{mart}"
                assert reader.execute(f"select count(*) from ({lost} union all ({new}))").fetchone() == (0,), mart


def test_kills_at_random_points(home: Publication, tmp_path: Path):
    draws = random.Random(7)
    killed, completed, published, noted = [], 0, 1, 0
    runs = home.home / "state" / "runs"
    while len(killed) < KILLS:
        home.order(len(killed) + completed)
        before = len(list(runs.glob("*.json")))
        process = home.start()
        # those that were done before their kill do not count; some in their place are killed early enough
        time.sleep(draws.uniform(0.5, 48 if completed + len(killed) < KILLS else 25))
        if process.poll() is None:
            kill_group_of(process)
            is_noted = len(list(runs.glob("*.json"))) > before  # killed before that, it left nothing to be noted
            killed.append(home.record()["step"] if is_noted else "lock")
            noted += is_noted and look(home.published) == published
        else:
            process.communicate()
            completed += 1
        now = look(home.published)
        assert now in (published, published + 1)
        published = now
    home.order(999)
    # twice as many orders as at first: an anomaly, where three versions were published before most of them
    done = home.refresh("--accept-anomalies")
    assert done.returncode == 0, done.stderr
    assert look(home.published) > published
    outcomes = home.rows("select outcome, count(*) from marts.pipeline_runs group by outcome order by 1")
    print(f"\nkills at random points: {len(killed)}, in steps {sorted(killed)}; done before: {completed}; {outcomes}")
    assert dict(outcomes)["killed"] == noted
    assert_as_rebuilt(home, tmp_path / "fresh")


def test_kills_in_every_step(home: Publication):
    survived = []
    published = 1
    for number, step in enumerate([*STEPS, "publish", "publish", "publish", "prune"]):
        home.order(number)
        process = home.start()
        runs = home.home / "state" / "runs"
        before = len(list(runs.glob("*.json")))
        while process.poll() is None:
            found = sorted(runs.glob("*.json"))
            if len(found) > before and json.loads(found[-1].read_text())["step"] == step:
                time.sleep(0.3 * number % 1.7 if step == "publish" else 0)
                break
            time.sleep(0.001)
        if process.poll() is None:
            kill_group_of(process)
            survived.append(step)
        now = look(home.published)
        assert now in (published, published + 1)
        published = now
    assert set(survived) >= set(STEPS) - {"prune"}
    assert home.refresh().returncode == 0
    print(f"\nkills in named steps: {survived}")


def test_kills_between_the_two_last_renames(home: Publication):
    """The instants that no random kill hits: a hook stops the process right before and after the link turns."""
    code = """
import os, pathlib, signal, sys
sys.path.insert(0, sys.argv.pop(1))
place = sys.argv.pop(1)  # the folder in which a name is given, or the link
import refresh

def stopping(method):
    def stop(self, target):
        method(self, target)
        if place in (pathlib.Path(target).parent.name, pathlib.Path(target).name):
            os.kill(os.getpid(), signal.SIGKILL)
    return stop

pathlib.Path.rename, pathlib.Path.replace = stopping(pathlib.Path.rename), stopping(pathlib.Path.replace)
refresh.main()
"""
    published = 1
    for number, point in enumerate(["warehouses", "versions", "current"]):
        home.order(number)
        command = [
            sys.executable,
            "-c",
            code,
            str(PROJECT / "scripts"),
            point,
            str(home.files),
            "--home",
            str(home.home),
        ]
        done = subprocess.run(command, env=home.environment(), capture_output=True, text=True, check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr
        now = look(home.published)
        assert now == published + (point == "current")
        published = now
    home.order(9)
    done = home.refresh()
    assert done.returncode == 0, done.stderr
    assert look(home.published) == published + 1
    assert "after it had published" in steps(done)["lock"]["took_over"]
    print("\nkilled right after the warehouse was kept, the version was named, the link was turned: 3 of 3 survived")


def test_a_full_disk(tmp_path: Path):
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    home = Publication(tmp_path)
    shutil.copytree(PROJECT / "tests" / "fixtures" / "shop", home.files)
    small = Publication(disk)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", str(disk)], check=True)
    try:
        shutil.copytree(home.files, small.files)
        first = small.refresh()
        assert first.returncode == 0, first.stderr
        messages = []
        for left in (0, 2, 12, 30):  # megabytes left
            small.order(left)
            filler = disk / "filler"
            free = shutil.disk_usage(disk).free
            with filler.open("wb") as content:
                content.write(b"x" * (free - left * 1_000_000))
            done = small.refresh()
            filler.unlink()
            messages.append((left, done.returncode, done.stderr.strip().splitlines()[:1]))
            if done.returncode == 0:
                continue
            assert done.returncode == 2, done.stderr
            assert "still published: version" in done.stderr
            assert "Traceback" not in done.stderr, done.stderr
            look(small.published)
        assert small.refresh("--force").returncode == 0
        look(small.published)
        print("\nfull disk:", *messages, sep="\n  ")
        assert sum(code == 2 for _, code, _ in messages) >= 3
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_test_that_fails_at_the_last_model(tmp_path: Path):
    project = tmp_path / "project"
    ignored = shutil.ignore_patterns(".venv*", "data", "target", "logs", ".git", "uncommitted", "__pycache__")
    shutil.copytree(PROJECT, project, ignore=ignored, symlinks=True)
    home = Publication.of_the_shop(tmp_path, project)
    assert home.refresh().returncode == 0
    (project / "tests" / "marts" / "assert_too_few_customers.sql").write_text(
        "select * from {{ ref('int_run_anomalies') }} where measure = 'row_count' and subject = 'customers'\n"
    )
    done = home.refresh()
    assert done.returncode == 1
    assert "assert_too_few_customers: 1 row\n" in done.stderr
    assert home.record()["checks_failed"] == 1
    assert look(home.published) == 1
    command = next(line for line in done.stderr.splitlines() if "see them" in line).split("see them: ")[1]
    environment = home.environment() | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    shown = subprocess.run(
        command, shell=True, cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    assert "customers" in shown.stdout, shown.stdout + shown.stderr
    print(f"\na failed audit:\n{done.stderr}")

    (project / "tests" / "marts" / "assert_too_few_customers.sql").unlink()
    macro = project / "macros" / "value" / "margin.sql"
    macro.write_text(macro.read_text() + "{#- another one -#}\n")
    done = home.refresh()
    assert done.returncode == 0, done.stderr
    results = json.loads((home.home / "state" / "target" / "run_results.json").read_text())
    assert results["args"]["full_refresh"]  # the history cannot see that a macro has changed
    assert look(home.published) == 2


def test_sources_that_vanish_break_or_change_their_columns(home: Publication, tmp_path: Path):
    seen = []

    def refused(fault: str, code: int, words: str) -> None:
        done = home.refresh()
        assert done.returncode == code, (fault, done.stdout, done.stderr)
        assert words in done.stderr, (fault, done.stderr)
        assert "still published: version 1" in done.stderr
        assert look(home.published) == 1
        seen.append((fault, code, done.stderr.splitlines()[0][:150]))

    good = tmp_path / "good"
    shutil.copytree(home.files, good)

    def restore() -> None:
        shutil.rmtree(home.files)
        shutil.copytree(good, home.files)

    home.order(1)
    (home.files / "orders.csv").unlink()
    refused("no orders", 1, "there is no orders.csv or orders.parquet")
    restore()
    orders = duckdb.read_csv(str(home.files / "orders.csv"), all_varchar=True)
    orders.to_parquet(str(home.files / "orders.parquet"))
    (home.files / "orders.csv").unlink()
    whole = (home.files / "orders.parquet").read_bytes()
    (home.files / "orders.parquet").write_bytes(whole[: len(whole) // 2])
    refused("half a Parquet file", 1, "export it again")
    middle = bytearray(whole)
    middle[8:200] = bytes(192)
    (home.files / "orders.parquet").write_bytes(middle)
    refused("a Parquet file with a damaged page", 1, "export it again")
    restore()
    header, rest = (home.files / "orders.csv").read_text().split("\n", 1)
    (home.files / "orders.csv").write_text(header.replace("gross_amount", "price") + "\n" + rest)
    refused("a renamed required column", 1, "lacks the required column")
    restore()
    (home.files / "orders.csv").write_text(header + "\n" + rest.replace("-", "/").replace(":", "h"))
    refused("dates of another form", 1, "cannot be read as the contract's type")
    restore()
    (home.files / "orders.csv").write_text(header.replace("channel", "channel_new") + "\n" + rest)
    done = home.refresh()
    assert done.returncode == 0, done.stderr  # an optional column that is gone, a new one: null, left out, said
    seen.append(("an optional column renamed", 0, "published; the column is null"))
    assert look(home.published) == 2
    print("\nsources:", *seen, sep="\n  ")


def test_a_source_that_vanishes_half_way(tmp_path: Path):
    """DATA=raw: the company's own file goes away while a refresh reads and builds."""
    company = tmp_path / "company.duckdb"
    home = Publication.of_the_shop(tmp_path)
    load = [sys.executable, str(PROJECT / "scripts" / "load_files.py"), str(home.files), "--database", str(company)]
    subprocess.run(load, check=True, capture_output=True)
    setting = {"CUSTOMER_VALUE_DATABASE": str(company)}
    assert home.refresh(data="raw", **setting).returncode == 0
    home.order(1)
    subprocess.run(load, check=True, capture_output=True)
    gone = company.with_suffix(".gone")
    process = subprocess.Popen(
        home.command("refresh.py", "raw"), env=home.environment() | setting,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while home.record()["step"] not in ("arrival", "build") and process.poll() is None:
        time.sleep(0.05)
    company.rename(gone)  # what is built was read in one snapshot before, so it is whole
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert look(home.published) == 2
    done = home.refresh(data="raw", **setting)
    assert done.returncode == 4, done.stderr  # it may be there again later
    assert "there is no database" in done.stderr
    gone.rename(company)
    with duckdb.connect(str(company)) as connection:
        connection.execute("drop table raw.refunds")
    done = home.refresh(data="raw", **setting)
    assert done.returncode in (1, 2)
    assert "refunds" in done.stderr
    assert look(home.published) == 2
    with duckdb.connect(str(company)) as writer:  # somebody is writing to it
        writer.execute("create or replace table raw.x as select 1 as x")
        done = home.refresh(data="raw", **setting)
        assert done.returncode == 4, done.stderr
        assert "is being written to" in done.stderr
    print("\na source that vanishes: after the snapshot published whole; away or written to 4; without a table refused")


def test_a_clock_that_goes_backwards(home: Publication):
    fake = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
    if not fake.exists() and os.geteuid() == 0:
        subprocess.run(["apt-get", "install", "-y", "-qq", "faketime"], check=True, capture_output=True)
    if not fake.exists():
        pytest.skip("libfaketime is not installed and cannot be")
    home.order(1)
    back = home.refresh(LD_PRELOAD=str(fake), FAKETIME="-400d", FAKETIME_DONT_FAKE_MONOTONIC="1")
    assert back.returncode == 0, back.stderr
    versions = [json.loads(file.read_text()) for file in sorted(home.home.glob("versions/*/version.json"))]
    assert versions[1]["published_at"] < versions[0]["published_at"]  # it really went back
    assert look(home.published) == 2
    home.order(2)
    assert home.refresh().returncode == 0
    assert look(home.published) == 3
    assert home.rollback().returncode == 0
    assert look(home.published) == 2
    seconds = home.rows(
        "select min(load_seconds), min(build_seconds) from marts.pipeline_runs where outcome = 'published'"
    )
    assert min(seconds[0]) >= 0
    print(f"\na clock that goes back: published {[version['published_at'] for version in versions]}, in order")


def test_two_refreshes_at_once(home: Publication):
    home.order(1)
    several = [home.start() for _ in range(5)]
    ended = [process.communicate() for process in several]
    codes = sorted(process.returncode for process in several)
    assert codes == [0, 3, 3, 3, 3], ended
    assert look(home.published) == 2
    refused = next(errors for process, (_, errors) in zip(several, ended, strict=True) if process.returncode == 3)
    print(f"\nfive at once: exit codes {codes}; a refused one says:\n{refused}")


READER = """
import sys, json, time
sys.path[:0] = sys.argv[3:]
from publication import look
from pathlib import Path
import duckdb
file, stop = Path(sys.argv[1]), Path(sys.argv[2])
queries, errors, versions, order = 0, [], {}, []
while not stop.exists():
    try:
        version = look(file)
        queries += 5
        versions[version] = versions.get(version, 0) + 1
        if not order or order[-1] != version:
            order.append(version)
    except BaseException as error:
        errors.append(repr(error)[:300])
print(json.dumps({"queries": queries, "errors": errors, "versions": versions, "order": order}))
"""


@pytest.fixture
def readers(home: Publication, tmp_path: Path) -> Iterator[list[subprocess.Popen]]:
    """Start readers that query without pause until the file stop is there."""
    stop = tmp_path / "stop"
    path = [str(PROJECT / "tests" / "python"), str(PROJECT / "scripts")]
    command = ["nice", "-n", "19", sys.executable, "-c", READER, str(home.published), str(stop), *path]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(READERS)]
    yield started
    stop.touch()
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


def test_readers_without_pause_during_refreshes(home: Publication, readers: list[subprocess.Popen], tmp_path: Path):
    times = []
    for number in range(REFRESHES):
        home.order(number)
        if number % 7 == 3:  # some fail, some are taken back: readers see neither an error nor a mix
            whole = (home.files / "orders.csv").read_text()
            (home.files / "orders.csv").write_text(whole.replace("gross_amount", "price", 1))
            assert home.refresh().returncode == 1
            (home.files / "orders.csv").write_text(whole)
            assert home.rollback().returncode == 0
            assert home.refresh("--force").returncode == 0
        done = home.refresh("--force")
        assert done.returncode == 0, done.stderr
        times.append((steps(done)["publish"]["seconds"], steps(done)["build"]["seconds"]))
    last = look(home.published)
    time.sleep(5)
    (tmp_path / "stop").touch()
    logs = [json.loads(process.communicate()[0]) for process in readers]
    queries, errors = sum(log["queries"] for log in logs), [error for log in logs for error in log["errors"]]
    seen = sorted({int(version) for log in logs for version in log["versions"]})
    print(f"\n{len(logs)} readers: {queries:,} queries, {len(errors)} errors, versions seen {seen}")
    print("publish against build, seconds:", times)
    assert not errors, errors[:5]
    assert queries > 10_000
    assert len(seen) > REFRESHES - 3
    assert seen[-1] == last


def test_postgres_publishes_in_one_transaction(tmp_path: Path):
    """Readers of views during refreshes, a kill, a rollback, a changed column; on a server of its own."""
    from customer_value.engines import postgres_server

    home = Publication.of_the_shop(tmp_path)
    with postgres_server.running() as variables:
        target = ["--target", "postgres"]
        assert home.refresh(*target, **variables).returncode == 0
        stop = tmp_path / "stop"
        reader = READER_POSTGRES.format(questions=list(QUESTIONS.values()), version=VERSION)
        command = ["nice", "-n", "19", sys.executable, "-c", reader, str(stop)]
        readers = [
            subprocess.Popen(command, env=os.environ | variables, stdout=subprocess.PIPE, text=True) for _ in range(4)
        ]
        try:
            for number in range(3):
                home.order(number)
                done = home.refresh(*target, **variables)
                assert done.returncode == 0, done.stderr
            home.order(10)
            process = subprocess.Popen(
                home.command("refresh.py", str(home.files), *target), env=home.environment() | variables,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
            with contextlib.closing(psycopg2.connect("", **keywords(variables))) as connection:
                connection.autocommit = True
                last = "select record ->> 'step' from operations.run_records order by run_id desc limit 1"
                with connection.cursor() as cursor:
                    step = ""
                    while step != "build" and process.poll() is None:
                        time.sleep(0.1)
                        cursor.execute(last)
                        (step,) = cursor.fetchone()
            time.sleep(8)
            kill_group_of(process)
            back = subprocess.run(
                home.command("rollback.py", *target), env=home.environment() | variables,
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert back.returncode == 0, back.stderr
            with psycopg2.connect("", **keywords(variables)) as connection, connection.cursor() as cursor:
                cursor.execute("create schema marts_v000099")  # what a kill before the views were turned leaves
                cursor.execute("comment on schema marts_v000099 is 'customer_value version 99: '")
            after = home.refresh(*target, **variables)
            assert after.returncode == 0, after.stderr
            assert "marts_v000099" in steps(after)["recover"]["removed"]
            with psycopg2.connect("", **keywords(variables)) as connection, connection.cursor() as cursor:
                cursor.execute("select outcome, count(*) from published.pipeline_runs group by 1 order by 1")
                outcomes = dict(cursor.fetchall())
            assert outcomes == {"killed": 1, "published": 5, "rolled_back": 1}
        finally:
            stop.touch()
            logs = [json.loads(process.communicate()[0]) for process in readers]
        errors = [error for log in logs for error in log["errors"]]
        seen = sorted({version for log in logs for version in log["order"]})
        print(f"\nPostgres: {sum(log['queries'] for log in logs):,} queries, {len(errors)} errors, versions {seen}")
        assert not errors, errors[:5]
        assert seen == [1, 2, 3, 4, 5]


def keywords(variables: dict[str, str]) -> dict[str, str]:
    """Return libpq's variables as arguments."""
    names = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGPASSWORD": "password", "PGDATABASE": "dbname"}
    return {names[name]: value for name, value in variables.items()}


READER_POSTGRES = """
import json, sys
from pathlib import Path
import psycopg2
stop, queries, errors, order = Path(sys.argv[1]), 0, [], []
connection = psycopg2.connect("")
connection.autocommit = True
cursor = connection.cursor()
cursor.execute("set search_path = published")
while not stop.exists():
    for question in {questions!r}:
        try:
            cursor.execute(question.replace("marts.", "published."))
            one, other = cursor.fetchone()
            queries += 1
            if one != other:
                errors.append([question, str(one), str(other)])
        except psycopg2.Error as error:
            errors.append(str(error))
    cursor.execute({version!r}.replace("marts.", "published."))
    (version,) = cursor.fetchone()
    if not order or order[-1] != version:
        order.append(version)
print(json.dumps(dict(queries=queries, errors=errors, order=order)))
"""
