"""The lessons on code and data that a number of queries does not tell: how much work, how many
bytes, what waits for what."""

import gzip
import json
import os
import re
import socket
import threading
import time

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse

from movies import archive_services, slow_network
from movies.experiments import inefficient_code, payload, remote_calls, serialise
from movies.models import Movie

pytestmark = pytest.mark.django_db


def address(slug, variant, **knobs):
    return reverse("variant", args=[slug, variant]) + "".join(
        f"{'&' if number else '?'}{name}={value}"
        for number, (name, value) in enumerate(knobs.items())
    )


# inefficient-code ------------------------------------------------------------------------------


@pytest.fixture
def looked_at(monkeypatch):
    """How often a film is looked at, which every comparison does twice."""
    reads = []
    kind = inefficient_code.kind
    monkeypatch.setattr(inefficient_code, "kind", lambda film: reads.append(film) or kind(film))
    return reads


def steps(view, rows, looked_at):
    """How often films are looked at for a page."""
    looked_at.clear()
    view(RequestFactory().get("/"), rows)
    return len(looked_at)


def test_pairs_look_four_times_as_often_at_twice_the_films(looked_at):
    once = steps(inefficient_code.pairs, 20, looked_at)

    assert once >= 20 * 20
    assert steps(inefficient_code.pairs, 40, looked_at) == 4 * once


def test_a_dictionary_looks_at_each_film_twice_however_many_there_are(looked_at):
    assert steps(inefficient_code.dictionary, 20, looked_at) == 2 * 20
    assert steps(inefficient_code.dictionary, 40, looked_at) == 2 * 40


def test_the_database_counts_without_python(looked_at):
    assert steps(inefficient_code.database, 20, looked_at) == 0


def test_films_that_are_alike_are_counted_without_the_film_itself(client):
    films = list(Movie.objects.order_by("id")[:3])
    Movie.objects.filter(pk__in=[film.pk for film in films]).update(year=1999, minutes=95)
    Movie.objects.filter(pk=films[2].pk).update(minutes=89)  # another half hour

    page = client.get(address("inefficient-code", "dictionary", movies=3)).content.decode()

    assert [row.rpartition("<td>")[2] for row in page.split("</td></tr>")[:3]] == ["1", "1", "0"]


# serialise -------------------------------------------------------------------------------------


@pytest.fixture
def made(monkeypatch):
    """The model instances that are made of rows."""
    instances = []
    from_db = Movie.from_db.__func__

    def recording(cls, db, names, values):
        instances.append(list(names))
        return from_db(cls, db, names, values)

    monkeypatch.setattr(Movie, "from_db", classmethod(recording))
    return instances


def test_values_makes_no_film_of_a_row(made):
    serialise.values(RequestFactory().get("/"), 10)

    assert made == []


def test_instances_are_made_with_all_their_columns(made):
    serialise.instances(RequestFactory().get("/"), 10)

    assert len(made) == 10
    assert "synopsis" in made[0]


def test_narrow_instances_are_made_with_what_is_shown(made):
    serialise.narrow(RequestFactory().get("/"), 10)

    assert len(made) == 10
    assert {"synopsis", "original_title"}.isdisjoint(made[0])


@pytest.mark.parametrize("variant", ["instances", "narrow", "values"])
def test_the_api_answers_with_json(client, variant):
    answer = client.get(address("serialise", variant, movies=10))

    movie = Movie.objects.select_related("director").order_by("id")[3]
    assert answer["Content-Type"] == "application/json"
    assert len(answer.json()["movies"]) == 10
    assert answer.json()["movies"][3] == {
        "id": movie.id,
        "title": movie.title,
        "year": movie.year,
        "minutes": movie.minutes,
        "director__name": movie.director.name,
    }


def test_the_template_shows_what_the_json_says(client):
    page = client.get(address("serialise", "template", movies=10)).content.decode()

    answer = client.get(address("serialise", "values", movies=10)).json()
    assert page.count("<tr><td>") == 10
    for movie in answer["movies"]:
        assert f"<tr><td>{movie['id']}</td>" in page


