"""What steps.py, spike.py and soak.py share: users of one variant, and a number of them that
changes.

A shape ends with a conclusion, a line that stands below Locust's own tables.
"""

import logging
import sys
from dataclasses import dataclass

from _lab import LabUser, variants
from locust import LoadTestShape, events, runners, task
from locust.stats import calculate_response_time_percentile, diff_response_time_dicts

runners.WORKER_REPORT_INTERVAL = 0.5  # seconds, instead of 3: parts and steps may be short
AT_ONCE = 100  # users that arrive in a second where they are to come together


@events.init_command_line_parser.add_listener
def add_options(parser, **_):
    option = {"choices": ["slow", "fast"], "default": "fast", "env_var": "LOCUST_VARIANT"}
    parser.add_argument("--variant", help="which variant to load", **option)


class OneVariant(LabUser):
    """Asks for one variant of all experiments, page after page."""

    abstract = True

    @task
    def next_page(self):
        experiment = next(self.tour)
        variant = -1 if self.environment.parsed_options.variant == "fast" else 0
        self.see_variant(variants(experiment)[variant], name=experiment["slug"])


@dataclass
class Step:
    """What one number of users was served."""

    users: int
    answers: int
    failing: float  # share of the answers
    rate: float  # answers per second
    p95: int  # ms, as Locust keeps it: to two digits

    def __str__(self):
        users = f"{self.users} user{'' if self.users == 1 else 's'}"
        return (
            f"{users} ({self.rate:.1f} requests/s, p95 {self.p95} ms, {self.failing:.1%} failures)"
        )


class Shape(LoadTestShape):
    """Says how many users there shall be, whenever Locust asks: about once a second."""

    abstract = True
    use_common_options = True
    conclusion = None

    def reset_time(self):
        """A run begins; in the web interface it need not be the first."""
        super().reset_time()
        self.runner.stats.clear_all()
        self.steps = []
        Shape.conclusion = None

    def conclude(self, line):
        """What `tick` returns at the end of a run."""
        Shape.conclusion = line
        logging.info(line)

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


class Parts(Shape):
    """A run in parts of fixed length: `parts` has (users, seconds), `verdict` their conclusion."""

    abstract = True

    def reset_time(self):
        super().reset_time()
        self.before = self.counted()

    def tick(self):
        parts, now = self.parts(), self.get_run_time()
        users = parts[len(self.steps)][0]
        if now >= sum(seconds for _, seconds in parts[: len(self.steps) + 1]):
            self.steps.append(self.since(self.before, users))
            self.before = self.counted()
            if len(self.steps) == len(parts):
                return self.conclude(self.verdict())
            users = parts[len(self.steps)][0]
        return users, AT_ONCE


@events.quit.add_listener
def tell(**_):
    """Once more below Locust's own tables, which end a run without the web interface."""
    if Shape.conclusion:
        print(Shape.conclusion, file=sys.stderr)
