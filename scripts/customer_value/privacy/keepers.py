"""The key of a store and the list of people who were erased from it: who may stay a number, and who must not come back.

    DuckDB     HOME/state/privacy/key and suppressions.json (0600), the key also in the warehouse that is being built
    Postgres   tables operations.pseudonym_key and operations.suppressions

The list holds no id and no e-mail, only hashes of them with the key, and for each the anonymous key that stands in its
place. It is applied to our own copies of the raw tables after each load (suppress), never to a company's tables.
models/docs/privacy.md says what that protects from, and from what not.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from customer_value.contract import SCHEMA
from customer_value.privacy import compaction
from customer_value.privacy.personal_rows import Database, Person, erase_raw
from customer_value.privacy.who_is_who import identities, newcomers
from customer_value.quoting import identifier, quoted
from customer_value.refresh import run_records

KEY_TABLE = f"{run_records.SCHEMA}.pseudonym_key"
LIST_TABLE = f"{run_records.SCHEMA}.suppressions"
KEY_SQL = f"(select max(secret) from {KEY_TABLE})"
VARIABLE = "CUSTOMER_VALUE_KEY"


class PrivacyError(Exception):
    """The key or the list cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Suppression:
    """Who is kept out. kind: customer_id or email. hash: of the value, by hash_of. erased_key: what stands for it."""

    kind: str
    hash: str
    erased_key: str


def new_key() -> str:
    """Return CUSTOMER_VALUE_KEY, or a new random key: 64 hexadecimal digits. Raises PrivacyError for another text."""
    given = os.environ.get(VARIABLE)
    if given is not None and not re.fullmatch("[0-9a-f]{64}", given):
        raise PrivacyError(
            f"{VARIABLE} must be 64 hexadecimal digits in lower case, such as openssl rand -hex 32 gives"
        )
    return given or secrets.token_hex(32)


def pseudonym(key: str, value: str) -> str:
    """Return what macro pseudonym makes of a value."""
    inner = hashlib.md5((key + value).encode(), usedforsecurity=False).hexdigest()
    return hashlib.md5((key + inner).encode(), usedforsecurity=False).hexdigest()


def hash_of(key: str, kind: str, value: str) -> str:
    """Return the hash under which a value is on the list; another than its pseudonym, which is a guest's id."""
    return pseudonym(key, f"suppressed {kind}:{value}")


def hash_sql(kind: str, expression: str, key: str = KEY_SQL) -> str:
    """Return the SQL of hash_of. key: its SQL; on a server where it is kept, so that no log of statements has it."""
    return f"md5({key} || md5({key} || 'suppressed {kind}:' || {expression}))"


def has_guest_id(guest_id: str, key: str) -> Callable[[str], str]:
    """Return what makes the SQL that says whether an e-mail gives guests an id, or gave it before ids were keyed.

    key: its SQL, as for hash_sql.
    """
    hashed = quoted(guest_id.removeprefix("guest:"))
    return lambda email: f"({hashed} in (md5({key} || md5({key} || {email})), md5({email})))"


class Keeper(ABC):
    """Where the key and the list of a store are."""

    @abstractmethod
    def has_key(self) -> bool:
        """Say whether there is a key."""

    @abstractmethod
    def key(self) -> str:
        """Return the key; made where there is none."""

    @abstractmethod
    def suppressions(self) -> list[Suppression]:
        """Return the list."""

    @abstractmethod
    def add(self, suppressions: Iterable[Suppression]) -> None:
        """Put more on the list, at once or not at all."""

    def erased_key(self, kind: str, value: str) -> str:
        """Return the anonymous key that stands for a value: the one on the list, else a new one made by chance.

        It cannot be worked out of the value, by nobody: only the list leads from one to the other, and only for who has
        the key and the value.
        """
        hashed = hash_of(self.key(), kind, value)
        for each in self.suppressions():
            if (each.kind, each.hash) == (kind, hashed):
                return each.erased_key
        return "erased:" + secrets.token_hex(8)

    def suppress(self, person: Person) -> None:
        """Put a person on the list."""
        known = set(self.suppressions())
        wanted = [
            Suppression(kind, hash_of(self.key(), kind, value), key)
            for kind, values in (("customer_id", person.ids), ("email", person.emails))
            for value, key in values.items()
        ]
        if new := [each for each in wanted if each not in known]:
            self.add(new)


