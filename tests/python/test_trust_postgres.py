"""What others made in a Postgres database survives, what is damaged is found, who lost the lock changes nothing.

Most tests work on the store itself, with marts of two rows made by hand; the last ones are real refreshes, whose marts
are DuckDB's.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import psycopg2
import pytest
from conftest import SHOP, Warehouse, warm
from engines import RAW, Engine
from psycopg2.extensions import connection as Connection
from publication import MODELS_ALONE, Publication, steps
from refreshes import copied
from test_parity import compare

from customer_value import messages, project
from customer_value.engines import postgres_server
from customer_value.project import PROJECT
from customer_value.publish import postgres_session, postgres_snapshot, postgres_store, roles
from customer_value.publish.postgres_session import LockLostError
from customer_value.publish.postgres_store import PostgresStore
from customer_value.publish.publishing import Mart, NotNow, PublishError, Version
from customer_value.raw.loading import LoadError
from customer_value.refresh import refresh
from customer_value.refresh.file_lock import LockedError
from customer_value.refresh.refresh import Refresh
from customer_value.refresh.run_records import Records, Run

pytestmark = pytest.mark.postgres

VARS = project.project_vars(None)
ORDERS = Mart("orders", "One row per order.", {"order_id": "Key."})
CUSTOMERS = Mart("customers", "One row per customer.", {"email": "E-mail."}, is_personal=True)


@pytest.fixture
def database(postgres_environment: None) -> Iterator[Connection]:
    """Return a connection to a new database, to which PG* lead; no roles of earlier tests."""
    connection = psycopg2.connect("", application_name="company")
    connection.autocommit = True
    yield connection
    execute(
        connection, *(f"drop owned by {role}" for role in (*roles.present(connection.cursor()), *logins(connection)))
    )
    execute(connection, *(f"drop role {role}" for role in (*logins(connection), *roles.present(connection.cursor()))))
    connection.close()


def logins(connection: Connection) -> list[str]:
    return [name for (name,) in rows(connection, "select rolname from pg_roles where rolname like 'analyst%'")]


def execute(connection: Connection, *statements: str) -> None:
    """Run statements as the company or one of its people would."""
    for statement in statements:
        with connection.cursor() as cursor:
            cursor.execute(statement)


def rows(connection: Connection, statement: str) -> list[tuple]:
    """Return the rows of a query."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def is_there(connection: Connection, name: str) -> bool:
    """Tell whether there is a relation."""
    return rows(connection, f"select to_regclass('{name}') is not null")[0][0]


@pytest.fixture
def store(database: Connection) -> Iterator[PostgresStore]:
    """Return a store with its lock, and two marts of two rows, built and not published."""
    execute(
        database,
        "create schema marts",
        "create table marts.orders (order_id text, amount numeric(18, 2))",
        "insert into marts.orders values ('a', 1.00), ('b', 2.00)",
        "create table marts.customers (customer_id text, email text)",
        "insert into marts.customers values ('c', 'canary@example.com'), ('d', null)",
    )
    made = PostgresStore()
    yield made
    made.connection.close()


def publish(store: PostgresStore, *marts: Mart) -> Version:
    """Publish what is built, as the next version."""
    versions = store.versions()
    number = versions[-1].number + 1 if versions else 1
    version = Version(number, number, "then", "2024-01-01", None, None, {}, {})
    store.publish(version, list(marts or (CUSTOMERS, ORDERS)))
    return version


def script(name: str, *arguments: str, **changes: str) -> subprocess.CompletedProcess:
    """Run one of the project's scripts."""
    command = [warm().python, str(PROJECT / "scripts" / name), *arguments]
    return subprocess.run(command, env=os.environ | changes, capture_output=True, text=True, check=False)


# --- what others made


def test_what_others_made_in_schema_published_survives(store: PostgresStore, database: Connection):
    publish(store)
    execute(
        database,
        "create view published.vip as select * from published.orders where amount > 1",
        "create view published.pinned as select * from marts_v000001.orders",
        "create table published.notes as select 'kept' as note",
    )
    publish(store)
    publish(store, ORDERS)  # a mart is no more: its view goes, and only that
    assert rows(database, "select order_id from published.vip") == [("b",)]
    assert rows(database, "select count(*) from published.pinned") == [(2,)]
    assert rows(database, "select note from published.notes") == [("kept",)]
    assert is_there(database, "published.orders") and not is_there(database, "published.customers")
    assert store.prune(1) == [2]  # version 1 is still read by somebody's view
    store.roll_back(1, "now")
    assert rows(database, "select count(*) from published.customers") == [(2,)]
    assert rows(database, "select order_id from published.vip") == [("b",)]


@pytest.mark.parametrize(
    ("thing", "kind"),
    [
        ("table published.orders as select 1 as theirs", "a table"),
        ("view published.orders as select 1 as theirs", "a view"),
        ("materialized view published.orders as select 1 as theirs", "a materialized view"),
    ],
)
def test_what_is_in_the_way_is_named_and_left_alone(store: PostgresStore, database: Connection, thing: str, kind: str):
    execute(database, "create schema published", f"create {thing}")
    assert store.obstacles(["customers", "orders"]) == [f"published.orders ({kind})"]
    with pytest.raises(PublishError, match=re.escape(f"did not make published.orders ({kind})")):
        publish(store)
    assert rows(database, "select theirs from published.orders") == [(1,)]
    assert store.current() is None


def test_a_table_in_the_way_ends_a_refresh_before_anything_is_done(database: Connection, tmp_path: Path):
    execute(database, "create schema published", "create table published.orders as select 1 as theirs")
    home = Publication.of_the_shop(tmp_path)
    done = home.refresh("--target", "postgres")
    assert done.returncode == 2, done.stderr
    assert "failed at step recover: this project did not make published.orders (a table)" in done.stderr
    assert "alter ... rename to" in done.stderr
    assert rows(database, "select theirs from published.orders") == [(1,)]
    assert not is_there(database, "raw.orders")


