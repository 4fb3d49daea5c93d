"""What DuckDB's store keeps and keeps from others: no deletion without a pointer, no damage unseen, nobody's eyes."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest
from conftest import warm
from publication import MODELS_ALONE, Publication, look, published_shop, steps

from customer_value import contract
from customer_value.project import PROJECT
from customer_value.publish import company_file, version_files
from customer_value.publish.duckdb_store import DuckDBStore
from customer_value.publish.publishing import Mart, NotNow, PublishError, Version, open_home
from customer_value.quoting import identifier
from customer_value.raw import loading
from customer_value.raw.loading import LoadError
from customer_value.refresh import refresh, rollback
from customer_value.refresh.run_records import Records, Run

CANARY = "zoe.canary@example.org"
OF_ADA = ["ada@example.com", "Ada Example", "1990-12-10"]  # in the fixture shop, and in no mart but customers
NOBODY = 65534
MARTS = [Mart("customer_value", "what each is worth", {"number": "which"}), Mart("customers", "who", {}, True)]
is_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")


class Killed(BaseException):
    """Stands for the end of the process: nothing that comes after it is carried out."""


def publish(store: DuckDBStore) -> int:
    """Publish a version as a refresh does, of marts that hold its number; return it."""
    store.recover()
    store.open_work()
    number = store.next_number()
    with duckdb.connect(str(store.database)) as connection:
        connection.execute("create schema if not exists marts")
        connection.execute(f"create or replace table marts.customer_value as select {number} as number")
        connection.execute(f"create or replace table marts.customers as select '{CANARY}' as email from range(3)")
    store.publish(Version(number, number, "then", "2024-01-01", None, None, {}, {"inputs": {}}), MARTS)
    return number


def home_of(folder: Path, versions: int) -> DuckDBStore:
    """Return a home with versions."""
    store = DuckDBStore(folder / "home", folder / "company.duckdb")
    open_home(store.home)
    for _ in range(versions):
        publish(store)
    return store


def shown(store: DuckDBStore) -> int:
    """Return the number that a reader finds in what is published."""
    with duckdb.connect(str(store.home / "current" / "analytics.duckdb"), read_only=True) as reader:
        return reader.execute("select number from marts.customer_value").fetchone()[0]


def content(home: Path) -> dict[str, str]:
    """Return {path: hash of the file, or where the link leads} of versions, warehouses and the link."""
    return {
        str(path.relative_to(home)): str(path.readlink()) if path.is_symlink() else version_files.checksum(path)
        for path in [*home.glob("current*"), *home.glob("versions/**/*"), *home.glob("state/warehouses/**/*")]
        if path.is_symlink() or path.is_file()
    }


# --- no deletion without a known pointer


def lose_link(home: Path) -> None:
    """Remove the link."""
    (home / "current").unlink()


def let_dangle(home: Path) -> None:
    """Let the link lead to nothing."""
    lose_link(home)
    (home / "current").symlink_to("versions/000009")


def copy_as_folder(home: Path) -> None:
    """Do what cp -rL does to the link."""
    folder = (home / "current").resolve()
    lose_link(home)
    shutil.copytree(folder, home / "current")


def damage_description(home: Path) -> None:
    """Cut the description of the current version off."""
    file = (home / "current" / "version.json").resolve()
    file.parent.chmod(0o755)
    file.chmod(0o644)
    file.write_text(file.read_text()[:40])


def lead_elsewhere(home: Path) -> None:
    """Let the link lead to a version of another home."""
    shutil.copytree((home / "current").resolve(), home.parent / "elsewhere")
    lose_link(home)
    (home / "current").symlink_to(home.parent / "elsewhere")


def lead_in_circles(home: Path) -> None:
    """Let the link lead to itself."""
    lose_link(home)
    (home / "current").symlink_to("current")


LOST = [lose_link, let_dangle, copy_as_folder, damage_description, lead_elsewhere, lead_in_circles]


@pytest.mark.parametrize("lose", LOST, ids=lambda lose: lose.__name__)
def test_nothing_is_removed_where_no_version_is_known_to_be_current(tmp_path: Path, lose: Callable[[Path], None]):
    store = home_of(tmp_path, 3)
    lose(store.home)
    before = content(store.home)
    assert store.current() is None
    with pytest.raises(PublishError) as raised:
        store.recover()
    message = str(raised.value)
    assert "Nothing was removed" in message
    number = int(re.search(r"make rollback VERSION=(\d+)", message)[1])
    assert f"There are versions {', '.join(map(str, range(1, number + 1)))};" in message
    assert number == (2 if lose is damage_description else 3)
    assert content(store.home) == before
    assert len(store.kept_warehouses()) == 3
    records = Records(store.state / "runs")
    if move := re.search(r"move it away first: (mv \S+ \S+)\.", message):
        with pytest.raises(PublishError, match="move it away first"):
            rollback.go_back(store, records, number)
        subprocess.run(move[1], shell=True, check=True)
    assert bool(move) == (lose is copy_as_folder)
    with pytest.raises(PublishError, match=r"name one of 1, 2.*: make rollback VERSION=n"):
        rollback.go_back(store, records, None)
    assert rollback.go_back(store, records, number).startswith(f"current: version {number},")
    assert store.recover() == ["not versions/000003, whose version.json cannot be read"] * (lose is damage_description)
    assert shown(store) == number
    assert shown(store) < publish(store) == shown(store)


def test_the_command_that_a_refresh_names_works_as_it_stands(tmp_path: Path):
    """The reproducer of issue 20: a refresh of nothing on a home whose link is gone."""
    store = home_of(tmp_path, 2)
    lose_link(store.home)
    before = content(store.home)
    home = Publication(tmp_path)
    done = home.refresh(data="/no/such/folder")
    assert done.returncode == 2, done.stdout
    assert "still published: nothing that is known to be current" in done.stderr
    assert content(store.home) == before
    command = re.search(r"make rollback VERSION=\S+( OPTIONS=\S+)?", done.stderr)[0]
    # the environment is there: make says what it would run, without making it anew
    outer = {name: "" for name in ("MAKEFLAGS", "MAKELEVEL")}  # of the make that may run these tests
    told = subprocess.run(
        f"{command} --dry-run",
        shell=True,
        cwd=PROJECT,
        env=os.environ | outer,
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = [line for line in told.stdout.splitlines() if "rollback.py" in line]
    given = dict(word.split("=", 1) for word in shlex.split(command) if "=" in word)  # which make hands on
    back = subprocess.run(
        line, shell=True, cwd=PROJECT, env=os.environ | given, capture_output=True, text=True, check=False
    )
    assert back.returncode == 0, back.stderr
    assert shown(store) == 2


def test_a_link_that_somebody_turned_by_hand_removes_nothing(tmp_path: Path):
    store = home_of(tmp_path, 3)
    lose_link(store.home)
    (store.home / "current").symlink_to(store.folder(1))  # as ln -sfn does
    before = content(store.home)
    with pytest.raises(PublishError, match=r"version 1, and no rollback took back .* \(2, 3\): somebody turned"):
        store.recover()
    assert content(store.home) == before
    store.roll_back(2, "now")
    assert store.recover() == []
    assert [version.withdrawn_at for version in store.versions()] == [None, None, "now"]
    assert publish(store) == 4


def test_versions_that_cannot_be_read_at_all_are_named_with_the_way_out(tmp_path: Path):
    store = home_of(tmp_path, 1)
    ledger = store.kept_warehouses()
    damage_description(store.home)
    before = content(store.home)
    with pytest.raises(PublishError, match="No version can be read in") as raised:
        store.recover()
    assert content(store.home) == before
    subprocess.run(str(raised.value).split("last warehouse: ")[1], shell=True, check=True)
    assert publish(store) == 2  # a number is never given twice
    assert store.kept_warehouses()[0] == ledger[0]


def test_two_warehouses_are_kept_by_everything(tmp_path: Path):
    store = home_of(tmp_path, 4)
    assert store.prune(2) == [1, 2]
    assert [file.parent.name for file in store.kept_warehouses()] == ["000003", "000004"]
    assert store.recover() == []
    assert len(store.kept_warehouses()) == 2


OPERATIONS = ["rename", "replace", "unlink", "mkdir", "chmod", "symlink", "rmdir", "fsync", "open"]


@pytest.fixture
def kill_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[], object]], bool]:
    """Return a function that runs another one until it touches the disk for the n-th time; true if it came so far."""

    def run(moment: int, work: Callable[[], object]) -> bool:
        left = moment

        def counted(operation: Callable) -> Callable:
            def touch(*arguments: object, **options: object) -> object:
                nonlocal left
                left -= 1
                if left < 0:
                    raise Killed
                return operation(*arguments, **options)

            return touch

        with monkeypatch.context() as patch:
            for name in OPERATIONS:
                patch.setattr(os, name, counted(getattr(os, name)))
            try:
                work()
            except Killed:
                return True
        return False

    return run


def prepared(store: DuckDBStore) -> Callable[[], object]:
    """Return what publishes the next version, with everything before that done."""
    store.recover()
    store.open_work()
    number = store.next_number()
    with duckdb.connect(str(store.database)) as connection:
        connection.execute("create schema if not exists marts")
        connection.execute(f"create or replace table marts.customer_value as select {number} as number")
        connection.execute("create or replace table marts.customers as select 'x' as email")
    return lambda: store.publish(Version(number, number, "then", None, None, None, {}, {}), MARTS)


WORK = {
    "the first publish": (0, prepared),
    "a publish": (2, prepared),
    "a rollback": (3, lambda store: lambda: store.roll_back(1, "later")),
    "a rollback of a rollback": (3, lambda store: store.roll_back(1, "now") and (lambda: store.roll_back(3, "later"))),
    "pruning": (4, lambda store: lambda: store.prune(1)),
}


@pytest.mark.parametrize("name", WORK)
def test_killed_at_any_touch_of_the_disk_the_next_refresh_goes_on(
    tmp_path: Path, name: str, kill_at: Callable[[int, Callable[[], object]], bool]
):
    versions, prepare = WORK[name]
    home_of(tmp_path / "origin", versions)
    outcomes = set()
    for moment in range(200):
        folder = tmp_path / str(moment)
        shutil.copytree(tmp_path / "origin", folder, symlinks=True)
        store = DuckDBStore(folder / "home", folder / "none")
        work = prepare(store)
        before = {version.number: version.withdrawn_at for version in store.versions()}
        current = store.current()
        if not kill_at(moment, work):
            break
        now = store.current()
        if now:
            assert shown(store) == now.number
            assert store.damage(now) == []
        is_turned = now != current and (now and now.number) != (current and current.number)
        outcomes.add(is_turned)
        if kill_at(moment % 7, store.recover):  # and recovering is killed too
            pass
        store.recover()
        after = {version.number: version.withdrawn_at for version in store.versions()}
        if not is_turned and name != "pruning":
            assert after == before
        assert (store.current() and store.current().number) == (now and now.number)
        if versions:
            assert len(store.kept_warehouses()) >= 2
        assert publish(store) == shown(store)
        assert all(store.damage(version) == [] for version in store.versions())
        assert len(store.versions()) == len(store.folders())  # none is half removed
        left = {path.name for path in store.numbered.iterdir()} | {path.name for path in store.warehouses.iterdir()}
        assert all(name.isdigit() for name in left), left
        assert not store.journal.file.exists()
        version_files.delete(folder)
    assert moment > 5
    assert outcomes == ({False} if name == "pruning" else {False, True})
    print(f"\n{name}: killed at {moment} touches of the disk")


def test_a_version_that_readers_saw_is_not_told_as_killed(tmp_path: Path):
    store = home_of(tmp_path, 2)
    records = Records(store.state / "runs")
    for number in (1, 2):
        records.save(Run(number, "then", step="publish"))
    lose_link(store.home)
    refresh.settle(records, store)
    assert [run.outcome for run in records.all()] == ["published", "published"]


# --- no damage unseen


def cut(file: Path) -> None:
    """Cut a file off."""
    with file.open("r+b") as stream:
        stream.truncate(file.stat().st_size // 2)


def turn_a_bit(file: Path) -> None:
    """Change a bit in the middle, and neither size nor time."""
    times = file.stat()
    with file.open("r+b") as stream:
        stream.seek(times.st_size // 2)
        byte = stream.read(1)[0]
        stream.seek(times.st_size // 2)
        stream.write(bytes([byte ^ 1]))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def add_a_log(file: Path) -> None:
    """Leave what a writer leaves."""
    file.with_name(file.name + ".wal").write_bytes(b"x")


def damaged(store: DuckDBStore, number: int, name: str, harm: Callable[[Path], None]) -> None:
    """Harm a file of a version, as its owner can."""
    store.folder(number).chmod(0o755)
    file = store.folder(number) / name
    file.chmod(0o644)
    harm(file)


HARMS = {
    cut: "its checksum differs",
    turn_a_bit: "its checksum differs",
    Path.unlink: "is gone",
    add_a_log: ".wal has been",
}


@pytest.mark.parametrize("name", ["analytics.duckdb", "full.duckdb"])
@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
def test_damage_is_found_and_no_rollback_goes_to_it(tmp_path: Path, harm: Callable[[Path], None], name: str):
    store = home_of(tmp_path, 3)
    assert refresh.damage_of(store) is None
    damaged(store, 3, name, harm)
    assert re.fullmatch(rf"version 3: {name}.*{HARMS[harm]}.*", refresh.damage_of(store))
    assert store.roll_back(2, "now").number == shown(store) == 2  # away from it
    with pytest.raises(PublishError, match=rf"^version 3 is damaged: {name}.* Whole are: 1, 2$"):
        rollback.go_back(store, Records(store.state / "runs"), 3)
    assert shown(store) == 2
    assert store.versions()[2].withdrawn_at == "now"


def test_a_report_belongs_to_its_version(tmp_path: Path):
    """It is sealed, has checksums, is found damaged, and comes back with a rollback; the next version has none."""
    store = home_of(tmp_path, 0)
    opened = store.open_work

    def draw() -> dict[str, str]:
        store.drawn.mkdir()
        (store.drawn / "index.html").write_text("drawn")
        return opened()

    store.open_work = draw  # after recover, which takes away what a killed run has drawn
    one = publish(store)
    store.open_work = opened
    two = publish(store)
    folder = store.folder(one)
    assert not (store.folder(two) / "report").exists() and not store.drawn.exists()
    assert [(folder / "report" / name).stat().st_mode & 0o777 for name in ("", "index.html")] == [0o555, 0o444]
    assert "report/index.html" in version_files.read(folder).checksums
    store.roll_back(one, "now")
    assert (store.home / "current" / "report" / "index.html").read_text() == "drawn"
    (folder / "report" / "index.html").chmod(0o644)
    (folder / "report" / "index.html").write_text("forged")
    said = "report/index.html is not the file that was published: its checksum differs"
    assert store.damage(store.current()) == [said]
    version_files.remove(folder)
    assert not folder.exists()


def test_a_version_of_a_release_without_checksums_is_held_against_its_counts(tmp_path: Path):
    store = home_of(tmp_path, 2)
    old = store.versions()[0]
    old.checksums, old.row_counts = {}, {"customer_value": 1}
    store.write([old])
    (store.folder(1) / "full.duckdb").unlink()
    assert store.damage(old) == []
    store.recover()
    assert (store.folder(1) / "analytics.duckdb").stat().st_mode & 0o777 == 0o400  # personal data may be in it
    store.roll_back(1, "now")
    assert (store.folder(1) / "analytics.duckdb").stat().st_mode & 0o777 == 0o444  # asked for
    old.row_counts = {"customer_value": 2}
    assert store.damage(old) == ["analytics.duckdb has 1 rows of customer_value, 2 were published"]
    damaged(store, 1, "analytics.duckdb", cut)
    assert "analytics.duckdb cannot be read: " in store.damage(old)[0]
    store.roll_back(2, "later")
    with pytest.raises(PublishError, match=r"Whole are: 2$"):
        store.roll_back(1, "later")


def test_an_old_version_that_cannot_be_read_is_told_and_left_alone(tmp_path: Path):
    store = home_of(tmp_path, 3)
    damaged(store, 1, "version.json", cut)
    assert store.recover() == ["not versions/000001, whose version.json cannot be read"]
    assert store.prune(1) == [2]
    assert (store.folder(1) / "full.duckdb").exists()


# --- nobody sees what is not theirs


def as_somebody(uid: int, code: str, *arguments: object) -> subprocess.CompletedProcess:
    """Run Python code as another user; what it imports is loaded before, because Python itself may be root's alone."""
    text = f"""
import json, os, sys
sys.path[:0] = [{str(PROJECT / "scripts")!r}, {str(PROJECT / "tests" / "python")!r}]
import duckdb, test_trust_duckdb as tests
duckdb.sql("select 1::decimal(5, 2), current_date").fetchall()
os.setgroups([]); os.setgid({uid}); os.setuid({uid})
{textwrap.dedent(code)}
"""
    with tempfile.TemporaryDirectory() as scratch:  # what the tests' modules make when they are imported is root's
        script = Path(scratch) / "somebody.py"
        script.write_text(text)
        command = [warm().python, str(script), *map(str, arguments)]
        environment = os.environ | {"TMPDIR": scratch}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


