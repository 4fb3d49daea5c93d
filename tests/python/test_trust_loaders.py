"""What this project did not make it does not touch, what it reads it does not tell, what make gets it does not run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import psycopg2
import pytest
from conftest import Warehouse, postgres_database, server

from customer_value.project import PROJECT
from customer_value.raw import load_cdnow, load_complete_journey, load_files, loading, postgres_copy, spark_copy
from customer_value.raw.loading import LoadError
from customer_value.shop import generate_shop

HEADER = "order_id,customer_id,ordered_at,gross_amount"
ORDERS = f"{HEADER}\n1,ada,2024-05-01,10.00\n"
CANARY = "ann.canary"


def folder_of(folder: Path, **files: str | bytes) -> Path:
    """Write <name>.csv for each file, orders.csv where it is missing; return the folder."""
    folder.mkdir(exist_ok=True)
    for name, content in ({"orders": ORDERS} | files).items():
        (folder / f"{name}.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def load(database: Path, folder: Path) -> dict[str, int]:
    return load_files.load(Namespace(database=database, folder=folder))


# raw tables of the company


@pytest.mark.parametrize(
    "loader", [load_files.load, load_cdnow.load, load_complete_journey.load], ids=lambda loader: loader.__module__
)
@pytest.mark.parametrize(
    "made",
    ["create table raw.orders as select 7 as mine", 'create view "RAW"."Refunds" as select 7 as mine'],
    ids=["table", "view, in capitals"],
)
def test_no_loader_replaces_what_others_put_into_the_raw_schema(
    tmp_path: Path, loader: Callable[[Namespace], object], made: str
):
    database, folder = tmp_path / "shop.duckdb", folder_of(tmp_path / "files")
    with duckdb.connect(str(database)) as connection:
        connection.execute(f"create schema raw; {made}")
    name = "orders" if "orders" in made else "refunds"
    with pytest.raises(LoadError, match=rf"did not load, so they are left alone: {name}\. Say DATA=raw .*--database"):
        loader(Namespace(database=database, folder=folder))
    with duckdb.connect(str(database)) as connection:
        assert connection.execute(f"select * from raw.{name}").fetchall() == [(7,)]
        assert connection.execute("select count(*) from duckdb_tables()").fetchone() == (1 if name == "orders" else 0,)


def test_a_comment_of_another_release_still_shows_whose_a_table_is():
    assert loading.Origin.from_comment('{"loaded_by": "customer_value", "name": "x", "new": 1}').name == "x"
    assert loading.Origin.from_comment('{"loaded_by": "somebody", "name": "x"}') is None


def test_views_of_raw_tables_survive_a_load(tmp_path: Path):
    database, folder = tmp_path / "shop.duckdb", folder_of(tmp_path / "files")
    load(database, folder)
    with duckdb.connect(str(database)) as connection:
        connection.execute("create view analyst as select order_id, customer_id from raw.orders")
    load(database, folder_of(tmp_path / "files", orders=ORDERS + "2,bob,2024-05-02,1.00\n"))
    with duckdb.connect(str(database)) as connection:
        assert connection.execute("select * from analyst").fetchall() == [("1", "ada"), ("2", "bob")]


def test_a_generated_shop_takes_no_place_of_a_companys_files(tmp_path: Path):
    (tmp_path / "orders.parquet").write_bytes(b"the company's")
    with pytest.raises(generate_shop.ShopError, match=r"other files \(orders.parquet\)"):
        generate_shop.write_shop(tmp_path, 10_000)
    assert (tmp_path / "orders.parquet").read_bytes() == b"the company's"


@pytest.mark.parametrize("foreign", [True, False])
def test_spark_is_asked_whose_its_raw_tables_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, foreign: bool):
    database = tmp_path / "shop.duckdb"
    load(database, folder_of(tmp_path / "files"))
    comment = None if foreign else loading.Origin.of("x").comment()
    said: list[str] = []

    class Sql:
        """Spark with one raw table, which cannot cast a value."""

        def __enter__(self) -> Sql:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def rows(self, statement: str) -> list[tuple]:
            said.append(statement)
            if statement.startswith("create schema"):
                raise spark_copy.SparkError(f"The value '{CANARY}' of x")
            answers = {
                "show schemas": [("raw",)],
                "show tables": [("raw", "orders", False)],
                "describe table": [
                    ("order_id", "string", None), ("# Detailed Table Information", "", ""), ("Comment", comment, ""),
                ],
            }  # fmt: skip
            return next(rows for asked, rows in answers.items() if statement.startswith(asked))

    monkeypatch.setattr(spark_copy, "SparkSql", Sql)
    message = "Spark holds raw tables that this project did not load.*: orders" if foreign else "Spark: .*A value of x"
    with pytest.raises(LoadError, match=f"(?s){message}") as raised:
        spark_copy.copy(database)
    assert CANARY not in str(raised.value)
    assert not any(statement.startswith("drop") for statement in said)


# relations that dbt would replace


def run(warehouse: Warehouse, *arguments: str) -> None:
    server().run(warehouse.database, *arguments)


def test_dbt_replaces_nothing_that_this_project_did_not_make(warehouse: Warehouse):
    warehouse.load({"orders": ORDERS})
    warehouse.execute("create schema marts; create table marts.orders as select 7 as mine")
    warehouse.execute("create schema staging; create view staging.stg_trading_period as select 7 as mine")
    run(warehouse, "seed")  # nothing of theirs is in the way
    with pytest.raises(AssertionError, match=r"- marts\.orders\s+- staging\.stg_trading_period\s+Rename them"):
        run(warehouse, "run")
    theirs = "select o.mine, s.mine from marts.orders as o, staging."
    assert warehouse.rows(f"{theirs}stg_trading_period as s") == [(7, 7)]
    assert warehouse.rows("select count(*) from duckdb_tables() where schema_name = 'intermediate'") == [(0,)]
    with pytest.raises(AssertionError, match=r"- staging\.stg_trading_period\s+Rename them"):
        run(warehouse, "run", "--select", "stg_trading_period")

    warehouse.execute("alter view staging.stg_trading_period rename to theirs")
    for _ in range(2):  # it is the project's from then on
        run(warehouse, "run", "--select", "stg_trading_period")
    assert warehouse.rows(f"{theirs}theirs as s") == [(7, 7)]


def test_what_an_unrecorded_run_built_is_adopted_on_demand(warehouse: Warehouse):
    warehouse.load({"orders": ORDERS})
    run(warehouse, "run", "--select", "stg_trading_period")
    warehouse.execute("delete from operations.built_relations")
    with pytest.raises(AssertionError, match=r"dbt run-operation adopt_relations"):
        run(warehouse, "run", "--select", "stg_trading_period")
    run(warehouse, "run-operation", "adopt_relations")
    run(warehouse, "run", "--select", "stg_trading_period")
    assert warehouse.rows("select * from operations.built_relations") == [("staging", "stg_trading_period")]


@pytest.mark.parametrize("is_ours", [True, False])
def test_what_an_earlier_release_built_is_known_by_its_history(warehouse: Warehouse, is_ours: bool):
    """The first run after an upgrade works; a company's history of another make proves nothing."""
    warehouse.load({"orders": ORDERS})
    version = "slice_version" if is_ours else "version"
    warehouse.execute("create schema staging; create table staging.stg_trading_period as select 7 as old")
    warehouse.execute(f"""
        create schema marts;
        create table marts.customer_value_history as select 'A' as tier, 'x' as {version};
        create table marts.restatements as select 1 as restatement_number, 'x' as shown_slice_version
    """)
    if is_ours:
        run(warehouse, "run", "--select", "stg_trading_period")
        recorded = "select count(*) from operations.built_relations"
        assert warehouse.rows(recorded) == [(3,)]
        assert [row[0] for row in warehouse.rows("describe staging.stg_trading_period")] != ["old"]
    else:
        with pytest.raises(AssertionError, match=r"nothing shows that this project made them"):
            run(warehouse, "run", "--select", "stg_trading_period")
        assert warehouse.rows("select old from staging.stg_trading_period") == [(7,)]