@pytest.mark.parametrize(
    ("theirs", "named"),
    [
        ("table operations.runs (vehicle text, km int)", "operations.runs (a table)"),
        ("view operations.run_nodes as select 1 as run_id", "operations.run_nodes (a view)"),
    ],
)
def test_a_table_of_others_in_schema_operations_is_named_and_kept(
    store: PostgresStore, database: Connection, theirs: str, named: str
):
    execute(database, f"create {theirs}")
    if "vehicle" in theirs:
        execute(database, "insert into operations.runs values ('van', 7)")
    assert store.obstacles([]) == [named]
    with pytest.raises(PublishError, match=re.escape(f"this project did not make {named}")):
        store.write_records([Run(1, "2024-01-01 00:00:00", outcome="published")])
    if "vehicle" in theirs:
        assert rows(database, "select * from operations.runs") == [("van", 7)]


@pytest.mark.parametrize(
    "theirs",
    [
        "lock (door text)",
        "versions (number bigint, is_current boolean, described text)",
        "run_records (run_id bigint, record jsonb, note text)",
    ],
)
def test_no_store_opens_beside_a_table_of_others_with_the_name_of_ours(database: Connection, theirs: str):
    execute(database, "create schema operations", f"create table operations.{theirs}")
    with pytest.raises(PublishError, match=rf"did not make operations.{theirs.split()[0]} \(a table\)"):
        PostgresStore()
    assert rows(database, f"select obj_description('operations.{theirs.split()[0]}'::regclass)") == [(None,)]


def test_rows_of_others_in_tables_like_ours_are_not_taken_for_ours(database: Connection):
    execute(
        database,
        "create schema operations",
        "create table operations.versions (number bigint, is_current boolean, described jsonb)",
        'insert into operations.versions values (1, true, \'{"app": "theirs"}\')',
    )
    with pytest.raises(PublishError, match=r"did not make operations\.versions"):
        PostgresStore()


# release 0253806 made these, without a mark, and kept its history in them and in HOME
EARLIER = (
    "create schema operations",
    "create table operations.versions (number bigint primary key, is_current boolean not null, "
    "described jsonb not null)",
    "create table operations.runs (run_id bigint, started_at timestamp, finished_at timestamp, outcome text, "
    "step text, message text, version bigint, as_of_date date, data_origin text, invocation_id text, "
    "git_revision text, load_seconds double precision, arrival_seconds double precision, "
    "build_seconds double precision, publish_seconds double precision, checks bigint, checks_failed bigint, "
    "checks_warned bigint)",
    "create table operations.run_nodes (run_id bigint, node_id text, node_type text, node_name text, status text, "
    "seconds double precision, row_count bigint, failures bigint)",
    "create table operations.run_measures (run_id bigint, measure text, subject text, measured double precision, "
    "usual double precision, deviation double precision, severity text)",
    "insert into operations.runs (run_id, started_at, finished_at, outcome, step, message, version, as_of_date, "
    "build_seconds) values (4, '2024-01-01 03:15:00', '2024-01-01 03:16:00', 'published', 'publish', 'v', 1, "
    "'2023-12-31', 61.5), (5, '2024-01-02 03:15:00', null, 'killed', 'build', '', null, null, 'nan')",
    "insert into operations.run_nodes values (4, 'model.orders', 'model', 'orders', 'success', 1.5, 7, null)",
    "insert into operations.run_measures values (4, 'rows', 'orders', 7, null, null, 'ok')",
)


def test_the_history_of_an_earlier_release_goes_on(database: Connection):
    version = Version(1, 4, "then", "2023-12-31", None, None, {}, {})
    execute(database, *EARLIER)
    execute(database, f"insert into operations.versions values (1, true, '{version.to_json()}')")
    before = {name: rows(database, f"select * from operations.{name}") for name in ("runs", "run_nodes")}
    store = PostgresStore()
    assert store.obstacles([]) == []
    records = store.records()
    assert records.next_id() == 6
    first, second = records.all()
    assert (first.run_id, first.started_at, first.as_of_date) == (4, "2024-01-01 03:15:00", "2023-12-31")
    assert (second.outcome, second.finished_at, second.build_seconds) == ("killed", None, None)
    assert first.nodes == [
        {"node_id": "model.orders", "node_type": "model", "node_name": "orders", "status": "success", "seconds": 1.5,
         "row_count": 7, "failures": None}
    ]  # fmt: skip
    assert [(measure["subject"], measure["measured"]) for measure in first.measures] == [("orders", 7.0)]
    store.write_records(records.all())
    assert rows(database, "select * from operations.run_nodes") == before["run_nodes"]
    assert rows(database, "select * from operations.runs")[0] == before["runs"][0]
    records.prune(1)
    store.connection.close()
    again = PostgresStore()
    assert [run.run_id for run in again.records().all()] == [5]  # taken over once
    again.connection.close()


def test_only_a_schema_with_our_mark_is_taken_for_a_version(store: PostgresStore, database: Connection):
    publish(store)
    execute(
        database,
        "create schema marts_v000002",
        "create table marts_v000002.theirs as select 1 as one",
        "create schema marts_v000099",
        "comment on schema marts_v000099 is 'customer_value version 98: orders'",  # the mark of another
    )
    assert store.recover() == []
    assert store.obstacles([]) == ["schema marts_v000002"]
    execute(database, "alter schema marts_v000002 rename to theirs")

    version = Version(2, 2, "then", "2024-01-01", None, None, {}, {})
    with pytest.MonkeyPatch.context() as killed:
        killed.setattr(PostgresStore, "show", lambda *_: None)  # killed between the copy and the views
        store.publish(version, [ORDERS])
    execute(database, "create table marts_v000002.theirs as select 1 as one")
    with pytest.raises(PublishError, match="schema marts_v000002 holds a version that was never shown, and others"):
        store.recover()
    assert is_there(database, "marts_v000002.theirs") and is_there(database, "marts_v000002.orders")
    execute(database, "drop table marts_v000002.theirs")
    assert store.recover() == ["schema marts_v000002, which was never shown"]
    assert rows(database, "select nspname from pg_namespace where nspname like 'marts_v%' order by 1") == [
        ("marts_v000001",), ("marts_v000099",),
    ]  # fmt: skip


