"""Test payload: how many bytes each variant sends, and how long a slow line takes for them."""

import gzip
import re

import pytest
from django.test import Client

from movies import slow_network
from movies.experiments import payload
from tests.support.experiments import address

pytestmark = pytest.mark.django_db


def sizes(rows):
    """The bytes on the wire of each variant, by its name, for a browser that can unpack."""
    browser = Client(headers={"Accept-Encoding": "gzip"})
    return {
        variant.name: len(browser.get(address("payload", variant.name, movies=rows)).content)
        for variant in payload.experiment.variants
    }


def test_each_step_sends_fewer_bytes_than_everything():
    sent = sizes(100)

    assert sent["compressed"] < sent["everything"] / 3
    assert sent["first-page"] < sent["everything"] / 2
    assert sent["both"] < min(sent["compressed"], sent["first-page"])


def test_the_first_page_does_not_grow_with_the_films():
    assert sizes(100)["first-page"] == sizes(200)["first-page"]


def test_a_compressed_page_shows_a_person_its_figures_too(client):
    browser = {"Accept-Encoding": "gzip", "Sec-Fetch-Dest": "iframe"}

    answer = client.get(address("payload", "compressed", movies=10), headers=browser)

    assert answer["Content-Encoding"] == "gzip"
    assert answer["Content-Length"] == str(len(answer.content))
    assert "1 query" in " ".join(
        re.sub("<.*?>", "", gzip.decompress(answer.content).decode()).split()
    )


def test_who_cannot_unpack_gets_the_plain_page(client):
    answer = client.get(address("payload", "compressed", movies=10))

    assert "Content-Encoding" not in answer
    assert answer.content.count(b"<dt>") == 10


def test_a_line_takes_the_time_that_the_bytes_on_it_take(monkeypatch):
    now, slept = [0.0], []
    monkeypatch.setattr(slow_network.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(
        slow_network.time, "sleep", lambda s: (slept.append(s), now.append(now.pop() + s))
    )

    pieces = list(slow_network.pace(b"x" * 125_000, 1_000_000 / 8))

    assert b"".join(pieces) == b"x" * 125_000
    assert sum(slept) == pytest.approx(1)
    assert pieces[0] == b""  # the headers do not wait


def test_a_line_changes_nothing_of_the_page(client):
    headers = {"Accept-Encoding": "gzip"}
    plain = client.get(address("payload", "compressed", movies=10), headers=headers)

    slow = client.get(address("payload", "compressed", movies=10, line=20000), headers=headers)
    sent = b"".join(slow)

    assert slow.streaming
    assert slow["Content-Length"] == str(len(sent))
    assert slow["Content-Encoding"] == "gzip"
    assert gzip.decompress(sent) == gzip.decompress(plain.content)


def test_a_page_that_would_hold_its_worker_too_long_is_refused(client, monkeypatch):
    monkeypatch.setattr(slow_network, "MAX_RESPONSE_S", 0.01)

    answer = client.get(address("payload", "everything", movies=10, line=1000))

    assert answer.status_code == 400
    assert "bytes take" in answer.content.decode()


def test_up_to_a_hundred_random_bytes_are_added_to_what_is_compressed(client):
    headers = {"Accept-Encoding": "gzip"}
    path = address("payload", "compressed", movies=10)

    answers = [client.get(path, headers=headers).content for _ in range(20)]

    pages = {gzip.decompress(answer) for answer in answers}
    lengths = {len(answer) for answer in answers}
    assert len(pages) == 1
    assert len(lengths) > 1
    assert max(lengths) - min(lengths) <= 100