WRITER = """
file, errors = sys.argv[1], []
try:
    connection = duckdb.connect(file)
    connection.execute("update marts.customer_value set number = 99")
    connection.execute("checkpoint")
except duckdb.Error as error:
    errors.append(str(error))
for attempt in (
    lambda: open(file, "r+b"),
    lambda: os.unlink(file),
    lambda: open(file + ".wal", "wb"),
    lambda: open(os.path.dirname(file) + "/version.json", "w"),
):
    try:
        attempt()
    except OSError as error:
        errors.append(type(error).__name__)
print(json.dumps(errors))
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Return a folder that everybody may enter; pytest's own are for their owner alone."""
    folder = Path(tempfile.mkdtemp(prefix="customer-value-"))
    folder.chmod(0o755)
    yield folder
    version_files.delete(folder)


@is_root
@pytest.mark.parametrize("is_owner", [False, True], ids=["reader", "owner"])
def test_who_connects_read_write_cannot_alter_marts(open_folder: Path, is_owner: bool):
    umask = os.umask(0o077)
    try:
        store = home_of(open_folder, 1)
    finally:
        os.umask(umask)
    if is_owner:
        for path in [store.home, *store.home.rglob("*")]:
            os.lchown(path, NOBODY, NOBODY)
    done = as_somebody(NOBODY, WRITER, store.home / "current" / "analytics.duckdb")
    assert done.returncode == 0, done.stderr
    assert "Permission denied" in done.stdout
    assert done.stdout.count('"PermissionError"') == 4, done.stdout
    assert refresh.damage_of(store) is None
    assert shown(store) == 1


