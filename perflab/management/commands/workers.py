"""manage.py workers: list a running lab's workers, add workers, remove workers."""

import time
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError

from perflab.base import config, paths
from perflab.management.one_line_command import OneLineCommand
from perflab.workers import control, live, scoreboard


class Command(OneLineCommand):
    help = (
        "Changes the number of workers of a running lab without losing a request: "
        "manage.py workers add 2, workers remove 1, workers set 4. "
        "Without an action it lists the workers."
    )
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("action", nargs="?", choices=["show", *control.ACTIONS], default="show")
        parser.add_argument("number", nargs="?", help="how many; 1 for add and remove by default")
        parser.add_argument("--port", help="the lab's port (default: PORT, or 8000)")

    def handle(self, *, action, number, port, **options):
        try:
            port = (
                config.read_whole_number("--port", port, 1, 65535) if port else config.read_port()
            )
            if action == "show":
                if number is not None:
                    raise config.Problem("show takes no number", 2)
                return self.show(port)
            if number is None and action == "set":
                raise config.Problem("set how many? manage.py workers set 4", 2)
            number = config.read_whole_number(
                "the number of workers", number or "1", 1, control.max_workers()
            )
            change = control.change_workers(control_socket(port), action, number)
        except config.Problem as problem:
            raise CommandError(str(problem), returncode=2) from None
        except (control.ControlError, scoreboard.NoScoreboard) as error:
            status = 2 if isinstance(error, control.InvalidOrder) else 1
            raise CommandError(str(error), returncode=status) from None
        self.stdout.write(f"workers: {change.before}, now {change.after}")

    def show(self, port):
        """Print one line for each worker, as `top` would, from the scoreboard and the system."""
        path = Path(settings.VAR) / f"scoreboard-{port}"
        rows = ["    pid  state     requests    CPU s     MB  age s"]
        for slot in scoreboard.read(path):
            process = live.read_process(slot.pid)
            if process["cpu_s"] is None:
                continue
            rows.append(
                f"{slot.pid:7}  {slot.state:8} {slot.requests:9,} {process['cpu_s']:8.1f} "
                f"{process['memory_bytes'] / 2**20:6.0f} {time.time() - slot.started:6.0f}"
            )
        if len(rows) == 1:
            raise scoreboard.NoScoreboard(f"no worker of {path} is alive: is the lab running?")
        self.stdout.write("\n".join(rows))


def control_socket(port):
    """Return the path of the control socket of the lab at this port. Raises Problem."""
    return paths.socket_path(paths.var_folder(), f"gunicorn-{port}.sock")
