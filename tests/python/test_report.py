"""The report: its boards read marts alone, open without a request, are equal twice, and go with their version."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlparse

import duckdb
import psycopg2
import pypdf
import pytest
import sqlglot
import yaml
from conftest import Warehouse
from engines import to_postgres

from customer_value import report
from customer_value.privacy import erase_duckdb
from customer_value.project import PROJECT, project_vars
from customer_value.publish import publishing, version_files
from customer_value.publish.duckdb_store import DuckDBStore, copy_marts
from customer_value.publish.publishing import Mart, Version
from customer_value.publish.version_files import ANALYTICS
from customer_value.refresh import rollback

BOARDS = {board.name: board for board in report.boards()}
DIGITS = re.compile(r"(?<=\.\d{6})\d+")  # of a mean, the order of whose sum an engine is free to choose
# of the pages alone: what a browser of its own accord asks for stays away
QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def content(board: str) -> dict:
    return yaml.safe_load((report.BOARDS / f"{board}.yml").read_text(encoding="utf-8"))


def queries(node: object) -> list[str]:
    """Return the SQL of all queries within a board or a part of one."""
    if isinstance(node, list):
        return [sql for each in node for sql in queries(each)]
    if not isinstance(node, dict):
        return []
    own = [each if isinstance(each, str) else each.get("sql", "") for each in node.get("queries", {}).values()]
    return [sql for sql in own if sql] + [sql for each in node.values() for sql in queries(each)]


def tables(sql: str) -> set[str]:
    """Return the tables that a query reads; what dct's Jinja puts into it stands for true."""
    plain = re.sub(r"\{%.*?%\}", " ", re.sub(r"\{\{.*?\}\}", "true", sql, flags=re.S), flags=re.S)
    parsed = sqlglot.parse_one(plain, dialect="duckdb")
    named = {each.alias_or_name for each in parsed.find_all(sqlglot.exp.CTE)}
    return {f"{each.db}.{each.name}".lstrip(".") for each in parsed.find_all(sqlglot.exp.Table)} - named