def test_nothing_is_dropped_without_a_known_pointer(store: PostgresStore, database: Connection):
    for _ in range(3):
        publish(store)
    schemas = "select count(*) from pg_namespace where nspname like 'marts_v00000_'"
    execute(database, "update operations.versions set is_current = false")
    with pytest.raises(PublishError, match="make rollback VERSION=3 OPTIONS='--target postgres'"):
        store.recover()
    assert rows(database, schemas) == [(3,)]
    assert store.roll_back(3, "now").number == 3
    assert store.current().number == 3 and store.recover() == []
    execute(database, "delete from operations.versions")
    with pytest.raises(PublishError, match="does not list the versions in schemas marts_v000001, marts_v000002"):
        store.recover()
    assert rows(database, schemas) == [(3,)]


def test_a_pruned_version_leaves_what_others_made_in_its_schema(store: PostgresStore, database: Connection):
    for _ in range(3):
        publish(store)
    execute(database, "create table marts_v000001.theirs as select 1 as one")
    assert store.prune(1) == [2]
    assert is_there(database, "marts_v000001.theirs") and is_there(database, "marts_v000001.orders")
    assert [version.number for version in store.versions()] == [1, 3]
    execute(database, "drop table marts_v000001.theirs")
    assert store.prune(1) == [1]


def test_what_depends_on_what_has_to_go_is_named(store: PostgresStore, database: Connection):
    publish(store)
    execute(
        database,
        'create schema "Their Own"',
        'create view "Their Own"."Old Orders" as select order_id from published.orders',
        "alter table marts.orders rename column order_id to order_number",
    )
    with pytest.raises(PublishError) as shown:
        publish(store, Mart("orders", "One row per order.", {"order_number": "Key."}))
    of_the_copy = 'view "Their Own"."Old Orders" depends on view published.orders'
    assert of_the_copy in messages.told(shown.value)
    execute(database, 'create view "Their Own"."Left Over" as select * from marts_v000002.orders')
    with pytest.raises(PublishError) as recovered:
        store.recover()
    assert 'view "Their Own"."Left Over" depends on table marts_v000002.orders' in messages.told(recovered.value)
    execute(
        database,
        f"create schema {postgres_snapshot.SCHEMA}",
        f"comment on schema {postgres_snapshot.SCHEMA} is '{postgres_snapshot.MARK}'",
        f"create table {postgres_snapshot.SCHEMA}.orders (id int)",
        f"comment on table {postgres_snapshot.SCHEMA}.orders is '{postgres_snapshot.MARK}'",
        f'create view "Their Own"."Of The Copy" as select * from {postgres_snapshot.SCHEMA}.orders',
    )
    with pytest.raises(PublishError) as copied, store.transaction() as cursor:
        postgres_snapshot.prepare(cursor)
    assert 'view "Their Own"."Of The Copy" depends on table customer_value_snapshot.orders' in messages.told(
        copied.value
    )
    store.write_records([])
    execute(
        database,
        "alter table operations.runs alter column version type text",
        'create view "Their Own"."Of The Runs" as select version from operations.runs',
    )
    with pytest.raises(PublishError) as written:
        store.write_records([])
    assert 'view "Their Own"."Of The Runs" depends on column version of table operations.runs' in messages.told(
        written.value
    )
    for found in (shown, recovered, copied, written):
        assert "\n" not in messages.told(found.value)


def test_new_columns_of_the_records_drop_nothing(store: PostgresStore, database: Connection):
    store.write_records([Run(1, "2024-01-01 00:00:00", outcome="published")])
    execute(
        database,
        "create view marts.pipeline_runs as select run_id, outcome from operations.runs",
        "create view public.theirs as select run_id, outcome from operations.runs",
        "alter table operations.runs drop column checks_warned",  # what an earlier release lacked
        "alter table operations.runs add column forgotten text",
    )
    store.write_records([Run(1, "2024-01-01 00:00:00", outcome="published", checks_warned=3)])
    assert rows(database, "select * from public.theirs") == [(1, "published")]
    assert rows(database, "select run_id, checks_warned from operations.runs") == [(1, 3)]

    execute(database, "drop view public.theirs", "alter table operations.runs alter column version type text")
    execute(
        database, "create or replace view marts.pipeline_runs as select run_id, outcome, version from operations.runs"
    )
    execute(database, "create view public.theirs as select version from operations.runs")
    with pytest.raises(PublishError, match="view theirs depends on column version"):
        store.write_records([])
    assert is_there(database, "public.theirs") and is_there(database, "marts.pipeline_runs")
    execute(database, "drop view public.theirs")
    store.write_records([Run(1, "2024-01-01 00:00:00", outcome="published", version=7)])
    assert rows(database, "select version from operations.runs") == [(7,)]


def test_who_reads_what_dbt_builds_is_named(store: PostgresStore, database: Connection):
    publish(store)
    execute(
        database,
        "create view marts.pipeline_runs as select * from marts.orders",  # the name of a mart: ours
        "create view public.direct as select * from marts.orders",
        "create materialized view public.indirect as select * from public.direct",
        "create view marts.theirs as select * from marts.customers",
        "create view public.right as select * from published.orders",
        "create view public.unconcerned as select 1 as one",
        "create table operations.built_relations (relation_schema text, relation_name text)",
        "insert into operations.built_relations values ('marts', 'of_an_earlier_release')",
        "create view marts.of_an_earlier_release as select * from marts.orders",
    )
    found = ["marts.theirs", "public.direct", "public.indirect"]
    assert store.readers_of_build() == found


# --- damage


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("delete from marts_v000001.orders where order_id = 'a'", "published.orders has 1 rows, 2 were published"),
        ("update marts_v000001.orders set amount = 9 where order_id = 'a'", "orders has other values in its 2 rows"),
        ("drop table marts_v000001.orders cascade", "published.orders is gone"),
        ("drop view published.orders", "published.orders is gone"),
        ("create or replace view published.orders as select 'a' as order_id, 1.00::numeric(18, 2) as amount",
         "published.orders is gone or no longer what was published"),
        ("create or replace view published.orders as select * from marts_v000001.orders where amount > 1",
         "published.orders has 1 rows"),
    ],
)  # fmt: skip
def test_damage_of_what_readers_see_is_said_in_words(
    store: PostgresStore, database: Connection, change: str, said: str
):
    version = publish(store)
    assert version.row_counts == {"customers": 2, "orders": 2}
    assert store.damage(store.current()) == []
    if change.startswith("create or replace view published.orders as select 'a'"):
        execute(database, "drop view published.orders", "create view " + change.removeprefix("create or replace view "))
    else:
        execute(database, change)
    (found,) = store.damage(store.current())
    assert said in found


