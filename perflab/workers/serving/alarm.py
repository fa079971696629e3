"""The alarm that ends a page before Gunicorn kills its worker, in workers of one thread."""

import signal

from perflab.base.deadlines import OutOfTime

# A page has this share of the time after which Gunicorn kills a worker that is busy.
SHARE = 5 / 6


class Alarmed:
    """A worker whose page under way is ended when the alarm is not stopped or set anew in time."""

    def init_signals(self):
        """Let SIGALRM end the page under way."""
        super().init_signals()
        signal.signal(signal.SIGALRM, self.handle_alarm)

    def handle_alarm(self, number, frame):
        """End the page under way, wherever it is. Gunicorn would kill the worker soon."""
        raise OutOfTime

    def set_alarm(self):
        """Set the alarm, in place of the last one. Without a time-out there is none."""
        signal.setitimer(signal.ITIMER_REAL, self.cfg.timeout * SHARE)

    def stop_alarm(self):
        """Stop the alarm."""
        signal.setitimer(signal.ITIMER_REAL, 0)
