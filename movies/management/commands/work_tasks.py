"""manage.py work_tasks: run the tasks that pages have queued."""

import sys

from django.core.management.base import CommandError
from django.db import Error

from movies import task_queue
from perflab.base.messages import count_of, one_line
from perflab.management.one_line_command import OneLineCommand

FOREVER_S = float("inf")


class Command(OneLineCommand):
    help = (
        "Runs the tasks that pages have queued, until Ctrl-C. With --once it ends when none waits."
    )

    def add_arguments(self, parser):
        parser.add_argument("--once", action="store_true", help="end when no task waits")

    def handle(self, *, once, **options):
        try:
            done = task_queue.work(0 if once else FOREVER_S)
            waiting, failed = task_queue.count_waiting()
        except Error as error:
            raise CommandError(f"the database says: {one_line(error)}") from error
        except KeyboardInterrupt:
            self.stderr.write("Interrupted: what was under way is run again by the next worker.")
            sys.exit(130)
        self.stdout.write(
            f"{count_of(done, 'tasks')} run; {waiting} waiting, {failed} failed for good."
        )
