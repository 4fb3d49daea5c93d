"""Print what the marts say, on one screen: customers and revenue by tier, by segment, by lifecycle stage."""

from __future__ import annotations

import argparse
from pathlib import Path

from customer_value import summary
from customer_value.project import default_database


def main() -> None:
    """Parse the arguments, print the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", type=Path, default=default_database(), help="DuckDB file to read")
    print(summary.render(parser.parse_args().database))


if __name__ == "__main__":
    main()
