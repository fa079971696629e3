"""Whether a run can be judged, and if not: why, and what to do about it. Pure.

`find_reasons` holds the rules, WORDS what is said of each of them. js/compare/judgement.js has the
same rules, and gets the words from the page: for the same facts both give the same reasons
(tests/recorded/judgements.json).
"""

import statistics
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from perflab.base.numbers import format_number

ENOUGH_RUNS = 3  # of each variant

# For each reason: what is wrong, and what to do.
WORDS = {
    "seeding": (
        "The collection was changed while it was measured.",
        "Wait until the seeding has ended, then run again.",
    ),
    "no_rows": (
        "There are no {noun}: the collection is empty.",
        "Seed it first: .venv/bin/python manage.py seed.",
    ),
    "rows": (
        "The page of {variant} shows {shown} {noun}, not the {asked} that were asked for.",
        "Ask for fewer or for what comes earlier, or add films: "
        ".venv/bin/python manage.py seed --movies N.",
    ),
    "inspected": (
        "Somebody was inspecting pages in the workers that were measured.",
        "Wait until nobody inspects pages, or start the lab with one thread for each worker.",
    ),
    "failed": (
        "Requests that failed: {failed}. The figures leave them out.",
        "The message below says why. Then run again.",
    ),
    "story": (
        "The lesson is what is right, and its story gives no verdict: {words}.",
        "Play the story when all parts of the lab answer, on two workers or more, then run again.",
    ),
    "too_few_runs": (
        "Runs of {variant}: {runs}. A verdict needs {needed} at least.",
        "Run again, and let the run come to its end.",
    ),
    "cache_errors": (
        "Calls of {variant} that the cache did not answer: {errors}.",
        "Start the cache again or choose another one, then run again.",
    ),
    "workers_changed": (
        "Workers came or went while they were measured: {came} came, {went} went.",
        "Leave the workers as they are, then run again.",
    ),
    "promise": (
        "Queries of {variant}: {queries} in a run, where {expected} were expected.",
        "Run again. If it happens again, look at what .venv/bin/python manage.py verify says.",
    ),
    "pages_differ": (
        "The pages of {variant} and {first} differ, so the two do not do the same work.",
        "See below where they differ. Mend the variant, then run again.",
    ),
    "machine_busy": (
        "The first variant differed from itself when it was measured against itself: other "
        "programs disturb this machine.",
        "End what else is running, then run again, with more runs.",
    ),
}