class Borrowed(Keeper):
    """The key and the list of another keeper, of which nothing is kept: for a look that changes nothing."""

    def __init__(self, keeper: Keeper) -> None:
        self.secret = keeper.key() if keeper.has_key() else secrets.token_hex(32)
        self.listed = keeper.suppressions()

    def has_key(self) -> bool:
        """Say that there is one."""
        return True

    def key(self) -> str:
        """Return the other's, or one that is forgotten."""
        return self.secret

    def suppressions(self) -> list[Suppression]:
        """Return the other's list."""
        return self.listed

    def add(self, suppressions: Iterable[Suppression]) -> None:
        """Remember them here alone."""
        self.listed = [*self.listed, *suppressions]


class FileKeeper(Keeper):
    """The key and the list of a HOME, for its owner alone."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "state" / "privacy"

    def has_key(self) -> bool:
        """Look for the file."""
        return (self.folder / "key").exists()

    def key(self) -> str:
        """Read the file, or make it."""
        file = self.folder / "key"
        if file.exists():
            found = file.read_text(encoding="utf-8").strip()
            if not re.fullmatch("[0-9a-f]{64}", found):
                raise PrivacyError(f"{file} is no key: it must hold 64 hexadecimal digits; take it from a backup")
            return found
        key = new_key()
        self.write(file, key + "\n")
        return key

    def suppressions(self) -> list[Suppression]:
        """Read the file."""
        file = self.folder / "suppressions.json"
        try:
            return [Suppression(**each) for each in json.loads(file.read_text(encoding="utf-8"))]
        except FileNotFoundError:
            return []
        except (ValueError, TypeError) as error:
            raise PrivacyError(f"{file} is no list of suppressions: take it from a backup") from error

    def add(self, suppressions: Iterable[Suppression]) -> None:
        """Replace the file."""
        everyone = [asdict(each) for each in [*self.suppressions(), *suppressions]]
        self.write(self.folder / "suppressions.json", json.dumps(everyone, indent=1))

    def write(self, file: Path, text: str) -> None:
        """Write a file that its owner alone can read, whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        draft = file.with_name(file.name + ".draft")
        draft.unlink(missing_ok=True)
        draft.touch(0o600)
        with draft.open("w", encoding="utf-8") as content:
            content.write(text)
            content.flush()
            os.fsync(content.fileno())
        draft.replace(file)


