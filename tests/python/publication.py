"""What the tests of refreshes share: a home with its own files, refreshes as processes, readers that never pause."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from argparse import Namespace
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from conftest import PARSED, SHARED, SHOP, Warehouse, once, warm

from customer_value.project import PROJECT
from customer_value.publish import version_files
from customer_value.raw import load_files

# what every reader asks, of one connection: each row must be the same number twice, whatever version it sees
QUESTIONS = {
    "customers": """
        select (select count(*) from marts.customer_value), (
            select sum(customers) from marts.tier_summary
            where as_of_date = (select max(as_of_date) from marts.tier_summary)
        )
    """,
    "net revenue": """
        select (select sum(net_revenue) from marts.customer_value), (
            select sum(net_revenue) from marts.segment_summary
            where as_of_date = (select max(as_of_date) from marts.segment_summary)
        )
    """,
    "the last slice": """
        select (select count(*) from marts.customer_value), (
            select count(*) from marts.customer_value_history
            where as_of_date = (select max(as_of_date) from marts.customer_value)
        )
    """,
    "rows of the run that published it": """
        select (select count(*) from marts.orders), (
            select measured from marts.pipeline_run_measures where measure = 'row_count' and subject = 'orders'
            and run_id = (select max(run_id) from marts.pipeline_runs where outcome = 'published')
        )
    """,
}
PERSONAL = {"marts.customers", "marts.rejected_rows"}  # in the full file alone
VERSION = "select max(version) from marts.pipeline_runs where outcome = 'published'"
# for a refresh whose test looks neither at data tests nor at what they let through
MODELS_ALONE = {"DBT_EXCLUDE_RESOURCE_TYPES": "unit_test test"}


def look(file: Path) -> int:
    """Ask the questions of the published file, return the version that answered; AssertionError where two differ."""
    with duckdb.connect(str(file), read_only=True, config={"threads": 1}) as connection:
        for name, question in QUESTIONS.items():
            one, other = connection.execute(question).fetchone()
            assert one == other, (name, one, other)
        return connection.execute(VERSION).fetchone()[0]


def stage() -> Path:
    """Return an empty folder, always the same one, for the one home that tests use at a time.

    dbt has the path of the database in what it parsed, so that a home elsewhere would be parsed anew.
    """
    folder = SHARED / "stage"
    if folder.exists():
        version_files.delete(folder)
    folder.mkdir()
    for each in (SHARED, folder):
        each.chmod(0o755)  # tests of readers become somebody else
    return folder


@dataclass(frozen=True)
class Publication:
    """A folder with the files of a shop and a home beside it. project: the clone that refreshes."""

    folder: Path
    project: Path = PROJECT

    @classmethod
    def of_the_shop(cls, folder: Path, project: Path = PROJECT) -> Publication:
        """Return one with a copy of the fixture shop's files."""
        shutil.copytree(SHOP, folder / "files")
        return cls(folder, project)

    @property
    def files(self) -> Path:
        """Return the folder that refreshes load."""
        return self.folder / "files"

    @property
    def home(self) -> Path:
        """Return where versions are."""
        return self.folder / "home"

    @property
    def published(self) -> Path:
        """Return what readers open: all marts but those with personal data."""
        return self.home / "current" / "analytics.duckdb"

    @property
    def full(self) -> Path:
        """Return what the owner alone opens: all marts."""
        return self.home / "current" / "full.duckdb"

    def command(self, script: str, *arguments: str) -> list[str]:
        """Return a script's command on this home."""
        return [sys.executable, str(self.project / "scripts" / script), *arguments, "--home", str(self.home)]

    def environment(self) -> dict[str, str]:
        """Return the environment without what other tests set."""
        hidden = ("CUSTOMER_VALUE_DATABASE", "CUSTOMER_VALUE_PUBLISHED", "DBT_TARGET_PATH", "DBT_LOG_PATH")
        own = {name: value for name, value in os.environ.items() if name not in hidden}
        # unit tests say nothing about what these tests look at, and take half of a build
        return own | {"DBT_EXCLUDE_RESOURCE_TYPES": "unit_test"}

    @property
    def company(self) -> Path:
        """Return the company's own file, which DATA=raw is read from."""
        return self.folder / "company.duckdb"

    def start(self, *arguments: str) -> subprocess.Popen:
        """Begin a refresh and return its process, one that began cold, as a user's does: it can be killed."""
        self.seed(arguments)
        return subprocess.Popen(
            self.command("refresh.py", str(self.files), *arguments),
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def refresh(self, *arguments: str, data: str | None = None, **changes: str) -> subprocess.CompletedProcess:
        """Refresh and return what came of it. changes: to the environment."""
        self.seed(arguments)
        done = self.run("refresh.py", data or str(self.files), *arguments, **changes)
        if "--accept-anomalies" not in arguments:  # a var of dbt's, too
            self.keep(arguments)
        return done

    def rollback(self, *arguments: str) -> subprocess.CompletedProcess:
        """Go back, or list the versions."""
        return self.run("rollback.py", *arguments)

    def run(self, script: str, *arguments: str, **changes: str) -> subprocess.CompletedProcess:
        """Run a script on this home, without the wait for its imports. changes: to the environment."""
        command = self.command(script, *arguments)
        if self.project == PROJECT:
            command[0] = warm().python
        environment = self.environment() | {"CUSTOMER_VALUE_DATABASE": str(self.company)} | changes
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    def parsed(self, arguments: Iterable[str]) -> Path:
        """Return where what dbt parsed is kept for refreshes with the same vars of the same database."""
        words = list(arguments)
        given = [words[words.index(name) + 1] for name in ("--vars", "--target") if name in words]
        server = {name: value for name, value in os.environ.items() if name.startswith("PG")}
        place = server if "postgres" in given else str(self.home.resolve())
        key = hashlib.sha256(json.dumps([str(self.project), given, place]).encode()).hexdigest()
        return SHARED / "parsed" / key

    def seed(self, arguments: Iterable[str]) -> None:
        """Let a refresh find what dbt parsed for another one with the same vars of the same database."""
        parsed, target = self.parsed(arguments), self.home / "state" / "target"
        if parsed.exists():
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(parsed, target / PARSED.name)

    def keep(self, arguments: Iterable[str]) -> None:
        """Keep what dbt parsed in a refresh for others."""
        parsed, found = self.parsed(arguments), self.home / "state" / "target" / PARSED.name
        if found.exists() and not parsed.exists():
            parsed.parent.mkdir(exist_ok=True)
            shutil.copy(found, parsed)

    def order(self, number: int, line: str = "ada,2023-12-30 10:00:00,10.00,,,,completed,,,") -> None:
        """Append an order to the shop's file."""
        with (self.files / "orders.csv").open("a", encoding="utf-8") as orders:
            orders.write(f"n{number},{line}\n")

    def record(self) -> dict:
        """Return the record of the last run."""
        return json.loads(sorted((self.home / "state" / "runs").glob("*.json"))[-1].read_text())

    def rows(self, statement: str) -> list[tuple]:
        """Return the rows of a query on what readers see."""
        with duckdb.connect(str(self.published), read_only=True) as connection:
            return connection.execute(statement).fetchall()


def steps(done: subprocess.CompletedProcess) -> dict[str, dict]:
    """Return {step: its line} of a refresh's output."""
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["step"]: line for line in lines}


