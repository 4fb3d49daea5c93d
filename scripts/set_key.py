"""Make the key that ids of guests by e-mail rest on (var guest_orders: email), once per database.

scripts/refresh.py does it by itself; this is for dbt build without refreshes. The key is random, or CUSTOMER_VALUE_KEY
where that is set (64 hexadecimal digits): the same key gives the same ids. A key that is there stays. Keep it with the
backups: without it, guests get other ids.

exit codes: 0 there is a key now; 2 it could not be made
"""

from __future__ import annotations

import argparse
import os
import sys

import duckdb
import fit_clv
import messages
import privacy
import psycopg2
import raw_schema
from personal_rows import Database


def make(target: str) -> None:
    """Make the key in a target of profiles/profiles.yml."""
    if target == "duckdb":
        with duckdb.connect(str(raw_schema.default_database())) as connection:
            privacy.put_key(Database(connection), None)
    elif target == "postgres":
        with psycopg2.connect("") as connection:
            privacy.put_key(Database(connection), None)
    else:  # Spark is reached through dbt alone, whose log and results must not hold the key; a key that is there stays
        os.environ |= {"DBT_LOG_LEVEL_FILE": "none", "DBT_WRITE_JSON": "false"}
        table = privacy.KEY_TABLE
        statements = [
            "create schema if not exists operations",
            f"create table if not exists {table} (secret string)",
            f"insert into {table} select '{privacy.new_key()}' where (select count(*) from {table}) = 0",
        ]
        fit_clv.operation(target, None, "run_statements", statements=statements)


def main() -> None:
    """Parse the arguments, make the key, exit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", choices=["duckdb", "postgres", "spark", "spark_session"], default="duckdb")
    arguments = parser.parse_args()
    try:
        make(arguments.target)
    except (privacy.PrivacyError, duckdb.Error, psycopg2.Error, fit_clv.FitError, OSError) as error:
        print(f"error: {messages.told(error)}", file=sys.stderr)
        sys.exit(2)
    print(f"there is a key in {privacy.KEY_TABLE}; keep it with the backups")


if __name__ == "__main__":
    main()