@is_root
def test_an_owner_who_is_not_root_publishes_rolls_back_and_prunes(open_folder: Path):
    """Sealed files and folders must not be in the way of those to whom they belong."""
    code = """
        import pathlib
        store = tests.home_of(pathlib.Path(sys.argv[1]), 3)
        store.roll_back(2, "now")
        tests.publish(store)
        print(store.prune(1), tests.shown(store), store.recover())
    """
    open_folder.chmod(0o777)
    done = as_somebody(NOBODY, code, open_folder)
    assert (done.returncode, done.stdout) == (0, "[1, 2, 3] 4 []\n"), done.stderr


READER = """
home, canaries = sys.argv[1], json.loads(sys.argv[2])
published = home + "/current/"
with duckdb.connect(published + "analytics.duckdb", read_only=True) as connection:
    found = {"customers": connection.execute("select count(*) from marts.customer_value").fetchone()[0]}
    found["canaries"] = tests.canaries_in(connection, canaries)
with open(published + "analytics.duckdb", "rb") as file:
    content = file.read()
found["bytes"] = [canary for canary in canaries if canary.encode() in content]
found["opened"] = []
for attempt in (
    lambda: open(published + "full.duckdb", "rb"),
    lambda: duckdb.connect(published + "full.duckdb", read_only=True),
    lambda: os.listdir(home + "/state"),
    lambda: open(home + "/state/refresh.jsonl"),
):
    try:
        found["opened"].append(str(attempt()))
    except (OSError, duckdb.Error) as error:
        assert "permission denied" in str(error).lower(), error
print(json.dumps(found))
"""


