"""More and more users, until the lab gives in; then it stops and says at how many.

    locust -f locustfiles/steps.py --headless --variant slow --experiment n-plus-one
    locust -f locustfiles/steps.py --headless --variant fast --experiment n-plus-one

Each step adds users that ask for page after page. The lab has given in when for two steps running
the 95th percentile is over 4 times the first step's, or when 1 % of a step's answers are failures.
"""

from _shapes import OneVariant, Shape
from locust import events
from locust.argument_parser import gt_zero

SLOWER = 4  # times the first step's 95th percentile
FAILING = 0.01  # of a step's answers
ENOUGH = 20  # answers, fewer than which make no percentile: the step goes on
PATIENCE = 3  # times its length, after which a step ends anyway


@events.init_command_line_parser.add_listener
def add_options(parser, **_):
    def option(name, **details):
        parser.add_argument(name, env_var="LOCUST_" + name.strip("-").upper(), **details)

    parser.set_defaults(num_users=60)  # --users is the ceiling here
    option("--step-users", type=gt_zero(int), default=2, help="users that each step adds")
    option("--step-time", type=gt_zero(float), default=10.0, help="seconds that a step lasts")


class OneMore(OneVariant):
    """Each of them does the same."""


def verdict(steps, ceiling):
    """The line to end with, or None while more users are to be tried."""
    first, last = steps[0], steps[-1]
    too_slow = [step.p95 > SLOWER * first.p95 for step in steps[-2:]]
    if not last.answers:
        return f"The lab gave no answer to {last.users} users."
    if last.failing >= FAILING:
        return f"The lab gives in at {last}; it began with {first}."
    if len(too_slow) == 2 and all(too_slow):
        return f"The lab gives in at {steps[-2]}; it began with {first}."
    if last.users >= ceiling and not too_slow[-1]:
        return f"The lab still holds at the ceiling, {last}; it began with {first}."
    return None


class Steps(Shape):
    def reset_time(self):
        super().reset_time()
        self.begun = 0.0

    def tick(self):
        options = self.runner.environment.parsed_options
        more = max(1, options.step_users)
        users = min(more * (len(self.steps) + 1), options.num_users)
        now = self.get_run_time()
        if now - self.begun <= options.step_time / 4:  # new users arrive, caches warm up
            self.before = self.counted()
        step = self.since(self.before, users)
        enough = step.answers >= ENOUGH or now - self.begun >= PATIENCE * options.step_time
        if now - self.begun >= options.step_time and enough:
            self.steps.append(step)
            self.begun = now
            line = verdict(self.steps, options.num_users)
            if line:
                return self.conclude(line)
            return self.tick()
        return users, more
