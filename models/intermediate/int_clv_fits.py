"""Parameters of predicted value for the open fit dates: scripts/clv.py on the bins of int_clv_fit_stats.

DuckDB alone runs Python inside dbt; for Postgres and Spark scripts/fit_clv.py fills the same table.
"""

import sys
from pathlib import Path


def model(dbt, session):
    """Return one row per open fit date."""
    dbt.config(materialized="table")
    settings = dbt.config.get("meta")
    scripts = Path.cwd() / "scripts"  # dbt goes to the project's root, whatever --project-dir says
    if str(scripts) not in sys.path:
        sys.path.append(str(scripts))
    import fit_clv

    dates = dbt.ref("int_clv_fit_dates").filter("is_open").order("as_of_date").fetchall()
    stats = dbt.ref("int_clv_fit_stats").df()
    return fit_clv.table(fit_clv.fits(dates, stats, settings["clv_model"], int(settings["clv_min_repeat_customers"])))
