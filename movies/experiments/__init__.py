"""The experiments, in teaching order. A new one is a file here and a line in this list."""

from movies import seeding
from perflab.catalogue import collection
from perflab.catalogue.registry import register

register(
    __name__,
    [
        "n_plus_one",
        "many_to_many",
        "reverse_relation",
        "prefetch_undone",
        "count_exists",
        "wide_rows",
        "aggregates",
        "missing_index",
        "index_price",
        "deep_pages",
        "expensive_count",
        "bulk_writes",
        "bulk_update",
        "connections",
        "cache_page",
        "template_fragment",
        "fragment_trap",
        "low_level_cache",
        "personal_page",
        "stampede",
        "stale_page",
        "per_worker_cache",
        "two_tier",
        "cache_n_plus_one",
        "cache_backends",
        "what_to_cache",
        "conditional_get",
        "ladder",
        "inefficient_code",
        "remote_calls",
        "streaming_export",
        "serialise",
        "payload",
    ],
)
collection.use(
    collection.Source(
        count=seeding.count_films,
        grows=seeding.can_grow,
        real=seeding.REAL_FILMS,
        most=seeding.MAX_MOVIES,
        work=seeding.work,
    )
)