def found_by_a_reader(home: Path, canaries: list[str]) -> dict[str, object]:
    """Return what READER, who is nobody, finds in a home."""
    done = as_somebody(NOBODY, READER, home, json.dumps(canaries))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@is_root
@pytest.mark.parametrize("umask", [0o077, 0o000], ids=["narrow", "wide"])
def test_a_reader_opens_the_file_for_readers_and_nothing_else(open_folder: Path, umask: int):
    before = os.umask(umask)
    try:
        store = home_of(open_folder / "new" / "folders", 1)
    finally:
        os.umask(before)
    (store.state / "refresh.jsonl").touch()
    assert CANARY.encode() in (store.folder(1) / "full.duckdb").read_bytes()
    assert found_by_a_reader(store.home, [CANARY]) == {"customers": 1, "canaries": [], "bytes": [], "opened": []}


def canaries_in(connection: duckdb.DuckDBPyConnection, canaries: list[str]) -> list[str]:
    """Return table and column of everything in a database that holds a text."""
    columns = connection.execute(
        "select table_name, column_name from duckdb_columns() where schema_name = 'marts' order by all"
    ).fetchall()
    assert columns
    return [
        f"{table}.{column}"
        for table, column in columns
        if any(
            connection.execute(
                f'select count(*) from marts."{table}" where contains("{column}"::varchar, $1)', [canary]
            ).fetchone()[0]
            for canary in canaries
        )
    ]


