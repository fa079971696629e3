"""Add users step by step until the lab is overloaded, then stop and say with how many users.

    locust -f locustfiles/steps.py --headless --variant slow --experiment n-plus-one
    locust -f locustfiles/steps.py --headless --variant fast --experiment n-plus-one

Each step adds users who ask for page after page. The lab is overloaded when the 95th percentile of
two steps in a row is more than 4 times that of the first step, or when 1 % of a step's answers are
failures.
"""

from _shapes import OneVariant, Shape
from locust import events
from locust.argument_parser import gt_zero

SLOWER = 4  # times the first step's 95th percentile
FAILING = 0.01  # of a step's answers
MIN_ANSWERS = 20  # of a step: fewer make no percentile, so the step goes on
MAX_STRETCH = 3  # times its length: then a step ends with however many answers


@events.init_command_line_parser.add_listener
def add_options(parser, **_):
    def option(name, **details):
        parser.add_argument(name, env_var="LOCUST_" + name.strip("-").upper(), **details)

    parser.set_defaults(num_users=60)  # --users is the most users here
    option("--step-users", type=gt_zero(int), default=2, help="users that each step adds")
    option("--step-time", type=gt_zero(float), default=10.0, help="seconds that a step lasts")


class StepUser(OneVariant):
    """A user like all the others."""


def verdict(steps, ceiling):
    """Return the conclusion, or None while there should be more users."""
    first, last = steps[0], steps[-1]
    too_slow = [step.p95 > SLOWER * first.p95 for step in steps[-2:]]
    if not last.answers:
        return f"The lab gave no answer to {last.users} users."
    if last.failing >= FAILING:
        return f"The lab is overloaded at {last}; it began with {first}."
    if len(too_slow) == 2 and all(too_slow):
        return f"The lab is overloaded at {steps[-2]}; it began with {first}."
    if last.users >= ceiling and not too_slow[-1]:
        return f"The lab is not overloaded at the most users, {last}; it began with {first}."
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
        if now - self.begun <= options.step_time / 4:  # new users start, caches warm up
            self.before = self.read_counts()
        step = self.step_since(self.before, users)
        enough = step.answers >= MIN_ANSWERS or now - self.begun >= MAX_STRETCH * options.step_time
        if now - self.begun >= options.step_time and enough:
            self.steps.append(step)
            self.begun = now
            line = verdict(self.steps, options.num_users)
            if line:
                return self.conclude(line)
            return self.tick()
        return users, more
