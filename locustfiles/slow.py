"""How much of this can the lab take? Every experiment's slow variant, page after page.

    locust -f locustfiles/slow.py --headless --users 4 --run-time 30s

Each user goes round all experiments and asks for the next page as soon as it has the last one.
Run fast.py with the same options and compare row by row: the rows are named alike.
"""

from _lab import LabUser, variants
from locust import task


class SlowVariant(LabUser):
    @task
    def next_page(self):
        experiment = next(self.tour)
        self.see_variant(variants(experiment)[0], name=experiment["slug"])
