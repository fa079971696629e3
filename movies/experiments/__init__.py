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
        "hidden_queries",
        "fetch_modes",
        "top_per_group",
        "get_in_a_loop",
        "count_exists",
        "every_page",
        "wide_rows",
        "aggregates",
        "duplicates",
        "deep_pages",
        "expensive_count",
        "missing_index",
        "unused_index",
        "search",
        "index_price",
        "bulk_writes",
        "bulk_update",
        "upsert",
        "lost_update",
        "long_transaction",
        "connections",
        "remote_calls",
        "after_the_response",
        "distance",
        "cache_page",
        "template_fragment",
        "low_level_cache",
        "what_to_cache",
        "conditional_get",
        "fragment_trap",
        "personal_page",
        "stale_page",
        "stampede",
        "per_worker_cache",
        "cache_n_plus_one",
        "cache_backends",
        "two_tier",
        "inefficient_code",
        "form_choices",
        "serialise",
        "payload",
        "streaming_export",
        "ladder",
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
