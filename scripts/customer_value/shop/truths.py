"""What is true of the shop beyond its model: four effects that marts should find, each with a size that 0 turns off.

Lifetimes, orders and what they bring stay as they are drawn. An effect chooses who has which of the other things, so
that the pairs are distributed as if one had caused the other, and a shop without effects is the same shop.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np


@dataclass(frozen=True)
class Truths:
    """The sizes of the effects. All are 0 or more; 0: no effect."""

    # Satisfaction drives churn. The drawn satisfactions are dealt out anew, so that satisfaction and lifetime have a
    # Gaussian copula with this correlation, from 0 to 1; both keep their distributions.
    churn: float = 0.6
    # Late deliveries lower satisfaction: an answer about an order that was late by then is lower by this share of the
    # whole scale (0.2: two points of nps).
    lateness: float = 0.2
    # Discounts attract short-lived customers: the chance of a discount on the first order is (1 + k) u^k times the
    # usual one, u being the rank of the lifetime, 1 for the shortest and 0 for the longest. With k = 1 the mean rank of
    # the discounted is 2/3 instead of 1/2.
    discounts: float = 1.0
    # Referrals bring better customers: the same with the chance of being referred, and the rank of the customer's worth
    # (order rate, mean spend and lifetime with equal weights).
    referrals: float = 2.0


ALL = Truths()
NONE = Truths(churn=0, lateness=0, discounts=0, referrals=0)


def ranks(values: np.ndarray) -> np.ndarray:
    """Return the place of each value in ascending order, 0 to n - 1; equal values in the order that they come in."""
    places = np.empty(len(values), np.int64)
    places[np.argsort(values, kind="stable")] = np.arange(len(values))
    return places


def shares(values: np.ndarray) -> np.ndarray:
    """Return the rank of each value between 0 and 1."""
    return (ranks(values) + 0.5) / len(values)


@functools.cache
def normal_quantiles(size: int) -> np.ndarray:
    """Return the standard normal quantiles of the ranks of so many values."""
    return np.array([NormalDist().inv_cdf((place + 0.5) / size) for place in range(size)])


def normal_scores(values: np.ndarray) -> np.ndarray:
    """Return each value's rank as a standard normal number."""
    return normal_quantiles(len(values))[ranks(values)]


def dealt_by_lifetime(satisfaction: np.ndarray, lifetime: np.ndarray, correlation: float) -> np.ndarray:
    """Return the same satisfactions, dealt out so that those who stay longer have the higher ones (Truths.churn)."""
    if not correlation:
        return satisfaction
    own = (1 - correlation**2) ** 0.5 * normal_scores(satisfaction)
    return np.sort(satisfaction)[ranks(own + correlation * normal_scores(lifetime))]


def worth(purchase_rate: np.ndarray, spend_mean: np.ndarray, lifetime: np.ndarray) -> np.ndarray:
    """Return the rank of what a customer is worth, 0 to 1: order rate, mean spend and lifetime with equal weights."""
    return shares(normal_scores(purchase_rate) + normal_scores(spend_mean) + normal_scores(lifetime))


def tilt(share: np.ndarray, power: float) -> np.ndarray:
    """Return the factor of a chance for ranks between 0 and 1; its mean over all ranks is 1."""
    return (1 + power) * share**power