# messages without values


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (f"customer_id,full_name,email\n1,Ann,{CANARY},x\n", "line 2 has 4"),
        (f"customer_id,full_name,email\n1,Ann,{CANARY}\n2,{CANARY}\n", "line 3 has 2"),
        (f'customer_id,full_name,email\n1,"{CANARY},x\n', "line 2: a quote opens here"),
        (f'customer_id,full_name,email\n1,"Ann,{CANARY}\n2,x",y\n', "line 2: a quote opens here"),
        (f"customer_id,full_name,email\n1,{CANARY},\xe9\n".encode("latin-1"), "line 2: byte 0xE9 is no UTF-8"),
        (f"customer_id,full_name,email\n1,{CANARY},\0\n", "line 2: byte 0x00"),
        (f"customer_id,email\n1,{CANARY}\r\n2,{CANARY}\n", "line 2 ends with"),
        (f"{CANARY},1990-01-01,email\n{CANARY},1991-01-01,email\n", "first line names none of its columns"),
        (f"{CANARY},{CANARY},1990-01-01\n", "first line names none of its columns"),
        (f"{CANARY};1990-01-01\n", "separator seems to be ';'"),
        (f'customer_id,"full\n{CANARY}\n",email\n1,x\n', "line 4 has 2"),
        ('customer_id,full_name\n1,"' + CANARY + "x" * (17 << 20) + '"\n', "line 2: its record has 17,825,807 bytes"),
    ],
)
def test_no_value_of_a_csv_file_is_in_a_message(
    tmp_path: Path, capsys: pytest.CaptureFixture, content: str | bytes, words: str
):
    with pytest.raises(LoadError) as raised:
        load(tmp_path / "shop.duckdb", folder_of(tmp_path / "files", customers=content))
    assert words in str(raised.value)
    assert CANARY not in str(raised.value) + "".join(capsys.readouterr())


