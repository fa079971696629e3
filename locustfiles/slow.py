"""Load every experiment's slow variant, page after page: how many can the lab serve?

    locust -f locustfiles/slow.py --headless --users 4 --run-time 30s

Each user goes through all experiments and asks for the next page as soon as the last one has
arrived. Run fast.py with the same options and compare the tables: their rows have the same names.
"""

from _lab import LabUser, slow_and_fast
from locust import task


class SlowVariant(LabUser):
    @task
    def next_page(self):
        experiment = next(self.experiments)
        slow, _ = slow_and_fast(experiment)
        self.get_variant(experiment, slow, name=experiment["slug"])
