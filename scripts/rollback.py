"""Go back to an earlier published version at once, or list them. Nothing is built; readers see it from then on.

Versions after it stay until they are pruned, marked as taken back. The next refresh publishes nothing while its input
is that of the version taken back, unless it is given --force; new input is published as always.

exit codes: 0 done; 2 there is no such version, it is damaged, or it could not be made current; 3 a refresh is running;
4 not now: the database does not answer, or readers hold a view; run it again later
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from customer_value.project import default_home
from customer_value.refresh import rollback


def main() -> None:
    """Parse the arguments, go back or list, exit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("version", nargs="?", type=int, metavar="VERSION", help="its number; default: the one before")
    parser.add_argument("--list", action="store_true", help="list the versions, the current one with *")
    parser.add_argument("--target", choices=["duckdb", "postgres", "spark"], default="duckdb")
    parser.add_argument("--home", type=Path, default=default_home())
    sys.exit(rollback.run(parser.parse_args()))


if __name__ == "__main__":
    main()
