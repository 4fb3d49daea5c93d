"""What the marts say, on one screen: customers and revenue by tier, by segment, by lifecycle stage."""

from __future__ import annotations

from pathlib import Path

import duckdb

from customer_value.raw import loading

# title, label column and the query behind it; every query yields label, customers, net revenue
TABLES = [
    (
        "tier",
        """
        select tier, customers, net_revenue from marts.tier_summary
        where as_of_date = (select max(as_of_date) from marts.tier_summary) order by tier
        """,
    ),
    (
        "segment",
        """
        select rfm_segment, customers, net_revenue from marts.segment_summary
        where as_of_date = (select max(as_of_date) from marts.segment_summary) order by net_revenue desc, 1
        """,
    ),
    (
        "lifecycle stage",
        """
        select lifecycle_stage, count(*), sum(net_revenue) from marts.customer_value
        group by lifecycle_stage order by 3 desc, 1
        """,
    ),
]

LEFT_OUT = """
    select status, count(*), sum(gross_amount - discount_amount) from staging.stg_orders
    where not is_sale and reject_reasons = '' group by status order by status
"""

REJECTED = """
    select sum(raw) as raw_rows, sum(rejected) as rejected_rows from marts.reconciliation where measure = 'row_count'
"""

# the moves of the last whole month; the flaps of all months
MOVES = """
    select as_of_date, sum(customers) filter (from_label > to_label), sum(customers) filter (from_label < to_label)
    from marts.tier_migrations
    where
        label_type = 'tier' and from_label in ('A', 'B', 'C') and to_label in ('A', 'B', 'C') and cause <> 'restatement'
        and as_of_date = (select max(as_of_date) from marts.tier_migrations where as_of_date = last_day(as_of_date))
    group by as_of_date
"""

FLAPS = """
    select tier_kind, sum(flaps) / nullif(sum(customers), 0) from marts.tier_stability
    group by tier_kind order by tier_kind desc
"""

# by money, whatever the severity: guests, or copies, may be worth more than all that is wrong; what only follows a
# rejected order, as its lines do, is left to the order
REASONS = """
    with measured as (
        select source_name, max(raw) filter (source_name = 'orders' and measure = 'gross_amount') as gross_amount
        from marts.reconciliation group by source_name
    )
    select source_name, reject_reason, row_count, amount, amount / nullif(gross_amount, 0) as share, remedy
    from marts.reject_summary inner join measured using (source_name)
    where reject_reason <> 'order_rejected'
    order by amount desc nulls last, row_count desc, 1, 2 limit 3
"""


def render(database: Path) -> str:
    """Return the summary of the marts in a DuckDB file. Raises duckdb.Error when they are not there."""
    with duckdb.connect(str(database), read_only=True) as connection:
        as_of_date, customers, net_revenue = connection.execute(
            "select max(as_of_date), count(*), coalesce(sum(net_revenue), 0) from marts.customer_value"
        ).fetchone()
        origin = loading.held(database).get("orders")
        lines = [
            f"Data: {origin.name if origin else 'as found in the raw schema'}",
            f"As of {as_of_date}: {customers:,} customers, net revenue {net_revenue:,.2f}",
        ]
        left_out = connection.execute(LEFT_OUT).fetchall()
        if left_out:
            statuses = ", ".join(f"{status} {count:,}" for status, count, _ in left_out)
            amount = sum(amount for _, _, amount in left_out)
            lines.append(f"Left out, no sale by status: {statuses}; {amount:,.2f} in all")
        raw, rejected = connection.execute(REJECTED).fetchone()
        lines.append(f"Raw rows: {raw:,.0f}, of which rejected: {rejected:,.0f}")
        for source, reason, count, amount, share, remedy in connection.execute(REASONS).fetchall():
            money = "" if amount is None else f", {amount:,.2f} as stated"
            money += "" if share is None else f" ({share:.1%} of the gross amount)"
            lines.append(f"  {source}: {reason} {count:,}{money}. {remedy}")
        if rejected:
            lines.append("  all reasons: marts.reject_summary; the rows: marts.rejected_rows")
        for title, query in TABLES:
            lines += [
                "",
                f"{title:<20}{'customers':>11}{'share':>8}{'net revenue':>17}{'share':>8}{'per customer':>15}",
            ]
            for label, count, revenue in connection.execute(query).fetchall():
                revenue_share = f"{revenue / net_revenue:8.1%}" if net_revenue else f"{'-':>8}"
                lines.append(
                    f"{label:<20}{count:>11,}{count / customers:8.1%}{revenue:>17,.2f}{revenue_share}"
                    f"{revenue / count:>15,.2f}"
                )
        lines += ["", *_history(connection)]
    return "\n".join(lines)


def _history(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the lines about the past: how far it reaches, who moved, how often tiers flap."""
    first, dates, rows = connection.execute(
        "select min(as_of_date), count(distinct as_of_date), count(*) from marts.customer_value_history"
    ).fetchone()
    lines = [f"History: {dates} as-of dates since {first}, {rows:,} rows"]
    for as_of_date, up, down in connection.execute(MOVES).fetchall():
        lines.append(f"Moved between tiers in the month to {as_of_date}: {up or 0:,} up, {down or 0:,} down")
    flaps = [f"{kind} {rate:.2%}" for kind, rate in connection.execute(FLAPS).fetchall() if rate is not None]
    if flaps:
        lines.append(f"Moves taken back, of all customers and months: {', '.join(flaps)}")
    return lines