@pytest.fixture(scope="module")
def shop_home(tmp_path_factory: pytest.TempPathFactory) -> Publication:
    """Return a home with version 1 of the shop, read from a company's file."""
    return published_shop(tmp_path_factory)[0]


def refreshed(home: Publication) -> subprocess.CompletedProcess:
    """Refresh from the company's file, under a umask that would keep readers out."""
    umask = os.umask(0o077)
    try:
        return home.refresh(data="raw", **MODELS_ALONE)
    finally:
        os.umask(umask)


def test_the_file_for_readers_holds_nothing_personal(shop_home: Publication):
    """Of a shop without a rejected row; test_privacy.py has those too."""
    with duckdb.connect(str(shop_home.full), read_only=True) as full:  # they are there to be found
        found = canaries_in(full, OF_ADA)
        marts = {mart for (mart,) in full.execute("select table_name from duckdb_tables()").fetchall()}
    assert set(found) == {"customers.birth_date", "customers.email", "customers.full_name"}
    assert OF_ADA[0].encode() in shop_home.full.read_bytes()
    with duckdb.connect(str(shop_home.published), read_only=True) as reader:
        assert canaries_in(reader, OF_ADA) == []
        shown = {mart for (mart,) in reader.execute("select table_name from duckdb_tables()").fetchall()}
    assert marts - shown == {"customers", "rejected_rows"}
    assert not any(canary.encode() in shop_home.published.read_bytes() for canary in OF_ADA)


