"""Nobody sees what is not theirs: messages without values, ids of guests that nobody can try, erasure for good.

The story on a home is told once, in the order of the file: published, refused, published anew, erased, delivered again.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace

import canaries
import duckdb
import psycopg2
import pytest
import yaml
from canaries import COUNTRY, EMAIL, GUEST, MERGED, OF_PERSON, PERSON, PHONE, SECRETS
from conftest import Warehouse, server, warm
from publication import MODELS_ALONE, Publication, stage
from test_trust_duckdb import cut, damaged, home_of

import erase
from customer_value import dbt, messages, project
from customer_value.privacy import compaction, keepers, set_key
from customer_value.privacy.erase_duckdb import Home, writable
from customer_value.privacy.erase_postgres import Server
from customer_value.privacy.erased_builds import erase_texts, erased_json, residue
from customer_value.privacy.keepers import FileKeeper, PrivacyError, Suppression, TableKeeper
from customer_value.privacy.personal_rows import Database, Person, erase_raw
from customer_value.project import PROJECT
from customer_value.publish import version_files
from customer_value.publish.duckdb_store import DuckDBStore
from customer_value.publish.postgres_store import PostgresStore
from customer_value.publish.publishing import Version
from customer_value.raw import load_files, loading
from customer_value.refresh import file_lock

VARS = "guest_orders: email"
NOBODY = {"guest_orders": "rejected", "raw_schema": "raw", "memory_limit": "1GB"}
DEFAULTS = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]


# ------------------------------------------------------------------------------------------------- messages

SAID = {
    'invalid input syntax for type numeric: "Ada ""X"" 1911"\nLINE 1: select \'Ada\'::numeric\n               ^': (
        "invalid input syntax for type numeric: (value left out)"
    ),
    "duplicate key value violates unique constraint \"c_pkey\"\nDETAIL:  Key (email)=(ada@x.org) already exists.": (
        'duplicate key value violates unique constraint "c_pkey"'
    ),
    'new row for relation "customers" violates check constraint "c"\nDETAIL:  Failing row contains (1, Ada, 1911).': (
        'new row for relation "customers" violates check constraint "c"'
    ),
    "Conversion Error: Could not convert string 'Ada 'X' to\n Y' to INT32\n\nLINE 1: select cast('Ada' as int)": (
        "Conversion Error: Could not convert string (value left out) to INT32"
    ),
    'Constraint Error: Duplicate key "email: ada@x.org" violates unique constraint.': (
        "Constraint Error: Duplicate key (value left out) violates unique constraint."
    ),
    'Conversion Error: CSV Error on Line: 2\nOriginal Line: 1,Ada\nNothing quoted here: Ada': (
        "Conversion Error: CSV Error on Line: 2"
    ),
    "no enum value 'Ada Example' is known; \"Ada\" is not it": (
        "no enum value (value left out) is known; (value left out) is not it"
    ),
    "mail to ada@x.org failed": "mail to (value left out) failed",
    'date/time field value out of range: "1911-13-11"\nHINT:  Perhaps you need a different "datestyle" setting.': (
        "date/time field value out of range: (value left out)"
    ),
    'Catalog Error: Table with name "raw_orders" does not exist': (
        'Catalog Error: Table with name "raw_orders" does not exist'
    ),
}  # fmt: skip


@pytest.mark.parametrize("said", SAID)
def test_of_what_a_database_says_the_values_are_left_out_and_the_names_stay(said: str):
    assert messages.without_values(said) == SAID[said]


def test_what_duckdb_really_says_names_no_value():
    with duckdb.connect() as connection:
        connection.execute("create table t (email varchar primary key, born date not null, n integer check (n < 5))")
        connection.execute("insert into t values ('canary@x.org', '1911-11-11', 1)")
        for statement in [
            "insert into t values ('canary@x.org', '1911-11-11', 1)",
            "insert into t values ('c', 'canary', 1)",
            "insert into t values ('canary', null, 1)",
            "insert into t values ('canary', '1911-11-11', 9)",
            "select cast('canary ''it'' to' || chr(10) || ' be' as integer)",
            "select cast('canary' as boolean)",
            "select cast('{canary' as json)",
        ]:
            with pytest.raises(duckdb.Error) as raised:
                connection.execute(statement)
            assert re.search("canary|1911", str(raised.value)) or "null" in statement or "9" in statement
            assert not re.search("canary|1911", messages.told(raised.value)), statement
            wrapped = ValueError(f"orders: {raised.value}")
            wrapped.__cause__ = raised.value
            assert not re.search("canary|1911", messages.told(wrapped) + messages.trace(wrapped).split("Error: ")[-1])


def test_dbts_messages_reach_a_log_without_values_and_its_results_too(tmp_path: Path):
    said = (
        "10:00:00  Running with dbt=1.11\n10:00:01  1 of 2 OK created model 'x'\n"
        "10:00:02  Database Error in model stg_orders\n  Could not convert string 'canary' to INT32\n"
        "  LINE 7: 'canary'\n10:00:03  Done. PASS=1 ERROR=1\n"
    )
    log = io.StringIO()
    code = dbt.relay([sys.executable, "-c", f"print({said!r}, end=''); raise SystemExit(3)"], tmp_path, [log])
    assert code == 3
    assert "canary" not in log.getvalue()
    assert "OK created model 'x'" in log.getvalue()
    assert "Done. PASS=1 ERROR=1" in log.getvalue()
    results = tmp_path / "run_results.json"
    results.write_text(json.dumps({"results": [{"message": "Could not convert string 'canary' to INT32"}]}))
    assert dbt.clean_results(results) == json.loads(results.read_text())
    assert "canary" not in results.read_text()


# ------------------------------------------------------------------------------------------------------ key


def test_a_key_is_made_once_is_the_owners_alone_and_can_be_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    key = FileKeeper(tmp_path).key()
    file = tmp_path / "state" / "privacy" / "key"
    assert re.fullmatch("[0-9a-f]{64}", key)
    assert FileKeeper(tmp_path).key() == key
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    monkeypatch.setenv("CUSTOMER_VALUE_KEY", "ab" * 32)
    assert FileKeeper(tmp_path / "other").key() == "ab" * 32
    assert FileKeeper(tmp_path).key() == key
    monkeypatch.setenv("CUSTOMER_VALUE_KEY", "ab")
    with pytest.raises(PrivacyError, match="64 hexadecimal digits"):
        FileKeeper(tmp_path / "third").key()
    file.write_text("gone\n")
    with pytest.raises(PrivacyError, match="backup"):
        FileKeeper(tmp_path).key()


def test_set_key_makes_one_key_and_the_same_key_gives_the_same_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    database = tmp_path / "shop.duckdb"
    monkeypatch.setenv("CUSTOMER_VALUE_DATABASE", str(database))
    made = set()
    for _ in range(2):
        set_key.make("duckdb")
        with duckdb.connect(str(database)) as connection:
            made |= set(connection.execute("select secret from operations.pseudonym_key").fetchall())
    assert len(made) == 1
    with duckdb.connect(str(database)) as connection:
        ((key,),) = connection.execute("select secret from operations.pseudonym_key").fetchall()
        hashed = keepers.hash_sql("email", "'ada@x.org'")
        assert connection.execute(f"select {hashed}").fetchone() == (keepers.hash_of(key, "email", "ada@x.org"),)
    assert (
        keepers.pseudonym("k", "new@example.com") == "cb307597fdd902cbde9f510184d27f49"
    )  # as the unit test of int_named_orders


def test_guests_by_email_need_a_key_and_the_message_names_the_command(warehouse: Warehouse):
    warehouse.load({"orders": "order_id,customer_id,ordered_at,gross_amount\n1,a,2024-05-01,1.00\n"})
    # given to dbt as they are, so that the project is not parsed anew for what stops before anything is built
    given = ("--vars", json.dumps({"guest_orders": "email"}))
    reply, said = server().invoke(warehouse.database, "build", "--select", "stg_orders", *given)
    assert not reply["success"]
    said = " ".join(said.split())
    assert "var guest_orders: email gives guests ids by a hash with a key of your own, and there is none" in said
    assert "python scripts/set_key.py --target duckdb" in said


# --------------------------------------------------------------------------------------- whose rows are whose


def loaded(file: Path, files: Path) -> Database:
    """Return a database with the canaries' shop in its raw schema."""
    load_files.load(Namespace(database=file, folder=files))
    return Database(duckdb.connect(str(file)))