class TableKeeper(Keeper):
    """The key and the list of a Postgres database. database: in autocommit or in the caller's transaction."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def has_key(self) -> bool:
        """Look for the table and its row."""
        return self.database.has(KEY_TABLE) and bool(self.database.rows(f"select 1 from {KEY_TABLE}"))

    def key(self) -> str:
        """Read the table, or make it."""
        return put_key(self.database, None)

    def suppressions(self) -> list[Suppression]:
        """Read the table."""
        if not self.database.has(LIST_TABLE):
            return []
        return [Suppression(*row) for row in self.database.rows(f"select kind, hash, erased_key from {LIST_TABLE}")]

    def add(self, suppressions: Iterable[Suppression]) -> None:
        """Add rows."""
        make_table(
            self.database, LIST_TABLE, "kind varchar not null, hash varchar not null, erased_key varchar not null"
        )
        for each in suppressions:
            self.database.execute(f"insert into {LIST_TABLE} values (?, ?, ?)", [each.kind, each.hash, each.erased_key])


def make_table(database: Database, table: str, columns: str) -> None:
    """Make a table of the schema operations that nobody else may read."""
    database.execute(f"create schema if not exists {run_records.SCHEMA}")
    if not database.has(table):
        database.execute(f"create table {table} ({columns})")
        if database.engine == "postgres":
            database.execute(f"revoke all on {table} from public")  # where somebody's default privileges give it


def put_key(database: Database, key: str | None) -> str:
    """Have the models find the key in a database, and return it. key: None takes the one there, or makes one."""
    make_table(database, KEY_TABLE, "secret varchar not null")
    held = [row[0] for row in database.rows(f"select secret from {KEY_TABLE}")]
    if len(held) > 1 or (held and not re.fullmatch("[0-9a-f]{64}", held[0])):
        raise PrivacyError(f"{KEY_TABLE} must have one row with 64 hexadecimal digits; take it from a backup")
    key = key or (held[0] if held else new_key())
    if held != [key]:
        database.execute(f"delete from {KEY_TABLE}")
        database.execute(f"insert into {KEY_TABLE} values (?)", [key])
    return key


def suppress(database: Database, keeper: Keeper, schema: str, variables: dict[str, Any]) -> dict[str, int]:
    """Keep out of our own raw tables of a schema whoever is on the list; return {schema.table: rows of somebody}.

    The schema then holds what it held after the erasure: the person's rows, amounts and dates under the anonymous key,
    so that nothing of what was published changes. A new record with the e-mail of somebody erased, or merged into
    somebody erased, is that person's: its id goes on the list too. A table whose comment says neither that a loader
    filled it nor that it is a snapshot is somebody else's, and stays. variables: dbt's. Raises PrivacyError where var
    source_map works an id out.
    """
    everyone, ours = keeper.suppressions(), database.own_copies(schema)
    if not everyone or not ours:
        return {}
    hashed = hash_sql
    if database.engine == "postgres":
        keeper.key()
    else:
        hashed = partial(hash_sql, key=quoted(keeper.key()))
    listed = {(each.kind, each.hash): each.erased_key for each in everyone}
    try:
        person = identities(database, schema, variables, listed, hashed)
        for value in newcomers(database, schema, variables, person):
            person.ids.setdefault(value, keeper.erased_key("customer_id", value))
        if not person.ids and not person.emails:
            return {}
        keeper.suppress(person)
        return erase_raw(database, schema, variables, person, ours)
    except ValueError as error:
        raise PrivacyError(str(error)) from error


def loaded_schema(data: str, variables: dict[str, Any]) -> str:
    """Return the schema that DATA is loaded into: the loaders' own, whatever var raw_schema says, but for raw."""
    return variables["raw_schema"] if data == "raw" else SCHEMA


def after_load(store: Any, home: Path, data: str, variables: dict[str, Any]) -> int:
    """Have the models find the key where they need it, and keep out who is on the list; return the rows found.

    store: publishing.Store. Changes raw tables of ours alone: what was loaded, or the copy that a refresh made of the
    company's tables.
    """
    if hasattr(store, "after_load"):  # Spark, which kept out of what it loaded whoever is on the list
        return store.after_load(variables)
    if hasattr(store, "connection"):  # Postgres, where the company's own tables may be what is read
        schema = SCHEMA if data != "raw" else getattr(store, "built_from", None)
        database = Database(store.connection)
        with store.transaction():
            if variables.get("guest_orders") == "email":
                put_key(database, None)
            found = suppress(database, TableKeeper(database), schema, variables) if schema else {}
        for place in found:  # what was overwritten is still in the files
            database.execute(f"vacuum (full, analyze) {'.'.join(map(identifier, place.split('.', 1)))}")
        return sum(found.values())
    if variables.get("guest_orders") == "email":
        with duckdb.connect(str(store.database)) as connection:
            put_key(Database(connection), FileKeeper(home).key())
    return keep_out(store.database, FileKeeper(home), variables, loaded_schema(data, variables))


def keep_out(file: Path, keeper: FileKeeper, variables: dict[str, Any], schema: str = SCHEMA) -> int:
    """Keep who is on a home's list out of the raw tables that were loaded into a DuckDB file; return the rows found."""
    if not keeper.suppressions():
        return 0
    with duckdb.connect(str(file)) as connection:
        database = Database(connection)
        database.execute("begin")
        found = suppress(database, keeper, schema, variables)
        database.execute("commit")
    if found:  # what was overwritten is still in the file
        compaction.compact(file, variables["memory_limit"])
    return sum(found.values())
