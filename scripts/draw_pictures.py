"""Draw the two charts of the report that the README shows, from Complete Journey as make build leaves it."""

from __future__ import annotations

import argparse
from pathlib import Path

from customer_value import report
from customer_value.project import PROJECT, default_database


def main() -> None:
    """Parse the arguments, draw the charts, name their files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=PROJECT / "assets", metavar="FOLDER")
    folder = parser.parse_args().folder
    for file in report.pictures(report.file_source(default_database()), folder):
        print(file)


if __name__ == "__main__":
    main()
