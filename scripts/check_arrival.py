"""The arrival guard: judges what arrived before dbt builds anything. models/docs/guards.md says what it guards against.

The warehouse computes a profile of every source (macros/quality/arrival_*.sql), Great Expectations judges it by
gx/thresholds.yml, against the last accepted loads. Results: gx/uncommitted/data_docs/arrival.html, self-contained, and
Great Expectations' own Data Docs beside it. No row leaves the warehouse, but for up to three dates that cannot be read,
for the message; nothing is sent anywhere.

The accepted loads are remembered in FILE.arrivals.jsonl beside the DuckDB file, or data/TARGET.arrivals.jsonl; the
variable CUSTOMER_VALUE_ARRIVALS names another place. scripts/refresh.py has the records of its runs instead.

exit codes:
  0  accepted, perhaps with warnings
  1  stopped: do not build
  2  could not be judged: no database, dbt or the engine refused, a file that cannot be read. Do not build either
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from customer_value.arrival import check_arrival


def main() -> None:
    """Parse the arguments, check, exit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", choices=["duckdb", "postgres", "spark", "spark_session"], default="duckdb")
    parser.add_argument("--vars", help="dbt's --vars, where the build gets some too")
    parser.add_argument(
        "--restart-history",
        action="store_true",
        help="compare with no earlier load and remember this one as the first: after a change that is meant",
    )
    parser.add_argument(
        "--folder", type=Path, default=check_arrival.FOLDER, help="thresholds and results (default: gx)"
    )
    sys.exit(check_arrival.run(parser.parse_args()))


if __name__ == "__main__":
    main()
