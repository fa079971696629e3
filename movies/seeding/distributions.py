"""Distributions of random numbers, as tables: drawing a number takes one look-up.

The only method of Random that is used is `random()`, because it alone is guaranteed to give the
same numbers on every Python. The tables hold whole numbers, whose last digit does not depend on the
platform's mathematics. So a seed means the same rows everywhere.
"""

from itertools import accumulate
from math import exp
from statistics import NormalDist

STEPS = 4096

# The quantiles of a standard normal distribution: an entry picked at random is a normal variate.
NORMAL = [NormalDist().inv_cdf((step + 0.5) / STEPS) for step in range(STEPS)]


def lognormal(median, sigma, cap):
    """Return quantiles of a lognormal distribution as whole numbers, none above `cap`."""
    return [min(cap, round(median * exp(sigma * z))) for z in NORMAL]


def skewed_normal(mean, sd, skew):
    """Return quantiles of a normal distribution with a small skew (below 0: left), times 1,000."""
    bend = skew / 6  # the first term of a Cornish-Fisher expansion
    spread = sd / (1 + 2 * bend**2) ** 0.5
    return [round(1000 * (mean + spread * (z + bend * (z * z - 1)))) for z in NORMAL]


def cumulative_weights(size, sigma):
    """Return running totals of lognormal weights: bisect them for a weighted choice of `size`."""
    weights = (1 + round(1000 * exp(sigma * NORMAL[i * 1999 % STEPS])) for i in range(size))
    return list(accumulate(weights))


def shuffled(things, random):
    """Return the things in a random order."""
    return sorted(things, key=lambda _: random())
