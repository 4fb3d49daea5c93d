"""Make the two roles of readers on Postgres, give each what it may read, take away what it may not, and check it.

  customer_value_reader   the marts of schema published that hold no personal data
  customer_value_full     all marts of schema published

Both are group roles without a login: grant customer_value_reader to whoever. Run again, it makes good what was changed;
each refresh gives the views that it makes anew the same rights. Only rights of these two roles are changed; where every
role (PUBLIC) may read what they must not, that is named, with the command that ends it.

exit codes: 0 done; 1 a role can still read what it must not; 2 it could not be done; 4 the database does not answer
"""

from __future__ import annotations

import argparse
import sys

from customer_value.project import project_vars
from customer_value.publish import roles


def main() -> None:
    """Parse the arguments, make the roles, exit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    raw_schema = project_vars()["raw_schema"]
    parser.add_argument("--raw-schema", default=raw_schema, help="the company's tables, default: var raw_schema")
    sys.exit(roles.run(parser.parse_args().raw_schema))


if __name__ == "__main__":
    main()
