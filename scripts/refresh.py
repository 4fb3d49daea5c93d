"""Refresh what dashboards read: load, guard, build and test away from them, then publish all at once or not at all.

DATA is as for make build: complete_journey, cdnow, a folder with one's own files, or raw (default): the raw tables of
CUSTOMER_VALUE_DATABASE, or of the Postgres that PG* names. What readers see is HOME/current/analytics.duckdb, schema
marts; on Postgres and Spark the schema published. The report is in HOME/current/report, on Postgres in HOME/report.
scripts/rollback.py goes back to an earlier version.

One line of JSON per step goes to HOME/state/refresh.jsonl and, unless it is a terminal, to the standard output.

exit codes:
  0  published, or nothing new to publish
  1  refused: what came in, or what was built of it, failed its checks. Look at the data
  2  failed: it could not be carried out. Look at the machine, the settings, the code
  3  another refresh is running. Nothing was done
  4  not now: a locked file, a database that does not answer or works at an earlier build, readers who hold a view. Run
     it again later
In all cases but the first what was published before stays as it was.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from customer_value.project import default_home
from customer_value.refresh import refresh


def main() -> None:
    """Parse the arguments, refresh, exit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", default="raw", metavar="DATA")
    parser.add_argument("--target", choices=["duckdb", "postgres", "spark"], default="duckdb")
    parser.add_argument("--vars", help="dbt's --vars")
    parser.add_argument(
        "--home", type=Path, default=default_home(), help="CUSTOMER_VALUE_PUBLISHED, else data/published"
    )
    parser.add_argument("--force", action="store_true", help="publish also where nothing has changed")
    parser.add_argument("--full-refresh", action="store_true", help="build all anew, as after a change of macros")
    parser.add_argument(
        "--accept-anomalies",
        action="store_true",
        help="publish also what is far from the last runs or less than the publication rules allow, this once",
    )
    parser.add_argument(
        "--no-report",
        dest="report",
        action="store_false",
        default=os.environ.get("CUSTOMER_VALUE_REPORT") != "no",
        help="draw no report of the version; CUSTOMER_VALUE_REPORT=no does the same",
    )
    os.umask(0o077)  # raw rows are in all that it writes but what it publishes
    # systemd stops with it; a shell starts what runs in its background with SIGINT ignored, so none is raised
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(refresh.run(parser.parse_args()))


if __name__ == "__main__":
    main()