@pytest.mark.parametrize("select", ["123.25 as customer_id", "'1' as customer_id, {'ann.canary': 1} as email"])
def test_no_value_of_a_parquet_file_is_in_a_message(tmp_path: Path, select: str):
    folder = folder_of(tmp_path / "files")
    with duckdb.connect() as connection:
        connection.execute(f"copy (select {select}) to '{folder}/customers.parquet'")
    with pytest.raises(LoadError, match=r"customers\.parquet, column (customer_id: 1 of|email is nested)") as raised:
        load(tmp_path / "shop.duckdb", folder)
    assert not any(value in str(raised.value) for value in ("123", CANARY))


@pytest.mark.parametrize(
    ("select", "words"),
    [
        (f"select cast('{CANARY}' as date) as order_id", "orders: invalid date field format"),
        ("select cast(4711 as tinyint) as order_id", "orders: Type INT"),
        (f"select error('{CANARY} is bad') as order_id", "orders: "),
        ("select 1 as order_id from no_such_table", "Table with name no_such_table does not exist"),
    ],
)
def test_no_value_is_in_what_duckdb_says(tmp_path: Path, select: str, words: str):
    with pytest.raises(LoadError) as raised:
        loading.replace_raw(tmp_path / "shop.duckdb", loading.Origin.of("x"), {"orders": select})
    assert words in str(raised.value)
    assert "4711" not in str(raised.value)
    assert CANARY not in str(raised.value) or "error(" in select


# limits


def test_a_wide_file_with_a_line_break_is_loaded(tmp_path: Path):
    others = ",".join(f"x{number}" for number in range(1200))
    orders = f'{HEADER},{others}\n1,"a\nda",2024-05-01,10.00{"," * 1200}\n'
    database = tmp_path / "shop.duckdb"
    assert load(database, folder_of(tmp_path / "files", orders=orders))["orders"] == 1
    with duckdb.connect(str(database)) as connection:
        assert connection.execute("select customer_id from raw.orders").fetchall() == [("a\nda",)]
    swallowed = f'{HEADER},{others}\n1,"ada,2024-05-01,10.00{"," * 1200}\n2,bob",2024-05-01,10.00{"," * 1200}\n'
    with pytest.raises(LoadError, match="line 2: a quote opens here"):
        load(database, folder_of(tmp_path / "files", orders=swallowed))


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_long_field_is_loaded(tmp_path: Path, quote: str):
    database, field = tmp_path / "shop.duckdb", ("x" * 99 + ("\n" if quote else "y")) * 25_000
    load(database, folder_of(tmp_path / "files", orders=f"{HEADER},channel\n1,a,2024-05-01,1,{quote}{field}{quote}\n"))
    with duckdb.connect(str(database)) as connection:
        assert connection.execute("select channel from raw.orders").fetchall() == [(field,)]


