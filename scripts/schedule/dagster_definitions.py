"""Refresh every night with Dagster: the lineage of every dbt model, the history of its rows, one run that makes all.

    make dagster
    mkdir -p data/dagster && cp scripts/schedule/dagster.yaml data/dagster/
    export DAGSTER_HOME=$PWD/data/dagster CUSTOMER_VALUE_DATA=path/to/folder
    .venv-dagster/bin/dagster job execute -f scripts/schedule/dagster_definitions.py -j refresh    once, now
    .venv-dagster/bin/dagster-daemon run -f scripts/schedule/dagster_definitions.py                every night

The assets come from dbt's manifest, but nothing here runs dbt build: that would build where dashboards read. The body
runs scripts/refresh.py, which publishes all marts at once or none, in the project's own environment. So a refresh is
one step, whichever assets are selected; those selected are recorded.

Dagster and not Airflow with Cosmos, because it is lighter: its command line runs the job in one process, with SQLite
files that it makes itself. Airflow wants a metadata database that is set up first, a scheduler and an API server, and
Cosmos runs a task per model, which is just what writing aside, checking and publishing at once forbids.

CUSTOMER_VALUE_DATA: DATA of refresh.py, default raw. CUSTOMER_VALUE_PUBLISHED: its HOME, default data/published.
CUSTOMER_VALUE_RETRY_SECONDS: the wait before another try, default 600.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, dbt_assets

PROJECT = Path(__file__).resolve().parents[2]
PROGRAMS = PROJECT / ".venv" / "bin"  # not Dagster's own environment, which has neither an adapter nor DuckDB
DATA = os.environ.get("CUSTOMER_VALUE_DATA", "raw")
HOME = PROJECT / os.environ.get("CUSTOMER_VALUE_PUBLISHED", "data/published")
RETRY_SECONDS = float(os.environ.get("CUSTOMER_VALUE_RETRY_SECONDS", "600"))
REFUSED = 1


def manifest() -> Path:
    """Return dbt's manifest of the project as it is now; dbt parse makes it anew where a file is newer."""
    folder = PROJECT / "target" / "dagster"  # apart from what the build of a version writes
    file = folder / "manifest.json"
    sources = [PROJECT / "dbt_project.yml", *(PROJECT / "profiles").iterdir()]
    for name in ("models", "macros", "seeds", "tests"):
        sources += (path for path in (PROJECT / name).rglob("*") if path.suffix in (".sql", ".yml", ".md", ".csv"))
    if not file.exists() or file.stat().st_mtime < max(path.stat().st_mtime for path in sources):
        command = [str(PROGRAMS / "dbt"), "parse", "--quiet", "--target-path", str(folder)]
        subprocess.run([*command, "--log-path", str(folder)], cwd=PROJECT, check=True)
    return file


MANIFEST = manifest()
# dbt's tests run within the refresh, and a version is published only if they pass: they are no checks of Dagster's own
TRANSLATOR = DagsterDbtTranslator(settings=DagsterDbtTranslatorSettings(enable_asset_checks=False))
NODES = json.loads(MANIFEST.read_text(encoding="utf-8"))["nodes"]


def run_refresh(context: dg.AssetExecutionContext) -> list[dict[str, Any]]:
    """Run scripts/refresh.py, log its lines as they come, return them; raise Failure with its message."""
    command = [str(PROGRAMS / "python"), "scripts/refresh.py", DATA, "--home", str(HOME)]
    lines = []
    with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
        process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            for text in process.stdout:
                context.log.info(text.strip())
                lines.append(json.loads(text))
            code = process.wait()
        finally:  # the run was stopped in Dagster: so must be the refresh, which cleans up after itself
            if process.poll() is None:
                process.terminate()
                process.wait()
        errors.seek(0)
        message = errors.read().strip()
    if code:
        # 1: the same data would be refused again. 2: many faults of a machine pass. 3: another refresh ends, and then
        # this one finds nothing new, or publishes what has come since. 4: a locked file, an absent database: it passes
        metadata = {"exit_code": code, "message": dg.MetadataValue.text(message)}
        raise dg.Failure(message, metadata=metadata, allow_retries=code != REFUSED)
    return lines


@dbt_assets(
    manifest=MANIFEST,
    name="refresh_customer_value",
    dagster_dbt_translator=TRANSLATOR,
    retry_policy=dg.RetryPolicy(max_retries=2, delay=RETRY_SECONDS),
)
def customer_value(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
    """Refresh, and record every model and seed that the published version was made with."""
    lines = run_refresh(context)
    if not any(line["step"] == "publish" for line in lines):
        context.log.info("nothing new: no version was made, so nothing is recorded")
        return
    version = json.loads((HOME / "current" / "version.json").read_text(encoding="utf-8"))
    run = json.loads((HOME / "state" / "runs" / f"{version['run_id']:06}.json").read_text(encoding="utf-8"))
    for built in run["nodes"]:
        node = NODES.get(built["node_id"])
        key = node and TRANSLATOR.get_asset_key(node)
        is_made = built["node_type"] in ("model", "seed") and built["status"] == "success"
        if is_made and key in context.selected_asset_keys:
            metadata = {
                "version": version["number"],
                "as_of_date": version["as_of_date"],
                "seconds": built["seconds"],
                "published": node["alias"] in version["row_counts"],
            }
            rows = version["row_counts"].get(node["alias"], built["row_count"])  # unknown for views
            yield dg.MaterializeResult(
                asset_key=key, metadata=metadata | ({"dagster/row_count": rows} if rows is not None else {})
            )


refresh = dg.define_asset_job("refresh", selection=[customer_value])
defs = dg.Definitions(
    assets=[customer_value],
    jobs=[refresh],
    schedules=[
        dg.ScheduleDefinition(
            name="nightly",
            job=refresh,
            cron_schedule="15 3 * * *",
            execution_timezone="UTC",
            default_status=dg.DefaultScheduleStatus.RUNNING,  # as soon as the daemon runs, without a click
        )
    ],
    executor=dg.in_process_executor,  # it is one step
)
