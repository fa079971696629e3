"""A small site, which answers by Django's views: one page, and the files that the page names."""

import asyncio

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseNotFound

from .port import Port

FILES = "/files/"
MAX_HEAD = 8192  # bytes
IDLE_S = 10  # a connection that asks nothing for so long is closed


class Site(Port):
    """Serves a page that is made already, and files, on a loopback port. Use it as `async with`.

    `file` is a view of a file's name, `around` a decorator of Django's for all answers. A site that
    keeps no connections closes each one after its answer, as Gunicorn's sync workers do.
    """

    limit = MAX_HEAD

    def __init__(self, page, file, around=lambda view: view, keep_alive=True):
        super().__init__()
        self.page = around(lambda request: HttpResponse(page.content))
        self.file = around(file)
        self.keep_alive = keep_alive

    async def accept(self, reader, writer):
        """Answer the requests of one connection, one after the other."""
        task = asyncio.current_task()
        self.tasks.add(task)
        try:
            while True:
                async with asyncio.timeout(IDLE_S):
                    head = await reader.readuntil(b"\r\n\r\n")
                writer.write(self.to_bytes(self.answer(read_request(head))))
                await writer.drain()
                if not self.keep_alive:
                    break
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the visitor has gone, or the visit is over
        except (ValueError, asyncio.LimitOverrunError):
            writer.write(self.to_bytes(HttpResponse(status=400)))
        finally:
            self.tasks.discard(task)
            writer.close()

    def answer(self, request):
        """Return the response to a request."""
        if request.method != "GET":
            return HttpResponseNotAllowed(["GET"])
        if request.path == "/":
            return self.page(request)
        if request.path.startswith(FILES):
            return self.file(request, request.path.removeprefix(FILES))
        return HttpResponseNotFound()

    def to_bytes(self, response):
        """Return a response as it goes over the wire."""
        response["Content-Length"] = len(response.content)
        response["Connection"] = "keep-alive" if self.keep_alive else "close"
        line = f"HTTP/1.1 {response.status_code} {response.reason_phrase}\r\n"
        return line.encode() + response.serialize_headers() + b"\r\n\r\n" + response.content


def read_request(head):
    """Return the request that the bytes of a head describe. Raises ValueError."""
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    request = HttpRequest()
    request.method, request.path, _ = first.split(" ")
    request.path_info = request.path
    for line in lines:
        name, found, value = line.partition(":")
        if not found:
            raise ValueError(f"no header: {line}")
        request.META[f"HTTP_{name.upper().replace('-', '_')}"] = value.strip()
    return request
