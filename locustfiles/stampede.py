"""Ask for a page that expires every two seconds, with many users: how often is it computed?

    locust -f locustfiles/stampede.py --headless --users 32 --spawn-rate 32 --run-time 45s

All users ask for one variant of the experiment `stampede`, after some seconds all for the next one,
and so on. Each variant has two rows: the answers that ran queries, "computed", and those that ran
none, "from the cache". A page that is fresh for two seconds has to be computed every two seconds;
each computation beyond that is part of the stampede. With more workers or threads, more of them
compute at the same time.
"""

import re
import time
from urllib.parse import urlencode

from _lab import LabUser, find_problem
from locust import events, task
from locust.argument_parser import gt_zero

QUERIES = re.compile(r'\bqueries;desc="(\d+)"')


@events.init_command_line_parser.add_listener
def add_options(parser, **_):
    parser.add_argument(
        "--turn-time",
        type=gt_zero(float),
        default=5.0,
        env_var="LOCUST_TURN_TIME",
        help="seconds for which all users ask for the same variant",
    )
    parser.set_defaults(experiment="stampede")


class StampedeUser(LabUser):
    """A user who asks for the page that all the others ask for, again and again."""

    @task
    def next_page(self):
        variants = [variant for variant in next(self.experiments)["variants"] if is_cached(variant)]
        # The clock says whose turn it is, since users in other processes read it too.
        turn = int(time.time() / self.environment.parsed_options.turn_time)
        variant = variants[turn % len(variants)]
        path = f"{variant['url']}?{urlencode(self.knobs)}"
        get = self.client.get(
            path, name=variant["name"], catch_response=True, allow_redirects=False
        )
        with get as response:
            timing = QUERIES.search(response.headers.get("Server-Timing", ""))
            if timing:
                how = "from the cache" if timing[1] == "0" else "computed"
                response.request_meta["name"] = f"{variant['name']}, {how}"
            if response.status_code and (problem := find_problem(response, None, self.rows)):
                response.failure(problem)


def is_cached(variant):
    """Return whether a second answer takes fewer queries than the first."""
    return variant["queries"]["warm"] != variant["queries"]["cold"]