@dataclass(frozen=True, kw_only=True)
class VariantFacts:
    """What is known of the runs of one variant."""

    name: str
    queries: Sequence[int]  # of each run
    expected: int  # queries, with the cache as it was to be
    cold: int  # queries of a run that met an empty cache, because an entry had expired
    rows: int | None  # fewest that an answer showed; None where they cannot be counted
    cache_errors: int = 0  # calls that the cache did not answer
    differs: bool = False  # whether its page is not the first variant's, for no reason


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of a run. A pid, or a number of rows, that is not known is None."""

    noun: str  # what a page's rows are called: "films"
    rows_asked: int
    rows_there: int | None  # in the collection, for this page
    rows_after: int | None  # the same after the run
    variants: Sequence[VariantFacts]
    workers_before: Collection[int] | None  # pids, by the lab's own list
    workers_after: Collection[int] | None
    workers_warm: Collection[int]  # pids that answered in the warm-up
    workers_answered: Collection[int]  # pids that answered in the runs
    seeding: bool = False  # whether somebody seeds the database
    inspected: int = 0  # runs that could not be taken beside inspected requests
    failed: int = 0  # requests that brought no page
    story: str = ""  # why the story of a lesson on correctness has no verdict; "" otherwise
    check_differs: bool = False  # whether the first variant, measured against itself, differed

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> "Facts":
        """Return the facts of a JSON object with the same names."""
        variants = [VariantFacts(**variant) for variant in found["variants"]]
        return cls(**found | {"variants": variants})

    def to_json(self) -> dict[str, Any]:
        """Return the facts as a JSON object with the same names."""
        return asdict(self)


Reason = dict[str, Any]  # a "code" of WORDS, and the values that its words name


def find_reasons(facts: Facts) -> list[Reason]:
    """Return the reasons why a run is not judged, the cause before what may follow from it.

    An empty list means that it is judged.
    """
    found = [
        *_find_wrong_rows(facts),
        *([{"code": "inspected"}] if facts.inspected else []),
        *([{"code": "failed", "failed": facts.failed}] if facts.failed else []),
        *([{"code": "story", "words": facts.story}] if facts.story else []),
        *_find_too_few_runs(facts),
        *_find_cache_errors(facts),
        *_find_changed_workers(facts),
    ]
    # Where rows or the cache are not what they should be, neither are queries nor pages.
    codes = {reason["code"] for reason in found}
    if not codes & {"seeding", "no_rows", "rows"}:
        if "cache_errors" not in codes:
            found += _find_broken_promises(facts)
        found += _find_other_pages(facts)
    if facts.check_differs:
        found.append({"code": "machine_busy"})
    return found


def _find_wrong_rows(facts: Facts) -> list[Reason]:
    there, after = facts.rows_there, facts.rows_after
    if facts.seeding or (None not in (there, after) and there != after):
        return [{"code": "seeding"}]
    if there == 0:
        return [{"code": "no_rows", "noun": facts.noun}]
    for variant in facts.variants:
        shown = [rows for rows in (variant.rows, there) if rows is not None]
        if shown and min(shown) < facts.rows_asked:
            values = {"shown": min(shown), "asked": facts.rows_asked, "noun": facts.noun}
            return [{"code": "rows", "variant": variant.name, **values}]
    return []


def _find_too_few_runs(facts: Facts) -> list[Reason]:
    for variant in facts.variants:
        if len(variant.queries) < ENOUGH_RUNS:
            values = {"runs": len(variant.queries), "needed": ENOUGH_RUNS}
            return [{"code": "too_few_runs", "variant": variant.name, **values}]
    return []


def _find_cache_errors(facts: Facts) -> list[Reason]:
    return [
        {"code": "cache_errors", "variant": variant.name, "errors": variant.cache_errors}
        for variant in facts.variants
        if variant.cache_errors
    ]


def _find_changed_workers(facts: Facts) -> list[Reason]:
    """Return a reason where another process answered than before, or one went away.

    A lab that does not list its workers is known by those that have answered.
    """
    answered, before, after = set(facts.workers_answered), facts.workers_before, facts.workers_after
    if before is None or after is None:
        came, went = answered - set(facts.workers_warm), set()
    else:
        came, went = (set(after) | answered) - set(before), set(before) - set(after)
    if came or went:
        return [{"code": "workers_changed", "came": len(came), "went": len(went)}]
    return []


def _find_broken_promises(facts: Facts) -> list[Reason]:
    """Return a reason for each variant whose runs took other numbers of queries than expected.

    Some runs may meet an entry that has expired, but the typical one may not.
    """
    found = []
    for variant in facts.variants:
        if not variant.queries:
            continue
        allowed = (variant.expected, variant.cold)
        wrong = [number for number in variant.queries if number not in allowed]
        typical = statistics.median_low(variant.queries)
        if typical != variant.expected:
            wrong.insert(0, typical)
        if wrong:
            values = {"queries": wrong[0], "expected": variant.expected}
            found.append({"code": "promise", "variant": variant.name, **values})
    return found


def _find_other_pages(facts: Facts) -> list[Reason]:
    first = facts.variants[0].name if facts.variants else ""
    return [
        {"code": "pages_differ", "variant": variant.name, "first": first}
        for variant in facts.variants
        if variant.differs
    ]


def put_into_words(reason: Reason) -> dict[str, str]:
    """Return the code of a reason, `what` is wrong and what to `do`, as sentences."""
    values = {
        name: value if isinstance(value, str) else format_number(value)
        for name, value in reason.items()
    }
    what, do = (words.format(**values) for words in WORDS[reason["code"]])
    return {"code": reason["code"], "what": what, "do": do}