@is_root
def test_a_reader_of_the_shop_opens_the_file_for_readers_and_nothing_else(shop_home: Publication):
    found = found_by_a_reader(shop_home.home, OF_ADA)
    assert found == {"customers": 12, "canaries": [], "bytes": [], "opened": []}
    state = shop_home.home / "state"
    assert state.stat().st_mode & 0o777 == 0o700
    shared = [path for path in state.rglob("*") if not path.is_symlink() and path.stat().st_mode & 0o077]
    assert [path for path in shared if not (PROJECT / path.relative_to(state)).exists()] == []  # gx: the project's own


def test_a_refresh_copies_the_tables_of_the_contract_alone(shop_home: Publication):
    (warehouse,) = (shop_home.home / "state" / "warehouses").glob("*/warehouse.duckdb")
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        rows = connection.execute("select table_name from duckdb_tables() where schema_name = 'raw'").fetchall()
    assert {table for (table,) in rows} == set(contract.sources())
    with duckdb.connect(str(shop_home.company), read_only=True) as company:
        assert company.execute("select count(*) from raw.payroll").fetchone() == (1,)


def test_a_refresh_finds_what_is_damaged_says_so_and_repairs_it(shop_home: Publication):
    """The reproducer of issue 20: a file cut off by hand was unchanged, exit code 0."""
    store = DuckDBStore(shop_home.home, shop_home.home)
    damaged(store, 1, "analytics.duckdb", cut)
    done = refreshed(shop_home)
    assert done.returncode == 0, done.stderr
    said = "version 1: analytics.duckdb is not the file that was published: its checksum differs"
    assert f"  warning: what readers saw was damaged: {said}; it is replaced\n" in done.stderr
    assert steps(done)["recover"]["damaged"] == said
    assert "unchanged_since" not in steps(done)["compare"]
    assert shop_home.record()["outcome"] == "published"
    findings = [each for each in shop_home.record()["findings"] if each.startswith("warning: ")]
    assert findings[0].startswith("warning: no published version is whole") and len(findings) == 2
    assert findings[1] == f"warning: what readers saw was damaged: {said}; it is replaced"
    assert look(shop_home.published) == 2
    assert refresh.damage_of(store) is None
    back = shop_home.rollback()
    assert back.returncode == 2
    assert "error: version 1 is damaged: analytics.duckdb " in back.stderr
    assert "Whole are: 2\n" in back.stderr
    assert refreshed(shop_home).returncode == 0
    assert shop_home.record()["outcome"] == "unchanged"


def test_what_was_taken_back_does_not_replace_what_is_damaged(tmp_path: Path):
    versions = [Version(number, number, "then", None, None, None, {}, {"a": 1}) for number in (1, 2)]
    versions[1].withdrawn_at = "now"
    run = refresh.Refresh.__new__(refresh.Refresh)
    run.store, run.damage = SimpleNamespace(versions=lambda: versions), "version 1: analytics.duckdb is gone"
    run.arguments = SimpleNamespace(force=False)
    with pytest.raises(refresh.Failed, match=r"is gone\), and there is nothing but what was taken back"):
        run.unchanged_since({"a": 1})
    assert run.unchanged_since({"a": 2}) is None
    versions[1].withdrawn_at = None
    assert run.unchanged_since({"a": 1}) is None
    run.damage = None
    assert run.unchanged_since({"a": 1}) is versions[1]