# payload ---------------------------------------------------------------------------------------


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

    pieces = list(slow_network.paced(b"x" * 125_000, 1_000_000 / 8))

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
    monkeypatch.setattr(slow_network, "LONGEST_S", 0.01)

    answer = client.get(address("payload", "everything", movies=10, line=1000))

    assert answer.status_code == 400
    assert "bytes take" in answer.content.decode()


# remote-calls ----------------------------------------------------------------------------------


@pytest.fixture
def at_once(monkeypatch):
    """The greatest number of calls that were under way at the same time."""
    lock, counts = threading.Lock(), {"now": 0, "most": 0}
    answer = archive_services.Service.do_POST

    def counted(self):
        with lock:
            counts["now"] += 1
            counts["most"] = max(counts["most"], counts["now"])
        try:
            answer(self)
        finally:
            with lock:
                counts["now"] -= 1

    monkeypatch.setattr(archive_services.Service, "do_POST", counted)
    return counts


@pytest.mark.parametrize(("variant", "most"), [("in-turn", 1), ("async", 3), ("threads", 3)])
def test_calls_are_under_way_one_at_a_time_or_all_together(client, at_once, variant, most):
    answer = client.get(address("remote-calls", variant, movies=1, wait=200))

    assert answer.status_code == 200
    assert at_once["most"] == most


def test_the_services_answers_come_in_their_order(client):
    film = Movie.objects.order_by("id")[0]

    page = client.get(address("remote-calls", "threads", movies=1, wait=0)).content.decode()

    answers = [archive_services.said(service, film.id) for service in archive_services.SERVICES]
    assert "".join(f"<td>{answer}</td>" for answer in answers) in page


def test_a_service_really_waits():
    started = time.monotonic()

    archive_services.ask("vault", [], 50)

    assert time.monotonic() - started >= 0.05


def test_services_that_cannot_start_are_told_of(client, monkeypatch):
    def no_port(*args):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(archive_services, "_server", None)
    monkeypatch.setattr(archive_services, "Server", no_port)

    answer = client.get(address("remote-calls", "in-turn", movies=1))

    assert answer.status_code == 503
    assert "cannot start" in answer.content.decode()
    assert "Too many open files" in answer.content.decode()


@pytest.mark.parametrize("variant", ["in-turn", "async", "threads"])
def test_a_service_that_does_not_answer_is_told_of(client, monkeypatch, variant):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # and nobody listens
        nowhere = f"http://127.0.0.1:{unused.getsockname()[1]}"
        monkeypatch.setattr(archive_services, "address", lambda: nowhere)

        answer = client.get(address("remote-calls", variant, movies=1))

    assert answer.status_code == 503
    assert "does not answer" in answer.content.decode()


def test_a_forked_worker_has_services_of_its_own():
    before = archive_services.address()
    reads, writes = os.pipe()

    child = os.fork()
    if child == 0:
        try:
            film = type("Film", (), {"id": 7})
            said = [archive_services.address(), archive_services.ask("vault", [film], 0)]
            os.write(writes, json.dumps(said).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writes)
    with os.fdopen(reads) as told:
        theirs, said = json.load(told)

    assert theirs != before
    assert said == [archive_services.said("vault", 7)]
    with (
        pytest.raises(ConnectionRefusedError),
        socket.create_connection(port_of(theirs), timeout=1),
    ):
        pass  # the child has ended, and its port with it


def port_of(url):
    """What to connect to for a base address."""
    host, _, port = url.removeprefix("http://").partition(":")
    return host, int(port)


def test_no_proxy_is_asked_for_a_loopback_address(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:3128")
    monkeypatch.setenv("ALL_PROXY", "http://192.0.2.1:3128")
    archive_services._client.cache_clear()

    assert archive_services.ask("vault", [], 0) == []


def test_every_variant_asks_all_the_services(client, monkeypatch):
    asked = []
    said = archive_services.said
    monkeypatch.setattr(
        archive_services, "said", lambda service, film: asked.append(service) or said(service, film)
    )

    for variant in remote_calls.experiment.variants:
        asked.clear()
        client.get(address("remote-calls", variant.name, movies=1, wait=0))
        assert sorted(asked) == sorted(archive_services.SERVICES), variant.name
