"""The main job: raw data in, guarded, marts out, and a summary. Steps whose input has not changed are left out.

DATA is complete_journey (default), cdnow, a folder with one's own files (see load_files.py), or raw: whatever the
raw schema already holds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from customer_value import build
from customer_value.project import default_database


def main() -> None:
    """Parse the arguments and run the four steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", default="complete_journey", metavar="DATA")
    parser.add_argument("--database", type=Path, default=default_database(), help="DuckDB file to build in")
    arguments = parser.parse_args()
    build.run(arguments.data, arguments.database)


if __name__ == "__main__":
    main()