# the manifest of a delivery

TWO = f"{HEADER},channel\n1,ada,2024-05-01,10.10,web\n2,bob,2024-05-02, -.3 ,\n3,cy,2024-05-02,n/a,1e3\n"


@pytest.mark.parametrize(
    "manifest",
    [
        {"orders": {"rows": 3, "totals": {"gross_amount": "9.80"}}},
        {"orders": {"totals": {"gross_amount": 9.8, "discount_amount": 0, "channel": "0.00"}}},
        {"orders": {"rows": 3}},
        {},
    ],
)
def test_files_that_are_what_the_manifest_says_are_loaded(tmp_path: Path, manifest: dict):
    folder = folder_of(tmp_path / "files", orders=TWO.replace("channel", "channel,discount_amount").replace(
        "web", "web,").replace(" ,\n", " ,,\n").replace("1e3", "1e3,"))  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert load(tmp_path / "shop.duckdb", folder)["orders"] == 3


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ({"orders": {"rows": 4}}, "orders should have 4 rows and has 3"),
        (
            {"orders": {"totals": {"gross_amount": "9.81"}}},
            "gross_amount of orders should add up to 9.81 and does to 9.8",
        ),
        ({"orders": {"rows": 3}, "refunds": {"rows": 0}}, "there is no file of refunds"),
        ({"orders": {"row": 3}}, "orders has something else than rows and totals"),
        ({"orders": {"rows": "3"}}, "rows of orders is no whole number"),
        ({"orders": {"rows": True}}, "rows of orders is no whole number"),
        ({"orders": {"totals": {"amount": 1}}}, "orders has no column amount"),
        ({"orders": {"totals": {"gross_amount": "many"}}}, "the total of gross_amount of orders is no number"),
        ({"sales": {"rows": 3}}, "sales is no source of the contract"),
        ([], "it is no object"),
        ("{", "cannot be read as JSON"),
    ],
)
def test_a_delivery_that_is_not_what_its_manifest_says_is_refused(tmp_path: Path, manifest: object, words: str):
    folder = folder_of(tmp_path / "files", orders=TWO)
    (folder / "manifest.json").write_text(manifest if isinstance(manifest, str) else json.dumps(manifest))
    with pytest.raises(LoadError) as raised:
        load(tmp_path / "shop.duckdb", folder)
    assert words in str(raised.value)
    assert not (tmp_path / "shop.duckdb").exists()


def test_a_column_that_the_file_lacks_adds_up_to_nothing(tmp_path: Path):
    folder = folder_of(tmp_path / "files", orders=TWO)
    (folder / "manifest.json").write_text('{"orders": {"totals": {"shipping_amount": "5"}}}')
    with pytest.raises(LoadError, match="shipping_amount of orders should add up to 5 and the file has no such column"):
        load(tmp_path / "shop.duckdb", folder)


def test_a_new_manifest_is_a_new_delivery(tmp_path: Path):
    folder = folder_of(tmp_path / "files", orders=TWO)
    before = load_files.origin(folder)
    (folder / "manifest.json").write_text("{}")
    assert load_files.origin(folder) != before


# make


