"""scripts/bench/peers.py: it tells wrong results from right ones. What it runs is run by make bench-peers alone."""

from __future__ import annotations

import sys

import pytest

from customer_value.project import PROJECT

sys.path.append(str(PROJECT / "scripts" / "bench"))

import peers

LIMITS = {"tier": 0, "orders": 0, "money": peers.HALF_CENT}
RIGHT = {"c1": ("A", 3, 20.00), "c2": ("B", 1, 0.10), "c3": ("C", None, None)}


def relation(rows: dict[str, tuple]) -> str:
    """Return SQL of a table with a row per customer."""
    values = ", ".join(
        str((customer, *row)).replace("None", "null").replace("nan", "'nan'::double") for customer, row in rows.items()
    )
    casts = "customer_id, tier, orders::int as orders, money::double as money"
    return f"(select {casts} from (values {values}) as t(customer_id, tier, orders, money))"


def test_equal_results_are_equal_whatever_their_order():
    shuffled = dict(reversed(RIGHT.items())) | {"c1": ("A", 3, 20.004)}  # less than half a cent
    assert peers.differences("peer", relation(shuffled), relation(RIGHT), LIMITS) == []


WRONG = {
    "another tier": {"c1": ("B", 3, 20.00)},
    "another count": {"c1": ("A", 4, 20.00)},
    "a cent more": {"c1": ("A", 3, 20.01)},
    "no tier": {"c1": (None, 3, 20.00)},
    "no money": {"c1": ("A", 3, None)},
    "money where there is none": {"c3": ("C", None, 0.00)},
    "not a number": {"c1": ("A", 3, float("nan"))},
}


@pytest.mark.parametrize("rows", WRONG.values(), ids=WRONG)
def test_one_wrong_value_is_found_and_named(rows: dict[str, tuple]):
    for sides in ((RIGHT | rows, RIGHT), (RIGHT, RIGHT | rows)):
        (said,) = peers.differences("peer", *map(relation, sides), LIMITS)
        assert said.startswith("peer: ") and " of 1 of 3 customers, such as " + next(iter(rows)) in said


@pytest.mark.parametrize("rows", [{"c1": RIGHT["c1"]}, RIGHT | {"c4": ("C", 1, 1.0)}], ids=["fewer", "more"])
def test_customers_on_one_side_are_found(rows: dict[str, tuple]):
    for sides in ((rows, RIGHT), (RIGHT, rows)):
        (said,) = peers.differences("peer", *map(relation, sides), LIMITS)
        assert "on both sides" in said


def test_a_customer_twice_is_found():
    twice = f"(from {relation(RIGHT)} union all from {relation({'c1': RIGHT['c1']})})"
    assert peers.differences("peer", twice, relation(RIGHT), LIMITS)
