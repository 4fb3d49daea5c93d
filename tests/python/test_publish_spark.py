"""Versions on Spark by Iceberg branches, with marts made by hand on a real cluster: make test-spark.

A refresh of the fixture shop, with what dbt builds, is in test_parity.py.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from conftest import SHOP
from spark_servers import SparkKeeper

from customer_value.engines.spark_sql import SparkError, SparkSql
from customer_value.privacy import keepers
from customer_value.project import project_vars
from customer_value.publish.publishing import Mart, PublishError, Version
from customer_value.publish.spark_store import SparkStore, at, branch
from customer_value.raw.loading import LoadError
from customer_value.refresh.run_records import Run

pytestmark = pytest.mark.cluster

NAMES = ("tryout_first", "tryout_second")
MARTS = [Mart(name, "It's a \\ mart", {"build": 'the "number" of its build', "text": "long " * 80}) for name in NAMES]
ROWS = 40
# of both tables in one statement: rows, least and largest build
LOOK = " cross join ".join(
    f"(select count(*) as rows_{name}, min(build) as low_{name}, max(build) as high_{name} from published.{name})"
    for name in NAMES
)
CHANGES = ("create", "alter", "insert", "call", "drop")


@pytest.fixture
def environment(spark_keeper: SparkKeeper) -> dict[str, str]:
    """Return the variables that lead to a cluster that lives."""
    return dict(os.environ) | spark_keeper.get().variables


@pytest.fixture
def store(environment: dict[str, str], tmp_path: Path) -> Iterator[SparkStore]:
    """Yield a store in which nothing is published, on a cluster that may have served other tests."""
    with SparkSql(300, environment) as sql:
        store = SparkStore(tmp_path, sql)
        left = [f"published.{table}" for table in store.tables("published")] + [f"marts.{name}" for name in NAMES]
        for table in [*left, "operations.versions"]:
            store.rows(f"drop table if exists {table}")
        for schema in ("marts", "operations"):
            store.rows(f"create schema if not exists {schema}")
        yield store


def build(store: SparkStore, number: int, names: tuple[str, ...] = NAMES, more: str = "") -> None:
    """Build marts as dbt would: replace them one after the other."""
    for name in names:
        store.rows(
            f"create or replace table marts.{name} using iceberg as select {number} as build, id, "
            f"cast(id as string) as text, cast(null as date) as day{more} from range({ROWS})"
        )


def version(number: int) -> Version:
    """Return a version before it is published."""
    given = {"window_months": 12, "note": "it's \\d"}
    return Version(number, number, "2024-01-01 00:00:00", None, None, None, given, {"project": str(number)})


def publish(store: SparkStore, number: int) -> None:
    """Publish what is built."""
    store.publish(version(number), MARTS)


def look(sql: SparkStore | SparkSql) -> tuple[int, int]:
    """Return the builds that readers of both tables see; AssertionError where one table is not whole."""
    ((rows, low, high, other_rows, other_low, other_high),) = sql.rows(f"select * from {LOOK}")
    assert (rows, other_rows) == (ROWS, ROWS)
    assert (low, other_low) == (high, other_high)
    return low, other_low


class Reader(threading.Thread):
    """Looks without a pause, on a connection of its own that stays open; keeps when it saw what."""

    def __init__(self, environment: dict[str, str]) -> None:
        super().__init__(daemon=True)
        self.environment, self.is_wanted = environment, True
        self.seen: list[tuple[float, tuple[int, int]]] = []
        self.error: BaseException | None = None

    def run(self) -> None:
        """Look until it is not wanted any more."""
        try:
            with SparkSql(300, self.environment) as sql:
                while self.is_wanted:
                    self.seen.append((time.monotonic(), look(sql)))
        except BaseException as error:
            self.error = error

    def wait_for(self, seen: tuple[int, int], limit: float = 60) -> float:
        """Return the seconds until both tables are seen so; AssertionError after the limit."""
        begun = time.monotonic()
        while self.error is None and time.monotonic() < begun + limit:
            if any(moment >= begun and each == seen for moment, each in self.seen[-3:]):
                return time.monotonic() - begun
            time.sleep(0.05)
        raise AssertionError(f"{seen} was not seen in {limit} s, but {self.seen[-1:]}") from self.error


@contextmanager
def reading(environment: dict[str, str]) -> Iterator[Reader]:
    """Yield a reader; its errors are the test's."""
    reader = Reader(environment)
    reader.start()
    yield reader
    reader.is_wanted = False
    reader.join(timeout=300)
    assert reader.error is None, reader.error