def content(database: Database, schema: str = "raw") -> dict[str, list[tuple]]:
    """Return the rows of all tables of a schema, in an order of their own."""
    tables = database.tables([schema])[schema]
    return {table: sorted(database.rows(f"select * from {schema}.{table}"), key=repr) for table in tables}


@pytest.mark.parametrize("guest_orders", ["rejected", "own_customer", "email"])
def test_a_suppressed_load_holds_exactly_what_the_erasure_left(tmp_path: Path, guest_orders: str):
    canaries.write(tmp_path / "files")
    variables = NOBODY | {"guest_orders": guest_orders}
    one, other = (loaded(tmp_path / f"{name}.duckdb", tmp_path / "files") for name in ("one", "other"))
    before, keeper = content(one), FileKeeper(tmp_path)
    person = Person({PERSON: "erased:1", MERGED: "erased:2"}, {EMAIL: "erased:1"})
    erase_raw(one, "raw", variables, person)
    keeper.suppress(person)
    assert sum(keepers.suppress(other, keeper, "raw", variables).values()) == 18
    left = content(one)
    assert content(other) == left
    assert keepers.suppress(other, keeper, "raw", variables) == {}
    # no row came or went, and no amount of the person changed
    assert {table: len(rows) for table, rows in left.items()} == {table: len(rows) for table, rows in before.items()}
    amounts = one.rows("select order_id, gross_amount, ordered_at from raw.orders where customer_id = 'erased:1'")
    kept = {("1", "100.00", "2023-01-10"), ("2", "50.00", "2023-03-11"), ("6", "9.00", "2023-05-15")}
    guest = {("4", "12.34", "2023-05-13")} if guest_orders == "email" else set()
    assert set(amounts) == kept | guest | {("7", "9.00", "erased"), ("8", "erased", "2023-05-15")}
    assert one.rows("select order_id from raw.orders where customer_id is null order by 1") == (
        [("5",)] if guest_orders == "email" else [("4",), ("5",)]
    )
    texts = json.dumps([left, keeper.suppressions()], default=str)
    assert not [each for each in OF_PERSON if each in texts and each != canaries.SECOND_EMAIL]
    # what is another's stays
    assert [row for row in left["customers"] if row[0] in ("ada", "bob", "canary-bad")] == [
        row for row in before["customers"] if row[0] in ("ada", "bob", "canary-bad")
    ]