def test_what_is_damaged_is_no_measure_for_what_is_built(tmp_path: Path):
    store = home_of(tmp_path, 3)
    run = refresh.Refresh.__new__(refresh.Refresh)
    run.store, run.run, run.arguments = store, Run(4, "then"), SimpleNamespace(accept_anomalies=False)
    for number, whole in ((None, 3), (3, 2), (2, 1)):
        if number:
            damaged(store, number, "analytics.duckdb", cut)
        run.damage = refresh.damage_of(store)
        assert run.compared({"orders": ["1", "2"]}).number == whole
    damaged(store, 1, "analytics.duckdb", cut)
    with pytest.raises(refresh.Failed, match="the input has changed"):
        run.compared({"orders": ["1", "2"]})
    assert run.run.findings == []
    assert run.compared({}) is None
    assert "no published version is whole" in run.run.findings[0]
    run.arguments.accept_anomalies = True
    assert run.compared({"orders": ["1", "2"]}) is None


def test_what_readers_see_is_published_whatever_comes_after(tmp_path: Path):
    """A refresh that is stopped when it has turned the link has published, and its load counts as usual."""
    store = home_of(tmp_path, 1)
    run = Run(1, "then", version=1)

    def stopped() -> str:
        run.step = "prune"
        raise KeyboardInterrupt

    stopping = SimpleNamespace(
        run=run, store=store, refresh=stopped, built_in=str, warn=run.findings.append, records=store.records(),
        log=SimpleNamespace(is_terminal=False), damage=None,
    )  # fmt: skip
    assert refresh.finish(stopping) == 0
    (noted,) = store.records().all()
    assert (noted.outcome, noted.version) == ("published", 1)
    assert "step prune did not come to its end: it was stopped from outside" in noted.findings[0]
    run.run_id = 2
    assert refresh.finish(stopping) == 2


# --- attached files run no code


VARIABLES = {"raw_schema": "raw", "source_map": {}}


