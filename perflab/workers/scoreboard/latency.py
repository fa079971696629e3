"""How long visitors waited for their answers, counted in buckets.

The time goes from the arrival of a request until it has been answered. The difference of two
readings has the percentiles of the answers between them.
"""

from bisect import bisect_right
from dataclasses import dataclass

from .layout import BUCKETS, BUCKETS_PER_DOUBLING, FIRST_BUCKET_NS, LATENCY

# Where each bucket but the first begins, in ns.
BUCKET_BEGINS = [
    FIRST_BUCKET_NS * 2 ** (number / BUCKETS_PER_DOUBLING) for number in range(1, BUCKETS)
]


@dataclass(frozen=True)
class Latency:
    """The waiting times of many answers."""

    ns: int  # of all answers together
    counts: tuple[int, ...]  # number of answers in each bucket

    def since(self, before):
        """Return the latency of the answers that came after the reading `before`."""
        pairs = zip(self.counts, before.counts, strict=True)
        return Latency(self.ns - before.ns, tuple(max(0, now - then) for now, then in pairs))

    def percentile_ms(self, share):
        """Return the time that this share of the answers did not exceed, right to 5 %.

        Return None if there were no answers.
        """
        rank, counted = share * sum(self.counts), 0
        for number, count in enumerate(self.counts):
            counted += count
            if count and counted >= rank:
                return FIRST_BUCKET_NS / 1e6 * 2 ** ((number + 0.5) / BUCKETS_PER_DOUBLING)
        return None


def bucket_of(ns):
    """Return the number of the bucket in which a time is counted."""
    return bisect_right(BUCKET_BEGINS, ns)


def sum_latencies(content, offsets):
    """Return the sum of the latencies that begin at these offsets."""
    found = (LATENCY.unpack_from(content, offset) for offset in offsets)
    ns, *counts = map(sum, zip(*found, strict=True))
    return Latency(ns, tuple(counts))
