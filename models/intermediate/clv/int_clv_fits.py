"""Parameters of predicted value for the open fit dates: scripts/customer_value/clv on the bins of int_clv_fit_stats.

DuckDB alone runs Python inside dbt; for Postgres and Spark scripts/fit_clv.py fills the same table.
"""

import re
import sys
from pathlib import Path


def scripts_folder():
    """Return the folder of this project's scripts: dbt goes to the root of the project it runs, perhaps another."""
    root = Path.cwd()
    settings = (root / "dbt_project.yml").read_text(encoding="utf-8")
    named = re.search(r"^packages-install-path:\s*[\"']?([^\"'#\n]+?)[\"']?\s*(#.*)?$", settings, re.MULTILINE)
    folders = [root, root / (named[1] if named else "dbt_packages") / "customer_value_warehouse"]
    for scripts in (folder / "scripts" for folder in folders):
        if (scripts / "customer_value" / "clv").exists():
            return str(scripts)
    raise FileNotFoundError(f"scripts/customer_value of this project is in none of {', '.join(map(str, folders))}")


def model(dbt, session):
    """Return one row per open fit date."""
    dbt.config(materialized="table")
    settings = dbt.config.get("meta")
    if scripts_folder() not in sys.path:
        sys.path.append(scripts_folder())
    from customer_value.clv import fit_clv

    dates = dbt.ref("int_clv_fit_dates").filter("is_open").order("as_of_date").fetchall()
    stats = dbt.ref("int_clv_fit_stats").df()
    return fit_clv.table(fit_clv.fits(dates, stats, settings["clv_model"], int(settings["clv_min_repeat_customers"])))
