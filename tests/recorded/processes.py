"""Made-up timings whose true ratio is known: what machines other than the recorded ones may do.

Each process returns the times of the first page and of the last for so many pairs, drawn with a
`random.Random`. The pages take 40 and 6 ms where nothing disturbs them, unless the process says
otherwise. `PROCESSES` has each with its true ratio: that of the medians of very many runs, or of
the undisturbed times where the same noise meets both pages.
"""

import math

SLOW_MS, FAST_MS = 40.0, 6.0
TRUE_RATIO = SLOW_MS / FAST_MS


def alternating(pairs, time_of):
    """Return both lists, asked for in turn: first and last, then last and first.

    `time_of(number, ms)` is the time of the request with this number for a page of so many ms.
    """
    first, last = [], []
    for pair in range(pairs):
        times = [(first, SLOW_MS), (last, FAST_MS)]
        for step, (found, ms) in enumerate(times if pair % 2 == 0 else times[::-1]):
            found.append(time_of(2 * pair + step, ms))
    return first, last


def independent(noise_of_first, noise_of_last=None):
    """Return a process of independent runs, multiplied by the noise of each page."""

    def process(pairs, chance):
        other = noise_of_last or noise_of_first
        return (
            [SLOW_MS * noise_of_first(chance) for _ in range(pairs)],
            [FAST_MS * other(chance) for _ in range(pairs)],
        )

    return process


def little(chance):
    return chance.lognormvariate(0, 0.05)


def long_tail(pairs, chance):
    """A wait with an infinite variance is added to each run."""
    return (
        [SLOW_MS + 3 * (chance.paretovariate(1.1) - 1) for _ in range(pairs)],
        [FAST_MS + 3 * (chance.paretovariate(1.1) - 1) for _ in range(pairs)],
    )


def slow_page_waits(pairs, chance):
    """In 4 of 10 runs the slow page waits for the processor, and the fast one in 3 of 100."""
    return (
        [SLOW_MS + (chance.random() < 0.4) * chance.expovariate(1 / 40) for _ in range(pairs)],
        [
            FAST_MS * little(chance) + (chance.random() < 0.03) * chance.expovariate(1 / 10)
            for _ in range(pairs)
        ],
    )


def drift(pairs, chance):
    """The machine becomes three times as slow in the course of the measurement."""
    return alternating(pairs, lambda number, ms: ms * (1 + number / pairs) * little(chance))


def random_walk(pairs, chance):
    level = 0.0

    def time_of(_, ms):
        nonlocal level
        level += chance.gauss(0, 0.07)
        return ms * math.exp(level) * little(chance)

    return alternating(pairs, time_of)


def two_levels(usual_length):
    """Return a process that is at one of two levels, for so many requests on average."""

    def process(pairs, chance):
        level = chance.choice((1, 2.2))

        def time_of(_, ms):
            nonlocal level
            if chance.random() < 1 / usual_length:
                level = 3.2 - level
            return ms * level * little(chance)

        return alternating(pairs, time_of)

    return process


def workers_in_turn(pairs, chance):
    """Two workers answer in turn, and one of them is slower by half."""
    start = chance.randrange(2)
    return alternating(
        pairs, lambda number, ms: ms * (1, 1.5)[(number + start) % 2] * little(chance)
    )


def collector(pairs, chance):
    """Every seventh request collects garbage for 20 ms."""
    start = chance.randrange(7)
    return alternating(
        pairs, lambda number, ms: ms * little(chance) + 20 * ((number + start) % 7 == 0)
    )


def order_matters(pairs, chance):
    """The fast page takes longer when it comes after the slow one: its caches are cold."""
    start = chance.randrange(2)
    return (
        [SLOW_MS * little(chance) for _ in range(pairs)],
        [FAST_MS * (1, 1.4)[(pair + start) % 2] * little(chance) for pair in range(pairs)],
    )


def slow_worker(share, factor):
    """Return the noise of a page of which one worker needs so many times as long."""
    return lambda chance: (factor if chance.random() < share else 1) * little(chance)


# Each with its true ratio. Where the noise of the pages differs, it is the one of the medians of
# 10 million runs of each.
PROCESSES = {
    "little noise": (independent(little), TRUE_RATIO),
    "much noise": (independent(lambda chance: chance.lognormvariate(0, 0.5)), TRUE_RATIO),
    "rare outliers": (independent(slow_worker(0.1, 10)), TRUE_RATIO),
    "a long tail": (long_tail, 4.938),
    "the slow page waits": (slow_page_waits, 6.654),
    "drift": (drift, TRUE_RATIO),
    "a random walk": (random_walk, TRUE_RATIO),
    "two levels that last": (two_levels(30), TRUE_RATIO),
    "two levels that change": (two_levels(5), TRUE_RATIO),
    "two workers, one slower": (independent(slow_worker(0.3, 1.6)), TRUE_RATIO),
    "two equal shares": (independent(slow_worker(0.5, 1.6)), TRUE_RATIO),
    "only the slow page has two levels": (independent(slow_worker(0.4, 1.6), little), 6.998),
    "only the fast page has two levels": (independent(little, slow_worker(0.35, 2)), 6.426),
    "workers in turn": (workers_in_turn, TRUE_RATIO),
    "a collector": (collector, TRUE_RATIO),
    "the order matters": (order_matters, 5.602),
}
