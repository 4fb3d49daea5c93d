"""Run a command beside a Spark cluster of its own, and stop the cluster when the command ends, however it ends.

    .venv-spark/bin/python scripts/spark_cluster.py -- .venv-spark/bin/dbt build --target spark

Spark standalone: a master, two workers of one core each and a Thrift server, on 127.0.0.1 at free ports, files and
metastore in a temporary folder, tables in Iceberg. When the master or the Thrift server dies, or the last worker, the
command is ended at once and the last lines of the dead server's log are printed. With --session there are no servers:
the command gets the same configuration for a Spark session inside its own process (target spark_session), for small
jobs. Needs Java 8, 11 or 17 and the environment .venv-spark (make spark).

exit codes: the command's own; 70 when a server died
"""

from __future__ import annotations

import argparse
import sys

from customer_value.engines import spark_cluster


def main() -> None:
    """Parse the arguments, run the command that follows --, exit with its exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--session", action="store_true", help="no servers: a session inside the command's process")
    parser.add_argument("command", nargs="+", help="what to run, after --")
    arguments = parser.parse_args()
    sys.exit(spark_cluster.run(arguments.command, arguments.session))


if __name__ == "__main__":
    main()