def test_a_version_without_checksums_is_counted(store: PostgresStore, database: Connection):
    version = publish(store)
    version.checksums = {}
    execute(database, "update marts_v000001.orders set amount = 9")
    assert store.damage(version) == []
    execute(database, "delete from marts_v000001.orders")
    assert store.damage(version) == ["published.orders has 0 rows, 2 were published"]


def test_a_damaged_version_is_not_gone_back_to(store: PostgresStore, database: Connection, tmp_path: Path):
    publish(store)
    publish(store)
    execute(database, "delete from marts_v000001.orders where order_id = 'a'")
    store.connection.close()
    done = script("rollback.py", "--target", "postgres", "--home", str(tmp_path))
    assert done.returncode == 2
    said = "version 1 is damaged, so it is not shown: marts_v000001.orders has 1 rows, 2 were published. Whole are: 2"
    assert said in done.stderr
    assert rows(database, "select count(*) from published.orders") == [(2,)]


def test_damage_is_never_unchanged(store: PostgresStore, database: Connection, tmp_path: Path):
    publish(store)
    arguments = argparse.Namespace(vars=None, home=tmp_path, target="postgres", force=False)

    def unchanged() -> Version | None:
        run = Refresh(arguments, store, store.records(), None, Run(1, "then"))
        run.damage = refresh.damage_of(store)
        return run.unchanged_since(store.versions()[-1].fingerprint)

    assert unchanged().number == 1
    execute(database, "delete from marts_v000001.orders where order_id = 'a'")
    assert refresh.damage_of(store) == "version 1: published.orders has 1 rows, 2 were published"
    assert unchanged() is None
    # what was taken back does not come again by itself
    publish(store)
    with pytest.raises(PublishError):
        store.roll_back(1, "now")
    execute(database, "insert into marts_v000001.orders values ('a', 1.00)")
    store.roll_back(1, "now")
    execute(database, "delete from marts_v000001.orders where order_id = 'a'")
    with pytest.raises(refresh.Failed, match="nothing but what was taken back to replace it with: version 2"):
        unchanged()


# --- the snapshot of the raw tables


@pytest.fixture
def raw(database: Connection) -> Connection:
    """Return a company's database with two tables of the contract, one of its own, in a schema with a quote in it."""
    execute(
        database,
        'create schema "ra""w"',
        'create table "ra""w"."Our Orders" as select 1 as order_id',
        'create table "ra""w".bookings as select 1 as item union all select 2',
        'create view "ra""w".order_items as select item as order_id from "ra""w".bookings',
        'create table "ra""w".refunds as select 1 as refund_id',
        'create table "ra""w".payroll as select 100 as salary',
    )
    return database


MAPPED = VARS | {"raw_schema": 'ra"w', "source_map": {"orders": {"table": "Our Orders"}}, "has_refunds": False}


def test_the_snapshot_holds_the_tables_of_the_contract_and_nothing_else(raw: Connection):
    store = PostgresStore()
    assert store.load("raw", MAPPED) == 'schema ra"w, 3 rows in 2 tables'
    assert store.built_from == "customer_value_snapshot"
    copied = "select relname from pg_class where relnamespace = 'customer_value_snapshot'::regnamespace order by 1"
    assert rows(raw, copied) == [("Our Orders",), ("order_items",)]
    assert sorted(store.inputs(store.built_from)) == ["Our Orders", "order_items"]
    first = store.inputs(store.built_from)
    execute(
        raw, 'insert into "ra""w".bookings values (3)', "create table customer_value_snapshot.theirs as select 1 as one"
    )
    store.load("raw", MAPPED)
    assert rows(raw, "select count(*) from customer_value_snapshot.order_items") == [(3,)]
    assert store.inputs(store.built_from)["Our Orders"] == first["Our Orders"]
    assert is_there(raw, "customer_value_snapshot.theirs")
    with pytest.raises(LoadError, match="there is no table of a source in schema nowhere"):
        store.load("raw", VARS | {"raw_schema": "nowhere"})
    execute(raw, "create view public.theirs as select * from customer_value_snapshot.order_items")
    with pytest.raises(PublishError, match="others read the copy of the raw tables"):
        store.load("raw", MAPPED)
    assert rows(raw, "select count(*) from public.theirs") == [(3,)]
    store.connection.close()


def test_a_schema_of_the_snapshots_name_that_is_not_ours_is_left_alone(raw: Connection):
    execute(
        raw,
        "create schema customer_value_snapshot",
        "create table customer_value_snapshot.order_items as select 1 as a",
    )
    store = PostgresStore()
    with pytest.raises(PublishError, match="lacks the comment of this project, so it is somebody else's"):
        store.load("raw", MAPPED)
    assert rows(raw, "select a from customer_value_snapshot.order_items") == [(1,)]
    store.connection.close()


@contextlib.contextmanager
def adding(order: Callable[[int], list[str]], every: float = 0.1) -> Iterator[list[int]]:
    """Add an order and what belongs to it, in a transaction, every so many seconds; yield the numbers added."""
    stop, added = threading.Event(), []

    def write() -> None:
        with contextlib.closing(psycopg2.connect("", application_name="shop")) as connection:
            while not stop.wait(every):
                with connection, connection.cursor() as cursor:
                    for statement in order(len(added)):
                        cursor.execute(statement)
                added.append(len(added))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield added
    finally:
        stop.set()
        writer.join()


def test_a_snapshot_is_of_one_instant(database: Connection):
    execute(
        database,
        "create schema raw",
        # slow to read, so that there is time to write between the first table and the last
        "create table raw.lines (order_id int)",
        "create view raw.order_items as select order_id from raw.lines where pg_sleep(0.05) is not null",
        "create table raw.orders (order_id int)",
        "insert into raw.orders values (-1)", "insert into raw.lines values (-1)",
    )  # fmt: skip
    store = PostgresStore()
    with adding(
        lambda n: [f"insert into raw.orders values ({n})", f"insert into raw.lines values ({n})"], 0.02
    ) as added:
        while len(added) < 5:
            time.sleep(0.01)
        for _ in range(3):
            before = len(added)
            store.load("raw", VARS)
            assert len(added) > before, "nothing was written meanwhile"
            assert (
                rows(
                    database,
                    "select order_id from customer_value_snapshot.orders as o full join "
                    "customer_value_snapshot.order_items as i using (order_id) where o.ctid is null or i.ctid is null",
                )
                == []
            )
    store.connection.close()


