"""What steps.py, spike.py and soak.py share: users of one variant, whose number changes.

A shape tells Locust how many users there should be. It ends with a conclusion, a line that is
printed below Locust's own tables.
"""

import logging
import sys
from dataclasses import dataclass

from _lab import LabUser, slow_and_fast
from locust import LoadTestShape, events, runners, task
from locust.stats import calculate_response_time_percentile, diff_response_time_dicts

runners.WORKER_REPORT_INTERVAL = 0.5  # seconds, not 3: a part or a step may be short
AT_ONCE = 100  # users that start per second where all should start together


@events.init_command_line_parser.add_listener
def add_options(parser, **_):
    parser.add_argument(
        "--variant",
        choices=["slow", "fast"],
        default="fast",
        env_var="LOCUST_VARIANT",
        help="which variant to load",
    )


class OneVariant(LabUser):
    """A user who asks for the same variant of all experiments, page after page."""

    abstract = True

    @task
    def next_page(self):
        experiment = next(self.experiments)
        slow, fast = slow_and_fast(experiment)
        variant = fast if self.environment.parsed_options.variant == "fast" else slow
        self.get_variant(experiment, variant, name=experiment["slug"])


@dataclass
class Step:
    """What the lab served while there were so many users."""

    users: int
    answers: int
    failing: float  # share of the answers
    rate: float  # answers per second
    p95: int  # ms, to the two digits that Locust keeps

    def __str__(self):
        users = f"{self.users} user{'' if self.users == 1 else 's'}"
        return (
            f"{users} ({self.rate:.1f} requests/s, p95 {self.p95} ms, {self.failing:.1%} failures)"
        )


class Shape(LoadTestShape):
    """The number of users over time: Locust calls `tick` about once a second."""

    abstract = True
    use_common_options = True
    conclusion = None

    def reset_time(self):
        """Begin a run; in the web interface several may follow each other."""
        super().reset_time()
        self.runner.stats.clear_all()
        self.steps = []
        Shape.conclusion = None

    def conclude(self, line):
        """Keep the conclusion, and return the None with which `tick` ends a run."""
        Shape.conclusion = line
        logging.info(line)

    def read_counts(self):
        """Return what Locust has counted so far in this run."""
        total = self.runner.stats.total
        return self.get_run_time(), total.num_requests, total.num_failures, {**total.response_times}

    def step_since(self, before, users):
        """Return the Step since the counts `before` were read."""
        then, answers_then, failures, times = before
        now, all_answers, all_failures, all_times = self.read_counts()
        answers = all_answers - answers_then
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
    """A run in parts of fixed length.

    `parts` returns (users, seconds) for each part, and `verdict` the conclusion of all of them.
    """

    abstract = True

    def reset_time(self):
        super().reset_time()
        self.before = self.read_counts()

    def tick(self):
        parts, now = self.parts(), self.get_run_time()
        users = parts[len(self.steps)][0]
        if now >= sum(seconds for _, seconds in parts[: len(self.steps) + 1]):
            self.steps.append(self.step_since(self.before, users))
            self.before = self.read_counts()
            if len(self.steps) == len(parts):
                return self.conclude(self.verdict())
            users = parts[len(self.steps)][0]
        return users, AT_ONCE


@events.quit.add_listener
def print_conclusion(**_):
    """Print the conclusion once more, below the tables that end a run without web interface."""
    if Shape.conclusion:
        print(Shape.conclusion, file=sys.stderr)
