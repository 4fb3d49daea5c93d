"""Make the key that ids of guests by e-mail rest on (var guest_orders: email), once per database.

scripts/refresh.py does it by itself; this is for dbt build without refreshes. The key is random, or CUSTOMER_VALUE_KEY
where that is set (64 hexadecimal digits): the same key gives the same ids. A key that is there stays. Keep it with the
backups: without it, guests get other ids.

exit codes: 0 there is a key now; 2 it could not be made
"""

from __future__ import annotations

import argparse
import sys

from customer_value.privacy import set_key


def main() -> None:
    """Parse the arguments, make the key, exit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", choices=["duckdb", "postgres", "spark", "spark_session"], default="duckdb")
    sys.exit(set_key.run(parser.parse_args().target))


if __name__ == "__main__":
    main()
