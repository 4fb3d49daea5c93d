"""What the tests share: dbt as a subprocess on a database of its own, and the data sets built once per session."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import functools
import json
import os
import shutil
import subprocess
import tempfile
from argparse import Namespace
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
import psycopg2
import pytest
from refreshes import Dbt
from spark_servers import SparkKeeper
from warm import Warm

from customer_value.engines import postgres_server
from customer_value.project import PROJECT
from customer_value.raw import load_cdnow, load_complete_journey, load_files
from customer_value.shop import generate_shop

# the files that take longest, first: with a file per process, one that begins late is waited for alone
LONGEST = [
    "test_parity", "test_refresh", "test_build", "test_bad_input", "test_as_of", "test_privacy", "test_oracle",
    "test_sources", "test_publishing", "test_upgrade", "test_trust_postgres", "test_publication_rules",
    "test_scored_customers", "test_slices", "test_spark_session", "test_publish_spark",
]  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; the order within a file stays."""
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(LONGEST)))


# where the time of a run goes: seconds of CPU and of wall by file
spent: dict[str, list[float]] = {}
CPU_BEFORE = pytest.StashKey[float]()


def cpu_seconds() -> float:
    """Return the CPU seconds of this process, of those that it started and that have ended, and of those that stay."""
    times = os.times()
    ticks = 0
    for stays in (started for started in (server, warm) if started.cache_info().currsize):
        stat = Path(f"/proc/{stays().process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        ticks += sum(map(int, stat[11:15]))  # utime and stime, and those of what it started and that has ended
    return times.user + times.system + times.children_user + times.children_system + ticks / os.sysconf("SC_CLK_TCK")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, object, object]:
    """Note the CPU seconds of each test, with the fixtures that it was the first to use."""
    item.stash[CPU_BEFORE] = cpu_seconds()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Generator[None, object, object]:
    """Hand the CPU seconds of a test on with its last report, which reaches the process that prints."""
    report = yield
    if report.when == "teardown":
        report.cpu_seconds = cpu_seconds() - item.stash[CPU_BEFORE]
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the files that took the most CPU seconds."""
    if not spent:
        return
    terminalreporter.section("CPU and wall seconds by file, the twenty largest")
    for file, (cpu, wall) in sorted(spent.items(), key=lambda item: -item[1][0])[:20]:
        terminalreporter.write_line(f"{cpu:8.0f} {wall:8.0f}  {file}")
    terminalreporter.write_line(
        f"{sum(cpu for cpu, _ in spent.values()):8.0f}           in all, without Postgres servers that outlive a test"
    )


LONG = {"spark", "cluster"}  # markers of tests that take minutes each
seconds: dict[str, float] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up what files take. Say of a test that takes minutes how long it took, as it ends, and why it failed."""
    file = spent.setdefault(report.nodeid.split("::")[0], [0.0, 0.0])
    file[0] += getattr(report, "cpu_seconds", 0.0)
    file[1] += report.duration
    if not LONG & set(report.keywords):
        return
    seconds[report.nodeid] = seconds.get(report.nodeid, 0) + report.duration
    if report.failed:
        print(f"\n{report.nodeid} failed in {report.when}:\n{report.longreprtext[-6000:]}", flush=True)
    if report.when == "teardown":
        print(f"\n{report.nodeid}: {seconds[report.nodeid]:.0f} s", flush=True)


SHOP = PROJECT / "tests" / "fixtures" / "shop"
CREDIT_NOTES = PROJECT / "tests" / "shops" / "credit_notes"  # dbt takes what is in fixtures for its own
# dbt parses the project anew where the profile changes, which takes longer than most builds here: so all warehouses are
# reached by one path, and what the last run parsed is handed on
SHARED = Path(tempfile.mkdtemp(prefix="customer-value-tests-"))
PARSED = SHARED / "partial_parse.msgpack"
atexit.register(shutil.rmtree, SHARED, ignore_errors=True)


os.environ["CUSTOMER_VALUE_REPORT"] = "no"  # test_report.py looks at it; ten seconds of CPU in any other refresh

LIMIT = 1800  # seconds that a dbt command may take

# what is built for a test that looks only at customers, or only at orders and rejected rows, with the data tests that
# read nothing else
ONLY_CUSTOMERS = ("--select", "+customer_value", "--indirect-selection", "buildable")
ONLY_ROWS = ("--select", "+rejected_rows", "+reconciliation", "+orders", "--indirect-selection", "buildable")