@pytest.fixture(scope="module")
def drawn(dirty_shop: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the report of the generated shop, with its documentation."""
    folder = tmp_path_factory.mktemp("report") / "report"
    assert dirty_shop.dbt("parse").returncode == 0
    docs = ["--target", "duckdb", "--target-path", str(dirty_shop.folder / "target")]
    with pytest.MonkeyPatch.context() as changed:
        changed.setenv("CUSTOMER_VALUE_DATABASE", str(dirty_shop.database))
        assert report.render(report.file_source(dirty_shop.database), folder, docs=docs) == []
    return folder


def browser() -> str:
    """Return a browser without a window; where there is none, root installs one, as Postgres is installed."""
    for attempt in range(2):
        if found := shutil.which("chromium") or shutil.which("google-chrome"):
            return found
        if attempt or os.geteuid() != 0 or not shutil.which("apt-get"):
            break
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"], check=True)
    raise RuntimeError("no browser found; install Debian's package chromium")


def requested(page: Path, log: Path) -> set[str]:
    """Open a page in a browser; return the addresses that it asked for, but for those of files beside it."""
    subprocess.run(
        [browser(), *QUIET, f"--log-net-log={log}", f"--user-data-dir={log.parent / 'profile'}", "--dump-dom",
         "--virtual-time-budget=5000", page.as_uri()],
        capture_output=True, timeout=120, check=True,
    )  # fmt: skip
    events = [each.get("params", {}) for each in json.loads(log.read_text(encoding="utf-8"))["events"]]
    # what the browser asks for by itself is not asked for in the name of a page from a file
    asked = {each["url"] for each in events if "file://" in each.get("network_isolation_key", "")}
    return {each for each in asked if urlparse(each).scheme not in ("data", "blob", "file")}


@pytest.mark.parametrize("board", BOARDS)
def test_a_board_reads_marts_without_personal_data_and_its_exposure_names_them(board: str):
    read = {table for sql in queries(content(board)) for table in tables(sql)}
    assert read <= set(publishing.impersonal_marts()), board
    exposures = yaml.safe_load((PROJECT / "models" / "exposures.yml").read_text(encoding="utf-8"))["exposures"]
    (exposure,) = [each for each in exposures if each["name"] == board]
    assert exposure["depends_on"] == [f"ref('{table}')" for table in sorted(read)]
    assert exposure["url"].endswith(f"report/{board}.html")


def test_every_label_of_a_coloured_kind_has_a_colour_of_its_own():
    pins = yaml.safe_load((report.BOARDS / report.SHARED).read_text(encoding="utf-8"))
    pins = pins["style"]["charts"]["category_colors"]
    with (PROJECT / "seeds" / "reference" / "display_labels.csv").open(encoding="utf-8", newline="") as file:
        labels = list(csv.DictReader(file))
    kinds = {
        "tier_label": "tier", "segment_label": "rfm_segment", "stage_label": "lifecycle_stage",
        "risk_label": "churn_risk", "cause_label": "cause",
    }  # fmt: skip
    assert set(pins) == set(kinds)
    for field, kind in kinds.items():
        colours = pins[field]["values"]
        assert set(colours) == {each["label"] for each in labels if each["kind"] == kind}, field
        assert len(set(colours.values())) == len(colours), field


def test_every_label_kind_is_on_a_board():
    with (PROJECT / "seeds" / "reference" / "display_labels.csv").open(encoding="utf-8", newline="") as file:
        kinds = {each["kind"] for each in csv.DictReader(file)}
    read = " ".join(sql for board in BOARDS for sql in queries(content(board)))
    assert {kind for kind in kinds if f"'{kind}'" not in read} == set()


def test_a_report_has_a_page_per_board_an_index_and_a_pdf(drawn: Path):
    others = {"index.html", "report.pdf", "documentation.html"}
    assert {file.name for file in drawn.iterdir()} == others | {f"{name}.html" for name in BOARDS}
    index = (drawn / "index.html").read_text(encoding="utf-8")
    assert all(f'href="{name}.html"' in index and board.title in index for name, board in BOARDS.items())
    outline = [each.title for each in pypdf.PdfReader(drawn / "report.pdf").outline]
    assert outline == [board.title for board in report.boards()]


def test_a_page_asks_nothing_of_anybody(drawn: Path, tmp_path: Path):
    for number, page in enumerate(sorted(drawn.glob("*.html"))):
        (tmp_path / str(number)).mkdir()
        assert requested(page, tmp_path / str(number) / "log.json") == set(), page.name
    asking = tmp_path / "asking.html"  # so that the look is known to see something
    asking.write_text('<img src="http://127.0.0.1:9/picture.png">')
    assert requested(asking, tmp_path / "log.json") == {"http://127.0.0.1:9/picture.png"}


@pytest.mark.postgres
def test_the_same_marts_give_the_same_pages_on_postgres_too(
    dirty_shop: Warehouse,
    drawn: Path,
    tmp_path: Path,
    postgres_environment: None,
):
    """Drawn again, from another engine: a page holds neither a time, nor anything random, nor an engine's rounding."""
    read = {table for board in BOARDS for sql in queries(content(board)) for table in tables(sql)}
    with (
        contextlib.closing(psycopg2.connect("")) as connection,
        connection.cursor() as cursor,
        duckdb.connect(str(dirty_shop.database)) as database,
    ):
        cursor.execute("create schema published")
        for mart in read:
            to_postgres(database, cursor, mart, "published", tmp_path / "mart.csv")
        connection.commit()
    again = tmp_path / "again"
    assert report.render(report.postgres_source(), again) == []
    for name in BOARDS:
        one, other = (
            DIGITS.sub("", (folder / f"{name}.html").read_text(encoding="utf-8")) for folder in (drawn, again)
        )
        assert one == other, name


def test_an_erasure_draws_the_reports_anew_that_had_the_person(dirty_shop: Warehouse, drawn: Path, tmp_path: Path):
    home = DuckDBStore(tmp_path, tmp_path / "company.duckdb")
    folder = home.folder(1)
    shutil.copytree(drawn, folder / "report")
    with duckdb.connect(str(dirty_shop.database)) as connection:
        copy_marts(connection, folder / ANALYTICS, [Mart(mart, "", {}) for mart in publishing.impersonal_marts()])
    version_files.seal(folder)
    with duckdb.connect(str(folder / ANALYTICS)) as connection:
        most_at_risk = "select customer_id from marts.customer_value order by revenue_at_risk desc nulls last limit 1"
        ((customer,),) = connection.execute(most_at_risk).fetchall()
        connection.execute("update marts.customer_value set customer_id = 'erased:1' where customer_id = ?", [customer])
    pages = [folder / "report" / "customers.html", folder / "report" / "documentation.html"]
    board, documentation = (page.read_text(encoding="utf-8") for page in pages)
    assert customer in board
    place = erase_duckdb.Home(tmp_path, home, project_vars())
    place.redraw(folder, {"versions/000001/full.duckdb: marts.customer_value": 1})
    assert pages[0].read_text(encoding="utf-8") == board
    place.redraw(folder, {f"versions/000001/{ANALYTICS}: marts.customer_value": 1})
    assert customer not in pages[0].read_text(encoding="utf-8") and "erased:1" in pages[0].read_text(encoding="utf-8")
    assert pages[1].read_text(encoding="utf-8") == documentation
    assert place.notes == [] and (folder / "report").stat().st_mode & 0o777 == 0o555


def test_the_readmes_pictures_are_of_today(complete_journey: Warehouse, tmp_path: Path):
    """Where this fails, look at what changed, then: make build && python scripts/draw_pictures.py."""
    for picture in report.pictures(report.file_source(complete_journey.database), tmp_path):
        assert picture.read_bytes() == (PROJECT / "assets" / picture.name).read_bytes(), picture.name
        assert f"assets/{picture.name}" in (PROJECT / "README.md").read_text(encoding="utf-8")


def test_a_folder_with_other_files_is_left_alone(dirty_shop: Warehouse, tmp_path: Path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(report.ReportError, match="holds other files"):
        report.render(report.file_source(dirty_shop.database), tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_somebodys_own_pdf_is_no_report_and_one_drawn_half_way_is(tmp_path: Path):
    (tmp_path / "report.pdf").write_text("mine")
    assert report.others_than_a_report(tmp_path) == ["report.pdf"]
    (tmp_path / "index.html").write_text("<title>My pages</title>")
    assert report.others_than_a_report(tmp_path) == ["index.html", "report.pdf"]
    (tmp_path / "index.html").write_text(report.PAGE.render(title=report.TITLE))
    (tmp_path / "portfolio.html").touch()
    assert report.others_than_a_report(tmp_path) == []
    (tmp_path / "mine.txt").touch()
    assert report.others_than_a_report(tmp_path) == ["mine.txt"]
    for name in ("index.html", "report.pdf", "mine.txt"):
        (tmp_path / name).unlink()
    assert report.others_than_a_report(tmp_path) == []


SAYS = {
    # what a dct does that fails, and what the report says
    "kill -9 $$": "dct ended with -9",
    """echo '{"level": "error", "chart": "one", "code": "E"}'; kill -9 $$""": "ended with -9",
    """echo '{"level": "err'; exit 1""": "dct ended with 1",
    "echo No space left on device; exit 2": "ended with 2: No space left on device",
    "echo no > $OUT/portfolio.pdf": "portfolio.pdf is no PDF",
    """echo '{"level": "error", "range": null, "code": "ERR-WAREHOUSE-CONNECTION"}'; exit 1""": "ERR-WAREHOUSE-CONNEC",
}


@pytest.mark.parametrize("does", SAYS)
def test_a_dct_that_fails_is_a_fault_of_the_report(does: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """And of nothing else: what is raised is what a refresh warns of."""
    dct = tmp_path / "dct"
    dct.write_text(f"#!/bin/sh\nOUT={tmp_path / 'report'}\n{does}\n")
    dct.chmod(0o755)
    monkeypatch.setattr(report, "DCT", dct)
    with pytest.raises(report.ReportError, match=SAYS[does]):
        report.render(report.file_source(tmp_path / "no.duckdb"), tmp_path / "report")


def test_a_board_that_dct_passed_over_or_did_not_end_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    dct = tmp_path / "dct"
    whole, half = (tmp_path / "report" / f"{name}.html" for name in ("portfolio", "cohorts"))
    dct.write_text(f"#!/bin/sh\necho '<html></html>' > {whole}\necho '<html>' > {half}\n")
    dct.chmod(0o755)
    monkeypatch.setattr(report, "DCT", dct)
    faults = report.render(report.file_source(tmp_path / "no.duckdb"), tmp_path / "report")
    assert faults == [f"board {name}" for name in sorted(BOARDS) if name != "portfolio"]


def test_the_documentation_says_nothing_of_the_machine():
    page = json.dumps({"root_path": str(PROJECT), "compiled_path": "/home/it's mü/state/target/compiled/a.sql"})
    said = report.without_paths(page, Path("/home/it's mü/state/target"))
    assert said == '{"root_path": ".", "compiled_path": "target/compiled/a.sql"}'


def test_what_dct_says_without_a_place_is_told_too():
    lines = [{"level": "error", "chart": None, "path": None, "range": None, "code": "E"}, {"level": "warning"}]
    assert report.errors("\n".join(map(json.dumps, lines))) == ["chart (unknown): E"]


@pytest.mark.parametrize("text", ["title: [", "- a", "", "title: Only a title\n", "notes: 1\ntitle: 2\n"])
def test_a_board_that_is_none_is_a_fault_of_the_report(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "broken.yml").write_text(text)
    monkeypatch.setattr(report, "BOARDS", tmp_path)
    with pytest.raises(report.ReportError, match=r"broken\.yml"):
        report.boards()


def test_an_erasure_that_was_killed_leaves_no_board_and_the_next_one_draws_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    home = DuckDBStore(tmp_path, tmp_path / "company.duckdb")
    folder = home.folder(1)
    drawn = folder / "report"
    drawn.mkdir(parents=True)
    for name in ("index.html", "report.pdf", "documentation.html"):
        (drawn / name).touch()
    of_then = {"reporting_currency": "PLN"}
    version_files.write(folder, Version(1, 1, "", None, None, None, of_then, {}))
    version_files.seal(folder)
    place = erase_duckdb.Home(tmp_path, home, project_vars())
    asked = []
    monkeypatch.setattr(report, "redraw", lambda source, shown, currency: not asked.append((shown, currency)))
    place.redraw(folder, {})
    assert asked == []
    erase_duckdb.clear_report(folder)
    assert [file.name for file in drawn.iterdir()] == ["documentation.html"]
    place.redraw(folder, {})
    assert asked == [(drawn, "PLN")]


def test_a_report_that_a_refresh_did_not_publish_goes_with_the_next_run(tmp_path: Path):
    home = DuckDBStore(tmp_path, tmp_path / "company.duckdb")
    home.drawn.mkdir(parents=True)
    (home.drawn / "customers.pdf").touch()
    assert home.recover() == ["a half-made state/report"] and not home.drawn.exists()


def test_a_chart_that_fails_is_named_and_the_others_are_drawn(
    dirty_shop: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    boards = tmp_path / "charts"
    boards.mkdir()
    shutil.copy(report.BOARDS / report.SHARED, boards)
    (boards / "broken.yml").write_text(
        """
        title: Broken
        notes: Nothing.
        queries: {one: select no_such_column from tier_summary, two: select sum(customers) as n from tier_summary}
        charts:
          wrong: {type: kpi, query: one, value: no_such_column, label: Nothing}
          right: {type: kpi, query: two, value: n, label: Customers of all dates}
        rows: [wrong, right]
        """
    )
    monkeypatch.setattr(report, "BOARDS", boards)
    (fault,) = report.render(report.file_source(dirty_shop.database), tmp_path / "report")
    assert "charts/broken.yml: ERR" in fault
    assert "Customers of all dates" in (tmp_path / "report" / "broken.html").read_text(encoding="utf-8")
    (boards / "broken.yml").write_text("title: Broken\nnotes: Nothing.\nrows: [no_such_chart]\n")
    (boards / "whole.yml").write_text("title: Whole\nnotes: All.\ntext: Whole.\n")
    (fault,) = report.render(report.file_source(dirty_shop.database), tmp_path / "report")
    assert "charts/broken.yml: ERR" in fault
    index = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "whole.html" in index and "broken.html" not in index


def test_a_dashboard_is_served_with_its_filters_until_it_is_interrupted(dirty_shop: Warehouse):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(PROJECT / "scripts" / "report.py"), "--serve", "--port", str(port)]
    own = os.environ | {
        "CUSTOMER_VALUE_DATABASE": str(dirty_shop.database),
        "CUSTOMER_VALUE_PUBLISHED": str(dirty_shop.folder),
    }
    server = subprocess.Popen(command, env=own, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        address = f"http://127.0.0.1:{port}/portfolio/"
        assert address in server.stdout.readline()
        for _ in range(600):
            with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=60) as answer:
                page = answer.read().decode()
                break
            time.sleep(0.1)
        assert "Portfolio" in page and "as_of" in page
    finally:
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=30) == 0


def test_a_port_that_is_taken_is_said_before_anybody_opens_it(tmp_path: Path):
    (tmp_path / "warehouse.duckdb").touch()
    own = os.environ | {
        "CUSTOMER_VALUE_DATABASE": str(tmp_path / "warehouse.duckdb"),
        "CUSTOMER_VALUE_PUBLISHED": str(tmp_path),
    }
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        for port in (taken.getsockname()[1], 99999):
            command = [sys.executable, str(PROJECT / "scripts" / "report.py"), "--serve", "--port", str(port)]
            done = subprocess.run(command, env=own, capture_output=True, text=True, check=False, timeout=60)
            assert (done.returncode, done.stdout) == (2, "")
            assert f"error: port {port} cannot be used" in done.stderr and "Traceback" not in done.stderr


def test_a_rollback_on_postgres_draws_what_readers_then_see(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """HOME/report leads to the version that is shown; one that cannot be drawn leaves none of the past."""
    version = Version(7, 7, "then", "2024-01-01", None, None, {"reporting_currency": "EUR"}, {})
    currencies = []

    def render(source: dict, folder: Path, currency: str) -> list[str]:
        assert source["schema"] == "published"
        currencies.append(currency)
        folder.mkdir(parents=True)
        (folder / "index.html").write_text(f"version {version.number}")
        return []

    monkeypatch.setattr(report, "render", render)
    for version.number in (7, 6):
        rollback.draw(tmp_path, version)
        assert (tmp_path / "report" / "index.html").read_text() == f"version {version.number}"
        assert (tmp_path / "report" / "index.html").stat().st_mode & 0o777 == 0o444
    assert [folder.name for folder in (tmp_path / "reports").iterdir()] == ["000006"] and currencies == ["EUR", "EUR"]

    def fail(*_: object) -> list[str]:
        raise report.ReportError("no board")

    monkeypatch.setattr(report, "render", fail)
    rollback.draw(tmp_path, version)
    assert not (tmp_path / "report").exists() and list((tmp_path / "reports").iterdir()) == []
