"""A page that takes longer than expected ends with a 503, and its worker lives on."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from perflab.base import deadlines
from perflab.base.deadlines import OutOfTime, page_of
from tests.support.services import temporary_folder, wait_until

LAB = "tests.support.breaking_lab"  # a page has 2 s there
SHAPES = {
    "sync": {},
    "gthread": {"threads": 4},
    "gevent": {"arguments": ("--worker-class", "gevent")},
    "asgi": {"arguments": ("--worker-class", "asgi")},
}


def assert_took_too_long(answer):
    assert answer.status == 503
    assert "The page took too long" in answer.text
    assert answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_page_with_many_queries_ends_at_its_deadline(start_lab, shape):
    interface = "asgi" if shape == "asgi" else "wsgi"
    lab = start_lab(workers=1, application=f"{LAB}:{interface}", **SHAPES[shape])
    before = lab.worker_pids()

    answer = lab.get("/experiments/n-plus-one/slow/?movies=180&round_trip=50")

    assert_took_too_long(answer)
    assert 2000 <= answer.timing["total"] < 9000  # it was accepted as 9 s
    assert lab.worker_pids() == before
    assert lab.get("/experiments/n-plus-one/slow/?movies=10&round_trip=1").status == 200


@pytest.mark.parametrize("shape", SHAPES)
def test_a_page_without_queries_ends_and_its_worker_lives_on(start_lab, shape):
    """Where one thread serves all, before Gunicorn kills it; with threads, at the deadline."""
    interface = "asgi" if shape == "asgi" else "wsgi"
    arguments = (*SHAPES[shape].get("arguments", ()), "--timeout", "4")
    options = {**SHAPES[shape], "arguments": arguments}
    lab = start_lab(workers=1, application=f"{LAB}:{interface}", **options)
    before = lab.worker_pids()

    with ThreadPoolExecutor(2) as pool:  # in one thread the second begins when the first has ended
        for answer in pool.map(lambda _: lab.get("/computes/?s=40"), range(2)):
            assert_took_too_long(answer)

    assert lab.worker_pids() == before
    assert [lab.get("/computes/?s=0.1").status for _ in range(5)] == [200] * 5
    assert lab.worker_pids() == before
    assert "WORKER TIMEOUT" not in lab.log_text()


@pytest.mark.parametrize("shape", ["sync", "gthread"])
def test_who_takes_no_answer_over_a_unix_socket_is_cut_off(start_lab, shape):
    path = temporary_folder() / "lab.sock"
    arguments = ("--bind", f"unix:{path}")
    lab = start_lab(workers=1, application=f"{LAB}:wsgi", **SHAPES[shape], arguments=arguments)
    page = "/experiments/streaming-export/slow/?movies=1851&x="

    with ExitStack() as opened:
        for number in range(4):
            stuck = opened.enter_context(socket.socket(socket.AF_UNIX))
            stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stuck.connect(str(path))
            stuck.sendall(f"GET {page}{number} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        wait_until(lambda: lab.log_text().count(f"{page}") == 4, "the answers to all four")
        assert lab.get("/health/").status == 200


def test_a_thread_that_only_computes_is_ended():
    def compute():
        with page_of(0.1):
            while True:
                sum(range(1000))

    with ThreadPoolExecutor(1) as pool, pytest.raises(OutOfTime):
        pool.submit(compute).result()


def test_a_page_that_is_made_at_its_very_deadline_stays_whole():
    begun, go_on = threading.Event(), threading.Event()

    def make():
        with page_of(100):
            begun.set()
            go_on.wait()
            page = "whole"
        return page, sum(range(1000))

    with ThreadPoolExecutor(1) as pool:
        with deadlines._lock:
            made = pool.submit(make)
            begun.wait()
            [(thread, _)] = deadlines._deadlines.items()
            del deadlines._deadlines[thread]  # as its watcher does when the deadline is over
            go_on.set()
            time.sleep(0.2)  # the page is made, and its thread waits for the lock
            deadlines._raise_in(thread, OutOfTime)

        assert made.result() == ("whole", 499500)
