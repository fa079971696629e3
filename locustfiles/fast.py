"""And how much of this? Every experiment's fast variant, page after page.

    locust -f locustfiles/fast.py --headless --users 4 --run-time 30s

The counterpart of slow.py: same users, same order, same names. What differs is the pages.
"""

from _lab import LabUser, variants
from locust import task


class FastVariant(LabUser):
    @task
    def next_page(self):
        experiment = next(self.tour)
        self.see_variant(variants(experiment)[1], name=experiment["slug"])