def test_a_guest_of_one_order_can_be_erased_by_the_id_that_the_order_gives(tmp_path: Path):
    canaries.write(tmp_path / "files")
    variables = NOBODY | {"guest_orders": "own_customer"}
    one, other = (loaded(tmp_path / f"{name}.duckdb", tmp_path / "files") for name in ("one", "other"))
    keeper, person = FileKeeper(tmp_path), Person({"guest:4": "erased:4"})
    assert erase_raw(one, "raw", variables, person) == {"raw.orders": 1}
    row = "select customer_id, customer_email, gross_amount from raw.orders where order_id = '4'"
    assert one.rows(row) == [("erased:4", None, "12.34")]
    keeper.suppress(person)
    assert keepers.suppress(other, keeper, "raw", variables) == {"raw.orders": 1}
    assert content(other) == content(one)


def test_an_unknown_id_ends_in_1_and_is_on_the_list_and_nothing_is_done_beside_a_refresh(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    stray = tmp_path / "letter-to-canary-nobody.txt"
    stray.write_text("canary-nobody")  # what the project did not make
    (tmp_path / "state").mkdir()
    for _ in range(2):
        with pytest.raises(SystemExit) as ended:
            erase.main(["canary-nobody", "--home", str(tmp_path)])
        assert ended.value.code == 1
    assert "there is no such customer here" in capsys.readouterr().err
    assert stray.read_text() == "canary-nobody"
    (listed,) = FileKeeper(tmp_path).suppressions()
    assert listed == Suppression(
        "customer_id", keepers.hash_of(FileKeeper(tmp_path).key(), "customer_id", "canary-nobody"), listed.erased_key
    )
    certificates = sorted((tmp_path / "state" / "privacy" / "certificates").iterdir())
    assert [file.name for file in certificates] == ["000001.json", "000002.json"]
    assert "canary-nobody" not in certificates[0].read_text()
    with file_lock.held(tmp_path / "state" / "lock"), pytest.raises(SystemExit) as ended:
        erase.main(["canary-nobody", "--home", str(tmp_path)])
    assert ended.value.code == 3


def test_a_rejected_raw_row_becomes_what_staging_would_make_of_the_erased_row():
    person = Person({PERSON: "erased:1"}, {EMAIL: "erased:1"})
    row = {"customer_id": PERSON, "created_at": "2022-01-01", "email": EMAIL, "birth_date": "1911-02-30"}
    row |= {"acquisition_cost": "NaN", "merged_into_customer_id": None, "phone": PHONE, "country": COUNTRY}
    row |= {"email_consent": "perhaps", "sms_consent": "yes", "unsubscribed_at": "2023-01-01"}
    written = erased_json("customers", json.dumps(row, separators=(",", ":")), DEFAULTS, person)
    assert json.loads(written) | {"full_name": None} == json.loads(written) | {
        "customer_id": "erased:1", "created_at": "2022-01-01", "email": None, "birth_date": "erased",
        "acquisition_cost": "NaN", "full_name": None, "phone": None, "country": None, "email_consent": "erased",
    }  # fmt: skip
    test = row | {"email": "test+1@x.org"}
    assert json.loads(erased_json("customers", json.dumps(test), DEFAULTS, person))["email"] == "test+"
    other = json.dumps({"customer_id": "ada", "email": "ada@example.com"})
    assert erased_json("customers", other, DEFAULTS, person) == other


def test_own_names_of_columns_are_followed_and_whole_numbers_can_be_ids(tmp_path: Path):
    database = Database(duckdb.connect(str(tmp_path / "own.duckdb")))
    database.execute("create schema shop")
    database.execute("create table shop.kunden (nr bigint, mail varchar, phone varchar, since date, first varchar)")
    database.execute("create table shop.bestellungen (id bigint, nr bigint, am date, betrag decimal(18, 2), note text)")
    database.execute(
        "insert into shop.kunden values (7, 'C@x.org', '0171', '2022-01-01', 'Can'), (8, null, '1', null, 'B')"
    )
    database.execute(
        "insert into shop.bestellungen values (7, 7, '2023-01-01', 7.00, 'hi'), (8, 8, '2023-01-01', 7.00, 'ho')"
    )
    mapped = {
        "customers": {"table": "kunden", "columns": {
            "customer_id": "nr", "email": "mail", "created_at": "since", "full_name": "first || ' ' || mail",
        }},
        "orders": {"table": "bestellungen", "columns": {
            "order_id": "id", "customer_id": "cast(nr as text)", "ordered_at": "am", "gross_amount": "betrag",
        }},
    }  # fmt: skip
    variables = DEFAULTS | {"raw_schema": "shop", "source_map": mapped}
    assert erase_raw(database, "shop", variables, Person({"7": "erased:7"}, {"c@x.org": "erased:7"})) == {
        "shop.kunden": 1, "shop.bestellungen": 1,
    }  # fmt: skip
    rows = content(database, "shop")
    assert [tuple(map(str, row)) for row in rows["bestellungen"]] == [
        ("7", "erased:7", "2023-01-01", "7.00", "None"), ("8", "8", "2023-01-01", "7.00", "ho"),
    ]  # fmt: skip
    assert [tuple(map(str, row)) for row in rows["kunden"]] == [
        ("8", "None", "1", "None", "B"), ("erased:7", "None", "None", "2022-01-01", "None"),
    ]  # fmt: skip
    mapped["orders"]["columns"]["customer_id"] = "'c-' || nr"
    with pytest.raises(ValueError, match="var source_map works out"):
        erase_raw(database, "shop", variables, Person({"8": "erased:8"}))


def test_who_comes_back_under_another_id_or_merged_is_kept_out_too(tmp_path: Path):
    canaries.write(tmp_path / "files")
    customers = tmp_path / "files" / "customers.csv"
    customers.write_text(
        customers.read_text()
        .replace("bob,,,", f"bob,,{EMAIL.upper()},")
        .replace("ada,2022-01-01,ada@", "ada,2022-01-01,x@")
    )
    keeper = FileKeeper(tmp_path)
    keeper.suppress(Person({PERSON: "erased:1"}, {EMAIL: "erased:1"}))
    database = loaded(tmp_path / "shop.duckdb", tmp_path / "files")
    keepers.suppress(database, keeper, "raw", NOBODY | {"guest_orders": "email"})
    ids = {row[0] for row in database.rows("select distinct customer_id from raw.customers")}
    assert {None, "ada", "canary-bad", "erased:1"} < ids
    assert not ids & {"bob", MERGED, PERSON}
    assert len(keeper.suppressions()) == 4  # the id and the e-mail, and both newcomers
    assert keeper.erased_key("customer_id", "bob") == next(
        row[0] for row in database.rows("select customer_id from raw.orders where order_id = '11'")
    )


def test_no_freed_block_of_a_file_that_was_written_anew_holds_what_was_in_it(tmp_path: Path):
    file = tmp_path / "warehouse.duckdb"
    with compaction.opened(file, "warehouse", "1GB", read_only=False) as connection:
        connection.execute("set force_compression = 'uncompressed'")
        connection.execute("create schema marts; create table marts.t (x varchar not null, n integer)")
        connection.execute("comment on table marts.t is 'kept'; comment on column marts.t.x is 'kept too'")
        connection.execute("create view marts.v as select * from warehouse.marts.t")
        connection.execute("insert into marts.t select 'canary-in-block-' || range, range from range(50000)")
        connection.execute("checkpoint; update marts.t set x = 'erased'; checkpoint")
    file.chmod(0o640)
    assert b"canary-in-block" in file.read_bytes()
    compaction.compact(file, "1GB")
    assert b"canary-in-block" not in file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in tmp_path.iterdir()] == ["warehouse.duckdb"]
    with duckdb.connect(str(file), read_only=True) as connection:
        assert connection.execute("select count(*), min(x), max(n) from marts.v").fetchone() == (50000, "erased", 49999)
        comments = (
            "select comment from duckdb_tables() union all select comment from duckdb_columns() where comment > ''"
        )
        assert connection.execute(comments).fetchall() == [("kept",), ("kept too",)]


