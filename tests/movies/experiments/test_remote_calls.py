"""Test remote-calls: how many calls are under way at once, and what a failing service causes."""

import gc
import json
import os
import socket
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections

from movies import archive_services
from movies.experiments import remote_calls
from movies.models import Movie
from tests.support.experiments import address
from tests.support.services import wait_until

pytestmark = pytest.mark.django_db


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

    answers = [
        archive_services.answer_for(service, film.id) for service in archive_services.SERVICES
    ]
    assert "".join(f"<td>{answer}</td>" for answer in answers) in page


def test_a_service_really_waits():
    started = time.monotonic()

    archive_services.ask("vault", [], 50)

    assert time.monotonic() - started >= 0.05


def test_services_that_cannot_start_are_reported(client, monkeypatch):
    def no_port(*args):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(archive_services, "_server", None)
    monkeypatch.setattr(archive_services, "Server", no_port)

    answer = client.get(address("remote-calls", "in-turn", movies=1))

    assert answer.status_code == 503
    assert "cannot start" in answer.content.decode()
    assert "Too many open files" in answer.content.decode()


@pytest.mark.parametrize("variant", ["in-turn", "async", "threads"])
def test_a_service_that_does_not_answer_is_reported(client, monkeypatch, variant):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # and nobody listens
        nowhere = f"http://127.0.0.1:{unused.getsockname()[1]}"
        monkeypatch.setattr(archive_services, "base_url", lambda: nowhere)

        answer = client.get(address("remote-calls", variant, movies=1))

    assert answer.status_code == 503
    assert "does not answer" in answer.content.decode()


@pytest.mark.usefixtures("may_start_servers")
def test_a_forked_worker_has_services_of_its_own():
    before = archive_services.base_url()
    reads, writes = os.pipe()

    child = os.fork()
    if child == 0:
        try:
            film = type("Film", (), {"id": 7})
            said = [archive_services.base_url(), archive_services.ask("vault", [film], 0)]
            os.write(writes, json.dumps(said).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writes)
    with os.fdopen(reads) as pipe:
        theirs, said = json.load(pipe)

    assert theirs != before
    assert said == [archive_services.answer_for("vault", 7)]
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
    answer_for = archive_services.answer_for
    monkeypatch.setattr(
        archive_services,
        "answer_for",
        lambda service, film: asked.append(service) or answer_for(service, film),
    )

    for variant in remote_calls.experiment.variants:
        asked.clear()
        client.get(address("remote-calls", variant.name, movies=1, wait=0))
        assert sorted(asked) == sorted(archive_services.SERVICES), variant.name


@pytest.mark.skipif(connection.vendor != "postgresql", reason="it counts a server's connections")
def test_a_query_in_another_thread_leaves_a_connection_and_is_outside_the_transaction():
    asked = "SELECT 1 FROM pg_stat_activity WHERE pid = %s"
    here = connection.connection.info.backend_pid
    before = Movie.objects.count()
    Movie.objects.order_by("-id").first().delete()  # not committed

    def query():
        return Movie.objects.count(), connections["default"]

    gc.disable()  # which would end the connection at some time
    try:
        with ThreadPoolExecutor(1) as pool:
            counted, theirs = pool.submit(query).result()
        there = theirs.connection.info.backend_pid
        with connection.cursor() as cursor:
            cursor.execute(asked, [there])
            still_open = cursor.fetchone()
    finally:
        gc.enable()
        theirs.inc_thread_sharing()
        theirs.close()

    assert there != here
    assert still_open
    assert (counted, Movie.objects.count()) == (before, before - 1)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="it counts a server's connections")
def test_the_garbage_collector_ends_the_connection_of_a_thread_that_has_ended():
    def query():
        Movie.objects.count()
        return connections["default"].connection.info.backend_pid

    def is_open(pid):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [pid])
            return cursor.fetchone()

    gc.disable()
    try:
        with ThreadPoolExecutor(1) as pool:
            theirs = pool.submit(query).result()
        assert is_open(theirs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # that nobody has closed it
            gc.collect()
    finally:
        gc.enable()

    wait_until(lambda: not is_open(theirs), "ending a connection")


@pytest.mark.parametrize("variant", ["in-turn", "async", "threads"])
def test_no_variant_asks_the_database_in_another_thread(client, variant):
    threads = set()

    def note(execute, sql, params, many, context):
        threads.add((threading.get_ident(), context["connection"].connection))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        client.get(address("remote-calls", variant, movies=1, wait=0))

    assert len(threads) == 1


def test_a_call_gives_up_after_a_time():
    assert archive_services.OPTIONS["timeout"] == archive_services.TIMEOUT_S == 5
