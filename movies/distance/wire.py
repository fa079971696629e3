"""A wire that is as slow as a long one: a proxy that delays what really passes through it.

It leads to one site of this lab and to nowhere else, and takes connections from this machine alone.
Nothing says how far: the distance is simulated, the delay is real.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from .port import Port

MAX_ROUND_TRIP_MS = 200
MAX_CONNECTIONS = 16  # a closed one counts until both ends know of it
FIRST_WINDOW = 14_600  # bytes: ten packets, as Linux sends before the first has been acknowledged
MAX_WINDOW = 1_000_000  # bytes
PIECE = 65_536  # bytes that are read at once
MAX_PIECES = 64  # of a connection that are under way in one direction


@dataclass
class Passage:
    """What one connection has had to wait for."""

    trips: int = 1  # the handshake is the first round trip
    window: int = FIRST_WINDOW  # bytes that may be sent without an acknowledgement
    left: int = FIRST_WINDOW  # of the window
    asked: bool = False  # whether a request has passed since the last piece of an answer


class Wire(Port):
    """Leads from a loopback port to the port of a site, with a round trip in ms.

    Use it as `async with`. It delays each piece of data by half a round trip. The handshake of a
    real connection over loopback takes no time, so the first piece waits for one round trip more.
    Answers begin as TCP begins them (slow start, simplified): 14 kB pass in the first round trip of
    a connection, and after each full one twice as much. Packets are never lost, and the line has
    no limit of bandwidth.
    """

    limit = PIECE

    def __init__(self, site, round_trip_ms):
        super().__init__()
        if not 0 <= round_trip_ms <= MAX_ROUND_TRIP_MS:
            raise ValueError(f"a round trip takes 0 to {MAX_ROUND_TRIP_MS} ms")
        self.site = site
        self.round_trip = round_trip_ms / 1000  # seconds
        self.passages = {}  # by the visitor's port

    async def accept(self, from_visitor, to_visitor):
        """Lead one connection to the site, until both ends have said their last."""
        if len(self.tasks) >= MAX_CONNECTIONS:
            to_visitor.close()
            return
        task = asyncio.current_task()
        self.tasks.add(task)
        to_site = None
        try:
            opened = asyncio.get_running_loop().time()
            passage = Passage()
            self.passages[to_visitor.get_extra_info("peername")[1]] = passage
            from_site, to_site = await asyncio.open_connection("127.0.0.1", self.site.port)
            await asyncio.gather(
                self.carry(self.requests(from_visitor, passage), to_site, opened + self.round_trip),
                self.carry(self.answers(from_site, passage), to_visitor, opened),
            )
        except (OSError, asyncio.CancelledError):
            pass  # an end has gone, or the visit is over
        finally:
            self.tasks.discard(task)
            for end in filter(None, (to_visitor, to_site)):
                end.close()

    async def requests(self, reader, passage):
        """Yield what comes from the visitor. A request after an answer is one more round trip."""
        while piece := await reader.read(PIECE):
            if not passage.asked:
                passage.asked = True
                passage.trips += 1
                passage.left = passage.window  # all that was sent has been acknowledged
            yield piece

    async def answers(self, reader, passage):
        """Yield what comes from the site, and wait for a round trip where the window is full."""
        while True:
            if not passage.left:
                piece = await reader.read(1)  # there is no need to wait where nothing follows
                if not piece:
                    return
                if not passage.asked:
                    await asyncio.sleep(self.round_trip)
                    passage.trips += 1
                    passage.window = min(2 * passage.window, MAX_WINDOW)
                    passage.left = passage.window
                passage.left -= len(piece)
            elif piece := await reader.read(min(PIECE, passage.left)):
                passage.left -= len(piece)
            else:
                return
            passage.asked = False
            yield piece

    async def carry(self, pieces, writer, earliest):
        """Write each piece half a round trip after it came, and not before one that began then."""
        loop = asyncio.get_running_loop()
        under_way = asyncio.Queue(MAX_PIECES)

        async def depart():
            async for piece in pieces:
                await under_way.put((max(loop.time(), earliest) + self.round_trip / 2, piece))
            await under_way.put((loop.time() + self.round_trip / 2, b""))

        async def arrive():
            while True:
                due, piece = await under_way.get()
                if (wait := due - loop.time()) > 0:
                    await asyncio.sleep(wait)
                if not piece:
                    break
                writer.write(piece)
                await writer.drain()
            with suppress(OSError):
                writer.write_eof()

        departing = asyncio.ensure_future(depart())
        try:
            await arrive()
        finally:
            departing.cancel()
            await asyncio.gather(departing, return_exceptions=True)