@pytest.fixture
def makefile(tmp_path: Path) -> Path:
    """Return a folder with the Makefile, an environment that is ready, and scripts that print their arguments."""
    scripts, binaries = tmp_path / "scripts", tmp_path / ".venv" / "bin"
    (scripts / "bench").mkdir(parents=True)
    binaries.mkdir(parents=True)
    shutil.copy(PROJECT / "Makefile", tmp_path)
    shutil.copy(PROJECT / "scripts" / "with_options.py", scripts)
    for name in ("build", "refresh", "rollback", "roles", "bench/history", "bench/clv", "bench/peers"):
        (scripts / f"{name}.py").write_text("import json, sys\nprint(json.dumps(sys.argv[1:]))\nsys.exit(3)\n")
    (binaries / "python").symlink_to(sys.executable)
    for lock in PROJECT.glob("requirements*.lock"):
        (tmp_path / lock.name).touch()
    (tmp_path / ".venv" / ".ready").touch()
    for peer in ("pandas", "polars", "openretailscience", "lifetimes"):
        (tmp_path / ".venv-peers" / peer).mkdir(parents=True)
        (scripts / "bench" / "peers").mkdir(exist_ok=True)
        (scripts / "bench" / "peers" / f"{peer}.lock").touch()
        (tmp_path / ".venv-peers" / peer / ".ready").touch()
    return tmp_path


ATTACKS = [
    'x"; touch planted; "', "x'; touch planted; '", "$(touch planted)", "$(shell touch planted)", "`touch planted`",
    "x\ntouch planted\n", "$$(touch planted)", "a b  c",
]  # fmt: skip


@pytest.mark.parametrize("value", ATTACKS)
def test_make_runs_nothing_of_what_it_is_given(makefile: Path, value: str):
    def make(*arguments: str, **environment: str) -> list[str]:
        done = subprocess.run(
            ["make", "--silent", "--no-print-directory", *arguments], cwd=makefile, env=os.environ | environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert not (makefile / "planted").exists(), done.stdout
        assert "Error 3" in done.stderr, done.stderr  # the script's own exit code
        return json.loads(done.stdout)

    assert make("build", f"DATA={value}") == [value]
    assert make("build", DATA=value) == [value]
    assert make("rollback", f"VERSION={value}") == [value]
    assert make("bench", f"ORDERS={value}") == make("bench-peers", f"ORDERS={value}") == ["--orders", value]
    options = f'--target postgres --vars \'{{"a": "{value.replace(chr(39), chr(34))}"}}\''
    words = ["--target", "postgres", "--vars", options.split("--vars ")[1].strip("'")]
    assert make("refresh", "DATA=raw", f"OPTIONS={options}") == ["raw", *words]
    assert make("roles", f"OPTIONS={options}") == words


def test_make_has_its_defaults_and_names_an_environment_that_cannot_be_made(makefile: Path):
    def make(*arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            ["make", "--silent", "--no-print-directory", *arguments],
            cwd=makefile,
            capture_output=True,
            text=True,
            check=False,
        )

    assert json.loads(make("build").stdout) == json.loads(make("refresh").stdout) == ["complete_journey"]
    assert json.loads(make("rollback").stdout) == []
    assert json.loads(make("bench-clv").stdout) == ["--orders", "3800000"]
    assert "OPTIONS cannot be parted into words" in make("refresh", "OPTIONS=--vars 'x").stderr
    (makefile / ".venv" / ".ready").unlink()
    assert "Python 3.11 is needed" in make("build", "PYTHON=false; touch planted").stdout
    assert not (makefile / "planted").exists()


# Postgres


@pytest.fixture(scope="module")
def postgres(postgres_variables: dict[str, str]) -> Iterator[Callable[..., list[tuple]]]:
    """Let libpq's variables lead to a database of this file; return what runs statements there, for the last's rows."""
    with postgres_database(postgres_variables, "loaders") as variables, pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)

        def execute(*statements: str) -> list[tuple]:
            connection = psycopg2.connect("")
            connection.autocommit = True
            try:
                with connection.cursor() as cursor:
                    for statement in statements:
                        cursor.execute(statement)
                    return cursor.fetchall() if cursor.description else []
            finally:
                connection.close()

        yield execute


@pytest.fixture
def raw(postgres: Callable[..., list[tuple]]) -> Callable[..., list[tuple]]:
    """Return what runs statements on a database that holds nothing of this project or of others."""
    schemas = ("raw", "analyst", "staging", "marts", "operations", "reference", "oracle", "intermediate")
    postgres(*(f"drop schema if exists {schema} cascade" for schema in schemas), "create schema analyst")
    return postgres


