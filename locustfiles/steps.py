"""More and more users, until the lab gives in; then it stops and says at how many.

    locust -f locustfiles/steps.py --headless --side slow --experiment n-plus-one
    locust -f locustfiles/steps.py --headless --side fast --experiment n-plus-one

Each step adds users that ask for page after page. The lab has given in when for two steps running
the 95th percentile is over 4 times the first step's, or when 1 % of a step's answers are failures.
"""

import logging
import sys
from dataclasses import dataclass

from lab import LabUser, sides
from locust import LoadTestShape, events, task
from locust.argument_parser import gt_zero
from locust.stats import calculate_response_time_percentile, diff_response_time_dicts

SLOWER = 4  # times the first step's 95th percentile
FAILING = 0.01  # of a step's answers
ENOUGH = 20  # answers, fewer than which make no percentile: the step goes on
PATIENCE = 3  # times its length, after which a step ends anyway


@events.init_command_line_parser.add_listener
def add_options(parser, **_):
    def option(name, **details):
        parser.add_argument(name, env_var="LOCUST_" + name.strip("-").upper(), **details)

    parser.set_defaults(num_users=60)  # --users is the ceiling here
    option("--side", choices=["slow", "fast"], default="fast", help="which side to load")
    option("--step-users", type=gt_zero(int), default=2, help="users that each step adds")
    option("--step-time", type=gt_zero(float), default=10.0, help="seconds that a step lasts")


class OneSide(LabUser):
    @task
    def next_page(self):
        experiment = next(self.tour)
        side = -1 if self.environment.parsed_options.side == "fast" else 0
        self.see_rung(sides(experiment)[side], name=experiment["slug"])


@dataclass
class Step:
    """What one number of users was served."""

    users: int
    answers: int
    failing: float  # share of the answers
    rate: float  # answers per second
    p95: int  # ms, as Locust keeps it: to two digits

    def __str__(self):
        return (
            f"{self.users} users ({self.rate:.1f} requests/s, p95 {self.p95} ms, "
            f"{self.failing:.1%} failures)"
        )


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


class Steps(LoadTestShape):
    """Says how many users there shall be, whenever Locust asks: about once a second."""

    use_common_options = True
    conclusion = None

    def reset_time(self):
        """A run begins; in the web interface it need not be the first."""
        super().reset_time()
        self.runner.stats.clear_all()
        self.steps = []
        self.begun = 0.0
        Steps.conclusion = None

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
            Steps.conclusion = verdict(self.steps, options.num_users)
            if Steps.conclusion:
                logging.info(Steps.conclusion)
                return None
            return self.tick()
        return users, more

    def counted(self):
        """What Locust has counted so far in this run."""
        total = self.runner.stats.total
        return self.get_run_time(), total.num_requests, total.num_failures, {**total.response_times}

    def since(self, before, users):
        """The step since those counts were taken."""
        then, answers, failures, times = before
        now, all_answers, all_failures, all_times = self.counted()
        answers = all_answers - answers
        return Step(
            users=users,
            answers=answers,
            failing=(all_failures - failures) / max(answers, 1),
            rate=answers / max(now - then, 0.001),
            p95=calculate_response_time_percentile(
                diff_response_time_dicts(all_times, times), answers, 0.95
            ),
        )


@events.quit.add_listener
def tell(**_):
    """Once more below Locust's own tables, which end a run without the web interface."""
    if Steps.conclusion:
        print(Steps.conclusion, file=sys.stderr)
