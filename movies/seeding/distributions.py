"""The shapes of chance: tables to pick from, so that a draw costs one look-up.

Only `Random.random()` is drawn from: of all its methods it alone is promised to give the same
numbers on every Python. Everything else is built on tables of whole numbers, whose last digit does
not hang on a platform's mathematics, so that a seed means the same rows everywhere.
"""

from itertools import accumulate
from math import exp
from statistics import NormalDist

STEPS = 4096

# A standard normal distribution, as its quantiles: a uniform pick from it is a normal draw.
NORMAL = [NormalDist().inv_cdf((step + 0.5) / STEPS) for step in range(STEPS)]


def lognormal(median, sigma, cap):
    """Quantiles of a lognormal distribution as whole numbers, none above `cap`."""
    return [min(cap, round(median * exp(sigma * z))) for z in NORMAL]


def skewed_normal(mean, sd, skew):
    """Quantiles in thousandths of a normal distribution bent to a small skew (below 0: left)."""
    bend = skew / 6  # the first term of a Cornish-Fisher expansion
    spread = sd / (1 + 2 * bend**2) ** 0.5
    return [round(1000 * (mean + spread * (z + bend * (z * z - 1)))) for z in NORMAL]


def cumulative_weights(size, sigma):
    """Running totals of lognormal weights: bisect one for an unequal pick among `size` things."""
    weights = (1 + round(1000 * exp(sigma * NORMAL[i * 1999 % STEPS])) for i in range(size))
    return list(accumulate(weights))


def shuffled(things, random):
    """The things in another order."""
    return sorted(things, key=lambda _: random())
