"""The gevent worker: greenlets that wait hold nobody up, but one that computes stops them all."""

from gunicorn.workers import ggevent

from .alarm import Alarmed


class GeventWorker(Alarmed, ggevent.GeventWorker):
    """Gunicorn's gevent worker, which ends a page that lets nobody else run."""

    def notify(self):
        """Say that the worker lives, once a second. The alarm rings when no greenlet gets here."""
        super().notify()
        self.set_alarm()

    def handle_alarm(self, number, frame):
        """End the greenlet that runs: it stops the others. The next one has as much time again."""
        self.notify()
        super().handle_alarm(number, frame)
