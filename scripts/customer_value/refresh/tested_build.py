"""The build of a refresh: dbt build with all its tests, what became of each node, and in words what failed."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from customer_value import dbt
from customer_value.dbt import dbt_program
from customer_value.project import PROJECT
from customer_value.publish.publishing import Store
from customer_value.refresh.run_records import Run

SHOWN = 10  # failed checks that are told in full
# what macro say_rejects writes to dbt's messages: a line and its further lines, which are indented
REJECTS = re.compile(r"^\S+  ([\d,]+ of [\d,]+ orders rejected, .*\n(?:  .*\n)*)", re.MULTILINE)


class Refused(Exception):
    """The data failed a check; the message says which, how many rows, and how to see them."""


class Failed(Exception):
    """The refresh could not be carried out; the message says why."""


def build(store: Store, run: Run, options: list[str], output: Path, is_shown: bool) -> None:
    """Run dbt build, and put into the run's record what it did.

    options: of dbt build, with --target and --target-path. output: the file that gets dbt's messages, without values.
    is_shown: they go to the standard output too. Raises Refused where checks failed, with the rows and how to see them,
    Failed where something else did.
    """
    target, target_path = (options[options.index(name) + 1] for name in ("--target", "--target-path"))
    results = Path(target_path) / "run_results.json"
    results.unlink(missing_ok=True)
    command = [str(dbt_program(target)), "build", *options]
    with store.watched(), output.open("w", encoding="utf-8", buffering=1) as file:
        code = dbt.relay(command, PROJECT, [file, *([sys.stdout] if is_shown else [])])
    if not results.exists():
        raise Failed(f"dbt build ended with {code} before it began: {tail(output)}")
    found = dbt.clean_results(results)
    remember(store, run, found, json.loads(results.with_name("manifest.json").read_text(encoding="utf-8"))["nodes"])
    if code:
        rejects = REJECTS.search(output.read_text(encoding="utf-8"))
        explain(run, found["results"], target, rejects[1].splitlines() if rejects else [])


def remember(store: Store, run: Run, found: dict[str, Any], nodes: dict[str, Any]) -> None:
    """Put what dbt did into the record: every node, and what the build measures about itself.

    nodes: of the manifest.
    """
    run.invocation_id = found["metadata"]["invocation_id"]
    for result in found["results"]:
        node_type, node = result["unique_id"].split(".")[0], nodes.get(result["unique_id"], {})
        is_table = node_type == "seed" or node.get("config", {}).get("materialized") in ("table", "incremental")
        is_built = is_table and result["status"] == "success"
        rows = store.rows(f"select count(*) from {node['schema']}.{node['alias']}")[0][0] if is_built else None
        run.nodes.append(
            {
                "node_id": result["unique_id"],
                "node_type": node_type,
                "node_name": node.get("name", result["unique_id"].split(".")[-1]),
                "status": result["status"],
                "seconds": result["execution_time"],
                "row_count": rows,
                "failures": result["failures"] if node_type == "test" else None,
            }
        )
    checks = [node["status"] for node in run.nodes if node["node_type"] in ("test", "unit_test")]
    run.checks, run.checks_warned = len(checks), checks.count("warn")
    run.checks_failed = sum(status not in ("pass", "warn") for status in checks)
    names = ["measure", "subject", "measured", "usual", "deviation", "severity"]
    if any(node["node_name"] == "int_run_anomalies" and node["status"] == "success" for node in run.nodes):
        statement = f"select {', '.join(names)} from intermediate.int_run_anomalies order by 1, 2"
        run.measures = [dict(zip(names, row, strict=True)) for row in store.rows(statement)]
        ((as_of_date,),) = store.rows("select max(as_of_date) from marts.customer_value")
        run.as_of_date = as_of_date and str(as_of_date)


def explain(run: Run, results: list[dict[str, Any]], target: str, rejects: list[str]) -> None:
    """Raise Refused where checks failed, Failed where something else did, with a line for each.

    rejects: why orders were rejected, in lines for people.
    """
    bad = [result for result in results if result["status"] in ("error", "fail", "runtime error")]
    is_data = all(result["status"] == "fail" for result in bad) and bad
    lines = [f"{len(bad)} of {len(results)} nodes of dbt build failed:"]
    for result in bad[:SHOWN]:
        name = next(
            (node["node_name"] for node in run.nodes if node["node_id"] == result["unique_id"]),
            result["unique_id"],
        )
        if result["status"] == "fail" and result["unique_id"].startswith("test."):
            look = f"{{look}}dbt show --select {name} --target {target}"
            rows = f"{result['failures']:,} row{'s' if result['failures'] != 1 else ''}"
            lines += [f"  {name}: {rows}", f"      see them: {look}"]
        else:
            message = " ".join((result["message"] or "").split())
            lines.append(f"  {name}: {message[:600]}")
    lines += [f"  ... and {len(bad) - SHOWN} more: pipeline_run_nodes"] if len(bad) > SHOWN else []
    lines += [f"  {line}" for line in rejects]
    lines += [f"  {line}" for line in unusual(run)]
    lines += [f"      see them: {unusual_look(target)}"] if unusual(run) else []
    if any(found["severity"] == "stop" for found in run.measures):
        lines.append("  if that is right, --accept-anomalies publishes it this once; limits: var anomaly_thresholds")
    raise (Refused if is_data else Failed)("\n".join(lines))


def unusual_look(target: str) -> str:
    """Return the command that shows all measures of the build beside the usual ones."""
    query = "select * from intermediate.int_run_anomalies where severity in ('report', 'stop') order by 1, 2"
    return f'{{look}}dbt show --inline "{query}" --target {target}'


def unusual(run: Run) -> list[str]:
    """Return a line for each measure that is far from the last runs."""
    lines = []
    for found in run.measures:
        if found["severity"] in ("report", "stop"):
            form = ".1%" if found["measure"].endswith("_share") else ",.0f"
            measured, usual = (format(found[name], form) for name in ("measured", "usual"))
            lines.append(
                f"{found['severity']}: {found['measure']} of {found['subject']} is {measured}, usually {usual}"
            )
    return lines


def tail(file: Path) -> str:
    """Return the last lines of a file."""
    return "\n".join(file.read_text(encoding="utf-8").splitlines()[-15:])
