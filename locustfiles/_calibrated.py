"""What io_bound.py and cpu_bound.py share: pages that wait or compute for as long as asked."""

import sys
from html import unescape

import psutil
from _lab import LEAD, LabUser
from locust import events, task
from locust.contrib.fasthttp import FastHttpSession
from locust.event import EventHook
from locust.runners import WorkerRunner


@events.init_command_line_parser.add_listener
def add_options(parser, **_):
    parser.add_argument(
        "--ms", type=int, default=50, env_var="LOCUST_MS", help="how long each page takes"
    )


class CalibratedUser(LabUser):
    """A user who asks for one page again and again. `page` is its path."""

    abstract = True
    page = ""

    @task
    def get_calibrated_page(self):
        path = f"{self.page}?ms={self.environment.parsed_options.ms}"
        self.get_page(path, name=self.page.strip("/"))


@events.init.add_listener
def check_page(environment, **_):
    """End Locust with one line if the lab has no such page, or refuses --ms."""
    if isinstance(environment.runner, WorkerRunner) or not environment.host:
        return
    client = FastHttpSession(environment.host, EventHook(), None, network_timeout=20)
    for user in environment.user_classes:
        if not issubclass(user, CalibratedUser):
            continue
        path = f"{user.page}?ms={environment.parsed_options.ms}"
        answer = client.get(path, allow_redirects=False)
        if answer.status_code == 200:
            continue
        lead = LEAD.search(answer.text or "") if answer.status_code == 400 else None
        reason = unescape(lead[1]) if lead else f"the lab at {environment.host} has no page {path}"
        print(f"locust: {reason}", file=sys.stderr)
        for worker in psutil.Process().children():  # forked by --processes; they would wait for us
            worker.kill()
        sys.exit(2)
