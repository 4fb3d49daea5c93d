"""Rows of int_clv_fits from the bins of int_clv_fit_stats: within dbt on DuckDB, through dbt on other engines."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable

import numpy as np
import pandas as pd

from customer_value import messages
from customer_value.clv import estimation
from customer_value.dbt import dbt_program
from customer_value.processes import die_with_parent
from customer_value.project import PROJECT, project_vars

PARAMETERS = ["r", "alpha", "s", "beta", "a", "b", "p", "q", "gamma"]
NUMBERS = [*PARAMETERS, "log_likelihood", "spend_log_likelihood"]
COUNTS = ["customers", "repeat_customers", "spend_customers"]
TRUTHS = ["is_usable", "is_converged"]
TEXTS = ["state", "note", "spend_note"]
# what a fit reads: for each open date the bins of its customers, one row without a measure where it has none
INPUTS = """
select
    fit_dates.as_of_date,
    fit_dates.slice_version,
    stats.measure,
    stats.customers,
    stats.repeat_count,
    stats.last_purchase_age_days,
    stats.age_days,
    stats.repeat_net_revenue
from {{ ref('int_clv_fit_dates') }} as fit_dates
left join {{ ref('int_clv_fit_stats') }} as stats on fit_dates.as_of_date = stats.as_of_date
where fit_dates.is_open
"""


class FitError(Exception):
    """dbt or the engine refuses."""


def fits(dates: Iterable[tuple], stats: pd.DataFrame, model: str, minimum: int) -> list[dict]:
    """Return one row of int_clv_fits per fit date.

    dates: rows of int_clv_fit_dates, date and slice version first. stats: int_clv_fit_stats, its columns in their
    order. model: of estimation.MODELS. minimum: repeat customers below which a fit is refused.
    """
    by_date = stats.groupby([stats.iloc[:, 0].astype(str), stats.iloc[:, 1]])
    bins = {key: rows.iloc[:, 2:].to_numpy(dtype=float).T for key, rows in by_date}
    rows = []
    for as_of_date, slice_version, *_ in dates:
        count, x, t_x, T, _ = bins.get((str(as_of_date), "purchases"), np.zeros((5, 0)))
        bought = estimation.fit_purchases(model, x / count, np.minimum(t_x, T) / count, T / count, count, minimum)
        count, x, _, _, revenue = bins.get((str(as_of_date), "spend"), np.zeros((5, 0)))
        spent = estimation.fit_spend(x / count, revenue / x, count, minimum)
        row = {"fitted_as_of": as_of_date, "slice_version": slice_version, "model": model}
        row |= {name: (bought.parameters | spent.parameters).get(name) for name in PARAMETERS}
        row |= {"log_likelihood": bought.log_likelihood, "spend_log_likelihood": spent.log_likelihood}
        row |= {"customers": bought.customers, "repeat_customers": bought.repeat_customers}
        row |= {"spend_customers": spent.customers, "is_usable": bought.is_usable, "is_converged": bought.is_converged}
        row |= {"state": bought.state, "note": bought.note, "spend_note": spent.note}
        rows.append(row)
    return rows


def table(rows: list[dict]) -> object:
    """Return rows as a pyarrow table whose types do not depend on what is in them."""
    import pyarrow as pa

    types = {"fitted_as_of": pa.date32(), "slice_version": pa.string(), "model": pa.string()}
    types |= dict.fromkeys(NUMBERS, pa.float64()) | dict.fromkeys(COUNTS, pa.int64())
    types |= dict.fromkeys(TRUTHS, pa.bool_()) | dict.fromkeys(TEXTS, pa.string())
    return pa.Table.from_pylist(rows, schema=pa.schema(types.items()))


def dbt(target: str, variables: str | None, *arguments: str) -> str:
    """Run dbt on a target, return what it printed. Raises FitError with its messages."""
    command = [str(dbt_program(target)), "--no-use-colors", *arguments, "--target", target]
    command += ["--vars", variables] if variables else []
    try:
        done = subprocess.run(
            command, cwd=PROJECT, capture_output=True, text=True, check=False, preexec_fn=die_with_parent
        )
    except OSError as error:
        raise FitError(f"dbt cannot be started: {error}") from error
    if done.returncode:
        said = re.sub(r"^\s+at .*\n", "", done.stdout + done.stderr, flags=re.MULTILINE)  # Spark's stacks
        raise FitError(f"dbt {' '.join(arguments[:4])} failed:\n{messages.without_values(said)[-3000:]}")
    return done.stdout


def operation(target: str, variables: str | None, name: str, **arguments: object) -> str:
    """Run a macro on dbt's own connection, return what it printed."""
    options = ["--args", json.dumps(arguments)] if arguments else []
    return dbt(target, variables, "--quiet", "--print", "run-operation", name, *options)


def inputs(target: str, variables: str | None) -> tuple[list[tuple[str, str]], pd.DataFrame]:
    """Return the open fit dates with their slice versions, and int_clv_fit_stats, through dbt show."""
    printed = dbt(target, variables, "show", "--inline", INPUTS, "--output", "json", "--limit", "-1")
    shown, _ = json.JSONDecoder().raw_decode(printed, printed.index('{\n  "show"'))  # lines of the log go before it
    rows = [(row["as_of_date"][:10], row["slice_version"], *list(row.values())[2:]) for row in shown["show"]]
    dates = sorted({row[:2] for row in rows})
    return dates, pd.DataFrame([(row[0], *row[2:]) for row in rows if row[2]], columns=range(7))


def fit(target: str, variables: str | None = None, full_refresh: bool = False) -> list[dict]:
    """Fit the open fit dates of a target, in a full refresh all; return the rows written. Raises FitError."""
    operation(target, variables, "forget_missing_fits")
    last = "int_clv_fits" if target == "duckdb" else "int_clv_fit_stats"
    options = ["--full-refresh"] if full_refresh else []
    dbt(target, variables, "build", "--select", f"+{last}", "--exclude-resource-type", "test", "unit_test", *options)
    settings = project_vars(variables)
    rows = fits(*inputs(target, variables), settings["clv_model"], int(settings["clv_min_repeat_customers"]))
    if rows and target != "duckdb":
        operation(target, variables, "write_clv_fits", rows=rows)
    return rows


def run(target: str, variables: str | None, full_refresh: bool) -> None:
    """Fit the open dates of a target and say what came of each; exit with 1 where dbt or the engine refuses."""
    try:
        rows = fit(target, variables, full_refresh)
    except FitError as error:
        raise SystemExit(f"error: {error}") from error
    print(f"{len(rows)} fit dates are open" if rows else "no fit date is open: all fits stand")
    for row in rows:
        found = ", ".join(f"{name} {row[name]:.5g}" for name in PARAMETERS if row[name] is not None)
        said = "; ".join(text for text in (found, row["note"], row["spend_note"]) if text)
        print(f"{row['fitted_as_of']}  {row['model']}, {row['state']}: {said}")