def fill(folder: Path) -> dict[str, int]:
    return loading.fill("postgres", load_files.load, Namespace(folder=folder))


@pytest.mark.postgres
def test_postgres_keeps_a_companys_raw_table_and_what_reads_it(raw: Callable[..., list[tuple]], tmp_path: Path):
    raw(
        "create schema raw", "create table raw.orders as select 7 as mine",
        "create view analyst.report as select * from raw.orders", "create view raw.refunds as select 8 as mine",
    )  # fmt: skip
    with pytest.raises(LoadError, match=r"did not load, so they are left alone: orders, refunds\. .*PGDATABASE"):
        fill(folder_of(tmp_path / "files"))
    assert raw("select r.mine, f.mine from analyst.report as r, raw.refunds as f") == [(7, 8)]
    assert raw("select count(*) from pg_class where relnamespace = 'raw'::regnamespace") == [(2,)]


@pytest.mark.postgres
def test_postgres_tables_of_the_same_columns_keep_their_grants_and_views(
    raw: Callable[..., list[tuple]], tmp_path: Path
):
    fill(folder_of(tmp_path / "files"))
    raw(
        "create view analyst.report as select order_id, customer_id from raw.orders",
        "grant select on raw.orders to public",
    )
    assert fill(folder_of(tmp_path / "files", orders=ORDERS + "2,bob,2024-05-02,1.00\n"))["orders"] == 2
    assert raw("select * from analyst.report order by 1") == [("1", "ada"), ("2", "bob")]
    assert raw("select has_table_privilege('pg_monitor', 'raw.orders', 'select')") == [(True,)]
    assert raw("select count(*) from raw.refunds") == [(0,)]


@pytest.mark.postgres
def test_postgres_tables_of_other_columns_are_made_anew_but_no_view_of_others_goes(
    raw: Callable[..., list[tuple]], tmp_path: Path
):
    fill(folder_of(tmp_path / "files"))
    parquet = tmp_path / "parquet"
    parquet.mkdir()
    duckdb.execute(f"copy (from read_csv('{tmp_path}/files/orders.csv')) to '{parquet}/orders.parquet'")  # typed
    raw(
        "create schema staging", "create schema operations",
        "create table operations.built_relations (relation_schema text, relation_name text)",
        "insert into operations.built_relations values ('staging', 'of_dbt'), ('staging', 'of_of_dbt')",
        "create view staging.of_dbt as select * from raw.orders",
        "create view staging.of_of_dbt as select * from staging.of_dbt",
        "create view analyst.report as select * from staging.of_of_dbt",
    )  # fmt: skip
    with pytest.raises(LoadError, match=r"raw tables orders have changed.* reads them: analyst\.report\. Drop"):
        fill(parquet)
    assert raw("select order_id from analyst.report") == [("1",)]
    raw("drop view analyst.report")
    fill(parquet)
    assert raw("select order_id, gross_amount from raw.orders") == [(1, 10.0)]
    assert raw("select to_regclass('staging.of_dbt'), to_regclass('staging.of_of_dbt')") == [(None, None)]


@pytest.mark.postgres
def test_no_value_is_in_what_postgres_says(raw: Callable[..., list[tuple]]):
    raw("create table analyst.t (n int primary key check (n < 5)); insert into analyst.t values (4)")
    for statement, words in [
        (f"select '{CANARY}'::int", "invalid input syntax for type integer"),
        ("insert into analyst.t values (4)", 'duplicate key value violates unique constraint "t_pkey"'),
        ("insert into analyst.t values (4711)", "violates check constraint"),
        ("select * from analyst.nothing", 'relation "analyst.nothing" does not exist'),
    ]:
        with pytest.raises(psycopg2.Error) as raised:
            raw(statement)
        said = postgres_copy.reason(raised.value)
        assert words in said
        assert not any(value in said for value in (CANARY, "4711", "(4)", "\n"))
