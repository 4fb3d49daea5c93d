"""The main job: raw data in, guarded, marts out, and a summary. Steps whose input has not changed are left out."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

from customer_value import dbt, project, summary
from customer_value.arrival import check_arrival
from customer_value.privacy import keepers
from customer_value.project import PROJECT, project_hash
from customer_value.raw import datasets
from customer_value.raw.loading import LoadError
from customer_value.steps import Step, step

TARGET = PROJECT / os.environ.get("DBT_TARGET_PATH", "target")
STATE_FILE = TARGET / "build_state.json"


def is_unchanged(database: Path) -> bool:
    """Tell whether neither the project nor the database file changed since the last good build."""
    state = json.loads(STATE_FILE.read_text()) if STATE_FILE.exists() else {}
    return database.exists() and state.get("fingerprint") == fingerprint(database)


def guard(data: str, database: Path, this: Step) -> None:
    """Judge what arrived before anything is built of it, against earlier loads of the same data.

    Exits with 1 when a threshold of severity stop is passed, and with 2 when nothing can be judged.
    """
    name = hashlib.sha256(str(Path(data).resolve() if Path(data).is_dir() else data).encode()).hexdigest()[:8]
    try:
        outcome = check_arrival.check(file=database.with_suffix(f".{name}.arrivals.jsonl"))
    except check_arrival.CheckError as error:
        print(f"error: what arrived cannot be judged, so nothing is built: {error}", file=sys.stderr)
        raise SystemExit(2) from error
    this.outcome = f"accepted, warnings: {len(outcome.findings)}"
    if outcome.findings or outcome.notes:
        this.below = [f"      {line}" for line in outcome.report().splitlines()]
    if outcome.stopped:
        raise SystemExit("error: what arrived is not fit to be built from; what was built before stays as it was")


def fingerprint(database: Path) -> dict[str, object]:
    """Return what the marts depend on: the project's files, and the state of the database file."""
    status = database.stat()
    return {
        "project": project_hash(),
        "database": str(database.resolve()),
        "size": status.st_size,
        "modified": status.st_mtime_ns,
    }


def dbt_build(database: Path, this: Step) -> dict[str, int]:
    """Run dbt build with its data tests; return how many checks ran and passed. Exits with what failed, and why."""
    said = TARGET / "build.log"
    try:
        built = dbt.build("duckdb", TARGET, said, this.progress)
    except dbt.DbtError as error:
        raise SystemExit(f"error: {error}\nall that dbt said: {os.path.relpath(said)}") from error
    if built.code:
        failures = "\n".join(built.failures())
        raise SystemExit(f"error: {failures}\nall that dbt said: {os.path.relpath(said)}")
    this.outcome, this.below = f"{built.counts()} ({os.path.relpath(said)})", built.warnings()
    results = {"passed": built.checks().count("pass"), "checks": len(built.checks())}
    STATE_FILE.write_text(json.dumps({"fingerprint": fingerprint(database), "results": results}))
    return results


def run(data: str, database: Path) -> None:
    """Run the four steps. data: DATA of scripts/build.py. Exits with a message where one of them cannot be done."""
    try:
        with step("[1/4] load   ") as this:
            this.outcome = datasets.load(data, database)
            if data != "raw":  # a company's own tables are the company's to change
                keepers.keep_out(database, keepers.FileKeeper(project.default_home()), project.project_vars())
    except (LoadError, keepers.PrivacyError) as error:
        raise SystemExit(f"error: {error}") from error
    is_default = database == project.default_database()
    if not is_default:
        os.environ["CUSTOMER_VALUE_DATABASE"] = str(database.resolve())  # what dbt reads
    unchanged = is_unchanged(database)
    with step("[2/4] arrival") as this:
        if unchanged:
            this.outcome = "nothing has changed since the last build"
        else:
            guard(data, database, this)
    with step("[3/4] build  ") as this:
        if unchanged:
            this.outcome = "nothing has changed since the last one"
            results = json.loads(STATE_FILE.read_text())["results"]
        else:
            results = dbt_build(database, this)
    print(f"[4/4] summary\n\n{summary.render(database)}\n")
    print(f"Checks passed: {results['passed']} of {results['checks']}")
    setting = "" if is_default else f"CUSTOMER_VALUE_DATABASE={database.resolve()} "
    print(f"Marts: schema marts in {os.path.relpath(database)}. To open them:")
    print(f"  . .venv/bin/activate && {setting}dbt show --select customer_value --limit 10")
