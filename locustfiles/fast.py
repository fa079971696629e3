"""Load every experiment's fast variant, page after page: how many can the lab serve?

    locust -f locustfiles/fast.py --headless --users 4 --run-time 30s

This is the counterpart of slow.py: the users, the order and the names are the same, and only the
pages differ.
"""

from _lab import LabUser, slow_and_fast
from locust import task


class FastVariant(LabUser):
    @task
    def next_page(self):
        experiment = next(self.experiments)
        _, fast = slow_and_fast(experiment)
        self.get_variant(experiment, fast, name=experiment["slug"])
