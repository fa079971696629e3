"""Load both variants of every experiment in one run, on the same workers at the same time.

    locust -f locustfiles/duel.py --headless --users 2 --run-time 30s

Each user takes an experiment and asks for its slow and its fast variant, in random order. As long
as there are no more users than workers, nobody waits, and the two rows of the table show the
difference between the two pages. With more users the fast pages queue behind the slow ones: a slow
page makes everybody wait.
"""

import random

from _lab import LabUser, slow_and_fast
from locust import task


class Duel(LabUser):
    @task
    def both_variants(self):
        experiment = next(self.experiments)
        slow, fast = slow_and_fast(experiment)
        both = [(slow, "slow"), (fast, "fast")]
        random.shuffle(both)
        for variant, name in both:
            self.get_variant(experiment, variant, name=f"{experiment['slug']} {name}")