def publish_shop(made: Warehouse) -> None:
    """Refresh from a company's file with the fixture shop, with all checks, under a umask that would keep readers out.

    What came of it is kept in the warehouse's folder: the home, and what the refresh said.
    """
    home = Publication.of_the_shop(stage())
    load_files.load(Namespace(database=home.company, folder=SHOP))
    with duckdb.connect(str(home.company)) as company:
        company.execute("create table raw.payroll as select 'ann' as name, 9000 as salary")
    umask = os.umask(0o077)
    try:
        done = home.refresh(data="raw")
    finally:
        os.umask(umask)
    said = json.dumps([done.returncode, done.stdout, done.stderr])
    (made.folder / "said.json").write_text(said, encoding="utf-8")
    with tarfile.open(made.folder / "home.tar", "w") as tar:
        tar.add(home.folder, ".")


def published_shop(factory: pytest.TempPathFactory) -> tuple[Publication, subprocess.CompletedProcess]:
    """Return a home at stage() with version 1 of the fixture shop, made once for all tests, and what was said of it."""
    made = once(factory, "published_shop", publish_shop)
    code, out, errors = json.loads((made.folder / "said.json").read_text(encoding="utf-8"))
    assert code == 0, out + errors
    with tarfile.open(made.folder / "home.tar") as tar:
        tar.extractall(folder := stage(), filter="fully_trusted")
    return Publication(folder), subprocess.CompletedProcess([], code, out, errors)
