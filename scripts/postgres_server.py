"""Run a command beside a Postgres server of its own, and stop the server when the command ends, however it ends.

    python scripts/postgres_server.py -- dbt build --target postgres

The server is the machine's (Debian's package postgresql, installed with apt-get where it is missing and may be). It
listens on 127.0.0.1 at a free port, with its files in a temporary folder. The command finds it through libpq's usual
variables PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE.
"""

from __future__ import annotations

import argparse
import sys

from customer_value.engines import postgres_server


def main() -> None:
    """Parse the arguments, run the command that follows --, exit with its exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", nargs="+", help="what to run, after --")
    sys.exit(postgres_server.run_beside(parser.parse_args().command))


if __name__ == "__main__":
    main()