def test_a_raw_table_that_is_being_replaced_is_not_now(
    database: Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture
):
    execute(database, "create schema raw", "create table raw.orders as select 1 as order_id")
    monkeypatch.setattr(postgres_snapshot, "PATIENCE", 1)
    for name in ("DBT_TARGET_PATH", "DBT_LOG_PATH", "PGAPPNAME"):
        monkeypatch.setenv(name, "")  # what the refresh sets is taken back after the test
    arguments = argparse.Namespace(
        data="raw", target="postgres", vars=None, home=tmp_path, force=False, full_refresh=False, accept_anomalies=False
    )
    execute(database, "begin", "lock table raw.orders in access exclusive mode")
    try:
        assert refresh.run(arguments) == 4
    finally:
        execute(database, "rollback")
    said = capsys.readouterr().err
    assert "refresh 1 failed at step load: a raw table is being replaced" in said
    assert "next: run it again later" in said
    ((record,),) = rows(database, "select record from operations.run_records")
    assert record["outcome"] == "failed" and "may pass by itself" in record["message"]


# --- the lock


def test_one_holder_of_the_lock_at_a_time_and_a_higher_fence_each_time(store: PostgresStore, database: Connection):
    with pytest.raises(LockedError, match=re.escape("customer_value refresh from 127.0.0.1")):
        PostgresStore("rollback")
    first = store.lock.fence
    store.connection.close()
    second = PostgresStore("rollback")
    assert second.lock.fence == first + 1
    ((holder,),) = rows(database, "select holder from operations.lock")
    assert holder.startswith(f"rollback of process {os.getpid()} on ")
    second.connection.close()


def test_who_lost_the_lock_changes_nothing(store: PostgresStore, database: Connection):
    """Behind a pooler the session goes on without its lock; the fence tells."""
    publish(store)
    store.rows(f"select pg_advisory_unlock({postgres_session.LOCK})")
    other = PostgresStore("rollback")
    changes = [
        lambda: publish(store),
        lambda: store.roll_back(1, "now"),
        lambda: store.write_records([Run(1, "2024-01-01 00:00:00", outcome="published")]),
        lambda: store.records().prune(1),
        lambda: store.prune(1),
    ]
    publish(other)
    for change in changes:
        with pytest.raises(LockLostError, match="another has taken it since: rollback of process"):
            change()
    assert store.recover() == []
    assert [version.number for version in other.versions()] == [1, 2]
    assert not is_there(database, "marts_v000003") and not is_there(database, "operations.runs")
    other.connection.close()


def end(database: Connection, store: PostgresStore) -> None:
    """Have the server end the session of a store."""
    pid = store.connection.info.backend_pid
    assert rows(database, f"select pg_terminate_backend({pid}, 5000)") == [(True,)]


def test_an_ended_session_stops_what_was_started_and_publishes_nothing(store: PostgresStore, database: Connection):
    started = time.monotonic()
    with subprocess.Popen(["sleep", "60"]) as older:  # which the refresh did not start for what is watched
        with pytest.raises(LockLostError, match="the server has ended the session that held the lock"), store.watched():
            end(database, store)
            subprocess.run(["sleep", "60"], check=False)
        assert time.monotonic() - started < 20
        assert older.poll() is None
        older.kill()
    with pytest.raises(LockLostError):
        publish(store)
    assert not is_there(database, "operations.versions") or rows(database, "select * from operations.versions") == []
    # the record of the run is written all the same
    store.records().save(Run(1, "then", outcome="failed", message="lost\0"))
    other = PostgresStore()
    assert [(run.run_id, run.outcome, run.message) for run in other.records().all()] == [(1, "failed", "lost?")]
    other.connection.close()


