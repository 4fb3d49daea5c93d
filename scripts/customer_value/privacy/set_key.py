"""The key that ids of guests by e-mail rest on, made in a database."""

from __future__ import annotations

import os
import sys

import duckdb
import psycopg2

from customer_value import messages, project
from customer_value.clv import fit_clv
from customer_value.privacy import keepers
from customer_value.privacy.personal_rows import Database


def make(target: str) -> None:
    """Make the key in a target of profiles/profiles.yml."""
    if target == "duckdb":
        with duckdb.connect(str(project.default_database())) as connection:
            keepers.put_key(Database(connection), None)
    elif target == "postgres":
        with psycopg2.connect("") as connection:
            keepers.put_key(Database(connection), None)
    else:  # Spark is reached through dbt alone, whose log and results must not hold the key; a key that is there stays
        os.environ |= {"DBT_LOG_LEVEL_FILE": "none", "DBT_WRITE_JSON": "false"}
        table = keepers.KEY_TABLE
        statements = [
            "create schema if not exists operations",
            f"create table if not exists {table} (secret string)",
            f"insert into {table} select '{keepers.new_key()}' where (select count(*) from {table}) = 0",
        ]
        fit_clv.operation(target, None, "run_statements", statements=statements)


def run(target: str) -> int:
    """Make the key in a target and say where it is; return the exit code."""
    try:
        make(target)
    except (keepers.PrivacyError, duckdb.Error, psycopg2.Error, fit_clv.FitError, OSError) as error:
        print(f"error: {messages.told(error)}", file=sys.stderr)
        return 2
    print(f"there is a key in {keepers.KEY_TABLE}; keep it with the backups")
    return 0
