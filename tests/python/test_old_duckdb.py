"""A client of the release before opens what is published: the tools of readers are often a release behind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from conftest import Warehouse
from publication import PERSONAL

from customer_value.project import PROJECT
from customer_value.publish.duckdb_store import copy_marts
from customer_value.publish.publishing import Mart

OLD = PROJECT / ".venv-old-duckdb" / "bin" / "python"
# rows of each mart, and sums that need its decimals, doubles and dates
READ = """
import duckdb, json, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
connection.execute("set TimeZone = 'UTC'")
marts = [name for (name,) in connection.execute("select table_name from duckdb_tables() order by 1").fetchall()]
rows = {mart: connection.execute(f"select count(*) from marts.{mart}").fetchone()[0] for mart in marts}
last = connection.execute(
    "select cast(max(as_of_date) as varchar), cast(sum(net_revenue) as varchar), "
    "(select comment from duckdb_tables() where table_name = 'customer_value'), sum(expected_gap_days) "
    "from marts.customer_value"
).fetchone()
print(json.dumps([duckdb.__version__[:4], rows, last[:3], last[3]]))
"""


def read(python: str | Path, file: Path) -> list:
    """Return what a client reads from a file: its version, rows by mart, values of customer_value."""
    done = subprocess.run([str(python), "-c", READ, str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(not OLD.exists(), reason="no old DuckDB; make .venv-old-duckdb/.ready installs it")
def test_an_old_client_reads_what_is_published_as_a_new_one_does(shop: Warehouse, tmp_path: Path):
    published, by_default = tmp_path / "analytics.duckdb", tmp_path / "default.duckdb"
    with duckdb.connect(str(shop.database)) as connection:
        found = connection.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
        marts = [Mart(name, f"{name}.", {}) for (name,) in found if f"marts.{name}" not in PERSONAL]
        counts = copy_marts(connection, published, marts)
        connection.execute(f"attach '{by_default}' as by_default")
        connection.execute("create table by_default.numbers as select 1 as number")
    old, new = read(OLD, published), read(sys.executable, published)
    assert (old[0], new[0]) == ("1.5.", "2.0.")
    assert old[1] == new[1] == counts
    assert (old[2], old[3]) == (new[2], pytest.approx(new[3], rel=1e-12))
    # and the reason for the test: without the storage version of version_files.py it could not
    refused = subprocess.run([str(OLD), "-c", READ, str(by_default)], capture_output=True, text=True, check=False)
    assert "created with a newer version of DuckDB" in refused.stderr
