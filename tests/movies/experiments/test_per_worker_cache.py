"""Test per-worker-cache: local memory misses once in each worker, a shared cache once in all."""

import runpy
from collections import Counter

from movies.experiments import per_worker_cache
from tests.support.experiments import address_with_token
from tests.support.services import wait_until


def misses_by_worker(lab, page):
    """How often each worker computed the page, once both have answered at least twice."""
    answers, computed = Counter(), Counter()

    def asked():
        timing = lab.get(page).timing
        answers[timing["worker"]] += 1
        computed[timing["worker"]] += timing["queries"] > 0
        return len(answers) == 2 and min(answers.values()) > 1

    wait_until(asked, "an answer of both workers")
    return sorted(computed.values())


def test_local_memory_misses_once_in_each_worker_and_a_shared_cache_once_in_all(lab, token):
    slug = "per-worker-cache"

    assert misses_by_worker(lab, address_with_token(slug, "uncached", token)) > [1, 1]
    assert misses_by_worker(lab, address_with_token(slug, "local", token)) == [1, 1]
    assert misses_by_worker(lab, address_with_token(slug, "shared", token)) == [0, 1]


def test_a_lab_without_a_shared_cache_says_so(settings, redis_server):
    def explanation():
        return runpy.run_path(per_worker_cache.__file__)["__doc__"]

    assert "This lab has no shared cache" not in explanation()

    settings.LAB_CACHES = ["locmem"]

    assert "**This lab has no shared cache.**" in explanation()