# ------------------------------------------------------------------------------ what is another's stays another's

# of a person cust_1, jo@x.org, deadbeef: (what another's value is, whether the person is in it)
NAMESAKES = {
    "cust_12": 0, "acust_1": 0, "cust_1-b": 0, "mojo@x.org": 0, "jo@x.org.uk": 0, "jo@x.orgs": 0, "ajo@x.org": 0,
    "0123deadbeef4567": 0, "orders:00deadbeef:1": 0, "ücust_1": 0, "10000001": 0, "2024-01-01 10000001": 0,
    "cust_1": 1, "CUST_1 called": 1, "cust_1 cust_1,cust_1": 1, "mail to jo@x.org.": 1, "<jo@x.org>. So": 1,
    "(deadbeef)": 1, "number 10000001": 1,
}  # fmt: skip
SOMEBODY = {"cust_1": "erased:1", "deadbeef": "erased:2", "10000001": "erased:3"}


def somebody() -> Person:
    """Return a person whose id and e-mail are in those of others."""
    return Person(dict(SOMEBODY), {"jo@x.org": "erased:1"})


def told_of_others(database: Database) -> None:
    """Erase somebody from tables of texts, in which each is found as NAMESAKES says, and nothing else is changed."""
    database.execute("create schema told; create table told.t (customer_id varchar, email varchar, note varchar)")
    database.insert("told.t", [["other", "o@x.org", each] for each in NAMESAKES])
    database.insert("told.t", [["cust_12", "mojo@x.org", None], ["cust_1", "JO@x.org", None]])
    database.execute(
        "create table told.rejected (source_name varchar, row_key varchar, order_id varchar, raw_row text)"
    )
    database.insert("told.rejected", [["orders", "10000001", "10000001", '{"order_id":"10000001"}']])
    database.execute("create schema operations; create table operations.versions (number integer, described varchar)")
    database.insert("operations.versions", [["1", "cust_1"]])
    person = somebody()
    left = residue(database, ["told", "operations"], person)
    assert left == {"told.t.customer_id": 1, "told.t.email": 1, "told.t.note": sum(NAMESAKES.values())}
    erase_texts(database, left, person)
    assert residue(database, ["told", "operations"], person) == {}
    notes = [note for (note,) in database.rows("select note from told.t where note is not null")]
    assert {each for each in NAMESAKES if each in notes} == {
        each for each, is_theirs in NAMESAKES.items() if not is_theirs
    }
    assert {"erased", "erased called", "erased erased,erased", "mail to erased.", "<erased>. So"} < set(notes)
    assert sorted(database.rows("select customer_id, email from told.t where note is null")) == [
        ("cust_12", "mojo@x.org"), ("erased:1", None),
    ]  # fmt: skip
    assert database.rows("select * from told.rejected") == [
        ("orders", "10000001", "10000001", '{"order_id":"10000001"}')
    ]


def test_in_tables_of_duckdb_an_erasure_leaves_those_whose_id_or_email_contains_the_persons():
    with duckdb.connect() as connection:
        told_of_others(Database(connection))


@pytest.mark.postgres
@pytest.mark.usefixtures("postgres_environment")
def test_in_tables_of_postgres_an_erasure_leaves_those_whose_id_or_email_contains_the_persons():
    with psycopg2.connect("") as connection:
        told_of_others(Database(connection))
    connection.close()


