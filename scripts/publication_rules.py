"""Run the query that a finding of the publication rules names, and print at most 20 rows.

It runs on the DuckDB warehouse of CUSTOMER_VALUE_DATABASE with the versions of HOME beside it; dbt show sees one file
alone.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from customer_value.publish import publication_rules


def main() -> None:
    """Parse the arguments, print the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("query", help="SELECT of a finding")
    parser.add_argument("--home", type=Path, required=True, help="where versions are")
    arguments = parser.parse_args()
    publication_rules.show(arguments.query, arguments.home)


if __name__ == "__main__":
    main()
