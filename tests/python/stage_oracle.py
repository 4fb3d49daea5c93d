"""The thresholds of the lifecycle stage recomputed from what came of past month-ends, customer by customer.

Rates are fractions: nothing rounds. oracle.History asks for them; what is known of an origin comes from it.
"""

from __future__ import annotations

import datetime as dt
import functools
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from dateutil.relativedelta import relativedelta

if TYPE_CHECKING:
    from oracle import History

COLUMNS = [
    "churned_overdue_ratio", "decline_overdue_ratio", "decline_revenue_ratio", "stage_horizon_months",
    "in_rhythm_return_rate",
]  # fmt: skip


class Group(NamedTuple):
    """A range of overdue ratios on past month-ends: where it begins, who stood there, who of them came back."""

    ratio_from: Fraction
    customers: int
    returned: int


def joined(bins: dict[int, tuple[int, int]], bins_per_ratio: int, least: int) -> list[Group]:
    """Return the groups of {bin: (customers, returned)}, none across a ratio of 1: a new one where least is passed."""
    steps: dict[int, Group] = {}
    seen = 0
    for place, (customers, returned) in sorted(bins.items()):
        before = steps.get(seen // least, Group(Fraction(place, bins_per_ratio), 0, 0))
        steps[seen // least] = Group(before.ratio_from, before.customers + customers, before.returned + returned)
        seen += customers
    groups: list[Group] = []
    for step in steps.values():
        if groups and step.customers < least:
            below = groups.pop()
            step = Group(below.ratio_from, below.customers + step.customers, below.returned + step.returned)
        groups.append(step)
    return groups


def monotone(groups: list[Group]) -> list[Fraction]:
    """Return the rates that fall with the ratio and are nearest, by pooling neighbours that rise until none does."""
    blocks: list[list[int]] = []  # customers, returned, groups
    for group in groups:
        blocks.append([group.customers, group.returned, 1])
        while len(blocks) > 1 and blocks[-1][1] * blocks[-2][0] > blocks[-2][1] * blocks[-1][0]:
            last = blocks.pop()
            blocks[-1] = [a + b for a, b in zip(blocks[-1], last, strict=True)]
    return [Fraction(block[1], block[0]) for block in blocks for _ in range(block[2])]


class Stages:
    """What the past of a history says on silence."""

    def __init__(self, history: History):
        self.history, self.settings = history, history.settings
        self.per_ratio, self.least = self.settings["return_bins_per_ratio"], self.settings["min_group_size"]
        horizon = self.settings["churn_horizon_months"]
        self.horizons = [horizon, *(months for months in (3, 1) if months < horizon)]

    @functools.cache  # noqa: B019
    def outcomes(self, origin: dt.date, end: dt.date) -> pd.DataFrame:
        """Return who stood where on a day, how many of them bought by another one, and what all brought by then."""
        history, settings = self.history, self.settings
        start, until = ((date - dt.date(1970, 1, 1)).days for date in (origin, end))
        facts = history.measured(origin)
        later = history.days[(history.days["order_day"] > start) & (history.days["order_day"] <= until)]
        booked = history.entries[(history.entries["booked_on"] > start) & (history.entries["booked_on"] <= until)]
        fallen = (facts["previous_monetary"] > 0) & (
            facts["monetary"] < float(settings["decline_revenue_ratio"]) * facts["previous_monetary"]
        )
        stable = facts["order_count"] >= settings["stability_min_orders"]
        ratio = facts["overdue_ratio"].astype(float)
        rows = pd.DataFrame({
            "bin": np.minimum(np.floor(ratio * self.per_ratio), settings["return_max_ratio"] * self.per_ratio),
            "course": np.where(fallen, "fallen", np.where(stable, "stable", "young")),
            "customers": 1,
            "returned": facts.index.isin(later["customer"]).astype(int),
            "revenue": booked.groupby("customer")["revenue"].sum().reindex(facts.index).fillna(0).astype(np.int64),
        })  # fmt: skip
        rows = rows[(facts["order_count"] > 0) & ratio.notna()].astype({"bin": int})
        return rows.groupby(["bin", "course"]).sum().reset_index()

    def pooled(self, as_of: dt.date, horizon: int) -> pd.DataFrame | None:
        """Return the outcomes of all origins that a date looks back to, None where it knows of none."""
        earliest = as_of - relativedelta(months=self.settings["label_lookback_months"])
        found = []
        for origin in self.history.spine:
            end = origin + relativedelta(months=horizon, day=31)
            if origin == origin + relativedelta(day=31) and origin > earliest and end <= as_of:
                found.append(self.outcomes(origin, end))
        found = [rows for rows in found if len(rows)]
        return pd.concat(found).groupby(["bin", "course"], as_index=False).sum() if found else None

    def curve(self, as_of: dt.date, horizon: int) -> list[Group]:
        """Return the groups of a date and horizon, lowest ratio first."""
        pooled = self.pooled(as_of, horizon)
        if pooled is None:
            return []
        sums = pooled.groupby("bin")[["customers", "returned"]].sum()
        bins = {place: (int(row.customers), int(row.returned)) for place, row in sums.iterrows()}
        sides = [{place: n for place, n in bins.items() if (place < self.per_ratio) == side} for side in (True, False)]
        return [group for side in sides for group in joined(side, self.per_ratio, self.least)]

    @functools.cache  # noqa: B019
    def thresholds(self, as_of: dt.date) -> dict:
        """Return the columns of tier_thresholds that a stage is judged by, and stage_state."""
        names = ("churned_overdue_ratio", "decline_overdue_ratio", "decline_revenue_ratio")
        fixed = dict.fromkeys(COLUMNS) | {name: float(self.settings[name]) for name in names}
        if self.settings["stage_method"] == "fixed":
            return fixed | {"stage_state": "fixed"}
        for horizon in self.horizons:
            groups = self.curve(as_of, horizon)
            rhythm = [group for group in groups if group.ratio_from < 1]
            if sum(group.customers for group in rhythm) >= self.least:
                return self._learned(as_of, horizon, groups, rhythm)
        return fixed | {"stage_state": "fixed: too little past"}

    def _learned(self, as_of: dt.date, horizon: int, groups: list[Group], rhythm: list[Group]) -> dict:
        settings, whole = self.settings, self.settings["churn_horizon_months"]
        usual = Fraction(sum(group.returned for group in rhythm), sum(group.customers for group in rhythm))
        limit = Fraction(str(settings["churned_return_rate"]))
        if horizon < whole:
            limit = Fraction(1 - (1 - settings["churned_return_rate"]) ** (horizon / whole))

        def first(*limits: Fraction) -> float | None:
            for group, rate in zip(groups, monotone(groups), strict=True):
                if group.ratio_from >= 1 and group.customers >= self.least and rate < min(limits):
                    return float(group.ratio_from)
            return None

        decline = first(Fraction(str(settings["decline_return_share"])) * usual)
        pooled = self.pooled(as_of, horizon)
        courses = pooled[pooled["bin"] < (np.inf if decline is None else decline * self.per_ratio)]
        sums = courses.groupby("course")[["customers", "returned", "revenue"]].sum().reindex(["fallen", "stable"])
        is_worse = False
        if (sums["customers"] >= self.least).all():
            rates = sums.div(sums["customers"], axis=0)
            is_worse = bool((rates.loc["fallen"] < rates.loc["stable"])[["returned", "revenue"]].any())
        return {
            "churned_overdue_ratio": first(limit, Fraction(str(settings["churned_return_share"])) * usual),
            "decline_overdue_ratio": decline,
            "decline_revenue_ratio": float(settings["decline_revenue_ratio"]) if is_worse else None,
            "stage_horizon_months": horizon,
            "in_rhythm_return_rate": float(usual),
            "stage_state": "calibrated" if horizon == whole
            else f"calibrated over {horizon} month{'s' if horizon > 1 else ''}",
        }  # fmt: skip
