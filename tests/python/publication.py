"""What the tests of refreshes share: a home with its own files, refreshes as processes, readers that never pause."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
from conftest import SHOP

from customer_value.project import PROJECT

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


def look(file: Path) -> int:
    """Ask the questions of the published file, return the version that answered; AssertionError where two differ."""
    with duckdb.connect(str(file), read_only=True, config={"threads": 1}) as connection:
        for name, question in QUESTIONS.items():
            one, other = connection.execute(question).fetchone()
            assert one == other, (name, one, other)
        return connection.execute(VERSION).fetchone()[0]


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

    def start(self, *arguments: str) -> subprocess.Popen:
        """Begin a refresh and return its process."""
        return subprocess.Popen(
            self.command("refresh.py", str(self.files), *arguments),
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def refresh(self, *arguments: str, data: str | None = None, **changes: str) -> subprocess.CompletedProcess:
        """Refresh and return what came of it. changes: to the environment."""
        return subprocess.run(
            self.command("refresh.py", data or str(self.files), *arguments),
            env=self.environment() | changes,
            capture_output=True,
            text=True,
            check=False,
        )

    def rollback(self, *arguments: str) -> subprocess.CompletedProcess:
        """Go back, or list the versions."""
        return subprocess.run(
            self.command("rollback.py", *arguments), env=self.environment(), capture_output=True, text=True, check=False
        )

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
