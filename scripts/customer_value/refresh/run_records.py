"""What is remembered of every refresh: one JSON file per run, and the tables of the source operations made of them.

The files are the truth, so that runs which failed, or were killed, are remembered too; models/staging/_operations.yml
says what the tables hold. Each file is replaced in one step and is never half written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from customer_value.project import PROJECT

CONTRACT_FILE = PROJECT / "models" / "staging" / "_operations.yml"
SCHEMA = "operations"


def now() -> str:
    """Return the machine's time, UTC, to the second. For people alone: order comes from numbers, never from it."""
    return datetime.now(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")


@dataclass
class Run:
    """One refresh or rollback. run_id rises by 1; fields are those of operations.runs, nodes and measures its rows.

    arrival: the load as check_arrival.remembered() has it, with "restarts" where an unusual one was accepted.
    findings: what the arrival guard, the anomalies and the publication rules found, in words, with how to see it.
    """

    run_id: int
    started_at: str
    finished_at: str | None = None
    outcome: str = "running"
    step: str = "begin"
    message: str = ""
    version: int | None = None
    as_of_date: str | None = None
    data_origin: str | None = None
    invocation_id: str | None = None
    git_revision: str | None = None
    load_seconds: float | None = None
    arrival_seconds: float | None = None
    build_seconds: float | None = None
    publish_seconds: float | None = None
    checks: int | None = None
    checks_failed: int | None = None
    checks_warned: int | None = None
    nodes: list[dict[str, Any]] = field(default_factory=list)
    measures: list[dict[str, Any]] = field(default_factory=list)
    arrival: dict[str, Any] | None = None
    findings: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, described: dict[str, Any]) -> Run:
        """Return the run of a record, perhaps of another release: what only that knew is left out."""
        known = {each.name for each in fields(cls)}
        return cls(**{name: value for name, value in described.items() if name in known})


class Records:
    """The history of a store. Here that of DuckDB, files of a folder, runs/<run_id>.json; Postgres keeps a table."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def all(self) -> list[Run]:
        """Return the runs, oldest first. A file that cannot be read is an OSError or ValueError with its name."""
        runs = []
        for file in sorted(self.folder.glob("*.json")):
            try:
                runs.append(Run.of(json.loads(file.read_text(encoding="utf-8"))))
            except (ValueError, TypeError, AttributeError) as error:
                raise ValueError(f"{file} is no record of a run: {error}; move it away") from error
        return runs

    def next_id(self) -> int:
        """Return the number of a run that begins now: never one that an earlier run had."""
        earlier = self.all()
        return earlier[-1].run_id + 1 if earlier else 1

    def save(self, run: Run) -> None:
        """Write a run's record, whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(self.folder / f"{run.run_id:06}.json", json.dumps(asdict(run)))

    def prune(self, kept: int) -> None:
        """Forget all but the last runs."""
        for file in sorted(self.folder.glob("*.json"))[:-kept]:
            file.unlink()


def taken_back(runs: Iterable[Run]) -> set[int]:
    """Return the versions that rollbacks took back and that no later one returned to, as publishing.withdraw() marks.

    runs: oldest first. int_usual_measures reads the same from operations.runs.
    """
    published, found = set(), set()
    for run in runs:
        if run.outcome == "published" and run.version:
            published.add(run.version)
        elif run.outcome == "rolled_back" and run.version:
            found = found | {version for version in published if version > run.version}
            found.discard(run.version)
    return found


def usual_arrivals(runs: list[Run], withdrawn: set[int]) -> list[dict[str, Any]]:
    """Return the loads that a new one is compared with, oldest first: of runs whose version readers got and kept.

    runs: oldest first. withdrawn: versions that the store knows as taken back. A load that was accepted although it was
    far from those before it is the new usual: they do not count any more.
    """
    never = taken_back(runs) | withdrawn
    loads = [run.arrival for run in runs if run.outcome == "published" and run.version not in never and run.arrival]
    starts = [place for place, load in enumerate(loads) if load.get("restarts")]
    return loads[starts[-1] :] if starts else loads


def write_whole(file: Path, text: str, mode: int | None = None) -> None:
    """Replace a file in one step, and have the disk keep it before its name appears. mode: its, else as umask says."""
    draft = file.with_name(file.name + ".draft")
    draft.unlink(missing_ok=True)  # one that a killed process left may be read-only
    with draft.open("w", encoding="utf-8") as content:
        if mode is not None:
            os.fchmod(content.fileno(), mode)
        content.write(text)
        content.flush()
        os.fsync(content.fileno())
    draft.replace(file)


def tables(runs: Iterable[Run]) -> dict[str, tuple[dict[str, str], list[tuple]]]:
    """Return {table of the source operations: ({column: type}, rows)} for runs that have ended."""
    (source,) = yaml.safe_load(CONTRACT_FILE.read_text(encoding="utf-8"))["sources"]
    columns = {
        table["name"]: {column["name"]: column["data_type"] for column in table["columns"]}
        for table in source["tables"]
    }
    found: dict[str, list[dict]] = {name: [] for name in columns}
    for run in runs:
        if run.outcome != "running":
            found["runs"].append(asdict(run))
            found["run_nodes"] += [{"run_id": run.run_id} | node for node in run.nodes]
            found["run_measures"] += [{"run_id": run.run_id} | measure for measure in run.measures]
    return {
        name: (types, [tuple(row.get(column) for column in types) for row in found[name]])
        for name, types in columns.items()
    }
