"""The build of a refresh: dbt build with its data tests, what became of each node, and in words what failed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from customer_value import dbt
from customer_value.publish.publishing import Store
from customer_value.refresh.run_records import Run


class Refused(Exception):
    """The data failed a check; the message says which, how many rows, and how to see them."""


class Failed(Exception):
    """The refresh could not be carried out; the message says why."""


def build(store: Store, run: Run, target: str, place: Path, tell: Callable[[str], None], *options: str) -> None:
    """Run dbt build with its data tests, and put into the run's record what it did.

    place: HOME/state, which gets dbt's messages and its target folder. tell: gets how far it has come. options: of dbt
    build. Raises Refused where checks failed, with the rows and how to see them, Failed where something else did.
    """
    try:
        with store.watched():
            built = dbt.build(target, place / "target", place / "build.log", tell, *options)
    except dbt.DbtError as error:
        raise Failed(str(error)) from error
    remember(store, run, built)
    if built.code:
        explain(run, built)


def remember(store: Store, run: Run, built: dbt.Built) -> None:
    """Put what dbt did into the record: every node, and what the build measures about itself."""
    run.invocation_id = built.invocation_id
    for result in built.results:
        node_type, node = result["unique_id"].split(".")[0], built.nodes.get(result["unique_id"], {})
        is_table = node_type == "seed" or node.get("config", {}).get("materialized") in ("table", "incremental")
        is_built = is_table and result["status"] == "success"
        rows = store.rows(f"select count(*) from {node['schema']}.{node['alias']}")[0][0] if is_built else None
        run.nodes.append(
            {
                "node_id": result["unique_id"],
                "node_type": node_type,
                "node_name": built.name(result),
                "status": result["status"],
                "seconds": result["execution_time"],
                "row_count": rows,
                "failures": result["failures"] if node_type == "test" else None,
            }
        )
    checks = built.checks()
    run.checks, run.checks_warned = len(checks), checks.count("warn")
    run.checks_failed = sum(status not in ("pass", "warn") for status in checks)
    names = ["measure", "subject", "measured", "usual", "deviation", "severity"]
    if any(node["node_name"] == "int_run_anomalies" and node["status"] == "success" for node in run.nodes):
        statement = f"select {', '.join(names)} from intermediate.int_run_anomalies order by 1, 2"
        run.measures = [dict(zip(names, row, strict=True)) for row in store.rows(statement)]
        ((as_of_date,),) = store.rows("select max(as_of_date) from marts.customer_value")
        run.as_of_date = as_of_date and str(as_of_date)


def explain(run: Run, built: dbt.Built) -> None:
    """Raise Refused where checks failed, Failed where something else did, with a line for each."""
    bad = [result["status"] for result in built.results if result["status"] in dbt.BAD]
    lines = built.failures(look="{look}")
    lines += [f"  {line}" for line in unusual(run)]
    lines += [f"      see them: {unusual_look(built.target)}"] if unusual(run) else []
    if any(found["severity"] == "stop" for found in run.measures):
        lines.append("  if that is right, --accept-anomalies publishes it this once; limits: var anomaly_thresholds")
    lines.append(f"  all that dbt said: {built.said}")
    raise (Refused if bad and set(bad) == {"fail"} else Failed)("\n".join(lines))


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
