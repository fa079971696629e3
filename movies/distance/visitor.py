"""A visitor's browser, as far as distance matters: connections, requests, and a cache of its own.

It asks for the page and then for the files that the page names, over several connections at once.
It unpacks what is compressed and keeps what it is told to keep.
"""

import asyncio
import gzip
import re
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from perflab.web.errors import Unavailable

from .wire import Wire

FILE = re.compile(r'<script src="([^"]+)"')
TIMEOUT_S = 15  # for a whole visit
HEADERS = "Host: far.example\r\nAccept-Encoding: gzip\r\n\r\n"


@dataclass
class Visited:
    """What a visitor has got, and what it took."""

    page: str = ""
    files: str = ""  # all of them, in the page's order
    requests: int = 0
    connections: int = 0
    round_trips: int = 0  # that one had to wait for, one after the other


@dataclass
class Connection:
    """One place for a connection of the browser. It is opened when it is needed."""

    port: int  # of the site, or of the wire to it
    visited: Visited
    wire: Wire | None = None
    trips: int = 0  # round trips on it so far
    streams: tuple = ()

    async def get(self, path):
        """Return the headers, by their names in small letters, and the content of a path."""
        if not self.streams:
            self.streams = await asyncio.open_connection("127.0.0.1", self.port)
            self.visited.connections += 1
            self.before = self.trips
        reader, writer = self.streams
        writer.write(f"GET {path} HTTP/1.1\r\n{HEADERS}".encode())
        self.visited.requests += 1
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status, *lines = head.strip().split("\r\n")
        if status.split(" ")[1] != "200":
            raise Unavailable(f"The lab's own far site answers {status} to {path}.")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        content = await reader.readexactly(int(headers["content-length"]))
        if self.wire:
            port = writer.get_extra_info("sockname")[1]
            self.trips = self.before + self.wire.passages[port].trips
        if headers["connection"] == "close":
            self.close()
        if headers.get("content-encoding") == "gzip":
            content = gzip.decompress(content)
        return headers, content.decode()

    def close(self):
        """Close it, if it is open."""
        if self.streams:
            self.streams[1].close()
            self.streams = ()


@dataclass
class Browser:
    """A browser with so many connections at once. It keeps files from visit to visit."""

    connections: int
    kept: dict = field(default_factory=dict)  # by path, the files that may be used again

    async def visit(self, port, wire=None):
        """Return what a visit to the site at this port brings."""
        visited = Visited()
        places = [Connection(port, visited, wire) for _ in range(self.connections)]
        try:
            headers, visited.page = await places[0].get("/")
            page_trips = places[0].trips
            paths = FILE.findall(visited.page)
            found = {path: self.kept[path] for path in paths if path in self.kept}
            missing = [path for path in paths if path not in found]
            for place in places[1:]:
                place.trips = page_trips
            hands = deal(missing, len(places), headers["connection"] != "close")
            await asyncio.gather(
                *(self.fetch(place, hand, found) for place, hand in zip(places, hands, strict=True))
            )
        finally:
            for place in places:
                place.close()
        visited.files = "".join(found[path] for path in paths)
        visited.round_trips = max(place.trips for place in places) if wire else 0
        return visited

    async def fetch(self, connection, paths, found):
        """Fetch files over one connection, one after the other, and add them to `found`."""
        for path in paths:
            headers, found[path] = await connection.get(path)
            if may_be_kept(headers.get("cache-control", "")):
                self.kept[path] = found[path]


def deal(paths, places, keep_alive):
    """Return the files for each connection: a file goes to the one that is free first.

    The page's own connection is open. Each of the others needs a round trip to be so.
    """
    hands = [[] for _ in range(places)]
    free_at = [0] + [1 if keep_alive else 0] * (places - 1)
    for path in paths:
        first = free_at.index(min(free_at))
        hands[first].append(path)
        free_at[first] += 1 if keep_alive else 2
    return hands


def may_be_kept(cache_control):
    """Return whether a browser may use an answer again without asking."""
    age = re.search(r"\bmax-age=(\d+)", cache_control)
    return bool(age) and int(age[1]) > 0


def visit(site, delay, connections):
    """Return what a visitor gets whose round trip to the site takes `delay` ms.

    It has been here before, from nearby, so its browser has kept what it may keep. Raises
    Unavailable.
    """
    try:
        return asyncio.run(_visit(site, delay, connections))
    except (OSError, EOFError, TimeoutError) as error:
        raise Unavailable(f"The lab's own far site does not answer: {error!r}.") from error


async def _visit(site, delay, connections):
    browser = Browser(connections)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(asyncio.timeout(TIMEOUT_S))
        await stack.enter_async_context(site)
        wire = await stack.enter_async_context(Wire(site, delay))
        await browser.visit(site.port)
        return await browser.visit(wire.port, wire)
