"""Suddenly ten times as many users, and as suddenly they are gone: how long does the lab feel it?

    locust -f locustfiles/spike.py --headless --variant slow --experiment n-plus-one --users 40

A third of the time it is calm, a third the spike lasts, a third it is calm again. What the users of
the spike have asked for stays in the queue when they have left, and whoever comes then waits for
it: the lab is back once the 95th percentile of a second is at most twice that of the first third.
"""

from _shapes import OneVariant, Parts
from locust import events
from locust.argument_parser import gt_zero

BACK = 2  # times the first third's 95th percentile


@events.init_command_line_parser.add_listener
def add_options(parser, **_):
    parser.set_defaults(num_users=40)  # --users is the height of the spike
    calm = {"type": gt_zero(int), "default": None, "env_var": "LOCUST_CALM_USERS"}
    parser.add_argument("--calm-users", help="before and after it (a tenth of --users)", **calm)
    seconds = {"type": gt_zero(float), "default": 30.0, "env_var": "LOCUST_LENGTH"}
    parser.add_argument("--length", help="seconds of all three parts", **seconds)


class OneOfMany(OneVariant):
    """The same, calm or not."""


class Spike(Parts):
    def reset_time(self):
        super().reset_time()
        self.back = self.second = None

    def parts(self):
        options = self.runner.environment.parsed_options
        calm = min(options.calm_users or max(1, options.num_users // 10), options.num_users)
        return [(users, options.length / 3) for users in (calm, options.num_users, calm)]

    def tick(self):
        if len(self.steps) == 2 and self.back is None:
            just_now = self.since(self.second or self.before, self.steps[0].users)
            if just_now.answers and just_now.p95 <= BACK * self.steps[0].p95:
                self.back = self.get_run_time() - self.before[0]
            self.second = self.counted() if just_now.answers else self.second
        return super().tick()

    def verdict(self):
        calm, spike, after = self.steps
        back = "It was not back as before when the run ended."
        if self.back is not None:
            back = f"It was back as before within {self.back:.0f} s."
        after = f"after it, with the queue that it left, {after}"
        return f"Calm, {calm}; the spike, {spike}; {after}. {back}"
