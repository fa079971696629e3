"""Keep the same load for a long time: does the lab become slower by itself?

    locust -f locustfiles/soak.py --headless --users 4 --length 600

Memory that is never freed, a cache or a table that only grows, connections that stay open: none of
these shows in a minute. Caches warm up for a tenth of the time. Then the first third of the rest is
compared with the last third. Watch the workers' memory on /system/ meanwhile.
"""

from _shapes import OneVariant, Parts
from locust import events
from locust.argument_parser import gt_zero

SLOWER = 1.25  # times the first third's 95th percentile; a smaller change may be chance


@events.init_command_line_parser.add_listener
def add_options(parser, **_):
    parser.set_defaults(num_users=4)
    parser.add_argument(
        "--length",
        type=gt_zero(float),
        default=60.0,
        env_var="LOCUST_LENGTH",
        help="seconds of the whole run",
    )


class SoakUser(OneVariant):
    """A user who stays for the whole run."""


class Soak(Parts):
    def parts(self):
        options = self.runner.environment.parsed_options
        return [(options.num_users, options.length * share) for share in (0.1, 0.3, 0.3, 0.3)]

    def verdict(self):
        _, first, _, last = self.steps
        if not last.answers:
            return f"The lab has stopped answering; it began with {first}."
        worse = last.p95 > SLOWER * first.p95 or last.failing > first.failing
        how = "has become worse" if worse else "holds"
        return f"The lab {how}: it began with {first} and ended with {last}."
