"""Fill the raw schema with CDNOW: 23,570 customers of a music shop and their 69,659 purchases, 1997-98.

Source: PyPI package lifetimes, data file CDNOW_master.txt (Fader and Hardie, the field's reference data set).
One line is one purchase: customer, date, number of CDs, dollars paid. There are no order numbers, so an order's
id is customer-date-n, n counting the customer's purchases of that day by number of CDs and amount.
"""

from __future__ import annotations

import argparse
from importlib import metadata
from pathlib import Path

from customer_value.quoting import quoted
from customer_value.raw import loading

PACKAGE = "lifetimes"

ORDERS = """
    with purchases as (
        -- fixed width after a header line: id, yyyymmdd, CDs, dollars, parted by blanks
        select regexp_split_to_array(trim(line), '\\s+') as fields
        from read_csv(
            {file}, header = false, skip = 1, auto_detect = false, delim = '\x1f', quote = '', escape = '',
            columns = {{'line': 'varchar'}}
        )
    ),
    typed as (
        select
            fields[1] as customer_id,
            strptime(fields[2], '%Y%m%d') as ordered_at,
            cast(fields[3] as integer) as quantity,
            cast(fields[4] as decimal(18, 2)) as gross_amount
        from purchases
    )
    select
        customer_id || '-' || strftime(ordered_at, '%Y%m%d') || '-' || row_number() over (
            partition by customer_id, ordered_at order by quantity, gross_amount
        ) as order_id,
        customer_id, ordered_at, gross_amount, 'USD' as currency, 'completed' as status
    from typed
    order by order_id
"""


def origin() -> loading.Origin:
    """Return the name and version of what is loaded."""
    return loading.Origin.of(f"CDNOW ({PACKAGE} {metadata.version(PACKAGE)})")


def load(arguments: argparse.Namespace) -> dict[str, int]:
    """Fill arguments.database; return {table: rows}. Raises LoadError when the database is in use."""
    file = Path(metadata.distribution(PACKAGE).locate_file(f"{PACKAGE}/datasets/CDNOW_master.txt"))
    select = ORDERS.format(file=quoted(str(file)))
    return loading.replace_raw(arguments.database, origin(), {"orders": select})
