"""Gunicorn's access log: a line for each request, with fractions of a millisecond.

A cached page takes less than a millisecond, and Gunicorn's own logger takes a tenth of one to write
its line: it collects every header of the request first.
"""

import logging
import os
import time
import traceback

from gunicorn.glogging import Logger

FORMAT = '%(t)s %(p)s %(h)s "%(r)s" %(s)s %(B)s bytes %(ms)s ms'


class MillisecondLogger(Logger):
    """Write lines of FORMAT at once, and lines of any other format as Gunicorn does.

    `%(ms)s` may stand in any format.
    """

    def setup(self, cfg):
        """Prepare the logs; Gunicorn calls this when it starts and when it is told to reload."""
        super().setup(cfg)
        self.stamp = (0, "")  # a second, and its text
        self.looked = 0  # the second in which the file was looked at last
        self.direct_handler = self.find_direct_handler(cfg)

    def find_direct_handler(self, cfg):
        """Return the handler to whose stream the lines can go directly, None where there is none.

        They cannot where the settings name another format, a syslog or a configuration of logging.
        """
        handlers = self.access_log.handlers
        if (
            cfg.access_log_format == FORMAT
            and len(handlers) == 1
            and type(handlers[0]) in (logging.StreamHandler, logging.FileHandler)
            and not self.access_log.propagate
            and not (cfg.logconfig or cfg.logconfig_dict or cfg.logconfig_json)
        ):
            return handlers[0]
        return None

    def _compute_access_log_enabled(self):
        """Return whether there is an access log that somebody can read."""
        return super()._compute_access_log_enabled() and self.cfg.accesslog != os.devnull

    def access(self, resp, req, environ, request_time):
        """Write the line of one request."""
        try:
            if (now := int(time.time())) != self.looked:
                self.looked = now
                self.reopen_if_moved()
        except Exception:
            self.error(traceback.format_exc())
        handler = self.direct_handler
        # Django closes the file when it sets up its own logging; the handler then opens it anew.
        if handler is None or handler.stream is None or not self.access_log_enabled:
            super().access(resp, req, environ, request_time)
            return
        try:
            line = self.format_line(resp, environ, request_time, now)
            with handler.lock:
                handler.stream.write(line)
                handler.stream.flush()
        except Exception:
            self.error(traceback.format_exc())

    def reopen_if_moved(self):
        """Open the log's file anew where it no longer has its name: the launcher moves a long one.

        A line that was written before lies in the file that was moved.
        """
        for handler in self.access_log.handlers:
            if isinstance(handler, logging.FileHandler):
                with handler.lock:
                    stream, path = handler.stream, handler.baseFilename
                    if stream is not None and not is_at(path, stream):
                        handler.stream.close()
                        handler.stream = None  # in case it cannot be opened
                        handler.stream = handler._open()

    def format_line(self, resp, environ, request_time, now):
        """Return the line of FORMAT for one request that ends in this second, with its end."""
        second, text = self.stamp
        if now != second:
            text = self.now()
            self.stamp = (now, text)
        status = resp.status
        if isinstance(status, str):
            status = status.split(None, 1)[0]
        uri = environ["RAW_URI"]
        if '"' in uri:
            uri = uri.replace('"', '\\"')
        return (
            f"{text} <{os.getpid()}> {environ.get('REMOTE_ADDR', '-')} "
            f'"{environ["REQUEST_METHOD"]} {uri} {environ["SERVER_PROTOCOL"]}" '
            f"{status} {getattr(resp, 'sent', None)} bytes {milliseconds(request_time)} ms\n"
        )

    def atoms(self, resp, req, environ, request_time):
        """Return what a format may name."""
        atoms = super().atoms(resp, req, environ, request_time)
        atoms["ms"] = milliseconds(request_time)
        return atoms


def is_at(path, stream):
    """Return whether an open file is the one that has this name."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(stream.fileno()))
    except FileNotFoundError:
        return False


def milliseconds(request_time):
    """Return a time with two digits. It is a timedelta, or under ASGI has only these attributes."""
    return f"{request_time.seconds * 1000 + request_time.microseconds / 1000:.2f}"