def test_a_build_that_goes_on_keeps_others_away(
    database: Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(postgres_store, "DYING", 1)
    store = PostgresStore()
    name = store.open_work()["PGAPPNAME"]
    store.connection.close()
    with contextlib.closing(psycopg2.connect("", application_name=name)):
        with pytest.raises(NotNow, match=rf"still works at the build of an earlier refresh \({name}, since"):
            PostgresStore()
        home = argparse.Namespace(home=tmp_path, target="postgres")
        assert refresh.run(home) == 4  # which schedulers try again, and then fail aloud
        said = capsys.readouterr().err
        assert "pg_terminate_backend(" in said and "run it again later" in said
        PostgresStore("rollback").connection.close()  # which builds nothing
    PostgresStore().connection.close()


# --- builds that were not published

LEDGER = Mart("restatements", "Ledger.", {"restatement_number": "Number."})
HISTORY = Mart("customer_value_history", "History.", {"slice_version": "Slice."})


@pytest.fixture
def ledger(store: PostgresStore, database: Connection) -> PostgresStore:
    """Return a store that published a history of two slices, one of them restated by number 1."""
    execute(
        database,
        "create table marts.restatements (restatement_number int, slice_version text)",
        "insert into marts.restatements values (1, 'may/new')",
        "create table marts.customer_value_history (customer_id text, slice_version text)",
        "insert into marts.customer_value_history values ('c', 'may/new'), ('d', 'may/new'), ('c', 'june')",
        "create schema intermediate",
        "create table intermediate.int_first_seen_rejects (rejected_row_id text, first_seen_on date)",
        "insert into intermediate.int_first_seen_rejects values ('x', '2024-01-01')",
    )
    publish(store, LEDGER, HISTORY)
    return store


REFUSED = (
    "insert into marts.restatements values (2, 'may/refused'), (2, 'may/refused')",
    "delete from marts.customer_value_history where slice_version = 'may/new'",
    "insert into marts.customer_value_history values ('c', 'may/refused')",
    "insert into intermediate.int_first_seen_rejects values ('y', '2024-01-02')",
)


def built(database: Connection) -> list[list[tuple]]:
    """Return what the next build goes on from."""
    tables = ("marts.restatements", "marts.customer_value_history", "intermediate.int_first_seen_rejects")
    return [rows(database, f"select * from {table} order by 1, 2") for table in tables]


def test_the_ledger_forgets_a_build_that_was_not_published(ledger: PostgresStore, database: Connection):
    before = built(database)
    assert ledger.begin_build() is None
    execute(database, *REFUSED)
    assert ledger.begin_build() == (
        "slices of a build that was not published; the history is that of version 1 again; 2 restatements of it"
    )
    assert built(database) == before
    # a build that was killed after the ledger and before the history
    execute(database, REFUSED[0])
    assert ledger.begin_build() == "2 restatements of it"
    assert built(database) == before
    # one that was published stays, also when it was taken back: it was shown
    execute(database, *REFUSED)
    publish(ledger, LEDGER, HISTORY)
    shown = built(database)[:2]
    ledger.roll_back(1, "now")
    assert ledger.begin_build() is None
    assert built(database)[:2] == shown


def test_a_build_before_the_first_version_keeps_its_ledger(store: PostgresStore, database: Connection):
    execute(database, "create table marts.restatements (restatement_number int)")
    execute(database, "insert into marts.restatements values (1)")
    assert store.begin_build() is None
    publish(store)  # a version without the ledger
    assert store.begin_build() is None
    assert rows(database, "select * from marts.restatements") == [(1,)]


@pytest.mark.parametrize(
    "change",
    [
        "delete from marts_v000001.restatements",
        "update marts_v000001.restatements set restatement_number = 0",
        "delete from marts_v000001.customer_value_history",
        "alter table marts.customer_value_history add column added text",
        "drop table marts.customer_value_history",
    ],
)
def test_a_version_that_is_damaged_or_of_other_columns_brings_nothing_back(
    ledger: PostgresStore, database: Connection, change: str
):
    execute(database, change)
    mart = "restatements" if "restatements" in change else "customer_value_history"
    if "drop" in change:
        ledger.begin_build()
        assert not is_there(database, "marts.customer_value_history")
        return
    if mart in change and "added" in change:
        execute(database, "insert into marts.customer_value_history values ('c', 'refused', 'more')")
    before = rows(database, f"select * from marts.{mart} order by 1, 2")
    assert len(before) >= 1
    ledger.begin_build()
    assert rows(database, f"select * from marts.{mart} order by 1, 2") == before


# --- not now


def test_an_absent_database_is_not_now_and_a_wrong_setting_is_a_failure(
    database: Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    home = ["--target", "postgres", "--home", str(tmp_path)]
    with monkeypatch.context() as absent:
        absent.setenv("PGPORT", str(postgres_server.free_port()))
        for name, arguments in (("refresh.py", home), ("rollback.py", home), ("roles.py", [])):
            done = script(name, *arguments)
            assert done.returncode == 4, (name, done.stderr)
            assert "the database does not answer" in done.stderr and "later" in done.stderr
    done = script("refresh.py", *home, PGPASSWORD="wrong")
    assert done.returncode == 2
    assert "password authentication failed" in done.stderr
    assert script("refresh.py", *home, PGDATABASE="nowhere").returncode == 2


@pytest.mark.parametrize(
    ("said", "passes"),
    [
        ("FATAL:  the database system is starting up", True),
        ("FATAL:  the database system is not yet accepting connections", True),
        ("FATAL:  sorry, too many clients already", True),
        ("FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute", True),
        ('connection to server at "db" (10.0.0.1), port 5432 failed: timeout expired', True),
        ('connection to server at "db" (10.0.0.1), port 5432 failed: Connection timed out', True),
        ('could not translate host name "db" to address: Temporary failure in name resolution', True),
        ('connection to server on socket "/run/.s.PGSQL.5432" failed: No such file or directory\n\tIs the server '
         "running locally and accepting connections on that socket?", True),
        ('FATAL:  password authentication failed for user "x"', False),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1"', False),
        ('FATAL:  database "x" does not exist', False),
        ('FATAL:  role "x" does not exist', False),
        ('invalid port number: "54x"', False),
        ("fe_sendauth: no password supplied", False),
    ],
)  # fmt: skip
def test_what_passes_by_itself_is_told_from_what_does_not(said: str, passes: bool):
    assert bool(postgres_session.PASSING.search(said)) == passes


def test_readers_that_hold_a_view_are_not_now(
    store: PostgresStore, database: Connection, monkeypatch: pytest.MonkeyPatch
):
    publish(store)
    monkeypatch.setattr(postgres_store, "PATIENCE", 1)
    monkeypatch.setattr(postgres_store, "TURN", 1)
    execute(database, "begin", "select * from published.orders")
    with pytest.raises(NotNow, match="readers kept a view of schema published"):
        publish(store)
    execute(database, "rollback")
    assert store.current().number == 1
    assert store.recover() == ["schema marts_v000002, which was never shown"]
    publish(store)
    assert store.current().number == 2


# --- the history of runs


def test_two_homes_on_one_database_share_a_history_and_a_third_store_has_its_own(
    store: PostgresStore, database: Connection, tmp_path: Path
):
    files = Records(tmp_path / "state" / "runs")  # what DuckDB, or an earlier release, left in a home
    files.save(Run(41, "then", outcome="published"))
    execute(
        database,
        "insert into operations.versions values (3, false, '{\"run_id\": 9}')",  # of a release without this table
    )
    assert store.records().next_id() == 10
    assert store.records().all() == []
    store.records().save(Run(10, "then", outcome="running", step="build", nodes=[{"seconds": float("nan")}]))
    execute(database, "delete from operations.versions")
    store.connection.close()

    other = PostgresStore()
    records = other.records()
    assert records.next_id() == 11
    assert refresh.settle(records, other) == "run 10, begun then, was killed in step build"
    for number in (11, 12):
        records.save(Run(number, "then", outcome="published"))
    execute(database, "update operations.run_records set record = record || '{\"new\": 1}' where run_id = 12")
    assert [(run.run_id, run.outcome) for run in records.all()] == [
        (10, "killed"), (11, "published"), (12, "published"),
    ]  # fmt: skip
    records.prune(2)
    assert [run.run_id for run in records.all()] == [11, 12]
    assert [run.run_id for run in files.all()] == [41]
    other.connection.close()


# --- roles


@pytest.fixture
def analyst(store: PostgresStore, database: Connection) -> Iterator[Callable[[str], list[tuple]]]:
    """Return what asks as a login role in the group of readers; the store has published, all schemas hold an e-mail."""
    execute(
        database,
        "create schema raw", "create table raw.customers as select 'canary@example.com' as email",
        "create schema staging", "create table staging.stg_customers as select 'canary@example.com' as email",
        "create table marts.rejected_rows as select 'canary@example.com' as raw_row",
        "create table marts.customer_value as select 'c' as customer_id",
    )  # fmt: skip
    publish(store, CUSTOMERS, ORDERS, Mart("rejected_rows", "", {}, True), Mart("customer_value", "", {}))
    store.load("raw", VARS)
    done = script("roles.py")
    assert done.returncode == 0, done.stderr
    execute(database, "create role analyst login password 'x' in role customer_value_reader")
    with contextlib.closing(psycopg2.connect("", user="analyst", password="x")) as connection:
        connection.autocommit = True
        yield lambda statement: rows(connection, statement)


SECRETS = [
    "published.customers", "published.rejected_rows", "raw.customers", "staging.stg_customers", "marts.customers",
    "marts.rejected_rows", "marts_v000001.customers", "marts_v000001.rejected_rows", "marts_v000001.orders",
    "operations.versions", "operations.run_records", "marts.orders", "customer_value_snapshot.customers",
]  # fmt: skip


def test_a_reader_reads_the_marts_and_no_personal_data_anywhere(
    analyst: Callable[[str], list[tuple]], store: PostgresStore, database: Connection
):
    def check(*further: str) -> None:
        assert analyst("select customer_id from published.customer_value") == [("c",)]
        assert analyst("select count(*) from published.orders") == [(2,)]
        for secret in [*SECRETS, *further]:
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                analyst(f"select * from {secret}")

    check()
    again = script("roles.py")
    assert again.returncode == 0
    assert "customer_value_reader reads, in schema published: customer_value, orders\n" in again.stdout
    assert "customer_value_full reads, in schema published: customer_value, customers, orders, rejected" in again.stdout
    assert "customer_value_reader does not read: customers, rejected_rows (personal data)" in again.stdout
    assert "made role" not in again.stdout

    # rights that somebody gave since are taken away again; default privileges open no new version
    execute(
        database,
        "grant usage on schema marts to customer_value_reader",
        "grant select on marts.customers to customer_value_reader",
        "grant select (email) on raw.customers to customer_value_reader",
        "grant select on published.customers to customer_value_reader",
        "alter default privileges grant usage on schemas to customer_value_reader, public",
        "alter default privileges grant select on tables to customer_value_reader",
    )
    assert analyst("select count(*) from published.customers") == [(2,)]
    assert script("roles.py").returncode == 0
    # columns are another: the views are made anew, with their rights
    execute(database, "alter table marts.customer_value rename column customer_id to id")
    execute(database, "alter table marts.customer_value add column customer_id text default 'c'")
    execute(database, "alter table marts.customers rename column email to mail")
    publish(store, *(Mart(name, "", {}) for name in ("customers", "orders", "rejected_rows", "customer_value")))
    store.load("raw", VARS)
    check("marts_v000002.customers", "marts_v000002.orders")
    store.roll_back(1, "now")
    check("marts_v000002.customers")


def test_what_every_role_may_read_is_named(analyst: Callable[[str], list[tuple]], database: Connection):
    execute(database, "grant usage on schema raw to public", "grant select on raw.customers to public")
    assert analyst("select email from raw.customers") == [("canary@example.com",)]
    done = script("roles.py")
    assert done.returncode == 1
    assert "customer_value_reader can read raw.customers" in done.stderr
    assert "revoke all on schema ... from public" in done.stderr
    assert analyst("select email from raw.customers")  # the company's own: named, not touched


def test_full_readers_read_everything_published(analyst: Callable[[str], list[tuple]], database: Connection):
    execute(database, "create role analyst_full login password 'x' in role customer_value_full")
    with contextlib.closing(psycopg2.connect("", user="analyst_full", password="x")) as connection:
        assert rows(connection, "select count(*) from published.customers") == [(2,)]
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            rows(connection, "select * from marts.customers")


# --- real refreshes


def test_a_refresh_whose_session_the_server_ends_stops_and_publishes_nothing(database: Connection, tmp_path: Path):
    home = Publication.of_the_shop(tmp_path)
    process = home.start("--target", "postgres")
    building = (
        "select count(*) from pg_stat_activity where application_name = 'customer_value build 1' and state = 'idle'"
    )
    deadline = time.monotonic() + 120
    step = ""
    while step != "arrival" or rows(database, building) == [(0,)]:
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.05)
        if is_there(database, "operations.run_records"):
            ((step,),) = rows(database, "select max(record ->> 'step') from operations.run_records")
    ended = (
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'customer_value refresh' "
        "and datname = current_database()"
    )
    assert rows(database, ended) == [(True,)]
    started = time.monotonic()
    _, said = process.communicate()
    home.keep(["--target", "postgres"])
    assert process.returncode == 2, said
    assert time.monotonic() - started < 30
    assert (
        "failed at step arrival: the server has ended the session that held the lock; nothing may be published" in said
    )
    assert "still published: " in said and not is_there(database, "published.orders")
    ((outcome, message),) = rows(
        database, "select record ->> 'outcome', record ->> 'message' from operations.run_records"
    )
    assert outcome == "failed" and "the session that held the lock" in message


LIVE = {
    "orders": "order_id, customer_id, ordered_at, gross_amount, status",
    "order_items": "order_id, line_number, product_id, quantity, net_amount",
}


def in_order(number: int) -> list[str]:
    """Return the statements that add an order of the fixture shop with its one line."""
    return [
        f"insert into raw.orders ({LIVE['orders']}) "
        f"values ('live{number}', 'ada', '2023-12-30 10:00:00', '10.00', 'completed')",
        f"insert into raw.order_items ({LIVE['order_items']}) values ('live{number}', '1', 'p1', '1', '10.00')",
    ]


READERS = ["marts.theirs", "public.direct", "public.indirect"]  # of what dbt builds, made by others


def make_readers(database: Connection) -> None:
    """Make views of what dbt builds, and two that are none, as analysts do."""
    execute(
        database,
        "create view public.direct as select * from marts.orders",
        "create materialized view public.indirect as select * from public.direct",
        "create view marts.theirs as select * from marts.customers",
        "create view public.right as select * from published.orders",
        "create view public.unconcerned as select 1 as one",
    )


@pytest.fixture
def refreshed(
    database: Connection, tmp_path: Path
) -> tuple[Publication, subprocess.CompletedProcess, list[int], set[str]]:
    """Return a home refreshed from raw tables while orders came in: what came of it, the orders, names of sessions."""
    done = script("load_files.py", str(SHOP), "--target", "postgres")
    assert done.returncode == 0, done.stderr
    home = Publication(tmp_path / "one")
    names: set[str] = set()
    stop = threading.Event()

    def look() -> None:
        with contextlib.closing(psycopg2.connect("")) as connection:
            connection.autocommit = True
            while not stop.wait(0.2):
                names.update(name for (name,) in rows(connection, "select application_name from pg_stat_activity"))

    watcher = threading.Thread(target=look)
    watcher.start()
    with adding(in_order) as added:
        while not added:
            time.sleep(0.05)
        done = home.refresh("--target", "postgres", data="raw", **MODELS_ALONE)
    stop.set()
    watcher.join()
    return home, done, added, names


def test_refreshes_of_raw_tables_that_others_write_to(
    refreshed: tuple[Publication, subprocess.CompletedProcess, list[int], set[str]],
    database: Connection,
    tmp_path: Path,
    shop: Warehouse,
):
    """They read one instant; damage is replaced, with all tests; and what is published is DuckDB's answer."""
    home, done, added, names = refreshed
    target = ["--target", "postgres"]
    assert done.returncode == 0, done.stderr
    assert len(added) > 50, "too few orders came in meanwhile"
    assert {"customer_value refresh", "customer_value build 1"} <= names  # the fence of the first holder
    assert rows(database, "select sum(difference), count(*) > 10 from published.reconciliation") == [(0, True)]
    ((orders, lines),) = rows(
        database,
        "select (select raw from published.reconciliation where source_name = 'orders' and measure = 'row_count'), "
        "(select count(*) from customer_value_snapshot.order_items where order_id like 'live%')",
    )
    ((before, live),) = rows(
        database,
        "select count(*) filter (where order_id not like 'live%'), count(*) from customer_value_snapshot.orders",
    )
    assert orders == live and lines == live - before
    ((variables, inputs),) = rows(
        database,
        "select described -> 'fingerprint' -> 'vars' ->> 'raw_schema', described -> 'fingerprint' -> 'inputs' "
        "from operations.versions",
    )
    assert variables == "raw" and inputs["orders"][0] == str(live)
    assert not (home.home / "state" / "runs").exists()

    # another home on the same database: one history; what came in meanwhile is taken out, so nothing is new
    execute(
        database,
        "delete from raw.orders where order_id not in (select order_id from customer_value_snapshot.orders)",
        "delete from raw.order_items where order_id not in (select order_id from customer_value_snapshot.orders)",
    )
    other = Publication(tmp_path / "two")
    same = other.refresh(*target, data="raw")
    assert same.returncode == 0, same.stderr
    assert steps(same)["compare"]["unchanged_since"] == 1 and steps(same)["lock"]["run"] == 2

    # rows are lost: never unchanged
    execute(database, "delete from marts_v000001.orders where order_id like 'live%'")
    make_readers(database)
    # and a build that was not published had restated the first month
    execute(
        database,
        "update marts.customer_value_history set slice_version = slice_version || 'x', net_revenue = net_revenue + 1 "
        "where as_of_date = (select min(as_of_date) from marts.customer_value_history)",
    )
    drawing = {"CUSTOMER_VALUE_REPORT": "yes", "DBT_EXCLUDE_RESOURCE_TYPES": "exposure"}  # with the unit tests
    mended = other.refresh(*target, data="raw", **drawing)
    assert mended.returncode == 0, mended.stderr
    report = other.home / "report"
    assert report.readlink() == Path("reports/000002") and "the report" not in mended.stderr
    assert {"index.html", "documentation.html", "report.pdf", "portfolio.html"} <= {
        each.name for each in report.iterdir()
    }
    assert "<title>Portfolio</title>" in (report / "portfolio.html").read_text(encoding="utf-8")
    assert "warning: what readers saw was damaged: version 1: published.orders has " in mended.stderr
    build_log = (other.home / "state" / "build.log").read_text(encoding="utf-8")
    assert re.findall("warning: (.*) reads what dbt builds: dbt drops it", build_log) == READERS
    for reader in READERS:
        assert f"warning: {reader} reads what dbt builds: dbt drops it with the table" in mended.stderr
    assert "published.orders has" in steps(mended)["recover"]["damaged"]
    assert steps(mended)["publish"]["version"] == 2
    assert steps(mended)["fit"]["taken_out"].endswith("the history is that of version 1 again")
    assert rows(database, "select count(*) from published.restatements") == [(0,)]
    assert rows(database, "select count(*) from published.orders where order_id like 'live%'") == [(lines,)]
    history = "select run_id, record ->> 'outcome', record ->> 'findings' from operations.run_records order by 1"
    found = rows(database, history)
    assert [(run_id, outcome) for run_id, outcome, _ in found] == [(1, "published"), (2, "unchanged"), (3, "published")]
    assert "was damaged" in found[2][2]
    assert rows(database, "select run_id, outcome from published.pipeline_runs order by 1") == [
        (1, "published"), (2, "unchanged"), (3, "published"),
    ]  # fmt: skip

    # the same rows on DuckDB: the shop, and the orders that came in
    reference = Warehouse(tmp_path / "duckdb")
    copied(shop.database, reference.folder)
    with duckdb.connect(str(reference.database)) as connection:
        for table, columns in LIVE.items():
            live = rows(database, f"select {columns} from raw.{table} where order_id like 'live%'")
            places = ", ".join("?" for _ in columns.split(", "))
            connection.executemany(f"insert into raw.{table} ({columns}) values ({places})", live)
    reference.run("run")
    engine = Engine("postgres", dict(os.environ), tmp_path)
    compare(engine, reference, "postgres, shop, published by refreshes", schema="published")
    compare(engine, reference, "postgres, shop, as loaded", RAW)
