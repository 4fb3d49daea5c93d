"""What published versions are, and what every store of them can do: duckdb_store.py, postgres_store.py, spark_store.py.

A version is a copy of all marts that nothing writes to any more. One of them is current: the one that readers see.
"""

from __future__ import annotations

import json
import shlex
from abc import ABC, abstractmethod
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from customer_value.project import PROJECT, default_home
from customer_value.refresh.run_records import Records, Run


class PublishError(Exception):
    """A version cannot be written, read or made current; the message says why and what still holds."""


class NotNow(Exception):
    """The refresh cannot be carried out now, but later it may: a locked file, a database that does not answer."""


@dataclass
class Version:
    """What is known of a published version. Its number rises by 1, whatever the clock says.

    fingerprint: what it was made of, {"project", "code", "vars", "inputs"}. row_counts: {mart: rows}. checksums:
    {file or mart: hash of its content}, empty for versions of a release that took none. variables: dbt's vars as
    they were. withdrawn_at: when a rollback went behind it, null where none did.
    """

    number: int
    run_id: int
    published_at: str
    as_of_date: str | None
    git_revision: str | None
    invocation_id: str | None
    variables: dict[str, Any]
    fingerprint: dict[str, Any]
    row_counts: dict[str, int] = field(default_factory=dict)
    checksums: dict[str, str] = field(default_factory=dict)
    withdrawn_at: str | None = None

    def to_json(self) -> str:
        """Return the version as a JSON text."""
        return json.dumps(asdict(self), indent=1, sort_keys=True, default=str)

    @classmethod
    def of(cls, described: dict[str, Any]) -> Version:
        """Return the version that to_json() described, perhaps by another release: what only that knew is left out."""
        known = {each.name for each in fields(cls)}
        return cls(**{name: value for name, value in described.items() if name in known})

    def __str__(self) -> str:
        taken_back = f", taken back {self.withdrawn_at}" if self.withdrawn_at else ""
        return f"version {self.number}, as of {self.as_of_date}, published {self.published_at} UTC{taken_back}"


@dataclass(frozen=True)
class Mart:
    """A mart as dbt's manifest knows it: its name, what it says of itself, {column: description}.

    is_personal: it holds personal data (meta contains_personal_data), so that few may read it.
    """

    name: str
    description: str
    columns: dict[str, str]
    is_personal: bool = False


def open_home(home: Path) -> None:
    """Make HOME, which lets readers through, and HOME/state, which is for its owner alone, whatever the umask is."""
    for folder in reversed([folder for folder in (home, *home.parents) if not folder.exists()]):
        folder.mkdir()
        folder.chmod(0o755)
    state = home / "state"
    state.mkdir(exist_ok=True)
    for folder in (state, *(state / name for name in ("work", "failed", "warehouses", "runs", "logs", "target", "gx"))):
        if folder.is_dir():
            folder.chmod(0o700)


def rollback_command(home: Path, number: int) -> str:
    """Return the command that makes a version of a home current."""
    is_default = home.resolve() == default_home().resolve()
    option = "" if is_default else f" OPTIONS={shlex.quote(f'--home={shlex.quote(str(home))}')}"
    return f"make rollback VERSION={number}{option}"


def marts(manifest: Path) -> list[Mart]:
    """Return the public models of a manifest, by name."""
    nodes = json.loads(manifest.read_text(encoding="utf-8"))["nodes"].values()
    return sorted(
        (
            Mart(
                node["alias"],
                node["description"].strip(),
                {column["name"]: column["description"].strip() for column in node["columns"].values()},
                bool(node["config"]["meta"].get("contains_personal_data")),
            )
            for node in nodes
            if node["resource_type"] == "model" and node["config"]["access"] == "public"
        ),
        key=lambda mart: mart.name,
    )


