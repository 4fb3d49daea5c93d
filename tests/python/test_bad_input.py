"""Bad or odd input: a clear error, or a defined result; built for real, faulty rows of all kinds in one shop."""

from __future__ import annotations

import shutil
from decimal import Decimal

import duckdb
import pytest
from conftest import ONLY_ROWS, Warehouse

from customer_value.privacy import keepers
from customer_value.privacy.personal_rows import Database

HEADER = "order_id,customer_id,ordered_at,gross_amount\n"
ONE_ORDER = HEADER + "1,ada,2024-05-01,10.00\n"
UNTESTED = ("--exclude-resource-type", "unit_test")
# customers as they are judged on the last day, before forecasts come in
JUDGED = """
    select
        raw_tier, abc_tier, rfm_segment, recency_score, frequency_score, monetary_score, lifecycle_stage, order_count,
        net_revenue
    from intermediate.int_raw_tiers
    where as_of_date = (select max(as_of_date) from intermediate.int_raw_tiers) order by customer_id
"""


def judged(warehouse: Warehouse, orders: str) -> Warehouse:
    """Load orders and build what customers are judged by."""
    warehouse.load({"orders": HEADER + orders})
    warehouse.make("int_raw_tiers")
    return warehouse


@pytest.fixture(scope="module")
def one_order(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Return one order of one customer, and a customer without an order, built with all data tests."""
    warehouse = Warehouse(tmp_path_factory.mktemp("one_order"))
    warehouse.load({"orders": ONE_ORDER, "customers": "customer_id,email\nzoe,zoe@example.com\n"})
    warehouse.build()
    return warehouse


def test_missing_tables_and_columns_are_all_named_before_anything_is_built(warehouse: Warehouse):
    warehouse.load({"orders": ONE_ORDER})
    for change in ("table raw.orders", "table raw.refunds"):
        warehouse.execute(f"drop {change}")
    for column in ("customer_id", "email"):
        warehouse.execute(f"alter table raw.customers drop column {column}")
    output = warehouse.said("build", *UNTESTED, succeeds=False)
    assert "table raw.orders is missing" in output
    assert "table raw.refunds is missing" in output
    assert "table raw.customers lacks the column customer_id (required)" in output
    assert "table raw.customers lacks the column email (optional: it may be all null)" in output
    assert "scripts/load_*.py" in output
    assert warehouse.rows("select count(*) from duckdb_tables() where schema_name <> 'raw'") == [(0,)]


def test_an_empty_orders_table_stops_the_build_and_leaves_the_marts_alone(one_order: Warehouse, warehouse: Warehouse):
    shutil.copy(one_order.database, warehouse.database)
    warehouse.load({"orders": HEADER})
    assert "not_empty_stg_orders" in warehouse.said("build", *UNTESTED, succeeds=False)
    assert warehouse.rows("select count(*) from marts.customer_value") == [(2,)]


def test_one_order_is_judged_and_a_customer_without_one_is_a_prospect_without_a_tier(one_order: Warehouse):
    assert one_order.rows("""
        select
            tier, raw_tier, abc_tier, rfm_segment, recency_score, frequency_score, monetary_score, lifecycle_stage,
            order_count, net_revenue
        from marts.customer_value order by customer_id
    """) == [
        ("A", "A", "A", "Need Attention", 3, 3, 3, "exploration", 1, Decimal("10.00")),
        (None,) * 7 + ("prospect", 0, Decimal("0.00")),
    ]
    assert one_order.rows("select distinct overdue_ratio, expected_gap_days from marts.customer_value") == [
        (None, None)
    ]
    assert one_order.rows("select tier, customers from marts.tier_summary order by 1") == [("A", 1), ("none", 1)]
    assert one_order.rows("select rfm_segment, customers from marts.segment_summary order by 1") == [
        ("Need Attention", 1),
        ("none", 1),
    ]
    assert one_order.rows("select customer_id, email from marts.customers order by 1") == [
        ("ada", None),
        ("zoe", "zoe@example.com"),
    ]


def test_one_customer_with_many_orders_is_judged(warehouse: Warehouse):
    orders = "".join(f"{day},ada,2024-05-{day:02d} 10:00:00,10.00\n" for day in range(1, 29, 7))
    judged(warehouse, orders)
    assert warehouse.rows(JUDGED) == [("A", "A", "Need Attention", 3, 3, 3, "stability", 4, Decimal("40.00"))]
    assert warehouse.rows("select expected_gap_days, overdue_ratio from intermediate.int_raw_tiers") == [(7.0, 0.0)]


def test_customers_who_are_all_equal_all_get_the_middle_score_and_one_tier(warehouse: Warehouse):
    orders = "".join(f"{number},c{number:02d},2024-05-01 10:00:00,10.00\n" for number in range(20))
    judged(warehouse, orders)
    assert warehouse.rows(JUDGED) == [
        ("A", "A", "Need Attention", 3, 3, 3, "exploration", 1, Decimal("10.00"))
    ] * 20  # fmt: skip


def test_negative_and_zero_amounts_are_kept_and_zeros_rank_last(warehouse: Warehouse):
    judged(warehouse, "1,good,2024-05-01,10.00\n2,zero,2024-05-01,0.00\n3,bad,2024-05-01,-4.50\n")
    assert warehouse.rows(
        "select customer_id, abc_tier, monetary_score, net_revenue, margin from intermediate.int_raw_tiers order by 1"
    ) == [
        ("bad", None, None, Decimal("-4.50"), Decimal("-1.35")),  # a credit note is no purchase
        ("good", "A", 4, Decimal("10.00"), Decimal("3.00")),
        ("zero", "C", 2, Decimal("0.00"), Decimal("0.00")),
    ]


def test_nothing_but_zeros_makes_everybody_c_and_shares_null(warehouse: Warehouse):
    warehouse.load({"orders": HEADER + "1,a,2024-05-01,0.00\n2,b,2024-05-01,0.00\n"})
    selected = ("--select", "+value_concentration", "+tier_summary", "+tier_thresholds")
    warehouse.build(select=(*selected, "--indirect-selection", "buildable"))
    assert warehouse.rows("select distinct abc_tier, monetary_score from marts.customer_value_history") == [("C", 3)]
    assert warehouse.rows("select abc_value_a, abc_value_b from marts.tier_thresholds") == [(None, None)]
    assert warehouse.rows("select distinct value_share, gini from marts.value_concentration") == [(None, None)]
    assert warehouse.rows("select tier, customers, net_revenue_share from marts.tier_summary") == [("C", 2, None)]


REASONS = {
    "1,bob,2024-05-02,20.00,,,,": "superseded",
    ",bob,2024-05-02,20.00,,,,": "missing_key",
    "2,,2024-05-02,20.00,,,,": "guest_order",
    "3,bob,2024-05-02,,,,,": "missing_value",
    "4,bob,2024-05-02,ten,,,,": "unparseable_number",
    "5,bob,02.05.2024,10,,,,": "unparseable_date",
    "6,bob,2024-05-02,NaN,,,,": "not_finite",
    "7,bob,2024-05-02,99999999,,,,": "amount_out_of_range",
    "8,bob,1970-01-01,10,,,,": "before_business_began",
    "9,bob,2024-05-02,10,,EUR,,": "unknown_currency",
    "10,bob,2024-05-02,10,,,closed,": "unknown_status",
    "11,bob,yesterday,inf,,XXX,lost,": "unparseable_date,not_finite,unknown_status,unknown_currency",
    "x,bob,2204-05-01,10,,,,": "future_date",  # a mistyped year does not move the as-of date
    "k2,cy,2024-05-01,20.00,,,teleported,": "unknown_status",
    "C2,cy,2024-05-02,-20.00,-1.00,,,k2": "order_rejected",  # a credit note, with the order that it names
}
ACCEPTED = [
    "1,ada,2024-05-01,10.00,,,,", "k1,cy,2024-05-01,10.00,,,,", "s1,dee,2024-05-01,10.00,,,Partially Refunded,",
    's2,dee,2024-05-01,10.00,,," ",', "s4,dee,2024-05-01,10.00,,,refunded,",
    *(f"g{number},c{number % 50},2024-05-{number % 28 + 1:02d},10.00,,,," for number in range(1001)),
]  # fmt: skip


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> tuple[Warehouse, str]:
    """Return a shop with faulty rows of every kind, built with the data tests, and what dbt said."""
    warehouse = Warehouse(tmp_path_factory.mktemp("faulty"))
    header = HEADER.strip() + ",discount_amount,currency,status,credited_order_id\n"
    warehouse.load({"orders": header + "".join(f"{row}\n" for row in [*ACCEPTED, *REASONS])})
    selected = (*ONLY_ROWS, "--select", "+reject_summary", "int_as_of_dates")
    return warehouse, warehouse.said("build", "--no-quiet", *selected, *UNTESTED)


def test_orders_that_would_make_a_number_wrong_are_set_aside(faulty: tuple[Warehouse, str]):
    warehouse, _ = faulty
    found = [reason for (reason,) in warehouse.rows("select reject_reasons from marts.rejected_rows")]
    assert sorted(found) == sorted(REASONS.values())
    assert warehouse.rows("select count(*) from marts.orders") == [(len(ACCEPTED),)]
    assert warehouse.rows("select distinct difference from marts.reconciliation") == [(0,)]


def test_a_credit_note_of_a_rejected_order_is_rejected_with_it(faulty: tuple[Warehouse, str]):
    warehouse, _ = faulty
    assert warehouse.rows("select order_id, net_revenue from marts.orders where customer_id = 'cy'") == [
        ("k1", Decimal("10.00"))
    ]
    assert warehouse.rows("""
        select reject_reason, row_count, amount from marts.reject_summary
        where reject_reason in ('order_rejected', 'unknown_status') order by 1
    """) == [("order_rejected", 1, Decimal("-20.00")), ("unknown_status", 3, Decimal("30.00"))]


def test_statuses_are_matched_by_meaning_and_a_refund_that_is_missing_is_reported(faulty: tuple[Warehouse, str]):
    warehouse, said = faulty
    assert warehouse.rows("select order_id, status from marts.orders where customer_id = 'dee' order by 1") == [
        ("s1", "partially_refunded"),
        ("s2", None),
        ("s4", "refunded"),
    ]
    assert "Warning in test assert_refunded_orders_have_a_refund" in said


def test_a_mistyped_year_does_not_move_the_as_of_date(faulty: tuple[Warehouse, str]):
    warehouse, _ = faulty
    assert warehouse.rows("select cast(max(as_of_date) as varchar) from intermediate.int_as_of_dates") == [
        ("2024-05-28",)
    ]
    # a company that knows how far its data go says so, whatever their number
    warehouse.run("run", "--select", "+int_rejected_rows", variables={"data_end_date": "2024-05-27"})
    found = warehouse.rows("select row_key from intermediate.int_rejected_rows where reject_reasons = 'future_date'")
    assert sorted(found) == sorted([("x",), *((row.split(",")[0],) for row in ACCEPTED if ",2024-05-28," in row)])


def test_vars_that_cannot_be_used_are_all_named(warehouse: Warehouse):
    warehouse.load({"orders": ONE_ORDER})
    output = warehouse.said(
        "build",
        succeeds=False,
        variables={
            "rfm_method": "quintile",
            "rfm_population": "everybody",
            "abc_value": "profit",
            "window_months": 0,
            "abc_cutoff_b": "most",
            "sale_statuses": ["paid", "Paid In Full"],
            "default_margin_rate": "a third",
            "as_of_date": "2024-02-30",
            "guest_orders": "merge",
            "reporting_time_zone": "Berlin; drop",
            "reporting_currency": "dollars",
            "source_map": {"order": {}},
            "churned_min_recency_days": 1.5,
            "clv_backtest_months": 1.5,
            "clv_interval": 80,
            "versions_kept": 0,
            "anomaly_thresholds": {"row_count": [0.5, 0.2]},
            "publication_rules": {
                "earlier_as_of_date": "halt",
                "emptied_sources": None,
                "fallen_month": [None, 50],
                "closed_months": [0.1, 0.02],
                "settled_months": None,
                "vanished_orders": 0.05,
                "rejected_by_fault": [0, 0.2],
                "rejected_by_policy": [None, None],
            },
        },
    )
    for sentence in [
        "var rfm_method must be one of midrank, ntile, cutoffs; it is quintile",
        "var rfm_population must be one of active, all; it is everybody",
        "var abc_value must be one of revenue, margin, window_revenue, window_margin, lifetime_value; it is profit",
        "var window_months must be a whole number of at least 1; it is 0",
        "var abc_cutoff_b must be a number of at least 0.01 and at most 1; it is most",
        "var sale_statuses must hold statuses in lower case with underscores; it holds Paid In Full",
        "var default_margin_rate must be a number of at least 0 and at most 1; it is a third",
        "var as_of_date must be a date, YYYY-MM-DD; it is 2024-02-30",
        "var guest_orders must be one of rejected, own_customer, email; it is merge",
        "var reporting_time_zone must be the name of a time zone, such as Europe/Berlin; it is Berlin; drop",
        "var reporting_currency must be three letters; it is dollars",
        "var churned_min_recency_days must be a whole number of at least 0; it is 1.5",
        "var clv_interval must be a number of at least 0.01 and at most 0.999; it is 80",
        "var clv_backtest_months must be a whole number of at least 1 and at most 120; it is 1.5",
        "var versions_kept must be a whole number of at least 1; it is 0",
        "var anomaly_thresholds must be {measure: [report from, stop from]}, measures row_count, net_revenue, "
        "reject_share, tier_share; it has row_count: [0.5, 0.2]",
        "var publication_rules must have earlier_as_of_date: stop, report or null; it has halt",
        "var publication_rules must have fallen_month: [report from, stop from], rising shares "
        "above 0 and up to 1, each or all null; it has [None, 50]",
        "var publication_rules must have closed_months: [report from, stop from], rising shares "
        "above 0 and up to 1, each or all null; it has [0.1, 0.02]",
        "var publication_rules must have vanished_orders: [report from, stop from], rising shares "
        "above 0 and up to 1, each or all null; it has 0.05",
        "var publication_rules must have rejected_by_fault: [report from, stop from], rising shares "
        "above 0 and up to 1, each or all null; it has [0, 0.2]",
        "var source_map names a source order, which the contract does not have",
    ]:
        assert sentence in output
    for unnamed in ("emptied_sources", "settled_months", "rejected_by_policy"):
        assert f"must have {unnamed}" not in output
    assert "var publication_rules must name" not in output


def test_vars_that_contradict_each_other_are_named(warehouse: Warehouse):
    variables = {"abc_cutoff_a": 0.99, "formation_min_orders": 5}
    output = warehouse.said("run-operation", "check_vars", variables=variables, succeeds=False)
    assert "publication_rules" not in output
    assert "var abc_cutoff_a must not be above var abc_cutoff_b; they are 0.99 and 0.95" in output
    assert "var formation_min_orders must not be above var stability_min_orders; they are 5 and 4" in output


def test_infinity_is_no_number_that_a_model_can_work_with(warehouse: Warehouse):
    """YAML knows .inf, which no engine does; it reached the SQL as a column of that name."""
    given = ("--vars", "{expected_gap_prior_weight: .inf}")
    output = warehouse.said("run-operation", "check_vars", *given, succeeds=False)
    assert "var expected_gap_prior_weight must be a number of at least 0; it is inf" in output


def test_a_companys_own_settings_pass_all_tests(shop: Warehouse, warehouse: Warehouse):
    """Whatever a company may decide, no dbt test or unit test may take it for a fault."""
    warehouse.database.write_bytes(shop.database.read_bytes())
    with duckdb.connect(str(warehouse.database)) as connection:
        keepers.put_key(Database(connection), None)  # guest_orders: email
    # segments have their names from the table of the seed alone
    warehouse.execute("update reference.rfm_segments set rfm_segment = 'Our ' || rfm_segment")
    warehouse.run(
        "build",
        "--exclude-resource-type",
        "seed",
        variables={
            "reporting_currency": "usd",
            "sale_statuses": ["completed", "customer's_own"],
            "as_of_date": "2024-02-29",
            "window_months": 3,
            "default_margin_rate": 0,
            "annual_discount_rate": 0,
            "rfm_method": "cutoffs",
            "abc_value": "margin",
            "abc_cutoff_a": 0.5,
            "abc_cutoff_b": 0.5,
            "expected_gap_prior_weight": 0,
            "churned_overdue_ratio": 3,
            "churned_min_recency_days": 0,
            "decline_overdue_ratio": 3,
            "decline_revenue_ratio": 1,
            "source_time_zone": "Europe/Berlin",
            "reporting_time_zone": "America/New_York",
            "business_start_date": "2022-02-01",
            "data_end_date": "2024-03-31",
            "max_silent_days": 30,
            "max_amount": 100,
            "max_refund_share": 0.5,
            "line_total_tolerance": None,
            "guest_orders": "email",
            "test_email_patterns": [],
            "test_customer_ids": ["bob"],
            "exchange_rate_max_age_days": 0,
            "formation_min_orders": 3,
            "stability_min_orders": 3,
        },
    )
    segments = {segment for (segment,) in warehouse.rows("select distinct rfm_segment from marts.segment_summary")}
    assert len(segments) > 1
    assert {segment for segment in segments - {"none"} if not segment.startswith("Our ")} == set()


def test_an_as_of_date_before_the_first_order_gives_empty_marts(warehouse: Warehouse):
    warehouse.load({"orders": ONE_ORDER})
    marts = ["customer_value", "orders", "tier_summary", "segment_summary"]
    warehouse.make(*marts, variables={"as_of_date": "2024-04-30"})
    for mart in marts:
        assert warehouse.rows(f"select count(*) from marts.{mart}") == [(0,)], mart
