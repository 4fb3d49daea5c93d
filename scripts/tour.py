"""A tour: a generated shop with all ten sources, built, and its report, in data/tour. What a newcomer opens first.

The shop has 20,000 orders and, of every kind of fault that the project knows, a few rows; none of it is real.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from customer_value import build, report
from customer_value.project import PROJECT
from customer_value.shop import generate_shop

ORDERS = 20_000


def main() -> None:
    """Parse the arguments; write the shop, build it, draw its report; say where it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=PROJECT / "data" / "tour", metavar="FOLDER")
    folder = parser.parse_args().folder
    generate_shop.run(folder / "shop", ORDERS, seed=1, dirty=True)
    database = folder / "warehouse.duckdb"
    build.run(str(folder / "shop"), database)
    try:
        faults = report.render(report.file_source(database), folder / "report")
    except (report.ReportError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    print(*(f"warning: the report lacks a {fault}" for fault in faults), sep="\n", end="")
    print(f"\nReport: {folder / 'report' / report.INDEX}")


if __name__ == "__main__":
    main()
