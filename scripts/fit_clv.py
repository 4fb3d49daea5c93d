"""Fit the parameters of predicted value on an engine that runs no Python itself: Postgres, Spark.

Builds what the fit reads (dbt build --select +int_clv_fit_stats), reads the bins of the open fit dates through dbt's
own connection, fits with customer_value/clv/estimation.py, and writes the table int_clv_fits, which the next `dbt
build` takes up. Run it before `dbt build`; slices that were built without a fit are opened again. On DuckDB `dbt build`
does all this by itself, and this command comes to the same.
"""

from __future__ import annotations

import argparse

from customer_value.clv import fit_clv


def main() -> None:
    """Parse the arguments, fit, say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", choices=["duckdb", "postgres", "spark", "spark_session"], default="duckdb")
    parser.add_argument("--vars", help="dbt's --vars, where the build gets some too")
    parser.add_argument("--full-refresh", action="store_true", help="fit every date, where the build is a full one")
    arguments = parser.parse_args()
    fit_clv.run(arguments.target, arguments.vars, arguments.full_refresh)


if __name__ == "__main__":
    main()
