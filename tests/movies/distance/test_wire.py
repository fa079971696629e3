"""Test the wire: it delays what passes, counts round trips, and leads to its site alone."""

import asyncio
import socket
import time

import pytest
from django.http import HttpResponse

from movies.distance.site import Site
from movies.distance.visitor import Connection, Visited
from movies.distance.wire import FIRST_WINDOW, MAX_CONNECTIONS, MAX_ROUND_TRIP_MS, Wire

HEAD = 200  # bytes of an answer before its content, at most


def site_of(size):
    return Site(HttpResponse("x" * size), None)


def through_wire(talk, site=None, delay=0):
    """What an async function returns that is given a wire to a site."""

    async def run():
        async with site or site_of(10) as there, Wire(there, delay) as wire:
            return await talk(wire)

    return asyncio.run(run())


def trips_of(sizes, delay=0):
    """The round trips so far after each answer of such a size, on one connection."""
    seen = []

    async def talk(wire):
        connection = Connection(wire.port, Visited(), wire)
        for size in sizes:
            content = "x" * size
            wire.site.page = lambda request, content=content: HttpResponse(content)
            await connection.get("/")
            seen.append(connection.trips)
        connection.close()

    through_wire(talk, delay=delay)
    return seen


async def send(wire, data):
    """The first line that comes back through the wire; "" where nothing does."""
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    writer.write(data)
    line = (await reader.readline()).decode()
    writer.close()
    return line.strip()


def test_a_connection_costs_a_round_trip_and_each_request_on_it_another_one():
    assert trips_of([10, 10, 10]) == [2, 3, 4]


@pytest.mark.parametrize(
    ("size", "trips"),
    [
        (FIRST_WINDOW - HEAD, 2),
        (FIRST_WINDOW, 3),
        (3 * FIRST_WINDOW - HEAD, 3),
        (3 * FIRST_WINDOW, 4),
        (7 * FIRST_WINDOW - HEAD, 4),
        (7 * FIRST_WINDOW, 5),
    ],
)
def test_a_large_answer_takes_round_trips_as_slow_start_does(size, trips):
    assert trips_of([size]) == [trips]


def test_a_connection_that_has_sent_much_goes_on_quickly():
    large = 7 * FIRST_WINDOW - HEAD

    assert trips_of([large, 10, 4 * FIRST_WINDOW - HEAD]) == [4, 5, 6]


@pytest.mark.parametrize("sizes", [[10], [10, 10, 10], [7 * FIRST_WINDOW]])
def test_each_round_trip_is_really_waited_for(sizes):
    delay = 40
    started = time.monotonic()

    trips = trips_of(sizes, delay)[-1]

    assert time.monotonic() - started >= trips * delay / 1000 - 0.001


def test_what_passes_is_not_changed():
    async def talk(wire):
        return await Connection(wire.port, Visited(), wire).get("/")

    text = "".join(map(str, range(50_000)))

    assert through_wire(talk, Site(HttpResponse(text), None))[1] == text


@pytest.mark.parametrize("delay", [-1, MAX_ROUND_TRIP_MS + 1, 1e9, float("nan")])
def test_a_distance_beyond_the_ceiling_is_refused(delay):
    with pytest.raises(ValueError, match="0 to 200 ms"):
        Wire(site_of(10), delay)


def test_it_listens_on_loopback_alone():
    async def talk(wire):
        return [one.getsockname()[0] for one in wire.server.sockets + wire.site.server.sockets]

    assert through_wire(talk) == ["127.0.0.1", "127.0.0.1"]


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("GET / HTTP/1.1", "200 OK"),
        ("CONNECT 192.0.2.1:443 HTTP/1.1", "405 Method Not Allowed"),
        ("GET http://192.0.2.1/ HTTP/1.1", "404 Not Found"),
        ("GET //192.0.2.1/ HTTP/1.1", "404 Not Found"),
        ("POST / HTTP/1.1", "405 Method Not Allowed"),
        ("nonsense", "400 Bad Request"),
    ],
)
def test_no_request_leads_to_another_target(request_line, status):
    async def talk(wire):
        return await send(wire, f"{request_line}\r\nHost: 192.0.2.1\r\n\r\n".encode())

    assert through_wire(talk) == f"HTTP/1.1 {status}"


def test_a_head_without_an_end_is_refused():
    async def talk(wire):
        return await send(wire, b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000)

    assert through_wire(talk) == "HTTP/1.1 400 Bad Request"


def test_one_connection_too_many_is_closed_and_the_others_go_on():
    async def talk(wire):
        places = [Connection(wire.port, Visited(), wire) for _ in range(MAX_CONNECTIONS)]
        for place in places:
            await place.get("/")
        refused = await send(wire, b"")
        again = await places[0].get("/")
        for place in places:
            place.close()
        return refused, again[1]

    assert through_wire(talk) == ("", "x" * 10)


def test_nothing_listens_when_the_visit_is_over():
    ports = []

    async def talk(wire):
        await asyncio.open_connection("127.0.0.1", wire.port)  # left open
        await asyncio.sleep(0)
        ports.extend([wire.port, wire.site.port])

    through_wire(talk, delay=MAX_ROUND_TRIP_MS)

    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