def current(folder: Path) -> Path:
    """Return the one path of the warehouse in use, a link that now leads to this folder."""
    link = SHARED / "current"
    link.unlink(missing_ok=True)
    link.symlink_to(folder)
    return link


@functools.cache
def server() -> Dbt:
    """Return a dbt that stays up as long as the tests do, which spares every build its start and its parse."""
    process = Dbt(SHARED / "server")
    atexit.register(process.close)
    return process


@functools.cache
def warm() -> Warm:
    """Return the programs that start scripts and dbt without their imports."""
    process = Warm(SHARED / "warm")
    atexit.register(process.close)
    return process


@dataclass(frozen=True)
class Warehouse:
    """One DuckDB file and the dbt target folder that goes with it."""

    folder: Path

    @property
    def database(self) -> Path:
        """Return the DuckDB file."""
        return self.folder / "warehouse.duckdb"

    def load(self, files: dict[str, str]) -> None:
        """Load {source: CSV text} the way a user would: as files of a folder, through load_files."""
        folder = self.folder / "files"
        folder.mkdir(exist_ok=True)
        for source, text in files.items():
            (folder / f"{source}.csv").write_text(text, encoding="utf-8")
        load_files.load(Namespace(database=self.database, folder=folder))

    def execute(self, statement: str) -> None:
        """Run one statement on the database."""
        with duckdb.connect(str(self.database)) as connection:
            connection.execute(statement)

    def query(self, statement: str) -> pd.DataFrame:
        """Return the rows of a query."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.sql(statement).df()

    def rows(self, statement: str) -> list[tuple]:
        """Return the rows of a query as tuples of Python values."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.sql(statement).fetchall()

    def dbt(self, *arguments: str, variables: dict | None = None) -> subprocess.CompletedProcess:
        """Run dbt on this database; the result holds the return code and the output."""
        options = ["--vars", json.dumps(variables)] if variables else []
        result = self.command([warm().dbt, "--no-use-colors", *arguments, *options])
        target = self.folder / "target"
        if not variables and (target / PARSED.name).exists():
            shutil.copy(target / PARSED.name, PARSED)
        return result

    def command(self, command: list[str]) -> subprocess.CompletedProcess:
        """Run dbt, or a script that runs it, on this database, with what the last run parsed."""
        target = self.folder / "target"
        environment = os.environ | {
            "CUSTOMER_VALUE_DATABASE": str(current(self.folder) / self.database.name),
            "DBT_TARGET_PATH": str(target),
            "DBT_LOG_PATH": str(self.folder / "logs"),
            "DBT_LOG_LEVEL_FILE": "none",  # a tenth of a build
        }
        if PARSED.exists() and not (target / PARSED.name).exists():
            target.mkdir(exist_ok=True)
            shutil.copy(PARSED, target)
        return subprocess.run(
            command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False, timeout=LIMIT
        )

    def run(self, *arguments: str, variables: dict | None = None) -> None:
        """Run a dbt command that has to succeed, in the dbt that stays up; fail with its errors when it does not."""
        server().run(self.database, *arguments, variables=variables)

    def said(self, *arguments: str, variables: dict | None = None, succeeds: bool = True) -> str:
        """Run a dbt command in the dbt that stays up; return what it printed, its warnings and its errors.

        succeeds: how the command has to end; fail with what it said where it ends otherwise.
        """
        reply, text = server().invoke(self.database, *arguments, variables=variables)
        assert reply["success"] == succeeds, f"dbt {' '.join(arguments)}: {reply}\n{text}"
        return text + reply.get("exception", "")

    def build(self, variables: dict | None = None, unit_tests: bool = False, select: Sequence[str] = ()) -> None:
        """Run dbt build with all data tests; fail with dbt's output when it fails.

        select: dbt's arguments that say what is built.
        unit_tests: run them too. They say nothing about the data and take half of the time, so once per engine and
        for vars that differ is enough.
        """
        arguments = ["build", *select, *([] if unit_tests else ["--exclude-resource-type", "unit_test"])]
        self.run(*arguments, variables=variables)

    def make(self, *models: str, variables: dict | None = None) -> None:
        """Build models and what they need, seeds too, without tests."""
        untested = ("--exclude-resource-type", "test", "unit_test")
        self.run("build", *untested, "--select", *(f"+{model}" for model in models), variables=variables)

    def refused(self, *, variables: dict | None = None) -> str:
        """Run dbt build as a user does, expect it to fail, return its output."""
        result = self.dbt("build", "--exclude-resource-type", "unit_test", variables=variables)
        assert result.returncode != 0, "the build should have failed\n" + result.stdout
        return result.stdout


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Warehouse], object]) -> Warehouse:
    """Return a warehouse that is made once for all processes of a run; each has a copy, as dbt locks what it opens.

    make: loads and builds it; the first process does, the others wait.
    """
    base = factory.getbasetemp()
    first = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"{name}_made"
    first.mkdir(exist_ok=True)
    with (first / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (first / "done").exists():
            make(Warehouse(first))
            (first / "done").touch()
    return Warehouse(Path(shutil.copytree(first, factory.mktemp(name), dirs_exist_ok=True)))


def filled(
    warehouse: Warehouse, load: Callable[[Namespace], object], unit_tests: bool = False, **arguments: object
) -> None:
    """Load a warehouse and build it."""
    load(Namespace(database=warehouse.database, **arguments))
    warehouse.build(unit_tests=unit_tests)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """Return an empty warehouse."""
    return Warehouse(tmp_path)


@pytest.fixture(scope="session")
def postgres_variables() -> Iterator[dict[str, str]]:
    """Yield the variables that lead to a Postgres server of this process of the run; its tests share it."""
    with postgres_server.running() as variables:
        yield variables


@contextlib.contextmanager
def postgres_database(variables: dict[str, str], name: str) -> Iterator[dict[str, str]]:
    """Make an empty database on a server, yield the variables that lead to it, drop it, whoever is connected."""

    def on_server(statement: str) -> None:
        settings = {each: variables[f"PG{each.upper()}"] for each in ("host", "port", "user", "password")}
        with contextlib.closing(psycopg2.connect(dbname=variables["PGDATABASE"], **settings)) as connection:
            connection.autocommit = True
            connection.cursor().execute(statement)

    on_server(f"create database {name}")
    try:
        yield variables | {"PGDATABASE": name}
    finally:
        on_server(f"drop database {name} with (force)")


@pytest.fixture
def postgres_environment(postgres_variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make an empty database, to which PG* lead."""
    monkeypatch.delenv("PGAPPNAME", raising=False)
    with postgres_database(postgres_variables, "company") as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield


@pytest.fixture(scope="session")
def spark_keeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkKeeper]:
    """Yield what keeps a real cluster up: a master, two workers, a Thrift server."""
    with contextlib.closing(SparkKeeper(tmp_path_factory.mktemp("spark_cluster"))) as keeper:
        yield keeper


@pytest.fixture(scope="session")
def complete_journey(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Return Complete Journey, built."""
    return once(tmp_path_factory, "complete_journey", lambda made: filled(made, load_complete_journey.load))


@pytest.fixture(scope="session")
def cdnow(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Return CDNOW, built."""
    return once(tmp_path_factory, "cdnow", lambda made: filled(made, load_cdnow.load))


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Return the small hand-made shop of tests/fixtures/shop, built."""
    return once(tmp_path_factory, "shop", lambda made: filled(made, load_files.load, unit_tests=True, folder=SHOP))


@pytest.fixture(scope="session")
def credit_notes(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Return a small shop with a credit note of every kind, built."""
    return once(tmp_path_factory, "credit_notes", lambda made: filled(made, load_files.load, folder=CREDIT_NOTES))


GENERATED_ORDERS = 10_000


def generate(warehouse: Warehouse, dirty: bool) -> None:
    """Fill a warehouse with a generated shop of all ten sources, and build it; its files are in folder/shop."""
    generate_shop.write_shop(warehouse.folder / "shop", GENERATED_ORDERS, dirty=dirty)
    filled(warehouse, load_files.load, folder=warehouse.folder / "shop")


@pytest.fixture(scope="session")
def clean_shop(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Return a generated shop without a bad row, built: two currencies, merged customers, all ten sources."""
    return once(tmp_path_factory, "clean_shop", lambda made: generate(made, dirty=False))


@pytest.fixture(scope="session")
def dirty_shop(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Return the same shop with bad rows of every kind, counted, built."""
    return once(tmp_path_factory, "dirty_shop", lambda made: generate(made, dirty=True))
