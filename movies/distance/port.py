"""A loopback port of a visit's own, with what is under way on it."""

import asyncio


class Port:
    """Listens on a free loopback port, whose number is `port`. Use it as `async with`.

    A subclass says what to do with a connection (`accept`) and sets `limit`. It puts the task of
    each connection into `tasks`: they end with the block.
    """

    limit: int  # bytes that are read at once

    def __init__(self):
        self.tasks = set()
        self.port = None

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.accept, "127.0.0.1", 0, limit=self.limit)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error):
        self.server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def accept(self, reader, writer):
        """Serve one connection."""
        raise NotImplementedError