def test_in_files_an_erasure_leaves_those_whose_id_or_email_contains_the_persons(tmp_path: Path):
    home = tmp_path / "home"
    texts = {
        "state/logs/build.log": "\n".join(NAMESAKES),
        "state/runs/000001.json": '{"message": "of\\ncust_1", "hash": "0deadbeef0", "rows": 10000001}',
        "versions/000001/version.json": '{"checksums": {"a": "deadbeef"}, "vars": "cust_1"}',
    }
    for name, content in texts.items():
        (home / name).parent.mkdir(parents=True)
        (home / name).write_text(content)
    file = home / "versions" / "000001" / "full.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema marts; create table marts.customers as select 'cust_12' as customer_id")
        connection.execute("alter table marts.customers add column email varchar default 'mojo@x.org'")
    place, before = Home(home, DuckDBStore(home, tmp_path), NOBODY), file.read_bytes()
    found = place.erase(somebody())
    assert set(found) == {"state/logs/build.log", "state/runs/000001.json"}
    assert file.read_bytes() == before
    assert place.residue(somebody()) == {}
    written = {name: (home / name).read_text() for name in texts}
    assert [each for each in written["state/logs/build.log"].splitlines() if each in NAMESAKES] == [
        each for each, is_theirs in NAMESAKES.items() if not is_theirs and "10000001" not in each
    ]
    assert json.loads(written["state/runs/000001.json"]) == {
        "message": "of\nerased", "hash": "0deadbeef0", "rows": 10000001,
    }  # fmt: skip
    assert written["versions/000001/version.json"] == texts["versions/000001/version.json"]


def test_the_bytes_of_a_database_are_searched_for_what_is_in_nobody_elses_text(tmp_path: Path):
    file = tmp_path / "home" / "state" / "some.duckdb"
    file.parent.mkdir(parents=True)
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema marts; create table marts.t as select 'cust_12' as customer_id")
    with file.open("ab") as content:
        content.write(b"freed:cust_1xjo@x.orgcust_12")
    place = Home(tmp_path / "home", DuckDBStore(tmp_path / "home", tmp_path), NOBODY)
    assert place.residue(somebody()) == {"state/some.duckdb: bytes": 1}


MERGES = """customer_id,created_at,email,merged_into_customer_id
cust-one,2022-01-01,one@x.org,cust-two
cust-two,2022-01-01,none,-
cust-three,2022-01-01,three@x.org,-
cust-four,2022-01-01,,none
cust-five,2022-01-01,none,
"""


def home_with(folder: Path, customers: str) -> Path:
    """Return a home in which a build with records of customers was kept."""
    (folder / "files").mkdir()
    (folder / "files" / "customers.csv").write_text(customers)
    (folder / "files" / "orders.csv").write_text(canaries.FILES["orders"])
    file = folder / "home" / "state" / "warehouses" / "000001" / "warehouse.duckdb"
    file.parent.mkdir(parents=True)
    load_files.load(Namespace(database=file, folder=folder / "files"))
    return folder / "home"


def ended(*arguments: object) -> int:
    """Return the exit code of erase.py."""
    with pytest.raises(SystemExit) as stopped:
        erase.main([str(each) for each in arguments])
    return stopped.value.code


def test_a_word_for_nobody_makes_no_person_of_all_that_it_stands_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    home = home_with(tmp_path, MERGES)
    file = home / "state" / "warehouses" / "000001" / "warehouse.duckdb"
    before = file.read_bytes(), sorted(home.rglob("*"))
    for blank in ("", "  ", "-"):
        assert ended("--home", home, "--", blank) == 2
        assert "CUSTOMER_ID is blank" in capsys.readouterr().err
    assert ended("cust-one", "--home", home, "--ids-at-most", 1) == 2
    assert "2 ids are merged into this person" in capsys.readouterr().err
    assert ended("cust-one", "--home", home, "--dry-run") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["ids"], said["e_mails"]) == (2, 1)
    assert said["found"] == {
        f"state/warehouses/000001/warehouse.duckdb: raw.customers.{column}": rows
        for column, rows in (("customer_id", 2), ("email", 1), ("merged_into_customer_id", 1))
    }
    assert any("1 id(s)" in note and "nobody's" in note for note in said["notes"])
    assert file.read_bytes() == before[0]
    assert ended("cust-one", "--home", home) == 0
    with duckdb.connect(str(file), read_only=True) as connection:
        left = connection.execute(
            "select customer_id, email, merged_into_customer_id from raw.customers where customer_id like 'cust%' "
            "order by 1"
        ).fetchall()
        assert left == [
            ("cust-five", "none", None), ("cust-four", None, "none"), ("cust-three", "three@x.org", "-"),
        ]  # fmt: skip
        assert connection.execute("select count(*) from raw.orders where customer_id like 'erased%'").fetchone() == (0,)


def test_a_dry_run_writes_nothing_and_a_folder_that_is_no_home_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    home = home_with(tmp_path, MERGES)
    assert ended("cust-nobody", "--home", home, "--dry-run") == 1
    assert sorted(file.name for file in (home / "state").iterdir()) == ["lock", "warehouses"]
    assert ended("cust-one", "--home", tmp_path / "hoem") == 2
    assert "is no home of refreshes" in capsys.readouterr().err
    assert not (tmp_path / "hoem").exists()


