"""The ASGI worker: a connection that waits holds nobody up, but it too has a deadline."""

from gunicorn.asgi.protocol import ASGIProtocol
from gunicorn.workers import gasgi

from .arrivals import BODY_S, HEAD_S


class PatientProtocol(ASGIProtocol):
    """Gunicorn's protocol, with a deadline for the first head and for each body.

    Later heads have one already: the time for which a connection is kept alive.
    """

    def connection_made(self, transport):
        """Start the clock for the first head. Gunicorn stops it when the head is there."""
        super().connection_made(transport)
        self._keepalive_handle = self.worker.loop.call_later(HEAD_S, self._keepalive_timeout)

    async def _serve_http_request(self, request, *addresses):
        """Serve a request, and close the connection if its body has not arrived in time."""
        timer = self.worker.loop.call_later(BODY_S, self.check_body)
        try:
            return await super()._serve_http_request(request, *addresses)
        finally:
            timer.cancel()

    def check_body(self):
        """Close the connection unless the body of its request is there."""
        receiver = self._body_receiver
        if receiver is not None and not receiver._complete:
            self._close_transport()


class ASGIWorker(gasgi.ASGIWorker):
    """Gunicorn's ASGI worker with that protocol."""

    def init_process(self):
        """Let the worker's server make the protocol of ours."""
        gasgi.ASGIProtocol = PatientProtocol
        super().init_process()
