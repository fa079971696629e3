"""Clients that say nothing, or half of something, hold no worker: everybody else is served."""

import contextlib
import signal
import socket
import time

import pytest

from perflab.workers.serving import arrivals
from tests.support.services import undisturbed, wait_until

HALVES = {
    "no byte": b"",
    "half a line": b"GET / HT",
    "half a head": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n",
    "half a body": b"POST /visitor/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 90\r\n\r\nname=",
    "half a chunk": b"POST /visitor/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n20\r\nname=",
    "a promise of a large body": b"POST /visitor/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Content-Length: 900000\r\n\r\nname=",
    "an answer that nobody takes leave of": b"GET /health/ HTTP/1.0\r\n\r\n",
}
GET = b"GET /health/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


@contextlib.contextmanager
def connections(lab, count, data=b""):
    """Open so many connections and send this over each; all are closed at the end."""
    with contextlib.ExitStack() as opened:
        found = []
        for _ in range(count):
            one = opened.enter_context(socket.create_connection(("127.0.0.1", lab.port)))
            one.sendall(data)
            found.append(one)
        yield found


def longest_wait_s(lab, count, data, seconds=1):
    """Ask for /health/ again and again beside such connections; how long the slowest answer took.

    All is done anew when that is a second or more: other programs may have kept the machine busy.
    """

    def ask():
        longest, until = 0, time.monotonic() + seconds
        with connections(lab, count, data):
            while time.monotonic() < until:
                started = time.monotonic()
                assert lab.get("/health/", timeout=20).status == 200
                longest = max(longest, time.monotonic() - started)
                time.sleep(0.02)
        return longest

    return undisturbed(ask, lambda longest: longest < 1, times=3)


def read_all(connection, seconds):
    """Read until the other side closes; TimeoutError when it does not within so many seconds."""
    connection.settimeout(seconds)
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while data := connection.recv(65536):
            found += data
    return found


@pytest.mark.parametrize("half", HALVES)
def test_50_clients_that_send_half_of_something_hold_nobody_up(any_lab, half):
    assert longest_wait_s(any_lab, 50, HALVES[half], seconds=2) < 1


def test_silent_connections_never_reach_a_worker(any_lab):
    with connections(any_lab, 1) as [silent]:
        time.sleep(arrivals.HEAD_S + 2)

        silent.settimeout(1)
        with pytest.raises(TimeoutError):  # nobody has closed it: nobody knows of it
            silent.recv(1)
        silent.sendall(GET)
        assert read_all(silent, 10).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("half", ["half a line", "half a head", "half a body", "half a chunk"])
def test_what_does_not_arrive_in_time_is_given_up(any_lab, half):
    started = time.monotonic()
    with connections(any_lab, 1, HALVES[half]) as [slow]:
        answer = read_all(slow, arrivals.BODY_S + 10)

    assert answer.startswith(b"HTTP/1.1 408")
    assert time.monotonic() - started >= arrivals.HEAD_S - 1


@pytest.mark.parametrize("half", ["half a head", "half a body"])
def test_a_byte_a_second_does_not_keep_a_connection(any_lab, half):
    started = time.monotonic()
    with connections(any_lab, 1, HALVES[half]) as [slow], contextlib.suppress(OSError):
        while time.monotonic() - started < 60:
            slow.sendall(b"x")
            slow.settimeout(1)
            with contextlib.suppress(TimeoutError):
                if not slow.recv(4096).startswith(b"HTTP/1.1 408"):
                    break

    assert time.monotonic() - started < arrivals.BODY_S + 10


@pytest.mark.parametrize("pieces", [2, 7, len(GET)])
def test_a_request_in_pieces_is_answered(any_lab, pieces):
    with connections(any_lab, 1) as [slow]:
        size = -(-len(GET) // pieces)
        for begin in range(0, len(GET), size):
            slow.sendall(GET[begin : begin + size])
            time.sleep(0.01)

        assert read_all(slow, 10).startswith(b"HTTP/1.1 200")


def test_more_half_requests_than_may_wait_hold_nobody_up(any_lab):
    assert longest_wait_s(any_lab, arrivals.MOST_WAITING + 100, HALVES["half a head"]) < 1


@pytest.mark.parametrize("size", [100, 60_000, 300_000])
def test_a_body_of_any_size_arrives(any_lab, size):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    form = f"name={'x' * size}"

    answer = any_lab.request("POST", "/visitor/", headers, form)

    assert answer.status == 403  # without a token: it is read, and refused


def test_a_reload_waits_for_a_request_that_is_arriving(any_lab):
    with connections(any_lab, 1, GET[:-10]) as [slow]:
        before = set(any_lab.worker_pids())
        any_lab.process.send_signal(signal.SIGHUP)
        wait_until(lambda: set(any_lab.worker_pids()) - before, "new workers")
        slow.sendall(GET[-10:])

        assert read_all(slow, 10).startswith(b"HTTP/1.1 200")
    wait_until(lambda: not set(any_lab.worker_pids()) & before, "the end of the old workers")


@pytest.mark.parametrize("worker_class", ["gevent", "asgi"])
def test_the_other_worker_classes_have_deadlines_too(start_lab, worker_class):
    application = "perflab.asgi" if worker_class == "asgi" else "perflab.wsgi"
    arguments = ("--worker-class", worker_class)
    lab = start_lab(workers=1, arguments=arguments, application=application)

    for half in ("half a head", "half a body"):
        assert longest_wait_s(lab, 50, HALVES[half]) < 1
        with connections(lab, 1, HALVES[half]) as [slow]:
            read_all(slow, arrivals.BODY_S + 10)
