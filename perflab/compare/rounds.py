"""Take an experiment's runs: a warm-up, then the variants in turn, in rounds that are spread.

`js/compare/rounds.js` does the same in a browser.
"""

from collections.abc import Callable
from time import perf_counter, sleep

from perflab.measure import stats
from perflab.measure.other_programs import BUSY_CORES, cores_kept_busy

from .clients import LabClient
from .lab_pages import Json, PageFailed, Timing

MAX_WARM_UP_ROUNDS = 200  # a lab whose workers never last is not measured
SPREAD_S = 0.05, 2.0  # over which the rounds are spread, at least: for each run, and for all
BUSY_SPREAD_S = 0.25, 10.0  # the same on a busy machine, where other programs come and go
CHECK_RUNS = 10  # of a check of the machine, each of them twice

INSPECTED = (
    "somebody is inspecting pages in the same worker, so nothing can be measured there: wait, or "
    "start the lab with one thread for each worker"
)

Worker = tuple[str, int]  # a variant's name, and the process that has answered for it


def warm_up(client: LabClient, variants: list[Json], get: Callable[[Json], Timing]) -> set[Worker]:
    """Ask until no new worker answers; return the workers that have answered for each variant."""
    known: set[Worker] = set()
    quiet = number = 0
    while quiet < client.quiet_answers and number < MAX_WARM_UP_ROUNDS:
        for variant in order_of_turn(variants, number):
            answered = (variant["name"], get(variant)["worker"])
            quiet = 0 if answered not in known else quiet + 1
            known.add(answered)
        number += 1
    return known


def take_rounds(
    client: LabClient,
    variants: list[Json],
    runs: int,
    get: Callable[[Json], Timing],
    known: set[Worker],
    runs_of: dict[str, list[Timing]],
    after_each_run: Callable[[], None],
) -> float | None:
    """Fill in the runs of every variant, in rounds; return the cores that others kept busy.

    The rounds begin at about equal distances. The processor may have slept before a round that had
    to wait, so such a round begins with a request of each variant that is no run.
    """
    sizes = stats.round_sizes(runs)
    number = 0
    before = client.read_counters()
    other_cores = None
    for size in sizes:
        began = perf_counter()
        for _ in range(size):
            for variant in order_of_turn(variants, number):
                runs_of[variant["name"]].append(_get_from_known_worker(variant, get, known))
                after_each_run()
            number += 1
        other_cores = cores_kept_busy(before, client.read_counters())
        wait_s = began + seconds_of_round(runs, other_cores) - perf_counter()
        if number < runs and wait_s > 0:
            sleep(wait_s)
            for variant in order_of_turn(variants, number):
                _get_from_known_worker(variant, get, known)
    return other_cores


def seconds_of_round(runs: int, other_cores: float | None) -> float:
    """Return the seconds from the beginning of one round to that of the next, at least."""
    each, most = BUSY_SPREAD_S if is_busy(other_cores) else SPREAD_S
    return min(most, each * runs) / len(stats.round_sizes(runs))


def order_of_turn(variants: list[Json], number: int) -> list[Json]:
    """Return the variants in the order of a turn. Each is first as often as any other."""
    first = number % len(variants)
    return variants[first:] + variants[:first]


def _get_from_known_worker(
    variant: Json, get: Callable[[Json], Timing], known: set[Worker]
) -> Timing:
    """Return a run. The first answer of a worker for a variant is its warm-up, and no run.

    Nor is one during which the worker inspected another request with the toolbar.
    """
    for _ in range(MAX_WARM_UP_ROUNDS):
        timing = get(variant)
        answered = (variant["name"], timing["worker"])
        if answered in known and not timing.get("inspected"):
            return timing
        known.add(answered)
    if timing.get("inspected"):
        raise PageFailed(f"{variant['name']}: {INSPECTED}")
    raise PageFailed(
        f"{variant['name']}: every answer comes from another worker (is max_requests set?)"
    )


def check_machine(
    client: LabClient, variant: Json, get: Callable[[Json], Timing], known: set[Worker]
) -> stats.Ratio | None:
    """Measure a variant against itself, and return the ratio; None where it is not known.

    By chance it differs in one of twenty checks on a quiet machine, so then it is checked again.
    """
    for _ in range(2):
        runs_of: dict[str, list[Timing]] = {variant["name"]: []}
        take_rounds(client, [variant, variant], CHECK_RUNS, get, known, runs_of, lambda: None)
        totals = [run["total"] for run in runs_of[variant["name"]]]
        # Which of a turn's two requests stands for which side alternates, as between variants.
        turns = [totals[start : start + 2] for start in range(0, len(totals), 2)]
        turns = [turn[::-1] if number % 2 else turn for number, turn in enumerate(turns)]
        one, other = ([turn[side] for turn in turns] for side in (0, 1))
        ratio = stats.ratio_of_rounds(stats.split_rounds(one, other))
        if not ratio.differs:
            break
    return ratio


def is_busy(other_cores: float | None) -> bool:
    """Return whether other programs kept so much of the machine that it is called busy."""
    return (other_cores or 0) > BUSY_CORES
