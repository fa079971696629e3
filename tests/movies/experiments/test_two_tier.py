"""Test two-tier: who sees a change at once and who sees it when a local copy runs out."""

import pytest

from perflab.measure import server_timing
from tests.support.experiments import address_with_token
from tests.support.services import wait_until


def test_a_worker_takes_its_first_copy_from_the_shared_cache_and_then_asks_nobody(lab, token):
    page = address_with_token("two-tier", "two-tiers", token)
    answers = {}

    def asked():
        timing = lab.get(page).timing
        answers.setdefault(timing["worker"], []).append(
            tuple(timing[name] for name in ("queries", "calls", "hits", "misses"))
        )
        return len(answers) == 2

    wait_until(asked, "an answer of both workers")
    first, second = sorted((seen[0] for seen in answers.values()), reverse=True)

    assert first == (4, 4, 0, 2)  # in neither cache: computed, and put into both
    assert second == (0, 3, 1, 1)  # in the shared one
    assert {seen for worker in answers.values() for seen in worker[1:]} <= {(0, 1, 1, 0), second}


@pytest.mark.django_db
def test_the_worker_that_changes_the_film_shows_the_new_one_at_once(play):
    before, after, _ = play("two-tier", "two-tiers")

    assert after != before


@pytest.mark.django_db
def test_another_worker_shows_the_old_film_until_its_own_copy_runs_out(play, later, faulty_cache):
    # The change is made in another worker: it deletes the copy in its own memory, not in ours.
    faulty_cache.when("delete", key="only-locmem:", then=lambda call: False)
    before, after, now = play("two-tier", "two-tiers")
    assert after == before

    later(seconds=2.1)

    assert now() != before


@pytest.mark.django_db
def test_the_shared_tier_alone_shows_the_new_film_at_once(play):
    before, after, now = play("two-tier", "shared")

    assert after != before
    assert now() == after


@pytest.mark.django_db
def test_a_hit_in_the_local_tier_renders_nothing_and_asks_no_other_cache(client, token):
    page = address_with_token("two-tier", "two-tiers", token)
    made = client.get(page)

    hit = client.get(page)

    assert hit.content == made.content
    assert not getattr(hit, "templates", None)
    timing = server_timing.read(hit["Server-Timing"])
    assert (timing["queries"], timing["calls"], timing["hits"]) == (0, 1, 1)
