"""The seeds in seeds/oracle hold what their source says: recomputed here from that source."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from customer_value.project import PROJECT

ORACLE = PROJECT / "seeds" / "oracle"


def test_scores_are_those_of_scipy_and_numpy():
    scores = pd.read_csv(ORACLE / "oracle_scores.csv")
    assert scores["example"].nunique() == 9
    for example, rows in scores.groupby("example", sort=False):
        ranks = rankdata(rows["measure"], method="average")
        assert [1 + math.floor(5 * (r - 0.5) / len(rows)) for r in ranks] == list(rows["midrank_score"]), example
        order = rows.sort_values(["measure", "position"]).index
        for score, group in enumerate(np.array_split(np.array(order), 5), start=1):
            assert (rows.loc[group, "ntile_score"] == score).all(), example


def test_the_published_present_value_adds_up():
    rows = pd.read_csv(ORACLE / "oracle_discounted_value.csv")
    dates = pd.to_datetime(["2008-01-01", "2008-03-01", "2008-10-30", "2009-02-15", "2009-04-01"])
    assert list((dates - dates[0]).days) == list(rows["days"])
    total = sum(rows["amount"] / (1 + rows["annual_discount_rate"]) ** (rows["days"] / 365))
    assert round(total, 2) == rows["expected_total"].unique().item()
