"""Times in forms that real shops send: what is read, and what is said of what cannot be."""

from __future__ import annotations

import re

import pytest
import yaml
from conftest import Warehouse
from inputs import MAPPING, arrival, blocks, judged


def test_what_is_written_like_a_date_is_told_from_what_only_has_digits(warehouse: Warehouse):
    """Only such values may stand in a message: a column of dates can hold anything."""
    dates = [
        "14/11/2023 13:15", "11/14/2023 1:15 PM", "14.11.23", "2023/11/14", "Nov 14, 2023", "14 November 2023 13:15:00",
        "Tue, 14 Nov 2023 13:15:00 EST", "14-Nov-2023", "2023-11-14 13:15:00 EST", "2023-11-14T13:15:00.000 UTC+1",
    ]  # fmt: skip
    others = [
        "+49 170 1234567", "0170/1234567", "14112023", "ada@example.com", "Ada Example", "12 Main St, 2023",
        "4111-1111-1111", "14/11-2023", "2023-11-14 13:15 Ada", "12.50", "1.234,56", "2023-11-14 Ada",
        "canary-date", "May Example",
    ]  # fmt: skip
    answers = "{% for text in " + str([*dates, *others]) + " %}{{ is_like_a_date(text) }},{% endfor %}"
    said = warehouse.said("compile", "--inline", answers)
    assert said.strip().split(",")[:-1] == ["True"] * len(dates) + ["False"] * len(others)


def test_dates_that_cannot_be_read_are_shown_whole_with_what_can_be_and_what_to_do(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
):
    dates = [
        f"{day}/11/2023 13:15:00 and {day}" if day == 20 else f"{day}/11/2023 13:15:00.000" for day in range(14, 21)
    ]
    lines = "".join(
        f"{number},a,{date},10.00\n" for number, date in enumerate([*dates, "ada@example.com", "0170 1234567"])
    )
    warehouse.load({
        "orders": f"order_id,customer_id,ordered_at,gross_amount\n{lines}",
        "customers": "customer_id,birth_date,created_at\na,01/02/1980,01/02/2020\n",
    })  # fmt: skip
    outcome = arrival(warehouse, monkeypatch)
    folder = warehouse.folder / "gx"
    said = outcome.report(folder)
    assert outcome.stopped
    assert "for example: 14/11/2023 13:15:00.000; 15/11/2023 13:15:00.000; 16/11/2023 13:15:00.000\n" in said
    assert "for example: 01/02/2020\n" in said
    assert (
        "can be read: 2023-11-14, 2023-11-14 13:15, 2023-11-14T13:15:00.25; then perhaps Z, UTC, GMT, -04, -0400"
        in said
    )
    assert said.count("(models/docs/mapping.md, Dates and numbers in another form)") == 3
    assert "\n## Dates and numbers in another form\n" in MAPPING
    assert "thresholds.yml" not in said
    pages = "".join(
        file.read_text() for file in (folder / "uncommitted").rglob("*") if file.suffix in (".html", ".json")
    )
    for text in (said, pages):
        # the digits as a number of their own: ids and shares of the pages hold any four digits by chance
        assert not re.search(r"ada@example|and 20|(?<![\w.-])(0170|1980)(?!\w)", text)
    look = re.search(r'orders\.ordered_at(?:.*\n)+? *look: dbt (.*) --inline "(.*)"', said)
    assert "14/11/2023 13:15:00.000" in warehouse.said(*look[1].split(), "--inline", look[2])


def test_days_first_are_read_through_the_expression_of_the_page(warehouse: Warehouse):
    (variables,) = (yaml.safe_load(block) for block in blocks("yaml") if "like '__/__/____%'" in block)
    warehouse.load({
        "orders": "order_id,customer_id,ordered_at,gross_amount\n1,a,14/11/2023 13:15,\"1.234,56\"\n"
        "2,b,31/12/2023,10\n3,c,2023-12-30 10:00:00,7\n4,d,30/02/2024,5\n",
    })  # fmt: skip
    judged(warehouse, variables)
    assert warehouse.rows(
        "select order_id, cast(order_date as varchar), cast(gross_amount as double), reject_reasons "
        "from staging.stg_orders order by 1"
    ) == [
        ("1", "2023-11-14", 1234.56, ""), ("2", "2023-12-31", 10, ""), ("3", "2023-12-30", 7, ""),
        ("4", None, 5, "unparseable_date"),
    ]  # fmt: skip


def test_the_case_of_zone_forms_is_read(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch):
    """13:15 -0400 is 17:15 UTC; the last is 03:30 UTC of the day after."""
    warehouse.load({
        "orders": "order_id,customer_id,ordered_at,gross_amount\n1,a,2023-11-14 13:15:00 -0400,10.00\n"
        "2,b,2023-11-15 20:15:00 UTC,11.00\n3,c,2023-11-16T13:15:00+0000,12.00\n4,d,2023-11-17 23:30:00 -0400,13.00\n"
        "5,e,2023-11-17 23:30 GMT,1.00\n6,f,2023-11-17 23:30:00.5 -04,1.00\n7,g,2023-11-17T23:30:00 Z,1.00\n",
    })  # fmt: skip
    assert arrival(warehouse, monkeypatch).findings == []
    judged(warehouse)
    statement = (
        "select cast(ordered_at as varchar), cast(order_date as varchar) from staging.stg_orders order by order_id"
    )
    assert warehouse.rows(statement) == [
        ("2023-11-14 17:15:00", "2023-11-14"), ("2023-11-15 20:15:00", "2023-11-15"),
        ("2023-11-16 13:15:00", "2023-11-16"), ("2023-11-18 03:30:00", "2023-11-18"),
        ("2023-11-17 23:30:00", "2023-11-17"), ("2023-11-18 03:30:00.5", "2023-11-18"),
        ("2023-11-17 23:30:00", "2023-11-17"),
    ]  # fmt: skip
    judged(warehouse, {"reporting_time_zone": "America/New_York"})
    assert warehouse.rows(statement)[0] == ("2023-11-14 12:15:00", "2023-11-14")
    assert warehouse.rows(statement)[3] == ("2023-11-17 22:30:00", "2023-11-17")
