"""What judgement asks of a run: rows, workers, and expected queries, as the lab and its pages tell.

The functions know of a lab only what its addresses say, so they serve a lab in this process and
one behind a URL alike.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from math import ceil
from typing import Any

from .clients import LabClient
from .judgement import Facts, VariantFacts
from .page_diff import PageComparison

Json = dict[str, Any]


def expected_queries(terms: Json, rows: int) -> int:
    """Return the number of queries that a variant of /experiments.json promises for so many rows.

    `terms` are those of a cold or of a warm cache.
    """
    batches = ceil(rows / terms["batch"]) if terms["batch"] else 0
    return int(terms["base"] + terms["per_row"] * rows + terms.get("per_batch", 1) * batches)


def read_collection(client: LabClient, experiment: Json) -> Json:
    """Return what the lab says of the rows that it has for a page: `rows`, and whether it seeds.

    Raises ValueError, KeyError and TypeError where it does not say.
    """
    found = json.loads(client.get(f"{experiment['url']}rows.json").body)
    return {"rows": int(found["rows"]), "seeding": bool(found.get("seeding"))}


def list_workers(client: LabClient, instances: Collection[str]) -> frozenset[int] | None:
    """Return the pids of the lab's workers; None where the lab does not list all of them.

    `instances` are the names of those that have answered so far. One instance does not list the
    workers of another.
    """
    try:
        found = json.loads(client.get("/system.json").body)
        if found["note"] or len({found["instance"], *instances}) != 1:
            return None
        return frozenset(worker["pid"] for worker in found["workers"])
    except (ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True)
class Found:
    """What was found around the runs: before them, in the warm-up, and after them."""

    before: Json  # of read_collection
    after: Json
    workers: Collection[int] | None  # of list_workers, before the runs
    workers_warm: Collection[int]
    check_differs: bool
    story: str  # why there is no verdict of a story that is needed


def gather_facts(
    client: LabClient,
    experiment: Json,
    rows: int,
    cold: bool,
    runs_of: dict[str, list[Json]],
    pages: PageComparison,
    found: Found,
) -> Facts:
    """Return the facts of a run that has just ended, for judgement. `rows` are those asked for."""
    runs = [run for own in runs_of.values() for run in own]
    return Facts(
        noun=experiment["rows"],
        rows_asked=rows,
        rows_there=found.before["rows"],
        rows_after=found.after["rows"],
        seeding=found.before["seeding"] or found.after["seeding"],
        variants=[
            gather_variant_facts(variant, rows, cold, runs_of[variant["name"]], pages)
            for variant in experiment["variants"]
        ],
        workers_before=found.workers,
        workers_after=list_workers(client, {run["instance"] for run in runs}),
        workers_warm=found.workers_warm,
        workers_answered={run["worker"] for run in runs},
        check_differs=found.check_differs,
        story=found.story,
    )


def gather_variant_facts(
    variant: Json, rows: int, cold: bool, runs: list[Json], pages: PageComparison
) -> VariantFacts:
    """Return what is known of the runs of a variant of /experiments.json."""
    expected = {name: expected_queries(terms, rows) for name, terms in variant["queries"].items()}
    is_warm = variant["revalidates"] or not cold  # who revalidates needs no cache of the lab's
    return VariantFacts(
        name=variant["name"],
        queries=[run["queries"] for run in runs],
        expected=expected["warm" if is_warm else "cold"],
        cold=expected["cold"],
        rows=pages.rows.get(variant["name"]),
        cache_errors=sum(run["errors"] for run in runs),
        differs=variant["name"] in pages.differences,
    )