def test_a_reader_sees_no_build_and_each_table_turn_at_once(
    store: SparkStore, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    build(store, 1)
    publish(store, 1)
    with reading(environment) as reader:
        reader.wait_for((1, 1))
        build(store, 2, NAMES[:1])  # and then it fails
        reader.wait_for((1, 1))

        build(store, 3)
        with monkeypatch.context() as patch:  # a copy that is not what was built
            patch.setattr(store, "content", lambda relation: ("40", "0" if "marts." in relation else "1"))
            with pytest.raises(PublishError, match=r"tryout_first was built with 40 rows, its copy has 40, or others"):
                publish(store, 2)
        reader.wait_for((1, 1))
        assert store.recover() == [f"branch {branch(2)} of published.tryout_first, which was never shown"]

        build(store, 4)
        publish(store, 2)
        late = reader.wait_for((4, 4))
        store.roll_back(1, "2024-01-02 00:00:00")
        later = reader.wait_for((1, 1))
        assert [each.withdrawn_at is None for each in store.versions()] == [True, False]
    pairs = [pair for _, pair in reader.seen]
    mixed = [moment for moment, pair in reader.seen if pair[0] != pair[1]]
    assert set(pairs) <= {(1, 1), (4, 4), (4, 1), (1, 4)}, set(pairs)
    print(
        f"\nreader of two tables: {len(pairs)} statements, {len(mixed)} of them between the two turns; the new version "
        f"was seen {late:.1f} s after the publish ended, the old one {later:.1f} s after the rollback"
    )


class KilledError(BaseException):
    """Nothing after this statement was done, as in a process that was killed."""


def killed_at(store: SparkStore, number: int, by: Callable[[], None]) -> SparkStore:
    """Return a store that ends right before its nth statement that changes something. by: how."""
    changes = 0

    class Dying(SparkStore):
        def rows(self, statement: str) -> list[tuple]:
            nonlocal changes
            changes += statement.startswith(CHANGES)
            if changes == number:
                by()
            return super().rows(statement)

    return Dying(store.home, store.sql)


def die() -> None:
    """Go no further."""
    raise KilledError


def test_a_publish_killed_before_any_of_its_statements_is_undone_or_carried_through(store: SparkStore):
    build(store, 1)
    publish(store, 1)
    ends, number = [], 0
    while "done" not in ends:
        number += 1
        newest = store.versions()[-1].number
        shown = look(store)[0]
        build(store, number + 1)
        try:
            publish(killed_at(store, number, die), newest + 1)
            ends.append("done")
        except KilledError:
            assert set(look(store)) <= {shown, number + 1}
            store.recover()
            current = store.current()
            assert look(store) == ((number + 1,) * 2 if current.number > newest else (shown,) * 2)
            assert store.damage(current) == []
            kept = {branch(each.number) for each in store.versions()} | {"main"}
            assert all(set(snapshots) == kept for table, snapshots in store.refs().items() if table in NAMES)
            ends.append("through" if current.number > newest else "undone")
    assert ends == sorted(ends, key=["undone", "through", "done"].index), ends
    assert ends.count("undone") >= 5 and ends.count("through") == 2, ends
    assert look(store) == (number + 1, number + 1)


def test_a_process_killed_between_two_tables_is_carried_through_by_the_next(
    store: SparkStore, environment: dict[str, str]
):
    build(store, 1)
    publish(store, 1)
    build(store, 2)
    second_turn = 10  # after a schema, two branches and their rows, schema, table and rows of versions, the first turn
    child = os.fork()
    if not child:
        try:
            with SparkSql(300, environment) as sql:
                dying = killed_at(
                    SparkStore(store.home, sql), second_turn, lambda: os.kill(os.getpid(), signal.SIGKILL)
                )
                publish(dying, 2)
        finally:
            os._exit(3)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, status
    assert look(store) == (2, 1)
    assert store.current().number == 2
    assert store.damage(store.current()) == ["published.tryout_second shows something else"]
    assert store.recover() == ["version 2 is shown by all tables now: tryout_second"]
    assert look(store) == (2, 2)
    assert store.damage(store.current()) == []


def test_a_version_is_kept_found_damaged_taken_back_and_pruned(store: SparkStore):
    assert (store.versions(), store.current()) == ([], None)
    for number in (1, 2):
        build(store, number)
        publish(store, number)
    comments = {column: comment for column, _, comment in store.rows("describe published.tryout_first")}
    assert comments["build"] == 'the "number" of its build'
    assert comments["text"].startswith("long long") and comments["text"].endswith(" ...")
    build(store, 3, more=", 7 as added")
    publish(store, 3)
    current = store.current()
    assert current.variables == version(3).variables
    assert current.row_counts == dict.fromkeys(NAMES, ROWS)
    assert store.published("tryout_first", store.current()) == at("tryout_first", 3)
    assert store.rows(f"select distinct build, added from {at('tryout_first', 3)}") == [(3, 7)]

    store.rows("delete from published.tryout_second where id = 7")  # somebody writes to what readers see
    assert store.damage(current) == ["published.tryout_second shows something else"]
    assert store.recover() == ["version 3 is shown by all tables now: tryout_second"]
    store.roll_back(2, "2024-01-02 00:00:00")
    assert look(store) == (2, 2)
    assert [each.withdrawn_at for each in store.versions()] == [None, None, "2024-01-02 00:00:00"]
    assert store.rows("select distinct added from published.tryout_first") == [(None,)]  # columns are the table's
    with pytest.raises(PublishError, match="there is no version 7; published versions: 1, 2, 3"):
        store.roll_back(7, "2024-01-02 00:00:00")
    store.rows(f"delete from published.tryout_second.branch_{branch(1)} where id = 7")
    lost = "the rows of published.tryout_second are not those that were published"
    assert store.damage(store.versions()[0]) == [lost]
    with pytest.raises(PublishError, match=r"version 1 is damaged: the rows of published.tryout_second are not those"):
        store.roll_back(1, "2024-01-03 00:00:00")
    assert look(store) == (2, 2)

    store.note(store.versions(), None)
    with pytest.raises(PublishError, match=r"none of the versions 1, 2, 3 is noted as current .* nothing was removed"):
        store.recover()
    versions = store.versions()
    store.rows("delete from operations.versions")  # every branch is one that nothing notes
    with pytest.raises(PublishError, match=r"does not know the versions 1, 2, 3, .* so nothing was removed"):
        store.recover()
    store.note(versions, None)
    store.roll_back(2, "2024-01-04 00:00:00")

    build(store, 4, more=", 8 as added")
    publish(store, 4)
    assert look(store) == (4, 4)
    assert store.prune(2) == [1, 2]
    assert [each.number for each in store.versions()] == [3, 4]
    assert set(store.refs()["tryout_first"]) == {"main", branch(3), branch(4)}
    assert store.prune(2) == []


def test_what_the_project_did_not_make_is_named_before_anything_is_done(store: SparkStore):
    build(store, 1)
    store.rows("create schema if not exists published")
    store.rows("create table published.tryout_second using iceberg as select 'of an analyst' as note")
    with pytest.raises(PublishError, match=r"did not make published\.tryout_second"):
        publish(store, 1)
    assert store.rows("select * from published.tryout_second") == [("of an analyst",)]
    assert "tryout_first" not in store.tables("published")


def test_columns_that_readers_would_lose_stop_a_publish(store: SparkStore):
    build(store, 1)
    publish(store, 1)
    store.rows("drop table marts.tryout_second")
    store.rows("create table marts.tryout_second using iceberg as select 'two' as build, 1L as id, 'a' as text")
    with pytest.raises(
        PublishError, match=r"columns of tryout_second .*: build, day\. .*drop table published\.tryout_sec"
    ):
        publish(store, 2)
    assert look(store) == (1, 1)


def test_runs_and_inputs_are_written_and_read(store: SparkStore):
    runs = [
        Run(1, "2024-01-01 00:00:00", "2024-01-01 00:01:00", "published", message='it\'s \\ "so"', build_seconds=1.5)
    ]
    store.write_records(runs)
    found = store.rows("select run_id, started_at, outcome, message, build_seconds, version from operations.runs")
    assert found == [(1, dt.datetime(2024, 1, 1), "published", 'it\'s \\ "so"', 1.5, None)]
    assert store.inputs("operations")["runs"][0] == "1"
    store.write_records([])
    assert store.inputs("operations")["runs"] == ["0", "0"]
    store.rows("alter table operations.runs rename to operations.ours")
    store.rows("create table operations.runs using iceberg as select 'van' as vehicle, 7 as km")
    with pytest.raises(PublishError, match=r"operations\.runs"):
        store.write_records(runs)
    assert store.rows("select * from operations.runs") == [("van", 7)]
    for name in ("runs", "ours"):
        store.rows(f"drop table operations.{name} purge")


def test_a_load_replaces_what_was_loaded_alone_and_keeps_out_who_was_erased(
    store: SparkStore, environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in [name for name in environment if "SPARK" in name]:
        monkeypatch.setenv(name, environment[name])
    files = shutil.copytree(SHOP, tmp_path / "files")
    given = project_vars(None)
    store.load(str(files), given)
    before = store.rows("select count(*) from raw.orders where customer_id = 'ada'")[0][0]
    assert store.after_load(given) == 0 and before > 0
    keeper = keepers.FileKeeper(store.home)
    keeper.add([keepers.Suppression("customer_id", keepers.hash_of(keeper.key(), "customer_id", "ada"), "erased:0")])
    store.load(str(files), given)
    assert store.after_load(given | {"guest_orders": "email"}) > 0
    found = "select count_if(customer_id = 'ada'), count_if(customer_id = 'erased:0') from raw.orders"
    assert store.rows(found) == [(0, before)]
    assert store.rows("select secret from operations.pseudonym_key") == [(keeper.key(),)]
    with pytest.raises(LoadError, match="would bring them back"):
        store.load("raw", given)
    store.rows("drop table raw.events")
    store.rows("create table raw.events using iceberg as select 'of an analyst' as note")
    with pytest.raises(LoadError, match="did not load, so they are left alone: events"):
        store.load(str(files), given)
    assert store.rows("select * from raw.events") == [("of an analyst",)]
    store.rows("drop table raw.events")


def test_a_statement_that_spark_refuses_says_so_and_the_connection_goes_on(environment: dict[str, str]):
    with SparkSql(300, environment) as sql:
        with pytest.raises(SparkError, match="PARSE_SYNTAX_ERROR"):
            sql.rows("selec 1")
        found = sql.rows("select 'a', 1L, 1.5d, 1.50, date'2024-02-29', timestamp'2024-02-29 01:02:03', true, null")
        moment = dt.datetime(2024, 2, 29, 1, 2, 3)
        assert found == [("a", 1, 1.5, Decimal("1.50"), dt.date(2024, 2, 29), moment, True, None)]
        assert repr(found[0][3]) == "Decimal('1.50')"