def impersonal_marts() -> list[str]:
    """Return the marts of this project that its YAML does not mark as personal data: what every reader may see."""
    found = []
    for file in sorted((PROJECT / "models" / "marts").rglob("*.yml")):
        for model in (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("models", []):
            config = model | model.get("config", {})  # dbt takes access and meta from either
            if config.get("access") == "public" and not config.get("meta", {}).get("contains_personal_data"):
                found.append(model["name"])
    return sorted(found)


class Store(ABC):
    """Where an engine builds and publishes. Used by one process at a time, under the lock of refresh/file_lock.py.

    built_from: the schema that a build reads instead of var raw_schema, a copy of one instant; None: that itself.
    """

    built_from: str | None = None

    @abstractmethod
    def records(self) -> Records:
        """Return the history of runs, one per store, wherever HOME is."""

    def obstacles(self, marts: Iterable[str]) -> list[str]:
        """Return what others made where marts of these names would be published, in words."""
        return []

    def readers_of_build(self) -> list[str]:
        """Return what others made of the tables that a build drops and makes anew."""
        return []

    def watched(self) -> AbstractContextManager[None]:
        """Return a context that stops the processes started in it, and raises, when the lock is lost meanwhile."""
        return nullcontext()

    @abstractmethod
    def damage(self, version: Version) -> list[str]:
        """Return what of a version is not as it was published, in words, empty if all is; without checksums: counts."""

    @abstractmethod
    def open_work(self) -> dict[str, str]:
        """Make the place to build in, from the last good build. Return what dbt's environment needs to find it."""

    @abstractmethod
    def load(self, data: str, variables: dict[str, Any]) -> str:
        """Fill the raw schema from DATA as make build takes it; return what was loaded. Raises LoadError."""

    @abstractmethod
    def inputs(self, schema: str) -> dict[str, list[str]]:
        """Return {raw table: [rows, hash of them in any order]}."""

    def begin_build(self) -> str | None:
        """Bring the tables that a build goes on from to what was last published, where it is built in place.

        Returns what of a build that was not published was taken out, for people.
        """
        return None

    @abstractmethod
    def write_records(self, runs: Iterable[Run]) -> None:
        """Replace the tables of the source operations."""

    @abstractmethod
    def rows(self, statement: str) -> list[tuple]:
        """Return the rows of a query on what is being built, and on marts of versions as published() names them."""

    @abstractmethod
    def published(self, mart: str, version: Version) -> str | None:
        """Return the name, for rows(), of a mart in a version, the same later; None where the version has none."""

    @abstractmethod
    def versions(self) -> list[Version]:
        """Return the versions that are there, oldest first."""

    @abstractmethod
    def current(self) -> Version | None:
        """Return the version that readers see, None before the first."""

    def seen(self) -> list[Version]:
        """Return the versions that readers saw at some time: not those whose publishing was killed half-way."""
        current = self.current()
        return [
            version
            for version in self.versions()
            if version.withdrawn_at or (current and version.number <= current.number)
        ]

    def next_number(self) -> int:
        """Return the number of the next version: never one that was given before."""
        return max((version.number for version in self.versions()), default=0) + 1

    @abstractmethod
    def publish(self, version: Version, tables: list[Mart]) -> None:
        """Copy the marts to a new version, count its rows into row_counts, make it current in one step."""

    @abstractmethod
    def roll_back(self, number: int, now: str) -> Version:
        """Make a version current and mark those after it as taken back; return it. Works where none is current.

        Raises PublishError where it is not there or damaged.
        """

    @abstractmethod
    def recover(self) -> list[str]:
        """Remove what killed refreshes left and readers never saw; return what that was, for people.

        Raises PublishError, and removes nothing, where versions are there and it is not known which is current.
        """

    @abstractmethod
    def close_work(self, keep: bool) -> str:
        """Remove what was built in, or keep it for a look where it failed; return how to look at it, or nothing."""

    @abstractmethod
    def prune(self, kept: int) -> list[int]:
        """Remove all but the last versions and the current one; return the numbers removed."""


def in_the_way(obstacles: list[str]) -> str:
    """Return what is to be done about what others made where marts are to be published."""
    return (
        f"this project did not make {', '.join(obstacles)}, and would publish under the same name, so it did nothing. "
        "Rename it or move it to another schema (alter ... rename to, alter ... set schema), then run this again"
    )


def superfluous(versions: list[Version], current: Version | None, kept: int) -> list[int]:
    """Return the numbers of the versions that may go: all but the last ones and the current one."""
    stays = {version.number for version in versions[-kept:]} | ({current.number} if current else set())
    return [version.number for version in versions if version.number not in stays]


def withdraw(versions: Iterable[Version], current: int, now: str) -> None:
    """Note that a rollback to a version takes back those after it, and that it stands itself."""
    for version in versions:
        if version.number > current:
            version.withdrawn_at = version.withdrawn_at or now
        elif version.number == current:
            version.withdrawn_at = None
