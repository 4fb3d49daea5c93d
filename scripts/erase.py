"""Erase a customer: out of every version, build, ledger, record and log of a store, for good.

The orders, amounts and dates stay under an anonymous key, which nobody can work out, so that every total stays to the
cent. The person is whoever CUSTOMER_ID is: all ids merged with it, the guest orders of its e-mail. A list of keyed
hashes keeps the person out when the sources deliver it again; the sources are the company's own, and must erase too.

Ends with a second search, and writes what was found where, in numbers and never in words, to a certificate:
HOME/state/privacy/certificates/NNNNNN.json. models/docs/privacy.md says what this cannot reach.

exit codes:
  0  erased, and the second search found nothing
  1  there is no such customer. It is on the list all the same
  2  it could not be carried out in full. Run it again; the message or the certificate says what is left
  3  a refresh is running. Nothing was changed
  4  not now: a database that does not answer. Run it again later
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from customer_value.privacy import erase
from customer_value.project import default_home


def main(given: Iterable[str] | None = None) -> None:
    """Parse the arguments, erase, exit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("customer_id", metavar="CUSTOMER_ID")
    parser.add_argument("--target", choices=["duckdb", "postgres"], default="duckdb")
    parser.add_argument("--vars", help="dbt's --vars, as the refreshes get them")
    parser.add_argument("--ids-at-most", type=int, default=5, metavar="N", help="refuse a person of more ids (5)")
    parser.add_argument("--dry-run", action="store_true", help="say what would be found, and change nothing")
    parser.add_argument("--home", type=Path, default=default_home())
    sys.exit(erase.run(parser.parse_args(given)))


if __name__ == "__main__":
    main()
