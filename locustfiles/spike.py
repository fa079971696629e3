"""Ten times as many users for a while: how long does the lab need to be as quick as before?

    locust -f locustfiles/spike.py --headless --variant slow --experiment n-plus-one --users 40

The spike is the second third of the time; before and after it there are few users. What the users
of the spike have asked for stays in the queue when they have left, and whoever comes then waits for
it. The lab has recovered once the 95th percentile of one second is at most twice that of the first
third.
"""

from _shapes import OneVariant, Parts
from locust import events
from locust.argument_parser import gt_zero

RECOVERED = 2  # times the first third's 95th percentile


@events.init_command_line_parser.add_listener
def add_options(parser, **_):
    parser.set_defaults(num_users=40)  # --users is the height of the spike
    parser.add_argument(
        "--calm-users",
        type=gt_zero(int),
        env_var="LOCUST_CALM_USERS",
        help="users before and after the spike (a tenth of --users)",
    )
    parser.add_argument(
        "--length",
        type=gt_zero(float),
        default=30.0,
        env_var="LOCUST_LENGTH",
        help="seconds of all three parts",
    )


class SpikeUser(OneVariant):
    """A user who does the same before, during and after the spike."""


class Spike(Parts):
    def reset_time(self):
        super().reset_time()
        self.recovered_after_s = self.last_second = None

    def parts(self):
        options = self.runner.environment.parsed_options
        calm = min(options.calm_users or max(1, options.num_users // 10), options.num_users)
        return [(users, options.length / 3) for users in (calm, options.num_users, calm)]

    def tick(self):
        if len(self.steps) == 2 and self.recovered_after_s is None:
            just_now = self.step_since(self.last_second or self.before, self.steps[0].users)
            if just_now.answers and just_now.p95 <= RECOVERED * self.steps[0].p95:
                self.recovered_after_s = self.get_run_time() - self.before[0]
            if just_now.answers:
                self.last_second = self.read_counts()
        return super().tick()

    def verdict(self):
        calm, spike, after = self.steps
        end = "The lab had not recovered when the run ended."
        if self.recovered_after_s is not None:
            end = f"The lab had recovered within {self.recovered_after_s:.0f} s."
        return (
            f"Before the spike: {calm}; during it: {spike}; "
            f"after it, with the queue that it left: {after}. {end}"
        )