@pytest.fixture
def company(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a company's file, open, with a schema raw and a table of orders."""
    with duckdb.connect(str(tmp_path / "company.duckdb")) as connection:
        connection.execute("create schema raw; create table raw.orders as select 1 as order_id")
        yield connection


def copied(company: duckdb.DuckDBPyConnection, folder: Path, **variables: object) -> dict[str, list[tuple]]:
    """Close the company's file, load it as DATA=raw does, return {table of the warehouse: its rows}."""
    company.close()
    store = DuckDBStore(folder / "home", folder / "company.duckdb")
    store.open_work()
    store.load("raw", VARIABLES | variables)
    with duckdb.connect(str(store.database), read_only=True) as warehouse:
        tables = warehouse.execute("select schema_name, table_name from duckdb_tables() order by all").fetchall()
        return {
            f"{schema}.{table}": warehouse.execute(f"from {identifier(schema)}.{identifier(table)}").fetchall()
            for schema, table in tables
        }


OUTSIDE = {
    "a file": "from read_text('/proc/self/environ')",
    "a blob": "from read_blob('/etc/passwd')",
    "a CSV": "from read_csv('/etc/passwd', sep = ':', header = false)",
    "names of files": "from glob('/etc/*')",
    "a file by its name": "from '{file}'",
    "what a macro reads": "from outside('/etc/passwd')",
    "secrets": "from duckdb_secrets()",
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_view_of_something_outside_of_the_file_is_refused(
    tmp_path: Path, company: duckdb.DuckDBPyConnection, name: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PASSWORD", CANARY)
    company.execute("create macro outside(path) as table select * from read_text(path)")
    file = tmp_path / "file.csv"
    file.write_text("a,b\n1,2\n")
    company.execute(f"create view raw.refunds as {OUTSIDE[name].replace('{file}', str(file))}")
    with pytest.raises(LoadError, match=r"^raw.refunds of .*: it is a view of something outside") as raised:
        copied(company, tmp_path)
    assert CANARY not in str(raised.value)


def test_a_name_is_a_name(tmp_path: Path, company: duckdb.DuckDBPyConnection):
    crafted = 'refunds" as select 1 as a; create table main.ran(a int); --'
    schema = 'of "others"; create table main.ran(a int); --'
    for name in (schema, "raw"):
        place = identifier(name)
        company.execute(f"create schema if not exists {place}")
        company.execute(f"create table {place}.{identifier(crafted)} (refund_id int)")
    tables = copied(company, tmp_path, raw_schema=schema, source_map={"refunds": {"table": crafted}})
    assert tables == {f"{schema}.{crafted}": []}  # and no table that the names would have made


def test_only_what_the_project_reads_is_copied(tmp_path: Path, company: duckdb.DuckDBPyConnection):
    company.execute("create schema own; create table own.all_refunds as select 7 as refund_id")
    company.execute("create macro own.twice(x) as 2 * x")
    company.execute("create view raw.refunds as select own.twice(refund_id) as refund_id from own.all_refunds")
    for table in ("payroll", "raw_items", "prices", "events", "Customers"):
        company.execute(f"create table raw.{table} as select '{table}' as name")
    tables = copied(
        company,
        tmp_path,
        has_events=False,
        source_map={
            "order_items": {
                "table": "RAW_items",
                "columns": {"net_amount": "(select max(p.payroll) from raw.prices as p)", "quantity": 1},
            }
        },
    )
    assert tables == {
        "raw.Customers": [("Customers",)],
        "raw.orders": [(1,)],
        "raw.prices": [("prices",)],
        "raw.raw_items": [("raw_items",)],
        "raw.refunds": [(14,)],
    }


def test_the_connection_that_reads_a_company_s_file_can_reach_nothing_else(tmp_path: Path, company):
    company.close()
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        company_file.attach(connection, tmp_path / "company.duckdb")
        frame = duckdb.sql("select 1 as a")  # noqa: F841  a view could name a variable
        for statement in (
            "from read_text('/etc/passwd')",
            f"copy (select 1) to '{tmp_path}/out.csv'",
            f"attach '{tmp_path}/other.duckdb'",
            "install httpfs",
            "load httpfs",
            "from frame",
            "set enable_external_access = true",
            "set allowed_directories = ['/']",
            "set python_enable_replacements = true",
            "set autoload_known_extensions = true",
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(statement)
        connection.execute("create table t as from company.raw.orders")
    assert not (tmp_path / "out.csv").exists()


def test_a_large_copy_still_spills_to_the_disk(tmp_path: Path, company: duckdb.DuckDBPyConnection):
    rows = "select i, hash(i) as h, repeat('x', 50) as t from range(2000000) r(i) order by h"
    company.execute(f"create view raw.refunds as {rows}")
    company.close()
    little = {"memory_limit": "60MB", "threads": 1}
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), config=little) as connection:
        company_file.attach(connection, tmp_path / "company.duckdb")
        connection.execute("create table refunds as from company.raw.refunds")
        assert connection.execute("select count(*) from refunds").fetchone() == (2_000_000,)


def test_values_of_rows_are_not_in_the_message(tmp_path: Path, company: duckdb.DuckDBPyConnection):
    company.execute(f"create view raw.refunds as select cast(e as integer) as refund_id from (select '{CANARY}' as e)")
    with pytest.raises(LoadError, match=r"raw.refunds of .* cannot be read: ConversionException; a query") as raised:
        copied(company, tmp_path)
    assert CANARY not in str(raised.value)


def test_a_file_that_is_locked_or_not_there_is_not_refused_but_later(
    tmp_path: Path, company: duckdb.DuckDBPyConnection
):
    company.close()
    store = DuckDBStore(tmp_path / "home", tmp_path / "company.duckdb")
    store.open_work()
    code = f"import duckdb, time; c = duckdb.connect({str(store.source)!r}); print('open', flush=True); time.sleep(60)"
    writer = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert writer.stdout.readline() == "open\n"
    with pytest.raises(NotNow, match="is being written to"):
        store.load("raw", VARIABLES)
    writer.kill()
    writer.communicate()
    assert store.load("raw", VARIABLES) == "schema raw of company.duckdb"
    (mark,) = loading.held(store.database).values()  # the copy is the project's: files may replace it later
    assert mark.name == "schema raw of company.duckdb"
    store.source.rename(tmp_path / "away")
    with pytest.raises(NotNow, match="there is no database"):
        store.load("raw", VARIABLES)
    store.source.write_bytes(b"SQLite format 3\0" + bytes(4000))  # its first bytes must not choose an extension
    with pytest.raises(LoadError, match="it is not a valid DuckDB database file"):
        store.load("raw", VARIABLES)