def test_the_list_is_applied_to_what_was_loaded_and_never_to_tables_of_others(tmp_path: Path):
    canaries.write(tmp_path / "files")
    file, keeper = tmp_path / "company.duckdb", FileKeeper(tmp_path)
    keeper.suppress(Person({PERSON: "erased:1"}, {EMAIL: "erased:1"}))
    database = loaded(file, tmp_path / "files")
    database.execute("create schema shop; create table shop.customers as from raw.customers")
    database.execute("comment on table raw.orders is 'of the company'")
    shop, orders = content(database, "shop"), content(database)["orders"]
    database.connection.close()
    store, variables = SimpleNamespace(database=file), NOBODY | {"raw_schema": "shop"}
    assert keepers.after_load(store, tmp_path, "raw", variables) == 0
    assert keepers.after_load(store, tmp_path, "files", variables) > 0
    database = Database(duckdb.connect(str(file)))
    assert content(database, "shop") == shop
    assert content(database)["orders"] == orders
    assert database.rows("select count(*) from raw.customers where customer_id = ?", [PERSON]) == [(0,)]
    database.connection.close()
    mapped = variables | {"source_map": {"customers": {"columns": {"customer_id": "'c-' || nr"}}}}
    with pytest.raises(PrivacyError, match="var source_map works out"):
        keepers.after_load(store, tmp_path, "files", mapped)


def test_a_guest_is_found_by_id_without_the_key_in_a_statement(tmp_path: Path):
    canaries.write(tmp_path / "files")
    database, said = loaded(tmp_path / "shop.duckdb", tmp_path / "files"), []
    keeper = TableKeeper(database)
    key = keeper.key()
    guest_id = f"guest:{keepers.pseudonym(key, GUEST)}"
    asked = database.rows
    database.rows = lambda statement, values=None: said.append(statement) or asked(statement, values)
    place = SimpleNamespace(database=database, raw="raw", variables=NOBODY, keeper=lambda: keeper)
    assert Server.guests(place, key, guest_id) == {GUEST}
    assert any("md5(" in statement for statement in said)
    assert not [statement for statement in said if key in statement]


# ---------------------------------------------------------------------------------------- the story of a home


def analytics(home: Path) -> Path:
    """Return the file of the current version that holds all marts, those with personal data too."""
    full = home / "current" / "full.duckdb"
    return full if full.exists() else home / "current" / "analytics.duckdb"


def rows(home: Path, statement: str) -> list[tuple]:
    """Return the rows of a query on the marts of the current version."""
    with duckdb.connect(str(analytics(home)), read_only=True) as connection:
        return connection.execute(statement).fetchall()


TOTALS = (
    "select as_of_date, sum(net_revenue), sum(margin), count(*) from marts.customer_value_history group by 1 order by 1"
)
# all but slice_version, a hash of what all customers of a date rest on
OTHERS = """
    select as_of_date, customer_id, tier, raw_tier, abc_tier, rfm_segment, lifecycle_stage, net_revenue, monetary,
        margin, realised_value, lifetime_value
    from marts.customer_value_history where customer_id in ('ada', 'bob') order by as_of_date, customer_id
"""


@pytest.fixture(scope="module")
def told() -> tuple[Publication, list[subprocess.CompletedProcess]]:
    """Return a home in which one refresh was published, one refused, and one stopped by the database."""
    home = Publication(stage())
    canaries.write(home.files)
    published = home.refresh("--vars", VARS, **MODELS_ALONE)
    orders = home.files / "orders.csv"
    good = orders.read_text()
    orders.write_text(re.sub("completed", "no-such-status", good))
    refused = home.refresh("--vars", VARS)
    orders.write_text(good)
    names = {name: name for name in ("order_id", "customer_id", "ordered_at")}
    mapped = {"orders": {"columns": names | {"gross_amount": "cast(gross_amount as double)"}}}
    stopped = home.refresh("--vars", json.dumps({"source_map": mapped}))
    return home, [published, refused, stopped]


def allowed(place: str) -> bool:
    """Say whether a column of a table may hold personal values."""
    schema, table, _ = place.split(".")
    return schema in ("raw", "staging") or (schema == "marts" and table in ("customers", "rejected_rows"))


def test_a_refresh_says_no_personal_value_whether_published_refused_or_failed(told: tuple):
    home, ran = told
    assert [done.returncode for done in ran] == [0, 1, 2], [done.stdout + done.stderr for done in ran]
    said = "".join(done.stdout + done.stderr for done in ran).lower()
    assert "could not convert string (value left out)" in said
    assert not [each for each in [*SECRETS, PERSON, MERGED] if each.lower() in said]
    # the bytes of all but the files that may hold them; ids are in every mart, but in nothing else
    personal = ["warehouses/", "failed/", "analytics.duckdb" if analytics(home.home).name != "full.duckdb" else "full."]
    assert canaries.in_bytes(home.home, SECRETS, but=personal) == []
    assert canaries.in_bytes(home.home, [PERSON, MERGED], but=["warehouses/", "failed/", "versions/"]) == []
    assert (home.home / "state" / "gx" / "uncommitted" / "data_docs" / "arrival.html").exists()
    assert len(list((home.home / "state" / "runs").glob("*.json"))) == 3
    places = {place for _, place, _ in canaries.in_tables(home.home, SECRETS)}
    assert [place for place in sorted(places) if not allowed(place)] == []
    assert {"raw.customers.email", "marts.customers.email", "marts.rejected_rows.raw_row"} <= places  # it does look


