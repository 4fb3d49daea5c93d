"""The main job: raw data in, guarded, marts out, and a summary. Steps whose input has not changed are left out."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from customer_value import project, summary
from customer_value.arrival import check_arrival
from customer_value.privacy import keepers
from customer_value.project import PROJECT, project_hash
from customer_value.raw import load_cdnow, load_complete_journey, load_files, loading
from customer_value.raw.loading import LoadError, Origin

TARGET = PROJECT / os.environ.get("DBT_TARGET_PATH", "target")
STATE_FILE = TARGET / "build_state.json"


def loader_of(data: str) -> tuple[Callable[[], Origin], Callable[[argparse.Namespace], dict[str, int]]]:
    """Return what says where DATA comes from and what loads it; DATA is not raw."""
    if data == "complete_journey":
        return load_complete_journey.origin, load_complete_journey.load
    if data == "cdnow":
        return load_cdnow.origin, load_cdnow.load
    return partial(load_files.origin, Path(data)), load_files.load


def tell(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


def load(data: str, database: Path, say: Callable[[str], None] = tell) -> None:
    """Fill the raw schema unless it already holds that data. Raises LoadError when it must not or cannot."""
    loading.check_name(database)
    if data == "raw":
        say(f"[1/4] raw data: as found in {database}")
        return
    find_origin, loader = loader_of(data)
    origin = find_origin()
    held = loading.held(database)
    if held and set(held.values()) == {origin}:
        say(f"[1/4] raw data: already loaded, {origin.name}")
        return
    say(f"[1/4] raw data: loading {origin.name} ...")
    for table, rows in loader(argparse.Namespace(database=database, folder=Path(data))).items():
        say(f"      {table:<18}{rows:>12,} rows")


def is_unchanged(database: Path) -> bool:
    """Tell whether neither the project nor the database file changed since the last good build."""
    state = json.loads(STATE_FILE.read_text()) if STATE_FILE.exists() else {}
    return database.exists() and state.get("fingerprint") == fingerprint(database)


def guard(data: str, database: Path) -> None:
    """Judge what arrived before anything is built of it, against earlier loads of the same data.

    Exits with 1 when a threshold of severity stop is passed, and with 2 when nothing can be judged.
    """
    print("[2/4] arrival: judging what was loaded ...", flush=True)
    name = hashlib.sha256(str(Path(data).resolve() if Path(data).is_dir() else data).encode()).hexdigest()[:8]
    try:
        outcome = check_arrival.check(file=database.with_suffix(f".{name}.arrivals.jsonl"))
    except check_arrival.CheckError as error:
        print(f"error: what arrived cannot be judged, so nothing is built: {error}", file=sys.stderr)
        raise SystemExit(2) from error
    print("\n".join(f"      {line}" for line in outcome.report().splitlines()), flush=True)
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


def dbt_build(database: Path) -> dict[str, int]:
    """Run dbt build unless nothing changed since the last good one; return how many checks ran and passed.

    Exits when dbt does: it has said why by then.
    """
    if is_unchanged(database):
        print("[3/4] dbt build: nothing has changed since the last one", flush=True)
        return json.loads(STATE_FILE.read_text())["results"]
    print("[3/4] dbt build ...", flush=True)
    dbt = Path(sys.executable).with_name("dbt")
    finished = subprocess.run([str(dbt), "build"], cwd=PROJECT, check=False)
    if finished.returncode:
        raise SystemExit(f"error: dbt build failed (exit code {finished.returncode}); its messages above say where")
    nodes = json.loads((TARGET / "run_results.json").read_text())["results"]
    checks = [node for node in nodes if node["unique_id"].startswith(("test.", "unit_test."))]
    results = {"passed": sum(node["status"] == "pass" for node in checks), "checks": len(checks)}
    STATE_FILE.write_text(json.dumps({"fingerprint": fingerprint(database), "results": results}))
    return results


def run(data: str, database: Path) -> None:
    """Run the four steps. data: DATA of scripts/build.py. Exits with a message where one of them cannot be done."""
    try:
        load(data, database)
        if data != "raw":  # a company's own tables are the company's to change
            keepers.keep_out(database, keepers.FileKeeper(project.default_home()), project.project_vars())
    except (LoadError, keepers.PrivacyError) as error:
        raise SystemExit(f"error: {error}") from error
    is_default = database == project.default_database()
    if not is_default:
        os.environ["CUSTOMER_VALUE_DATABASE"] = str(database.resolve())  # what dbt reads
    if is_unchanged(database):
        print("[2/4] arrival: nothing has changed since the last build", flush=True)
    else:
        guard(data, database)
    results = dbt_build(database)
    print(f"[4/4] summary\n\n{summary.render(database)}\n")
    print(f"Checks passed: {results['passed']} of {results['checks']}")
    setting = "" if is_default else f"CUSTOMER_VALUE_DATABASE={database.resolve()} "
    print(f"Marts: schema marts in {os.path.relpath(database)}. To open them:")
    print(f"  . .venv/bin/activate && {setting}dbt show --select marts.customer_value --limit 10")
