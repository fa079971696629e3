"""Many users ask for a page that expires every two seconds: how often is it computed?

    locust -f locustfiles/stampede.py --headless --users 32 --spawn-rate 32 --run-time 45s

All users ask for one variant of the experiment `stampede`, after some seconds all for the next, and
so on. Each variant has two rows: the answers that ran queries, "computed", and those that did not.
A page that is fresh for two seconds has to be computed every two seconds; what is more is the
stampede. It is as wide as the lab lets it be: with more workers or threads more of them compute at
once.
"""

import re
import time
from urllib.parse import urlencode

from _lab import LabUser, flaw
from locust import events, task
from locust.argument_parser import gt_zero

QUERIES = re.compile(r'\bqueries;desc="(\d+)"')


@events.init_command_line_parser.add_listener
def add_options(parser, **_):
    seconds = {"type": gt_zero(float), "default": 5.0, "env_var": "LOCUST_TURN_TIME"}
    parser.add_argument("--turn-time", help="seconds for which all ask for one variant", **seconds)
    parser.set_defaults(experiment="stampede")


class OneOfTheBurst(LabUser):
    """Asks for the page that all the others ask for, again as soon as it has it."""

    @task
    def next_page(self):
        variants = [variant for variant in next(self.tour)["variants"] if is_cached(variant)]
        # By the clock, which users in other processes read too.
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
            if response.status_code and (problem := flaw(response, None, self.rows)):
                response.failure(problem)


def is_cached(variant):
    """Whether a second answer takes fewer queries than the first."""
    return variant["queries"]["warm"] != variant["queries"]["cold"]
