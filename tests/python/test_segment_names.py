"""Names that a segment may not have; that all may be renamed is part of a company's own settings, test_bad_input.py."""

from __future__ import annotations

from conftest import Warehouse

ORDERS = "order_id,customer_id,ordered_at,gross_amount\n1,ada,2024-05-01,10.00\n"


def test_a_name_of_no_segment_is_refused(warehouse: Warehouse):
    """In the table that dbt made of the seed; an empty name in the file is a null there."""
    warehouse.load({"orders": ORDERS})
    warehouse.run("seed", "--select", "rfm_segments")
    for wrong in ["'none'", "' Lost'", "''", "null"]:
        warehouse.execute(f"update reference.rfm_segments set rfm_segment = {wrong} where recency_score = 5")
        said = warehouse.said("test", "--select", "rfm_segments", succeeds=False)
        assert "Failure in test rfm_segments_have_scores_and_names_of_their_own" in said, wrong
