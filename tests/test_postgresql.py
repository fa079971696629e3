"""The tests that use the database, once more, on PostgreSQL."""

import os
import subprocess
import sys

import pytest

from tests.support.labs import ROOT, manage, visit

ON_BOTH_DATABASES = (
    "tests/compare/test_last_results.py",
    "tests/measure/test_query_plan.py",
    "tests/measure/test_server_timing.py",
    "tests/measure/test_traces.py",
    "tests/movies/experiments/test_aggregates.py",
    "tests/movies/experiments/test_bulk_update.py",
    "tests/movies/experiments/test_bulk_writes.py",
    "tests/movies/experiments/test_connections.py",
    "tests/movies/experiments/test_count_exists.py",
    "tests/movies/experiments/test_deep_pages.py",
    "tests/movies/experiments/test_duplicates.py",
    "tests/movies/experiments/test_every_experiment.py",
    "tests/movies/experiments/test_expensive_count.py",
    "tests/movies/experiments/test_form_choices.py",
    "tests/movies/experiments/test_get_in_a_loop.py",
    "tests/movies/experiments/test_hidden_queries.py",
    "tests/movies/experiments/test_index_price.py",
    "tests/movies/experiments/test_ladder.py",
    "tests/movies/experiments/test_missing_index.py",
    "tests/movies/experiments/test_prefetch_undone.py",
    "tests/movies/experiments/test_search.py",
    "tests/movies/experiments/test_streaming_export.py",
    "tests/movies/experiments/test_top_per_group.py",
    "tests/movies/experiments/test_unused_index.py",
    "tests/movies/experiments/test_upsert.py",
    "tests/movies/experiments/test_wide_rows.py",
    "tests/movies/test_views.py",
    "tests/web/test_errors.py",
    "tests/web/views/test_actions.py",
    "tests/web/views/test_api.py",
    "tests/web/views/test_pages.py",
    "tests/web/views/test_variants.py",
)


@pytest.mark.exhaustive
def test_the_same_tests_pass_on_postgresql(postgresql):
    # Where the environment names the settings, pytest-django loads them before conftest.py has
    # started that run's own caches: its tests would find this run's.
    own = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *ON_BOTH_DATABASES]
        + ["-k", "not flush and not collected and not every_request and not workers_pool"],
        cwd=ROOT,
        env={**own, "DATABASE_URL": postgresql.url},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " passed" in done.stdout


def test_the_command_proves_the_promises_there(
    postgresql, redis_server, memcached_server, tmp_path
):
    environment = {
        "DATABASE_URL": postgresql.url,
        "REDIS_URL": redis_server.url,
        "MEMCACHED_URL": memcached_server.url,
        "PERFLAB_VAR": str(tmp_path),
    }
    manage("migrate", "--verbosity=0", **environment)
    manage("seed", "--movies=1851", **environment)

    output = manage("verify", "n-plus-one", "cache-page", **environment)

    assert output.split("\n")[:-1] == [
        f"ok    {slug}  {cache}"
        for slug in ("n-plus-one", "cache-page")
        for cache in ("redis", "memcached", "locmem")
    ]


def test_a_database_without_tables_is_told_what_to_run(own_postgresql, tmp_path):
    output = visit("/films/", DATABASE_URL=own_postgresql.url, PERFLAB_VAR=str(tmp_path))

    assert output.startswith("503")
    assert "The database has no tables yet" in output