def test_a_guests_id_can_be_had_with_the_key_alone(told: tuple):
    home, _ = told
    key = FileKeeper(home.home).key()
    guests = rows(home.home, "select customer_id from marts.customer_value where customer_id like 'guest:%'")
    assert guests == [(f"guest:{keepers.pseudonym(key, GUEST)}",)]
    assert canaries.in_bytes(home.home, [key], but=["state/privacy/key", "warehouse"]) == []


@pytest.fixture(scope="module")
def erased(told: tuple) -> tuple[Publication, dict, dict, list[subprocess.CompletedProcess]]:
    """Return the home after a late order, the erasure, and the same deliveries with a new order of another.

    And what was published before and after the erasure, and what ran: the refresh with the late order, the erasure, the
    same again, the refresh after it.
    """
    home, _ = told
    home.order(1, f"{PERSON},2023-02-14,5.00,,,completed,{EMAIL}")  # into closed months: restated
    late = home.refresh("--vars", VARS, **MODELS_ALONE)
    names = ("totals", "others", "restated", "rejected", "proof", "value")
    questions = (
        TOTALS, OTHERS, "select as_of_date, shown_net_revenue, net_revenue from marts.restatements order by all",
        "select source_name, reject_reasons, amount, first_seen_on from marts.rejected_rows order by all",
        "select * from marts.reconciliation order by all",
        "select net_revenue, tier, lifecycle_stage from marts.customer_value order by all",
    )  # fmt: skip
    before = {name: rows(home.home, question) for name, question in zip(names, questions, strict=True)}
    ran = [home.run("erase.py", PERSON, "--vars", VARS) for _ in range(2)]
    after = {name: rows(home.home, question) for name, question in zip(names, questions, strict=True)}
    home.order(2, "ada,2023-05-31,1.00,,,completed,")
    again = home.refresh("--vars", VARS)  # with all data tests, on what the erasure left
    return home, before, after, [late, *ran, again]


def test_an_erasure_keeps_every_total_and_leaves_no_trace(erased: tuple):
    _, before, after, (late, first, second, again) = erased
    assert late.returncode == 0, late.stdout + late.stderr
    assert before["restated"], "the late order must have restated closed months, or the ledger is not tried"
    assert first.returncode == 0, first.stdout + first.stderr
    assert after == before
    made = json.loads(first.stdout[: first.stdout.index("certificate:")])
    assert made["left_after_a_second_search"] == {}
    places = made["found_and_erased"]
    for expected in ("versions/000001", "versions/000002", "state/failed", "state/warehouses/000002"):
        assert any(expected in place for place in places), expected
    for table in (
        "raw.orders",
        "marts.restatements",
        "marts.rejected_rows",
        "staging.stg_customers",
        "marts.customers",
    ):
        assert any(place.endswith(f": {table}") for place in places), table
    assert not [each for each in OF_PERSON if each in first.stdout + first.stderr]
    assert second.returncode == 1
    assert "there is no such customer here" in second.stderr
    assert again.returncode == 0, again.stdout + again.stderr


def test_who_is_delivered_again_stays_out_and_nobody_is_restated(erased: tuple):
    home, before, _, (*_, again) = erased
    assert any('"rows_of_erased": 19' in line for line in again.stdout.splitlines()), again.stdout
    assert rows(home.home, TOTALS)[:-1] == before["totals"][:-1]
    assert rows(home.home, OTHERS)[:-2] == before["others"][:-2]
    assert (
        rows(home.home, "select as_of_date, shown_net_revenue, net_revenue from marts.restatements order by all")
        == (before["restated"])
    )
    assert rows(home.home, "select sum(net_revenue) from marts.customer_value")[0][0] == before["totals"][-1][1] + 1
    # neither in a table, nor in any byte: of any version, build, log, record, nor in freed blocks
    assert canaries.in_tables(home.home, OF_PERSON) == []
    assert canaries.in_bytes(home.home, OF_PERSON) == []


def test_damage_before_an_erasure_stays_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An erasure signs what it wrote anew; a file that somebody had edited before must not become whole by that."""
    store = home_of(tmp_path, 3)
    damaged(store, 1, "analytics.duckdb", cut)
    with writable(store.folder(2)):
        (store.folder(2) / "analytics.duckdb").unlink()

    def rewrite(_: Home, file: Path, __: object) -> dict[str, int]:
        with writable(file.parent):
            file.chmod(0o600)
            file.write_bytes(file.read_bytes() + b"written anew")
        return {}

    monkeypatch.setattr(Home, "rewrite", rewrite)
    place = Home(store.home, store, {"raw_schema": "raw", "memory_limit": "1GB"})
    place.erase(SimpleNamespace(telling=list, full_names=list))
    assert [bool(store.damage(version)) for version in store.versions()] == [True, True, False]
    assert [note[:30] for note in place.notes] == ["Version 1 was damaged before a", "Version 2 was damaged before a"]
    assert "analytics.duckdb is gone" in place.notes[1]


def test_versions_are_signed_anew_and_say_what_they_were_made_of(erased: tuple):
    home, *_ = erased
    store = DuckDBStore(home.home, home.folder)
    for version in store.versions():
        for name, checksum in version.checksums.items():
            assert version_files.checksum(store.folder(version.number) / name) == checksum
    for file in sorted((home.home / "versions").glob("0*/*.duckdb")):
        with duckdb.connect(str(file), read_only=True) as connection:
            comments = "select comment from duckdb_columns() where table_name = 'orders' and schema_name = 'marts'"
            assert all(len(comment) > 10 for (comment,) in connection.execute(comments).fetchall()), file
            (tags,) = connection.execute(
                "select tags from duckdb_databases() where database_name = current_database()"
            ).fetchone()
            assert tags["storage_version"].startswith("v1.2.0"), file
    assert not [file for file in home.home.rglob("*") if file.name.startswith(compaction.DRAFT)]
    assert (home.home / "state" / "privacy" / "suppressions.json").stat().st_mode & 0o777 == 0o600


# ------------------------------------------------------------------------------------------------- Postgres


BUILT = """
    create schema staging; create schema marts; create schema marts_v000001;
    create table staging.stg_orders as select order_id, customer_id, customer_email from raw.orders;
    create table marts.customers as
        select customer_id, email, phone, full_name, cast(null as date) as birth_date, region, country, language
        from raw.customers;
    create table marts.rejected_rows as
        select 'orders:0:1' as rejected_row_id, 'orders' as source_name, order_id as row_key, 'x' as reject_reasons,
            '{"order_id":"6","customer_id":"canary-person","customer_email":"canary-mail@example.com"}' as raw_row
        from raw.orders where order_id = '6';
    create table marts.somebody_elses as select customer_id from raw.customers;
    create table marts_v000001.customers as select * from marts.customers;
    create schema published; create view published.customers as select * from marts_v000001.customers;
    create view marts.of_an_analyst as select * from marts.customers;
    create table raw.payroll as select customer_id, full_name from raw.customers;
    create table staging.stg_customers as select customer_id, full_name from raw.customers;
    create schema operations;
    create table operations.of_an_analyst as select customer_id, full_name from raw.customers;
    create table operations.built_relations as select * from (values
        ('staging', 'stg_orders'), ('marts', 'customers'), ('marts', 'rejected_rows')
    ) as t (relation_schema, relation_name);
