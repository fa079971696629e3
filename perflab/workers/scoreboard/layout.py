"""Where everything stands in the scoreboard's file.

The file holds a header, the latency of the workers that have ended, and then the slots, one for
each worker. A slot holds a counter for each thread, which no other thread writes to. Where one
thread serves many requests at once (gevent, ASGI), these share one counter: that thread is not
interrupted while it counts. The last slot of the file is an extra slot that no reader reports: a
worker that finds no free slot writes there.
"""

from struct import Struct

MAGIC = b"perflab3"
# Magic, slots, threads, pid of the master, start; then requests and busy ns of ended workers.
HEADER = Struct("<8sqqqdqq")
SLOT = Struct("<qqd")  # pid (0: the slot is free), whether the worker is ready, start
EXPENSIVE = Struct("<qq")  # expensive pages under way, and the ms that they were expected to take
COUNTER = Struct("<qqqq")  # requests answered, requests under way, busy ns, time of writing in ns

# Latencies are counted in buckets. The first one holds everything up to 0.25 ms; each of the others
# is 9 % wide, and together they reach up to 32 s.
BUCKETS = 136
BUCKETS_PER_DOUBLING = 8
FIRST_BUCKET_NS = 250_000
LATENCY = Struct(f"<q{BUCKETS}I")  # ns of all answers together, number of answers in each bucket
LATENCY_SUM, BUCKET_COUNT = Struct("<q"), Struct("<I")

ENDED_LATENCY = HEADER.size  # where the latency of ended workers stands
FIRST_SLOT = ENDED_LATENCY + LATENCY.size
COUNTER_SIZE = COUNTER.size + LATENCY.size

RESERVED = -1  # in place of a pid: the worker is being forked and has not written its pid yet


def file_size(slots, threads):
    """Return the bytes of a scoreboard, the extra slot included."""
    return slot_offset(slots + 1, threads)


def slot_offset(slot, threads):
    """Return where a slot begins."""
    return FIRST_SLOT + slot * (SLOT.size + EXPENSIVE.size + threads * COUNTER_SIZE)


def used_slots(content, slots, threads):
    """Return where the slots begin whose worker has a pid."""
    begins = (slot_offset(number, threads) for number in range(slots))
    return [begin for begin in begins if SLOT.unpack_from(content, begin)[0] > 0]


def counter_offsets(slot_begin, threads):
    """Return where the counters of a slot begin."""
    first = slot_begin + SLOT.size + EXPENSIVE.size
    return [first + number * COUNTER_SIZE for number in range(threads)]


def latency_offsets(slot_begin, threads):
    """Return where the latencies of a slot's counters begin."""
    return [counter + COUNTER.size for counter in counter_offsets(slot_begin, threads)]