"""


@pytest.mark.postgres
@pytest.mark.usefixtures("postgres_environment")
@pytest.mark.parametrize("is_loaded", [True, False])
def test_on_postgres_an_erasure_changes_what_is_ours_and_nothing_else(tmp_path: Path, is_loaded: bool):
    canaries.write(tmp_path / "files")
    loading.fill("postgres", load_files.load, Namespace(folder=tmp_path / "files"))
    with psycopg2.connect("") as connection, connection.cursor() as cursor:
        cursor.execute(BUILT)
        if not is_loaded:  # somebody else's tables, then
            cursor.execute(
                "select format('comment on table raw.%I is null', tablename) from pg_tables where schemaname = 'raw'"
            )
            for (statement,) in cursor.fetchall():
                cursor.execute(statement)
        version = Version(1, 1, "2023-06-01", "2023-05-31", None, None, {}, {}, {"customers": 7})
        cursor.execute(
            "create table operations.versions (number bigint primary key, is_current boolean, described jsonb)"
        )
        cursor.execute("select count(*), sum(hashtextextended(t::text, 0)::numeric) from marts_v000001.customers as t")
        version.checksums["customers"] = signed = "{}:{}".format(*cursor.fetchone())
        cursor.execute("insert into operations.versions values (1, true, %s)", [version.to_json()])
        cursor.execute("select * from raw.customers order by 1, 2")
        before = cursor.fetchall()
    (tmp_path / "state").mkdir()
    script = str(PROJECT / "scripts" / "erase.py")
    done = subprocess.run(
        [warm().python, script, PERSON, "--target", "postgres", "--home", str(tmp_path)],
        env=dict(os.environ), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    made = json.loads(done.stdout[: done.stdout.index("certificate:")])
    ours = {"staging.stg_orders", "marts.customers", "marts_v000001.customers", "marts.rejected_rows"}
    found = {place for place in made["found_and_erased"] if not place.startswith("raw.")}
    assert found == ours
    assert ("raw.orders" in made["found_and_erased"]) == is_loaded
    (note,) = (note for note in made["notes"] if "the company's own and were not changed" in note)
    assert note.endswith("changed: payroll.") == is_loaded
    store = PostgresStore("refresh")
    (now,) = store.versions()
    assert now.checksums["customers"] != signed
    assert now.checksums["customers"] == "{}:{}".format(*store.content("marts_v000001", "customers"))
    left = {schema: str(store.rows(f"select * from {schema}")) for schema in sorted(ours)}
    assert not [(name, each) for name, text in left.items() for each in OF_PERSON if each in text]
    others = ("marts.somebody_elses", "raw.payroll", "staging.stg_customers", "operations.of_an_analyst")
    assert all("canary-person" in str(store.rows(f"select * from {other}")) for other in others)
    ((row_id, raw_row),) = store.rows("select rejected_row_id, raw_row from marts.rejected_rows")
    assert re.fullmatch("orders:[0-9a-f]{32}:1", row_id)
    assert json.loads(raw_row)["customer_id"].startswith("erased:")
    if not is_loaded:
        assert store.rows("select * from raw.customers order by 1, 2") == before
        return
    # delivered again, it holds what the erasure left; and the key stays the store's own
    raw_before = store.rows("select * from raw.orders order by order_id")
    loading.fill("postgres", load_files.load, Namespace(folder=tmp_path / "files"))
    assert keepers.after_load(store, tmp_path, "files", project.project_vars(None)) == 18
    assert store.rows("select * from raw.orders order by order_id") == raw_before
    assert store.rows("select count(*) from operations.pseudonym_key") == [(1,)]
    data = Path(store.rows("show data_directory")[0][0])
    store.rows("select 1 from pg_switch_wal()")
    store.connection.cursor().execute("checkpoint")
    files = [file for file in (data / "base").rglob("*") if file.is_file()]
    assert not [file for file in files if b"canary-mail@example.com" in file.read_bytes()], "a dead row is left"
    store.connection.close()
